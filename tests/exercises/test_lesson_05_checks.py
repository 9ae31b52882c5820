"""Lesson 05's checks name the common wrong answers."""

import json
from typing import Any

import boto3
import pytest

from workshop_lib.exercises import examine
from workshop_lib.lab import Lab, start_lab

HEADER = "s3:x-amz-server-side-encryption"
KEY_ID = HEADER + "-aws-kms-key-id"
WRONG = {"StringNotEquals": {HEADER: "AES256"}}


@pytest.fixture
def lab(capsys: pytest.CaptureFixture[str]) -> Lab:
    return start_lab()


def make(lab: Lab, number: str, *statements: tuple[dict[str, Any], str, list[str]]) -> str:
    """A tagged bucket with a policy of (condition, action, resource endings)."""
    s3, name = boto3.client("s3"), lab.name("exercise")
    s3.create_bucket(Bucket=name)
    tags = {"TagSet": [{"Key": "exercise", "Value": number}]}
    s3.put_bucket_tagging(Bucket=name, Tagging=tags)
    document = [
        {"Effect": "Deny", "Principal": "*", "Action": action, "Condition": condition,
         "Resource": [f"arn:aws:s3:::{name}{ending}" for ending in endings]}
        for condition, action, endings in statements
    ]  # fmt: skip
    if document:
        policy = json.dumps({"Version": "2012-10-17", "Statement": document})
        s3.put_bucket_policy(Bucket=name, Policy=policy)
    return name


def upload(condition: dict[str, Any]) -> tuple[dict[str, Any], str, list[str]]:
    return condition, "s3:PutObject", ["/*"]


PRESENT = {"Null": {HEADER: "false"}}
RIGHT = {**WRONG, **PRESENT}


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([], "the bucket has no policy"),
        ([upload(WRONG)], "an upload without a header is refused"),
        ([upload({"StringNotEqualsIfExists": {HEADER: "AES256"}})], "without a header is refused"),
        ([upload(WRONG), upload(PRESENT)], "an upload with AES256 is refused"),
        ([upload({"Null": {HEADER: "true"}})], "an upload with aws:kms is accepted"),
        ([(WRONG, "s3:*", ["/*"])], "refuses the deletion"),
        ([(WRONG, "s3:*", ["", "/*"])], "no bucket carries the tag"),
    ],
)
def test_a_policy_that_misses_4_1(lab: Lab, statements: list[Any], said: str) -> None:
    make(lab, "5.1", *statements)
    result = examine("5.1", lab)
    assert not result.done
    assert result.error is None
    assert said in str(result)


def test_4_1_leaves_nothing_behind(lab: Lab) -> None:
    name = make(lab, "5.1", upload(RIGHT))
    s3 = boto3.client("s3")
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    assert examine("5.1", lab).done
    left = s3.list_object_versions(Bucket=name)
    assert "Versions" not in left
    assert "DeleteMarkers" not in left


PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
TLS = (PLAIN, "s3:*", ["", "/*"])


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([(PLAIN, "s3:*", ["/*"]), "this key"], "listing the bucket without TLS is answered"),
        ([(PLAIN, "s3:*", [""]), "this key"], "a call on an object without TLS is answered"),
        ([(PLAIN, "s3:PutObject", ["/*"]), "this key"], "a call on an object without TLS"),
        (
            [(PLAIN, ["s3:GetObject", "s3:ListBucket"], ["", "/*"]), "this key"],
            "asking for its encryption without TLS is answered",
        ),
        ([TLS], "an upload without a header is accepted"),
        ([TLS, upload({"Null": {KEY_ID: "true"}})], "the policy lets uploads name any key"),
        (
            [TLS, upload({"StringNotEquals": {HEADER: "aws:kms"}})],
            "an upload with aws:kms and no key is accepted",
        ),
        (
            [TLS, upload({"ArnNotEqualsIfExists": {KEY_ID: "arn:aws:kms:us-east-1:1:key/x"}})],
            "an upload that names the bucket's own key is refused",
        ),
    ],
)
def test_a_policy_that_misses_4_2(lab: Lab, statements: list[Any], said: str) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    this_key = upload({"ArnNotEqualsIfExists": {KEY_ID: key}})
    name = make(lab, "5.2", *[this_key if s == "this key" else s for s in statements])
    set_default(name, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key})
    result = examine("5.2", lab)
    assert not result.done
    assert result.error is None
    assert said in str(result)


@pytest.mark.parametrize(
    ("default", "said"),
    [
        ({"SSEAlgorithm": "AES256"}, "its default encryption is AES256"),
        ({"SSEAlgorithm": "aws:kms"}, "its default names no key"),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/aws/s3"}, "AWS managed"),
    ],
)
def test_a_default_that_misses_4_2(lab: Lab, default: dict[str, str], said: str) -> None:
    set_default(make(lab, "5.2", TLS), default)
    result = examine("5.2", lab)
    assert not result.done
    assert result.error is None
    assert said in str(result)


def set_default(bucket: str, default: dict[str, str]) -> None:
    boto3.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )
