"""S3's objects as they are stored: sealed, in versions, each with the facts that belong to it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from workshop_lib.errors import NotOnDisk
from workshop_lib.sandbox.auth.authorization import authorize
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import (
    AccessControlList,
    DeleteMarker,
    ObjectStore,
    StoredBucket,
    StoredObject,
    Version,
)
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.serialization import render
from workshop_lib.sandbox.services.s3.buckets import Bucket
from workshop_lib.sandbox.services.s3.data_keys import (
    CUSTOMER_KEY,
    SERVICE_KEY,
    DataKeyProvider,
    Envelope,
)
from workshop_lib.sandbox.services.s3.encryption import (
    METHODS,
    SSE_C,
    SSE_S3,
    CustomerKey,
    EncryptionSettings,
    asks_for_customer_key,
    customer_key_to_read,
    require_transport,
)
from workshop_lib.sandbox.services.s3.errors import (
    access_denied,
    internal_error,
    invalid_argument,
    invalid_request,
    method_not_allowed,
    no_such_key,
    no_such_version,
)
from workshop_lib.sandbox.services.s3.permissions import Permissions
from workshop_lib.sandbox.storage import sealing
from workshop_lib.sandbox.storage.disk import Stored

_CHUNK = 1024 * 1024
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")


@dataclass(frozen=True)
class Checksum:
    """An object's checksum: of all its bytes (FULL_OBJECT), or of its parts' (COMPOSITE).

    ``chosen``: the uploader named the algorithm.
    """

    algorithm: str
    value: str
    kind: str = "FULL_OBJECT"
    chosen: bool = True

    @property
    def header(self) -> str:
        """The header that carries it."""
        return f"x-amz-checksum-{self.algorithm.lower()}"

    def headers(self) -> dict[str, str]:
        """The headers of a response that tells it."""
        return {self.header: self.value, "x-amz-checksum-type": self.kind}

    def elements(self) -> dict[str, str]:
        """The elements of a document that tells it."""
        return {f"Checksum{self.algorithm}": self.value, "ChecksumType": self.kind}


@dataclass(frozen=True)
class Part:
    """A part of an object that was uploaded in parts; ``size`` counts plaintext bytes."""

    number: int
    size: int
    etag: str
    checksum: str | None = None


@dataclass
class ObjectMetadata:
    """What is kept beside an object's sealed bytes.

    ``headers``: content type and the like, and user metadata, as reads return them.
    """

    envelope: Envelope
    sections: tuple[sealing.Section, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    checksum: Checksum | None = None
    parts: tuple[Part, ...] = ()


def metadata_of(made: StoredObject) -> ObjectMetadata:
    """What is kept beside an object's sealed bytes."""
    facts = made.facts
    assert isinstance(facts, ObjectMetadata)
    return facts


@dataclass
class PendingObject:
    """An object that is about to be stored."""

    facts: ObjectMetadata
    etag: str
    size: int
    data: Iterable[bytes]
    storage_class: str = "STANDARD"
    tags: Mapping[str, str] = field(default_factory=dict)
    acl: AccessControlList | None = None
    lock: Mapping[str, str | None] = field(default_factory=dict)
    owner: str | None = None  # an account; None for the bucket's


class Storage:
    """Objects on the disk, found, sealed and opened."""

    def __init__(
        self, store: ObjectStore, data_keys: DataKeyProvider, permissions: Permissions
    ) -> None:
        self.store = store
        self.data_keys = data_keys
        self.permissions = permissions
        # all that were ever given out, in their order: S3 knows its own
        self.version_ids: dict[str, int] = {"null": 0}

    # --- finding -------------------------------------------------------------------------------

    def current(self, bucket: Bucket, key: str) -> StoredObject | None:
        """The current object of a key; None where there is none, or a delete marker."""
        return self.permissions.find(bucket, key, None)

    def find(self, call: Call, bucket: Bucket, key: str, version_id: str | None) -> Version:
        """The object or delete marker that a read is about.

        Raises AwsError: NoSuchKey, or AccessDenied for a caller who may not know what is there;
        NoSuchVersion; InvalidArgument.
        """
        if version_id is None:
            latest = bucket.stored.latest(key)
            if latest is None:
                self.require_listing(call, bucket)
                raise no_such_key(key)
            return latest
        self._require_own(version_id)
        for version in bucket.stored.versions(key):
            if version.version_id == version_id:
                return version
        raise no_such_version(key, version_id)

    def _require_own(self, version_id: str) -> None:
        if version_id not in self.version_ids:
            raise invalid_argument("Invalid version id specified", "versionId", version_id)

    def require_listing(self, call: Call, bucket: Bucket) -> None:
        """Who may not list a bucket does not learn which keys are not there.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        authorize(call, [self.permissions.on_bucket(call, bucket, "ListBucket")])

    def object(self, call: Call, bucket: Bucket, key: str, version_id: str | None) -> StoredObject:
        """The object a call is about; a delete marker counts as none.

        Raises AwsError, as `find`, and MethodNotAllowed for a delete marker by its version.
        """
        found = self.find(call, bucket, key, version_id)
        if not isinstance(found, StoredObject):
            raise no_such_key(key) if version_id is None else marker_refusal(call)
        return found

    def standing(self, call: Call, bucket: Bucket) -> StoredObject:
        """The object a call is about; a delete marker is refused even where none is named.

        Raises AwsError, as `find`, and MethodNotAllowed.
        """
        key, version_id = call.parameters["Key"], call.parameters.get("versionId")
        found = self.find(call, bucket, key, version_id)
        if not isinstance(found, StoredObject):
            raise marker_refusal(call)
        return found

    # --- reading -------------------------------------------------------------------------------

    def customer_key(
        self,
        call: Call,
        facts: ObjectMetadata,
        prefix: str = "x-amz-server-side-encryption-customer",
    ) -> CustomerKey | None:
        """The customer's key that a read brings, if the object needs one.

        Raises AwsError where it is missing, malformed, another one or not needed.
        """
        headers = call.request.headers
        given = customer_key_to_read(headers, prefix)
        fingerprint = facts.envelope.fingerprint
        if fingerprint is None:
            if given is not None:
                raise invalid_request(
                    "The encryption parameters are not applicable to this object."
                )
            return None
        if given is None:
            raise invalid_request(
                "The object was stored using a form of Server Side Encryption. The correct "
                "parameters must be provided to retrieve the object."
            )
        if not fingerprint.fits(given.secret):
            raise access_denied(
                "Requests specifying Server Side Encryption with Customer provided keys must "
                "provide the correct secret key."
            )
        return given

    def open(
        self,
        call: Call,
        bucket: Bucket,
        made: StoredObject,
        customer: CustomerKey | None,
        extent: tuple[int, int] | None = None,
    ) -> bytes:
        """An object's bytes, from ``extent``'s first up to its last (exclusive), or all.

        Raises AwsError: KMS's refusals, InternalError where what is stored was altered.
        """
        facts = metadata_of(made)
        require_transport(call, by_customer=False, by_kms=facts.envelope.by_kms)
        keys = self.data_keys.open(call, bucket.region, facts.envelope, customer)
        start, stop = extent or (0, made.size)
        try:
            return sealing.unseal(
                made.read,
                facts.sections,
                keys,
                start,
                stop,
            )
        except sealing.Corrupt:
            raise internal_error() from None

    # --- writing -------------------------------------------------------------------------------

    def envelope(
        self, call: Call, bucket: Bucket, key: str, asked: EncryptionSettings
    ) -> tuple[Envelope, sealing.Keys]:
        """The envelope and data keys of a new object. Raises KMS's refusals, as S3's."""
        return self.data_keys.new(call, bucket.region, bucket.arn, bucket.object_arn(key), asked)

    def etag(self, method: str, digest: str, operation: str) -> str:
        """The ETag of bytes written at once: their MD5, but only under SSE-S3.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
        """
        return digest if method == SSE_S3 else self.store.new_digest(operation)

    def write(
        self,
        call: Call,
        bucket: Bucket,
        key: str,
        new: PendingObject,
        asked: EncryptionSettings,
        body: bytes,
        digest: str,
    ) -> StoredObject:
        """Seal a body, whose MD5 is ``digest``, and store it as the object ``new`` describes."""
        envelope, keys = self.envelope(call, bucket, key, asked)
        section, new.data = sealing.seal(body, keys)
        new.facts.envelope, new.facts.sections = envelope, (section,)
        new.etag = self.etag(envelope.method, digest, f"{call.operation} ETag")
        new.size = len(body)
        return self.place(call, bucket, key, new)

    def place(self, call: Call, bucket: Bucket, key: str, new: PendingObject) -> StoredObject:
        """Store an object: as a new version, or in place of the present one."""
        enabled = bucket.versioning == "Enabled"
        version_id = self._new_version_id(call.operation) if enabled else "null"
        made = self.store.new_object(
            bucket.stored,
            key,
            version_id,
            facts=new.facts,
            etag=new.etag,
            size=new.size,
            storage_class=new.storage_class,
            data=new.data,
            owner=None if new.owner == bucket.account else new.owner,
        )
        usual = bucket.owners.full_control(bucket.owner_of(made))
        made.set_acl(new.acl or self.store.new_acl(usual))
        if new.lock:
            made.set_retention(new.lock.get("mode"), new.lock.get("until"))
            made.set_legal_hold(new.lock.get("hold"))
        self._put(bucket, key, made)
        if new.tags:
            self.store.set_tags(made, new.tags)
        return made

    def _put(self, bucket: Bucket, key: str, version: Version) -> None:
        versions = bucket.stored.versions(key)
        kept = [old for old in versions if old.version_id != version.version_id]
        self._set_versions(bucket, key, [*kept, version])

    def _set_versions(self, bucket: Bucket, key: str, versions: list[Version]) -> None:
        self.store.set_versions(bucket.stored, key, versions)
        for upload in list(bucket.settings.uploads.values()):
            if upload.key == key:
                upload.overtaken = True

    def _new_version_id(self, operation: str) -> str:
        version_id = self.store.new_id(f"{operation} version", 32)
        self.version_ids[version_id] = len(self.version_ids)
        return version_id

    def delete(
        self, bucket: Bucket, key: str, version_id: str | None, *, by: str, bypass: bool
    ) -> tuple[str | None, bool]:
        """Delete an object, or a version of it: which version, and whether it is a delete marker.

        ``by``: who does, and will own the marker.

        Raises AwsError AccessDenied for a locked version.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
        """
        if version_id is not None:
            self._require_own(version_id)
            versions = bucket.stored.versions(key)
            gone = next((v for v in versions if v.version_id == version_id), None)
            if gone is None:
                return version_id, False
            if isinstance(gone, StoredObject) and gone.is_locked(bypass):
                raise access_denied("Access Denied because object protected by object lock.")
            kept = [version for version in versions if version != gone]
            self._set_versions(bucket, key, kept)
            return version_id, isinstance(gone, DeleteMarker)
        if bucket.versioning is None:
            self._set_versions(bucket, key, [])
            return None, False
        enabled = bucket.versioning == "Enabled"
        marker_id = self._new_version_id("DeleteObject") if enabled else "null"
        owner = None if by == bucket.account else by
        self._put(bucket, key, self.store.new_marker(key, marker_id, owner))
        return marker_id, True

    def stored_pieces(self, made: StoredObject) -> Iterator[bytes]:
        """The sealed bytes of an object or part, piece by piece."""
        position = 0
        while piece := made.read(position, _CHUNK):
            yield piece
            position += len(piece)

    def look(self, bucket: StoredBucket | None, key: str, version_id: str | None) -> Stored:
        """An object as it lies on disk. Raises NotOnDisk."""
        versions = [] if bucket is None else bucket.versions(key)
        found = [
            version
            for version in versions
            if isinstance(version, StoredObject) and version_id in (None, version.version_id)
        ]
        if not found or (version_id is None and found[-1] != versions[-1]):
            raise NotOnDisk(
                f"There is no object {key!r} of this bucket on the disk: run the cell that puts it "
                "there, or list the bucket."
            )
        made, facts = found[-1], metadata_of(found[-1])
        envelope: Envelope = facts.envelope
        under = envelope.key_arn or (CUSTOMER_KEY if envelope.method == SSE_C else SERVICE_KEY)
        if envelope.between is not None:
            under = f"a key that is wrapped under {under}"
        fingerprint = envelope.fingerprint
        return Stored(
            method=METHODS[envelope.method],
            body=b"".join(self.stored_pieces(made)),
            data_key=envelope.data_key,
            wrapped_under=under,
            encryption_context=envelope.context if envelope.by_kms else {},
            bucket_key=envelope.between,
            customer_key_hmac=fingerprint.salt + fingerprint.digest if fingerprint else None,
            metadata=dict(facts.headers),
        )


# --- shared answers -----------------------------------------------------------------------------


def marker_refusal(call: Call) -> AwsError:
    """MethodNotAllowed: a delete marker can only be deleted."""
    return method_not_allowed(call.request.method, "DeleteMarker")


@contextmanager
def naming_bucket(bucket: Bucket) -> Iterator[None]:
    """What operations do that say of a missing key in which bucket it is missing."""
    try:
        yield
    except AwsError as error:
        if error.code == "NoSuchKey":
            error.fields["Key"] = f"{bucket.name}/{error.fields['Key']}"
        raise


def marker_response(call: Call, marker: DeleteMarker, key: str, version_id: str | None) -> Response:
    """The answer to a read of a delete marker.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
    """
    error = no_such_key(key) if version_id is None else marker_refusal(call)
    bodiless = call.request.method == "HEAD"
    response = render(error, call.service, call.request_id, bodiless=bodiless)
    response.headers["x-amz-delete-marker"] = "true"
    response.headers["x-amz-version-id"] = marker.version_id
    if version_id is not None:
        response.headers["Allow"] = "DELETE"
        response.headers["Last-Modified"] = http_date(marker.last_modified)
    return response


def require_at_hand(made: StoredObject) -> None:
    """Raise AwsError InvalidObjectState for an object in the archive that was not restored."""
    if made.storage_class in ARCHIVED and made.expiry_date is None:
        raise AwsError(
            "InvalidObjectState",
            "The operation is not valid for the object's storage class",
            403,
            {"StorageClass": made.storage_class},
        )


def version_headers(bucket: Bucket, made: StoredObject) -> dict[str, str]:
    """The header that names an object's version, in a bucket that has or had versions."""
    return {} if bucket.versioning is None else {"x-amz-version-id": made.version_id}


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def http_date(moment: datetime) -> str:
    """A time as HTTP's headers write it, whatever the locale."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment:%d} {month} {moment:%Y %H:%M:%S} GMT"


def require_secure_key(call: Call) -> None:
    """Refuse a customer's key that came without TLS, before anything else is looked at."""
    headers: Mapping[str, str] = call.request.headers
    sent = asks_for_customer_key(headers) or asks_for_customer_key(headers, _SOURCE)
    require_transport(call, by_customer=sent, by_kms=False)


_SOURCE = "x-amz-copy-source-server-side-encryption-customer"
