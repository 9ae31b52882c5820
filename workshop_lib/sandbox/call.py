"""One call of an AWS API: what is asked of which service, by whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from workshop_lib.sandbox.policy.evaluation import Decision, Policy, Principal
from workshop_lib.sandbox.policy.organization import Membership
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition

TERMINATOR = "aws4_request"
"""The end of every version 4 credential's scope."""


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


class Check(NamedTuple):
    """One permission a call needs: an action on a resource, under condition keys."""

    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = MappingProxyType({})
    resource_policy: Policy | None = None
    delegation: bool = False
    granted: bool = False
    names_resource: bool = True  # in the sentence of a denial
    owner: str | None = None  # the account that owns the resource, where it is not the call's
    under_controls: bool = True  # of an organization: its resource control policies
    unseen: str = "this resource"  # how a denial names what another account need not show
    access_control_list: Policy | None = None


ANONYMOUS = Caller(Principal(kind="anonymous", arn="*", account=None), name="anonymous")


class Signature(NamedTuple):
    """A signature as a request carries it; nothing in it has been verified.

    ``version``: 4 or 2; ``place``: "header", "query" or "form"; ``date``, ``region``,
    ``service``: the credential's scope (version 4); ``time``: as sent; ``expires``: seconds
    (version 4, query) or Unix time (version 2, query).
    """

    version: int
    place: str
    access_key_id: str
    value: str
    session_token: str | None = None
    date: str = ""
    region: str = ""
    service: str = ""
    signed_headers: tuple[str, ...] = ()
    time: str = ""
    expires: str | None = None

    def __repr__(self) -> str:
        return f"<a version {self.version} signature of {self.access_key_id}>"  # no secrets

    @property
    def scope(self) -> str:
        """The credential's scope, as it is signed."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


@dataclass
class Call:
    """One API call: what is asked of which service, by whom, and how it was signed.

    ``account`` owns what the call is about: mostly the caller's own. ``memberships`` are those of
    the accounts that are in an organization. ``evaluations`` are the questions that the policies
    were asked for it, its services' own calls in the caller's name included, in order; each may be
    asked again.
    """

    service: ServiceDefinition
    operation: str
    region: str
    account: str
    parameters: dict[str, Any]
    request: Request
    caller: Caller
    signature: Signature | None = None
    request_id: str = ""
    secure: bool = True
    memberships: Mapping[str, Membership] = field(default_factory=dict)
    evaluations: list[partial[Decision]] = field(default_factory=list, repr=False)

    @property
    def asking(self) -> str:
        """The account on whose behalf the call is made: its owner's, for who belongs to none."""
        return self.caller.principal.account or self.account


Authorize = Callable[[Call, Iterable[Check]], None]
"""Raises AWS's AccessDenied unless the call's caller has every permission."""
