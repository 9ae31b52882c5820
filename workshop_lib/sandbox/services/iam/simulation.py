"""IAM's policy simulator: what policies would say of a request that nobody makes.

The evaluator is the one that decides real requests; what is in the request's context is what the
simulation is given, and nothing else.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from xml.sax.saxutils import escape

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.iam import EntityKind, Group, IamStore, Role, User
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import AccessRequest, Policy, Principal, decide
from workshop_lib.sandbox.policy.grammar import Kind, MalformedPolicy, listed, read_document
from workshop_lib.sandbox.policy.organization import Membership
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.query_form import read_form

OPERATIONS = (
    "SimulateCustomPolicy", "SimulatePrincipalPolicy", "GetContextKeysForCustomPolicy",
    "GetContextKeysForPrincipalPolicy",
)  # fmt: skip
_NOT_EMULATED = (
    "OrderedOrganizationPolicyInputList", "PolicyExclusionList", "ResourcePolicy", "ResourceOwner",
    "ResourceHandlingOption", "CallerArn",
)  # fmt: skip
_ENTITY = re.compile(r"arn:[\w-]+:iam::\d{12}:(user|group|role)/(?:.*/)?([^/]+)", re.ASCII)
_VARIABLE = re.compile(r"\$\{([^*?$}',]+)")


@dataclass(frozen=True)
class _Documents:
    """The policies of a simulation; ``boundary`` is None where nothing limits them."""

    policies: list[str]
    boundary: str | None

    @property
    def all(self) -> list[str]:
        return [*self.policies, *([] if self.boundary is None else [self.boundary])]


class Simulation:
    """The simulator, and the context keys it asks for."""

    def __init__(self, iam: IamStore, account: str) -> None:
        self._iam = iam
        self._account = account

    def answer(self, call: Call) -> str:
        """The result of a call of the simulator, in XML. Raises AwsError, NotEmulated."""
        asked = read_form("iam", call.operation, call.parameters)
        for name in _NOT_EMULATED:
            if name in asked:
                raise NotEmulated(f"The sandbox does not emulate {name} of {call.operation}.")
        documents = self._documents(asked)
        if call.operation.startswith("GetContextKeys"):
            names = "".join(f"<member>{escape(key)}</member>" for key in _keys_in(documents.all))
            return f"<ContextKeyNames>{names}</ContextKeyNames>"
        member = call.memberships.get(self._account) if "PolicySourceArn" in asked else None
        return _paged(self._results(asked, documents, member), asked)

    def _documents(self, asked: Mapping[str, Any]) -> _Documents:
        policies, boundary = list(asked.get("PolicyInputList", ())), None
        if "PolicySourceArn" in asked:
            entity = self._entity(asked["PolicySourceArn"])
            policies = [*self._iam.documents_of(entity), *policies]
            boundary = self._iam.boundary_document(entity)
        for given in asked.get("PermissionsBoundaryPolicyInputList", ()):
            boundary = given
        return _Documents(policies, boundary)

    def _entity(self, arn: str) -> User | Group | Role:
        found = _ENTITY.fullmatch(arn)
        if found is None:
            message = f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
            raise AwsError("InvalidInput", message)
        kind, name = found.groups()
        entity = self._iam.find(cast(EntityKind, kind), name)
        if entity is None:
            message = f"The {kind} with name {name} cannot be found."
            raise AwsError("NoSuchEntity", message, 404)
        return entity

    def _results(
        self, asked: Mapping[str, Any], documents: _Documents, member: Membership | None
    ) -> Iterator[str]:
        boundary = None if documents.boundary is None else _parsed(documents.boundary, "boundary")
        principal = Principal(
            "user",
            f"arn:aws:iam::{self._account}:user/simulated",
            self._account,
            identity_policies=tuple(_parsed(text, "identity") for text in documents.policies),
            boundary=boundary,
        )
        context = dict(_context(asked.get("ContextEntries", ())))
        given = {key.lower() for key in context}
        missing = [key for key in _keys_in(documents.all) if key.lower() not in given]
        for action in asked["ActionNames"]:
            if not re.fullmatch(r"[\w-]+:\w+", action, re.ASCII):
                raise NotEmulated(f"The sandbox simulates single actions, not {action!r}.")
            for resource in asked.get("ResourceArns") or ["*"]:
                yield _result(AccessRequest(principal, action, resource, context), missing, member)


def _result(request: AccessRequest, missing: Sequence[str], member: Membership | None) -> str:
    """One result; ``member`` is the account's place in an organization, None for none.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
    """
    controls = () if member is None else member.service_controls
    decision = decide(request, service_controls=controls)
    told = (
        "allowed" if decision.allowed else "explicitDeny" if decision.explicit else "implicitDeny"
    )
    keys = "".join(f"<member>{escape(key)}</member>" for key in missing)
    limit = ""
    if member is not None:
        inside = all(
            any(policy.allows(request) for policy in place)
            and not any(policy.denies(request) for policy in place)
            for place in controls
        )
        limit = (
            f"<OrganizationsDecisionDetail><AllowedByOrganizations>{str(inside).lower()}"
            "</AllowedByOrganizations></OrganizationsDecisionDetail>"
        )
    boundary = request.principal.boundary
    if boundary is not None:
        inside = boundary.allows(request) and not boundary.denies(request)
        limit += (
            "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>"
            f"{str(inside).lower()}</AllowedByPermissionsBoundary>"
            "</PermissionsBoundaryDecisionDetail>"
        )
    return (
        f"<member><EvalActionName>{escape(request.action)}</EvalActionName>"
        f"<EvalResourceName>{escape(request.resource)}</EvalResourceName>"
        f"<EvalDecision>{told}</EvalDecision>"
        f"<MissingContextValues>{keys}</MissingContextValues>{limit}</member>"
    )


def _paged(results: Iterable[str], asked: Mapping[str, Any]) -> str:
    found = list(results)
    start = int(asked.get("Marker", "0"))
    end = start + asked.get("MaxItems", len(found))
    rest = f"<Marker>{end}</Marker>" if end < len(found) else ""
    return (
        f"<EvaluationResults>{''.join(found[start:end])}</EvaluationResults>"
        f"<IsTruncated>{str(bool(rest)).lower()}</IsTruncated>{rest}"
    )


def _parsed(document: str, kind: Kind) -> Policy:
    """A policy, which may ask for any key: the simulation is given what the request carries."""
    try:
        return parse_policy(document, kind=kind, known_keys=lambda key: True)
    except MalformedPolicy as error:
        raise AwsError("InvalidInput", error.reason) from None


def _context(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str | list[str]]]:
    for entry in entries:
        values = list(entry.get("ContextKeyValues", ()))
        if not entry.get("ContextKeyType", "string").endswith("List"):
            values = values[:1]
            if values:
                yield entry["ContextKeyName"], values[0]
            continue
        yield entry["ContextKeyName"], values


def _keys_in(documents: Iterable[str]) -> list[str]:
    """The context keys that policies ask for, in conditions and variables, each once."""
    found: dict[str, str] = {}
    for document in documents:
        try:
            statements, variables = read_document(document, "identity")
        except MalformedPolicy as error:
            raise AwsError("InvalidInput", error.reason) from None
        for statement in statements:
            texts = listed(statement, "Resource")
            for tests in statement.get("Condition", {}).values():
                for key in tests:
                    found.setdefault(key.lower(), key)
                    texts = [*texts, *(str(value) for value in listed(tests, key))]
            for text in texts if variables else ():
                for key in _VARIABLE.findall(text):
                    found.setdefault(key.strip().lower(), key.strip())
    return list(found.values())
