"""The questions of the course, read from `lessons/lesson_NN.toml`, their options shuffled."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from workshop_lib.errors import LearnerError

LESSONS = Path(__file__).parent / "lessons"


class NoSuchQuestion(LearnerError, LookupError):
    """There is no question of that number."""


@dataclass(frozen=True)
class Question:
    """A question with its options, each with the reason why it is right or wrong.

    Texts are plain; `backticks` mark code, **stars** what is stressed. Raises ValueError, naming
    the question, if the answer is none of the options, there are fewer than two, or one has no
    explanation.
    """

    text: str
    options: Mapping[str, str]
    answer: str

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            raise ValueError(f"Fewer than two options: {self.text}")
        if self.answer not in self.options:
            raise ValueError(f"The answer {self.answer!r} is no option of: {self.text}")
        for option, why in self.options.items():
            if not why.strip():
                raise ValueError(f"{option!r} is not explained in: {self.text}")

    def verdict(self, option: str) -> str:
        """Whether the option is right, in words, and why."""
        return f"{'Right.' if option == self.answer else 'Not quite.'} {self.options[option]}"


def prediction(number: str) -> Question:
    """The prediction of a number ("1.3"). LookupError if there is none."""
    question = predictions_of(number.partition(".")[0]).get(number)
    if question is None:
        raise NoSuchQuestion(f"There is no prediction {number}: run the cell as it was.")
    return question


def predictions_of(lesson: str) -> dict[str, Question]:
    """The predictions of a lesson ("1"), by number. LookupError if it has no file of questions."""
    entries = _lesson(lesson).get("predict", {})
    return {number: _question(entry) for number, entry in entries.items()}


def quiz_of(lesson: str) -> list[Question]:
    """The quiz of a lesson ("1"), empty if it has none. LookupError as above."""
    return [_question(entry) for entry in _lesson(lesson).get("quiz", ())]


def title_of(lesson: str) -> str:
    """The title of a lesson ("1"), as the course names it everywhere. LookupError as above."""
    return str(_lesson(lesson)["title"])


def lessons_with_questions() -> list[str]:
    """The numbers of all lessons, in order: "00", "01" and so on."""
    return sorted(path.stem.removeprefix("lesson_") for path in LESSONS.glob("lesson_*.toml"))


def _lesson(number: str) -> dict[str, Any]:
    path = LESSONS / f"lesson_{number.zfill(2)}.toml"
    if not number.isdecimal() or not path.exists():
        raise NoSuchQuestion(f"There are no questions for lesson {number!r}.")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _question(entry: dict[str, Any]) -> Question:
    """The options come in an order of chance that is the same in every run.

    Its seed is the question's text, and `seed` in the file where that one is to be another.
    """
    question, options = entry["question"], entry["options"]

    def chance(option: str) -> str:
        return sha256(f"{entry.get('seed', 0)} {question} {option}".encode()).hexdigest()

    shuffled = {option: options[option] for option in sorted(options, key=chance)}
    return Question(question, shuffled, entry["answer"])
