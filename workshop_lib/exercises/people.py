"""Other people for a check to ask as: whoever a policy did not think of."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import boto3


@contextmanager
def somebody(*actions: str) -> Iterator[boto3.Session]:
    """Within the block there is a new role of this account, of a name nobody has used before.

    Args:
        actions: what a policy of the role allows, on every resource ("s3:*").

    Yields:
        A session of the role. The role is gone after the block.
    """
    iam, sts = boto3.client("iam"), boto3.client("sts")
    account = sts.get_caller_identity()["Account"]
    named = {"RoleName": f"colleague-{secrets.token_hex(4)}"}
    trust = _policy(Action="sts:AssumeRole", Principal={"AWS": account})
    role = iam.create_role(**named, AssumeRolePolicyDocument=trust)["Role"]
    policy = {**named, "PolicyName": "work"}
    try:
        allowed = _policy(Action=list(actions), Resource="*")
        iam.put_role_policy(**policy, PolicyDocument=allowed)
        got = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="work")["Credentials"]
        keys = (got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        yield keeping_clients(boto3.Session(*keys, region_name=boto3.Session().region_name))
    finally:
        iam.delete_role_policy(**policy)
        iam.delete_role(**named)


def keeping_clients(session: boto3.Session) -> boto3.Session:
    """The session, which from now on makes each client once: a check asks for many, many times."""
    session.client = cache(session.client)
    return session


def _policy(**statement: object) -> str:
    allow = {"Effect": "Allow", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})
