"""What a bucket's policy says of requests that a check cannot make itself: IAM's simulator tells.

Whoever the policy may tell apart is asked for, under each circumstance that it names, and with
each action on the bucket or its objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import boto3

from workshop_lib.exercises.circumstances import Fact, ordinary, simulated, told, variants
from workshop_lib.exercises.policies import Statement, bucket_statements, mentioned
from workshop_lib.exercises.principals import Caller, everybody, is_meant

_HEADER = "s3:x-amz-server-side-encryption"
_KEY_ID = f"{_HEADER}-aws-kms-key-id"
_CONDITION_KEYS = {
    "ServerSideEncryption": _HEADER,
    "SSEKMSKeyId": _KEY_ID,
    "SSECustomerAlgorithm": f"{_HEADER}-customer-algorithm",
}
_ALL_ELSE = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_ENCRYPTION = ("aws:securetransport", "s3:tlsversion")

# Actions that a request may be about. Those that only services have, or that go with another one,
# are left out: replication, log delivery, BypassGovernanceRetention. So is CreateBucket, which
# there is no policy for yet.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html
BUCKET_ACTIONS = (
    "CreateBucketMetadataTableConfiguration", "DeleteBucket",
    "DeleteBucketMetadataTableConfiguration", "DeleteBucketPolicy", "DeleteBucketWebsite",
    "GetAccelerateConfiguration", "GetAnalyticsConfiguration", "GetBucketAbac", "GetBucketAcl",
    "GetBucketCORS", "GetBucketLocation", "GetBucketLogging",
    "GetBucketMetadataTableConfiguration", "GetBucketNotification",
    "GetBucketObjectLockConfiguration", "GetBucketOwnershipControls", "GetBucketPolicy",
    "GetBucketPolicyStatus", "GetBucketPublicAccessBlock", "GetBucketRequestPayment",
    "GetBucketTagging", "GetBucketVersioning", "GetBucketWebsite", "GetEncryptionConfiguration",
    "GetIntelligentTieringConfiguration", "GetInventoryConfiguration",
    "GetLifecycleConfiguration", "GetMetricsConfiguration", "GetReplicationConfiguration",
    "ListBucket", "ListBucketMultipartUploads", "ListBucketVersions", "ListTagsForResource",
    "PauseReplication", "PutAccelerateConfiguration", "PutAnalyticsConfiguration",
    "PutBucketAbac", "PutBucketAcl", "PutBucketCORS", "PutBucketLogging", "PutBucketNotification",
    "PutBucketObjectLockConfiguration", "PutBucketOwnershipControls", "PutBucketPolicy",
    "PutBucketPublicAccessBlock", "PutBucketRequestPayment", "PutBucketTagging",
    "PutBucketVersioning", "PutBucketWebsite", "PutEncryptionConfiguration",
    "PutIntelligentTieringConfiguration", "PutInventoryConfiguration",
    "PutLifecycleConfiguration", "PutMetricsConfiguration", "PutReplicationConfiguration",
    "TagResource", "UntagResource", "UpdateBucketMetadataAnnotationTableConfiguration",
    "UpdateBucketMetadataInventoryTableConfiguration",
    "UpdateBucketMetadataJournalTableConfiguration",
)  # fmt: skip
OBJECT_ACTIONS = (
    "AbortMultipartUpload", "DeleteObject", "DeleteObjectAnnotation", "DeleteObjectTagging",
    "DeleteObjectVersion", "DeleteObjectVersionAnnotation", "DeleteObjectVersionTagging",
    "GetObject", "GetObjectAcl", "GetObjectAnnotation", "GetObjectAttributes",
    "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging", "GetObjectTorrent",
    "GetObjectVersion", "GetObjectVersionAcl", "GetObjectVersionAnnotation",
    "GetObjectVersionAttributes", "GetObjectVersionTagging", "GetObjectVersionTorrent",
    "ListMultipartUploadParts", "ListObjectAnnotations", "ListObjectVersionAnnotations",
    "PutObject", "PutObjectAcl", "PutObjectAnnotation", "PutObjectLegalHold",
    "PutObjectRetention", "PutObjectTagging", "PutObjectVersionAcl", "PutObjectVersionAnnotation",
    "PutObjectVersionTagging", "RestoreObject", "UpdateObjectEncryption",
)  # fmt: skip

Outcome = tuple[Caller, Mapping[str, Fact], dict[tuple[str, str], str]]


def open_uploads(bucket: str, names: Iterable[str], headers: Mapping[str, Any]) -> list[str]:
    """Uploads with these headers that the policy lets pass, from whom and under what facts."""
    places = {f"arn:aws:s3:::{bucket}/{name}": name for name in names}
    return [
        f"an upload of {places[place]} by {one.who}{told(differing)}"
        for one, differing, answers in _uploads(bucket, list(places), headers)
        for (_, place), decision in answers.items()
        if decision == "allowed"
    ]


def refused_uploads(bucket: str, names: Iterable[str], headers: Mapping[str, Any]) -> list[str]:
    """Uploads with these headers that the policy refuses to one of the account, or at some time."""
    places = {f"arn:aws:s3:::{bucket}/{name}": name for name in names}
    only = ("aws:currenttime", "aws:epochtime", "aws:principaltag/")
    return [
        f"an upload of {places[place]} by {one.who}{told(differing)}"
        for one, differing, answers in _uploads(bucket, list(places), headers, only)
        for (_, place), decision in answers.items()
        if decision == "explicitDeny" and not one.root
    ]


def open_without_tls(bucket: str) -> list[str]:
    """Actions on the bucket or its objects that the policy does not refuse over plain HTTP."""
    statements = bucket_statements(bucket)
    about = [each for each in statements if set(_ENCRYPTION) & set(mentioned([each]))]
    plain: dict[str, Fact] = {"aws:SecureTransport": "false", "s3:TlsVersion": None}
    arn = f"arn:aws:s3:::{bucket}"
    return [
        f"{action} by {one.who}{told(differing)}"
        for actions, place in ((BUCKET_ACTIONS, arn), (OBJECT_ACTIONS, f"{arn}/exercise-check"))
        for one, differing, answers in _outcomes(
            statements, [f"s3:{action}" for action in actions], [place], plain, _ENCRYPTION, about
        )
        for (action, _), decision in answers.items()
        if decision == "allowed"
    ]


def _uploads(
    bucket: str,
    places: Sequence[str],
    headers: Mapping[str, Any],
    only: Iterable[str] | None = None,
) -> Iterator[Outcome]:
    statements = bucket_statements(bucket)
    asked = {key: headers.get(name) for name, key in _CONDITION_KEYS.items()}
    fixed = [key.lower() for key in asked]
    return _outcomes(statements, ["s3:PutObject"], places, asked, fixed, statements, only)


def _outcomes(
    statements: Sequence[Statement],
    actions: Sequence[str],
    places: Sequence[str],
    asked: Mapping[str, Fact],
    fixed: Iterable[str],
    about: Sequence[Statement],
    only: Iterable[str] | None = None,
) -> Iterator[Outcome]:
    """What becomes of a request, by who makes it and by what it differs in from a usual one.

    Whoever is of this account may do all that the policy does not deny; others need its Allow.

    about: the statements whose conditions are looked at for what may differ.
    """
    account = boto3.client("sts").get_caller_identity()["Account"]
    usual = {**ordinary(account), **asked}
    if key := usual.get(_KEY_ID):  # S3 gives the condition an ARN, whatever the request names
        arn = f"arn:aws:kms:{usual['aws:RequestedRegion']}:{account}:key/{key}"
        usual[_KEY_ID] = key if str(key).startswith("arn:") else arn
    for one in everybody(statements):
        meant = [each for each in statements if is_meant(each, one)]
        of_account = one.account == account
        if not of_account and not any(each["Effect"] == "Allow" for each in meant):
            continue
        decides = [*meant, *([_ALL_ELSE] if of_account else [])]
        facts = {**usual, **one.facts}
        tags = ("aws:principaltag/",) if one.tagged else ()
        looked_at = [each for each in about if each in meant]
        for differing in variants(looked_at, facts, (*fixed, *tags), only):
            yield one, differing, simulated(decides, actions, places, {**facts, **differing})
