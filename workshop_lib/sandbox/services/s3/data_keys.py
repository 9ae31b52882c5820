"""The data keys of objects: made, wrapped, opened again, and kept with a Bucket Key.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms.on_behalf import DataKey, OnBehalf
from workshop_lib.sandbox.services.s3.encryption import (
    _CUSTOMER,
    _KMS_METHODS,
    BUCKET_KEY,
    CUSTOMER_ALGORITHM,
    KEY_ID,
    SSE,
    SSE_C,
    SSE_KMS,
    SSE_S3,
    CustomerKey,
    EncryptionSettings,
)
from workshop_lib.sandbox.services.s3.errors import internal_error
from workshop_lib.sandbox.services.s3.kms_refusals import _as_s3
from workshop_lib.sandbox.storage import sealing

# AWS says "short-lived" and "time-limited", but not how long.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
BUCKET_KEY_LIFE = timedelta(minutes=5)
SERVICE_KEY = "a key of Amazon S3 that nobody can call"
CUSTOMER_KEY = "the customer's key, which is not kept"


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
    fingerprint: sealing.Fingerprint | None = field(default=None, repr=False)
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


class DataKeyProvider:
    """Makes data keys for new objects, and opens those of stored ones."""

    def __init__(self, kms: OnBehalf) -> None:
        self._kms = kms
        self._service_key = sealing.new_key()
        self._bucket_keys: dict[tuple[str, ...], _BucketKey] = {}

    def new(
        self, call: Call, region: str, bucket_arn: str, object_arn: str, asked: EncryptionSettings
    ) -> tuple[Envelope, sealing.Keys]:
        """The envelope and the data keys for a new object, for ``call``'s caller.

        ``region`` is the bucket's. Raises KMS's refusals under S3's names.
        """
        context = {**asked.context, "aws:s3:arn": object_arn}
        if asked.by_kms:
            call = replace(call, region=region)
            key_id = asked.key_id or self._kms.managed_key("s3", region, call.asking)
            if asked.bucket_key:
                bucket_context = {**asked.context, "aws:s3:arn": bucket_arn}
                return self._under_bucket_key(call, key_id, bucket_context, object_arn)
            data_key = self._generate(call, key_id, context)
            envelope = Envelope(asked.method, data_key.wrapped, context, data_key.key_arn)
            if asked.method == SSE_KMS:
                return envelope, [data_key.plaintext]
            second = sealing.new_key()
            wrapped = sealing.wrap(self._service_key, second, context)
            return replace(envelope, second=wrapped), [data_key.plaintext, second]
        secret = sealing.new_key()
        if asked.customer is None:
            wrapped = sealing.wrap(self._service_key, secret, context)
            return Envelope(SSE_S3, wrapped, context), [secret]
        own = asked.customer.secret
        wrapped = sealing.wrap(own, secret, context)
        fingerprint = sealing.Fingerprint.of(own)
        return Envelope(SSE_C, wrapped, context, fingerprint=fingerprint), [secret]

    def open(
        self, call: Call, region: str, envelope: Envelope, customer: CustomerKey | None = None
    ) -> sealing.Keys:
        """The data keys of a stored object, for ``call``'s caller.

        Raises KMS's refusals under S3's names, and InternalError for an altered envelope.
        """
        try:
            if envelope.method == SSE_C:
                assert customer is not None
                return [sealing.unwrap(customer.secret, envelope.data_key, envelope.context)]
            if envelope.method == SSE_S3:
                return [sealing.unwrap(self._service_key, envelope.data_key, envelope.context)]
            call = replace(call, region=region)
            if envelope.between is not None:
                between = self.intermediate_key(call, envelope, envelope.between)
                return [sealing.unwrap(between, envelope.data_key, {})]
            first = self._decrypt(call, envelope.data_key, envelope.context)
            if envelope.second is None:
                return [first]
            return [first, sealing.unwrap(self._service_key, envelope.second, envelope.context)]
        except sealing.Corrupt:
            raise internal_error() from None

    def rewrap(
        self,
        call: Call,
        region: str,
        bucket_arn: str,
        keys: sealing.Keys,
        asked: EncryptionSettings,
        object_arn: str,
    ) -> Envelope:
        """An envelope under a KMS key for a data key that stays as it is."""
        call = replace(call, region=region)
        context = {"aws:s3:arn": bucket_arn if asked.bucket_key else object_arn}
        fresh = self._generate(call, asked.key_id or "", context)
        wrapped = sealing.wrap(fresh.plaintext, keys[0], {})
        return Envelope(SSE_KMS, wrapped, context, fresh.key_arn, fresh.wrapped, asked.bucket_key)

    # --- S3 Bucket Keys ------------------------------------------------------------------------
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html

    def _under_bucket_key(
        self, call: Call, key_id: str, context: Mapping[str, str], object_arn: str
    ) -> tuple[Envelope, sealing.Keys]:
        bucket_key = self._current_bucket_key(call, key_id, context)
        secret = sealing.new_key()
        wrapped = sealing.wrap(bucket_key.secret, secret, {})
        envelope = Envelope(SSE_KMS, wrapped, context, bucket_key.key_arn, bucket_key.wrapped, True)
        return envelope, [secret]

    def _current_bucket_key(
        self, call: Call, key_id: str, context: Mapping[str, str]
    ) -> _BucketKey:
        bound = json.dumps(context, sort_keys=True)
        use = (_requester(call), self._arn(key_id, call), bound)
        found = self._bucket_keys.get(use)
        if found is None or found.until <= clock.now():
            fresh = self._generate(call, key_id, context)
            until = clock.now() + BUCKET_KEY_LIFE
            found = _BucketKey(fresh.plaintext, fresh.wrapped, fresh.key_arn, until)
            self._forget_old()
            self._bucket_keys[use] = found
        return found

    def intermediate_key(self, call: Call, envelope: Envelope, wrapped: bytes) -> bytes:
        """What KMS unwraps: the key that wraps the data key, a Bucket Key's kept for a while."""
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

    def _arn(self, key_id: str, call: Call) -> str:
        try:
            return self._kms.describe(key_id, call.region, call.asking).arn
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
