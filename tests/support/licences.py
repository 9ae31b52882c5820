"""The licences of every package that the locks name.

    python -m tests.support.licences

writes THIRD_PARTY.md anew, from what the packages installed in the course's environments say of
themselves; a package that is in none of them keeps the row that it has. (`workshop.py class`, `hub`
and `site` make theirs.)

    python -m tests.support.licences --untouched-since 2024-11-28

lists the locked packages whose locked version is older than that day: each of them needs its
reason in RESTING.
"""

import argparse
import json
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
LOCKS = {  # a package is listed for the first of these that names it
    "requirements.lock": "the course",
    "requirements-class.lock": "a class",
    "requirements-hub.lock": "a hub",
    "requirements-site.lock": "the browser edition",
    "requirements-dev.lock": "the tests",
}
NPM_LOCKS = {
    "classroom/deck/package-lock.json": "slides",
    "classroom/proxy/package-lock.json": "a hub",
}
_ROW = re.compile(r"^\| ([a-z0-9-]+) \| ([^|]+) \| [^|]+ \|$", re.M)

# What the package's own files say where its metadata does not, or what no Linux installs.
TOLD_ELSEWHERE = {
    "appnope": "BSD-2-Clause",
    "aws-cryptographic-material-providers": "Apache-2.0",
    "aws-cryptography-internal-dynamodb": "Apache-2.0",
    "aws-cryptography-internal-kms": "Apache-2.0",
    "aws-cryptography-internal-primitives": "Apache-2.0",
    "aws-cryptography-internal-standard-library": "Apache-2.0",
    "axe-playwright-python": "MIT",
    "jupyterhub-idle-culler": "BSD-3-Clause",
    "pkginfo": "MIT",
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


def users() -> dict[str, str]:
    """What needs each locked package."""
    first: dict[str, str] = {}
    for lock, user in LOCKS.items():
        for name in locked(lock):
            first.setdefault(name, user)
    return dict(sorted(first.items()))


def licences() -> dict[str, str]:
    """The licence of every locked package."""
    known = dict(_ROW.findall(PAGE.read_text(encoding="utf-8")))
    places = [*sys.path, *map(str, ROOT.glob(".venv*/lib/*/site-packages"))]
    installed: dict[str, str] = {
        canonicalize_name(d.metadata["Name"]): licence(d) for d in distributions(path=places)
    }
    return {
        name: TOLD_ELSEWHERE.get(name) or installed.get(name) or known.get(name, "")
        for name in users()
    }


def npm_licences() -> dict[str, tuple[str, str]]:
    """The licence of every package that npm brings, as its lock tells, and what needs it."""
    told: dict[str, tuple[str, str]] = {}
    for lock, user in NPM_LOCKS.items():
        packages = json.loads((ROOT / lock).read_text("utf-8"))["packages"]
        for place, package in packages.items():
            if place:
                name = place.rpartition("node_modules/")[2]
                told.setdefault(name, (package.get("license", ""), user))
    return dict(sorted(told.items()))


def compatible(words: str) -> bool:
    """Whether a library under this licence may be used: one alternative with all of its parts."""
    return any(
        all(COMPATIBLE.search(part) for part in re.split(r"\s+AND\s+", alternative))
        for alternative in re.split(r"\s+OR\s+", words)
    )


def untouched_since(day: str) -> Iterator[str]:
    """The locked packages whose locked version was there before that day, as the index tells."""
    versions = {name: version for lock in LOCKS for name, version in locked(lock).items()}
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "one.in"
        compile_ = [sys.executable, "-m", "uv", "pip", "compile", "--no-deps", "--quiet"]
        for name, version in versions.items():
            wanted.write_text(f"{name}=={version}\n", encoding="utf-8")
            asked = [*compile_, "--exclude-newer", day, str(wanted)]
            if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
                yield name


def page() -> str:
    """THIRD_PARTY.md, whole."""
    needed = users()
    rows = [f"| {name} | {words} | {needed[name]} |" for name, words in licences().items()]
    by_npm = [f"| {name} | {words} | {user} |" for name, (words, user) in npm_licences().items()]
    resting = [f"| {name} | {why} |" for name, why in sorted(RESTING.items())]
    return "\n".join(
        [
            "# The packages this course stands on",
            "",
            "What the locks name, under which licence, and what needs it. "
            "None of it is in this repository.",
            "Written by `.venv/bin/python -m tests.support.licences`; "
            "`tests/project/test_licences.py` holds it to the locks.",
            "",
            "| package | licence | for |",
            "| --- | --- | --- |",
            *rows,
            "",
            "## By npm",
            "",
            "| package | licence | for |",
            "| --- | --- | --- |",
            *by_npm,
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
