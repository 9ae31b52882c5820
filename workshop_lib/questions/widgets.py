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
from traitlets import Bool, Dict, Int, List, Unicode, observe

from workshop_lib.display.live import script, styles
from workshop_lib.display.style import marked_up
from workshop_lib.progress import Journal
from workshop_lib.questions import polls
from workshop_lib.questions.answers import Answers
from workshop_lib.questions.bank import Question
from workshop_lib.questions.feedback import Feedback, on_prediction, on_quiz, score

_HERE = Path(__file__).parent


class QuestionsWidget(AnyWidget):
    """Asks (label, question) pairs, and says something to each choice.

    answers: what was answered to each before, and where new choices are noted; without them
    nothing was, and they are noted nowhere.
    """

    _esm = script(_HERE / "widgets.js")
    _css = styles(_HERE / "widgets.css")
    asked = List(Dict(), help="label, text and options of each question; HTML").tag(sync=True)
    chosen = List(Int(), help="the place of the chosen option in each, or -1").tag(sync=True)
    feedback = List(
        Dict(), help="what is said to each, HTML, its kind, and what stands at each option"
    ).tag(sync=True)
    summary = Unicode(help="what is said below all questions").tag(sync=True)

    def __init__(
        self, asked: Sequence[tuple[str, Question]], answers: Sequence[Answers] | None = None
    ) -> None:
        self._questions = [question for _, question in asked]
        nowhere = Journal(None)
        self._answers = answers or [Answers(each, "", nowhere) for each in self._questions]
        self._complaint = ""
        super().__init__(
            asked=[
                {
                    "label": label,
                    "text": marked_up(question.text),
                    "options": [marked_up(option) for option in question.options],
                }
                for label, question in asked
            ],
            **self._answered_before(),
        )
        self._speak()

    def _answered_before(self) -> dict[str, Any]:
        """The traits that hold what the learner chose before."""
        both = zip(self._questions, self._answers, strict=True)
        return {"chosen": [_place(question, answers.chosen) for question, answers in both]}

    @observe("chosen", "revealed")
    def _answer(self, _: Any) -> None:
        both = zip(self._questions, self._answers, strict=True)
        for (question, answers), place in zip(both, self.chosen, strict=True):
            option = _option(question, place)
            if option is not None:
                answers.choose(option)
        self._speak()

    def _speak(self) -> None:
        self.feedback = [
            _shown(question, answers, self._say(question, answers))
            for question, answers in zip(self._questions, self._answers, strict=True)
        ]
        for answers in self._answers:
            self._complaint = self._complaint or answers.complaint()
        self.summary = " ".join(filter(None, [self._summary(), self._complaint]))

    def _say(self, question: Question, answers: Answers) -> Feedback:
        raise NotImplementedError

    def _summary(self) -> str:
        return ""


class PredictionWidget(QuestionsWidget):
    """Asks for a prediction: a choice is judged when Reveal is pressed."""

    revealed = Bool(False, help="whether Reveal was pressed since the last choice").tag(sync=True)
    votes = List(
        Dict(), help="what a class did with each question: a note, HTML, and a text at each option"
    ).tag(sync=True)

    def __init__(
        self, asked: Sequence[tuple[str, Question]], answers: Sequence[Answers] | None = None
    ) -> None:
        super().__init__(asked, answers)
        for each in self._answers:
            polls.listen(each.mark, self._hear)

    def _hear(self) -> None:
        """The class votes again, or is shown how it voted: then the answer is, too."""
        for answers in self._answers:
            if polls.about(answers.mark).rounds:
                answers.reveal()
        for trait, value in self._answered_before().items():
            self.set_trait(trait, value)
        self._speak()

    def _speak(self) -> None:
        super()._speak()
        told = []
        for question, answers in zip(self._questions, self._answers, strict=True):
            chosen = answers.chosen is not None
            if chosen and polls.about(answers.mark).asks_again:
                polls.note_vote(answers.mark)
            vote = polls.about(answers.mark)
            note, counts = polls.note_on(vote, chosen), polls.counts_at(vote, question, chosen)
            told.append({"note": marked_up(note), "options": counts})
        self.votes = told

    def _answered_before(self) -> dict[str, Any]:
        for answers in self._answers:
            if polls.about(answers.mark).asks_again:
                answers.ask_again()
        revealed = all(answers.revealed for answers in self._answers)
        return {**super()._answered_before(), "revealed": revealed}

    def _say(self, question: Question, answers: Answers) -> Feedback:
        if self.revealed:
            answers.reveal()
        return on_prediction(question, answers.chosen, self.revealed)


class QuizWidget(QuestionsWidget):
    """Asks the questions of a quiz: each choice is judged at once."""

    def _say(self, question: Question, answers: Answers) -> Feedback:
        return on_quiz(question, answers.tried)

    def _summary(self) -> str:
        tried = [answers.tried for answers in self._answers]
        return score(list(zip(self._questions, tried, strict=True)))


def _shown(question: Question, answers: Answers, feedback: Feedback) -> dict[str, Any]:
    """What is said to a question, and at each option."""
    return {
        "text": marked_up(feedback.text),
        "kind": feedback.kind,
        "options": [
            {
                "why": marked_up(why),
                "verdict": feedback.told[option],
                "mine": option == answers.chosen,
            }
            if option in feedback.told
            else {}
            for option, why in question.options.items()
        ],
    }


def _option(question: Question, place: int) -> str | None:
    """The option in that place; None if there is none, for the number comes from the browser."""
    options = list(question.options)
    return options[place] if 0 <= place < len(options) else None


def _place(question: Question, option: str | None) -> int:
    return -1 if option is None else list(question.options).index(option)
