"""How large items are, to the byte, and how deep.

A number takes a byte, one for each two of its digits before and after the point, and one for a
minus sign, as https://github.com/paritysuite/dynamodb-conformance measured it (limits,
numberByteSize, 2026); AWS's own page gives it as an approximation.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

LARGEST_ITEM = 400 * 1024
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MOST_LEVELS = 32


def size(attributes: Mapping[str, Any]) -> int:
    """The bytes of attributes, names included."""
    return sum(_length(name) + value_size(value) for name, value in attributes.items())


def value_size(value: Mapping[str, Any]) -> int:
    """The bytes of an attribute value ({"S": "a"})."""
    [(kind, content)] = value.items()
    if kind == "S":
        return _length(content)
    if kind == "N":
        return number_size(content)
    if kind == "B":
        return binary_size(content)
    if kind == "SS":
        return sum(map(_length, content))
    if kind == "NS":
        return sum(map(number_size, content))
    if kind == "BS":
        return sum(map(binary_size, content))
    if kind == "L":
        return 3 + len(content) + sum(map(value_size, content))
    if kind == "M":
        return 3 + len(content) + size(content)
    return 1


def levels(value: Mapping[str, Any]) -> int:
    """How deep a value is nested, the innermost one counted."""
    found, within = 0, [value]
    while within:
        found += 1
        lists = [each["L"] for each in within if "L" in each]
        maps = [each["M"].values() for each in within if "M" in each]
        within = [*chain(*lists, *maps)]
    return found


def number_size(text: str) -> int:
    """The bytes of a number as DynamoDB keeps it."""
    whole, _, fraction = text.lstrip("-").partition(".")
    whole = whole.lstrip("0")
    if not fraction:
        whole = whole.rstrip("0")
    elif not whole:
        fraction = fraction.lstrip("0")
    return 1 + (len(whole) + 1) // 2 + (len(fraction) + 1) // 2 + text.startswith("-")


def binary_size(content: str | bytes) -> int:
    """The bytes of a binary value."""
    if isinstance(content, bytes):
        return len(content)
    return len(content) * 3 // 4 - content[-2:].count("=")


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
