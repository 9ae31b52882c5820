"""One call of an AWS API: what is asked of which service, by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workshop_lib.sandbox.policy.evaluation import Policy, Principal
from workshop_lib.sandbox.protocol.messages import Request

DEFAULT_REGION = "us-east-1"


@dataclass
class Call:
    """One API call: what is asked of which service, by whom."""

    service: str
    operation: str
    region: str
    account: str
    parameters: dict[str, Any]
    request: Request
    request_id: str = ""
    secure: bool = True
    caller: Any = None


@dataclass(frozen=True)
class Caller:
    """Who makes a call: IAM's view (``principal``) and CloudTrail's (name, ids, tags)."""

    principal: Principal
    name: str = ""
    user_id: str = ""
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    issuer_id: str = ""  # the id of the role or user whose session this is
    since: datetime | None = None  # when a session began
    expires: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: Mapping[str, str] = field(default_factory=dict)  # tags that a next session inherits
    source_identity: str | None = None

    @property
    def arn(self) -> str:
        """The ARN that AWS's messages name."""
        return self.principal.arn


@dataclass(frozen=True)
class Check:
    """One permission a call needs: an action on a resource, under condition keys."""

    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    resource_policy: Policy | None = None
    delegation: bool = False
    granted: bool = False


ANONYMOUS = Caller(Principal(kind="anonymous", arn="*", account=None), name="anonymous")
