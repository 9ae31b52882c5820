"""Service and resource control policies: the two that AWS keeps, and those that are made.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_authorization_policies.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from workshop_lib.sandbox.policy.condition_keys import known_condition_key
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import Policy
from workshop_lib.sandbox.policy.grammar import Kind, MalformedPolicy
from workshop_lib.sandbox.protocol.errors import AwsError

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
_KINDS: Mapping[str, Kind] = {SCP: "service control", RCP: "resource control"}
# Characters of a document, and policies of a type that may be attached to one target. Those of
# service control policies were doubled in May 2026.
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
_LONGEST = {SCP: 10_240, RCP: 5_120}
MOST_ATTACHED = {SCP: 10, RCP: 5}


@dataclass
class ControlPolicy:
    """A policy of an organization, and the ids of the roots, units and accounts it is attached to.

    ``content`` is the document as it was written.
    """

    id: str
    arn: str
    type: str
    name: str
    description: str
    content: str
    compiled: Policy
    aws_managed: bool = False
    targets: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The PolicySummary."""
        return {
            "Id": self.id,
            "Arn": self.arn,
            "Name": self.name,
            "Description": self.description,
            "Type": self.type,
            "AwsManaged": self.aws_managed,
        }

    def shown(self) -> dict[str, Any]:
        """The Policy."""
        return {"PolicySummary": self.summary(), "Content": self.content}

    def write(self, content: str) -> None:
        """Put another document in place of the present one. Raises AwsError."""
        self.compiled = read_control_policy(content, self.type, self.arn)
        self.content = content


def read_control_policy(content: str, type: str, arn: str) -> Policy:
    """Compile a document of a type.

    Raises AwsError ConstraintViolationException, MalformedPolicyDocumentException.
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
    """
    if len(content) > _LONGEST[type]:
        raise AwsError(
            "ConstraintViolationException",
            "You have exceeded the maximum size of the policy document.",
            fields={"Reason": "POLICY_CONTENT_LIMIT_EXCEEDED"},
        )
    try:
        return parse_policy(content, kind=_KINDS[type], known_keys=known_condition_key, arn=arn)
    except MalformedPolicy:
        raise AwsError(
            "MalformedPolicyDocumentException",
            "The provided policy document does not meet the requirements of the specified policy "
            "type.",
        ) from None


def full_access(type: str) -> ControlPolicy:
    """The policy of AWS's that lets everything pass, with which each target begins."""
    name = "FullAWSAccess" if type == SCP else "RCPFullAWSAccess"
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if type == RCP:
        statement["Principal"] = "*"
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
    arn = f"arn:aws:organizations::aws:policy/{type.lower()}/p-{name}"
    # As an identity's or a table's policy: AWS may write what it lets nobody else write.
    kind: Kind = "identity" if type == SCP else "table"
    compiled = parse_policy(content, kind=kind, known_keys=known_condition_key, arn=arn)
    compiled = replace(compiled, kind=_KINDS[type])
    said = "Allows access to every operation" if type == SCP else "Allows access to every resource"
    return ControlPolicy(f"p-{name}", arn, type, name, said, content, compiled, aws_managed=True)
