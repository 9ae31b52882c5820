"""What CloudTrail writes down of KMS: calls without what they carry, and what it did of itself.

https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_model import lower_first
from workshop_lib.sandbox.services.cloudtrail.events import Event, Trail
from workshop_lib.sandbox.services.kms.keys import Key
from workshop_lib.sandbox.services.kms.permissions import KeyRequest
from workshop_lib.sandbox.services.kms.requests import Parameters
from workshop_lib.sandbox.services.kms.store import KeyStore

SOURCE = "kms.amazonaws.com"


class Records:
    """KMS's side of the trail."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    def record(
        self,
        asked: KeyRequest,
        store: KeyStore,
        result: Parameters | None,
        error: AwsError | None = None,
        elsewhere: Sequence[Trail] = (),
    ) -> Event:
        """Write down a call: answered with ``result``, or refused with ``error``.

        ``elsewhere`` are the trails of other accounts whose keys were used.
        """
        operation = asked.call.operation
        read_only = operation not in _CHANGES
        return self._trail.record(
            asked.call,
            SOURCE,
            operation,
            parameters=_recorded_request(asked),
            response=None if error or read_only else _recorded_response(asked, result),
            more=None if error else _more(asked, result or {}),
            resources=_concerned(asked, store),
            read_only=read_only,
            error=error,
            invoked_by=asked.via and _IN_THE_TRAIL[asked.via],
            host=asked.call.request.host if asked.via is None and asked.call.secure else None,
            elsewhere=elsewhere,
        )

    def record_own(self, key: Key, name: str, at: datetime, details: Mapping[str, Any]) -> None:
        """Write down what KMS did of itself with a key, at a time.

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


def _concerned(asked: KeyRequest, store: KeyStore) -> list[str]:
    """The ARNs of the keys, and of the alias that is made, moved or deleted.

    https://docs.aws.amazon.com/kms/latest/developerguide/ct-createalias.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-updatealias.html
    """
    call = asked.call
    keys = [key.arn for key in (asked.source, asked.key) if key is not None]
    if asked.key is None or "AliasName" not in asked.values:
        return list(dict.fromkeys(keys))
    alias = store.alias_arn(call.region, asked.values["AliasName"])
    return [*keys, alias] if call.operation == "CreateAlias" else [alias, *keys]


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
    "Message", "Plaintext", "PublicKey", "Recipient", "SharedSecret", "SharedSecretCiphertextBlob",
    "Signature",
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


def _recorded_request(asked: KeyRequest) -> Parameters | None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-createkey.html
    """
    shown = {name: value for name, value in asked.values.items() if name not in _HIDDEN}
    shown = {**_DEFAULTS.get(asked.call.operation, {}), **shown}
    if asked.call.operation == "CreateKey":  # the spec under its old name and its new one
        spec = asked.values.get("CustomerMasterKeySpec", shown["KeySpec"])
        shown |= {"CustomerMasterKeySpec": spec, "KeySpec": spec}
    return _camel(shown) or None


def _recorded_response(asked: KeyRequest, result: Parameters | None) -> Parameters | None:
    """What the call returned; the key's ARN where it returned nothing."""
    shown = {name: value for name, value in (result or {}).items() if name not in _HIDDEN}
    if asked.key is not None and "KeyMetadata" not in shown:
        shown.setdefault("KeyId", asked.key.arn)
    return _camel(shown) or None


def _more(asked: KeyRequest, result: Parameters) -> Parameters | None:
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
    if isinstance(value, dict):
        return {
            lower_first(name): item if name in _AS_IT_IS else _camel(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value
