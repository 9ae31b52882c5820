"""What is said to a learner's choice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from workshop_lib.questions.bank import Question


class Feedback(NamedTuple):
    """A text with the marks of a Question's, empty while there is nothing to say; and its kind.

    kind: "right" or "wrong" for a verdict, else empty. told: the options whose reason may be
    shown, and how each of them is marked, "right", "wrong" or not at all.
    """

    text: str
    kind: str = ""
    told: Mapping[str, str] = MappingProxyType({})


def on_prediction(question: Question, chosen: str | None, revealed: bool) -> Feedback:
    """To a prediction: a choice is noted, and judged when Reveal was pressed after it."""
    if chosen is None:
        first = "Choose an option first: even a wrong guess helps you remember."
        return Feedback(first if revealed else "")
    if not revealed:
        return Feedback(f"Your prediction: {chosen}. Now run the next cells, then press Reveal.")
    told = _told(question, question.options, judged=(chosen,))
    if chosen == question.answer:
        return Feedback(question.verdict(chosen), "right", told)
    answer = f"The answer: {question.answer}. {question.options[question.answer]}"
    return Feedback(f"{question.verdict(chosen)} {answer}", "wrong", told)


def on_quiz(question: Question, tried: Sequence[str]) -> Feedback:
    """To a question of a quiz: each choice is judged at once.

    The answer stays to be found; when it is, every option is explained.
    """
    if not tried:
        return Feedback("")
    text = question.verdict(tried[-1])
    kind = _kind(question, tried[-1])
    shown = question.options if question.answer in tried else tried
    return Feedback(text, kind, _told(question, shown, judged=tried))


def score(asked: Sequence[tuple[Question, Sequence[str]]]) -> str:
    """How many of a quiz's questions were right at first try, given what was tried at each."""
    firsts = [question.answer == tried[0] for question, tried in asked if tried]
    if not firsts:
        return ""
    left = len(asked) - len(firsts)
    return f"{sum(firsts)} of {len(asked)} at first try" + (f", {left} to go" if left else "")


def _told(question: Question, shown: Iterable[str], judged: Collection[str]) -> dict[str, str]:
    marked = {*judged, question.answer}
    return {option: _kind(question, option) if option in marked else "" for option in shown}


def _kind(question: Question, option: str) -> str:
    return "right" if option == question.answer else "wrong"
