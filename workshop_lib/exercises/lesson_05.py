"""Exercises of lesson 05: S3's default encryption, and policies that force a choice."""

from typing import Any

import boto3

from workshop_lib.exercises.bucket_trials import (
    answered_without_tls,
    callers,
    loopholes,
    obstacles,
)
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.trial_uploads import refuses_plain_http, upload

ABSENT_KEY = "00000000-0000-0000-0000-000000000000"
KMS: dict[str, str] = {"ServerSideEncryption": "aws:kms"}


@exercise("5.1", "the default allowed, a wrong choice forbidden")
def tolerant(inspection: Inspection) -> None:
    """The tagged bucket takes silent and AES256 uploads and refuses aws:kms."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    _has_policy(inspection, bucket)
    silent = _accepted(
        inspection,
        "an upload without a header",
        upload(inspection, bucket),
        'A condition is true for an absent header: "Null" with "true", or a negated operator, also '
        'with IfExists. Put "Null": {"s3:x-amz-server-side-encryption": "false"} beside '
        "StringNotEquals, in the same statement.",
    )
    named = _accepted(
        inspection,
        "an upload with AES256",
        upload(inspection, bucket, ServerSideEncryption="AES256"),
        "Put both conditions into one statement, because each statement denies by itself, and let "
        'StringNotEquals compare the header with "AES256".',
    )
    inspection.expect(
        upload(inspection, bucket, **KMS) == "AccessDenied",
        passed="an upload with aws:kms is refused",
        failed="an upload with aws:kms is accepted",
        fix="Deny s3:PutObject on arn:aws:s3:::…/* with StringNotEquals on the header.",
    )
    plain: dict[str, Any] = {"ServerSideEncryption": "AES256"}
    with callers() as sessions:
        open_to = loopholes(inspection, sessions, bucket, KMS, plain)
        # by a key that is not there: the policy refuses first, or else KMS
        with_a_key = {**KMS, "SSEKMSKeyId": ABSENT_KEY}
        if not open_to:
            open_to = loopholes(inspection, sessions, bucket, with_a_key, plain)
        _holds_for_all(inspection, open_to, "aws:kms")
        # What is refused already has its step, with the fix.
        for accepted, what, headers in (
            (silent, "without a header", {}),
            (named, "with AES256", plain),
        ):
            if accepted:
                _lets_all(inspection, obstacles(inspection, sessions, bucket, headers), what)


@exercise("5.2", "TLS, and one key by name")
def strict(inspection: Inspection) -> None:
    """The tagged bucket answers over TLS only, and takes uploads that name its own key."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    arn = _default_key(inspection, bucket)
    _has_policy(inspection, bucket)
    refuses_plain_http(inspection, bucket, configuration=True)
    own = _accepted(
        inspection,
        "an upload that names the bucket's own key",
        upload(inspection, bucket, **KMS, SSEKMSKeyId=arn),
        "Name the ARN of this key in ArnNotEqualsIfExists, on "
        "s3:x-amz-server-side-encryption-aws-kms-key-id.",
    )
    silent = upload(inspection, bucket)
    inspection.expect(
        silent == "AccessDenied",
        passed="an upload without a header is refused",
        failed="an upload without a header is accepted: it names no key",
        fix="Deny s3:PutObject with ArnNotEqualsIfExists on the key id, and no Null beside it: "
        "a negated operator alone refuses what is absent.",
    )
    unnamed = upload(inspection, bucket, **KMS)
    inspection.expect(
        unnamed == "AccessDenied",
        passed="an upload with aws:kms and no key is refused",
        failed="an upload with aws:kms and no key is accepted: it takes the AWS managed key",
        fix="Put the condition on the key id (…-aws-kms-key-id), not on the method.",
    )
    other = f"{arn.rpartition('/')[0]}/{ABSENT_KEY}"
    inspection.expect(
        upload(inspection, bucket, **KMS, SSEKMSKeyId=other) == "AccessDenied",
        passed="an upload that names another key is refused by the policy",
        failed="the policy lets uploads name any key",
        fix="Null on the key id demands some key; ArnNotEqualsIfExists demands this one.",
    )
    by_key: dict[str, Any] = {**KMS, "SSEKMSKeyId": arn}
    with callers() as sessions:
        without_tls = answered_without_tls(inspection, sessions, bucket, by_key)
        inspection.expect(
            not without_tls,
            passed="without TLS you and another role are answered nothing",
            failed=f"without TLS this is answered: {_some(without_tls)}",
            fix='Deny "s3:*" to "Principal": "*", on the bucket and on its objects.',
        )
        open_to: list[str] = []
        two = {"ServerSideEncryption": "aws:kms:dsse"}
        for headers in (
            {},
            KMS,
            {**KMS, "SSEKMSKeyId": other},
            {"ServerSideEncryption": "AES256"},
            two,
            {**two, "SSEKMSKeyId": other},
        ):
            open_to += loopholes(inspection, sessions, bucket, headers, by_key)
        _holds_for_all(inspection, open_to, "another key or none")
        if own:
            refused = obstacles(inspection, sessions, bucket, by_key)
            _lets_all(inspection, refused, "with its own key")


def _holds_for_all(inspection: Inspection, open_to: list[str], what: str) -> None:
    inspection.expect(
        not open_to,
        passed=f"{what}: refused for you and another role, under other names, as a copy, in parts",
        failed=f"{what} is let through all the same: {_some(open_to)}",
        fix='Deny s3:PutObject to "Principal": "*" on all objects of the bucket, /*.',
    )


def _lets_all(inspection: Inspection, refused: list[str], what: str) -> None:
    inspection.expect(
        not refused,
        passed=f"uploads {what} are accepted from another role too, and as copies",
        failed=f"uploads {what} are refused here: {_some(refused)}",
        fix="Let the Deny look at the encryption headers, and at nothing else.",
    )


def _some(found: list[str]) -> str:
    return "".join(found[:1]) + (f", and {len(found) - 1} more" if found[1:] else "")


def _accepted(inspection: Inspection, what: str, answer: str, fix: str) -> bool:
    """The upload was stored; ``fix`` is for a refusal by the policy, the others name the key."""
    by_policy = answer == "AccessDenied"
    inspection.expect(
        answer == "stored",
        passed=f"{what} is accepted",
        failed=f"{what} is refused" + ("" if by_policy else f": {answer}"),
        fix=fix
        if by_policy
        else "The policy lets it pass, but the key cannot be used: see "
        "that it is enabled and in the bucket's Region.",
    )
    return answer == "stored"


def _has_policy(inspection: Inspection, bucket: str) -> None:
    answers = {
        "NoSuchBucketPolicy": ("the bucket has no policy", "Call s3.put_bucket_policy."),
        "AccessDenied": (
            "the policy refuses even to be read",
            "Let it deny s3:PutObject on the objects, and s3:* only without TLS.",
        ),
    }
    with inspection.asking(answers):
        boto3.client("s3").get_bucket_policy(Bucket=bucket)
    inspection.passed("it has a policy")


def _default_key(inspection: Inspection, bucket: str) -> str:
    """The ARN of the customer managed key that is the bucket's default."""
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    default: dict[str, str] = rule["ApplyServerSideEncryptionByDefault"]
    inspection.require(
        default["SSEAlgorithm"] in ("aws:kms", "aws:kms:dsse"),
        passed=f"its default encryption is {default['SSEAlgorithm']}",
        failed=f"its default encryption is {default['SSEAlgorithm']}",
        fix='Call put_bucket_encryption with "SSEAlgorithm": "aws:kms" and your key.',
    )
    key_id = default.get("KMSMasterKeyID")
    if key_id is None:
        inspection.fail(
            "its default names no key, so it is the AWS managed one",
            "Give ApplyServerSideEncryptionByDefault a KMSMasterKeyID.",
        )
    key = inspection.key_named(key_id)
    inspection.own_key(key)
    inspection.enabled(key)
    arn: str = key["Arn"]
    return arn
