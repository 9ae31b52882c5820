"""IAM's users, roles, groups and policies, as moto keeps them."""

from collections.abc import Callable
from typing import Any


def existing_principal(iam: Any, account: str) -> Callable[[str], bool]:
    """Whether an ARN can be a principal here: IAM's users and roles.

    Other accounts' and CloudFront's origin access identities are not looked at.
    """

    def exists(arn: str) -> bool:
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] not in ("iam", "sts"):
            return False
        kind, _, name = parts[5].partition("/")
        if parts[4] != account or parts[5] == "root":
            return True
        if kind == "federated-user":  # made up by whoever federates
            return True
        if kind == "user":
            return any(user.arn == arn for user in iam.users.values())
        if kind == "role":
            return any(role.arn == arn for role in iam.roles.values())
        if kind == "assumed-role":
            role_name = name.partition("/")[0]
            return any(role.name == role_name for role in iam.roles.values())
        return False

    return exists
