"""SSE-S3: the bucket policy does what the page says; the smallest policies are just enough."""

import json
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_s3_sse_s3"))
BUCKET = "example-letters"
TARGET = {"Bucket": BUCKET, "Key": "letter"}


@pytest.fixture
def lab() -> Lab:
    lab = start_lab()
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    boto3.client("s3").put_object(**TARGET, Body=b"letter")
    return lab


def policy(title: str) -> dict[str, object]:
    return with_names(blocks(LESSON, "json")[title], {BUCKET: BUCKET})


def test_the_bucket_policy_wants_tls_and_no_other_method(lab: Lab) -> None:
    s3, plain = boto3.client("s3"), boto3.client("s3", use_ssl=False)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy("The bucket policy")))
    s3.put_object(**TARGET, Body=b"letter")
    s3.put_object(**TARGET, Body=b"letter", ServerSideEncryption="AES256")
    calls: list[Callable[[], object]] = [
        lambda: s3.put_object(**TARGET, Body=b"letter", ServerSideEncryption="aws:kms"),
        lambda: plain.get_object(**TARGET),
        lambda: plain.list_objects_v2(Bucket=BUCKET),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_a_reader_needs_no_permission_on_a_key(lab: Lab) -> None:
    def read(session: boto3.Session) -> None:
        assert session.client("s3").get_object(**TARGET)["Body"].read() == b"letter"

    confirm(lab, policy("The smallest policy of a reader"), read)


def test_an_auditor_reads_no_object(lab: Lab) -> None:
    statements = json.dumps(policy("The bucket policy"))
    boto3.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=statements)

    def look(session: boto3.Session) -> None:
        s3 = session.client("s3")
        s3.get_bucket_encryption(Bucket=BUCKET)
        s3.get_bucket_policy(Bucket=BUCKET)
        s3.list_objects_v2(Bucket=BUCKET)

    smallest = policy("The smallest policy of an auditor")
    confirm(lab, smallest, look)
    with pytest.raises(ClientError, match="AccessDenied"):
        role_session(lab, smallest).client("s3").get_object(**TARGET)
