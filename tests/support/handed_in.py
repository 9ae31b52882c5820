"""What a learner hands in to a check, as its tests make it, and what the check says of it."""

from typing import Any

import boto3

from tests.support.accounts import document, id_of
from workshop_lib.exercises import examine
from workshop_lib.lab import Lab

ORDERS: dict[str, Any] = {
    "KeySchema": [
        {"AttributeName": "customer", "KeyType": "HASH"},
        {"AttributeName": "order_no", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "order_no", "AttributeType": "N"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
"""The layout of the tables of orders in lessons 02 to 04."""


def tagged(number: str) -> list[dict[str, str]]:
    """The tag by which a check finds what belongs to its exercise."""
    return [{"Key": "exercise", "Value": number}]


def tagged_role(
    name: str,
    number: str,
    *statements: dict[str, Any],
    session: boto3.Session | None = None,
    **more: Any,
) -> str:
    """A tagged role that its account may assume, with a policy of these statements: its ARN."""
    session = session or boto3.Session()
    iam, account = session.client("iam"), id_of(session)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account}}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=document(trust), Tags=tagged(number), **more
    )
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return str(role["Role"]["Arn"])


def missing(number: str, lab: Lab, subject: Any = None) -> list[str]:
    """What the check misses; a mistake of the check itself fails the test."""
    result = examine(number, lab, subject)
    assert result.error is None, result
    return [step.seen for step in result.steps if not step.ok]
