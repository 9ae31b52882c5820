"""AWS Organizations: as much as it takes to limit accounts by policies.

https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, TypeVar

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Authorize, Call, Check
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.validation import Dialect, Validator
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.organizations.control_policies import (
    MOST_ATTACHED,
    RCP,
    SCP,
    ControlPolicy,
    read_control_policy,
)
from workshop_lib.sandbox.services.organizations.organization import (
    Invitation,
    Member,
    Organization,
    Unit,
)

Parameters = dict[str, Any]
VALIDATOR = Validator("organizations", Dialect(code="InvalidInputException"))
_Child = TypeVar("_Child", Unit, Member)
_DEEPEST = 5  # units below each other
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_SENTENCES = {
    "AWSOrganizationsNotInUseException": "Your account is not a member of an organization.",
    "AccessDeniedException": "You don't have permissions to access this resource.",
    "AccountNotFoundException": "You specified an account that doesn't exist.",
    "AlreadyInOrganizationException": (
        "The provided account is already a member of an organization."
    ),
    "ChildNotFoundException": "You specified a child that doesn't exist.",
    "DestinationParentNotFoundException": (
        "You specified a destination container that doesn't exist."
    ),
    "DuplicateAccountException": "That account is already present in the specified destination.",
    "DuplicateHandshakeException": (
        "A handshake with the same action and target already exists."
    ),
    "DuplicateOrganizationalUnitException": "An OU with the same name already exists.",
    "DuplicatePolicyAttachmentException": (
        "The selected policy is already attached to the specified target."
    ),
    "DuplicatePolicyException": "A policy with the specified name and type already exists.",
    "HandshakeAlreadyInStateException": "The handshake is already in the requested state.",
    "HandshakeNotFoundException": "You specified a handshake that doesn't exist.",
    "InvalidHandshakeTransitionException": (
        "You can't perform the operation on the handshake in its current state."
    ),
    "MasterCannotLeaveOrganizationException": (
        "You can't remove a management account from an organization."
    ),
    "OrganizationNotEmptyException": (
        "To delete an organization you must first remove all member accounts (except the master)."
    ),
    "OrganizationalUnitNotEmptyException": "The specified OU is not empty.",
    "OrganizationalUnitNotFoundException": (
        "You specified an organizational unit that doesn't exist."
    ),
    "ParentNotFoundException": "You specified a parent that doesn't exist.",
    "PolicyInUseException": (
        "The policy is attached to one or more entities. You must detach it from all roots, OUs, "
        "and accounts before performing this operation."
    ),
    "PolicyNotAttachedException": "The policy isn't attached to the specified target.",
    "PolicyNotFoundException": "You specified a policy that doesn't exist.",
    "PolicyTypeAlreadyEnabledException": "The specified policy type is already enabled.",
    "PolicyTypeNotEnabledException": (
        "This operation can be performed only for enabled policy types."
    ),
    "RootNotFoundException": "You specified a root that doesn't exist.",
    "SourceParentNotFoundException": "You specified a source parent that doesn't exist.",
    "TargetNotFoundException": "You specified a target that doesn't exist.",
}  # fmt: skip
# What an account that is in no organization, or is not the management account, may ask for.
_OF_ANYBODY = {"AcceptHandshake", "CreateOrganization", "DeclineHandshake",
               "ListHandshakesForAccount"}  # fmt: skip
_OF_MEMBERS = {"DescribeOrganization", "LeaveOrganization"}


class Organizations(Service):
    """Organizations' operations; the organizations are the same for all accounts."""

    def __init__(self, foundations: Foundations) -> None:
        self._foundations = foundations
        self._all = foundations.common(_Organizations)
        self._handlers: dict[str, Callable[[Call, Parameters], Parameters | None]] = {
            "AcceptHandshake": self._accept,
            "AttachPolicy": self._attach,
            "CancelHandshake": self._cancel,
            "CreateOrganization": self._create,
            "CreateOrganizationalUnit": self._create_unit,
            "CreatePolicy": self._create_policy,
            "DeclineHandshake": self._decline,
            "DeleteOrganization": self._delete,
            "DeleteOrganizationalUnit": self._delete_unit,
            "DeletePolicy": self._delete_policy,
            "DescribeAccount": self._describe_account,
            "DescribeOrganization": self._describe,
            "DescribeOrganizationalUnit": self._describe_unit,
            "DescribePolicy": self._describe_policy,
            "DetachPolicy": self._detach,
            "DisablePolicyType": self._disable,
            "EnablePolicyType": self._enable,
            "InviteAccountToOrganization": self._invite,
            "LeaveOrganization": self._leave,
            "ListAccounts": self._list_accounts,
            "ListAccountsForParent": self._list_accounts_for_parent,
            "ListHandshakesForAccount": self._list_handshakes_for_account,
            "ListHandshakesForOrganization": self._list_handshakes,
            "ListOrganizationalUnitsForParent": self._list_units,
            "ListParents": self._list_parents,
            "ListPolicies": self._list_policies,
            "ListPoliciesForTarget": self._list_policies_for_target,
            "ListRoots": self._list_roots,
            "ListTargetsForPolicy": self._list_targets,
            "MoveAccount": self._move,
            "RemoveAccountFromOrganization": self._remove,
            "UpdatePolicy": self._update_policy,
        }
        self.operations = tuple(self._handlers)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer an Organizations call. Raises AwsError, NotEmulated."""
        asked = VALIDATOR.validate(call.operation, call.parameters)
        authorize(call, [self._check(call, asked)])
        if asked.get("Tags"):
            raise NotEmulated(f"The sandbox does not emulate Tags of {call.operation}.")
        if call.operation not in _OF_ANYBODY:
            organization = self._organization(call)
            if call.operation not in _OF_MEMBERS and organization.management != call.account:
                raise _error("AccessDeniedException")
        result = self._handlers[call.operation](call, asked)
        if not call.operation.startswith(("Describe", "List")):
            self._all.tell(self._foundations)
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "x-amzn-RequestId": call.request_id,
        }
        body = b"" if result is None else json.dumps(result, default=_seconds).encode()
        return Response(200, headers, body)

    def _check(self, call: Call, asked: Parameters) -> Check:
        """https://docs.aws.amazon.com/service-authorization/latest/reference/list_organizations.html"""
        organization = self._all.of(call.account)
        resource, context = "*", {}
        policy = organization and organization.policies.get(asked.get("PolicyId", ""))
        if organization is not None and policy:
            resource, context = policy.arn, {"organizations:PolicyType": policy.type}
        for name in ("Type", "PolicyType", "Filter"):
            if name in asked:
                context = {"organizations:PolicyType": asked[name]}
        if organization is not None and resource == "*":
            kinds = {"RootId": "root", "OrganizationalUnitId": "ou", "AccountId": "account"}
            found = [organization.arn(kind, asked[n]) for n, kind in kinds.items() if n in asked]
            resource = found[0] if found else "*"
        return Check(f"organizations:{call.operation}", resource, context)

    # --- the organization ------------------------------------------------------------------

    def _organization(self, call: Call) -> Organization:
        """The organization that the caller's account is in. Raises AwsError."""
        found = self._all.of(call.account)
        if found is None:
            raise _error("AWSOrganizationsNotInUseException")
        return found

    def _create(self, call: Call, asked: Parameters) -> Parameters:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html"""
        if asked.get("FeatureSet", "ALL") != "ALL":
            raise NotEmulated(
                "The sandbox does not emulate organizations for consolidated billing only: leave "
                "FeatureSet out."
            )
        if self._all.of(call.account) is not None:
            raise _error("AlreadyInOrganizationException")
        organization = self._all.new(call.account)
        self._join(organization, call.account)
        organization.enable(SCP)
        return {"Organization": organization.shown()}

    def _join(self, organization: Organization, account: str) -> None:
        name = self._foundations.accounts[account].name
        member = Member(account, name, organization.root, clock.now())
        organization.members[account] = member
        organization.welcome(account)

    def _describe(self, call: Call, asked: Parameters) -> Parameters:
        return {"Organization": self._organization(call).shown()}

    def _delete(self, call: Call, asked: Parameters) -> None:
        organization = self._organization(call)
        if len(organization.members) > 1:
            raise _error("OrganizationNotEmptyException")
        if organization.units:
            raise _error("OrganizationNotEmptyException")
        self._all.remove(organization)

    # --- accounts --------------------------------------------------------------------------

    def _invite(self, call: Call, asked: Parameters) -> Parameters:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html"""
        organization, target = self._organization(call), asked["Target"]
        account = target["Id"]
        if target["Type"] != "ACCOUNT" or account not in self._foundations.accounts:
            raise NotEmulated(
                'The sandbox invites its own accounts by their ids only: lab.account("audit") '
                "makes one."
            )
        if account in organization.members:
            raise _constraint("HandshakeConstraintViolationException", "ALREADY_IN_AN_ORGANIZATION",
                              "The target is already a member of an organization.")  # fmt: skip
        if any(i.account == account and i.state == "OPEN"
               for i in organization.invitations.values()):  # fmt: skip
            raise _error("DuplicateHandshakeException")
        id = self._all.new_id("h", 32)
        invitation = Invitation(id, account, clock.now(), asked.get("Notes"))
        organization.invitations[id] = invitation
        return {"Handshake": organization.shown_invitation(invitation)}

    def _invitation(self, id: str) -> tuple[Organization, Invitation]:
        for organization in self._all.organizations:
            if id in organization.invitations:
                return organization, organization.invitations[id]
        raise _error("HandshakeNotFoundException")

    def _settle(self, id: str, state: str, by: Callable[[Organization, Invitation], str],
                call: Call) -> tuple[Organization, Invitation]:  # fmt: skip
        organization, invitation = self._invitation(id)
        if by(organization, invitation) != call.account:
            raise _error("AccessDeniedException")
        if invitation.state == state:
            raise _error("HandshakeAlreadyInStateException")
        if invitation.state != "OPEN":
            raise _error("InvalidHandshakeTransitionException")
        return organization, invitation

    def _accept(self, call: Call, asked: Parameters) -> Parameters:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_AcceptHandshake.html"""
        organization, invitation = self._settle(
            asked["HandshakeId"], "ACCEPTED", lambda _, each: each.account, call
        )
        if self._all.of(call.account) is not None:
            raise _constraint(
                "HandshakeConstraintViolationException", "ALREADY_IN_AN_ORGANIZATION",
                "The target is already a member of an organization.",
            )  # fmt: skip
        invitation.settled = "ACCEPTED"
        self._join(organization, call.account)
        return {"Handshake": organization.shown_invitation(invitation)}

    def _decline(self, call: Call, asked: Parameters) -> Parameters:
        organization, invitation = self._settle(
            asked["HandshakeId"], "DECLINED", lambda _, each: each.account, call
        )
        invitation.settled = "DECLINED"
        return {"Handshake": organization.shown_invitation(invitation)}

    def _cancel(self, call: Call, asked: Parameters) -> Parameters:
        organization, invitation = self._settle(
            asked["HandshakeId"], "CANCELED", lambda of, _: of.management, call
        )
        invitation.settled = "CANCELED"
        return {"Handshake": organization.shown_invitation(invitation)}

    def _list_handshakes(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        found = [organization.shown_invitation(i) for i in organization.invitations.values()]
        return _page(found, asked, "Handshakes")

    def _list_handshakes_for_account(self, call: Call, asked: Parameters) -> Parameters:
        found = [
            organization.shown_invitation(invitation)
            for organization in self._all.organizations
            for invitation in organization.invitations.values()
            if invitation.account == call.account
        ]
        return _page(found, asked, "Handshakes")

    def _list_accounts(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        found = [organization.shown_member(member) for member in organization.members.values()]
        return _page(found, asked, "Accounts")

    def _member(self, organization: Organization, account: str) -> Member:
        if account not in organization.members:
            raise _error("AccountNotFoundException")
        return organization.members[account]

    def _describe_account(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        member = self._member(organization, asked["AccountId"])
        return {"Account": organization.shown_member(member)}

    def _move(self, call: Call, asked: Parameters) -> None:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html"""
        organization = self._organization(call)
        member = self._member(organization, asked["AccountId"])
        if asked["SourceParentId"] != member.parent:
            raise _error("SourceParentNotFoundException")
        if not organization.is_parent(asked["DestinationParentId"]):
            raise _error("DestinationParentNotFoundException")
        if asked["DestinationParentId"] == member.parent:
            raise _error("DuplicateAccountException")
        member.parent = asked["DestinationParentId"]

    def _leave(self, call: Call, asked: Parameters) -> None:
        self._part(self._organization(call), call.account)

    def _remove(self, call: Call, asked: Parameters) -> None:
        organization = self._organization(call)
        self._part(organization, self._member(organization, asked["AccountId"]).id)

    def _part(self, organization: Organization, account: str) -> None:
        if account == organization.management:
            raise _error("MasterCannotLeaveOrganizationException")
        del organization.members[account]
        organization.forget(account)

    # --- root and units --------------------------------------------------------------------

    def _list_roots(self, call: Call, asked: Parameters) -> Parameters:
        return _page([self._organization(call).shown_root()], asked, "Roots")

    def _parent(self, organization: Organization, id: str) -> str:
        if not organization.is_parent(id):
            raise _error("ParentNotFoundException")
        return id

    def _unit(self, organization: Organization, id: str) -> Unit:
        if id not in organization.units:
            raise _error("OrganizationalUnitNotFoundException")
        return organization.units[id]

    def _create_unit(self, call: Call, asked: Parameters) -> Parameters:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganizationalUnit.html"""
        organization, name = self._organization(call), asked["Name"]
        parent = self._parent(organization, asked["ParentId"])
        if any(each.parent == parent and each.name == name for each in organization.units.values()):
            raise _error("DuplicateOrganizationalUnitException")
        if len(organization.way_to(parent)) > _DEEPEST:
            raise _constraint(
                "ConstraintViolationException", "OU_DEPTH_LIMIT_EXCEEDED",
                "You have exceeded the allowed OU nesting depth.",
            )  # fmt: skip
        id = self._all.new_id(f"ou-{organization.root.removeprefix('r-')}", 8)
        unit = organization.units[id] = Unit(id, name, parent)
        organization.welcome(id)
        return {"OrganizationalUnit": organization.shown_unit(unit)}

    def _delete_unit(self, call: Call, asked: Parameters) -> None:
        organization = self._organization(call)
        unit = self._unit(organization, asked["OrganizationalUnitId"])
        if any(organization.children(unit.id)):
            raise _error("OrganizationalUnitNotEmptyException")
        del organization.units[unit.id]
        organization.forget(unit.id)

    def _describe_unit(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        unit = self._unit(organization, asked["OrganizationalUnitId"])
        return {"OrganizationalUnit": organization.shown_unit(unit)}

    def _list_units(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        units = self._children(organization, asked, Unit)
        found = [organization.shown_unit(each) for each in units]
        return _page(found, asked, "OrganizationalUnits")

    def _list_accounts_for_parent(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        members = self._children(organization, asked, Member)
        return _page([organization.shown_member(each) for each in members], asked, "Accounts")

    def _children(
        self, organization: Organization, asked: Parameters, kind: type[_Child]
    ) -> list[_Child]:
        """What of this kind a root or unit holds itself."""
        parent = self._parent(organization, asked["ParentId"])
        return [each for each in organization.children(parent) if isinstance(each, kind)]

    def _list_parents(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        parent = organization.parent_of(asked["ChildId"])
        if parent is None:
            raise _error("ChildNotFoundException")
        type = "ROOT" if parent == organization.root else "ORGANIZATIONAL_UNIT"
        return _page([{"Id": parent, "Type": type}], asked, "Parents")

    # --- policies --------------------------------------------------------------------------

    def _enable(self, call: Call, asked: Parameters) -> Parameters:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnablePolicyType.html"""
        organization, type = self._root(call, asked)
        if type in organization.enabled:
            raise _error("PolicyTypeAlreadyEnabledException")
        organization.enable(type)
        return {"Root": organization.shown_root()}

    def _disable(self, call: Call, asked: Parameters) -> Parameters:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisablePolicyType.html"""
        organization, type = self._root(call, asked)
        if type not in organization.enabled:
            raise _error("PolicyTypeNotEnabledException")
        organization.disable(type)
        return {"Root": organization.shown_root()}

    def _root(self, call: Call, asked: Parameters) -> tuple[Organization, str]:
        organization = self._organization(call)
        if asked["RootId"] != organization.root:
            raise _error("RootNotFoundException")
        return organization, _control(asked["PolicyType"])

    def _policy(self, organization: Organization, id: str) -> ControlPolicy:
        if id not in organization.policies:
            raise _error("PolicyNotFoundException")
        return organization.policies[id]

    def _own_policy(self, organization: Organization, id: str) -> ControlPolicy:
        """A policy that may be changed: AWS's own may not. Raises AwsError."""
        policy = self._policy(organization, id)
        if policy.aws_managed:
            raise _constraint(
                "InvalidInputException", "IMMUTABLE_POLICY",
                "You specified a policy that is managed by AWS and can't be modified.",
            )  # fmt: skip
        return policy

    def _create_policy(self, call: Call, asked: Parameters) -> Parameters:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html"""
        organization, type = self._organization(call), _control(asked["Type"])
        self._require_name(organization, type, asked["Name"], None)
        id = self._all.new_id("p", 8)
        arn = organization.arn("policy", type.lower(), id)
        compiled = read_control_policy(asked["Content"], type, arn)
        policy = ControlPolicy(
            id, arn, type, asked["Name"], asked["Description"], asked["Content"], compiled
        )
        organization.policies[id] = policy
        return {"Policy": policy.shown()}

    def _require_name(
        self, organization: Organization, type: str, name: str, but: str | None
    ) -> None:
        for policy in organization.policies.values():
            if (policy.type, policy.name) == (type, name) and policy.id != but:
                raise _error("DuplicatePolicyException")

    def _update_policy(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        policy = self._own_policy(organization, asked["PolicyId"])
        name = asked.get("Name", policy.name)
        self._require_name(organization, policy.type, name, policy.id)
        if "Content" in asked:
            policy.write(asked["Content"])
        policy.name, policy.description = name, asked.get("Description", policy.description)
        return {"Policy": policy.shown()}

    def _delete_policy(self, call: Call, asked: Parameters) -> None:
        organization = self._organization(call)
        policy = self._own_policy(organization, asked["PolicyId"])
        if policy.targets:
            raise _error("PolicyInUseException")
        del organization.policies[policy.id]

    def _describe_policy(self, call: Call, asked: Parameters) -> Parameters:
        return {"Policy": self._policy(self._organization(call), asked["PolicyId"]).shown()}

    def _attachment(self, call: Call, asked: Parameters) -> tuple[Organization, ControlPolicy, str]:
        organization = self._organization(call)
        policy, target = self._policy(organization, asked["PolicyId"]), asked["TargetId"]
        if target not in organization.targets():
            raise _error("TargetNotFoundException")
        return organization, policy, target

    def _attach(self, call: Call, asked: Parameters) -> None:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html"""
        organization, policy, target = self._attachment(call, asked)
        if policy.type not in organization.enabled:
            raise _error("PolicyTypeNotEnabledException")
        if target in policy.targets:
            raise _error("DuplicatePolicyAttachmentException")
        if len(organization.attached(target, policy.type)) >= MOST_ATTACHED[policy.type]:
            raise _constraint(
                "ConstraintViolationException", "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You have attached the maximum number of policies to the specified target.",
            )  # fmt: skip
        policy.targets.append(target)

    def _detach(self, call: Call, asked: Parameters) -> None:
        """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DetachPolicy.html"""
        organization, policy, target = self._attachment(call, asked)
        if target not in policy.targets:
            raise _error("PolicyNotAttachedException")
        if policy.aws_managed and policy.type == RCP:
            raise _constraint(
                "InvalidInputException", "NON_DETACHABLE_POLICY",
                "You can't detach the RCPFullAWSAccess policy.",
            )  # fmt: skip
        if len(organization.attached(target, policy.type)) == 1:
            raise _constraint(
                "ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You cannot remove the last policy attached to the specified target. You must have "
                "at least one attached at all times.",
            )  # fmt: skip
        policy.targets.remove(target)

    def _list_policies(self, call: Call, asked: Parameters) -> Parameters:
        organization, type = self._organization(call), _control(asked["Filter"])
        found = [each.summary() for each in organization.policies.values() if each.type == type]
        return _page(found, asked, "Policies")

    def _list_policies_for_target(self, call: Call, asked: Parameters) -> Parameters:
        organization, type = self._organization(call), _control(asked["Filter"])
        if asked["TargetId"] not in organization.targets():
            raise _error("TargetNotFoundException")
        found = [each.summary() for each in organization.attached(asked["TargetId"], type)]
        return _page(found, asked, "Policies")

    def _list_targets(self, call: Call, asked: Parameters) -> Parameters:
        organization = self._organization(call)
        policy = self._policy(organization, asked["PolicyId"])
        found = [organization.shown_target(target) for target in policy.targets]
        return _page(found, asked, "Targets")


class _Organizations:
    """All organizations of the sandbox: an account is in one at most."""

    def __init__(self, foundations: Foundations) -> None:
        self.organizations: list[Organization] = []
        self._made = 0

    def new_id(self, prefix: str, length: int) -> str:
        """An identifier that depends only on how many were made before."""
        self._made += 1
        letters = Random(f"{prefix}-{self._made}").choices(_ID_LETTERS, k=length)
        return f"{prefix}-{''.join(letters)}"

    def new(self, management: str) -> Organization:
        """A new organization, of which an account is the management account."""
        made = Organization(self.new_id("o", 10), self.new_id("r", 4), management, self.new_id)
        self.organizations.append(made)
        return made

    def remove(self, organization: Organization) -> None:
        """Delete an organization."""
        self.organizations.remove(organization)

    def of(self, account: str) -> Organization | None:
        """The organization that an account is in."""
        return next((each for each in self.organizations if account in each.members), None)

    def tell(self, foundations: Foundations) -> None:
        """Let every call know who is where, and under which policies."""
        memberships = {
            account: organization.membership(account)
            for organization in self.organizations
            for account in organization.members
        }
        foundations.memberships.clear()
        foundations.memberships.update(memberships)


def _control(type: str) -> str:
    """A type of policy that is emulated. Raises NotEmulated for any other."""
    if type not in (SCP, RCP):
        raise NotEmulated(f"The sandbox does not emulate policies of the type {type}.")
    return type


def _error(code: str) -> AwsError:
    return AwsError(code, _SENTENCES[code])


def _constraint(code: str, reason: str, message: str) -> AwsError:
    return AwsError(code, message, fields={"Reason": reason})


def _page(found: Sequence[Mapping[str, Any]], asked: Parameters, name: str) -> Parameters:
    """One page, by MaxResults and NextToken. Raises AwsError InvalidInputException."""
    start, size = 0, asked.get("MaxResults", 20)
    if "NextToken" in asked:
        try:
            token = base64.b64decode(asked["NextToken"], validate=True).decode()
        except ValueError:
            token = ""
        if not re.fullmatch(r"page-\d{1,9}", token, re.ASCII):
            raise _constraint("InvalidInputException", "INVALID_NEXT_TOKEN",
                              "You specified an invalid value for NextToken.")  # fmt: skip
        start = int(token.removeprefix("page-"))
    end = start + size
    more = {"NextToken": base64.b64encode(f"page-{end}".encode()).decode()}
    return {name: list(found[start:end]), **(more if end < len(found) else {})}


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(type(value).__name__)
