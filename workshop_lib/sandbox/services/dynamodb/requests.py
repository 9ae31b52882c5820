"""DynamoDB requests: what AWS refuses before it looks at any table, and answers of its own.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
"""

import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.serialization import render
from workshop_lib.sandbox.protocol.validation import Dialect, Validator

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


def cancelled(call: Call, problems: Sequence[str | None]) -> Response:
    """The answer to a transaction some of whose parts, in order, are invalid for these reasons."""
    codes = ["None" if problem is None else "ValidationError" for problem in problems]
    message = (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        f"[{', '.join(codes)}]"
    )
    response = render(
        AwsError("TransactionCanceledException", message), call.service, call.request_id
    )
    document: dict[str, Any] = json.loads(response.body)
    document["Message"] = document.pop("message")
    document["CancellationReasons"] = [
        {"Code": code} if problem is None else {"Code": code, "Message": problem}
        for code, problem in zip(codes, problems, strict=True)
    ]
    return with_body(response, document)


def with_body(response: Response, document: Mapping[str, Any]) -> Response:
    """The response with another body, and the checksum that clients verify."""
    body = json.dumps(document).encode()
    response.set_header("x-amz-crc32", str(binascii.crc32(body)))
    return Response(response.status, response.headers, body)


def as_asked(call: Call, response: Response) -> Response:
    """The answer without the metrics that the request does not ask for.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    unasked = [
        name
        for name in ("ConsumedCapacity", "ItemCollectionMetrics")
        if call.parameters.get(f"Return{name}", "NONE") == "NONE"
        and f'"{name}"'.encode() in response.body
    ]
    if not unasked:
        return response
    document = json.loads(response.body)
    told = {name: value for name, value in document.items() if name not in unasked}
    return with_body(response, told) if len(told) < len(document) else response


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
