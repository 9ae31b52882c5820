"""Whether a caller may: every permission a call needs, asked of the policies."""

from collections.abc import Iterable
from functools import partial
from typing import Literal

from workshop_lib.sandbox.auth.request_context import request_context, resource_context
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.policy.evaluation import AccessRequest, Controls, Decision, decide
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_definition import Protocol


def unseen(caller: str, action: str, where: str) -> AwsError:
    """The denial that does not tell whether another account's resource exists.

    https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
    """
    return AwsError(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on {where} because the resource "
        "does not exist in this Region, no resource-based policies allow access, or a "
        "resource-based policy explicitly denies access",
    )


def authorize(call: Call, checks: Iterable[Check]) -> None:
    """Raise AWS's AccessDenied unless the call's caller has every permission in ``checks``."""
    for check in checks:
        decided = decision(call, check)
        if not decided.allowed:
            raise denial(call, decided, check)


# Services whose resources an organization's resource control policies limit, of those here.
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services
_UNDER_RESOURCE_CONTROLS = ("dynamodb:", "kms:", "s3:", "sts:")


def decision(call: Call, check: Check) -> Decision:
    """Whether the call's caller has a permission, and which policy settled it."""
    evaluation = _evaluation(call, check)
    call.evaluations.append(evaluation)
    return evaluation()


def permits(call: Call, check: Check) -> bool:
    """Whether the caller has a permission on which only a part of the answer depends.

    What the call itself needs is asked by `authorize`, and remembered.
    """
    return _evaluation(call, check)().allowed


def _evaluation(call: Call, check: Check) -> "partial[Decision]":
    principal, context = call.caller.principal, check.context
    owner = check.owner or call.account
    service_controls: Controls = ()
    resource_controls: Controls = ()
    if owner != call.account:
        context = {**context, **resource_context(owner, call.memberships)}
    if call.memberships:
        member = call.memberships.get(principal.account or "")
        service_controls = member.service_controls if member else ()
        holder = call.memberships.get(owner)
        limited = check.under_controls and check.resource != "*"
        if holder and limited and check.action.startswith(_UNDER_RESOURCE_CONTROLS):
            resource_controls = holder.resource_controls
    return partial(
        decide,
        AccessRequest(
            principal, check.action, check.resource, context, partial(request_context, call)
        ),
        resource_policy=check.resource_policy,
        access_control_list=check.access_control_list,
        delegation=check.delegation,
        granted=check.granted,
        resource_account=owner,
        service_controls=service_controls,
        resource_controls=resource_controls,
    )


def denial(call: Call, decided: Decision, check: Check) -> AwsError:
    """AccessDenied under the name, with the status and in the words that the service gives it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    service, principal = call.service, call.caller.principal
    owner = check.owner or call.account
    if principal.account not in (None, owner):
        together = _are_together(call, owner)
        if service.hides_reason_from_outsiders and not together:
            return AwsError("AccessDenied", "Access Denied", 403)
        by_control = decided.policy_kind == "resource control"
        if service.hides_resources and (
            decided.policy_kind == "resource" or (by_control and not together)
        ):
            return unseen(principal.arn, check.action, check.unseen)
        if by_control and not together:
            decided = decided._replace(policy_arn=None)
    named: Literal["bare", "quoted", "omitted"] = "quoted" if service.quotes_resource else "bare"
    message = decided.message(
        resource=named if check.names_resource else "omitted", reason=service.tells_reason
    )
    if service.anonymous and call.caller.principal.kind == "anonymous":
        return service.authentication_error("unsigned")
    if service.protocol is Protocol.JSON:
        return AwsError("AccessDeniedException", message)
    return AwsError("AccessDenied", message, 403)


def _are_together(call: Call, owner: str) -> bool:
    """Whether the caller's account is in the same organization as a resource's owner."""
    found = [call.memberships.get(each) for each in (call.asking, owner)]
    names = {None if member is None else member.organization for member in found}
    return len(names) == 1 and None not in names
