"""What a stored attribute says to a reader who has no key."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from workshop_lib.display.formatting import as_text
from workshop_lib.exercises.inspection import Inspection

_BLOCK = 16
_TYPES = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"}


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
        yield from (name for name in value if name not in _TYPES)  # the names in a map
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
        readable: the attributes of that item that are not encrypted; of an encrypted one, its name
            with {}, for names are never encrypted.

    Returns:
        The attribute's name, and whether it is one of the same item.
    """
    text = plaintext_of(secret)
    if not text:
        return None
    for name, value in readable.items():
        if name not in keys and holds({name: value}, text):
            return name, True
    for page in boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            if {name: item.get(name) for name in keys} == dict(keys):
                continue
            for name, value in item.items():
                if holds({name: value}, text):
                    return name, False
    return None


def in_stream(table: str, keys: Mapping[str, Any], secret: bytes) -> str | None:
    """The attribute in which a secret stands readable in the table's stream; None if in none.

    A stream keeps for 24 hours what was written, also what has been overwritten since.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    text = plaintext_of(secret)
    images = _images(table) if text else ()
    for image in images:
        for name, value in image.items():
            if name not in keys and holds({name: value}, text):
                return name
    return None


def _images(table: str) -> Iterator[Attributes]:
    """The items before and after each change, as far as the table's streams have them."""
    streams = boto3.client("dynamodbstreams")
    for stream in streams.list_streams(TableName=table)["Streams"]:
        arn = stream["StreamArn"]
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            place: str | None = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while place:
                page = streams.get_records(ShardIterator=place)
                for record in page["Records"]:
                    for which in ("OldImage", "NewImage"):
                        yield record["dynamodb"].get(which, {})
                # an open shard has a next place for ever: what is there was read
                place = page.get("NextShardIterator") if page["Records"] else None


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
        if name := in_stream(table, keys, secret):
            inspection.fail(
                f"the {what} stands readable in the table's stream, in {name}: it was written in "
                "plaintext first",
                "What a stream has, it keeps for a day: make a new table, and encrypt before the "
                "first write.",
            )
        return
    name, same = found
    inspection.fail(
        f"the {what} is also readable, in {name} of {'the same' if same else 'another'} item",
        "Leave it out there, or encrypt that too." if same else "Delete that item, or encrypt it.",
    )
