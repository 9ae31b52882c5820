"""Google Colab: `%run` of this file sets it up; `colab_notebook` makes lessons that do so first.

Colab's kernel has packages of its own, which its pages count on (ipywidgets 7 among them), and
which are loaded already. So what the course needs beside them is installed from requirements.lock,
by hash, into a folder of its own, that only this kernel looks into. Standard library only.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / ".colab"
BROUGHT = frozenset({"ipywidgets", "jupyterlab", "pandas", "pip", "uv"})
"""What Colab brings, with all that it needs in turn."""

CELL = """\
# In Colab only: gets the course, and the locked packages that Colab lacks (a minute, once)
![ -d course ] || git clone --quiet --depth 1 ADDRESS course
%run course/pages/colab.py"""
"""The cell that sets Colab up; ADDRESS stands for that of the repository."""

_IMAGE = re.compile(r"\]\(\.\./images/([\w-]+\.svg)\)")


def repository() -> str | None:
    """The address to clone, where GitHub builds the pages; elsewhere nobody knows it."""
    name = os.environ.get("GITHUB_REPOSITORY")
    return name and f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"


def colab_notebook(lesson: Path, address: str) -> str:
    """A lesson for Colab: the cell above before all others, pictures within it, no outputs."""
    notebook = json.loads(lesson.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
        else:
            cell["source"] = _IMAGE.sub(_inline, "".join(cell["source"]))
    first: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "colab",
        "metadata": {},
        "outputs": [],
        "source": CELL.replace("ADDRESS", address),
    }
    notebook["cells"].insert(0, first)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def needed(lock: str) -> list[str]:
    """The entries of a lock that the course needs where Colab brings `BROUGHT`."""
    entries = {
        re.match(r"[\w.-]+", entry)[0]: entry  # type: ignore[index]  # an entry begins so
        for entry in re.split(r"^(?=\S)", lock, flags=re.M)
        if entry
    }
    wanted_by = {
        name: re.findall(r"^ +# +(?:via )?(\w[\w.-]*)", entry, re.M)
        for name, entry in entries.items()
    }
    found = {"where-is-the-plaintext"}
    while True:
        more = {
            name
            for name, others in wanted_by.items()
            if name not in found | BROUGHT and not found.isdisjoint(others)
        }
        if not more:
            return [entry for name, entry in entries.items() if name in found]
        found |= more


def set_up() -> None:
    """Install what is needed, once, and let this kernel find it and the course."""
    installed = PACKAGES / "installed"
    if not installed.exists():
        PACKAGES.mkdir(exist_ok=True)
        lock = PACKAGES / "requirements.txt"
        lock.write_text("".join(needed((ROOT / "requirements.lock").read_text("utf-8"))), "utf-8")
        options = "--quiet --disable-pip-version-check --no-deps --require-hashes --upgrade"
        target = ("--target", str(PACKAGES), "-r", str(lock))
        subprocess.run(
            [sys.executable, "-m", "pip", "install", *options.split(), *target], check=True
        )
        installed.touch()
    for place in (PACKAGES, ROOT):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    print("The course is ready: go on with the next cell.")


def _inline(found: re.Match[str]) -> str:
    picture = base64.b64encode((ROOT / "images" / found[1]).read_bytes()).decode()
    return f"](data:image/svg+xml;base64,{picture})"


if __name__ == "__main__":
    set_up()
