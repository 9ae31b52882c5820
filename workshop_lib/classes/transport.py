"""How a request reaches the class: over HTTP, and elsewhere in another way."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

from workshop_lib.errors import WrongArgument

_LARGEST = 2**20  # bytes of an answer


class Transport(Protocol):
    """A way to the class. A browser has another one than a kernel: it has no sockets."""

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        key: str = "",
        timeout: float = 10,
    ) -> tuple[int, dict[str, Any]]:
        """Ask, and return the status and the JSON object. Raises OSError if nobody answers."""

    def close(self) -> None:
        """Ask nothing more, and end what another thread waits for."""


class HttpTransport:
    """One kept connection from this kernel, straight to the class: no proxy reads along.

    It sends the request and nothing else: no user agent, no cookie, no language. TLS is verified
    as Python's default says (SSL_CERT_FILE names another certificate).
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._secure, self._prefix = parts.scheme == "https", parts.path.rstrip("/")
        self._host, self._port = parts.hostname or "", parts.port
        self._connection: http.client.HTTPConnection | None = None
        self._closed = False

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        key: str = "",
        timeout: float = 10,
    ) -> tuple[int, dict[str, Any]]:
        """As `Transport.ask`. What was kept may be closed by now: then it asks once more."""
        content = b"" if body is None else json.dumps(body).encode()
        kept = self._connection is not None
        try:
            return self._ask(method, path, content, key, timeout)
        except (TimeoutError, ssl.SSLCertVerificationError):
            self._drop()
            raise
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            if not kept:
                raise OSError(str(error)) from error
        return self.ask(method, path, body, key, timeout)

    def _ask(
        self, method: str, path: str, content: bytes, key: str, timeout: float
    ) -> tuple[int, dict[str, Any]]:
        if self._closed:
            raise OSError("the class was left")
        connection = self._connection = self._connection or self._open(timeout)
        if connection.sock is None:
            connection.timeout = timeout
            connection.connect()
        connection.sock.settimeout(timeout)
        connection.putrequest(method, self._prefix + path, skip_accept_encoding=True)
        if content:
            connection.putheader("Content-Type", "application/json")
        if method != "GET":
            connection.putheader("Content-Length", str(len(content)))
        if key:
            connection.putheader("Authorization", f"Bearer {key}")
        connection.endheaders(content or None)
        answer = connection.getresponse()
        read = answer.read(_LARGEST)
        if not answer.isclosed():
            raise OSError("the answer is too long")
        return answer.status, read_object(read)

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout, context=context
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def close(self) -> None:
        """As `Transport.close`."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()


def read_object(content: bytes | str) -> dict[str, Any]:
    """The JSON object that this is; {} for anything else."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def checked_address(address: str) -> str:
    """An address as the class prints it, in one form. Raises WrongArgument for anything else."""
    text = str(address).strip()
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise WrongArgument(
            f"{address!r} is no address of a class: take the one on the board, such as "
            "http://192.168.1.20:8765."
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "") + parts.path.rstrip("/")


def host_and_port(address: str) -> tuple[str, int]:
    """Where an address leads."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
