"""`python -m pages DIR [--live]` writes the pages into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from pages import build

parser = argparse.ArgumentParser(prog="python -m pages", description="Write the course's pages.")
parser.add_argument("output", type=Path, help="the folder")
parser.add_argument("--live", action="store_true", help="link to the browser edition at live/")
options = parser.parse_args()
build(options.output, options.live)
