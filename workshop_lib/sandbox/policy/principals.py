"""Whether those whom a policy of a resource names exist: users, roles, services.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Callable

from workshop_lib.sandbox.policy.evaluation import Policy
from workshop_lib.sandbox.protocol.service_model import regions
from workshop_lib.sandbox.protocol.service_names import service_names

_SERVICE = re.compile(r"((?:[a-z0-9-]+\.)+)amazonaws\.com(?:\.cn)?")
# Services that act under a name that is none of an endpoint.
_MORE_SERVICES = {
    "airflow-env", "backup-storage", "billingconsole", "cloudwatch", "cloudwatch-crossaccount",
    "delivery", "diode", "directoryservice", "ecs-tasks", "edgelambda", "eks-fargate-pods",
    "eks-nodegroup", "elasticfilesystem", "elasticmapreduce", "es", "events", "jellyfish", "logs",
    "macie", "monitoring", "opensearchservice", "opsworks", "rds-monitoring", "robomaker", "sms",
    "spot", "spotfleet", "states", "vmie", "vpc-flow-logs", "vpce", "supportauthz",
}  # fmt: skip


def unknown_principal(policy: Policy, exists: Callable[[str], bool]) -> str | None:
    """The first user or role that a policy names and that does not exist, if there is one."""
    named = (statement.principals for statement in policy.statements)
    arns = (arn for principals in named if principals for arn in sorted(principals.arns))
    return next((arn for arn in arns if not exists(arn)), None)


def unknown_service(policy: Policy) -> str | None:
    """The first service that a policy names and that AWS does not have, if there is one."""
    named = (statement.principals for statement in policy.statements)
    services = (name for principals in named if principals for name in sorted(principals.services))
    return next((name for name in services if not is_service_principal(name)), None)


def is_service_principal(name: str) -> bool:
    """Whether a service of AWS acts under ``name``: dynamodb.amazonaws.com, delivery.logs.….

    Told by the services that botocore knows, and some more: AWS publishes no list.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
    """
    match = _SERVICE.fullmatch(name)
    labels = [each for each in match[1].split(".")[:-1] if each not in regions()] if match else []
    return bool(labels) and (labels[-1] in _MORE_SERVICES or labels[-1] in service_names())
