"""Predict-then-reveal and quiz: questions that answer back. No AWS.

Each comes as two outputs. The first is plain HTML with the answer folded away; it is what GitHub,
nbconvert and a notebook opened again can show. The second is buttons, where a kernel runs; while
they are there, the first hides itself.

The questions of a lesson stand in `questions/lesson_NN.toml`, so that no answer can be read in
the cell that asks:

    [predict."1.3"]
    question = "A minute after its key is disabled: will `GetItem` still work?"
    answer = "Yes, for some minutes"
    [predict."1.3".options]
    "Yes, for some minutes" = "DynamoDB keeps the table key in a cache for about five minutes."
    "No, at once" = "KMS refuses at once, but DynamoDB need not ask it for each read."

    [[quiz]]
    question = "Who reads plaintext from a table encrypted at rest?"
    answer = "Every reader with `dynamodb:GetItem`"
    [quiz.options]
    "Every reader with `dynamodb:GetItem`" = "At rest means: on DynamoDB's disks."
    "Nobody" = "DynamoDB decrypts for whoever may read the table."
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop_lib.errors import LearnerError

_QUESTIONS = Path(__file__).parent / "questions"
# A notebook opened again still has the second output, but nothing to fill it with. These rules
# stand in the first: it hides while there are buttons, else it hides their empty place.
_STYLE = """<style>
.jp-OutputArea-child:has(.workshop-static):has(+ .jp-OutputArea-child .workshop-question),
.jp-OutputArea-child:has(.workshop-static)
 + .jp-OutputArea-child:not(:has(.workshop-question)) {display: none}
.workshop-static details {margin-bottom: 1em}
</style>"""


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


def predict(which: str | Question) -> None:
    """Ask for a prediction: the learner chooses, runs the next cells, then presses Reveal.

    which: a number in the lesson's file of questions ("1.3": the third of lesson 01), or a
    Question. Raises LookupError if there is none of that number.
    """
    question = which if isinstance(which, Question) else _prediction(str(which))
    _show([("Predict", question)], reveal=True)


def quiz(which: str | Sequence[Question]) -> None:
    """Ask the closing questions of a lesson; each choice is answered at once.

    which: the lesson's number ("1"), or Questions. Raises LookupError if there are none.
    """
    questions = which if isinstance(which, list | tuple) else quiz_of(str(which))
    if not questions:
        raise NoSuchQuestion("A quiz needs a question.")
    count = len(questions)
    _show([(f"Question {n} of {count}", q) for n, q in enumerate(questions, 1)], reveal=False)


def predictions_of(lesson: str) -> dict[str, Question]:
    """The predictions of a lesson ("1"), by number. LookupError if it has no file of questions."""
    entries = _lesson(lesson).get("predict", {})
    return {number: _question(entry) for number, entry in entries.items()}


def quiz_of(lesson: str) -> list[Question]:
    """The quiz of a lesson ("1"), empty if it has none. LookupError as above."""
    return [_question(entry) for entry in _lesson(lesson).get("quiz", ())]


def _prediction(number: str) -> Question:
    found = predictions_of(number.partition(".")[0]).get(number)
    if found is None:
        raise NoSuchQuestion(f"There is no prediction {number}: run the cell as it was.")
    return found


def _lesson(number: str) -> dict[str, Any]:
    path = _QUESTIONS / f"lesson_{number.zfill(2)}.toml"
    if not number.isdecimal() or not path.exists():
        raise NoSuchQuestion(f"There are no questions for lesson {number!r}.")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _question(entry: dict[str, Any]) -> Question:
    return Question(entry["question"], entry["options"], entry["answer"])


class _Bundle:
    """Something to display: exactly these forms, by MIME type."""

    def __init__(self, forms: Mapping[str, Any]) -> None:
        self._forms = forms

    def __repr__(self) -> str:
        return str(self._forms["text/plain"])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return dict(self._forms)


def _show(asked: Sequence[tuple[str, Question]], *, reveal: bool) -> None:
    from IPython.display import display

    from workshop_lib._buttons import build

    page = "\n".join(_static(*pair) for pair in asked)
    static = {
        "text/plain": "\n\n".join(_plain(*pair) for pair in asked),
        "text/html": f'{_STYLE}\n<div class="workshop-static">\n{page}\n</div>',
    }
    live = build(asked, reveal=reveal)._repr_mimebundle_() or {}
    # A widget's own text lists the texts of all its parts; where no button shows, nothing should.
    display(_Bundle(static), _Bundle({**live, "text/plain": ""}))


def marked_up(text: str) -> str:
    """Plain text as HTML, `backticks` as code and **stars** as strong."""
    page = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", page)


def without_marks(text: str) -> str:
    """The text alone, for where no HTML can stand."""
    return text.replace("`", "").replace("**", "")


def _plain(label: str, question: Question) -> str:
    options = "\n".join(f"  - {option}" for option in question.options)
    answer = f"{question.answer}: {question.options[question.answer]}"
    return without_marks(f"{label}: {question.text}\n{options}\nAnswer: {answer}")


def _static(label: str, question: Question) -> str:
    options = "".join(f"<li>{marked_up(option)}</li>" for option in question.options)
    answer_first = sorted(question.options, key=lambda option: option != question.answer)
    reasons = "".join(
        f"<li><strong>{marked_up(option)}</strong>: {marked_up(question.verdict(option))}</li>"
        for option in answer_first
    )
    return (
        f"<p><strong>{label}:</strong> {marked_up(question.text)}</p>\n<ul>{options}</ul>\n"
        f"<details><summary>Answer</summary><ul>{reasons}</ul></details>"
    )
