"""KMS's operations on grants.

https://docs.aws.amazon.com/kms/latest/developerguide/grant-manage.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms.grants import Grant, new_grant_id, new_token, operations_for
from workshop_lib.sandbox.services.kms.keys import Key
from workshop_lib.sandbox.services.kms.permissions import KeyRequest
from workshop_lib.sandbox.services.kms.requests import Parameters, page
from workshop_lib.sandbox.services.kms.store import KeyStore

_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com")


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
        if {"GranteeServicePrincipal", "RetiringServicePrincipal"} & set(values):
            raise NotEmulated("The sandbox does not emulate grants to service principals.")
        if "GranteePrincipal" not in values:
            raise AwsError("ValidationException", "GranteePrincipal is required.")
        for field in ("GranteePrincipal", "RetiringPrincipal"):
            if field in values:
                self._require_principal(values[field], by_service=asked.via is not None)
        constraints = values.get("Constraints", {})
        _require_operations(key, values["Operations"], constraints)
        grant = self._same(key, values) or self._new(key, values)
        if asked.values.get("DryRun"):
            return {}
        self._ordinal += 1
        grant.id = grant.id or new_grant_id(self._ordinal)
        grant.tokens.append(new_token(self._ordinal))
        self._store.grant_tokens.add(grant.tokens[-1])
        key.grants[grant.id] = grant
        return {"GrantToken": grant.tokens[-1], "GrantId": grant.id}

    def _require_principal(self, arn: str, *, by_service: bool) -> None:
        if by_service and _SERVICE.fullmatch(arn):
            return
        if not self._principal_exists(arn):
            raise AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")

    def _new(self, key: Key, values: Parameters) -> Grant:
        constraints = values.get("Constraints", {})
        return Grant(
            id="",
            key_arn=key.arn,
            grantee=values["GranteePrincipal"],
            operations=tuple(dict.fromkeys(values["Operations"])),
            created=clock.now(),
            issuer=f"arn:aws:iam::{key.account}:root",
            retiring=values.get("RetiringPrincipal"),
            name=values.get("Name"),
            equals=constraints.get("EncryptionContextEquals"),
            subset=constraints.get("EncryptionContextSubset"),
        )

    def _same(self, key: Key, values: Parameters) -> Grant | None:
        """A grant of the same name with the same parameters is that grant."""
        if "Name" not in values:
            return None
        wanted = _identity(self._new(key, values))
        return next((g for g in key.grants.values() if _identity(g) == wanted), None)

    def _list(self, asked: KeyRequest) -> Parameters:
        values = asked.values
        grants = [
            grant.describe()
            for grant in asked.the_key.grants.values()
            if values.get("GrantId", grant.id) == grant.id
            and values.get("GranteePrincipal", grant.grantee) == grant.grantee
        ]
        return page(grants, values, "Grants", 50)

    def _list_retirable(self, asked: KeyRequest) -> Parameters:
        retiring = asked.values["RetiringPrincipal"]
        grants = [
            grant.describe()
            for key in self._store.keys(asked.call.region)
            for grant in key.grants.values()
            if grant.retiring == retiring
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


def _identity(grant: Grant) -> tuple[Any, ...]:
    return (
        grant.name, grant.grantee, grant.retiring, grant.operations, _pairs(grant.equals),
        _pairs(grant.subset),
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
    if set(constraints) - set(kinds):
        raise NotEmulated("The sandbox does not emulate the grant constraint SourceArn.")
