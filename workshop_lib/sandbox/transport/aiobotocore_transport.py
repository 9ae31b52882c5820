"""aiobotocore's requests in this process, s3fs's among them, reach the gateway like botocore's."""

import inspect
import io
from collections.abc import Callable
from typing import Any

from workshop_lib.sandbox.protocol.messages import Request, Response
from workshop_lib.sandbox.transport.native_stacks import Hold, Replace
from workshop_lib.sandbox.transport.prepared_request import read_body, read_prepared


def aiobotocore_holds(answer: Callable[[Request], Response], replace: Replace) -> dict[str, Hold]:
    """For the modules of aiobotocore's two HTTP clients: what lets ``answer`` answer instead."""

    async def send(_: Any, prepared: Any) -> Any:
        from aiobotocore.awsrequest import AioAWSResponse

        response = answer(read_prepared(prepared, await _read(prepared.body)))
        raw = _Raw(response.body, prepared.url)
        answered = AioAWSResponse(prepared.url, response.status, response.headers, raw)
        if not prepared.stream_output:
            await answered.content
        return answered

    def hold(name: str) -> Hold:
        return lambda module: replace(getattr(module, name), "send", send)

    return {
        "aiobotocore.httpsession": hold("AIOHTTPSession"),
        "aiobotocore.httpxsession": hold("HttpxSession"),
    }


async def _read(body: Any) -> bytes:
    """A body read from where it stands, as sending it would."""
    if hasattr(body, "__aiter__") and not hasattr(body, "read"):
        return b"".join([piece async for piece in body])
    if not hasattr(body, "read"):
        return read_body(body)
    data = body.read()
    if inspect.isawaitable(data):
        data = await data
    return read_body(data)


class _Raw:
    """The response body, in the manner of aiohttp's."""

    def __init__(self, body: bytes, url: str) -> None:
        self.url = url
        self.content = _Content(body)

    async def read(self) -> bytes:
        """The rest of the body."""
        return await self.content.read()

    def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> "_Raw":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class _Content:
    def __init__(self, body: bytes) -> None:
        self._stream = io.BytesIO(body)
        self._size = len(body)

    async def read(self, amt: int = -1) -> bytes:
        """At most ``amt`` bytes, -1 for all that are left."""
        return self._stream.read(amt)

    def at_eof(self) -> bool:
        """Whether all was read."""
        return self._stream.tell() == self._size
