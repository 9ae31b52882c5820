"""The global condition keys of a call.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.policy.organization import Membership

_PRINCIPAL_TYPES = {
    "user": "User", "role-session": "AssumedRole", "federated-user": "FederatedUser",
}  # fmt: skip


@lru_cache(maxsize=4)  # a second's calls carry one time
def _times(seconds: int) -> dict[str, str]:
    moment = datetime.fromtimestamp(seconds, UTC)
    return {
        "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(seconds),
    }


def resource_context(
    account: str, memberships: Mapping[str, Membership]
) -> dict[str, str | Sequence[str]]:
    """The condition keys of the account that owns a resource."""
    member = memberships.get(account)
    if member is None:
        return {"aws:ResourceAccount": account}
    return {
        "aws:ResourceAccount": account,
        "aws:ResourceOrgID": member.organization,
        "aws:ResourceOrgPaths": [member.path],
    }


def request_context(call: Call) -> dict[str, str | Sequence[str]]:
    """The global condition keys of a call."""
    now, caller = clock.now(), call.caller
    context: dict[str, str | Sequence[str]] = {
        **_times(int(now.timestamp())),
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true" if call.secure else "false",
        "aws:SourceIp": call.request.source_ip,
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        **resource_context(call.account, call.memberships),
    }
    for header, key in (("user-agent", "aws:UserAgent"), ("referer", "aws:Referer")):
        if header in call.request.headers:
            context[key] = call.request.headers[header]
    principal = caller.principal
    if principal.kind == "anonymous":
        context["aws:PrincipalType"] = "Anonymous"
        return context
    if principal.kind == "service":
        context["aws:PrincipalIsAWSService"] = "true"
        context["aws:PrincipalServiceName"] = principal.arn
        return context
    context["aws:PrincipalAccount"] = principal.account or ""
    member = call.memberships.get(principal.account or "")
    if member is not None:
        context["aws:PrincipalOrgID"] = member.organization
        context["aws:PrincipalOrgPaths"] = [member.path]
    context["aws:PrincipalArn"] = principal.role_arn or principal.arn
    context["aws:PrincipalType"] = _PRINCIPAL_TYPES[principal.kind]
    context["aws:userid"] = caller.user_id
    if principal.kind == "user":
        context["aws:username"] = caller.name
    if caller.since is not None:
        context["aws:TokenIssueTime"] = caller.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        context["aws:MultiFactorAuthPresent"] = "false"
    if caller.source_identity is not None:
        context["aws:SourceIdentity"] = caller.source_identity
    context.update({f"aws:PrincipalTag/{name}": value for name, value in caller.tags.items()})
    return context
