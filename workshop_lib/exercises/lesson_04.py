"""Exercises of lesson 04: S3's default encryption, and policies that force a choice."""

from typing import Any

import boto3

from workshop_lib.exercises import Look, exercise
from workshop_lib.exercises.uploads import refuses_plain_http, upload

ABSENT_KEY = "00000000-0000-0000-0000-000000000000"
KMS: dict[str, str] = {"ServerSideEncryption": "aws:kms"}


@exercise("4.1", "the default allowed, a wrong choice forbidden")
def tolerant(look: Look) -> None:
    """The tagged bucket takes silent and AES256 uploads and refuses aws:kms."""
    bucket = look.bucket()
    look.saw(f"the bucket {bucket} carries the tag")
    _has_policy(look, bucket)
    _accepted(
        look,
        "an upload without a header",
        upload(look, bucket),
        'Negated operators are true for an absent header, also with IfExists: add "Null": '
        '{"s3:x-amz-server-side-encryption": "false"} to the same statement.',
    )
    _accepted(
        look,
        "an upload with AES256",
        upload(look, bucket, ServerSideEncryption="AES256"),
        'Compare the header with "AES256". Two conditions go into one statement: each '
        "statement denies by itself.",
    )
    look.want(
        upload(look, bucket, **KMS) == "AccessDenied",
        saw="an upload with aws:kms is refused",
        missing="an upload with aws:kms is accepted",
        fix="Deny s3:PutObject on arn:aws:s3:::…/* with StringNotEquals on the header.",
    )


@exercise("4.2", "TLS, and one key by name")
def strict(look: Look) -> None:
    """The tagged bucket answers over TLS only, and takes uploads that name its own key."""
    bucket = look.bucket()
    look.saw(f"the bucket {bucket} carries the tag")
    arn = _default_key(look, bucket)
    _has_policy(look, bucket)
    refuses_plain_http(look, bucket, configuration=True)
    _accepted(
        look,
        "an upload that names the bucket's own key",
        upload(look, bucket, **KMS, SSEKMSKeyId=arn),
        "Name the ARN of this key in ArnNotEqualsIfExists, on "
        "s3:x-amz-server-side-encryption-aws-kms-key-id.",
    )
    silent = upload(look, bucket)
    look.want(
        silent == "AccessDenied",
        saw="an upload without a header is refused",
        missing="an upload without a header is accepted: it names no key",
        fix="Deny s3:PutObject with ArnNotEqualsIfExists on the key id, and no Null beside it: "
        "a negated operator alone refuses what is absent.",
    )
    unnamed = upload(look, bucket, **KMS)
    look.want(
        unnamed == "AccessDenied",
        saw="an upload with aws:kms and no key is refused",
        missing="an upload with aws:kms and no key is accepted: it takes the AWS managed key",
        fix="Put the condition on the key id (…-aws-kms-key-id), not on the method.",
    )
    other = f"{arn.rpartition('/')[0]}/{ABSENT_KEY}"
    look.want(
        upload(look, bucket, **KMS, SSEKMSKeyId=other) == "AccessDenied",
        saw="an upload that names another key is refused by the policy",
        missing="the policy lets uploads name any key",
        fix="Null on the key id demands some key; ArnNotEqualsIfExists demands this one.",
    )


def _accepted(look: Look, what: str, answer: str, fix: str) -> None:
    """The upload was stored; ``fix`` is for a refusal by the policy, the others name the key."""
    by_policy = answer == "AccessDenied"
    look.want(
        answer == "stored",
        saw=f"{what} is accepted",
        missing=f"{what} is refused" + ("" if by_policy else f": {answer}"),
        fix=fix
        if by_policy
        else "The policy lets it pass, but the key cannot be used: see "
        "that it is enabled and in the bucket's Region.",
    )


def _has_policy(look: Look, bucket: str) -> None:
    answers = {
        "NoSuchBucketPolicy": ("the bucket has no policy", "Call s3.put_bucket_policy."),
        "AccessDenied": (
            "the policy refuses even to be read",
            "Let it deny s3:PutObject on the objects, and s3:* only without TLS.",
        ),
    }
    with look.asking(answers):
        boto3.client("s3").get_bucket_policy(Bucket=bucket)
    look.saw("it has a policy")


def _default_key(look: Look, bucket: str) -> str:
    """The ARN of the customer managed key that is the bucket's default."""
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    default: dict[str, str] = rule["ApplyServerSideEncryptionByDefault"]
    look.need(
        default["SSEAlgorithm"] == "aws:kms",
        saw="its default encryption is SSE-KMS",
        missing=f"its default encryption is {default['SSEAlgorithm']}",
        fix='Call put_bucket_encryption with "SSEAlgorithm": "aws:kms" and your key.',
    )
    key_id = default.get("KMSMasterKeyID")
    if key_id is None:
        look.missing(
            "its default names no key, so it is the AWS managed one",
            "Give ApplyServerSideEncryptionByDefault a KMSMasterKeyID.",
        )
    key = look.key_named(key_id)
    look.own_key(key)
    look.enabled(key)
    arn: str = key["Arn"]
    return arn
