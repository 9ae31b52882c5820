"""Plain HTTP messages, as tests write them down."""

from urllib.parse import urlsplit

from workshop_lib.sandbox.protocol.messages import Request


def request_for(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> Request:
    """A request for ``url``; header names may come in any case."""
    parts = urlsplit(url)
    lowered = {name.lower(): value for name, value in headers.items()}
    return Request(
        method, parts.scheme, parts.netloc, parts.path or "/", parts.query, lowered, body
    )
