"""What conditions say of values: equal, less, contained, of which size.

Values are DynamoDB's JSON, numbers and sets as it keeps them: what is equal is the same document.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Value = Mapping[str, Any]
# Values that have an order: numbers by what they are, the others by their bytes.
ORDERED = ("S", "N", "B")
KINDS = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "NULL": "NULL", "L": "LIST",
    "M": "MAP", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
}  # fmt: skip


def kind_of(value: Value) -> str:
    """The type of a value: S, N, B …"""
    return next(iter(value))


def order(kind: str, content: str) -> Any:
    """What a string, a number or binary is sorted by."""
    if kind == "N":
        return Decimal(content)
    if kind == "B":
        return base64.b64decode(content)
    return content.encode(errors="surrogatepass")


def sorted_set(kind: str, members: Sequence[str]) -> list[str]:
    """A set's members in the order in which DynamoDB gives them back."""
    return sorted(members, key=lambda member: order(kind[0], member))


def compares(operator: str, left: Value | None, right: Value | None) -> bool:
    """Whether ``left`` (None: no such attribute) is =, <>, <, <=, > or >= ``right``."""
    if operator == "<>":
        return left != right
    if left is None or right is None:
        return False
    if operator == "=":
        return left == right
    kind = kind_of(left)
    if kind not in ORDERED or kind not in right:
        return False
    first, second = order(kind, left[kind]), order(kind, right[kind])
    if operator == "<":
        return bool(first < second)
    if operator == "<=":
        return bool(first <= second)
    return bool(first > second) if operator == ">" else bool(first >= second)


def lies_between(value: Value | None, low: Value | None, high: Value | None) -> bool:
    """Whether ``low`` <= ``value`` <= ``high``."""
    return compares("<=", low, value) and compares("<=", value, high)


def begins_with(value: Value | None, prefix: Value | None) -> bool:
    """Whether a string or binary begins with another."""
    if value is None or prefix is None:
        return False
    kind = kind_of(value)
    if kind not in ("S", "B") or kind not in prefix:
        return False
    return bool(order(kind, value[kind]).startswith(order(kind, prefix[kind])))


def contains(value: Value | None, part: Value | None) -> bool:
    """Whether a string or binary has a part, a set a member, a list an element."""
    if value is None or part is None:
        return False
    [(kind, content)] = value.items()
    [(other, wanted)] = part.items()
    if kind == "L":
        return part in content
    if kind in ("SS", "NS", "BS"):
        return other == kind[0] and wanted in content
    if kind == other and kind in ("S", "B"):
        return order(kind, wanted) in order(kind, content)
    return False


def length(value: Value | None) -> int | None:
    """What size() gives; None where there is nothing that has one."""
    if value is None:
        return None
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content)
    if kind == "B":
        return len(base64.b64decode(content))
    return len(content) if kind in ("SS", "NS", "BS", "L", "M") else None
