"""Tables: their layout, what is told of them, their streams, their time to live.

What the probes of October 2026 saw of AWS (ack-api-quirks, DDB-TABLE-…):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks; ScyllaDB's
tests: https://github.com/scylladb/scylladb, test/alternator.
"""

from typing import Any

import pytest

from tests.support.dynamodb_tables import KEY, aws, described, exactly, later, new_table, refused

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
INVALID = "One or more parameter values were invalid: "


def keys(*kinds: str) -> dict[str, Any]:
    """A key schema of the attributes a, b … of these kinds, and their definitions."""
    names = "abcdef"[: len(kinds)]
    return {
        "KeySchema": [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(names, kinds, strict=True)
        ],
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in names],
    }


def index(name: str, *kinds: str, **projection: Any) -> dict[str, Any]:
    schema = keys(*kinds)["KeySchema"]
    return {
        "IndexName": name,
        "KeySchema": schema,
        "Projection": projection or {"ProjectionType": "ALL"},
    }


def definitions(count: int) -> dict[str, Any]:
    return {"AttributeDefinitions": keys(*["HASH"] * count)["AttributeDefinitions"]}


LAYOUTS: dict[str, tuple[dict[str, Any], str]] = {
    "no partition key": (keys("RANGE"), "Invalid KeySchema: The first KeySchemaElement is not a "
                         "HASH key type"),
    "two partition keys": (keys("HASH", "HASH"), "Invalid KeySchema: The second KeySchemaElement "
                           "is not a RANGE key type"),
    "no index": ({**keys("HASH"), "GlobalSecondaryIndexes": []},
                 f"{INVALID}List of GlobalSecondaryIndexes is empty"),
    "one name": ({**keys("HASH"), "GlobalSecondaryIndexes": [index("one", "HASH")] * 2},
                 f"{INVALID}Duplicate index name: one"),
    "a local index without a sort key": (
        {**keys("HASH"), "LocalSecondaryIndexes": [index("one", "HASH")]},
        f"{INVALID}Table KeySchema does not have a range key, which is required when specifying a "
        "LocalSecondaryIndex"),
    "a key of three attributes": (
        keys("HASH", "RANGE", "RANGE"),
        "1 validation error detected: Value '[com.amazonaws.dynamodb.v20120810.KeySchemaElement@0, "
        "com.amazonaws.dynamodb.v20120810.KeySchemaElement@0, "
        "com.amazonaws.dynamodb.v20120810.KeySchemaElement@0]' at 'keySchema' failed to satisfy "
        "constraint: Member must have length less than or equal to 2"),
    "an attribute defined twice": (
        {**keys("HASH"), "AttributeDefinitions": keys("HASH")["AttributeDefinitions"] * 2},
        "Attribute Name is duplicated: a"),
    "an attribute of no key": (
        {**keys("HASH"), "AttributeDefinitions": keys("HASH", "HASH")["AttributeDefinitions"]},
        f"{INVALID}Number of attributes in KeySchema does not exactly match number of attributes "
        "defined in AttributeDefinitions"),
    "five partition keys": (
        {**keys("HASH"), **definitions(5), "GlobalSecondaryIndexes": [index("one", *["HASH"] * 5)]},
        f"{INVALID}The KeySchema exceeds the maximum allowed number of HASH key attributes"),
    "five sort keys": (
        {**keys("HASH"), **definitions(6),
         "GlobalSecondaryIndexes": [index("one", "HASH", *["RANGE"] * 5)]},
        f"{INVALID}The KeySchema exceeds the maximum allowed number of RANGE key attributes"),
    "partition and sort keys mixed": (
        {**keys("HASH"), **definitions(3),
         "GlobalSecondaryIndexes": [index("one", "HASH", "RANGE", "HASH")]},
        f"{INVALID}All HASH key attributes must precede RANGE key attributes in the KeySchema"),
    "an attribute of a key twice": (
        {**keys("HASH"), "GlobalSecondaryIndexes": [
            {**index("one"), "KeySchema": keys("HASH")["KeySchema"] * 2}]},
        "The KeySchema contains multiple key attributes with the same name"),
    "an attribute projected twice": (
        {**keys("HASH"), "GlobalSecondaryIndexes": [
            index("one", "HASH", ProjectionType="INCLUDE", NonKeyAttributes=["z", "z"])]},
        f"{INVALID}Duplicate element in NonKeyAttributes: z"),
    "attributes of a whole projection": (
        {**keys("HASH"), "GlobalSecondaryIndexes": [
            index("one", "HASH", ProjectionType="ALL", NonKeyAttributes=["z"])]},
        f"{INVALID}ProjectionType is ALL, but NonKeyAttributes is specified"),
}  # fmt: skip


@pytest.mark.parametrize(("layout", "message"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_that_no_table_has(layout: dict[str, Any], message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    Texts: recorded from AWS, github.com/architect/dynalite, test/createTable.js, and by the probes
    of October 2026 (ack-api-quirks, DDB-TABLE-042, 123, 126, 127, 442)
    """
    with exactly(message):
        new_table("orders", **layout)


def projecting(*counts: int) -> dict[str, Any]:
    """A table whose indexes copy so many attributes each."""
    indexes = [
        index(f"by-{place}", "HASH", ProjectionType="INCLUDE",
              NonKeyAttributes=[f"{place}-{n}" for n in range(count)])
        for place, count in enumerate(counts)
    ]  # fmt: skip
    return {**keys("HASH"), "GlobalSecondaryIndexes": indexes}


def test_indexes_copy_a_hundred_attributes_at_most() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html

    Text: cdk-preflight's rule pf-dynamodb-projection-nonkey-total, tried on AWS in September 2026
    (https://github.com/badmintoncryer/cdk-preflight/tree/main/rules/dynamodb)
    """
    told = "Number of projected attributes in all indexes exceeds limit of 100, number of projected"
    with exactly(f"{INVALID}{told} attributes:101"):
        new_table("orders", **projecting(20, 20, 20, 20, 20, 1))
    new_table("orders", **projecting(20, 20, 20, 20, 20))


def test_days_of_recovery_are_of_a_recovery_that_is_on() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
    Text: DDB-TABLE-442 (ack-api-quirks)
    """
    new_table("orders")
    update = aws("dynamodb").update_continuous_backups
    off = {"PointInTimeRecoveryEnabled": False, "RecoveryPeriodInDays": 5}
    told = "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time"
    with exactly(f"{told} recovery."):
        update(TableName="orders", PointInTimeRecoverySpecification=off)
    on = {**off, "PointInTimeRecoveryEnabled": True}
    update(TableName="orders", PointInTimeRecoverySpecification=on)


def test_what_is_told_of_a_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html"""
    made = new_table("orders", **keys("HASH"), GlobalSecondaryIndexes=[index("one", "HASH")])
    told = described("orders")
    assert told["TableId"] == made["TableId"]
    [one] = told["GlobalSecondaryIndexes"]
    assert one["IndexArn"] == f"{told['TableArn']}/index/one"
    assert (one["IndexSizeBytes"], one["ItemCount"]) == (0, 0)
    assert one["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
    billing = told["BillingModeSummary"]
    assert billing["BillingMode"] == "PAY_PER_REQUEST"
    assert billing["LastUpdateToPayPerRequestDateTime"] == told["CreationDateTime"]
    other = new_table(
        "provisioned",
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    assert "BillingModeSummary" not in other
    assert other["TableId"] != made["TableId"]


def test_what_is_told_of_a_deleted_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
    Seen of AWS by ScyllaDB's test_table.py: no layout, and not when it was made.
    """
    new_table("orders", GlobalSecondaryIndexes=[index("one", "HASH")], **keys("HASH"))
    told = aws("dynamodb").delete_table(TableName="orders")["TableDescription"]
    assert {"TableName", "TableStatus", "TableArn", "TableId", "ItemCount"} <= told.keys()
    left_out = {"KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "CreationDateTime"}
    assert not left_out & told.keys()


def test_a_stream_is_switched_on_and_off_once() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    "You receive a ValidationException if you try to enable a stream on a table that already has a
    stream, or if you try to disable a stream on a table that doesn't have a stream."
    Texts: DDB-TABLE-050 (ack-api-quirks, October 2026)
    """
    arn = new_table("orders", StreamSpecification=STREAM)["LatestStreamArn"]
    dynamodb, streams = aws("dynamodb"), aws("dynamodbstreams")
    with exactly("Table already has an enabled stream: TableName: orders"):
        dynamodb.update_table(TableName="orders", StreamSpecification=STREAM)
    off = {"StreamEnabled": False}
    dynamodb.update_table(TableName="orders", StreamSpecification=off)
    with exactly("Table has no stream to disable: TableName: orders"):
        dynamodb.update_table(TableName="orders", StreamSpecification=off)
    dynamodb.update_item(TableName="orders", Key=KEY)
    told = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert (told["StreamStatus"], told["StreamViewType"]) == ("DISABLED", "NEW_AND_OLD_IMAGES")
    for _ in range(2):
        assert described("orders")["LatestStreamArn"] == arn


def test_odd_questions_to_a_stream() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
    """
    arn = new_table("orders", StreamSpecification=STREAM)["LatestStreamArn"]
    streams = aws("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    after = streams.describe_stream(StreamArn=arn, ExclusiveStartShardId=shard["ShardId"])
    assert after["StreamDescription"]["Shards"] == []
    with refused("ResourceNotFoundException"):
        streams.describe_stream(StreamArn=f"{arn[:-3]}000")
    asked = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        with refused("ValidationException"):
            streams.get_shard_iterator(**asked, ShardIteratorType=kind)
    aws("dynamodb").put_item(TableName="orders", Item=KEY)
    aws("dynamodb").delete_item(TableName="orders", Key=KEY)
    first = streams.get_shard_iterator(**asked, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = streams.get_records(ShardIterator=first)["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "REMOVE"]
    for kind, number in (("AT_SEQUENCE_NUMBER", 2), ("AFTER_SEQUENCE_NUMBER", 1)):
        sequence = records[0]["dynamodb"]["SequenceNumber"]
        place = streams.get_shard_iterator(
            **asked, ShardIteratorType=kind, SequenceNumber=sequence
        )["ShardIterator"]
        assert len(streams.get_records(ShardIterator=place)["Records"]) == number
    with refused("ValidationException"):
        streams.get_records(ShardIterator=first, Limit=1001)


def test_time_to_live_is_switched_once() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
    Texts: github.com/hashicorp/terraform-provider-aws relies on them; how long it rests, half an
    hour: the probes of October 2026 (ack-api-quirks, DDB-TABLE-442)
    """
    new_table("orders")
    dynamodb = aws("dynamodb")

    def switch(name: str, *, on: bool) -> None:
        dynamodb.update_time_to_live(
            TableName="orders",
            TimeToLiveSpecification={"AttributeName": name, "Enabled": on},
        )

    with exactly("TimeToLive is already disabled"):
        switch("expires", on=False)
    switch("expires", on=True)
    with exactly("TimeToLive is already enabled"):
        switch("expires", on=True)
    with refused("ValidationException", "current AttributeName is expires"):
        switch("other", on=False)
    for minutes in (0, 29):
        later(minutes=minutes)
        with exactly("Time to live has been modified multiple times within a fixed interval"):
            switch("expires", on=False)
    later(minutes=1)
    switch("expires", on=False)


def test_the_limits_of_an_account() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    40,000 units for a table, 80,000 for an account.
    """
    told = aws("dynamodb").describe_limits()
    assert (told["TableMaxReadCapacityUnits"], told["AccountMaxWriteCapacityUnits"]) == (
        40000,
        80000,
    )
