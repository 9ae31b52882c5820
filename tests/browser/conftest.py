"""The built site, and the real packages in the versions that a browser has: made once, for long."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import workshop
from tests.browser.stand_ins.making import install_real

if TYPE_CHECKING:
    from tests.support.live_site import LiveSite

ROOT = Path(workshop.__file__).parent


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
    install_real(folder)
    return folder


@pytest.fixture(scope="module")
def server(
    site: Path, pinned: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveSite]:
    """The site on loopback, with the stand-ins in it."""
    from tests.support.live_site import LiveSite  # where Playwright is missing, this skips

    server = LiveSite(site, pinned, tmp_path_factory.mktemp("over"))
    yield server
    server.stop()
