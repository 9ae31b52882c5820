"""The built site, and the real packages in the versions that a browser has: made once, for long."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import workshop

ROOT = Path(workshop.__file__).parent
COMPILED = Path(__file__).with_name("compiled.txt")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `python3 workshop.py site` builds; WORKSHOP_SITE may name one that is there."""
    built = os.environ.get("WORKSHOP_SITE")
    if built:
        return Path(built)
    output = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(ROOT / "workshop.py"), "site", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture(scope="session")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the four compiled packages, of the versions that Pyodide has."""
    folder = tmp_path_factory.mktemp("pinned")
    command = ("-m", "uv", "pip", "install", "--python", sys.executable, "--target", folder)
    options = ("--no-deps", "--require-hashes", "--quiet", "-r", COMPILED)
    workshop.run(sys.executable, *command, *options, env=workshop.uv_environment())
    return folder
