"""The contract with moto: what the sandbox touches of its inside is there and does that."""

from collections.abc import Iterator

import pytest

from workshop_lib.sandbox.messages import Request
from workshop_lib.sandbox.moto_adapter import Moto, ObjectStore

ACCOUNT = "123456789012"


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    """An object store with one bucket, "b-one"."""
    moto = Moto(ACCOUNT)
    request = Request("PUT", "https", "s3.us-east-1.amazonaws.com", "/b-one", "", {})
    assert moto.forward(request, "s3", "us-east-1").status == 200
    yield ObjectStore(moto)
    Moto(ACCOUNT)


def new(store: ObjectStore, key: str, version_id: str, data: bytes = b"sealed") -> object:
    return store.new_object(
        store.bucket("b-one"), key, version_id, facts="facts", etag="e" * 32, size=3,
        storage_class="STANDARD", data=[data[:2], data[2:]],
    )  # fmt: skip


def test_buckets_are_found_by_name(store: ObjectStore) -> None:
    bucket = store.bucket("b-one")
    assert bucket is not None
    assert store.bucket("another") is None
    assert [found.name for found in store.buckets()] == ["b-one"]
    for attribute in (
        "region_name", "versioning_status", "ownership_rule", "public_access_block", "acl", "cors",
        "object_lock_enabled", "has_default_lock", "default_lock_mode", "payer", "creation_date",
    ):  # fmt: skip
        assert hasattr(bucket, attribute), attribute
    store.block_public_access(bucket)
    assert bucket.public_access_block.restrict_public_buckets is True


def test_versions_come_oldest_first_and_go(store: ObjectStore) -> None:
    bucket = store.bucket("b-one")
    first, second = new(store, "a", "1" * 32), new(store, "a", "2" * 32)
    marker = store.new_marker("a", "3" * 32)
    store.set_versions(bucket, "a", [first, second, marker])
    assert store.versions(bucket, "a") == [first, second, marker]
    assert [store.is_object(version) for version in store.versions(bucket, "a")] == [
        True, True, False,
    ]  # fmt: skip
    assert [v.version_id for v in store.versions(bucket, "a")] == ["1" * 32, "2" * 32, "3" * 32]
    store.set_versions(bucket, "a", [marker])
    assert store.versions(bucket, "a") == [marker]
    store.set_versions(bucket, "a", [])
    assert store.keys(bucket) == []


def test_an_object_keeps_what_it_is_given(store: ObjectStore) -> None:
    bucket, made = store.bucket("b-one"), new(store, "a", "null")
    store.set_versions(bucket, "a", [made])
    [found] = store.versions(bucket, "a")
    assert store.read(found, 1, 3) == b"eal"
    assert store.read(found, 0, 99) == b"sealed"
    assert (found.etag, found.size, found.storage_class) == (f'"{"e" * 32}"', 3, "STANDARD")
    assert (found.facts, found.version_id, found.name) == ("facts", "null", "a")
    assert not found.is_locked(False)
    assert found.expiry_date is None
    assert found.last_modified.tzinfo is None


def test_tags_belong_to_the_object_and_go_with_it(store: ObjectStore) -> None:
    bucket, made = store.bucket("b-one"), new(store, "a", "null")
    store.set_versions(bucket, "a", [made])
    store.set_tags(made, {"class": "secret"})
    assert store.tags(made) == {"class": "secret"}
    store.set_versions(bucket, "a", [])
    assert store.tags(new(store, "a", "null")) == {}


def test_identifiers_depend_on_operation_and_ordinal_alone() -> None:
    runs = []
    for others in (0, 3):
        store = ObjectStore(Moto(ACCOUNT))
        for _ in range(others):
            store.new_id("AnotherOperation", 8)
        runs.append((store.new_id("PutObject", 32), store.new_digest("PutObject ETag")))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) == len(runs[0][1]) == 32


def test_access_control_lists_name_their_grantees(store: ObjectStore) -> None:
    acl = store.canned_acl("public-read")
    uris = [grantee.uri for grant in acl.grants for grantee in grant.grantees]
    assert "http://acs.amazonaws.com/groups/global/AllUsers" in uris
    assert any("READ" in grant.permissions for grant in acl.grants)
