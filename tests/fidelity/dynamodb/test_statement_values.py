"""The values in a statement: literals of every type, parameters, what is compared with what.

Answers and texts where nothing else is named: seen of AWS in September 2026 by
https://github.com/floci-io/floci (DynamoDbPartiQLEdgeCaseIntegrationTest and
DynamoDbPartiQLDocumentedSyntaxIntegrationTest).
"""

from typing import Any

import pytest

from tests.support.dynamodb_tables import aws, exactly, get, new_table, refused

INVALID = "One or more parameter values were invalid: "
DEEP = "Nesting Levels have exceeded supported limits"


@pytest.fixture(autouse=True)
def table() -> Any:
    """A table with one item; a client."""
    new_table("orders")
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="orders", Item={
        "id": {"S": "1"}, "n": {"N": "1"}, "flag": {"S": "right"}, "yes": {"BOOL": True},
        "l": {"L": [{"S": "a"}]}, "m": {"M": {"x": {"S": "y"}}}, "nil": {"NULL": True},
        "s": {"SS": ["a"]}, "ns": {"NS": ["1"]}, "note": {"S": "a--b /*c*/ it's"},
    })  # fmt: skip
    return dynamodb


def run(statement: str, *parameters: Any) -> list[dict[str, Any]]:
    given = {"Parameters": list(parameters)} if parameters else {}
    return list(aws("dynamodb").execute_statement(Statement=statement, **given)["Items"])


def change(what: str, *parameters: Any) -> dict[str, Any]:
    """What UPDATE makes of the item."""
    statement = f"UPDATE orders {what} WHERE id = '1' RETURNING ALL NEW *"
    return run(statement, *parameters)[0]


def holds(condition: str) -> bool:
    """Whether a condition is met by the item."""
    return bool(run(f"SELECT id FROM orders WHERE id = '1' AND {condition}"))


def test_the_example_of_every_type() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html
    Its three statements, one after the other
    """
    run("""INSERT INTO orders value {'id':'types',
        'NumberType':1,
        'MapType' : {'entryname1': 'value', 'entryname2': 4},
        'ListType': [1,'stringval'],
        'NumberSetType':<<1,34,32,4.5>>,
        'StringSetType':<<'stringval','stringval2'>>
        }""")
    run("""UPDATE orders
        SET NumberType=NumberType + 100
        SET MapType.NewMapEntry=[2020, 'stringvalue', 2.4]
        SET ListType = LIST_APPEND(ListType, [4, <<'string1', 'string2'>>])
        SET NumberSetType= SET_ADD(NumberSetType, <<345, 48.4>>)
        SET StringSetType = SET_ADD(StringSetType, <<'stringsetvalue1', 'stringsetvalue2'>>)
        WHERE id='types'""")
    [item] = run("SELECT * FROM orders WHERE id = 'types'")
    assert item["NumberType"] == {"N": "101"}
    assert item["MapType"]["M"]["NewMapEntry"] == {
        "L": [{"N": "2020"}, {"S": "stringvalue"}, {"N": "2.4"}]
    }
    assert item["ListType"]["L"][2:] == [{"N": "4"}, {"SS": ["string1", "string2"]}]
    assert sorted(item["NumberSetType"]["NS"]) == ["1", "32", "34", "345", "4.5", "48.4"]
    assert len(item["StringSetType"]["SS"]) == 4
    [item] = run("""UPDATE orders
        SET NumberType=NumberType - 1
        REMOVE ListType[1]
        REMOVE MapType.NewMapEntry
        SET NumberSetType = SET_DELETE( NumberSetType, <<345>>)
        SET StringSetType = SET_DELETE( StringSetType, <<'stringsetvalue1'>>)
        WHERE id='types' RETURNING ALL NEW *""")
    assert item["NumberType"] == {"N": "100"}
    assert item["ListType"]["L"] == [{"N": "1"}, {"N": "4"}, {"SS": ["string1", "string2"]}]
    assert item["MapType"] == {"M": {"entryname1": {"S": "value"}, "entryname2": {"N": "4"}}}
    assert (len(item["NumberSetType"]["NS"]), len(item["StringSetType"]["SS"])) == (5, 3)


def test_the_examples_of_updates() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
    Its statements, on the item of the page
    """
    run("""INSERT INTO orders value {'id': 'Acme Band',
        'AwardsWon': 1, 'AwardDetail': {'Grammys': [2020, 2018]},
        'BandMembers': <<'member1', 'member2'>>}""")

    def of_band(what: str, returning: str = "ALL NEW") -> Any:
        return run(f"UPDATE \"orders\" {what} WHERE id='Acme Band' RETURNING {returning} *")[0]

    item = of_band("SET AwardsWon=1 SET AwardDetail={'Grammys':[2020, 2018]}")
    assert item["AwardDetail"]["M"]["Grammys"]["L"] == [{"N": "2020"}, {"N": "2018"}]
    assert "2018" not in str(of_band("REMOVE AwardDetail.Grammys[1]"))
    item = of_band("SET AwardDetail.BillBoard=[2020]")
    assert item["AwardDetail"]["M"]["BillBoard"] == {"L": [{"N": "2020"}]}
    item = of_band("SET AwardDetail.BillBoard=list_append(AwardDetail.BillBoard, [2021])")
    assert item["AwardDetail"]["M"]["BillBoard"] == {"L": [{"N": "2020"}, {"N": "2021"}]}
    item = of_band("SET BandMembers =set_add(BandMembers, <<'newbandmember'>>)")
    assert item["BandMembers"] == {"SS": ["member1", "member2", "newbandmember"]}
    assert of_band("SET AwardsWon=2 REMOVE BandMembers", "MODIFIED NEW") == {
        "AwardsWon": {"N": "2"}
    }
    assert of_band("SET AwardsWon=3", "MODIFIED OLD") == {"AwardsWon": {"N": "2"}}
    assert of_band("SET AwardsWon=4", "ALL OLD")["AwardsWon"] == {"N": "3"}


def test_numbers_and_texts() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html
    "Numbers can be positive, negative, or zero": 1, 1.0, 1e0; a single quote in a text is doubled.
    """
    item = change("SET a = 1E3, b = -1.5e-3, c = 2.50, d = -0, q = 'it''s', e = [- 1, +2]")
    assert [item[name] for name in "abcdqe"] == [
        {"N": "1000"}, {"N": "-0.0015"}, {"N": "2.5"}, {"N": "0"}, {"S": "it's"},
        {"L": [{"N": "-1"}, {"N": "2"}]},
    ]  # fmt: skip
    for condition in (
        "n = - - 1", "n > -5;", "n BETWEEN - 2 AND +5 AND n IN [- 1, 1]", "1 = n", "0<n",
    ):  # fmt: skip
        assert holds(condition), condition
    assert not holds("n > -/* c */-1")
    assert change("SET n=n-1")["n"] == {"N": "0"}
    assert change("SET n = n - - 2")["n"] == {"N": "2"}
    for condition in ("n > -?", "n > -n"):
        with refused("ValidationException"):
            holds(condition)


def test_comments() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
    Those of PartiQL, to the line's end or between two marks; not in texts
    """
    assert run("SELECT/**/* FROM orders -- the table\nWHERE id/* key */='1' --") != []
    assert holds("note = 'a--b /*c*/ it''s'; -- done")
    with refused("ValidationException", "Where clause does not contain"):
        run("UPDATE orders SET n=n--1 WHERE id = '1'")
    with refused("ValidationException", "Statement wasn't well formed"):
        run("SELECT * FROM orders WHERE id = '1' /* open")
    assert get("orders")["n"] == {"N": "1"}


BAGS = {
    "s = <<>>": "Empty bags are not supported",
    "s = <<1, 'a'>>":
        "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
    "s = <<true>>":
        "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
    "s = <<'a', 'a'>>": f"{INVALID}Input collection [a, a] contains duplicates.",
    "ns = <<2, 2.0>>": f"{INVALID}Input collection [2, 2.0] contains duplicates! under root",
    "s = [<<'a', 'a'>>]": f"{INVALID}Input collection [a, a] contains duplicates.",
}  # fmt: skip


@pytest.mark.parametrize(("value", "told"), BAGS.items())
def test_a_set_that_cannot_be_kept(value: str, told: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html
    "The elements in a number set must be of type Number."
    """
    with exactly(told):
        change(f"SET {value}")
    with exactly(told):
        holds(value)
    with exactly(f"Validation failed in TransactStatements[0]: {told}"):
        aws("dynamodb").execute_transaction(
            TransactStatements=[{"Statement": f"UPDATE orders SET {value} WHERE id = '1'"}]
        )
    assert sorted(change("SET ns = <<1, 10>>")["ns"]["NS"]) == ["1", "10"]


@pytest.mark.parametrize(("statement", "told"), [
    ("UPDATE orders SET x = [?] WHERE id = '1'", "Parameter under key root[0] at 1:24:1"),
    ("INSERT INTO orders VALUE {'id': '2', 'm': {'k': ?}}", "Parameter under key root.k at 1:49:1"),
])  # fmt: skip
def test_a_parameter_stands_for_a_whole_value(statement: str, told: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-gettingstarted.html
    Parameters take the place of question marks.
    """
    with exactly(f"Unsupported data type: {told}"):
        run(statement, {"S": "v"})
    run("INSERT INTO orders VALUE {'id': ?, 'n': 1}", {"S": "2"})
    assert run("SELECT id FROM orders WHERE id = '2' AND n IN [?, 2]", {"N": "1"}) != []


def test_parameters_are_read_before_the_statement(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html"""
    twice = f"{INVALID}Input collection [a, a] contains duplicates."
    with exactly(twice):
        run("UPDATE orders SET WHERE", {"SS": ["a", "a"]})
    update = "UPDATE orders SET y = ? WHERE id = '1'"
    with exactly(twice):
        table.execute_transaction(TransactStatements=[
            {"Statement": update, "Parameters": [{"N": "1"}]},
            {"Statement": "nonsense", "Parameters": [{"SS": ["a", "a"]}]},
        ])  # fmt: skip
    [told] = table.batch_execute_statement(
        Statements=[{"Statement": update, "Parameters": [{"SS": []}]}]
    )["Responses"]
    assert told["Error"] == {
        "Code": "ValidationError", "Message": f"{INVALID}An string set  may not be empty",
    }  # fmt: skip
    assert "y" not in get("orders")


def test_a_literal_of_32_levels() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "DynamoDB supports nested attributes up to 32 levels deep", of which the attribute is one
    """
    for value, place in (
        ("{'a':" * 32 + "1" + "}" * 32, ".a" * 32),
        ("{'a':" + "[" * 31 + "1" + "]" * 31 + "}", ".a" + "[0]" * 31),
        ("[" * 32 + "1" + "]" * 32, "[0]" * 32),
    ):
        with exactly(f"{DEEP} under root{place}"):
            change(f"SET d = {value}")
    run(f"INSERT INTO orders VALUE {{'id': '2', 'd': {'[' * 31}1{']' * 31}}}")


OPERANDS = {
    "SET n = 'a' + 1": ("+", "S"), "SET n = n - null": ("-", "NULL"), "SET n = n + [1]": ("+", "L"),
}  # fmt: skip


@pytest.mark.parametrize(("what", "told"), OPERANDS.items())
def test_only_numbers_are_added(what: str, told: tuple[str, str]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
    It is refused before the condition is looked at.
    """
    operator, kind = told
    with exactly(
        "Incorrect operand type for operator or function; operator or function: "
        f"{operator}, operand type: {kind}"
    ):
        run(f"UPDATE orders {what} WHERE id = '1' AND nope = 'x'")


CONDITIONS = {
    "attribute_exists(nope) = false": True, "true = attribute_exists(n)": True,
    "attribute_exists(n) <> 1": True, "contains(nope, 'z') = false": True,
    "(n BETWEEN 0 AND 5) = true": True, "(n = 5 OR flag = 'x') = false": True,
    "attribute_exists(nope) IN [true, false]": True,
    "attribute_exists(n) = attribute_exists(flag)": True, "attribute_exists(n) = yes": True,
    "attribute_exists(n) = 1": False, "NOT attribute_exists(n) = true": False,
    "(attribute_exists(n) = true) = false": False, "attribute_exists(n) = flag": False,
    "attribute_exists(m.x) AND ATTRIBUTE_NOT_EXISTS (nope) AND attribute_exists(l[0])": True,
    "nil IS NULL": True, "n IS NOT NULL": True, "absent IS NULL": False,
    "absent IS MISSING": True, "n != 1": False, "contains(s, 'a')": True,
    "attribute_type(n, 'N')": True, "size(note) > 3": True,
}  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.items())
def test_conditions_are_values_too(condition: str, expected: bool) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.html"""
    assert holds(condition) is expected


@pytest.mark.parametrize(("condition", "told"), [
    ("attribute_exists(n) > false", ">, operand type: BOOL"),
    ("attribute_type(l, 1)", "attribute_type, operand type: N"),
    ("attribute_type(l, true)", "attribute_type, operand type: BOOL"),
])  # fmt: skip
def test_an_operand_of_another_type(condition: str, told: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.attribute_type.html"""
    with exactly("Incorrect operand type for operator or function; operator or function: " + told):
        holds(condition)
    with exactly(
        "Invalid attribute type name found; type: X, valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}"
    ):
        holds("attribute_type(n, 'X')")


def test_what_a_delete_returns() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.delete.html
    "RETURNING ALL OLD *"
    """
    delete = "DELETE FROM orders WHERE id = '1' RETURNING "
    with exactly(
        "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed "
        "in DELETE statements."
    ):
        run(f"{delete}MODIFIED OLD *")
    assert run(f"{delete}ALL OLD *")[0]["n"] == {"N": "1"}
    assert run(f"{delete}ALL OLD *") == []


def test_a_key_is_named_once() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
    "This condition must resolve to a single primary key value."
    """
    told = "Multiple conditions on same key id. Only single item Update/Insert/Delete are supported"
    for statement in ("UPDATE orders SET a = 1 WHERE ", "DELETE FROM orders WHERE "):
        with exactly(told):
            run(f"{statement}id = '1' AND id = '2'")
    run("UPDATE orders SET a = 2 WHERE (id = '1' AND n = 1) AND id = '1'")
    assert get("orders")["a"] == {"N": "2"}
