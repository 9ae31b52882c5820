"""One organization: its root, units and accounts, and which policies are attached where.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_getting-started_concepts.html
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.policy.evaluation import Controls
from workshop_lib.sandbox.policy.organization import Membership
from workshop_lib.sandbox.services.organizations.control_policies import (
    RCP,
    SCP,
    ControlPolicy,
    full_access,
)

INVITATION_LIFE = timedelta(days=15)


@dataclass
class Member:
    """An account in the organization, and the id of the root or unit it is in."""

    id: str
    name: str
    parent: str
    joined: datetime


@dataclass
class Unit:
    """An organizational unit, and the id of the root or unit it is in."""

    id: str
    name: str
    parent: str


@dataclass
class Invitation:
    """A handshake: an account is asked to join."""

    id: str
    account: str
    made: datetime
    notes: str | None = None
    settled: str | None = None  # ACCEPTED, DECLINED, CANCELED

    @property
    def expires(self) -> datetime:
        """When it can no longer be accepted."""
        return self.made + INVITATION_LIFE

    @property
    def state(self) -> str:
        """OPEN until it is settled or expires."""
        return self.settled or ("EXPIRED" if clock.now() >= self.expires else "OPEN")


@dataclass
class Organization:
    """An organization of the account ``management``. ``new_id`` makes identifiers."""

    id: str
    root: str
    management: str
    new_id: Callable[[str, int], str]
    units: dict[str, Unit] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    policies: dict[str, ControlPolicy] = field(default_factory=dict)
    enabled: list[str] = field(default_factory=list)
    invitations: dict[str, Invitation] = field(default_factory=dict)

    def arn(self, kind: str, *path: str) -> str:
        """The ARN of something of the organization's: "account", "ou", "root", "organization"."""
        return f"arn:aws:organizations::{self.management}:{kind}/{'/'.join((self.id, *path))}"

    # --- who is where ----------------------------------------------------------------------

    def parent_of(self, target: str) -> str | None:
        """The id of what an account or unit is in; None for the root, and for what is not here."""
        found = self.members.get(target) or self.units.get(target)
        return None if found is None else found.parent

    def is_parent(self, id: str) -> bool:
        """Whether it is the root's id, or a unit's."""
        return id == self.root or id in self.units

    def way_to(self, target: str) -> list[str]:
        """The ids from the root down to an account or unit, which is the last of them."""
        way = [target]
        while (parent := self.parent_of(way[0])) is not None:
            way.insert(0, parent)
        return way

    def children(self, parent: str) -> Iterator[Member | Unit]:
        """The accounts and units right below."""
        yield from (member for member in self.members.values() if member.parent == parent)
        yield from (unit for unit in self.units.values() if unit.parent == parent)

    def targets(self) -> list[str]:
        """The ids of all that a policy can be attached to."""
        return [self.root, *self.units, *self.members]

    # --- policies --------------------------------------------------------------------------

    def attached(self, target: str, type: str) -> list[ControlPolicy]:
        """The policies of a type that are attached to a target itself."""
        return [
            policy
            for policy in self.policies.values()
            if policy.type == type and target in policy.targets
        ]

    def enable(self, type: str) -> None:
        """Let policies of a type count; each target begins with AWS's own."""
        self.enabled.append(type)
        allowing = full_access(type)
        self.policies.setdefault(allowing.id, allowing).targets[:] = self.targets()

    def disable(self, type: str) -> None:
        """Let policies of a type count no longer: all are detached."""
        self.enabled.remove(type)
        for policy in self.policies.values():
            if policy.type == type:
                policy.targets.clear()

    def welcome(self, target: str) -> None:
        """Attach AWS's own policies to a new account or unit."""
        for type in self.enabled:
            self.policies[full_access(type).id].targets.append(target)

    def forget(self, target: str) -> None:
        """Detach everything from an account or unit that is gone."""
        for policy in self.policies.values():
            if target in policy.targets:
                policy.targets.remove(target)

    def _controls(self, account: str, type: str) -> Controls:
        """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html"""
        if account == self.management or type not in self.enabled:
            return ()
        return tuple(
            tuple(policy.compiled for policy in self.attached(target, type))
            for target in self.way_to(account)
        )

    def path_of(self, target: str) -> str:
        """The way to an account's or unit's parent: o-…/r-…/ou-…/"""
        return "".join(f"{id}/" for id in (self.id, *self.way_to(target)[:-1]))

    def membership(self, account: str) -> Membership:
        """What permissions depend on, of an account of this organization."""
        return Membership(
            self.id, self.path_of(account), self._controls(account, SCP),
            self._controls(account, RCP),
        )  # fmt: skip

    # --- as it is shown --------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        """The Organization."""
        return {
            "Id": self.id,
            "Arn": self.arn("organization"),
            "FeatureSet": "ALL",
            "MasterAccountArn": self.arn("account", self.management),
            "MasterAccountId": self.management,
            "MasterAccountEmail": email_of(self.management),
            "AvailablePolicyTypes": [{"Type": SCP, "Status": "ENABLED"}],
        }

    def shown_root(self) -> dict[str, Any]:
        """The Root."""
        types = [{"Type": type, "Status": "ENABLED"} for type in self.enabled]
        return {
            "Id": self.root,
            "Arn": self.arn("root", self.root),
            "Name": "Root",
            "PolicyTypes": types,
        }

    def shown_member(self, member: Member) -> dict[str, Any]:
        """The Account."""
        return {
            "Id": member.id,
            "Arn": self.arn("account", member.id),
            "Email": email_of(member.id),
            "Name": member.name,
            "Status": "ACTIVE",
            "State": "ACTIVE",
            "Paths": [f"{self.path_of(member.id)}{member.id}/"],
            "JoinedMethod": "INVITED",
            "JoinedTimestamp": member.joined,
        }

    def shown_unit(self, unit: Unit) -> dict[str, Any]:
        """The OrganizationalUnit."""
        return {
            "Id": unit.id,
            "Arn": self.arn("ou", unit.id),
            "Name": unit.name,
            "Path": f"{self.path_of(unit.id)}{unit.id}/",
        }

    def shown_target(self, target: str) -> dict[str, Any]:
        """The PolicyTargetSummary."""
        if target == self.root:
            shown, type = self.shown_root(), "ROOT"
        elif target in self.units:
            shown, type = self.shown_unit(self.units[target]), "ORGANIZATIONAL_UNIT"
        else:
            shown, type = self.shown_member(self.members[target]), "ACCOUNT"
        return {"TargetId": target, "Arn": shown["Arn"], "Name": shown["Name"], "Type": type}

    def shown_invitation(self, invitation: Invitation) -> dict[str, Any]:
        """The Handshake."""
        resources: list[dict[str, Any]] = [
            {
                "Type": "ORGANIZATION",
                "Value": self.id,
                "Resources": [
                    {"Type": "MASTER_EMAIL", "Value": email_of(self.management)},
                    {"Type": "MASTER_NAME", "Value": self.members[self.management].name},
                    {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"},
                ],
            },
            {"Type": "ACCOUNT", "Value": invitation.account},
        ]
        if invitation.notes is not None:
            resources.append({"Type": "NOTES", "Value": invitation.notes})
        return {
            "Id": invitation.id,
            "Arn": self.arn("handshake", "invite", invitation.id),
            "Parties": [
                {"Id": self.id.removeprefix("o-"), "Type": "ORGANIZATION"},
                {"Id": invitation.account, "Type": "ACCOUNT"},
            ],
            "State": invitation.state,
            "RequestedTimestamp": invitation.made,
            "ExpirationTimestamp": invitation.expires,
            "Action": "INVITE",
            "Resources": resources,
        }


def email_of(account: str) -> str:
    """An address for an account: nobody reads it."""
    return f"account-{account}@example.com"
