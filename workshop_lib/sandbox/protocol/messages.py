"""Plain HTTP messages: what a transport hands to the gateway, and what it gets back."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Request:
    """One HTTP request, its body read whole.

    ``path`` and ``query`` stand percent-encoded as they were sent; ``headers`` have
    lower-case names.
    """

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    # A browser's upload form, once `multipart_form.read` has read it from the body.
    form: Any = field(default=None, repr=False, compare=False)

    @property
    def parameters(self) -> dict[str, str]:
        """The query string, decoded; of a repeated name the last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True)) if self.query else {}


@dataclass
class Response:
    """One HTTP response; header names as AWS writes them."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of a header, whatever its case; None when absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)

    def set_header(self, name: str, value: str | None) -> None:
        """Set a header in place of any of that name; None takes it away."""
        wanted = name.lower()
        for key in [key for key in self.headers if key.lower() == wanted]:
            del self.headers[key]
        if value is not None:
            self.headers[name] = value
