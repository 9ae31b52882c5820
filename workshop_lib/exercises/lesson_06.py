"""Exercises of lesson 06: S3 with SSE-KMS."""

from collections.abc import Sequence
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import resources
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise

NOTE = "note.txt"


@exercise("6.1", "a bucket under a key of your own, with a Bucket Key")
def own_default(inspection: Inspection) -> None:
    """The tagged bucket's default is SSE-KMS under a customer managed key, Bucket Key enabled."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    rule = _default(bucket)
    wanted = rule["ApplyServerSideEncryptionByDefault"]
    inspection.require(
        wanted["SSEAlgorithm"] == "aws:kms",
        passed="its default encryption is aws:kms",
        failed=f"its default encryption is {wanted['SSEAlgorithm']}, not aws:kms",
        fix='Call put_bucket_encryption with "SSEAlgorithm": "aws:kms".',
    )
    if "KMSMasterKeyID" not in wanted:
        inspection.fail(
            "its default names no key, so it is the AWS managed one",
            "Put KMSMasterKeyID, the ARN of a key of yours, beside SSEAlgorithm.",
        )
    inspection.own_key(_key(inspection, wanted["KMSMasterKeyID"]))
    inspection.expect(
        rule.get("BucketKeyEnabled"),
        passed="its Bucket Key is enabled",
        failed="its Bucket Key is not enabled",
        fix='Put "BucketKeyEnabled": True beside ApplyServerSideEncryptionByDefault.',
    )


@exercise("6.2", "a reader who can use the key through S3 only")
def through_s3_only(inspection: Inspection) -> None:
    """The tagged role reads note.txt of exercise 6.1's bucket, and cannot call Decrypt itself."""
    bucket = resources.newest_bucket("6.1")
    if bucket is None:
        inspection.fail("there is no bucket with the tag exercise = 5.1", "Do exercise 6.1 first.")
    role = inspection.role()
    inspection.passed(f"the role {role['RoleName']} carries the tag")
    absent = (f"the bucket {bucket} holds no {NOTE}", f'Write it: put_object(…, Key="{NOTE}").')
    with inspection.asking({"404": absent}):
        note = boto3.client("s3").head_object(Bucket=bucket, Key=NOTE)
    inspection.require(
        note.get("ServerSideEncryption") == "aws:kms",
        passed=f"{NOTE} is encrypted with SSE-KMS",
        failed=f"{NOTE} is encrypted with {note.get('ServerSideEncryption', 'SSE-C')}",
        fix="Finish exercise 6.1, then upload it again without an encryption header.",
    )
    key = _key(inspection, note["SSEKMSKeyId"])
    inspection.own_key(key)
    reader = inspection.become(role)
    try:
        reader.client("s3").get_object(Bucket=bucket, Key=NOTE)
    except ClientError as error:
        inspection.fail(*_lock(error, bool(note.get("BucketKeyEnabled"))))
    inspection.passed(f"the role reads {NOTE}")
    bound_to = f"arn:aws:s3:::{bucket}"
    inspection.expect(
        not _decrypts_directly(reader, key["KeyId"], [bound_to, f"{bound_to}/{NOTE}"]),
        passed="KMS refuses the role when it calls Decrypt itself",
        failed="the role may also call kms:Decrypt directly",
        fix="Add the condition kms:ViaService = s3.us-east-1.amazonaws.com (a grant has none).",
    )


def _default(bucket: str) -> dict[str, Any]:
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule


def _key(inspection: Inspection, name: str) -> dict[str, Any]:
    unknown = (
        f"KMS shows you no key {name}: S3 does not look when the default is set",
        "Name a key of this account and Region, best by its ARN.",
    )
    with inspection.asking({"NotFoundException": unknown, "AccessDeniedException": unknown}):
        metadata: dict[str, Any] = boto3.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    inspection.require(
        metadata["KeyState"] == "Enabled",
        passed=f"the key {metadata['KeyId']} is enabled",
        failed=f"the key {metadata['KeyId']} is not enabled: it is {metadata['KeyState']}",
        fix="Enable it (kms.enable_key), or use another key.",
    )
    return metadata


def _lock(error: ClientError, bucket_key: bool) -> tuple[str, str]:
    """Which of the two locks refused the reader, and what opens it."""
    if error.response["Error"]["Code"] != "AccessDenied":
        raise error
    if "kms:" not in error.response["Error"]["Message"]:
        return f"the role may not read {NOTE}", "Allow it s3:GetObject on the bucket's objects."
    step = "Allow it kms:Decrypt on the key, with kms:ViaService (step 3e)."
    if bucket_key:
        step += " With a Bucket Key, aws:s3:arn is the bucket's ARN, without a slash."
    return "the role may not use the key", step


def _decrypts_directly(reader: boto3.Session, key_id: str, arns: Sequence[str]) -> bool:
    """Whether the role decrypts by itself what is bound to nothing, or as S3 binds it."""
    contexts: list[dict[str, str]] = [{}, *({"aws:s3:arn": arn} for arn in arns)]
    return any(_decrypts(reader, key_id, context) for context in contexts)


def _decrypts(reader: boto3.Session, key_id: str, context: dict[str, str]) -> bool:
    kms = boto3.client("kms")
    sealed = kms.encrypt(KeyId=key_id, Plaintext=b"check", EncryptionContext=context)
    try:
        reader.client("kms").decrypt(
            CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True
