"""Attribute values: what DynamoDB takes for a number, a set, a null, and how it keeps numbers.

It checks them in one of two layers, which word their refusals differently: what writes or reads
single items and Query in the current one, batches of writes, transactions, Scan and PartiQL in an
older one. Texts recorded from AWS, October 2026 (in us-east-1 among others):
https://github.com/paritysuite/dynamodb-conformance, error-messages/valueLayers,
limits/numberExponent, error-messages/partiqlParameterNumbers

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.comparison import sorted_set
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE, INVALID

# How numbers are kept that the clients send most: nothing is to be done about them.
_AS_KEPT = re.compile(r"0|-?[1-9][0-9]{0,37}|-?(?:0|[1-9][0-9]{0,18})\.[0-9]{0,18}[1-9]")
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
_MOST_DIGITS, _LARGEST, _SMALLEST = 38, 125, -130

_NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
OVERFLOW, _UNDERFLOW = (
    f"Number {what}flow. Attempting to store a number with magnitude {than} than supported range"
    for what, than in (("over", "larger"), ("under", "smaller"))
)
_EMPTY_SETS = {
    "SS": "An string set  may not be empty",
    "NS": "An number set  may not be empty",
    "BS": "Binary sets should not be empty",
}

_OLDER = frozenset(
    {
        "BatchWriteItem", "TransactWriteItems", "TransactGetItems", "Scan", "ExecuteStatement",
        "ExecuteTransaction", "BatchExecuteStatement",
    }
)  # fmt: skip
_ENVELOPED = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
# Where a request has values: by an attribute's name, or within what is asked of an attribute.
_BY_NAME = ("Item", "Key")
_CONDITIONS = ("Expected", "AttributeUpdates", "KeyConditions", "QueryFilter", "ScanFilter")


_TOLD_AS_EVER = (
    "contains duplicates", "number set", "numeric value", "significant digits",
    "with magnitude",
)  # fmt: skip
_UNCHECKED = ("S", "B", "BOOL")


class Unfit(Exception):
    """What DynamoDB says of a value."""


def require_values(call: Call, part: Mapping[str, Any]) -> None:
    """Refuse values that DynamoDB does not take; the call's numbers become what it keeps of them.

    ``part`` are the request's parameters, or an action of a transaction.
    Raises AwsError ValidationException.
    """
    values = _Values(older=call.operation in _OLDER)
    for asked in _requests(part):
        try:
            values.check_all(asked)
        except Unfit as unfit:
            envelope = ENVELOPE if call.operation in _ENVELOPED else ""
            raise AwsError("ValidationException", f"{envelope}{unfit}") from None


def _requests(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of a request that have values of their own."""
    yield part
    for listed in (part.get("RequestItems") or {}).values():
        if isinstance(listed, dict):  # BatchGetItem
            yield from ({"Key": key} for key in listed["Keys"])
        else:
            for request in listed:
                yield from request.values()
    for action in part.get("TransactItems") or ():
        yield from action.values()
    yield from part.get("TransactStatements") or ()


class _Values:
    """The check of one request's values, in place; ``changed`` when a number was rewritten."""

    def __init__(self, *, older: bool) -> None:
        self.changed = False
        self._older = older
        self._checks: dict[str, Callable[[dict[str, Any], Any], None]] = {
            "N": self._number,
            "NULL": self._null,
            "L": self._list,
            "M": self._map,
            **{kind: partial(self._set, kind) for kind in _EMPTY_SETS},
        }

    def check_all(self, asked: Mapping[str, Any]) -> None:
        """Check the values of a request, or of its part. Raises Unfit.

        Texts: paritysuite's error-messages/valueLayers and validation-ordering/deepRequests
        """
        if "" in (asked.get("Item") or ()):
            raise Unfit("Empty attribute name")
        for parameter in _BY_NAME:
            for value in (asked.get(parameter) or {}).values():
                self._check(value)
        for name, value in (asked.get("ExpressionAttributeValues") or {}).items():
            self._check_named(name, value)
        for value in (asked.get("ExclusiveStartKey") or {}).values():
            self._check_start(value)
        self._check_conditions(asked)
        for value in asked.get("Parameters") or ():
            self._check(value)

    def _check_conditions(self, asked: Mapping[str, Any]) -> None:
        for parameter in _CONDITIONS:
            for condition in (asked.get(parameter) or {}).values():
                for value in (condition.get("Value"), *(condition.get("AttributeValueList") or ())):
                    if value is not None:
                        self._check(value)

    def _check_named(self, name: str, value: dict[str, Any]) -> None:
        try:
            self._check(value)
        except Unfit as unfit:
            if not self._older:
                raise
            place = f"ExpressionAttributeValues contains invalid value: {unfit} for key {name}"
            raise Unfit(place) from None

    def _check_start(self, value: dict[str, Any]) -> None:
        """Only some faults of a starting key are told as such, as dynalite's tests saw."""
        try:
            self._check(value)
        except Unfit as unfit:
            if any(words in str(unfit) for words in _TOLD_AS_EVER):
                raise
            raise Unfit(f"The provided starting key is invalid: {unfit}") from None

    def _check(self, value: dict[str, Any]) -> None:
        """Check a value ({"S": "a"})."""
        given = 0
        for kind, content in value.items():
            if content is None:  # as good as absent
                continue
            check = self._checks.get(kind)
            if check is not None:
                check(value, content)
            elif kind not in _UNCHECKED:  # which the model does not know
                continue
            given += 1
        if given != 1:
            fault = "has more than one datatypes set" if given else "is empty"
            raise Unfit(
                f"Supplied AttributeValue {fault}, must contain exactly one of the supported "
                "datatypes"
            )

    def _list(self, value: dict[str, Any], content: list[dict[str, Any]]) -> None:
        for each in content:
            self._check(each)

    def _map(self, value: dict[str, Any], content: dict[str, Any]) -> None:
        for each in content.values():
            self._check(each)

    def _null(self, value: dict[str, Any], content: bool) -> None:
        if not content:
            raise Unfit(f"{INVALID}Null attribute value types must have the value of true")

    def _number(self, value: dict[str, Any], content: str) -> None:
        if not _AS_KEPT.fullmatch(content):
            value["N"] = read_number(content, older=self._older)
            self.changed = True

    def _set(self, kind: str, value: dict[str, Any], content: list[str]) -> None:
        if not content:
            raise Unfit(INVALID + _EMPTY_SETS[kind])
        members = content
        if kind == "NS":
            members = [read_number(member, older=self._older) for member in content]
            self.changed |= members != content
            value["NS"] = members
        if len({*members}) < len(members):
            raise Unfit(_duplicates(kind, members, older=self._older))
        if len(members) > 1:
            value[kind] = sorted_set(kind, members)


def read_number(text: str, *, older: bool = False) -> str:
    """What DynamoDB keeps of a number; the magnitude of a zero is that of its exponent."""
    parts = _NUMBER.fullmatch(text)
    if parts is None or not (parts[2] or parts[3]) or not _fits(parts[4] or "0", older=older):
        told = "" if older and not text else f": {text}"
        raise Unfit(_NOT_NUMERIC + told)
    fraction = parts[3] or ""
    digits = (parts[2] + fraction).lstrip("0")
    exponent = int(parts[4] or 0) - len(fraction)
    significant = digits.rstrip("0")
    magnitude = len(digits or "0") + exponent
    if older:
        magnitude = (magnitude + 2**31) % 2**32 - 2**31  # as Java adds
    if magnitude > _LARGEST + 1:
        raise Unfit(OVERFLOW)
    if magnitude < _SMALLEST + 1:
        raise Unfit(_UNDERFLOW)
    if len(significant) > _MOST_DIGITS:
        raise Unfit(f"Attempting to store more than {_MOST_DIGITS} significant digits in a Number")
    if not significant:
        return "0"
    exponent += len(digits) - len(significant)
    sign = "-" if parts[1] == "-" else ""
    if exponent >= 0:
        return f"{sign}{significant}{'0' * exponent}"
    whole = significant[:exponent] or "0"
    return f"{sign}{whole}.{significant[exponent:].rjust(-exponent, '0')}"


def _fits(exponent: str, *, older: bool) -> bool:
    """Whether an exponent fits into the integer that DynamoDB reads it into.

    The older layer keeps it with its sign turned.
    """
    if len(exponent) > len("-9223372036854775808"):
        return not exponent.lstrip("+-").strip("0")
    number = int(exponent)
    return -(2**31) < number < 2**31 if older else -(2**63) <= number < 2**63


def _duplicates(kind: str, members: Sequence[str], *, older: bool) -> str:
    """What is said of a set with duplicates.

    The current layer lists members in order of their bytes up to the first that repeats.
    """
    if kind == "NS":
        told = "Input collection contains duplicates"
        return told if older else f"{INVALID}{told}."
    end = "of type BS contains duplicates." if kind == "BS" else " contains duplicates."
    if older:
        return f"{INVALID}Input collection [{', '.join(members)}]{end}"
    repeat = next(n for n, member in enumerate(members) if member in members[:n])
    as_bytes = base64.b64decode if kind == "BS" else str.encode
    listed = [*sorted(members[:repeat], key=as_bytes), *members[repeat:]]
    separators = (",", ":") if kind == "BS" else (", ", ": ")
    shown = json.dumps(listed, ensure_ascii=False, separators=separators)
    return f"{INVALID}Input collection {shown}{end}"
