"""An event as a learner's kernel sends it: looked at before anything is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from classroom.outline import Outline

# What an event holds (workshop_lib/progress/events.py), and how each part looks.
_FIELDS = {
    "id": r"[0-9a-f]{32}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(\+00:00|Z)",
    "lesson": r"\d{1,2}",
    "item": r"[a-z_]{1,24} \d{1,2}(\.\d{1,2})?",
    "outcome": r"seen|right|wrong|revealed|passed|failed|reset",
    "question": r"([0-9a-f]{16})?",
    "choice": r"([0-9a-f]{16})?",
    "condition": r"[^\x00-\x1f\x7f]{0,200}",
}
_OUTCOMES = {
    "predict": {"seen", "right", "wrong", "revealed", "reset"},
    "quiz": {"seen", "right", "wrong", "revealed", "reset"},
    "check": {"seen", "passed", "failed", "reset"},
}


class Refused(ValueError):
    """An event that is not taken, in words."""


def read_event(sent: Any, outline: Outline) -> dict[str, Any]:
    """The event's parts, with the lesson as "05"; `time` is left out, see `age_of`.

    Raises Refused for what no kernel of the course sends: other parts, an item or an option that
    there is not, an outcome that does not follow from the choice.
    """
    if not isinstance(sent, dict) or sent.keys() != {*_FIELDS, "attempt"}:
        raise Refused("an event has other parts")
    for name, form in _FIELDS.items():
        if not isinstance(sent[name], str) or not re.fullmatch(form, sent[name]):
            raise Refused(f"its {name} is not one")
    if type(sent["attempt"]) is not int or not 0 <= sent["attempt"] <= 10_000:
        raise Refused("its attempt is not one")
    event = {**sent, "lesson": sent["lesson"].zfill(2)}
    del event["time"]
    _require_course(event, outline)
    return event


def _require_course(event: Mapping[str, Any], outline: Outline) -> None:
    kind, _, number = event["item"].partition(" ")
    if (
        event["lesson"] not in outline.numbers
        or number.partition(".")[0].zfill(2) != event["lesson"]
    ):
        raise Refused("there is no such lesson")
    if kind not in _OUTCOMES:  # an interactive form
        if event["outcome"] not in ("seen", "reset") or event["choice"] or event["condition"]:
            raise Refused("a form is seen, and no more")
        return
    step = outline.steps.get(event["item"])
    if step is None:
        raise Refused("there is no such item")
    if event["outcome"] not in _OUTCOMES[kind]:
        raise Refused("its outcome does not fit")
    if event["condition"] and event["outcome"] != "failed":
        raise Refused("only what failed has a condition")
    if step.question is not None:
        _require_choice(event, outline)


def _require_choice(event: Mapping[str, Any], outline: Outline) -> None:
    """The choice is one of the question's options, and right or wrong as the course says."""
    question = outline.steps[event["item"]].question
    assert question is not None
    if event["question"] != question.mark:
        raise Refused("the question has other words in this course")
    if event["outcome"] in ("seen", "reset"):
        return
    if event["choice"] not in question.marks:
        raise Refused("there is no such option")
    right = question.marks.index(event["choice"]) == question.answer
    if event["outcome"] != "revealed" and (event["outcome"] == "right") != right:
        raise Refused("the course says otherwise")


def age_of(time: Any, now: Any) -> float:
    """How many seconds before `now` an event was, both by the learner's clock.

    Only the difference counts: what the clock says is nobody's business, and may be wrong. What
    is dated later than `now` is new. Events are dated to the second, so one is no difference: a
    vote that was cast just after a round began belongs to it.
    """
    try:
        return max(0.0, (_moment(now) - _moment(time)).total_seconds() - 1)
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
