"""Deleting what was made in a lab: each kind in its way, in an order in which none waits."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import boto3
from botocore.exceptions import ClientError

_GONE = {
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFoundException",
    "ResourceNotFoundException",
    "BackupNotFoundException",
    "AWSOrganizationsNotInUseException",
    "ParentNotFoundException",
    "PolicyNotFoundException",
}


class Resource(Protocol):
    """Something that was made in a lab: kind is one that can be deleted here, such as "table"."""

    @property
    def kind(self) -> str:
        """One of table, backup, bucket, alias, key, user, role, group, policy, control policy,
        organizational unit and organization."""

    @property
    def name(self) -> str:
        """Its name, id or ARN, as the call that deletes it takes it."""

    @property
    def region(self) -> str:
        """The Region it was made in; IAM's resources have one too, of no meaning."""

    @property
    def account(self) -> str:
        """The id of the account that it was made in."""


class Outcome(NamedTuple):
    """What became of a resource: in words, and whether that needs no further try."""

    words: str
    gone: bool


def in_order_of_deletion(resources: Iterable[Resource]) -> list[Resource]:
    """Sort resources so that none stands in another's way; else their order stays."""
    order = list(_DELETERS)
    return sorted(resources, key=lambda resource: order.index(resource.kind))


def delete(session: boto3.Session, resource: Resource) -> Outcome:
    """Delete one resource with all that is in it; a refusal by AWS is an outcome, not an error."""
    try:
        words = _DELETERS[resource.kind](session, resource.name, resource.region)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        gone = code in _GONE
        return Outcome("was already gone" if gone else f"not deleted: {code}", gone)
    return Outcome(words, gone=True)


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


def _delete_control_policy(session: boto3.Session, id: str, region: str) -> str:
    organizations = session.client("organizations")
    kind = organizations.describe_policy(PolicyId=id)["Policy"]["PolicySummary"]["Type"]
    for target in organizations.list_targets_for_policy(PolicyId=id)["Targets"]:
        if kind == "SERVICE_CONTROL_POLICY":  # of which no target may be without
            with suppress(organizations.exceptions.DuplicatePolicyAttachmentException):
                organizations.attach_policy(PolicyId="p-FullAWSAccess", TargetId=target["TargetId"])
        organizations.detach_policy(PolicyId=id, TargetId=target["TargetId"])
    organizations.delete_policy(PolicyId=id)
    return "deleted"


def _delete_unit(session: boto3.Session, id: str, region: str) -> str:
    organizations = session.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    for account in organizations.list_accounts_for_parent(ParentId=id)["Accounts"]:
        organizations.move_account(
            AccountId=account["Id"], SourceParentId=id, DestinationParentId=root
        )
    units = organizations.list_organizational_units_for_parent(ParentId=id)
    for unit in units["OrganizationalUnits"]:
        _delete_unit(session, unit["Id"], region)
    organizations.delete_organizational_unit(OrganizationalUnitId=id)
    return "deleted"


def _delete_organization(session: boto3.Session, id: str, region: str) -> str:
    organizations = session.client("organizations")
    management = organizations.describe_organization()["Organization"]["MasterAccountId"]
    for account in organizations.list_accounts()["Accounts"]:
        if account["Id"] != management:
            organizations.remove_account_from_organization(AccountId=account["Id"])
    organizations.delete_organization()
    return "deleted"


# In the order of deletion: what may deny deletions first, aliases before their keys, users and
# roles before their policies.
_DELETERS: dict[str, Callable[[boto3.Session, str, str], str]] = {
    "control policy": _delete_control_policy,
    "organizational unit": _delete_unit,
    "organization": _delete_organization,
    "alias": _delete_alias,
    "backup": _delete_backup,
    "table": _delete_table,
    "bucket": _delete_bucket,
    "user": _delete_user,
    "role": _delete_role,
    "group": _delete_group,
    "policy": _delete_policy,
    "key": _delete_key,
}
