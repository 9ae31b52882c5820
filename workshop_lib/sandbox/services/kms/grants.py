"""KMS grants: permissions that a principal hands on, under constraints.

A grant takes effect at once here; AWS needs up to five minutes, which grant tokens bridge.

A grant is for a principal by its ARN or, since March 2026, for a service by its name: the latter
under the constraint that the service acts for one resource.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from workshop_lib.sandbox.policy.evaluation import Principal

_SYMMETRIC = {
    "Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
}  # fmt: skip
_ALWAYS = {"CreateGrant", "RetireGrant", "DescribeKey"}
_OF_USAGE = {
    "ENCRYPT_DECRYPT": {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"},
    "SIGN_VERIFY": {"Sign", "Verify", "GetPublicKey"},
    "GENERATE_VERIFY_MAC": {"GenerateMac", "VerifyMac"},
    "KEY_AGREEMENT": {"DeriveSharedSecret", "GetPublicKey"},
    "ENCAPSULATE_DECAPSULATE": {"Encapsulate", "Decapsulate", "GetPublicKey"},
}


def operations_for(spec: str, usage: str) -> set[str]:
    """The operations a grant on such a key may allow."""
    return _ALWAYS | (_SYMMETRIC if spec == "SYMMETRIC_DEFAULT" else _OF_USAGE[usage])


@dataclass
class Grant:
    """One grant. ``equals``, ``subset`` and ``source_arn`` are its constraints.

    It has a ``grantee``, an ARN, or a ``grantee_service`` ("dynamodb.amazonaws.com").
    """

    id: str
    key_arn: str
    grantee: str | None
    operations: tuple[str, ...]
    created: datetime
    issuer: str
    retiring: str | None = None
    name: str | None = None
    equals: Mapping[str, str] | None = None
    subset: Mapping[str, str] | None = None
    grantee_service: str | None = None
    retiring_service: str | None = None
    source_arn: str | None = None
    tokens: list[str] = field(default_factory=list, repr=False)

    def allows(
        self,
        principal: Principal,
        operation: str,
        context: Mapping[str, str],
        source_arn: str | None = None,
    ) -> bool:
        """Whether the grant lets ``principal`` do ``operation`` under an encryption context.

        ``source_arn`` is the resource for which a service acts; nobody else has one. Constraints
        on the encryption context do not bear on DescribeKey, RetireGrant and CreateGrant, whose
        requests carry none. In them the case of names does not matter, that of values does.
        https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
        """
        if operation not in self.operations or not self._is_for(principal):
            return False
        if self.source_arn not in (None, source_arn):
            return False
        if operation in _ALWAYS:
            return True
        if self.equals is not None:
            return _folded(context) == _folded(self.equals)
        return self.subset is None or _within(self.subset, context)

    def _is_for(self, principal: Principal) -> bool:
        if self.grantee_service is not None:
            return is_service(self.grantee_service, principal)
        return self.grantee is not None and is_principal(self.grantee, principal)

    def covers(self, operations: tuple[str, ...], constraints: Mapping[str, Any]) -> bool:
        """Whether a grant made under this one's authority gives away no more than it holds."""
        if not set(operations) <= set(self.operations):
            return False
        if self.source_arn not in (None, constraints.get("SourceArn")):
            return False
        equals = constraints.get("EncryptionContextEquals")
        subset = constraints.get("EncryptionContextSubset")
        if self.equals is not None:
            return equals is not None and _folded(equals) == _folded(self.equals)
        if self.subset is None:
            return True
        narrower = equals if equals is not None else subset
        return narrower is not None and _within(self.subset, narrower)

    def describe(self) -> dict[str, Any]:
        """The grant as ListGrants shows it."""
        constraints: dict[str, Any] = {}
        if self.equals is not None:
            constraints["EncryptionContextEquals"] = dict(self.equals)
        if self.subset is not None:
            constraints["EncryptionContextSubset"] = dict(self.subset)
        if self.source_arn is not None:
            constraints["SourceArn"] = self.source_arn
        found = {
            "KeyId": self.key_arn,
            "GrantId": self.id,
            "Name": self.name or "",
            "CreationDate": self.created,
            "GranteePrincipal": self.grantee,
            "GranteeServicePrincipal": self.grantee_service,
            "RetiringPrincipal": self.retiring,
            "RetiringServicePrincipal": self.retiring_service,
            "IssuingAccount": self.issuer,
            "Operations": list(self.operations),
            "Constraints": constraints or None,
        }
        return {name: value for name, value in found.items() if value is not None}


def _folded(context: Mapping[str, str]) -> list[tuple[str, str]]:
    """The pairs in order, with names as a constraint compares them."""
    return sorted((name.lower(), value) for name, value in context.items())


def _within(subset: Mapping[str, str], context: Mapping[str, str]) -> bool:
    return set(_folded(subset)) <= set(_folded(context))


def is_principal(arn: str, principal: Principal) -> bool:
    """Whether ``arn`` names the principal: itself, or the role behind a session."""
    return arn in (principal.arn, principal.role_arn)


def is_service(name: str, principal: Principal) -> bool:
    """Whether ``name`` is a service's that acts for itself, with or without its Region.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
    """
    if principal.kind != "service":
        return False
    return name in (principal.arn, f"{principal.arn.partition('.')[0]}.amazonaws.com")


def new_grant_id(ordinal: str) -> str:
    """A grant id that depends only on how many grants were created before."""
    return f"{Random(f'CreateGrant-{ordinal}').getrandbits(256):064x}"


def new_token(ordinal: str) -> str:
    """A grant token: opaque base64 text."""
    return base64.b64encode(Random(f"GrantToken-{ordinal}").randbytes(96)).decode()
