"""Names of tables, batches, transactions and primary keys: how many, how long, of which type.

The texts are recorded from AWS: github.com/paritysuite/dynamodb-conformance, error-messages,
2026, and github.com/architect/dynalite, test.
"""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.dynamodb_tables import LAYOUT, exactly, new_lines, new_table, refused

Send = Callable[[Any, Any], Any]
OTHER_SCHEMA = "The provided key element does not match the schema"
NAME_LENGTH = "TableName must be at least 3 characters long and at most 255 characters long"
PATTERN = (
    "1 validation error detected: Value '{}' at 'tableName' failed to satisfy constraint: Member "
    "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
)
MAP_KEYS = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member "
    "must have length greater than or equal to 3, Member must satisfy regular expression pattern: "
    "[a-zA-Z0-9_.-]+]"
)


@pytest.fixture
def dynamodb() -> Any:
    """A client that sends what botocore itself would refuse."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", region_name="us-east-1", config=config)


@pytest.fixture
def table(dynamodb: Any) -> Any:
    """Tables named orders and lines (with a sort key); a client."""
    new_table("orders")
    new_lines()
    return dynamodb


def put(key: str) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"id": {"S": key}}}}


def keys(count: int) -> list[Any]:
    return [{"id": {"S": str(n)}} for n in range(count)]


def get(key: str) -> dict[str, Any]:
    return {"Get": {"TableName": "orders", "Key": {"id": {"S": key}}}}


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "message"), [
    ("x" * 256, NAME_LENGTH),
    ("my table", PATTERN.format("my table")), ("a/b", PATTERN.format("a/b")),
    ("tabelle-\u00e4", PATTERN.format("tabelle-\u00e4")),
])  # fmt: skip
def test_a_table_has_a_name_of_its_kind(dynamodb: Any, name: str, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "Table names and index names must be between 3 and 255 characters long, and can contain only
    the following characters: a-z A-Z 0-9 _ - ."
    """
    with exactly(message):
        dynamodb.create_table(TableName=name, **LAYOUT)
    assert dynamodb.list_tables()["TableNames"] == []
    with exactly(message):
        dynamodb.describe_table(TableName=name)


def test_a_table_needs_a_name(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    Texts: paritysuite's error-messages/createTable and validation-ordering/createTable, dynalite's
    tests of the others
    """
    for name in ("a", "ab"):
        told = (
            f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy "
            "constraint: Member must have length greater than or equal to 3"
        )
        for layout in (LAYOUT, {**LAYOUT, "KeySchema": []}):
            with exactly(told):
                dynamodb.create_table(TableName=name, **layout)
        with exactly(NAME_LENGTH):
            dynamodb.describe_table(TableName=name)
    missing = "The parameter 'TableName' is required but was not present in the request"
    with exactly(missing):
        dynamodb.create_table(**LAYOUT)
    for operation in ("describe_table", "delete_table", "update_table", "describe_time_to_live"):
        with exactly(missing):
            getattr(dynamodb, operation)()


@pytest.mark.parametrize("name", ["a.b", "A_1", "x" * 255])
def test_a_name_that_fits(dynamodb: Any, name: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    Its item is asked for by a name that does not.
    """
    new_table(name)
    assert "Item" not in dynamodb.get_item(TableName=name, Key={"id": {"S": "1"}})
    with exactly(PATTERN.format("a b")):
        dynamodb.get_item(TableName="a b", Key={"id": {"S": "1"}})


def test_a_name_that_is_too_long_for_an_item(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html"""
    name = "a" * 256
    with exactly(
        f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: "
        "Member must have length less than or equal to 255"
    ):
        dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}})
    with refused("ResourceNotFoundException"):
        dynamodb.put_item(TableName="ab", Item={"id": {"S": "1"}})


def test_a_batch_names_tables(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""
    with exactly(
        '1 validation error detected: Value \'{"bad!name":{"Keys":[{"id":{"S":"0"}}]}}\' at '
        f"'requestItems' failed to satisfy constraint: {MAP_KEYS}"
    ):
        dynamodb.batch_get_item(RequestItems={"bad!name": {"Keys": keys(1)}})
    value = "com.amazonaws.dynamodb.v20120810.AttributeValue@0"
    with exactly(
        "1 validation error detected: Value '{bad!name=[WriteRequest(putRequest=PutRequest(item="
        f"{{id={value}}}), deleteRequest=null), WriteRequest(putRequest=null, deleteRequest="
        f"DeleteRequest(key={{id={value}}}))]}}' at 'requestItems' failed to satisfy constraint: "
        f"{MAP_KEYS}"
    ):
        dynamodb.batch_write_item(
            RequestItems={"bad!name": [put("1"), {"DeleteRequest": {"Key": {"id": {"S": "2"}}}}]}
        )


# --- batches ------------------------------------------------------------------------------------


def test_a_batch_has_25_writes_or_100_reads_in_all(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    "There are more than 25 requests in the batch." A list that is too long by itself breaks the
    model's rule for it.
    """
    line: Any = {"PutRequest": {"Item": {"id": {"S": "1"}, "line": {"S": "1"}}}}
    puts = [put(str(n)) for n in range(25)]
    with exactly("Too many items requested for the BatchWriteItem call"):
        table.batch_write_item(RequestItems={"orders": puts, "lines": [line]})
    with refused("ValidationException", "Member must have length less than or equal to 25"):
        table.batch_write_item(RequestItems={"orders": [*puts, put("25")]})
    assert table.scan(TableName="orders")["Count"] == 0
    table.batch_write_item(RequestItems={"orders": puts})
    assert table.scan(TableName="orders")["Count"] == 25

    line = {"Keys": [{"id": {"S": "1"}, "line": {"S": "1"}}]}
    with exactly("Too many items requested for the BatchGetItem call"):
        table.batch_get_item(RequestItems={"orders": {"Keys": keys(100)}, "lines": line})
    with refused("ValidationException", "Member must have length less than or equal to 100"):
        table.batch_get_item(RequestItems={"orders": {"Keys": keys(101)}})
    assert table.batch_get_item(RequestItems={"orders": {"Keys": keys(100)}})["Responses"]


def test_a_batch_has_at_least_one(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""
    empty: tuple[Any, Any] = [], {"Keys": []}
    for send, listed in zip((table.batch_write_item, table.batch_get_item), empty, strict=True):
        for requested in ({}, {"orders": listed}):
            with refused("ValidationException", "length", "greater than or equal to 1"):
                send(RequestItems=requested)


def test_a_batch_names_an_item_once(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    "You try to perform multiple operations on the same item in the same BatchWriteItem request."
    """
    duplicates = "Provided list of item keys contains duplicates"
    for other in (put("1"), {"DeleteRequest": {"Key": {"id": {"S": "1"}}}}):
        with exactly(duplicates):
            table.batch_write_item(RequestItems={"orders": [put("1"), put("2"), other]})
    with exactly(duplicates):
        table.batch_get_item(RequestItems={"orders": {"Keys": [*keys(2), *keys(1)]}})
    assert table.scan(TableName="orders")["Count"] == 0


@pytest.mark.parametrize(
    "request_", [{}, {**put("1"), "DeleteRequest": {"Key": {"id": {"S": "2"}}}}]
)
def test_a_batch_writes_or_deletes(table: Any, request_: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_WriteRequest.html
    The text of a request that asks for neither: dynalite's test/batchWriteItem
    """
    with exactly(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
        "supported datatypes"
    ):
        table.batch_write_item(RequestItems={"orders": [request_]})


# --- transactions -------------------------------------------------------------------------------


def test_a_transaction_has_100_actions(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    "An ordered array of up to 100 TransactGetItem objects"
    """
    puts = [{"Put": {"TableName": "orders", "Item": {"id": {"S": str(n)}}}} for n in range(101)]
    gets = [get(str(n)) for n in range(101)]
    for send, items in ((table.transact_write_items, puts), (table.transact_get_items, gets)):
        with refused("ValidationException", "Member must have length less than or equal to 100"):
            send(TransactItems=items)
        send(TransactItems=items[:100])
    assert table.scan(TableName="orders")["Count"] == 100


def test_a_transaction_names_an_item_once(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html"""
    once = "Transaction request cannot include multiple operations on one item"
    with exactly(once):
        table.transact_get_items(TransactItems=[get("1"), get("2"), get("1")])
    delete = {"Delete": {"TableName": "orders", "Key": {"id": {"S": "1"}}}}
    with exactly(once):
        table.transact_write_items(TransactItems=[delete, delete])


@pytest.mark.unconfirmed("AWS does not say how a part of a transaction without action is refused")
def test_a_part_of_a_transaction_has_one_action(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItem.html
    The text is recorded for two actions.
    """
    with refused("ValidationException", "can only contain one of Check, Put, Update or Delete"):
        table.transact_write_items(TransactItems=[{}])


# --- keys ---------------------------------------------------------------------------------------


def transact(name: str, **asked: Any) -> Send:
    """A transaction of one action on the key or item."""
    member = "Item" if name == "Put" else "Key"
    return lambda to, value: to.transact_write_items(
        TransactItems=[{name: {"TableName": "orders", member: {"id": value}, **asked}}]
    )


UPDATE = {"UpdateExpression": "SET a = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}
LOOKUPS: dict[str, Send] = {
    "GetItem": lambda to, value: to.get_item(TableName="orders", Key={"id": value}),
    "UpdateItem": lambda to, value: to.update_item(TableName="orders", Key={"id": value}, **UPDATE),
    "DeleteItem": lambda to, value: to.delete_item(TableName="orders", Key={"id": value}),
    "BatchGetItem": lambda to, value: to.batch_get_item(
        RequestItems={"orders": {"Keys": [{"id": value}]}}
    ),
    "PutRequest": lambda to, value: to.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": {"id": value}}}]}
    ),
    "DeleteRequest": lambda to, value: to.batch_write_item(
        RequestItems={"orders": [{"DeleteRequest": {"Key": {"id": value}}}]}
    ),
}
TRANSACTIONS: dict[str, Send] = {
    "Update": transact("Update", **UPDATE),
    "Delete": transact("Delete"),
    "ConditionCheck": transact("ConditionCheck", ConditionExpression="attribute_not_exists(id)"),
    "Get": lambda to, value: to.transact_get_items(
        TransactItems=[{"Get": {"TableName": "orders", "Key": {"id": value}}}]
    ),
}
PUTS: dict[str, Send] = {
    "PutItem": lambda to, value: to.put_item(TableName="orders", Item={"id": value}),
    "Put": transact("Put"),
}
EVERY = {**LOOKUPS, **TRANSACTIONS, **PUTS}
STRANGE = [{"N": "5"}, {"L": [{"S": "x"}]}, {"B": b"x"}]


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: next(iter(value)))
@pytest.mark.parametrize("send", LOOKUPS.values(), ids=LOOKUPS)
def test_a_key_of_another_type(table: Any, send: Send, value: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""
    with exactly(OTHER_SCHEMA):
        send(table, value)


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: next(iter(value)))
@pytest.mark.parametrize("send", [*TRANSACTIONS.values(), PUTS["Put"]], ids=[*TRANSACTIONS, "Put"])
def test_a_key_of_another_type_cancels_a_transaction(table: Any, send: Send, value: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html"""
    with pytest.raises(ClientError) as caught:
        send(table, value)
    answer = caught.value.response
    assert answer["Error"] == {
        "Code": "TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[ValidationError]",
    }
    reason = OTHER_SCHEMA
    if send is PUTS["Put"]:
        reason = (
            "One or more parameter values were invalid: Type mismatch for key id expected: S "
            f"actual: {next(iter(value))}"
        )
    assert answer["CancellationReasons"] == [{"Code": "ValidationError", "Message": reason}]


def test_only_what_is_invalid_has_a_reason(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html"""
    puts = [
        {"Put": {"TableName": "orders", "Item": {"id": value}}}
        for value in ({"S": "1"}, {"N": "1"})
    ]
    with pytest.raises(ClientError) as caught:
        table.transact_write_items(TransactItems=puts)
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["None", "ValidationError"]
    assert table.scan(TableName="orders")["Count"] == 0


@pytest.mark.parametrize("send", EVERY.values(), ids=EVERY)
def test_an_empty_key(dynamodb: Any, send: Send) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "An attribute value can be an empty string or empty binary value if the attribute is not used
    for a table or index key."
    """
    empty = (
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
        "contain an empty {} value. Key: id"
    )
    new_table("orders")
    with exactly(empty.format("string")):
        send(dynamodb, {"S": ""})
    dynamodb.delete_table(TableName="orders")
    new_table("orders", AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "B"}])
    with exactly(empty.format("binary")):
        send(dynamodb, {"B": b""})


@pytest.mark.parametrize("send", [LOOKUPS["GetItem"], LOOKUPS["DeleteItem"], PUTS["PutItem"]])
def test_a_key_has_2048_bytes(table: Any, send: Send) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "The minimum length of a partition key value is 1 byte. The maximum length is 2048 bytes."
    """
    too_long = (
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size "
        "limit of2048 bytes"
    )
    with exactly(too_long):
        send(table, {"S": "x" * 2049})
    with exactly(too_long):
        send(table, {"S": "\u00e4" * 1025})
    send(table, {"S": "x" * 2048})
    send(table, {"S": "\u00e4" * 1024})


def test_a_sort_key_has_1024_bytes(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "The maximum length is 1024 bytes."
    """
    too_long = (
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded "
        "the size limit of 1024 bytes"
    )
    with exactly(too_long):
        table.get_item(TableName="lines", Key={"id": {"S": "1"}, "line": {"S": "x" * 1025}})
    table.get_item(TableName="lines", Key={"id": {"S": "x" * 2048}, "line": {"S": "x" * 1024}})


def test_a_key_of_other_attributes(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    "For the primary key, you must provide all of the attributes."
    """
    for key in ({"id": {"S": "1"}}, {"id": {"S": "1"}, "line": {"S": "1"}, "more": {"S": "1"}}):
        with exactly(OTHER_SCHEMA):
            table.get_item(TableName="lines", Key=key)
        with exactly(OTHER_SCHEMA):
            table.batch_write_item(RequestItems={"lines": [{"DeleteRequest": {"Key": key}}]})
    with exactly("One or more parameter values were invalid: Missing the key line in the item"):
        table.put_item(TableName="lines", Item={"id": {"S": "1"}})
    with exactly(OTHER_SCHEMA):
        table.batch_write_item(RequestItems={"lines": [put("1")]})
