"""The global condition keys: what a request says of its caller, its time and its way."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
ADA, APP = f"arn:aws:iam::{ACCOUNT}:user/ada", f"arn:aws:iam::{ACCOUNT}:role/app"


def lists_keys(**condition: Any) -> str:
    """A policy that allows one action under a condition."""
    statement = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    )


def kms_of(credentials: dict[str, Any]) -> Any:
    """KMS, called with an access key or a session's credentials."""
    return boto3.client(
        "kms",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
    )


def allowed(kms: Any) -> bool:
    try:
        kms.list_keys()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True


ALWAYS = [
    ("StringEquals", "aws:PrincipalAccount", ACCOUNT, "210987654321"),
    ("StringEquals", "aws:ResourceAccount", ACCOUNT, "210987654321"),
    ("StringEquals", "aws:RequestedRegion", "us-east-1", "eu-west-1"),
    ("Bool", "aws:ViaAWSService", "false", "true"),
    ("Bool", "aws:PrincipalIsAWSService", "false", "true"),
    ("Bool", "aws:SecureTransport", "true", "false"),
    ("StringLike", "aws:UserAgent", "Boto3/*", "curl/*"),
    ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
    ("DateLessThan", "aws:CurrentTime", "2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
    ("NumericGreaterThan", "aws:EpochTime", "1577836800", "32472144000"),
    ("StringEquals", "aws:PrincipalTag/team", "blue", "red"),
    ("Null", "aws:PrincipalServiceName", "true", "false"),
]


@pytest.mark.parametrize(
    ("operator", "key", "right", "wrong"),
    [
        *ALWAYS,
        ("StringEquals", "aws:PrincipalType", "User", "AssumedRole"),
        ("ArnEquals", "aws:PrincipalArn", ADA, APP),
        ("StringEquals", "aws:username", "ada", "workshop-admin"),
        ("StringLike", "aws:userid", "AIDA*", "AROA*"),
        ("Null", "aws:TokenIssueTime", "true", "false"),
        ("Null", "aws:MultiFactorAuthPresent", "true", "false"),
        ("Null", "aws:SourceIdentity", "true", "false"),
    ],
)
def test_what_a_request_of_a_user_says(operator: str, key: str, right: str, wrong: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    iam = boto3.client("iam")
    iam.create_user(UserName="ada", Tags=[{"Key": "team", "Value": "blue"}])
    kms = kms_of(iam.create_access_key(UserName="ada")["AccessKey"])
    for value, is_allowed in ((right, True), (wrong, False)):
        document = lists_keys(**{operator: {key: value}})
        iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=document)
        assert allowed(kms) is is_allowed, value


@pytest.mark.parametrize(
    ("operator", "key", "right", "wrong"),
    [
        *ALWAYS,
        ("StringEquals", "aws:PrincipalType", "AssumedRole", "User"),
        ("ArnEquals", "aws:PrincipalArn", APP, f"arn:aws:sts::{ACCOUNT}:assumed-role/app/one"),
        ("StringLike", "aws:userid", "AROA*:one", "AROA*:two"),
        ("Null", "aws:username", "true", "false"),
        ("DateGreaterThan", "aws:TokenIssueTime", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
        ("Bool", "aws:MultiFactorAuthPresent", "false", "true"),
        ("StringEquals", "aws:SourceIdentity", "ada", "bob"),
    ],
)
def test_what_a_request_of_a_role_s_session_says(
    operator: str, key: str, right: str, wrong: str
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    iam = boto3.client("iam")
    trust = {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
        "Principal": {"AWS": ACCOUNT},
    }
    iam.create_role(
        RoleName="app",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    kms = kms_of(
        boto3.client("sts").assume_role(RoleArn=APP, RoleSessionName="one", SourceIdentity="ada")[
            "Credentials"
        ]
    )
    for value, is_allowed in ((right, True), (wrong, False)):
        document = lists_keys(**{operator: {key: value}})
        iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=document)
        assert allowed(kms) is is_allowed, value
