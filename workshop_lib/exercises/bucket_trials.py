"""What a bucket's policy does with several callers, names and ways to write; nothing stays.

A policy may well refuse you and nobody else, one name and no other, an upload and not a copy.
"""

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import bucket_policy
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.people import keeping_clients, somebody
from workshop_lib.exercises.policies import bucket_statements, filled, values
from workshop_lib.exercises.trial_uploads import TRY, delete, refused

Sessions = Mapping[str, boto3.Session]

_MOST = 5  # names that a policy's patterns suggest

# An upload whose digest is wrong: refused by the policy, or else for the digest.
_UNSTORED = {"Body": b"x", "ContentMD5": base64.b64encode(bytes(16)).decode()}
_TOO_MUCH = {
    "AccessDenied": (
        "the policy refuses to delete what was uploaded: the deletion carries no such header",
        'Let "Action" of the statement about uploads be s3:PutObject alone.',
    )
}


@contextmanager
def callers() -> Iterator[Sessions]:
    """Sessions by caller: you, and a new role that may do all of S3 and KMS."""
    with somebody("s3:*", "kms:*") as another:
        yield {"you": keeping_clients(boto3.Session()), "another role": another}


def _names(bucket: str) -> list[str]:
    """Names of objects: some, and one for each pattern in the bucket's policy that it fits."""
    some = [TRY, secrets.token_hex(8), f"reports/{secrets.token_hex(4)}.csv"]
    found = []
    for statement in bucket_statements(bucket):
        for element in ("Resource", "NotResource"):
            for resource in values(statement.get(element, [])):
                pattern = resource.partition(":::")[2].partition("/")[2]
                if pattern not in ("", "*"):
                    found.append(filled(pattern))
    return [*some, *list(dict.fromkeys(found))[:_MOST]]


def loopholes(
    inspection: Inspection,
    sessions: Sessions,
    bucket: str,
    headers: Mapping[str, Any],
    accepted: Mapping[str, Any],
) -> list[str]:
    """How an upload with these headers gets past the bucket's policy; `accepted` do for sure.

    What none of the sessions does, the policy may leave open to others, or from some day on.
    """
    names = _names(bucket)
    tried = _tried(inspection, sessions, bucket, names, headers, accepted)
    done = [how for how, by_policy in tried.items() if by_policy is False]
    return done or bucket_policy.open_uploads(bucket, names, headers)


def obstacles(
    inspection: Inspection, sessions: Sessions, bucket: str, headers: Mapping[str, Any]
) -> list[str]:
    """Which uploads with these headers the bucket's policy refuses, now or from some day on."""
    names = _names(bucket)
    tried = _tried(inspection, sessions, bucket, names, headers, headers)
    done = [how for how, by_policy in tried.items() if by_policy]
    return done or bucket_policy.refused_uploads(bucket, names, headers)


def _tried(
    inspection: Inspection,
    sessions: Sessions,
    bucket: str,
    names: list[str],
    headers: Mapping[str, Any],
    accepted: Mapping[str, Any],
) -> dict[str, bool | None]:
    """Whether the policy refused, by caller and way; None where KMS refused before it could."""
    found: dict[str, bool | None] = {}
    with _an_object(inspection, bucket, accepted) as source:
        for who, session in sessions.items():
            s3 = session.client("s3")
            put = partial(s3.put_object, Bucket=bucket, **_UNSTORED, **headers)
            for name in names:
                found[f"an upload of {name} by {who}"] = _by_policy(partial(put, Key=name))
            begin = partial(_in_parts, inspection, s3, bucket, names[1], headers)
            found[f"an upload in parts by {who}"] = _by_policy(begin)
            if source:
                copy = partial(_copied, inspection, s3, bucket, source, headers)
                found[f"a copy by {who}"] = _by_policy(copy)
    return found


def _by_policy(call: Callable[[], Any]) -> bool | None:
    """Whether S3 refused the call by its own permissions; None if for want of a KMS permission."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            return False  # the wrong digest, or a key that is not there: the policy had let it pass
        return None if "kms:" in error.response["Error"]["Message"] else True
    return False


@contextmanager
def _an_object(
    inspection: Inspection, bucket: str, headers: Mapping[str, Any]
) -> Iterator[str | None]:
    """Within the block the bucket holds an object, by this name; None if it takes none."""
    s3, name = boto3.client("s3"), f"{TRY}-{secrets.token_hex(4)}"
    try:
        stored = s3.put_object(Bucket=bucket, Key=name, Body=b"x", **headers)
    except ClientError:
        yield None
        return
    try:
        yield name
    finally:
        with inspection.asking(_TOO_MUCH):
            delete(bucket, name, stored)


def _copied(
    inspection: Inspection, s3: Any, bucket: str, source: str, headers: Mapping[str, Any]
) -> None:
    name = f"{source}-copy"
    copy = {"CopySource": {"Bucket": bucket, "Key": source}, **headers}
    stored = s3.copy_object(Bucket=bucket, Key=name, **copy)
    with inspection.asking(_TOO_MUCH):
        delete(bucket, name, stored)


def _in_parts(
    inspection: Inspection, s3: Any, bucket: str, name: str, headers: Mapping[str, Any]
) -> None:
    begun = s3.create_multipart_upload(Bucket=bucket, Key=name, **headers)
    with inspection.asking(_TOO_MUCH):
        boto3.client("s3").abort_multipart_upload(
            Bucket=bucket, Key=name, UploadId=begun["UploadId"]
        )


def answered_without_tls(
    inspection: Inspection, sessions: Sessions, bucket: str, accepted: Mapping[str, Any]
) -> list[str]:
    """Which calls over plain HTTP are not refused; uploads with the headers `accepted` work.

    The contents of objects are not asked for: S3 itself refuses those under SSE-KMS without TLS.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    found = []
    tags = boto3.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
    with _an_object(inspection, bucket, accepted) as name:
        target = {"Bucket": bucket, "Key": name or TRY}
        for who, session in sessions.items():
            s3 = session.client("s3", use_ssl=False)
            no_tags: dict[str, Any] = {"TagSet": []}
            calls: dict[str, Callable[[], Any]] = {
                "GetObjectTagging": partial(s3.get_object_tagging, **target),
                "PutObjectTagging": partial(s3.put_object_tagging, **target, Tagging=no_tags),
                "DeleteObjectTagging": partial(s3.delete_object_tagging, **target),
                "AbortMultipartUpload": partial(s3.abort_multipart_upload, **target, UploadId="-"),
                "ListBucket": partial(s3.list_objects_v2, Bucket=bucket),
                "ListBucketMultipartUploads": partial(s3.list_multipart_uploads, Bucket=bucket),
                "GetBucketPolicy": partial(s3.get_bucket_policy, Bucket=bucket),
            }
            if name:  # else nothing keeps the bucket from being deleted, or there is nothing in it
                calls["DeleteBucket"] = partial(s3.delete_bucket, Bucket=bucket)
                calls["DeleteObject"] = partial(_deleted, s3, target)
            if tags:
                calls["PutBucketTagging"] = partial(
                    s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": tags}
                )
            found += [
                f"s3:{action} by {who}" for action, call in calls.items() if not refused(call)
            ]
    return found or bucket_policy.open_without_tls(bucket)


def _deleted(s3: Any, target: Mapping[str, str]) -> None:
    """Delete an object of another name: none is there. A delete marker of it is taken away."""
    place = {**target, "Key": f"{target['Key']}-gone"}
    answer = s3.delete_object(**place)
    if "VersionId" in answer:
        boto3.client("s3").delete_object(**place, VersionId=answer["VersionId"])
