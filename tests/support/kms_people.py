"""Keys and people for the rules on KMS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from workshop_lib.sandbox import clock

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
EVERYTHING = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}


def client(region: str = REGION) -> Any:
    """KMS, called by the administrator, who does not try again where a limit is met."""
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client("kms", region_name=region, config=once)


def new_key(**parameters: Any) -> str:
    """A new key's ARN."""
    return str(client().create_key(**parameters)["KeyMetadata"]["Arn"])


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def delegating(*more: dict[str, Any]) -> str:
    """A key policy that leaves the decision to IAM, with further statements."""
    return policy({**EVERYTHING, "Principal": {"AWS": ROOT}}, *more)


def user(name: str, *statements: dict[str, Any]) -> tuple[str, Any]:
    """A new IAM user with these statements as policy: its ARN, and KMS called by it."""
    iam = boto3.client("iam", region_name=REGION)
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, boto3.client(
        "kms",
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def role_session(
    name: str, *statements: dict[str, Any], session_policy: str | None = None
) -> tuple[str, Any]:
    """A new role: its ARN, and KMS called by a session of it, under a policy if one is given."""
    iam, sts = boto3.client("iam", region_name=REGION), boto3.client("sts", region_name=REGION)
    trust = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=policy(*statements))
    more = {} if session_policy is None else {"Policy": session_policy}
    found = sts.assume_role(RoleArn=role, RoleSessionName="session", **more)["Credentials"]
    return role, boto3.client(
        "kms",
        region_name=REGION,
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )


@contextmanager
def refused(code: str, message: str | None = None) -> Iterator[None]:
    """The block must be refused with this code, and this message where one is given."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not None:
        assert error["Message"] == message


def later(**by: float) -> None:
    """Move the sandbox's clock on."""
    clock.advance(timedelta(**by))
