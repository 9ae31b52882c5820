"""CloudTrail: the record of who did what, and to which key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.errors import AwsError
from workshop_lib.sandbox.operations import Call


@dataclass(frozen=True)
class Event:
    """One recorded API call.

    ``parameters`` and ``response`` never hold plaintext or key material: the service that made
    the event left them out. ``invoked_by`` is the service that called on the caller's behalf
    (``s3.amazonaws.com``), None for the caller's own call.
    """

    time: datetime
    source: str
    name: str
    call: Call
    parameters: Mapping[str, Any] | None
    response: Mapping[str, Any] | None
    resources: Sequence[str] = ()
    read_only: bool = False
    error: AwsError | None = None
    invoked_by: str | None = None


@dataclass
class Trail:
    """All events of the account, oldest first."""

    events: list[Event] = field(default_factory=list)

    def record(
        self,
        call: Call,
        source: str,
        name: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        response: Mapping[str, Any] | None = None,
        resources: Sequence[str] = (),
        read_only: bool = False,
        error: AwsError | None = None,
        invoked_by: str | None = None,
    ) -> None:
        """Write down an API call: ``name`` of the service ``source``, made within ``call``."""
        self.events.append(
            Event(
                clock.now(), source, name, call, parameters, response, tuple(resources),
                read_only, error, invoked_by,
            )
        )  # fmt: skip
