"""Whether a policy lets everybody in, as AWS's services see it that block public access.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-bpa-rbp.html
"""

import re
from collections.abc import Callable, Container, Mapping
from typing import Any

from workshop_lib.sandbox.policy.grammar import many

_POSITIVE = re.compile(r"(String|Arn)(Equals|Like)(IgnoreCase)?|IpAddress|Bool", re.I)


def is_public(
    document: Mapping[str, Any],
    narrowing: Container[str],
    is_fixed: Callable[[str, str], bool],
) -> bool:
    """Whether one of a document's statements allows something to everyone.

    It does not where a condition holds a key of ``narrowing`` (in small letters) to values that
    ``is_fixed`` takes: it is asked with the key and each of them.
    """
    return any(
        statement["Effect"].lower() == "allow"
        and ("NotPrincipal" in statement or _names_everyone(statement.get("Principal")))
        and not _is_narrow(statement.get("Condition", {}), narrowing, is_fixed)
        for statement in many(document["Statement"])
    )


def has_no_pattern(value: str) -> bool:
    """Whether a condition's value stands for itself alone: no wildcard, no policy variable."""
    return "*" not in value and "?" not in value and "${" not in value


def _names_everyone(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        principal = principal.get("AWS", [])
    return "*" in many(principal)


def _is_narrow(
    conditions: Mapping[str, Mapping[str, Any]],
    narrowing: Container[str],
    is_fixed: Callable[[str, str], bool],
) -> bool:
    return any(
        _POSITIVE.fullmatch(operator)
        and key.lower() in narrowing
        and all(is_fixed(key.lower(), str(value)) for value in many(values))
        for operator, tests in conditions.items()
        for key, values in tests.items()
    )
