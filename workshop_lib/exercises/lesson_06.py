"""Exercises of lesson 06: S3 with SSE-KMS."""

import json
import re
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import resources
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.one_service import only_through
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
    key = _key(inspection, wanted["KMSMasterKeyID"])
    inspection.own_key(key)
    location = boto3.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"]
    here, region = location or "us-east-1", key["Arn"].split(":")[3]
    if here != region:
        inspection.fail(
            f"its key is a key of {region}, and the bucket lies in {here}: S3 does not look when "
            "the default is set, and then no upload works",
            f"Make a key in {here}, the bucket's Region, and name that.",
        )
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
        inspection.fail("there is no bucket with the tag exercise = 6.1", "Do exercise 6.1 first.")
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
    arn = f"arn:aws:s3:::{bucket}"
    bound = [{"aws:s3:arn": arn}, {"aws:s3:arn": f"{arn}/{NOTE}"}]
    only_through(inspection, "s3", reader, role, key["Arn"], bound)


OPENED_BY = "opened-by"


@exercise("6.3", "who opened which letter")
def who_opened(inspection: Inspection) -> None:
    """Each letter in the tagged bucket is tagged with a role that had its data key unwrapped.

    https://docs.aws.amazon.com/kms/latest/developerguide/ct-decrypt.html
    """
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    s3 = boto3.client("s3")
    names = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    asked, opened = _trail(f"arn:aws:s3:::{bucket}/")
    inspection.require(
        len(names) >= 2 and all(opened.get(name) for name in names),
        passed=f"it holds {len(names)} letters, and CloudTrail has who opened them",
        failed="the letters, or the records of who opened them, are not there",
        fix="Run the two cells of this exercise again: nothing need be deleted.",
    )
    said = {name: _named(s3, bucket, name, asked) for name in names}
    blank = [name for name in names if not said[name]]
    inspection.require(
        not blank,
        passed=f"each letter is tagged {OPENED_BY}",
        failed=f"the tag {OPENED_BY} does not name one of the clerks' roles: {', '.join(blank)}",
        fix=f'Call s3.put_object_tagging(…, Tagging={{"TagSet": [{{"Key": "{OPENED_BY}", '
        '"Value": …}]}) with the name of the role.',
    )
    for name in names:
        role = said[name]
        refused = role not in asked.get(name, set())
        seen = "never asked for it" if refused else "asked for it and was refused"
        inspection.expect(
            role in opened[name],
            passed=f"{name} was opened by {role}",
            failed=f"{role} did not open {name}: it {seen}",
            fix="Look for a Decrypt event without an errorCode whose aws:s3:arn is this letter's "
            "ARN; userIdentity names who asked.",
        )


def _trail(prefix: str) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Roles by object, from CloudTrail: who asked for its data key, and for whom it was opened."""
    asked: dict[str, set[str]] = {}
    opened: dict[str, set[str]] = {}
    attribute = {"AttributeKey": "EventName", "AttributeValue": "Decrypt"}
    trail = boto3.client("cloudtrail").get_paginator("lookup_events")
    for page in trail.paginate(LookupAttributes=[attribute]):
        for each in page["Events"]:
            event = json.loads(each["CloudTrailEvent"])
            parameters = event.get("requestParameters") or {}
            arn = (parameters.get("encryptionContext") or {}).get("aws:s3:arn", "")
            who = event["userIdentity"]
            if not arn.startswith(prefix) or who.get("type") != "AssumedRole":
                continue
            name, role = arn.removeprefix(prefix), who["sessionContext"]["sessionIssuer"]
            asked.setdefault(name, set()).add(role["userName"])
            if "errorCode" not in event:
                opened.setdefault(name, set()).add(role["userName"])
    return asked, opened


def _named(s3: Any, bucket: str, name: str, asked: dict[str, set[str]]) -> str:
    """The one role that the letter's tag names, by its name or an ARN; else empty."""
    tags = s3.get_object_tagging(Bucket=bucket, Key=name)["TagSet"]
    value = next((tag["Value"] for tag in tags if tag["Key"] == OPENED_BY), "")
    roles = {role for found in asked.values() for role in found}
    named = roles.intersection(re.split("[/:]", value.strip()))
    return named.pop() if len(named) == 1 else ""


def _default(bucket: str) -> dict[str, Any]:
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule


def _key(inspection: Inspection, name: str) -> dict[str, Any]:
    unknown = (
        f"KMS shows you no key {name}: S3 does not look when the default is set",
        "Name a key of this account and Region, best by its ARN.",
    )
    region = name.split(":")[3] if name.startswith("arn:") else None
    with inspection.asking({"NotFoundException": unknown, "AccessDeniedException": unknown}):
        kms = boto3.client("kms", region_name=region)
        metadata: dict[str, Any] = kms.describe_key(KeyId=name)["KeyMetadata"]
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
    step = "Allow it kms:Decrypt on the key, with kms:ViaService (step 3f)."
    if bucket_key:
        step += " With a Bucket Key, aws:s3:arn is the bucket's ARN, without a slash."
    return "the role may not use the key", step
