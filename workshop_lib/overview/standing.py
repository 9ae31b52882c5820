"""How far the learner is in each lesson, from the events that were noted."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from workshop_lib.overview.outline import Lesson, Step, lessons
from workshop_lib.progress import Event

BREAK = 10 * 60
"""Seconds: a longer gap between two events was a break, and counts nothing."""


@dataclass(frozen=True)
class Count:
    """Of some steps: how many there are, how many are done, and how many right at first try."""

    all: int
    done: int
    first: int

    def __add__(self, other: Count) -> Count:
        return Count(self.all + other.all, self.done + other.done, self.first + other.first)


@dataclass(frozen=True)
class Standing:
    """A lesson, how each of its steps stands, and the minutes spent on it.

    states: "first" (right at first try, or an exercise that has passed), "done" (answered, but
    something else first), "begun" (an exercise that was checked and has not passed) or "open".
    latest: whether the last thing noted was about this lesson.
    """

    lesson: Lesson
    states: tuple[str, ...]
    minutes: int
    latest: bool = False

    def count(self, kind: str) -> Count:
        """Of its steps of a kind."""
        states = [
            state
            for step, state in zip(self.lesson.steps, self.states, strict=True)
            if step.kind == kind
        ]
        first = states.count("first")
        return Count(len(states), first + states.count("done"), first)

    @property
    def next(self) -> Step | None:
        """The first step that is not done; None if all are."""
        both = zip(self.lesson.steps, self.states, strict=True)
        return next((step for step, state in both if state in ("open", "begun")), None)


def standings(shown: Sequence[Lesson], events: Sequence[Event]) -> list[Standing]:
    """How these lessons stand, given all events in their order."""
    owners = _owners(shown)
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.about].append(event)
    # A question that an update has moved counts where it stands now.
    at = [(event, owners.get(event.about, event.lesson)) for event in events]
    minutes = _minutes(at)
    latest = at[-1][1] if at else ""
    return [
        Standing(
            each,
            tuple(_state(step, found[step.about]) for step in each.steps),
            minutes.get(each.short, 0),
            each.short == latest,
        )
        for each in shown
    ]


def resets(one: Lesson, events: Iterable[Event]) -> list[Event]:
    """The events that take back all that was noted of a lesson, also under an earlier number."""
    owners = _owners(lessons())
    its = {e.about: e for e in events if owners.get(e.about, e.lesson) == one.short}
    return [Event(one.short, e.item, "reset", 0, e.question, "") for e in its.values()]


def _owners(of: Iterable[Lesson]) -> dict[str, str]:
    """The lesson of each step, by what its events are about."""
    return {step.about: each.short for each in of for step in each.steps}


def _state(step: Step, events: Iterable[Event]) -> str:
    if step.kind == "check":
        outcomes = {event.outcome for event in events}
        return "first" if "passed" in outcomes else "begun" if "failed" in outcomes else "open"
    # By the answer of today: an update may have another, or no longer have an option.
    tried = [
        step.options[event.choice]
        for event in events
        if event.outcome in ("right", "wrong") and event.choice in step.options
    ]
    return ("first" if tried[0] else "done") if tried else "open"


def _minutes(at: Iterable[tuple[Event, str]]) -> dict[str, int]:
    """The active minutes of each lesson: gaps of at most BREAK, to the lesson of their end."""
    times = sorted((when, lesson) for event, lesson in at if (when := _seconds(event)) is not None)
    spent: dict[str, float] = defaultdict(float)
    for (before, _), (after, lesson) in itertools.pairwise(times):
        if after - before <= BREAK:
            spent[lesson] += after - before
    return {lesson: round(seconds / 60) for lesson, seconds in spent.items()}


def _seconds(event: Event) -> float | None:
    try:
        when = datetime.fromisoformat(event.time)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
