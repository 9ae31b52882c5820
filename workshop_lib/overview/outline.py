"""What there is to do in each lesson, and in which order, from the course itself."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from workshop_lib.errors import LearnerError
from workshop_lib.exercises.registry import exercises_of
from workshop_lib.progress import mark
from workshop_lib.questions.bank import (
    Question,
    lessons_with_questions,
    predictions_of,
    quiz_of,
    title_of,
)


class NoSuchLesson(LearnerError, LookupError):
    """There is no lesson of that number."""


@dataclass(frozen=True)
class Step:
    """A prediction, an exercise or a question of the quiz.

    kind: "predict", "check" or "quiz". number: "5.3". name: how it is called in a sentence.
    about: its mark, by which its events are known. options: the marks of its options, and whether
    each is right; empty for an exercise.
    """

    kind: str
    number: str
    name: str
    about: str
    options: Mapping[str, bool]

    @property
    def item(self) -> str:
        """The item of its events (`workshop_lib.progress.Event`)."""
        return f"{self.kind} {self.number}"


@dataclass(frozen=True)
class Lesson:
    """A lesson: "05", its title, and its steps in the order of the notebook."""

    number: str
    title: str
    steps: tuple[Step, ...]

    @property
    def short(self) -> str:
        """Its number as the events have it: "5"."""
        return str(int(self.number))

    @property
    def full_name(self) -> str:
        """Its number and title, in a sentence."""
        return f"lesson {self.number}, {self.title}"

    def of(self, kind: str) -> list[Step]:
        """Its steps of a kind."""
        return [step for step in self.steps if step.kind == kind]


def lessons() -> list[Lesson]:
    """All lessons, in order."""
    return [_outline(number) for number in lessons_with_questions()]


def lesson(which: str | int) -> Lesson:
    """A lesson by its number (5, "5" or "05"). LookupError if there is none."""
    numbers = lessons_with_questions()
    number = f"{str(which).strip():0>2}"
    if number not in numbers or not str(which).strip():
        raise NoSuchLesson(
            f"There is no lesson {which!r}: take a number from {numbers[0]} to {numbers[-1]}, "
            f'for example progress("{numbers[-1]}").'
        )
    return _outline(number)


def lesson_after(one: Lesson) -> Lesson | None:
    """The lesson after this one; None after the last."""
    numbers = lessons_with_questions()
    later = numbers[numbers.index(one.number) + 1 :]
    return _outline(later[0]) if later else None


@functools.cache
def _outline(number: str) -> Lesson:
    """Predictions, exercises, quiz: so they stand in each notebook, as a test holds."""
    short = str(int(number))
    steps = [
        _question("predict", each, f"prediction {each}", question)
        for each, question in predictions_of(short).items()
    ]
    steps += [
        Step("check", each, f"exercise {each}, {known.title}", mark("check", known.title), {})
        for each, known in exercises_of(short).items()
    ]
    steps += [
        _question("quiz", f"{short}.{place}", f"question {place} of the quiz", question)
        for place, question in enumerate(quiz_of(short), 1)
    ]
    return Lesson(number, title_of(short), tuple(steps))


def _question(kind: str, number: str, name: str, question: Question) -> Step:
    options = {mark("", option): option == question.answer for option in question.options}
    return Step(kind, number, name, mark(kind, question.text), options)
