"""Key policies: the default one, those of AWS managed keys, and what PutKeyPolicy refuses.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.policy.condition_keys import known_condition_key
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import AccessRequest, Principal, decide
from workshop_lib.sandbox.policy.grammar import MalformedPolicy
from workshop_lib.sandbox.policy.principals import unknown_principal, unknown_service
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms.keys import KeyPolicy

_MOST_BYTES = 32_768
_USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
# Services whose AWS managed key the sandbox has: policy id, name, actions that go through them.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
# S3's is as accounts show it; https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
MANAGED = {
    "s3": ("auto-s3-2", "S3", [*_USE, "kms:DescribeKey"]),
    "dynamodb": (
        "auto-dynamodb-1", "Amazon DynamoDB", [*_USE, "kms:CreateGrant", "kms:DescribeKey"],
    ),
}  # fmt: skip
MANAGED_DESCRIPTION = {
    "s3": "Default key that protects my S3 objects when no other key is defined",
    "dynamodb": "Default key that protects my DynamoDB data when no other key is defined",
}


def default_policy(account: str) -> str:
    """The policy of a key that was created without one: IAM policies decide.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return _document(
        "key-default-1",
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
    )


def managed_policy(service: str, account: str, region: str) -> str:
    """The policy of an AWS managed key: use through its service only, metadata for the account."""
    id, name, actions = MANAGED[service]
    whole = (
        f"Allow access through {name} for all principals in the account that are authorized to "
        f"use {name}"
    )
    via = {"kms:CallerAccount": account, "kms:ViaService": f"{service}.{region}.amazonaws.com"}
    describing = {
        "Sid": (
            "Allow DynamoDB Service with service principal name dynamodb.amazonaws.com to describe "
            "the key directly"
        ),
        "Effect": "Allow",
        "Principal": {"Service": "dynamodb.amazonaws.com"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
        "Resource": "*",
    }
    return _document(
        id,
        {
            "Sid": whole,
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": actions,
            "Resource": "*",
            "Condition": {"StringEquals": via},
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
        *([describing] if service == "dynamodb" else []),
    )


def _document(id: str, *statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Id": id, "Statement": list(statements)})


def _written(value: Any, margin: str = "") -> str:
    """A key policy as KMS gives it back, however it was put.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
    """
    if isinstance(value, list) and value:
        return f"[ {', '.join(_written(item, margin) for item in value)} ]"
    if isinstance(value, dict) and value:
        inner = margin + "  "
        lines = [
            f"\n{inner}{json.dumps(name, ensure_ascii=False)} : {_written(item, inner)}"
            for name, item in value.items()
        ]
        return "{" + ",".join(lines) + f"\n{margin}}}"
    return json.dumps(value, ensure_ascii=False)


def read_policy(document: str) -> KeyPolicy:
    """Compile a key policy.

    Raises AwsError MalformedPolicyDocumentException, LimitExceededException.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html#key-policy-format
    """
    if len(document.encode()) > _MOST_BYTES:
        raise AwsError(
            "LimitExceededException", f"The key policy is larger than {_MOST_BYTES} bytes."
        )
    try:
        compiled = parse_policy(document, kind="key", known_keys=known_condition_key)
        return KeyPolicy(_written(json.loads(document)), compiled)
    except MalformedPolicy as error:
        raise AwsError("MalformedPolicyDocumentException", error.reason) from None


def require_principals(policy: KeyPolicy, exists: Callable[[str], bool]) -> None:
    """Refuse a policy that names an IAM user or role, or a service, that does not exist.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
    """
    if unknown_service(policy.compiled):
        raise AwsError(
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid service principals.",
        )
    if unknown_principal(policy.compiled, exists):
        raise AwsError(
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals.",
        )


def require_no_lockout(
    policy: KeyPolicy, principal: Principal, arn: str, context: Mapping[str, str | Sequence[str]]
) -> None:
    """Refuse a policy under which the caller could not change the policy again."""
    decision = decide(
        AccessRequest(principal, "kms:PutKeyPolicy", arn, context),
        resource_policy=policy.compiled,
        delegation=True,
    )
    if not decision.allowed:
        raise AwsError(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )
