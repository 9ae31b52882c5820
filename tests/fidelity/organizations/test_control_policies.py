"""Service and resource control policies: what they limit, and what they never do.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_authorization_policies.html
"""

import json

import boto3
import pytest

from tests.support.accounts import HOME, REGION, allow, deny, document, id_of, other, root, user
from tests.support.kms_people import refused
from tests.support.organizations import RCP, SCP, management, organized

KMS = "kms:ListKeys"
TRUSTS = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "sts:AssumeRole"}


# --- service control policies ----------------------------------------------------------------


def test_a_service_control_policy_limits_everybody_in_a_member_account() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    org = organized()
    kms = org.audit.client("kms")
    kms.list_keys()
    made = org.limit(deny(KMS))
    me = org.audit.client("sts").get_caller_identity()["Arn"]
    arn = f"arn:aws:organizations::{HOME}:policy/{org.id}/service_control_policy/{made}"
    words = (
        f"User: {me} is not authorized to perform: kms:ListKeys on resource: * with an explicit "
        f"deny in a service control policy: {arn}"
    )
    with refused("AccessDeniedException", words):
        kms.list_keys()
    management().detach_policy(PolicyId=made, TargetId=org.account)
    kms.list_keys()


def test_the_management_account_is_limited_by_none() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html#not-restricted-by-scp"""
    org = organized()
    org.limit(deny(KMS), at=org.root)
    boto3.client("kms", region_name=REGION).list_keys()
    with refused("AccessDeniedException"):
        org.audit.client("kms").list_keys()


def test_the_simulator_of_principals_knows_service_control_policies() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_OrganizationsDecisionDetail.html
    "Specifies whether the simulated operation is allowed by the Organizations service control
    policies that impact the simulated user's account." Only if it is part of an organization.
    """
    org, actions = organized(), [KMS, "kms:ListAliases"]
    decisions: dict[str, list[tuple[str, bool | None]]] = {}
    for limited in (False, True):
        if limited:
            org.limit(deny(KMS))
        for name, session in (("member", org.audit), ("management", boto3.Session())):
            iam = session.client("iam")
            if not limited:
                made = iam.create_user(UserName="ana")["User"]["Arn"]
                iam.put_user_policy(
                    UserName="ana", PolicyName="p", PolicyDocument=document(allow(KMS))
                )
            arn = made if not limited else iam.get_user(UserName="ana")["User"]["Arn"]
            found = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions)
            decisions[f"{name} {limited}"] = [
                (
                    each["EvalDecision"],
                    each["OrganizationsDecisionDetail"]["AllowedByOrganizations"],
                )
                for each in found["EvaluationResults"]
            ]
    untouched = [("allowed", True), ("implicitDeny", True)]
    assert decisions == {
        "member False": untouched,
        "management False": untouched,
        "member True": [("explicitDeny", False), ("implicitDeny", True)],
        "management True": untouched,
    }
    iam = org.audit.client("iam")
    [custom] = iam.simulate_custom_policy(
        PolicyInputList=[document(allow(KMS))], ActionNames=[KMS]
    )["EvaluationResults"]
    assert custom["EvalDecision"] == "allowed"
    assert "OrganizationsDecisionDetail" not in custom


def test_a_service_control_policy_gives_nothing() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html#scp-effects-on-permissions"""
    org = organized()
    _, nobody = user(org.audit, "nobody")
    with refused("AccessDeniedException"):
        nobody.client("kms").list_keys()


def test_each_level_must_allow() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    org = organized()
    unit = org.unit("narrow")
    org.move(org.root, unit)
    org.limit(allow("s3:*"), at=unit)
    kms = org.audit.client("kms")
    kms.list_keys()
    management().detach_policy(PolicyId="p-FullAWSAccess", TargetId=unit)
    me = org.audit.client("sts").get_caller_identity()["Arn"]
    words = (
        f"User: {me} is not authorized to perform: kms:ListKeys on resource: * because no service "
        "control policy allows the kms:ListKeys action"
    )
    with refused("AccessDeniedException", words):
        kms.list_keys()
    org.audit.client("s3").list_buckets()
    org.limit(allow(KMS))  # at the account itself: that does not help
    with refused("AccessDeniedException"):
        kms.list_keys()
    org.move(unit, org.root)
    kms.list_keys()


def test_units_pass_their_denials_down() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html"""
    org = organized()
    outer = org.unit("outer")
    inner = org.unit("inner", outer)
    org.move(org.root, inner)
    org.limit(deny(KMS), at=outer)
    with refused("AccessDeniedException"):
        org.audit.client("kms").list_keys()


def test_a_policy_that_is_changed_counts_at_once() -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdatePolicy.html"""
    org = organized()
    made = org.limit(deny(KMS))
    management().update_policy(PolicyId=made, Content=document(deny("s3:*")))
    org.audit.client("kms").list_keys()
    with refused("AccessDenied"):
        org.audit.client("s3").list_buckets()


def test_a_resources_policy_does_not_help_against_a_service_control_policy() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html"""
    org = organized()
    s3 = org.audit.client("s3")
    s3.create_bucket(Bucket="audit-bucket")
    open_to_all = allow("s3:*", "arn:aws:s3:::audit-bucket/*", Principal={"AWS": org.account})
    s3.put_bucket_policy(Bucket="audit-bucket", Policy=document(open_to_all))
    org.limit(deny("s3:PutObject"))
    with refused("AccessDenied"):
        s3.put_object(Bucket="audit-bucket", Key="a", Body=b"x")
    # the policy is about the account's principals, not about its buckets
    other("third")
    s3.put_bucket_policy(
        Bucket="audit-bucket",
        Policy=document(allow("s3:*", "arn:aws:s3:::audit-bucket/*", Principal={"AWS": HOME})),
    )
    boto3.client("s3", region_name=REGION).put_object(Bucket="audit-bucket", Key="a", Body=b"x")


def test_across_accounts_the_callers_service_control_policies_count() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"""
    org = organized()
    boto3.client("iam", region_name=REGION).create_role(
        RoleName="visitor",
        AssumeRolePolicyDocument=document(
            {**TRUSTS, "Principal": {"AWS": root(org.account)}}
        ),
    )  # fmt: skip
    wanted = {"RoleArn": f"arn:aws:iam::{HOME}:role/visitor", "RoleSessionName": "visit"}
    org.audit.client("sts").assume_role(**wanted)
    org.limit(deny("sts:AssumeRole"))
    with refused("AccessDenied"):
        org.audit.client("sts").assume_role(**wanted)


# --- resource control policies ---------------------------------------------------------------


def test_a_resource_control_policy_limits_whoever_asks() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""
    org = organized(resource_controls=True)
    s3, third = org.audit.client("s3"), other("third")
    s3.create_bucket(Bucket="audit-bucket")
    both = {"AWS": [root(HOME), root(id_of(third))]}
    everything = ["arn:aws:s3:::audit-bucket", "arn:aws:s3:::audit-bucket/*"]
    let_in = allow("s3:*", everything, Principal=both)
    s3.put_bucket_policy(Bucket="audit-bucket", Policy=document(let_in))
    outsiders = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": org.id}}
    org.limit(deny("s3:*", Principal="*", Condition=outsiders), type=RCP)
    boto3.client("s3", region_name=REGION).list_objects_v2(Bucket="audit-bucket")
    s3.list_objects_v2(Bucket="audit-bucket")
    with refused("AccessDenied", "Access Denied"):
        third.client("s3").list_objects_v2(Bucket="audit-bucket")


def test_a_member_is_told_which_resource_control_policy_denied() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
    org = organized(resource_controls=True)
    s3 = org.audit.client("s3")
    s3.create_bucket(Bucket="audit-bucket")
    made = org.limit(deny("s3:ListBucket", Principal="*"), type=RCP)
    me = org.audit.client("sts").get_caller_identity()["Arn"]
    arn = f"arn:aws:organizations::{HOME}:policy/{org.id}/resource_control_policy/{made}"
    words = (
        f"User: {me} is not authorized to perform: s3:ListBucket on resource: "
        f'"arn:aws:s3:::audit-bucket" with an explicit deny in a resource control policy: {arn}'
    )
    with refused("AccessDenied", words):
        s3.list_objects_v2(Bucket="audit-bucket")


def test_resources_of_the_management_account_are_limited_by_none() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""
    org = organized(resource_controls=True)
    org.limit(deny("s3:*", Principal="*"), type=RCP, at=org.root)
    boto3.client("s3", region_name=REGION).create_bucket(Bucket="home-bucket")
    with refused("AccessDenied"):
        org.audit.client("s3").create_bucket(Bucket="audit-bucket")


@pytest.mark.parametrize("service", ["kms", "sts", "dynamodb"])
def test_services_whose_resources_are_limited(service: str) -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services"""
    org = organized(resource_controls=True)
    key = org.audit.client("kms").create_key()["KeyMetadata"]["Arn"]
    trusting = {**TRUSTS, "Principal": {"AWS": org.account}}
    org.audit.client("iam").create_role(
        RoleName="visitor", AssumeRolePolicyDocument=document(trusting)
    )
    calls = {
        "kms": lambda: org.audit.client("kms").describe_key(KeyId=key),
        "sts": lambda: org.audit.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{org.account}:role/visitor", RoleSessionName="visit"
        ),
        "dynamodb": lambda: org.audit.client("dynamodb").create_table(
            TableName="orders",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        ),
    }
    org.limit(deny(f"{service}:*", Principal="*"), type=RCP)
    with refused("AccessDenied" if service == "sts" else "AccessDeniedException"):
        calls[service]()
    for each in calls.keys() - {service}:
        calls[each]()


def test_what_has_no_resource_and_iam_are_not_limited() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-effects-on-permissions"""
    org = organized(resource_controls=True)
    org.limit(deny(["kms:*", "s3:*", "iam:*"], Principal="*"), type=RCP)
    org.audit.client("kms").list_keys()
    org.audit.client("s3").list_buckets()
    org.audit.client("iam").create_user(UserName="someone")


def test_aws_managed_keys_are_not_limited() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/resource-control-policies.html"""
    org = organized(resource_controls=True)
    org.limit(deny("kms:*", Principal="*"), type=RCP)
    s3 = org.audit.client("s3")
    s3.create_bucket(Bucket="audit-bucket")
    s3.put_object(Bucket="audit-bucket", Key="a", Body=b"x", ServerSideEncryption="aws:kms")


def test_retiring_a_grant_is_not_limited() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#actions-not-restricted-by-rcps"""
    org = organized(resource_controls=True)
    kms = org.audit.client("kms")
    key, (arn, grantee) = kms.create_key()["KeyMetadata"]["Arn"], user(org.audit, "grantee")
    token = kms.create_grant(
        KeyId=key, GranteePrincipal=arn, Operations=["RetireGrant", "Decrypt"]
    )["GrantToken"]
    org.limit(deny("kms:*", Principal="*"), type=RCP)
    grantee.client("kms").retire_grant(GrantToken=token)


# --- condition keys --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceOrgID"]
)
def test_a_policy_of_a_resource_lets_an_organization_in(key: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid"""
    org, third = organized(), other("third")
    path = f"{org.id}/{org.root}/*" if "Paths" in key else org.id
    operator = "ForAnyValue:StringLike" if "Paths" in key else "StringEquals"
    statement = allow("kms:DescribeKey", Principal="*", Condition={operator: {key: path}})
    delegating = allow("kms:*", Principal={"AWS": root(HOME)})
    kms = boto3.client("kms", region_name=REGION)
    made = kms.create_key(Policy=document(delegating, statement))["KeyMetadata"]["Arn"]
    org.audit.client("kms").describe_key(KeyId=made)
    if key == "aws:ResourceOrgID":  # which says nothing of who asks
        third.client("kms").describe_key(KeyId=made)
        return
    with refused("AccessDeniedException"):
        third.client("kms").describe_key(KeyId=made)


def test_a_path_ends_at_the_accounts_parent() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgpaths"""
    org = organized()
    unit = org.unit("inside")
    path = {"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": f"{org.id}/{org.root}/{unit}/"}}
    _, limited = user(org.audit, "limited", allow(KMS, Condition=path))
    with refused("AccessDeniedException"):
        limited.client("kms").list_keys()
    org.move(org.root, unit)
    limited.client("kms").list_keys()


# --- what is refused when it is written ------------------------------------------------------

_MALFORMED = (
    "The provided policy document does not meet the requirements of the specified policy type."
)


@pytest.mark.parametrize(
    "content",
    [
        "nonsense",
        json.dumps({"Statement": [deny(KMS)]}),
        document(deny(KMS, Principal="*")),
        document({"Effect": "Deny", "Action": KMS}),
        document({"Effect": "Refuse", "Action": KMS, "Resource": "*"}),
    ],
)
def test_a_malformed_service_control_policy(content: str) -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html"""
    organized()
    with refused("MalformedPolicyDocumentException", _MALFORMED):
        management().create_policy(Name="a", Description="", Type=SCP, Content=content)


@pytest.mark.parametrize(
    "content",
    [
        document(allow("s3:*", Principal="*")),
        document(deny("s3:*")),
        document(deny("*", Principal="*")),
        document(deny("s3:*", Principal={"AWS": HOME})),
        document({"Effect": "Deny", "NotAction": "s3:*", "Principal": "*", "Resource": "*"}),
        document({"Effect": "Deny", "Action": "s3:*", "NotPrincipal": "*", "Resource": "*"}),
        document({"Effect": "Deny", "Action": "s3:*", "Principal": "*"}),
        json.dumps({"Statement": [deny("s3:*", Principal="*")]}),
    ],
)
def test_a_malformed_resource_control_policy(content: str) -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html"""
    organized(resource_controls=True)
    with refused("MalformedPolicyDocumentException", _MALFORMED):
        management().create_policy(Name="a", Description="", Type=RCP, Content=content)


@pytest.mark.parametrize(("type", "most"), [(SCP, 10_240), (RCP, 5_120)])
def test_a_policy_has_its_size(type: str, most: int) -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""
    organized(resource_controls=True)
    more = {"Principal": "*"} if type == RCP else {}
    text = document(deny("s3:*", **more))
    fits, wide = text + " " * (most - len(text)), text + " " * (most - len(text) + 1)
    management().create_policy(Name="a", Description="", Type=type, Content=fits)
    with refused("ConstraintViolationException"):
        management().create_policy(Name="b", Description="", Type=type, Content=wide)
