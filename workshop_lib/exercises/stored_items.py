"""What a stored attribute says to a reader who has no key."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from workshop_lib.display.formatting import as_text
from workshop_lib.exercises.inspection import Inspection

_BLOCK = 16


def is_ciphertext(value: Any) -> bool:
    """Whether an attribute, as boto3's resource gives it, looks as the encryption client left it.

    That is binary: an initialization vector and whole blocks of AES in CBC mode.
    https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/DDBEC-legacy-concepts.html
    """
    data = getattr(value, "value", value)  # boto3.dynamodb.types.Binary holds its bytes there
    if not isinstance(data, bytes | bytearray):
        return False
    return len(data) >= 2 * _BLOCK and len(data) % _BLOCK == 0 and as_text(bytes(data)) is None


Attributes = Mapping[str, Mapping[str, Any]]


def plaintext_of(serialized: bytes) -> str:
    """A text or a number as the encryption client serializes it; empty for other types."""
    head, text = serialized[:2], serialized[6:]  # a zero, the type, four bytes of length
    return text.decode("utf-8", "replace") if head in (b"\0s", b"\0n", b"\0b") else ""


def holds(value: Any, text: str) -> bool:
    """Whether an attribute, as boto3's client gives it, says the text to a reader without a key.

    As a word of its own, also in a list or a map, in base64 or in hexadecimal digits.
    """
    raw = text.encode()
    b64 = base64.b64encode(raw).decode()
    forms = [text, b64, b64.rstrip("="), base64.urlsafe_b64encode(raw).decode(), raw.hex()]
    words = re.compile("|".join(rf"(?<!\w){re.escape(form)}(?!\w)" for form in forms), re.I)
    return any(words.search(each) for each in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    """All that is readable in a value: texts, numbers, and bytes that are text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes | bytearray):
        if (text := as_text(bytes(value))) is not None:
            yield text
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _texts(each)


def readable_copy(
    table: str, keys: Mapping[str, Any], readable: Attributes, secret: bytes
) -> tuple[str, bool] | None:
    """Where a secret, as the client serializes it, also stands readable in a table; or None.

    Args:
        keys: the primary key of the item that holds it encrypted.
        readable: the attributes of that item that are not encrypted.

    Returns:
        The attribute's name, and whether it is one of the same item.
    """
    text = plaintext_of(secret)
    if not text:
        return None
    for name, value in readable.items():
        if name not in keys and holds(value, text):
            return name, True
    for page in boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            if {name: item.get(name) for name in keys} == dict(keys):
                continue
            for name, value in item.items():
                if holds(value, text):
                    return name, False
    return None


def not_readable(
    inspection: Inspection,
    table: str,
    keys: Mapping[str, Any],
    readable: Attributes,
    what: str,
    secret: bytes,
) -> None:
    """The secret (called `what`) stands nowhere in the table as `readable_copy` looks for it."""
    found = readable_copy(table, keys, readable, secret)
    if found is None:
        inspection.passed(f"no other attribute of the table holds the {what} in plaintext")
        return
    name, same = found
    inspection.fail(
        f"the {what} is also readable, in {name} of {'the same' if same else 'another'} item",
        "Leave it out there, or encrypt that too." if same else "Delete that item, or encrypt it.",
    )
