"""S3's buckets and objects, as moto keeps them."""

import importlib
import string
from collections.abc import Iterable
from functools import cached_property
from types import SimpleNamespace
from typing import Any, NamedTuple

from moto.moto_api._internal import mock_random

from workshop_lib.sandbox.moto_backend.core import Moto


class Grant(NamedTuple):
    """What an access control list grants to a canonical user or, by URI, to a group."""

    user: str
    uri: str
    permission: str


class ObjectStore:
    """moto's S3 as a store: buckets, and of each key the versions, oldest first.

    What is stored is given as bytes, sealed already; moto never sees what they say. An object's
    own facts (`facts`) and a bucket's (`settings`) hang on moto's objects, so that they live and
    go with them.
    """

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    @cached_property
    def _models(self) -> Any:
        return importlib.import_module("moto.s3.models")

    def bucket(self, name: str) -> Any | None:
        """moto's bucket of that name."""
        return self._moto.s3.buckets.get(name)

    def buckets(self) -> list[Any]:
        """All buckets, by name."""
        found = self._moto.s3.buckets
        return [found[name] for name in sorted(found)]

    def block_public_access(self, bucket: Any) -> None:
        """Turn all four settings of Block Public Access on."""
        bucket.public_access_block = self._models.PublicAccessBlock("true", "true", "true", "true")

    def keys(self, bucket: Any) -> list[str]:
        """The names of a bucket's objects and of its delete markers, in S3's order."""
        return sorted(dict.keys(bucket.keys))

    def versions(self, bucket: Any, key: str) -> list[Any]:
        """Objects and delete markers of one key, oldest first."""
        return list(bucket.keys.getlist(key, []))

    def set_versions(self, bucket: Any, key: str, versions: list[Any]) -> None:
        """Put versions in place of a key's present ones; those left out are gone."""
        for version in self.versions(bucket, key):
            if version not in versions and self.is_object(version):
                self._moto.s3.tagger.delete_all_tags_for_resource(version.arn)
        bucket.keys.setlist(key, versions)
        if not versions:
            dict.pop(bucket.keys, key)

    def is_object(self, version: Any) -> bool:
        """Whether a version is an object; else it is a delete marker."""
        return isinstance(version, self._models.FakeKey)

    def new_object(
        self,
        bucket: Any,
        key: str,
        version_id: str,
        *,
        facts: Any,
        etag: str,
        size: int,
        storage_class: str,
        data: Iterable[bytes],
    ) -> Any:
        """An object that stands under no key yet. ``size`` counts plaintext, ``data`` is sealed."""
        made = self._models.FakeKey(
            key,
            b"",
            account_id=self._moto.account,
            region_name=bucket.region_name,
            storage=storage_class,
            etag=etag,
            is_versioned=version_id != "null",
            version_id=version_id,
            bucket_name=bucket.name,
        )
        for piece in data:
            made._value_buffer.write(piece)
        made.contentsize = size
        made.facts = facts
        return made

    def new_marker(self, key: str, version_id: str) -> Any:
        """A delete marker that stands under no key yet."""
        marker = self._models.FakeDeleteMarker(SimpleNamespace(name=key))
        marker._version_id = version_id
        return marker

    def drop(self, made: Any) -> None:
        """Free what an object holds that never came under a key, or is no longer under one."""
        made.dispose()

    def read(self, made: Any, position: int, length: int) -> bytes:
        """Stored bytes of an object."""
        made._value_buffer.seek(position)
        data: bytes = made._value_buffer.read(length)
        return data

    def tags(self, thing: Any) -> dict[str, str]:
        """The tags of an object or a bucket."""
        found: dict[str, str] = self._moto.s3.tagger.get_tag_dict_for_resource(thing.arn)
        return found

    def set_tags(self, made: Any, tags: dict[str, str]) -> None:
        """Put tags in place of an object's present ones."""
        tagger = self._moto.s3.tagger
        tagger.delete_all_tags_for_resource(made.arn)
        if tags:
            tagger.tag_resource(made.arn, tagger.convert_dict_to_tags_input(tags))

    def new_acl(self, grants: Iterable[Grant]) -> Any:
        """moto's access control list with these grants, each under an entry of its own."""
        models = self._models
        return models.FakeAcl(
            [
                models.FakeGrant(
                    [models.FakeGrantee(grantee_id=grant.user, uri=grant.uri)], [grant.permission]
                )
                for grant in grants
            ]
        )

    def grants(self, acl: Any) -> list[Grant]:
        """The grants of an access control list of moto's."""
        return [
            Grant(grantee.id, grantee.uri, permission)
            for grant in acl.grants
            for grantee in grant.grantees
            for permission in grant.permissions
        ]

    def new_id(self, operation: str, length: int) -> str:
        """An identifier of letters and digits that depends on operation and ordinal alone."""
        self._moto.seed(operation)
        return "".join(mock_random.choices(string.ascii_letters + string.digits, k=length))

    def new_digest(self, operation: str) -> str:
        """32 hex digits that depend on operation and ordinal alone."""
        self._moto.seed(operation)
        return f"{mock_random.getrandbits(128):032x}"
