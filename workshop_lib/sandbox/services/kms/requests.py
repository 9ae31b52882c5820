"""KMS requests, checked against the service model that botocore ships, and its responses.

Types, lengths, patterns and enumerations are AWS's own:
https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.service_model import counted, description, lower_first

Parameters = dict[str, Any]


def check(operation: str, parameters: Mapping[str, Any]) -> Parameters:
    """The request's parameters with blobs decoded (bytes) and dates read (aware datetimes).

    Raises AwsError: SerializationException for a wrong type, ValidationException that lists
    whatever else the service model forbids.
    """
    model = description("kms")
    shape = model["operations"][operation]["input"]["shape"]
    faults: list[str] = []
    checked: Parameters = _value(model["shapes"], shape, parameters, "", faults)
    if faults:
        raise counted("ValidationException", faults)
    if operation in _RULES:
        _RULES[operation](checked)
    return checked


def _one_size(values: Parameters) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html"""
    if ("NumberOfBytes" in values) == ("KeySpec" in values):
        raise AwsError("ValidationException", "Please specify either number of bytes or key spec.")


def _some_size(values: Parameters) -> None:
    if "NumberOfBytes" not in values:
        raise AwsError("ValidationException", "NumberOfBytes is required.")


def _retiring_principal(values: Parameters) -> None:
    if "RetiringServicePrincipal" in values:
        raise NotEmulated("The sandbox does not emulate grants to service principals.")
    if "RetiringPrincipal" not in values:
        raise AwsError("ValidationException", "RetiringPrincipal is required.")


def _waiting_period(values: Parameters) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""
    if not 7 <= values.get("PendingWindowInDays", 30) <= 30:
        raise AwsError("ValidationException", "PendingWindowInDays must be between 7 and 30")


def _alias_name(values: Parameters) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html"""
    name = values["AliasName"]
    if not name.startswith("alias/"):
        raise AwsError(
            "ValidationException",
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        )
    if name.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException", "")
    if ":" in name or name == "alias/":
        raise AwsError("ValidationException", f"{name} contains invalid characters for an alias")


def _page_size(most: int) -> Callable[[Parameters], None]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html"""

    def rule(values: Parameters) -> None:
        if values.get("Limit", 1) > most:
            raise AwsError("ValidationException", f"Limit must be between 1 and {most}.")

    return rule


def _retirable(values: Parameters) -> None:
    _page_size(100)(values)
    _retiring_principal(values)


def _operations(values: Parameters) -> None:
    if not values["Operations"]:
        raise AwsError("ValidationException", "Operations must name at least one operation.")


# What the service model does not say.
_RULES: dict[str, Callable[[Parameters], None]] = {
    "CreateAlias": _alias_name,
    "CreateGrant": _operations,
    "UpdateAlias": _alias_name,
    "DeleteAlias": _alias_name,
    "GenerateDataKey": _one_size,
    "GenerateDataKeyWithoutPlaintext": _one_size,
    "GenerateRandom": _some_size,
    "ListAliases": _page_size(100),
    "ListGrants": _page_size(100),
    "ListResourceTags": _page_size(50),
    "ListRetirableGrants": _retirable,
    "ScheduleKeyDeletion": _waiting_period,
}


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,), "map": (dict,), "list": (list,), "string": (str,), "blob": (str,),
    "integer": (int,), "boolean": (bool,), "timestamp": (int, float),
}  # fmt: skip


def _value(shapes: Any, name: str, value: Any, path: str, faults: list[str]) -> Any:
    shape = shapes[name]
    kind = shape["type"]
    fits = isinstance(value, _TYPES[kind])
    if not fits or (kind == "integer" and isinstance(value, bool)):
        raise AwsError("SerializationException", f"Unexpected value at '{path or name}'.")
    if kind == "structure":
        return _structure(shapes, shape, value, path, faults)
    if kind == "map":
        _limits(shape, value, len(value), "size", path, faults)
        return {
            _value(shapes, shape["key"]["shape"], key, f"{path}.key", faults): _value(
                shapes, shape["value"]["shape"], item, f"{path}.{key}", faults
            )
            for key, item in value.items()
        }
    if kind == "list":
        return _list(shapes, shape, value, path, faults)
    if kind == "integer":
        _limits(shape, value, value, "value", path, faults)
    elif kind == "timestamp":
        return _date(value, path)
    elif kind == "blob":
        return _blob(shape, value, path, faults)
    elif kind == "string":
        _string(shape, value, path, faults)
    return value


def _list(shapes: Any, shape: Any, value: Any, path: str, faults: list[str]) -> list[Any]:
    """What is wrong with a text in a list is told of the list, with all that bounds its texts."""
    _limits(shape, value, len(value), "length", path, faults)
    name = shape["member"]["shape"]
    member = shapes[name]
    inner: list[str] = []
    found = [
        _value(shapes, name, item, f"{path}.{place}.member", inner)
        for place, item in enumerate(value, start=1)
    ]
    if inner and member["type"] == "string":
        rules = ", ".join(_bounds(member))
        shown = None if member.get("sensitive") else f"[{', '.join(value)}]"
        _fault(faults, shown, path, f"Member must satisfy constraint: [{rules}]")
    else:
        faults += inner
    return found


def _bounds(shape: Any) -> Iterator[str]:
    """The constraints of a text, in the order in which AWS lists them."""
    if "max" in shape:
        yield f"Member must have length less than or equal to {shape['max']}"
    if "min" in shape:
        yield f"Member must have length greater than or equal to {shape['min']}"
    if "pattern" in shape:
        yield f"Member must satisfy regular expression pattern: {shape['pattern']}"
    if "enum" in shape:
        yield _one_of(_offered(shape["enum"]))


def _offered(names: Sequence[str]) -> list[str]:
    """The members of an enumeration that Regions outside China know."""
    return [name for name in names if not name.startswith("SM2")]


def _one_of(names: Sequence[str]) -> str:
    """Recorded answers list an enumeration's members by the hashes of their names."""
    listed = ", ".join(sorted(names, key=lambda name: (_hash(name) % 32, name)))
    return f"Member must satisfy enum value set: [{listed}]"


def _hash(text: str) -> int:
    """Java's String.hashCode, as far as its lowest bits go."""
    return reduce(lambda found, letter: (31 * found + ord(letter)) % 2**32, text, 0)


def _structure(shapes: Any, shape: Any, value: Any, path: str, faults: list[str]) -> Parameters:
    prefix = f"{path}." if path else ""
    missing = [name for name in shape.get("required", ()) if value.get(name) is None]
    for name in missing:
        _fault(faults, None, f"{prefix}{lower_first(name)}", "Member must not be null")
    return {
        name: _value(shapes, member["shape"], value[name], prefix + lower_first(name), faults)
        for name, member in shape["members"].items()
        if value.get(name) is not None
    }


def _date(value: float, path: str) -> datetime:
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise AwsError("SerializationException", f"'{path}' is not a date.") from None


def _blob(shape: Any, value: str, path: str, faults: list[str]) -> bytes:
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("SerializationException", f"'{path}' is not base64.") from None
    size = len(data)
    buffer = f"java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]"
    _limits(shape, None if shape.get("sensitive") else buffer, size, "length", path, faults)
    return data


def _string(shape: Any, value: str, path: str, faults: list[str]) -> None:
    if "enum" in shape:
        if value not in _offered(shape["enum"]):
            _fault(faults, value, path, _one_of(_offered(shape["enum"])))
        return
    shown = None if shape.get("sensitive") else value
    _limits(shape, shown, len(value), "length", path, faults)
    pattern = shape.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        _fault(faults, shown, path, f"Member must satisfy regular expression pattern: {pattern}")


def _limits(shape: Any, value: Any, size: int, word: str, path: str, faults: list[str]) -> None:
    if "min" in shape and size < shape["min"]:
        rule = f"Member must have {word} greater than or equal to {shape['min']}"
        _fault(faults, value, path, rule)
    if "max" in shape and size > shape["max"]:
        rule = f"Member must have {word} less than or equal to {shape['max']}"
        _fault(faults, value, path, rule)


def _fault(faults: list[str], value: Any, path: str, rule: str) -> None:
    null = value is None and rule.endswith("null")
    shown = " null" if null else "" if value is None else f" '{value}'"
    faults.append(f"Value{shown} at '{path}' failed to satisfy constraint: {rule}")


# --- responses ----------------------------------------------------------------------------


def respond(document: Mapping[str, Any] | None, request_id: str) -> Response:
    """The HTTP response for a result; bytes become base64, dates seconds. None has no body."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": request_id}
    body = b"" if document is None else json.dumps(document, default=_encoded).encode()
    return Response(200, headers, body)


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(type(value).__name__)


def page(items: Sequence[Any], asked: Mapping[str, Any], name: str, default: int) -> Parameters:
    """One page of ``items`` under ``name``, by the request's Limit and Marker.

    Raises AwsError InvalidMarkerException for a marker that no page gave out.
    """
    start = _unmarked(asked.get("Marker"))
    end = start + asked.get("Limit", default)
    result: Parameters = {name: list(items[start:end]), "Truncated": end < len(items)}
    if end < len(items):
        result["NextMarker"] = base64.b64encode(f"page-{end}".encode()).decode()
    return result


def _unmarked(marker: str | None) -> int:
    if marker is None:
        return 0
    try:
        found = re.fullmatch(rb"page-(\d+)", base64.b64decode(marker, validate=True))
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise AwsError("InvalidMarkerException", "Invalid marker.")
    return int(found[1])
