"""Keys of secondary indexes, on every path that writes an item; how deep its values may nest.

The texts are recorded from AWS: github.com/paritysuite/dynamodb-conformance, error-messages,
June to October 2026, the same in four Regions.
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.dynamodb_tables import LAYOUT, aws, exactly, get, new_lines, new_table, refused

OLD = {"id": {"S": "1"}, "owner": {"S": "ann"}, "blob": {"B": b"x"}}
MISMATCH = (
    "One or more parameter values were invalid: Type mismatch for Index Key owner Expected: S "
    "Actual: {} IndexName: by-owner"
)
EMPTY_ITEM = (
    "One or more parameter values are not valid. A value specified for a secondary index key is "
    "not supported. The AttributeValue for a key attribute cannot contain an empty {} value. "
    "IndexName: {}, IndexKey: {}"
)
EMPTY_UPDATE = (
    "One or more parameter values are not valid. The update expression attempted to update a "
    "secondary index key to a value that is not supported. The AttributeValue for a key attribute "
    "cannot contain an empty {} value."
)


def index(name: str, *keys: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        "Projection": {"ProjectionType": "ALL"},
    }


@pytest.fixture
def table() -> Any:
    """A table with indexes on a string and a binary attribute, and one item; a client."""
    new_table(
        "orders",
        AttributeDefinitions=[
            *LAYOUT["AttributeDefinitions"],
            {"AttributeName": "owner", "AttributeType": "S"},
            {"AttributeName": "blob", "AttributeType": "B"},
        ],
        GlobalSecondaryIndexes=[
            index("zz-owner", "owner", "blob"),
            index("by-owner", "owner"),
            index("by-blob", "blob"),
        ],
    )
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="orders", Item=OLD)
    return dynamodb


def update(name: str, value: Any, key: str = "1") -> dict[str, Any]:
    return {
        "TableName": "orders",
        "Key": {"id": {"S": key}},
        "UpdateExpression": "SET seen = :one, #name = :value",
        "ExpressionAttributeNames": {"#name": name},
        "ExpressionAttributeValues": {":value": value, ":one": {"N": "1"}},
    }


def insert(name: str, value: Any) -> dict[str, Any]:
    literal = value["N"] if "N" in value else f"'{value['S']}'"
    return {"Statement": f"INSERT INTO \"orders\" VALUE {{'id': '2', '{name}': {literal}}}"}


def change(name: str, value: Any) -> dict[str, Any]:
    return {
        "Statement": f'UPDATE "orders" SET "{name}" = ? WHERE "id" = ?',
        "Parameters": [value, {"S": "1"}],
    }


Write = Callable[[Any, str, Any], Any]
WHOLE: dict[str, Write] = {
    "PutItem": lambda to, name, value: to.put_item(
        TableName="orders", Item={"id": {"S": "2"}, name: value}
    ),
    "PutItem over an item": lambda to, name, value: to.put_item(
        TableName="orders", Item={"id": {"S": "1"}, name: value}
    ),
    "BatchWriteItem": lambda to, name, value: to.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": {"id": {"S": "2"}, name: value}}}]}
    ),
}
UPDATES: dict[str, Write] = {
    "UpdateItem": lambda to, name, value: to.update_item(**update(name, value)),
    "UpdateItem of a new item": lambda to, name, value: to.update_item(**update(name, value, "2")),
    "AttributeUpdates": lambda to, name, value: to.update_item(
        TableName="orders", Key={"id": {"S": "1"}}, AttributeUpdates={name: {"Value": value}}
    ),
    "UPDATE": lambda to, name, value: to.execute_statement(**change(name, value)),
}
# A write of nothing else, then the one that is refused.
FINE = {"Put": {"TableName": "orders", "Item": {"id": {"S": "3"}}}}
FINE_STATEMENT = {"Statement": "INSERT INTO \"orders\" VALUE {'id': '3'}"}
TRANSACTIONS: dict[str, Write] = {
    "Put": lambda to, name, value: to.transact_write_items(
        TransactItems=[
            FINE,
            {"Put": {"TableName": "orders", "Item": {"id": {"S": "2"}, name: value}}},
        ]
    ),
    "Update": lambda to, name, value: to.transact_write_items(
        TransactItems=[FINE, {"Update": update(name, value)}]
    ),
    "INSERT": lambda to, name, value: to.execute_transaction(
        TransactStatements=[FINE_STATEMENT, insert(name, value)]
    ),
    "UPDATE": lambda to, name, value: to.execute_transaction(
        TransactStatements=[FINE_STATEMENT, change(name, value)]
    ),
}
STRANGE = [{"B": b"sealed"}, {"N": "5"}, {"L": [{"S": "x"}]}]


def unchanged(dynamodb: Any) -> bool:
    return bool(dynamodb.scan(TableName="orders")["Items"] == [OLD])


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: next(iter(value)))
@pytest.mark.parametrize("write", [*WHOLE.values(), *UPDATES.values()], ids=[*WHOLE, *UPDATES])
def test_another_type(table: Any, write: Write, value: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
    The index that is named comes first by name.
    """
    with refused("ValidationException", MISMATCH.format(next(iter(value)))):
        write(table, "owner", value)
    assert unchanged(table)


@pytest.mark.parametrize("write", TRANSACTIONS.values(), ids=TRANSACTIONS)
def test_another_type_cancels_a_transaction(table: Any, write: Write) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
    with pytest.raises(ClientError) as caught:
        write(table, "owner", {"N": "5"})
    answer = caught.value.response
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert answer["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ValidationError]"
    )
    assert answer["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ValidationError", "Message": MISMATCH.format("N")},
    ]
    assert unchanged(table)


@pytest.mark.parametrize(("name", "value", "kind", "first"), [
    ("owner", {"S": ""}, "string", "by-owner"), ("blob", {"B": b""}, "binary", "by-blob"),
])  # fmt: skip
@pytest.mark.parametrize("write", [*WHOLE.values(), TRANSACTIONS["Put"]], ids=[*WHOLE, "Put"])
def test_an_empty_value(
    table: Any, write: Write, name: str, value: Any, kind: str, first: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "An attribute value can be an empty string or empty binary value if the attribute is not used
    for a table or index key."
    """
    with refused("ValidationException", EMPTY_ITEM.format(kind, first, name)):
        write(table, name, value)
    assert unchanged(table)


@pytest.mark.parametrize(("name", "value", "kind"), [
    ("owner", {"S": ""}, "string"), ("blob", {"B": b""}, "binary"),
])  # fmt: skip
@pytest.mark.parametrize(
    "write", [*UPDATES.values(), TRANSACTIONS["Update"]], ids=[*UPDATES, "Update"]
)
def test_an_empty_value_by_an_update(
    table: Any, write: Write, name: str, value: Any, kind: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""
    with refused("ValidationException", EMPTY_UPDATE.format(kind)):
        write(table, name, value)
    assert unchanged(table)


def test_an_insert(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html"""
    with refused("ValidationException", MISMATCH.format("N")):
        table.execute_statement(**insert("owner", {"N": "5"}))
    with refused("ValidationException", EMPTY_ITEM.format("string", "by-owner", "owner")):
        table.execute_statement(**insert("owner", {"S": ""}))
    assert unchanged(table)


def test_a_batch_of_statements_refuses_only_those(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html"""
    answer = table.batch_execute_statement(
        Statements=[FINE_STATEMENT, change("owner", {"N": "5"})]
    )["Responses"]
    assert "Error" not in answer[0]
    assert answer[1]["Error"] == {"Code": "ValidationError", "Message": MISMATCH.format("N")}
    assert get("orders") == OLD
    assert table.get_item(TableName="orders", Key={"id": {"S": "3"}})["Item"] == {"id": {"S": "3"}}


def test_a_local_index_counts_as_well() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html"""
    lines = new_lines("N", {"at": "S"}, LocalSecondaryIndexes=[index("by-time", "id", "at")])
    item = {"id": {"S": "1"}, "line": {"N": "1"}}
    lines.put_item(TableName="lines", Item=item)
    with refused("ValidationException", "Index Key at Expected: S Actual: N IndexName: by-time"):
        lines.put_item(TableName="lines", Item={**item, "at": {"N": "1"}})


def test_values_nest_no_deeper_than_32_levels(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    Text: captured from DynamoDB by the tests of another emulator (dynoxide), 2026
    """
    value: dict[str, Any] = {"S": "end"}
    for level in range(31):
        value = {"L": [value]} if level % 2 else {"M": {"M": value}}
    item = {"id": {"S": "1"}, "deep": value}
    table.put_item(TableName="orders", Item=item)
    assert table.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"] == item
    deeper = {":v": {"L": [value]}}
    update = {"UpdateExpression": "SET deep = :v", "ExpressionAttributeValues": deeper}
    with refused("ValidationException", "Nesting Levels have exceeded supported limits"):
        table.put_item(TableName="orders", Item={**item, "deep": {"L": [value]}})
    with refused("ValidationException", "Nesting Levels have exceeded supported limits"):
        table.update_item(TableName="orders", Key={"id": {"S": "1"}}, **update)


def test_an_update_leaves_values_of_32_levels(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    The value may be shallow enough by itself. Seen of AWS in September 2026 by
    https://github.com/floci-io/floci (DynamoDbPartiQLEdgeCaseIntegrationTest)
    """
    value: dict[str, Any] = {"S": "end"}
    for _ in range(30):
        value = {"M": {"a": value}}
    table.put_item(TableName="orders", Item={"id": {"S": "1"}, "m": {"M": {}}, "l": {"L": []}})
    for path in ("m.deep", "l[0]"):
        expression = {
            "TableName": "orders", "Key": {"id": {"S": "1"}},
            "UpdateExpression": f"SET {path} = :v",
        }  # fmt: skip
        table.update_item(**expression, ExpressionAttributeValues={":v": value})
        deeper = {"M": {"a": value}}
        with exactly(TOO_DEEP):
            table.update_item(**expression, ExpressionAttributeValues={":v": deeper})
        statement = {
            "Statement": f"UPDATE orders SET {path} = ? WHERE id = '1'", "Parameters": [deeper],
        }  # fmt: skip
        with exactly(TOO_DEEP):
            table.execute_statement(**statement)
        [told] = table.batch_execute_statement(Statements=[statement])["Responses"]
        assert told == {
            "Error": {"Code": "ValidationError", "Message": TOO_DEEP}, "TableName": "orders",
        }  # fmt: skip
        with pytest.raises(ClientError) as caught:
            table.execute_transaction(TransactStatements=[statement])
        assert caught.value.response["CancellationReasons"] == [
            {"Code": "ValidationError", "Message": TOO_DEEP}
        ]


TOO_DEEP = "Nesting Levels have exceeded supported limits"


@pytest.mark.unconfirmed("AWS's page may mean that every write to such an item is rejected")
def test_an_index_key_that_is_left_alone_is_not_looked_at(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.ViolationDetection.html
    An item that was there before its index may violate it. That its other attributes can be updated
    is how the page is read here: which writes to it "will be rejected", it does not say.
    """
    table.put_item(TableName="orders", Item={"id": {"S": "2"}, "total": {"S": "many"}})
    table.update_table(
        TableName="orders",
        AttributeDefinitions=[
            *LAYOUT["AttributeDefinitions"],
            {"AttributeName": "owner", "AttributeType": "S"},
            {"AttributeName": "blob", "AttributeType": "B"},
            {"AttributeName": "total", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-total", "total")}],
    )
    table.update_item(**update("note", {"S": "fine"}, "2"))
    with refused("ValidationException", "Index Key total Expected: N Actual: S"):
        table.update_item(**update("total", {"S": "few"}, "2"))
    with refused("ValidationException", "Index Key total Expected: N Actual: S"):
        table.put_item(TableName="orders", Item={"id": {"S": "2"}, "total": {"S": "many"}})
