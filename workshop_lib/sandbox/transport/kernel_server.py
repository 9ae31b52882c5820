"""The HTTP server where there are no sockets and no threads: in a browser.

It hears this kernel's own requests, those of ``urllib.request`` and ``urllib3`` (and so of
``requests``), in the bytes that they would send. Nothing listens: no other program reaches it.
https://pyodide.org/en/stable/usage/wasm-constraints.html
"""

import io
import socket
from collections.abc import Callable
from http.client import HTTPResponse
from importlib import import_module
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.transport.http_server import Exchanges, hosts_at

_USUAL_PORT = 8000
Replace = Callable[[Any, str, Any], None]


class KernelServer(Exchanges):
    """An HTTP server over ``gateway`` for this kernel alone; ``start`` it, ``stop`` it.

    ``port`` 0 takes the usual one: none is opened. ``replace`` sets an attribute until the lab's
    end. Raises OverflowError for what is no port.
    """

    def __init__(self, gateway: Gateway, port: int, replace: Replace) -> None:
        super().__init__(gateway)
        if not 0 <= port <= 65_535:
            raise OverflowError("a port is a number from 1 to 65535")
        self.port = port or _USUAL_PORT
        self.hosts = hosts_at(self.port)
        self._replace = replace

    @property
    def address(self) -> str:
        """What to give a client as its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answer from now on, until what ``replace`` set is put back."""
        self._replace(socket, "create_connection", self._connect(socket.create_connection))
        _answer_urllib3(self, self._replace)

    def stop(self) -> None:
        """Hear nothing more."""
        self.hosts = frozenset()

    def abandon(self) -> None:
        """Nothing is open."""

    def ask(self, request: bytes) -> bytes:
        """The answer to one HTTP request, in bytes both."""
        answer = _Answer()
        self.exchange(answer, io.BytesIO(request), "127.0.0.1")
        return bytes(answer.sent)

    def _connect(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
            if "{}:{}".format(*address) in self.hosts:
                return _Wire(self.ask)
            return original(address, *args, **kwargs)

        return connect


class _Answer:
    def __init__(self) -> None:
        self.sent = bytearray()

    def sendall(self, data: bytes, /) -> None:
        self.sent += data


class _Wire:
    """What ``http.client`` takes for a connected socket: sends a request, then reads its answer."""

    def __init__(self, ask: Callable[[bytes], bytes]) -> None:
        self._ask = ask
        self._request = bytearray()

    def sendall(self, data: Any) -> None:
        self._request += data

    def makefile(self, mode: str) -> BinaryIO:
        request, self._request = bytes(self._request), bytearray()
        return io.BytesIO(self._ask(request))

    def setsockopt(self, *_: object) -> None:
        """There is nothing to set."""

    def settimeout(self, _: object) -> None:
        """It never waits."""

    def close(self) -> None:
        """There is nothing to close."""


def _answer_urllib3(server: KernelServer, replace: Replace) -> None:
    """Answer urllib3 as well, which in a browser goes past Python's sockets."""
    connection: Any = import_module("urllib3.contrib.emscripten.connection")
    send, stream = connection.send_request, connection.send_streaming_request

    def is_ours(request: Any) -> bool:
        return urlsplit(request.url).netloc in server.hosts

    def answer(request: Any) -> Any:
        if not is_ours(request):
            return send(request)
        wire = _Wire(server.ask)
        wire.sendall(_written(request))
        read = HTTPResponse(wire, method=request.method)  # type: ignore[arg-type]
        read.begin()
        headers = dict(read.getheaders())
        return connection.EmscriptenResponse(read.status, headers, read.read(), request)

    replace(connection, "send_request", answer)
    replace(
        connection, "send_streaming_request", lambda each: None if is_ours(each) else stream(each)
    )


def _written(request: Any) -> bytes:
    """A request of urllib3's in the bytes that it would send elsewhere."""
    url = urlsplit(request.url)
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    headers = {"Host": url.netloc, **request.headers, "Content-Length": str(len(body))}
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
