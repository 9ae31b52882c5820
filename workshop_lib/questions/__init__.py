"""Predict-then-reveal and quiz: questions that answer back. No AWS.

Each comes as two outputs. The first is plain HTML with the answer folded away; it is what GitHub,
nbconvert and a notebook opened again can show. The second is a widget, where a kernel runs; while
it is there, the first hides itself in JupyterLab.

The questions of a lesson stand in `lessons/lesson_NN.toml`, below its title, so that no answer can
be read in the cell that asks:

    title = "DynamoDB at rest"

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

The first option of a file is not the first that is shown: they are shuffled, the same way in every
run. The reason of a wrong option says what somebody thinks who chooses it.

`bank` reads them, `static_form` writes the first output, `widgets` is the second, `feedback` is
what it says to a choice, and `answers` what was chosen before: a choice outlives the run of its
cell, and in `my-lessons/` the kernel too (`workshop_lib/progress`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workshop_lib.display.live import show_both
from workshop_lib.progress import Journal, learners_journal
from workshop_lib.questions.answers import Answers
from workshop_lib.questions.bank import (
    NoSuchQuestion,
    Question,
    prediction,
    predictions_of,
    quiz_of,
)
from workshop_lib.questions.static_form import as_html, as_text

if TYPE_CHECKING:
    from workshop_lib.questions.widgets import QuestionsWidget

__all__ = ["NoSuchQuestion", "Question", "predict", "predictions_of", "quiz", "quiz_of"]


def predict(which: str | Question) -> None:
    """Ask for a prediction: the learner chooses, runs the next cells, then presses Reveal.

    which: a number in the lesson's file of questions ("1.3": the third of lesson 01), or a
    Question. Raises LookupError if there is none of that number.
    What was chosen before is shown, also revealed if it was.
    """
    label, question = "Predict", which
    if not isinstance(question, Question):
        label, question = f"Predict {which}", prediction(str(which))
    from workshop_lib.questions.widgets import PredictionWidget

    asked = [(label, question)]
    _show(asked, PredictionWidget(asked, _answers(asked, [label.lower()])))


def quiz(which: str | Sequence[Question]) -> None:
    """Ask the closing questions of a lesson; each choice is answered at once.

    which: the lesson's number ("1"), or Questions. Raises LookupError if there are none.
    What was chosen before is shown.
    """
    call, questions = "quiz", which
    if not isinstance(questions, list | tuple):
        questions = quiz_of(str(which))
        call = f"quiz {int(str(which))}"
    if not questions:
        raise NoSuchQuestion("A quiz needs a question.")
    from workshop_lib.questions.widgets import QuizWidget

    count = len(questions)
    asked = [(f"Question {n} of {count}", q) for n, q in enumerate(questions, 1)]
    _show(asked, QuizWidget(asked, _answers(asked, [f"{call}.{n}" for n in range(1, count + 1)])))


_OWN = Journal(None)


def _answers(asked: Sequence[tuple[str, Question]], calls: Sequence[str]) -> list[Answers]:
    """What was answered before, and where new answers go; that they are asked is noted.

    Questions of the learner's own are no progress in the course: this process alone knows them.
    """
    answers = [
        Answers(question, call, learners_journal() if " " in call else _OWN)
        for (_, question), call in zip(asked, calls, strict=True)
    ]
    for each in answers:
        each.see()
    return answers


def _show(asked: Sequence[tuple[str, Question]], widget: QuestionsWidget) -> None:
    show_both(as_text(asked), as_html(asked), widget)
