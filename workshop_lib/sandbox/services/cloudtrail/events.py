"""CloudTrail: the record of who did what and to which key, and LookupEvents over it.

Recorded are management events, KMS's cryptographic operations among them, as in CloudTrail's event
history. Events about S3 objects and DynamoDB items are data events, which it does not hold.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call, Caller
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.cloudtrail.entries import management_entry
from workshop_lib.sandbox.services.foundations import Foundations

RETENTION = timedelta(days=90)
_MOST_EVENTS = 20_000  # keeps a long-lived sandbox's memory bounded
_INTERNAL = "AWS Internal"  # how a service's own events name who did it


class Event(NamedTuple):
    """One recorded API call, or something a service did of itself (``caller`` is None).

    ``parameters`` and ``response`` never hold plaintext or key material: whoever recorded the
    event left them out. ``account`` receives the event, ``owner`` is the account that owns
    ``resources``, which are ARNs. ``invoked_by`` is the service that called on the
    caller's behalf (``fas.s3.amazonaws.com``), None for the caller's own call. ``host`` is the
    host a direct call named, where the call counts as TLS; ``more`` is additionalEventData, or
    serviceEventDetails of a service's own event. ``shared`` stands where CloudTrail tells
    a call to more than one account: of a service for itself, or about another account's resource.
    ``ordinal`` is the what-th of its kind it is: ids are made of it when somebody asks, the same in
    every run.
    """

    ordinal: str
    time: datetime
    source: str
    name: str
    region: str
    account: str
    owner: str = ""
    caller: Caller | None = None
    source_ip: str = _INTERNAL
    user_agent: str = _INTERNAL
    request_id: str | None = None
    parameters: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    more: Mapping[str, Any] | None = None
    resources: tuple[str, ...] = ()
    read_only: bool = False
    error_code: str | None = None
    error_message: str | None = None
    invoked_by: str | None = None
    host: str | None = None
    api_version: str | None = None
    shared: str | None = None

    @property
    def event_id(self) -> str:
        """The event's id."""
        return _id(self.ordinal)

    @property
    def second(self) -> datetime:
        """When it happened, as exactly as a record tells: to the second."""
        return self.time.replace(microsecond=0)

    def document(self) -> dict[str, Any]:
        """The record as CloudTrail writes it."""
        own = self.caller is None
        if self.caller is None:
            identity = {"accountId": self.account}
        elif self.caller.principal.account in (None, self.account):
            identity = _identity(self.caller)
        else:
            identity = _stranger(self.caller)
        if own or self.invoked_by:
            identity["invokedBy"] = self.invoked_by or _INTERNAL
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": identity,
            "eventTime": _instant(self.time),
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": self.invoked_by or self.source_ip,
            "userAgent": self.invoked_by or self.user_agent,
        }
        if self.error_code is not None:
            record["errorCode"] = self.error_code
        if self.error_message:
            record["errorMessage"] = self.error_message
        record |= {"requestParameters": self.parameters, "responseElements": self.response}
        if self.more and not own:
            record["additionalEventData"] = self.more
        if self.request_id is not None:
            record["requestID"] = self.request_id
        record |= {"eventID": self.event_id, "readOnly": self.read_only}
        if self.resources:
            record["resources"] = [
                {"accountId": self._owner_of(arn), "type": resource_type(arn), "ARN": arn}
                for arn in self.resources
            ]
        record["eventType"] = "AwsServiceEvent" if own else "AwsApiCall"
        if self.api_version is not None:
            record["apiVersion"] = self.api_version
        record |= {"managementEvent": True, "recipientAccountId": self.account}
        if self.shared is not None:
            record["sharedEventID"] = _id(self.shared)
        if self.more and own:
            record["serviceEventDetails"] = self.more
        record["eventCategory"] = "Management"
        if self.host is not None:  # no cipherSuite: nothing was enciphered on the way
            record["tlsDetails"] = {
                "tlsVersion": "TLSv1.3",
                "clientProvidedHostHeader": self.host,
            }
        return record

    def _owner_of(self, arn: str) -> str:
        """The account in an ARN; a bucket's has none."""
        return "".join(arn.split(":")[4:5]) or self.owner or self.account


# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
_RESOURCE_TYPES = {
    "dynamodb": "AWS::DynamoDB::Table",
    "iam": "AWS::IAM::Role",
    "kms": "AWS::KMS::Key",
    "s3": "AWS::S3::Bucket",
}


def resource_type(arn: str) -> str:
    """The type under which CloudTrail lists a resource; "" where a caller's ARN is none."""
    return _RESOURCE_TYPES.get("".join(arn.split(":")[2:3]), "")


def _instant(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _stranger(caller: Caller) -> dict[str, Any]:
    """A caller as another account's events show it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#cloudtrail-integration_examples-sts-api
    """
    account = caller.principal.account
    return {"type": "AWSAccount", "principalId": caller.user_id, "accountId": account}


def _identity(caller: Caller) -> dict[str, Any]:
    principal = caller.principal
    if principal.kind == "service":
        return {"type": "AWSService"}
    if principal.kind == "anonymous":
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    kind, issued_by = _IDENTITIES[principal.kind]
    identity: dict[str, Any] = {
        "type": kind,
        "principalId": caller.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": caller.access_key_id,
    }
    if issued_by is None:
        identity["userName"] = caller.name
    if caller.since is None:
        return identity
    context: dict[str, Any] = {}
    if issued_by is not None:
        context["sessionIssuer"] = {
            "type": issued_by,
            "principalId": caller.issuer_id,
            "arn": principal.role_arn or principal.user_arn,
            "accountId": principal.account,
            "userName": caller.name,
        }
    created = _instant(caller.since)
    context["attributes"] = {"creationDate": created, "mfaAuthenticated": "false"}
    if caller.source_identity is not None:
        context["sourceIdentity"] = caller.source_identity
    return identity | {"sessionContext": context}


# How CloudTrail names a kind of principal, and who issued its session.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
_IDENTITIES = {
    "user": ("IAMUser", None),
    "role-session": ("AssumedRole", "Role"),
    "federated-user": ("FederatedUser", "IAMUser"),
}


# CloudTrail has one name for a call that was not permitted, whatever the service's is.
_ERROR_CODES = {"AccessDeniedException": "AccessDenied"}


def _id(ordinal: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, ordinal))


class Trail:
    """The events of the account, oldest first."""

    def __init__(self, foundations: "Foundations") -> None:
        self.account = foundations.account
        self._mark = foundations.mark
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._recorded: Counter[str] = Counter()
        self._catch_up: list[Callable[[], None]] = []

    def before_reading(self, catch_up: Callable[[], None]) -> None:
        """Let ``catch_up`` record what time has brought about, whenever the trail is read."""
        self._catch_up.append(catch_up)

    def _next(self, kind: str) -> str:
        """The ordinal of the next event of a kind."""
        self._recorded[kind] += 1
        return f"{self._mark}{kind}-{self._recorded[kind]}"

    def record(
        self,
        call: Call,
        source: str,
        name: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        response: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        resources: Sequence[str] = (),
        read_only: bool = False,
        error: AwsError | None = None,
        invoked_by: str | None = None,
        host: str | None = None,
        user_agent: str | None = None,
        api_version: str | None = None,
        elsewhere: "Sequence[Trail]" = (),
    ) -> Event:
        """Write down an API call: ``name`` of the service ``source``, made within ``call``.

        Nothing of the request is kept but what ``parameters``, ``response`` and ``more`` say.
        ``elsewhere`` are the trails of other accounts, whose resources were used: each gets an
        event of its own. Returns this account's.
        """
        by_itself = call.caller.principal.kind == "service"
        agent = call.request.headers.get("user-agent", "") if user_agent is None else user_agent
        event = Event(
            ordinal=self._next("event"),
            time=clock.now(),
            source=source,
            name=name,
            region=call.region,
            account=self.account,
            owner=call.account,
            caller=call.caller,
            source_ip=call.request.source_ip,
            user_agent=agent,
            request_id=call.request_id,
            parameters=parameters,
            response=response,
            more=more,
            resources=tuple(resources),
            read_only=read_only,
            error_code=_ERROR_CODES.get(error.code, error.code) if error else None,
            error_message=error.message if error else None,
            invoked_by=invoked_by,
            host=host,
            api_version=api_version,
            shared=self._next("shared") if by_itself or elsewhere else None,
        )
        self._events.append(event)
        for trail in elsewhere:
            ordinal = trail._next("event")
            trail._events.append(event._replace(ordinal=ordinal, account=trail.account))
        return event

    def record_service_event(
        self,
        source: str,
        name: str,
        *,
        time: datetime,
        region: str,
        account: str,
        resource: str,
        response: Mapping[str, Any] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down what the service ``source`` did of itself at ``time``.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html
        """
        self._events.append(
            Event(
                ordinal=self._next(name),
                time=time,
                source=source,
                name=name,
                region=region,
                account=account,
                response=response,
                more=details,
                resources=(resource,),
            )
        )

    def record_management(
        self,
        call: Call,
        answer: Response | None,
        error: AwsError | None,
        elsewhere: "Sequence[Trail]" = (),
    ) -> None:
        """Write down a call of a service other than KMS, if it is a management event."""
        entry = management_entry(call, answer, error)
        if entry is None:
            return
        self.record(
            call,
            entry.source,
            entry.name,
            parameters=entry.parameters,
            response=entry.response,
            more=entry.more,
            resources=entry.resources,
            read_only=entry.read_only,
            error=entry.error,
            host=call.request.host if call.secure else None,
            user_agent=entry.user_agent,
            api_version=entry.api_version,
            elsewhere=elsewhere,
        )

    def newest_first(self) -> Iterator[Event]:
        """The events of the last 90 days, newest first."""
        for catch_up in self._catch_up:
            catch_up()
        oldest = clock.now() - RETENTION
        # What time brought about was noticed after it happened.
        by_time = sorted(self._events, key=lambda event: event.time)
        return (event for event in reversed(by_time) if event.time >= oldest)


def _user_name(event: Event) -> str:
    """The user, or the name of the session; nobody for a service's own event."""
    if event.caller is None:
        return ""
    if event.caller.principal.kind in ("role-session", "federated-user"):
        return event.caller.user_id.partition(":")[2]
    return event.caller.name


def _access_key_id(event: Event) -> str:
    return "" if event.caller is None else event.caller.access_key_id or ""
