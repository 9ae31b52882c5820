"""S3's listings: buckets, objects, versions and uploads under way.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import StoredObject, Version
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.service_model import regions
from workshop_lib.sandbox.services.s3.buckets import Bucket, Buckets
from workshop_lib.sandbox.services.s3.errors import invalid_argument, unvalued_argument
from workshop_lib.sandbox.services.s3.multipart import Upload
from workshop_lib.sandbox.services.s3.parameters import count, number
from workshop_lib.sandbox.services.s3.storage import metadata_of
from workshop_lib.sandbox.services.s3.xml import respond

_MOST, _MOST_BUCKETS = 1000, 10_000
# With any of these ListBuckets tells the buckets' Regions.
_PAGED = ("bucket-region", "continuation-token", "max-buckets", "prefix")


@dataclass
class _Query:
    """What a listing is asked for."""

    prefix: str
    delimiter: str
    asked: int
    encoding: str | None

    @property
    def most(self) -> int:
        """How many entries a page may have."""
        return min(self.asked, _MOST)

    def shown(self, text: str) -> str:
        """A key as the document writes it."""
        if self.encoding is None:
            return text
        return quote_plus(text, safe="/*").replace("~", "%7E")  # as Java's URLEncoder

    def group(self, key: str) -> str | None:
        """The common prefix that stands for a key, if any."""
        if not self.delimiter:
            return None
        end = key.find(self.delimiter, len(self.prefix))
        return None if end < 0 else key[: end + len(self.delimiter)]


@dataclass
class _Page:
    """One page: entries and common prefixes; where the next one begins, if there is one."""

    entries: list[Any] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: Any = None
    truncated: bool = False


def _page(query: _Query, entries: Iterable[tuple[str, Any]], after_group: str = "") -> _Page:
    """The first entries, those under a common prefix counted as one.

    ``entries``: keys in S3's order, each with what is listed. ``after_group``: the page before
    ended with this common prefix, so nothing under it is listed again.
    """
    page = _Page()
    for key, entry in entries:
        if not key.startswith(query.prefix):
            continue
        group = query.group(key)
        if group is not None and (group == after_group or group in page.prefixes[-1:]):
            continue
        if len(page.entries) + len(page.prefixes) >= query.most:
            page.truncated = query.most > 0
            break
        if group is None:
            page.entries.append(entry)
            page.last = entry
        else:
            page.prefixes.append(group)
            page.last = group
    return page


def _query(call: Call, asked: Callable[[Call], int]) -> _Query:
    """What every listing of a bucket's contents takes. Raises AwsError InvalidArgument."""
    parameters = call.parameters
    encoding = parameters.get("encoding-type")
    if encoding is not None and encoding.lower() != "url":
        message = "Invalid Encoding Method specified in Request"
        raise invalid_argument(message, "encoding-type", encoding)
    prefix, delimiter = parameters.get("prefix", ""), parameters.get("delimiter", "")
    return _Query(prefix, delimiter, asked(call), encoding)


def _keys(call: Call) -> int:
    return count(call, "max-keys", _MOST, "maxKeys")


def _versions(call: Call) -> int:
    asked = number(call, "max-keys", _MOST)
    if asked < 0:
        raise unvalued_argument("max-keys cannot be negative", "max-keys")
    return asked


def _uploads(call: Call) -> int:
    return min(count(call, "max-uploads", _MOST), _MOST)


class Listing:
    """ListBuckets, ListObjects, ListObjectsV2, ListObjectVersions, ListMultipartUploads."""

    def __init__(self, buckets: Buckets, version_ids: Mapping[str, int]) -> None:
        """``version_ids``: those that S3 gave out, numbered in their order."""
        self._buckets, self._version_ids = buckets, version_ids
        self.handlers = {
            "ListObjects": self.objects,
            "ListObjectsV2": self.objects_v2,
            "ListObjectVersions": self.versions,
            "ListMultipartUploads": self.uploads,
        }

    def buckets(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html"""
        parameters = call.parameters
        most = number(call, "max-buckets", _MOST_BUCKETS)
        if not 1 <= most <= _MOST_BUCKETS:
            message = f"Argument max-buckets must be an integer between 1 and {_MOST_BUCKETS}"
            raise invalid_argument(message, "max-buckets", str(most))
        _require_region(call, parameters.get("bucket-region"))
        after, prefix = "", parameters.get("prefix")
        if token := parameters.get("continuation-token"):
            after = _decoded(token) or ""
            if not after:
                raise _wrong_token()
        found = [
            bucket
            for bucket in self._buckets.all()
            if bucket.name.startswith(prefix or "")
            and bucket.name > after
            and parameters.get("bucket-region", bucket.region).lower() == bucket.region
        ]
        page = found[:most]
        paged = any(name in parameters for name in _PAGED)
        content = {
            "Owner": {"ID": self._buckets.owners.of(call.account)},
            "Buckets": {"Bucket": [_shown_bucket(bucket, paged) for bucket in page]},
            "Prefix": prefix,
            "ContinuationToken": _encoded(page[-1].name) if len(page) < len(found) else None,
        }
        return respond("ListAllMyBucketsResult", content)

    # --- objects -------------------------------------------------------------------------------

    def _current(self, bucket: Bucket, after: str) -> Iterator[tuple[str, StoredObject]]:
        for key in bucket.stored.object_keys():
            if key > after:
                version = bucket.stored.latest(key)
                if isinstance(version, StoredObject):
                    yield key, version

    def objects(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html"""
        query, marker = _query(call, _keys), call.parameters.get("marker", "")
        group = (marker and query.group(marker)) or ""
        page = _page(query, self._current(bucket, marker), group)
        last = None if not page.truncated else _name(page.last)
        content = {
            "Name": bucket.name,
            "Prefix": query.shown(query.prefix),
            "Marker": query.shown(marker),
            "NextMarker": query.shown(last) if last is not None and query.delimiter else None,
            "MaxKeys": query.asked,
            "Delimiter": query.shown(query.delimiter) if query.delimiter else None,
            "IsTruncated": page.truncated,
            "EncodingType": query.encoding,
            "Contents": [_shown_object(query, bucket, made, True) for made in page.entries],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListBucketResult", content, {"x-amz-bucket-region": bucket.region})

    def objects_v2(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""
        query, parameters = _query(call, _keys), call.parameters
        token, start = parameters.get("continuation-token"), parameters.get("start-after")
        after = start or ""
        if token is not None:
            decoded = _decoded(token)
            if not decoded:
                raise _wrong_token()
            after = decoded
        group = query.group(after) or ""
        page = _page(query, self._current(bucket, after), group if group == after else "")
        fetch_owner = parameters.get("fetch-owner", "").lower() == "true"
        content = {
            "Name": bucket.name,
            "Prefix": query.shown(query.prefix),
            "StartAfter": query.shown(start) if start is not None and token is None else None,
            "ContinuationToken": token,
            "NextContinuationToken": _encoded(_name(page.last)) if page.truncated else None,
            "KeyCount": len(page.entries) + len(page.prefixes),
            "MaxKeys": query.asked,
            "Delimiter": query.shown(query.delimiter) if query.delimiter else None,
            "IsTruncated": page.truncated,
            "EncodingType": query.encoding,
            "Contents": [_shown_object(query, bucket, made, fetch_owner) for made in page.entries],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListBucketResult", content, {"x-amz-bucket-region": bucket.region})

    def versions(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html"""
        version_marker = self._version_marker(call)
        query, parameters = _query(call, _versions), call.parameters
        marker = parameters.get("key-marker", "")
        group = (marker and query.group(marker)) or ""
        page = _page(query, self._all_versions(bucket, marker, version_marker), group)
        last = page.last if page.truncated else None
        entries = [
            (
                "Version" if isinstance(version, StoredObject) else "DeleteMarker",
                self._shown_version(query, bucket, version),
            )
            for version in page.entries
        ]
        content = {
            "Name": bucket.name,
            "Prefix": query.shown(query.prefix),
            "KeyMarker": query.shown(marker),
            "VersionIdMarker": version_marker or "",
            "NextKeyMarker": None if last is None else query.shown(_name(last)),
            "NextVersionIdMarker": last.version_id if isinstance(last, Version) else None,
            "MaxKeys": query.asked,
            "Delimiter": query.shown(query.delimiter) if "delimiter" in parameters else None,
            "IsTruncated": page.truncated,
            "EncodingType": query.encoding,
            "Version": [shown for kind, shown in entries if kind == "Version"],
            "DeleteMarker": [shown for kind, shown in entries if kind == "DeleteMarker"],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListVersionsResult", content)

    def _version_marker(self, call: Call) -> str | None:
        marker: str | None = call.parameters.get("version-id-marker")
        if marker is not None and marker not in self._version_ids:
            message = "Invalid version id specified"
            raise invalid_argument(message, "version-id-marker", marker)
        return marker

    def _all_versions(
        self, bucket: Bucket, marker: str, version_marker: str | None
    ) -> Iterator[tuple[str, Version]]:
        """All versions by key, newest first, after the markers."""
        if version_marker is not None and not marker:
            return  # as S3 was seen to answer an empty key marker beside a version's id
        for key in bucket.stored.object_keys():
            if key < marker or (key == marker and version_marker is None):
                continue
            versions = bucket.stored.versions(key)[::-1]
            if key == marker:
                assert version_marker is not None
                versions = versions[self._passed(versions, version_marker) :]
            for version in versions:
                yield key, version

    def _passed(self, versions: Sequence[Version], marker: str) -> int:
        """How many versions of a key, newest first, come before what follows a marker.

        The marker may name a version that is no longer there: what is older follows it.
        """
        ids = [version.version_id for version in versions]
        if marker in ids:
            return ids.index(marker) + 1
        given = self._version_ids
        newer = [place for place, one in enumerate(ids) if given[one] > given[marker]]
        return newer[-1] + 1 if newer else 0

    def _shown_version(self, query: _Query, bucket: Bucket, version: Version) -> dict[str, Any]:
        latest = bucket.stored.latest(version.name) == version
        shown: dict[str, Any] = {
            "Key": query.shown(version.name),
            "VersionId": version.version_id,
            "IsLatest": latest,
            "LastModified": version.last_modified,
        }
        if isinstance(version, StoredObject):
            shown |= _size_and_kind(version)
        return shown | {"Owner": {"ID": bucket.owners.of(bucket.owner_of(version))}}

    # --- uploads under way ---------------------------------------------------------------------

    def uploads(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html"""
        query, parameters = _query(call, _uploads), call.parameters
        marker, id_marker = parameters.get("key-marker", ""), parameters.get("upload-id-marker", "")
        under_way: list[Upload] = sorted(
            bucket.settings.uploads.values(), key=lambda upload: (upload.key, upload.started)
        )
        left = _after(under_way, marker, id_marker)
        group = (marker and query.group(marker)) or ""
        page = _page(query, [(upload.key, upload) for upload in left], group)
        last = page.entries[-1] if page.entries else None  # a prefix is no marker of uploads
        content = {
            "Bucket": bucket.name,
            "KeyMarker": query.shown(marker),
            "UploadIdMarker": id_marker if marker else "",
            "NextKeyMarker": "" if last is None else query.shown(last.key),
            "NextUploadIdMarker": "" if last is None else last.id,
            "Delimiter": query.shown(query.delimiter) if query.delimiter else None,
            "Prefix": query.shown(query.prefix) if query.prefix else None,
            "MaxUploads": query.asked,
            "IsTruncated": page.truncated,
            "EncodingType": query.encoding,
            "Upload": [_shown_upload(query, bucket, upload) for upload in page.entries],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListMultipartUploadsResult", content)


def _require_region(call: Call, region: str | None) -> None:
    """Buckets of one Region are listed there, and nowhere else."""
    if region is None or region.lower() == call.region:
        return
    message = f"Argument value {region} is not a valid AWS Region"
    if region.lower() in regions():
        message = (
            "Requests with bucket-region specified must be made to the corresponding regional "
            "endpoint"
        )
    raise unvalued_argument(message, "bucket-region")


def _wrong_token() -> AwsError:
    message = "The continuation token provided is incorrect"
    return unvalued_argument(message, "continuation-token")


def _after(under_way: list[Upload], marker: str, id_marker: str) -> list[Upload]:
    if not marker:
        return under_way
    same = [upload.id for upload in under_way if upload.key == marker]
    if id_marker and id_marker not in same:
        raise invalid_argument("Invalid uploadId marker", "upload-id-marker", id_marker)
    passed = same[: same.index(id_marker) + 1] if id_marker else same
    return [upload for upload in under_way if upload.key >= marker and upload.id not in passed]


def _shown_upload(query: _Query, bucket: Bucket, upload: Upload) -> dict[str, Any]:
    return {
        "Key": query.shown(upload.key),
        "UploadId": upload.id,
        "Initiator": upload.initiator,
        "Owner": {"ID": bucket.owners.of(upload.new.owner or bucket.account)},
        "StorageClass": upload.new.storage_class,
        "Initiated": upload.started,
        "ChecksumAlgorithm": upload.algorithm if upload.chosen else None,
        "ChecksumType": upload.kind if upload.chosen else None,
    }


def _shown_bucket(bucket: Bucket, with_region: bool) -> dict[str, Any]:
    return {
        "Name": bucket.name,
        "CreationDate": bucket.stored.creation_date,
        "BucketRegion": bucket.region if with_region else None,
        "BucketArn": bucket.arn,
    }


def _size_and_kind(made: StoredObject) -> dict[str, Any]:
    checksum = metadata_of(made).checksum
    return {
        "ETag": made.etag,
        "ChecksumAlgorithm": checksum.algorithm if checksum else None,
        "ChecksumType": checksum.kind if checksum else None,
        "Size": made.size,
        "StorageClass": made.storage_class,
    }


def _shown_object(
    query: _Query, bucket: Bucket, made: StoredObject, with_owner: bool
) -> dict[str, Any]:
    return {
        "Key": query.shown(made.name),
        "LastModified": made.last_modified,
        **_size_and_kind(made),
        "Owner": {"ID": bucket.owners.of(bucket.owner_of(made))} if with_owner else None,
    }


def _name(entry: Any) -> str:
    return entry if isinstance(entry, str) else str(entry.name)


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decoded(token: str | None) -> str | None:
    try:
        return base64.urlsafe_b64decode(token or "").decode()
    except (binascii.Error, ValueError):
        return None
