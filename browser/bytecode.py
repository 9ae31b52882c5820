"""Bytecode beside the Python files of the wheels, so that no browser has to compile them.

It halves the time that importing takes. The compiler is Pyodide's own Python, run by Node.js.
"""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

from browser import wheels
from browser.downloads import node
from browser.trouble import Trouble
from browser.wheels import Wheel

SCRIPT = Path(__file__).with_suffix(".mjs")
RARELY = frozenset(("jedi", "prompt-toolkit", "pycparser", "pygments", "pytz", "tzdata", "wcwidth"))
"""Large packages of which little is imported: for them it would be a longer download, no more."""


def add(core: Path, shipped: list[Wheel], work: Path) -> None:
    """Write each wheel anew, with its bytecode. Raises Trouble with what the compiler said."""
    chosen, compiled = work / "to-compile", work / "bytecode"
    chosen.mkdir()
    compiled.mkdir()
    some = [wheel for wheel in shipped if wheel.name not in RARELY]
    for wheel in some:
        (chosen / wheel.path.name).hardlink_to(wheel.path)
    command = [str(node()), str(SCRIPT), str(core), str(chosen), str(compiled)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"The wheels cannot be compiled:\n{done.stderr[-2000:]}")
    for wheel in some:
        content = _read(wheel.path) | _read(compiled / wheel.path.name)
        wheel.path.unlink()
        wheels.write(wheel.path, wheels.recorded(content))


def _read(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as packed:
        return {name: packed.read(name) for name in packed.namelist()}
