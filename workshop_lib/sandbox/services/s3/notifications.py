"""Event notifications: what S3 refuses before it keeps where its events are to go.

Sentences: cdk-preflight's rules pf-s3-notification-…, tried on AWS in September 2026
(https://github.com/badmintoncryer/cdk-preflight/tree/main/rules/s3), and the like that stackd
(internal/services/s3) took from S3.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from itertools import combinations
from typing import NamedTuple

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.s3.xml import Element, malformed, parse

# The element of a destination, and the one that names it.
_DESTINATIONS = {
    "TopicConfiguration": "Topic",
    "QueueConfiguration": "Queue",
    "CloudFunctionConfiguration": "CloudFunction",
}
_KINDS = {
    "IntelligentTiering": (),
    "LifecycleExpiration": ("Delete", "DeleteMarkerCreated"),
    "LifecycleTransition": (),
    "ObjectAcl": ("Put",),
    "ObjectCreated": ("CompleteMultipartUpload", "Copy", "Post", "Put"),
    "ObjectRemoved": ("Delete", "DeleteMarkerCreated"),
    "ObjectRestore": ("Completed", "Delete", "Post"),
    "ObjectTagging": ("Delete", "Put"),
    "ReducedRedundancyLostObject": (),
    "Replication": (
        "OperationFailedReplication", "OperationMissedThreshold", "OperationNotTracked",
        "OperationReplicatedAfterThreshold",
    ),
}  # fmt: skip
_EVENTS = {
    f"s3:{kind}:{name}" if name else f"s3:{kind}"
    for kind, names in _KINDS.items()
    for name in ((*names, "*") if names else ("",))
}
_LONGEST_VALUE = 1024


class _Rule(NamedTuple):
    events: list[str]
    prefix: str
    suffix: str
    has_filter: bool


def check_notifications(body: bytes) -> None:
    """Refuse what S3 cannot send, or would send twice. Raises AwsError.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
    """
    root = parse(body, "NotificationConfiguration")
    found = [(child, name) for kind, name in _DESTINATIONS.items() for child in root.all(kind)]
    rules = [_rule(child, name) for child, name in found]
    for one, other in combinations(rules, 2):
        if _overlap(one, other):
            if one.has_filter or other.has_filter:
                raise _invalid(
                    "Configuration is ambiguously defined. Cannot have overlapping suffixes in "
                    "two rules if the prefixes are overlapping for the same event type."
                )
            raise _invalid(_SHARED)


_SHARED = (
    "Configurations overlap. Configurations on the same bucket cannot share a common event type."
)


def _rule(element: Element, name: str) -> _Rule:
    arn, events = element.value(name), [event.text for event in element.all("Event")]
    if not arn or not events:
        raise malformed()
    if name == "Queue" and arn.endswith(".fifo"):
        raise _invalid("FIFO SQS queues are not supported.")
    if name == "Topic" and arn.endswith(".fifo"):
        raise _invalid(
            "The ARN failed to satisfy constraint: Member must satisfy regular expression pattern: "
            r"^arn:aws[\p{Alpha}\-]*:sns:[\p{Alnum}\-]+:[\p{Digit}]{12}:[\p{Alnum}\-_]{1,256}$"
        )
    if not _EVENTS.issuperset(events):
        raise _invalid("The event is not supported for notifications")
    if any(_share(*pair) for pair in combinations(events, 2)):
        raise _invalid(_SHARED)
    key = element.one("Filter")
    rules = [] if key is None else [rule for each in key.all("S3Key") for rule in each.children]
    return _Rule(events, *_ends(rules), key is not None)


def _ends(rules: list[Element]) -> tuple[str, str]:
    """How the keys that a filter lets pass begin, and how they end."""
    found: dict[str, str] = {}
    for rule in rules:
        name, value = (rule.value("Name") or "").lower(), rule.value("Value") or ""
        if name not in ("prefix", "suffix"):
            raise _invalid("filter rule name must be either prefix or suffix")
        if name in found:
            raise _invalid(f"Cannot specify more than one {name} rule in a filter.")
        if len(value.encode()) > _LONGEST_VALUE:
            raise _invalid(
                "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation"
            )
        found[name] = value
    return found.get("prefix", ""), found.get("suffix", "")


def _share(one: str, other: str) -> bool:
    """Whether two names stand for an event in common."""
    stems = [name.removesuffix("*") for name in (one, other)]
    return (
        one == other
        or (one != stems[0] and other.startswith(stems[0]))
        or (other != stems[1] and one.startswith(stems[1]))
    )


def _overlap(one: _Rule, other: _Rule) -> bool:
    """Whether an event with some key would be sent for both."""
    return (
        any(_share(event, another) for event in one.events for another in other.events)
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
    )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgument", message)
