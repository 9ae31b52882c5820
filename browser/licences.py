"""What the site ships, and under which licences: `licences.txt`, beside JupyterLite."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path, PurePosixPath

from browser.trouble import Trouble
from browser.wheels import Wheel

FILE = "licences.txt"
_ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]+?) \|", re.M)
_ABOUT = """What this site ships, and under which licence.

The text of each package's licence is in its wheel, in packages/. Those of JupyterLab and of the
libraries in it are in build/third-party-licenses.json.
"""
_OTHERS = {
    "Python, in Pyodide": "PSF-2.0",
    "Pyodide": "MPL-2.0 (its source: the npm package pyodide, and its repository)",
    "JupyterLite, JupyterLab, their kernel for Pyodide": "BSD-3-Clause",
}


def write(shipped: Sequence[Wheel], folder: Path, root: Path) -> None:
    """Write the list of these packages, and of what carries them, into `folder`.

    `THIRD_PARTY.md` in the course's `root` knows most of them.
    """
    known = dict(_ROW.findall((root / "THIRD_PARTY.md").read_text("utf-8")))
    lines = [f"{name}: {licence}" for name, licence in _OTHERS.items()]
    for wheel in shipped:
        lines.append(f"{wheel.name} {wheel.version}: {known.get(wheel.name) or said(wheel.path)}")
    (folder / FILE).write_text("\n".join([_ABOUT, *sorted(lines), ""]), "utf-8")


def said(wheel: Path) -> str:
    """What a wheel says that its licence is. Raises Trouble where it says nothing."""
    with zipfile.ZipFile(wheel) as packed:
        own = [n for n in packed.namelist() if PurePosixPath(n).match("*.dist-info/METADATA")]
        about = Parser().parsestr(packed.read(own[0]).decode("utf-8"))
    classes = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier", [])
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    licence = about.get("License-Expression") or ", ".join(classes) or about.get("License")
    if not licence:
        raise Trouble(f"{wheel.name} names no licence: write it into THIRD_PARTY.md.")
    return str(licence)
