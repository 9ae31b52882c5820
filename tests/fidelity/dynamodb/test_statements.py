"""PartiQL statements: an INSERT makes an item, an UPDATE changes one that is there; what DynamoDB
reads as a statement, and what it says of the rest.

Texts and answers where no page is named: recorded from AWS in October 2026 by
https://github.com/paritysuite/dynamodb-conformance (partiql, error-messages/partiqlGrammar and
partiqlFunctions).
"""

from typing import Any

import pytest

from tests.support.dynamodb_tables import aws, exactly, get, new_table, refused

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


MALFORMED = "Statement wasn't well formed, can't be processed: "
LEFTOVER = f"{MALFORMED}Unexpected token after expression"
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


def run(statement: str, *parameters: Any) -> list[dict[str, Any]]:
    given = {"Parameters": list(parameters)} if parameters else {}
    answer = aws("dynamodb").execute_statement(Statement=statement, **given)
    return list(answer["Items"])


@pytest.mark.usefixtures("table")
def test_an_update_may_name_its_item_first() -> None:
    """tests/tier2/partiql/fromFirstUpdate

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    """
    run("FROM \"orders\" WHERE id = '1' SET c = 1 REMOVE card")
    assert get("orders") == {"id": {"S": "1"}, "c": {"N": "1"}}
    run("from orders where id = ? set c = ?", {"S": "1"}, {"N": "7"})
    [item] = run("FROM orders WHERE id = '1' AND c = 7 SET d = 3 RETURNING ALL NEW *;")
    assert item == {"id": {"S": "1"}, "c": {"N": "7"}, "d": {"N": "3"}}
    for statement in (
        "FROM orders WHERE id = '1' AND c = 8 SET d = 4",
        "FROM orders WHERE id = 'absent' SET d = 4",
    ):
        with refused("ConditionalCheckFailedException"):
            run(statement)
    for statement in (
        "FROM orders SET c = 1", "FROM orders REMOVE a", "FROM orders WHERE c = 7 SET d = 4",
    ):  # fmt: skip
        with exactly(NO_KEY):
            run(statement)
    for statement in (
        "FROM orders SET c = 1 WHERE id = '1'", "FROM orders SET c = 1 WHERE id = '1' SET d = 2",
    ):  # fmt: skip
        with exactly(LEFTOVER):
            run(statement)
    with refused("ResourceNotFoundException", "Requested resource not found"):
        run("FROM none WHERE id = '1' SET c = 1")
    aws("dynamodb").execute_transaction(
        TransactStatements=[{"Statement": "FROM orders WHERE id = '1' SET d = 9"}]
    )
    assert get("orders") == {**item, "d": {"N": "9"}}


TERM, KEYWORD, OPERATOR = "Unexpected term", "Unexpected keyword", "Unexpected operator"
RIGHT = "Missing right-hand side expression of infix operator"
NAME = "Expected identifier for simple path"
UNREADABLE = {
    "SELECT * FROM orders WHERE": TERM,
    "SELECT * FROM orders WHERE;": TERM,
    "SELECT * FROM orders WHERE   ": TERM,
    "SELECT id FROM orders WHERE": TERM,
    "UPDATE orders SET a = 1 WHERE": TERM,
    "DELETE FROM orders WHERE": TERM,
    "SELECT * FROM orders WHERE NOT": TERM,
    "SELECT * FROM orders WHERE (": TERM,
    "SELECT * FROM none WHERE": TERM,
    "SELECT * FROM": TERM,
    "SELECT * FROM orders WHERE id = '1' AND": RIGHT,
    "SELECT * FROM orders WHERE id = '1' OR": RIGHT,
    "SELECT * FROM orders WHERE ORDER BY id": KEYWORD,
    "SELECT * FROM orders WHERE IS NULL": OPERATOR,
    "SELECT * FROM orders WHERE id = LIKE": OPERATOR,
    "SELECT * FROM orders WHERE id = '1' AND card IS FOO": "Expected type name",
    "DELETE FROM": NAME,
    "DELETE FROM;": NAME,
    "DELETE FROM WHERE id = '1'": NAME,
}


@pytest.mark.parametrize(("statement", "told"), UNREADABLE.items())
@pytest.mark.usefixtures("table")
def test_where_a_statement_stops_making_sense(statement: str, told: str) -> None:
    """tests/tier3/error-messages/partiqlGrammar

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    """
    with exactly(MALFORMED + told):
        run(statement)
    [answer] = aws("dynamodb").batch_execute_statement(Statements=[{"Statement": statement}])[
        "Responses"
    ]
    assert answer["Error"] == {"Code": "ValidationError", "Message": MALFORMED + told}
    with exactly(f"Validation failed in TransactStatements[0]: {MALFORMED}{told}"):
        aws("dynamodb").execute_transaction(TransactStatements=[{"Statement": statement}])
    assert get("orders") == OLD


CONDITIONS = {
    "attribute_exists(card)": True, "attribute_exists(none)": False,
    "attribute_not_exists(none)": True, "attribute_not_exists(card)": False,
    "NOT attribute_exists(none)": True, "ATTRIBUTE_EXISTS(card)": True,
    "(attribute_exists(none) OR attribute_exists(card))": True,
    "attribute_exists(card) = true": True, "attribute_exists(card) = false": False,
    "attribute_exists(none) <> true": True, 'attribute_exists("card")': True,
    "size(card) = 4": True, "attribute_type(card, 'S')": True, "attribute_type(card, 'N')": False,
    "card IS STRING": True, "card IS BOOL": False, "card IS NOT BOOL": True,
    "card IS NULL": False, "card IS NOT MISSING": True,
}  # fmt: skip


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS.items())
@pytest.mark.usefixtures("table")
def test_functions_in_a_where_clause(condition: str, holds: bool) -> None:
    """tests/tier2/partiql/whereFunctions

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    """
    assert bool(run(f"SELECT * FROM orders WHERE id = '1' AND {condition}")) is holds
    update = f"UPDATE orders SET z = 1 WHERE id = '1' AND {condition}"
    if holds:
        run(update)
    else:
        with refused("ConditionalCheckFailedException"):
            run(update)


EXISTS = "operator or function: attribute_exists"
SET_ADD = "SET ss = set_add("
FUNCTIONS = {
    "SELECT * FROM orders WHERE id = '1' AND attribute_exists('ss')":
        f"Operator or function requires a document path; {EXISTS}",
    "SELECT * FROM orders WHERE id = '1' AND attribute_exists()":
        f"Incorrect number of operands for operator or function; {EXISTS}, number of operands: 0",
    "SELECT * FROM orders WHERE id = '1' AND attribute_exists(ss, ns)":
        f"Incorrect number of operands for operator or function; {EXISTS}, number of operands: 2",
    "SELECT attribute_exists(ss) FROM orders WHERE id = '1'":
        "Unexpected path component at 1:8:16",
    "SELECT * FROM orders WHERE id = '1' AND EXISTS(ss)":
        "Unrecognized function: exists at 1:41:6",
    "SELECT * FROM orders\nWHERE set_add(ss, <<'x'>>) = ss":
        "Unrecognized function: set_add at 2:7:7",
    "UPDATE orders SET t = set_add(ss, <<'x'>>) WHERE id = '1'":
        "The first argument to SET_ADD must equal the assignment value at 1:23:7",
    "UPDATE orders SET ss = set_add(<<'a'>>, <<'b'>>) WHERE id = '1'":
        "The first argument to SET_ADD must equal the assignment value at 1:24:7",
    "UPDATE orders SET ss = set_delete(ss, 'x') WHERE id = '1'":
        "The second argument to SET_DELETE must be a value with type SET at 1:35:2",
    "UPDATE orders SET ss = set_add(ss, ['x']) WHERE id = '1'":
        "The second argument to SET_ADD must be a value with type SET at 1:32:2",
    "UPDATE orders SET ss = set_add(ss) WHERE id = '1'":
        "SET_ADD must have exactly two arguments at 1:24:7",
    "UPDATE orders SET ss = set_add(ss, <<'x'>>, <<'y'>>) WHERE id = '1'":
        "SET_ADD must have exactly two arguments at 1:24:7",
    "UPDATE orders SET ss = set_add(ss, <<'x', 'x'>>) WHERE id = '1'":
        "One or more parameter values were invalid: Input collection [x, x] contains duplicates.",
    "UPDATE orders SET ss = set_add(ss, <<>>) WHERE id = '1'": "Empty bags are not supported",
    "UPDATE orders SET card = set_add(card, <<'x'>>) WHERE id = '1'":
        "An operand in the update expression has an incorrect data type",
    "INSERT INTO orders VALUE {'id': '3', 'ss': set_add(<<'a'>>, <<'b'>>)}":
        "Unsupported data type: set_add under key root at 1:44:7",
}  # fmt: skip


@pytest.mark.parametrize(("statement", "told"), FUNCTIONS.items())
@pytest.mark.usefixtures("table")
def test_functions_where_they_do_not_belong(statement: str, told: str) -> None:
    """tests/tier3/error-messages/partiqlFunctions

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    """
    with exactly(told):
        run(statement)


@pytest.mark.usefixtures("table")
def test_members_of_a_set_come_and_go() -> None:
    """tests/tier2/partiql/setFunctions

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    """
    for change, expected in (
        ("ss = SET_ADD(ss, <<'b', 'a'>>) SET ns = set_add(ns, <<9>>)", ["a", "b"]),
        ("ss = set_add(ss, <<'b', 'c'>>)", ["a", "b", "c"]),
        ("ss = set_delete(ss, <<'a', 'zz'>>)", ["b", "c"]),
    ):
        [item] = run(f"UPDATE orders SET {change} WHERE id = '1' RETURNING ALL NEW *")
        assert sorted(item["ss"]["SS"]) == expected
        assert item["ns"] == {"NS": ["9"]}
    run("UPDATE orders SET ss = set_delete(ss, ?) WHERE id = '1'", {"SS": ["b", "c"]})
    assert "ss" not in get("orders")


@pytest.mark.usefixtures("table")
def test_what_a_transaction_and_a_batch_do_not_read() -> None:
    """tests/tier3/error-messages/partiqlFunctions

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    """
    client = aws("dynamodb")
    read = {"Statement": "SELECT * FROM orders WHERE id = '1' AND attribute_exists(card)"}
    told = "Select statements within {} must specify the primary key in the where clause."
    with exactly(
        f"Validation failed in TransactStatements[0]: {told.format('ExecuteTransaction')}"
    ):
        client.execute_transaction(TransactStatements=[read])
    [answer] = client.batch_execute_statement(Statements=[read])["Responses"]
    assert answer["Error"]["Message"] == told.format("BatchExecuteStatement")
    write = {"Statement": "UPDATE orders SET z = 1 WHERE id = '1'"}
    check = {"Statement": "EXISTS(SELECT * FROM orders WHERE id = '2')"}
    with exactly(
        "Validation failed in TransactStatements[1]: EXISTS() must contain a single item read "
        "with additional condition"
    ):
        client.execute_transaction(TransactStatements=[write, check])
    assert get("orders") == OLD
