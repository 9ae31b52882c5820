"""`pyodide-lock.json`: which wheel the browser takes for an import, from where, by which hash.

It names what this site ships, and the four compiled packages. Nothing else can be installed: what
is not named here is not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from browser.wheels import COMPILED, Wheel


def compiled(core: Path) -> dict[str, dict[str, Any]]:
    """What Pyodide's own lock says of the four compiled packages."""
    packages = json.loads((core / "pyodide-lock.json").read_text("utf-8"))["packages"]
    return {name: packages[name] for name in COMPILED}


def lock(
    core: Path, wheels: Sequence[Wheel], needs: Mapping[str, list[str]], compiled_at: str
) -> dict[str, Any]:
    """The lock of these wheels, and of the four, which lie at `compiled_at`.

    `core` is Pyodide's folder, `needs` says what each package needs.
    """
    info = json.loads((core / "pyodide-lock.json").read_text("utf-8"))["info"]
    names = {wheel.name for wheel in wheels} | set(COMPILED)
    packages = {wheel.name: _entry(wheel, names) for wheel in wheels}
    for name, entry in compiled(core).items():
        own = [str(canonicalize_name(each)) for each in entry["depends"]]
        depends = sorted(names.intersection(own + needs[name]))
        packages[name] = {
            **entry, "file_name": f"{compiled_at}/{entry['file_name']}", "depends": depends,
        }  # fmt: skip
    return {"info": info, "packages": dict(sorted(packages.items()))}


def _entry(wheel: Wheel, names: set[str]) -> dict[str, Any]:
    return {
        "name": wheel.name,
        "version": wheel.version,
        "file_name": wheel.path.name,
        "install_dir": "site",
        "sha256": wheel.sha256,
        "package_type": "package",
        "imports": wheel.imports,
        "depends": sorted(names.intersection(wheel.depends)),
        "unvendored_tests": False,
    }
