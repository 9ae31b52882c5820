"""`python -m browser`, which `python3 workshop.py site` calls."""

import argparse
import contextlib
import sys
from functools import partial
from pathlib import Path

from browser.build import ROOT, build
from browser.server import server
from browser.trouble import Trouble


def main(arguments: list[str] | None = None) -> int:
    """Build the site, and serve it where that is asked for; 1 with a sentence where it fails."""
    parser = argparse.ArgumentParser(prog="workshop.py site")
    parser.add_argument("--output", type=Path, default=ROOT / "_site")
    parser.add_argument("--self-contained", type=Path)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    say = partial(print, flush=True)
    try:
        build(options.output, options.self_contained, say)
        if options.serve:
            with contextlib.suppress(KeyboardInterrupt), server(options.output, options.port) as it:
                say(f"Serving at http://127.0.0.1:{it.server_port}/ Ctrl-C ends it.")
                it.serve_forever()
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
