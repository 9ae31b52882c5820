"""Which of a request's faults DynamoDB tells, and in which order.

The texts and orders are recorded from AWS: github.com/paritysuite/dynamodb-conformance,
validation-ordering and error-messages, October 2026.
"""

from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.dynamodb_tables import LAYOUT, exactly, new_table

FAILED = "failed to satisfy constraint: Member must"
CAPACITY = (
    "Value 'BOGUS' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy "
    "enum value set: [INDEXES, TOTAL, NONE]"
)
RETURNS = (
    f"Value 'BOGUS' at 'returnValues' {FAILED} satisfy enum value set: "
    "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
)
NO_KEY = f"Value null at 'key' {FAILED} not be null"
ENVELOPE = "1 validation error detected: "
NESTED = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
    "beyond supported limit"
)
KEY = {"id": {"S": "1"}}
UPDATE: Any = {
    "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}},
}  # fmt: skip


@pytest.fixture
def dynamodb() -> Any:
    """A table named orders, and a client that sends what botocore itself would refuse."""
    new_table("orders")
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", region_name="us-east-1", config=config)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(levels):
        value = {"M": {"n": value}}
    return value


def test_faults_of_an_update(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"""
    empty = f"Value '' at 'tableName' {FAILED} have length greater than or equal to 1"
    bogus = {"ReturnConsumedCapacity": "BOGUS", "ReturnValues": "BOGUS"}
    listed = "; ".join([CAPACITY, empty, RETURNS, NO_KEY])
    with exactly(f"4 validation errors detected: {listed}"):
        dynamodb.update_item(TableName="", **UPDATE, **bogus)
    with exactly(f"{ENVELOPE}{RETURNS}"):
        dynamodb.update_item(TableName="orders", Key=KEY, **UPDATE, **bogus)
    operator = f"Value 'XOR' at 'conditionalOperator' {FAILED} satisfy enum value set: [OR, AND]"
    with exactly(f"2 validation errors detected: {operator}; {NO_KEY}"):
        dynamodb.update_item(
            TableName="orders",
            Expected={"a": {"Exists": False}, "b": {"Exists": False}},
            ConditionalOperator="XOR",
        )


def test_faults_of_a_table(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"""
    told = [
        f"Value '{name}' at '{kind}.1.member.indexName' {FAILED} have length greater than or "
        "equal to 3"
        for name, kind in (("zz", "globalSecondaryIndexes"), ("aa", "localSecondaryIndexes"))
    ]
    index = {"KeySchema": LAYOUT["KeySchema"], "Projection": {"ProjectionType": "ALL"}}
    with exactly(f"2 validation errors detected: {'; '.join(told)}"):
        dynamodb.create_table(
            TableName="lines",
            **LAYOUT,
            LocalSecondaryIndexes=[{"IndexName": "aa", **index}],
            GlobalSecondaryIndexes=[{"IndexName": "zz", **index}],
        )


def test_faults_of_a_query(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    That a key is missing is told before an expression is read: dynalite's validations/query.js.
    """
    with exactly("Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"):
        dynamodb.query(
            TableName="nowhere",
            KeyConditions={"id": {"ComparisonOperator": "EQ", "AttributeValueList": [KEY["id"]]}},
            QueryFilter={name: {"ComparisonOperator": "NULL"} for name in "bc"},
            ConditionalOperator="XOR",
            Select="BOGUS",
        )
    with exactly(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
        "request."
    ):
        dynamodb.query(TableName="nowhere", FilterExpression="a =")


def test_faults_of_a_batch(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""
    bogus = {"ReturnConsumedCapacity": "BOGUS"}
    misnamed = (
        'Value \'{"bad!name":{"Keys":[{"id":{"S":"1"}}]}}\' at \'requestItems\' failed to satisfy '
        "constraint: Map keys must satisfy constraint: [Member must have length less than or equal "
        "to 255, Member must have length greater than or equal to 3, Member must satisfy regular "
        "expression pattern: [a-zA-Z0-9_.-]+]"
    )
    with exactly(f"2 validation errors detected: {misnamed}; {CAPACITY}"):
        dynamodb.batch_get_item(RequestItems={"bad!name": {"Keys": [KEY]}}, **bogus)
    for name in ("nowhere", "bad!name"):
        with exactly(ENVELOPE + CAPACITY):
            put = {"PutRequest": {"Item": KEY}}
            dynamodb.batch_write_item(RequestItems={name: [put]}, **bogus)
    many = [{"id": {"S": str(n)}} for n in range(101)]
    place = "RequestItems.orders.member.Keys"
    with exactly(f"{ENVELOPE}Value at '{place}' {FAILED} have length less than or equal to 100"):
        dynamodb.batch_get_item(RequestItems={"orders": {"Keys": many}})
    with exactly(
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
    ):
        dynamodb.batch_get_item(
            RequestItems={
                "orders": {"Keys": [KEY], "ProjectionExpression": "id"},
                "nowhere": {"Keys": [KEY], "AttributesToGet": ["id"]},
            }
        )


SYNTAX: Any = {"Put": {"TableName": "nowhere", "Item": KEY, "ConditionExpression": "a = = b"}}
WRONG_SYNTAX = 'Invalid ConditionExpression: Syntax error; token: "=", near: "= = b"'
NAMELESS: Any = {"Put": {"TableName": "nowhere", "Item": {**KEY, "": {"S": "x"}}}}


def deep(levels: int) -> dict[str, Any]:
    return {"Put": {"TableName": "nowhere", "Item": {**KEY, "d": nested(levels)}}}


def deep_key(levels: int) -> dict[str, Any]:
    return {"Delete": {"TableName": "nowhere", "Key": {"id": nested(levels)}}}


@pytest.mark.parametrize(("actions", "told"), [
    ([deep(40), NAMELESS], NESTED),
    ([NAMELESS, deep(100)], "Empty attribute name"),
    ([deep_key(40), SYNTAX], NESTED),
    ([SYNTAX, deep_key(100)], WRONG_SYNTAX),
    ([{"Delete": {**deep_key(100)["Delete"], "ConditionExpression": "a = = b"}}], WRONG_SYNTAX),
    ([{"Update": {"TableName": "nowhere", "Key": KEY, "UpdateExpression": "SET a=b" + " " * 4090}}],
     "Invalid UpdateExpression: Expression size has exceeded the maximum allowed size;"),
])  # fmt: skip
def test_a_transaction_tells_its_first_fault(
    dynamodb: Any, actions: list[dict[str, Any]], told: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
    with exactly(told):
        dynamodb.transact_write_items(TransactItems=actions)


def test_faults_of_a_transaction(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
    token = "x" * 37
    long = f"Value '{token}' at 'clientRequestToken' {FAILED} have length less than or equal to 36"
    with exactly(f"2 validation errors detected: {long}; {CAPACITY}"):
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": "orders", "Item": KEY}}],
            ClientRequestToken=token,
            ReturnConsumedCapacity="BOGUS",
        )


def test_what_a_delete_returns_is_told_before_depth(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    Past some 62 levels AWS words its refusals as in former years.
    """
    told = "ReturnValues can only be ALL_OLD or NONE"
    for levels, envelope in ((1, ENVELOPE), (100, "")):
        with exactly(envelope + told):
            dynamodb.delete_item(
                TableName="nowhere",
                Key=KEY,
                ConditionExpression="d = :d",
                ExpressionAttributeValues={":d": nested(levels)},
                ReturnValues="UPDATED_NEW",
            )


def test_an_attribute_has_a_name(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "Attribute names must be at least one character long"; the words were seen of transactions.
    """
    item = {**KEY, "": {"S": "x"}}
    with exactly(ENVELOPE + "Empty attribute name"):
        dynamodb.put_item(TableName="orders", Item=item)
    with exactly("Empty attribute name"):
        dynamodb.batch_write_item(RequestItems={"orders": [{"PutRequest": {"Item": item}}]})
    assert dynamodb.scan(TableName="orders")["Count"] == 0


def test_what_is_not_defined_is_told_before_what_overlaps(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    The order: dynalite's db/updateParser
    """
    begin = f"{ENVELOPE}Invalid UpdateExpression: An expression attribute"
    with exactly(f"{begin} value used in expression is not defined; attribute value: :b"):
        dynamodb.update_item(
            TableName="orders",
            Key=KEY,
            UpdateExpression="SET a = :a, a = :b",
            ExpressionAttributeValues={":a": {"S": "x"}},
        )
    with exactly(f"{begin} name used in the document path is not defined; attribute name: #b"):
        dynamodb.update_item(
            TableName="orders", Key=KEY, UpdateExpression="SET a = :a, a.c = :b, d = #b"
        )


@pytest.mark.parametrize(("value", "told"), [
    ({}, "The provided starting key is invalid: Supplied AttributeValue is empty, must contain "
     "exactly one of the supported datatypes"),
    ({"SS": []}, "The provided starting key is invalid: One or more parameter values were invalid: "
     "An string set  may not be empty"),
    ({"N": "1e126"}, "Number overflow. Attempting to store a number with magnitude larger than "
     "supported range"),
])  # fmt: skip
def test_a_starting_key_of_no_value(dynamodb: Any, value: dict[str, Any], told: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    Texts: dynalite's validations/scan.js and query.js
    """
    start = {"ExclusiveStartKey": {"id": value}}
    with exactly(told):
        dynamodb.scan(TableName="orders", **start)
    with exactly(told):
        dynamodb.query(
            TableName="orders",
            KeyConditionExpression="id = :a",
            ExpressionAttributeValues={":a": {"S": "x"}},
            **start,
        )
