"""KMS's operations on grants.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.policy.principals import is_service_principal
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms.grants import Grant, new_grant_id, new_token, operations_for
from workshop_lib.sandbox.services.kms.keys import Key
from workshop_lib.sandbox.services.kms.permissions import PRINCIPAL_FIELDS, KeyRequest
from workshop_lib.sandbox.services.kms.requests import Parameters, page
from workshop_lib.sandbox.services.kms.store import KeyStore


class Granting:
    """CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant."""

    def __init__(self, store: KeyStore, principal_exists: Callable[[str], bool]) -> None:
        self._store = store
        self._principal_exists = principal_exists
        self._ordinal = 0
        self.handlers: dict[str, Callable[[KeyRequest], Parameters | None]] = {
            "CreateGrant": self._create,
            "ListGrants": self._list,
            "ListRetirableGrants": self._list_retirable,
            "RetireGrant": self._retire,
            "RevokeGrant": self._revoke,
        }

    def _create(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html"""
        key, values = asked.the_key, asked.values
        key.require_usable()
        constraints = values.get("Constraints", {})
        _require_one_of_each(values, constraints)
        for field in PRINCIPAL_FIELDS:
            if field in values:
                by_name = "Service" in field or asked.via is not None
                self._require_principal(values[field], by_name=by_name)
        _require_operations(key, values["Operations"], constraints)
        grant = self._same(asked) or self._new(asked)
        if asked.values.get("DryRun"):
            return {}
        self._ordinal += 1
        grant.id = grant.id or new_grant_id(f"{self._store.mark}{self._ordinal}")
        grant.tokens.append(new_token(f"{self._store.mark}{self._ordinal}"))
        self._store.everyone.grant_tokens.add(grant.tokens[-1])
        key.grants[grant.id] = grant
        return {"GrantToken": grant.tokens[-1], "GrantId": grant.id}

    def _require_principal(self, arn: str, *, by_name: bool) -> None:
        if by_name and is_service_principal(arn):
            return
        if not self._principal_exists(arn):
            raise AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")

    def _new(self, asked: KeyRequest) -> Grant:
        key, values = asked.the_key, asked.values
        constraints = values.get("Constraints", {})
        return Grant(
            id="",
            key_arn=key.arn,
            grantee=values.get("GranteePrincipal"),
            operations=tuple(dict.fromkeys(values["Operations"])),
            created=clock.now(),
            issuer=f"arn:aws:iam::{asked.call.account}:root",
            retiring=values.get("RetiringPrincipal"),
            name=values.get("Name"),
            equals=constraints.get("EncryptionContextEquals"),
            subset=constraints.get("EncryptionContextSubset"),
            grantee_service=values.get("GranteeServicePrincipal"),
            retiring_service=values.get("RetiringServicePrincipal"),
            source_arn=constraints.get("SourceArn"),
        )

    def _same(self, asked: KeyRequest) -> Grant | None:
        """A grant of the same name with the same parameters is that grant."""
        if "Name" not in asked.values:
            return None
        wanted = _identity(self._new(asked))
        return next((g for g in asked.the_key.grants.values() if _identity(g) == wanted), None)

    def _list(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html"""
        values = asked.values
        if "GranteeServicePrincipal" in values:
            raise AwsError(
                "ValidationException",
                "GranteeServicePrincipal is a filter for AWS services only.",
            )
        grants = [
            grant.describe()
            for grant in asked.the_key.grants.values()
            if values.get("GrantId", grant.id) == grant.id
            and values.get("GranteePrincipal", grant.grantee) == grant.grantee
        ]
        return page(grants, values, "Grants", 50)

    def _list_retirable(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html"""
        values = asked.values
        wanted = (values.get("RetiringPrincipal"), values.get("RetiringServicePrincipal"))
        grants = [
            grant.describe()
            for store in self._store.everyone.values()
            for key in store.keys(asked.call.region)
            for grant in key.grants.values()
            if (grant.retiring, grant.retiring_service) == wanted
        ]
        return page(grants, asked.values, "Grants", 50)

    def _retire(self, asked: KeyRequest) -> None:
        assert asked.grant is not None
        if not asked.values.get("DryRun"):
            del asked.the_key.grants[asked.grant.id]

    def _revoke(self, asked: KeyRequest) -> None:
        key, id = asked.the_key, asked.values["GrantId"]
        if id not in key.grants:
            raise AwsError("NotFoundException", f"Grant ID {id} not found")
        if not asked.values.get("DryRun"):
            del key.grants[id]


def _require_one_of_each(values: Parameters, constraints: Parameters) -> None:
    """A grantee, and a retiring principal where a service is the grantee, each of one kind.

    https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html
    """
    for kind in ("Grantee", "Retiring"):
        if {f"{kind}Principal", f"{kind}ServicePrincipal"} <= set(values):
            raise AwsError(
                "ValidationException",
                f"Specify either {kind}Principal or {kind}ServicePrincipal, not both.",
            )
    if "GranteeServicePrincipal" not in values:
        if "GranteePrincipal" not in values:
            raise AwsError(
                "ValidationException", "GranteePrincipal or GranteeServicePrincipal is required."
            )
        return
    if "SourceArn" not in constraints:
        raise AwsError(
            "ValidationException",
            "A grant to GranteeServicePrincipal must have the grant constraint SourceArn.",
        )
    if not {"RetiringPrincipal", "RetiringServicePrincipal"} & set(values):
        raise AwsError(
            "ValidationException",
            "A grant to GranteeServicePrincipal must have a RetiringPrincipal or a "
            "RetiringServicePrincipal.",
        )


def _identity(grant: Grant) -> tuple[Any, ...]:
    return (
        grant.name, grant.grantee, grant.grantee_service, grant.retiring, grant.retiring_service,
        grant.operations, _pairs(grant.equals), _pairs(grant.subset), grant.source_arn,
    )  # fmt: skip


def _pairs(context: Mapping[str, str] | None) -> Any:
    return None if context is None else sorted(context.items())


def _require_operations(key: Key, operations: list[str], constraints: Parameters) -> None:
    kinds = [kind for kind in constraints if kind.startswith("EncryptionContext")]
    if kinds and not key.symmetric:
        raise AwsError(
            "ValidationException",
            "EncryptionContext is supported only when creating a grant for a symmetric encryption "
            "KMS key.",
        )
    unfit = [name for name in operations if name not in operations_for(key.spec, key.usage)]
    if unfit:
        raise AwsError(
            "ValidationException",
            f"Grant operations {', '.join(unfit)} are not supported for a key of the spec "
            f"{key.spec} and usage {key.usage}.",
        )
    if set(operations) == {"CreateGrant"}:
        raise AwsError(
            "ValidationException", "Grants must not contain only the CreateGrant operation."
        )
    if len(kinds) > 1:
        raise AwsError(
            "ValidationException",
            "Specify either EncryptionContextEquals or EncryptionContextSubset, not both.",
        )
