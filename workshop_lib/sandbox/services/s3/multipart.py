"""S3's uploads in parts. Sealed parts are joined without being opened.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import StoredObject
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3 import checksums
from workshop_lib.sandbox.services.s3.buckets import Bucket, Buckets
from workshop_lib.sandbox.services.s3.copies import source_of_copy, source_version
from workshop_lib.sandbox.services.s3.data_keys import Envelope
from workshop_lib.sandbox.services.s3.encryption import (
    COPY_SOURCE,
    SSE_C,
    SSE_S3,
    CustomerKey,
    asks_for_customer_key,
    customer_key,
    require_transport,
    require_unblocked,
)
from workshop_lib.sandbox.services.s3.errors import (
    invalid_argument,
    invalid_request,
    unvalued_argument,
)
from workshop_lib.sandbox.services.s3.parameters import MOST_PARTS, count, part_number
from workshop_lib.sandbox.services.s3.permissions import Context, copy_source, named_encryption
from workshop_lib.sandbox.services.s3.preconditions import check_not_overtaken, check_write
from workshop_lib.sandbox.services.s3.storage import (
    Checksum,
    ObjectMetadata,
    Part,
    PendingObject,
    Storage,
    metadata_of,
    version_headers,
)
from workshop_lib.sandbox.services.s3.uploads import (
    LOCKED,
    asked_algorithm,
    check_key,
    check_md5,
    described,
    encryption_headers,
    named_checksum,
    require_digest,
    require_no_body,
    resolve_encryption,
    sent_checksum,
)
from workshop_lib.sandbox.services.s3.xml import Element, iso, malformed, parse, respond
from workshop_lib.sandbox.storage import sealing

SMALLEST_PART = 5 * 1024 * 1024
_CHECKSUMS = (*checksums.ALGORITHMS, *checksums.NOT_EMULATED)
_KINDS = ("COMPOSITE", "FULL_OBJECT")
_INVALID_KIND = "Value for x-amz-checksum-type header is invalid."


@dataclass
class StoredPart:
    """A part as it lies on the disk."""

    number: int
    size: int
    etag: str
    section: sealing.Section
    stored: StoredObject
    checksum: Checksum | None
    modified: datetime
    for_object: str | None  # its checksum in the object's algorithm


@dataclass
class Upload:
    """An upload in parts that is under way."""

    id: str
    key: str
    envelope: Envelope
    new: PendingObject
    algorithm: str
    kind: str
    chosen: bool
    started: datetime
    named: Context  # the condition keys of the encryption it was begun with
    initiator: Mapping[str, str]
    overtaken: bool = False  # another write to the key came between
    parts: dict[int, StoredPart] = field(default_factory=dict)


class Multipart:
    """CreateMultipartUpload, UploadPart, CompleteMultipartUpload and their kin."""

    def __init__(self, buckets: Buckets, storage: Storage) -> None:
        self._buckets = buckets
        self._storage = storage
        self.handlers = {
            "CreateMultipartUpload": self.create,
            "UploadPart": self.upload,
            "UploadPartCopy": self.upload_copy,
            "CompleteMultipartUpload": self.complete,
            "AbortMultipartUpload": self.abort,
            "ListParts": self.list_parts,
        }

    # --- beginning and ending ------------------------------------------------------------------

    def create(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html"""
        headers, key = call.request.headers, call.parameters["Key"]
        check_key(key)
        asked = resolve_encryption(call, bucket, headers)
        algorithm, kind, chosen = _checksum_plan(headers)
        new = described(call, bucket, headers, self._storage.store)
        envelope, _ = self._storage.envelope(call, bucket, key, asked)
        upload_id = self._storage.store.new_id("CreateMultipartUpload upload", 128)
        bucket.settings.uploads[upload_id] = Upload(
            upload_id,
            key,
            envelope,
            new,
            algorithm,
            kind,
            chosen,
            clock.now(),
            named_encryption(call),
            _initiator(call.caller.arn),
        )
        shown = encryption_headers(envelope, asked, headers)
        if chosen:
            shown |= {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind}
        content = {"Bucket": bucket.name, "Key": key, "UploadId": upload_id}
        return respond("InitiateMultipartUploadResult", content, shown)

    def abort(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html"""
        upload = _upload(call, bucket)
        for part in upload.parts.values():
            part.stored.drop()
        del bucket.settings.uploads[upload.id]
        return Response(204)

    def complete(self, call: Call, bucket: Bucket) -> Response:
        """Join the parts. KMS is asked once more; a customer's key is not needed.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        """
        headers, key = call.request.headers, call.parameters["Key"]
        done = bucket.settings.completed.get(call.parameters["uploadId"])
        if done is not None and done[0] == (key, call.request.body):
            return Response(200, dict(done[1].headers), done[1].body)
        upload = _upload(call, bucket)
        self._require_same_key(call, bucket, upload, completing=True)
        if not call.request.body:
            raise invalid_request("You must specify at least one part")
        _require_kind(headers, upload)
        parts = _chosen_parts(upload, parse(call.request.body, "CompleteMultipartUpload"))
        size = sum(part.size for part in parts)
        _require_size(headers, size)
        checksum = _joined_checksum(upload, parts)
        _require_checksum(headers, checksum)
        check_write(headers, key, self._storage.current(bucket, key))
        check_not_overtaken(headers, key, upload.overtaken)
        if upload.envelope.by_kms:
            self._storage.data_keys.open(call, bucket.region, upload.envelope)
        response = self._join(call, bucket, upload, parts, checksum)
        bucket.settings.completed[upload.id] = ((key, call.request.body), response)
        return response

    def _join(
        self, call: Call, bucket: Bucket, upload: Upload, parts: list[StoredPart],
        checksum: Checksum | None,
    ) -> Response:  # fmt: skip
        new = upload.new
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        new.etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        new.size = sum(part.size for part in parts)
        new.data = self._joined(parts)
        kept = tuple(Part(p.number, p.size, p.etag, p.for_object) for p in parts)
        sections = tuple(part.section for part in parts)
        new.facts = ObjectMetadata(upload.envelope, sections, new.facts.headers, checksum, kept)
        made = self._storage.place(call, bucket, upload.key, new)
        del bucket.settings.uploads[upload.id]
        for part in upload.parts.values():
            part.stored.drop()
        shown = version_headers(bucket, made)
        if upload.envelope.method != SSE_C:
            shown |= upload.envelope.headers()
        address = f"https://{bucket.name}.s3.{bucket.region}.amazonaws.com"
        content = {
            "Location": f"{address}/{quote(upload.key, safe='')}",
            "Bucket": bucket.name,
            "Key": upload.key,
            "ETag": made.etag,
            **(checksum.elements() if checksum else {}),
        }
        return respond("CompleteMultipartUploadResult", content, shown)

    def _joined(self, parts: list[StoredPart]) -> Iterator[bytes]:
        for part in parts:
            yield from self._storage.stored_pieces(part.stored)

    # --- parts ---------------------------------------------------------------------------------

    def upload(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html"""
        request = call.request
        upload, number = _upload(call, bucket), part_number(call)
        customer = self._require_same_key(call, bucket, upload)
        if upload.new.lock:
            require_digest(request.headers, LOCKED.format("Part"))
        digest = check_md5(request.headers, request.body)
        checksum = sent_checksum(request.headers, request.body)
        _require_algorithm(upload, checksum)
        part = self._store(call, bucket, upload, number, request.body, digest, checksum, customer)
        shown = {"ETag": f'"{part.etag}"', **upload.envelope.headers(customer)}
        if checksum is not None:
            shown[checksum.header] = checksum.value
        elif upload.chosen and part.for_object:
            shown[f"x-amz-checksum-{upload.algorithm.lower()}"] = part.for_object
        return Response(200, shown)

    def upload_copy(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html"""
        require_no_body(call)
        upload, number = _upload(call, bucket), part_number(call)
        customer = self._require_same_key(call, bucket, upload)
        source_bucket = self._buckets.get(copy_source(call).bucket)
        source = source_of_copy(self._storage, call, source_bucket)
        source_key = self._storage.customer_key(call, metadata_of(source), COPY_SOURCE)
        extent = _copied_range(call, source.size)
        body = self._storage.open(call, source_bucket, source, source_key, extent)
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        part = self._store(call, bucket, upload, number, body, digest, None, customer)
        shown = upload.envelope.headers(customer)
        shown |= source_version(source)
        content = {"LastModified": iso(part.modified), "ETag": f'"{part.etag}"'}
        if upload.chosen and part.for_object:
            content[f"Checksum{upload.algorithm}"] = part.for_object
        return respond("CopyPartResult", content, shown)

    def _store(
        self, call: Call, bucket: Bucket, upload: Upload, number: int, body: bytes, digest: str,
        checksum: Checksum | None, customer: CustomerKey | None,
    ) -> StoredPart:  # fmt: skip
        """Seal a part under the upload's data key, in place of an earlier one of that number."""
        keys = self._storage.data_keys.open(call, bucket.region, upload.envelope, customer)
        section, data = sealing.seal(body, keys)
        etag = self._storage.etag(upload.envelope.method, digest, "UploadPart ETag")
        if checksum is not None and checksum.algorithm == upload.algorithm:
            own = checksum.value
        else:
            own = checksums.checksum(upload.algorithm, body)
        stored = self._storage.store.new_object(
            bucket.stored, upload.key, "null", facts=None, etag=etag, size=len(body),
            storage_class="STANDARD", data=data,
        )  # fmt: skip
        part = StoredPart(number, len(body), etag, section, stored, checksum, clock.now(), own)
        replaced = upload.parts.get(number)
        upload.parts[number] = part
        if replaced is not None:
            replaced.stored.drop()
        return part

    def _require_same_key(
        self, call: Call, bucket: Bucket, upload: Upload, *, completing: bool = False
    ) -> CustomerKey | None:
        """The customer's key of a part: the one the upload began with.

        A completion may leave it out. Raises AwsError InvalidRequest, InvalidArgument;
        AccessDenied where SSE-C has been blocked meanwhile.
        """
        headers, fingerprint = call.request.headers, upload.envelope.fingerprint
        sent = asks_for_customer_key(headers)
        blocked = sent and bool(bucket.settings.blocks_sse_c)
        require_unblocked(call, blocked, bucket.object_arn(upload.key))
        require_transport(call, by_customer=sent, by_kms=upload.envelope.by_kms)
        if completing and not sent:
            return None
        if sent != (fingerprint is not None):
            raise invalid_request(
                "The multipart upload initiate requested encryption. Subsequent part requests "
                "must include the appropriate encryption parameters."
            )
        customer = customer_key(headers)
        if fingerprint is not None and customer and not fingerprint.fits(customer.secret):
            raise invalid_request(
                "The provided encryption parameters did not match the ones used originally."
            )
        return customer

    def list_parts(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html"""
        upload = _upload(call, bucket)
        most = min(count(call, "max-parts", 1000), 1000)
        after = count(call, "part-number-marker", 0)
        left = [upload.parts[number] for number in sorted(upload.parts) if number > after]
        page = left[:most]
        content = {
            "Bucket": bucket.name,
            "Key": upload.key,
            "UploadId": upload.id,
            "Initiator": upload.initiator,
            "Owner": {"ID": bucket.owners.of(upload.new.owner or bucket.account)},
            "StorageClass": upload.new.storage_class,
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else 0,
            "MaxParts": most,
            "IsTruncated": len(left) > len(page),
            "ChecksumAlgorithm": upload.algorithm if upload.chosen else None,
            "ChecksumType": upload.kind if upload.chosen else None,
            "Part": [_shown_part(upload, part) for part in page],
        }
        return respond("ListPartsResult", content)


def _initiator(arn: str) -> dict[str, str]:
    """Who began an upload: a user's name, a role's and its session's, or the account's."""
    path = arn.split(":", 5)[5]
    kind, _, name = path.partition("/")
    return {"ID": arn, "DisplayName": name.rpartition("/")[2] if kind == "user" else name or path}


def _shown_part(upload: Upload, part: StoredPart) -> dict[str, Any]:
    return {
        "PartNumber": part.number,
        "LastModified": part.modified,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        f"Checksum{upload.algorithm}": part.for_object if upload.chosen else None,
    }


# --- parts of the above -------------------------------------------------------------------------


def _upload(call: Call, bucket: Bucket) -> Upload:
    upload_id = call.parameters["uploadId"]
    found: Upload | None = bucket.settings.uploads.get(upload_id)
    if found is None or found.key != call.parameters["Key"]:
        raise AwsError(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may "
            "have been aborted or completed.",
            404,
            {"UploadId": upload_id},
        )
    return found


def _checksum_plan(headers: Mapping[str, str]) -> tuple[str, str, bool]:
    """An upload's checksum: algorithm, type, and whether the uploader chose it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """
    asked = asked_algorithm(headers)
    kind = headers.get("x-amz-checksum-type", "").upper()
    if kind not in ("", *_KINDS):
        raise invalid_request(_INVALID_KIND)
    if not asked:
        if kind:
            raise invalid_request(
                "The x-amz-checksum-type header can only be used with the "
                "x-amz-checksum-algorithm header."
            )
        return checksums.DEFAULT, "FULL_OBJECT", False
    is_crc = asked.startswith("CRC")
    if (kind == "FULL_OBJECT" and not is_crc) or (kind == "COMPOSITE" and asked == "CRC64NVME"):
        raise invalid_request(
            f"The {kind} checksum type cannot be used with the {asked.lower()} checksum algorithm."
        )
    return asked, kind or ("FULL_OBJECT" if asked == "CRC64NVME" else "COMPOSITE"), True


def _chosen_parts(upload: Upload, root: Element) -> list[StoredPart]:
    """The parts that a completion names, in its order.

    Raises AwsError InvalidPart, InvalidPartOrder, EntityTooSmall, MalformedXML, InvalidArgument.
    """
    named = root.all("Part")
    if not named or len(named) > MOST_PARTS:
        raise malformed()
    for element in named:
        _require_well_formed(element)
    parts: list[StoredPart] = []
    for element in named:
        number, etag = element.value("PartNumber"), element.value("ETag")
        if number is None or not re.fullmatch(r"\d{1,9}", number, re.ASCII) or etag is None:
            raise malformed()
        part = upload.parts.get(int(number))
        if parts and int(number) <= parts[-1].number:
            raise AwsError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part "
                "number.",
                400,
                {"UploadId": upload.id},
            )
        if part is None or etag.strip().strip('"') != part.etag:
            raise _invalid_part(upload, number, etag)
        _require_part_checksum(upload, element, part, number, etag)
        parts.append(part)
    for part in parts[:-1]:
        if part.size < SMALLEST_PART:
            raise AwsError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                400,
                {
                    "ETag": part.etag,
                    "MinSizeAllowed": str(SMALLEST_PART),
                    "PartNumber": str(part.number),
                    "ProposedSize": str(part.size),
                },
            )
    return parts


def _require_well_formed(element: Element) -> None:
    """A part's number is a positive one, and its checksum at most one, of a checksum's form.

    https://github.com/versity/versitygw/blob/main/s3err/invalid-argument.go
    """
    number = element.value("PartNumber") or ""
    if re.fullmatch(r"-\d{1,9}|0{1,9}", number, re.ASCII):
        raise invalid_argument("PartNumber must be >= 1", "PartNumber", number)
    given = _checksums_of(element)
    if len(given) > 1 or any(
        algorithm in checksums.ALGORITHMS and not checksums.is_value(algorithm, value)
        for algorithm, value in given.items()
    ):
        raise unvalued_argument(
            "Invalid Base64 or multiple checksums present in request", "Checksum"
        )


def _checksums_of(element: Element) -> dict[str, str]:
    """The checksums that a completion names for a part, by algorithm."""
    return {
        algorithm: child.text
        for child in element.children
        if (algorithm := child.name.removeprefix("Checksum")) in _CHECKSUMS
    }


def _invalid_part(upload: Upload, number: str, etag: str) -> AwsError:
    return AwsError(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag.",
        400,
        {"UploadId": upload.id, "PartNumber": number, "ETag": etag.strip('"')},
    )


def _require_part_checksum(
    upload: Upload, element: Element, part: StoredPart, number: str, etag: str
) -> None:
    given = _checksums_of(element)
    others = [name for name in given if name != upload.algorithm]
    if upload.chosen and others:
        raise AwsError(
            "BadDigest",
            f"The {others[0].lower()} you specified for part {number} did not match what we "
            "received.",
        )
    if upload.kind == "COMPOSITE" and upload.algorithm not in given:
        name = upload.algorithm.lower()
        raise invalid_request(
            f"The upload was created using a {name} checksum. The complete request must "
            f"include the checksum for each part. It was missing for part {number} in the "
            "request."
        )
    known = {upload.algorithm: part.for_object} if upload.chosen else {}
    if any(known.get(algorithm) != value for algorithm, value in given.items()):
        raise _invalid_part(upload, number, etag)


def _require_algorithm(upload: Upload, checksum: Checksum | None) -> None:
    """A part brings the upload's checksum; where S3 makes one of the whole, it may bring none."""
    if not upload.chosen or (checksum is None and upload.kind == "FULL_OBJECT"):
        return
    sent = "null" if checksum is None else checksum.algorithm.lower()
    if sent != upload.algorithm.lower():
        raise invalid_request(
            "Checksum Type mismatch occurred, expected checksum Type: "
            f"{upload.algorithm.lower()}, actual checksum Type: {sent}"
        )


def _require_size(headers: Mapping[str, str], size: int) -> None:
    announced = headers.get("x-amz-mp-object-size")
    if announced is None:
        return
    if not re.fullmatch(r"\d+", announced, re.ASCII):
        # https://github.com/versity/versitygw/blob/main/s3err/s3err.go
        negative = re.fullmatch(r"-\d+", announced, re.ASCII)
        wrong = "less than zero" if negative else "invalid"
        raise invalid_request(f"Value for x-amz-mp-object-size header is {wrong}: '{announced}'")
    if int(announced) != size:
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {announced} does not match what "
            f"was computed: {size}"
        )


def _joined_checksum(upload: Upload, parts: list[StoredPart]) -> Checksum | None:
    """The object's checksum. Where none was named, S3 makes one if it encrypts by itself."""
    if not upload.chosen and upload.envelope.method != SSE_S3:
        return None
    values = [(part.for_object or "", part.size) for part in parts]
    if upload.kind == "COMPOSITE":
        value = checksums.composite(upload.algorithm, [value for value, _ in values])
    else:
        value = checksums.combined(upload.algorithm, values)
    return Checksum(upload.algorithm, value, upload.kind, upload.chosen)


def _require_kind(headers: Mapping[str, str], upload: Upload) -> None:
    kind = headers.get("x-amz-checksum-type", "").upper()
    begun = upload.kind if upload.chosen else "null"
    if kind not in ("", *_KINDS):
        raise invalid_request(_INVALID_KIND)
    if kind and kind != begun:
        raise invalid_request(
            f"The upload was created using the {begun} checksum mode. The complete request must "
            "use the same checksum mode."
        )


def _require_checksum(headers: Mapping[str, str], checksum: Checksum | None) -> None:
    """The checksum that a completion names is the object's.

    S3 compares one only where the upload named an algorithm and, for a checksum of checksums,
    where its type comes along; that of the whole object needs its type.
    """
    sent = {name: value for name, value in headers.items() if name.startswith("x-amz-checksum-")}
    sent.pop("x-amz-checksum-type", None)
    if checksum is None or not checksum.chosen or not sent:
        return
    typed = "x-amz-checksum-type" in headers
    right = checksum.value
    if checksum.kind == "COMPOSITE":  # the number of parts may follow
        sent = {name: re.sub(r"-\d+$", "", value) for name, value in sent.items()}
        right = right.partition("-")[0]
    if typed or checksum.kind == "COMPOSITE":
        named_checksum(sent)
    if checksum.kind == "COMPOSITE" and not typed:
        return
    if not typed or sent != {checksum.header: right}:
        raise AwsError(
            "BadDigest",
            f"The {checksum.algorithm.lower()} you specified did not match the calculated "
            "checksum.",
        )


_COPIED = re.compile(r"bytes=(\d+)-(\d+)", re.ASCII)


def _copied_range(call: Call, size: int) -> tuple[int, int] | None:
    header = call.request.headers.get("x-amz-copy-source-range")
    if header is None:
        return None
    match = _COPIED.fullmatch(header)
    if match is None or int(match[2]) < int(match[1]):
        raise invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )
    first, last = int(match[1]), int(match[2])
    if first >= size:
        raise invalid_request("The specified copy range is invalid for the source object size")
    if last >= size:
        raise invalid_argument(
            f"Range specified is not valid for source object of size: {size}",
            "x-amz-copy-source-range",
            header,
        )
    return first, last + 1
