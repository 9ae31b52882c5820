"""What a policy document says: its statements, and whom and what they name.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

Statement = dict[str, Any]
_VARIABLE = re.compile(r"\$\{([^*?$}',]+)")


class Condition(NamedTuple):
    """One test of a statement: the operator, the condition key as written, the values."""

    operator: str
    key: str
    values: list[str]

    @property
    def kind(self) -> str:
        """The operator without what it does with several values, or with none."""
        return self.operator.rpartition(":")[2].removesuffix("IfExists")


def listed(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document, of which one may stand without a list."""
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def values(found: Any) -> list[str]:
    """The values of an element or a condition, of which one may stand without a list."""
    return [str(each) for each in (found if isinstance(found, list | tuple) else [found])]


def conditions(statement: Mapping[str, Any]) -> Iterator[Condition]:
    """The conditions of a statement, all of which have to be met."""
    for operator, tests in statement.get("Condition", {}).items():
        for key, found in tests.items():
            yield Condition(operator, key, values(found))


def mentioned(statements: Iterable[Statement]) -> dict[str, str]:
    """The condition keys that statements ask for, {in lower case: as written}."""
    found: dict[str, str] = {}
    for statement in statements:
        names = [condition.key for condition in conditions(statement)]
        for name in (*names, *_VARIABLE.findall(json.dumps(statement))):
            found.setdefault(name.strip().lower(), name.strip())
    return found


def named_in(element: Any) -> list[str]:
    """Whom a Principal or NotPrincipal names beside services: ARNs, account ids, "*"."""
    return values(element.get("AWS", ()) if isinstance(element, Mapping) else element)


def filled(pattern: str) -> str:
    """A text that a pattern with wildcards fits."""
    return pattern.replace("*", secrets.token_hex(2)).replace("?", "x")


# --- where they are ------------------------------------------------------------------------------


def bucket_statements(bucket: str) -> list[Statement]:
    """The statements of a bucket's policy; none where there is no policy."""
    try:
        policy = boto3.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return []
    return listed(json.loads(policy))


def key_statements(key_arn: str) -> list[Statement]:
    """The statements of a key policy."""
    return listed(json.loads(boto3.client("kms").get_key_policy(KeyId=key_arn)["Policy"]))


def role_statements(role_name: str) -> list[Statement]:
    """The statements of a role's policies: of those in it, and of those attached to it."""
    return [statement for each in _role_documents(role_name) for statement in listed(each)]


def boundary_statements(role_name: str) -> list[Statement]:
    """The statements of a role's permissions boundary; none where it has none."""
    role = boto3.client("iam").get_role(RoleName=role_name)["Role"]
    boundary = role.get("PermissionsBoundary")
    return listed(_managed(boundary["PermissionsBoundaryArn"])) if boundary else []


def _role_documents(role_name: str) -> Iterator[dict[str, Any]]:
    iam = boto3.client("iam")
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role_name):
        for name in page["PolicyNames"]:
            yield iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role_name):
        for attached in page["AttachedPolicies"]:
            yield _managed(attached["PolicyArn"])


def _managed(arn: str) -> dict[str, Any]:
    iam = boto3.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    document: dict[str, Any] = found["Document"]
    return document
