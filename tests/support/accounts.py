"""Another account beside the first, and people in it, for the rules across accounts."""

import json
import os
from typing import Any

import boto3

from workshop_lib.lab import Lab
from workshop_lib.sandbox.backend import SandboxBackend

REGION = "us-east-1"
HOME = "123456789012"


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """A statement that denies."""
    return {**allow(action, resource, **more), "Effect": "Deny"}


def root(account: str) -> str:
    """The ARN that stands for an account as a whole."""
    return f"arn:aws:iam::{account}:root"


def other(name: str = "audit") -> boto3.Session:
    """The administrator of another account; on bare moto, whoever has credentials of it."""
    if not os.environ.get("WORKSHOP_BARE_MOTO"):
        assert SandboxBackend._current is not None
        return Lab(SandboxBackend._current).account(name)
    assumed = boto3.client("sts", region_name=REGION).assume_role(
        RoleArn="arn:aws:iam::222222222222:role/administrator", RoleSessionName="administrator"
    )
    return session_of(assumed["Credentials"])


def session_of(credentials: dict[str, Any]) -> boto3.Session:
    """A session that signs with what STS handed out."""
    return boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        region_name=REGION,
    )


def id_of(session: boto3.Session) -> str:
    """The id of a session's account."""
    return str(session.client("sts").get_caller_identity()["Account"])


def user(
    session: boto3.Session, name: str, *statements: dict[str, Any]
) -> tuple[str, boto3.Session]:
    """A new user in a session's account with these statements as policy: its ARN, and itself."""
    iam = session.client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    made = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    return arn, made


def events(session: boto3.Session, name: str) -> list[dict[str, Any]]:
    """CloudTrail's records of an operation in a session's account, oldest first."""
    found = session.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
    )["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in reversed(found)]
