"""Requests that botocore has prepared, as the gateway's messages."""

import io
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest

from workshop_lib.sandbox.protocol.messages import Request

_PIECE = 1024 * 1024


def read_prepared(prepared: AWSPreparedRequest, body: bytes) -> Request:
    """What botocore was about to send, as a message."""
    parts = urlsplit(prepared.url)
    # past botocore's own look-up of each name, which takes five times as long
    sent = getattr(prepared.headers, "_dict", prepared.headers)
    headers = {
        # what stands around a value is not of it: RFC 9110, 5.5
        str(name).lower(): (value.decode() if isinstance(value, bytes) else value).strip(" \t")
        for name, value in sent.items()
    }
    return Request(
        prepared.method, parts.scheme, parts.netloc, parts.path or "/", parts.query, headers, body
    )


def read_body(body: Any) -> bytes:
    """A body read from where it stands, as sending it would."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if hasattr(body, "read"):
        return _read_all(body)
    return b"".join(body)


def _read_all(body: Any) -> bytes:
    """A stream's rest, in pieces: botocore's own wrapper would copy all it has for each of them."""
    read = io.BytesIO()
    while piece := body.read(_PIECE):
        read.write(piece.encode() if isinstance(piece, str) else piece)
    return read.getvalue()
