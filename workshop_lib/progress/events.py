"""One thing a learner did, and its line in the file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

_WORDS = ("lesson", "item", "outcome", "question", "choice", "id", "time")


def mark(kind: str, words: str) -> str:
    """The mark of a question or an exercise: of its kind ("predict") and its own words.

    An option has no kind. A course that moves it to another number knows it again, and takes no
    other for it.
    """
    return sha256(f"{kind} {words}".encode() if kind else words.encode()).hexdigest()[:16]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Event:
    """Something shown for the first time, a choice, the look at an answer, or a check.

    lesson: "5". item: what the learner called: "predict 5.3", "quiz 5.2" (its second question),
    "check 5.1", or "tamper 5", an interactive form of the lesson.
    outcome: "seen" when it was shown for the first time; "right" or "wrong" for a choice, and
    "revealed" for a look at the answer; "passed" or "failed" for a check; "kept" for what was
    done in a form, which no class is told; "reset" takes back all that was noted of it before.
    attempt: 1 for the first choice or the first check, 0 where nothing was tried.
    question, choice: marks of the question's, the exercise's and the option's own words, so that
    a later course that moves a number or an option mistakes neither. Empty where there is none.
    Of what was kept of a form, `question` is the mark of what that form shows.
    condition: which one of a check's conditions failed first, in the words of the course, "…" in
    place of all others: a learner's values are never among them. Else empty.
    state: what was done in a form, as the form writes it: numbers and letters for what it offers
    to choose, and nothing of what it shows. Else empty.
    """

    lesson: str
    item: str
    outcome: str
    attempt: int
    question: str
    choice: str
    condition: str = ""
    state: str = ""
    id: str = field(default_factory=lambda: uuid4().hex)
    time: str = field(default_factory=_now)

    @property
    def about(self) -> str:
        """What the event is about, as a mark where it has one: the same for all its events."""
        return self.question or self.item

    def line(self) -> bytes:
        """The event as a line of the file, with its end."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Event | None:
        """The event of a line; None if the line is damaged.

        What a later course added is left, and what an earlier one did not know is empty.
        """
        try:
            known = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(known, dict):
            return None
        values: dict[str, Any] = {name: known.get(name) for name in _WORDS}
        values.update({name: known.get(name, "") for name in ("condition", "state")})
        if any(type(value) is not str for value in values.values()):
            return None
        if type(attempt := known.get("attempt")) is not int:
            return None
        return cls(attempt=attempt, **values)
