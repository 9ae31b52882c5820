"""Exercises of lesson 07: Amazon S3 with customer-provided keys."""

import base64
import hashlib
import secrets
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.bucket_trials import callers, loopholes, obstacles
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise

_OBJECT = "report.txt"
_ALGORITHM = "s3:x-amz-server-side-encryption-customer-algorithm"


@exercise("7.1", "an object re-keyed in place")
def rekeyed(inspection: Inspection) -> None:
    """report.txt of the tagged bucket opens under the new key and no longer under the old one."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    answers = {
        "NoSuchKey": (
            f"there is no object {_OBJECT} in it",
            f'Store it: s3.put_object(Bucket=…, Key="{_OBJECT}", Body=b"kept", …).',
        ),
        "InvalidRequest": (
            f"{_OBJECT} is not encrypted with SSE-C",
            "Name SSECustomerAlgorithm and SSECustomerKey in the copy, not only for its source.",
        ),
    }
    with inspection.asking(answers):
        opened = _opened(bucket, b"exercise 7.1")
    if opened is None:
        with inspection.asking(answers):
            still_old = _opened(bucket, b"old 7.1") is not None
        if still_old:
            inspection.fail("the old key still opens it", "Copy it onto itself, as in step 4a.")
        inspection.fail(
            "neither the old nor the new key opens it",
            'The new key is hashlib.sha256(b"exercise 7.1").digest().',
        )
    inspection.passed("the new key opens it, and so the old one does not")
    inspection.expect(
        opened == b"kept",
        passed="its content is what was stored",
        failed=f"its content is {len(opened)} bytes that are not b'kept'",
        fix='Store Body=b"kept" and copy that object.',
    )
    older, copies = _left(bucket)
    inspection.expect(
        not older,
        passed="no older version of it is left under another key",
        failed="the bucket keeps versions: an older one is left that the new key does not open",
        fix="Delete the older version, or start again in a bucket without versioning.",
    )
    inspection.expect(
        not copies,
        passed="nothing else in the bucket holds its content under the old key, or without one",
        failed=f"{copies[0] if copies else ''} holds it too, under the old key or without one",
        fix="Delete it, with its versions: else the new key guards one copy only.",
    )


@exercise("7.2", "a bucket that refuses SSE-C by policy")
def refused_by_policy(inspection: Inspection) -> None:
    """The tagged bucket's setting blocks nothing; its policy refuses SSE-C, nothing else."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    s3 = boto3.client("s3")
    inspection.require(
        "SSE-C" not in _blocked(bucket),
        passed="its setting blocks no method",
        failed="its setting blocks SSE-C, so the policy is never put to the test",
        fix='Call put_bucket_encryption with BlockedEncryptionTypes of ["NONE"] (step 1d).',
    )
    answers = {
        "NoSuchBucketPolicy": (
            "it has no policy",
            "Call s3.put_bucket_policy (steps 6d and 6e).",
        )
    }
    with inspection.asking(answers):
        s3.get_bucket_policy(Bucket=bucket)
    inspection.passed("it has a policy")
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
    inspection.expect(
        not _may_put(bucket, **key),
        passed="an upload with SSE-C is refused",
        failed="an upload with SSE-C is let through",
        fix=f'Deny s3:PutObject on {bucket}/* with Null {{"{_ALGORITHM}": "false"}}.',
    )
    inspection.expect(
        _may_put(bucket),
        passed="an upload without a header is let through",
        failed="an upload without a header is refused",
        fix='Let the condition be about the customer algorithm alone: its Null is "false".',
    )
    inspection.expect(
        _may_put(bucket, ServerSideEncryption="aws:kms"),
        passed="an upload with SSE-KMS is let through",
        failed="an upload with SSE-KMS is refused",
        fix='Deny only where the customer algorithm is present: Null is "false", not "true".',
    )
    if not all(step.ok for step in inspection.steps):
        return  # for you it does not hold yet; others would only say it again
    with callers() as sessions:
        open_to = loopholes(inspection, sessions, bucket, key, {})
        inspection.expect(
            not open_to,
            passed="SSE-C is refused to you and to another role, under other names, as a copy and "
            "in parts",
            failed=f"SSE-C is let through all the same: {', '.join(open_to[:1])}",
            fix='Deny s3:PutObject to "Principal": "*" on all objects of the bucket, /*.',
        )
        stopped = obstacles(inspection, sessions, bucket, {})
        by_kms = {"ServerSideEncryption": "aws:kms"}
        stopped += obstacles(inspection, sessions, bucket, by_kms)
        # KMS does not know this key, and is asked only if the policy lets the upload pass
        named = {**by_kms, "SSEKMSKeyId": "00000000-0000-0000-0000-000000000000"}
        stopped += obstacles(inspection, sessions, bucket, named)
        inspection.expect(
            not stopped,
            passed="uploads without SSE-C go through for another role too, and as copies",
            failed=f"an upload without SSE-C is refused: {', '.join(stopped[:1])}",
            fix="Let the Deny look at the customer algorithm, and at nothing else.",
        )


@exercise("7.3", "a bucket that left SSE-C behind")
def left_behind(inspection: Inspection) -> None:
    """The tagged bucket blocks SSE-C, still holds such an object, and a copy that needs no key."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    answers = {
        "NoSuchKey": (
            "there is no object old.txt in it",
            'Store it with SSE-C while the bucket takes that: block(…, "NONE"), as in step 8a.',
        ),
        "InvalidRequest": (
            "old.txt is not encrypted with SSE-C",
            "Name SSECustomerAlgorithm and SSECustomerKey when you store it.",
        ),
    }
    with inspection.asking(answers):
        opened = _opened(bucket, b"exercise 7.3", "old.txt")
    inspection.require(
        opened == b"kept",
        passed="old.txt opens with its key",
        failed="another key than the exercise's opens old.txt"
        if opened is None
        else "the content of old.txt is not b'kept'",
        fix='Store Body=b"kept" under the key hashlib.sha256(b"exercise 7.3").digest().',
    )
    _needs_no_key(inspection, bucket)
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
    inspection.require(
        "SSE-C" in _blocked(bucket),
        passed="its setting blocks SSE-C",
        failed="its setting does not block SSE-C",
        fix='Call put_bucket_encryption with BlockedEncryptionTypes of ["SSE-C"] (step 8a).',
    )
    inspection.expect(
        not _may_put(bucket, **key),
        passed="a new object with SSE-C is refused",
        failed="a new object with SSE-C is let through",
        fix='Call put_bucket_encryption with BlockedEncryptionTypes of ["SSE-C"] (step 8a).',
    )


def _needs_no_key(inspection: Inspection, bucket: str) -> None:
    """moved.txt is read without a key, and holds what old.txt holds."""
    answers = {
        "NoSuchKey": (
            "there is no object moved.txt in it",
            "Copy old.txt to it, with the key for the source only (step 8c).",
        ),
        "InvalidRequest": (
            "moved.txt is still under SSE-C",
            "Name the key as CopySourceSSECustomerKey only: the target gets the bucket's default.",
        ),
    }
    with inspection.asking(answers):
        answer = boto3.client("s3").get_object(Bucket=bucket, Key="moved.txt")
    inspection.expect(
        answer["Body"].read() == b"kept",
        passed=f"moved.txt needs no key: it is under {answer['ServerSideEncryption']}",
        failed="the content of moved.txt is not that of old.txt",
        fix="Copy old.txt to it (step 8c).",
    )
    rule = _rule(bucket)["ApplyServerSideEncryptionByDefault"]
    method, wanted = answer["ServerSideEncryption"], rule["SSEAlgorithm"]
    inspection.require(
        method == wanted,
        passed=f"that is the bucket's default, {wanted}",
        failed=f"moved.txt is under {method}, the bucket's default is {wanted}",
        fix="Copy old.txt to it once more, without a header for the target's encryption.",
    )
    if "KMSMasterKeyID" in rule:
        key = inspection.key_named(rule["KMSMasterKeyID"])
        inspection.expect(
            answer["SSEKMSKeyId"] == key["Arn"],
            passed=f"it is under the default's key {key['KeyId']}",
            failed="moved.txt is under another key than the bucket's default",
            fix="Copy old.txt to it once more, without a header for the target's encryption.",
        )


def _blocked(bucket: str) -> list[str]:
    """The methods that the bucket's setting blocks."""
    blocked: list[str] = _rule(bucket).get("BlockedEncryptionTypes", {}).get("EncryptionType", [])
    return blocked


def _rule(bucket: str) -> dict[str, Any]:
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule


def _opened(bucket: str, text: bytes, name: str = _OBJECT) -> bytes | None:
    """The object's content under the key that a text stands for; None if another key is needed."""
    try:
        answer = boto3.client("s3").get_object(
            Bucket=bucket,
            Key=name,
            SSECustomerAlgorithm="AES256",
            SSECustomerKey=hashlib.sha256(text).digest(),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return None
    content: bytes = answer["Body"].read()
    return content


def _left(bucket: str) -> tuple[bool, list[str]]:
    """Whether an older version of the report needs another key, and what else holds its content."""
    pages = boto3.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    older, copies = False, []
    for page in pages:
        for version in page.get("Versions", []):
            name, place = version["Key"], {"VersionId": version["VersionId"]}
            if name == _OBJECT:
                older = older or _content(bucket, name, b"exercise 7.1", **place) is None
            elif b"kept" in (
                _content(bucket, name, b"old 7.1", **place),
                _content(bucket, name, None, **place),
            ):
                copies.append(name)
    return older, sorted(set(copies))


def _content(bucket: str, name: str, text: bytes | None, **version: str) -> bytes | None:
    """What a version holds, read with the key of a text or with none; None if that is not it."""
    key: dict[str, Any] = {}
    if text is not None:
        own = hashlib.sha256(text).digest()
        key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": own}
    try:
        answer = boto3.client("s3").get_object(Bucket=bucket, Key=name, **version, **key)
    except ClientError:
        return None
    content: bytes = answer["Body"].read()
    return content


def _may_put(bucket: str, **encryption: Any) -> bool:
    """Whether an upload would be let through. Its digest is wrong, so that nothing is stored."""
    wrong = base64.b64encode(bytes(16)).decode()
    try:
        boto3.client("s3").put_object(
            Bucket=bucket, Key=secrets.token_hex(8), Body=b"check", ContentMD5=wrong, **encryption
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("AccessDenied", "BadDigest"):
            raise
        return bool(code == "BadDigest")
    return True
