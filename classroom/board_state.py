"""What the board is told: JSON, made of the room as it is, and of nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from classroom.outline import Outline, mark
from classroom.plans import Plan
from classroom.room import Learner, Poll, Room

UNKNOWN = "(a sentence that this course does not have)"


def time_of(moment: float | None) -> str | None:
    """A moment in ISO format, in UTC."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def lessons_state(outline: Outline) -> list[dict[str, Any]]:
    """The course: lessons with their steps."""
    return [
        {
            "number": lesson.number,
            "title": lesson.title,
            "steps": [
                {
                    "item": step.item,
                    "title": step.title,
                    "kind": step.kind,
                    "question": step.question.mark if step.question else None,
                }
                for step in lesson.steps
            ],
        }
        for lesson in outline.lessons
    ]


def plan_state(plan: Plan) -> dict[str, Any]:
    """A plan with its sections."""
    return asdict(plan)


def learner_state(learner: Learner, room: Room, names: bool, now: float) -> dict[str, Any]:
    """One learner, under the name that the board may show.

    Whether a prediction was right is told when its poll is revealed: the answer would be read from
    the marks of those who chose it.
    """
    return {
        "name": learner.name if names and learner.name else learner.pseudonym,
        "joined": time_of(learner.joined),
        "seen": time_of(learner.seen),
        "active": time_of(learner.active),
        "here": learner.is_here(now),
        "hand": time_of(learner.hand),
        "lesson": learner.lesson,
        "done": {item: _outcome(room, item, done) for item, done in learner.done.items()},
        "tries": dict(learner.tries),
    }


def _outcome(room: Room, item: str, outcome: str) -> str:
    question = room.outline.steps[item].question
    poll = room.polls.get(question.mark) if question else None
    hidden = poll is not None and not poll.revealed and outcome in ("right", "wrong")
    return "chosen" if hidden else outcome


def poll_state(poll: Poll) -> dict[str, Any]:
    """One prediction with its votes; the answer when it was revealed."""
    question = poll.question
    return {
        "item": question.item,
        "text": question.text,
        "options": list(question.options),
        "answer": question.answer if poll.revealed else None,
        "rounds": [{"counts": counts, "voters": sum(counts)} for counts in poll.counts()],
        "revealed": poll.revealed,
    }


def stuck_state(room: Room) -> list[dict[str, Any]]:
    """What the checks found missing when they were last called, and with how many learners.

    The sentences are the course's own: what a learner's kernel sends in their place is not shown.
    """
    found = Counter(
        (item, condition if room.outline.says(condition) else UNKNOWN)
        for learner in room.learners.values()
        for item, condition in learner.stuck_on.items()
    )
    return [
        {"item": item, "condition": mark(text), "text": text, "learners": count}
        for (item, text), count in sorted(found.items(), key=lambda each: (-each[1], each[0]))
    ]
