"""IAM's quotas on policies: how long they may be, and how many may be attached.

Sentences: cdk-preflight's rules pf-iam-inline-policy-size, pf-iam-managed-policy-size and
pf-iam-managed-policy-count, tried on AWS in September 2026; whose policy is too long ends the first
one in answers of IAM that issues of Terraform's AWS provider quote.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import re
from collections.abc import Mapping
from typing import cast

from workshop_lib.sandbox.moto_backend.iam import EntityKind, IamStore
from workshop_lib.sandbox.protocol.errors import AwsError

_INLINE = {"User": 2048, "Role": 10_240, "Group": 5120}  # all of an entity's together
_ATTACHED = {"User": 10, "Role": 20, "Group": 10}
_MANAGED = 6144
_TRUST = 2048
_PUT = re.compile("(Put|Attach)(User|Role|Group)Policy")


def require_quota(iam: IamStore, operation: str, parameters: Mapping[str, str]) -> None:
    """Refuse a policy that is too long, or one too many. Raises AwsError LimitExceeded."""
    document = parameters.get("PolicyDocument", "")
    if operation in ("CreatePolicy", "CreatePolicyVersion") and _size(document) > _MANAGED:
        raise _exceeded(f"Cannot exceed quota for PolicySize: {_MANAGED}")
    trust = document if operation == "UpdateAssumeRolePolicy" else ""
    if _size(parameters.get("AssumeRolePolicyDocument", trust)) > _TRUST:
        raise _exceeded(f"Cannot exceed quota for ACLSizePerRole: {_TRUST}")
    found = _PUT.fullmatch(operation)
    if found is None:
        return
    how, kind = found.groups()
    name = parameters[f"{kind}Name"]
    holder = iam.find(cast(EntityKind, kind.lower()), name)
    assert holder is not None
    if how == "Put":
        documents = {**holder.inline_policies, parameters["PolicyName"]: document}
        if sum(map(_size, documents.values())) > _INLINE[kind]:
            most = f"{_INLINE[kind]} bytes exceeded for {kind.lower()} {name}"
            raise _exceeded(f"Maximum policy size of {most}")
    else:
        arns = {policy.arn for policy in holder.attached_policies} | {parameters["PolicyArn"]}
        if len(arns) > _ATTACHED[kind]:
            raise _exceeded(f"Cannot exceed quota for PoliciesPer{kind}: {_ATTACHED[kind]}")


def _size(document: str) -> int:
    """ "IAM doesn't count white space when calculating the size of a policy"."""
    return len("".join(document.split()))


def _exceeded(message: str) -> AwsError:
    return AwsError("LimitExceeded", message, 409)
