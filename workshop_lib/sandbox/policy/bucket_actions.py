"""S3's actions in a bucket policy: which of its resources and condition keys each goes with.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from workshop_lib.sandbox.policy.condition_keys import SESSION_KEYS
from workshop_lib.sandbox.policy.service_authorization import (
    actions,
    condition_keys,
    key_family,
)

BUCKET, OBJECT = "bucket", "object"


def is_action(pattern: str) -> bool:
    """Whether S3 has an action of this name, or one that a pattern with wildcards stands for."""
    return any(fnmatchcase(action, _name(pattern)) for action in actions("s3"))


def is_pattern(action: str) -> bool:
    """Whether an action of a policy has wildcards."""
    return "*" in action or "?" in action


def applies(pattern: str, resources: Iterable[str]) -> bool:
    """Whether an action, or one that the pattern stands for, applies to one of the ARNs."""
    name = _name(pattern)
    about = {
        kind
        for action, entry in actions("s3").items()
        if fnmatchcase(action, name)
        for kind in entry.resources
    }
    return any(about & _kinds(arn) for arn in resources)


def is_condition_key(name: str) -> bool:
    """Whether S3 knows a condition key: one of its own, of AWS as a whole, or of a provider of
    identities, whose name is a domain's or "saml"."""
    vendor, colon, _ = name.lower().partition(":")
    if vendor == "s3":
        return key_family(name) in condition_keys("s3")
    if vendor in ("aws", "saml") or "." in vendor or name.lower() in SESSION_KEYS:
        return bool(colon)
    return False


def fits(action: str, key: str) -> bool:
    """Whether an action can have a condition key; S3 judges keys of its own only."""
    family = key_family(key)
    return not family.startswith("s3:") or family in actions("s3")[_name(action)].keys


def _name(action: str) -> str:
    """An action's name in lower case, without the service's."""
    return action.lower().removeprefix("s3:")


def _kinds(arn: str) -> set[str]:
    """What an ARN of a bucket policy can stand for; a wildcard in a bucket's name, for both."""
    path = arn.split(":", 5)[-1]
    if "/" in path:
        return {OBJECT}
    return {BUCKET, OBJECT} if "*" in path else {BUCKET}
