"""How an S3 object is encrypted: what a request asks for, and the keys that come of it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingServerSideEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.s3.errors import (
    access_denied,
    invalid_argument,
    invalid_request,
    unvalued_argument,
)

SSE_S3, SSE_KMS, DSSE_KMS, SSE_C = "AES256", "aws:kms", "aws:kms:dsse", "SSE-C"
METHODS = {SSE_S3: "SSE-S3", SSE_KMS: "SSE-KMS", DSSE_KMS: "DSSE-KMS", SSE_C: "SSE-C"}
_KMS_METHODS = (SSE_KMS, DSSE_KMS)

SSE = "x-amz-server-side-encryption"
KEY_ID = f"{SSE}-aws-kms-key-id"
CONTEXT = f"{SSE}-context"
BUCKET_KEY = f"{SSE}-bucket-key-enabled"
COPY_SOURCE = "x-amz-copy-source-server-side-encryption-customer"
_CUSTOMER = f"{SSE}-customer"
CUSTOMER_ALGORITHM = f"{_CUSTOMER}-algorithm"


_BY_CUSTOMER = "Requests specifying Server Side Encryption with Customer provided keys must "
_BY_KMS = "Requests specifying Server Side Encryption with AWS KMS managed keys "
_NEEDS_KMS = (
    "Server Side Encryption with AWS KMS managed key requires HTTP header "
    "x-amz-server-side-encryption : aws:kms"
)


# --- what a request asks for --------------------------------------------------------------------


@dataclass(frozen=True)
class CustomerKey:
    """A key that came with the request (SSE-C): 32 bytes, and its MD5 as it was sent."""

    secret: bytes = field(repr=False)
    md5: str


@dataclass(frozen=True)
class EncryptionSettings:
    """The encryption of a new object: what the request asks for, else the bucket's default."""

    method: str
    key_id: str | None = None
    bucket_key: bool = False
    context: Mapping[str, str] = field(default_factory=dict)
    customer: CustomerKey | None = None

    @property
    def by_kms(self) -> bool:
        """Whether KMS is asked for the data key."""
        return self.method in _KMS_METHODS


def read_settings(headers: Mapping[str, str], default: EncryptionSettings) -> EncryptionSettings:
    """The encryption that a write's headers ask for, or ``default``, the bucket's.

    Raises AwsError for headers that are malformed or contradict each other.
    """
    method = headers.get(SSE)
    customer = customer_key(headers)
    if customer is not None:
        return EncryptionSettings(SSE_C, customer=customer)
    if method is None:
        for name in (KEY_ID, CONTEXT):
            if name in headers:
                raise invalid_argument(_NEEDS_KMS, SSE, None)
        if BUCKET_KEY not in headers:
            return default
        bucket_key = _truth(headers, BUCKET_KEY)
        return replace(default, bucket_key=bucket_key) if default.method == SSE_KMS else default
    if method not in (SSE_S3, *_KMS_METHODS):
        raise invalid_argument("The encryption method specified is not supported", SSE, method)
    if method == SSE_S3:
        if KEY_ID in headers or CONTEXT in headers or _truth(headers, BUCKET_KEY):
            raise invalid_argument(_NEEDS_KMS, SSE, method)
        return EncryptionSettings(SSE_S3)
    bucket_key = default.bucket_key if BUCKET_KEY not in headers else _truth(headers, BUCKET_KEY)
    bucket_key = bucket_key and method == SSE_KMS  # DSSE-KMS ignores the header
    return EncryptionSettings(method, headers.get(KEY_ID) or None, bucket_key, _context(headers))


def _truth(headers: Mapping[str, str], name: str) -> bool:
    text = headers.get(name, "false")
    if text.lower() not in ("true", "false"):
        raise invalid_argument(f"Invalid value for header {name}", name, text)
    return text.lower() == "true"


def _context(headers: Mapping[str, str]) -> dict[str, str]:
    text = headers.get(CONTEXT)
    if text is None:
        return {}
    try:
        found = json.loads(base64.b64decode(text, validate=True).decode())
    except (binascii.Error, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise invalid_argument(
            f"The header '{CONTEXT}' shall be Base64-encoded UTF-8 string holding JSON which "
            "represents a string-string map",
            CONTEXT,
            text,
        )
    return found


def customer_key(headers: Mapping[str, str], prefix: str = _CUSTOMER) -> CustomerKey | None:
    """The customer's key of a write; None where no header of SSE-C was sent.

    Raises AwsError for a key that is incomplete, altered on the way or of another length.
    """
    found = customer_key_to_read(headers, prefix)
    if found is not None and len(found.secret) != 32:
        message = "The secret key was invalid for the specified algorithm."
        raise unvalued_argument(message, SSE)
    return found


def customer_key_to_read(headers: Mapping[str, str], prefix: str = _CUSTOMER) -> CustomerKey | None:
    """The customer's key of a read, as `customer_key`, but of any length: it may just not fit."""
    algorithm, text, md5 = (
        headers.get(f"{prefix}-{name}") for name in ("algorithm", "key", "key-md5")
    )
    if algorithm is None and text is None and md5 is None:
        return None
    if prefix == _CUSTOMER and SSE in headers:
        raise invalid_argument(
            "Server Side Encryption with Customer provided key is incompatible with the "
            "encryption method specified",
            SSE,
            headers[SSE],
        )
    if not algorithm:
        raise unvalued_argument(f"{_BY_CUSTOMER}provide a valid encryption algorithm.", SSE)
    if algorithm != "AES256":
        raise AwsError(
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
            400,
            {"ArgumentName": SSE, "ArgumentValue": algorithm},
        )
    if not text:
        raise unvalued_argument(f"{_BY_CUSTOMER}provide an appropriate secret key.", SSE)
    if not md5:
        message = f"{_BY_CUSTOMER}provide the client calculated MD5 of the secret key."
        raise unvalued_argument(message, SSE)
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        message = "The secret key was invalid for the specified algorithm."
        raise unvalued_argument(message, SSE) from None
    digest = base64.b64encode(hashlib.md5(secret, usedforsecurity=False).digest()).decode()
    if digest != md5:
        message = "The calculated MD5 hash of the key did not match the hash that was provided."
        raise unvalued_argument(message, SSE)
    return CustomerKey(secret, md5)


def asks_for_customer_key(headers: Mapping[str, str], prefix: str = _CUSTOMER) -> bool:
    """Whether any header of SSE-C was sent."""
    return any(f"{prefix}-{name}" in headers for name in ("algorithm", "key", "key-md5"))


def require_no_choice(headers: Mapping[str, str]) -> None:
    """Refuse a request that says how to encrypt where that was decided before.

    That is a read, or a later step of an upload in parts.
    """
    for name in (SSE, KEY_ID, CONTEXT, BUCKET_KEY):
        if name in headers:
            message = f"{name} header is not supported for this operation."
            raise invalid_argument(message, name, headers[name])


def require_transport(call: Call, *, by_customer: bool, by_kms: bool) -> None:
    """Refuse keys that would travel in clear, and KMS's keys without Signature Version 4.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html
    """
    if by_customer and not call.secure:
        raise invalid_request(f"{_BY_CUSTOMER}be made over a secure connection.")
    if not by_kms:
        return
    if not call.secure:
        message = f"{_BY_KMS}must be made over a secure connection."
        raise invalid_argument(message, "Authorization", None)
    signature = call.signature
    if signature is None or signature.version != 4:
        message = f"{_BY_KMS}require AWS Signature Version 4."
        raise invalid_argument(message, "Authorization", None)


def require_unblocked(call: Call, blocked: bool, resource: str) -> None:
    """Refuse a write that brings a customer's key to a bucket that blocks SSE-C.

    AWS names the operation, also where no permission has its name.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
    """
    if blocked:
        raise access_denied(
            f"User: {call.caller.arn} is not authorized to perform: s3:{call.operation} on "
            f'resource: "{resource}" because this bucket has blocked upload requests that specify '
            "Server Side Encryption with Customer provided keys (SSE-C). Please specify a "
            "different server-side encryption type"
        )
