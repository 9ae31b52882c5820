"""Transactions happen together, or not at all, and once for a token.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
What ScyllaDB's tests saw of AWS: https://github.com/scylladb/scylladb, test/alternator.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.dynamodb_tables import KEY, aws, later, new_table, refused

OTHER = {"id": {"S": "2"}}


@pytest.fixture
def dynamodb() -> Any:
    new_table("orders")
    return aws("dynamodb")


def count(**more: Any) -> dict[str, Any]:
    """A transaction that counts."""
    update = {
        "TableName": "orders",
        "Key": KEY,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    return {"TransactItems": [{"Update": update}], **more}


def counted(to: Any) -> int:
    return int(to.get_item(TableName="orders", Key=KEY)["Item"]["n"]["N"])


def test_a_token_makes_it_happen_once(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    "A client request token is valid for 10 minutes after the first request that uses it is
    completed."
    """
    for _ in range(3):
        dynamodb.transact_write_items(**count(ClientRequestToken="once"))
    assert counted(dynamodb) == 1
    put = {"Put": {"TableName": "orders", "Item": OTHER}}
    with refused("IdempotentParameterMismatchException"):
        dynamodb.transact_write_items(TransactItems=[put], ClientRequestToken="once")
    later(minutes=11)
    dynamodb.transact_write_items(**count(ClientRequestToken="once"))
    assert counted(dynamodb) == 2


def test_a_token_of_statements(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html"""
    dynamodb.put_item(TableName="orders", Item={**KEY, "n": {"N": "0"}})
    statement = {"Statement": "UPDATE orders SET n = n + 1 WHERE id = '1'"}
    for _ in range(2):
        dynamodb.execute_transaction(TransactStatements=[statement], ClientRequestToken="once")
    assert counted(dynamodb) == 1
    with refused("IdempotentParameterMismatchException"):
        dynamodb.execute_transaction(
            TransactStatements=[{"Statement": "DELETE FROM orders WHERE id = '1'"}],
            ClientRequestToken="once",
        )


@pytest.mark.right_in_moto
def test_nothing_happens_where_a_part_is_refused(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
    Texts: github.com/paritysuite/dynamodb-conformance and github.com/architect/dynalite
    """
    dynamodb.put_item(TableName="orders", Item={**KEY, "n": {"N": "5"}})
    failing = {
        "ConditionCheck": {
            "TableName": "orders",
            "Key": KEY,
            "ConditionExpression": "n > :nine",
            "ExpressionAttributeValues": {":nine": {"N": "9"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    put = {"Put": {"TableName": "orders", "Item": OTHER}}
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=[put, failing])
    answer = caught.value.response
    assert answer["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
        "ConditionalCheckFailed]"
    )
    assert answer["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**KEY, "n": {"N": "5"}},
        },
    ]
    assert "Item" not in dynamodb.get_item(TableName="orders", Key=OTHER)


def test_the_first_part_that_is_invalid_is_told(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
    Seen of AWS by ScyllaDB's test_transact.py
    """
    puts = [{"Put": {"TableName": "orders", "Item": {"id": {"N": "1"}}}}] * 2
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=puts)
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["ValidationError", "None"]


def test_a_transaction_brings_four_megabytes(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    "The aggregate size of the items in the transaction cannot exceed 4 MB": those that it brings,
    as ScyllaDB's test_transact.py saw of AWS.
    """
    keys = [{"id": {"S": str(number)}} for number in range(12)]
    puts = [
        {"Put": {"TableName": "orders", "Item": {**key, "x": {"S": "x" * 380_000}}}} for key in keys
    ]
    with refused("ValidationException", "size cannot exceed"):
        dynamodb.transact_write_items(TransactItems=puts)
    dynamodb.transact_write_items(TransactItems=puts[:10])
    dynamodb.transact_write_items(TransactItems=puts[10:])
    deletes = [{"Delete": {"TableName": "orders", "Key": key}} for key in keys]
    dynamodb.transact_write_items(TransactItems=deletes)
    assert dynamodb.scan(TableName="orders")["Count"] == 0


# --- statements -----------------------------------------------------------------------------------


def test_statements_return_what_they_name(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    Answers: github.com/paritysuite/dynamodb-conformance, partiql/executeStatement
    """

    def run(statement: str, *parameters: Any) -> Any:
        more = {"Parameters": list(parameters)} if parameters else {}
        return dynamodb.execute_statement(Statement=statement, **more)["Items"]

    item = {"L": [{"S": "a"}, {"S": "b"}]}
    assert run("INSERT INTO orders VALUE {'id': '1', 'l': ?, 'm': {'k': 7}}", item) == []
    assert run("SELECT m.k, l[1] FROM orders WHERE id = '1'") == [
        {"k": {"N": "7"}, "l[1]": {"S": "b"}}
    ]
    assert run("SELECT * FROM orders WHERE id IN ['1', '2'] AND NOT contains(l, 'z')") != []
    assert run("SELECT * FROM orders WHERE id = '1' AND m.k IS MISSING") == []
    changed = run("UPDATE orders SET l[0] = 'x' WHERE id = '1' RETURNING MODIFIED NEW *")
    assert changed == [{"l": {"L": [{"S": "x"}]}}]
    assert run("UPDATE orders SET s = <<'b', 'a'>> REMOVE m WHERE id = '1'") == []
    added = run("UPDATE orders SET s = set_add(s, <<'c'>>) WHERE id = '1' RETURNING ALL NEW *")
    assert added[0]["s"] == {"SS": ["a", "b", "c"]}
    with refused("ConditionalCheckFailedException"):
        run("DELETE FROM orders WHERE id = '1' AND l[0] = 'y'")
    with refused("ValidationException", "Only RETURNING ALL OLD * is allowed"):
        run("DELETE FROM orders WHERE id = '1' RETURNING MODIFIED OLD *")
    assert len(run("DELETE FROM orders WHERE id = '1' RETURNING ALL OLD *")) == 1
    assert run("DELETE FROM orders WHERE id = '1'") == []


MALFORMED = [
    ("SELECT * FROM orders WHERE id = '1' foo", "Unexpected token after expression"),
    ("DELETE FROM orders WHERE id = '1' ORDER BY id", "Unexpected token after expression"),
    ("INSERT INTO orders VALUE {'id': '1'} foo", "Unexpected token after expression"),
    ("SELECT * FROM orders WHERE id = '1' # note", ""),
]


@pytest.mark.parametrize(("statement", "detail"), MALFORMED)
def test_statements_that_are_malformed(dynamodb: Any, statement: str, detail: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    Texts: github.com/paritysuite/dynamodb-conformance, error-messages/partiqlGrammar
    """
    with pytest.raises(ClientError) as caught:
        dynamodb.execute_statement(Statement=statement)
    told = f"Statement wasn't well formed, can't be processed: {detail}"
    assert caught.value.response["Error"]["Message"] == told


def test_statements_together(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
    Answers: github.com/paritysuite/dynamodb-conformance, partiql/writeResponses
    """
    insert = {"Statement": "INSERT INTO orders VALUE {'id': '1'}"}
    second = {"Statement": "INSERT INTO orders VALUE {'id': '2'}"}
    assert dynamodb.execute_transaction(TransactStatements=[insert])["Responses"] == []
    with pytest.raises(ClientError) as caught:
        dynamodb.execute_transaction(TransactStatements=[second, insert])
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["None", "DuplicateItem"]
    assert "Item" not in dynamodb.get_item(TableName="orders", Key=OTHER)
    select = {"Statement": "SELECT * FROM orders WHERE id = '1'"}
    read = dynamodb.execute_transaction(TransactStatements=[select])["Responses"]
    assert read == [{"Item": KEY}]
    told = dynamodb.batch_execute_statement(Statements=[insert, second])["Responses"]
    assert told[0]["Error"]["Code"] == "DuplicateItem"
    assert told[1] == {"TableName": "orders"}
