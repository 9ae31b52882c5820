"""PartiQL statements: an INSERT makes an item, an UPDATE changes one that is there."""

from typing import Any

import pytest

from tests.support.dynamodb_tables import aws, get, new_table, refused

OLD = {"id": {"S": "1"}, "card": {"S": "4111"}}


@pytest.fixture
def table() -> Any:
    """A table with one item; a client."""
    new_table("orders")
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="orders", Item=OLD)
    return dynamodb


def test_an_insert_overwrites_nothing(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
    "If the DynamoDB table already has an item with the same primary key as the primary key of the
    item being inserted, DuplicateItemException is returned."
    """
    with refused("DuplicateItemException", "Duplicate primary key exists in table"):
        table.execute_statement(Statement="INSERT INTO \"orders\" VALUE {'id': '1', 'card': 'new'}")
    assert get("orders") == OLD
    table.execute_statement(Statement="INSERT INTO \"orders\" VALUE {'id': '2'}")
    assert table.scan(TableName="orders")["Count"] == 2


@pytest.mark.parametrize(("key", "parameters"), [
    ("'2'", []), ("?", [{"S": "2"}]),
])  # fmt: skip
def test_an_update_makes_no_item(table: Any, key: str, parameters: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
    "If the WHERE clause of the UPDATE statement does not evaluate to true for any item in the
    DynamoDB table, ConditionalCheckFailedException is returned."
    """
    given = {"Parameters": parameters} if parameters else {}
    with refused("ConditionalCheckFailedException", "The conditional request failed"):
        table.execute_statement(
            Statement=f"UPDATE \"orders\" SET card = 'new' WHERE id = {key}", **given
        )
    assert table.scan(TableName="orders")["Items"] == [OLD]
    table.execute_statement(Statement="UPDATE \"orders\" SET card = 'new' WHERE id = '1'")
    assert get("orders") == {**OLD, "card": {"S": "new"}}


def test_a_delete_of_nothing_succeeds(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.delete.html
    "SUCCESS is returned with 0 items deleted." Deleted and inserted anew, an item is no duplicate.
    """
    table.execute_statement(Statement="DELETE FROM \"orders\" WHERE id = '2'")
    table.execute_statement(Statement="DELETE FROM \"orders\" WHERE id = '1'")
    with refused("ConditionalCheckFailedException"):
        table.execute_statement(Statement="UPDATE \"orders\" SET card = 'new' WHERE id = '1'")
    table.execute_statement(Statement="INSERT INTO \"orders\" VALUE {'id': '1', 'card': '4111'}")
    assert get("orders") == OLD
