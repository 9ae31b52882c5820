"""The licences of every package that the locks name.

    python -m tests.support.licences

writes THIRD_PARTY.md anew, from what the installed packages say of themselves.

    python -m tests.support.licences --untouched-since 2024-11-28

lists the locked packages whose locked version is older than that day: each of them needs its
reason in RESTING.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "THIRD_PARTY.md"

# What the package's own files say where its metadata does not, or what no Linux installs.
TOLD_ELSEWHERE = {
    "appnope": "BSD-2-Clause",
    "aws-cryptographic-material-providers": "Apache-2.0",
    "aws-cryptography-internal-dynamodb": "Apache-2.0",
    "aws-cryptography-internal-kms": "Apache-2.0",
    "aws-cryptography-internal-primitives": "Apache-2.0",
    "aws-cryptography-internal-standard-library": "Apache-2.0",
    "axe-playwright-python": "MIT",
    "pywin32": "PSF-2.0",
    "pywinpty": "MIT",
    "pyyaml-ft": "MIT",
}
# Licences under which a program under Apache-2.0 may use a library: permissive ones, and the
# Mozilla licence, which asks for the sources of its own files only.
COMPATIBLE = re.compile(
    r"(0BSD|Apache|Artistic|BSD|CC0|CNRI|ISC|MIT|MPL|Mozilla|PSF|Python Software|Public Domain"
    r"|Unlicense|Zlib)"
)
# Locked versions of more than two years, and why they are all right.
RESTING = {
    "dynamodb-encryption-sdk": "the subject of three lessons; AWS's last release of it",
    "dafnyruntimepython": "what AWS's encryption libraries for Python are compiled to",
    "nbval": "compares the lessons' outputs; complete for what it does",
    "pip-requirements-parser": "reads the locks for pip-audit",
    **dict.fromkeys(
        ("docutils", "rsa", "colorama"), "the version that the AWS CLI of the tests asks for"
    ),
    **dict.fromkeys(
        ("isoduration", "rfc3339-validator", "rfc3986-validator", "uri-template"),
        "a checker of one finished standard, for Jupyter's event schemas",
    ),
    **dict.fromkeys(
        (
            "jupyterlab-pygments",
            "mdurl",
            "notebook-shim",
            "overrides",
            "pandocfilters",
            "terminado",
        ),
        "a small part of JupyterLab or nbconvert, kept by their projects",
    ),
    **dict.fromkeys(
        ("pexpect", "ptyprocess", "stack-data"), "a part of IPython: terminals and tracebacks"
    ),
    **dict.fromkeys(("blinker", "itsdangerous"), "a part of Flask, kept by its project"),
    **dict.fromkeys(
        ("defusedxml", "mpmath", "python-dateutil", "sortedcontainers"),
        "complete, and everywhere in use",
    ),
}


def locked(lock: str) -> dict[str, str]:
    """The packages of a lock and their versions; the newest where there are several."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", (ROOT / lock).read_text("utf-8"), re.M))


def licence(distribution: Distribution) -> str:
    """What an installed package says of its licence; empty if it says nothing."""
    said = distribution.metadata
    classified = [
        line.rpartition("::")[2].strip()
        for line in said.get_all("Classifier") or []
        if line.startswith("License") and not line.endswith("OSI Approved")
    ]
    for words in (
        " ".join(said.get_all("License-Expression") or []),
        " OR ".join(classified),  # several classifiers are a choice
        " ".join(said.get_all("License") or []).partition("\n")[0],
    ):
        if words:
            return words
    return ""


def licences() -> dict[str, str]:
    """The licence of every locked package."""
    installed: dict[str, str] = {
        canonicalize_name(d.metadata["Name"]): licence(d) for d in distributions()
    }
    return {
        name: TOLD_ELSEWHERE.get(name) or installed.get(name, "")
        for name in sorted(locked("requirements-dev.lock"))
    }


def compatible(words: str) -> bool:
    """Whether a library under this licence may be used: one alternative with all of its parts."""
    return any(
        all(COMPATIBLE.search(part) for part in re.split(r"\s+AND\s+", alternative))
        for alternative in re.split(r"\s+OR\s+", words)
    )


def untouched_since(day: str) -> Iterator[str]:
    """The locked packages whose locked version was there before that day, as the index tells."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "one.in"
        compile_ = [sys.executable, "-m", "uv", "pip", "compile", "--no-deps", "--quiet"]
        for name, version in locked("requirements-dev.lock").items():
            wanted.write_text(f"{name}=={version}\n", encoding="utf-8")
            asked = [*compile_, "--exclude-newer", day, str(wanted)]
            if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
                yield name


def page() -> str:
    """THIRD_PARTY.md, whole."""
    course = locked("requirements.lock")
    rows = [
        f"| {name} | {words} | {'the course' if name in course else 'the tests'} |"
        for name, words in licences().items()
    ]
    resting = [f"| {name} | {why} |" for name, why in sorted(RESTING.items())]
    return "\n".join(
        [
            "# The packages this course stands on",
            "",
            "What the two locks name, under which licence, and what needs it. "
            "None of it is in this repository.",
            "Written by `.venv/bin/python -m tests.support.licences`; "
            "`tests/project/test_licences.py` holds it to the locks.",
            "",
            "| package | licence | for |",
            "| --- | --- | --- |",
            *rows,
            "",
            "## Without a release for two years (looked at in November 2026)",
            "",
            "| package | why it is kept |",
            "| --- | --- |",
            *resting,
            "",
        ]
    )


def main() -> None:
    """Write the page, or list what has had no release for long."""
    parser = argparse.ArgumentParser(description="The licences of the locked packages.")
    parser.add_argument("--untouched-since", metavar="DAY", help="list these packages instead")
    day = parser.parse_args().untouched_since
    if day:
        for name in untouched_since(day):
            print(f"{name}: {RESTING.get(name, 'NO REASON GIVEN')}")
    else:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
