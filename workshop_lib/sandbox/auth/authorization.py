"""Whether a caller may: every permission a call needs, asked of the policies."""

from collections.abc import Iterable, Sequence
from typing import Literal

from workshop_lib.sandbox.auth.request_context import request_context
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.policy.evaluation import AccessRequest, Decision, decide
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_definition import Protocol

Context = dict[str, str | Sequence[str]]


def decision(call: Call, check: Check) -> Decision:
    """Whether the call's caller has a permission, and which policy settled it."""
    return _decide(call, check, request_context(call))


def authorize(call: Call, checks: Iterable[Check]) -> None:
    """Raise AWS's AccessDenied unless the call's caller has every permission in ``checks``."""
    shared: Context | None = None
    for check in checks:
        if shared is None:
            shared = request_context(call)
        decided = _decide(call, check, shared)
        if not decided.allowed:
            raise denial(call, decided, check)


def _decide(call: Call, check: Check, shared: Context) -> Decision:
    return decide(
        AccessRequest(
            call.caller.principal, check.action, check.resource, {**shared, **check.context}
        ),
        resource_policy=check.resource_policy,
        delegation=check.delegation,
        granted=check.granted,
        resource_account=call.account,
    )


def denial(call: Call, decided: Decision, check: Check) -> AwsError:
    """AccessDenied under the name, with the status and in the words that the service gives it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    service = call.service
    named: Literal["bare", "quoted", "omitted"] = "quoted" if service.quotes_resource else "bare"
    message = decided.message(
        resource=named if check.names_resource else "omitted", reason=service.tells_reason
    )
    if service.anonymous and call.caller.principal.kind == "anonymous":
        return service.authentication_error("unsigned")
    if service.protocol is Protocol.JSON:
        return AwsError("AccessDeniedException", message)
    return AwsError("AccessDenied", message, 403)
