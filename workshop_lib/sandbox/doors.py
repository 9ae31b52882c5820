"""The kernel door: botocore's requests in this process go to the gate, without a socket.

It stands where botocore would open a connection, so that every client passes it, whenever it was
made and by whomever.
"""

import datetime
import http.client
import io
import socket
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import botocore.signers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.httpsession import URLLib3Session

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.gate import Gate
from workshop_lib.sandbox.messages import Request

AWS_NAMES = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu")
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
METADATA_ADDRESSES = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254")


class KernelDoor:
    """Every botocore request of this process goes to ``gate``; none reaches a network.

    While installed, endpoint addresses from the environment or a profile are ignored (they are
    for child processes), signatures are dated by the sandbox's clock, and a plain socket to AWS
    or to an instance's metadata is refused, also through a proxy.
    """

    _installed: "KernelDoor | None" = None

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.loopback: set[str] = set()  # host:port of this lab's own HTTP doors
        self._originals: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Take the place of botocore's connections, and of an earlier door."""
        if KernelDoor._installed is not None:
            KernelDoor._installed.remove()
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
        KernelDoor._installed = self

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._originals.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def remove(self) -> None:
        """Give botocore its connections back, and the sockets theirs."""
        while self._originals:
            setattr(*self._originals.pop())
        if KernelDoor._installed is self:
            KernelDoor._installed = None

    def send(self, prepared: AWSPreparedRequest) -> AWSResponse:
        """Answer a request that botocore was about to send."""
        request = _plain(prepared)
        secure = request.scheme == "https" or request.host in self.loopback
        response = self.gate.handle(request, local=self.loopback, secure=secure)
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


def _guarded_lookup(original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_aws(host)
        return original(host, *args, **kwargs)

    return guarded


def _guarded_tunnel(original: Callable[..., Any]) -> Callable[..., Any]:
    """Through a proxy the socket goes elsewhere: what counts is whom the proxy is asked for."""

    def guarded(self: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_aws(host)
        return original(self, host, *args, **kwargs)

    return guarded


def _guarded_method(original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: Any, address: Any) -> Any:
        if isinstance(address, tuple) and address:
            _refuse_aws(address[0])
        return original(self, address)

    return guarded


def _refuse_aws(host: Any) -> None:
    name = (host.decode() if isinstance(host, bytes) else str(host or "")).rstrip(".").lower()
    if name in METADATA_ADDRESSES or name.endswith(AWS_NAMES):
        raise ConnectionRefusedError(
            f"The lab keeps this kernel away from {name}. Use boto3, or call lab.serve() and use "
            "the address it prints."
        )
