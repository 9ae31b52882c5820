"""The server's outline of the course says what the course itself says."""

from __future__ import annotations

import pytest

from classroom.outline import Outline, mark
from tests.support.lessons import LESSONS
from workshop_lib.exercises import registry, wording
from workshop_lib.progress import Journal
from workshop_lib.questions import Question, predictions_of, quiz_of
from workshop_lib.questions.answers import Answers


def test_every_lesson_is_there_in_order(outline: Outline) -> None:
    assert [lesson.number for lesson in outline.lessons] == [path.name[:2] for path in LESSONS]
    assert all(lesson.title for lesson in outline.lessons)


def test_questions_are_those_that_learners_see_in_the_same_order(outline: Outline) -> None:
    asked: dict[str, Question] = {}
    for lesson in outline.lessons:
        number = str(int(lesson.number))
        asked |= {f"predict {each}": question for each, question in predictions_of(number).items()}
        asked |= {f"quiz {number}.{n}": each for n, each in enumerate(quiz_of(number), 1)}
    known = {question.item: question for question in outline.questions.values()}
    assert known.keys() == asked.keys()
    for item, question in asked.items():
        assert known[item].text == question.text
        assert list(known[item].options) == list(question.options)
        assert known[item].options[known[item].answer] == question.answer
        assert known[item].mark == Answers(question, item, Journal(None)).mark
        assert known[item].marks == tuple(map(mark, question.options))


def test_every_exercise_is_a_step_with_its_heading(outline: Outline) -> None:
    checks = [step for step in outline.steps.values() if step.kind == "check"]
    assert len(checks) > 25
    for step in checks:
        assert registry.find(step.item.removeprefix("check "))
        assert step.title, step.item


def test_steps_keep_the_order_of_the_notebook(outline: Outline) -> None:
    lesson = next(lesson for lesson in outline.lessons if lesson.number == "05")
    items = [step.item for step in lesson.steps]
    assert items[:2] == ["predict 5.1", "predict 5.2"]
    assert items.index("check 5.2") < items.index("quiz 5.1")


@pytest.mark.parametrize(
    "sentence",
    [
        "no bucket carries the tag exercise = 5.1",
        "the policy lets uploads name any key",
        "its key is an AWS managed one, not yours",
        "the role workshop-reader-1 cannot be assumed by this account",
    ],
)
def test_a_sentence_of_a_check_is_known(outline: Outline, sentence: str) -> None:
    registry.find("5.1")
    condition = wording.courses_words(sentence)
    assert condition
    assert outline.says(condition)


def test_a_refusal_of_aws_is_known_by_its_code(outline: Outline) -> None:
    assert outline.says("AWS refused what the check asked: AccessDenied")


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "…",
        "Ada is slow",
        "<img src=x onerror=alert(1)>",
        "the policy lets uploads name any key, says Ada",
        "AWS refused what the check asked: <b>",
        "buy now: x",
    ],
)
def test_nobody_elses_words_are(outline: Outline, sentence: str) -> None:
    assert not outline.says(sentence)
