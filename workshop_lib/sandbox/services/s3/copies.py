"""S3's copies of objects, in whole or in part.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

import hashlib
from collections.abc import Mapping

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import DeleteMarker, StoredObject
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3 import checksums
from workshop_lib.sandbox.services.s3.buckets import Bucket, Buckets
from workshop_lib.sandbox.services.s3.data_keys import Envelope
from workshop_lib.sandbox.services.s3.encryption import (
    BUCKET_KEY,
    COPY_SOURCE,
    KEY_ID,
    SSE,
    EncryptionSettings,
    asks_for_customer_key,
)
from workshop_lib.sandbox.services.s3.errors import invalid_argument, invalid_request, no_such_key
from workshop_lib.sandbox.services.s3.permissions import copy_source
from workshop_lib.sandbox.services.s3.preconditions import check_copy_source, check_write
from workshop_lib.sandbox.services.s3.storage import (
    Checksum,
    Storage,
    metadata_of,
    require_at_hand,
    version_headers,
)
from workshop_lib.sandbox.services.s3.uploads import (
    asked_algorithm,
    check_key,
    described,
    encryption_headers,
    require_no_body,
    resolve_encryption,
)
from workshop_lib.sandbox.services.s3.xml import respond

_REDIRECT = "x-amz-website-redirect-location"


class Copies:
    """CopyObject."""

    def __init__(self, buckets: Buckets, storage: Storage) -> None:
        self._buckets = buckets
        self._storage = storage
        self.handlers = {"CopyObject": self.copy}

    def copy(self, call: Call, bucket: Bucket) -> Response:
        """Copy an object, reading it with the caller's rights and encrypting it anew.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        headers, key = call.request.headers, call.parameters["Key"]
        check_key(key)
        require_no_body(call)
        asked = resolve_encryption(call, bucket, headers)
        directive, of_tags = _directive(headers, "metadata"), _directive(headers, "tagging")
        algorithm = asked_algorithm(headers)
        named = copy_source(call)
        source_bucket = self._buckets.get(named.bucket)
        source = source_of_copy(self._storage, call, source_bucket)
        facts = metadata_of(source)
        customer = self._storage.customer_key(call, facts, COPY_SOURCE)
        in_place = (named.bucket, named.key) == (bucket.name, key) and named.version_id is None
        if in_place and directive == "COPY":
            _require_change(headers, bucket, facts.envelope, asked)
        check_write(headers, key, self._storage.current(bucket, key))
        new = described(call, bucket, headers, self._storage.store)
        if directive == "COPY":  # all but the redirect, which is never copied
            redirect = {_REDIRECT: headers[_REDIRECT]} if _REDIRECT in headers else {}
            kept = {name: value for name, value in facts.headers.items() if name != _REDIRECT}
            new.facts.headers = kept | redirect
        if of_tags == "COPY":
            new.tags = self._storage.store.tags(source)
        body = self._storage.open(call, source_bucket, source, customer)
        new.facts.checksum = checksum = _copied_checksum(algorithm, facts.checksum, body)
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        made = self._storage.write(call, bucket, key, new, asked, body, digest)
        shown = {
            **version_headers(bucket, made),
            **encryption_headers(metadata_of(made).envelope, asked, headers),
            **source_version(source),
        }
        content = {
            "LastModified": made.last_modified,
            "ETag": made.etag,
            f"Checksum{checksum.algorithm}": checksum.value,
        }
        return respond("CopyObjectResult", content, shown)


def source_of_copy(storage: Storage, call: Call, bucket: Bucket) -> StoredObject:
    """The object a copy is made of, if it may be copied and its conditions hold."""
    named = copy_source(call)
    source = storage.find(call, bucket, named.key, named.version_id)
    if isinstance(source, DeleteMarker):
        if named.version_id is None:
            raise no_such_key(named.key)
        raise invalid_request(
            "The source of a copy request may not specifically refer to a delete marker by "
            "version id."
        )
    modified = source.last_modified.replace(microsecond=0)
    check_copy_source(call.request.headers, source.etag, modified)
    require_at_hand(source)
    return source


def source_version(source: StoredObject) -> dict[str, str]:
    """The header that names the version a copy was made of; the null version has no name."""
    version_id = source.version_id
    return {} if version_id == "null" else {"x-amz-copy-source-version-id": version_id}


def _directive(headers: Mapping[str, str], kind: str) -> str:
    name = f"x-amz-{kind}-directive"
    value = headers.get(name, "COPY")
    if value not in ("COPY", "REPLACE"):
        raise invalid_argument(f"Unknown {kind} directive.", name, value)
    return value


_CHANGES = (SSE, KEY_ID, BUCKET_KEY, "x-amz-storage-class", _REDIRECT)


def _require_change(
    headers: Mapping[str, str], bucket: Bucket, present: Envelope, asked: EncryptionSettings
) -> None:
    """Refuse a copy of an object to itself that would change nothing."""
    if any(name in headers for name in _CHANGES) or asks_for_customer_key(headers):
        return
    if bucket.settings.configured or present.method != asked.method:
        return
    raise invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without "
        "changing the object's metadata, storage class, website redirect location or encryption "
        "attributes."
    )


def _copied_checksum(asked: str, present: Checksum | None, body: bytes) -> Checksum:
    """The checksum of a copy: in the algorithm asked for, else in the source's."""
    if not asked:
        if present is not None and present.kind == "FULL_OBJECT":
            return present
        asked = checksums.DEFAULT if present is None else present.algorithm
    return Checksum(asked, checksums.checksum(asked, body))
