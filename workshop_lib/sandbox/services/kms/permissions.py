"""What a KMS request is about, and the permissions it needs.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.authorization import unseen
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms.ciphertext import BlobSealer, BrokenBlob, Sealed
from workshop_lib.sandbox.services.kms.grants import Grant, is_principal, is_service
from workshop_lib.sandbox.services.kms.keys import Key
from workshop_lib.sandbox.services.kms.policies import MANAGED
from workshop_lib.sandbox.services.kms.requests import Parameters, check
from workshop_lib.sandbox.services.kms.store import KeyStore, OtherAccount

# Operations whose KeyId may be an alias name or alias ARN:
# https://docs.aws.amazon.com/kms/latest/developerguide/alias-using.html
_TAKE_ALIASES = {
    "Decapsulate", "Decrypt", "DeriveSharedSecret", "DescribeKey", "Encapsulate", "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext",
    "GenerateMac", "GetPublicKey", "ReEncrypt", "Sign", "Verify", "VerifyMac",
}  # fmt: skip
_ALIAS_TARGETS = {"CreateAlias", "UpdateAlias"}
_KEY_FIELDS = {
    "CreateAlias": "TargetKeyId",
    "UpdateAlias": "TargetKeyId",
    "ReEncrypt": "DestinationKeyId",
}
# Operations on other accounts' keys; permission for any other one has no effect there.
# https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
_ACROSS_ACCOUNTS = {
    "CreateGrant", "Decapsulate", "Decrypt", "DeriveSharedSecret", "DescribeKey", "Encapsulate",
    "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GetKeyRotationStatus", "GetPublicKey",
    "ListGrants", "ReEncrypt", "RetireGrant", "RevokeGrant", "Sign", "Verify", "VerifyMac",
}  # fmt: skip
# Parameters that are condition keys as they are.
_PARAMETER_KEYS = {
    "SigningAlgorithm": "kms:SigningAlgorithm",
    "MacAlgorithm": "kms:MacAlgorithm",
    "KeyAgreementAlgorithm": "kms:KeyAgreementAlgorithm",
    "MessageType": "kms:MessageType",
    "KeyPairSpec": "kms:DataKeyPairSpec",
    "PendingWindowInDays": "kms:ScheduleKeyDeletionPendingWindowInDays",
    "RotationPeriodInDays": "kms:RotationPeriodInDays",
    "WrappingAlgorithm": "kms:WrappingAlgorithm",
    "WrappingKeySpec": "kms:WrappingKeySpec",
    "ExpirationModel": "kms:ExpirationModel",
    "ReplicaRegion": "kms:ReplicaRegion",
    "PrimaryRegion": "kms:PrimaryRegion",
}
_ENCRYPTION_ALGORITHM = {
    "Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
}  # fmt: skip
_LOCKOUT = {"CreateKey", "PutKeyPolicy", "ReplicateKey"}
_LAST_USE = {"DisableKey", "ScheduleKeyDeletion"}  # that kms:TrailingDaysWithoutKeyUsage is about
PRINCIPAL_FIELDS = (
    "GranteePrincipal", "GranteeServicePrincipal", "RetiringPrincipal", "RetiringServicePrincipal",
)  # fmt: skip
# AWS services that pass their own name on in aws:CalledVia, of those the sandbox has:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_CALLED_VIA = {"dynamodb"}

_BY_CIPHERTEXT = "the resource associated with this ciphertext"

Context = dict[str, str | Sequence[str]]


@dataclass
class KeyRequest:
    """A request understood: checked parameters and the key they name.

    ``source`` and ``sealed`` are for Decrypt and ReEncrypt: the key that is to open the blob,
    and the blob taken apart (None where an asymmetric algorithm was given). ``via`` is the
    service that calls on the caller's behalf ("s3"), ``source_arn`` the resource for which a
    service calls for itself.
    """

    call: Call
    values: Parameters
    key: Key | None = None
    alias: str | None = None
    source: Key | None = None
    source_alias: str | None = None
    sealed: Sealed | None = None
    grant: Grant | None = None
    via: str | None = None
    source_arn: str | None = None

    @property
    def the_key(self) -> Key:
        """The key, for operations that always have one."""
        assert self.key is not None
        return self.key

    @property
    def without_ciphertext(self) -> bool:
        """Whether only the permission to decrypt is to be tried."""
        return "IGNORE_CIPHERTEXT" in self.values.get("DryRunModifiers", ())

    @property
    def context(self) -> Mapping[str, str]:
        """The encryption context; empty where none was given."""
        found: Mapping[str, str] = self.values.get("EncryptionContext", {})
        return found


class Access:
    """Reads requests, and lists the permissions they need."""

    def __init__(
        self, store: KeyStore, sealer: BlobSealer, ensure_managed: Callable[[str, str], None]
    ) -> None:
        """``ensure_managed`` makes the AWS managed key that a Region and alias name, if any."""
        self._store = store
        self._sealer = sealer
        self._ensure_managed = ensure_managed

    # --- reading ---------------------------------------------------------------------------

    def read(self, call: Call) -> KeyRequest:
        """Check a request's form and find its key.

        Raises AwsError: ValidationException, NotFoundException, InvalidArnException,
        InvalidCiphertextException (a blob that names no key), InvalidGrantTokenException.
        NotEmulated.
        https://docs.aws.amazon.com/kms/latest/developerguide/using-grant-token.html
        """
        operation = call.operation
        values = check(operation, call.parameters)
        if "Recipient" in values:
            raise NotEmulated("The sandbox does not emulate Recipient (Nitro Enclaves).")
        if not self._store.everyone.grant_tokens.issuperset(values.get("GrantTokens", ())):
            raise _invalid_token()
        asked = KeyRequest(call, values)
        self.find_keys(asked)
        return asked

    def find_keys(self, asked: KeyRequest) -> None:
        """Find the keys that a request names, by their names or by its blob. Raises AwsError."""
        operation, values = asked.call.operation, asked.values
        if operation in ("Decrypt", "ReEncrypt"):
            self._read_source(asked)
        if operation == "Decrypt":
            asked.key, asked.alias = asked.source, asked.source_alias
        elif operation == "RetireGrant":
            self._read_grant(asked)
        elif operation == "DeleteAlias":
            alias = self._store.alias(asked.call.region, values["AliasName"])
            if alias is not None:
                asked.key = self._store.get(asked.call.region, alias.key_id)
        else:
            named = values.get(_KEY_FIELDS.get(operation, "KeyId"))
            if named is not None:
                asked.key, asked.alias = self._resolve(asked.call, named)

    def _resolve(self, call: Call, named: str) -> tuple[Key, str | None]:
        return self.resolve(named, call.region, call.operation, call.caller.arn)

    def resolve(
        self, named: str, region: str, operation: str, caller: str
    ) -> tuple[Key, str | None]:
        """The key that ``named`` stands for in an operation, and the alias used, if any.

        Raises AwsError NotFoundException, InvalidArnException, AccessDeniedException.
        """
        store = self._store
        try:
            key_id, alias = store.parse(named, region)
        except OtherAccount as other:
            found = self._elsewhere(other.account, named, region, operation)
            if found is None:  # AWS does not tell what is not there from what is not open
                raise unseen(caller, f"kms:{operation}", "this resource") from None
            return found
        if alias is not None:
            if operation in _ALIAS_TARGETS:
                raise AwsError("ValidationException", "Aliases must refer to keys. Not aliases")
            if operation not in _TAKE_ALIASES:
                raise AwsError(
                    "InvalidArnException", "Key Aliases are not supported for this operation."
                )
            self._ensure_managed(region, alias)
            key_id = store.find_alias(region, alias).key_id
        assert key_id is not None
        return store.find(region, key_id), alias

    def _elsewhere(
        self, account: str, named: str, region: str, operation: str
    ) -> tuple[Key, str | None] | None:
        """Another account's key by its ARN, or by its alias's; None where it cannot be reached."""
        store = self._store.everyone.get(account)
        if store is None or operation not in _ACROSS_ACCOUNTS:
            return None
        key_id, name = store.parse(named, region)
        if name is not None and operation in _TAKE_ALIASES:
            alias = store.alias(region, name)
            key_id = None if alias is None else alias.key_id
        key = None if key_id is None else store.get(region, key_id)
        return None if key is None else (key, name)

    def _read_source(self, asked: KeyRequest) -> None:
        re_encrypt = asked.call.operation == "ReEncrypt"
        prefix = "Source" if re_encrypt else ""
        values = asked.values
        named = values.get(f"{prefix}KeyId")
        _require_ciphertext(asked, f"{prefix}KeyId")
        if named is not None:
            asked.source, asked.source_alias = self._resolve(asked.call, named)
        if asked.without_ciphertext:
            return
        if values.get(f"{prefix}EncryptionAlgorithm", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            if named is None:
                raise AwsError(
                    "ValidationException",
                    f"{prefix}KeyId is required for asymmetric encryption algorithms.",
                )
            return
        try:
            asked.sealed = self._sealer.read(values["CiphertextBlob"])
        except BrokenBlob:
            if asked.source is None:
                raise AwsError("InvalidCiphertextException", "") from None
            return
        if asked.source is None:
            asked.source = self._maker(asked.call, asked.sealed)

    def _maker(self, call: Call, sealed: Sealed) -> Key:
        found = self._store.everyone.by_material(call.region, sealed.material_id)
        if found is None:
            action = "ReEncryptFrom" if call.operation == "ReEncrypt" else call.operation
            raise unseen(call.caller.arn, f"kms:{action}", _BY_CIPHERTEXT)
        return found[0]

    def _read_grant(self, asked: KeyRequest) -> None:
        values, region = asked.values, asked.call.region
        token, grant_id = values.get("GrantToken"), values.get("GrantId")
        if token is None and (grant_id is None or "KeyId" not in values):
            raise AwsError(
                "ValidationException", "Grant token OR (grant ID, key ID) must be specified"
            )
        if token is None:
            asked.key, _ = self._resolve(asked.call, values["KeyId"])
            asked.grant = asked.key.grants.get(str(grant_id))
            if asked.grant is None:
                raise AwsError("NotFoundException", f"Grant ID {grant_id} not found")
            return
        for store in self._store.everyone.values():
            for key in store.keys(region):
                for grant in key.grants.values():
                    if token in grant.tokens:
                        asked.key, asked.grant = key, grant
                        return
        raise _invalid_token()

    # --- permissions -----------------------------------------------------------------------

    def checks(self, asked: KeyRequest) -> Iterator[Check]:
        """The permissions a request needs."""
        operation, call = asked.call.operation, asked.call
        if operation == "ReEncrypt":
            yield from self._re_encrypt(asked)
        elif operation in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
            yield from self._alias(asked)
        elif operation == "RetireGrant":
            assert asked.grant is not None
            may = _may_retire(asked.grant, call, asked.source_arn)
            yield self.of_key(asked, asked.the_key, "RetireGrant", {}, granted=may)
        elif operation == "CreateGrant":
            yield self._create_grant(asked)
        elif operation == "ListAliases" or asked.key is None:
            yield from self._without_key(asked)
        else:
            yield self.of_key(asked, asked.key, operation, asked.context)
            if operation == "ReplicateKey":
                yield Check("kms:CreateKey", "*", {"kms:CallerAccount": call.account})

    def of_key(
        self,
        asked: KeyRequest,
        key: Key,
        operation: str,
        context: Mapping[str, str],
        *,
        more: Context | None = None,
        granted: bool | None = None,
    ) -> Check:
        """The permission for ``operation`` on a key, with all that its policy may ask about."""
        principal = asked.call.caller.principal
        keys = self._context(asked, key, operation, context)
        if more:
            keys.update(more)
        if granted is None:
            granted = bool(key.grants) and any(
                grant.allows(principal, operation, context, asked.source_arn)
                for grant in key.grants.values()
            )
        by_ciphertext = key is asked.source and not self._names_source(asked)
        return Check(
            f"kms:{operation}", key.arn, keys, key.policy.compiled, True, granted,
            owner=key.account,
            # https://docs.aws.amazon.com/kms/latest/developerguide/resource-control-policies.html
            under_controls=key.manager != "AWS" and operation != "RetireGrant",
            unseen=_BY_CIPHERTEXT if by_ciphertext else "this resource",
        )  # fmt: skip

    def _names_source(self, asked: KeyRequest) -> bool:
        return not {"KeyId", "SourceKeyId"}.isdisjoint(asked.values)

    def _context(
        self, asked: KeyRequest, key: Key, operation: str, context: Mapping[str, str]
    ) -> Context:
        values = asked.values
        found: Context = key.facts_context()
        found["kms:CallerAccount"] = asked.call.caller.principal.account or ""
        if names := self._store.everyone.of(key).alias_names(key):
            found["kms:ResourceAliases"] = names
        alias = asked.source_alias if operation == "ReEncryptFrom" else asked.alias
        if alias is not None:
            found["kms:RequestAlias"] = alias
        if context:
            found["kms:EncryptionContextKeys"] = list(context)
            for name, value in context.items():
                found[f"kms:EncryptionContext:{name}"] = value
        if operation in _ENCRYPTION_ALGORITHM:
            algorithm = values.get("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
            found["kms:EncryptionAlgorithm"] = algorithm
        if operation in _LAST_USE:
            found["kms:TrailingDaysWithoutKeyUsage"] = str(key.days_without_use(clock.now()))
        if operation in _LOCKOUT:
            bypass = bool(values.get("BypassPolicyLockoutSafetyCheck"))
            found["kms:BypassPolicyLockoutSafetyCheck"] = str(bypass).lower()
        if "ValidTo" in values:
            found["kms:ValidTo"] = values["ValidTo"].strftime("%Y-%m-%dT%H:%M:%SZ")
        if operation in ("Sign", "Verify"):
            found["kms:MessageType"] = "RAW"
        found.update(
            {name: str(values[field]) for field, name in _PARAMETER_KEYS.items() if field in values}
        )
        found.update(_tags(values))
        if asked.via is not None:
            found.update(via_context(asked.via, asked.call.region))
        if asked.source_arn is not None:
            found["aws:SourceArn"] = asked.source_arn
            account = found["aws:SourceAccount"] = asked.source_arn.split(":")[4]
            if (member := asked.call.memberships.get(account)) is not None:
                found["aws:SourceOrgID"] = member.organization
                found["aws:SourceOrgPaths"] = [member.path]
        return found

    def _re_encrypt(self, asked: KeyRequest) -> Iterator[Check]:
        source, key, values = asked.source, asked.the_key, asked.values
        assert source is not None
        same: Context = {"kms:ReEncryptOnSameKey": "true" if source is key else "false"}
        for operation, used, prefix in (
            ("ReEncryptFrom", source, "Source"),
            ("ReEncryptTo", key, "Destination"),
        ):
            algorithm = values.get(f"{prefix}EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
            more: Context = {**same, "kms:EncryptionAlgorithm": algorithm}
            context = values.get(f"{prefix}EncryptionContext", {})
            yield self.of_key(asked, used, operation, context, more=more)

    def _alias(self, asked: KeyRequest) -> Iterator[Check]:
        """An alias needs permission on itself, by IAM, and on each key that it concerns."""
        call, values = asked.call, asked.values
        name = values["AliasName"]
        yield Check(
            f"kms:{call.operation}",
            self._store.alias_arn(call.region, name),
            {"kms:CallerAccount": call.caller.principal.account or ""},
        )
        alias = self._store.alias(call.region, name)
        if call.operation == "UpdateAlias" and alias is not None:
            present = self._store.find(call.region, alias.key_id)
            yield self.of_key(asked, present, call.operation, {})
        if asked.key is not None:
            yield self.of_key(asked, asked.key, call.operation, {})

    def _create_grant(self, asked: KeyRequest) -> Check:
        key, values = asked.the_key, asked.values
        principal = asked.call.caller.principal
        operations, constraints = tuple(values["Operations"]), values.get("Constraints", {})
        more: Context = {
            "kms:GrantOperations": list(operations),
            "kms:GrantIsForAWSResource": "false" if asked.via is None else "true",
        }
        for field in PRINCIPAL_FIELDS:
            if field in values:
                more[f"kms:{field}"] = str(values[field])
        if "SourceArn" in constraints:
            more["kms:GrantConstraintSourceArn"] = constraints["SourceArn"]
        kinds = [kind for kind in constraints if kind.startswith("EncryptionContext")]
        if kinds:
            more["kms:GrantConstraintType"] = kinds[0]
        granted = any(
            grant.allows(principal, "CreateGrant", {}, asked.source_arn)
            and grant.covers(operations, constraints)
            for grant in key.grants.values()
        )
        return self.of_key(asked, key, "CreateGrant", {}, more=more, granted=granted)

    def _without_key(self, asked: KeyRequest) -> Iterator[Check]:
        call, values = asked.call, asked.values
        context: Context = {"kms:CallerAccount": call.caller.principal.account or ""}
        if call.operation == "CreateKey":
            spec = values.get("KeySpec") or values.get("CustomerMasterKeySpec")
            bypass = bool(values.get("BypassPolicyLockoutSafetyCheck"))
            context.update(_tags(values))
            context["kms:KeySpec"] = spec or "SYMMETRIC_DEFAULT"
            context["kms:KeyUsage"] = values.get("KeyUsage", "ENCRYPT_DECRYPT")
            context["kms:KeyOrigin"] = values.get("Origin", "AWS_KMS")
            context["kms:MultiRegion"] = str(values.get("MultiRegion", False)).lower()
            context["kms:BypassPolicyLockoutSafetyCheck"] = str(bypass).lower()
            if values.get("Tags"):
                yield Check("kms:TagResource", "*", context)
        yield Check(f"kms:{call.operation}", "*", context)


def _require_ciphertext(asked: KeyRequest, key_field: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html"""
    values = asked.values
    if not asked.without_ciphertext:
        if "CiphertextBlob" not in values:
            raise AwsError("ValidationException", "CiphertextBlob is required.")
        return
    if not values.get("DryRun") or key_field not in values:
        raise AwsError(
            "ValidationException", f"IGNORE_CIPHERTEXT is valid only with DryRun and {key_field}."
        )


def _invalid_token() -> AwsError:
    return AwsError("InvalidGrantTokenException", "The grant token is not valid.")


def via_context(service: str, region: str) -> Context:
    """The condition keys of a call that a service makes on a caller's behalf."""
    found: Context = {
        "kms:ViaService": f"{service}.{region}.amazonaws.com",
        "aws:ViaAWSService": "true",
    }
    if service in _CALLED_VIA:
        name = f"{service}.amazonaws.com"
        found.update(
            {"aws:CalledVia": [name], "aws:CalledViaFirst": name, "aws:CalledViaLast": name}
        )
    return found


def _tags(values: Mapping[str, Any]) -> Context:
    found: Context = {
        f"aws:RequestTag/{tag['TagKey']}": tag["TagValue"] for tag in values.get("Tags", ())
    }
    names = [tag["TagKey"] for tag in values.get("Tags", ())]
    if names or "TagKeys" in values:
        found["aws:TagKeys"] = names or values["TagKeys"]
    return found


def _may_retire(grant: Grant, call: Call, source_arn: str | None) -> bool:
    """Who may retire: the retiring principal, and the grantee where the grant says so.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html
    """
    principal = call.caller.principal
    if grant.retiring is not None and is_principal(grant.retiring, principal):
        return True
    if grant.retiring_service is not None and is_service(grant.retiring_service, principal):
        return True
    return grant.allows(principal, "RetireGrant", {}, source_arn)


def managed_service(alias: str) -> str | None:
    """The service whose AWS managed key an alias names; None for any other alias."""
    service = alias.removeprefix("alias/aws/")
    return service if alias.startswith("alias/aws/") and service in MANAGED else None
