"""Items: how large they are, what updates make of them, what writes return.

Texts recorded from AWS: github.com/paritysuite/dynamodb-conformance (limits, error-messages, 2026),
github.com/architect/dynalite and github.com/scylladb/scylladb (test/alternator).
"""

import gzip
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.dynamodb_tables import KEY, aws, exactly, new_table, refused

LARGEST = 400 * 1024
TOO_LARGE = "Item size has exceeded the maximum allowed size"


@pytest.fixture
def dynamodb() -> Any:
    new_table("orders")
    return aws("dynamodb")


def update(to: Any, expression: str, item: Any = None, **values: Any) -> Any:
    """An item, if one is given, and what an update of it returns."""
    if item is not None:
        to.put_item(TableName="orders", Item={**KEY, **item})
    more = {"ExpressionAttributeValues": {f":{n}": v for n, v in values.items()}} if values else {}
    return to.update_item(
        TableName="orders", Key=KEY, UpdateExpression=expression, ReturnValues="ALL_NEW", **more
    ).get("Attributes")


# --- sizes --------------------------------------------------------------------------------------

SIZES = [
    ({"S": "é"}, 2), ({"B": b"abc"}, 3), ({"BOOL": True}, 1), ({"NULL": True}, 1),
    ({"N": "0"}, 1), ({"N": "1"}, 2), ({"N": "-1"}, 3), ({"N": "100"}, 2), ({"N": "123456"}, 4),
    ({"N": "3.14159"}, 5), ({"N": "1E125"}, 2), ({"SS": ["a", "bc"]}, 3),
    ({"L": [{"S": "a"}, {"S": "b"}]}, 7), ({"M": {"k": {"S": "v"}}}, 6),
]  # fmt: skip


@pytest.mark.parametrize(("value", "size"), SIZES)
def test_an_item_has_400_kilobytes(dynamodb: Any, value: Any, size: int) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "The maximum item size in DynamoDB is 400 KB"; the sizes: paritysuite's limits/numberByteSize
    """
    rest = LARGEST - len("id1") - len("v") - size - len("pad")
    item = {**KEY, "v": value}
    dynamodb.put_item(TableName="orders", Item={**item, "pad": {"S": "x" * rest}})
    with exactly(TOO_LARGE):
        dynamodb.put_item(TableName="orders", Item={**item, "pad": {"S": "x" * (rest + 1)}})


def test_every_way_to_write_has_that_limit(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    Texts: paritysuite's limits/itemSizeBySurface
    """
    large = {"S": "x" * LARGEST}
    item = {**KEY, "a": large}
    with exactly(TOO_LARGE):
        dynamodb.batch_write_item(RequestItems={"orders": [{"PutRequest": {"Item": item}}]})
    with exactly(TOO_LARGE):
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": "orders", "Item": item}}]
        )
    with exactly(TOO_LARGE):
        dynamodb.execute_statement(
            Statement="INSERT INTO orders VALUE {'id': '1', 'a': ?}", Parameters=[large]
        )
    with exactly("Item size to update has exceeded the maximum allowed size"):
        update(dynamodb, "SET a = :a", a=large)
    asked = {"TableName": "orders", "Key": KEY, "UpdateExpression": "SET a = :a",
             "ExpressionAttributeValues": {":a": large}}  # fmt: skip
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=[{"Update": asked}])
    [reason] = caught.value.response["CancellationReasons"]
    assert reason["Code"] == "ValidationError"
    assert reason["Message"].startswith("Item size to update")


# --- arithmetic ---------------------------------------------------------------------------------

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18,
                      places=6)  # fmt: skip


@pytest.mark.right_in_moto
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers, numbers)
def test_sums_are_exact(dynamodb: Any, one: Decimal, two: Decimal) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    "Numbers can have up to 38 digits of precision."
    """
    values = {"o": {"N": str(one)}, "t": {"N": str(two)}}
    found = update(dynamodb, "SET s = :o + :t, d = :o - :t", {}, **values)
    assert (Decimal(found["s"]["N"]), Decimal(found["d"]["N"])) == (one + two, one - two)
    assert found["s"]["N"] == "0" or not found["s"]["N"].startswith(("00", "-0,"))
    added = update(dynamodb, "ADD s :t", None, t=values["t"])
    assert Decimal(added["s"]["N"]) == one + two + two


@pytest.mark.parametrize(("first", "second"), [("9e125", "9e125"), ("1e50", "1"), ("1", "1e-50")])
def test_a_sum_that_cannot_be_kept(dynamodb: Any, first: str, second: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    Texts: seen of AWS by ScyllaDB's test_number.py
    """
    overflow = (
        "Number overflow. Attempting to store a number with magnitude larger than supported range"
    )
    with exactly(overflow):
        update(dynamodb, "SET a = :f + :s", f={"N": first}, s={"N": second})
    with exactly(overflow):
        update(dynamodb, "ADD a :s", {"a": {"N": first}}, s={"N": second})


# --- updates ------------------------------------------------------------------------------------

LIST = {"l": {"L": [{"S": each} for each in "abcd"]}, "m": {"M": {"x": {"N": "1"}}}}
UPDATES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "places are those of before": ("REMOVE l[0], l[2]", {}, {"l": ["b", "d"]}),
    "past the end appends": ("SET l[9] = :v, l[7] = :w", {"v": {"S": "z"}, "w": {"S": "y"}},
                             {"l": ["a", "b", "c", "d", "y", "z"]}),
    "list_append": ("SET l = list_append(:v, l)", {"v": {"L": [{"S": "0"}]}},
                    {"l": ["0", "a", "b", "c", "d"]}),
    "operands are those of before": ("SET l[0] = l[1], l[1] = l[0]", {},
                                     {"l": ["b", "a", "c", "d"]}),
    "if_not_exists": ("SET l[0] = if_not_exists(nope, l[3])", {}, {"l": ["d", "b", "c", "d"]}),
    "a place that is not there": ("REMOVE l[9], m.y, nope", {}, {"l": ["a", "b", "c", "d"]}),
}  # fmt: skip


@pytest.mark.parametrize(("expression", "values", "expected"), UPDATES.values(), ids=UPDATES)
def test_updates_of_lists(dynamodb: Any, expression: str, values: Any, expected: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html"""
    found = update(dynamodb, expression, LIST, **values)
    assert [each["S"] for each in found["l"]["L"]] == expected["l"]


def test_sets_are_kept_in_order_and_never_empty(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    The order of members: paritysuite's updateItem/basic
    """
    found = update(dynamodb, "ADD s :s, n :n", {"s": {"SS": ["b"]}}, s={"SS": ["c", "a", "b"]},
                   n={"NS": ["10", "9"]})  # fmt: skip
    assert (found["s"], found["n"]) == ({"SS": ["a", "b", "c"]}, {"NS": ["9", "10"]})
    found = update(dynamodb, "DELETE s :s", None, s={"SS": ["c", "a", "b"]})
    assert "s" not in found


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "no attribute": ("SET a = nope", {},
                     "The provided expression refers to an attribute that does not exist in the "
                     "item"),
    "no map": ("SET nope.x = :v", {"v": {"N": "1"}},
               "The document path provided in the update expression is invalid for update"),
    "another type": ("ADD l :v", {"v": {"N": "1"}},
                     "An operand in the update expression has an incorrect data type"),
    "a key": ("SET id = :v", {"v": {"N": "1"}},
              "One or more parameter values were invalid: Cannot update attribute id. This "
              "attribute is part of the key"),
}  # fmt: skip
ENVELOPED: dict[str, tuple[str, dict[str, Any], str]] = {
    "overlap": ("SET m = :v, m.x = :v", {"v": {"N": "1"}},
                "Two document paths overlap with each other; must remove or rewrite one of these "
                "paths; path one: [m], path two: [m, x]"),
    "conflict": ("SET m.x = :v REMOVE m[0]", {"v": {"N": "1"}},
                 "Two document paths conflict with each other; must remove or rewrite one of these "
                 "paths; path one: [m, x], path two: [m, [0]]"),
    "twice": ("SET a = :v SET b = :v", {"v": {"N": "1"}},
              'The "SET" section can only be used once in an update expression;'),
    "reserved": ("SET status = :v", {"v": {"N": "1"}},
                 "Attribute name is a reserved keyword; reserved keyword: status"),
    "a function": ("SET a = plus(:v, :v)", {"v": {"N": "1"}},
                   "Invalid function name; function: plus"),
    "a function of conditions": ("SET a = size(m)", {},
                                 "The function is not allowed in an update expression; function: "
                                 "size"),
    "an index beyond all": ("REMOVE l[4294967295]", {},
                            "List index is not within the allowable range; index: [4294967295]"),
    "zeros ahead of an index": ("REMOVE l[001]", {}, 'Syntax error; token: "0", near: "001"'),
    "ADD of text": ("ADD a :v", {"v": {"S": "1"}},
                    "Incorrect operand type for operator or function; operator: ADD, operand type: "
                    "STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"),
    "a name that begins with no letter": ("SET _123 = :v", {"v": {"N": "1"}},
                                          'Syntax error; token: "_", near: "SET _123"'),
    "a list within a list": ("SET a = list_append(list_append(:v, :v), :v)", {"v": {"L": []}},
                             "The function is not allowed to be used this way in an expression; "
                             "function: list_append"),
    "syntax": ("INVALID SYNTAX HERE", {},
               'Syntax error; token: "INVALID", near: "INVALID SYNTAX"'),
}  # fmt: skip


@pytest.mark.right_in_moto
@pytest.mark.parametrize(("expression", "values", "message"), WRONG.values(), ids=WRONG)
def test_updates_that_cannot_be(dynamodb: Any, expression: str, values: Any, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html"""
    with exactly(message):
        update(dynamodb, expression, LIST, **values)


@pytest.mark.parametrize(("expression", "values", "message"), ENVELOPED.values(), ids=ENVELOPED)
def test_updates_that_are_malformed(
    dynamodb: Any, expression: str, values: Any, message: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html"""
    with exactly(f"1 validation error detected: Invalid UpdateExpression: {message}"):
        update(dynamodb, expression, LIST, **values)


def test_only_to_remove_makes_no_item(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    Seen of AWS by ScyllaDB's test_returnvalues.py and test_update_expression.py
    """
    assert update(dynamodb, "REMOVE a") is None
    assert update(dynamodb, "REMOVE a.b, c[1]") is None
    assert "Item" not in dynamodb.get_item(TableName="orders", Key=KEY)
    made = dynamodb.update_item(TableName="orders", Key=KEY, ReturnValues="ALL_NEW")
    assert made["Attributes"] == KEY


RETURNED: dict[str, tuple[str, str, Any]] = {
    "what was": ("UPDATED_OLD", "SET m.x = :v, nope = :v", {"m": {"M": {"x": {"N": "1"}}}}),
    "what is": ("UPDATED_NEW", "SET l[1] = :v", {"l": {"L": [{"N": "5"}]}}),
    "what moved up": ("UPDATED_NEW", "REMOVE l[1] SET m.x = :v",
                      {"l": {"L": [{"S": "c"}]}, "m": {"M": {"x": {"N": "5"}}}}),
    "nothing": ("UPDATED_NEW", "SET l[100] = :v", None),
}  # fmt: skip


@pytest.mark.parametrize(("what", "expression", "expected"), RETURNED.values(), ids=RETURNED)
def test_what_was_updated(dynamodb: Any, what: str, expression: str, expected: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    (ReturnValues). Seen of AWS by ScyllaDB's test_returnvalues.py
    """
    dynamodb.put_item(TableName="orders", Item={**KEY, **LIST})
    values = {"ExpressionAttributeValues": {":v": {"N": "5"}}}
    answer = dynamodb.update_item(
        TableName="orders", Key=KEY, UpdateExpression=expression, ReturnValues=what, **values
    )
    assert answer.get("Attributes") == expected


# --- conditions ---------------------------------------------------------------------------------

BYTES = [
    "contains(b, :part)", "begins_with(b, :start)", "size(b) = :three", "b < :later",
    "b BETWEEN :start AND :later", "b IN (:part, :whole)", "contains(bs, :part)", "bs = :set",
    "attribute_type(b, :type) AND NOT b = :part",
]  # fmt: skip
OF_BYTES = {
    ":part": {"B": b"\x01"}, ":start": {"B": b"\x00\x01"}, ":three": {"N": "3"},
    ":later": {"B": b"\xff"}, ":whole": {"B": b"\x00\x01\x80"}, ":type": {"S": "B"},
    ":set": {"BS": [b"\x80", b"\x01"]},
}  # fmt: skip


@pytest.mark.parametrize("condition", BYTES)
def test_conditions_on_bytes(dynamodb: Any, condition: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html"""
    item = {**KEY, "b": {"B": b"\x00\x01\x80"}, "bs": {"BS": [b"\x01", b"\x80"]}}
    dynamodb.put_item(TableName="orders", Item=item)
    values = {name: value for name, value in OF_BYTES.items() if name in condition}
    found = dynamodb.scan(
        TableName="orders", FilterExpression=condition, ExpressionAttributeValues=values
    )
    assert found["Items"] == [item]
    found = dynamodb.scan(
        TableName="orders", FilterExpression=f"NOT ({condition})", ExpressionAttributeValues=values
    )
    assert found["Count"] == 0


atoms = st.sampled_from(["a = :x", "a <> :x", "attribute_exists(z)", "size(t) > :x", "a IN (:x)"])
TRUE = {"a = :x", "size(t) > :x", "a IN (:x)"}
conditions = st.recursive(
    atoms.map(lambda text: (text, text in TRUE)),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]} AND NOT {p[1][0]})" if " " not in p[1][0] or p[1][0][0] == "("
                       else f"({p[0][0]} AND NOT ({p[1][0]}))", p[0][1] and not p[1][1])
        ),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} OR {p[1][0]})", p[0][1] or p[1][1])),
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.right_in_moto
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions)
def test_what_joins_conditions(dynamodb: Any, condition: tuple[str, bool]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html"""
    text, expected = condition
    dynamodb.put_item(TableName="orders", Item={**KEY, "a": {"N": "1"}, "t": {"S": "long"}})
    values = {"ExpressionAttributeValues": {":x": {"N": "1"}}} if ":x" in text else {}
    found = dynamodb.scan(TableName="orders", FilterExpression=text, **values)
    assert bool(found["Count"]) == expected


MALFORMED: dict[str, tuple[str, str]] = {
    "alike": ("a = a", "The first operand must be distinct from the remaining operands for this "
              "operator or function; operator: =, first operand: [a]"),
    "parentheses": ("((a = :x))", "The expression has redundant parentheses;"),
    "a function alone": ("size(a)", "The function is not allowed to be used this way in an "
                         "expression; function: size"),
    "operands": ("attribute_exists(a, b)", "Incorrect number of operands for operator or function; "
                 "operator or function: attribute_exists, number of operands: 2"),
    "no path": ("attribute_exists(:x)", "Operator or function requires a document path; operator "
                "or function: attribute_exists"),
    "a function of updates": ("if_not_exists(a, :x) = :x", "The function is not allowed in a "
                              "condition expression; function: if_not_exists"),
    "an unknown function": ("grows(a)", "Invalid function name; function: grows"),
    "an index beyond all": ("a[4294967295] = :x", "List index is not within the allowable range; "
                            "index: [4294967295]"),
    "a type": ("begins_with(a, :x)", "Incorrect operand type for operator or function; operator or "
               "function: begins_with, operand type: N"),
    "bounds": ("a BETWEEN :x AND :w", "The BETWEEN operator requires upper bound to be greater "
               "than or equal to lower bound; lower bound operand: AttributeValue: {N:1}, upper "
               "bound operand: AttributeValue: {N:0}"),
    "the end": ("a =", 'Syntax error; token: "<EOF>", near: "="'),
}  # fmt: skip


@pytest.mark.parametrize(("condition", "message"), MALFORMED.values(), ids=MALFORMED)
def test_conditions_that_are_malformed(dynamodb: Any, condition: str, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html"""
    values = {n: v for n, v in {":x": {"N": "1"}, ":w": {"N": "0"}}.items() if n in condition}
    more = {"ExpressionAttributeValues": values} if values else {}
    with exactly(f"Invalid FilterExpression: {message}"):
        dynamodb.scan(TableName="orders", FilterExpression=condition, **more)


DEEP: dict[str, Callable[[], str]] = {
    "NOT": lambda: "NOT " * 200 + "a = :x",
    "AND": lambda: " AND ".join(["a = :x"] * 140),
    "groups": lambda: "(a = :x AND " * 90 + "a = :x" + ")" * 90,
}


@pytest.mark.parametrize("make", DEEP.values(), ids=DEEP)
def test_long_and_deep_conditions_are_answered(dynamodb: Any, make: Callable[[], str]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    dynamodb.put_item(TableName="orders", Item={**KEY, "a": {"N": "1"}})
    found = dynamodb.scan(
        TableName="orders", FilterExpression=make(), ExpressionAttributeValues={":x": {"N": "1"}}
    )
    assert found["Count"] == 1
    with refused("ValidationException", "Invalid FilterExpression"):
        dynamodb.scan(
            TableName="orders",
            FilterExpression="NOT " * 301 + "a = :x",
            ExpressionAttributeValues={":x": {"N": "1"}},
        )


@pytest.mark.right_in_moto
def test_a_failed_condition_returns_the_item(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    (ReturnValuesOnConditionCheckFailure)
    """
    dynamodb.put_item(TableName="orders", Item={**KEY, "a": {"N": "1"}})
    for asked, expected in (("ALL_OLD", {**KEY, "a": {"N": "1"}}), ("NONE", None)):
        with pytest.raises(ClientError) as caught:
            dynamodb.put_item(
                TableName="orders",
                Item=KEY,
                ConditionExpression="attribute_not_exists(id)",
                ReturnValuesOnConditionCheckFailure=asked,
            )
        assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
        assert caught.value.response.get("Item") == expected


def test_projections(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html"""
    dynamodb.put_item(TableName="orders", Item={**KEY, **LIST})

    def get(expression: str, **names: str) -> Any:
        more = {"ExpressionAttributeNames": {f"#{n}": v for n, v in names.items()}} if names else {}
        return dynamodb.get_item(
            TableName="orders", Key=KEY, ProjectionExpression=expression, **more
        )["Item"]

    assert get("#l[1]", l="l") == {"l": {"L": [{"S": "b"}]}}
    assert get("l[3], l[0], m.x") == {"l": {"L": [{"S": "a"}, {"S": "d"}]}, "m": LIST["m"]}
    assert get("nope, l[4294967294]") == {}
    with refused("ValidationException", "Two document paths overlap"):
        get("l, l[0]")
    with refused("ValidationException", "Key attributes must be scalars"):
        get("id[0]")


# --- compressed requests --------------------------------------------------------------------------


def put_packed(body: Callable[[bytes], bytes], encoding: str = "gzip") -> None:
    """Put an item with a body that is changed on its way."""
    client = aws("dynamodb")

    def change(request: Any, **_: Any) -> None:
        request.data = body(request.data)
        request.headers["Content-Encoding"] = encoding

    client.meta.events.register("before-sign.dynamodb.PutItem", change)
    client.put_item(TableName="orders", Item=KEY)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "whole": gzip.compress,
    "in two": lambda body: gzip.compress(body[:10]) + gzip.compress(body[10:]),
    "with junk behind": lambda body: gzip.compress(body) + b"junk",
}


@pytest.mark.parametrize("body", PACKED.values(), ids=PACKED)
def test_a_request_may_be_compressed(dynamodb: Any, body: Callable[[bytes], bytes]) -> None:
    """https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html
    Seen of AWS by ScyllaDB's test_compressed_request.py
    """
    put_packed(body)
    assert dynamodb.get_item(TableName="orders", Key=KEY)["Item"] == KEY


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another encoding": (lambda body: body, "garbage"),
    "not compressed": (lambda body: body, "gzip"),
    "cut off": (lambda body: gzip.compress(body)[:-1], "gzip"),
    "nothing": (lambda _: b"", "gzip"),
}


@pytest.mark.parametrize(("body", "encoding"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_unpacked(
    dynamodb: Any, body: Callable[[bytes], bytes], encoding: str
) -> None:
    """https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html
    Seen of AWS by ScyllaDB's test_compressed_request.py
    """
    with refused("InternalServerError", status=500):
        put_packed(body, encoding)
    assert "Item" not in dynamodb.get_item(TableName="orders", Key=KEY)
