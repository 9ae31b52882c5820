"""AWS's policy evaluation: may this principal perform this action on this resource?

`documents` compiles what `grammar` has checked, `decide` evaluates a
request against everything that applies to it. Pure: no service, no clock, no store.

AWS pages (IAM User Guide): "Policy evaluation logic" with its sub-pages for one account and for
cross-account requests, "AWS JSON policy elements: Principal" and "NotPrincipal", "Troubleshoot
access denied error messages"; KMS Developer Guide: "Default key policy".
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

from workshop_lib.sandbox.policy.conditions import Condition
from workshop_lib.sandbox.policy.grammar import Kind
from workshop_lib.sandbox.policy.patterns import NO_VALUES, Patterns, Values

# --- what a policy is ---------------------------------------------------------------------

# How a statement of a resource's policy names a principal, from afar to directly. A grant to a
# role, or to a user whose federated session asks, is limited by boundary and session policies; one
# to a user, a session or everyone is not;
# one to the account only lets the account's own policies decide.
_NOT, _ACCOUNT, _ROLE, _DIRECT = range(4)


@dataclass(frozen=True, slots=True)
class Principals:
    """The Principal or NotPrincipal of a statement, by kind."""

    everyone: bool
    accounts: frozenset[str]
    arns: frozenset[str]
    services: frozenset[str]
    canonical_users: frozenset[str]

    def level(self, principal: "Principal") -> int:
        """How the principal is named: _NOT, _ACCOUNT, _ROLE or _DIRECT."""
        named = self.services if principal.kind == "service" else self.arns
        if self.everyone or principal.arn in named:
            return _DIRECT
        if not self.arns.isdisjoint((principal.role_arn, principal.user_arn)):
            return _ROLE
        if principal.account in self.accounts or principal.canonical_user in self.canonical_users:
            return _DIRECT if principal.kind == "root" else _ACCOUNT
        return _NOT

    def spares(self, principal: "Principal") -> bool:
        """Whether a Deny with this NotPrincipal leaves the principal alone: each of session,
        role and account must be listed, and nobody with a permissions boundary is spared."""
        if self.everyone or principal.kind == "service":
            return self.everyone or principal.arn in self.services
        if principal.kind == "anonymous" or principal.boundary is not None:
            return False
        arns = {principal.arn, principal.role_arn or principal.user_arn or principal.arn}
        named = arns <= self.arns or principal.kind == "root"
        return named and principal.account in self.accounts


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement; `actions.source` (in lower case) and `resources.source` are the
    document's own."""

    sid: str
    effect: str  # "Allow" or "Deny"
    actions: Patterns
    not_action: bool
    resources: Patterns | None  # None: a trust policy, whose resource is the role itself
    not_resource: bool
    principals: Principals | None  # None: a policy of an identity
    not_principal: bool
    conditions: tuple[Condition, ...]

    def covers(self, request: "AccessRequest") -> bool:
        """Whether action, resource and conditions match; the principal is not looked at."""
        if self.actions.match(request.action_key) == self.not_action:
            return False
        resources = self.resources
        if resources is not None:
            values = request.values if resources.templates else NO_VALUES
            if resources.match(request.resource, values) == self.not_resource:
                return False
        return not self.conditions or all(
            condition.holds(request.values) for condition in self.conditions
        )

    def names(self, principal: "Principal") -> int:
        """How the statement names the principal; identity policies need not name theirs."""
        if self.principals is None:
            return _DIRECT
        if self.not_principal:
            return _NOT if self.principals.spares(principal) else _DIRECT
        return self.principals.level(principal)


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled policy. `arn` is a managed policy's own, which denials name."""

    kind: Kind
    statements: tuple[Statement, ...]
    allowing: tuple[Statement, ...]
    denying: tuple[Statement, ...]
    arn: str | None = None

    def denies(self, request: "AccessRequest") -> bool:
        """Whether a Deny statement applies to the request."""
        for statement in self.denying:
            if statement.names(request.principal) and statement.covers(request):
                return True
        return False

    def allows(self, request: "AccessRequest") -> bool:
        """Whether an Allow statement of this identity, boundary or session policy applies."""
        return any(statement.covers(request) for statement in self.allowing)

    def grants(self, request: "AccessRequest") -> int:
        """How directly this resource's policy allows the request: _NOT up to _DIRECT."""
        level = _NOT
        for statement in self.allowing:
            named = statement.names(request.principal)
            if named > level and statement.covers(request):
                level = named
        return level


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, with the policies that travel along.

    `arn` is the ARN of the user, of the session (of a role, or of whom a user federates) or of the
    account root; the name of a service (s3.amazonaws.com); "*" for the anonymous. `user_arn` is
    that of the user who federates. `session_policies` is None when nothing narrows the session.
    """

    kind: Literal["user", "role-session", "federated-user", "root", "anonymous", "service"]
    arn: str
    account: str | None
    role_arn: str | None = None
    user_arn: str | None = None
    identity_policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session_policies: tuple[Policy, ...] | None = None
    canonical_user: str | None = None


@dataclass(eq=False)
class AccessRequest:
    """Principal, action ("s3:GetObject"), resource (ARN or "*") and condition keys (any case).

    ``shared`` gives more condition keys, of which ``context`` has the last word; it is asked only
    where a policy looks at one.
    """

    principal: Principal
    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    shared: Callable[[], Mapping[str, str | Sequence[str]]] = dict

    def __post_init__(self) -> None:
        self.action_key = self.action.lower()

    @cached_property
    def values(self) -> Values:
        """The condition keys in lower case: their names know no case."""
        every = {**self.shared(), **self.context}
        return {key.lower(): value for key, value in every.items()}

    def settled(self) -> "AccessRequest":
        """The same with every condition key as it is now, for whoever asks again later."""
        return replace(self, context={**self.shared(), **self.context}, shared=dict)


Controls = tuple[tuple[Policy, ...], ...]
"""An organization's policies by the place where they are attached: the root, each unit on the way
down, the account. Each place must allow what is asked."""


# --- the decision -------------------------------------------------------------------------

_POLICY_NAMES = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "trust": "role trust policy",
    "service control": "service control policy",
    "resource control": "resource control policy",
}


class Decision(NamedTuple):
    """Whether a request is allowed, and which type of policy settled it.

    `explicit` marks a Deny statement. `policy_kind` is "identity", "resource", "boundary",
    "session", "trust", "service control", "resource control", "access control list" or "grant";
    `policy_arn` the managed or control policy that holds the Deny.
    """

    allowed: bool
    request: AccessRequest
    policy_kind: str
    explicit: bool = False
    policy_arn: str | None = None

    @property
    def reason(self) -> str:
        """The end of AWS's sentence: "because no … allows …" or "with an explicit deny in …";
        empty when the request is allowed."""
        if self.allowed:
            return ""
        name = _POLICY_NAMES[self.policy_kind]
        if not self.explicit:
            return f"because no {name} allows the {self.request.action} action"
        article = {"identity": "an", "trust": "the"}.get(self.policy_kind, "a")
        where = f": {self.policy_arn}" if self.policy_arn else ""
        return f"with an explicit deny in {article} {name}{where}"

    def message(
        self, *, resource: Literal["bare", "quoted", "omitted"] = "bare", reason: bool = True
    ) -> str:
        """AWS's sentence for a denial; empty when the request is allowed.

        S3 quotes the resource and omits it for ListAllMyBuckets; STS gives no reason; S3 tells
        the anonymous, and callers from outside the owner's account and organization, no more than
        "Access Denied".
        https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
        """
        if self.allowed:
            return ""
        request = self.request
        text = f"User: {request.principal.arn} is not authorized to perform: {request.action}"
        if resource != "omitted":
            arn = f'"{request.resource}"' if resource == "quoted" else request.resource
            text += f" on resource: {arn}"
        return f"{text} {self.reason}" if reason else text


def decide(
    request: AccessRequest,
    *,
    resource_policy: Policy | None = None,
    access_control_list: Policy | None = None,
    delegation: bool | None = None,
    granted: bool = False,
    resource_account: str | None = None,
    service_controls: Controls = (),
    resource_controls: Controls = (),
) -> Decision:
    """Evaluate a request against all policies that apply to it.

    `delegation` (by default: key and trust policies) means that the resource's policy must name
    the principal or its account, else identity policies count for nothing. `access_control_list`
    allows as the resource's policy does, and denies nothing. `granted`: a KMS
    grant allows it. `resource_account` is the resource's owner, by default the principal's own.
    `service_controls` are those of the principal's account, `resource_controls` of the owner's:
    they must not deny, and at each place one must allow; they give nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    Raises NotEmulated for an operator on a multivalued key that lacks a set operator.
    """
    principal = request.principal
    attached = "resource"
    controls: tuple[tuple[str, Controls], ...] = ()
    if service_controls or resource_controls:
        controls = ("resource control", resource_controls), ("service control", service_controls)
    for kind, places in controls:
        for policy in itertools.chain(*places):
            if policy.denies(request):
                return Decision(False, request, kind, True, policy.arn)
    if resource_policy is not None:
        if resource_policy.kind == "trust":
            attached = "trust"
        if resource_policy.denies(request):
            return Decision(False, request, attached, True)
        if delegation is None:
            delegation = resource_policy.kind in ("key", "trust")
    for kind, policy in _own_policies(principal):
        if policy.denying and policy.denies(request):
            return Decision(False, request, kind, True, policy.arn)
    for kind, places in controls:
        if not all(any(policy.allows(request) for policy in place) for place in places):
            return Decision(False, request, kind)
    if granted:
        return Decision(True, request, "grant")

    level = _NOT if resource_policy is None else resource_policy.grants(request)
    listed = _NOT if access_control_list is None else access_control_list.grants(request)
    if listed > level:
        level, attached = listed, "access control list"
    if principal.kind in ("anonymous", "service"):
        return Decision(level == _DIRECT, request, attached)
    same_account = resource_account is None or resource_account == principal.account
    if same_account and level == _DIRECT:
        return Decision(True, request, attached)
    if same_account and level == _NOT and delegation:
        return Decision(False, request, attached)
    on_its_own = same_account and level == _ROLE
    if not on_its_own and not _identity_allows(request):
        return Decision(False, request, "identity")
    if principal.boundary is not None and not principal.boundary.allows(request):
        return Decision(False, request, "boundary")
    session = principal.session_policies
    if session is not None and not any(policy.allows(request) for policy in session):
        return Decision(False, request, "session")
    if not same_account and level == _NOT:
        return Decision(False, request, attached)
    return Decision(True, request, attached if on_its_own or not same_account else "identity")


def _own_policies(principal: Principal) -> Iterator[tuple[str, Policy]]:
    """The principal's policies, in the order in which a Deny is looked for."""
    for policy in principal.identity_policies:
        yield "identity", policy
    if principal.boundary is not None:
        yield "boundary", principal.boundary
    for policy in principal.session_policies or ():
        yield "session", policy


def _identity_allows(request: AccessRequest) -> bool:
    principal = request.principal
    return principal.kind == "root" or any(
        policy.allows(request) for policy in principal.identity_policies
    )
