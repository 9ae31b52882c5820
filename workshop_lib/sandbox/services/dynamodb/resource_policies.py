"""Resource-based policies of DynamoDB's tables and streams.

Within one account such a policy decides together with the caller's own: either may allow, any may
deny. Refusals as the AWS-verified tests of moto and issues of Terraform's AWS provider (42933), the
AWS CDK (37335) and AWS's DynamoDB controller for Kubernetes (176) show them, and the probes of
October 2026 (DDB-TABLE-209 to 214, 351 to 356):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.request_context import request_context
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.policy.condition_keys import known_condition_key
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import AccessRequest, Policy, decide
from workshop_lib.sandbox.policy.grammar import MalformedPolicy, listed, read_document
from workshop_lib.sandbox.policy.principals import unknown_principal
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_model import description
from workshop_lib.sandbox.services.dynamodb.permissions import account_in
from workshop_lib.sandbox.services.dynamodb.policy_documents import in_form, is_public, shown
from workshop_lib.sandbox.services.dynamodb.resource_arns import (
    invalid,
    require_here,
    require_resource,
)

_MOST_BYTES = 20 * 1024
_UNBOUNDED = (
    "Resource-based policy grants unbounded access in one or more elements. Please revise the "
    "policy to ensure least-privilege form of access"
)
# Principals of AWS's that may stand in such a policy.
_SERVICES = {"redshift.amazonaws.com", "replication.dynamodb.amazonaws.com"}
# Actions that are no operation of the API.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_dynamodb.html
_PERMISSIONS_ONLY = {
    "associatetablereplica", "conditioncheckitem", "createtablereplica", "deletetablereplica",
    "describestream", "getabacstatus", "getrecords", "getsharditerator", "partiqldelete",
    "partiqlinsert", "partiqlselect", "partiqlupdate", "readdataforreplication",
    "replicatesettings", "updateglobaltableversion", "writedataforreplication",
}  # fmt: skip
# What is not about a table or a stream.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-iam-actions.html
_UNSUPPORTED = {
    "createglobaltable", "createtable", "deletebackup", "describebackup", "describeendpoints",
    "describeexport", "describeglobaltable", "describeglobaltablesettings", "describeimport",
    "describelimits", "importtable", "listbackups", "listcontributorinsights", "listexports",
    "listglobaltables", "listimports", "liststreams", "listtables", "restoretablefrombackup",
    "updateglobaltable", "updateglobaltablesettings",
}  # fmt: skip


@dataclass(frozen=True)
class _Attached:
    document: str
    revision: str
    compiled: Policy


class ResourcePolicies:
    """An account's policies by the ARN of their table or stream; ``exists`` tells whether an ARN of
    IAM's is somebody's."""

    def __init__(self, account: str, exists: Callable[[str], bool]) -> None:
        self._account = account
        self._exists = exists
        self._attached: dict[str, _Attached] = {}
        self._last_revision = 0

    def applied(self, checks: Iterable[Check]) -> Iterator[Check]:
        """The checks, each with the policy of the table or stream that it is about, and whose it
        is."""
        for check in checks:
            if self._account not in check.resource and (account := account_in(check.resource)):
                check = check._replace(owner=account)
            found = self._attached and self._attached.get(_holder(check.resource))
            yield check._replace(resource_policy=found.compiled) if found else check

    def read(self, call: Call, arn: str, document: str) -> Policy:
        """A policy that may be attached to ``arn``. Raises AwsError ValidationException."""
        if len(document.encode()) > _MOST_BYTES:
            raise invalid(f"Maximum policy size of {_MOST_BYTES} bytes exceeded")
        try:
            policy = parse_policy(document, kind="table", known_keys=known_condition_key)
        except MalformedPolicy as error:
            raise invalid(f"Invalid policy document: {error.reason}") from None
        self._require_principals(policy)
        _require_actions(document)
        if is_public(document):
            raise AwsError("ValidationException", _UNBOUNDED)
        if not call.parameters.get("ConfirmRemoveSelfResourceAccess"):
            _require_no_lockout(call, policy, arn)
        return policy

    def _require_principals(self, policy: Policy) -> None:
        for statement in policy.statements:
            named = statement.principals
            if named is not None and not named.services <= _SERVICES:
                raise invalid("Invalid policy document: Policy contains invalid service principal")
        if unknown_principal(policy, self._exists):
            raise invalid("Invalid principal in policy document.")

    def put(self, arn: str, document: str, policy: Policy, expected: str | None) -> str:
        """Attach a policy; its revision, which the same document put again does not change.

        Raises AwsError PolicyNotFoundException where another revision than ``expected`` is there.
        """
        present = self._attached.get(arn)
        if expected == "NO_POLICY" and present is not None:
            raise _not_found(
                "Requested policy update expecting none to be present for table "
                f"{_table(arn)}, but a policy exists with revision id {present.revision}."
            )
        if expected not in (None, "NO_POLICY"):
            _require_revision(arn, present, expected)
        if present is not None and in_form(present.document) == in_form(document):
            return present.revision
        self._last_revision = max(self._last_revision + 1, int(clock.now().timestamp() * 1000))
        revision = str(self._last_revision)
        self._attached[arn] = _Attached(document, revision, policy)
        return revision

    def get(self, arn: str) -> dict[str, str]:
        """What GetResourcePolicy answers. Raises AwsError PolicyNotFoundException."""
        present = self._attached.get(arn)
        if present is None:
            raise _not_found(arn)
        return {"Policy": shown(present.document), "RevisionId": present.revision}

    def delete(self, arn: str, expected: str | None) -> dict[str, str]:
        """Take a policy away; what DeleteResourcePolicy answers, also where there is none.

        Raises AwsError PolicyNotFoundException where another revision than ``expected`` is there.
        """
        present = self._attached.get(arn)
        if expected is not None:
            _require_revision(arn, present, expected)
        if present is None:
            return {}
        del self._attached[arn]
        return {"RevisionId": present.revision}

    def forget(self, table: str) -> None:
        """Drop the policies of a deleted table, by its ARN, and of its streams."""
        for arn in [arn for arn in self._attached if arn == table or arn.startswith(f"{table}/")]:
            del self._attached[arn]


def _holder(resource: str) -> str:
    """The table or stream whose policy decides about a resource."""
    return re.sub(r"/(?:index|backup|export|import)/.*", "", resource)


def _table(arn: str) -> str:
    return arn.split("/")[1]


def _require_revision(arn: str, present: _Attached | None, expected: str | None) -> None:
    if present is None:
        raise _not_found(arn)
    if present.revision != expected:
        raise _not_found(
            f"Requested update for policy with revision id {expected}, but the policy associated "
            f"to target table {_table(arn)} has revision id {present.revision}."
        )


def _require_actions(document: str) -> None:
    known = {name.lower() for name in description("dynamodb")["operations"]} | _PERMISSIONS_ONLY
    for statement in read_document(document, "table")[0]:
        wrong = []
        for action in listed(statement, "Action"):
            service, _, name = action.lower().partition(":")
            pattern = action == "*" or "*" in name or "?" in name
            fits = action == "*" or service == "dynamodb"
            if not fits or (not pattern and (name not in known or name in _UNSUPPORTED)):
                wrong.append(f'"{action}"')
        if wrong:
            names = ", ".join(wrong)
            raise invalid(
                f"Invalid policy document: The following action names are invalid: {names}"
            )


def _require_no_lockout(call: Call, policy: Policy, arn: str) -> None:
    """Refuse a policy that would keep its author from changing it."""
    request = AccessRequest(
        call.caller.principal, "dynamodb:PutResourcePolicy", arn, request_context(call)
    )
    if not decide(request, resource_policy=policy, resource_account=call.account).allowed:
        raise AwsError(
            "AccessDeniedException",
            "The new resource policy will not allow you to update the resource policy in the "
            "future.",
        )


def _not_found(what: str) -> AwsError:
    return AwsError(
        "PolicyNotFoundException",
        f"Resource-based policy not found for the provided ResourceArn: {what}",
    )


def resource_of(call: Call, tables: Mapping[str, Table]) -> str:
    """The ARN that an operation on a policy names, of a table or a stream that exists.

    Raises AwsError ValidationException, ResourceNotFoundException.
    """
    arn = str(call.parameters["ResourceArn"])
    require_resource(arn, streams=True)
    require_here(arn, call.region)
    name, _, label = arn.split(":", 5)[5].removeprefix("table/").partition("/stream/")
    table = tables.get(name)
    if table is None:
        raise _no_such(f"Table: {name} not found")
    if label and label != table.stream_label:
        raise _no_such(f"Stream: {label} not found for Table: {name}")
    return arn


def _no_such(what: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Requested resource not found: {what}")
