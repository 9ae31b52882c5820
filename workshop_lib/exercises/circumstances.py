"""What policies say of a request that a check cannot make: by another one, elsewhere, later.

A check calls as few people, from one place, at one time. What a condition leaves open to others, or
from some day on, is open all the same. So the facts of a request that the policies name are varied,
and IAM's simulator is asked.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import principals
from workshop_lib.exercises.policies import (
    Condition,
    Statement,
    boundary_statements,
    conditions,
    filled,
    key_statements,
    mentioned,
    role_statements,
    values,
)

Fact = str | list[str] | None
"""The value of a condition key in a request; None where the request does not have it."""
Facts = Mapping[str, Fact]

_MOST, _MOST_VALUES = 300, 8  # combinations, and values of one key, that are tried
_FAR = "2999-01-01T00:00:00Z"
_TIME = "aws:currenttime", "aws:epochtime"
_FREE = {"kms:requestalias"}  # by which of its names a key is asked for, the caller says
# What is the same in all requests to a resource, or of people, whatever a policy asks for.
_CONSTANT = {
    *principals.KEYS, "aws:requestedregion", "aws:resourceaccount", "s3:resourceaccount",
    "aws:principalisawsservice", "aws:principalservicename", "aws:sourcearn", "aws:sourceaccount",
    "aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:resourceorgpaths",
}  # fmt: skip


def ordinary(account: str) -> dict[str, Fact]:
    """The facts of a usual request to a resource of this account, beside who asks."""
    now = now_there()
    return {
        "aws:CurrentTime": _iso(now),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        "aws:RequestedRegion": boto3.Session().region_name,
        "aws:ResourceAccount": account,
        "s3:ResourceAccount": account,
        "s3:authType": "REST-HEADER",
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        "s3:TlsVersion": "1.3",
    }


def now_there() -> datetime:
    """AWS's time, which a lab may have moved on: credentials for a quarter of an hour tell it."""
    lasting = timedelta(minutes=15)
    sts = boto3.client("sts")
    try:
        answer = sts.get_session_token(DurationSeconds=int(lasting.total_seconds()))
    except ClientError:  # a role's session gets none
        return datetime.now(UTC)
    expiration: datetime = answer["Credentials"]["Expiration"]
    return expiration - lasting


def variants(
    statements: Sequence[Statement],
    usual: Facts,
    fixed: Iterable[str] = (),
    only: Iterable[str] | None = None,
) -> Iterator[dict[str, Fact]]:
    """Facts in which a request may differ from the usual one, as far as statements look at them.

    The first has no difference. Times are those to come.

    Args:
        usual: the facts of the usual request.
        fixed: condition keys that stay as they are there, in lower case, or starts of such keys.
        only: those that alone may differ.
    """
    known = {key.lower(): value for key, value in usual.items()}
    names = mentioned(statements)
    stay = (*_CONSTANT, *fixed)
    starts = tuple(each for each in stay if each.endswith((":", "/")))
    choices: list[list[dict[str, Fact]]] = []
    if moments := _moments(statements, str(known["aws:currenttime"])):
        choices.append([{}, *moments])
    for lowered, name in names.items():
        if lowered in (*_TIME, *stay) or (lowered.startswith(starts) and lowered not in _FREE):
            continue
        if only is not None and not lowered.startswith(tuple(only)):
            continue
        now = known.get(lowered)
        found: list[Fact] = [] if now is None or lowered in _always(usual) else [None]
        for condition in _about(statements, lowered):
            found += _witnesses(condition)
        others = [each for n, each in enumerate(found) if each != now and each not in found[:n]]
        choices.append([{}, *({name: each} for each in others[:_MOST_VALUES])])
    for chosen in islice(product(*choices), _MOST):
        yield {key: value for each in chosen for key, value in each.items()}


def _always(usual: Facts) -> set[str]:
    """Keys that no request lacks."""
    return {key.lower() for key in usual} - {"aws:sourceip", "aws:useragent"}


def _about(statements: Iterable[Statement], lowered: str) -> Iterator[Condition]:
    for statement in statements:
        for condition in conditions(statement):
            if condition.key.lower() == lowered:
                yield condition


def _moments(statements: Iterable[Statement], now: str) -> list[dict[str, Fact]]:
    """The times to come at which a condition on the time may turn."""
    found = set()
    for key in _TIME:
        for condition in _about(statements, key):
            found.add(_moment(_FAR))
            for value in condition.values:
                if (at := _moment(value)) is not None:
                    found |= {at - timedelta(seconds=1), at, at + timedelta(seconds=1)}
    start = _moment(now)
    later = sorted(each for each in found if each and start and each > start)
    return [
        {"aws:CurrentTime": _iso(at), "aws:EpochTime": str(int(at.timestamp()))} for at in later
    ]


def _moment(text: str) -> datetime | None:
    try:
        if text.isdecimal() and len(text) > 4:
            return datetime.fromtimestamp(int(text), UTC)
        at = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _witnesses(condition: Condition) -> list[Fact]:
    """Values of a key that meet a condition, and others that do not."""
    kind, found = condition.kind, list[str]()
    for value in condition.values:
        if kind == "Null":
            found.append("x")
        elif kind == "Bool":
            found += ["true", "false"]
        elif kind.startswith("Date"):
            at = _moment(value)
            found += [_iso(at + timedelta(seconds=step)) for step in (-1, 0, 1)] if at else []
        elif kind.startswith("Numeric"):
            found += _near(value)
        elif kind.endswith("IpAddress"):
            found += [value.partition("/")[0], "203.0.113.77"]
        else:
            found += [filled(value), "another"]
    if condition.operator.startswith("For"):
        return [[each] for each in found]
    return list(found)


def _near(value: str) -> list[str]:
    try:
        number = float(value)
    except ValueError:
        return []
    return [f"{number + step:g}" for step in (-1, -0.1, 0, 0.1, 1)]


def told(differing: Facts) -> str:
    """In which facts a request differs, in words: ", where aws:SourceIp is 203.0.113.77"."""
    said = [
        f"{key} is {'absent' if value is None else ', '.join(values(value))}"
        for key, value in differing.items()
        if key != "aws:EpochTime"  # aws:CurrentTime says it
    ]
    return f", where {' and '.join(said)}" if said else ""


# --- the simulator -------------------------------------------------------------------------------


def simulated(
    statements: Sequence[Statement],
    actions: Sequence[str],
    resources: Sequence[str],
    facts: Facts,
    role_arn: str = "",
) -> dict[tuple[str, str], str]:
    """The decision on each action and resource: "allowed", "explicitDeny" or "implicitDeny".

    role_arn: of a role whose own policies decide as well.
    """
    document = {
        "Version": "2012-10-17",
        "Statement": [_of_an_identity(each) for each in statements],
    }
    asked: dict[str, Any] = {
        "ActionNames": list(actions),
        "ResourceArns": list(resources),
        "ContextEntries": [_entry(key, value) for key, value in facts.items() if value is not None],
        "PolicyInputList": [json.dumps(document)] if statements else [],
    }
    operation = "simulate_custom_policy"
    if role_arn:
        operation = "simulate_principal_policy"
        asked["PolicySourceArn"] = role_arn
        if not statements:
            del asked["PolicyInputList"]
    pages = boto3.client("iam").get_paginator(operation).paginate(**asked)
    return {
        (each["EvalActionName"], each["EvalResourceName"]): each["EvalDecision"]
        for page in pages
        for each in page["EvaluationResults"]
    }


def _of_an_identity(statement: Statement) -> Statement:
    """The simulator takes policies of identities only, which name no principal."""
    return {key: value for key, value in statement.items() if not key.endswith("Principal")}


def _entry(key: str, value: str | list[str]) -> dict[str, Any]:
    lowered = key.lower()
    kind = "date" if lowered in ("aws:currenttime", "aws:tokenissuetime") else "string"
    if isinstance(value, list):
        kind = "stringList"
    elif value in ("true", "false"):
        kind = "boolean"
    elif lowered.endswith(("sourceip", "vpcsourceip")):
        kind = "ip"
    return {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": values(value)}


# --- a role, and what it may do one day ----------------------------------------------------------


def role_may(
    role: Mapping[str, Any],
    resource: str,
    *actions: str,
    more: Sequence[Statement] = (),
    asked: Sequence[Facts] = ({},),
    fixed: Iterable[str] = (),
) -> Iterator[tuple[str, str]]:
    """Those of the actions that a role's policies allow in other circumstances, and in which.

    The usual circumstances are left out: there the role itself can be asked.

    Args:
        role: as ListRoles describes it.
        more: statements that decide beside those of the role.
        asked: what is in the requests besides.
        fixed: condition keys that the requests do not vary.
    """
    name = role["RoleName"]
    looked_at = [*role_statements(name), *boundary_statements(name), *more]
    if not mentioned(looked_at):
        return
    usual = {**ordinary(role["Arn"].split(":")[4]), **principals.of_role(role).facts}
    fixed = (*fixed, "aws:principaltag/", "aws:resourcetag/")
    sessions: list[Facts] = [{}]  # whoever assumes a role names the session
    for condition in _about(looked_at, "aws:userid"):
        for pattern in condition.values:
            session = filled(pattern.partition(":")[2] or "*")
            sessions.append({"aws:userid": f"{role['RoleId']}:{session}"})
    for facts in asked:
        here = {**usual, **facts}
        for own, others in product(sessions, [*variants(looked_at, here, fixed)]):
            if differing := {**own, **others}:
                request = {**here, **differing}
                answers = simulated(more, actions, [resource], request, role["Arn"])
                for (action, _), decision in answers.items():
                    if decision == "allowed":
                        yield action, told(differing)


def open_elsewhere(
    role: Mapping[str, Any],
    key_arn: str,
    *actions: str,
    contexts: Sequence[Mapping[str, str]] = ({},),
    via: str | None = None,
) -> set[str]:
    """Those of the actions that the role may ask of a KMS key under circumstances it names.

    Args:
        role: as ListRoles describes it.
        contexts: the encryption contexts under which it asks.
        via: the service through which it asks (as in kms:ViaService); else it asks itself.
    """
    caller = principals.of_role(role)
    its_own = [each for each in key_statements(key_arn) if _decides(each, caller)]
    usual: dict[str, Fact] = {
        **_facts_of(key_arn),
        "kms:CallerAccount": caller.account,
        "kms:ViaService": via,
        "aws:ViaAWSService": "true" if via else "false",
    }
    asked = [{**usual, **context_facts(context)} for context in contexts]
    fixed = ("kms:", "aws:viaawsservice", "aws:calledvia", "aws:securetransport")
    answers = role_may(role, key_arn, *actions, more=its_own, asked=asked, fixed=fixed)
    return {action for action, _ in answers}


def context_facts(context: Mapping[str, str]) -> dict[str, Fact]:
    """The condition keys of an encryption context."""
    named = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    return {**named, "kms:EncryptionContextKeys": list(context) or None}


def _decides(statement: Statement, caller: principals.Caller) -> bool:
    """Whether a statement of a key policy decides by itself on the caller.

    One that allows it to the account only lets the account's own policies decide.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    if statement["Effect"] == "Deny":
        return principals.is_meant(statement, caller)
    return "Principal" in statement and principals.by_name(statement, caller)


def _facts_of(key_arn: str) -> dict[str, Fact]:
    """The condition keys that are about the key itself."""
    kms = boto3.client("kms")
    key = kms.describe_key(KeyId=key_arn)["KeyMetadata"]
    tags = kms.list_resource_tags(KeyId=key_arn)["Tags"]
    aliases = [each["AliasName"] for each in kms.list_aliases(KeyId=key_arn)["Aliases"]]
    return {
        "kms:KeySpec": key["KeySpec"],
        "kms:KeyUsage": key["KeyUsage"],
        "kms:KeyOrigin": key["Origin"],
        "kms:MultiRegion": str(key["MultiRegion"]).lower(),
        "kms:ResourceAliases": aliases or None,
        **{f"aws:ResourceTag/{tag['TagKey']}": tag["TagValue"] for tag in tags},
    }
