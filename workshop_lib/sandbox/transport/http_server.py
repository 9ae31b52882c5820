"""The HTTP server: the gateway on loopback, for the AWS CLI, other SDKs and presigned URLs.

A thread to a connection, keep-alive, and nothing between the socket and the gateway but the
message's form. https://www.rfc-editor.org/rfc/rfc9112

That form is read and written here, not by h11: h11 takes three times the processor time for it
(`bench/http_messages.py`), which makes a whole call a tenth to a third slower, and it refuses what
is answered here: targets that are not ASCII, an empty line before a request, and a second request
on a connection of HTTP/1.0. Control characters in headers and a length said twice it lets pass.
"""

import contextlib
import re
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import quote

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.limits import LARGEST_UPLOAD, too_large
from workshop_lib.sandbox.protocol.messages import Request, Response
from workshop_lib.sandbox.protocol.multipart_form import BEGINNING, is_form
from workshop_lib.sandbox.protocol.serialization import render
from workshop_lib.sandbox.services.s3 import DEFINITION as S3

T = TypeVar("T")

_NO_ID = "00000000-0000-4000-8000-000000000000"  # no request was answered
_LONGEST_LINE = 65_536  # bytes, of the request line or a header
_LONGEST_HEAD = 131_072  # bytes, of all headers
_MOST_HEADERS = 500  # lines of them
_LONGEST_HOST = 255  # characters
_UNASKED = 2**20  # bytes of a body that are read before anybody looks at the head
_MOST_CONNECTIONS = 512
_IDLE = 60.0  # seconds without a byte before a connection is closed
_LINGER = 5.0  # seconds for a client to notice that it is refused while it is still sending
_LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.I)
_OURS = re.compile(rf"(?:[^/]+\.)?localhost(?::\d{{1,5}})?|{_LOOPBACK.pattern}", re.I)
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~\x80-\xff]+) HTTP/1\.([01])")
# Possessive, as going back over a long line's spaces takes seconds.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*+)")


class _Loopback:
    """The hosts this server answers to: loopback's names, with any port (it may be forwarded).

    A page in a browser can name any host of its own and have it resolve to loopback; it cannot
    name these.
    """

    def __contains__(self, host: object) -> bool:
        return isinstance(host, str) and _LOOPBACK.fullmatch(host) is not None


class _Malformed(Exception):
    """A message that is no HTTP: the status and what is wrong with it."""

    def __init__(self, why: str, status: int = 400, code: str = "BadRequest") -> None:
        super().__init__(why)
        self.response = _plain_error(AwsError(code, why, status))


class _TurnedAway(Exception):
    """A request that is answered before its body is all there."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Connection(Protocol):
    """What answers are written to: a socket, or what stands for one."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""


class Exchanges:
    """HTTP's messages over ``gateway``, one request after the other, whatever carries them.

    ``secure`` makes requests count as if they came over TLS.
    """

    hosts: frozenset[str]
    """The Host headers of this very server."""

    def __init__(self, gateway: Gateway, *, secure: bool = True) -> None:
        self._gateway = gateway
        self._secure = secure
        self._hosts = _Loopback()

    def exchange(
        self,
        connection: Connection,
        stream: BinaryIO,
        source_ip: str,
        begun: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Read a request and answer it; whether the connection may go on.

        ``begun`` is told when there is a request, and says whether to answer it.
        """
        try:
            head = _read_head(stream)
            if head is None or not begun():
                return False
            request, keep = head
            request.source_ip = source_ip
            refusal = self._check_host(request) or self._receive(connection, stream, request)
        except _Malformed as error:
            _send(connection, error.response, "GET", keep=False)
            return False
        if refusal is not None:
            _send(connection, refusal, request.method, keep=False)
            return False
        _send(connection, self._answer(request), request.method, keep=keep)
        return keep

    def _receive(
        self, connection: Connection, stream: BinaryIO, request: Request
    ) -> Response | None:
        """Read a request's body; the refusal of one that is turned away before it is all there.

        A client that waits for a 100 hears it, and a large body is read, when its head has been
        found acceptable: who sends it is known, and may.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
        """
        arrival = _Arrival(connection, stream, request)
        try:
            arrival.read(self._limit)
        except _TurnedAway as refused:
            return refused.response
        except MemoryError:
            return self._too_large(request, _UNASKED)
        return None

    def _limit(self, request: Request, size: int) -> int:
        """How many bytes a body may have, of which there will be ``size`` or more.

        Raises _TurnedAway where the request's head, or the beginning of its form, is enough for a
        refusal, and where the body is too large.
        """
        admitted = self._asked(
            request,
            lambda: self._gateway.admit(request, local=self._hosts, secure=self._secure),
        )
        if isinstance(admitted, Response):
            raise _TurnedAway(admitted)
        if size > admitted:
            raise _TurnedAway(self._too_large(request, admitted))
        return admitted

    def _too_large(self, request: Request, limit: int) -> Response:
        service = self._gateway.endpoints.spoken(request)
        return self._refuse(request, too_large(service, limit))

    def _check_host(self, request: Request) -> Response | None:
        """The refusal of a request that was meant for another host; None for ours and AWS's."""
        if _OURS.fullmatch(request.host):
            return None
        try:
            self._gateway.endpoints.find(request, ())
        except NotEmulated as error:
            return _plain_error(AwsError("AccessDenied", str(error), 403))
        return None

    def _answer(self, request: Request) -> Response:
        return self._asked(
            request,
            lambda: self._gateway.handle(
                request, local=self._hosts, secure=self._secure, signed=True
            ),
        )

    def _asked(self, request: Request, ask: Callable[[], T]) -> T | Response:
        """What the gateway says to a request, or how it fails at it."""
        try:
            return ask()
        except NotEmulated as error:
            return self._refuse(request, AwsError("NotImplemented", str(error), 501))
        except Exception:
            traceback.print_exc()
            why = "The sandbox failed, not your request: its log has the details."
            service = self._gateway.endpoints.spoken(request)
            return self._refuse(request, service.authentication_error("internal", why))

    def _refuse(self, request: Request, error: AwsError) -> Response:
        """An error of the server's own, in the form that the request's protocol has."""
        service = self._gateway.endpoints.spoken(request)
        return render(error, service, _NO_ID, bodiless=request.method == "HEAD")


def hosts_at(port: int) -> frozenset[str]:
    """The Host headers of a server at this port of loopback."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


class HttpServer(Exchanges):
    """An HTTP server over ``gateway`` on 127.0.0.1; ``start`` it, ``stop`` it.

    ``port`` 0 takes a free one; ``secure`` makes requests count as if they came over TLS;
    ``idle`` are the seconds after which a silent connection is closed. Raises OSError when the
    port is taken.
    """

    def __init__(
        self, gateway: Gateway, port: int = 0, *, secure: bool = True, idle: float = _IDLE
    ) -> None:
        super().__init__(gateway, secure=secure)
        self._idle = idle
        # Since when a connection has nothing under way, None while it has.
        self._connections: dict[socket.socket, float | None] = {}
        self._dismissed: set[socket.socket] = set()  # that had to make room
        self._counting = threading.Lock()
        self._stopped = False
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":  # there it would let two servers share a port
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind(("127.0.0.1", port))
            self._listener.listen(256)
        except OSError:
            self._listener.close()
            raise
        self.port: int = self._listener.getsockname()[1]
        self.hosts = hosts_at(self.port)
        self._thread = threading.Thread(target=self._accept, name="sandbox-http", daemon=True)

    @property
    def address(self) -> str:
        """What to give a client as its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answer from now on, in threads that do not keep the process alive."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection; requests under way may lose their answers."""
        self._stopped = True
        for connection in (self._listener, *self._connections):
            with contextlib.suppress(OSError):  # wakes a thread that waits on it
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def abandon(self) -> None:
        """In a forked process: close what it inherited. The server goes on where it runs."""
        for connection in (self._listener, *self._connections):
            connection.close()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                connection, (source_ip, _) = self._listener.accept()
            except OSError:
                if self._stopped:
                    return
                continue  # the client was gone before it was accepted
            if not self._let_in(connection):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection, source_ip), daemon=True).start()

    def _let_in(self, connection: socket.socket) -> bool:
        """Count a connection among the open ones; of too many the longest idle goes."""
        with self._counting:
            if len(self._connections) >= _MOST_CONNECTIONS:
                idle = [(since, c) for c, since in self._connections.items() if since is not None]
                if not idle:
                    return False
                _, longest = min(idle, key=lambda each: each[0])
                del self._connections[longest]
                self._dismissed.add(longest)
                with contextlib.suppress(OSError):  # its thread wakes, and closes it
                    longest.shutdown(socket.SHUT_RDWR)
            self._connections[connection] = time.monotonic()
            return True

    def _mark(self, connection: socket.socket, *, idle: bool) -> bool:
        """Note whether a connection has something under way; False where it had to go."""
        with self._counting:
            if connection in self._dismissed:
                return False
            self._connections[connection] = time.monotonic() if idle else None
            return True

    def _serve(self, connection: socket.socket, source_ip: str) -> None:
        """Answer one connection's requests until either side has enough."""
        try:
            connection.settimeout(self._idle)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as stream:
                busy = partial(self._mark, connection, idle=False)
                while self._mark(connection, idle=True) and self.exchange(
                    connection, stream, source_ip, busy
                ):
                    pass
            self._mark(connection, idle=True)
            _linger(connection)
        except OSError:
            pass  # the client went away, or was silent for too long
        finally:
            with self._counting:
                self._connections.pop(connection, None)
                self._dismissed.discard(connection)
            connection.close()


def _linger(connection: socket.socket) -> None:
    """Take what the client is still sending, so that closing does not wipe out the answer."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(1)
    end = time.monotonic() + _LINGER
    while time.monotonic() < end and connection.recv(65_536):
        pass


# --- Requests -----------------------------------------------------------------------------------


def _read_head(stream: BinaryIO) -> tuple[Request, bool] | None:
    """A request without its body, and whether the client keeps the connection; None at its end."""
    line = _read_line(stream)
    if line == b"":  # an empty line may stand before a request
        line = _read_line(stream)
    if line is None:
        return None
    match = _REQUEST_LINE.fullmatch(line or b"")
    if match is None:
        raise _Malformed("An error occurred when parsing the HTTP request.")
    method, target, minor = match.groups()
    headers = _read_headers(stream)
    host = headers.get("host", "")
    path, query, absolute = _split_target(target)
    host = absolute or host
    if not host and minor == b"1":
        raise _Malformed("The request has no Host header.")
    if len(host) > _LONGEST_HOST:
        raise _Malformed("The request's Host header is malformed.")
    connection = headers.get("connection", "").lower()
    keep = "close" not in connection if minor == b"1" else "keep-alive" in connection
    return Request(method.decode(), "http", host, path, query, headers), keep


def _read_line(stream: BinaryIO) -> bytes | None:
    line = stream.readline(_LONGEST_LINE + 1)
    if not line:
        return None
    if len(line) > _LONGEST_LINE:
        raise _too_long_a_head()
    if not line.endswith(b"\n"):
        return None  # broken off
    return line.rstrip(b"\r\n")


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    name, size, lines = "", 0, 0
    while line := _read_line(stream):
        size += len(line)
        lines += 1
        if size > _LONGEST_HEAD or lines > _MOST_HEADERS:
            raise _too_long_a_head()
        if line[:1] in b" \t" and name:  # a folded line goes on with the header before
            headers[name] += " " + _text(line.strip())
            continue
        match = _HEADER.fullmatch(line)
        if match is None:
            raise _Malformed("A header is malformed.")
        name, value = match[1].decode().lower(), _text(match[2].rstrip())
        if name not in headers:
            headers[name] = value
        elif name in ("content-length", "host", "transfer-encoding", "authorization"):
            raise _Malformed(f"The request has more than one {name} header.")
        else:
            headers[name] += "," + value
    if line is None:
        raise _Malformed("The request's headers break off.")
    return headers


def _too_long_a_head() -> _Malformed:
    return _Malformed(
        "Your request header section exceeds the maximum allowed size.",
        code="RequestHeaderSectionTooLarge",
    )


def _text(value: bytes) -> str:
    """A header's text: UTF-8, or what Python's and others' clients write of its first 256."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _split_target(target: bytes) -> tuple[str, str, str | None]:
    """(path, query, host or None) of a request line's target, percent-encoded as it was sent."""
    text = (
        target.decode() if target.isascii() else quote(target, safe="!\"#$%&'()*+,/:;<=>?@[]^`{|}~")
    )
    host = None
    if not text.startswith("/"):
        match = re.fullmatch(r"https?://([^/?]+)(.*)", text, re.I)
        if match is None and text != "*":
            raise _Malformed("The request's target is malformed.")
        host, text = (match[1], match[2]) if match else (None, "/")
        text = text if text.startswith("/") else f"/{text}"
    path, _, query = text.partition("?")
    return path, query, host


def _body_length(request: Request) -> int | None:
    """How many bytes a request's head announces; None for chunks, which tell it by their end."""
    headers = request.headers
    encoding = headers.pop("transfer-encoding", "").lower()
    length = headers.get("content-length")
    if encoding and (length is not None or encoding != "chunked"):
        raise _Malformed("The request's body has no single length.")
    if encoding:
        return None
    if length is not None and not re.fullmatch(r"\d{1,15}", length, re.ASCII):
        raise _Malformed("The Content-Length header is malformed.")
    if int(length or 0) > LARGEST_UPLOAD + BEGINNING:
        raise _Malformed(
            "Your proposed upload exceeds the maximum allowed size", code="EntityTooLarge"
        )
    return int(length or 0)


class _Arrival:
    """A request's body while it is read: in the length that was announced, or in chunks."""

    def __init__(self, connection: Connection, stream: BinaryIO, request: Request) -> None:
        self._connection = connection
        self._stream = stream
        self._request = request
        self._length = _body_length(request)
        self._waits = request.headers.get("expect", "").lower() == "100-continue"
        self._limit = 0 if self._waits else _UNASKED
        self._beginning = b""

    def read(self, ask: Callable[[Request, int], int]) -> None:
        """Read the body into the request; ``ask`` says how large it may be, or raises."""
        if self._length == 0:
            return
        if self._length is None:
            pieces = _read_chunks(self._stream, partial(self._allow, ask))
        else:
            self._allow(ask, self._length)
            rest = _read_exactly(self._stream, self._length - len(self._beginning))
            pieces = [self._beginning, rest] if self._beginning else [rest]
        self._request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._request.headers["content-length"] = str(len(self._request.body))

    def _allow(self, ask: Callable[[Request, int], int], size: int) -> None:
        """Ask once whether the body may be there at all, where it is large or waited with."""
        if size <= self._limit:
            return
        if is_form(self._request):  # it carries its signature
            if self._length is None:
                raise _Malformed(*_NO_LENGTH)
            self._proceed()
            self._beginning = _read_exactly(self._stream, min(self._length, BEGINNING))
        self._limit = ask(replace(self._request, body=self._beginning), size)
        self._proceed()

    def _proceed(self) -> None:
        if self._waits:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._waits = False


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    body = stream.read(length)
    if len(body) != length:
        raise _Malformed(
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
            code="IncompleteBody",
        )
    return body


def _read_chunks(stream: BinaryIO, allow: Callable[[int], None]) -> list[bytes]:
    """The chunks of a body; ``allow`` is asked before they make it so many bytes."""
    pieces, total = [], 0
    while True:
        size = re.fullmatch(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", _read_line(stream) or b"")
        if size is None:
            raise _Malformed("The request's chunked body is malformed.")
        length = int(size[1], 16)
        if length == 0:
            break
        total += length
        allow(total)
        pieces.append(_read_exactly(stream, length))
        if _read_line(stream) != b"":
            raise _Malformed("The request's chunked body is malformed.")
    _read_headers(stream)  # its trailers say nothing to S3
    return pieces


_NO_LENGTH = ("You must provide the Content-Length HTTP header.", 411, "MissingContentLength")


# --- Responses ----------------------------------------------------------------------------------

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_OWN_HEADERS = {"connection", "content-length", "date", "transfer-encoding"}


def _send(connection: Connection, response: Response, method: str, *, keep: bool) -> None:
    status, body = response.status, response.body
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}",
        f"Date: {format_datetime(clock.now(), usegmt=True)}",
    ]
    for name, value in response.headers.items():
        if name.lower() not in _OWN_HEADERS:
            lines.append(f"{name}: {_one_line(value)}")
    if status not in (204, 304):
        length = response.header("content-length") if method == "HEAD" else None
        lines.append(f"Content-Length: {length or len(body)}")
    lines.append("Connection: keep-alive" if keep else "Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    if method == "HEAD" or status in (204, 304):
        body = b""
    if len(body) < 65_536:
        connection.sendall(head + body)
    else:
        connection.sendall(head)
        connection.sendall(body)


def _one_line(value: str) -> str:
    return re.sub(r"[\r\n\x00]", " ", value) if not value.isprintable() else value


def _plain_error(error: AwsError) -> Response:
    return render(error, S3, _NO_ID)
