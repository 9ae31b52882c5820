"""Organizations' own rules: who may ask, who joins how, and what is attached where.

https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html
"""

import boto3
import pytest

from tests.support.accounts import HOME, allow, deny, id_of, other, user
from tests.support.kms_people import later, refused
from tests.support.organizations import RCP, SCP, invite, management, organized


def test_an_account_joins_by_an_invitation_that_it_accepts() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_invites.html"""
    management().create_organization()
    audit, third = other(), other("third")
    handshake = invite(audit)
    assert [each["Id"] for each in management().list_accounts()["Accounts"]] == [HOME]
    with refused("AccessDeniedException"):
        third.client("organizations").accept_handshake(HandshakeId=handshake)
    with refused("DuplicateHandshakeException"):
        invite(audit)
    accepted = audit.client("organizations").accept_handshake(HandshakeId=handshake)
    assert accepted["Handshake"]["State"] == "ACCEPTED"
    found = management().list_accounts()["Accounts"]
    assert [(each["Id"], each["JoinedMethod"]) for each in found][1:] == [(id_of(audit), "INVITED")]
    with refused("HandshakeAlreadyInStateException"):
        audit.client("organizations").accept_handshake(HandshakeId=handshake)
    with refused("HandshakeConstraintViolationException"):
        invite(audit)


def test_an_invitation_ends_after_15_days() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html#min-max-handshakes"""
    management().create_organization()
    audit = other()
    handshake = invite(audit)
    later(days=15)
    with refused("InvalidHandshakeTransitionException"):
        audit.client("organizations").accept_handshake(HandshakeId=handshake)


def test_only_the_management_account_manages() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html
    Words: https://github.com/aws-samples/aws-iam-access-key-auto-rotation/issues/10
    """
    org = organized()
    theirs = org.audit.client("organizations")
    words = "You don't have permissions to access this resource."
    for ask in (
        theirs.list_accounts,
        theirs.list_roots,
        lambda: theirs.create_organizational_unit(ParentId=org.root, Name="a"),
        lambda: theirs.attach_policy(PolicyId="p-FullAWSAccess", TargetId=org.root),
    ):
        with refused("AccessDeniedException", words):
            ask()
    shown = theirs.describe_organization()["Organization"]
    assert (shown["Id"], shown["MasterAccountId"]) == (org.id, HOME)


@pytest.mark.right_in_moto
def test_an_account_of_no_organization_is_told_so() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
    Words: https://github.com/duo-labs/cloudmapper/issues/733
    """
    words = "Your account is not a member of an organization."
    for organizations in (management(), other().client("organizations")):
        with refused("AWSOrganizationsNotInUseException", words):
            organizations.describe_organization()


def test_an_account_is_in_one_organization() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html"""
    org = organized()
    for organizations in (management(), org.audit.client("organizations")):
        with refused("AlreadyInOrganizationException"):
            organizations.create_organization()


def test_service_control_policies_are_enabled_from_the_start_and_others_are_not() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html"""
    org = organized()
    (shown,) = management().list_roots()["Roots"]
    assert shown["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    made = org.policy(deny("s3:*", Principal="*"), type=RCP)
    with refused("PolicyTypeNotEnabledException"):
        management().attach_policy(PolicyId=made, TargetId=org.account)
    management().enable_policy_type(RootId=org.root, PolicyType=RCP)
    management().attach_policy(PolicyId=made, TargetId=org.account)
    with refused("PolicyTypeAlreadyEnabledException"):
        management().enable_policy_type(RootId=org.root, PolicyType=RCP)


@pytest.mark.parametrize(("type", "name"), [(SCP, "p-FullAWSAccess"), (RCP, "p-RCPFullAWSAccess")])
def test_each_target_begins_with_full_access(type: str, name: str) -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html"""
    org = organized(resource_controls=True)
    for target in (org.root, org.unit("unit"), org.account, HOME):
        found = management().list_policies_for_target(TargetId=target, Filter=type)["Policies"]
        assert [each["Id"] for each in found] == [name]
    targets = management().list_targets_for_policy(PolicyId=name)["Targets"]
    assert {each["Type"] for each in targets} == {"ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT"}


def test_a_policy_type_that_is_disabled_limits_nobody_and_is_detached_everywhere() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisablePolicyType.html"""
    org = organized()
    made = org.limit(deny("kms:*"))
    management().disable_policy_type(RootId=org.root, PolicyType=SCP)
    org.audit.client("kms").list_keys()
    assert management().list_targets_for_policy(PolicyId=made)["Targets"] == []
    management().enable_policy_type(RootId=org.root, PolicyType=SCP)
    org.audit.client("kms").list_keys()


def test_no_target_is_without_a_service_control_policy() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DetachPolicy.html"""
    org = organized()
    with refused("ConstraintViolationException"):
        management().detach_policy(PolicyId="p-FullAWSAccess", TargetId=org.account)
    org.limit(allow("*"))
    management().detach_policy(PolicyId="p-FullAWSAccess", TargetId=org.account)


def test_full_access_to_resources_is_not_detached() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html"""
    org = organized(resource_controls=True)
    org.limit(deny("s3:*", Principal="*"), type=RCP)
    with refused("InvalidInputException"):
        management().detach_policy(PolicyId="p-RCPFullAWSAccess", TargetId=org.account)


@pytest.mark.parametrize(("type", "most"), [(SCP, 10), (RCP, 5)])
def test_so_many_policies_are_attached_to_a_target(type: str, most: int) -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""
    org = organized(resource_controls=True)
    more = {"Principal": "*"} if type == RCP else {}
    for number in range(1, most):
        org.limit(deny(f"s3:Get{number}", **more), type=type)
    with refused("ConstraintViolationException"):
        org.limit(deny("s3:Get", **more), type=type)


def test_awss_own_policies_stay_as_they_are() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdatePolicy.html"""
    organized()
    with refused("InvalidInputException"):
        management().update_policy(PolicyId="p-FullAWSAccess", Name="mine")
    with refused("InvalidInputException"):
        management().delete_policy(PolicyId="p-FullAWSAccess")


def test_a_policy_in_use_is_not_deleted() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeletePolicy.html"""
    org = organized()
    made = org.limit(deny("kms:*"))
    with refused("PolicyInUseException"):
        management().delete_policy(PolicyId=made)
    with refused("DuplicatePolicyAttachmentException"):
        management().attach_policy(PolicyId=made, TargetId=org.account)
    management().detach_policy(PolicyId=made, TargetId=org.account)
    with refused("PolicyNotAttachedException"):
        management().detach_policy(PolicyId=made, TargetId=org.account)
    management().delete_policy(PolicyId=made)
    with refused("PolicyNotFoundException"):
        management().describe_policy(PolicyId=made)


def test_units_are_five_deep_and_have_names_of_their_own() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""
    org = organized()
    parent = org.root
    for depth in range(5):
        parent = org.unit(f"unit-{depth}", parent)
    with refused("ConstraintViolationException"):
        org.unit("deeper", parent)
    with refused("DuplicateOrganizationalUnitException"):
        org.unit("unit-0")


def test_a_unit_with_something_in_it_is_not_deleted() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganizationalUnit.html"""
    org = organized()
    unit = org.unit("unit")
    org.move(org.root, unit)
    with refused("OrganizationalUnitNotEmptyException"):
        management().delete_organizational_unit(OrganizationalUnitId=unit)
    with refused("SourceParentNotFoundException"):
        org.move(org.root, unit)
    org.move(unit, org.root)
    management().delete_organizational_unit(OrganizationalUnitId=unit)


def test_an_account_that_leaves_is_limited_no_longer() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html"""
    org = organized()
    org.limit(deny("kms:*"))
    org.audit.client("organizations").leave_organization()
    org.audit.client("kms").list_keys()
    with refused("MasterCannotLeaveOrganizationException"):
        management().leave_organization()
    management().delete_organization()


def test_an_organization_with_members_is_not_deleted() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganization.html"""
    org = organized()
    with refused("OrganizationNotEmptyException"):
        management().delete_organization()
    management().remove_account_from_organization(AccountId=org.account)
    management().delete_organization()


def test_organizations_operations_need_permissions() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_permissions_overview.html"""
    organized()
    _, reader = user(boto3.Session(), "reader", allow("organizations:List*"))
    reader.client("organizations").list_roots()
    with refused("AccessDeniedException"):
        reader.client("organizations").describe_organization()


def test_a_policy_can_ask_for_the_type_of_a_control_policy() -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_organizations.html"""
    org = organized(resource_controls=True)
    own = {"StringEquals": {"organizations:PolicyType": SCP}}
    _, limited = user(boto3.Session(), "limited", allow("organizations:*", Condition=own))
    limited.client("organizations").list_policies(Filter=SCP)
    made = org.policy(deny("s3:*", Principal="*"), type=RCP)
    with refused("AccessDeniedException"):
        limited.client("organizations").list_policies(Filter=RCP)
    with refused("AccessDeniedException"):
        limited.client("organizations").delete_policy(PolicyId=made)
