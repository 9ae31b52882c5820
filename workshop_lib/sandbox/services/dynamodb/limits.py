"""What a request may name and how much it may hold: tables' names, batches, transactions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.validation import Faulty
from workshop_lib.sandbox.services.dynamodb.requests import VALIDATOR
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE

_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_SHORTEST, _LONGEST = 3, 255
_MOST = {"BatchWriteItem": 25, "BatchGetItem": 100}
_ITEM_OPERATIONS = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"})


# The operations that say in words of their own that they need a table's name.
_OF_TABLES = frozenset(
    {"CreateTable", "DeleteTable", "DescribeTable", "DescribeTimeToLive", "UpdateTable"}
)


def require_model(call: Call) -> None:
    """Refuse what the model of DynamoDB does not allow.

    Texts and their order: dynalite's tests, and paritysuite's validation-ordering and
    error-messages of 2026, recorded from AWS. Raises AwsError SerializationException and
    ValidationException.
    """
    parameters = call.parameters
    try:
        VALIDATOR.validate(call.operation, parameters)
    except Faulty as faulty:
        name = parameters.get("TableName")
        if call.operation in _OF_TABLES:
            if name is None:
                raise _invalid(
                    "The parameter 'TableName' is required but was not present in the request"
                ) from None
            _require_name(call, "TableName", name)
        if call.operation == "BatchGetItem" and (
            unfit := _misnamed(call.operation, parameters.get("RequestItems") or {})
        ):
            raise Faulty("ValidationException", [unfit, *faulty.faults]) from None
        if call.operation == "Query" and len(parameters.get("QueryFilter") or ()) > 1:
            _require_operator(faulty)
        raise


def _require_operator(faulty: Faulty) -> None:
    if any("at 'conditionalOperator' failed" in each for each in faulty.faults):
        raise _invalid(
            "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"
        )


def require_limits(call: Call) -> None:
    """Refuse table names and batches that break DynamoDB's limits.

    Raises AwsError ValidationException.
    """
    parameters = call.parameters
    for parameter in ("TableName", "TargetTableName"):
        if parameters.get(parameter) is not None:
            _require_name(call, parameter, parameters[parameter])
    if call.operation in _MOST:
        _require_batch(call.operation, parameters["RequestItems"])
    for action in parameters.get("TransactItems") or ():
        if len(action) != 1:
            raise _invalid("TransactItems can only contain one of Check, Put, Update or Delete")


def _require_name(call: Call, parameter: str, name: str) -> None:
    """Texts: dynalite's tests and paritysuite's, recorded from AWS.

    https://github.com/architect/dynalite/blob/main/test/createTable.js
    https://github.com/paritysuite/dynamodb-conformance, error-messages/putItem
    """
    if name.startswith("arn:"):
        return
    rule = f"satisfy regular expression pattern: {_NAME.pattern}"
    if call.operation in _ITEM_OPERATIONS:  # which find no table of a shorter name
        if len(name) > _LONGEST:
            rule = f"have length less than or equal to {_LONGEST}"
        elif _NAME.fullmatch(name):
            return
    elif call.operation == "CreateTable" and len(name) < _SHORTEST:
        rule = f"have length greater than or equal to {_SHORTEST}"
    elif not _SHORTEST <= len(name) <= _LONGEST:
        raise _invalid(
            f"{parameter} must be at least {_SHORTEST} characters long and at most {_LONGEST} "
            "characters long"
        )
    elif _NAME.fullmatch(name):
        return
    place = parameter[0].lower() + parameter[1:]
    raise _invalid(
        f"{ENVELOPE}Value '{name}' at '{place}' failed to satisfy constraint: Member must {rule}"
    )


def _require_batch(operation: str, requested: Mapping[str, Any]) -> None:
    """Texts: paritysuite's error-messages/batchGetItem and batchWriteItem, recorded from AWS."""
    if misnamed := _misnamed(operation, requested):
        raise Faulty("ValidationException", [misnamed])
    count = 0
    for listed in requested.values():
        if operation == "BatchGetItem":
            count += len(listed["Keys"])
            continue
        count += len(listed)
        for request in listed:
            if len(request) != 1:  # dynalite's tests: AWS says so of none, too
                raise _invalid(
                    "Supplied AttributeValue has more than one datatypes set, must contain exactly "
                    "one of the supported datatypes"
                )
    if count > _MOST[operation]:
        raise _invalid(f"Too many items requested for the {operation} call")


def _misnamed(operation: str, requested: Mapping[str, Any]) -> str | None:
    """What is said of a batch that names something that cannot be a table."""
    for name in requested:
        fits = _SHORTEST <= len(name) <= _LONGEST and _NAME.fullmatch(name)
        if not fits and not name.startswith("arn:"):
            return (
                f"Value '{_shown(operation, requested)}' at 'requestItems' failed to satisfy "
                "constraint: Map keys must satisfy constraint: [Member must have length less than "
                f"or equal to {_LONGEST}, Member must have length greater than or equal to "
                f"{_SHORTEST}, Member must satisfy regular expression pattern: {_NAME.pattern}]"
            )
    return None


def _shown(operation: str, requested: Mapping[str, Any]) -> str:
    """A batch as AWS repeats it: one of reads as JSON, one of writes as Java prints it."""
    if operation == "BatchGetItem":
        return json.dumps(requested, ensure_ascii=False, separators=(",", ":"))
    tables = (f"{name}=[{', '.join(map(_write, asked))}]" for name, asked in requested.items())
    return f"{{{', '.join(tables)}}}"


def _write(request: Mapping[str, Any]) -> str:
    put = delete = "null"
    if "PutRequest" in request:
        put = f"PutRequest(item={_values(request['PutRequest']['Item'])})"
    if "DeleteRequest" in request:
        delete = f"DeleteRequest(key={_values(request['DeleteRequest']['Key'])})"
    return f"WriteRequest(putRequest={put}, deleteRequest={delete})"


def _values(attributes: Iterable[str]) -> str:
    return f"{{{', '.join(f'{name}={_VALUE}' for name in attributes)}}}"


_VALUE = "com.amazonaws.dynamodb.v20120810.AttributeValue@0"


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
