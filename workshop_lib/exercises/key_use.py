"""What a role may do with a KMS key by itself: asked of KMS by dry runs, under many contexts.

https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import boto3
from botocore.exceptions import ClientError

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
    for operation in ("Decrypt", "Encrypt"):
        grant = {"KeyId": key_arn, "GranteePrincipal": role_arn, "Operations": [operation]}
        if allowed(_call(kms, "CreateGrant", {**grant, "DryRun": True})):
            yield "CreateGrant"
            break
    policy = boto3.client("kms").get_key_policy(KeyId=key_arn)["Policy"]
    if allowed(lambda: kms.put_key_policy(KeyId=key_arn, Policy=policy)):  # the one it has
        yield "PutKeyPolicy"


def simulated(role_arn: str, resource: str, *actions: str) -> set[str]:
    """Those of the actions that the policies of the role alone allow, asked by the role itself.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    answer = boto3.client("iam").simulate_principal_policy(
        PolicySourceArn=role_arn, ActionNames=list(actions), ResourceArns=[resource]
    )
    results = answer["EvaluationResults"]
    return {each["EvalActionName"] for each in results if each["EvalDecision"] == "allowed"}


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
    for document in _documents(role_name, key_arn):
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            if statement["Effect"] == "Allow":
                found.extend(_fitting(statement.get("Condition", {})))
    grants = boto3.client("kms").get_paginator("list_grants").paginate(KeyId=key_arn)
    for page in grants:
        for grant in page["Grants"]:
            if grant.get("GranteePrincipal") == role_arn:
                found.extend(dict(each) for each in grant.get("Constraints", {}).values())
    return [context for place, context in enumerate(found) if context not in found[:place]]


def _documents(role_name: str, key_arn: str) -> Iterator[dict[str, Any]]:
    iam = boto3.client("iam")
    yield json.loads(boto3.client("kms").get_key_policy(KeyId=key_arn)["Policy"])
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role_name):
        for name in page["PolicyNames"]:
            yield iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role_name):
        for attached in page["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            yield answer["PolicyVersion"]["Document"]


def _fitting(condition: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Contexts that may satisfy the conditions of a statement; none if it asks for none."""
    choices: dict[str, list[str]] = {}
    for operator, asked in condition.items():
        for key, value in asked.items():
            values = [str(each) for each in (value if isinstance(value, list) else [value])]
            if key.lower().startswith(_CONTEXT):
                choices.setdefault(key[len(_CONTEXT) :], []).extend(_values(operator, values))
            elif key.lower() == _CONTEXT_KEYS:
                for name in values:
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
