"""S3 Object Lock: a bucket's default retention, an object's retention and legal hold.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import DefaultLock, StoredObject
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3.buckets import Bucket
from workshop_lib.sandbox.services.s3.errors import (
    access_denied,
    invalid_argument,
    invalid_request,
    unvalued_argument,
)
from workshop_lib.sandbox.services.s3.permissions import bypasses
from workshop_lib.sandbox.services.s3.storage import Storage, version_headers
from workshop_lib.sandbox.services.s3.xml import Element, malformed, parse, respond

_MODES = ("GOVERNANCE", "COMPLIANCE")
_HOLDS = ("ON", "OFF")
_LONGEST = {"Days": 36_500, "Years": 100}


# --- what a write asks for ----------------------------------------------------------------------


def from_headers(bucket: Bucket, headers: Mapping[str, str]) -> dict[str, str | None]:
    """The Object Lock settings a write asks for, else the bucket's default retention.

    Raises AwsError InvalidRequest, InvalidArgument.
    """
    mode, until, hold = (
        headers.get(f"x-amz-object-lock-{name}")
        for name in ("mode", "retain-until-date", "legal-hold")
    )
    if not (mode or until or hold):
        default = bucket.stored.default_lock
        if default is None:
            return {}
        return {"mode": default.mode, "until": bucket.stored.default_retention()}
    if bool(mode) != bool(until):
        raise unvalued_argument(
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            "x-amz-object-lock-mode" if until else "x-amz-object-lock-retain-until-date",
        )
    if mode and mode not in _MODES:
        raise invalid_argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    if until:
        _require_future(until, "x-amz-object-lock-retain-until-date")
    if hold and hold not in _HOLDS:
        message = "Legal Hold must be either of 'ON' or 'OFF'"
        raise invalid_argument(message, "x-amz-object-lock-legal-hold", hold)
    if not bucket.stored.object_lock_enabled:
        # Written in one word here, in three where the lock itself is put or read:
        # https://github.com/versity/versitygw/issues/1751
        raise invalid_request("Bucket is missing ObjectLockConfiguration")
    return {"mode": mode, "until": _normal(until) if until else None, "hold": hold}


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _normal(text: str) -> str:
    """A moment, checked before, in the form S3 tells it."""
    moment = _moment(text)
    assert moment is not None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _require_future(text: str, name: str) -> None:
    moment = _moment(text)
    if moment is None:
        message = "The retain until date must be provided in ISO 8601 format"
        raise invalid_argument(message, name, text)
    if moment <= clock.now():
        raise invalid_argument("The retain until date must be in the future!", name, text)


# --- the bucket's -------------------------------------------------------------------------------


def put_configuration(call: Call, bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html"""
    document = parse(call.request.body, "ObjectLockConfiguration")
    if document.value("ObjectLockEnabled") != "Enabled":
        raise malformed()
    default = _default(document.one("Rule"))
    if bucket.versioning != "Enabled":
        raise AwsError(
            "InvalidBucketState",
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            409,
        )
    bucket.stored.set_default_lock(default)
    return Response(200)


def _default(rule: Element | None) -> DefaultLock | None:
    """A rule's default retention; None where there is no rule."""
    if rule is None:
        return None
    retention = rule.one("DefaultRetention")
    if retention is None:
        raise malformed()
    mode = retention.value("Mode")
    given = {unit: retention.value(unit) for unit in _LONGEST}
    periods = {unit: text for unit, text in given.items() if text is not None}
    if mode not in _MODES or len(periods) != 1:
        raise malformed()
    [(unit, text)] = periods.items()
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        raise malformed()
    period = int(text)
    if period < 1:
        message = "Default retention period must be a positive integer value."
        raise AwsError("InvalidArgument", message)
    if period > _LONGEST[unit]:
        message = f"Default retention period too large; must be no more than {_LONGEST[unit]} "
        raise AwsError("InvalidArgument", message + f"{unit.lower()}.")
    days, years = (period, 0) if unit == "Days" else (0, period)
    return DefaultLock(mode, days, years)


def get_configuration(call: Call, bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html"""
    if not bucket.stored.object_lock_enabled:
        raise AwsError(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
            404,
            {"BucketName": bucket.name},
        )
    default = bucket.stored.default_lock
    rule = default and {
        "DefaultRetention": {
            "Mode": default.mode,
            "Days": default.days or None,
            "Years": default.years or None,
        }
    }
    shown = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    return respond("ObjectLockConfiguration", shown)


# --- an object's --------------------------------------------------------------------------------


class Locks:
    """The operations on objects' retention and legal hold."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.handlers: dict[str, Callable[[Call, Bucket], Response]] = {
            "PutObjectLockConfiguration": put_configuration,
            "GetObjectLockConfiguration": get_configuration,
            "PutObjectRetention": self.put_retention,
            "GetObjectRetention": self.get_retention,
            "PutObjectLegalHold": self.put_hold,
            "GetObjectLegalHold": self.get_hold,
        }

    def _object(self, call: Call, bucket: Bucket) -> StoredObject:
        key, version_id = call.parameters["Key"], call.parameters.get("versionId")
        made = self._storage.object(call, bucket, key, version_id)
        if not bucket.stored.object_lock_enabled:
            raise invalid_request("Bucket is missing Object Lock Configuration")
        return made

    def put_retention(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html"""
        document = _document(call, "Retention")
        mode, until = document.value("Mode"), document.value("RetainUntilDate")
        if bool(mode) != bool(until):  # neither takes the retention away
            raise malformed()
        if mode and until:
            if mode not in _MODES or _moment(until) is None:
                raise malformed()
            _require_future(until, "RetainUntilDate")
        made = self._object(call, bucket)
        _require_no_less(made, mode, until, bypass=bypasses(call.request.headers))
        made.set_retention(mode or None, _normal(until) if until else None)
        return Response(200)

    def get_retention(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html"""
        made = self._object(call, bucket)
        if not made.lock_mode:
            raise _no_lock()
        content = {"Mode": made.lock_mode, "RetainUntilDate": made.lock_until}
        return respond("Retention", content, version_headers(bucket, made))

    def put_hold(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html"""
        status = _document(call, "LegalHold").value("Status")
        if status not in _HOLDS:
            raise malformed()
        made = self._object(call, bucket)
        made.set_legal_hold(status)
        return Response(200)

    def get_hold(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html"""
        made = self._object(call, bucket)
        if not made.legal_hold:
            raise _no_lock()
        return respond("LegalHold", {"Status": made.legal_hold})


def _document(call: Call, root: str) -> Element:
    """An object's lock or hold: malformed, unlike other documents, also where there is none."""
    if not call.request.body:
        raise malformed()
    return parse(call.request.body, root)


def _require_no_less(
    made: StoredObject, mode: str | None, until: str | None, *, bypass: bool
) -> None:
    """A retention that still runs may be made longer; all else only in governance, bypassing it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
    """
    present = _moment(made.lock_until) if made.lock_mode and made.lock_until else None
    if present is None or present <= clock.now():
        return
    asked = _moment(until) if until else None
    longer = asked is not None and asked >= present
    if longer and mode == made.lock_mode:
        return
    if made.lock_mode == "COMPLIANCE" or not bypass:
        raise access_denied("Access Denied because object protected by object lock.")


def _no_lock() -> AwsError:
    return AwsError(
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
        404,
    )
