"""The course as a class sees it: lessons, their steps in order, and the questions' words.

Read from `notebooks/` (which steps there are) and `workshop_lib/questions/lessons/` (what they
ask). A learner's kernel sends marks in place of words; here the marks become words again.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import CodeType
from typing import Any

_CALL = re.compile(r'^(predict|check|quiz)\("([\d.]+)"', re.M)
_HEADING = re.compile(r"^#+ (?:(\d+\.\d+) )?(.*)$", re.M)
_TITLE = 90  # characters of a step's title


@dataclass(frozen=True)
class Question:
    """What is asked, with its options in the order in which learners see them.

    item: "predict 5.3" or "quiz 5.2". mark: the question's own; marks: those of the options.
    answer: the place of the right option.
    """

    item: str
    mark: str
    text: str
    options: tuple[str, ...]
    marks: tuple[str, ...]
    answer: int


@dataclass(frozen=True)
class Step:
    """One thing a lesson asks of a learner. kind: "predict", "check" or "quiz"."""

    item: str
    title: str
    kind: str
    question: Question | None = None


@dataclass(frozen=True)
class Lesson:
    """A lesson's number ("05"), its title and its steps in the order of the notebook."""

    number: str
    title: str
    steps: tuple[Step, ...]


class Outline:
    """All lessons; `steps` by item, `questions` by mark.

    phrases: what the checks of the exercises may say, between the learner's own values.
    """

    def __init__(self, lessons: tuple[Lesson, ...], phrases: frozenset[str] = frozenset()) -> None:
        self.lessons = lessons
        self.steps = {step.item: step for lesson in lessons for step in lesson.steps}
        asked = [step.question for step in self.steps.values() if step.question is not None]
        self.questions = {question.mark: question for question in asked}
        self.numbers = {lesson.number for lesson in lessons}
        # the longest first: it may hold a shorter one
        self._phrases = sorted(phrases, key=len, reverse=True)

    def says(self, condition: str) -> bool:
        """Whether a check of the course says this: nobody else's words get onto the board."""
        refused = re.fullmatch(r"(.+: )[A-Za-z0-9.]{1,60}", condition)  # with AWS's error code
        rest = refused[1].rstrip() if refused else condition
        for phrase in self._phrases:
            rest = rest.replace(phrase.strip(), "…")
        return bool(condition.strip("… ")) and not rest.strip("… ")


def mark(words: str) -> str:
    """The mark of a question's or an option's words (workshop_lib/questions/answers.py)."""
    return sha256(words.encode()).hexdigest()[:16]


def read_outline(root: Path) -> Outline:
    """The outline of the course in that folder."""
    notebooks = sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    checks = (root / "workshop_lib" / "exercises").glob("*.py")
    phrases = frozenset(
        text
        for path in checks
        for text in _texts(compile(path.read_text("utf-8"), path.name, "exec"))
        if len(re.findall(r"[^\W_]{2,}", text)) > 1
    )
    return Outline(tuple(_lesson(path, root) for path in notebooks), phrases)


def _texts(constant: object) -> Iterator[str]:
    """What stands between quotes in code (as in workshop_lib/exercises/wording.py)."""
    if isinstance(constant, str):
        yield from filter(None, re.split(r"\{[^{}]*\}", constant))
    elif isinstance(constant, CodeType):
        yield from _texts(constant.co_consts)
    elif isinstance(constant, tuple | frozenset):
        for each in constant:
            yield from _texts(each)


def _lesson(path: Path, root: Path) -> Lesson:
    number = path.name[:2]
    texts = root / "workshop_lib" / "questions" / "lessons" / f"lesson_{number}.toml"
    asked = tomllib.loads(texts.read_text("utf-8")) if texts.exists() else {}
    cells = json.loads(path.read_text("utf-8"))["cells"]
    title, headings = "", dict[str, str]()
    steps: list[Step] = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for exercise, text in _HEADING.findall(source):
                title = title or text
                headings[exercise] = text
        elif cell["cell_type"] == "code":
            for kind, call in _CALL.findall(source):
                steps += _steps(kind, call, asked, headings)
    return Lesson(number, _plain(asked.get("title", title)), tuple(steps))


def _steps(
    kind: str, number: str, asked: dict[str, Any], headings: dict[str, str]
) -> Iterator[Step]:
    """The steps that a call in a notebook stands for: a quiz is one for each of its questions."""
    if kind == "check":
        yield Step(f"check {number}", _plain(headings.get(number, "")), kind)
    elif kind == "predict":
        if number in asked.get("predict", {}):
            yield _asking(kind, number, asked["predict"][number])
    else:
        for place, entry in enumerate(asked.get("quiz", ()), 1):
            yield _asking(kind, f"{number}.{place}", entry)


def _asking(kind: str, number: str, entry: dict[str, Any]) -> Step:
    """A step with its question. The options are shuffled as in workshop_lib/questions/bank.py."""
    text, seed = entry["question"], entry.get("seed", 0)
    options = tuple(
        sorted(entry["options"], key=lambda each: sha256(f"{seed} {text} {each}".encode()).digest())
    )
    question = Question(
        item=f"{kind} {number}",
        mark=mark(f"{kind} {text}"),
        text=text,
        options=options,
        marks=tuple(map(mark, options)),
        answer=options.index(entry["answer"]),
    )
    return Step(question.item, _plain(text), kind, question)


def _plain(text: str) -> str:
    """A text without the marks of its form, in the length of a title."""
    words = re.sub(r"`|\*\*", "", text).strip()
    return words if len(words) <= _TITLE else words[: _TITLE - 1].rsplit(" ", 1)[0] + "…"
