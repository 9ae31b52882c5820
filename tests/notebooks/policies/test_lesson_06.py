"""SSE-KMS: the smallest policies are enough for what they are shown for, and no more than that."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_s3_sse_kms"))
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"


@pytest.fixture
def lab() -> Lab:
    return start_lab()


def reports(*, bucket_key: bool) -> str:
    """The bucket "reports" under a key of its own: the key's ARN."""
    s3 = boto3.client("s3")
    key = str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
    s3.create_bucket(Bucket="reports")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
    s3.put_bucket_encryption(Bucket="reports", ServerSideEncryptionConfiguration={"Rules": [rule]})
    return key


def policy(title: str, key: str) -> dict[str, Any]:
    return with_names(blocks(LESSON, "json")[title], {EXAMPLE: key})


def test_a_reader_of_a_bucket_with_a_bucket_key(lab: Lab) -> None:
    key = reports(bucket_key=True)
    boto3.client("s3").put_object(Bucket="reports", Key="june", Body=b"report")

    def read(session: boto3.Session) -> None:
        body = session.client("s3").get_object(Bucket="reports", Key="june")["Body"]
        assert body.read() == b"report"

    confirm(lab, policy("The smallest policy of a reader", key), read)


def test_a_writer_of_a_bucket_without_one(lab: Lab) -> None:
    key = reports(bucket_key=False)

    def write(session: boto3.Session) -> None:
        session.client("s3").put_object(Bucket="reports", Key="june", Body=b"report")

    confirm(lab, policy("The smallest policy of a writer", key), write)


def test_the_bucket_policy_pins_the_key(lab: Lab) -> None:
    key = reports(bucket_key=True)
    other = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3 = boto3.client("s3")
    pinned = json.dumps(policy("A bucket policy that pins the key", key))
    s3.put_bucket_policy(Bucket="reports", Policy=pinned)
    by_kms = {"ServerSideEncryption": "aws:kms"}
    for fits in ({}, {**by_kms, "SSEKMSKeyId": key}):
        s3.put_object(Bucket="reports", Key="june", **fits)
        assert s3.head_object(Bucket="reports", Key="june")["SSEKMSKeyId"] == key
    for wrong in (by_kms, {**by_kms, "SSEKMSKeyId": other}, {"ServerSideEncryption": "AES256"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket="reports", Key="june", **wrong)
