"""Deleting what was made in a lab."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError


class Resource(Protocol):
    """Something that was made in the lab."""

    kind: str
    name: str
    region: str


# Aliases go before their keys, users and roles before the policies they hold.
_ORDER = ("alias", "backup", "table", "bucket", "user", "role", "group", "policy", "key")


def _cleanup_order(resource: Resource) -> int:
    return _ORDER.index(resource.kind)


_GONE = {
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFoundException",
    "ResourceNotFoundException",
    "BackupNotFoundException",
}


def _delete(session: boto3.Session, resource: Resource) -> tuple[str, bool]:
    """Delete one resource: what happened, in words, and whether it needs no further try."""
    try:
        return _DELETERS[resource.kind](session, resource.name, resource.region), True
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE:
            return "was already gone", True
        return f"not deleted: {code}", False


def _delete_table(session: boto3.Session, name: str, region: str) -> str:
    dynamodb = session.client("dynamodb", region_name=region)
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)
    return "deleted"


def _delete_backup(session: boto3.Session, arn: str, region: str) -> str:
    session.client("dynamodb", region_name=region).delete_backup(BackupArn=arn)
    return "deleted"


def _delete_bucket(session: boto3.Session, name: str, region: str) -> str:
    s3 = session.resource("s3", region_name=region)
    s3.BucketPolicy(name).delete()  # it may deny the deletions below
    bucket = s3.Bucket(name)
    for upload in bucket.multipart_uploads.all():
        upload.abort()
    bucket.object_versions.delete()
    bucket.delete()
    return "deleted, with all its versions and uploads"


def _delete_alias(session: boto3.Session, name: str, region: str) -> str:
    session.client("kms", region_name=region).delete_alias(AliasName=name)
    return "deleted"


def _delete_key(session: boto3.Session, key_id: str, region: str) -> str:
    kms = session.client("kms", region_name=region)
    state = kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]
    if state in ("PendingDeletion", "PendingReplicaDeletion"):
        return "was already scheduled for deletion"
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    return "scheduled for deletion in 7 days"


def _delete_user(session: boto3.Session, name: str, region: str) -> str:
    user = session.resource("iam").User(name)
    for access_key in user.access_keys.all():
        access_key.delete()
    for group in user.groups.all():
        group.remove_user(UserName=name)
    return _delete_holder(user)


def _delete_role(session: boto3.Session, name: str, region: str) -> str:
    return _delete_holder(session.resource("iam").Role(name))


def _delete_group(session: boto3.Session, name: str, region: str) -> str:
    group = session.resource("iam").Group(name)
    group.load()
    for user in group.users.all():
        group.remove_user(UserName=user.name)
    return _delete_holder(group)


def _delete_holder(holder: Any) -> str:
    for policy in holder.policies.all():
        policy.delete()
    for policy in holder.attached_policies.all():
        holder.detach_policy(PolicyArn=policy.arn)
    holder.delete()
    return "deleted"


def _delete_policy(session: boto3.Session, arn: str, region: str) -> str:
    policy = session.resource("iam").Policy(arn)
    for version in policy.versions.all():
        if not version.is_default_version:
            version.delete()
    policy.delete()
    return "deleted"


_DELETERS: Mapping[str, Callable[[boto3.Session, str, str], str]] = {
    "table": _delete_table,
    "backup": _delete_backup,
    "bucket": _delete_bucket,
    "alias": _delete_alias,
    "key": _delete_key,
    "user": _delete_user,
    "role": _delete_role,
    "group": _delete_group,
    "policy": _delete_policy,
}
