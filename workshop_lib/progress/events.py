"""One thing a learner did, and its line in the file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Event:
    """A choice, or the look at an answer.

    lesson: "5". item: what the learner called, "predict 5.3" or "quiz 5.2".
    outcome: "right" or "wrong" for a choice, "revealed" for a look at the answer.
    attempt: 1 for the first choice. question, choice: marks of the question's and the option's
    own words, so that a later course that moves a number or an option mistakes neither.
    """

    lesson: str
    item: str
    outcome: str
    attempt: int
    question: str
    choice: str
    id: str = field(default_factory=lambda: uuid4().hex)
    time: str = field(default_factory=_now)

    def line(self) -> bytes:
        """The event as a line of the file, with its end."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Event | None:
        """The event of a line; None if the line is damaged. What a later course added is left."""
        try:
            known = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(known, dict):
            return None
        values: dict[str, Any] = {each.name: known.get(each.name) for each in fields(cls)}
        if any(type(v) is not (int if k == "attempt" else str) for k, v in values.items()):
            return None
        return cls(**values)
