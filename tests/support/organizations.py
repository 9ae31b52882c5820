"""An organization of the first account, with another account in it."""

import json
from dataclasses import dataclass
from typing import Any

import boto3

from tests.support.accounts import REGION, document, id_of, other

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


def management() -> Any:
    """Organizations, called by the first account's administrator."""
    return boto3.client("organizations", region_name=REGION)


@dataclass
class Organized:
    """The organization: its id, its root, and the account that joined it."""

    id: str
    root: str
    audit: boto3.Session

    @property
    def account(self) -> str:
        """The id of the account that joined."""
        return id_of(self.audit)

    def policy(self, *statements: dict[str, Any], type: str = SCP, name: str = "limit") -> str:
        """A new policy of the organization: its id."""
        made = management().create_policy(
            Name=name, Description="", Type=type, Content=document(*statements)
        )
        return str(made["Policy"]["PolicySummary"]["Id"])

    def limit(self, *statements: dict[str, Any], type: str = SCP, at: str | None = None) -> str:
        """A new policy, attached to the account that joined or to another target: its id."""
        made = self.policy(*statements, type=type, name=json.dumps(statements)[:100])
        management().attach_policy(PolicyId=made, TargetId=at or self.account)
        return made

    def unit(self, name: str, parent: str | None = None) -> str:
        """A new unit: its id."""
        made = management().create_organizational_unit(ParentId=parent or self.root, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def move(self, source: str, to: str) -> None:
        """Move the account that joined."""
        management().move_account(
            AccountId=self.account, SourceParentId=source, DestinationParentId=to
        )


def invite(session: boto3.Session) -> str:
    """An invitation to a session's account: its id."""
    target = {"Id": id_of(session), "Type": "ACCOUNT"}
    return str(management().invite_account_to_organization(Target=target)["Handshake"]["Id"])


def organized(*, resource_controls: bool = False) -> Organized:
    """A new organization that the account "audit" has joined."""
    id = management().create_organization()["Organization"]["Id"]
    root = management().list_roots()["Roots"][0]["Id"]
    audit = other()
    audit.client("organizations").accept_handshake(HandshakeId=invite(audit))
    if resource_controls:
        management().enable_policy_type(RootId=root, PolicyType=RCP)
    return Organized(id, root, audit)
