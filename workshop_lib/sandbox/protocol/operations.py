"""From a request to its operation and parameters; nothing is decided here."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.routing import (
    BUCKET,
    OBJECT,
    SERVICE,
    has_path,
    is_of_the_bucket,
    require_operation,
    s3_operation,
)
from workshop_lib.sandbox.protocol.service_definition import Protocol, ServiceDefinition

Parameters = dict[str, Any]


def read_operation(
    request: Request, service: ServiceDefinition, bucket: str | None
) -> tuple[str, Parameters]:
    """The operation that a request asks of a service, and its parameters.

    ``bucket`` is S3's when the host names it: the request's path begins with it from now on.
    Raises AwsError for what AWS would not understand either.
    """
    if service.protocol is Protocol.REST_XML:
        return _of_s3(request, bucket)
    if service.protocol is Protocol.QUERY:
        return _of_form(request, service)
    return _of_json(request, service)


def _of_json(request: Request, service: ServiceDefinition) -> tuple[str, Parameters]:
    target, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
    if target not in service.targets:
        raise AwsError("UnknownOperationException", "")
    require_operation(service.name, operation)
    parameters = _json(request.body or b"{}")
    if not isinstance(parameters, dict):
        raise AwsError(
            "SerializationException", "Start of structure or map found where not expected."
        )
    return operation, parameters


def _json(body: bytes) -> Any:
    """What a body says in JSON. Raises AwsError SerializationException.

    Python reads more than that: NaN, numbers beyond a double's, halves of characters, UTF-16.
    """
    try:
        text = body.decode()
        if _SURROGATE.search(text):
            json.dumps(json.loads(text), ensure_ascii=False).encode()
        if text.count("{") + text.count("[") > _DEEPEST:
            _require_shallow(text)
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise AwsError("SerializationException", "") from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _no_number(text: str) -> float:
    raise ValueError(text)


def _require_shallow(text: str) -> None:
    depth = 0
    for found in _NESTING.finditer(text):
        if found[0] in "{[":
            depth += 1
            if depth > _DEEPEST:
                raise ValueError
        elif found[0] in "}]":
            depth -= 1


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_number)
_DEEPEST = 256  # levels; DynamoDB's attributes have 32, of two each
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NESTING = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)  # texts count for nothing


def _of_form(request: Request, service: ServiceDefinition) -> tuple[str, Parameters]:
    try:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        form = {}
    form = {**request.parameters, **form}
    operation = form.get("Action", "")
    if not operation:
        raise AwsError("MissingAction", "The request must contain the parameter Action.")
    require_operation(service.name, operation)
    return operation, form


def _of_s3(request: Request, bucket: str | None) -> tuple[str, Parameters]:
    path = request.path if bucket is None else f"/{bucket}{request.path}"
    name, _, key = path.removeprefix("/").partition("/")
    # of a name that comes twice S3 reads the first
    query = dict(parse_qsl(request.query, keep_blank_values=True)[::-1])
    for header, value in presigned_headers(query.items()).items():
        request.headers.setdefault(header, value)
    if key and request.method != "OPTIONS" and is_of_the_bucket(query):
        key, path = "", f"/{name}"
    parameters: Parameters = {**query, "Bucket": unquote(name), "Key": unquote(key)}
    request.path = path
    place = OBJECT if key else BUCKET if name else SERVICE
    if place == BUCKET and bucket is None and has_path(path):
        place = path
    return s3_operation(request.method, place, query, request.headers), parameters


def presigned_headers(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that a presigned URL carries as parameters (x-amz-…, but for its signature's)."""
    own = {
        "x-amz-algorithm", "x-amz-content-sha256", "x-amz-credential", "x-amz-date",
        "x-amz-expires", "x-amz-security-token", "x-amz-signature", "x-amz-signedheaders",
        "x-amz-user-agent",
    }  # fmt: skip
    return {
        name.lower(): value
        for name, value in query
        if name.lower().startswith("x-amz-") and name.lower() not in own
    }
