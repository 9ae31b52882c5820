"""Events as a learner's kernel sends them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from classroom.outline import Outline


def vote(outline: Outline, item: str, place: int, **changed: Any) -> dict[str, Any]:
    """The choice of the option in that place, by the course's own marks."""
    question = outline.steps[item].question
    assert question is not None
    parts = {
        "outcome": "right" if place == question.answer else "wrong",
        "question": question.mark,
        "choice": question.marks[place],
    }
    return event(item, **{**parts, **changed})


def event(item: str, outcome: str = "seen", **changed: Any) -> dict[str, Any]:
    """An event with all its parts."""
    parts = {
        "id": uuid4().hex,
        "time": "2026-11-28T10:00:00+00:00",
        "lesson": item.split()[1].partition(".")[0],
        "item": item,
        "outcome": outcome,
        "attempt": 1,
        "question": "",
        "choice": "",
        "condition": "",
    }
    return {**parts, **changed}
