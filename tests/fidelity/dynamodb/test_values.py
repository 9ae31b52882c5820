"""Numbers, sets and nulls, wherever a request has values.

The texts are recorded from AWS: github.com/paritysuite/dynamodb-conformance, error-messages and
limits, October 2026, us-east-1 among the Regions.
"""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.dynamodb_tables import aws, exactly, new_table, refused

KEY = {"id": {"S": "1"}}
OVERFLOW = (
    "Number overflow. Attempting to store a number with magnitude larger than supported range"
)
UNDERFLOW = (
    "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)
DIGITS = "Attempting to store more than 38 significant digits in a Number"
NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
INVALID = "One or more parameter values were invalid: "
ENVELOPE = "1 validation error detected: "

Send = Callable[[Any, Any], Any]


@pytest.fixture
def table() -> Any:
    """A table named orders; a client."""
    new_table("orders")
    return aws("dynamodb")


def put(to: Any, value: Any) -> Any:
    return to.put_item(TableName="orders", Item={**KEY, "n": value})


def kept(to: Any) -> Any:
    return to.get_item(TableName="orders", Key=KEY)["Item"]["n"]


def update(to: Any, value: Any, key: Any = KEY) -> Any:
    return to.update_item(
        TableName="orders",
        Key=key,
        UpdateExpression="SET n = :v",
        ExpressionAttributeValues={":v": value},
    )


SINGLE: dict[str, Send] = {
    "Item": put,
    "nested": lambda to, value: put(to, {"M": {"x": {"L": [value]}}}),
    "condition": lambda to, value: to.put_item(
        TableName="orders",
        Item=KEY,
        ConditionExpression="attribute_not_exists(id) OR n = :v",
        ExpressionAttributeValues={":v": value},
    ),
    "Expected": lambda to, value: to.put_item(
        TableName="orders", Item=KEY, Expected={"n": {"Value": value}}
    ),
    "UpdateExpression": update,
    "AttributeUpdates": lambda to, value: to.update_item(
        TableName="orders", Key=KEY, AttributeUpdates={"n": {"Value": value}}
    ),
    "UpdateItem's Key": lambda to, value: update(to, {"S": "1"}, {"id": value}),
    "DeleteItem's Key": lambda to, value: to.delete_item(TableName="orders", Key={"id": value}),
}
READS: dict[str, Send] = {
    "GetItem": lambda to, value: to.get_item(TableName="orders", Key={"id": value}),
    "BatchGetItem": lambda to, value: to.batch_get_item(
        RequestItems={"orders": {"Keys": [{"id": value}]}}
    ),
    "Query": lambda to, value: to.query(
        TableName="orders",
        KeyConditionExpression="id = :p",
        FilterExpression="n = :v",
        ExpressionAttributeValues={":p": KEY["id"], ":v": value},
    ),
    "ExclusiveStartKey": lambda to, value: to.query(
        TableName="orders",
        KeyConditionExpression="id = :p",
        ExpressionAttributeValues={":p": KEY["id"]},
        ExclusiveStartKey={"id": value},
    ),
    "QueryFilter": lambda to, value: to.query(
        TableName="orders",
        KeyConditions={"id": {"ComparisonOperator": "EQ", "AttributeValueList": [KEY["id"]]}},
        QueryFilter={"n": {"ComparisonOperator": "EQ", "AttributeValueList": [value]}},
    ),
}
OLDER: dict[str, Send] = {
    "PutRequest": lambda to, value: to.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": {**KEY, "n": value}}}]}
    ),
    "DeleteRequest": lambda to, value: to.batch_write_item(
        RequestItems={"orders": [{"DeleteRequest": {"Key": {"id": value}}}]}
    ),
    "Put": lambda to, value: to.transact_write_items(
        TransactItems=[{"Put": {"TableName": "orders", "Item": {**KEY, "n": value}}}]
    ),
    "Get": lambda to, value: to.transact_get_items(
        TransactItems=[{"Get": {"TableName": "orders", "Key": {"id": value}}}]
    ),
    "statement": lambda to, value: to.execute_statement(
        Statement="UPDATE \"orders\" SET n = ? WHERE id = '1'", Parameters=[value]
    ),
    "transaction of statements": lambda to, value: to.execute_transaction(
        TransactStatements=[
            {"Statement": "UPDATE \"orders\" SET n = ? WHERE id = '1'", "Parameters": [value]}
        ]
    ),
}
NAMED: dict[str, Send] = {
    "Update": lambda to, value: to.transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": "orders",
                    "Key": KEY,
                    "UpdateExpression": "SET n = :v",
                    "ExpressionAttributeValues": {":v": value},
                }
            }
        ]
    ),
    "Scan": lambda to, value: to.scan(
        TableName="orders", FilterExpression="n = :v", ExpressionAttributeValues={":v": value}
    ),
}
NUMBERS = {
    "1e99999999999": OVERFLOW,
    "-1e126": OVERFLOW,
    "1e126": OVERFLOW,
    "0e126": OVERFLOW,
    "1e-131": UNDERFLOW,
    "0e-131": UNDERFLOW,
    "1e-99999999999": UNDERFLOW,
    "1e9223372036854775808": f"{NOT_NUMERIC}: 1e9223372036854775808",
    "1" * 39: DIGITS,
    "-1.23456789012345678901234567890123456789": DIGITS,
    "": f"{NOT_NUMERIC}: ",
    **{text: f"{NOT_NUMERIC}: {text}" for text in ("abc", "1.2.3", " 1", "1 ", "0x10", "1e", ".")},
    **{text: f"{NOT_NUMERIC}: {text}" for text in ("NaN", "Infinity", "\u0661", "1\n")},
}


@pytest.mark.parametrize(("number", "message"), NUMBERS.items(), ids=[*map(repr, NUMBERS)])
def test_what_is_no_number(table: Any, number: str, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "A number can have up to 38 digits of precision, and can be positive, negative, or zero."
    """
    with exactly(ENVELOPE + message):
        put(table, {"N": number})
    with exactly(ENVELOPE + message):
        put(table, {"NS": ["1", number]})
    assert not table.scan(TableName="orders")["Items"]


@pytest.mark.parametrize("send", SINGLE.values(), ids=SINGLE)
def test_a_number_that_is_written(table: Any, send: Send) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    with exactly(ENVELOPE + OVERFLOW):
        send(table, {"N": "1e126"})
    assert not table.scan(TableName="orders")["Items"]


@pytest.mark.parametrize("send", READS.values(), ids=READS)
def test_a_number_that_is_asked_for(table: Any, send: Send) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    with exactly(OVERFLOW):
        send(table, {"N": "1e126"})


OLDER_NUMBERS = {
    "abc": f"{NOT_NUMERIC}: abc",
    "": NOT_NUMERIC,
    "1e126": OVERFLOW,
    "1e2147483647": UNDERFLOW,
    "1e2147483648": f"{NOT_NUMERIC}: 1e2147483648",
    "1e-2147483648": f"{NOT_NUMERIC}: 1e-2147483648",
}


@pytest.mark.parametrize(("number", "message"), OLDER_NUMBERS.items())
@pytest.mark.parametrize("send", OLDER.values(), ids=OLDER)
def test_a_number_in_the_older_layer(table: Any, send: Send, number: str, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    with exactly(message):
        send(table, {"N": number})
    assert not table.scan(TableName="orders")["Items"]


@pytest.mark.parametrize("send", NAMED.values(), ids=NAMED)
def test_a_number_of_an_expression_in_the_older_layer(table: Any, send: Send) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    told = f"ExpressionAttributeValues contains invalid value: {OVERFLOW} for key :v"
    with exactly(told):
        send(table, {"N": "1e126"})


KEPT = {
    "007.500": "7.5",
    "1E3": "1000",
    "+12": "12",
    "-0.0": "0",
    "0e125": "0",
    ".5": "0.5",
    "-1.": "-1",
    "12.5e-3": "0.0125",
    "125e-2": "1.25",
    "1e-130": f"0.{'0' * 129}1",
    "9.9999999999999999999999999999999999999E+125": "9" * 38 + "0" * 88,
    "1" * 38 + "00.00": "1" * 38 + "00",
    "5": "5",
    "-0.05": "-0.05",
}


@pytest.mark.parametrize(("number", "stored"), KEPT.items())
def test_how_a_number_is_kept(table: Any, number: str, stored: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "Leading and trailing zeroes are trimmed."
    """
    put(table, {"N": number})
    assert kept(table) == {"N": stored}
    put(table, {"M": {"x": {"L": [{"NS": [number]}, {"N": number}]}}})
    assert kept(table) == {"M": {"x": {"L": [{"NS": [stored]}, {"N": stored}]}}}


@pytest.mark.parametrize("send", [OLDER["PutRequest"], OLDER["Put"], OLDER["statement"]])
def test_how_a_batch_and_a_statement_keep_a_number(table: Any, send: Send) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""
    put(table, {"N": "1"})
    send(table, {"N": "007.500"})
    assert kept(table) == {"N": "7.5"}


def test_a_key_is_found_however_its_number_is_written() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""
    new_table("counted", AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}])
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="counted", Item={"id": {"N": "1e1"}, "blob": {"B": b"\0\xff"}})
    found = dynamodb.get_item(TableName="counted", Key={"id": {"N": "010.0"}})["Item"]
    assert found == {"id": {"N": "10"}, "blob": {"B": b"\0\xff"}}


# As they are sent, and as either layer words it.
DUPLICATES = {
    "SS": (
        {"SS": ["b", "a", "b"]},
        f'{INVALID}Input collection ["a", "b", "b"] contains duplicates.',
        f"{INVALID}Input collection [b, a, b] contains duplicates.",
    ),
    "BS": (
        {"BS": [b"\xff", b"\0", b"\0"]},
        f'{INVALID}Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.',
        f"{INVALID}Input collection [/w==, AA==, AA==]of type BS contains duplicates.",
    ),
    "NS": (
        {"NS": ["2", "1", "2.0"]},
        f"{INVALID}Input collection contains duplicates.",
        "Input collection contains duplicates",
    ),
    "empty strings": (
        {"SS": ["", ""]},
        f'{INVALID}Input collection ["", ""] contains duplicates.',
        f"{INVALID}Input collection [, ] contains duplicates.",
    ),
}


@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
def test_a_set_has_no_duplicates(table: Any, duplicate: tuple[Any, str, str]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "Each value within a set must be unique."
    """
    value, current, older = duplicate
    for send in SINGLE.values():
        with exactly(ENVELOPE + current):
            send(table, value)
    for send in READS.values():
        with exactly(current):
            send(table, value)
    for send in OLDER.values():
        with exactly(older):
            send(table, value)
    for send in NAMED.values():
        with exactly(f"ExpressionAttributeValues contains invalid value: {older} for key :v"):
            send(table, value)
    assert not table.scan(TableName="orders")["Items"]


@pytest.mark.parametrize(("value", "message"), [
    ({"SS": []}, "An string set  may not be empty"),
    ({"NS": []}, "An number set  may not be empty"),
    ({"BS": []}, "Binary sets should not be empty"),
    ({"NULL": False}, "Null attribute value types must have the value of true"),
])  # fmt: skip
def test_an_empty_set_and_a_null_that_is_none(table: Any, value: Any, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "DynamoDB does not support empty sets."
    """
    with exactly(ENVELOPE + INVALID + message):
        put(table, value)
    with exactly(ENVELOPE + INVALID + message):
        put(table, {"L": [value]})
    with exactly(INVALID + message):
        OLDER["PutRequest"](table, value)
    with exactly(INVALID + message):
        READS["Query"](table, value)


def test_a_set_may_hold_an_empty_string(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "Empty string and binary values are allowed within a set." They stay distinct from others.
    """
    put(table, {"SS": ["", "a"]})
    assert sorted(kept(table)["SS"]) == ["", "a"]
    put(table, {"NS": ["1.0", "2"]})
    assert sorted(kept(table)["NS"]) == ["1", "2"]


@pytest.mark.parametrize(("value", "message"), [
    ({}, "is empty"), ({"S": "a", "N": "1"}, "has more than one datatypes set"),
])  # fmt: skip
def test_a_value_has_one_type(value: Any, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    Text: dynalite's tests, recorded from AWS: https://github.com/architect/dynalite
    """
    new_table("orders")
    unchecked = Config(parameter_validation=False)
    dynamodb = boto3.client("dynamodb", region_name="us-east-1", config=unchecked)
    with refused("ValidationException", f"Supplied AttributeValue {message}, must contain exactly"):
        dynamodb.get_item(TableName="orders", Key={"id": value})
    with refused("ValidationException", f"Supplied AttributeValue {message}, must contain exactly"):
        OLDER["PutRequest"](dynamodb, {"L": [value]})
