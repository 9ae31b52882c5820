"""Buckets, customers' keys and people for the rules on S3."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.kms_people import ACCOUNT, REGION, later, policy, refused

__all__ = ["ACCOUNT", "REGION", "later", "policy", "refused"]
ALICE, BOB = b"a" * 32, b"b" * 32
SSE_C_ALLOWED = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
        }
    ]
}


def client(**parameters: Any) -> Any:
    """S3, called by the administrator; the client adds no checksums of its own."""
    config = Config(
        request_checksum_calculation="when_required", response_checksum_validation="when_required"
    )
    return boto3.client("s3", region_name=REGION, config=config, **parameters)


def bucket(name: str = "first-bucket", *, sse_c: bool = False, key_id: str | None = None) -> Any:
    """A new bucket's name; it takes SSE-C, or encrypts with a KMS key, where that is said."""
    client().create_bucket(Bucket=name)
    if sse_c:
        client().put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=SSE_C_ALLOWED)
    if key_id is not None:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_id}
        rules = [{"ApplyServerSideEncryptionByDefault": default}]
        client().put_bucket_encryption(
            Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules}
        )
    return name


def customer(key: bytes, prefix: str = "") -> dict[str, str]:
    """The parameters of SSE-C, ready to send."""
    return {
        f"{prefix}SSECustomerAlgorithm": "AES256",
        f"{prefix}SSECustomerKey": base64.b64encode(key).decode(),
        f"{prefix}SSECustomerKeyMD5": md5(key),
    }


def md5(data: bytes) -> str:
    """An MD5 as S3's headers have it."""
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def user(name: str, *statements: dict[str, Any]) -> Any:
    """S3, called by a new IAM user with these statements as policy."""
    iam = boto3.client("iam", region_name=REGION)
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return client(
        aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def arn_of(name: str) -> str:
    """The ARN of a user that `user` made."""
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(bucket_name: str, condition: dict[str, Any], action: str = "s3:PutObject") -> str:
    """A bucket policy with one Deny on everybody's objects."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket_name}/*",
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@contextmanager
def refused_with(status: int, code: str, message: str | None = None) -> Iterator[None]:
    """The block must be refused with this status, this code and, where given, this message."""
    with pytest.raises(ClientError) as caught:
        yield
    found = caught.value.response
    assert (found["ResponseMetadata"]["HTTPStatusCode"], found["Error"]["Code"]) == (status, code)
    if message is not None:
        assert found["Error"]["Message"] == message


def events(name: str) -> list[dict[str, Any]]:
    """CloudTrail's records of an operation, oldest first."""
    trail = boto3.client("cloudtrail", region_name=REGION)
    found = trail.lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
    )["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in reversed(found)]
