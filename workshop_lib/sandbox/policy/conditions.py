"""Condition operators, policy variables and wildcards of the IAM policy language.

Everything a policy says once is compiled once; a request is then compared with sets, prefixes
and regular expressions that take linear time (atomic groups, so `*a*a*a*` cannot hang).

AWS pages (IAM User Guide): "IAM JSON policy elements: Condition operators", "Conditions with
multiple context keys or values", "Set operators for multivalued context keys", "IAM policy
elements: Variables and tags", "IAM JSON policy elements: Resource".
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.policy.patterns import (
    Patterns,
    Scope,
    Values,
    _plain,
    _resolve,
    read_template,
)

# --- operators ----------------------------------------------------------------------------

Match = Callable[[str, Values], bool]
"""Whether one value of the request matches one of the policy's (before negation)."""


def _string_equals(texts: Sequence[str], variables: bool, fold: bool = False) -> Match:
    templates = [read_template(text, variables) for text in texts]

    def match(value: str, values: Values) -> bool:
        resolved = (_resolve(template, values) for template in templates)
        plain = (_plain(marked) for marked in resolved if marked is not None)
        return any(text.lower() == value.lower() if fold else text == value for text in plain)

    if any(len(template) > 1 for template in templates):
        return match
    fixed = frozenset(_plain(str(template[0])) for template in templates)
    if not fold:
        return lambda value, values: value in fixed
    folded = frozenset(text.lower() for text in fixed)
    return lambda value, values: value.lower() in folded


def _bool(texts: Sequence[str], variables: bool) -> Match:
    equals = _string_equals(texts, variables, fold=True)
    return lambda value, values: value.lower() in ("true", "false") and equals(value, values)


def _patterns(scope: Scope) -> "Build":
    return lambda texts, variables: Patterns(texts, scope, variables).match


def _compared(read: Callable[[str], Any], test: Callable[[Any, Any], bool]) -> "Build":
    """A family whose values are read as numbers, dates, bytes or networks. What cannot be read
    equals nothing. Policy variables are not substituted in these families."""

    def build(texts: Sequence[str], variables: bool) -> Match:
        wanted = [item for text in texts if (item := read(text)) is not None]

        def match(value: str, values: Values) -> bool:
            item = read(value)
            return item is not None and any(test(item, other) for other in wanted)

        return match

    return build


_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)


def number(text: str) -> Decimal | None:
    """An integer or decimal, also with an exponent; else None."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_DATE = re.compile(
    r"(-?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?"
    r"(?:t(?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(\.\d{1,9})?)?)?)?(z|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE | re.ASCII,
)
_BEFORE_ALL, _AFTER_ALL = float("-inf"), float("inf")


def instant(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 (W3C) date or of an epoch time; None if it is neither."""
    if re.fullmatch(r"\d{1,19}", text, re.ASCII):
        return float(text) if int(text) < 2**63 else None
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or "0") for part in found.groups()[:6])
    try:
        date = datetime(
            min(max(year, 1), 9999), month or 1, day or 1, hour, minute, second, tzinfo=UTC
        )
    except ValueError:
        return None
    if not 1 <= year <= 9999:
        return _BEFORE_ALL if year < 1 else _AFTER_ALL
    fraction, zone = found.groups()[6:]
    return date.timestamp() + float(fraction or "0") - _offset(zone or "z").total_seconds()


def _offset(zone: str) -> timedelta:
    if zone in "zZ":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=1024)
def network(text: str) -> Network | None:
    """An address or CIDR block, IPv4 or IPv6; None if it is neither."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _inside(address: Network, block: Network) -> bool:
    return address.version == block.version and address.network_address in block


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _ignoring_case(texts: Sequence[str], variables: bool) -> Match:
    return _string_equals(texts, variables, fold=True)


Build = Callable[[Sequence[str], bool], Match]

# Operator: how it compares, and whether it is negated.
OPERATORS: dict[str, tuple[Build, bool]] = {
    "StringEquals": (_string_equals, False),
    "StringNotEquals": (_string_equals, True),
    "StringEqualsIgnoreCase": (_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_ignoring_case, True),
    "StringLike": (_patterns("text"), False),
    "StringNotLike": (_patterns("text"), True),
    "NumericEquals": (_compared(number, eq), False),
    "NumericNotEquals": (_compared(number, eq), True),
    "NumericLessThan": (_compared(number, lt), False),
    "NumericLessThanEquals": (_compared(number, le), False),
    "NumericGreaterThan": (_compared(number, gt), False),
    "NumericGreaterThanEquals": (_compared(number, ge), False),
    "DateEquals": (_compared(instant, eq), False),
    "DateNotEquals": (_compared(instant, eq), True),
    "DateLessThan": (_compared(instant, lt), False),
    "DateLessThanEquals": (_compared(instant, le), False),
    "DateGreaterThan": (_compared(instant, gt), False),
    "DateGreaterThanEquals": (_compared(instant, ge), False),
    "Bool": (_bool, False),
    "BinaryEquals": (_compared(_binary, eq), False),
    "IpAddress": (_compared(network, _inside), False),
    "NotIpAddress": (_compared(network, _inside), True),
    "ArnEquals": (_patterns("arn"), False),
    "ArnLike": (_patterns("arn"), False),
    "ArnNotEquals": (_patterns("arn"), True),
    "ArnNotLike": (_patterns("arn"), True),
}
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?")
_OPERATOR_NAMES = {"null", *(name.lower() for name in OPERATORS)}


class Operator(NamedTuple):
    """A condition operator as written, taken apart."""

    quantifier: str  # "ForAllValues", "ForAnyValue" or ""
    base: str
    if_exists: bool


def read_operator(name: str) -> Operator | None:
    """The operator that `name` stands for; None if AWS documents no such operator."""
    found = _OPERATOR.fullmatch(name)
    if found is None:
        return None
    quantifier, base, suffix = found.groups()
    if base != "Null" and base not in OPERATORS:
        return None
    if base == "Null" and (suffix or quantifier):
        return None
    return Operator(quantifier or "", base, bool(suffix))


def is_operator(name: str) -> bool:
    """Whether AWS's language may have an operator of that name, in any form and any case."""
    found = _OPERATOR.fullmatch(name)
    if found is None or (found[2].lower() == "null" and found[3]):
        return False
    return found[2].lower() in _OPERATOR_NAMES


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator applied to one condition key; `written` and `wanted` are the document's own."""

    name: str
    key: str
    operator: Operator
    negated: bool
    match: Match
    written: str
    wanted: tuple[str, ...]

    def holds(self, values: Values) -> bool:
        """Whether the request meets the condition.

        Raises NotEmulated where a multivalued key meets an operator without ForAllValues
        or ForAnyValue: AWS asks for one and does not say what happens without it.
        """
        value = values.get(self.key)
        quantifier, base, if_exists = self.operator
        if base == "Null":
            return self.match("true" if _is_null(value) else "false", values)
        if value is None or value == [] or (quantifier and _is_null(value)):
            if quantifier and not if_exists:
                return quantifier == "ForAllValues"
            return if_exists or self.negated
        if isinstance(value, str):
            return self.match(value, values) != self.negated
        if quantifier == "ForAllValues":
            return all(self.match(item, values) != self.negated for item in value)
        if quantifier == "ForAnyValue" or len(value) == 1:
            return any(self.match(item, values) != self.negated for item in value)
        raise NotEmulated(
            f"{self.name} on {self.key}: the key has {len(value)} values here, "
            "so begin the operator with ForAllValues: or ForAnyValue:."
        )


def _is_null(value: str | Sequence[str] | None) -> bool:
    """Absent, or "a null data set, such as an empty string"."""
    return not value or not any(value)


def read_condition(name: str, key: str, texts: Sequence[str], variables: bool) -> Condition:
    """Compile one operator and key with the policy's values (strings).

    Raises NotEmulated, naming the operator, for one that the sandbox does not know.
    """
    operator = read_operator(name)
    if operator is None:
        raise NotEmulated(
            f"The sandbox does not know the condition operator {name}: "
            'AWS lists them under "IAM JSON policy elements: Condition operators".'
        )
    build, negated = OPERATORS["Bool" if operator.base == "Null" else operator.base]
    variables = variables and operator.base.startswith(("String", "Arn", "Bool"))
    match = build(tuple(texts), variables)
    return Condition(name, key.lower(), operator, negated, match, key, tuple(texts))
