"""S3's listings: buckets, objects, versions and uploads under way.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import StoredObject, Version
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.service_model import regions
from workshop_lib.sandbox.services.s3.buckets import Bucket, Buckets
from workshop_lib.sandbox.services.s3.errors import invalid_argument, unvalued_argument
from workshop_lib.sandbox.services.s3.multipart import Upload
from workshop_lib.sandbox.services.s3.storage import metadata_of
from workshop_lib.sandbox.services.s3.xml import respond

_MOST = 1000


@dataclass
class _Query:
    """What a listing is asked for."""

    prefix: str
    delimiter: str
    most: int
    encoded: bool

    def shown(self, text: str) -> str:
        """A key as the document writes it."""
        return quote(text, safe="/*-._") if self.encoded else text

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


def _query(call: Call, most: str = "max-keys") -> _Query:
    parameters = call.parameters
    encoding = parameters.get("encoding-type")
    if encoding not in (None, "url"):
        message = "Invalid Encoding Method specified in Request"
        raise invalid_argument(message, "encoding-type", encoding)
    text = parameters.get(most) or str(_MOST)
    if not re.fullmatch(r"-?\d{1,19}", text, re.ASCII):
        message = f"Provided {most} not an integer or within integer range"
        raise invalid_argument(message, most, text)
    if not 0 <= int(text) < 2**31:
        message = f"Argument {most} must be an integer between 0 and 2147483647"
        if int(text) >= 2**31:
            message = f"Provided {most} not an integer or within integer range"
        raise invalid_argument(message, most, text)
    return _Query(
        parameters.get("prefix", ""),
        parameters.get("delimiter", ""),
        min(int(text), _MOST),
        encoding == "url",
    )


class Listing:
    """ListBuckets, ListObjects, ListObjectsV2, ListObjectVersions, ListMultipartUploads."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self.handlers = {
            "ListObjects": self.objects,
            "ListObjectsV2": self.objects_v2,
            "ListObjectVersions": self.versions,
            "ListMultipartUploads": self.uploads,
        }

    def buckets(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html"""
        parameters = call.parameters
        most = parameters.get("max-buckets", "")
        if most and (not most.isdecimal() or not 1 <= int(most) <= 10_000):
            message = "Argument max-buckets must be an integer between 1 and 10000"
            raise invalid_argument(message, "max-buckets", most)
        after = _decoded(parameters.get("continuation-token")) or ""
        region, prefix = parameters.get("bucket-region"), parameters.get("prefix", "")
        if region is not None and region not in regions():
            message = f"Argument value {region} is not a valid AWS Region"
            raise unvalued_argument(message, "bucket-region")
        found = [
            bucket
            for bucket in self._buckets.all()
            if bucket.name.startswith(prefix)
            and bucket.name > after
            and region in (None, bucket.region)
        ]
        page = found[: int(most)] if most else found
        narrowed = bool(most or region or prefix)
        content = {
            "Buckets": {"Bucket": [_shown_bucket(bucket, narrowed) for bucket in page]},
            "Owner": {"ID": self._buckets.owners.of(call.account)},
            "ContinuationToken": _encoded(page[-1].name) if len(page) < len(found) else None,
            "Prefix": prefix or None,
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
        query, marker = _query(call), call.parameters.get("marker", "")
        group = (marker and query.group(marker)) or ""
        page = _page(query, self._current(bucket, marker), group)
        last = None if not page.truncated else _name(page.last)
        content = {
            "Name": bucket.name,
            "Prefix": query.shown(query.prefix),
            "Marker": query.shown(marker),
            "NextMarker": query.shown(last) if last is not None and query.delimiter else None,
            "MaxKeys": query.most,
            "Delimiter": query.shown(query.delimiter) if query.delimiter else None,
            "IsTruncated": page.truncated,
            "EncodingType": "url" if query.encoded else None,
            "Contents": [_shown_object(query, bucket, made, True) for made in page.entries],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListBucketResult", content, {"x-amz-bucket-region": bucket.region})

    def objects_v2(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""
        query, parameters = _query(call), call.parameters
        token, start = parameters.get("continuation-token"), parameters.get("start-after", "")
        after = start
        if token is not None:
            decoded = _decoded(token)
            if not decoded:
                message = "The continuation token provided is incorrect"
                raise unvalued_argument(message, "continuation-token")
            after = decoded
        group = query.group(after) or ""
        page = _page(query, self._current(bucket, after), group if group == after else "")
        fetch_owner = parameters.get("fetch-owner", "").lower() == "true"
        content = {
            "Name": bucket.name,
            "Prefix": query.shown(query.prefix),
            "StartAfter": query.shown(start) if start and token is None else None,
            "ContinuationToken": token,
            "NextContinuationToken": _encoded(_name(page.last)) if page.truncated else None,
            "KeyCount": len(page.entries) + len(page.prefixes),
            "MaxKeys": query.most,
            "Delimiter": query.shown(query.delimiter) if query.delimiter else None,
            "IsTruncated": page.truncated,
            "EncodingType": "url" if query.encoded else None,
            "Contents": [_shown_object(query, bucket, made, fetch_owner) for made in page.entries],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListBucketResult", content, {"x-amz-bucket-region": bucket.region})

    def versions(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html"""
        query, parameters = _query(call), call.parameters
        marker = parameters.get("key-marker", "")
        version_marker = parameters.get("version-id-marker")
        if version_marker is not None and not marker:
            message = "A version-id marker cannot be specified without a key marker."
            raise invalid_argument(message, "version-id-marker", version_marker)
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
            "MaxKeys": query.most,
            "Delimiter": query.shown(query.delimiter) if query.delimiter else None,
            "IsTruncated": page.truncated,
            "EncodingType": "url" if query.encoded else None,
            "Version": [shown for kind, shown in entries if kind == "Version"],
            "DeleteMarker": [shown for kind, shown in entries if kind == "DeleteMarker"],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListVersionsResult", content)

    def _all_versions(
        self, bucket: Bucket, marker: str, version_marker: str | None
    ) -> Iterator[tuple[str, Version]]:
        """All versions by key, newest first, after the markers."""
        for key in bucket.stored.object_keys():
            if key < marker or (key == marker and version_marker is None):
                continue
            versions = bucket.stored.versions(key)[::-1]
            if key == marker:
                ids = [version.version_id for version in versions]
                passed = ids.index(version_marker) + 1 if version_marker in ids else len(ids)
                versions = versions[passed:]
            for version in versions:
                yield key, version

    def _shown_version(self, query: _Query, bucket: Bucket, version: Version) -> dict[str, Any]:
        latest = bucket.stored.latest(version.name) == version
        shown: dict[str, Any] = {
            "Key": query.shown(version.name),
            "VersionId": version.version_id,
            "IsLatest": latest,
            "LastModified": version.last_modified,
        }
        owner = bucket.account
        if isinstance(version, StoredObject):
            shown |= _size_and_kind(version)
            owner = bucket.owner_of(version)
        return shown | {"Owner": {"ID": bucket.owners.of(owner)}}

    # --- uploads under way ---------------------------------------------------------------------

    def uploads(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html"""
        query, parameters = _query(call, "max-uploads"), call.parameters
        marker, id_marker = parameters.get("key-marker", ""), parameters.get("upload-id-marker", "")
        under_way: list[Upload] = sorted(
            bucket.settings.uploads.values(), key=lambda upload: (upload.key, upload.started)
        )
        left = _after(under_way, marker, id_marker)
        group = (marker and query.group(marker)) or ""
        page = _page(query, [(upload.key, upload) for upload in left], group)
        last: Upload | str | None = page.last
        content = {
            "Bucket": bucket.name,
            "KeyMarker": query.shown(marker),
            "UploadIdMarker": id_marker if marker else "",
            "NextKeyMarker": "" if last is None else query.shown(_name(last)),
            "NextUploadIdMarker": last.id if isinstance(last, Upload) else "",
            "Delimiter": query.shown(query.delimiter) if query.delimiter else None,
            "Prefix": query.shown(query.prefix) if query.prefix else None,
            "MaxUploads": query.most,
            "IsTruncated": page.truncated,
            "EncodingType": "url" if query.encoded else None,
            "Upload": [_shown_upload(query, bucket, upload) for upload in page.entries],
            "CommonPrefixes": [{"Prefix": query.shown(prefix)} for prefix in page.prefixes],
        }
        return respond("ListMultipartUploadsResult", content)


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
    if isinstance(entry, str):
        return entry
    return entry.key if isinstance(entry, Upload) else str(entry.name)


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decoded(token: str | None) -> str | None:
    try:
        return base64.urlsafe_b64decode(token or "").decode()
    except (binascii.Error, ValueError):
        return None
