"""Wheels of the stand-ins, and a lock of the site that names them in place of the real ones."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import workshop
from browser import wheels

HERE = Path(__file__).parent
COMPILED = HERE.with_name("compiled.txt")
_RUST = "cryptography/hazmat/bindings/_rust.py"
_KEYWRAP = "cryptography/hazmat/primitives/keywrap.py"
_BINDING = "cryptography/hazmat/bindings/openssl/binding.py"  # what only pyOpenSSL needs


def install_real(folder: Path) -> None:
    """Put the four packages themselves into a folder, of the versions that Pyodide has."""
    command = ("-m", "uv", "pip", "install", "--python", sys.executable, "--target", folder)
    options = ("--no-deps", "--require-hashes", "--quiet", "-r", COMPILED)
    workshop.run(sys.executable, *command, *options, env=workshop.uv_environment())


def lay_over(site: Path, real: Path, over: Path) -> None:
    """Write into `over` what is to lie over the site: four wheels, and the lock.

    Args:
        site: the built site.
        real: the folder of `install_real`.
        over: an empty folder.
    """
    packages = over / "live/packages"
    packages.mkdir(parents=True)
    lock = json.loads((site / "live/packages/pyodide-lock.json").read_text("utf-8"))
    for name, content in _contents(real).items():
        entry = lock["packages"][name]
        wheel = packages / f"{name}-{entry['version']}-py3-none-any.whl"
        home = f"{name}-{entry['version']}.dist-info"
        content[f"{home}/METADATA"] = _text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {entry['version']}\n"
        )
        content[f"{home}/WHEEL"] = _text(
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        content[f"{home}/RECORD"] = b""
        wheels.write(wheel, content)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        entry.update(file_name=wheel.name, sha256=digest)
    (packages / "pyodide-lock.json").write_text(json.dumps(lock), "utf-8")


def _contents(real: Path) -> dict[str, dict[str, bytes]]:
    remote = (HERE / "remote.py").read_bytes()
    python = {
        path.relative_to(real).as_posix(): path.read_bytes()
        for path in sorted((real / "cryptography").rglob("*.py"))
    }
    return {
        "cffi": {"cffi/__init__.py": b""},
        "cryptography": {
            **python,
            _RUST: (HERE / "rust_here.py").read_bytes(),
            _KEYWRAP: (HERE / "keywrap_here.py").read_bytes(),
            _BINDING: b"class Binding:\n    lib = ffi = None\n",
            "stand_in_remote.py": remote,
        },
        "numpy": {"numpy/__init__.py": b"", "stand_in_remote.py": remote},
        "pandas": {"pandas/__init__.py": (HERE / "pandas_here.py").read_bytes()},
    }


def _text(words: str) -> bytes:
    return words.encode()
