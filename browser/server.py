"""A small web server for the built site, on this computer alone."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser.trouble import Trouble

TYPES = {
    **SimpleHTTPRequestHandler.extensions_map,
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
}


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder; a browser asks again each time, and gets what has changed."""

    extensions_map = TYPES
    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        """Let nothing be shown that a newer build has replaced."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing: whoever serves wants the address, and no line for each file."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of this folder on 127.0.0.1; port 0 is any free one. Raises Trouble."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise Trouble(
            f"Port {port} cannot be used ({error}): name another with `--port`, or leave `--port` "
            "out and a free one is found."
        ) from error
