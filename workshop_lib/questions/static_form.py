"""Questions as a page or a text shows them: no kernel, no script, the answer folded away."""

from __future__ import annotations

from collections.abc import Sequence

from workshop_lib.display.live import one_of_two
from workshop_lib.display.style import marked_up, plain
from workshop_lib.questions.bank import Question

_STYLE = one_of_two(
    "workshop-static", "workshop-question", ".workshop-static details {margin-bottom: 1em}"
)


def as_html(asked: Sequence[tuple[str, Question]]) -> str:
    """(label, question) pairs as HTML."""
    page = "\n".join(_html(*pair) for pair in asked)
    return f'{_STYLE}\n<div class="workshop-static">\n{page}\n</div>'


def as_text(asked: Sequence[tuple[str, Question]]) -> str:
    """(label, question) pairs as text, for where no HTML can stand."""
    return "\n\n".join(_text(*pair) for pair in asked)


def _text(label: str, question: Question) -> str:
    options = "\n".join(f"  - {option}" for option in question.options)
    answer = f"{question.answer}: {question.options[question.answer]}"
    return plain(f"{label}: {question.text}\n{options}\nAnswer: {answer}")


def _html(label: str, question: Question) -> str:
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
