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
from datetime import datetime, timedelta

from workshop_lib.sandbox import carried_signatures, clock, disk
from workshop_lib.sandbox.errors import AwsError
from workshop_lib.sandbox.kms import DataKey, Kms
from workshop_lib.sandbox.operations import Call
from workshop_lib.sandbox.s3_errors import (
    access_denied,
    internal_error,
    invalid_argument,
    invalid_request,
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

# AWS says "short-lived" and "time-limited", but not how long.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
BUCKET_KEY_LIFE = timedelta(minutes=5)
SERVICE_KEY = "a key of Amazon S3 that nobody can call"
CUSTOMER_KEY = "the customer's key, which is not kept"

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
class Wanted:
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


def wanted(headers: Mapping[str, str], default: Wanted) -> Wanted:
    """The encryption that a write's headers ask for, or ``default``, the bucket's.

    Raises AwsError for headers that are malformed or contradict each other.
    """
    method = headers.get(SSE)
    customer = customer_key(headers)
    if customer is not None:
        return Wanted(SSE_C, customer=customer)
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
        return Wanted(SSE_S3)
    bucket_key = default.bucket_key if BUCKET_KEY not in headers else _truth(headers, BUCKET_KEY)
    bucket_key = bucket_key and method == SSE_KMS  # DSSE-KMS ignores the header
    return Wanted(method, headers.get(KEY_ID) or None, bucket_key, _context(headers))


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
        raise invalid_argument(message, SSE, None)
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
        raise invalid_argument(f"{_BY_CUSTOMER}provide a valid encryption algorithm.", SSE, None)
    if algorithm != "AES256":
        raise AwsError(
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
            400,
            {"ArgumentName": SSE, "ArgumentValue": algorithm},
        )
    if not text:
        raise invalid_argument(f"{_BY_CUSTOMER}provide an appropriate secret key.", SSE, None)
    if not md5:
        message = f"{_BY_CUSTOMER}provide the client calculated MD5 of the secret key."
        raise invalid_argument(message, SSE, None)
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        message = "The secret key was invalid for the specified algorithm."
        raise invalid_argument(message, SSE, None) from None
    digest = base64.b64encode(hashlib.md5(secret, usedforsecurity=False).digest()).decode()
    if digest != md5:
        message = "The calculated MD5 hash of the key did not match the hash that was provided."
        raise invalid_argument(message, SSE, None)
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
    signature = carried_signatures.read(call.request, "s3")
    if signature is None or signature.version != 4:
        message = f"{_BY_KMS}require AWS Signature Version 4."
        raise invalid_argument(message, "Authorization", None)


def require_unblocked(call: Call, blocked: bool, resource: str) -> None:
    """Refuse a write that brings a customer's key to a bucket that blocks SSE-C.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
    """
    if blocked:
        raise access_denied(
            f"User: {call.caller.arn} is not authorized to perform: s3:PutObject on resource: "
            f'"{resource}" because this bucket has blocked upload requests that specify Server '
            "Side Encryption with Customer provided keys (SSE-C). Please specify a different "
            "server-side encryption type"
        )


# --- what is kept -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Envelope:
    """What S3 keeps of an object's encryption: the method and the wrapped data key.

    ``context`` is the encryption context of the call to KMS. ``between``: a key, wrapped by KMS,
    under which the data key is wrapped in its turn: an S3 Bucket Key, if ``bucket_key``.
    ``second``: DSSE-KMS's second data key, wrapped under a key of S3's.
    """

    method: str
    data_key: bytes = field(repr=False)
    context: Mapping[str, str]
    key_arn: str | None = None
    between: bytes | None = field(default=None, repr=False)
    bucket_key: bool = False
    fingerprint: disk.Fingerprint | None = field(default=None, repr=False)
    second: bytes | None = field(default=None, repr=False)

    @property
    def by_kms(self) -> bool:
        """Whether KMS is asked before the object can be read."""
        return self.method in _KMS_METHODS

    @property
    def layers(self) -> int:
        """How many times the data is encrypted."""
        return 1 if self.second is None else 2

    def headers(self, customer: CustomerKey | None = None) -> dict[str, str]:
        """The response headers that tell of the encryption."""
        if self.method == SSE_C:
            if customer is None:
                return {}
            return {CUSTOMER_ALGORITHM: "AES256", f"{_CUSTOMER}-key-MD5": customer.md5}
        headers = {SSE: self.method}
        if self.key_arn is not None:
            headers[KEY_ID] = self.key_arn
        if self.bucket_key:
            headers[BUCKET_KEY] = "true"
        return headers


@dataclass(frozen=True)
class _BucketKey:
    """A Bucket Key in use: in clear for a while, for one requester."""

    secret: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)
    key_arn: str
    until: datetime


class Keyring:
    """Makes data keys for new objects, and opens those of stored ones."""

    def __init__(self, kms: Kms) -> None:
        self._kms = kms
        self._service_key = disk.new_key()
        self._bucket_keys: dict[tuple[str, ...], _BucketKey] = {}

    def new(
        self, call: Call, region: str, bucket_arn: str, object_arn: str, asked: Wanted
    ) -> tuple[Envelope, disk.Keys]:
        """The envelope and the data keys for a new object, for ``call``'s caller.

        ``region`` is the bucket's. Raises KMS's refusals under S3's names.
        """
        context = {**asked.context, "aws:s3:arn": object_arn}
        if asked.by_kms:
            call = replace(call, region=region)
            key_id = asked.key_id or self._kms.managed_key("s3", region)
            if asked.bucket_key:
                bucket_context = {**asked.context, "aws:s3:arn": bucket_arn}
                return self._under_bucket_key(call, key_id, bucket_context, object_arn)
            data_key = self._generate(call, key_id, context)
            envelope = Envelope(asked.method, data_key.wrapped, context, data_key.key_arn)
            if asked.method == SSE_KMS:
                return envelope, [data_key.plaintext]
            second = disk.new_key()
            wrapped = disk.wrap(self._service_key, second, context)
            return replace(envelope, second=wrapped), [data_key.plaintext, second]
        secret = disk.new_key()
        if asked.customer is None:
            wrapped = disk.wrap(self._service_key, secret, context)
            return Envelope(SSE_S3, wrapped, context), [secret]
        own = asked.customer.secret
        wrapped = disk.wrap(own, secret, context)
        fingerprint = disk.Fingerprint.of(own)
        return Envelope(SSE_C, wrapped, context, fingerprint=fingerprint), [secret]

    def open(
        self, call: Call, region: str, envelope: Envelope, customer: CustomerKey | None = None
    ) -> disk.Keys:
        """The data keys of a stored object, for ``call``'s caller.

        Raises KMS's refusals under S3's names, and InternalError for an altered envelope.
        """
        try:
            if envelope.method == SSE_C:
                assert customer is not None
                return [disk.unwrap(customer.secret, envelope.data_key, envelope.context)]
            if envelope.method == SSE_S3:
                return [disk.unwrap(self._service_key, envelope.data_key, envelope.context)]
            call = replace(call, region=region)
            if envelope.between is not None:
                between = self._between(call, envelope, envelope.between)
                return [disk.unwrap(between, envelope.data_key, {})]
            first = self._decrypt(call, envelope.data_key, envelope.context)
            if envelope.second is None:
                return [first]
            return [first, disk.unwrap(self._service_key, envelope.second, envelope.context)]
        except disk.Corrupt:
            raise internal_error() from None

    def rewrap(
        self, call: Call, region: str, bucket_arn: str, keys: disk.Keys, asked: Wanted,
        object_arn: str,
    ) -> Envelope:  # fmt: skip
        """An envelope under a KMS key for a data key that stays as it is."""
        call = replace(call, region=region)
        context = {"aws:s3:arn": bucket_arn if asked.bucket_key else object_arn}
        fresh = self._generate(call, asked.key_id or "", context)
        wrapped = disk.wrap(fresh.plaintext, keys[0], {})
        return Envelope(SSE_KMS, wrapped, context, fresh.key_arn, fresh.wrapped, asked.bucket_key)

    # --- S3 Bucket Keys ------------------------------------------------------------------------
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html

    def _under_bucket_key(
        self, call: Call, key_id: str, context: Mapping[str, str], object_arn: str
    ) -> tuple[Envelope, disk.Keys]:
        bucket_key = self._current_bucket_key(call, key_id, context)
        secret = disk.new_key()
        wrapped = disk.wrap(bucket_key.secret, secret, {})
        envelope = Envelope(SSE_KMS, wrapped, context, bucket_key.key_arn, bucket_key.wrapped, True)
        return envelope, [secret]

    def _current_bucket_key(
        self, call: Call, key_id: str, context: Mapping[str, str]
    ) -> _BucketKey:
        bound = json.dumps(context, sort_keys=True)
        use = (_requester(call), self._arn(key_id, call.region), bound)
        found = self._bucket_keys.get(use)
        if found is None or found.until <= clock.now():
            fresh = self._generate(call, key_id, context)
            until = clock.now() + BUCKET_KEY_LIFE
            found = _BucketKey(fresh.plaintext, fresh.wrapped, fresh.key_arn, until)
            self._forget_old()
            self._bucket_keys[use] = found
        return found

    def _between(self, call: Call, envelope: Envelope, wrapped: bytes) -> bytes:
        if not envelope.bucket_key:
            return self._decrypt(call, wrapped, envelope.context)
        # Not the key kept for writing: who may write may not always read.
        use = (_requester(call), "wrapped", wrapped.hex())
        found = self._bucket_keys.get(use)
        if found is None or found.until <= clock.now():
            secret = self._decrypt(call, wrapped, envelope.context)
            self._forget_old()
            until = clock.now() + BUCKET_KEY_LIFE
            found = _BucketKey(secret, wrapped, envelope.key_arn or "", until)
            self._bucket_keys[use] = found
        return found.secret

    def _forget_old(self) -> None:
        now = clock.now()
        for use in [use for use, key in self._bucket_keys.items() if key.until <= now]:
            del self._bucket_keys[use]

    def _arn(self, key_id: str, region: str) -> str:
        try:
            return self._kms.describe(key_id, region).arn
        except AwsError:
            return key_id  # GenerateDataKey will say what is wrong with it

    # --- KMS -----------------------------------------------------------------------------------

    def _generate(self, call: Call, key_id: str, context: Mapping[str, str]) -> DataKey:
        try:
            return self._kms.generate_data_key(call, via="s3", key=key_id, context=context)
        except AwsError as error:
            raise _as_s3(error) from None

    def _decrypt(self, call: Call, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        try:
            return self._kms.decrypt(call, via="s3", wrapped=wrapped, context=context)
        except AwsError as error:
            raise _as_s3(error) from None


def _requester(call: Call) -> str:
    """One requester: a role scoped by other session policies counts as another."""
    principal = call.caller.principal
    return f"{principal.role_arn or principal.arn} {principal.session_policies or ''}"


def _as_s3(error: AwsError) -> AwsError:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
    if error.code == "AccessDeniedException":
        return access_denied(error.message)
    if error.code == "InvalidCiphertextException":  # S3's own record was altered
        return internal_error()
    return AwsError(f"KMS.{error.code}", error.message, 400)
