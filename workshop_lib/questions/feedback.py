"""What is said to a learner's choice."""

from __future__ import annotations

from typing import NamedTuple

from workshop_lib.questions.bank import Question


class Feedback(NamedTuple):
    """A text with the marks of a Question's, empty while there is nothing to say; and its kind.

    kind: "right" or "wrong" for a verdict, else empty.
    """

    text: str
    kind: str = ""


def on_prediction(question: Question, chosen: str | None, revealed: bool) -> Feedback:
    """To a prediction: a choice is noted, and judged when Reveal was pressed after it."""
    if chosen is None:
        first = "Choose an option first: even a wrong guess helps to remember."
        return Feedback(first if revealed else "")
    if not revealed:
        return Feedback(f"Your prediction: {chosen}. Now run the next cells, then press Reveal.")
    if chosen == question.answer:
        return Feedback(question.verdict(chosen), "right")
    answer = f"The answer: {question.answer}. {question.options[question.answer]}"
    return Feedback(f"{question.verdict(chosen)} {answer}", "wrong")


def on_quiz(question: Question, chosen: str | None) -> Feedback:
    """To a question of a quiz: a choice is judged at once; the answer stays to be found."""
    if chosen is None:
        return Feedback("")
    return Feedback(question.verdict(chosen), "right" if chosen == question.answer else "wrong")
