"""S3's XML documents, read and written.

https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
_MOST_TAGS = 2**17  # 10,000 parts of an upload have 80,000
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
    | {chr(code): f"&#x{code:x};" for code in range(32) if code not in (9, 10, 13)}
)


def malformed() -> AwsError:
    """S3's answer to a document that does not keep to its schema."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def missing_document() -> AwsError:
    """S3's answer to a request that was to bring a document and brings nothing."""
    return AwsError("MissingRequestBodyError", "Request Body is empty")


class Element:
    """An element of a document; names come without their namespace, ``kind`` is its xsi:type."""

    def __init__(self, element: ElementTree.Element) -> None:
        self.name = element.tag.rpartition("}")[2]
        self.kind = element.get(f"{{{SCHEMA}}}type", "")
        self.text = element.text or ""
        self.children = [Element(child) for child in element]

    def all(self, name: str) -> list["Element"]:
        """The children of that name."""
        return [child for child in self.children if child.name == name]

    def one(self, name: str) -> "Element | None":
        """The child of that name, if any. Raises MalformedXML where there are several."""
        found = self.all(name)
        if len(found) > 1:
            raise malformed()
        return found[0] if found else None

    def value(self, name: str) -> str | None:
        """The text of the child of that name; None where there is none."""
        found = self.one(name)
        return None if found is None else found.text


def read(body: bytes) -> Element:
    """The document in a request's body. Raises MalformedXML."""
    if body.count(b"<") > _MOST_TAGS or b"<!" in body.replace(b"<!--", b""):
        raise malformed()
    try:
        return Element(ElementTree.fromstring(body))
    except (ElementTree.ParseError, ValueError, RecursionError, LookupError):
        raise malformed() from None


def parse(body: bytes, root: str) -> Element:
    """The document in a request's body. Raises MissingRequestBodyError where there is none.

    Raises MalformedXML unless its root is ``root``.
    """
    if not body:
        raise missing_document()
    element = read(body)
    if element.name != root:
        raise malformed()
    return element


def document(root: str, content: Mapping[str, Any], namespace: str = NAMESPACE) -> bytes:
    """A document: texts, numbers, truth values and times, lists of them, nested mappings.

    None leaves an element out; ``namespace`` may be empty. A name may bring attributes along.
    """
    named = f' xmlns="{namespace}"' if namespace else ""
    inner = "".join(_element(name, value) for name, value in content.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{named}>{inner}</{root}>'.encode()


def respond(
    root: str, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """A 200 response with a document."""
    shown = {"Content-Type": "application/xml", **(headers or {})}
    return Response(200, shown, document(root, content))


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        inner = "".join(_element(key, item) for key, item in value.items())
    else:
        inner = _text(value)
    return f"<{name}>{inner}</{name.partition(' ')[0]}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    return str(value).translate(_ESCAPES)


def iso(moment: datetime) -> str:
    """A time as S3's documents write it: in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
