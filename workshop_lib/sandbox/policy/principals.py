"""Whether those whom a policy of a resource names exist.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from collections.abc import Callable

from workshop_lib.sandbox.policy.evaluation import Policy


def unknown_principal(policy: Policy, exists: Callable[[str], bool]) -> str | None:
    """The first user or role that a policy names and that does not exist, if there is one."""
    named = (statement.principals for statement in policy.statements)
    arns = (arn for principals in named if principals for arn in sorted(principals.arns))
    return next((arn for arn in arns if not exists(arn)), None)
