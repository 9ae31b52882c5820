"""`python -m pages DIR` writes the pages into a folder; they lead into a browser edition there."""

from __future__ import annotations

import argparse
from pathlib import Path

from browser.build import LESSON, LIVE
from pages import build

parser = argparse.ArgumentParser(prog="python -m pages", description="Write the course's pages.")
parser.add_argument("output", type=Path, help="the folder")
output = parser.parse_args().output
build(output, LESSON if (output / LIVE).is_dir() else "")
