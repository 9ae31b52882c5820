"""Queries and scans: keys, pages, indexes, what they replaced, what they consume.

Texts recorded from AWS: github.com/paritysuite/dynamodb-conformance (error-messages, 2026) and
github.com/architect/dynalite.
"""

from typing import Any

import pytest

from tests.support.dynamodb_tables import aws, exactly, new_table, refused

OTHER_TYPE = (
    "One or more parameter values were invalid: Condition parameter type does not match schema type"
)
PARTITION = {":p": {"S": "a"}}


def text(name: str, kind: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


@pytest.fixture
def lines() -> Any:
    """A table of six lines of an order, with a local and a global index; a client."""
    kinds = {"p": "S", "c": "N", "x": "S"}
    new_table(
        "lines",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
        ],
        KeySchema=[text("p", "HASH"), text("c", "RANGE")],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-x",
                "KeySchema": [text("p", "HASH"), text("x", "RANGE")],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "all-x",
                "KeySchema": [text("x", "HASH")],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    dynamodb = aws("dynamodb")
    for number in range(6):
        dynamodb.put_item(TableName="lines", Item=line(number))
    return dynamodb


def line(number: int) -> dict[str, Any]:
    return {
        "p": {"S": "a"},
        "c": {"N": str(number)},
        "x": {"S": f"x{number % 2}"},
        "v": {"N": str(number * 10)},
    }


def found(to: Any, condition: str = "p = :p", **asked: Any) -> list[int]:
    """The numbers of the lines that a query finds."""
    values = {**PARTITION, **asked.pop("values", {})}
    answer = to.query(
        TableName="lines",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **asked,
    )
    return [int(item["c"]["N"]) for item in answer["Items"]]


KEYS = [
    ("p = :p AND c < :a", {":a": {"N": "2"}}, [0, 1]),
    (":p = p AND :a >= c", {":a": {"N": "1.0"}}, [0, 1]),
    ("(p = :p) AND (c BETWEEN :a AND :b)", {":a": {"N": "2"}, ":b": {"N": "3"}}, [2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "values", "expected"), KEYS)
def test_keys(lines: Any, condition: str, values: Any, expected: list[int]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html"""
    assert found(lines, condition, values=values) == expected
    assert found(lines, condition, values=values, ScanIndexForward=False) == expected[::-1]


NOT_KEYS = [
    ("p = :p OR c = :a", "Invalid operator used in KeyConditionExpression: OR"),
    ("p = :p AND c > :a AND c < :a", "Invalid KeyConditionExpression: KeyConditionExpressions must "
     "only contain one condition per key"),
    ("p = :p AND c > :a AND v = :a", "The number of query conditions (3) exceeds the number of key "
     "attributes defined in the schema (2)"),
    ("p = :p AND v = :a", "Query condition missed key schema element: c"),
    ("c = :a AND v = :p", "Query condition missed key schema element: p"),
    ("p > :p AND c = :a", "Query key condition not supported"),
    ("p = :p AND c[0] = :a", "Invalid KeyConditionExpression: KeyConditionExpressions cannot have "
     "conditions on nested attributes"),
    ("p = :p AND begins_with(c, :a)", "Invalid KeyConditionExpression: Incorrect operand type for "
     "operator or function; operator or function: begins_with, operand type: N"),
    ("p = :a AND c = :p", OTHER_TYPE),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "message"), NOT_KEYS)
def test_what_is_no_key_condition(lines: Any, condition: str, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html"""
    values = {":a": {"N": "1"}}
    with exactly(message):
        found(lines, condition, values=values)


def test_pages(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
    A page that is just full says where to go on, even after the last item.
    """
    asked: dict[str, Any] = {
        "TableName": "lines",
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": PARTITION,
    }
    last = lines.query(**asked, Limit=6)["LastEvaluatedKey"]
    assert last == {"p": {"S": "a"}, "c": {"N": "5"}}
    assert lines.query(**asked, ExclusiveStartKey=last)["Items"] == []
    assert "LastEvaluatedKey" not in lines.query(**asked, Limit=7)
    assert found(lines, ScanIndexForward=False, ExclusiveStartKey=line_key(2)) == [1, 0]
    with refused("ValidationException", "The provided starting key is outside query boundaries"):
        lines.query(**asked, ExclusiveStartKey={**line_key(2), "p": {"S": "b"}})
    with exactly("The provided starting key is invalid"):
        lines.query(**asked, ExclusiveStartKey={"p": {"S": "a"}})


def line_key(number: int) -> dict[str, Any]:
    return {"p": {"S": "a"}, "c": {"N": str(number)}}


def test_a_page_has_a_megabyte(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html"""
    for number in range(6):
        item = {**line(number), "pad": {"S": "x" * 300_000}}
        lines.put_item(TableName="lines", Item=item)
    page = lines.scan(TableName="lines")
    assert page["Count"] == 4
    rest = lines.scan(TableName="lines", ExclusiveStartKey=page["LastEvaluatedKey"])
    assert (rest["Count"], "LastEvaluatedKey" in rest) == (2, False)


@pytest.mark.right_in_moto
def test_segments_are_the_whole(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan"""
    for number in range(20):
        key = {"p": {"S": f"order {number}"}, "c": {"N": "0"}}
        lines.put_item(TableName="lines", Item=key)
    counts = [lines.scan(TableName="lines", TotalSegments=4, Segment=n)["Count"] for n in range(4)]
    assert sum(counts) == 26
    assert max(counts) < 26
    with refused("ValidationException", "The Segment parameter is zero-based"):
        lines.scan(TableName="lines", TotalSegments=4, Segment=4)


ORDERS = {
    "S": "2 8 9 1 6 hello 0 5 4 äáöü aardman 7 3 zapf",
    "N": "7 999.9 8 3 2 -999.9 9 4 -0.09 6 1 0 0.012345 5",
}


@pytest.mark.parametrize(("kind", "expected"), ORDERS.items())
def test_the_order_of_a_scan(kind: str, expected: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.Partitions.html
    What the partition key's digest decides, as dynalite's test/scan.js recorded it of AWS
    """
    new_table("keys", AttributeDefinitions=[{"AttributeName": "id", "AttributeType": kind}])
    dynamodb = aws("dynamodb")
    for key in sorted(expected.split()):
        dynamodb.put_item(TableName="keys", Item={"id": {kind: key}})
    assert [each["id"][kind] for each in dynamodb.scan(TableName="keys")["Items"]] == (
        expected.split()
    )
    statement = dynamodb.execute_statement(Statement='SELECT * FROM "keys"')
    assert [each["id"][kind] for each in statement["Items"]] == expected.split()


@pytest.mark.parametrize(("kind", "key", "segment"), [
    ("S", "3635", 0), ("S", "228", 0), ("S", "1668", 1), ("S", "3435", 4),
    ("N", "251", 1), ("N", "2388", 4095),
])  # fmt: skip
def test_the_segment_of_a_key(kind: str, key: str, segment: int) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
    Recorded of AWS by dynalite's test/scan.js
    """
    new_table("keys", AttributeDefinitions=[{"AttributeName": "id", "AttributeType": kind}])
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="keys", Item={"id": {kind: key}})
    scan: dict[str, Any] = {"TableName": "keys", "TotalSegments": 4096, "Select": "COUNT"}
    assert dynamodb.scan(**scan, Segment=segment)["Count"] == 1
    assert dynamodb.scan(**scan, Segment=segment + (1 if segment < 4095 else -1))["Count"] == 0


def test_indexes(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html"""
    by_x = {":x": {"S": "x1"}}
    asked: dict[str, Any] = {
        "TableName": "lines",
        "IndexName": "all-x",
        "KeyConditionExpression": "x = :x",
        "ExpressionAttributeValues": by_x,
    }
    page = lines.query(**asked, Limit=2)
    assert page["LastEvaluatedKey"].keys() == {"p", "c", "x"}
    assert all(item.keys() == {"p", "c", "x"} for item in page["Items"])
    assert lines.query(**asked, ExclusiveStartKey=page["LastEvaluatedKey"])["Count"] == 1
    with exactly("Consistent reads are not supported on global secondary indexes"):
        lines.query(**asked, ConsistentRead=True)
    begin = "One or more parameter values were invalid: "
    with exactly(
        f"{begin}Select type ALL_ATTRIBUTES is not supported for global secondary index all-x "
        "because its projection type is not ALL"
    ):
        lines.query(**asked, Select="ALL_ATTRIBUTES")
    with exactly(f"{begin}Global secondary index all-x does not project [v]"):
        lines.query(**asked, ProjectionExpression="v")
    fetched = lines.query(
        TableName="lines",
        IndexName="by-x",
        Select="ALL_ATTRIBUTES",
        KeyConditionExpression="p = :p AND x = :x",
        ExpressionAttributeValues={**PARTITION, **by_x},
    )
    assert [item["v"]["N"] for item in fetched["Items"]] == ["10", "30", "50"]


def test_a_filter_is_not_about_the_key(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html"""
    assert found(lines, FilterExpression="v > :v", values={":v": {"N": "30"}}) == [4, 5]
    with exactly(
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: c"
    ):
        found(lines, FilterExpression="c > :v", values={":v": {"N": "3"}})


SELECTS = [
    ({"Select": "COUNT", "ProjectionExpression": "v"},
     "Cannot specify the ProjectionExpression when choosing to get only the Count"),
    ({"Select": "SPECIFIC_ATTRIBUTES"}, "Must specify the AttributesToGet or ProjectionExpression "
     "when choosing to get SPECIFIC_ATTRIBUTES"),
    ({"Select": "ALL_PROJECTED_ATTRIBUTES"},
     "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "message"), SELECTS)
def test_what_is_selected(lines: Any, asked: Any, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    Texts: moto's tests that were run against AWS (test_dynamodb_select.py, October 2026)
    """
    told = f"1 validation error detected: {message}"
    with exactly(told):
        lines.scan(TableName="lines", **asked)
    with exactly(told):
        found(lines, **asked)
    legacy: Any = {"TableName": "lines", "Select": "ALL_ATTRIBUTES", "AttributesToGet": ["v"]}
    partition = {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}
    told = "1 validation error detected: Cannot specify the AttributesToGet when choosing to get "
    with exactly(told + "ALL_ATTRIBUTES"):
        lines.scan(**legacy)
    with exactly(told + "ALL_ATTRIBUTES"):
        lines.query(**legacy, KeyConditions=partition)
    counted = lines.scan(TableName="lines", Select="COUNT")
    assert (counted["Count"], "Items" in counted) == (6, False)


# --- what expressions replaced --------------------------------------------------------------------

OPERATORS = [
    ("EQ", [{"N": "10"}], [1]), ("NE", [{"N": "10"}], [0, 2, 3, 4, 5]),
    ("BETWEEN", [{"N": "10"}, {"N": "20"}], [1, 2]), ("IN", [{"N": "10"}, {"N": "7"}], [1]),
    ("NULL", [], []), ("NOT_NULL", [], [0, 1, 2, 3, 4, 5]), ("GT", [{"N": "35"}], [4, 5]),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "values", "expected"), OPERATORS)
def test_legacy_filters(lines: Any, operator: str, values: Any, expected: list[int]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.QueryFilter.html"""
    condition: dict[str, Any] = {"ComparisonOperator": operator}
    if values:
        condition["AttributeValueList"] = values
    key = {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}
    answer = lines.query(TableName="lines", KeyConditions=key, QueryFilter={"v": condition})
    assert [int(item["c"]["N"]) for item in answer["Items"]] == expected
    assert lines.scan(TableName="lines", ScanFilter={"v": condition})["Count"] == len(expected)


def test_legacy_conditions_decide(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.Expected.html
    Texts: paritysuite's error-messages/putItem and deleteItem
    """
    none = {"v": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "99"}]}}
    some = {"x": {"Value": {"S": "x0"}}}
    with refused("ConditionalCheckFailedException"):
        lines.put_item(TableName="lines", Item=line(0), Expected={**none, **some})
    lines.put_item(
        TableName="lines", Item=line(0), Expected={**none, **some}, ConditionalOperator="OR"
    )
    said = "1 validation error detected: "
    with exactly(f"{said}ConditionalOperator cannot be used without Filter or Expected"):
        lines.put_item(TableName="lines", Item=line(0), ConditionalOperator="OR")
    said += "One or more parameter values were invalid: "
    for condition, told in (
        ({}, "Value must be provided when Exists is null for Attribute: v"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: v"),
        ({"ComparisonOperator": "EQ"},
         "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: v"),
        ({"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "x"}]},
         "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
    ):  # fmt: skip
        expected: Any = {"v": condition}
        with exactly(said + told):
            lines.put_item(TableName="lines", Item=line(0), Expected=expected)
        with exactly(said + told):
            lines.delete_item(TableName="lines", Key=line_key(0), Expected=expected)


def test_legacy_reads_and_updates(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.AttributesToGet.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.AttributeUpdates.html
    """
    got = lines.get_item(TableName="lines", Key=line_key(1), AttributesToGet=["v", "nope"])
    assert got["Item"] == {"v": {"N": "10"}}
    with exactly("One or more parameter values were invalid: Duplicate value in attribute name: v"):
        lines.get_item(TableName="lines", Key=line_key(1), AttributesToGet=["v", "v"])
    updates: dict[str, Any] = {f"a{n}": {"Action": "PUT", "Value": {"N": "1"}} for n in range(400)}
    updates["v"] = {"Action": "ADD", "Value": {"N": "5"}}
    answer = lines.update_item(
        TableName="lines", Key=line_key(1), AttributeUpdates=updates, ReturnValues="ALL_NEW"
    )
    assert (len(answer["Attributes"]), answer["Attributes"]["v"]) == (404, {"N": "15"})
    with exactly("Type mismatch for attribute to update"):
        lines.update_item(
            TableName="lines",
            Key=line_key(1),
            AttributeUpdates={"x": {"Action": "ADD", "Value": {"N": "1"}}},
        )


# --- what it consumes -----------------------------------------------------------------------------


def test_consumed_capacity(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    asked: Any = {"TableName": "lines", "ReturnConsumedCapacity": "INDEXES"}
    written = lines.put_item(Item=line(9), **asked)["ConsumedCapacity"]
    assert written["CapacityUnits"] == 3
    assert written["Table"] == {"CapacityUnits": 1}
    assert written["LocalSecondaryIndexes"] == {"by-x": {"CapacityUnits": 1}}
    moved = lines.put_item(Item={**line(9), "x": {"S": "other"}}, **asked)["ConsumedCapacity"]
    assert moved["GlobalSecondaryIndexes"] == {"all-x": {"CapacityUnits": 2}}
    for consistent, units in ((False, 0.5), (True, 1)):
        read = lines.get_item(Key=line_key(1), ConsistentRead=consistent, **asked)
        assert read["ConsumedCapacity"]["CapacityUnits"] == units
    lines.put_item(TableName="lines", Item={**line(8), "pad": {"S": "x" * 9000}})
    read = lines.get_item(Key=line_key(8), **asked)["ConsumedCapacity"]
    assert read["CapacityUnits"] == 1.5
    together = lines.transact_write_items(
        TransactItems=[{"Delete": {"TableName": "lines", "Key": line_key(7)}}],
        ReturnConsumedCapacity="TOTAL",
    )["ConsumedCapacity"]
    assert together == [{"TableName": "lines", "CapacityUnits": 2, "WriteCapacityUnits": 2}]


def test_item_collections(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ItemCollectionMetrics.html
    "If the table does not have any local secondary indexes, this information is not returned."
    """
    new_table("orders")
    asked = {"ReturnItemCollectionMetrics": "SIZE"}
    told = lines.put_item(TableName="lines", Item=line(1), **asked)["ItemCollectionMetrics"]
    assert told["ItemCollectionKey"] == {"p": {"S": "a"}}
    answer = lines.put_item(TableName="orders", Item={"id": {"S": "1"}}, **asked)
    assert "ItemCollectionMetrics" not in answer


def test_a_sort_key_of_several_attributes_has_no_gaps() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
    Text: paritysuite's query/multiAttributeGsiKey
    """
    new_table(
        "lines",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in "abcd"],
        KeySchema=[text("a", "HASH")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "all",
                "KeySchema": [text("b", "HASH"), text("c", "RANGE"), text("d", "RANGE")],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="lines", Item={name: {"S": name} for name in "abcd"})
    legacy = {
        name: {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": name}]} for name in "bcd"
    }
    assert dynamodb.query(TableName="lines", IndexName="all", KeyConditions=legacy)["Count"] == 1
    with exactly("Conditions can be of length 1 or 2 only"):
        dynamodb.query(TableName="lines", KeyConditions=legacy)
    for condition in ("b = :v AND d = :v", "b = :v AND c > :v AND d = :v"):
        with exactly(
            "RANGE key attributes c must have equality conditions specified in the query because a "
            "condition is present on key attribute d"
        ):
            dynamodb.query(
                TableName="lines", IndexName="all", KeyConditionExpression=condition,
                ExpressionAttributeValues={":v": {"S": "x"}},
            )  # fmt: skip


def test_a_scan_goes_on_in_its_segment(lines: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    Text: recorded from AWS by dynalite, test/scan.js
    """
    start = {"p": {"S": "a"}, "c": {"N": "1"}}
    found, refusals = [], []
    for segment in range(2):
        asked = {"TotalSegments": 2, "Segment": segment, "ExclusiveStartKey": start}
        try:
            found += lines.scan(TableName="lines", **asked)["Items"]
        except lines.exceptions.ClientError as error:
            refusals.append((segment, error.response["Error"]["Message"]))
    [(segment, message)] = refusals
    assert message == (
        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
        f"ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: {segment}"
    )
    assert [item["c"]["N"] for item in found] == ["2", "3", "4", "5"]
