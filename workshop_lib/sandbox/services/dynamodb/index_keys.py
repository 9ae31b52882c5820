"""Keys of secondary indexes: an item that carries one must give it the index's type, and a value.

An item without an index's key is simply not in the index; one with a key of another type is refused
altogether, a client-side encrypted attribute (binary) under an index of strings among them.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Index, Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.keys import length_fault
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.requests import cancelled
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID


@dataclass(frozen=True)
class _Key:
    attribute: str
    kind: str
    index: str
    sort: bool


@dataclass(frozen=True)
class IndexProblem:
    """Why an item cannot be in an index; ``empty`` for an empty key."""

    message: str
    empty: bool

    def error(self) -> AwsError:
        """The refusal of a request for it."""
        return AwsError("ValidationException", self.message)


def refused_before(call: Call, tables: Mapping[str, Table]) -> Response | None:
    """The refusal of whole items that a request brings for ``tables``, None if they are fine.

    Raises AwsError ValidationException; a transaction is answered with its reasons.
    """
    keys = {name: _keys_of(table) for name, table in tables.items()}
    if not any(keys.values()):
        return None
    problems: dict[int, IndexProblem] = {}
    for position, name, item in _items(call):
        for key in keys.get(table_name(name), ()):
            problem = _problem(key, item.get(key.attribute), updated=False)
            if problem is not None:
                problems.setdefault(position, problem)
    if not problems:
        return None
    empty = [problem for problem in problems.values() if problem.empty]
    if empty or call.operation != _TRANSACT:
        raise (empty or [*problems.values()])[0].error()
    first = min(problems)  # AWS tells of no other
    told = {first: problems[first].message}
    count = len(call.parameters["TransactItems"])
    return cancelled(call, [told.get(position) for position in range(count)])


def problem_after(
    table: Table, before: Mapping[str, Any], after: Mapping[str, Any], *, updated: bool
) -> IndexProblem | None:
    """What is wrong with the index keys that an update or a statement makes of an item.

    An index key that is left as it was is not looked at again.
    """
    for key in _keys_of(table):
        value = after.get(key.attribute)
        if value != before.get(key.attribute):
            problem = _problem(key, value, updated=updated)
            if problem is not None:
                return problem
    return None


def holds(index: Index, types: Mapping[str, str], item: Mapping[str, Any]) -> bool:
    """Whether an item is in an index, with ``types`` of the table's keys.

    What was there before the index may have another type, be empty or too long, and is left out.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.ViolationDetection.html
    """
    for place, name in enumerate(index.keys):
        value, kind = item.get(name), types[name]
        if value is None or kind not in value:
            return False
        if kind != "N":
            text = value[kind]
            if not text or length_fault(kind, text, sort=place >= index.partition) is not None:
                return False
    return True


def _items(call: Call) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """The whole items in a request: their position, table and attributes."""
    operation, parameters = call.operation, call.parameters
    if operation == "PutItem":
        yield 0, parameters["TableName"], parameters["Item"]
    elif operation == "BatchWriteItem":
        for name, requests in parameters["RequestItems"].items():
            for request in requests:
                if "PutRequest" in request:
                    yield 0, name, request["PutRequest"]["Item"]
    elif operation == _TRANSACT:
        for position, asked in enumerate(parameters["TransactItems"]):
            if "Put" in asked:
                yield position, asked["Put"]["TableName"], asked["Put"]["Item"]


_TRANSACT = "TransactWriteItems"


def _keys_of(table: Table) -> list[_Key]:
    """The keys of a table's indexes, those of the first index by name first.

    The table's own key attributes are left out: their types are checked in any case.
    """
    indexes = table.indexes
    if not indexes:
        return []
    kinds, own = table.attribute_types, table.key_schema
    return [
        _Key(name, kinds[name], index.name, place >= index.partition)
        for index in sorted(indexes, key=lambda index: index.name)
        for place, name in enumerate(index.keys)
        if name in kinds and name not in own
    ]


def _problem(key: _Key, value: Any, *, updated: bool) -> IndexProblem | None:
    """What is wrong with an index key's value ({"S": "a"}; None where the item has none).

    Texts as recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
    """
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(kind, content)] = value.items()
    if kind != key.kind:
        return IndexProblem(
            f"{INVALID}Type mismatch for Index Key "
            f"{key.attribute} Expected: {key.kind} Actual: {kind} IndexName: {key.index}",
            empty=False,
        )
    if kind not in ("S", "B"):
        return None
    if content:
        fault = length_fault(kind, content, sort=key.sort)
        return None if fault is None else IndexProblem(fault, empty=False)
    empty = "string" if kind == "S" else "binary"
    what = f"The AttributeValue for a key attribute cannot contain an empty {empty} value."
    if updated:
        text = (
            "The update expression attempted to update a secondary index key to a value that is "
            f"not supported. {what}"
        )
    else:
        text = (
            f"A value specified for a secondary index key is not supported. {what} "
            f"IndexName: {key.index}, IndexKey: {key.attribute}"
        )
    return IndexProblem(f"One or more parameter values are not valid. {text}", empty=True)
