"""A second policy evaluator, slow and obvious, to compare the sandbox's with.

Written from the text of AWS's pages alone: it shares no code with the sandbox, compiles nothing,
keeps nothing, and reads policy documents as plain dictionaries each time it is asked.
IAM User Guide: "Policy evaluation logic", "Condition operators", "Conditions with multiple context
keys or values", "Set operators for multivalued context keys", "Variables and tags", "Resource",
"Principal", "Cross-account policy evaluation logic"; Organizations User Guide: "SCP evaluation",
"RCP evaluation".
"""

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Document = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]


@dataclass
class Ask:
    """A request and every document that applies to it."""

    kind: str  # "user", "role-session", "root", "anonymous" or "service"
    arn: str
    account: str | None
    action: str
    resource: str
    context: Context
    role_arn: str | None = None
    identity: Sequence[Document] = ()
    boundary: Document | None = None
    session: Sequence[Document] | None = None
    attached: Document | None = None
    access_control_list: Document | None = None  # as a policy
    delegation: bool = False
    granted: bool = False
    resource_account: str = "111111111111"
    # An organization's policies at each level, from the root down to the account: service control
    # policies of the principal's account, resource control policies of the resource's.
    service_controls: Sequence[Sequence[Document]] = ()
    resource_controls: Sequence[Sequence[Document]] = ()


def evaluate(ask: Ask) -> str:
    """ "Allow", "ExplicitDeny" or "ImplicitDeny"."""
    attached = [ask.attached] if ask.attached else []
    listed = [ask.access_control_list] if ask.access_control_list else []
    boundary = [ask.boundary] if ask.boundary else []
    session = list(ask.session or [])

    # "If the code finds even one explicit deny that applies, the code returns a final decision
    # of Deny."
    for document in [*ask.identity, *boundary, *session]:
        if any(applies(ask, document, statement, "Deny") for statement in statements(document)):
            return "ExplicitDeny"
    for document in attached:
        for statement in statements(document):
            if applies(ask, document, statement, "Deny") and meant(ask, statement):
                return "ExplicitDeny"

    levels = [*ask.resource_controls, *ask.service_controls]
    for level in levels:
        for document in level:
            if any(applies(ask, document, each, "Deny") for each in statements(document)):
                return "ExplicitDeny"
    # "there must be an explicit Allow statement at every level from the root through each OU in
    # the direct path to the account (including the target account itself)"
    for level in levels:
        if not allowed_by_any(ask, level):
            return "ImplicitDeny"

    if ask.granted:
        return "Allow"

    ways = {
        meant(ask, statement)
        for document in [*attached, *listed]
        for statement in statements(document)
        if applies(ask, document, statement, "Allow")
    }
    identity = ask.kind == "root" or allowed_by_any(ask, ask.identity)
    within_boundary = ask.boundary is None or allowed_by_any(ask, boundary)
    within_session = ask.session is None or allowed_by_any(ask, session)
    limited_identity = identity and within_boundary and within_session

    if ask.kind in ("anonymous", "service"):
        return "Allow" if "directly" in ways else "ImplicitDeny"
    if ask.account != ask.resource_account:
        # "both must allow"
        both = limited_identity and bool(ways - {""})
        return "Allow" if both else "ImplicitDeny"
    if "directly" in ways:
        return "Allow"
    if "role" in ways and within_boundary and within_session:
        return "Allow"
    if ask.delegation and not ways & {"role", "account"}:
        return "ImplicitDeny"
    if ask.delegation and "account" not in ways:
        return "ImplicitDeny"
    return "Allow" if limited_identity else "ImplicitDeny"


def statements(document: Document) -> list[Document]:
    found = document["Statement"]
    return list(found) if isinstance(found, list) else [found]


def allowed_by_any(ask: Ask, documents: Sequence[Document]) -> bool:
    for document in documents:
        for statement in statements(document):
            if applies(ask, document, statement, "Allow"):
                return True
    return False


def many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def applies(ask: Ask, document: Document, statement: Document, effect: str) -> bool:
    """Effect, action, resource and conditions; the principal is `meant`'s affair."""
    variables = document.get("Version") == "2012-10-17"
    if statement["Effect"] != effect:
        return False
    if "Action" in statement:
        if not any(action_like(pattern, ask.action) for pattern in many(statement["Action"])):
            return False
    elif any(action_like(pattern, ask.action) for pattern in many(statement["NotAction"])):
        return False
    if "Resource" in statement:
        wanted = many(statement["Resource"])
        if not any(resource_like(ask, text, variables) for text in wanted):
            return False
    elif "NotResource" in statement:
        unwanted = many(statement["NotResource"])
        if any(resource_like(ask, text, variables) for text in unwanted):
            return False
    for operator, tests in statement.get("Condition", {}).items():
        for key, values in tests.items():
            if not condition_holds(ask, operator, key, many(values), variables):
                return False
    return True


# --- principals ---------------------------------------------------------------------------


def meant(ask: Ask, statement: Document) -> str:
    """How the Principal names who asks: "directly", by "role", by "account", or "" (not)."""
    if "NotPrincipal" in statement:
        listed = many(statement["NotPrincipal"]["AWS"])
        must = [ask.arn, f"arn:aws:iam::{ask.account}:root"]
        if ask.role_arn:
            must.append(ask.role_arn)
        spared = ask.boundary is None and all(arn in listed for arn in must)
        return "" if spared else "directly"
    principal = statement["Principal"]
    if principal == "*":
        return "directly"
    aws = many(principal.get("AWS", []))
    if "*" in aws:
        return "directly"
    if ask.kind == "anonymous":
        return ""
    if ask.kind == "service":
        return "directly" if ask.arn in many(principal.get("Service", [])) else ""
    account = [ask.account, f"arn:aws:iam::{ask.account}:root"]
    if ask.arn in aws or (ask.kind == "root" and any(name in aws for name in account)):
        return "directly"
    if ask.role_arn in aws:
        return "role"
    if any(name in aws for name in account):
        return "account"
    return ""


# --- patterns -----------------------------------------------------------------------------

ANY_RUN, ANY_ONE = object(), object()


def pattern_of(text: str, context: Context, variables: bool) -> list[Any] | None:
    """Characters and wildcards of a policy value; None when a variable has no value."""
    found: list[Any] = []
    while text:
        if variables and text.startswith("${") and "}" in text:
            inside, text = text[2:].split("}", 1)
            if inside in ("*", "?", "$"):
                found.append(inside)
                continue
            key, comma, default = inside.partition(", ")
            value = lookup(context, key)
            if not isinstance(value, str):
                if not comma:
                    return None
                value = default.strip("'")
            found.extend(value)
            continue
        char, text = text[0], text[1:]
        found.append({"*": ANY_RUN, "?": ANY_ONE}.get(char, char))
    return found


def like(pattern: list[Any], text: str, may_cross: Any = None) -> bool:
    """Match character by character. `may_cross(rest)` says whether a wildcard with this rest of
    the pattern after it may stand for a colon."""
    reached = {0}
    for index, item in enumerate(pattern):
        crosses = may_cross is None or may_cross(pattern[:index], pattern[index + 1 :])
        following = set()
        for place in reached:
            if item is ANY_RUN:
                end = place
                following.add(end)
                while end < len(text) and (crosses or text[end] != ":"):
                    end += 1
                    following.add(end)
            elif place < len(text):
                if item is ANY_ONE:
                    if crosses or text[place] != ":":
                        following.add(place + 1)
                elif item == text[place]:
                    following.add(place + 1)
        reached = following
    return len(text) in reached


def action_like(pattern: str, action: str) -> bool:
    return like(pattern_of(pattern.lower(), {}, False) or [], action.lower())


def resource_like(ask: Ask, text: str, variables: bool) -> bool:
    pattern = pattern_of(text, ask.context, variables)
    if pattern is None:
        return False

    # "You can use wildcard characters within the individual segments of an ARN"; "If the *
    # wildcard is the last character of a resource ARN segment, it can expand to match beyond
    # the colon boundaries".
    def may_cross(before: list[Any], after: list[Any]) -> bool:
        if before.count(":") >= 5:
            return True
        item = pattern[len(before)]
        return item is ANY_RUN and (not after or after[0] == ":")

    return like(pattern, ask.resource, may_cross)


def arn_like(text: str, value: str, context: Context, variables: bool) -> bool:
    """ "Each of the six colon-delimited components of the ARN is checked separately"."""
    pattern = pattern_of(text, context, variables)
    if pattern is None or pattern.count(":") < 5 or value.count(":") < 5:
        return False
    parts: list[list[Any]] = [[]]
    for item in pattern:
        if item == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(item)
    return all(map(like, parts, value.split(":", 5)))


# --- conditions ---------------------------------------------------------------------------


def lookup(context: Context, key: str) -> str | Sequence[str] | None:
    """ "Key names are not case-sensitive"."""
    for name, value in context.items():
        if name.lower() == key.lower():
            return value
    return None


def condition_holds(ask: Ask, operator: str, key: str, wanted: list[Any], variables: bool) -> bool:
    value = lookup(ask.context, key)
    texts = [str(item).lower() if isinstance(item, bool) else str(item) for item in wanted]
    nothing = value is None or value in ("", []) or all(item == "" for item in value)

    if operator == "Null":
        return any(text == ("true" if nothing else "false") for text in texts)

    quantifier, colon, name = operator.rpartition(":")
    if name.endswith("IfExists"):
        name = name.removesuffix("IfExists")
        if value is None or (colon and nothing):
            return True
    if quantifier == "ForAllValues":
        if nothing:
            return True
        return all(single(ask, name, item, texts, variables) for item in many_of(value))
    if quantifier == "ForAnyValue":
        if nothing:
            return False
        return any(single(ask, name, item, texts, variables) for item in many_of(value))
    if value is None:
        return "Not" in name
    assert isinstance(value, str)
    return single(ask, name, value, texts, variables)


def many_of(value: str | Sequence[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def single(ask: Ask, name: str, value: str, texts: list[str], variables: bool) -> bool:
    """One value of the request: OR over the policy's values, NOR if the operator is negated."""
    matched = any(compare(ask, name.replace("Not", ""), value, text, variables) for text in texts)
    return not matched if "Not" in name else matched


def compare(ask: Ask, name: str, value: str, text: str, variables: bool) -> bool:
    if name in ("StringEquals", "StringEqualsIgnoreCase", "Bool"):
        pattern = pattern_of(text, ask.context, variables)
        if pattern is None:
            return False
        plain = "".join({ANY_RUN: "*", ANY_ONE: "?"}.get(item, item) for item in pattern)
        return plain == value if name == "StringEquals" else plain.lower() == value.lower()
    if name == "StringLike":
        pattern = pattern_of(text, ask.context, variables)
        return pattern is not None and like(pattern, value)
    if name in ("ArnEquals", "ArnLike"):
        return arn_like(text, value, ask.context, variables)
    if name == "BinaryEquals":
        return base64.b64decode(text) == base64.b64decode(value)
    if name == "IpAddress":
        return ipaddress.ip_address(value) in ipaddress.ip_network(text)
    left: Any
    right: Any
    if name.startswith("Numeric"):
        left, right = float(value), float(text)
    else:
        left, right = (
            float(item)
            if item.isdigit()
            else datetime.fromisoformat(item.replace("Z", "+00:00")).timestamp()
            for item in (value, text)
        )
    test = name.removeprefix("Numeric").removeprefix("Date")
    outcomes: dict[str, bool] = {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }
    return outcomes[test]
