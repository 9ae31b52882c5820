"""The live form of questions: two widgets, drawn by `widgets.js` and `widgets.css`.

Importing this loads anywidget, and with it ipywidgets; of that, only what version 7 has too is
used, for it is what Colab brings. The traits are all that these tell the browser: no answer and no
reason is among them before the learner has chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anywidget import AnyWidget
from traitlets import Bool, Dict, Int, List, observe

from workshop_lib.questions.bank import Question
from workshop_lib.questions.feedback import Feedback, on_prediction, on_quiz
from workshop_lib.questions.static_form import marked_up

_HERE = Path(__file__).parent


class QuestionsWidget(AnyWidget):
    """Asks (label, question) pairs, and says something to each choice."""

    _esm = _HERE / "widgets.js"
    _css = _HERE / "widgets.css"
    asked = List(Dict(), help="label, text and options of each question; HTML").tag(sync=True)
    chosen = List(Int(), help="the place of the chosen option in each, or -1").tag(sync=True)
    feedback = List(Dict(), help="what is said to each, HTML, and its kind").tag(sync=True)

    def __init__(self, asked: Sequence[tuple[str, Question]]) -> None:
        self._questions = [question for _, question in asked]
        super().__init__(
            asked=[
                {
                    "label": label,
                    "text": marked_up(question.text),
                    "options": [marked_up(option) for option in question.options],
                }
                for label, question in asked
            ],
            chosen=[-1] * len(asked),
        )

    @observe("chosen", "revealed")
    def _answer(self, _: Any) -> None:
        spoken = [
            self._say(question, _option(question, place))
            for question, place in zip(self._questions, self.chosen, strict=True)
        ]
        self.feedback = [{"text": marked_up(text), "kind": kind} for text, kind in spoken]

    def _say(self, question: Question, chosen: str | None) -> Feedback:
        raise NotImplementedError


class PredictionWidget(QuestionsWidget):
    """Asks for a prediction: a choice is judged when Reveal is pressed."""

    revealed = Bool(False, help="whether Reveal was pressed since the last choice").tag(sync=True)

    def _say(self, question: Question, chosen: str | None) -> Feedback:
        return on_prediction(question, chosen, self.revealed)


class QuizWidget(QuestionsWidget):
    """Asks the questions of a quiz: each choice is judged at once."""

    def _say(self, question: Question, chosen: str | None) -> Feedback:
        return on_quiz(question, chosen)


def _option(question: Question, place: int) -> str | None:
    """The option in that place; None if there is none, for the number comes from the browser."""
    options = list(question.options)
    return options[place] if 0 <= place < len(options) else None
