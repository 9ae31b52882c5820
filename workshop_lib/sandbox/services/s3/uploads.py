"""What an upload brings along: digests, metadata, tags, storage class, access control, locks.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import ObjectStore
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.s3 import (
    acls,
    checksums,
    object_lock,
    tagging,
    user_metadata,
)
from workshop_lib.sandbox.services.s3.bucket_encryption import default_of
from workshop_lib.sandbox.services.s3.buckets import Bucket
from workshop_lib.sandbox.services.s3.data_keys import Envelope
from workshop_lib.sandbox.services.s3.encryption import (
    CONTEXT,
    SSE_C,
    SSE_S3,
    EncryptionSettings,
    read_settings,
    require_transport,
    require_unblocked,
)
from workshop_lib.sandbox.services.s3.errors import invalid_request
from workshop_lib.sandbox.services.s3.permissions import key_of
from workshop_lib.sandbox.services.s3.storage import Checksum, ObjectMetadata, PendingObject

_SYSTEM = (
    "cache-control", "content-disposition", "content-encoding", "content-language",
    "content-type", "expires", "x-amz-website-redirect-location",
)  # fmt: skip
_SHOWN = {
    name: "-".join(part.capitalize() for part in name.split("-"))
    for name in _SYSTEM
    if not name.startswith("x-amz")
}
_STORAGE_CLASSES = {
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
    "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
}  # fmt: skip
_MOST_METADATA = 2 * 1024
_CHECKSUM = "x-amz-checksum-"
_NO_CHECKSUMS = ("x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type")


# --- digests ------------------------------------------------------------------------------------


def check_md5(headers: Mapping[str, str], body: bytes, *, in_hex: bool = True) -> str:
    """The MD5 of a body, in hex.

    ``in_hex``: how a refusal shows the one that was sent; else as it came. Raises AwsError
    InvalidDigest and BadDigest for a Content-MD5 that is none or another one.
    """
    digest, expected = hashlib.md5(body, usedforsecurity=False), named_md5(headers)
    if expected is not None and expected != digest.digest():
        raise AwsError(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            400,
            {
                "ExpectedDigest": expected.hex() if in_hex else headers["content-md5"],
                "CalculatedDigest": base64.b64encode(digest.digest()).decode(),
            },
        )
    return digest.hexdigest()


def named_md5(headers: Mapping[str, str]) -> bytes | None:
    """The digest that a Content-MD5 names; None where none was sent. Raises InvalidDigest."""
    sent = headers.get("content-md5")
    if sent is None:
        return None
    try:
        found = base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != 16:
        message = "The Content-MD5 you specified was invalid."
        raise AwsError("InvalidDigest", message, 400, {"Content-MD5": sent})
    return found


def sent_checksum(headers: Mapping[str, str], body: bytes) -> Checksum | None:
    """The checksum that came with a body, found right; None where none was sent.

    Raises AwsError InvalidRequest for one that is malformed, BadDigest for a wrong one.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    algorithm, value = named_checksum(headers)
    if algorithm is None or value is None:
        return None
    if checksums.checksum(algorithm, body) != value:
        raise AwsError(
            "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
        )
    return Checksum(algorithm, value)


def named_checksum(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The algorithm and the checksum that headers name.

    Raises AwsError InvalidRequest where they are malformed or contradict each other.
    """
    known = (*checksums.ALGORITHMS, *checksums.NOT_EMULATED)
    found = [
        name.removeprefix(_CHECKSUM).upper()
        for name in headers
        if name.startswith(_CHECKSUM) and name not in _NO_CHECKSUMS
    ]
    if not set(found) <= set(known):
        raise invalid_request(
            "The algorithm type you specified in x-amz-checksum- header is invalid."
        )
    if len(found) > 1:
        raise invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    announced = headers.get("x-amz-sdk-checksum-algorithm", "").upper()
    if announced and announced not in known:
        raise invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    if not found:
        if announced:
            raise invalid_request(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* "
                "or x-amz-trailer headers were found."
            )
        return None, None
    algorithm = found[0]
    if algorithm in checksums.NOT_EMULATED:
        raise NotEmulated(f"The sandbox does not emulate the checksum {algorithm}.")
    header = _CHECKSUM + algorithm.lower()
    if announced and announced != algorithm:
        raise invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    if not checksums.is_value(algorithm, headers[header]):
        kind = "trailing header" if header in headers.get("x-amz-trailer", "") else "header"
        raise invalid_request(f"Value for {header} {kind} is invalid.")
    return algorithm, headers[header]


def asked_algorithm(headers: Mapping[str, str]) -> str:
    """The algorithm that S3 is to make a checksum by; "" where none is named.

    Raises AwsError InvalidRequest, NotEmulated.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    The words since S3 has ten of them: https://github.com/versity/versitygw/pull/2102
    """
    asked = headers.get("x-amz-checksum-algorithm", "").upper()
    if asked in checksums.NOT_EMULATED:
        raise NotEmulated(f"The sandbox does not emulate the checksum {asked}.")
    if asked not in ("", *checksums.ALGORITHMS):
        valid = ", ".join(sorted((*checksums.ALGORITHMS, *checksums.NOT_EMULATED)))
        raise invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            f"types: [{valid}]"
        )
    return asked


def own_checksum(body: bytes) -> Checksum:
    """The checksum that S3 makes where the uploader sent none."""
    return Checksum(checksums.DEFAULT, checksums.checksum(checksums.DEFAULT, body), chosen=False)


# Data that will be locked, an object or a part of one.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-put-object
LOCKED = (
    "Content-MD5 OR x-amz-checksum- HTTP header is required for Put {} requests with Object Lock "
    "parameters"
)
_MISSING = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"


def require_digest(headers: Mapping[str, str], message: str = _MISSING) -> None:
    """Refuse a request whose body must come with a digest, unless one came that could be right.

    Raises AwsError InvalidRequest, InvalidDigest.
    """
    algorithm, _ = named_checksum(headers)
    if named_md5(headers) is None and algorithm is None:
        raise invalid_request(message)


# --- what is stored beside the data -------------------------------------------------------------


def check_key(key: str) -> None:
    """Raise AwsError KeyTooLongError for a key of more than 1,024 bytes."""
    size = len(key.encode("utf-8", "surrogateescape"))
    if size > 1024:
        fields = {"Size": str(size), "MaxSizeAllowed": "1024"}
        raise AwsError("KeyTooLongError", "Your key is too long", 400, fields)


def require_no_body(call: Call) -> None:
    """Refuse a body that a copy comes with. Raises AwsError InvalidRequest.

    As S3 was seen to answer: https://github.com/versity/versitygw/issues/1242
    """
    if call.request.body:
        raise invalid_request(
            "The request included a body. Requests of this type must not include a non-empty body."
        )


def metadata(headers: Mapping[str, str], *, of_form: bool = False) -> dict[str, str]:
    """The headers that are stored with an object, as reads return them.

    A form's values are text already; encoded words in them are not read. Raises AwsError
    MetadataTooLarge, InvalidRedirectLocation.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
    """
    redirect = headers.get("x-amz-website-redirect-location")
    if redirect and not redirect.startswith(("http://", "https://", "/")):
        raise AwsError(
            "InvalidRedirectLocation",
            "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
        )
    found = {"Content-Type": "binary/octet-stream"}
    size = 0
    for name, value in headers.items():
        if name in _SYSTEM:
            if value:
                found[_SHOWN.get(name, name)] = value
        elif name.startswith("x-amz-meta-"):
            found[name] = user_metadata.shown(value if of_form else user_metadata.decoded(value))
            size += len(name.removeprefix("x-amz-meta-")) + len(value.encode("utf-8", "replace"))
    if size > _MOST_METADATA:
        raise AwsError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            400,
            {"Size": str(size), "MaxSizeAllowed": str(_MOST_METADATA)},
        )
    return found


def storage_class(headers: Mapping[str, str]) -> str:
    """The storage class asked for. Raises AwsError InvalidStorageClass."""
    name = headers.get("x-amz-storage-class", "STANDARD")
    if name not in _STORAGE_CLASSES:
        raise AwsError(
            "InvalidStorageClass",
            "The storage class you specified is not valid",
            400,
            {"StorageClassRequested": name},
        )
    return name


def described(
    call: Call, bucket: Bucket, headers: Mapping[str, str], store: ObjectStore
) -> PendingObject:
    """A new object as far as a write's headers describe it, still without its data."""
    owner = acls.owner_of_new(call, bucket, headers)
    return PendingObject(
        ObjectMetadata(
            Envelope(SSE_S3, b"", {}),
            (),
            metadata(headers, of_form=call.operation == "PostObject"),
        ),
        etag="",
        size=0,
        data=(),
        storage_class=storage_class(headers),
        tags=tagging.from_header(headers),
        acl=acls.from_headers(call, bucket, headers, store, owner),
        lock=object_lock.from_headers(bucket, headers),
        owner=owner,
    )


# --- encryption ---------------------------------------------------------------------------------


def resolve_encryption(
    call: Call, bucket: Bucket, headers: Mapping[str, str]
) -> EncryptionSettings:
    """The encryption a write asks for, once it is sure that the bucket allows it.

    Raises AwsError for headers that are malformed or contradict each other, AccessDenied where
    SSE-C is blocked.
    """
    asked = read_settings(headers, default_of(bucket))
    blocked = asked.method == SSE_C and bool(bucket.settings.blocks_sse_c)
    require_unblocked(call, blocked, bucket.object_arn(key_of(call)))
    require_transport(call, by_customer=asked.customer is not None, by_kms=asked.by_kms)
    return asked


def encryption_headers(
    envelope: Envelope, asked: EncryptionSettings, headers: Mapping[str, str]
) -> dict[str, str]:
    """What the answer to a write tells of the encryption."""
    shown = envelope.headers(asked.customer)
    if asked.by_kms and CONTEXT in headers:
        shown[CONTEXT] = headers[CONTEXT]
    return shown
