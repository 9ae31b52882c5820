"""What is to be sent to the class, and what its answer means. No network, no thread.

A kernel has a thread that carries this out (`link.py`); where there are no threads, whatever can
wait and fetch does the same: ask `request`, hand the answer to `answered`, wait `pause` seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from workshop_lib.classes.membership import Membership, Memory
from workshop_lib.progress import Event, Journal

# All that a class is told of an event. A part that a later Event has is not sent unless named here.
PARTS = ("id", "time", "lesson", "item", "outcome", "attempt", "question", "choice", "condition")
BATCH = 100
_SLOWEST = 30  # seconds between two tries


class Request(NamedTuple):
    """A request to the class: a path, and the JSON that goes with it."""

    path: str
    body: dict[str, Any]


class Courier:
    """Sends one learner's events, in order, until the class has them."""

    def __init__(
        self,
        membership: Membership,
        memory: Memory,
        journal: Journal,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.membership = membership
        self.hand: bool | None = None  # where the learner wants it, until the class knows
        self.ended = False
        self._memory, self._journal, self._chance = memory, journal, chance
        self._failures = 0

    def request(self) -> Request | None:
        """What to ask now; None if there is nothing to say, or the class was left."""
        current = self._memory.current()
        if self.ended or current is None or current.learner != self.membership.learner:
            self.ended = True
            return None
        if self.hand is not None:
            return Request("/api/hand", {"up": self.hand})
        waiting = self.waiting()[:BATCH]
        if not waiting:
            return None
        events = [{part: getattr(event, part) for part in PARTS} for event in waiting]
        return Request("/api/events", {"events": events, "now": datetime.now(UTC).isoformat()})

    def waiting(self) -> list[Event]:
        """The events that the class does not have yet; what was kept of a form is none of them."""
        taken = self._memory.taken()
        return [
            event
            for event in self._journal.events()
            if event.outcome != "kept" and event.id not in taken
        ]

    def answered(self, request: Request, status: int, answer: dict[str, Any]) -> None:
        """Take the class's answer; status 0: nobody answered."""
        if status == 401:
            self.end()
            return
        if status != 200:
            self._failures += 1
            return
        self._failures = 0
        self._memory.touch()
        if request.path == "/api/hand":
            if self.hand == request.body["up"]:
                self.hand = None
            return
        sent = {event["id"] for event in request.body["events"]}
        told = {str(each) for each in _list(answer.get("accepted"))}
        told |= {
            str(each.get("id")) for each in _list(answer.get("refused")) if isinstance(each, dict)
        }
        if not sent & told:
            self._failures += 1  # not the answer of a class
        self._memory.take(sorted(sent & told))

    def end(self) -> None:
        """The class does not know the learner any more: it is as if they had left."""
        self.ended = True
        self._memory.leave()

    @property
    def pause(self) -> float:
        """Seconds to wait before the next request: more after each that failed."""
        if not self._failures:
            return 0
        return min(_SLOWEST, 2.0 ** (self._failures - 1)) * (0.5 + self._chance() / 2)


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
