"""What a stream tells of changes, and what requests are refused for.

What the probes of October 2026 saw of AWS (ack-api-quirks, DDB-TABLE-…):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks; LocalStack's
snapshots: https://github.com/localstack/localstack, tests/aws/services/dynamodb and
dynamodbstreams.
"""

from typing import Any

import boto3
import pytest

from tests.support.dynamodb_tables import (
    ACCOUNT,
    ITEM,
    KEY,
    aws,
    invalid,
    later,
    new_table,
    put,
    refused,
)


def records(table: str, stream: str, region: str = "us-east-1") -> list[dict[str, Any]]:
    """All records of a stream."""
    client = boto3.client("dynamodbstreams", region_name=region)
    (shard,) = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    iterator = client.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return list(client.get_records(ShardIterator=iterator)["Records"])


def test_a_record_tells_the_bytes_of_a_change_and_nothing_of_what_did_not_change() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
    Sizes, version and the silence: LocalStack's snapshots, recorded from AWS in 2023 and 2024
    """
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    arn = new_table("orders", StreamSpecification=stream)["LatestStreamArn"]
    assert len(arn.rpartition("/")[2]) == len("2015-05-20T20:51:10.252")
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "Fred"}})
    for _ in range(2):
        item = {"id": {"S": "Fred"}, "name": {"S": "Fred"}}
        dynamodb.batch_write_item(RequestItems={"orders": [{"PutRequest": {"Item": item}}]})
    dynamodb.delete_item(TableName="orders", Key={"id": {"S": "Fred"}})
    found = records("orders", arn)
    assert [record["eventName"] for record in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record["dynamodb"]["SizeBytes"] for record in found] == [12, 26, 20]
    assert {record["eventVersion"] for record in found} == {"1.1"}
    west = boto3.client("dynamodb", region_name="eu-west-1")
    layout: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    made = west.create_table(TableName="orders", StreamSpecification=stream, **layout)
    west.put_item(TableName="orders", Item=ITEM)
    (record,) = records("orders", made["TableDescription"]["LatestStreamArn"], "eu-west-1")
    assert record["awsRegion"] == "eu-west-1"


STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def streamed(*names: str) -> str:
    """A new table orders with a stream, and items put into it; the stream's ARN."""
    arn: str = new_table("orders", StreamSpecification=STREAM)["LatestStreamArn"]
    for name in names:
        add(name)
    return arn


def add(name: str) -> None:
    aws("dynamodb").put_item(TableName="orders", Item={"id": {"S": name}})


def shard_of(arn: str) -> dict[str, Any]:
    [shard] = aws("dynamodbstreams").describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return dict(shard)


def iterator(arn: str, kind: str, number: str | None = None) -> str:
    more = {} if number is None else {"SequenceNumber": number}
    answer = aws("dynamodbstreams").get_shard_iterator(
        StreamArn=arn, ShardId=shard_of(arn)["ShardId"], ShardIteratorType=kind, **more
    )
    return str(answer["ShardIterator"])


def read(place: str, **more: Any) -> tuple[list[str], str | None]:
    """The ids of the items that a read is about, and the next iterator."""
    answer = aws("dynamodbstreams").get_records(ShardIterator=place, **more)
    ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in answer["Records"]]
    return ids, answer.get("NextShardIterator")


def test_iterators_begin_at_either_end_or_at_a_record() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html"""
    arn = streamed("a", "b", "c")
    latest = iterator(arn, "LATEST")
    assert read(latest)[0] == []
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records("orders", arn)]
    assert read(iterator(arn, "AT_SEQUENCE_NUMBER", numbers[1]))[0] == ["b", "c"]
    assert read(iterator(arn, "AFTER_SEQUENCE_NUMBER", numbers[1]))[0] == ["c"]
    add("d")
    assert read(latest)[0] == ["d"]
    found, place = read(iterator(arn, "TRIM_HORIZON"), Limit=3)
    assert found == ["a", "b", "c"]
    for expected in (["d"], [], []):
        assert place is not None, "an open shard has always a next record"
        found, place = read(place, Limit=3)
        assert found == expected
    for kind in ("TRIM_HORIZON", "LATEST"):
        with refused("ValidationException"):
            iterator(arn, kind, numbers[0])
    for number in ("1" * 40, "0" * 21, "9" * 20 + "x"):
        fits = number == "1" * 40  # it may come yet
        if fits:
            assert read(iterator(arn, "AT_SEQUENCE_NUMBER", number))[0] == []
            continue
        with refused("ValidationException"):
            iterator(arn, "AT_SEQUENCE_NUMBER", number)


def test_iterators_last_fifteen_minutes_and_records_a_day() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
    "A shard iterator expires 15 minutes after it is retrieved". "In DynamoDB Streams, there is a
    24-hour limit on data retention. Stream records whose age exceeds this limit are subject to
    removal (trimming) from the stream."
    """
    arn = streamed("a")
    [number] = [each["dynamodb"]["SequenceNumber"] for each in records("orders", arn)]
    place = iterator(arn, "TRIM_HORIZON")
    later(minutes=14)
    assert read(place)[0] == ["a"]
    later(minutes=1)
    with refused("ExpiredIteratorException"):
        read(place)
    later(hours=23)
    add("b")
    place = iterator(arn, "TRIM_HORIZON")
    assert read(place)[0] == ["a", "b"]
    later(minutes=50)
    assert read(iterator(arn, "TRIM_HORIZON"))[0] == ["b"]
    with refused("TrimmedDataAccessException"):
        iterator(arn, "AT_SEQUENCE_NUMBER", number)
    assert read(iterator(arn, "AFTER_SEQUENCE_NUMBER", number))[0] == ["b"]


def test_a_record_that_is_trimmed_under_an_iterator() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
    "You obtain a shard iterator, but before you use the iterator in a GetRecords request, a stream
    record in the shard exceeds the 24 hour period and is trimmed."
    """
    arn = streamed("a")
    later(hours=23, minutes=50)
    place = iterator(arn, "TRIM_HORIZON")
    later(minutes=11)
    with refused("TrimmedDataAccessException"):
        read(place)


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_a_stream_that_ended_is_read_to_its_end_for_a_day(how: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    And the probes of October 2026 (ack-api-quirks, DDB-TABLE-362, 367, 378, 386).
    """
    arn = streamed("a")
    dynamodb, streams = aws("dynamodb"), aws("dynamodbstreams")
    assert "EndingSequenceNumber" not in shard_of(arn)["SequenceNumberRange"]
    if how == "deleted":
        dynamodb.delete_table(TableName="orders")
        later(seconds=1)
        second = streamed("b")
    else:
        off = {"StreamEnabled": False}
        dynamodb.update_table(TableName="orders", StreamSpecification=off)
        add("unseen")
        told = dynamodb.describe_table(TableName="orders")["Table"]
        assert (told["LatestStreamArn"], "StreamSpecification" in told) == (arn, False)
        later(seconds=1)
        answer = dynamodb.update_table(TableName="orders", StreamSpecification=STREAM)
        second = answer["TableDescription"]["LatestStreamArn"]
        add("b")
    assert second != arn
    assert [each["StreamArn"] for each in streams.list_streams()["Streams"]] == [arn, second]
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert (description["StreamStatus"], description["TableName"]) == ("DISABLED", "orders")
    numbers = shard_of(arn)["SequenceNumberRange"]
    [record] = records("orders", arn)
    assert numbers["EndingSequenceNumber"] == record["dynamodb"]["SequenceNumber"]
    found, place = read(iterator(arn, "TRIM_HORIZON"))
    assert (found, place) == (["a"], None), "a closed shard has an end"
    assert [each["dynamodb"]["Keys"]["id"]["S"] for each in records("orders", second)] == ["b"]
    assert shard_of(arn)["ShardId"] != shard_of(second)["ShardId"]
    later(hours=24)
    with refused("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not"):
        streams.describe_stream(StreamArn=arn)
    assert [each["StreamArn"] for each in streams.list_streams()["Streams"]] == [second]


def test_streams_are_listed_by_table_and_page() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html"""
    made = [
        new_table(name, StreamSpecification=STREAM)["LatestStreamArn"]
        for name in ("one", "two", "three")
    ]
    streams = aws("dynamodbstreams")
    first = streams.list_streams(Limit=2)
    assert [each["StreamArn"] for each in first["Streams"]] == made[:2]
    assert first["LastEvaluatedStreamArn"] == made[1]
    rest = streams.list_streams(ExclusiveStartStreamArn=made[1], Limit=1)
    assert [each["TableName"] for each in rest["Streams"]] == ["three"]
    assert "LastEvaluatedStreamArn" not in rest
    [two] = streams.list_streams(TableName="two")["Streams"]
    assert (two["StreamArn"], two["StreamLabel"]) == (made[1], made[1].rpartition("/")[2])
    assert streams.list_streams(TableName="none")["Streams"] == []
    with refused("ValidationException"):
        streams.list_streams(Limit=101)
    other = boto3.client("dynamodbstreams", region_name="eu-west-1")
    assert other.list_streams()["Streams"] == []
    with refused("ResourceNotFoundException", "not found"):
        other.describe_stream(StreamArn=made[0])


def test_what_dynamodb_does_not_take() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
    Texts: LocalStack's snapshots, recorded from AWS in 2023; DDB-TABLE-101 (ack-api-quirks)
    """
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    with invalid(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        "PAY_PER_REQUEST"
    ):
        new_table("orders", ProvisionedThroughput=throughput)
    new_table("orders")
    put("orders")
    without = {"PutRequest": {"Item": {"card": {"S": "4111"}}}}
    delete = {"DeleteRequest": {"Key": KEY}}
    with refused("ValidationException", "The provided key element does not match the schema"):
        aws("dynamodb").batch_write_item(RequestItems={"orders": [delete, without]})
    arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/none"
    told = f"Requested resource not found: ResourceArn: {arn} not found"
    with refused("ResourceNotFoundException", told):
        aws("dynamodb").tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
