"""The documents of resource-based policies: as DynamoDB tells them again, and which are public.

Seen by the probes of October 2026 (DDB-TABLE-208, 351 to 356):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-bpa-rbp.html
"""

import json
from collections.abc import Mapping
from typing import Any

from workshop_lib.sandbox.policy import public_access
from workshop_lib.sandbox.policy.grammar import ELEMENTS, account_of, many
from workshop_lib.sandbox.policy.public_access import has_no_pattern

_OLD_VERSION = "2008-10-17"
_NARROWING = {
    "aws:ec2instancesourcevpc", "aws:principalaccount", "aws:principalarn",
    "aws:principalisawsservice", "aws:principalorgid", "aws:principalorgpaths",
    "aws:principalservicename", "aws:principalservicenameslist", "aws:sourceaccount",
    "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpce",
    "aws:userid",
}  # fmt: skip


def is_public(document: str) -> bool:
    """Whether a policy that the grammar took gives access to everyone."""
    return public_access.is_public(json.loads(document), _NARROWING, _is_fixed)


def shown(document: str) -> str:
    """A policy as GetResourcePolicy tells it: in DynamoDB's form, with a version."""
    body = _in_form(document)
    return _written({"Version": body.pop("Version", _OLD_VERSION), **body})


def in_form(document: str) -> str:
    """A policy in DynamoDB's form: two that are the same in it are the same policy."""
    return _written(_in_form(document))


def _in_form(document: str) -> dict[str, Any]:
    body = json.loads(document)
    heads = {name: body[name] for name in ("Version", "Id") if name in body}
    return {**heads, "Statement": [_statement(each) for each in many(body["Statement"])]}


def _written(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _statement(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _element(name, written[name]) for name in ELEMENTS if name in written}


def _element(name: str, value: Any) -> Any:
    if name == "Effect":
        return value.capitalize()
    if name.endswith("Principal") and isinstance(value, dict):
        return {kind: _alone(_principals(kind, named)) for kind, named in value.items()}
    if name == "Condition":
        return {
            operator: {key: _alone(values) for key, values in tests.items()}
            for operator, tests in value.items()
        }
    return _alone(value)


def _principals(kind: str, named: Any) -> Any:
    """Accounts by their root's ARN, and nobody twice."""
    found = many(named)
    if kind == "AWS":
        found = [
            f"arn:aws:iam::{account}:root" if (account := account_of(each)) else each
            for each in found
        ]
    return [*dict.fromkeys(found)]


def _alone(value: Any) -> Any:
    """The one value of a list that has no other."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:principalisawsservice":
        return value.lower() == "true"
    return has_no_pattern(value)
