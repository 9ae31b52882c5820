"""Every touch of moto's inside. moto keeps the state; the sandbox's rules stand around it.

moto's modules are imported when they are first needed: a lesson on KMS never loads S3.
"""

import base64
import datetime as real_datetime
import importlib
import io
import json
import re
import string
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, cached_property, partial
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

import moto
from werkzeug.datastructures import MultiDict

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.errors import NotEmulated, UnsupportedMoto
from workshop_lib.sandbox.messages import Request, Response

try:
    from moto.core.base_backend import BackendDict
    from moto.core.exceptions import HTTPException
    from moto.core.model_instances import reset_model_data
    from moto.core.request import Request as MotoRequest
    from moto.moto_api._internal import mock_random
except ImportError as error:
    raise UnsupportedMoto(moto.__version__, str(error)) from error

SUPPORTED = ((5, 2, 5), (5, 3))  # from, below; tests/test_moto_adapter.py is the contract

# Where each service's requests enter moto: module, class, and the host moto expects.
_ENTRANCES = {
    "dynamodb": ("moto.dynamodb.responses", "DynamoHandler", "dynamodb.{region}.amazonaws.com"),
    "dynamodbstreams": (
        "moto.dynamodbstreams.responses",
        "DynamoDBStreamsHandler",
        "streams.dynamodb.{region}.amazonaws.com",
    ),
    "iam": ("moto.iam.responses", "IamResponse", "iam.amazonaws.com"),
    "s3": ("moto.s3.responses", "S3Response", "s3.{region}.amazonaws.com"),
}


# Loaded at every start, and what must be there; a service's entrance is looked at on first use.
_RELIED_ON = {
    "moto.core.responses": ("gen_amzn_requestid_long", "method_names_from_class"),
    "moto.core.utils": ("datetime",),
    "moto.iam.models": ("iam_backends", "AWSManagedPolicy", "aws_managed_policies_data"),
    "moto.iam.responses": ("IamResponse",),
}


def _load(module: str, *names: str) -> Any:
    """A module of moto's with ``names`` in it. Raises UnsupportedMoto where one is missing."""
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise UnsupportedMoto(moto.__version__, str(error)) from error
    for name in names:
        if not hasattr(loaded, name):
            raise UnsupportedMoto(moto.__version__, f"{module} has no {name}")
    return loaded


class _ClockDatetime(real_datetime.datetime):
    """``datetime`` whose now() is the sandbox's; moto compares and formats real ones."""

    @classmethod
    def now(cls, tz: real_datetime.tzinfo | None = None) -> Any:
        moment = clock.now()
        return moment.astimezone(tz) if tz else moment.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> Any:
        return clock.now().replace(tzinfo=None)


class _ClockModule:
    """The ``datetime`` module with the sandbox's clock, for moto modules that ask it directly."""

    datetime = _ClockDatetime

    def __getattr__(self, name: str) -> Any:
        return getattr(real_datetime, name)


def _follow_clock(module: str) -> None:
    importlib.import_module(module).datetime = _ClockModule()  # type: ignore[attr-defined]


def _lighten_responses() -> None:
    """Spare moto what it does anew in every call.

    It inspects its class for the names of operations, and draws a request id at random, in place
    of which the answer carries the call's own.
    """
    responses = importlib.import_module("moto.core.responses")
    if not hasattr(responses.method_names_from_class, "cache_info"):
        responses.method_names_from_class = cache(responses.method_names_from_class)  # type: ignore[attr-defined]
        responses.gen_amzn_requestid_long = _give_request_id  # type: ignore[attr-defined]


_request_id = ContextVar("_request_id", default="")


def _give_request_id(headers: dict[str, Any]) -> str:
    headers["x-amzn-requestid"] = _request_id.get()
    return headers["x-amzn-requestid"]


_dispatchers: dict[str, Callable[..., Any]] = {}


def _dispatcher(service: str) -> Callable[..., Any]:
    if service not in _dispatchers:
        if service not in _ENTRANCES:
            raise NotEmulated(f"The sandbox does not emulate {service}.")
        _lighten_responses()
        module, name, _ = _ENTRANCES[service]
        handler = getattr(_load(module, name), name)
        if service == "s3":
            _follow_clock("moto.s3.models")
        _dispatchers[service] = handler.key_dispatch if service == "s3" else handler.dispatch
    return _dispatchers[service]


class _JsonRequest(MotoRequest):
    """A request whose body is JSON: moto need not look for a form in it, nor put its URL together.

    It comes with the few headers that moto looks at: each one takes it time.
    """

    form: Any = MultiDict[str, str]()
    files: Any = form
    args: Any = form
    values: Any = form
    raw_path = "/"
    raw_url = ""

    def __init__(self, request: Request, host: str, account: str) -> None:
        headers = {n: request.headers[n] for n in _JSON_HEADERS if n in request.headers}
        super().__init__(_environ(replace(request, headers=headers), host, account))
        self.raw_url = f"https://{host}/"
        self._body = request.body

    @property
    def data(self) -> bytes:
        return self._body


_JSON_HEADERS = ("authorization", "content-type", "x-amz-target")
_JSON_SERVICES = ("dynamodb", "dynamodbstreams")


def _environ(request: Request, host: str, account: str) -> dict[str, Any]:
    """The request as a WSGI environment (PEP 3333): a fifth of the time that moto's own takes."""
    uri = f"{request.path}?{request.query}" if request.query else request.path
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in request.headers.items()
        if name not in ("content-type", "content-length", "transfer-encoding")
    }
    return environ | {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": uri,
        "REQUEST_URI": uri,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_HOST": host,
        "HTTP_X_MOTO_ACCOUNT_ID": account,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


@cache
def _backends(service: str) -> Any:
    name = f"{service}_backends"
    return getattr(_load(f"moto.{service}.models", name), name)


class Moto:
    """moto's backends for one account, emptied when made.

    Raises UnsupportedMoto where the installed moto is outside the tested versions, or lacks what
    the sandbox relies on.
    """

    def __init__(self, account: str) -> None:
        version = tuple(int(part) for part in re.findall(r"\d+", moto.__version__)[:3])
        if not SUPPORTED[0] <= version < SUPPORTED[1]:
            raise UnsupportedMoto(moto.__version__, "it was tested with 5.2.5 and later 5.2 ones")
        for module, names in _RELIED_ON.items():
            _load(module, *names)
        self.account = account
        self._ordinals: Counter[str] = Counter()
        _follow_clock("moto.core.utils")
        BackendDict.reset()
        reset_model_data()

    def seed(self, operation: str) -> None:
        """Make the identifiers of this call depend on its operation and ordinal alone.

        One more call of another operation then changes no identifier.
        """
        self._ordinals[operation] += 1
        mock_random.seed(f"{operation}-{self._ordinals[operation]}")

    def forward(self, request: Request, service: str, region: str, request_id: str) -> Response:
        """Let moto answer ``request`` under an id; S3's come path-style (/bucket/key).

        Raises NotEmulated where moto has no such operation.
        """
        dispatch = _dispatcher(service)
        host = _ENTRANCES[service][2].format(region=region)
        moto_request = (
            _JsonRequest(request, host, self.account)
            if service in _JSON_SERVICES
            else MotoRequest(_environ(request, host, self.account))
        )
        _request_id.set(request_id)
        if service == "s3" and request.path.strip("/").count("/") == 0:
            # a bucket, or no bucket at all
            dispatch = dispatch.__self__.bucket_dispatch  # type: ignore[attr-defined]
        try:
            status, answer, body = dispatch(
                moto_request, moto_request.raw_url, moto_request.headers
            )
        except HTTPException as error:
            status, answer, body = error.code, dict(error.get_headers()), error.get_body()
        except NotImplementedError as error:
            raise NotEmulated(
                f"The sandbox does not emulate this {service} call: {error}"
            ) from error
        text = {str(name): str(value) for name, value in answer.items()}
        text.pop("status", None)
        return Response(int(status), text, body.encode() if isinstance(body, str) else body)

    def load_aws_managed_policies(self) -> None:
        """Make the policies that AWS itself keeps known to IAM: 0.3 s, once, when asked for."""
        if self.iam.aws_managed_policies:
            return
        models = importlib.import_module("moto.iam.models")
        for name, data in json.loads(models.aws_managed_policies_data).items():
            policy = models.AWSManagedPolicy.from_data(name, self.account, "aws", data)
            self.iam.aws_managed_policies.append(policy)
            self.iam.managed_policies[policy.arn] = policy

    @property
    def iam(self) -> Any:
        """moto's IAM backend: users, roles, groups, policies, access keys."""
        return self._backend("iam")

    @property
    def s3(self) -> Any:
        """moto's S3 backend: buckets and their objects."""
        return self._backend("s3")

    def dynamodb(self, region: str) -> Any:
        """moto's DynamoDB backend of a region: tables, backups."""
        return self._backend("dynamodb", region)

    def _backend(self, service: str, region: str = "aws") -> Any:
        """moto's backend, past the lock and the bookkeeping of its own look-up once it is there."""
        every = _backends(service)
        found = dict.get(dict.get(every, self.account, {}), region)
        return every[self.account][region] if found is None else found

    def stream_shard(self, region: str, iterator: str) -> Any | None:
        """The shard of a DynamoDB stream that a shard iterator reads; None for an unknown one."""
        module = _load("moto.dynamodbstreams.models", "dynamodbstreams_backends")
        backend = module.dynamodbstreams_backends[self.account][region]
        found = backend.shard_iterators.get(iterator)
        return None if found is None else found.stream_shard


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


# --- DynamoDB's items ----------------------------------------------------------------------------


_ITEMS = "moto.dynamodb.models.dynamo_type"


class Vault(Protocol):
    """What seals the items and stream records of one table, while its keys are at hand."""

    def seal(self, structure: str, plaintext: bytes, place: bytes) -> bytes:
        """Sealed bytes, bound to their place."""

    def open(self, structure: str, sealed: bytes, place: bytes) -> bytes:
        """What was sealed."""

    def note_opened(self, item: Any) -> None:
        """Take note that an item lies open."""

    def note_written(self, place: bytes, undo: Callable[[], object], *items: Any) -> None:
        """Take note of a change at a place: how to undo it; for an item also the old and new one.

        Either may be None.
        """


class ItemStore:
    """moto's DynamoDB as a store whose items and stream records are sealed.

    In place of each item moto keeps an image of it, sealed under the table's vault. An image opens
    when moto first looks into it and closes when the call is over (`close`), so that between calls
    moto holds nothing in plaintext but the primary keys, by which it finds images.
    """

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    def seal(self, table: Any, vault: Vault) -> None:
        """Have a table's items and stream records sealed, those that are there already as well."""
        kinds = _sealed_kinds()
        if not isinstance(table.items, kinds.Items) or table.items.vault is not vault:
            items = kinds.Items(vault)
            for item in self.items(table):
                items.place(item)
            table.items = items
        shard = table.stream_shard
        if shard is not None and not isinstance(shard.items, kinds.Records):
            shard.items = kinds.Records(vault, shard.items)
            shard.add = partial(_add_if_changed, shard.add)

    def entrust(self, table: Any, vault: Vault) -> None:
        """Give a copy of a table a vault of its own, for the same keys."""
        table.items.vault = vault
        for item in self.items(table):
            item.vault = vault

    def items(self, table: Any) -> Iterator[Any]:
        """All items of a table."""
        for found in table.items.values():
            yield from found.values() if table.range_key_attr else (found,)

    def find(self, table: Any, key: Mapping[str, Any]) -> Any:
        """The item with a key ({"id": {"S": "1"}}); None where there is none."""
        of_type = _load(_ITEMS, "DynamoType").DynamoType
        names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        if sorted(key) != sorted(names):
            return None
        found: Any = table.items
        for name in names:
            found = dict.get(found, of_type(key[name]), {})
        return found or None

    def stored(self, item: Any) -> dict[str, Any]:
        """What an item's image says: attribute values by name, in DynamoDB's JSON."""
        return _parse(item.vault.open("items", item.image, item.place_of))

    def current(self, item: Any) -> dict[str, Any]:
        """As `stored`, of an item that may lie open and have been changed."""
        return _parse(_attributes(item.attrs))

    @contextmanager
    def only(self, region: str, names: Iterable[str]) -> Iterator[None]:
        """Show moto no other tables: for a PartiQL statement it reads all that it knows."""
        backend = self._moto.dynamodb(region)
        every = backend.tables
        backend.tables = OrderedDict((name, every[name]) for name in names if name in every)
        try:
            yield
        finally:
            backend.tables = every


def _add_if_changed(add: Callable[..., None], old: Any, new: Any) -> None:
    """A write that leaves an item as it was is no record of a stream's."""
    if old is None or new is None or old.to_json() != new.to_json():
        add(old, new)


def _parse(text: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text, object_hook=_with_bytes)
    return found


# moto keeps binary values as base64 text in some places and as bytes in others: each stays as it
# is. No attribute value looks like this mark: what stands under a name there is never plain text.
_BYTES = "bytes"


def _with_bytes(document: dict[str, Any]) -> Any:
    if len(document) == 1 and isinstance(document.get(_BYTES), str):
        return base64.b64decode(document[_BYTES])
    return document


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "value"):
        return _document(value)
    return str(value)  # a number that moto calculated


def _document(value: Any) -> dict[str, Any]:
    return {value.type: value.value}


def _attributes(attrs: Mapping[str, Any]) -> bytes:
    """moto's attribute values as text."""
    return json.dumps(attrs, default=_without_bytes).encode()


@cache
def _sealed_kinds() -> Any:
    """moto's kinds of item and record that are sealed: made on first use, as moto is loaded."""
    types = _load(_ITEMS, "DynamoType", "Item", "LimitedSizeDict")

    class Item(types.Item):  # type: ignore[name-defined]
        """An item as moto knows it, whose attributes are sealed until somebody asks."""

        def __init__(self, vault: Vault, item: Any) -> None:
            self.vault, self.hash_key, self.range_key = vault, item.hash_key, item.range_key
            self._open: Any = None
            self.image = vault.seal("items", _attributes(item.attrs), self.place_of)

        def __repr__(self) -> str:
            return "<a sealed item>"

        @property
        def place_of(self) -> bytes:
            keys = [_document(key) for key in (self.hash_key, self.range_key) if key is not None]
            return json.dumps(keys, default=_without_bytes).encode()

        @property
        def attrs(self) -> Any:
            if self._open is None:
                self._text = self.vault.open("items", self.image, self.place_of)
                opened = types.LimitedSizeDict()
                for name, value in _parse(self._text).items():  # its size was checked before
                    dict.__setitem__(opened, name, types.DynamoType(value))
                self._open = opened
                self.vault.note_opened(self)
            return self._open

        @property
        def changed(self) -> bool:
            return self._open is not None and _attributes(self._open) != self._text

        def close(self, *, keep: bool) -> None:
            """Forget the plaintext, after sealing it anew if it changed and is to be kept."""
            if keep and self.changed:
                self.image = self.vault.seal("items", _attributes(self._open), self.place_of)
            self._open, self._text = None, b""

        def __deepcopy__(self, memo: Any) -> Any:
            copied = self.__class__.__new__(self.__class__)
            copied.vault, copied.image, copied._open = self.vault, self.image, None
            copied.hash_key, copied.range_key = self.hash_key, self.range_key
            if self.changed:
                text = _attributes(self._open)
                copied.image = self.vault.seal("items", text, self.place_of)
            return copied

    class Items(dict[Any, Any]):
        """moto's items by key; where a table has a sort key, a level more (``inner``)."""

        def __init__(self, vault: Vault, *, inner: bool = False) -> None:
            super().__init__()
            self.vault, self.inner = vault, inner

        def __missing__(self, key: Any) -> Any:
            if self.inner:
                raise KeyError(key)
            inner = Items(self.vault, inner=True)
            dict.__setitem__(self, key, inner)
            return inner

        def place(self, item: Any) -> None:
            """Seal an item and put it where its key says."""
            mapping = self if item.range_key is None else self[item.hash_key]
            last = item.hash_key if item.range_key is None else item.range_key
            dict.__setitem__(mapping, last, Item(self.vault, item))

        def __setitem__(self, key: Any, item: Any) -> None:
            old, new = dict.get(self, key), Item(self.vault, item)
            undo = (
                partial(dict.pop, self, key, None)
                if old is None
                else partial(dict.__setitem__, self, key, old)
            )
            dict.__setitem__(self, key, new)
            self.vault.note_written(new.place_of, undo, old, new)

        def pop(self, key: Any, *default: Any) -> Any:
            old = dict.pop(self, key, *default)
            if isinstance(old, Item):
                undo = partial(dict.__setitem__, self, key, old)
                self.vault.note_written(old.place_of, undo, old, None)
            return old

        def __deepcopy__(self, memo: Any) -> Any:
            copied = Items(self.vault, inner=self.inner)
            for key, value in self.items():
                dict.__setitem__(copied, key, value.__deepcopy__(memo))
            return copied

    class Record:
        """A stream record; the item's key and images in it are sealed."""

        def __init__(self, vault: Vault, record: Any) -> None:
            self.vault, self.record = vault, {**record.record}
            change = dict(self.record["dynamodb"])
            data = {name: change.pop(name) for name in _IMAGES if name in change}
            self.record["dynamodb"] = change
            self.place = json.dumps([change["SequenceNumber"]]).encode()
            self.key = json.dumps([*data["Keys"].values()], default=_without_bytes).encode()
            self.sealed = vault.seal("stream", _attributes(data), self.place)

        def to_json(self) -> dict[str, Any]:
            data = _parse(self.vault.open("stream", self.sealed, self.place))
            return {**self.record, "dynamodb": {**self.record["dynamodb"], **data}}

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    class Records(list[Any]):
        """A stream's records, sealed as they come."""

        def __init__(self, vault: Vault, records: Iterable[Any] = ()) -> None:
            super().__init__()
            self.vault = vault
            for record in records:
                self.append(record)

        def append(self, record: Any) -> None:
            sealed = Record(self.vault, record)
            super().append(sealed)
            self.vault.note_written(sealed.key, partial(self.remove, sealed))

        def __deepcopy__(self, memo: Any) -> Any:
            copied = Records(self.vault)
            list.extend(copied, self)
            return copied

    return SimpleNamespace(Item=Item, Items=Items, Records=Records)


_IMAGES = ("Keys", "NewImage", "OldImage")
