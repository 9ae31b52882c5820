"""The kernel door: botocore's requests in this process go to the gate, without a socket.

It stands where botocore would open a connection, so that every client passes it, whenever it was
made and by whomever.
"""

import datetime
import http.client
import io
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import botocore.signers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.httpsession import URLLib3Session

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.transport.network_guard import (
    _guarded_lookup,
    _guarded_method,
    _guarded_tunnel,
)


class BotocoreTransport:
    """Every botocore request of this process goes to ``gateway``; none reaches a network.

    While installed, endpoint addresses from the environment or a profile are ignored (they are
    for child processes), signatures are dated by the sandbox's clock, and a plain socket to AWS
    or to an instance's metadata is refused, also through a proxy.
    """

    _installed: "BotocoreTransport | None" = None

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.loopback: set[str] = set()  # host:port of this lab's own HTTP doors
        self._originals: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Take the place of botocore's connections, and of an earlier door."""
        if BotocoreTransport._installed is not None:
            BotocoreTransport._installed.remove()
        signing_time = SimpleNamespace(**{**vars(time), "time": _timestamp})
        self._replace(URLLib3Session, "send", lambda _, request: self.send(request))
        self._replace(ConfiguredEndpointProvider, "provide", lambda _: None)
        self._replace(botocore.auth, "get_current_datetime", _signing_time)
        self._replace(botocore.signers, "get_current_datetime", _signing_time)
        self._replace(botocore.auth, "time", signing_time)
        self._replace(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        tunnel = http.client.HTTPConnection.set_tunnel
        self._replace(http.client.HTTPConnection, "set_tunnel", _guarded_tunnel(tunnel))
        for name in ("connect", "connect_ex"):
            self._replace(socket.socket, name, _guarded_method(getattr(socket.socket, name)))
        BotocoreTransport._installed = self

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._originals.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def remove(self) -> None:
        """Give botocore its connections back, and the sockets theirs."""
        while self._originals:
            setattr(*self._originals.pop())
        if BotocoreTransport._installed is self:
            BotocoreTransport._installed = None

    def send(self, prepared: AWSPreparedRequest) -> AWSResponse:
        """Answer a request that botocore was about to send."""
        request = _plain(prepared)
        secure = request.scheme == "https" or request.host in self.loopback
        response = self.gateway.handle(request, local=self.loopback, secure=secure)
        return AWSResponse(prepared.url, response.status, response.headers, _Raw(response.body))


def _plain(prepared: AWSPreparedRequest) -> Request:
    parts = urlsplit(prepared.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value
        for name, value in prepared.headers.items()
    }
    return Request(
        prepared.method, parts.scheme, parts.netloc, parts.path or "/", parts.query, headers,
        _read(prepared.body),
    )  # fmt: skip


def _read(body: Any) -> bytes:
    """A body read from where it stands, as sending it would."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if hasattr(body, "read"):
        data = body.read()
        return data.encode() if isinstance(data, str) else data
    return b"".join(body)


class _Raw(io.BytesIO):
    """The response body, in the manner of urllib3's."""

    def stream(self, amt: int = 2**16, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the rest of the body in pieces of at most ``amt`` bytes."""
        while piece := self.read(amt):
            yield piece


def _timestamp() -> float:
    return clock.now().timestamp()


def _signing_time(remove_tzinfo: bool = True) -> datetime.datetime:
    moment = clock.now()
    return moment.replace(tzinfo=None) if remove_tzinfo else moment
