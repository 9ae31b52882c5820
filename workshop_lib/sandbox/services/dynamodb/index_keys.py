"""Keys of secondary indexes: an item that carries one must give it the index's type, and a value.

An item without an index's key is simply not in the index; one with a key of another type is refused
altogether, a client-side encrypted attribute (binary) under an index of strings among them.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.partiql import read_statement
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.requests import cancelled, with_body
from workshop_lib.sandbox.services.dynamodb.storage import Change, TableVault


@dataclass(frozen=True)
class _Key:
    attribute: str
    kind: str
    index: str


@dataclass(frozen=True)
class _Problem:
    message: str
    empty: bool

    def error(self) -> AwsError:
        return AwsError("ValidationException", self.message)


class IndexKeys:
    """The index keys that one call writes to ``tables``, by name."""

    def __init__(self, call: Call, tables: Mapping[str, Table]) -> None:
        self._call = call
        self._tables = tables
        self._keys = {name: _keys_of(table) for name, table in tables.items()}

    def refused_before(self) -> Response | None:
        """The refusal of whole items that the request brings, None if they are fine.

        Raises AwsError ValidationException; a transaction is answered with its reasons.
        """
        if not any(self._keys.values()):
            return None
        problems: dict[int, _Problem] = {}
        for position, name, item in self._items():
            for key in self._keys.get(table_name(name), ()):
                problem = _problem(key, item.get(key.attribute), updated=False)
                if problem is not None:
                    problems.setdefault(position, problem)
        return self._refuse(problems)

    def refused_after(self, response: Response, vaults: Mapping[str, TableVault]) -> Response:
        """The answer, or the refusal of what updates and statements have made of items.

        Raises AwsError ValidationException. In a batch of statements only those are refused, and
        undone, that did it.
        """
        problems: dict[int, _Problem] = {}
        for name, keys in self._keys.items():
            for change in vaults[name].changes() if keys else ():
                problem = self._problem_of(change, keys)
                if problem is None:
                    continue
                problems[self._position(name, change)] = problem
                if self._call.operation == "BatchExecuteStatement":
                    vaults[name].undo(change.place)
        if self._call.operation != "BatchExecuteStatement":
            return self._refuse(problems) or response
        return _with_errors(response, problems) if problems else response

    def _problem_of(self, change: Change, keys: Sequence[_Key]) -> _Problem | None:
        """An index key that is left as it was is not looked at again."""
        updated = bool(change.before) or self._call.operation in ("UpdateItem", _TRANSACT)
        for key in keys:
            value = change.after.get(key.attribute)
            if value != change.before.get(key.attribute):
                problem = _problem(key, value, updated=updated)
                if problem is not None:
                    return problem
        return None

    def _refuse(self, problems: Mapping[int, _Problem]) -> Response | None:
        """An empty key makes the whole request invalid; another type only cancels a transaction."""
        if not problems:
            return None
        empty = [problem for problem in problems.values() if problem.empty]
        count = len(self._call.parameters.get(_LISTS.get(self._call.operation, ""), ()))
        if empty or not count:
            raise (empty or [*problems.values()])[0].error()
        told = {position: problem.message for position, problem in problems.items()}
        return cancelled(self._call, [told.get(position) for position in range(count)])

    def _items(self) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
        """The whole items in the request: their position, table and attributes."""
        operation, parameters = self._call.operation, self._call.parameters
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

    def _position(self, name: str, change: Change) -> int:
        """Which update or statement of the request wrote an item: the one that names its key."""
        table, parameters = self._tables[name], self._call.parameters
        names = list(table.key_schema)
        listed = parameters.get(_LISTS.get(self._call.operation, ""), ())
        for position, asked in enumerate(listed):
            if "Update" in asked:
                key = asked["Update"]["Key"]
                same = table_name(asked["Update"]["TableName"]) == name
                if same and all(key[each] == change.after[each] for each in names):
                    return position
            statement = read_statement(asked.get("Statement", ""))
            if statement is not None and statement.table == name:
                given = [_text(value) for value in asked.get("Parameters", ())]
                wanted = [[_text(change.after[each])] for each in names]
                if [statement.values_of(each, given) for each in names] == wanted:
                    return position
        return 0


_TRANSACT = "TransactWriteItems"
_LISTS = {
    _TRANSACT: "TransactItems",
    "ExecuteTransaction": "TransactStatements",
    "BatchExecuteStatement": "Statements",
}


def _keys_of(table: Table) -> list[_Key]:
    """The keys of a table's indexes, those of the first index by name first.

    The table's own key attributes are left out: their types are checked in any case.
    """
    indexes = table.indexes
    if not indexes:
        return []
    kinds, own = table.attribute_types, table.key_schema
    return [
        _Key(name, kinds[name], index.name)
        for index in sorted(indexes)
        for name in index.keys
        if name in kinds and name not in own
    ]


def _problem(key: _Key, value: Any, *, updated: bool) -> _Problem | None:
    """What is wrong with an index key's value ({"S": "a"}; None where the item has none).

    Texts as recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
    """
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(kind, content)] = value.items()
    if kind != key.kind:
        return _Problem(
            "One or more parameter values were invalid: Type mismatch for Index Key "
            f"{key.attribute} Expected: {key.kind} Actual: {kind} IndexName: {key.index}",
            empty=False,
        )
    if kind not in ("S", "B") or content:
        return None
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
    return _Problem(f"One or more parameter values are not valid. {text}", empty=True)


def _with_errors(response: Response, problems: Mapping[int, _Problem]) -> Response:
    """A batch's answer, with an error in place of what these statements would have returned."""
    document = json.loads(response.body)
    for position, problem in problems.items():
        error = {"Code": "ValidationError", "Message": problem.message}
        document["Responses"][position] = {"Error": error}
    return with_body(response, document)


def _text(value: Mapping[str, object]) -> str:
    return str(next(iter(value.values()), ""))
