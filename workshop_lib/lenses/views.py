"""What `compare` is given: an item, a response of get_item, an S3 body or an S3 response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workshop_lib.lenses.attribute_values import (
    CannotCompare,
    Value,
    describe_type,
    read_attributes,
    utf8,
)

# What S3 returns beside the object, or put_object takes beside it, that says nothing of it.
_BESIDE_THE_OBJECT = frozenset(
    {"ResponseMetadata", "AcceptRanges", "LastModified", "Bucket", "Key"}
)


def is_object(view: Any) -> bool:
    """Say whether this is an S3 object rather than a DynamoDB item."""
    if not isinstance(view, Mapping):
        return isinstance(view, (str, bytes, bytearray, memoryview)) or hasattr(view, "read")
    names = set(view)
    if not names & {"body", "Body"}:
        return {"ETag", "ResponseMetadata"} <= names  # head_object
    return bool(names & {"ETag", "ResponseMetadata"}) or {"Bucket", "Key"} <= names


def read_view(name: str, view: Any, as_object: bool) -> dict[str, Value]:
    """Read one view into its attributes; name: what the caller calls it, for an error.

    Raises:
        CannotCompare: it is no item and no object, or holds what has no DynamoDB type.
    """
    if as_object and not isinstance(view, Mapping):
        view = {"body": view}
    if not isinstance(view, Mapping):
        raise CannotCompare(
            f"`{name}` is {describe_type(view)}: "
            "pass an item (a dict), a body (bytes or str) or a response."
        )
    if as_object:
        view = _object(view)
    elif "ResponseMetadata" in view:
        view = _item(name, view)
    return read_attributes(name, view)


def _item(name: str, response: Mapping[str, Any]) -> Mapping[str, Any]:
    """Open a get_item response, which has no Item when there is none under that key."""
    if set(response) - {"Item", "ConsumedCapacity", "ResponseMetadata"}:
        raise CannotCompare(
            f"`{name}` is a response, but not one of get_item: pass one item of it, "
            'such as response["Items"][0].'
        )
    return dict(response.get("Item", {}))


def _object(view: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {
        "body" if key == "Body" else str(key): value
        for key, value in view.items()
        if key not in _BESIDE_THE_OBJECT and not (key == "Metadata" and not value)
    }
    if isinstance(kept.get("body"), str):  # boto3 sends text as UTF-8, and S3 only keeps bytes
        kept["body"] = utf8(kept["body"])
    return kept
