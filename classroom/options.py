"""The options of a class, for `python3 workshop.py class` and for a hub's."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

FOLDER = "my-class"
PORT = 8765


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="workshop.py class", description="Hold a class.")
    add = parser.add_argument
    add("--port", type=int, default=PORT, help=f"the port that learners reach (default {PORT})")
    add("--host", help="listen here (default: this machine's address in its network)")
    add("--address", help="what learners type, where it differs: https://class.example.org")
    add("--folder", default=FOLDER, help=f"where the class is kept (default {FOLDER})")
    add(
        "--database",
        metavar="URL",
        default=os.environ.get("WORKSHOP_CLASS_DATABASE"),
        help="keep it in PostgreSQL: postgresql://user:password@host/name (better in "
        "WORKSHOP_CLASS_DATABASE, which no list of processes shows)",
    )
    add("--title", help="what the class is called")
    add("--plan", help="the plan to follow, by its name")
    add(
        "--site",
        type=Path,
        metavar="DIR",
        help="serve this browser edition (default _site, if built)",
    )
    add("--cert", type=Path, help="a certificate for TLS, with its chain")
    add("--key", type=Path, help="its private key")
    add("--no-browser", action="store_true", help="print the board's link, open nothing")
    options = parser.parse_args(arguments)
    if bool(options.cert) != bool(options.key):
        parser.error("give both --cert and --key, or neither")
    if options.address and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", options.address):
        parser.error("--address takes an address: https://class.example.org")
    if not 1 <= options.port <= 65535:
        parser.error("--port takes a number from 1 to 65535")
    return options
