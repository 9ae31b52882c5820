"""What a stream tells of changes, and what requests are refused for."""

from typing import Any

import boto3

from tests.support.dynamodb_tables import ACCOUNT, ITEM, KEY, aws, invalid, new_table, put, refused


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


def test_what_dynamodb_does_not_take() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
    Texts: LocalStack's snapshots, recorded from AWS in 2023; dynalite's tests of tags
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
    told = f"Requested resource not found: ResourcArn: {arn} not found"
    with refused("ResourceNotFoundException", told):
        aws("dynamodb").tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
