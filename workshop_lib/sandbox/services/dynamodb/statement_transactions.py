"""ExecuteTransaction: reads by keys, or writes and checks, all of them or none.

Texts and answers: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(partiql, error-messages/indexReads and partiqlMultiAttributeIndex, 2026), and in September 2026 by
https://github.com/floci-io/floci (its tests of PartiQL's documented syntax and edge cases).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption
from workshop_lib.sandbox.services.dynamodb.conditions import met
from workshop_lib.sandbox.services.dynamodb.keys import require_key, require_whole
from workshop_lib.sandbox.services.dynamodb.partiql import Statement, in_transaction, read_statement
from workshop_lib.sandbox.services.dynamodb.requests import answer, cancelled_for
from workshop_lib.sandbox.services.dynamodb.sizes import size
from workshop_lib.sandbox.services.dynamodb.statement_reads import key_read, selected
from workshop_lib.sandbox.services.dynamodb.statement_writes import (
    DUPLICATE,
    NOT_ON_INDEX,
    Duplicate,
    work_out,
)
from workshop_lib.sandbox.services.dynamodb.transactions import (
    Reason,
    complete,
    condition_reason,
    validation_reason,
)
from workshop_lib.sandbox.services.dynamodb.writes import Invalid, Refused, Write, read

Attributes = dict[str, Any]
Tables = Mapping[str, Table]
_Given = TypeVar("_Given")
_Read = TypeVar("_Read")


class _Part(NamedTuple):
    """A statement of a transaction: the key of its item, or the reason why it has none."""

    key: Attributes
    reason: Reason | None = None


def execute_transaction(call: Call, tables: Tables) -> Response:
    """ExecuteTransaction: reads, or writes and checks. Raises AwsError."""
    listed = call.parameters["TransactStatements"]
    statements = _each(_statement, listed)
    if len({statement.reads for statement in statements}) > 1:
        raise _invalid(
            "ExecuteTransaction API does not support both read and write operations in the same "
            "request."
        )
    parts = _each(partial(_part, tables), statements)
    if any(part.reason for part in parts):
        return cancelled_for(call, [part.reason or {"Code": "None"} for part in parts])
    _require_apart(statements, parts)
    if statements[0].reads:
        return _read_together(call, statements, parts, tables)
    return _write_together(call, statements, parts, tables)


def _statement(asked: Mapping[str, Any]) -> Statement:
    return read_statement(asked["Statement"], asked.get("Parameters") or ())


def _each(read: Callable[[_Given], _Read], listed: Sequence[_Given]) -> list[_Read]:
    """What is read of each; what is wrong with one is told with its place. Raises AwsError."""
    found = []
    for place, given in enumerate(listed):
        try:
            found.append(read(given))
        except AwsError as error:
            raise in_transaction(place, error) from None
    return found


def _write_together(
    call: Call, statements: Sequence[Statement], parts: Sequence[_Part], tables: Tables
) -> Response:
    listed = call.parameters["TransactStatements"]
    writes: list[Write] = []
    reasons: list[Reason] = []
    for statement, part, asked in zip(statements, parts, listed, strict=True):
        found = _outcome(statement, part, asked, tables[statement.table])
        if isinstance(found, Write):
            writes.append(found)
            found = {"Code": "None"}
        reasons.append(found)
    refused_as = complete(call, writes, reasons)
    if refused_as is not None:
        return refused_as
    consumption = Consumption(call)
    for write in writes:
        consumption.write(write.table, write.before, write.after)
    document: dict[str, Any] = {"Responses": []}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told(listed=True)
    return answer(call, document)


def _part(tables: Tables, statement: Statement) -> _Part:
    """What a statement of a transaction is about. Raises AwsError for what none may ask."""
    if statement.index is not None and statement.verb != "Select":
        raise _invalid(NOT_ON_INDEX)
    table = tables.get(statement.table)
    if table is None:
        return _Part({}, {"Code": "ResourceNotFound", "Message": "Requested resource not found"})
    if statement.returning is not None:
        raise _invalid("RETURNING clause is not supported in ExecuteTransaction.")
    if statement.index is not None:
        raise _invalid("Reads on indices are not supported within transactions.")
    schema = table.key_schema
    whole = statement.verb == "Insert"
    key = statement.item if whole else _key(statement, table)
    try:
        (require_whole if whole else require_key)(schema, key)
    except AwsError as error:
        return _Part({}, validation_reason(error.message))
    return _Part({name: key[name] for name in schema})


def _key(statement: Statement, table: Table) -> Attributes:
    """The key that a WHERE clause names, or what it names of it. Raises AwsError."""
    if statement.reads:
        return key_read(statement, table, "ExecuteTransaction")
    if statement.checks:
        return _key_checked(statement, table)
    given = {name: statement.equal_to(name) for name in table.key_schema}
    return {name: dict(values[0]) for name, values in given.items() if len(values) == 1}


def _key_checked(statement: Statement, table: Table) -> Attributes:
    """The key of the item that EXISTS looks at, and asks more of. Raises AwsError."""
    key = {name: statement.equal_to(name)[:1] for name in table.key_schema}
    if not all(key.values()) or statement.only([*key]) is not None:
        raise _invalid("EXISTS() must contain a single item read with additional condition")
    return {name: dict(values[0]) for name, values in key.items()}


def _require_apart(statements: Sequence[Statement], parts: Sequence[_Part]) -> None:
    """Refuse a second statement on one item. Raises AwsError ValidationException."""
    places: set[str] = set()
    for statement, part in zip(statements, parts, strict=True):
        place = json.dumps([statement.table, part.key], sort_keys=True)
        if place in places:
            raise _invalid("Transaction request cannot include multiple operations on one item")
        places.add(place)


def _outcome(
    statement: Statement, part: _Part, asked: Mapping[str, Any], table: Table
) -> Write | Reason:
    """What one statement of a transaction does, or why it cannot."""
    try:
        if statement.checks:
            return _checked(statement, table, part.key)
        return work_out(statement, table)
    except Refused as refused:
        wanted = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return condition_reason(refused, wanted=wanted)
    except Duplicate:
        return {"Code": "DuplicateItem", "Message": DUPLICATE}
    except Invalid as invalid:
        return validation_reason(invalid.problem.message)
    except AwsError as error:
        return validation_reason(error.message)


def _checked(statement: Statement, table: Table, key: Attributes) -> Write:
    item = read(table, key)
    if item is None or not met(statement.condition or (), item):
        raise Refused(item)
    return Write(table, item, item)


def _read_together(
    call: Call, statements: Sequence[Statement], parts: Sequence[_Part], tables: Tables
) -> Response:
    consumption = Consumption(call)
    responses = []
    for statement, part in zip(statements, parts, strict=True):
        found = selected(statement, tables[statement.table], part.key)
        responses.append({} if found is None else {"Item": found})
        consumption.read(statement.table, size(found or {}), consistent=True)
    document: dict[str, Any] = {"Responses": responses}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told(listed=True)
    return answer(call, document)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
