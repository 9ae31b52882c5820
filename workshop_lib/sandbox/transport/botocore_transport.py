"""The kernel's transport: botocore's requests in this process reach the gateway without a socket.

It stands where botocore and aiobotocore would open a connection, so that every client passes it,
whenever it was made and by whomever. boto3's transfers by the AWS Common Runtime, which opens its
own, are made by the classic client instead.
"""

import datetime
import http.client
import io
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3.s3.transfer
import botocore.auth
import botocore.signers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HAS_CRT
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.httpsession import URLLib3Session

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.protocol.messages import Request, Response
from workshop_lib.sandbox.transport.aiobotocore_transport import aiobotocore_holds
from workshop_lib.sandbox.transport.forwarding import forward
from workshop_lib.sandbox.transport.native_stacks import AfterImport, holds
from workshop_lib.sandbox.transport.network_guard import NetworkGuard
from workshop_lib.sandbox.transport.prepared_request import read_body, read_prepared

if HAS_CRT:
    import botocore.crt.auth


class BotocoreTransport:
    """Every botocore request of this process goes to ``gateway``; none reaches a network.

    While installed, endpoint addresses from the environment or a profile are ignored (they are
    for child processes), signatures are dated by the sandbox's clock, and whatever else would
    reach AWS or an instance's metadata is refused, also through a proxy.
    """

    _installed: "BotocoreTransport | None" = None

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.loopback: set[str] = set()  # host:port of this lab's own HTTP servers
        # In a forked worker: the lab is in the process that forked it, behind this HTTP server.
        self.forked = False
        self.parent_port: int | None = None
        self.guard = NetworkGuard()
        self._imports: AfterImport | None = None
        self._originals: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Take the place of botocore's connections, and of an earlier transport."""
        if BotocoreTransport._installed is not None:
            BotocoreTransport._installed.remove()
        signing_time = SimpleNamespace(**{**vars(time), "time": _timestamp})
        self.replace(URLLib3Session, "send", lambda _, request: self.send(request))
        self.replace(ConfiguredEndpointProvider, "provide", lambda _: None)
        self.replace(botocore.auth, "get_current_datetime", _signing_time)
        self.replace(botocore.signers, "get_current_datetime", _signing_time)
        self.replace(botocore.auth, "time", signing_time)
        if HAS_CRT:  # with awscrt installed botocore signs by it, without a network
            self.replace(botocore.crt.auth, "get_current_datetime", _signing_time)
        wants_crt = boto3.s3.transfer._should_use_crt
        self.replace(boto3.s3.transfer, "_should_use_crt", _classic(wants_crt))
        self.guard = NetworkGuard()
        self.guard.install(self.replace)
        connection = http.client.HTTPConnection
        self.replace(connection, "set_tunnel", _guarded_tunnel(connection, self.guard))
        self.replace(connection, "putrequest", _guarded_request(connection, self.guard))
        self._imports = AfterImport(
            holds(self.guard, self.replace) | aiobotocore_holds(self.answer, self.replace)
        )
        self._imports.install()
        BotocoreTransport._installed = self

    @property
    def is_installed(self) -> bool:
        """Whether this is the transport that answers in this process."""
        return BotocoreTransport._installed is self

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute until the transport is removed."""
        self._originals.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def remove(self) -> None:
        """Give botocore its connections back, and the sockets theirs."""
        if self._imports is not None:
            self._imports.remove()
        self.guard.release()
        while self._originals:
            setattr(*self._originals.pop())
        if BotocoreTransport._installed is self:
            BotocoreTransport._installed = None

    def send(self, prepared: AWSPreparedRequest) -> AWSResponse:
        """Answer a request that botocore was about to send."""
        response = self.answer(read_prepared(prepared, read_body(prepared.body)))
        return AWSResponse(prepared.url, response.status, response.headers, _Raw(response.body))

    def answer(self, request: Request) -> Response:
        """The gateway's answer. In a forked worker, which has but a copy of it, the parent's."""
        if self.forked:
            return forward(request, self.parent_port)
        secure = request.scheme == "https" or request.host in self.loopback
        return self.gateway.handle(request, local=self.loopback, secure=secure)


def _classic(wants_crt: Any) -> Any:
    """In place of boto3's choice: its C client only where boto3 would say that it is missing."""

    def choose(config: Any) -> bool:
        return not HAS_CRT and bool(wants_crt(config))

    return choose


def _guarded_tunnel(connection: Any, guard: NetworkGuard) -> Any:
    """Through a proxy the socket goes elsewhere: what counts is whom the proxy is asked for."""
    original = connection.set_tunnel

    def guarded(self: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
        guard.check_name(host)
        return original(self, host, *args, **kwargs)

    return guarded


def _guarded_request(connection: Any, guard: NetworkGuard) -> Any:
    """A connection may have been opened before the lab; a proxy is sent the whole URL."""
    original = connection.putrequest

    def guarded(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        guard.check_name(self.host)
        if "://" in url:
            guard.check_name(urlsplit(url).hostname)
        return original(self, method, url, *args, **kwargs)

    return guarded


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
