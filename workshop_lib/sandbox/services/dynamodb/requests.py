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
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID
from workshop_lib.sandbox.services.dynamodb.sizes import MOST_LEVELS

VALIDATOR = Validator(
    "dynamodb",
    Dialect(
        hashes_enumerations=True,
        also_required={"CreateTableInput": ("AttributeDefinitions", "KeySchema")},
        opaque={"AttributeValue": "com.amazonaws.dynamodb.v20120810.AttributeValue@0"},
        own_shapes=frozenset({"TableClass", "TagKeyString", "TagValueString"}),
        # Seen by paritysuite in 2026: error-messages/batchGetItem and validation-ordering.
        terse=frozenset({"BatchGetRequestMap", "BatchWriteItemRequestMap", "KeyList"}),
        member_order={
            "CreateTableInput": ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"),
            "TransactWriteItemsInput": ("ClientRequestToken", "ReturnConsumedCapacity"),
            "UpdateItemInput": (
                "ReturnConsumedCapacity",
                "TableName",
                "ReturnValues",
                "ConditionalOperator",
                "Key",
            ),
        },
        tells_one=frozenset({"UpdateItemInput"}),
        java_package="com.amazonaws.dynamodb.v20120810",
        # Seen in 2026 by https://github.com/floci-io/floci, DynamoDbRequestShapesTest.
        coerces=True,
    ),
)
STREAMS_VALIDATOR = Validator("dynamodbstreams", Dialect(hashes_enumerations=True))

_LEVELS_OF_THE_CURRENT_LAYER = 62


def answer(call: Call, document: Mapping[str, Any] | None) -> Response:
    """An answer that moto has no part in; None: it tells nothing."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": call.request_id}
    return with_body(Response(200, headers), document)


def cancelled(call: Call, problems: Sequence[str | None]) -> Response:
    """The answer to a transaction some of whose parts, in order, are invalid for these reasons."""
    return cancelled_for(
        call,
        [
            {"Code": "None"} if each is None else {"Code": "ValidationError", "Message": each}
            for each in problems
        ],
    )


def cancelled_for(call: Call, reasons: Sequence[Mapping[str, Any]]) -> Response:
    """The answer to a transaction that is cancelled for these reasons, one for each part.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
    """
    codes = [reason["Code"] for reason in reasons]
    message = (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        f"[{', '.join(codes)}]"
    )
    response = render(
        AwsError("TransactionCanceledException", message), call.service, call.request_id
    )
    document: dict[str, Any] = json.loads(response.body)
    document["Message"] = document.pop("message")
    document["CancellationReasons"] = reasons
    return with_body(response, document)


def condition_failed(call: Call, item: Mapping[str, Any] | None) -> Response:
    """The answer to a write whose condition is not met; with the item where it was asked for.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    error = AwsError("ConditionalCheckFailedException", CONDITION_FAILED)
    response = render(error, call.service, call.request_id)
    if item is None:
        return response
    return with_body(response, {**json.loads(response.body), "Item": item})


CONDITION_FAILED = "The conditional request failed"


def with_body(response: Response, document: Mapping[str, Any] | None) -> Response:
    """The response with another body, and the checksum that clients verify."""
    body = b"" if document is None else json.dumps(document).encode()
    response.set_header("x-amz-crc32", str(binascii.crc32(body)))
    return Response(response.status, response.headers, body)


def require_throughput(parameters: Mapping[str, Any]) -> None:
    """Refuse capacity units for a table that is paid per request.

    Text: LocalStack's snapshots of DynamoDB, recorded from AWS in 2023
    """
    if parameters.get("BillingMode") == "PAY_PER_REQUEST" and "ProvisionedThroughput" in parameters:
        raise AwsError(
            "ValidationException",
            f"{INVALID}Neither ReadCapacityUnits nor "
            "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        )


def require_shallow(call: Call, asked: Mapping[str, Any]) -> None:
    """Refuse values that are nested more than 32 levels deep, the innermost one counted.

    ``asked`` are the request's parameters, or an action of a transaction.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    """
    if _levels(call, asked) > MOST_LEVELS:
        raise AwsError(
            "ValidationException",
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested "
            "levels beyond supported limit",
        )


def reads_as_before(call: Call) -> bool:
    """Whether a request is nested so deep that AWS words its refusal as in former years.

    Seen by paritysuite's validation-ordering/deepRequests, 2026
    """
    return _levels(call, call.parameters) > _LEVELS_OF_THE_CURRENT_LAYER


def _levels(call: Call, asked: Mapping[str, Any]) -> int:
    """How deep the values are nested; 0 where that is surely not too deep."""
    body = call.request.body
    if body.count(b'"L"') + body.count(b'"M"') < MOST_LEVELS:
        return 0
    deepest = 0
    rest: list[tuple[Any, int, bool]] = [(asked, 1, False)]
    while rest:
        value, level, of_names = rest.pop()
        if isinstance(value, list):
            rest += [(each, level, False) for each in value]
        elif isinstance(value, dict):
            if not of_names:
                deepest = max(deepest, level)
            for name, inner in value.items():
                a_map = name == "M" and isinstance(inner, dict)
                deeper = not of_names and (a_map or (name == "L" and isinstance(inner, list)))
                rest.append((inner, level + deeper, deeper and a_map))
    return deepest
