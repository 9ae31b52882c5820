"""The way from a kernel to the class, byte by byte."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from workshop_lib.classes.transport import HttpTransport, checked_address, host_and_port
from workshop_lib.errors import WrongArgument

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + b'{"a": 1}'


def _whole(connection: socket.socket) -> bytes:
    """A request to its end: its head and its body may come one after the other."""
    request = connection.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)|$", head)[1] or 0)  # type: ignore[index]
    while request and len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        request, body = request + more, body + more
    return request


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server of these answers, a connection each: its address, and what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                for answer in answers:
                    connection, _ = listening.accept()
                    with connection:
                        heard.append(_whole(connection))
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard


def test_a_request_is_what_it_says_and_nothing_else() -> None:
    with answering(OK) as (address, heard):
        transport = HttpTransport(address)
        assert transport.ask("POST", "/api/hand", {"up": True}, "key") == (200, {"a": 1})
        host = address.removeprefix("http://")
    assert heard == [
        f"POST /api/hand HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f'Content-Length: 12\r\nAuthorization: Bearer key\r\n\r\n{{"up": true}}'.encode()
    ]
    transport.close()


def test_a_kept_connection_that_the_server_closed_is_opened_anew() -> None:
    with answering(OK, OK) as (address, heard):
        transport = HttpTransport(address)
        for _ in range(2):
            assert transport.ask("GET", "/x")[0] == 200
        assert len(heard) == 2
        transport.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}"],
)
def test_what_is_no_answer_is_an_oserror(answer: bytes) -> None:
    with answering(answer) as (address, _), pytest.raises(OSError, match=r".*"):
        HttpTransport(address).ask("GET", "/x")


@pytest.mark.parametrize("body", [b"x", b"[]", b"null", b"[" * 9000])
def test_an_answer_that_is_no_object_is_empty(body: bytes) -> None:
    answer = f"HTTP/1.1 502 Bad\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with answering(answer) as (address, _):
        assert HttpTransport(address).ask("GET", "/x") == (502, {})


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b" " * 3_000_000
    with answering(endless) as (address, _), pytest.raises(OSError, match="too long"):
        HttpTransport(address).ask("GET", "/x")


def test_a_server_that_is_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = HttpTransport(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(TimeoutError):
            transport.ask("GET", "/x", timeout=0.1)


def test_closing_ends_what_waits_and_asks_nothing_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = HttpTransport(f"http://127.0.0.1:{silent.getsockname()[1]}")
        failed = threading.Event()

        def ask() -> None:
            try:
                transport.ask("GET", "/x", timeout=60)
            except OSError:
                failed.set()

        threading.Thread(target=ask, daemon=True).start()
        connection, _ = silent.accept()
        with connection:
            connection.recv(100)
            transport.close()
            assert failed.wait(20)
            silent.settimeout(0.2)
            with pytest.raises(TimeoutError):
                silent.accept()
        with pytest.raises(OSError, match="left"):
            transport.ask("GET", "/x")


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("192.168.1.5:8765", "http://192.168.1.5:8765"),
        (" http://192.168.1.5:8765/ ", "http://192.168.1.5:8765"),
        ("https://Class.Example.org", "https://class.example.org"),
        ("http://[fe80::1]:80", "http://[fe80::1]:80"),
        ("http://hub:8000/services/class/", "http://hub:8000/services/class"),
        ("http://192.168.1.5:8765/#K7F2QM", "http://192.168.1.5:8765"),
    ],
)
def test_an_address_as_it_is_typed(said: str, address: str) -> None:
    assert checked_address(said) == address


@pytest.mark.parametrize(
    "said",
    ["", "http://", "ftp://x", "file:///etc/passwd", "http://a:b@c", "http://x:y", "http://["],
)
def test_what_is_no_address(said: str) -> None:
    with pytest.raises(WrongArgument, match="on the board"):
        checked_address(said)


def test_where_an_address_leads() -> None:
    assert host_and_port("https://class.example.org/x") == ("class.example.org", 443)
    assert host_and_port("http://192.0.2.1") == ("192.0.2.1", 80)
    assert host_and_port("http://[::1]:8765") == ("::1", 8765)
