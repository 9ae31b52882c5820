"""The lab: a place where a lesson's AWS calls are answered, and the names it uses there.

The place is the sandbox in this kernel. `Lab` asks of a place only what another one (an account
of the learner's own) could offer as well.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.exceptions import ClientError

from workshop_lib.sandbox.errors import WrongArgument

if TYPE_CHECKING:
    from workshop_lib.tables import Table

REGION = "us-east-1"
_PREFIX = "workshop"


class Resource(Protocol):
    """Something that was made in the lab."""

    kind: str
    name: str
    region: str


class Place(Protocol):
    """Where the lab's AWS is."""

    def describe(self) -> str:
        """One line: where AWS is, which region, what it costs."""

    def created(self) -> Iterable[Resource]:
        """What was made here and may still exist, oldest first."""

    def forget(self, resource: Resource) -> None:
        """Drop a resource from what `created` tells."""

    def session(self) -> boto3.Session:
        """A new session of the lab's administrator."""

    def settle(self) -> None:
        """Let changes that are under way come to their end."""


class Lab:
    """A running lab. Make one with `start_lab`."""

    def __init__(self, place: Any) -> None:
        self._place = place
        self._ordinals: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Lab: {self._place.describe()}>"

    def name(self, label: str) -> str:
        """A new resource name for ``label``: workshop-orders-1, workshop-orders-2, …

        Valid as a table name, a bucket name and, behind ``alias/``, a KMS alias. Raises ValueError
        unless ``label`` is 1 to 40 lower-case letters, digits and single hyphens.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        """
        if not re.fullmatch(r"(?=.{1,40}$)[a-z0-9]+(-[a-z0-9]+)*", str(label)):
            raise WrongArgument(
                f"{label!r} cannot be part of a name: use 1 to 40 lower-case letters, digits and "
                "single hyphens."
            )
        self._ordinals[label] += 1
        return f"{_PREFIX}-{label}-{self._ordinals[label]}"

    def later(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the sandbox's clock on; nothing waits, and every timestamp of AWS follows.

        Clients of your own (boto3's caches, the encryption client's) keep real time.
        Raises ValueError for a step back, or for one of more than 1,000 years.
        """
        try:
            by = timedelta(minutes=minutes, hours=hours, days=days)
        except (TypeError, ValueError, OverflowError):
            raise WrongArgument("Say how much later in numbers: lab.later(days=30).") from None
        self._place.later(by)

    def session(self) -> boto3.Session:
        """A new boto3 session of the lab's administrator, in the lab's Region.

        For whoever changed the default session or the environment. Raises RuntimeError, saying
        what to do, when a later start_lab() took this lab's place.
        """
        session: boto3.Session = self._place.session()
        return session

    def regions(self) -> set[str]:
        """The Regions in which something was made that may still exist."""
        return {resource.region for resource in self._place.created()}

    @property
    def disk(self) -> Any:
        """What the sandbox's storage holds: a model of AWS's published design."""
        return self._place.disk

    def serve(self, port: int = 0) -> str:
        """Open this lab's AWS to other programs, over HTTP on loopback; returns its address.

        ``port`` 0 takes a free one. Prints the lines that a shell needs; programs started from
        this kernel have them already. A second call returns the same address. Raises OSError,
        saying what to do, when the port is taken.
        """
        address, exports = self._place.serve(port)
        print("\n".join([f"The lab's AWS answers at {address} (loopback only).", *exports]))
        return address

    def cleanup(self) -> "Table":
        """Delete everything that was made in the lab; tells what in a table.

        KMS keys cannot be deleted at once: they are scheduled, with AWS's shortest waiting period
        of 7 days. May run twice; what is already gone counts as gone.
        https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
        """
        from workshop_lib.tables import table

        session = self.session()  # not the default one: a lesson may have made that a role's
        self._place.settle()
        rows = []
        for resource in sorted(self._place.created(), key=_cleanup_order):
            outcome, gone = _delete(session, resource)
            rows.append({"kind": resource.kind, "name": resource.name, "what happened": outcome})
            if gone:
                self._place.forget(resource)
        return table(rows, columns=["kind", "name", "what happened"], caption="Cleaned up")


def start_lab() -> Lab:
    """Start a fresh lab: AWS in this kernel, free, with nothing in it.

    Every AWS call of this process is answered by the sandbox from now on, whichever client makes
    it, and none reaches a network. Your own credentials and profile are set aside. Calling it
    again starts afresh: what the lab before held is gone. Prints one line. From now on this kernel
    shows every DataFrame in the course's house style.
    """
    from workshop_lib.sandbox.place import Sandbox
    from workshop_lib.tables import adopt_frames

    adopt_frames()
    lab = Lab(Sandbox(REGION))
    print(lab._place.describe())
    return lab


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
