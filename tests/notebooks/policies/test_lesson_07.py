"""SSE-C and foreign keys: the bucket policy keeps both out; the smallest policy is just enough."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_s3_sse_c"))
BUCKET = "example-ledger"
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
LEDGER = {"Bucket": BUCKET, "Key": "ledger.csv"}
OLD, NEW = ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes([n]) * 32} for n in (1, 2))


@pytest.fixture
def lab() -> Lab:
    """A lab with a bucket that takes SSE-C, and an object in it under the default encryption."""
    lab, s3 = start_lab(), boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    rule: Any = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
    }
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(**LEDGER, Body=b"ledger")
    return lab


def test_the_bucket_policy_keeps_customer_keys_and_foreign_keys_out(lab: Lab) -> None:
    s3, own = boto3.client("s3"), boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    kms = lab.account("attacker").client("kms")
    foreign = kms.create_key()["KeyMetadata"]["Arn"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    kms.put_key_policy(KeyId=foreign, Policy=document)
    by_kms = {"ServerSideEncryption": "aws:kms"}

    def rewrite(**headers: Any) -> Callable[[], object]:
        return lambda: s3.copy_object(**LEDGER, CopySource=LEDGER, **headers)

    rewrite(**by_kms, SSEKMSKeyId=foreign)()  # without the policy nothing stops it
    s3.put_object(**LEDGER, Body=b"ledger")
    title = "The bucket policy"
    policy = with_names(blocks(LESSON, "json")[title], {EXAMPLE: own, BUCKET: BUCKET})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    for refused in (rewrite(**by_kms, SSEKMSKeyId=foreign), rewrite(**OLD)):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    s3.put_object(**LEDGER, Body=b"ledger")
    rewrite(**by_kms, SSEKMSKeyId=own)()


def test_a_writer_that_re_keys(lab: Lab) -> None:
    source = {"CopySource" + name: value for name, value in OLD.items()}

    def re_key(session: boto3.Session) -> None:
        s3 = session.client("s3")
        s3.put_object(**LEDGER, Body=b"ledger", **OLD)
        s3.copy_object(**LEDGER, CopySource=LEDGER, **source, **NEW)
        assert s3.get_object(**LEDGER, **NEW)["Body"].read() == b"ledger"

    title = "The smallest policy of a writer"
    confirm(lab, with_names(blocks(LESSON, "json")[title], {BUCKET: BUCKET}), re_key)
