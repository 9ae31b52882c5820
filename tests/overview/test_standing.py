"""How far a learner is, computed from events."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.overview.outline import Step, lesson, lessons
from workshop_lib.overview.sheet import Sheet
from workshop_lib.overview.standing import Count, Standing, resets, standings
from workshop_lib.progress import Event, Journal

START = datetime(2026, 11, 28, 9, tzinfo=UTC)
FIVE = lesson("05")
STEPS = {step.item: step for step in FIVE.steps}


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat(timespec="seconds")


def chosen(item: str, right: bool, minutes: float = 0, attempt: int = 1) -> Event:
    step = STEPS[item]
    option = next(each for each, is_right in step.options.items() if is_right == right)
    outcome = "right" if right else "wrong"
    return Event("5", item, outcome, attempt, step.about, option, time=at(minutes))


def noted(item: str, outcome: str, minutes: float = 0) -> Event:
    return Event("5", item, outcome, 1, STEPS[item].about, "", time=at(minutes))


def five(*events: Event) -> Standing:
    return standings([FIVE], events)[0]


def state(item: str, *events: Event) -> str:
    return five(*events).states[list(STEPS).index(item)]


class TestAStep:
    @pytest.mark.parametrize("item", ["predict 5.1", "quiz 5.2"])
    def test_a_question(self, item: str) -> None:
        assert state(item) == "open"
        assert state(item, noted(item, "seen")) == "open"
        assert state(item, chosen(item, True)) == "first"
        assert state(item, chosen(item, False)) == "done"
        assert state(item, chosen(item, False), chosen(item, True, attempt=2)) == "done"
        assert state(item, chosen(item, True), chosen(item, False, attempt=2)) == "first"
        assert state(item, chosen(item, True), noted(item, "revealed")) == "first"

    def test_an_exercise(self) -> None:
        item = "check 5.1"
        failed, passed = noted(item, "failed"), noted(item, "passed")
        assert state(item) == "open"
        assert state(item, failed) == "begun"
        assert state(item, failed, passed) == "first"
        assert state(item, passed, failed) == "first", "done once is done"

    def test_another_answer_of_a_later_course_counts(self) -> None:
        """The option that was wrong then is the right one now."""
        event = replace(chosen("predict 5.1", True), outcome="wrong")
        assert state("predict 5.1", event) == "first"

    def test_an_option_that_is_gone_counts_as_no_choice(self) -> None:
        event = replace(chosen("predict 5.1", True), choice="0" * 16)
        assert state("predict 5.1", event) == "open"
        assert state("predict 5.1", event, chosen("predict 5.1", False)) == "done"

    def test_a_question_that_has_moved_is_known(self) -> None:
        event = replace(chosen("predict 5.1", True), lesson="4", item="predict 4.9")
        assert state("predict 5.1", event) == "first"


def test_counts() -> None:
    standing = five(
        chosen("predict 5.1", True),
        chosen("predict 5.2", False),
        noted("check 5.1", "failed"),
        noted("check 5.2", "passed"),
        chosen("quiz 5.1", True),
    )
    kinds = {kind: len(FIVE.of(kind)) for kind in ("predict", "check", "quiz")}
    assert standing.count("predict") == Count(kinds["predict"], 2, 1)
    assert standing.count("check") == Count(kinds["check"], 1, 1)
    assert standing.count("quiz") == Count(kinds["quiz"], 1, 1)


def all_done(steps: Iterable[Step]) -> list[Event]:
    return [
        noted(step.item, "passed") if step.kind == "check" else chosen(step.item, True)
        for step in steps
    ]


class TestTheNextStep:
    def test_is_the_first_that_is_not_done(self) -> None:
        for place, step in enumerate(FIVE.steps):
            assert five(*all_done(FIVE.steps[:place])).next == step

    def test_within_a_lesson(self) -> None:
        first = chosen("predict 5.1", False)
        assert Sheet([five(first)]).next_step == "**Next:** prediction 5.2."
        rest = [step for step in FIVE.steps if step.kind != "check"]
        words = "**Next:** exercise 5.1, the default allowed, a wrong choice forbidden."
        assert Sheet([five(*all_done(rest))]).next_step == words

    def test_after_the_last_one_is_the_next_lesson(self) -> None:
        words = "Lesson 05 is complete. **Next:** lesson 06, S3 with KMS keys."
        assert Sheet([five(*all_done(FIVE.steps))]).next_step == words

    def test_of_the_course_is_where_the_learner_was_last(self) -> None:
        def words(*events: Event) -> str:
            return Sheet(standings(lessons(), events)).next_step

        assert words() == "**Next:** lesson 00, Start here: prediction 0.1."
        assert words(noted("predict 5.1", "seen")) == "**Next:** lesson 05, SSE-S3: prediction 5.1."
        done = words(*all_done(FIVE.steps))
        assert done == "**Next:** lesson 06, S3 with KMS keys: prediction 6.1."

    def test_when_all_is_done(self) -> None:
        events = [
            Event(each.short, step.item, "passed", 1, step.about, "")
            if step.kind == "check"
            else Event(each.short, step.item, "right", 1, step.about, next(iter(step.options)))
            for each in lessons()
            for step in each.steps
        ]
        assert Sheet(standings(lessons(), events)).next_step == "All lessons are complete."
        last = Sheet(standings(lessons()[-1:], events)).next_step
        assert last == f"Lesson {lessons()[-1].number} is complete."


class TestMinutes:
    def test_a_break_counts_nothing(self) -> None:
        times = [0, 5, 15, 26, 30]  # 5, 10, a break, 4
        assert five(*(chosen("predict 5.1", True, each) for each in times)).minutes == 19

    def test_one_event_takes_no_time(self) -> None:
        assert five(chosen("predict 5.1", True)).minutes == 0

    def test_the_order_of_the_lines_does_not_matter(self) -> None:
        """Of two kernels or clocks, the later line may have the earlier time."""
        times = [5, 0, 8]
        assert five(*(chosen("predict 5.1", True, each) for each in times)).minutes == 8

    def test_between_two_lessons_it_belongs_to_the_later_one(self) -> None:
        other = Event("6", "check 6.1", "failed", 1, "x", "", time=at(6))
        found = standings(
            [FIVE, lesson("06")],
            [chosen("predict 5.1", True), chosen("predict 5.2", True, 2), other],
        )
        assert [each.minutes for each in found] == [2, 4]

    @pytest.mark.parametrize("time", ["", "yesterday", "2026-13-01T00:00:00+00:00"])
    def test_a_time_that_is_none_counts_nothing(self, time: str) -> None:
        events = [chosen("predict 5.1", True, each) for each in (0, 3)]
        assert five(*events, replace(events[0], id="x", time=time)).minutes == 3

    def test_a_time_without_a_zone_is_utc(self) -> None:
        first, last = chosen("predict 5.1", True), chosen("predict 5.1", True, 4)
        assert five(replace(first, time="2026-11-28T09:00:00"), last).minutes == 4

    @given(st.lists(st.integers(0, 2000), min_size=1, max_size=30))
    def test_never_more_than_from_the_first_to_the_last(self, minutes: list[int]) -> None:
        found = five(*(chosen("predict 5.1", True, each) for each in minutes)).minutes
        gaps = [b - a for a, b in itertools.pairwise(sorted(minutes))]
        assert found == sum(gap for gap in gaps if gap <= 10)


class TestReset:
    def test_takes_back_a_lesson_and_no_other(self) -> None:
        journal = Journal(None)
        other = Event("6", "check 6.1", "failed", 1, lesson("06").of("check")[0].about, "")
        journal.append(
            other,
            chosen("predict 5.1", True),
            noted("check 5.1", "passed"),
            Event("5", "policy_grid 5", "seen", 0, "", ""),
            replace(chosen("predict 5.2", True), lesson="4", item="predict 4.9"),
            Event("5", "predict 5.99", "right", 1, "a question that is gone", "x"),
        )
        events = resets(FIVE, journal.events())
        assert len(events) == 5
        journal.append(*events)
        assert journal.events() == [other]

    def test_what_now_belongs_to_another_lesson_stays(self) -> None:
        moved = replace(chosen("predict 5.1", True), lesson="4", item="predict 4.1")
        assert resets(lesson("04"), [moved]) == []

    def test_of_nothing_is_nothing(self) -> None:
        assert resets(FIVE, []) == []
