"""Every touch of moto's inside. moto keeps the state; the sandbox's rules stand around it.

moto's modules are imported when they are first needed: a lesson on KMS never loads S3.
"""

import datetime as real_datetime
import importlib
import io
import json
import re
import string
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_to_bytes

import moto
from moto.core.base_backend import BackendDict
from moto.core.exceptions import HTTPException
from moto.core.model_instances import reset_model_data
from moto.core.request import Request as MotoRequest
from moto.moto_api._internal import mock_random

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.errors import NotEmulated
from workshop_lib.sandbox.messages import Request, Response

SUPPORTED = ((5, 2, 5), (5, 3))  # from, below; tests/test_moto_adapter.py is the contract

# Where each service's requests enter moto: module, class, and the host moto expects.
_ENTRANCES = {
    "kms": ("moto.kms.responses", "KmsResponse", "kms.{region}.amazonaws.com"),
    "dynamodb": ("moto.dynamodb.responses", "DynamoHandler", "dynamodb.{region}.amazonaws.com"),
    "dynamodbstreams": (
        "moto.dynamodbstreams.responses",
        "DynamoDBStreamsHandler",
        "streams.dynamodb.{region}.amazonaws.com",
    ),
    "iam": ("moto.iam.responses", "IamResponse", "iam.amazonaws.com"),
    "sts": ("moto.sts.responses", "TokenResponse", "sts.{region}.amazonaws.com"),
    "s3": ("moto.s3.responses", "S3Response", "s3.{region}.amazonaws.com"),
}


class UnsupportedMoto(RuntimeError):
    """The installed moto is not one the sandbox was tested with."""


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


def _remember_method_names() -> None:
    """Let moto look up a service's operations once: it inspects the class in every call."""
    responses = importlib.import_module("moto.core.responses")
    if not hasattr(responses.method_names_from_class, "cache_info"):
        responses.method_names_from_class = cache(responses.method_names_from_class)  # type: ignore[attr-defined]


_dispatchers: dict[str, Callable[..., Any]] = {}


def _dispatcher(service: str) -> Callable[..., Any]:
    if service not in _dispatchers:
        if service not in _ENTRANCES:
            raise NotEmulated(f"The sandbox does not emulate {service}.")
        _remember_method_names()
        module, name, _ = _ENTRANCES[service]
        handler = getattr(importlib.import_module(module), name)
        if service == "s3":
            _follow_clock("moto.s3.models")
        _dispatchers[service] = handler.key_dispatch if service == "s3" else handler.dispatch
    return _dispatchers[service]


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


class Moto:
    """moto's backends for one account, emptied when made.

    Raises UnsupportedMoto where the installed moto is outside the tested versions.
    """

    def __init__(self, account: str) -> None:
        version = tuple(int(part) for part in re.findall(r"\d+", moto.__version__)[:3])
        if not SUPPORTED[0] <= version < SUPPORTED[1]:
            raise UnsupportedMoto(
                "The sandbox was tested with moto 5.2.5 and later 5.2 versions, not with "
                f"{moto.__version__}: install the versions in requirements.lock "
                "(python3 workshop.py lab does it)."
            )
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

    def forward(self, request: Request, service: str, region: str) -> Response:
        """Let moto answer ``request``; S3's come path-style (/bucket/key).

        Raises NotEmulated where moto has no such operation.
        """
        dispatch = _dispatcher(service)
        host = _ENTRANCES[service][2].format(region=region)
        moto_request = MotoRequest(_environ(request, host, self.account))
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
        return importlib.import_module("moto.iam.models").iam_backends[self.account]["aws"]

    @property
    def s3(self) -> Any:
        """moto's S3 backend: buckets and their objects."""
        return importlib.import_module("moto.s3.models").s3_backends[self.account]["aws"]

    def kms(self, region: str) -> Any:
        """moto's KMS backend of a region: keys, aliases, grants."""
        return importlib.import_module("moto.kms.models").kms_backends[self.account][region]

    def dynamodb(self, region: str) -> Any:
        """moto's DynamoDB backend of a region: tables, backups."""
        module = importlib.import_module("moto.dynamodb.models")
        return module.dynamodb_backends[self.account][region]


class ObjectStore:
    """moto's S3 as a store: buckets, and of each key the versions, oldest first.

    What is stored is given as bytes, sealed already; moto never sees what they say. An object's
    own facts (`facts`) and a bucket's (`settings`) hang on moto's objects, so that they live and
    go with them.
    """

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    @property
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

    def canned_acl(self, name: str) -> Any:
        """moto's ACL for a canned one."""
        return self._models.get_canned_acl(name)

    def new_id(self, operation: str, length: int) -> str:
        """An identifier of letters and digits that depends on operation and ordinal alone."""
        self._moto.seed(operation)
        return "".join(mock_random.choices(string.ascii_letters + string.digits, k=length))

    def new_digest(self, operation: str) -> str:
        """32 hex digits that depend on operation and ordinal alone."""
        self._moto.seed(operation)
        return f"{mock_random.getrandbits(128):032x}"
