"""Whether a caller may: every permission a call needs, asked of the policies."""

from collections.abc import Iterable, Sequence
from typing import Any

from workshop_lib.sandbox.auth.request_context import request_context
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.policy.evaluation import Request as PolicyRequest
from workshop_lib.sandbox.policy.evaluation import decide
from workshop_lib.sandbox.protocol.errors import AwsError

# How a service's refusal names what was asked for.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_WORDING: dict[str, dict[str, Any]] = {"s3": {"resource": "quoted"}, "sts": {"reason": False}}


def authorize(call: Call, checks: Iterable[Check]) -> None:
    """Raise AWS's AccessDenied unless the call's caller has every permission in ``checks``."""
    shared: dict[str, str | Sequence[str]] | None = None
    for check in checks:
        if shared is None:
            shared = request_context(call)
        decision = decide(
            PolicyRequest(
                call.caller.principal, check.action, check.resource, {**shared, **check.context}
            ),
            resource_policy=check.resource_policy,
            delegation=check.delegation,
            granted=check.granted,
            resource_account=call.account,
        )
        if not decision.allowed:
            raise denial(call.service, decision.message(**_WORDING.get(call.service, {})))


def denial(service: str, message: str) -> AwsError:
    """AccessDenied under the name and status the service gives it."""
    if service in ("s3", "iam", "sts"):
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 400)
