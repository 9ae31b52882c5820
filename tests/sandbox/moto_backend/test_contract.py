"""The contract with moto: what the sandbox touches of its inside is there and does that."""

import copy
import subprocess
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from workshop_lib.errors import UnsupportedMoto
from workshop_lib.lab import start_lab
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.moto_backend.objects import (
    AclGrant,
    DeleteMarker,
    ObjectStore,
    StoredBucket,
    StoredObject,
)
from workshop_lib.sandbox.moto_backend.tables import Table, TableStore
from workshop_lib.sandbox.protocol.messages import Request

ACCOUNT = "123456789012"


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    """An object store with one bucket, "b-one"."""
    moto = Moto(ACCOUNT)
    request = Request("PUT", "https", "s3.us-east-1.amazonaws.com", "/b-one", "", {})
    assert moto.forward(request, "s3", "us-east-1", "an-id").status == 200
    yield ObjectStore(moto)
    Moto(ACCOUNT)


def bucket_of(store: ObjectStore) -> StoredBucket:
    bucket = store.bucket("b-one")
    assert bucket is not None
    return bucket


def new(store: ObjectStore, key: str, version_id: str, data: bytes = b"sealed") -> StoredObject:
    return store.new_object(
        bucket_of(store), key, version_id, facts="facts", etag="e" * 32, size=3,
        storage_class="STANDARD", data=[data[:2], data[2:]],
    )  # fmt: skip


def test_buckets_are_found_by_name(store: ObjectStore) -> None:
    bucket = bucket_of(store)
    assert store.bucket("another") is None
    assert [found.name for found in store.buckets()] == ["b-one"]
    assert store.buckets() == [bucket]
    assert not bucket.has_public_access_block
    bucket.block_public_access()
    assert bucket.blocks("restrict_public_buckets")


def test_what_is_gone_takes_no_memory(store: ObjectStore) -> None:
    """moto itself keeps a list of each object, part and item that it ever made."""
    bucket, large = bucket_of(store), b"x" * 1_000_000
    gone = [weakref.ref(new(store, "a", "null", large)._wrapped) for _ in range(3)]
    assert [each() for each in gone] == [None] * 3
    kept = new(store, "a", "null", large)
    store.set_versions(bucket, "a", [kept])
    watched = weakref.ref(kept._wrapped)
    del kept
    assert watched() is not None
    store.set_versions(bucket, "a", [])
    assert watched() is None


def test_versions_come_oldest_first_and_go(store: ObjectStore) -> None:
    bucket = bucket_of(store)
    first, second = new(store, "a", "1" * 32), new(store, "a", "2" * 32)
    marker = store.new_marker("a", "3" * 32)
    store.set_versions(bucket, "a", [first, second, marker])
    assert bucket.versions("a") == [first, second, marker]
    assert [type(version) for version in bucket.versions("a")] == [
        StoredObject, StoredObject, DeleteMarker,
    ]  # fmt: skip
    assert bucket.latest("a") == marker
    assert [v.version_id for v in bucket.versions("a")] == ["1" * 32, "2" * 32, "3" * 32]
    store.set_versions(bucket, "a", [marker])
    assert bucket.versions("a") == [marker]
    store.set_versions(bucket, "a", [])
    assert bucket.object_keys() == []
    assert bucket.latest("a") is None


def test_an_object_keeps_what_it_is_given(store: ObjectStore) -> None:
    bucket, made = bucket_of(store), new(store, "a", "null")
    store.set_versions(bucket, "a", [made])
    [found] = bucket.versions("a")
    assert isinstance(found, StoredObject)
    assert found.read(1, 3) == b"eal"
    assert found.read(0, 99) == b"sealed"
    assert (found.etag, found.size, found.storage_class) == (f'"{"e" * 32}"', 3, "STANDARD")
    assert (found.facts, found.version_id, found.name) == ("facts", "null", "a")
    assert not found.is_locked(False)
    assert found.expiry_date is None
    assert found.last_modified.tzinfo is None


def test_tags_belong_to_the_object_and_go_with_it(store: ObjectStore) -> None:
    bucket, made = bucket_of(store), new(store, "a", "null")
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
    grants = [AclGrant("f" * 64, "", "FULL_CONTROL"), AclGrant("", "http://group", "READ")]
    acl = store.new_acl(grants)
    assert acl.grants == grants
    assert [grantee.type for grant in acl._wrapped.grants for grantee in grant.grantees] == [
        "CanonicalUser", "Group",
    ]  # fmt: skip


# --- another moto -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["5.2.4", "5.3.0", "6.0.0.dev1"])
def test_a_moto_outside_the_tested_versions_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr("moto.__version__", version)
    with pytest.raises(UnsupportedMoto) as refusal:
        start_lab()
    said = str(refusal.value)
    assert said.startswith(f"The sandbox does not work with moto {version} (")
    assert "python3 workshop.py lab" in said
    assert refusal.value._render_traceback_() == [f"UnsupportedMoto: {said}"]


def test_a_later_patch_version_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moto.__version__", "5.2.99")
    start_lab()


@pytest.mark.parametrize(
    "lost", ["moto.core.responses.method_names_from_class", "moto.iam.models.iam_backends"]
)
def test_a_moto_that_lacks_what_is_relied_on_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.delattr(lost)
    module, _, name = lost.rpartition(".")
    with pytest.raises(UnsupportedMoto, match=f"{module} has no {name}"):
        start_lab()


def test_a_moto_whose_rooms_were_moved_is_named_when_it_is_loaded() -> None:
    code = (
        "import moto.core.model_instances as room; del room.reset_model_data\n"
        "from workshop_lib.lab import start_lab\n"
        "start_lab()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "UnsupportedMoto: The sandbox does not work with moto" in run.stderr.splitlines()[-1]


# --- DynamoDB's items ----------------------------------------------------------------------------


class Vault:
    """A vault that turns bytes around, and notes what moto does."""

    def __init__(self) -> None:
        self.written: list[Any] = []

    def __deepcopy__(self, memo: Any) -> "Vault":
        return self

    def seal(self, structure: str, plaintext: bytes, place: bytes) -> bytes:
        return plaintext[::-1]

    def open(self, structure: str, sealed: bytes, place: bytes) -> bytes:
        return sealed[::-1]

    def note_written(self, undo: Any) -> None:
        self.written.append(undo)


@pytest.fixture(params=[False, True], ids=["partition key", "sort key as well"])
def table(request: pytest.FixtureRequest) -> Iterator[tuple[Table, Vault]]:
    """A table that is sealed, and its vault."""
    moto = Moto(ACCOUNT)
    names = ["id", "line"] if request.param else ["id"]
    backend = moto._backend("dynamodb", "us-east-1")
    backend.create_table(
        "orders",
        schema=[
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
        ],
        throughput=None,
        attr=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        global_indexes=None,
        indexes=None,
        streams={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    store, vault = TableStore(moto), Vault()
    made = store.tables("us-east-1")["orders"]
    made.seal(vault)
    yield made, vault
    Moto(ACCOUNT)


def key_of(made: Table) -> dict[str, Any]:
    return {name: {"S": "1"} for name in made.key_schema}


def test_images_of_items_are_kept(table: tuple[Table, Vault]) -> None:
    made, _ = table
    item = {**key_of(made), "colour": {"S": "red"}, "raw": {"B": "AA=="}}
    made.write(None, item)
    [stored] = made.items()
    assert stored is made.find(key_of(made))
    assert made.find({name: {"S": "2"} for name in made.key_schema}) is None
    assert made.partition({"S": "1"}) == [stored]
    assert made.partition({"S": "2"}) == []
    assert stored.attributes() == item
    assert stored.image[::-1].startswith(b'{"id": ')
    copied = Table(copy.deepcopy(made._wrapped))
    assert copied.items()[0].image == stored.image
    assert copied.items()[0] is not stored
    assert len(made._wrapped) == len(copied._wrapped) == 1


def test_every_change_can_be_undone(table: tuple[Table, Vault]) -> None:
    made, vault = table
    red = {**key_of(made), "colour": {"S": "red"}}
    blue = {**key_of(made), "colour": {"S": "blue"}}
    made.write(None, red)
    vault.written.clear()
    made.write(red, blue)
    made.write(blue, None)
    assert made.items() == []
    assert len(made._wrapped) == 0
    assert len(vault.written) == 4, "each change with its stream record"
    assert len(made._wrapped.stream_shard.items) == 3
    for undo in reversed(vault.written):
        undo()
    [stored] = made.items()
    assert stored.attributes()["colour"] == {"S": "red"}
    [record] = made._wrapped.stream_shard.items
    assert record.told()["dynamodb"]["NewImage"]["colour"] == {"S": "red"}
    assert record.told()["dynamodb"]["Keys"] == key_of(made)


def test_a_stream_that_is_disabled_is_told_nothing(table: tuple[Table, Vault]) -> None:
    made, _ = table
    made._wrapped.set_stream_specification({"StreamEnabled": False})
    made.write(None, key_of(made))
    assert len(made.items()) == 1
    assert made._wrapped.stream_shard.items == []
