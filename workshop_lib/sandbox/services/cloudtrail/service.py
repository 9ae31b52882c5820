"""CloudTrail's LookupEvents.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from workshop_lib.sandbox.call import Authorize, Call, Check
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.validation import Dialect, Validator
from workshop_lib.sandbox.services.cloudtrail.events import (
    Event,
    Trail,
    _access_key_id,
    _user_name,
    resource_type,
)
from workshop_lib.sandbox.services.foundations import Foundations, Service

# What LookupEvents can look for, and where an event says it.
_ATTRIBUTES: dict[str, Callable[[Event], Sequence[str]]] = {
    "EventId": lambda event: [event.event_id],
    "EventName": lambda event: [event.name],
    "ReadOnly": lambda event: ["true" if event.read_only else "false"],
    "Username": lambda event: [_user_name(event)],
    "ResourceType": lambda event: [resource_type(arn) for arn in event.resources],
    "ResourceName": lambda event: [
        *event.resources, *(re.split("[:/]", arn)[-1] for arn in event.resources),
    ],
    "EventSource": lambda event: [event.source],
    "AccessKeyId": lambda event: [_access_key_id(event)],
}  # fmt: skip


# CloudTrail has an error of its own for each of these.
VALIDATOR = Validator(
    "cloudtrail",
    Dialect(
        own_shapes=frozenset(
            {"EventCategory", "LookupAttributeKey", "LookupAttributeValue", "MaxResults"}
        )
    ),
)


class CloudTrail(Service):
    """CloudTrail's LookupEvents."""

    operations = ("LookupEvents",)

    def __init__(self, foundations: Foundations) -> None:
        self._trail = foundations.shared(Trail)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer LookupEvents, which has no resource. Raises AwsError."""
        VALIDATOR.validate(call.operation, call.parameters)
        authorize(call, [Check(f"cloudtrail:{call.operation}", "*")])
        asked = call.parameters
        wanted, terms = _filter(asked, call.region), _terms(asked)
        after, size = _page(asked, terms)
        events = list(self._trail.newest_first())
        if after is not None:
            ids = [event.event_id for event in events]
            events = events[ids.index(after) + 1 :] if after in ids else []
        found = [event for event in events if wanted(event)]
        if asked.get("EventCategory") == "insight":
            found = []  # CloudTrail Insights writes events for a trail that has it only
        answer: dict[str, Any] = {"Events": [_entry(event) for event in found[:size]]}
        if len(found) > size:
            answer["NextToken"] = f"{terms}-{found[size - 1].event_id}"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "x-amzn-RequestId": call.request_id,
        }
        return Response(200, headers, json.dumps(answer).encode())


def _filter(asked: Mapping[str, Any], region: str) -> Callable[[Event], bool]:
    """What tells the events that are asked for. Raises AwsError for what cannot be asked."""
    attributes = asked.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise AwsError(
            "InvalidLookupAttributesException", "You can only pass one lookup attribute at a time."
        )
    terms = []
    for attribute in attributes:
        find = _ATTRIBUTES.get(attribute.get("AttributeKey", ""))
        value = attribute.get("AttributeValue")
        if find is None or not value:
            raise AwsError("InvalidLookupAttributesException", "The lookup attribute is not valid.")
        terms.append((find, value))
    start, end = _moment(asked.get("StartTime")), _moment(asked.get("EndTime"))
    if start and end and start > end:
        raise AwsError("InvalidTimeRangeException", "The start time must be before the end time.")

    def wanted(event: Event) -> bool:
        # IAM, and STS at its global endpoint, are in us-east-1; STS elsewhere where it was called.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
        return (
            event.region == region
            and all(value in find(event) for find, value in terms)
            and (start is None or event.second >= start)
            and (end is None or event.second <= end)
        )

    return wanted


def _terms(asked: Mapping[str, Any]) -> str:
    """A digest of what is looked for: a page's token holds for that alone."""
    found = {n: v for n, v in asked.items() if n not in ("MaxResults", "NextToken")}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)


def _page(asked: Mapping[str, Any], terms: str) -> tuple[str | None, int]:
    """The id of the event that the page comes after, if any, and the page's size."""
    size = asked.get("MaxResults", 50)
    if not isinstance(size, int) or not 1 <= size <= 50:
        raise AwsError(
            "InvalidMaxResultsException", "The max results value must be between 1 and 50."
        )
    token = asked.get("NextToken")
    if token is None:
        return None, size
    if not isinstance(token, str) or not re.fullmatch(rf"{terms}-[0-9a-f-]{{36}}", token):
        raise AwsError("InvalidNextTokenException", "The token is not valid.")
    return token.removeprefix(f"{terms}-"), size


def _time_in_words(value: datetime) -> str:
    """A time inside parameters or elements, as CloudTrail writes it: Nov 5, 2026, 1:02:03 PM."""
    hour = value.hour % 12 or 12
    return f"{value:%b} {value.day}, {value.year}, {hour}:{value:%M:%S %p}"


def _entry(event: Event) -> dict[str, Any]:
    who = {"AccessKeyId": _access_key_id(event), "Username": _user_name(event)}
    return {
        "EventId": event.event_id,
        "EventName": event.name,
        "ReadOnly": "true" if event.read_only else "false",
        **{name: value for name, value in who.items() if value},
        "EventTime": event.second.timestamp(),
        "EventSource": event.source,
        "Resources": [
            {"ResourceType": resource_type(arn), "ResourceName": _resource_name(arn)}
            for arn in event.resources
        ],
        "CloudTrailEvent": json.dumps(event.document(), default=_time_in_words),
    }


def _resource_name(arn: str) -> str:
    """A bucket and a table are listed by name."""
    return re.split("[:/]", arn)[-1] if arn.split(":")[2] in ("dynamodb", "s3") else arn
