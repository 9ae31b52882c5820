"""moto's objects stay behind moto_backend, and what is read of them there is told by its name."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any
from urllib.parse import urlencode

import boto3
import moto
import pytest

import workshop_lib
from workshop_lib.errors import UnsupportedMoto
from workshop_lib.lab import start_lab
from workshop_lib.sandbox import moto_backend
from workshop_lib.sandbox.moto_backend import objects
from workshop_lib.sandbox.moto_backend.core import Moto, ReliesOnMoto, View, missing_in_moto
from workshop_lib.sandbox.moto_backend.iam import (
    AccessKey,
    Group,
    IamStore,
    ManagedPolicy,
    User,
)
from workshop_lib.sandbox.moto_backend.items import SealedItem
from workshop_lib.sandbox.moto_backend.objects import AclGrant, DefaultLock, ObjectStore
from workshop_lib.sandbox.moto_backend.tables import Index, TableStore
from workshop_lib.sandbox.protocol.messages import Request

ACCOUNT, REGION = "123456789012", "us-east-1"
LIBRARY = Path(workshop_lib.__file__).parent
INSIDE = Path(moto_backend.__path__[0])
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def modules() -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules([str(INSIDE)])]
    return [importlib.import_module(f"{moto_backend.__name__}.{name}") for name in names]


# --- one walk past every property and every verb ------------------------------------------------


class Open:
    """A vault that seals nothing."""

    def __deepcopy__(self, memo: Any) -> "Open":
        return self

    def seal(self, structure: str, plaintext: bytes, place: bytes) -> bytes:
        return plaintext

    def open(self, structure: str, sealed: bytes, place: bytes) -> bytes:
        return sealed

    def note_written(self, undo: Callable[[], object]) -> None:
        pass


def known(found: Any) -> Any:
    assert found is not None
    return found


def form(moto: Moto, **parameters: str) -> bytes:
    """moto's answer to a call of IAM's."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode({**parameters, "Version": "2010-05-08"}).encode()
    request = Request("POST", "https", "iam.amazonaws.com", "/", "", headers, body)
    response = moto.forward(request, "iam", REGION, "an-id")
    assert response.status == 200, response.body
    return response.body


def walk_buckets(moto: Moto) -> None:
    host = "s3.us-east-1.amazonaws.com"
    for path in ("/b-one", "/b-two"):
        request = Request("PUT", "https", host, path, "", {})
        assert moto.forward(request, "s3", REGION, "an-id").status == 200
    store = ObjectStore(moto)
    assert store.bucket("another") is None
    assert store.owner("another") is None
    bucket = known(store.bucket("b-one"))
    assert store.buckets() == [bucket, store.bucket("b-two")]
    assert len({bucket, known(store.bucket("b-one"))}) == 1
    assert (bucket.name, bucket.region, bucket.payer) == ("b-one", REGION, "BucketOwner")
    assert bucket.account == store.owner("b-one") == "123456789012"
    assert bucket.creation_date.tzinfo is not None
    assert bucket.settings is None
    bucket.set_settings("settings")
    assert known(store.bucket("b-one")).settings == "settings"
    assert bucket.versioning is None
    bucket.set_versioning("Enabled")
    assert bucket.versioning == "Enabled"
    assert bucket.ownership is None
    bucket.set_ownership("ObjectWriter")
    assert bucket.ownership == "ObjectWriter"
    assert not bucket.has_public_access_block
    assert not bucket.blocks("block_public_acls")
    bucket.block_public_access()
    assert bucket.has_public_access_block
    for setting in (
        "block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets",
    ):  # fmt: skip
        assert bucket.blocks(setting)
    owner = bucket.acl.grants
    assert [grant.permission for grant in owner] == ["FULL_CONTROL"]
    grants = [*owner, AclGrant("", "http://group", "READ")]
    bucket.set_acl(store.new_acl(grants))
    assert bucket.acl.grants == grants
    assert not bucket.object_lock_enabled
    assert bucket.default_lock is None
    bucket.set_default_lock(DefaultLock("COMPLIANCE", 0, 1))
    assert bucket.object_lock_enabled
    assert bucket.default_lock == DefaultLock("COMPLIANCE", 0, 1)
    assert bucket.default_retention() > datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    bucket.set_default_lock(None)
    assert bucket.default_lock is None
    walk_versions(store)


def walk_versions(store: ObjectStore) -> None:
    bucket = known(store.bucket("b-one"))
    made = store.new_object(
        bucket, "a", store.new_id("PutObject", 32), facts="facts",
        etag=store.new_digest("PutObject"), size=3, storage_class="GLACIER", data=[b"sea", b"led"],
        owner="222222222222",
    )  # fmt: skip
    marker = store.new_marker("a", "2" * 32)
    assert marker.owner is None
    assert store.new_marker("a", "3" * 32, "222222222222").owner == "222222222222"
    assert bucket.latest("a") is None
    store.set_versions(bucket, "a", [made, marker])
    assert bucket.object_keys() == ["a"]
    assert bucket.versions("a") == [made, marker]
    assert bucket.latest("a") == marker
    assert (marker.name, marker.version_id) == ("a", "2" * 32)
    assert marker.last_modified.tzinfo is None
    assert (made.name, made.size, made.storage_class) == ("a", 3, "GLACIER")
    assert re.fullmatch(r'"[0-9a-f]{32}"', made.etag)
    assert len(made.version_id) == 32
    assert made.last_modified.tzinfo is None
    assert made.expiry_date is None
    assert (made.facts, made.owner) == ("facts", "222222222222")
    facts: object = ["others"]
    made.set_facts(facts)
    assert made.facts is facts
    assert made.read(1, 3) == b"eal"
    made.set_acl(store.new_acl([AclGrant("f" * 64, "", "READ")]))
    assert made.acl.grants == [AclGrant("f" * 64, "", "READ")]
    assert (made.lock_mode, made.lock_until, made.legal_hold) == (None, None, None)
    assert not made.is_locked(False)
    made.set_retention("GOVERNANCE", "2999-01-01T00:00:00Z")
    assert (made.lock_mode, made.lock_until) == ("GOVERNANCE", "2999-01-01T00:00:00Z")
    assert made.is_locked(False)
    assert not made.is_locked(True)
    made.set_legal_hold("ON")
    assert made.legal_hold == "ON"
    assert made.is_locked(True)
    store.set_tags(made, {"class": "secret"})
    store.set_tags(bucket, {"team": "blue"})
    assert (store.tags(made), store.tags(bucket)) == ({"class": "secret"}, {"team": "blue"})
    store.set_versions(bucket, "a", [marker])
    assert store.tags(made) == {}
    store.set_versions(bucket, "a", [])
    assert bucket.object_keys() == []
    made.drop()


def walk_tables(moto: Moto) -> None:
    store, vault = TableStore(moto), Open()
    for name, keys in (("orders", ["id"]), ("lines", ["id", "line"])):
        attributes = [*keys, "colour"]
        moto._backend("dynamodb", REGION).create_table(
            name,
            schema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            throughput=None,
            attr=[{"AttributeName": key, "AttributeType": "S"} for key in attributes],
            global_indexes=[
                {
                    "IndexName": "by-colour",
                    "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            indexes=None,
            streams={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            billing_mode="PAY_PER_REQUEST",
            sse_specification=None,
            tags=[{"Key": "team", "Value": "blue"}],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )
        table = store.tables(REGION)[name]
        key = {each: {"S": "1"} for each in keys}
        table.seal(vault)
        table.write(None, {**key, "colour": {"S": "red"}})
        assert (table.name, table.hash_key) == (name, "id")
        assert table.key_schema == dict.fromkeys(keys, "S")
        assert table.attribute_types == dict.fromkeys(attributes, "S")
        assert table.indexes == [Index("by-colour", ("colour",), 1, False, None)]
        assert table.tags == {"team": "blue"}
        table.set_tags({"team": "red"})
        assert table.tags == {"team": "red"}
        assert (table.billing_mode, table.protected) == ("PAY_PER_REQUEST", False)
        for units in (table.units, table.units_of_index("by-colour")):
            assert units == {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
        for warm in (table.warm_units, table.warm_units_of_index("by-colour")):
            assert warm == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000}
        assert not table.recovers_points_in_time
        table.set_stream_label("a-label")
        assert table.stream_label == "a-label"
        shard = known(table.stream_shard)
        assert shard.vault is vault
        assert shard.view == "NEW_AND_OLD_IMAGES"
        [record] = shard.records
        assert record.number == shard.first_number
        assert record.moment.tzinfo is UTC
        assert isinstance(shard.created, datetime)
        assert (table.streams, table.time_to_live) == (True, None)
        table.end_stream()
        assert table.stream_label is None
        [item] = table.items()
        assert table.find(key) is item
        assert table.partition({"S": "1"}) == [item]
        assert item.attributes() == {**key, "colour": {"S": "red"}}
        assert item.image == json.dumps(item.attributes()).encode()
        assert json.loads(item.bound_to) == [{"S": "1"} for _ in keys]
        assert item.place == tuple(("S", "1") for _ in keys)
        table.write(item.attributes(), {**key, "colour": {"S": "blue"}})
        table.write(item.attributes(), None)
    tables = store.tables(REGION)
    assert (list(tables), len(tables), "lines" in tables) == (["orders", "lines"], 2, True)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    made = store.archive(REGION, "orders", "kept", moment)
    assert made.arn.split("/")[-1].startswith("01767225600000-")
    assert store.backup(REGION, made.arn) == made
    assert made.table.name == "orders"
    made.table.entrust(Open())
    store.drop(REGION, "lines")
    assert list(store.tables(REGION)) == ["orders"]


def walk_entities(moto: Moto) -> None:
    policy = f"arn:aws:iam::{ACCOUNT}:policy/p"
    form(moto, Action="CreatePolicy", PolicyName="p", PolicyDocument=ALLOW,
         **{"Tags.member.1.Key": "team", "Tags.member.1.Value": "blue"})  # fmt: skip
    form(moto, Action="CreateUser", UserName="ann",
         **{"Tags.member.1.Key": "team", "Tags.member.1.Value": "red"})  # fmt: skip
    form(moto, Action="CreateGroup", GroupName="g")
    form(moto, Action="CreateRole", RoleName="r", AssumeRolePolicyDocument="{}",
         Description="A role.", PermissionsBoundary=policy, MaxSessionDuration="7200",
         **{"Tags.member.1.Key": "team", "Tags.member.1.Value": "green"})  # fmt: skip
    form(moto, Action="CreateInstanceProfile", InstanceProfileName="i")
    iam = IamStore(moto)
    user, group = known(iam.user("ann")), known(iam.group("g"))
    role, managed = known(iam.role("r")), known(iam.managed_policy(policy))
    assert iam.find("user", "ann") == user
    assert iam.find("group", "g") == group
    assert iam.find("role", "r") == role
    assert iam.find("role", "nobody") is None
    assert (iam.users(), iam.groups(), iam.roles()) == ([user], [group], [role])
    assert [iam.all("user"), iam.all("group"), iam.all("role")] == [[user], [group], [role]]
    assert iam.is_used(policy), "the role's boundary"
    assert not iam.is_used(f"{policy}2")
    walk_policies(moto, iam, group, user, managed)
    assert [each.name for each in (user, group, role)] == ["ann", "g", "r"]
    assert (user.tags, group.tags) == ({"team": "red"}, {})
    assert (role.tags, managed.tags) == ({"team": "green"}, {"team": "blue"})
    for entity in (user, group, role, managed):
        assert entity.arn.startswith(f"arn:aws:iam::{ACCOUNT}:")
        entity.set_id("ANID")
        assert entity.id == "ANID"
    assert (group.boundary, managed.boundary) == (None, None)
    assert (role.boundary, iam.boundary_document(role)) == (policy, ALLOW)
    assert (user.boundary, iam.boundary_document(user)) == (None, None)
    user.set_boundary(policy)
    assert user.boundary == policy
    assert policy.encode() in form(moto, Action="GetUser", UserName="ann"), "where moto looks"
    user.set_boundary(None)
    assert user.boundary is None
    assert (role.trust_policy, role.description) == ("{}", "A role.")
    assert role.max_session_duration == 7200
    profile = known(iam.instance_profile("i"))
    assert profile.roles == []
    form(moto, Action="AddRoleToInstanceProfile", InstanceProfileName="i", RoleName="r")
    assert profile.roles == [role]
    assert iam.instance_profile("another") is None
    assert profile.arn == f"arn:aws:iam::{ACCOUNT}:instance-profile/i"
    assert profile.tags == {}
    walk_providers(moto, iam)
    walk_keys(moto, iam, user)
    for name, exists in {"user/eve": True, "user/ann": False, "role/r": True}.items():
        assert iam.is_principal(f"arn:aws:iam::{ACCOUNT}:{name}") is exists
    assert iam.is_principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/r/session")


def walk_providers(moto: Moto, iam: IamStore) -> None:
    tags = {"Tags.member.1.Key": "team", "Tags.member.1.Value": "red"}
    form(moto, Action="CreateOpenIDConnectProvider", Url="https://example.org", **tags)
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/example.org"
    assert known(iam.open_id_provider(arn)).tags == {"team": "red"}
    assert iam.open_id_provider(f"{arn}s") is None
    assert iam.has_open_id_provider("https://example.org")
    assert not iam.has_open_id_provider("example.org")
    form(moto, Action="CreateSAMLProvider", Name="s", SAMLMetadataDocument="x" * 1000)
    assert iam.has_saml_provider(f"arn:aws:iam::{ACCOUNT}:saml-provider/s")
    assert not iam.has_saml_provider(f"arn:aws:iam::{ACCOUNT}:saml-provider/t")
    asked = {"ServerCertificateName": "web", "CertificateBody": "a", "PrivateKey": "b"}
    form(moto, Action="UploadServerCertificate", **asked)
    assert iam.has_server_certificate("web")
    assert not iam.has_server_certificate("mail")


def walk_policies(
    moto: Moto, iam: IamStore, group: Group, user: User, managed: ManagedPolicy
) -> None:
    assert not group.has_users
    form(moto, Action="AddUserToGroup", GroupName="g", UserName="ann")
    assert group.has_users
    form(moto, Action="AttachGroupPolicy", GroupName="g", PolicyArn=managed.arn)
    form(moto, Action="PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=ALLOW)
    assert user.inline_policies == {"own": ALLOW}
    assert group.attached_policies == [managed]
    assert iam.documents_of(user) == [ALLOW, ALLOW]
    assert (managed.version_ids, managed.default_document) == (["v1"], ALLOW)
    read_only = known(iam.managed_policy("arn:aws:iam::aws:policy/ReadOnlyAccess"))
    assert read_only.default_document.startswith("{")


def walk_keys(moto: Moto, iam: IamStore, user: User) -> None:
    assert not user.has_password
    form(moto, Action="CreateLoginProfile", UserName="ann", Password="correct horse")
    assert user.has_password
    assert user.password == "correct horse"
    assert not user.must_change_password
    form(moto, Action="UploadSSHPublicKey", UserName="ann", SSHPublicKeyBody="ssh-rsa AAAA")
    [ssh_key_id] = user.ssh_public_key_ids
    assert ssh_key_id.startswith("APKA")
    form(moto, Action="CreateAccessKey", UserName="ann")
    [key_id] = user.access_key_ids
    key: AccessKey = known(iam.access_key(key_id))
    assert (key.access_key_id, key.user_name, key.is_active) == (key_id, "ann", True)
    assert len(key.secret_access_key) == 40
    key.set_secret("another")
    assert key.secret_access_key == "another"
    assert iam.access_key("unknown") is None
    form(moto, Action="UpdateUser", UserName="ann", NewUserName="eve")
    user.rename_keys()
    assert key.user_name == "eve"
    iam.create_user("admin", "AIDA", ALLOW, "AKIAADMIN", "a secret")
    admin = known(iam.access_key("AKIAADMIN"))
    assert (admin.user_name, admin.secret_access_key) == ("admin", "a secret")
    assert known(iam.user("admin")).id == "AIDA"
    assert iam.documents_of(known(iam.user("admin"))) == [ALLOW]
    assert iam.access_key_ids() == [key_id, "AKIAADMIN"]


def walk() -> None:
    moto = Moto(ACCOUNT)
    walk_buckets(moto)
    walk_tables(moto)
    walk_entities(moto)


@pytest.fixture(autouse=True)
def _emptied(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto without what a test left, and with one of AWS's thousand policies."""
    name = "moto.iam.models.aws_managed_policies_data"
    every = json.loads(importlib.import_module("moto.iam.models").aws_managed_policies_data)
    monkeypatch.setattr(name, json.dumps({"ReadOnlyAccess": every["ReadOnlyAccess"]}))
    yield
    Moto(ACCOUNT)


def members() -> dict[CodeType, str]:
    """Properties and methods of views and stores, private ones as well, by their code."""
    found: dict[CodeType, str] = {}
    for module in modules():
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ != module.__name__ or not issubclass(cls, ReliesOnMoto):
                continue
            for member, value in vars(cls).items():
                function = value.fget if isinstance(value, property) else value
                function = inspect.unwrap(function) if callable(function) else None
                if inspect.isfunction(function) and function.__module__.startswith("workshop_lib"):
                    found[function.__code__] = f"{name}.{member}"
    return found


def test_the_walk_passes_every_property_and_verb() -> None:
    left = members()

    def note(frame: FrameType, event: str, argument: object) -> None:
        left.pop(frame.f_code, None)

    sys.setprofile(note)
    try:
        walk()
    finally:
        sys.setprofile(None)
    assert set(left.values()) == set()


# --- a moto whose attributes have other names ---------------------------------------------------

_WATCHED = ("moto.s3.", "moto.iam.", "moto.dynamodb.", "moto.utilities.")
# What the sandbox hangs on moto's objects itself.
OURS = {("FakeBucket", "settings"), ("FakeKey", "facts"), ("User", "permissions_boundary")}


def watch(monkeypatch: pytest.MonkeyPatch, see: Callable[[Any, str, FrameType], None]) -> None:
    """Have ``see`` told of every look at an attribute of an object of moto's, and from where."""

    def looked_at(self: Any, name: str) -> Any:
        see(self, name, sys._getframe(1))
        return object.__getattribute__(self, name)

    for module in [name for name in sys.modules if name.startswith(_WATCHED)]:
        for _, cls in inspect.getmembers(sys.modules[module], inspect.isclass):
            plain = not issubclass(cls, Enum | BaseException | type)
            if cls.__module__ == module and plain:
                monkeypatch.setattr(cls, "__getattribute__", looked_at, raising=False)


def is_motos(thing: object) -> bool:
    return type(thing).__module__.startswith("moto.")


def looks(monkeypatch: pytest.MonkeyPatch) -> set[tuple[type, str]]:
    """The attributes that moto_backend looks at in one walk, by the classes of their objects."""
    found: set[tuple[type, str]] = set()

    def see(thing: Any, name: str, frame: FrameType) -> None:
        if Path(frame.f_code.co_filename).parent == INSIDE and is_motos(thing):
            found.add((type(thing), name))

    with monkeypatch.context() as patch:
        watch(patch, see)
        walk()
    return {
        (cls, name)
        for cls, name in found
        if (cls.__name__, name) not in OURS and not name.startswith("__")
    }


def test_an_attribute_that_moto_renames_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    walk()  # loads moto
    relied_on = looks(monkeypatch)
    assert {(cls.__name__, name) for cls, name in relied_on} >= {
        ("FakeKey", "lock_mode"), ("FakeKey", "lock_until"), ("FakeKey", "lock_legal_status"),
        ("FakeKey", "_value_buffer"), ("FakeBucket", "keys"), ("FakeGrantee", "uri"),
        ("S3Backend", "tagger"), ("Table", "hash_key_attr"), ("StreamShard", "items"),
        ("Backup", "identifier"), ("User", "access_keys"),
        ("Role", "permissions_boundary_arn"), ("PolicyVersion", "document"),
    }  # fmt: skip
    unnoticed = []
    for cls, name in sorted(relied_on, key=lambda each: (each[0].__name__, each[1])):

        def miss(
            thing: Any, asked: str, frame: FrameType, cls: type = cls, name: str = name
        ) -> None:
            inside = Path(frame.f_code.co_filename).parent == INSIDE
            if asked == name and type(thing) is cls and inside:
                raise AttributeError(f"no {name}", name=name, obj=thing)

        with monkeypatch.context() as patch:
            watch(patch, miss)
            try:
                walk()
            except AttributeError as error:
                refusal = missing_in_moto(error)
                said = (
                    f"moto {moto.__version__} ({cls.__module__}.{cls.__qualname__} has no {name})"
                )
                if said in str(refusal):
                    continue
            unnoticed.append(f"{cls.__name__}.{name}")
    assert unnoticed == []


@pytest.mark.parametrize("name", objects._CLASSES)
def test_a_class_that_moto_renames_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    objects._models.cache_clear()
    monkeypatch.delattr(f"moto.s3.models.{name}")
    with pytest.raises(UnsupportedMoto, match=f"moto.s3.models has no {name}"):
        ObjectStore(Moto(ACCOUNT)).new_acl([])
    objects._models.cache_clear()


def test_a_fault_of_ones_own_is_not_blamed_on_moto() -> None:
    class Faulty(View):
        __slots__ = ()

        @property
        def name(self) -> str:
            return str(self.nothing)  # type: ignore[attr-defined]

    with pytest.raises(AttributeError, match="Faulty") as fault:
        _ = Faulty(object()).name
    assert missing_in_moto(fault.value) is None


def test_a_call_that_misses_something_in_moto_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    start_lab()
    boto3.client("s3").create_bucket(Bucket="renamed")
    bucket = sandbox_bucket("renamed")
    monkeypatch.delattr(bucket, "versioning_status")
    with pytest.raises(UnsupportedMoto, match="FakeBucket has no versioning_status"):
        boto3.client("s3").put_object(Bucket="renamed", Key="a", Body=b"")


def sandbox_bucket(name: str) -> Any:
    backends = importlib.import_module("moto.s3.models").s3_backends
    return backends["123456789012"]["aws"].buckets[name]


# --- nothing of moto's leaves -------------------------------------------------------------------


def parts_of(hint: Any) -> Iterator[Any]:
    """A type and the types it is made of."""
    yield hint
    for part in typing.get_args(hint):
        if isinstance(part, list):
            for each in part:
                yield from parts_of(each)
        else:
            yield from parts_of(part)


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public functions, methods and properties of moto_backend."""
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            if inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value
            elif inspect.isclass(value):
                for member, each in vars(value).items():
                    function = each.fget if isinstance(each, property) else each
                    hidden = member.startswith("_") and member not in ("__getitem__", "__iter__")
                    if not hidden and callable(function):
                        yield f"{module.__name__}.{name}.{member}", inspect.unwrap(function)


def test_nothing_untyped_and_nothing_of_motos_is_returned() -> None:
    loose = []
    for name, function in public_functions():
        hints = typing.get_type_hints(function)
        found = [*parts_of(hints["return"])] if "return" in hints else [Any]
        if any(part is Any or getattr(part, "__module__", "").startswith("moto") for part in found):
            loose.append(name)
    assert loose == []


def test_a_view_shows_what_it_declares_and_nothing_else() -> None:
    views = [cls for cls in [View, *subclasses(View)] if cls.__module__ in sys.modules]
    assert len(views) > 15
    for cls in views:
        if cls.__module__.startswith(moto_backend.__name__):
            assert not hasattr(cls, "__getattr__"), cls
            assert not hasattr(cls(object()), "__dict__"), f"{cls} without __slots__"


def subclasses(cls: type) -> list[type]:
    below: list[type] = cls.__subclasses__()
    return [*below, *(each for one in below for each in subclasses(one))]


def private_names() -> set[str]:
    """The private names of views, of stores and of what they are made of."""
    moto = Moto(ACCOUNT)
    found = {*vars(moto), *vars(ObjectStore(moto))}
    for cls in (Moto, *subclasses(ReliesOnMoto)):
        found.update(vars(cls))
    return {name for name in found if name.startswith("_") and not name.endswith("__")}


def test_nobody_outside_looks_into_a_view() -> None:
    private = private_names()
    assert private >= {"_wrapped", "_tables", "_backend", "_iam", "_s3", "_moto"}
    for path in sorted((LIBRARY / "sandbox").rglob("*.py")):
        if path.parent == INSIDE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in private:
                own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
                assert own, (path, node.lineno)
            elif isinstance(node, ast.Constant):
                assert node.value != "_wrapped", (path, node.lineno)
            elif isinstance(node, ast.ImportFrom) and "moto_backend" in (node.module or ""):
                module = importlib.import_module(str(node.module))
                for alias in node.names:
                    value = getattr(module, alias.name)
                    assert not alias.name.startswith("_"), (path, alias.name)
                    of_moto = str(getattr(value, "__module__", "")).startswith("moto.")
                    assert not of_moto, (path, alias.name)


def use_s3() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(
        Bucket="b-one", ObjectLockEnabledForBucket=True, ObjectOwnership="ObjectWriter"
    )
    s3.put_bucket_acl(Bucket="b-one", ACL="private")
    s3.get_bucket_acl(Bucket="b-one")
    s3.put_bucket_tagging(Bucket="b-one", Tagging={"TagSet": [{"Key": "team", "Value": "blue"}]})
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket="b-one",
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
    )
    s3.get_object_lock_configuration(Bucket="b-one")
    version = s3.put_object(Bucket="b-one", Key="a", Body=b"text", Tagging="class=secret")
    named = {"Bucket": "b-one", "Key": "a", "VersionId": version["VersionId"]}
    s3.get_object(**named)["Body"].read()
    s3.put_object_legal_hold(**named, LegalHold={"Status": "ON"})
    s3.get_object_legal_hold(**named)
    s3.get_object_retention(**named)
    s3.put_object_acl(**named, ACL="private")
    s3.get_object_acl(**named)
    s3.get_object_attributes(**named, ObjectAttributes=["ETag"])
    with pytest.raises(s3.exceptions.ClientError, match="object lock"):
        s3.delete_object(**named, BypassGovernanceRetention=True)
    s3.copy_object(Bucket="b-one", Key="b", CopySource=named)
    s3.delete_object(Bucket="b-one", Key="b")
    s3.list_object_versions(Bucket="b-one")
    s3.list_objects_v2(Bucket="b-one")
    s3.list_buckets()
    upload = s3.create_multipart_upload(Bucket="b-one", Key="c")["UploadId"]
    into = {"Bucket": "b-one", "Key": "c", "UploadId": upload}
    etag = s3.upload_part(**into, PartNumber=1, Body=b"part")["ETag"]
    s3.complete_multipart_upload(
        **into, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
    )


def use_dynamodb() -> None:
    dynamodb, streams = boto3.client("dynamodb"), boto3.client("dynamodbstreams")
    described = dynamodb.create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("id", "colour")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-colour",
                "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": "team", "Value": "blue"}],
    )["TableDescription"]
    key = {"id": {"S": "1"}}
    dynamodb.put_item(TableName="orders", Item={**key, "colour": {"S": "red"}})
    update = {
        "TableName": "orders", "Key": key, "UpdateExpression": "SET colour = :v",
        "ExpressionAttributeValues": {":v": {"S": "blue"}},
    }  # fmt: skip
    dynamodb.update_item(**update)
    dynamodb.transact_write_items(TransactItems=[{"Update": update}])
    dynamodb.execute_statement(Statement="SELECT * FROM orders WHERE id = '1'")
    dynamodb.query(
        TableName="orders", IndexName="by-colour", KeyConditionExpression="colour = :v",
        ExpressionAttributeValues={":v": {"S": "blue"}},
    )  # fmt: skip
    backup = dynamodb.create_backup(TableName="orders", BackupName="kept")["BackupDetails"]
    dynamodb.restore_table_from_backup(TargetTableName="again", BackupArn=backup["BackupArn"])
    arn = described["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    assert streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=OPEN_STREAM.replace("*", arn))
    dynamodb.delete_item(TableName="orders", Key=key)


OPEN_STREAM = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "dynamodb:GetRecords",
                "Resource": "*",
            }
        ],
    }
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def use_iam() -> None:
    iam, sts = boto3.client("iam"), boto3.client("sts")
    policy = iam.create_policy(PolicyName="p", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.create_user(UserName="ann", PermissionsBoundary=policy)
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    iam.attach_group_policy(GroupName="g", PolicyArn=policy)
    iam.list_policy_versions(PolicyArn=policy)
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=policy)
    iam.update_role(RoleName="r", Description="A role.")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = boto3.client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    assert ann.get_caller_identity()["Arn"].endswith(":user/ann")
    session = sts.assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="session")["Credentials"]
    assumed = boto3.client(
        "iam",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    iam.attach_role_policy(RoleName="r", PolicyArn=policy)
    assumed.list_roles()
    iam.simulate_principal_policy(PolicySourceArn=role["Role"]["Arn"], ActionNames=["s3:GetObject"])
    iam.update_user(UserName="ann", NewUserName="eve")
    iam.delete_user_permissions_boundary(UserName="eve")


def test_nobody_outside_looks_at_an_object_of_motos(monkeypatch: pytest.MonkeyPatch) -> None:
    walk()  # loads moto
    declared = {*dir(SealedItem)}
    found: set[str] = set()

    def see(thing: Any, name: str, frame: FrameType) -> None:
        file = frame.f_code.co_filename
        outside = file.startswith(str(LIBRARY)) and not file.startswith(str(INSIDE))
        if outside and (is_motos(thing) or name not in declared):
            found.add(f"{file}:{frame.f_lineno} {type(thing).__name__}.{name}")

    watch(monkeypatch, see)
    start_lab()
    use_s3()
    use_dynamodb()
    use_iam()
    assert found == set()
    looking = compile("thing._wrapped.name", str(LIBRARY / "elsewhere.py"), "eval")
    moto_of_this = Moto(ACCOUNT)
    form(moto_of_this, Action="CreateUser", UserName="ann")
    eval(looking, {"thing": IamStore(moto_of_this).user("ann")})
    assert {each.split()[-1] for each in found} == {"User.name"}
