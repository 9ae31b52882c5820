"""The branches of a WHERE clause with OR: which keys each of them reads, and what else it asks.

Seen of AWS in September and October 2026 by https://github.com/floci-io/floci
(DynamoDbPartiQLEdgeCaseIntegrationTest) and https://github.com/paritysuite/dynamodb-conformance
(partiql/whereOverlap and error-messages/partiqlGrammar).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
"""

from collections.abc import Mapping, Sequence
from itertools import chain, combinations, islice, product
from typing import Any, NamedTuple

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.binding import Call, Condition, Literal
from workshop_lib.sandbox.services.dynamodb.comparison import compares, kind_of, order
from workshop_lib.sandbox.services.dynamodb.conditions import met

_OF_PARTITION = frozenset({"=", "IN"})
_OF_SORT = frozenset({"=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "begins_with"})
_MOST = 300  # branches; a clause of more is looked at so far
_MOST_READS = 50


class _Term(NamedTuple):
    """A condition, whether it is negated, and the key attribute that it is about."""

    call: Call
    negated: bool
    key: str | None

    @property
    def values(self) -> list[Mapping[str, Any]]:
        """The values that the condition compares with."""
        return [each.value for each in self.call.operands[1:] if isinstance(each, Literal)]


class _Bound(NamedTuple):
    """An end of a range of sort keys; ``within``: whether the value belongs to it."""

    value: Mapping[str, Any]
    within: bool


class _Range(NamedTuple):
    """Sort keys from one bound to another; None: without end."""

    low: _Bound | None = None
    high: _Bound | None = None


_Keys = Sequence[str]


class Branch:
    """What is joined by AND: terms about keys, and others."""

    def __init__(self, terms: Sequence[_Term]) -> None:
        self.terms = terms

    def about(self, key: str) -> list[_Term]:
        """What it says of a key attribute."""
        return [term for term in self.terms if term.key == key]

    def partition(self, key: str) -> Mapping[str, Any] | None:
        """The partition that it reads; None if it names none, or two."""
        found = None
        for term in self.about(key):
            if term.call.name == "=" and not term.negated:
                if found not in (None, term.values[0]):
                    return None
                found = term.values[0]
        return found

    def others(self) -> list[Call]:
        """The conditions that are not about keys."""
        return [term.call for term in self.terms if term.key is None]

    def reads(self, item: Mapping[str, Any]) -> bool:
        """Whether an item's keys are among those that it reads."""
        keyed = (term for term in self.terms if term.key is not None)
        return all(met((term.call,), item) != term.negated for term in keyed)


class Branches:
    """The branches of a clause over a table or an index with these keys."""

    def __init__(self, condition: Condition | None, partition: str, sort: str | None) -> None:
        self._partition, self._sort = partition, sort
        self.all = [Branch(terms) for terms in _spread(condition or (), partition, sort)]

    @property
    def keyed(self) -> bool:
        """Whether each of them reads one partition; else all items are looked at."""
        return bool(self.all) and all(b.partition(self._partition) for b in self.all)

    def partitions(self) -> list[Mapping[str, Any]]:
        """The partitions that they read, each once; empty where all items are looked at."""
        found: list[Mapping[str, Any]] = []
        for branch in self.all if self.keyed else ():
            value = branch.partition(self._partition)
            if value is not None and value not in found:
                found.append(value)
        return found

    def require_types(self, types: Mapping[str, str]) -> None:
        """Refuse key values that no item can have. Raises AwsError ValidationException."""
        for branch in self.all:
            for term in branch.terms:
                if term.key is not None and not term.negated and term.call.name != "<>":
                    for value in term.values:
                        _require_type(term.key, value, types[term.key])

    def require_readable(self) -> None:
        """Refuse branches that overlap, and too many reads. Raises AwsError ValidationException."""
        self._require_apart()
        if self.keyed and len(self.all) > _MOST_READS:
            raise _invalid("Too many decomposed read operations for a given query.")

    def _require_apart(self) -> None:
        """Refuse two branches that read the same sort keys of one partition.

        None is looked at that excludes sort keys.
        """
        if not self.keyed or not 1 < len(self.all) <= _MOST:
            return
        found = [
            (branch.partition(self._partition), reached)
            for branch in self.all
            if (reached := self._reached(branch)) is not None
        ]
        for (place, one), (other_place, other) in combinations(found, 2):
            if place == other_place and _meet(one, other):
                raise _invalid(
                    "Overlapping conditions with range keys are not supported in where clause"
                )

    def in_order(self) -> list[Branch]:
        """The branches by the partition that they read."""
        return sorted(self.all, key=lambda b: order(*_only(b.partition(self._partition) or {})))

    def _reached(self, branch: Branch) -> _Range | None:
        """The sort keys that a branch reads; None if it excludes some, or reads none."""
        reached = _Range()
        for term in branch.about(self._sort) if self._sort else ():
            if term.negated or term.call.name == "<>":
                return None
            low, high = reached
            part = _part(term.call.name, term.values)
            if part.low is not None and (low is None or _narrows(">", part.low, low)):
                low = part.low
            if part.high is not None and (high is None or _narrows("<", part.high, high)):
                high = part.high
            reached = _Range(low, high)
        return None if _is_empty(reached) else reached


def _only(value: Mapping[str, Any]) -> tuple[str, Any]:
    [item] = value.items()
    return item


def _require_type(key: str, value: Mapping[str, Any], expected: str) -> None:
    kind = kind_of(value)
    if kind not in ("S", "N", "B"):
        raise _invalid(f"Key value must be of type S, N, or B. Key name: {key}, Key type: {kind}")
    if kind != expected:
        raise _invalid(
            "Key attribute's data type should match its data type in table's schema: Key " + key
        )


# --- what is joined by OR once all that is joined by AND is inside --------------------------------

_Terms = list[_Term]


def _spread(condition: Condition, partition: str, sort: str | None) -> list[_Terms]:
    """The branches of a condition. Alternatives that name no key are one branch."""
    stack: list[tuple[list[_Terms], list[_Terms]]] = []  # as it stands, and negated
    for step in condition:
        if isinstance(step, Call):
            key = _key(step, partition, sort)
            stack.append((_choices(step, key), [[_Term(step, negated=True, key=key)]]))
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


def _key(call: Call, partition: str, sort: str | None) -> str | None:
    """The key attribute that a condition is about, if keys are looked up by such conditions."""
    first, *others = call.operands
    if all(isinstance(each, Literal) for each in others):
        if first == (partition,) and call.name in _OF_PARTITION:
            return partition
        if sort is not None and first == (sort,) and call.name in _OF_SORT:
            return sort
    return None


def _choices(call: Call, key: str | None) -> list[_Terms]:
    """A condition with IN on a key is a branch for each of its values."""
    if call.name != "IN" or key is None:
        return [[_Term(call, negated=False, key=key)]]
    first, *values = call.operands
    return [[_Term(Call("=", (first, value)), negated=False, key=key)] for value in values]


def _either(one: list[_Terms], other: list[_Terms]) -> list[_Terms]:
    if any(term.key is not None for terms in (*one, *other) for term in terms):
        return [*one, *other][: _MOST + 1]
    return [[*chain(*one, *other)]]


def _each(one: list[_Terms], other: list[_Terms]) -> list[_Terms]:
    pairs = islice(product(one, other), _MOST + 1)
    return [[*first, *second] for first, second in pairs]


# --- ranges of sort keys --------------------------------------------------------------------------


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


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
