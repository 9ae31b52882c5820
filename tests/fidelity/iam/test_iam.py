"""Who may do what: users, roles, sessions, and policies that are refused when they are put."""

import json
import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from workshop_lib.lab import start_lab

ACCOUNT = "123456789012"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    },
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role(name: str, *statements: dict[str, Any], **more: Any) -> str:
    """Make a role with an inline policy; its ARN."""
    iam = boto3.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return str(arn["Role"]["Arn"])


def assume(arn: str, **more: Any) -> boto3.Session:
    got = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="test", **more)
    credentials = got["Credentials"]
    return boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        "us-east-1",
    )


def test_without_an_allow_everything_is_refused() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    session = assume(role("nothing"))
    with pytest.raises(ClientError) as refusal:
        session.client("dynamodb").describe_table(TableName="orders")
    error = refusal.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert error["Message"] == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/nothing/test is not authorized to perform: "
        f"dynamodb:DescribeTable on resource: arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders "
        "because no identity-based policy allows the dynamodb:DescribeTable action"
    )


def test_an_explicit_deny_wins() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    session = assume(
        role(
            "both",
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "kms:*", "Resource": "*"},
        )
    )
    session.client("dynamodb").list_tables()
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        session.client("kms").list_keys()


def test_a_role_that_does_not_exist_cannot_be_assumed() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html"""
    with pytest.raises(ClientError) as refusal:
        assume(f"arn:aws:iam::{ACCOUNT}:role/nobody")
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"


def test_a_role_cannot_trust_a_user_that_does_not_exist() -> None:
    """https://repost.aws/knowledge-center/iam-trust-policy-error
    Words: https://github.com/badmintoncryer/cdk-preflight
    (rules/iam/pf-iam-trust-policy-aws-principal-format), tried in September 2026
    """
    nobody = f"arn:aws:iam::{ACCOUNT}:user/nobody"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": nobody}}
    with pytest.raises(ClientError) as refusal:
        boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=policy(trust))
    error = refusal.value.response["Error"]
    assert error["Code"] == "MalformedPolicyDocument"
    assert error["Message"] == f'Invalid principal in policy: "AWS":"{nobody}"'


def test_a_role_is_assumed_only_by_whom_it_trusts() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html"""
    trust = policy(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ec2.amazonaws.com"},
        }
    )
    iam = boto3.client("iam")
    arn = iam.create_role(RoleName="ec2", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(arn)


def test_a_session_policy_narrows_a_session() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    arn = role("wide", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    narrow = policy({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"})
    session = assume(arn, Policy=narrow)
    session.client("kms").list_keys()
    with pytest.raises(ClientError, match="no session policy allows"):
        session.client("dynamodb").list_tables()


def test_a_permissions_boundary_limits_a_role() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    document = policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    made = boto3.client("iam").create_policy(PolicyName="limit", PolicyDocument=document)
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    session = assume(role("limited", allow, PermissionsBoundary=made["Policy"]["Arn"]))
    session.client("kms").list_keys()
    with pytest.raises(ClientError, match="no permissions boundary allows"):
        session.client("dynamodb").list_tables()


def test_a_session_ends_when_its_time_is_over() -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    lab = start_lab()
    session = assume(role("short"), DurationSeconds=900)
    assert session.client("sts").get_caller_identity()["Account"] == ACCOUNT
    lab.later(minutes=16)
    with pytest.raises(ClientError, match="ExpiredToken"):
        session.client("sts").get_caller_identity()
    with pytest.raises(ClientError, match="ExpiredToken") as refusal:
        session.client("s3").list_buckets()
    token = session.get_credentials().token
    assert refusal.value.response["Error"]["Token-0"] == token


def test_an_access_key_that_nobody_made_is_refused() -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"""
    stranger = boto3.client(
        "sts", aws_access_key_id="AKIANOBODYMADETHISKE", aws_secret_access_key="secret"
    )
    with pytest.raises(ClientError) as refusal:
        stranger.get_caller_identity()
    assert refusal.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_a_deleted_access_key_stops_working() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"""
    iam = boto3.client("iam")
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = boto3.client(
        "sts",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert alice.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        alice.get_caller_identity()


def test_groups_and_attached_policies_count() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html"""
    iam = boto3.client("iam")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = boto3.client(
        "kms", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(ClientError, match="AccessDeniedException"):
        bob.list_keys()
    document = policy({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"})
    arn = iam.create_policy(PolicyName="list", PolicyDocument=document)["Policy"]["Arn"]
    iam.create_group(GroupName="listers")
    iam.attach_group_policy(GroupName="listers", PolicyArn=arn)
    iam.add_user_to_group(GroupName="listers", UserName="bob")
    assert bob.list_keys()["Keys"] == []


def test_a_number_in_a_condition_needs_no_quotation_marks() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="a-bucket-for-numbers")
    few = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "*",
        "Condition": {"NumericLessThanEquals": {"s3:max-keys": 10}},
    }
    reader = assume(role("lister", few)).client("s3")
    reader.list_objects_v2(Bucket="a-bucket-for-numbers", MaxKeys=10)
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.list_objects_v2(Bucket="a-bucket-for-numbers", MaxKeys=11)


def test_a_condition_the_sandbox_does_not_know_is_refused_by_name() -> None:
    """Never a guess: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"s3:RequestJobOperation": "Size"}},
    }
    with pytest.raises(NotImplementedError, match="s3:RequestJobOperation"):
        role("unknown-key", statement)


def test_unique_ids_tell_what_they_are_of() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids"""
    iam = boto3.client("iam")
    user = iam.create_user(UserName="alice", Path="/staff/")["User"]["UserId"]
    group = iam.create_group(GroupName="staff")["Group"]["GroupId"]
    document = policy({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"})
    made = iam.create_policy(PolicyName="list", PolicyDocument=document)["Policy"]
    trust = json.dumps(TRUST)
    role_id = iam.create_role(RoleName="app", AssumeRolePolicyDocument=trust)["Role"]["RoleId"]
    for prefix, found in zip(
        ("AIDA", "AGPA", "ANPA", "AROA"), (user, group, made["PolicyId"], role_id), strict=True
    ):
        assert re.fullmatch(f"{prefix}[A-Z2-7]{{17}}", found), found
    assert iam.get_user(UserName="alice")["User"]["UserId"] == user
    assert iam.get_group(GroupName="staff")["Group"]["GroupId"] == group
    assert iam.get_policy(PolicyArn=made["Arn"])["Policy"]["PolicyId"] == made["PolicyId"]
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = boto3.client(
        "sts",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert alice.get_caller_identity()["UserId"] == user
    iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="alice")
    assert iam.create_user(UserName="alice")["User"]["UserId"] != user
