"""The checks of lesson 07 name the common wrong answers."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from workshop_lib.exercises import examine
from workshop_lib.lab import Lab, start_lab

ALGORITHM = "s3:x-amz-server-side-encryption-customer-algorithm"
HEADER = "s3:x-amz-server-side-encryption"
OLD, NEW = (hashlib.sha256(text).digest() for text in (b"old 7.1", b"exercise 7.1"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = start_lab()
    yield lab
    lab.cleanup()


def bucket(lab: Lab, number: str, blocked: str = "NONE") -> str:
    s3, name = boto3.client("s3"), lab.name("check")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "exercise", "Value": number}]})
    rule: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": [blocked]},
    }
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name


def put(name: str, key: bytes | None, body: bytes = b"kept") -> None:
    own: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key} if key else {}
    boto3.client("s3").put_object(Bucket=name, Key="report.txt", Body=body, **own)


def policy(name: str, condition: dict[str, Any]) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=document)


def found(lab: Lab, number: str) -> str:
    result = examine(number, lab)
    assert result.error is None
    return "done" if result.done else str(result)


@pytest.mark.parametrize(
    ("key", "body", "says"),
    [
        (NEW, b"kept", "done"),
        (OLD, b"kept", "the old key still opens it"),
        (bytes(32), b"kept", "neither the old nor the new key"),
        (None, b"kept", "not encrypted with SSE-C"),
        (NEW, b"other", "its content is 5 bytes"),
    ],
    ids=["new key", "old key", "some key", "no key", "other content"],
)
def test_6_1_says_which_key_opens_the_object(
    lab: Lab, key: bytes | None, body: bytes, says: str
) -> None:
    put(bucket(lab, "7.1"), key, body)
    assert says in found(lab, "7.1")


def test_6_1_without_an_object(lab: Lab) -> None:
    bucket(lab, "7.1")
    assert "there is no object report.txt" in found(lab, "7.1")


def test_6_1_finds_the_version_left_under_the_old_key(lab: Lab) -> None:
    name = bucket(lab, "7.1")
    boto3.client("s3").put_bucket_versioning(
        Bucket=name, VersioningConfiguration={"Status": "Enabled"}
    )
    put(name, OLD)
    put(name, NEW)
    assert "an older one is left" in found(lab, "7.1")


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"Null": {ALGORITHM: "false"}}, "done"),
        ({"Null": {ALGORITHM: "true"}}, "an upload with SSE-KMS is refused"),
        ({"StringEquals": {ALGORITHM: "SSE-C"}}, "an upload with SSE-C is let through"),
        ({"StringEquals": {ALGORITHM: "AES256"}}, "done"),
        ({"StringNotEquals": {HEADER: "aws:kms"}}, "an upload without a header is refused"),
    ],
)
def test_6_2_puts_the_policy_to_the_test(lab: Lab, condition: dict[str, Any], says: str) -> None:
    name = bucket(lab, "7.2")
    policy(name, condition)
    assert says in found(lab, "7.2")
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=name)


def test_6_2_without_a_policy(lab: Lab) -> None:
    bucket(lab, "7.2")
    assert "it has no policy" in found(lab, "7.2")


def test_6_2_with_the_block_left_on(lab: Lab) -> None:
    policy(bucket(lab, "7.2", blocked="SSE-C"), {"Null": {ALGORITHM: "false"}})
    assert "its setting blocks SSE-C" in found(lab, "7.2")
