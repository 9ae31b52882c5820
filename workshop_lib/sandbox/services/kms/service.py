"""AWS KMS: who may use which key, in which state, and what becomes of the data.

The service is answered here altogether; moto is asked only which IAM users and roles exist.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.authorization import authorize
from workshop_lib.sandbox.call import Call, Caller, Check
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.moto_backend.iam import existing_principal
from workshop_lib.sandbox.policy.evaluation import Principal
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.service_model import lower_first
from workshop_lib.sandbox.services.cloudtrail.events import Trail
from workshop_lib.sandbox.services.kms.ciphertext import Sealer
from workshop_lib.sandbox.services.kms.cryptographic import Use
from workshop_lib.sandbox.services.kms.grant_operations import Granting
from workshop_lib.sandbox.services.kms.imports import Import
from workshop_lib.sandbox.services.kms.keys import Key, KeyFacts
from workshop_lib.sandbox.services.kms.management import Administration
from workshop_lib.sandbox.services.kms.permissions import Access, Asked, managed_service
from workshop_lib.sandbox.services.kms.requests import Parameters, respond
from workshop_lib.sandbox.services.kms.store import KeyStore

__all__ = ["DataKey", "KeyFacts", "Kms"]

SOURCE = "kms.amazonaws.com"


@dataclass(frozen=True)
class DataKey:
    """A data key: 32 bytes, the same wrapped (a ciphertext blob), and the key that wraps it."""

    plaintext: bytes = field(repr=False)
    wrapped: bytes
    key_arn: str
    key_id: str


class Kms:
    """KMS's operations, for callers and for the services that act on their behalf."""

    def __init__(self, moto: Moto, trail: Trail) -> None:
        self._trail = trail
        self._store = KeyStore(moto.account, self._note)
        trail.before_reading(self._store.ripen)
        sealer = Sealer()
        exists = existing_principal(moto.iam, moto.account)
        self._use = Use(self._store, sealer)
        self._admin = Administration(self._store, exists)
        self._access = Access(self._store, sealer, self._ensure_managed)
        self._handlers: dict[str, Callable[[Asked], Parameters | None]] = {
            **self._use.handlers,
            **self._admin.handlers,
            **Granting(self._store, exists).handlers,
            **Import().handlers,
        }
        self._last: Asked | None = None  # what checks() has read of the call that handle() gets

    def _ensure_managed(self, region: str, alias: str) -> None:
        service = managed_service(alias)
        if service is not None:
            self._admin.managed_key(service, region)

    # --- the gate's two questions ----------------------------------------------------------

    def checks(self, call: Call) -> Iterator[Check]:
        """The permissions a KMS call needs.

        Raises AwsError for a malformed request and for a key that does not exist.
        """
        self._last = self._access.read(call)
        yield from self._access.checks(self._last)

    def handle(self, call: Call) -> Response:
        """Answer a KMS call that was authorized, and record it. Raises AwsError."""
        asked = self._last
        if asked is None or asked.call is not call:
            asked = self._access.read(call)
        self._last = None
        try:
            result = self._perform(asked)
        except AwsError as error:
            self._record(asked, None, error)
            raise
        self._record(asked, result)
        if asked.key is not None and asked.key.primary:
            self._store.note_rotations(asked.key, clock.now())
        return respond(result, call.request_id)

    def record_refusal(self, call: Call, error: AwsError) -> None:
        """Record a call that was refused before `handle`: malformed, no such key, denied."""
        asked = self._last
        if asked is None or asked.call is not call:
            asked = Asked(call, call.parameters)
        self._last = None
        self._record(asked, None, error)

    def _perform(self, asked: Asked) -> Parameters | None:
        result = self._handlers[asked.call.operation](asked)
        if asked.key is not None:
            self._store.note_state(asked.key, clock.now())
        if asked.values.get("DryRun"):
            raise AwsError(
                "DryRunOperationException",
                "The request would have succeeded, but the DryRun option is set.",
            )
        return result

    # --- on a caller's behalf --------------------------------------------------------------

    def describe(self, key: str, region: str) -> KeyFacts:
        """The facts of a key named by id, ARN, alias or alias ARN.

        Raises AwsError NotFoundException; AccessDeniedException for another account's key.
        """
        return self._access.resolve(key, region, "DescribeKey", SOURCE)[0].facts()

    def describe_on_behalf(self, call: Call, *, via: str, key: str) -> KeyFacts:
        """The facts of a key, for ``call``'s caller, asked for by the service ``via``."""
        return self._on_behalf(call, via, "DescribeKey", {"KeyId": key})[0].the_key.facts()

    def usability(self, arn: str) -> Sequence[tuple[datetime, bool]]:
        """The moments at which a key became unusable (False) or usable again (True).

        Empty for a key that has always been usable; known also of a key that is gone.
        """
        return self._store.usability(arn)

    def managed_key(self, service: str, region: str) -> str:
        """The ARN of alias/aws/<service> ("s3", "dynamodb"), which is made on first use."""
        return self._admin.managed_key(service, region).arn

    def generate_data_key(
        self, call: Call, *, via: str, key: str, context: Mapping[str, str]
    ) -> DataKey:
        """A 256-bit data key for ``call``'s caller, asked for by the service ``via`` ("s3").

        Raises KMS's own AwsError: AccessDeniedException, DisabledException, NotFoundException,
        KMSInvalidStateException, InvalidKeyUsageException.
        """
        values = {"KeyId": key, "KeySpec": "AES_256", **_context(context)}
        asked, result = self._on_behalf(call, via, "GenerateDataKey", values)
        return _data_key(asked, result)

    def decrypt(self, call: Call, *, via: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """A wrapped data key's plaintext, for ``call``'s caller, asked for by ``via``.

        Raises KMS's own AwsError, as `generate_data_key`; InvalidCiphertextException.
        """
        values = {"CiphertextBlob": wrapped, **_context(context)}
        return bytes(self._on_behalf(call, via, "Decrypt", values)[1]["Plaintext"])

    def create_grant(
        self,
        call: Call,
        *,
        via: str,
        key: str,
        operations: Sequence[str],
        context_constraint: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> str:
        """A grant for the service ``via``, in the name of ``call``'s caller; returns its id.

        ``context_constraint`` is the EncryptionContextSubset. Raises KMS's own AwsError.
        """
        principal = service_principal(via, call.region)
        values: Parameters = {
            "KeyId": self.describe(key, call.region).arn,
            "GranteePrincipal": principal,
            "RetiringPrincipal": principal,
            "Operations": list(operations),
        }
        if context_constraint:
            values["Constraints"] = {"EncryptionContextSubset": dict(context_constraint)}
        if name is not None:
            values["Name"] = name
        return str(self._on_behalf(call, via, "CreateGrant", values)[1]["GrantId"])

    def _on_behalf(
        self, call: Call, via: str, operation: str, values: Parameters
    ) -> tuple[Asked, Parameters]:
        service = via.removesuffix(".amazonaws.com")
        inner = replace(call, service="kms", operation=operation, parameters={})
        return self._inner(Asked(inner, values, via=service))

    def _inner(self, asked: Asked) -> tuple[Asked, Parameters]:
        inner = asked.call
        try:
            self._access.find_keys(asked)
            authorize(inner, self._access.checks(asked))
            result = self._perform(asked) or {}
        except AwsError as error:
            self._record(asked, None, error)
            raise
        self._record(asked, result)
        return asked, result

    # --- as a service, by its grant --------------------------------------------------------

    def generate_data_key_as_service(
        self, call: Call, *, service: str, key: str, context: Mapping[str, str]
    ) -> DataKey:
        """A 256-bit data key for a service itself, by a grant it holds.

        The caller's rights are not asked. Raises KMS's own AwsError.
        """
        values = {"KeyId": key, "KeySpec": "AES_256", **_context(context)}
        asked, result = self._as_service(call, service, "GenerateDataKey", values)
        return _data_key(asked, result)

    def decrypt_as_service(
        self, call: Call, *, service: str, wrapped: bytes, context: Mapping[str, str]
    ) -> bytes:
        """A wrapped data key's plaintext for a service itself, by a grant it holds."""
        values = {"CiphertextBlob": wrapped, **_context(context)}
        return bytes(self._as_service(call, service, "Decrypt", values)[1]["Plaintext"])

    def retire_grant(self, call: Call, *, service: str, key: str, grant_id: str) -> None:
        """Retire a grant that a service holds. One that is gone already is left alone."""
        values = {"KeyId": key, "GrantId": grant_id}
        try:
            self._as_service(call, service, "RetireGrant", values)
        except AwsError as error:
            if error.code != "NotFoundException":
                raise

    def _as_service(
        self, call: Call, service: str, operation: str, values: Parameters
    ) -> tuple[Asked, Parameters]:
        service = service.removesuffix(".amazonaws.com")
        name = service_principal(service, call.region)
        principal = Principal(kind="service", arn=name, account=None)
        caller = Caller(principal, name=f"{service}.amazonaws.com")
        inner = replace(call, service="kms", operation=operation, parameters={}, caller=caller)
        return self._inner(Asked(inner, values, via=service))

    # --- CloudTrail ------------------------------------------------------------------------

    def _record(
        self, asked: Asked, result: Parameters | None, error: AwsError | None = None
    ) -> None:
        operation = asked.call.operation
        read_only = operation not in _CHANGES
        self._trail.record(
            asked.call,
            SOURCE,
            operation,
            parameters=_recorded_request(asked),
            response=None if error or read_only else _recorded_response(asked, result),
            more=None if error else _more(asked, result or {}),
            resources=self._concerned(asked),
            read_only=read_only,
            error=error,
            invoked_by=asked.via and _IN_THE_TRAIL[asked.via],
            host=asked.call.request.host if asked.via is None and asked.call.secure else None,
        )

    def _concerned(self, asked: Asked) -> list[str]:
        """The ARNs of the keys, and of the alias that is made, moved or deleted.

        https://docs.aws.amazon.com/kms/latest/developerguide/ct-createalias.html
        https://docs.aws.amazon.com/kms/latest/developerguide/ct-updatealias.html
        """
        call = asked.call
        keys = [key.arn for key in (asked.source, asked.key) if key is not None]
        if asked.key is None or "AliasName" not in asked.values:
            return list(dict.fromkeys(keys))
        alias = self._store.alias_arn(call.region, asked.values["AliasName"])
        return [*keys, alias] if call.operation == "CreateAlias" else [alias, *keys]

    def _note(self, key: Key, name: str, at: datetime, details: Mapping[str, Any]) -> None:
        """Write down what KMS did of itself.

        https://docs.aws.amazon.com/kms/latest/developerguide/ct-delete-key.html
        https://docs.aws.amazon.com/kms/latest/developerguide/ct-rotatekey.html
        https://docs.aws.amazon.com/kms/latest/developerguide/ct-deleteexpiredkeymaterial.html
        """
        self._trail.record_service_event(
            SOURCE,
            name,
            time=at,
            region=key.region,
            account=key.account,
            resource=key.arn,
            response={"keyId": key.arn} if name == "DeleteKey" else None,
            details={**details, "keyId": key.id} if details else None,
        )


def service_principal(service: str, region: str) -> str:
    """The principal that a service's grants name: dynamodb.us-east-1.amazonaws.com.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    return f"{service.removesuffix('.amazonaws.com')}.{region}.amazonaws.com"


def _context(context: Mapping[str, str]) -> Parameters:
    return {"EncryptionContext": dict(context)} if context else {}


def _data_key(asked: Asked, result: Parameters) -> DataKey:
    return DataKey(
        result["Plaintext"], result["CiphertextBlob"], asked.the_key.arn, asked.the_key.id
    )


# Who made a call on somebody's behalf: S3 does so in a forward access session.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
_IN_THE_TRAIL = {"dynamodb": "dynamodb.amazonaws.com", "s3": "fas.s3.amazonaws.com"}

# Operations that CloudTrail does not call read-only.
_CHANGES = {
    "CancelKeyDeletion", "CreateAlias", "CreateGrant", "CreateKey", "DeleteAlias",
    "DeleteImportedKeyMaterial", "DisableKey", "DisableKeyRotation", "EnableKey",
    "EnableKeyRotation", "ImportKeyMaterial", "PutKeyPolicy", "ReplicateKey", "RetireGrant",
    "RevokeGrant", "RotateKeyOnDemand", "ScheduleKeyDeletion", "TagResource", "UntagResource",
    "UpdateAlias", "UpdateKeyDescription", "UpdatePrimaryRegion",
}  # fmt: skip
# Never recorded: plaintext, ciphertext, key material, and what stands for it.
_HIDDEN = {
    "CiphertextBlob", "EncryptedKeyMaterial", "GrantToken", "GrantTokens", "ImportToken", "Mac",
    "Message", "Plaintext", "PublicKey", "Recipient", "Signature",
}  # fmt: skip
# Recorded whether they were given or not.
_DEFAULTS: dict[str, Parameters] = {
    "CreateKey": {
        "BypassPolicyLockoutSafetyCheck": False,
        "Description": "",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "Origin": "AWS_KMS",
    },
    "PutKeyPolicy": {"BypassPolicyLockoutSafetyCheck": False},
    "ReplicateKey": {"BypassPolicyLockoutSafetyCheck": False},
    "Encrypt": {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"},
    "Decrypt": {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"},
    "ReEncrypt": {
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    },
}


def _recorded_request(asked: Asked) -> Parameters | None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html"""
    shown = {name: value for name, value in asked.values.items() if name not in _HIDDEN}
    return _camel({**_DEFAULTS.get(asked.call.operation, {}), **shown}) or None


def _recorded_response(asked: Asked, result: Parameters | None) -> Parameters | None:
    """What the call returned; the key's ARN where it returned nothing."""
    shown = {name: value for name, value in (result or {}).items() if name not in _HIDDEN}
    if asked.key is not None and "KeyMetadata" not in shown:
        shown.setdefault("KeyId", asked.key.arn)
    return _camel(shown) or None


def _more(asked: Asked, result: Parameters) -> Parameters | None:
    """The key material that was used or the grant that was retired, as additionalEventData.

    https://docs.aws.amazon.com/kms/latest/developerguide/ct-encrypt.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-reencrypt.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-retire-grant.html
    """
    if asked.grant is not None:
        return {"grantId": asked.grant.id}
    if asked.call.operation in _CHANGES:
        return None
    shown = {name: value for name, value in result.items() if name.endswith("KeyMaterialId")}
    if asked.call.operation == "Encrypt" and asked.the_key.symmetric:
        shown["KeyMaterialId"] = asked.the_key.backing.current.id
    return _camel(shown) or None


_AS_IT_IS = {
    "EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext",
    "EncryptionContextEquals", "EncryptionContextSubset",
}  # fmt: skip


def _camel(value: Any) -> Any:
    """Names as CloudTrail writes them: keyId for KeyId; an encryption context's stay."""
    if isinstance(value, Mapping):
        return {
            lower_first(name): item if name in _AS_IT_IS else _camel(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value
