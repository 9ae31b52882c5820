"""Processor time for a message's form: the HTTP server's own reading and writing, and h11's.

One connection's requests are read and answered, with nothing behind them; the rounds alternate.
While h11's column is well above ours, the server reads and writes by itself: see its docstring.

    python bench/http_messages.py [rounds]
"""

import io
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import h11

from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.transport import http_server

_PIECE = 65_536  # bytes that a socket gives at a time
_HEAD = (
    "{} HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nAccept-Encoding: identity\r\n"
    "User-Agent: Boto3/1.44 md/Botocore#1.44 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11\r\n"
    "X-Amz-Date: 20260101T000000Z\r\nX-Amz-Content-SHA256: {}\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/"
    "aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}\r\n"
    "amz-sdk-invocation-id: 00000000-0000-4000-8000-000000000000\r\n"
    "amz-sdk-request: attempt=1\r\nContent-Length: {}\r\n\r\n"
)
_ANSWER = {
    "x-amz-id-2": "x" * 76, "x-amz-request-id": "0123456789ABCDEF", "ETag": '"' + "0" * 32 + '"',
    "x-amz-server-side-encryption": "AES256", "Content-Type": "text/plain", "Server": "AmazonS3",
}  # fmt: skip


class _Nowhere:
    """The writing half of a connection, for both."""

    def sendall(self, data: bytes) -> None:
        """Take the bytes, and do nothing with them."""


def ours(stream: io.BufferedReader, connection: Any, answer: Response) -> int:
    """The bodies of all requests in the stream, in bytes, each answered by the server's code."""
    total = 0
    while head := http_server._read_head(stream):
        request, keep = head
        http_server._Arrival(connection, stream, request).read(lambda _, size: size)
        total += len(request.body)
        http_server._send(connection, answer, request.method, keep=keep)
    return total


def with_h11(stream: io.BufferedReader, connection: Any, answer: Response) -> int:
    """The same by h11."""
    total = 0
    wire = h11.Connection(h11.SERVER)
    while not isinstance(_next(stream, wire), h11.ConnectionClosed):
        pieces = []
        while isinstance(event := _next(stream, wire), h11.Data):
            pieces.append(event.data)
        total += len(b"".join(pieces))
        date = ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
        length = ("Content-Length", str(len(answer.body)))
        headers = [date, *answer.headers.items(), length, ("Connection", "keep-alive")]
        head = wire.send(h11.Response(status_code=200, headers=headers, reason="OK"))
        connection.sendall(head + wire.send(h11.Data(data=answer.body)))
        wire.send(h11.EndOfMessage())
        wire.start_next_cycle()
    return total


def _next(stream: io.BufferedReader, wire: h11.Connection) -> Any:
    while (event := wire.next_event()) is h11.NEED_DATA:
        wire.receive_data(stream.read1(_PIECE))
    return event


def measure(
    read: Callable[..., int], line: str, body: bytes, answer: Response, count: int
) -> float:
    """Processor time for one exchange, in microseconds."""
    message = _HEAD.format(line, "0" * 64, "0" * 64, len(body)).encode() + body
    stream = io.BufferedReader(io.BytesIO(message * count))
    began = time.process_time()
    total = read(stream, _Nowhere(), answer)
    spent = time.process_time() - began
    if total != count * len(body):
        raise RuntimeError(f"{read.__name__} read {total} bytes")
    return spent / count * 1e6


def main(rounds: int) -> None:
    """Print a line for each kind of exchange."""
    exchanges = {
        "GET, 1 KiB back": ("GET /bucket/key", b"", b"x" * 1024, 500),
        "PUT, 1 KiB": ("PUT /bucket/key", b"x" * 1024, b"", 500),
        "PUT, 16 MiB": ("PUT /bucket/key", b"x" * 2**24, b"", 1),
    }
    print(f"{'microseconds, medians':24}{'ours':>12}{'h11':>12}{'h11 / ours':>12}")
    for name, (line, body, back, count) in exchanges.items():
        spent: dict[Callable[..., int], list[float]] = {ours: [], with_h11: []}
        for _ in range(rounds):
            for read, times in spent.items():
                times.append(measure(read, line, body, Response(200, _ANSWER, back), count))
        own, other = (statistics.median(times) for times in spent.values())
        print(f"{name:24}{own:12.0f}{other:12.0f}{other / own:12.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
