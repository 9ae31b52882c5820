"""SELECT: which items it reads by their keys, in which order, and what an index gives of them.

Answers and texts where nothing else is named: seen of AWS in September 2026 by
https://github.com/floci-io/floci (DynamoDbPartiQLEdgeCaseIntegrationTest and
DynamoDbPartiQLDocumentedSyntaxIntegrationTest); those of branches that overlap, recorded in
October 2026 by https://github.com/paritysuite/dynamodb-conformance (partiql/whereOverlap).
"""

from typing import Any

import pytest

from tests.support.dynamodb_tables import LAYOUT, aws, exactly, new_lines, new_table

PROJECTED = "One or more parameter values were invalid: "


@pytest.fixture
def lines() -> Any:
    """A table with a sort key and lines 1, 2 and 3 of order a; a client."""
    dynamodb = new_lines()
    for line in "123":
        dynamodb.put_item(TableName="lines", Item={"id": {"S": "a"}, "line": {"S": line}})
    return dynamodb


def run(statement: str, **asked: Any) -> dict[str, Any]:
    return dict(aws("dynamodb").execute_statement(Statement=statement, **asked))


def found(where: str, **asked: Any) -> list[str]:
    """Id and line of the items that are found, in their order."""
    items = run(f"SELECT * FROM lines WHERE {where}", **asked)["Items"]
    return [item["id"]["S"] + item["line"]["S"] for item in items]


@pytest.mark.parametrize("where", [
    "id = 'a' AND x = '1' OR id = 'a' AND line = '2'",
    "id = 'a' AND x <> '1' OR id = 'a' AND line = '2'",
    "id IN ['a', 'a']",
    "id = 'a' OR id = 'a'",
    "id = 'a' AND (line > '0' OR line < '5')",
    "id = 'a' AND (line = '1' OR x = '2')",
    "(id = 'a' AND x = '1') OR (id = 'a' AND x = '2')",
    "id = 'a' AND (begins_with(line, '1') OR line BETWEEN '10' AND '2')",
    "id = 'a' AND (line <= '2' OR line >= '2')",
])  # fmt: skip
def test_branches_overlap(lines: Any, where: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html"""
    with exactly("Overlapping conditions with range keys are not supported in where clause"):
        lines.execute_statement(Statement=f"SELECT * FROM lines WHERE {where}")


@pytest.mark.parametrize(("where", "found"), [
    ("id = 'a' AND NOT line = '1' OR id = 'a' AND line = '2'", "23"),
    ("id = 'a' AND line <> '1' OR id = 'a' AND line = '2'", "23"),
    ("id = 'a' AND NOT begins_with(line, 'x') OR id = 'a' AND line = '2'", "123"),
    ("id = 'a' AND NOT line IN ['1', '3'] OR id = 'a' AND line = '2'", "2"),
    ("id = 'a' AND NOT line > '5' OR id = 'a' AND line = '2'", "123"),
    ("id = 'a' OR id = 'a' AND NOT line = '1'", "123"),
    ("id = 'a' AND (line = '1' OR line = '2')", "12"),
    ("id = 'a' AND line IN ['1', '2']", "12"),
    ("id = 'a' AND (line < '1' OR line > '1' OR line = '1')", "123"),
    ("id = 'a' OR line = '1'", "123"),
    ("id IN ['a', 'b']", "123"),
    ("id = 'a' AND (attribute_exists(line) OR attribute_not_exists(y))", "123"),
    ("NOT (id <> 'a' OR line <> '1')", "1"),
])  # fmt: skip
def test_branches_stand_apart(lines: Any, where: str, found: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html"""
    answer = lines.execute_statement(Statement=f"SELECT * FROM lines WHERE {where}")
    assert "".join(sorted(item["line"]["S"] for item in answer["Items"])) == found


def several(count: int) -> str:
    return ", ".join(f"'v{number}'" for number in range(count))


@pytest.mark.parametrize(("where", "told"), [
    (f"id IN [{several(51)}]", "Too many decomposed read operations for a given query."),
    (f"id = 'a' AND line IN [{several(51)}]",
     "Too many decomposed read operations for a given query."),
    (f"id IN [{several(26)}] AND line IN ['1', '2']",
     "Too many decomposed read operations for a given query."),
    (f"id = 'a' AND x IN [{several(101)}]",
     "The IN operator is provided with too many operands; number of operands: 101"),
])  # fmt: skip
def test_a_statement_asks_for_fifty_reads(lines: Any, where: str, told: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
    "(at max 50 hash attribute values or at max 100 non-key attribute values)"
    """
    with exactly(told):
        lines.execute_statement(Statement=f"SELECT * FROM lines WHERE {where}")
    assert found(f"id IN [{several(50)}] AND x IN [{several(100)}]") == []
    assert found(f"id IN [{several(51)}] OR line = '1'") == ["a1"]


@pytest.mark.parametrize(("where", "key"), [
    ("id = 1", "id"), ("id = 1 OR id = 'a'", "id"), ("id = 'a' AND line IN ['1', 2]", "line"),
    ("id = 'a' AND line > 1", "line"),
])  # fmt: skip
def test_a_key_of_another_type(lines: Any, where: str, key: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html"""
    with exactly(
        "Key attribute's data type should match its data type in table's schema: Key " + key
    ):
        lines.execute_statement(Statement=f"SELECT * FROM lines WHERE {where}")
    assert found("id > 1") == []


@pytest.mark.parametrize(("order", "expected"), [
    ("id = 'a' ORDER BY line DESC", "a3 a2 a1"),
    ("id = 'a' ORDER BY line", "a1 a2 a3"),
    ("id = 'a' ORDER BY id ASC", "a3 a2 a1"),
    ("id IN ['a', 'b'] ORDER BY id DESC, line ASC", "b1 b2 a1 a2 a3"),
    ("id IN ['a', 'b'] ORDER BY id DESC", "b2 b1 a3 a2 a1"),
])  # fmt: skip
def test_the_order_of_keys(lines: Any, order: str, expected: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
    "ORDER BY key [DESC|ASC]"; a sort key that is not named goes down.
    """
    for line in "12":
        lines.put_item(TableName="lines", Item={"id": {"S": "b"}, "line": {"S": line}})
    assert found(order) == expected.split()


ORDERS = {
    "ORDER BY line": "Must have WHERE clause in the statement when using ORDER BY clause.",
    "WHERE id = 'a' ORDER BY x DESC":
        "Attribute x in ORDER BY clause must be part of the primary key",
    "WHERE id > 'a' ORDER BY line":
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER "
        "BY clause.",
    "WHERE id IN ['a', 'b'] ORDER BY line DESC":
        "Must have hash key in ORDER BY clause when more than one hash key condition specified in "
        "WHERE clause.",
}  # fmt: skip


@pytest.mark.parametrize(("rest", "told"), ORDERS.items())
def test_an_order_that_keys_do_not_have(lines: Any, rest: str, told: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html"""
    with exactly(told):
        lines.execute_statement(Statement=f"SELECT * FROM lines {rest}")


def test_one_page_and_the_next(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
    "NextToken: Set this value to get remaining results", of this statement and no other.
    """
    statement = "SELECT * FROM lines WHERE id IN ['a', 'b'] ORDER BY id"
    page = run(statement, Limit=2)
    assert [item["line"]["S"] for item in page["Items"]] == ["3", "2"]
    token = page["NextToken"]
    rest = run(statement, Limit=2, NextToken=token)
    assert [item["line"]["S"] for item in rest["Items"]] == ["1"]
    with exactly("NextToken does not match request"):
        run("SELECT * FROM lines", NextToken=token)


def test_ten_items_of_several_reads_make_a_page(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
    "at max 50 hash attribute values or at max 100 non-key attribute values … Results are returned
    in pages of up to 10 items."
    """
    for number in range(12):
        key = {"id": {"S": "many"}, "line": {"S": f"{number:02}"}}
        lines.put_item(TableName="lines", Item=key)
    page = run("SELECT * FROM lines WHERE id IN ['a', 'many']")
    assert len(page["Items"]) == 10
    rest = run("SELECT * FROM lines WHERE id IN ['a', 'many']", NextToken=page["NextToken"])
    assert (len(rest["Items"]), "NextToken" in rest) == (5, False)
    assert len(run("SELECT * FROM lines WHERE id = 'many'")["Items"]) == 12


def test_a_path_is_named_from_its_last_name_on(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
    "a projection list of one or more attribute names or document paths"
    """
    item = {"id": {"S": "p"}, "line": {"S": "1"}, "m": {"M": {"k": {"L": [{"S": "c"}]}}}}
    lines.put_item(TableName="lines", Item=item)
    where = "WHERE id = 'p' AND line = '1'"
    assert run(f"SELECT m.k[0] FROM lines {where}")["Items"] == [{"k[0]": {"S": "c"}}]
    assert run(f"SELECT m.k[-0], line FROM lines {where}")["Items"] == [
        {"k[0]": {"S": "c"}, "line": {"S": "1"}}
    ]
    for path, told in (
        ("m.k[-1]", "index: [-1] at 1:13:1"),
        ("m.k[2147483648]", "index: [2147483648] at 1:12:10"),
    ):
        with exactly(f"List index is not within the allowable range; {told}"):
            run(f"SELECT {path} FROM lines {where}")
    assert run(f"SELECT m.k[2147483647] FROM lines {where}")["Items"] == [{}]


# --- indexes --------------------------------------------------------------------------------------


def index(name: str, partition: str, sort: str | None = None, **projection: Any) -> dict[str, Any]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    if sort is not None:
        keys.append({"AttributeName": sort, "KeyType": "RANGE"})
    kind = {"ProjectionType": "INCLUDE" if projection else "KEYS_ONLY", **projection}
    return {"IndexName": name, "KeySchema": keys, "Projection": kind}


@pytest.fixture
def indexed() -> Any:
    """Lines s1 and s2 of an order, with a global index of them and a local one; a client."""
    dynamodb = new_lines(
        attributes={"g": "S", "l": "S"},
        GlobalSecondaryIndexes=[index("by-g", "g", NonKeyAttributes=["has"])],
        LocalSecondaryIndexes=[index("by-l", "id", "l")],
    )
    for line, g in (("s1", "y"), ("s2", "z")):
        item = {"id": "p", "line": line, "g": g, "l": line, "has": "h", "none": f"n-{line}"}
        dynamodb.put_item(TableName="lines", Item={name: {"S": v} for name, v in item.items()})
    return dynamodb


BY_G = 'SELECT line FROM lines."by-g" WHERE '


@pytest.mark.parametrize(("where", "missing"), [
    ("g = 'y' AND NOT (none = 'n' OR has = 'x')", "none"),
    ("g = 'y' AND b = '1' AND (a = '2' OR has = '3')", "a, b"),
    ("g = 'y' AND (zz = '1' OR aa = '2' OR mm = '3')", "zz, aa, mm"),
    ("(g = 'y' OR g = 'z') AND zz = '1'", "zz"),
    ("(g = 'b' AND u1 = '1') OR (g = 'q' AND u2 = '1')", "u2"),
    ("(g = 'q' AND u1 = '1') OR (g = 'b' AND u2 = '1')", "u1"),
])  # fmt: skip
def test_a_filter_that_an_index_cannot_check(indexed: Any, where: str, missing: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html"""
    with exactly(
        f"{PROJECTED}Secondary index by-g does not project one or more filter attributes: "
        f"[{missing}]"
    ):
        indexed.execute_statement(Statement=BY_G + where)


@pytest.mark.parametrize(("where", "expected"), [
    ("g = 'y' AND (has = 'h' OR has = 'i')", "s1"),
    ("none = 'n-s1'", ""), ("NOT none = 'n-s1'", "s1 s2"),
    ("(g = 'y' AND none = 'n-s1') OR g = 'z'", "s2"),
    ("g > 'a' AND zz = '1'", ""), ("g = 'y' AND (g = 'z' OR zz = '1')", ""),
    ("(g = 'y' AND zz = '1') OR aa = '1'", ""),
])  # fmt: skip
def test_an_index_is_filtered_as_it_is(indexed: Any, where: str, expected: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.Projections
    What the index does not have is not there for a filter either.
    """
    answer = indexed.execute_statement(Statement=BY_G + where)
    assert sorted(item["line"]["S"] for item in answer["Items"]) == expected.split()


def test_what_an_index_does_not_have(indexed: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.Projections
    "If you query or scan a local secondary index, you can request attributes that are not
    projected in to the index. DynamoDB automatically retrieves those attributes from the base
    table"; a global index does not. Text: paritysuite's error-messages/indexReads, 2026
    """
    with exactly(f"{PROJECTED}Global secondary index by-g does not project [none, more]"):
        run("SELECT line, none, more FROM lines.\"by-g\" WHERE g = 'y'")
    answer = run(
        "SELECT line, none FROM lines.\"by-l\" WHERE id = 'p' AND l = 's2'",
        ReturnConsumedCapacity="INDEXES",
    )
    assert answer["Items"] == [{"line": {"S": "s2"}, "none": {"S": "n-s2"}}]
    told = answer["ConsumedCapacity"]
    assert (told["Table"], told["LocalSecondaryIndexes"]) == (
        {"CapacityUnits": 0.5}, {"by-l": {"CapacityUnits": 0.5}},
    )  # fmt: skip
    with exactly("The table does not have the specified index"):
        run("SELECT * FROM lines.other")
    with exactly("Strongly consistent read is not supported on Global Secondary Indexes"):
        run(f"{BY_G}g = 'y'", ConsistentRead=True)


def test_an_index_of_several_attributes_is_not_read() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
    Text: paritysuite's error-messages/partiqlMultiAttributeIndex, 2026
    """
    several_keys = index("all", "id", "a")
    several_keys["KeySchema"].append({"AttributeName": "b", "KeyType": "RANGE"})
    kinds = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "a", "b")]
    more = {"AttributeDefinitions": kinds, "GlobalSecondaryIndexes": [several_keys]}
    new_table("orders", **{**LAYOUT, **more})
    for what in ("*", "COUNT(*)"):
        with exactly(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or "
            "multi-attribute RANGE keys."
        ):
            run(f'SELECT {what} FROM orders."all" WHERE id = 1')
    assert run("SELECT * FROM orders WHERE id = '1'")["Items"] == []
