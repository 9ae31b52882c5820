"""What a request makes its answer depend on: preconditions and byte ranges.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.moto_backend.objects import StoredObject
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.s3.errors import no_such_key, precondition_failed


def check_read(headers: Mapping[str, str], etag: str, modified: datetime) -> bool:
    """Whether a read is to be answered: False for 304 Not Modified.

    Raises AwsError PreconditionFailed.
    """
    if "if-match" in headers:
        if not _names(headers["if-match"], etag):
            raise precondition_failed("If-Match")
    elif (since := _date(headers, "if-unmodified-since")) and modified > since:
        raise precondition_failed("If-Unmodified-Since")
    if "if-none-match" in headers:
        return not _names(headers["if-none-match"], etag)
    since = _date(headers, "if-modified-since")
    return not (since and modified <= since)


def check_copy_source(headers: Mapping[str, str], etag: str, modified: datetime) -> None:
    """Raise AwsError PreconditionFailed unless a copy's conditions on its source hold."""
    prefix = "x-amz-copy-source-"
    own = {
        name.removeprefix(prefix): value
        for name, value in headers.items()
        if name.startswith(f"{prefix}if-")
    }
    if not own:
        return
    try:
        unchanged = check_read(own, etag, modified)
    except AwsError as error:
        raise precondition_failed(f"{prefix}{error.fields['Condition']}") from None
    if not unchanged:
        name = "If-None-Match" if "if-none-match" in own else "If-Modified-Since"
        raise precondition_failed(f"{prefix}{name}")


def check_write(headers: Mapping[str, str], key: str, present: StoredObject | None) -> None:
    """Raise AwsError unless a write's conditions on the present object hold.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    none_match, match = headers.get("if-none-match"), headers.get("if-match")
    if none_match is not None and match is not None:
        message = "Multiple conditional request headers present in the request"
        raise _not_implemented("If-Match,If-None-Match", message)
    if none_match is not None:
        if none_match != "*":
            raise _not_accepted("If-None-Match")
        if present is not None:
            raise precondition_failed("If-None-Match")
    if match is not None:
        if match == "*":
            raise _not_accepted("If-Match")
        if present is None:
            raise no_such_key(key)
        if not _names(match, present.etag):
            raise precondition_failed("If-Match")


_OF_DIRECTORY_BUCKETS = ("x-amz-if-match-last-modified-time", "x-amz-if-match-size")


def require_delete_conditions(headers: Mapping[str, str], version_id: str | None) -> None:
    """Raise AwsError for conditions that no deletion in a general purpose bucket may have.

    Two are for directory buckets, and an ETag is not compared with a version that is named: seen
    of S3, see https://github.com/localstack/localstack/issues/13894 and
    https://github.com/ministackorg/ministack/issues/1501
    """
    for name in _OF_DIRECTORY_BUCKETS:
        if name in headers:
            raise _not_implemented(name)
    if version_id is not None and "if-match" in headers:
        raise _not_implemented("If-Match")


def check_delete(match: str | None, key: str, present: StoredObject | None) -> None:
    """Raise AwsError unless a deletion's condition on the present object holds.

    Where the latest version is a delete marker, the page says 412; S3 was seen to answer 404:
    https://github.com/localstack/localstack/issues/13894 and
    https://github.com/ministackorg/ministack/issues/1475
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """
    if match is None:
        return
    if present is None:
        raise no_such_key(key)
    if not _names(match, present.etag):
        raise precondition_failed("If-Match")


def check_not_overtaken(headers: Mapping[str, str], key: str, overtaken: bool) -> None:
    """Raise AwsError where another write came between beginning and end of a conditional one.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    conditions = [name for name in ("If-Match", "If-None-Match") if name.lower() in headers]
    if overtaken and conditions:
        raise AwsError(
            "ConditionalRequestConflict",
            "The conditional request cannot succeed due to a conflicting operation against this "
            "resource.",
            409,
            {"Condition": conditions[0], "Key": key},
        )


def _not_accepted(header: str) -> AwsError:
    message = f"We don't accept the provided value of {header} header for this API"
    return _not_implemented(header, message)


def _not_implemented(header: str, message: str | None = None) -> AwsError:
    more = {} if message is None else {"additionalMessage": message}
    return AwsError(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        501,
        {"Header": header, **more},
    )


def _names(header: str, etag: str) -> bool:
    wanted = [part.strip().removeprefix("W/").strip('"') for part in header.split(",")]
    return "*" in wanted or etag.strip('"') in wanted


def _date(headers: Mapping[str, str], name: str) -> datetime | None:
    """A date of HTTP; None where it is absent, malformed or, as S3 takes it, still to come."""
    try:
        moment = parsedate_to_datetime(headers[name])
    except (KeyError, ValueError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if name == "if-modified-since" and moment > clock.now() + timedelta(seconds=1):
        return None
    return moment.astimezone(UTC).replace(tzinfo=None)


_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte of a Range header, and the one after its last; None for the whole.

    Several ranges and a malformed one count as none, as does the end of an object without bytes:
    https://github.com/apache/arrow-rs-object-store/issues/846
    Raises AwsError InvalidRange.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
        if int(last) == 0:
            raise invalid_range(header, size)
        if size == 0:
            return None
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
        if start >= size:
            raise invalid_range(header, size)
    return start, stop


def invalid_range(header: str | None, size: int) -> AwsError:
    """InvalidRange."""
    return AwsError(
        "InvalidRange",
        "The requested range is not satisfiable",
        416,
        {"RangeRequested": header or "", "ActualObjectSize": str(size)},
    )
