"""What there is to do in a lesson agrees with its notebook, its checks and the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.lessons import LESSONS, ROOT, code_cells, read
from workshop_lib.overview.outline import Lesson, NoSuchLesson, lesson, lesson_after, lessons

NUMBERS = [path.name[:2] for path in LESSONS]
of_each = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def test_every_notebook_is_a_lesson() -> None:
    assert [each.number for each in lessons()] == NUMBERS


def calls(one: Lesson) -> list[str]:
    """What a learner calls, once for all questions of a quiz."""
    items = [step.item for step in one.steps]
    return list(dict.fromkeys(re.sub(r"^(quiz \d+)\.\d+", r"\1", item) for item in items))


@of_each
def test_its_steps_are_those_of_the_notebook_in_order(path: Path) -> None:
    asked = [
        f"{found[1]} {found[2]}"
        for cell in code_cells(read(path))
        for found in re.finditer(r'^(predict|check|quiz)\("([\d.]+)"', cell.source, re.M)
    ]
    assert calls(lesson(path.name[:2])) == asked


@of_each
def test_its_title_is_that_of_the_readme(path: Path) -> None:
    one = lesson(path.name[:2])
    link = f"[{one.number} {one.title}](notebooks/{path.name})"
    assert link in (ROOT / "README.md").read_text("utf-8")


def test_no_two_steps_share_a_mark() -> None:
    marks = [step.about for each in lessons() for step in each.steps]
    assert len(set(marks)) == len(marks)


def test_a_question_has_one_right_option_and_an_exercise_none() -> None:
    for each in lessons():
        for step in each.steps:
            assert sum(step.options.values()) == (step.kind != "check"), step.item


@pytest.mark.parametrize("which", ["05", "5", 5, " 5 "])
def test_a_lesson_by_its_number(which: str | int) -> None:
    assert lesson(which).number == "05"
    assert lesson(which).short == "5"


@pytest.mark.parametrize("which", ["", "13", "5.1", "x", -1, 1.5, "000", None, "../05"])
def test_another_number_is_told_which_there_are(which: str) -> None:
    with pytest.raises(NoSuchLesson, match=rf"from 00 to {NUMBERS[-1]}"):
        lesson(which)


def test_the_lesson_after() -> None:
    every = lessons()
    assert [lesson_after(each) for each in every] == [*every[1:], None]
