"""Attribute values, read from DynamoDB's JSON or from Python."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from workshop_lib.errors import LearnerError

_SET_OF = {"S": "SS", "N": "NS", "B": "BS"}
_PLAIN_NAMES = {"S": "text", "N": "number", "B": "bytes", "BOOL": "yes or no", "NULL": "none",
                "L": "list", "M": "map"}  # fmt: skip


class CannotCompare(LearnerError, TypeError):
    """One of the three views is not an item or an object; the message says what to pass."""


class _Value(NamedTuple):
    """A typed value: S str, N str as written, B bytes, BOOL bool, NULL None, L and sets a tuple
    of values, M a dict of values."""

    kind: str
    data: Any


def _item(name: str, response: Mapping[str, Any]) -> Mapping[str, Any]:
    """Open a get_item response, which has no Item when there is none under that key."""
    if set(response) - {"Item", "ConsumedCapacity", "ResponseMetadata"}:
        raise CannotCompare(
            f"`{name}` is a response, but not one of get_item: pass one item of it, "
            'such as response["Items"][0].'
        )
    return response.get("Item", {})


def _object(name: str, view: Mapping[str, Any]) -> dict[str, _Value]:
    kept = {
        "body" if key == "Body" else str(key): value
        for key, value in view.items()
        if key not in _S3_NOISE and not (key == "Metadata" and not value)
    }
    if isinstance(kept.get("body"), str):  # boto3 sends text as UTF-8, and S3 only keeps bytes
        kept["body"] = kept["body"].encode("utf-8", "surrogatepass")
    return {key: _from_python(f"{name}: {key}", value) for key, value in kept.items()}


def _is_dynamodb_json(item: Mapping[str, Any]) -> bool:
    return bool(item) and all(map(_is_typed, item.values()))


def _is_typed(value: Any) -> bool:
    """Say whether this is a type and its value, as boto3's client gives and takes them."""
    if not (isinstance(value, Mapping) and len(value) == 1):
        return False
    kind, data = next(iter(value.items()))
    if kind in ("SS", "NS", "BS"):
        return isinstance(data, (list, tuple)) and all(_is_scalar(kind[0], e) for e in data)
    if kind == "L":
        return isinstance(data, (list, tuple)) and all(map(_is_typed, data))
    if kind == "M":
        return isinstance(data, Mapping) and all(map(_is_typed, data.values()))
    return _is_scalar(kind, data)


def _is_scalar(kind: str, data: Any) -> bool:
    if kind in ("BOOL", "NULL"):
        return isinstance(data, bool)
    if kind == "B":  # boto3 also takes text as binary, and sends it as UTF-8
        return isinstance(data, str) or _bytes(data) is not None
    is_text = isinstance(data, str)
    return (kind == "S" and is_text) or (kind == "N" and is_text and _decimal(data) is not None)


def _from_json(value: Mapping[str, Any]) -> _Value:
    kind, data = next(iter(value.items()))
    if kind == "L":
        return _Value("L", tuple(map(_from_json, data)))
    if kind == "M":
        return _Value("M", {str(key): _from_json(inner) for key, inner in data.items()})
    if kind in ("SS", "NS", "BS"):
        return _set(kind, (_scalar(kind[0], element) for element in data))
    return _scalar(kind, data)


def _scalar(kind: str, data: Any) -> _Value:
    if kind == "B":
        return _Value("B", _utf8(data) if isinstance(data, str) else _bytes(data))
    return _Value(kind, None if kind == "NULL" else data)


def _from_python(where: str, value: Any) -> _Value:
    raw = _bytes(value)
    if raw is not None:
        return _Value("B", raw)
    if value is None:
        return _Value("NULL", None)
    if isinstance(value, bool):
        return _Value("BOOL", value)
    if isinstance(value, (int, float, Decimal)):
        return _Value("N", str(value))
    if isinstance(value, str):
        return _Value("S", value)
    if isinstance(value, datetime.datetime):
        return _Value("S", value.isoformat())
    if isinstance(value, Mapping):
        return _Value("M", {str(k): _from_python(where, v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return _Value("L", tuple(_from_python(where, element) for element in value))
    if isinstance(value, (set, frozenset)):
        return _python_set(where, value)
    if hasattr(value, "read"):
        raise CannotCompare(
            f"{where} is a stream, which can be read only once: "
            'pass its bytes, such as response["Body"].read().'
        )
    raise CannotCompare(f"{where} holds {_a(value)}, which has no DynamoDB type.")


def _python_set(where: str, value: Iterable[Any]) -> _Value:
    elements = [_from_python(where, element) for element in value]
    kinds = {element.kind for element in elements} or {"S"}
    kind = kinds.pop()
    if kinds or kind not in _SET_OF:
        raise CannotCompare(f"{where} is a set that is not all text, all numbers or all binary.")
    return _set(_SET_OF[kind], elements)


def _set(kind: str, elements: Iterable[_Value]) -> _Value:
    return _Value(kind, tuple(sorted(elements, key=_order)))


def _order(element: _Value) -> Any:
    """Order the elements of a set: binary by length first, which is the same for ciphertexts."""
    if element.kind == "N":
        return _decimal(element.data) or Decimal(0), element.data
    return (len(element.data) if element.kind == "B" else 0), element.data


def _bytes(value: Any) -> bytes | None:
    """Return the bytes of a binary value (boto3's Binary keeps them in ``value``), or None."""
    inner = getattr(value, "value", None) if type(value).__name__ == "Binary" else value
    return bytes(inner) if isinstance(inner, (bytes, bytearray, memoryview)) else None


def _a(value: Any) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


# What S3 returns beside the object, or put_object takes beside it, that says nothing of it.
_S3_NOISE = frozenset({"ResponseMetadata", "AcceptRanges", "LastModified", "Bucket", "Key"})


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
