"""The calls that S3 and DynamoDB make to KMS for a call, as `trace` shows them below it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.labs import as_before, sandbox_of
from workshop_lib import Lab, start_lab, trace

CARD = "4111 1111 1111 1111"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with as_before():
        yield start_lab()


def new_key() -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def new_bucket(lab: Lab) -> str:
    name = lab.name("notes")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def rows(calls: Any) -> list[list[str]]:
    """The lines of the short form, each cut into its cells."""
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in repr(calls).splitlines()[3:]
    ]


def test_s3_asks_kms_for_a_data_key_and_for_its_plaintext_in_your_name(lab: Lab) -> None:
    bucket, s3 = new_bucket(lab), boto3.client("s3")
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": new_key()}
    with trace(CARD) as calls:
        s3.put_object(Bucket=bucket, Key="k", Body=CARD, **kms)
        s3.get_object(Bucket=bucket, Key="k")
        s3.put_object(Bucket=bucket, Key="plain", Body=CARD)
    assert rows(calls) == [
        [f"S3 PutObject {bucket}/k", "readable: body", "nothing", "200"],
        ["↳ S3 → KMS GenerateDataKey, in your name", "nothing", "readable: data key", "200"],
        [f"S3 GetObject {bucket}/k", "nothing", "readable: body", "200"],
        ["↳ S3 → KMS Decrypt, in your name", "encrypted", "readable: data key", "200"],
        [f"S3 PutObject {bucket}/plain", "readable: body", "nothing", "200"],
    ]
    assert len(calls.table) == 3, "the table holds the block's own calls"
    assert calls._repr_html_().count('class="marked inner"') == 2


def test_what_kms_is_told_of_an_object_is_searched_as_well(lab: Lab) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: the object's
    ARN is in the encryption context.
    """
    bucket, s3 = new_bucket(lab), boto3.client("s3")
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": new_key()}
    with trace({"card": CARD}) as calls:
        s3.put_object(Bucket=bucket, Key=f"cards/{CARD}", Body=b"x", **kms)
    assert rows(calls)[1] == [
        "↳ S3 → KMS GenerateDataKey, in your name", "readable: body (card)",
        "readable: data key", "200",
    ]  # fmt: skip


def test_a_refusal_by_kms_stands_below_the_call_it_ended(lab: Lab) -> None:
    bucket, s3, key = new_bucket(lab), boto3.client("s3"), new_key()
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    s3.put_object(Bucket=bucket, Key="k", Body=CARD, **kms)
    boto3.client("kms").disable_key(KeyId=key)
    with pytest.raises(ClientError), trace(CARD) as calls:
        s3.get_object(Bucket=bucket, Key="k")
    assert rows(calls)[1] == [
        "↳ S3 → KMS Decrypt, in your name", "encrypted", "no answer", "DisabledException",
    ]  # fmt: skip


def test_dynamodb_asks_kms_when_a_table_key_is_made_and_again_when_it_has_forgotten_it(
    lab: Lab,
) -> None:
    dynamodb, name = boto3.client("dynamodb"), lab.name("orders")
    with trace(CARD) as calls:
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": new_key()},
        )
    made = [row[0] for row in rows(calls)[1:] if row[0].startswith("↳")]
    assert any("↳ DynamoDB → KMS" in each for each in made)
    lab.later(minutes=10)
    with trace(CARD) as calls:
        dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "card": {"S": CARD}})
        dynamodb.get_item(TableName=name, Key={"id": {"S": "1"}})
    kinds = [row[0].partition(",")[0] for row in rows(calls)]
    assert kinds == [
        f"DynamoDB PutItem {name}",
        "↳ DynamoDB → KMS Decrypt",
        f"DynamoDB GetItem {name}",  # the table key is still at hand
    ]


def test_without_secrets_the_inner_calls_are_listed_and_nothing_is_said_of_plaintext(
    lab: Lab,
) -> None:
    bucket = new_bucket(lab)
    with trace() as calls:
        boto3.client("s3").put_object(Bucket=bucket, Key="k", ServerSideEncryption="aws:kms")
    assert ["↳ S3 → KMS GenerateDataKey, in your name", "200"] in rows(calls)


def test_nobody_is_told_after_the_block_and_nested_traces_hear_the_same(lab: Lab) -> None:
    bucket, s3 = new_bucket(lab), boto3.client("s3")
    witnesses = sandbox_of(lab).witnesses
    with trace() as outer, trace() as inner:
        s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="aws:kms")
        assert len(witnesses) == 2
    assert witnesses == []
    assert repr(outer) == repr(inner)


def test_a_trace_across_a_new_lab_ends_in_peace(lab: Lab) -> None:
    with trace() as calls:
        boto3.client("s3").list_buckets()
        start_lab()
        boto3.client("s3").list_buckets()
    assert len(calls.table) == 2
