"""The whole of the site, in order; each step says a line."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pages
from browser import bytecode, downloads, licences, lite, lockfile, wheels
from browser.trouble import Trouble
from browser.wheels import COMPILED, COURSE, Wheel

ROOT = Path(__file__).resolve().parent.parent
LIVE = "live"
"""The part of the site where lessons run; what stands beside it are pages to read."""
LESSON = f"{LIVE}/{lite.address('')}"
"""Where a lesson opens, from the folder of the site, but for the name of its file."""
_KERNEL = {"ipykernel": ["comm"], "piplite": ["micropip"], "pyodide-kernel": ["comm", "ipython"]}


def build(
    output: Path,
    self_contained: Path | None = None,
    say: Callable[[str], None] = print,
    root: Path = ROOT,
) -> Path:
    """Build the site in `output`, in place of an earlier one, and return its part that is live.

    Args:
        output: the folder of the site.
        self_contained: a folder with the four compiled wheels, which the site then ships; else a
            learner's browser takes them from Pyodide's CDN. Both by the hashes of Pyodide's lock.
        say: is told each step.
        root: the course's folder.
    Raises Trouble where a tool, the network or a wheel is missing.
    """
    live = output / LIVE
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        work = Path(folder)
        say("1/5  fetching Pyodide and micropip, where they are not there yet")
        core, micropip = downloads.fetch()
        if self_contained is not None:
            check_compiled(core, self_contained)
        say("2/5  packing the course and what it needs as wheels")
        packages = work / "packages"
        packages.mkdir()
        needs = course_needs(root)
        shipped = [wheels.pack(*each, packages) for each in needs.items() if _packed(each[0])]
        shipped.append(_copied(wheels.course(root, work), needs[COURSE], packages))
        shipped.append(_copied(micropip, [], packages))
        say("3/5  building JupyterLite with the lessons")
        built = work / LIVE
        lite.build(root, work, built)
        lite.add_pyodide(core, built)
        for wheel in lite.kernel_wheels(built):
            shipped.append(_copied(wheel, _KERNEL[_name(wheel)], packages))
        bytecode.add(core, shipped, work)
        if self_contained is not None:
            for entry in lockfile.compiled(core).values():
                shutil.copy(self_contained / entry["file_name"], packages)
        place = "." if self_contained else _cdn()
        licences.write(shipped, built, root)
        lock = lockfile.lock(core, shipped, needs, place)
        (packages / "pyodide-lock.json").write_text(json.dumps(lock, indent=1) + "\n", "utf-8")
        shutil.move(packages, built)
        say(f"4/5  putting it into {live}")
        output.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(live, ignore_errors=True)
        shutil.move(built, live)
    say("5/5  writing the pages beside it")
    pages.build(output, LESSON)
    size = sum(file.stat().st_size for file in live.rglob("*") if file.is_file())
    rest = "" if self_contained else ", and four wheels that a browser takes from Pyodide's CDN"
    say(f"     {len(shipped)} packages, {size / 1e6:.1f} MB{rest}")
    return live


def course_needs(root: Path) -> dict[str, list[str]]:
    """All packages of the site, the course among them, each with what it needs."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    needs = wheels.closure([*project["dependencies"], "ipython", "comm", "jedi"])
    own = sorted({wheels.name_of(line) for line in project["dependencies"]} & needs.keys())
    return {**needs, COURSE: own}


def check_compiled(core: Path, folder: Path) -> None:
    """Raise Trouble unless the four compiled wheels lie in `folder`, as Pyodide's lock has them."""
    for name, entry in lockfile.compiled(core).items():
        wheel = folder / entry["file_name"]
        if not wheel.is_file():
            raise Trouble(
                f"{folder} has no {wheel.name}: get it from {_cdn()}/ for `--self-contained`, "
                f"or leave that out and browsers take {name} from there."
            )
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != entry["sha256"]:
            raise Trouble(f"{wheel} is not the file that Pyodide's lock names: get it anew.")


def _packed(name: str) -> bool:
    return name not in (*COMPILED, COURSE)


def _copied(wheel: Path, depends: list[str], packages: Path) -> Wheel:
    """A wheel that is there already."""
    path = Path(shutil.copy(wheel, packages))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return Wheel(_name(wheel), wheel.name.split("-")[1], path, depends, wheels.imports(names))


def _name(wheel: Path) -> str:
    return wheel.name.split("-")[0].replace("_", "-")


def _cdn() -> str:
    from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL, PYODIDE_VERSION

    if downloads.pins()["pyodide"]["version"] != PYODIDE_VERSION:
        raise Trouble(
            f"This JupyterLite expects Pyodide {PYODIDE_VERSION}: name that in "
            "browser/downloads.toml, with its integrity."
        )
    return str(PYODIDE_CDN_URL)
