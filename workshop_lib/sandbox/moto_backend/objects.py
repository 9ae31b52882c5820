"""S3's buckets and objects, as moto keeps them."""

import string
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from moto.moto_api._internal import mock_random

from workshop_lib.sandbox.moto_backend.core import (
    Moto,
    ReliesOnMoto,
    View,
    _backends,
    _load,
    put,
)

_CLASSES = (
    "FakeAcl", "FakeDeleteMarker", "FakeGrant", "FakeGrantee", "FakeKey", "PublicAccessBlock",
)  # fmt: skip


@cache
def _models() -> Any:
    return _load("moto.s3.models", *_CLASSES)


class AclGrant(NamedTuple):
    """What an access control list grants to a canonical user or, by URI, to a group."""

    user: str
    uri: str
    permission: str


class DefaultLock(NamedTuple):
    """The retention that a bucket gives new objects: its mode, and days or years; one is 0."""

    mode: str
    days: int
    years: int


class AccessControlList(View):
    """An access control list of a bucket or an object."""

    __slots__ = ()

    @property
    def grants(self) -> list[AclGrant]:
        """What it grants, one entry for each grantee and permission."""
        return [
            AclGrant(grantee.id, grantee.uri, permission)
            for grant in self._wrapped.grants
            for grantee in grant.grantees
            for permission in grant.permissions
        ]


class _Version(View):
    __slots__ = ()

    @property
    def name(self) -> str:
        """The key it stands under."""
        return str(self._wrapped.name)

    @property
    def version_id(self) -> str:
        """Its version's id; "null" for none."""
        return str(self._wrapped.version_id)

    @property
    def last_modified(self) -> datetime:
        """When it was made: UTC, without a zone."""
        moment: datetime = self._wrapped.last_modified
        return moment

    @property
    def owner(self) -> str | None:
        """The account that owns it, where that is not its bucket's."""
        owner: str | None = self._wrapped.owner
        return owner


class DeleteMarker(_Version):
    """A version that stands for an object's absence."""

    __slots__ = ()


class _WithAcl(View):
    __slots__ = ()

    @property
    def acl(self) -> AccessControlList:
        """Its access control list."""
        return AccessControlList(self._wrapped.acl)

    def set_acl(self, acl: AccessControlList) -> None:
        """Give it another access control list."""
        self._wrapped.set_acl(acl._wrapped)


class StoredObject(_Version, _WithAcl):
    """An object, or the part of one; its bytes are sealed."""

    __slots__ = ()

    @property
    def etag(self) -> str:
        """Its entity tag, in quotes."""
        return str(self._wrapped.etag)

    @property
    def size(self) -> int:
        """How many bytes its plaintext has."""
        size: int = self._wrapped.size
        return size

    @property
    def storage_class(self) -> str:
        """Its storage class."""
        return str(self._wrapped.storage_class)

    @property
    def expiry_date(self) -> str | None:
        """Until when it is restored from the archive, as HTTP writes it; None where it is not."""
        date: str | None = self._wrapped.expiry_date
        return date

    @property
    def facts(self) -> object:
        """What `ObjectStore.new_object` was given to be kept beside the bytes."""
        facts: object = self._wrapped.facts
        return facts

    def set_facts(self, facts: object) -> None:
        """Keep other facts beside the bytes."""
        self._wrapped.facts = facts

    @property
    def lock_mode(self) -> str | None:
        """The mode of its retention; None or empty for none."""
        mode: str | None = self._wrapped.lock_mode
        return mode

    @property
    def lock_until(self) -> str | None:
        """When its retention ends, as S3 tells it."""
        until: str | None = self._wrapped.lock_until
        return until

    def set_retention(self, mode: str | None, until: str | None) -> None:
        """Retain it until then, in a mode; None for both ends its retention."""
        put(self._wrapped, lock_mode=mode, lock_until=until)

    @property
    def legal_hold(self) -> str | None:
        """ON or OFF; None where nothing was said."""
        status: str | None = self._wrapped.lock_legal_status
        return status

    def set_legal_hold(self, status: str | None) -> None:
        """Hold it (ON), or not (OFF)."""
        put(self._wrapped, lock_legal_status=status)

    def is_locked(self, bypass: bool) -> bool:
        """Whether a hold or a retention protects it; ``bypass`` overrides governance mode."""
        return bool(self._wrapped.is_locked(bypass))

    def read(self, position: int, length: int) -> bytes:
        """Some of its stored bytes."""
        self._wrapped._value_buffer.seek(position)
        data: bytes = self._wrapped._value_buffer.read(length)
        return data

    def drop(self) -> None:
        """Free what it holds: it never came under a key, or is no longer under one."""
        self._wrapped.dispose()


Version = StoredObject | DeleteMarker


def _version(made: Any) -> Version:
    return StoredObject(made) if isinstance(made, _models().FakeKey) else DeleteMarker(made)


class StoredBucket(_WithAcl):
    """A bucket, and of each key the versions, oldest first."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._wrapped.name)

    @property
    def region(self) -> str:
        """The Region it is in."""
        return str(self._wrapped.region_name)

    @property
    def account(self) -> str:
        """The account that owns it."""
        return str(self._wrapped.account_id)

    @property
    def creation_date(self) -> datetime:
        """When it was created."""
        moment: datetime = self._wrapped.creation_date
        return moment

    @property
    def payer(self) -> str:
        """Who pays for requests."""
        return str(self._wrapped.payer)

    @property
    def settings(self) -> object | None:
        """What `set_settings` had kept with the bucket; None before."""
        settings: object | None = getattr(self._wrapped, "settings", None)
        return settings

    def set_settings(self, settings: object) -> None:
        """Keep settings with the bucket, as long as it is there."""
        self._wrapped.settings = settings

    # --- versions ------------------------------------------------------------------------------

    def object_keys(self) -> list[str]:
        """The names of its objects and delete markers, in S3's order."""
        return sorted(dict.keys(self._wrapped.keys))

    def versions(self, key: str) -> list[Version]:
        """Objects and delete markers of one key, oldest first."""
        return [_version(made) for made in self._wrapped.keys.getlist(key, [])]

    def latest(self, key: str) -> Version | None:
        """The newest version of a key; None where there is none."""
        made = self._wrapped.keys.getlist(key, [])
        return _version(made[-1]) if made else None

    @property
    def versioning(self) -> str | None:
        """Enabled, Suspended, or None: never turned on."""
        status: str | None = self._wrapped.versioning_status
        return status

    def set_versioning(self, status: str) -> None:
        """Enable or suspend versioning."""
        put(self._wrapped, versioning_status=status)

    # --- access --------------------------------------------------------------------------------

    @property
    def ownership(self) -> str | None:
        """Who owns its objects, and so whether access control lists count; None: nobody said."""
        rule: str | None = self._wrapped.ownership_rule
        return rule

    def set_ownership(self, rule: str) -> None:
        """Say who owns its objects."""
        put(self._wrapped, ownership_rule=rule)

    @property
    def has_public_access_block(self) -> bool:
        """Whether Block Public Access is configured."""
        return self._wrapped.public_access_block is not None

    def blocks(self, setting: str) -> bool:
        """Whether a setting of Block Public Access is on, such as "block_public_policy"."""
        block = self._wrapped.public_access_block
        return block is not None and str(getattr(block, setting)).lower() == "true"

    def block_public_access(self) -> None:
        """Turn all four settings of Block Public Access on."""
        block = _models().PublicAccessBlock("true", "true", "true", "true")
        put(self._wrapped, public_access_block=block)

    # --- Object Lock ---------------------------------------------------------------------------

    @property
    def object_lock_enabled(self) -> bool:
        """Whether its objects can be locked."""
        return bool(self._wrapped.object_lock_enabled)

    @property
    def default_lock(self) -> DefaultLock | None:
        """The retention that new objects get; None for none."""
        bucket = self._wrapped
        if not bucket.has_default_lock:
            return None
        return DefaultLock(
            bucket.default_lock_mode, bucket.default_lock_days or 0, bucket.default_lock_years or 0
        )

    def default_retention(self) -> str:
        """When the retention of an object would end that is stored now, as S3 tells it."""
        return str(self._wrapped.default_retention())

    def set_default_lock(self, lock: DefaultLock | None) -> None:
        """Turn Object Lock on, with or without a retention for new objects."""
        mode, days, years = lock or ("", 0, 0)
        put(
            self._wrapped,
            object_lock_enabled=True,
            default_lock_mode=mode,
            default_lock_days=days,
            default_lock_years=years,
        )


class ObjectStore(ReliesOnMoto):
    """moto's S3 as a store of buckets and objects.

    What is stored is given as bytes, sealed already; moto never sees what they say. An object's
    own facts (`facts`), its owner and a bucket's settings hang on moto's objects, so that they
    live and go with them.
    """

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    @property
    def _s3(self) -> Any:
        return self._moto._backend("s3")

    def bucket(self, name: str) -> StoredBucket | None:
        """The bucket of that name, whosever it is; None where there is none."""
        found = self._s3.buckets.get(name)
        if found is None and (owner := self.owner(name)) is not None:
            found = self._moto._backend("s3", account=owner).buckets.get(name)
        return None if found is None else StoredBucket(found)

    def owner(self, name: str) -> str | None:
        """The account that owns the bucket of that name; None where there is none."""
        found = _backends("s3").bucket_accounts.get(name)
        return None if found is None else str(found[1])

    def buckets(self) -> list[StoredBucket]:
        """All buckets of the account, by name."""
        found = self._s3.buckets
        return [StoredBucket(found[name]) for name in sorted(found)]

    def set_versions(self, bucket: StoredBucket, key: str, versions: Iterable[Version]) -> None:
        """Put versions in place of a key's present ones; those left out are gone."""
        kept = [version._wrapped for version in versions]
        staying, keys = {id(made) for made in kept}, bucket._wrapped.keys
        for version in bucket.versions(key):
            if isinstance(version, StoredObject) and id(version._wrapped) not in staying:
                self._s3.tagger.delete_all_tags_for_resource(version._wrapped.arn)
        keys.setlist(key, kept)
        if not kept:
            dict.pop(keys, key)

    def new_object(
        self,
        bucket: StoredBucket,
        key: str,
        version_id: str,
        *,
        facts: object,
        etag: str,
        size: int,
        storage_class: str,
        data: Iterable[bytes],
        owner: str | None = None,
    ) -> StoredObject:
        """An object that stands under no key yet. ``size`` counts plaintext, ``data`` is sealed."""
        made = _models().FakeKey(
            key,
            b"",
            account_id=self._moto.account,
            region_name=bucket.region,
            storage=storage_class,
            etag=etag,
            is_versioned=version_id != "null",
            version_id=version_id,
            bucket_name=bucket.name,
        )
        for piece in data:
            made._value_buffer.write(piece)
        put(made, contentsize=size)
        made.facts, made.owner = facts, owner
        return StoredObject(made)

    def new_marker(self, key: str, version_id: str, owner: str | None = None) -> DeleteMarker:
        """A delete marker that stands under no key yet."""
        marker = _models().FakeDeleteMarker(SimpleNamespace(name=key))
        put(marker, _version_id=version_id)
        marker.owner = owner
        return DeleteMarker(marker)

    def tags(self, thing: StoredBucket | StoredObject) -> dict[str, str]:
        """The tags of an object or a bucket."""
        tagger = self._tagger(thing)
        found: dict[str, str] = tagger.get_tag_dict_for_resource(thing._wrapped.arn)
        return found

    def _tagger(self, thing: StoredBucket | StoredObject) -> Any:
        return self._moto._backend("s3", account=thing._wrapped.account_id).tagger

    def set_tags(self, thing: StoredBucket | StoredObject, tags: Mapping[str, str]) -> None:
        """Put tags in place of an object's or a bucket's present ones."""
        tagger, arn = self._tagger(thing), thing._wrapped.arn
        tagger.delete_all_tags_for_resource(arn)
        if tags:
            tagger.tag_resource(arn, tagger.convert_dict_to_tags_input(tags))

    def new_acl(self, grants: Iterable[AclGrant]) -> AccessControlList:
        """An access control list with these grants, each under an entry of its own."""
        models = _models()
        return AccessControlList(
            models.FakeAcl(
                [
                    models.FakeGrant(
                        [models.FakeGrantee(grantee_id=grant.user, uri=grant.uri)],
                        [grant.permission],
                    )
                    for grant in grants
                ]
            )
        )

    def new_id(self, operation: str, length: int) -> str:
        """An identifier of letters and digits that depends on operation and ordinal alone."""
        self._moto.seed(operation)
        return "".join(mock_random.choices(string.ascii_letters + string.digits, k=length))

    def new_digest(self, operation: str) -> str:
        """32 hex digits that depend on operation and ordinal alone."""
        self._moto.seed(operation)
        return f"{mock_random.getrandbits(128):032x}"
