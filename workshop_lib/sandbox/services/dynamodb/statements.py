"""ExecuteStatement and BatchExecuteStatement.

Texts and answers: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(partiql, error-messages/indexReads and partiqlMultiAttributeIndex, 2026), and in September 2026 by
https://github.com/floci-io/floci (its tests of PartiQL's documented syntax and edge cases).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
"""

from collections.abc import Mapping
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption
from workshop_lib.sandbox.services.dynamodb.keys import require_key
from workshop_lib.sandbox.services.dynamodb.partiql import Statement, read_statement
from workshop_lib.sandbox.services.dynamodb.requests import CONDITION_FAILED, answer
from workshop_lib.sandbox.services.dynamodb.sizes import size
from workshop_lib.sandbox.services.dynamodb.statement_reads import (
    key_read,
    require_plain,
    select,
    selected,
)
from workshop_lib.sandbox.services.dynamodb.statement_writes import (
    DUPLICATE,
    Duplicate,
    returned,
    work_out,
)
from workshop_lib.sandbox.services.dynamodb.values import require_values
from workshop_lib.sandbox.services.dynamodb.writes import Invalid, Refused

Attributes = dict[str, Any]
Tables = Mapping[str, Table]


def _statement(asked: Mapping[str, Any]) -> Statement:
    return read_statement(asked["Statement"], asked.get("Parameters") or ())


# --- one statement -------------------------------------------------------------------------------


def execute(call: Call, tables: Tables) -> Response:
    """ExecuteStatement. Raises AwsError."""
    statement = _statement(call.parameters)
    _require_no_check(statement)
    table = tables[statement.table]
    consumption = Consumption(call)
    if statement.verb == "Select":
        document = select(call.parameters, statement, table, consumption)
    else:
        try:
            write = work_out(statement, table)
        except Refused as refused:
            raise AwsError("ConditionalCheckFailedException", CONDITION_FAILED) from refused
        except Duplicate:
            raise AwsError("DuplicateItemException", DUPLICATE) from None
        except Invalid as invalid:
            raise invalid.problem.error() from None
        write.carry_out()
        consumption.write(table, write.before, write.after)
        document = {"Items": returned(statement, write)}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told()
    return answer(call, document)


def _require_no_check(statement: Statement) -> None:
    if statement.checks:
        raise _invalid("EXISTS can only be used in ExecuteTransaction write requests.")


# --- a batch -------------------------------------------------------------------------------------

_CODES = {"ValidationException": "ValidationError", "ResourceNotFoundException": "ResourceNotFound"}


def execute_batch(call: Call, tables: Tables) -> Response:
    """BatchExecuteStatement: an answer or an error for each statement."""
    consumption = Consumption(call)
    responses = []
    for asked in call.parameters["Statements"]:
        name = None
        try:
            require_values(call, asked)
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
        except Duplicate:
            told = _error("DuplicateItem", DUPLICATE, name)
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
    _require_no_check(statement)
    table = tables.get(statement.table)
    if table is None:
        raise AwsError("ResourceNotFoundException", "Requested resource not found")
    if statement.reads:
        require_plain(statement, table)
        key = key_read(statement, table, "BatchExecuteStatement")
        require_key(table.key_schema, key)
        found = selected(statement, table, key)
        consistent = bool(asked.get("ConsistentRead"))
        consumption.read(table.name, size(found or {}), consistent=consistent)
        return found
    write = work_out(statement, table)
    write.carry_out()
    consumption.write(table, write.before, write.after)
    found_after = returned(statement, write)
    return found_after[0] if found_after else None


def _error(code: str, message: str, table: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {"Error": {"Code": code, "Message": message}}
    if table is not None:
        told["TableName"] = table
    return told


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
