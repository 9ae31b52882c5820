"""What a role's policies allow by another address, at another hour: asked of IAM's simulator.

A check calls from one place at one time. A permission with a condition on the place or the time is
open for others all the same.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from workshop_lib.exercises import key_use

Circumstances = dict[str, str]

# Facts of a request, not of the caller or the key; each is told as this type.
_VARIED = {
    "aws:sourceip": "ip",
    "aws:vpcsourceip": "ip",
    "aws:sourcevpc": "string",
    "aws:sourcevpce": "string",
    "aws:currenttime": "date",
    "aws:multifactorauthpresent": "boolean",
    "aws:useragent": "string",
    "aws:referer": "string",
    "kms:requestalias": "string",
}
_LATE, _EARLY = "2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"


def open_elsewhere(role: Mapping[str, Any], key_arn: str, *actions: str) -> set[str]:
    """Those of the actions that the role may ask of KMS itself under circumstances it names.

    role: as ListRoles describes it.
    """
    found: set[str] = set()
    policy = json.loads(boto3.client("kms").get_key_policy(KeyId=key_arn)["Policy"])
    its_own = [each for each in key_use.listed(policy) if _is_for(each, role["Arn"])]
    documents = [*key_use.role_documents(role["RoleName"]), {"Statement": its_own}]
    for document in documents:
        for statement in key_use.listed(document):
            for chosen in _circumstances(statement):
                found |= _allowed(role["Arn"], key_arn, actions, its_own, chosen)
    return found


def _is_for(statement: Mapping[str, Any], role_arn: str) -> bool:
    principal: Any = statement.get("Principal", ())
    named: Any = principal.get("AWS", ()) if isinstance(principal, dict) else principal
    return any(each in ("*", role_arn) for each in ([named] if isinstance(named, str) else named))


def _circumstances(statement: Mapping[str, Any]) -> Iterator[Circumstances]:
    """What meets the conditions of an Allow, or escapes those of a Deny; nothing if unconditional.

    Nothing either where a condition is about the caller, the key or the service that asks.
    """
    conditions = [
        (operator, key, value if isinstance(value, list) else [value])
        for operator, tests in statement.get("Condition", {}).items()
        for key, value in tests.items()
    ]
    if not any(key.lower() in _VARIED for _, key, _ in conditions):
        return
    if statement["Effect"] == "Deny":
        times = {key for _, key, _ in conditions if _VARIED.get(key.lower()) == "date"}
        yield from (dict.fromkeys(times, at) for at in (_LATE, _EARLY))
        return
    if all(key.lower() in _VARIED for _, key, _ in conditions):
        yield {
            key: met
            for operator, key, values in conditions
            if (met := _meeting(operator, str(values[0])))
        }


def _meeting(operator: str, value: str) -> str:
    """A value that an operator is true for; empty where it is true without one."""
    kind = operator.rpartition(":")[2]
    if "Not" in kind or kind.endswith("IfExists") or (kind, value.lower()) == ("Null", "true"):
        return ""
    if kind.startswith("DateGreater"):
        return _LATE
    if kind.startswith("DateLess"):
        return _EARLY
    if kind == "IpAddress":
        return value.partition("/")[0]
    return "x" if kind == "Null" else value.replace("*", "x").replace("?", "x")


def _allowed(
    role_arn: str,
    key_arn: str,
    actions: tuple[str, ...],
    its_own: list[dict[str, Any]],
    chosen: Circumstances,
) -> set[str]:
    account = role_arn.split(":")[4]
    facts = {
        "aws:SecureTransport": ("boolean", "true"),
        "aws:ViaAWSService": ("boolean", "false"),
        "aws:PrincipalArn": ("string", role_arn),
        "aws:PrincipalAccount": ("string", account),
        "kms:CallerAccount": ("string", account),
        **{key: (_VARIED[key.lower()], value) for key, value in chosen.items()},
    }
    entries = [
        {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}
        for key, (kind, value) in facts.items()
    ]
    further = [{key: value for key, value in s.items() if key != "Principal"} for s in its_own]
    more = {"Version": "2012-10-17", "Statement": further}
    answer = boto3.client("iam").simulate_principal_policy(
        PolicySourceArn=role_arn,
        ActionNames=list(actions),
        ResourceArns=[key_arn],
        ContextEntries=entries,
        **({"PolicyInputList": [json.dumps(more)]} if further else {}),
    )
    results = answer["EvaluationResults"]
    return {each["EvalActionName"] for each in results if each["EvalDecision"] == "allowed"}
