"""Attribute values: the ten DynamoDB types, read from boto3's client form or from Python.

Pure data, no AWS. The types and their forms are those of
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from workshop_lib.errors import LearnerError

_SET_OF = {"S": "SS", "N": "NS", "B": "BS"}


class CannotCompare(LearnerError, TypeError):
    """One of the three views is not an item or an object; the message says what to pass."""


class Value(NamedTuple):
    """A typed value.

    kind: the DynamoDB type, such as "S" or "NS"; data: S str, N str as written, B bytes, BOOL
    bool, NULL None, L and sets a tuple of values (sets in a fixed order), M a dict of values.
    """

    kind: str
    data: Any

    def identity(self) -> Any:
        """What makes two values the same to DynamoDB: numbers by amount, sets in any order."""
        kind, data = self
        if kind == "N":
            number = as_decimal(data)
            return kind, data if number is None else number
        if kind == "M":
            return kind, frozenset((key, inner.identity()) for key, inner in data.items())
        if kind in ("L", *_SET_OF.values()):
            inside = (inner.identity() for inner in data)
            return kind, tuple(inside) if kind == "L" else frozenset(inside)
        return kind, data

    def written(self) -> list[bytes]:
        """How it is written down, in every form a reader knows it by; nothing for a yes or no."""
        if self.kind == "N":
            return number_forms(self.data)
        data = self.data if self.kind in ("S", "B") else b""
        return [utf8(data) if isinstance(data, str) else data] if data else []


def read_attributes(where: str, item: Mapping[str, Any]) -> dict[str, Value]:
    """Read an item's attributes, in either form; where: the item's name in an error.

    Raises:
        CannotCompare: something in it has no DynamoDB type, or is a stream.
    """
    if item and all(map(_is_typed, item.values())):
        return {str(name): _from_client(value) for name, value in item.items()}
    return {str(name): _from_python(f"{where}: {name}", value) for name, value in item.items()}


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
        return isinstance(data, str) or as_bytes(data) is not None
    is_text = isinstance(data, str)
    return (kind == "S" and is_text) or (kind == "N" and is_text and as_decimal(data) is not None)


def _from_client(value: Mapping[str, Any]) -> Value:
    kind, data = next(iter(value.items()))
    if kind == "L":
        return Value("L", tuple(map(_from_client, data)))
    if kind == "M":
        return Value("M", {str(key): _from_client(inner) for key, inner in data.items()})
    if kind in ("SS", "NS", "BS"):
        return _set(kind, (_from_client({kind[0]: element}) for element in data))
    if kind == "B":
        return Value("B", utf8(data) if isinstance(data, str) else as_bytes(data))
    return Value(kind, None if kind == "NULL" else data)


def _from_python(where: str, value: Any) -> Value:
    scalar = _python_scalar(value)
    if scalar is not None:
        return scalar
    if isinstance(value, Mapping):
        return Value("M", {str(key): _from_python(where, inner) for key, inner in value.items()})
    if isinstance(value, (list, tuple)):
        return Value("L", tuple(_from_python(where, element) for element in value))
    if isinstance(value, (set, frozenset)):
        return _python_set(where, value)
    if hasattr(value, "read"):
        raise CannotCompare(
            f"{where} is a stream, which can be read only once: "
            'pass its bytes, such as response["Body"].read().'
        )
    raise CannotCompare(f"{where} holds {describe_type(value)}, which has no DynamoDB type.")


def _python_scalar(value: Any) -> Value | None:
    raw = as_bytes(value)
    if raw is not None:
        return Value("B", raw)
    if value is None:
        return Value("NULL", None)
    if isinstance(value, bool):
        return Value("BOOL", value)
    if isinstance(value, (int, float, Decimal)):
        return Value("N", str(value))
    if isinstance(value, datetime.datetime):
        return Value("S", value.isoformat())
    return Value("S", value) if isinstance(value, str) else None


def _python_set(where: str, value: Iterable[Any]) -> Value:
    elements = [_from_python(where, element) for element in value]
    kinds = {element.kind for element in elements} or {"S"}
    kind = kinds.pop()
    if kinds or kind not in _SET_OF:
        raise CannotCompare(f"{where} is a set that is not all text, all numbers or all binary.")
    return _set(_SET_OF[kind], elements)


def _set(kind: str, elements: Iterable[Value]) -> Value:
    return Value(kind, tuple(sorted(elements, key=_order)))


def _order(element: Value) -> Any:
    """Order the elements of a set: binary by length first, which is the same for ciphertexts."""
    if element.kind == "N":
        return as_decimal(element.data) or Decimal(0), element.data
    return (len(element.data) if element.kind == "B" else 0), element.data


def as_bytes(value: Any) -> bytes | None:
    """Return the bytes of a binary value (boto3's Binary keeps them in ``value``), or None."""
    inner = getattr(value, "value", None) if type(value).__name__ == "Binary" else value
    return bytes(inner) if isinstance(inner, (bytes, bytearray, memoryview)) else None


def as_decimal(text: str) -> Decimal | None:
    """Return the number that a text is, or None; infinity and NaN are none to DynamoDB."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def number_forms(number: str) -> list[bytes]:
    """Write a number as given, without exponent, and without the zeros DynamoDB leaves out."""
    forms, amount = [number], as_decimal(number)
    if amount is not None and -130 <= amount.adjusted() <= 126:  # DynamoDB's range
        plain = f"{amount:f}"
        forms += [plain, plain.rstrip("0").rstrip(".") if "." in plain else plain]
    return [utf8(form) for form in dict.fromkeys(forms)]


def utf8(text: str) -> bytes:
    """Encode text as boto3 sends it; half a surrogate pair, which it refuses, is no error here."""
    return text.encode("utf-8", "surrogatepass")


def describe_type(value: Any) -> str:
    """Name what somebody passed, for a sentence that refuses it."""
    return "None" if value is None else f"a value of type {type(value).__name__}"
