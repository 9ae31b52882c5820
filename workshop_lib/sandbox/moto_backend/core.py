"""Every touch of moto's inside. moto keeps the state; the sandbox's rules stand around it.

moto's modules are imported when they are first needed: a lesson on KMS never loads S3.
"""

import datetime as real_datetime
import importlib
import io
import re
import sys
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any
from urllib.parse import unquote_to_bytes

import moto
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from workshop_lib.errors import NotEmulated, UnsupportedMoto
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.protocol.messages import Request, Response

try:
    from moto.core.base_backend import BackendDict
    from moto.core.common_models import BaseModel
    from moto.core.model_instances import reset_model_data
    from moto.core.request import Request as MotoRequest
    from moto.moto_api._internal import mock_random
except ImportError as error:
    raise UnsupportedMoto(moto.__version__, str(error)) from error

SUPPORTED = ((5, 2, 5), (5, 3))  # from, below; tests/sandbox/moto_backend is the contract

# Where each service's requests enter moto: module, class, and the host moto expects.
_ENTRANCES = {
    "dynamodb": ("moto.dynamodb.responses", "DynamoHandler", "dynamodb.{region}.amazonaws.com"),
    "iam": ("moto.iam.responses", "IamResponse", "iam.amazonaws.com"),
    "s3": ("moto.s3.responses", "S3Response", "s3.{region}.amazonaws.com"),
}


# Loaded at every start, and what must be there; a service's entrance is looked at on first use.
_RELIED_ON = {
    "moto.core.responses": ("gen_amzn_requestid_long", "method_names_from_class"),
    "moto.core.utils": ("datetime",),
    "moto.iam.models": ("iam_backends", "AWSManagedPolicy", "aws_managed_policies_data"),
    "moto.iam.policy_validation": (
        "IAMPolicyDocumentValidator",
        "IAMTrustPolicyDocumentValidator",
    ),
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


# --- views --------------------------------------------------------------------------------------


def missing_in_moto(error: AttributeError) -> UnsupportedMoto | None:
    """What this package missed at an object of moto's, as a sentence; None for any other error.

    The views themselves ask nothing: they are read many times a call. What moto's own code misses
    is none of theirs.
    """
    owner = _name_in_moto(error.obj)
    files = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    ours = [name.startswith(_HERE) for name in files if name.startswith((_HERE, _MOTO))]
    if owner is None or not (ours and ours[-1]):
        return None
    return UnsupportedMoto(moto.__version__, f"{owner} has no {error.name}")


_HERE, _MOTO = (str(Path(str(file)).parent) for file in (__file__, moto.__file__))


def _name_in_moto(thing: object) -> str | None:
    """The full name of a module or class of moto's, or of a thing's class; None for others'."""
    if isinstance(thing, ModuleType):
        name = thing.__name__
    else:
        cls = thing if isinstance(thing, type) else type(thing)
        name = f"{cls.__module__}.{cls.__qualname__}"
    return name if name.startswith("moto.") else None


class ReliesOnMoto:
    """Base of classes that read moto's objects: the contract tests walk all that they offer."""

    __slots__ = ()


class View(ReliesOnMoto):
    """What the sandbox sees of one of moto's objects; the object itself never leaves this package.

    Two views of the same object are equal. Where the installed moto's object lacks what a property
    or a verb needs, `missing_in_moto` tells of the AttributeError.
    """

    __slots__ = ("_wrapped",)

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and self._wrapped is other._wrapped

    def __hash__(self) -> int:
        return id(self._wrapped)


def put(thing: object, **values: object) -> None:
    """Set attributes of moto's object that it has: another name would be set, and never read."""
    for name, value in values.items():
        getattr(thing, name)
        setattr(thing, name, value)


# --- moto itself --------------------------------------------------------------------------------


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


def _keep_no_list(cls: type[Any], *_: Any, **__: Any) -> Any:
    """Make one of moto's objects. moto lists each that was ever made, for its dashboard.

    What was overwritten or deleted would stay in memory.
    """
    return super(BaseModel, cls).__new__(cls)


def _leave_policies_to_the_grammar() -> None:
    """Keep moto from judging policies that were judged: it refuses numbers, which IAM takes."""
    validation = importlib.import_module("moto.iam.policy_validation")
    for name in ("IAMPolicyDocumentValidator", "IAMTrustPolicyDocumentValidator"):
        getattr(validation, name).validate = lambda self: None


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
    headers["x-amzn-requestid"] = request_id = _request_id.get()
    return request_id


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
    """moto's backends for one account; all are emptied when the first account's are made.

    ``beside`` is the first account's, whose state stays. ``mark`` tells what is made here from what
    is made alike in the first account: identifiers are seeded with it. Raises UnsupportedMoto where
    the installed moto is outside the tested versions, or lacks what the sandbox relies on.
    """

    def __init__(self, account: str, beside: "Moto | None" = None) -> None:
        self.account = account
        self.mark = "" if beside is None else f"{account}-"
        self._ordinals: Counter[str] = Counter()
        if beside is None:
            self._begin()

    def _begin(self) -> None:
        version = tuple(int(part) for part in re.findall(r"\d+", moto.__version__)[:3])
        if not SUPPORTED[0] <= version < SUPPORTED[1]:
            raise UnsupportedMoto(moto.__version__, "it was tested with 5.2.5 and later 5.2 ones")
        for module, names in _RELIED_ON.items():
            _load(module, *names)
        _follow_clock("moto.core.utils")
        BaseModel.__new__ = _keep_no_list  # type: ignore[method-assign]
        _leave_policies_to_the_grammar()
        BackendDict.reset()
        reset_model_data()

    def seed(self, operation: str) -> None:
        """Make the identifiers of this call depend on its operation and ordinal alone.

        One more call of another operation then changes no identifier.
        """
        self._ordinals[operation] += 1
        mock_random.seed(f"{self.mark}{operation}-{self._ordinals[operation]}")

    def forward(self, request: Request, service: str, region: str, request_id: str) -> Response:
        """Let moto answer ``request`` under an id; S3's come path-style (/bucket/key).

        Raises NotEmulated where moto has no such operation.
        """
        dispatch = _dispatcher(service)
        host = _ENTRANCES[service][2].format(region=region)
        moto_request = (
            _JsonRequest(request, host, self.account)
            if service == "dynamodb"
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

    def _backend(self, service: str, region: str = "aws", account: str | None = None) -> Any:
        """moto's backend, past the lock and the bookkeeping of its own look-up once it is there."""
        every, account = _backends(service), account or self.account
        found = dict.get(dict.get(every, account, {}), region)
        return every[account][region] if found is None else found
