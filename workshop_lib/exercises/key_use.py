"""What a role may do with a KMS key by itself: asked of KMS by dry runs, under many contexts.

https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import circumstances
from workshop_lib.exercises.circumstances import ordinary, role_may
from workshop_lib.exercises.policies import (
    Statement,
    conditions,
    key_statements,
    role_statements,
)
from workshop_lib.exercises.principals import of_role

Context = Mapping[str, str]
_REFUSED = ("AccessDenied", "AccessDeniedException")
_DRY = "DryRunOperationException"
_CONTEXT = "kms:encryptioncontext:"
_CONTEXT_KEYS = "kms:encryptioncontextkeys"
_MOST = 40  # contexts that are tried of one statement
_GENERATE: dict[str, dict[str, str]] = {
    "GenerateDataKey": {"KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
    "GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"},
}


def allowed(call: Callable[[], Any]) -> bool:
    """Whether AWS lets the caller do it; a dry run that would have succeeded counts."""
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in (*_REFUSED, _DRY):
            raise
        return bool(code == _DRY)
    return True


def decrypts(kms: Any, key_arn: str, context: Context) -> bool:
    """Whether the client's principal may call Decrypt under this context.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
    """
    return allowed(
        lambda: kms.decrypt(
            KeyId=key_arn,
            EncryptionContext=context,
            DryRun=True,
            DryRunModifiers=["IGNORE_CIPHERTEXT"],
        )
    )


def other_uses(kms: Any, key_arn: str, context: Context) -> Iterator[str]:
    """The operations but Decrypt that the client's principal may call under this context."""
    common: dict[str, Any] = {"KeyId": key_arn, "EncryptionContext": context, "DryRun": True}
    if allowed(lambda: kms.encrypt(**common, Plaintext=b"check")):
        yield "Encrypt"
    for operation, spec in _GENERATE.items():
        if allowed(_call(kms, operation, {**common, **spec})):
            yield operation
    again = {
        "SourceKeyId": key_arn,
        "SourceEncryptionContext": context,
        "DestinationKeyId": key_arn,
        "DestinationEncryptionContext": context,
    }
    if allowed(lambda: kms.re_encrypt(**again, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"])):
        yield "ReEncrypt"


def control(kms: Any, key_arn: str, role_arn: str) -> Iterator[str]:
    """The operations by which the client's principal could give the key to itself or to others."""
    if any(allowed(_call(kms, "CreateGrant", grant)) for grant in _grants(key_arn, role_arn)):
        yield "CreateGrant"
    policy = boto3.client("kms").get_key_policy(KeyId=key_arn)["Policy"]
    if allowed(lambda: kms.put_key_policy(KeyId=key_arn, Policy=policy)):  # the one it has
        yield "PutKeyPolicy"


_GRANTED = {
    "ENCRYPT_DECRYPT": (
        "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "ReEncryptFrom",
        "ReEncryptTo", "CreateGrant", "DescribeKey",
    ),
    "GENERATE_VERIFY_MAC": ("GenerateMac", "VerifyMac", "CreateGrant", "DescribeKey"),
}  # fmt: skip
_CONSTRAINTS: tuple[dict[str, Any], ...] = (
    {},
    {"Constraints": {"EncryptionContextSubset": {"made": "up"}}},
    {"Constraints": {"EncryptionContextEquals": {"made": "up"}}},
)


def _grants(key_arn: str, grantee: str) -> Iterator[dict[str, Any]]:
    """Grants that may be made of a key, one operation each: a permission may know some only.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
    """
    usage = boto3.client("kms").describe_key(KeyId=key_arn)["KeyMetadata"]["KeyUsage"]
    common = {"KeyId": key_arn, "GranteePrincipal": grantee, "DryRun": True}
    symmetric = usage == "ENCRYPT_DECRYPT"
    for operation in _GRANTED[usage]:
        bound = symmetric and operation not in ("CreateGrant", "DescribeKey")
        for constraints in _CONSTRAINTS if bound else ({},):
            yield {**common, "Operations": [operation], **constraints}


def manages(kms: Any, key_arn: str) -> Iterator[str]:
    """The operations by which the client's principal could take the key away. Undone at once.

    https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
    """
    admin = boto3.client("kms")
    restorers = (admin, kms)
    if allowed(lambda: kms.disable_key(KeyId=key_arn)):
        yield "DisableKey"
        enable(key_arn, *restorers)
    # a deletion is only tried where the administrator can cancel it
    if _may_cancel(admin, key_arn) and allowed(lambda: kms.schedule_key_deletion(KeyId=key_arn)):
        yield "ScheduleKeyDeletion"
        admin.cancel_key_deletion(KeyId=key_arn)
        enable(key_arn, *restorers)


def enable(key_arn: str, *clients: Any) -> None:
    """Enable the key again, by the first of those who may."""
    any(allowed(_call(kms, "EnableKey", {"KeyId": key_arn})) for kms in clients)


def _may_cancel(kms: Any, key_arn: str) -> bool:
    """Whether the caller may cancel a deletion: AWS looks at the permission before the state."""
    try:
        kms.cancel_key_deletion(KeyId=key_arn)
    except ClientError as error:
        return error.response["Error"]["Code"] not in _REFUSED
    return True


def names(key_arn: str) -> list[str]:
    """The ARN and the aliases of a key: a permission may be about one of them only."""
    pages = boto3.client("kms").get_paginator("list_aliases").paginate(KeyId=key_arn)
    return [key_arn, *(alias["AliasName"] for page in pages for alias in page["Aliases"])]


# --- what IAM lets a role take -------------------------------------------------------------------


def takes_by_iam(role: Mapping[str, Any]) -> set[str]:
    """The operations of IAM with which a role (as ListRoles describes it) gets more permissions.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    iam, arn, name = boto3.client("iam"), role["Arn"], role["RoleName"]
    account = arn.split(":")[4]
    found = simulated(role, arn, "iam:PutRolePolicy", "iam:AttachRolePolicy")
    found |= simulated(role, f"arn:aws:iam::{account}:role/another", "iam:UpdateAssumeRolePolicy")
    me = boto3.client("sts").get_caller_identity()["Arn"]
    found |= simulated(role, me, "iam:CreateAccessKey")  # it would be the administrator then
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            versions = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
            found |= simulated(role, attached["PolicyArn"], *versions)
    if any(each["Effect"] == "Deny" for each in role_statements(name)):
        found |= simulated(role, arn, "iam:DeleteRolePolicy", "iam:DetachRolePolicy")
    if "PermissionsBoundary" in iam.get_role(RoleName=name)["Role"]:
        boundary = ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary")
        found |= simulated(role, arn, *boundary)
    return found


def gives_by_iam(role: Mapping[str, Any], *others: str) -> set[str]:
    """The operations of IAM with which a role gives others permissions; `others` are roles."""
    arn, account = role["Arn"], role["Arn"].split(":")[4]
    entity = f"arn:aws:iam::{account}"
    asked = {
        f"{entity}:user/another": (
            "iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:CreateAccessKey",
        ),
        f"{entity}:group/another": ("iam:PutGroupPolicy", "iam:AttachGroupPolicy"),
        f"{entity}:policy/another": ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"),
    }  # fmt: skip
    of_roles = ("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy")
    asked |= dict.fromkeys((arn, f"{entity}:role/another", *others), of_roles)
    return {each for where, actions in asked.items() for each in simulated(role, where, *actions)}


def simulated(role: Mapping[str, Any], resource: str, *actions: str) -> set[str]:
    """Those of the actions that the policies of the role alone allow, asked by the role itself.

    Now, or in other circumstances that they name.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    arn = role["Arn"]
    usual = {**ordinary(arn.split(":")[4]), **of_role(role).facts}
    answers = circumstances.simulated([], actions, [resource], usual, arn)
    found = {action for (action, _), decision in answers.items() if decision == "allowed"}
    fixed = ("kms:", "iam:", "aws:viaawsservice", "aws:calledvia", "aws:securetransport")
    return found | {action for action, _ in role_may(role, resource, *actions, fixed=fixed)}


def _call(kms: Any, operation: str, parameters: Mapping[str, Any]) -> Callable[[], Any]:
    method = kms.meta.method_to_api_mapping
    name = next(name for name, known in method.items() if known == operation)
    return lambda: getattr(kms, name)(**parameters)


# --- contexts that permissions name --------------------------------------------------------------


def named_contexts(role_name: str, role_arn: str, key_arn: str) -> list[dict[str, str]]:
    """Encryption contexts that fit what the role's policies, the key's policy and grants ask for.

    A condition on a context that nobody would guess is tried in its own words.
    """
    found: list[dict[str, str]] = []
    for statement in (*key_statements(key_arn), *role_statements(role_name)):
        if statement["Effect"] == "Allow":
            found.extend(_fitting(statement))
    found += granted_contexts(key_arn, role_arn)
    return [context for place, context in enumerate(found) if context not in found[:place]]


def granted_contexts(key_arn: str, grantee: str = "") -> list[dict[str, str]]:
    """The encryption contexts that the grants on a key ask for: of a principal, or of all.

    None where the administrator may not list them.
    """
    found: list[dict[str, str]] = []
    grants = boto3.client("kms").get_paginator("list_grants").paginate(KeyId=key_arn)
    try:
        for page in grants:
            for grant in page["Grants"]:
                if grantee in ("", grant.get("GranteePrincipal")):
                    found.extend(dict(each) for each in grant.get("Constraints", {}).values())
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSED:
            raise
    return found


def key_contexts(key_arn: str) -> list[dict[str, str]]:
    """Encryption contexts that fit what the key's policy alone asks for."""
    return [
        context
        for statement in key_statements(key_arn)
        if statement["Effect"] == "Allow"
        for context in _fitting(statement)
    ]


def _fitting(statement: Statement) -> Iterator[dict[str, str]]:
    """Contexts that may satisfy the conditions of a statement; none if it asks for none."""
    choices: dict[str, list[str]] = {}
    for operator, key, asked in conditions(statement):
        if key.lower().startswith(_CONTEXT):
            choices.setdefault(key[len(_CONTEXT) :], []).extend(_values(operator, asked))
        elif key.lower() == _CONTEXT_KEYS:
            for name in asked:
                choices.setdefault(_without_wildcards(name), []).append("x")
    filled: list[Sequence[str]] = [values or ["x"] for values in choices.values()]
    for chosen in islice(product(*filled), _MOST if choices else 0):
        yield dict(zip(choices, chosen, strict=True))


def _values(operator: str, values: Sequence[str]) -> list[str]:
    """Values that satisfy an operator with one of these values, as far as that is easy to say."""
    if "Not" in operator:
        return [f"not-{value}".replace("*", "").replace("?", "") for value in values]
    if operator == "Null":
        return []
    if "Like" in operator:
        return [filled for value in values for filled in (_without_wildcards(value), value)]
    return list(values)


def _without_wildcards(value: str) -> str:
    return value.replace("*", "x").replace("?", "x")
