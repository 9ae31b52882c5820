"""Expressions, their names and their values; indexes and keys that a query asks for.

The texts are recorded from AWS: github.com/paritysuite/dynamodb-conformance, 2026, and
github.com/architect/dynalite, test.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.dynamodb_tables import LAYOUT, aws, exactly, new_table, refused

KEY = {"id": {"S": "1"}}
ENVELOPE = "1 validation error detected: "
Send = Callable[..., Any]


@pytest.fixture
def table() -> Any:
    """A table with an index, and an item in it; a client."""
    kinds = [*LAYOUT["AttributeDefinitions"]]
    kinds += [{"AttributeName": "n", "AttributeType": "N"}]
    keys = [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "n", "KeyType": "RANGE"},
    ]
    new_table(
        "orders",
        AttributeDefinitions=kinds,
        GlobalSecondaryIndexes=[
            {"IndexName": "by-n", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="orders", Item={**KEY, "n": {"N": "1"}})
    return dynamodb


def check(to: Any, **asked: Any) -> Any:
    action = {"ConditionCheck": {"TableName": "orders", "Key": KEY, **asked}}
    return to.transact_write_items(TransactItems=[action])


# With a condition of some kind: how it is called, and what the refusal begins with.
CONDITIONS: dict[str, tuple[Send, str, str]] = {
    "PutItem": (
        lambda to, **asked: to.put_item(TableName="orders", Item=KEY, **asked),
        "ConditionExpression",
        ENVELOPE,
    ),
    "UpdateItem": (
        lambda to, **asked: to.update_item(TableName="orders", Key=KEY, **asked),
        "ConditionExpression",
        ENVELOPE,
    ),
    "DeleteItem": (
        lambda to, **asked: to.delete_item(TableName="orders", Key=KEY, **asked),
        "ConditionExpression",
        ENVELOPE,
    ),
    "Scan": (lambda to, **asked: to.scan(TableName="orders", **asked), "FilterExpression", ""),
    "ConditionCheck": (check, "ConditionExpression", ""),
}
EACH = pytest.mark.parametrize(
    ("send", "parameter", "envelope"), CONDITIONS.values(), ids=CONDITIONS
)


@EACH
def test_what_is_unused(table: Any, send: Send, parameter: str, envelope: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html"""
    unused = "unused in expressions: keys: "
    with exactly(f"{envelope}Value provided in ExpressionAttributeNames {unused}{{#b}}"):
        send(
            table,
            **{parameter: "attribute_exists(#a)"},
            ExpressionAttributeNames={"#a": "id", "#b": "b"},
        )
    with exactly(f"{envelope}Value provided in ExpressionAttributeValues {unused}{{:b}}"):
        send(
            table,
            **{parameter: "id = :a"},
            ExpressionAttributeValues={":a": {"S": "1"}, ":b": {"S": "1"}},
        )


@EACH
def test_what_is_not_defined(table: Any, send: Send, parameter: str, envelope: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeValues.html"""
    begin = f"{envelope}Invalid {parameter}: An expression attribute"
    with exactly(f"{begin} value used in expression is not defined; attribute value: :b"):
        send(
            table,
            **{parameter: "id = :a OR id = :b"},
            ExpressionAttributeValues={":a": {"S": "1"}},
        )
    with exactly(f"{begin} name used in the document path is not defined; attribute name: #a"):
        send(table, **{parameter: "attribute_exists(#a)"})


PLACEHOLDERS = {
    "names": ({"#": "a"}, 'Names contains invalid key: Syntax error; key: "#"'),
    "of a name": ({"#a-b": "a"}, 'Names contains invalid key: Syntax error; key: "#a-b"'),
    "a long name": ({f"#{'a' * 255}-": "a"}, "Names contains invalid key: The expression attribute "
                    "map contains a key that is too long; size of key: 257"),
    "no name": ({"#a": ""}, "Names contains invalid value: Empty attribute name for key #a"),
    "values": ({":": KEY["id"]}, 'Values contains invalid key: Syntax error; key: ":"'),
    "of a value": ({":a-b": KEY["id"]}, 'Values contains invalid key: Syntax error; key: ":a-b"'),
    "a long value": ({f":{'a' * 255}": KEY["id"]}, "Values contains invalid key: The expression "
                     "attribute map contains a key that is too long;"),
}  # fmt: skip


@EACH
@pytest.mark.parametrize(("given", "told"), PLACEHOLDERS.values(), ids=PLACEHOLDERS)
def test_placeholders(
    table: Any, send: Send, parameter: str, envelope: str, given: Any, told: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "The maximum length of any single expression attribute name or expression attribute value is 255
    bytes."; texts: ExtendDB's tests, captured from AWS in 2026
    """
    kind = told.partition(" ")[0]
    with exactly(f"{envelope}ExpressionAttribute{told}"):
        send(table, **{parameter: "attribute_exists(a)", f"ExpressionAttribute{kind}": given})


@EACH
def test_an_expression_has_4096_bytes(
    table: Any, send: Send, parameter: str, envelope: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "The maximum length of any expression string is 4 KB."
    """
    longest = f"attribute_exists({'a' * 4078})"
    told = "Expression size has exceeded the maximum allowed size; expression size: 4097"
    with exactly(f"{envelope}Invalid {parameter}: {told}"):
        send(table, **{parameter: longest + " "})
    if parameter == "FilterExpression":
        send(table, **{parameter: longest})


# Conditions, and how many operators and functions are in each.
OPERATORS = {
    "a = :v": 1, "attribute_exists(a)": 1, "size(a) <> :v": 2, "NOT a = :v": 2,
    "a BETWEEN :v AND :v": 1, "a IN (:v, :v)": 1,
}  # fmt: skip


@pytest.mark.parametrize(("condition", "operators"), OPERATORS.items())
def test_an_expression_has_300_operators(table: Any, condition: str, operators: int) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "The maximum number of operators or functions allowed in a single expression is 300." What joins
    conditions counts too. "The reported count is always 301".
    """
    values = {"ExpressionAttributeValues": {":v": {"N": "1"}}} if ":v" in condition else {}
    most = 301 // (operators + 1)
    table.scan(TableName="orders", FilterExpression=" OR ".join([condition] * most), **values)
    told = "The expression contains too many operators; operator count: 301"
    with exactly(f"Invalid FilterExpression: {told}"):
        table.scan(
            TableName="orders", FilterExpression=" OR ".join([condition] * (most + 1)), **values
        )


def test_an_update_has_300_operators(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "In an UpdateExpression, the = in a SET action is assignment syntax and is not counted"
    """
    values = {":v": {"N": "1"}}
    sums = [f"a{number}=:v+:v" for number in range(300)]

    def update(*actions: str) -> None:
        table.update_item(
            TableName="orders", Key=KEY, UpdateExpression="SET " + ", ".join(actions),
            ExpressionAttributeValues=values,
        )  # fmt: skip

    update(*sums[:299], "b=if_not_exists(b,:v)")
    told = "The expression contains too many operators; operator count: 301"
    with exactly(f"{ENVELOPE}Invalid UpdateExpression: {told}"):
        update(*sums, "b=if_not_exists(b,:v)")


@EACH
def test_an_empty_expression(table: Any, send: Send, parameter: str, envelope: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html"""
    with exactly(f"{envelope}Invalid {parameter}: The expression can not be empty;"):
        send(table, **{parameter: ""})


def test_names_and_values_belong_to_expressions(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html"""
    put = CONDITIONS["PutItem"][0]
    for given in ({"ExpressionAttributeNames": {"#a": "a"}},
                  {"ExpressionAttributeValues": {":a": {"S": "a"}}}):  # fmt: skip
        [name] = given
        with exactly(f"{ENVELOPE}{name} can only be specified when using expressions"):
            put(table, **given)
        with refused("ValidationException", f"{name} can only be specified when using"):
            table.scan(TableName="orders", **given)


def test_expressions_and_what_they_replace_do_not_mix(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
    "DynamoDB does not allow mixing legacy conditional parameters and expression parameters in a
    single call."
    """
    begin = (
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: "
    )
    with exactly(f"{ENVELOPE}{begin}{{Expected}} Expression parameters: {{ConditionExpression}}"):
        table.put_item(
            TableName="orders",
            Item=KEY,
            Expected={"id": {"Exists": False}},
            ConditionExpression="attribute_not_exists(id)",
        )
    with exactly(f"{begin}{{AttributesToGet}} Expression parameters: {{ProjectionExpression}}"):
        table.batch_get_item(
            RequestItems={
                "orders": {"Keys": [KEY], "AttributesToGet": ["id"], "ProjectionExpression": "id"}
            }
        )


def test_syntax_comes_before_the_table(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
    Text: paritysuite's validation-ordering
    """
    with refused("ValidationException", "An expression attribute value used in expression"):
        table.query(TableName="nowhere", KeyConditionExpression="id = :a")
    unused = {"TableName": "orders", "Key": KEY, "ConditionExpression": "attribute_exists(id)",
              "ExpressionAttributeValues": {":v": {"S": "x"}}}  # fmt: skip
    with exactly("Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"):
        table.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "nowhere", "Item": KEY}},
                {"ConditionCheck": unused},
            ]
        )


# --- queries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["query", "scan"])
def test_an_index_that_there_is_not(table: Any, operation: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html"""
    asked: dict[str, Any] = {}
    if operation == "query":
        asked["KeyConditionExpression"] = "id = :a"
        asked["ExpressionAttributeValues"] = {":a": KEY["id"]}
    with exactly("The table does not have the specified index: by-date"):
        getattr(table, operation)(TableName="orders", IndexName="by-date", **asked)
    assert getattr(table, operation)(TableName="orders", IndexName="by-n", **asked)["Count"] == 1


@pytest.mark.parametrize(("condition", "values"), [
    ("#id = :id", {":id": {"N": "1"}}),
    ("#id = :id AND n = :n", {":id": {"S": "1"}, ":n": {"S": "1"}}),
    ("#id=:id AND n>=:n", {":id": {"S": "1"}, ":n": {"B": b"1"}}),
    ("#id = :id AND n between :a and :b",
     {":id": {"S": "1"}, ":a": {"S": "1"}, ":b": {"S": "2"}}),
])  # fmt: skip
def test_a_query_for_a_key_of_another_type(table: Any, condition: str, values: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    Text: paritysuite's error-messages/queryKeyConditionOperands
    """
    with exactly(
        "One or more parameter values were invalid: Condition parameter type does not match schema "
        "type"
    ):
        table.query(
            TableName="orders",
            IndexName="by-n",
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#id": "id"},
            ExpressionAttributeValues=values,
        )


def test_a_legacy_query_for_a_key_of_another_type(table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.KeyConditions.html"""
    condition = {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}
    with refused("ValidationException", "Condition parameter type does not match schema type"):
        table.query(TableName="orders", KeyConditions={"id": condition})
