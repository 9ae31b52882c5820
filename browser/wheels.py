"""Wheels of what is installed in this environment, for a Python that has no compiled modules.

The environment's lock checked each package by its hash when it was installed. Here a package's
files are packed again, without what a browser cannot use: compiled modules (the packages that ship
here do without theirs), scripts, and what `trimming` leaves out. What each package needs is its
own word, read for Python in a browser.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from browser import trimming
from browser.trouble import Trouble

COURSE = "where-is-the-plaintext"
COMPILED = ("cffi", "cryptography", "numpy", "pandas")
"""What has no Python in place of its compiled modules: these come from Pyodide, as they are."""
NOT_THERE = {
    "anycrc": "compiled; workshop_lib computes the same sums in Python",
    "docker": "moto starts containers with it, which the sandbox never asks for",
    "jupyterlab": "JupyterLite is in its place",
    "widgetsnbextension": "for the classic notebook",
}
"""What is asked for and left out, and why nothing misses it."""
_BROWSER = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_system": "Emscripten",
    "python_full_version": "3.14.2",
    "python_version": "3.14",
    "sys_platform": "emscripten",
}
LIBRARIES = (".so", ".pyd", ".dylib", ".dll")
_DATE = (2020, 1, 1, 0, 0, 0)  # the same content is the same file


@dataclass
class Wheel:
    """A package as it is shipped: its file, and what Pyodide has to know about it."""

    name: str
    version: str
    path: Path
    depends: list[str]
    imports: list[str] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """The hash by which the browser knows the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def closure(roots: Iterable[str]) -> dict[str, list[str]]:
    """All packages that these need in a browser, each with what it needs itself.

    Raises Trouble where one is not installed.
    """
    found: dict[str, list[str]] = {}
    waiting = [Requirement(root) for root in roots]
    extras: dict[str, set[str]] = {}
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        new = set(wanted.extras) - extras.setdefault(name, set())
        if name in NOT_THERE or (name in found and not new):
            continue
        extras[name] |= new
        needs = list(_needs(_installed(name), extras[name]))
        found[name] = sorted({canonicalize_name(need.name) for need in needs} - NOT_THERE.keys())
        waiting += needs
    return dict(sorted(found.items()))


def name_of(requirement: str) -> str:
    """The package that a line of requirements is about."""
    return canonicalize_name(Requirement(requirement).name)


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise Trouble(
            f"{name} is not installed in {sys.prefix}: delete that folder, then call this again."
        ) from None


def _needs(package: Distribution, extras: Iterable[str]) -> Iterator[Requirement]:
    for line in package.requires or ():
        need = Requirement(line)
        marker = need.marker
        if marker is None or any(marker.evaluate({**_BROWSER, "extra": e}) for e in ("", *extras)):
            yield need


def course(root: Path, folder: Path) -> Path:
    """Build the wheel of `workshop_lib`. Raises Trouble with what hatchling said."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"workshop_lib cannot be packed:\n{(done.stderr or done.stdout)[-2000:]}")
    return next(folder.glob("where_is_the_plaintext-*.whl"))


def pack(name: str, depends: list[str], folder: Path) -> Wheel:
    """Pack an installed package into `folder`, as a wheel that any Python takes."""
    package = _installed(name)
    content = dict(sorted(_content(name, package)))
    home = _home(content)
    content[f"{home}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: workshop.py site\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n"
    )
    path = folder / f"{name.replace('-', '_')}-{package.version}-py3-none-any.whl"
    write(path, recorded(content))
    return Wheel(name, package.version, path, depends, imports(content))


def recorded(content: dict[str, bytes]) -> dict[str, bytes]:
    """The files of a wheel, with a RECORD of them in place of the one that was there."""
    own = f"{_home(content)}/RECORD"
    rest = {name: data for name, data in sorted(content.items()) if name != own}
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in rest.items()]
    return {**rest, own: "\n".join([*lines, f"{own},,", ""]).encode()}


def _home(content: Iterable[str]) -> PurePosixPath:
    """The folder of a wheel that tells about it."""
    return next(path.parent for path in map(PurePosixPath, content) if path.name == "METADATA")


def write(path: Path, content: dict[str, bytes]) -> None:
    """Write a wheel, or any archive, of these files: the same bytes for the same files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def _content(name: str, package: Distribution) -> Iterator[tuple[str, bytes]]:
    for file in package.files or ():
        path = PurePosixPath(file.as_posix())
        if ".." in path.parts or "__pycache__" in path.parts or path.suffix == ".pyc":
            continue
        if path.suffix in (*LIBRARIES, ".c") or path.name in _INSTALLERS:
            continue
        if f"{name.replace('-', '_')}.libs" in path.parts or not trimming.keeps(name, path):
            continue
        yield str(path), Path(str(file.locate())).read_bytes()


_INSTALLERS = ("INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json")


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def imports(names: Iterable[str]) -> list[str]:
    """The top names that can be imported from a wheel with these files."""
    found = set()
    for path in map(PurePosixPath, names):
        if path.suffix == ".py" and not path.parts[0].endswith((".dist-info", ".data")):
            found.add(path.parts[0].removesuffix(".py"))
    return sorted(found)
