"""Lifecycle rules: what S3 refuses before it keeps them.

Sentences: cdk-preflight's rules pf-s3-lifecycle-…, tried on AWS in September 2026
(https://github.com/badmintoncryer/cdk-preflight/tree/main/rules/s3), and the like that stackd
(internal/services/s3) and noobaa-core (s3_put_bucket_lifecycle.js) took from S3.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import combinations
from typing import NamedTuple

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.s3.errors import invalid_argument, invalid_request
from workshop_lib.sandbox.services.s3.xml import Element, malformed, parse

_MOST_RULES, _LONGEST_ID = 1000, 255
_ACTIONS = {
    "AbortIncompleteMultipartUpload", "Expiration", "NoncurrentVersionExpiration",
    "NoncurrentVersionTransition", "Transition",
}  # fmt: skip
# An object only moves down this list, and stays where it is for so many days first.
_CLASSES = {
    "STANDARD_IA": 30, "INTELLIGENT_TIERING": 0, "ONEZONE_IA": 30, "GLACIER_IR": 90,
    "GLACIER": 90, "DEEP_ARCHIVE": 0,
}  # fmt: skip
_RANKS = {name: rank for rank, name in enumerate(_CLASSES)}
_NO_TARGETS = ("STANDARD", "REDUCED_REDUNDANCY")
_FILTERS = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan")


class _When(NamedTuple):
    """When an action is due: after days, or at a date, which is told in days too."""

    name: str  # "Days", "Date", "NoncurrentDays"
    days: int
    written: str


class _Transition(NamedTuple):
    when: _When
    storage_class: str


def check_lifecycle(body: bytes) -> None:
    """Refuse rules that S3 does not keep. Raises AwsError.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
    """
    rules = parse(body, "LifecycleConfiguration").all("Rule")
    if not 1 <= len(rules) <= _MOST_RULES:
        raise malformed()
    if any(rule.value("Status") not in ("Enabled", "Disabled") for rule in rules):
        raise malformed()
    for rule in rules:
        if (rule.one("Filter") is None) == (rule.one("Prefix") is None):
            raise malformed()
    if len({rule.one("Filter") is None for rule in rules}) > 1:
        raise invalid_request("Filter element can only be used in Lifecycle V2.")
    names = [name for rule in rules if (name := rule.value("ID"))]
    for name in names:
        if len(name) > _LONGEST_ID:
            message = f"ID length should not exceed allowed limit of {_LONGEST_ID}"
            raise invalid_argument(message, "ID", name)
    if len(set(names)) < len(names):
        message = "Rule ID must be unique. Found same ID for more than one rule"
        raise AwsError("InvalidArgument", message)
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Element) -> None:
    filters = _filters(rule)
    _check_filters(filters)
    if not _ACTIONS & {child.name for child in rule.children}:
        raise invalid_request("At least one action needs to be specified in a rule")
    shown = _shown(filters)
    expiration = _expiration(rule, filters)
    transitions = _transitions(rule, "Transition", ("Days", "Date"))
    _check_order(transitions, "Transition", shown)
    if expiration is not None:
        for each in transitions:
            _check_expiration(expiration, each.when, "", shown)
    _check_noncurrent(rule, shown)
    aborted = rule.one("AbortIncompleteMultipartUpload")
    if aborted is not None:
        _when(aborted, ("DaysAfterInitiation",), positive=True)
        _check_unfiltered("AbortIncompleteMultipartUpload", filters)


def _filters(rule: Element) -> list[Element]:
    """What a rule's objects must have: the elements of its filter, one by one."""
    whole = rule.one("Filter")
    if whole is None:
        return rule.all("Prefix")
    if len(whole.children) > 1:
        raise malformed()
    both = whole.one("And")
    found = whole.children if both is None else both.children
    if (both is not None and len(found) < 2) or any(each.name not in _FILTERS for each in found):
        raise malformed()
    return found


def _check_filters(filters: Iterable[Element]) -> None:
    sizes = {each.name: _number(each.text) for each in filters if each.name.startswith("Object")}
    least, most = sizes.get("ObjectSizeGreaterThan"), sizes.get("ObjectSizeLessThan")
    if least is not None and most is not None and least >= most:
        raise invalid_request(
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."
        )
    keys = [each.value("Key") for each in filters if each.name == "Tag"]
    if None in keys:
        raise malformed()
    if len(set(keys)) < len(keys):
        raise invalid_request("Duplicate Tag Keys are not allowed.")


def _shown(filters: Iterable[Element]) -> str:
    """A filter, as S3 tells it in its sentences."""
    told = [
        f"tag={{key={each.value('Key')}, value={each.value('Value')}}}"
        if each.name == "Tag"
        else f"{each.name.lower()}={each.text}"
        for each in filters
    ]
    return f"filter '({' and '.join(told)})'"


def _check_unfiltered(action: str, filters: Iterable[Element]) -> None:
    names = {each.name for each in filters}
    if "Tag" in names:
        raise invalid_request(f"{action} cannot be specified with Tags.")
    if names - {"Prefix"}:
        raise invalid_request(f"{action} cannot be specified with Object Size.")


# --- what is done, and when ---------------------------------------------------------------------


def _expiration(rule: Element, filters: Iterable[Element]) -> _When | None:
    """When a rule's objects expire; None where they do not, or only their delete markers."""
    found = rule.one("Expiration")
    if found is None:
        return None
    if found.one("ExpiredObjectDeleteMarker") is None:
        return _when(found, ("Days", "Date"), positive=True)
    if len(found.children) > 1:
        raise malformed()
    _check_unfiltered("ExpiredObjectDeleteMarker", filters)
    return None


def _transitions(rule: Element, action: str, names: tuple[str, ...]) -> list[_Transition]:
    found = []
    for each in rule.all(action):
        storage_class = each.value("StorageClass") or ""
        if storage_class in _NO_TARGETS:
            message = "Invalid target Storage class for Transition action"
            raise invalid_argument(message, "StorageClass", storage_class)
        if storage_class not in _CLASSES:
            raise malformed()
        found.append(_Transition(_when(each, names, positive=False), storage_class))
    return found


def _check_noncurrent(rule: Element, shown: str) -> None:
    """What becomes of versions that are not current any more."""
    kind, names = "NoncurrentVersion", ("NoncurrentDays",)
    transitions = _transitions(rule, f"{kind}Transition", names)
    _check_order(transitions, f"{kind}Transition", shown)
    found = rule.one(f"{kind}Expiration")
    if found is not None:
        expiration = _when(found, names, positive=True)
        for each in transitions:
            _check_expiration(expiration, each.when, kind, shown)


def _when(action: Element, names: tuple[str, ...], *, positive: bool) -> _When:
    """When an action is due, told by exactly one of the elements ``names``."""
    found = [each for name in names if (each := action.one(name)) is not None]
    if len(found) != 1:
        raise malformed()
    name, text = found[0].name, found[0].text
    if name == "Date":
        return _When(name, _midnight(text), text)
    days = _number(text)
    if positive and days <= 0:
        message = f"'{name}' for {action.name} action must be a positive integer"
        raise invalid_argument(message, name, text)
    if days < 0:
        raise invalid_argument(f"'{name}' in {action.name} action must be nonnegative", name, text)
    return _When(name, days, text)


def _midnight(text: str) -> int:
    """The day that a date is, counted."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise malformed() from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise invalid_argument("'Date' must be at midnight GMT", "Date", text)
    return moment.toordinal()


def _number(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text, re.ASCII):
        raise malformed()
    return int(text)


def _check_order(transitions: Iterable[_Transition], action: str, shown: str) -> None:
    """Each transition comes late enough after those to classes above."""
    for pair in combinations(transitions, 2):
        above, below = sorted(pair, key=lambda each: _RANKS[each.storage_class])
        if above.storage_class == below.storage_class:
            raise invalid_request(
                f"'StorageClass' must be different for '{action}' actions in same 'Rule' with "
                + shown
            )
        name = below.when.name
        if above.when.name != name:
            raise invalid_request(
                f"Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for "
                f"{shown}"
            )
        between = below.when.days - above.when.days
        least = _CLASSES[above.storage_class]
        told = f"'{name}' in the '{action}' action for StorageClass '{below.storage_class}'"
        other = f"in the '{action}' action for StorageClass '{above.storage_class}'"
        if between <= 0:
            message = f"{told} for {shown} must be greater than '{name}' {other} for {shown}"
        elif between < least:
            message = f"{told} for {shown} must be {least} days more than '{shown}' {other}"
        else:
            continue
        raise invalid_argument(message, name, pair[1].when.written)


def _check_expiration(expiration: _When, transition: _When, kind: str, shown: str) -> None:
    """An object expires only after it has changed its storage class."""
    name = expiration.name
    if transition.name != name:
        raise invalid_request(
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle "
            f"rule for {shown}"
        )
    if expiration.days <= transition.days:
        message = (
            f"'{name}' in the {kind}Expiration action for {shown} must be greater than '{name}' "
            f"in the {kind}Transition action"
        )
        raise invalid_argument(message, name, expiration.written)
