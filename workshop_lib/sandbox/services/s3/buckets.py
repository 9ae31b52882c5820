"""S3's buckets: their default encryption, policy, versioning and who may be given access.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workshop_lib.sandbox.auth.callers import ANONYMOUS_USER, canonical_user
from workshop_lib.sandbox.moto_backend.objects import (
    AclGrant,
    ObjectStore,
    StoredBucket,
    Version,
)
from workshop_lib.sandbox.policy.evaluation import Policy
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.foundations import Foundations
from workshop_lib.sandbox.services.s3.encryption import SSE_S3, EncryptionSettings
from workshop_lib.sandbox.services.s3.errors import no_such_bucket
from workshop_lib.sandbox.services.s3.xml import malformed, parse

BLOCKED, ALLOWED = "SSE-C", "NONE"
NOBODY = "anonymous"
"""In place of an account: who owns what was written without a signature."""
ENFORCED = "BucketOwnerEnforced"


@dataclass(frozen=True)
class CorsRule:
    """Which pages may send what, and what they may read of the answer."""

    origins: list[str]
    methods: list[str]
    headers: list[str]
    exposed: list[str]
    max_age: str | None
    name: str | None


@dataclass
class Settings:
    """What the sandbox keeps of a bucket beside moto's own configuration.

    ``blocks_sse_c``: None where the account still works as before April 2026 and nothing was said.
    """

    default: EncryptionSettings = field(default_factory=lambda: EncryptionSettings(SSE_S3))
    configured: bool = False
    blocks_sse_c: bool | None = True
    policy_text: bytes | None = None
    policy: Policy | None = None
    policy_is_public: bool = False
    logging_text: bytes | None = None
    cors: list[CorsRule] = field(default_factory=list)
    uploads: dict[str, Any] = field(default_factory=dict)
    completed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bucket:
    """A bucket: as it is stored, and the sandbox's settings of it."""

    name: str
    region: str
    stored: StoredBucket
    settings: Settings
    owners: "Owners"

    @property
    def account(self) -> str:
        """The account that owns it."""
        return self.stored.account

    @property
    def owner_id(self) -> str:
        """The canonical user id of its owner."""
        return self.owners.of(self.account)

    def owner_of(self, made: Version) -> str:
        """The account that owns a version in it: its own, or who wrote it where lists count.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
        """
        return (self.acls_count and made.owner) or self.account

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"

    def object_arn(self, key: str) -> str:
        """The ARN of an object in it."""
        return f"arn:aws:s3:::{self.name}/{key}"

    @property
    def versioning(self) -> str | None:
        """Enabled, Suspended, or None: never turned on."""
        return self.stored.versioning

    @property
    def acls_count(self) -> bool:
        """Whether access control lists have any effect."""
        return self.stored.ownership != ENFORCED

    def blocks(self, setting: str) -> bool:
        """Whether a setting of Block Public Access is on, such as "block_public_policy"."""
        return self.stored.blocks(setting)


class Owners:
    """The canonical user ids of the sandbox's accounts, by which lists name them.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html#FindCanonicalId
    """

    def __init__(self, foundations: Foundations) -> None:
        self._accounts = foundations.accounts

    def of(self, account: str) -> str:
        """The canonical user id of an account, or of NOBODY.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
        """
        if account == NOBODY:
            return ANONYMOUS_USER
        return canonical_user(account, self._accounts[account].mark)

    def full_control(self, account: str) -> tuple[AclGrant, ...]:
        """What a list says that nobody wrote: everything to the owner."""
        return (AclGrant(self.of(account), "", "FULL_CONTROL"),)


class Buckets:
    """The buckets of an account; by name, those of all accounts: names are unique across them."""

    def __init__(self, store: ObjectStore, owners: Owners, *, sse_c_allowed: bool) -> None:
        self._store = store
        self.owners = owners
        self._sse_c_allowed = sse_c_allowed

    def get(self, name: str) -> Bucket:
        """The bucket of that name, whosever it is. Raises AwsError NoSuchBucket."""
        found = self._store.bucket(name)
        if found is None:
            raise no_such_bucket(name)
        known = found.settings
        return known if isinstance(known, Bucket) else self._new(found)

    def _new(self, stored: StoredBucket) -> Bucket:
        """A new bucket is closed to the public, and its lists do not count.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
        """
        stored.block_public_access()
        stored.set_acl(self._store.new_acl(self.owners.full_control(stored.account)))
        if stored.ownership is None:
            stored.set_ownership(ENFORCED)
        settings = Settings(blocks_sse_c=None if self._sse_c_allowed else True)
        region = "eu-west-1" if stored.region == "EU" else stored.region  # its older name
        bucket = Bucket(stored.name, region, stored, settings, self.owners)
        stored.set_settings(bucket)
        return bucket

    def all(self) -> Iterator[Bucket]:
        """All buckets of the account, by name."""
        for found in self._store.buckets():
            yield self.get(found.name)


_S3_ARN = re.compile(r"arn:[^:]+:s3:[^:]*:[^:]*:([^/]+)(?:/.*)?", re.DOTALL)


# --- versioning ---------------------------------------------------------------------------------


def put_versioning(bucket: Bucket, body: bytes) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html"""
    status = parse(body, "VersioningConfiguration").value("Status")
    if status is None:
        raise AwsError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
        )
    if status not in ("Enabled", "Suspended"):
        raise malformed()
    if status == "Suspended" and bucket.stored.object_lock_enabled:
        raise AwsError(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state "
            "cannot be changed.",
            409,
        )
    bucket.stored.set_versioning(status)
    return Response(200)
