"""What an organization says of one of its accounts, as far as permissions go.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_authorization_policies.html
"""

from dataclasses import dataclass

from workshop_lib.sandbox.policy.evaluation import Controls


@dataclass(frozen=True)
class Membership:
    """An account's place in an organization.

    ``path`` runs from the organization to the account's parent ("o-…/r-…/ou-…/").
    ``service_controls`` limit its principals, ``resource_controls`` what is asked of its
    resources; both are empty for the management account, and while their type is not enabled.
    """

    organization: str
    path: str
    service_controls: Controls = ()
    resource_controls: Controls = ()
