"""A bucket's default encryption.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3.buckets import ALLOWED, BLOCKED, Bucket
from workshop_lib.sandbox.services.s3.encryption import (
    DSSE_KMS,
    SSE_KMS,
    SSE_S3,
    EncryptionSettings,
)
from workshop_lib.sandbox.services.s3.errors import unvalued_argument
from workshop_lib.sandbox.services.s3.xml import Element, malformed, parse, respond

# --- default encryption -------------------------------------------------------------------------


def get_encryption(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html"""
    settings, default = bucket.settings, bucket.settings.default
    blocked: Mapping[str, Any] | None = None
    if settings.blocks_sse_c is not None:
        blocked = {"EncryptionType": BLOCKED if settings.blocks_sse_c else ALLOWED}
    rule = {
        "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": default.method,
            "KMSMasterKeyID": default.key_id,
        },
        "BucketKeyEnabled": default.bucket_key,
        "BlockedEncryptionTypes": blocked,
    }
    return respond("ServerSideEncryptionConfiguration", {"Rule": rule})


def put_encryption(bucket: Bucket, body: bytes) -> Response:
    """Set default encryption; the KMS key is not looked at, as AWS does not.

    A rule that names no blocked types leaves them as they are.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html
    """
    rules = parse(body, "ServerSideEncryptionConfiguration").all("Rule")
    if len(rules) != 1:
        raise malformed()
    settings = bucket.settings
    default, blocked = _default(rules[0]), _blocked(rules[0])
    settings.default, settings.configured = default, True
    settings.blocks_sse_c = settings.blocks_sse_c if blocked is None else blocked
    return Response(200)


def _default(rule: Element) -> EncryptionSettings:
    bucket_key = rule.value("BucketKeyEnabled")
    if bucket_key not in (None, "true", "false", "TRUE", "FALSE"):
        raise malformed()
    applied = rule.one("ApplyServerSideEncryptionByDefault")
    if applied is None:
        return EncryptionSettings(SSE_S3, bucket_key=bucket_key in ("true", "TRUE"))
    method, key_id = applied.value("SSEAlgorithm"), applied.value("KMSMasterKeyID") or None
    if method not in (SSE_S3, SSE_KMS, DSSE_KMS):
        raise malformed()
    if method == SSE_S3 and key_id is not None:
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
        raise unvalued_argument(
            message + "aws:kms or aws:kms:dsse", "ApplyServerSideEncryptionByDefault"
        )
    return EncryptionSettings(method, key_id, bucket_key in ("true", "TRUE"))


def _blocked(rule: Element) -> bool | None:
    types = rule.one("BlockedEncryptionTypes")
    if types is None:
        return None
    named = [child.text for child in types.all("EncryptionType")]
    if named not in ([BLOCKED], [ALLOWED]):
        raise malformed()
    return named == [BLOCKED]


def delete_encryption(bucket: Bucket) -> Response:
    """Back to SSE-S3; what is blocked stays blocked.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html
    """
    bucket.settings.default, bucket.settings.configured = EncryptionSettings(SSE_S3), False
    return Response(204)


def default_of(bucket: Bucket) -> EncryptionSettings:
    """What an object gets that is written without a word about encryption.

    Bucket Keys only ever stand behind SSE-KMS.
    """
    default = bucket.settings.default
    if default.method == SSE_KMS or not default.bucket_key:
        return default
    return replace(default, bucket_key=False)
