"""Why a request is allowed or denied: the statements that decided, or that are missing.

`explain` asks `decide` again, with what it was asked with, and then looks at every statement of
every policy among its arguments; how they work together is said in `evaluation` alone. Sentences
put names and values in `backticks`.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.policy.conditions import Condition
from workshop_lib.sandbox.policy.evaluation import (
    _ACCOUNT,
    AccessRequest,
    Decision,
    Policy,
    Principal,
    Statement,
)

_NAMES = {
    "acl": "access control list",
    "bucket": "bucket policy",
    "key": "key policy",
    "table": "table's resource-based policy",
    "upload": "rights of who began the upload",
    "trust": "role's trust policy",
    "boundary": "permissions boundary",
    "session": "session policy",
}
_CONTROLS = "_controls"  # of an organization: they give nothing, and each place must allow
_OWNERS = {"user": "user's", "role-session": "role's", "federated-user": "user's"}


@dataclass(frozen=True)
class TestedCondition:
    """A condition of a statement, what the request has for its key, and whether it holds.

    `has` is empty where the request lacks the key. `holds` is None where the sandbox cannot tell.
    """

    operator: str
    key: str
    wanted: tuple[str, ...]
    has: tuple[str, ...]
    holds: bool | None

    @property
    def words(self) -> str:
        """For instance: `StringEquals kms:ViaService = s3.us-east-1.amazonaws.com`."""
        return f"`{self.operator} {self.key} = {' | '.join(self.wanted)}`"

    @property
    def why(self) -> str:
        """What the request has instead."""
        if self.holds is None:
            return "the sandbox cannot tell"
        return f"the request has `{' | '.join(self.has)}`" if self.has else "the request has none"


@dataclass(frozen=True)
class Finding:
    """One statement, held against a request: which of its parts fit.

    `kind` is the policy's, as `Decision.policy_kind` names it; `policy` names it in words.
    `delegates`: the statement names the caller's account, whose own policies then decide.
    """

    kind: str
    policy: str
    statement: str
    effect: str
    principal: bool
    action: bool
    resource: bool
    conditions: tuple[TestedCondition, ...]
    delegates: bool = False

    @property
    def applies(self) -> bool:
        """Whether all parts fit."""
        met = all(condition.holds for condition in self.conditions)
        return self.principal and self.action and self.resource and met

    @property
    def words(self) -> str:
        """What the statement says of the request, and if nothing, why."""
        name = f"{self.effect} statement {self.statement} of the {self.policy}"
        if not self.applies:
            return f"{name} does not apply: {self._misfit}."
        return f"{name} applies{_holding(self.conditions, ': its')}."

    @property
    def _misfit(self) -> str:
        if not self.action:
            return "it is about other actions"
        if not self.resource:
            return "it is about other resources"
        if not self.principal:
            return "it is about other principals"
        failed = next(each for each in self.conditions if not each.holds)
        return f"its condition {failed.words} does not hold, {failed.why}"

    @property
    def _distance(self) -> tuple[bool, ...]:
        """How far it is from applying: the smaller, the nearer."""
        return (not self.action, not self.principal, not self.resource, not self.applies)


@dataclass(frozen=True)
class Explanation:
    """A decision, and every statement that was there to be looked at.

    `decision` is what `decide` answers. `findings` are in the order of the policies.
    """

    decision: Decision
    findings: tuple[Finding, ...]
    kinds: tuple[tuple[str, str], ...]
    """The policies that were there, as kind and in words."""
    foreign: bool = False
    """Whether the resource is another account's than the caller."""

    @property
    def allowed(self) -> bool:
        """Whether the request is allowed."""
        return self.decision.allowed

    @property
    def action(self) -> str:
        """The action that was asked for."""
        return self.decision.request.action

    @property
    def resource(self) -> str:
        """The resource it was asked for, an ARN or "*"."""
        return self.decision.request.resource

    @property
    def principal(self) -> str:
        """Who asked: an ARN, or a service's name."""
        return self.decision.request.principal.arn

    @property
    def deciding(self) -> tuple[Finding, ...]:
        """The statements that settled it, the first one first; none where one is missing."""
        if self.allowed:
            return self._applying("Allow", self.decision.policy_kind)
        if self.decision.explicit:
            return self._applying("Deny", self.decision.policy_kind)
        return ()

    @property
    def sentence(self) -> str:
        """Why, in one to three sentences."""
        if self.allowed:
            return self._why_allowed()
        if self.decision.explicit:
            found = self.deciding[0]
            holding = _holding(found.conditions, ": its")
            return f"Deny statement {found.statement} of the {found.policy} applies{holding}."
        return self._why_missing()

    @property
    def steps(self) -> tuple[str, ...]:
        """What each statement says of the request."""
        return tuple(finding.words for finding in self.findings)

    def _applying(self, effect: str, kind: str) -> tuple[Finding, ...]:
        return tuple(
            each
            for each in self.findings
            if each.applies and each.effect == effect and each.kind == kind
        )

    def _why_allowed(self) -> str:
        kind = self.decision.policy_kind
        if kind == "grant":
            return f"A grant on the key allows `{self.action}`, and no statement denies it."
        if self.deciding:
            found = self.deciding[0]
            holding = _holding(found.conditions, "; its")
            said = (
                f"{_capital(found.statement)} of the {found.policy} allows "
                f"`{self.action}`{holding}."
            )
        else:
            said = f"The account's root user needs no policy of its own for `{self.action}`."
        for other in dict(self.kinds):
            gives = other != kind and not other.endswith(" control")
            also = self._applying("Allow", other) if gives else ()
            if also and also[0].delegates:
                said += (
                    f" {_capital(also[0].statement)} of the {also[0].policy} leaves it to the "
                    "account's own policies."
                )
            elif also:
                said += f" {_capital(also[0].statement)} of the {also[0].policy} allows it too."
        return said

    def _why_missing(self) -> str:
        kind = self.decision.policy_kind
        if kind.endswith(" control"):
            return (
                f"At one place between the organization's root and the account no {kind} policy "
                f"allows `{self.action}`: each place must."
            )
        own = [name for each, name in self.kinds if each == kind]
        what = f"allows `{self.action}` on `{self.resource}`"
        if not own:
            missing = _nobody(self.decision.request.principal, kind)
            said = f"{missing}, so nothing there {what}."
        else:
            said = f"No statement of the {own[0]} {what}."
        for other, name in self.kinds:
            if kind == "identity" and other == "resource" and not self._applying("Allow", other):
                said += f" Nor does one of the {name}."
        near = [each for each in self.findings if each.effect == "Allow" and each.kind == kind]
        nearest = min(near, key=lambda each: each._distance, default=None)
        if nearest is not None and nearest.action and not nearest.applies:
            said += f" {_capital(nearest.statement)} comes closest: {nearest._misfit}."
        if self.foreign:
            its = [name for each, name in self.kinds if each in ("resource", "trust")]
            said += (
                " The resource is another account's: both sides must allow it, the "
                f"{its[0] if its else 'policy of the resource'} and the caller's own policies."
            )
        elif kind == "resource" and own == [_NAMES["key"]]:
            said += (
                " Until the key policy lets in the caller or the whole account, the caller's own "
                "policies count for nothing on this key."
            )
        return said


def explain(evaluation: partial[Decision]) -> Explanation:
    """Why `decide` decides as it does.

    `evaluation` is a call of `decide` still to be made, an AccessRequest and what else it takes.
    Raises what `decide` raises.
    """
    decision = evaluation()
    policies = list(_policies(evaluation))
    findings = tuple(
        _finding(kind, name, place, statement, decision.request)
        for kind, name, policy in policies
        for place, statement in enumerate(policy.statements, 1)
    )
    account, owner = decision.request.principal.account, evaluation.keywords.get("resource_account")
    return Explanation(
        decision,
        findings,
        tuple((kind, name) for kind, name, _ in policies),
        foreign=None not in (account, owner) and account != owner,
    )


def _policies(evaluation: partial[Decision]) -> Iterator[tuple[str, str, Policy]]:
    """Every policy among what `decide` is asked with: its kind, its name in words, itself."""
    principal = evaluation.args[0].principal
    given = dict(evaluation.keywords)
    given |= {each.name: getattr(principal, each.name) for each in fields(principal)}
    for where, value in given.items():
        for policy in _within(value):
            kind = _kind(where, policy)
            name = _NAMES.get(policy.kind)
            if kind == "identity":
                name = f"{_OWNERS.get(principal.kind, 'caller')} policies"
            name = name or kind.replace("_", " ") + " policy"
            yield kind, f"{name} `{policy.arn}`" if policy.arn else name, policy


def _within(value: Any) -> Iterator[Policy]:
    if isinstance(value, Policy):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _within(each)


def _kind(where: str, policy: Policy) -> str:
    """A policy's kind by the argument it is in, as `Decision.policy_kind` names it."""
    if policy.kind == "trust":
        return "trust"
    if where.endswith(_CONTROLS):
        return where.removesuffix("s").replace("_", " ")
    return where.removesuffix("_policies").removesuffix("_policy").replace("_", " ")


def _finding(
    kind: str, policy: str, place: int, statement: Statement, request: AccessRequest
) -> Finding:
    resources = statement.resources
    named = statement.names(request.principal)
    return Finding(
        kind=kind,
        policy=policy,
        statement=f"`{statement.sid}`" if statement.sid else f"number {place}",
        effect=statement.effect,
        principal=bool(named),
        action=statement.actions.match(request.action_key) != statement.not_action,
        resource=resources is None
        or resources.match(request.resource, request.values) != statement.not_resource,
        conditions=tuple(_tested(each, request) for each in statement.conditions),
        delegates=named == _ACCOUNT,
    )


def _tested(condition: Condition, request: AccessRequest) -> TestedCondition:
    value: str | Sequence[str] = request.values.get(condition.key, ())
    try:
        holds: bool | None = condition.holds(request.values)
    except NotEmulated:  # `decide` never came so far
        holds = None
    has = (value,) if isinstance(value, str) else tuple(value)
    return TestedCondition(condition.name, condition.written, condition.wanted, has, holds)


def _holding(conditions: Sequence[TestedCondition], lead: str) -> str:
    if not conditions:
        return ""
    words = " and ".join(each.words for each in conditions)
    return f"{lead} condition{'s' if len(conditions) > 1 else ''} {words} " + (
        "hold" if len(conditions) > 1 else "holds"
    )


def _nobody(principal: Principal, kind: str) -> str:
    if kind == "identity":
        owner = {"role-session": "role"}.get(principal.kind, "user")
        return f"The {owner} has no policy"
    return "The resource has no policy"


def _capital(statement: str) -> str:
    return f"Statement {statement}"
