"""Roles that principals of other accounts assume, and what is an account's own.

https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_cross-account-with-roles.html
"""

from typing import Any

import boto3
import pytest

from tests.support.accounts import (
    HOME,
    REGION,
    allow,
    document,
    events,
    id_of,
    other,
    root,
    session_of,
    user,
)
from tests.support.kms_people import refused

ROLE = f"arn:aws:iam::{HOME}:role/visitor"


def role(*statements: dict[str, Any], condition: dict[str, Any] | None = None, who: Any) -> None:
    """A role of the first account that ``who`` may assume, with these statements as policy."""
    trust = {"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}
    if condition:
        trust["Condition"] = condition
    iam = boto3.client("iam", region_name=REGION)
    iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=document(trust))
    if statements:
        iam.put_role_policy(
            RoleName="visitor", PolicyName="own", PolicyDocument=document(*statements)
        )


def assume(session: boto3.Session, **more: Any) -> boto3.Session:
    """A session of the role, taken on by another session's caller."""
    sts = session.client("sts")
    found = sts.assume_role(RoleArn=ROLE, RoleSessionName="visit", **more)["Credentials"]
    return session_of(found)


def test_a_role_of_another_account_needs_its_trust_and_the_callers_policy() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    audit = other()
    role(allow("kms:ListKeys"), who={"AWS": root(id_of(audit))})
    arn, nobody = user(audit, "nobody")
    _, visitor = user(audit, "visitor", allow("sts:AssumeRole", ROLE))
    words = f"User: {arn} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    with refused("AccessDenied", words):
        assume(nobody)
    with refused("AccessDenied"):
        assume(other("third"))
    session = assume(visitor)
    me = session.client("sts").get_caller_identity()
    assert (me["Account"], me["Arn"]) == (
        HOME, f"arn:aws:sts::{HOME}:assumed-role/visitor/visit",
    )  # fmt: skip
    session.client("kms").list_keys()
    with refused("AccessDenied"):
        session.client("iam").list_users()


def test_a_user_whom_a_trust_policy_names_needs_a_policy_too() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"""
    arn, named = user(other(), "named")
    role(who={"AWS": arn})
    with refused("AccessDenied"):
        assume(named)


def test_an_external_id_keeps_confused_deputies_out() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"""
    audit = other()
    condition = {"StringEquals": {"sts:ExternalId": "12345"}}
    role(who={"AWS": root(id_of(audit))}, condition=condition)
    for wrong in ({}, {"ExternalId": "54321"}):
        with refused("AccessDenied"):
            assume(audit, **wrong)
    assume(audit, ExternalId="12345")


def test_an_assumed_role_is_recorded_in_both_accounts() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#cloudtrail-integration_examples-sts-api"""
    audit = other()
    role(who={"AWS": root(id_of(audit))})
    assume(audit)
    (ours,), (theirs,) = (
        events(boto3.Session(region_name=REGION), "AssumeRole"),
        events(audit, "AssumeRole"),
    )
    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert ours["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": theirs["userIdentity"]["principalId"],
        "accountId": id_of(audit),
    }
    assert ours["resources"] == [
        {"accountId": HOME, "type": "AWS::IAM::Role", "ARN": ROLE}
    ]  # fmt: skip


def test_a_trust_policy_names_only_those_who_exist_in_the_other_account() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
    arn, _ = user(other(), "named")
    with refused("MalformedPolicyDocument"):
        role(who={"AWS": arn + "-else"})
    role(who={"AWS": arn})


@pytest.mark.right_in_moto
def test_users_are_an_accounts_own() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html"""
    audit, home = other(), boto3.Session(region_name=REGION)
    (theirs, _), (ours, _) = user(audit, "same"), user(home, "same")
    assert theirs.replace(id_of(audit), HOME) == ours
    ids = [
        session.client("iam").get_user(UserName="same")["User"]["UserId"]
        for session in (audit, home)
    ]
    assert ids[0] != ids[1]


def test_an_access_key_tells_its_account() -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html"""
    audit = other()
    credentials = audit.get_credentials()
    assert credentials is not None
    sts = boto3.client("sts", region_name=REGION)
    found = sts.get_access_key_info(AccessKeyId=credentials.access_key)["Account"]
    assert found == id_of(audit)
