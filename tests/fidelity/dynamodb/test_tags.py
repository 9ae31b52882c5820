"""Tags of tables: what they may say, and how many there may be.

Texts: the probes of October 2026 (DDB-TABLE-105, 107, 108, 372, 442):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TaggingRestrictions.html
"""

from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.dynamodb_tables import TABLES, aws, exactly, invalid, new_table, refused

ORDERS = f"{TABLES}orders"


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def listed() -> dict[str, str]:
    found = aws("dynamodb").list_tags_of_resource(ResourceArn=ORDERS)["Tags"]
    assert len({tag["Key"] for tag in found}) == len(found)
    return {tag["Key"]: tag["Value"] for tag in found}


@pytest.mark.parametrize("key", ["aws:owner", "AWS:owner", "Aws:", "aws:"])
def test_the_prefix_aws_is_reserved(key: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Tag.html
    "AWS-assigned tag names and values are automatically assigned the aws: prefix, which the user
    cannot assign."
    """
    tagged = [*tags(good="1"), {"Key": key, "Value": "x"}]
    told = f"Tag Key cannot be prefixed with aws:, Key: {key}"
    with exactly(told):
        new_table("others", Tags=tagged)
    assert aws("dynamodb").list_tables()["TableNames"] == []
    new_table("orders")
    with exactly(told):
        aws("dynamodb").tag_resource(ResourceArn=ORDERS, Tags=tagged)
    with exactly(told):
        aws("dynamodb").untag_resource(ResourceArn=ORDERS, TagKeys=[key])
    assert listed() == {}
    aws("dynamodb").tag_resource(ResourceArn=ORDERS, Tags=[{"Key": "my" + key, "Value": "aws:x"}])
    assert listed() == {"my" + key: "aws:x"}


REFUSED: dict[str, tuple[list[dict[str, str]], str]] = {
    "no tag": ([], "Atleast one Tag needs to be provided as Input."),
    "a long key": (tags(**{"k" * 129: "v"}), f"The Tag Key provided is invalid, Key: {'k' * 129}"),
    "no key": (tags(**{"": "v"}), "The Tag Key provided is invalid, Key: "),
    "a sign in a key": (tags(**{"a,b": "v"}), "The Tag Key provided is invalid, Key: a,b"),
    "a sign in a value": (tags(a="100%"), "The Tag Value provided is invalid, Value: 100%"),
    "an emoji": (tags(a="\N{KEY}"), "The Tag Value provided is invalid, Value: \N{KEY}"),
    "a long value": (tags(a="v" * 257), f"The Tag Value provided is invalid, Value: {'v' * 257}"),
    "a key twice": (
        [*tags(dup="1"), *tags(dup="2")],
        "Duplicate Tag Keys provided as input: Duplicate Tag Key found dup"),
    "51 tags": (
        tags(**{f"k{number}": "v" for number in range(51)}),
        "Number of Tags exceed the current limit for the provided ResourceArn"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "message"), REFUSED.values(), ids=REFUSED)
def test_tags_that_no_table_has(asked: list[dict[str, str]], message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TaggingRestrictions.html"""
    client: Any = boto3.client(
        "dynamodb", region_name="us-east-1", config=Config(parameter_validation=False)
    )
    new_table("orders")
    with exactly(message):
        client.tag_resource(ResourceArn=ORDERS, Tags=asked)
    assert listed() == {}


def test_a_table_has_fifty_tags_and_each_key_once() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TaggingRestrictions.html
    "If you try to add an existing tag (same key), the existing tag value is updated to the new
    value."
    """
    new_table("orders", Tags=[])
    fifty = {f"k{number}": "v" * 256 for number in range(50)}
    client = aws("dynamodb")
    client.tag_resource(ResourceArn=ORDERS, Tags=tags(**fifty))
    client.tag_resource(ResourceArn=ORDERS, Tags=tags(k1="new"))
    assert listed() == {**fifty, "k1": "new"}
    with exactly("Number of Tags exceed the current limit for the provided ResourceArn"):
        client.tag_resource(ResourceArn=ORDERS, Tags=tags(k1="newer", k51="v"))
    assert listed() == {**fifty, "k1": "new"}
    client.untag_resource(ResourceArn=ORDERS, TagKeys=["k2", "never", "k2"])
    assert "k2" not in listed()


def test_what_carries_no_tags() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html"""
    new_table("orders")
    client = aws("dynamodb")
    for arn, message in (
        ("orders", "ARNs must start with 'arn:': orders"),
        ("arn:aws:s3:::orders", "Provided Arn is not a DynamoDB resource arn: arn:aws:s3:::orders"),
        (f"{ORDERS}/backup/01", f"Provided Arn is not a DynamoDB resource arn: {ORDERS}/backup/01"),
        (f"{ORDERS}/index/one", "Invalid resource arn provided, only table or stream is accepted. "
         f"Provided resource arn: {ORDERS}/index/one"),
    ):  # fmt: skip
        with invalid(message):
            client.tag_resource(ResourceArn=arn, Tags=tags(a="b"))
        with invalid(message):
            client.list_tags_of_resource(ResourceArn=arn)
    with refused("ResourceNotFoundException", f"{TABLES}none not found"):
        client.tag_resource(ResourceArn=f"{TABLES}none", Tags=tags(a="b"))
