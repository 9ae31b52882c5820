"""What a bucket does with an upload or a request without TLS, tried out and tidied up."""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.inspection import Inspection

TRY = "exercise-check"
"""The name of what a check uploads, or attaches to a role, for a moment."""


def upload(inspection: Inspection, bucket: str, **headers: Any) -> str:
    """Upload a byte: "stored", or the code of the refusal. What was stored is deleted again."""
    try:
        stored = boto3.client("s3").put_object(Bucket=bucket, Key=TRY, Body=b"x", **headers)
    except ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    too_much = (
        "the policy refuses the deletion of an object, which carries no such header",
        'Let "Action" of the statement about uploads be s3:PutObject alone.',
    )
    with inspection.asking({"AccessDenied": too_much}):
        delete(bucket, TRY, stored)
    return "stored"


def delete(bucket: str, name: str, stored: dict[str, Any]) -> None:
    """Delete what an upload stored; ``stored`` is the answer to it, which names the version."""
    version = {"VersionId": stored["VersionId"]} if "VersionId" in stored else {}
    boto3.client("s3").delete_object(Bucket=bucket, Key=name, **version)


def refuses_plain_http(inspection: Inspection, bucket: str, *, configuration: bool = False) -> None:
    """The bucket answers nothing without TLS; with ``configuration`` that is asked for as well."""
    plain = boto3.client("s3", use_ssl=False)
    answered: list[tuple[str, Callable[[], Any], str]] = [
        ("a call on an object", lambda: _on_an_object(plain, bucket), f"{bucket}/*"),
        ("listing the bucket", lambda: plain.list_objects_v2(Bucket=bucket), bucket),
    ]
    if configuration:
        asking = "asking for its encryption"
        answered.append((asking, lambda: plain.get_bucket_encryption(Bucket=bucket), bucket))
    for what, call, resource in answered:
        inspection.expect(
            refused(call),
            passed=f"{what} without TLS is refused",
            failed=f"{what} without TLS is answered",
            fix=f'Deny s3:* on arn:aws:s3:::{resource} with "Bool": '
            '{"aws:SecureTransport": "false"}.',
        )


def _on_an_object(s3: Any, bucket: str) -> None:
    """Two calls on an object that is not there; the first is answered in another way than 403.

    HEAD alone would not tell: without the permission to list, it is 403 for what is not there.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    try:
        s3.list_parts(Bucket=bucket, Key=TRY, UploadId="none")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            return
    s3.head_object(Bucket=bucket, Key=TRY)


def refused(call: Callable[[], Any]) -> bool:
    """Whether a call is answered with 403."""
    try:
        call()
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 403)
    return False
