"""What a learner's kernel sends is looked at before it is believed."""

from __future__ import annotations

from typing import Any

import pytest

from classroom.events import Refused, age_of, read_event
from classroom.outline import Outline
from tests.support.class_events import event, vote
from workshop_lib.classes.courier import PARTS


def test_an_event_is_taken_with_its_lesson_in_two_digits(outline: Outline) -> None:
    sent = vote(outline, "predict 5.1", 0)
    taken = read_event(sent, outline)
    assert taken == {**{k: v for k, v in sent.items() if k != "time"}, "lesson": "05"}


def test_the_course_sends_the_parts_that_are_taken(outline: Outline) -> None:
    assert set(event("check 5.1")) == set(PARTS)


@pytest.mark.parametrize(
    "sent",
    [
        event("check 5.1", "passed"),
        event("check 5.1", "failed", condition="the policy lets uploads name any key"),
        event("check 5.1", "reset"),
        event("tamper 5", "seen", attempt=0),
        event("policy_grid 5", "seen", attempt=0),
    ],
)
def test_what_a_kernel_sends_is_taken(outline: Outline, sent: dict[str, Any]) -> None:
    assert read_event(sent, outline)["item"] == sent["item"]


@pytest.mark.parametrize(
    "forged",
    [
        None,
        [],
        "event",
        {},
        {**event("check 5.1"), "code": "print(1)"},
        {k: v for k, v in event("check 5.1").items() if k != "attempt"},
        event("check 5.1", id="1"),
        event("check 5.1", id="g" * 32),
        event("check 5.1", "passed", attempt="1"),
        event("check 5.1", "passed", attempt=True),
        event("check 5.1", "passed", attempt=-1),
        event("check 5.1", "passed", attempt=10**9),
        event("check 5.1", "passed", time="now"),
        event("check 5.1", "passed", lesson="6"),
        event("check 5.99", "passed"),
        event("check 99.1", "passed"),
        event("check 5.1", "right"),
        event("check 5.1", "passed", condition="the policy lets uploads name any key"),
        event("check 5.1", "failed", condition="a\nb"),
        event("check 5.1", "failed", condition="x" * 201),
        event("quiz 5.99", "right"),
        event("predict 5.1", "right"),
        event("predict 5.1", "passed"),
        event("tamper 5", "passed"),
        event("<script> 5"),
    ],
)  # fmt: skip
def test_what_no_kernel_sends_is_refused(outline: Outline, forged: Any) -> None:
    with pytest.raises(Refused):
        read_event(forged, outline)


def test_a_choice_is_right_or_wrong_as_the_course_says(outline: Outline) -> None:
    question = outline.steps["predict 5.1"].question
    assert question
    wrong = (question.answer + 1) % 3
    for forged in (
        vote(outline, "predict 5.1", wrong, outcome="right"),
        vote(outline, "predict 5.1", question.answer, outcome="wrong"),
        vote(outline, "predict 5.1", 0, choice="0" * 16),
        {**vote(outline, "predict 5.2", 0), "item": "predict 5.1"},
    ):
        with pytest.raises(Refused):
            read_event(forged, outline)


@pytest.mark.parametrize(
    ("time", "now", "age"),
    [
        ("2026-11-28T10:00:00+00:00", "2026-11-28T10:10:00+00:00", 599),
        ("1999-01-01T00:00:00+00:00", "1999-01-01T00:00:31Z", 30),  # a clock that is wrong
        ("2099-01-01T00:00:00+00:00", "2026-11-28T10:00:00+00:00", 0),  # a time to come
        ("2026-11-28T10:00:00+00:00", "2026-11-28T10:00:00.900+00:00", 0),
        ("2026-11-28T10:00:00+00:00", "soon", 0),
        ("2026-11-28T10:00:00+00:00", None, 0),
        ("2026-11-28T10:00:00+00:00", "2026-11-28T10:10:00", 0),  # of no time zone
    ],
)
def test_only_differences_of_the_learners_clock_count(time: str, now: Any, age: float) -> None:
    assert age_of(time, now) == age
