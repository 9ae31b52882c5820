"""A class's server for tests: the whole program, in a process of its own on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class ClassServer:
    """A server whose folder is `folder`. `start` it; `kill` ends it as a power cut would."""

    module = "classroom"

    def __init__(self, folder: Path, *options: str) -> None:
        self._options = ["--folder", str(folder), "--host", "127.0.0.1", "--no-browser", *options]
        self.port, self._cookie = 0, ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, on the port that it had before, and wait until it listens."""
        # Somebody else may take a free port in between: then it tries another one.
        for port in [self.port] if self.port else [free_port() for _ in range(3)]:
            if self._listens(port):
                self.port = port
                break
        else:
            raise AssertionError(f"the server did not start: {self.output}")
        self.address = self._said(r"Address +(\S+)")
        self.code = self._said(r"Class code +(\S+)")
        self.secret = self._said(r"yours alone: \S+/board#(\S+)")

    def _listens(self, port: int) -> bool:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, "--port", str(port), *self._options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        self.output = ""
        for line in self._process.stdout or ():
            self.output += line
            if "yours alone" in line:
                return True
        return False

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it at once, whatever it is at."""
        self._end(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    def stop(self) -> int:
        """End it in its own way; its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, how: int) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.communicate(timeout=30)
        return self._process.returncode

    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """A request: status, JSON (or text), headers."""
        content = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if content is not None:
            named.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.address + path, content, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, _read(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, _read(error.read()), dict(error.headers)

    def open_board(self) -> str:
        """The cookie of a session of the board; it outlives the server's restart."""
        if self._cookie:
            return self._cookie
        status, _, headers = self.ask("POST", "/api/board/session", {"secret": self.secret})
        assert status == 200
        self._cookie = headers["set-cookie"].partition(";")[0]
        return self._cookie

    def state(self, cookie: str) -> dict[str, Any]:
        """The board's state, as a stream begins with it."""
        request = urllib.request.Request(
            self.address + "/api/board/stream", headers={"Cookie": cookie}
        )
        with urllib.request.urlopen(request, timeout=20) as stream:
            assert stream.readline() == b"event: state\n"
            found: dict[str, Any] = json.loads(stream.readline().removeprefix(b"data: "))
            return found

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.output)
        assert found, self.output
        return found[1]


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()


def free_port() -> int:
    """A port of loopback that nobody has now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def class_server(folder: Path, *options: str) -> Iterator[ClassServer]:
    """A server that runs as long as the block does."""
    server = ClassServer(folder, *options)
    server.start()
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()


def wait_until(condition: Any, seconds: float = 30) -> None:
    """Wait for something that comes by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
