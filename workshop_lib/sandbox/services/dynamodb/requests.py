"""DynamoDB requests: what AWS refuses before it looks at any table, and how keys must be given.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
"""

import binascii
import json
from collections.abc import Mapping
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.validation import Dialect, Validator
from workshop_lib.sandbox.services.dynamodb.permissions import table_name

VALIDATOR = Validator(
    "dynamodb",
    Dialect(
        hashes_enumerations=True,
        also_required={"CreateTableInput": ("AttributeDefinitions", "KeySchema")},
        opaque={"AttributeValue": "com.amazonaws.dynamodb.v20120810.AttributeValue@0"},
    ),
)
STREAMS_VALIDATOR = Validator("dynamodbstreams", Dialect(hashes_enumerations=True))

_MOST_LEVELS = 32


def as_expression(updates: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateItem's AttributeUpdates as an update expression, which moto does better.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.AttributeUpdates.html
    """
    clauses: dict[str, list[str]] = {}
    names, values = {}, {}
    for number, (name, asked) in enumerate(updates.items()):
        names[f"#n{number}"] = name
        action, place = asked.get("Action", "PUT"), f"#n{number}"
        if "Value" not in asked:
            clauses.setdefault("REMOVE", []).append(place)
            continue
        values[f":v{number}"] = asked["Value"]
        clause = {"PUT": "SET"}.get(action, action)
        sign = " = " if clause == "SET" else " "
        clauses.setdefault(clause, []).append(f"{place}{sign}:v{number}")
    expression = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())
    found = {"UpdateExpression": expression, "ExpressionAttributeNames": names}
    return {**found, "ExpressionAttributeValues": values} if values else found


def answer(call: Call, document: Mapping[str, Any]) -> Response:
    """An answer that moto has no part in."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": call.request_id}
    return with_body(Response(200, headers), document)


def with_body(response: Response, document: Mapping[str, Any]) -> Response:
    """The response with another body, and the checksum that clients verify."""
    body = json.dumps(document).encode()
    response.set_header("x-amz-crc32", str(binascii.crc32(body)))
    return Response(response.status, response.headers, body)


def require_throughput(parameters: Mapping[str, Any]) -> None:
    """Refuse capacity units for a table that is paid per request.

    Text: LocalStack's snapshots of DynamoDB, recorded from AWS in 2023
    """
    if parameters.get("BillingMode") == "PAY_PER_REQUEST" and "ProvisionedThroughput" in parameters:
        raise AwsError(
            "ValidationException",
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
            "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        )


def require_shallow(call: Call) -> None:
    """Refuse values that are nested more than 32 levels deep, the innermost one counted.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    """
    body = call.request.body
    if body.count(b'"L"') + body.count(b'"M"') < _MOST_LEVELS:
        return
    rest: list[tuple[Any, int, bool]] = [(call.parameters, 1, False)]
    while rest:
        value, level, of_names = rest.pop()
        if level > _MOST_LEVELS and isinstance(value, dict) and not of_names:
            raise AwsError(
                "ValidationException",
                "Nesting Levels have exceeded supported limits: Attributes in the item have "
                "nested levels beyond supported limit",
            )
        if isinstance(value, list):
            rest += [(each, level, False) for each in value]
        elif isinstance(value, dict):
            for name, inner in value.items():
                a_map = name == "M" and isinstance(inner, dict)
                deeper = not of_names and (a_map or (name == "L" and isinstance(inner, list)))
                rest.append((inner, level + deeper, deeper and a_map))


def require_keys(table: Table, call: Call) -> None:
    """Refuse a key of other attributes or types than the table's, and one that is empty.

    PutItem's key stands in its item, which moto checks itself; transactions have reasons in place
    of errors, and are left to moto.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    parameters, schema = call.parameters, table.key_schema
    for asked, requests in parameters.get("RequestItems", {}).items():
        if table_name(asked) == table.name:
            _require_batch_keys(schema, requests)
    key = parameters.get("Key")
    if isinstance(key, dict):
        _require_schema(schema, key)
    key = key or parameters.get("Item") or {}
    for name, kind in schema.items():
        value = key.get(name)
        if isinstance(value, dict) and value.get(kind) == "":
            raise AwsError(
                "ValidationException",
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty string value. Key: {name}",
            )


def _require_batch_keys(schema: Mapping[str, str], requests: Any) -> None:
    if isinstance(requests, dict):  # BatchGetItem
        for key in requests.get("Keys", ()):
            _require_schema(schema, key)
        return
    for request in requests:
        item = request.get("PutRequest", {}).get("Item")
        if isinstance(item, dict):
            _require_schema(schema, {name: item[name] for name in schema if name in item})
        key = request.get("DeleteRequest", {}).get("Key")
        if isinstance(key, dict):
            _require_schema(schema, key)


def _require_schema(schema: Mapping[str, str], key: Mapping[str, Any]) -> None:
    fits = key.keys() == schema.keys() and all(kind in key[name] for name, kind in schema.items())
    if not fits:
        raise AwsError("ValidationException", "The provided key element does not match the schema")
