"""The branches of a WHERE clause with OR: which keys each of them reads, and whether two meet.

Seen of AWS in October 2026 by https://github.com/paritysuite/dynamodb-conformance
(partiql/whereOverlap and error-messages/partiqlGrammar).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import combinations, product
from typing import Any, NamedTuple

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.binding import Call, Condition, Literal
from workshop_lib.sandbox.services.dynamodb.comparison import compares

_OF_KEYS = frozenset({"=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "begins_with"})
_MOST = 300  # branches; a clause of more is not looked at

# A condition on an attribute, and whether it is negated.
_Term = tuple[Call, bool]
_Branch = list[_Term]


class _Bound(NamedTuple):
    """An end of a range of sort keys; ``within``: whether the value belongs to it."""

    value: Mapping[str, Any]
    within: bool


class _Range(NamedTuple):
    """Sort keys from one bound to another; None: without end."""

    low: _Bound | None = None
    high: _Bound | None = None


_Keys = Sequence[str]


def require_apart(condition: Condition, partition: _Keys, sort: _Keys) -> None:
    """Refuse a clause of which two branches read the same sort keys of one partition.

    Only clauses whose branches all name their partition are looked at, and no branch that
    excludes sort keys. Alternatives that name no key are one branch.
    Raises AwsError ValidationException.
    """
    if len(sort) != 1:
        return
    branches = _branches(condition, {*partition, *sort})
    if not 1 < len(branches) <= _MOST:
        return
    places = [_partition(branch, partition) for branch in branches]
    if any(place is None for place in places):
        return
    found = [
        (place, reached)
        for place, branch in zip(places, branches, strict=True)
        if (reached := _reached(branch, sort[0])) is not None
    ]
    for (place, one), (other_place, other) in combinations(found, 2):
        if place == other_place and _meet(one, other):
            raise AwsError(
                "ValidationException",
                "Overlapping conditions with range keys are not supported in where clause",
            )


def _branches(condition: Condition, keys: Set[str]) -> list[_Branch]:
    """What is joined by OR once all that is joined by AND is inside, as far as it is about keys."""
    stack: list[tuple[list[_Branch], list[_Branch]]] = []  # as it stands, and negated
    for step in condition:
        if isinstance(step, Call):
            of_key = step.name in _OF_KEYS and step.operands[0] in [(key,) for key in keys]
            stack.append((_choices(step), [[(step, True)]]) if of_key else ([[]], [[]]))
            continue
        if step == "NOT":
            plain, negated = stack.pop()
            stack.append((negated, plain))
            continue
        (right, not_right), (left, not_left) = stack.pop(), stack.pop()
        if step == "AND":
            stack.append((_each(left, right), _either(not_left, not_right)))
        else:
            stack.append((_either(left, right), _each(not_left, not_right)))
    return stack[-1][0] if stack else []


def _either(one: list[_Branch], other: list[_Branch]) -> list[_Branch]:
    return one + other if any(one) or any(other) else [[]]


def _each(one: list[_Branch], other: list[_Branch]) -> list[_Branch]:
    if len(one) * len(other) > _MOST:
        return [[]] * (_MOST + 1)
    return [[*first, *second] for first, second in product(one, other)]


def _choices(call: Call) -> list[_Branch]:
    """A condition with IN is a branch for each of its values."""
    if call.name != "IN":
        return [[(call, False)]]
    first, *values = call.operands
    return [[(Call("=", (first, value)), False)] for value in values]


def _about(branch: _Branch, key: str) -> Iterator[tuple[str, list[Mapping[str, Any]], bool]]:
    """What a branch says of an attribute: operator, values, and whether it is negated."""
    for call, negated in branch:
        first, *others = call.operands
        values = [each.value for each in others if isinstance(each, Literal)]
        if first == (key,) and len(values) == len(others):
            yield call.name, values, negated


def _partition(branch: _Branch, keys: _Keys) -> list[Mapping[str, Any]] | None:
    """The partition that a branch names; None if it names none."""
    found = []
    for key in keys:
        given = [
            values[0]
            for name, values, negated in _about(branch, key)
            if name == "=" and not negated
        ]
        if not given:
            return None
        found.append(given[0])
    return found


def _reached(branch: _Branch, sort: str) -> _Range | None:
    """The sort keys that a branch reads; None if it excludes some, or reads none."""
    reached = _Range()
    for name, values, negated in _about(branch, sort):
        if negated or name == "<>":
            return None
        low, high = reached
        part = _part(name, values)
        if part.low is not None and (low is None or _narrows(">", part.low, low)):
            low = part.low
        if part.high is not None and (high is None or _narrows("<", part.high, high)):
            high = part.high
        reached = _Range(low, high)
    return None if _is_empty(reached) else reached


def _part(name: str, values: list[Mapping[str, Any]]) -> _Range:
    if name == "BETWEEN":
        return _Range(_Bound(values[0], True), _Bound(values[1], True))
    if name == "=":
        return _Range(_Bound(values[0], True), _Bound(values[0], True))
    if name in ("<", "<="):
        return _Range(high=_Bound(values[0], name == "<="))
    if name in (">", ">="):
        return _Range(low=_Bound(values[0], name == ">="))
    if name == "begins_with" and "S" in values[0]:
        text = values[0]["S"]
        return _Range(_Bound(values[0], True), _Bound({"S": text + "\U0010ffff"}, True))
    return _Range()


def _narrows(direction: str, new: _Bound, old: _Bound) -> bool:
    return compares(direction, new.value, old.value) or (new.value == old.value and not new.within)


def _beyond(low: _Bound, high: _Bound) -> bool:
    """Whether nothing lies from one bound to the other."""
    same = low.value == high.value
    return compares(">", low.value, high.value) or (same and not (low.within and high.within))


def _is_empty(reached: _Range) -> bool:
    return (
        reached.low is not None and reached.high is not None and _beyond(reached.low, reached.high)
    )


def _meet(one: _Range, other: _Range) -> bool:
    for first, second in ((one, other), (other, one)):
        if first.low is not None and second.high is not None and _beyond(first.low, second.high):
            return False
    return True
