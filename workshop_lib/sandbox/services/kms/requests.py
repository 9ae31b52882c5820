"""KMS requests, checked against the service model that botocore ships, and its responses.

Types, lengths, patterns and enumerations are AWS's own:
https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.validation import Dialect, Validator

Parameters = dict[str, Any]

# Recorded answers list the members of an enumeration by the hashes of their names.
VALIDATOR = Validator("kms", Dialect(hashes_enumerations=True, not_offered=("SM2",)))


def check(operation: str, parameters: Mapping[str, Any]) -> Parameters:
    """The request's parameters with blobs decoded (bytes) and dates read (aware datetimes).

    Raises AwsError: SerializationException for a wrong type, ValidationException that lists
    whatever else the service model forbids.
    """
    checked = VALIDATOR.validate(operation, parameters)
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
    if not {"RetiringPrincipal", "RetiringServicePrincipal"} & values.keys():
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
        raise AwsError(
            "NotAuthorizedException",
            "The alias name for a customer managed CMK cannot begin with alias/aws/.",
        )
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
