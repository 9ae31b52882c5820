"""ExecuteStatement, BatchExecuteStatement and ExecuteTransaction.

Texts and answers: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(partiql/executeStatement, writeResponses, error-messages/indexReads, 2026).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.branches import require_apart
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption, projected
from workshop_lib.sandbox.services.dynamodb.conditions import met
from workshop_lib.sandbox.services.dynamodb.index_keys import problem_after
from workshop_lib.sandbox.services.dynamodb.keys import require_content, require_whole
from workshop_lib.sandbox.services.dynamodb.partiql import Statement, in_transaction, read_statement
from workshop_lib.sandbox.services.dynamodb.paths import Path, cut, find
from workshop_lib.sandbox.services.dynamodb.queries import LARGEST_PAGE, Source
from workshop_lib.sandbox.services.dynamodb.requests import CONDITION_FAILED, answer
from workshop_lib.sandbox.services.dynamodb.sizes import LARGEST_ITEM, size
from workshop_lib.sandbox.services.dynamodb.transactions import (
    Reason,
    complete,
    condition_reason,
    validation_reason,
)
from workshop_lib.sandbox.services.dynamodb.writes import (
    TOO_LARGE,
    Invalid,
    Refused,
    Write,
    change,
    read,
    require_other_than_key,
)

Attributes = dict[str, Any]
Tables = Mapping[str, Table]
_DUPLICATE = "Duplicate primary key exists in table"
_NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


class _Duplicate(Exception):
    """An INSERT finds an item with its key."""


def _statement(asked: Mapping[str, Any]) -> Statement:
    return read_statement(asked["Statement"], asked.get("Parameters") or ())


# --- one statement --------------------------------------------------------------------------------


def execute(call: Call, tables: Tables) -> Response:
    """ExecuteStatement. Raises AwsError."""
    statement = _statement(call.parameters)
    table = tables[statement.table]
    consumption = Consumption(call)
    if statement.verb == "Select":
        document = _select(call, statement, table, consumption)
    else:
        try:
            write = _work_out(statement, table)
        except Refused as refused:
            raise AwsError("ConditionalCheckFailedException", CONDITION_FAILED) from refused
        except _Duplicate:
            raise AwsError("DuplicateItemException", _DUPLICATE) from None
        except Invalid as invalid:
            raise invalid.problem.error() from None
        write.carry_out()
        consumption.write(table, write.before, write.after)
        document = {"Items": _returned(statement, write)}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told()
    return answer(call, document)


def _select(
    call: Call, statement: Statement, table: Table, consumption: Consumption
) -> dict[str, Any]:
    parameters = call.parameters
    consistent = bool(parameters.get("ConsistentRead"))
    source = _source(statement, table, consistent=consistent)
    items = _candidates(statement, source)
    skipped = _read_token(parameters.get("NextToken"))
    found, taken, read_bytes = [], 0, 0
    for item in items[skipped:]:
        seen = item if source.index is None else projected(table, source.index, item) or {}
        taken += 1
        read_bytes += size(seen)
        if statement.condition is None or met(statement.condition, seen):
            found.append(_shown(statement.paths, seen))
        if taken == parameters.get("Limit") or read_bytes >= LARGEST_PAGE:
            break
    document: dict[str, Any] = {"Items": found}
    if taken and (taken == parameters.get("Limit") or read_bytes >= LARGEST_PAGE):
        document["NextToken"] = _token(skipped + taken)
        document["LastEvaluatedKey"] = source.start_key(items[skipped + taken - 1])
    if consumption.asked:
        consumption.read(table.name, read_bytes, consistent=consistent, index=source.index)
    return document


def _source(statement: Statement, table: Table, *, consistent: bool) -> Source:
    index = None
    if statement.index is not None:
        indexes = [each for each in table.indexes if each.name == statement.index]
        if not indexes:
            raise _invalid("The table does not have the specified index")
        [index] = indexes
        if consistent and not index.local:
            raise _invalid("Strongly consistent read is not supported on Global Secondary Indexes")
    return Source(table, index)


def _candidates(statement: Statement, source: Source) -> list[Attributes]:
    """The items that a SELECT looks at, in its order."""
    given = [statement.values_of(name) for name in source.keys[: source.partition]]
    for name, values in zip(source.keys, given, strict=False):
        for value in values:
            if source.types[name] not in value:
                raise _invalid("The provided key element does not match the schema")
    if statement.condition is not None:
        keys = list(source.keys)
        require_apart(statement.condition, keys[: source.partition], keys[source.partition :])
    if statement.order:
        _require_order(statement, source, keyed=all(given))
    down = bool(statement.order) and statement.order[-1][1]
    if not all(given) or len(given) > 1:
        items = source.items([values[0] for values in given] if all(given) else None)
        return sorted(items, key=source.place, reverse=down) if all(given) else items
    found = []
    for value in given[0]:
        found += sorted(source.items([value]), key=source.place, reverse=down)
    return found


def _require_order(statement: Statement, source: Source, *, keyed: bool) -> None:
    if statement.condition is None:
        raise _invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
    if not keyed:
        raise _invalid(
            "Must have at least one non-optional hash key condition in WHERE clause when using "
            "ORDER BY clause."
        )
    for name, _ in statement.order:
        if name not in source.keys:
            raise _invalid(
                f"Variable reference {name} in ORDER BY clause must be part of the primary key"
            )


def _shown(paths: Sequence[Path] | None, item: Mapping[str, Any]) -> Attributes:
    """What a SELECT names of an item, each under the last name of its path."""
    if paths is None:
        return dict(item)
    found = {}
    for path in paths:
        value = find(item, path)
        if value is not None:
            names = [each for each in path if isinstance(each, str)]
            found[names[-1]] = value
    return found


def _token(place: int) -> str:
    return base64.b64encode(json.dumps({"after": place}).encode()).decode()


def _read_token(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(json.loads(base64.b64decode(token))["after"])
    except (ValueError, KeyError, TypeError):
        raise _invalid("Invalid NextToken") from None


# --- writes ---------------------------------------------------------------------------------------


def _work_out(statement: Statement, table: Table) -> Write:
    """What a statement writes. Raises AwsError, Refused, Invalid, _Duplicate."""
    if statement.index is not None:
        raise _invalid("This operation is not supported on an index")
    if statement.verb == "Insert":
        return _inserted(statement.item, table)
    key = _key(statement, table)
    before = read(table, key)
    if before is None:
        if statement.verb == "Update":
            raise Refused(None)
        return Write(table, None, None)
    if not met(statement.condition or (), before):
        raise Refused(before)
    if statement.verb == "Delete":
        return Write(table, before, None)
    require_other_than_key(table, statement.actions)
    return Write(table, before, change(table, key, before, statement.actions))


def _inserted(item: Attributes, table: Table) -> Write:
    schema = table.key_schema
    require_whole(schema, item)
    if size(item) > LARGEST_ITEM:
        raise _invalid(TOO_LARGE)
    problem = problem_after(table, {}, item, updated=False)
    if problem is not None:
        raise Invalid(problem)
    if read(table, item) is not None:
        raise _Duplicate
    return Write(table, None, item)


def _key(statement: Statement, table: Table) -> Attributes:
    """The key that a WHERE clause names. Raises AwsError."""
    key = {}
    schema = table.key_schema
    for name, kind in schema.items():
        values = statement.values_of(name)
        if len(values) != 1:
            raise _invalid(_NO_KEY)
        if kind not in values[0]:
            raise _invalid("The provided key element does not match the schema")
        key[name] = dict(values[0])
    require_content(schema, key)
    return key


def _returned(statement: Statement, write: Write) -> list[Attributes]:
    if statement.returning is None:
        return []
    what, which = statement.returning
    item = write.before if which == "OLD" else write.after
    if item is None:
        return []
    if what == "MODIFIED":
        item = cut(item, [action.path for action in statement.actions])
    return [item] if item else []


# --- a batch --------------------------------------------------------------------------------------

_CODES = {"ValidationException": "ValidationError", "ResourceNotFoundException": "ResourceNotFound"}


def execute_batch(call: Call, tables: Tables) -> Response:
    """BatchExecuteStatement: an answer or an error for each statement."""
    consumption = Consumption(call)
    responses = []
    for asked in call.parameters["Statements"]:
        name = None
        try:
            statement = _statement(asked)
            name = statement.table
            found = _one_of_batch(statement, asked, tables, consumption)
            told: dict[str, Any] = {"TableName": name}
            if found is not None:
                told["Item"] = found
        except AwsError as error:
            told = _error(_CODES.get(error.code, error.code), error.message, name)
        except Refused as refused:
            told = _error("ConditionalCheckFailed", CONDITION_FAILED, name)
            wanted = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            if wanted and refused.item is not None:
                told["Error"]["Item"] = refused.item
        except _Duplicate:
            told = _error("DuplicateItem", _DUPLICATE, name)
        except Invalid as invalid:
            told = _error("ValidationError", invalid.problem.message, name)
        responses.append(told)
    document: dict[str, Any] = {"Responses": responses}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told(listed=True)
    return answer(call, document)


def _one_of_batch(
    statement: Statement, asked: Mapping[str, Any], tables: Tables, consumption: Consumption
) -> Attributes | None:
    table = tables.get(statement.table)
    if table is None:
        raise AwsError("ResourceNotFoundException", "Requested resource not found")
    if statement.verb == "Select":
        keyed = all(len(statement.values_of(name)) == 1 for name in table.key_schema)
        if not keyed or _asks_existence(statement):
            raise _invalid(
                "Select statements within BatchExecuteStatement must specify the primary key in "
                "the where clause."
            )
        found = _selected(statement, table)
        consistent = bool(asked.get("ConsistentRead"))
        consumption.read(table.name, size(found or {}), consistent=consistent)
        return found
    write = _work_out(statement, table)
    write.carry_out()
    consumption.write(table, write.before, write.after)
    returned = _returned(statement, write)
    return returned[0] if returned else None


def _selected(statement: Statement, table: Table) -> Attributes | None:
    """The item that a SELECT names by its key."""
    item = read(table, _key(statement, table))
    if item is None or not met(statement.condition or (), item):
        return None
    return _shown(statement.paths, item)


def _error(code: str, message: str, table: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {"Error": {"Code": code, "Message": message}}
    if table is not None:
        told["TableName"] = table
    return told


# --- a transaction --------------------------------------------------------------------------------


def execute_transaction(call: Call, tables: Tables) -> Response:
    """ExecuteTransaction: reads, or writes and checks. Raises AwsError."""
    listed = call.parameters["TransactStatements"]
    statements = []
    for place, asked in enumerate(listed):
        try:
            statements.append(_of_transaction(_statement(asked), tables))
        except AwsError as error:
            raise in_transaction(place, error) from None
    reads = [each.verb == "Select" and not each.checks for each in statements]
    if any(reads) and not all(reads):
        raise _invalid("Transaction request cannot include both read and write statements")
    if all(reads):
        return _read_together(call, statements, tables)
    writes: list[Write] = []
    reasons: list[Reason] = []
    places: set[str] = set()
    for statement, asked in zip(statements, listed, strict=True):
        found = _part(statement, asked, tables[statement.table])
        if isinstance(found, Write):
            _require_first(places, statement, found.table)
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


def _of_transaction(statement: Statement, tables: Tables) -> Statement:
    """The statement, if a transaction may have it. Raises AwsError."""
    if statement.checks:
        keys = [(name,) for name in tables[statement.table].key_schema]
        asked = [step for step in statement.condition or () if not isinstance(step, str)]
        if all(step.name == "=" and step.operands[0] in keys for step in asked):
            raise _invalid("EXISTS() must contain a single item read with additional condition")
    elif statement.verb == "Select" and _asks_existence(statement):
        raise _invalid(
            "Select statements within ExecuteTransaction must specify the primary key in the where "
            "clause."
        )
    return statement


def _asks_existence(statement: Statement) -> bool:
    names = [step.name for step in statement.condition or () if not isinstance(step, str)]
    return "attribute_exists" in names or "attribute_not_exists" in names


def _part(statement: Statement, asked: Mapping[str, Any], table: Table) -> Write | Reason:
    """What one statement of a transaction does, or why it cannot."""
    try:
        return _checked(statement, table) if statement.checks else _work_out(statement, table)
    except Refused as refused:
        wanted = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return condition_reason(refused, wanted=wanted)
    except _Duplicate:
        return {"Code": "DuplicateItem", "Message": _DUPLICATE}
    except Invalid as invalid:
        return validation_reason(invalid.problem.message)


def _require_first(places: set[str], statement: Statement, table: Table) -> None:
    """Refuse a second statement on one item."""
    key = [statement.values_of(name) for name in table.key_schema]
    place = json.dumps([table.name, key])
    if place in places:
        raise _invalid("Transaction request cannot include multiple operations on one item")
    places.add(place)


def _checked(statement: Statement, table: Table) -> Write:
    item = read(table, _key(statement, table))
    if item is None or not met(statement.condition or (), item):
        raise Refused(item)
    return Write(table, item, item)


def _read_together(call: Call, statements: Sequence[Statement], tables: Tables) -> Response:
    consumption = Consumption(call)
    responses = []
    for statement in statements:
        table = tables[statement.table]
        found = _selected(statement, table)
        responses.append({} if found is None else {"Item": found})
        consumption.read(table.name, size(found or {}), consistent=True)
    document: dict[str, Any] = {"Responses": responses}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told(listed=True)
    return answer(call, document)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
