"""A choice is kept: over a run of its cell, over the kernel, over an update of the course."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workshop_lib import questions
from workshop_lib.progress import FILE_NAME, Event, Journal
from workshop_lib.questions import Question, bank, predict, quiz
from workshop_lib.questions.widgets import PredictionWidget, QuestionsWidget

LESSON = """
[predict."9.1"]
question = "Will it?"
answer = "It will"
[predict."9.1".options]
"It will" = "It does."
"It will not" = "It could."
"Nobody knows" = "It must."

[[quiz]]
question = "Who?"
answer = "Me"
[quiz.options]
"You" = "Not you."
"Me" = "Me."

[[quiz]]
question = "When?"
answer = "Now"
[quiz.options]
"Now" = "At once."
"Then" = "Too late."
"""


class Kernel:
    """A learner's kernel in a folder: what a cell shows there, and what is pressed in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
        self.file = file
        self._patch = monkeypatch
        self.restart()

    def restart(self) -> None:
        journal, own = Journal(self.file), Journal(None)
        self._patch.setattr(questions, "learners_journal", lambda: journal)
        self._patch.setattr(questions, "_OWN", own)

    def run(self, show: Callable[..., None], *args: Any) -> QuestionsWidget:
        """Run a cell; its widget."""
        made: list[QuestionsWidget] = []
        self._patch.setattr(questions, "_show", lambda asked, widget: made.append(widget))
        show(*args)
        return made[0]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    write_lesson(tmp_path, LESSON)
    monkeypatch.setattr(bank, "LESSONS", tmp_path)
    return Kernel(monkeypatch, tmp_path / FILE_NAME)


def write_lesson(folder: Path, text: str) -> None:
    (folder / "lesson_09.toml").write_text(text, encoding="utf-8")


def press(widget: QuestionsWidget, option: str, at: int = 0) -> None:
    chosen = list(widget.chosen)
    chosen[at] = widget.asked[at]["options"].index(option)
    state: dict[str, Any] = {"chosen": chosen}
    if isinstance(widget, PredictionWidget):
        state["revealed"] = False
    widget.set_state(state)


def reveal(widget: QuestionsWidget) -> None:
    widget.set_state({"revealed": True})


def chosen(widget: QuestionsWidget) -> list[str | None]:
    return [
        asked["options"][place] if place >= 0 else None
        for asked, place in zip(widget.asked, widget.chosen, strict=True)
    ]


Again = Callable[[Kernel], None]
again = pytest.mark.parametrize(
    "again", [lambda kernel: None, Kernel.restart], ids=["cell run again", "kernel restarted"]
)


class TestKept:
    @again
    def test_a_prediction(self, kernel: Kernel, again: Again) -> None:
        press(kernel.run(predict, "9.1"), "It will not")
        again(kernel)
        widget = kernel.run(predict, "9.1")
        assert chosen(widget) == ["It will not"]
        assert "Your prediction: It will not." in widget.feedback[0]["text"]
        assert widget.feedback[0]["options"] == [{}] * 3
        reveal(widget)
        assert "Not quite." in widget.feedback[0]["text"]

    @again
    def test_that_it_was_revealed(self, kernel: Kernel, again: Again) -> None:
        widget = kernel.run(predict, "9.1")
        press(widget, "It will not")
        reveal(widget)
        again(kernel)
        restored = kernel.run(predict, "9.1")
        assert restored.feedback == widget.feedback
        assert restored.get_state()["revealed"] is True
        press(restored, "It will")
        again(kernel)
        assert kernel.run(predict, "9.1").get_state()["revealed"] is False

    @again
    def test_a_quiz_and_its_score(self, kernel: Kernel, again: Again) -> None:
        widget = kernel.run(quiz, "9")
        press(widget, "You")
        press(widget, "Me")
        press(widget, "Now", at=1)
        again(kernel)
        restored = kernel.run(quiz, "9")
        assert chosen(restored) == ["Me", "Now"]
        assert restored.feedback == widget.feedback
        assert restored.summary == widget.summary == "1 of 2 at first try"

    def test_another_question_knows_nothing_of_it(self, kernel: Kernel) -> None:
        prediction = LESSON.partition("[[quiz]]")[0]
        other = prediction.replace("9.1", "9.2").replace("Will it?", "Can it?")
        write_lesson(kernel.file.parent, other + LESSON)
        press(kernel.run(predict, "9.1"), "It will")
        assert chosen(kernel.run(predict, "9.2")) == [None]

    def test_reveal_before_a_choice_is_not_kept(self, kernel: Kernel) -> None:
        reveal(kernel.run(predict, "9.1"))
        assert kernel.run(predict, "9.1").feedback[0]["text"] == ""
        assert [line["outcome"] for line in kernel.lines()] == ["seen"]

    def test_a_learner_s_own_question_over_its_cell_but_in_no_file(self, kernel: Kernel) -> None:
        own = Question("My secret?", {"4111": "Yes.", "5500": "No."}, "4111")
        press(kernel.run(predict, own), "5500")
        assert chosen(kernel.run(predict, own)) == ["5500"]
        assert chosen(kernel.run(quiz, [own])) == [None]
        assert not kernel.file.exists()
        kernel.restart()
        assert chosen(kernel.run(predict, own)) == [None]


class TestAnUpdateOfTheCourse:
    @pytest.fixture
    def update(self, kernel: Kernel) -> Callable[[str, str], None]:
        """update(old, new): the learner answered, then the course changed."""
        press(kernel.run(predict, "9.1"), "It will not")
        press(kernel.run(quiz, "9"), "Now", at=1)

        def to(old: str, new: str) -> None:
            assert old in LESSON
            write_lesson(kernel.file.parent, LESSON.replace(old, new))
            kernel.restart()

        return to

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("It could.", "It could, then."),
            ('"Nobody knows" = "It must."', ""),
            ('"Nobody knows" = "It must."', '"Everybody knows" = "It must."\n"More" = "More."'),
            ('answer = "It will"', 'answer = "It will not"\nseed = 7'),
        ],
        ids=["another reason", "an option less", "other options", "another answer and order"],
    )
    def test_of_all_else_leaves_the_choice(
        self, kernel: Kernel, update: Callable[[str, str], None], old: str, new: str
    ) -> None:
        update(old, new)
        assert chosen(kernel.run(predict, "9.1")) == ["It will not"]

    def test_that_moves_questions_gives_no_choice_to_another(
        self, kernel: Kernel, update: Callable[[str, str], None]
    ) -> None:
        first = 'question = "First?"\nanswer = "Now"\n[quiz.options]\n"Now" = "1"\n"No" = "2"'
        update('question = "Who?"', f'{first}\n[[quiz]]\nquestion = "Who?"')
        assert chosen(kernel.run(quiz, "9")) == [None, None, "Now"]

    def test_that_asks_something_else_under_the_number_asks_anew(
        self, kernel: Kernel, update: Callable[[str, str], None]
    ) -> None:
        update("Will it?", "Will it, when its key is disabled?")
        assert chosen(kernel.run(predict, "9.1")) == [None]

    def test_without_the_option_that_was_chosen_asks_anew(
        self, kernel: Kernel, update: Callable[[str, str], None]
    ) -> None:
        reveal(kernel.run(predict, "9.1"))
        update("It will not", "It will never")
        widget = kernel.run(predict, "9.1")
        assert chosen(widget) == [None]
        assert widget.get_state()["revealed"] is False


class TestTheFile:
    def test_what_it_holds(self, kernel: Kernel) -> None:
        widget = kernel.run(predict, "9.1")
        for option in ("It will not", "It will", "It will"):
            press(widget, option)
        reveal(widget)
        press(kernel.run(quiz, "09"), "Then", at=1)
        told = [
            (line["lesson"], line["item"], line["outcome"], line["attempt"])
            for line in kernel.lines()
        ]
        assert told == [
            ("9", "predict 9.1", "seen", 0),
            ("9", "predict 9.1", "wrong", 1),
            ("9", "predict 9.1", "right", 2),
            ("9", "predict 9.1", "revealed", 2),
            ("9", "quiz 9.1", "seen", 0),
            ("9", "quiz 9.2", "seen", 0),
            ("9", "quiz 9.2", "wrong", 1),
        ]

    @again
    def test_that_a_question_was_shown_is_noted_once(self, kernel: Kernel, again: Again) -> None:
        for _ in range(2):
            kernel.run(predict, "9.1")
            kernel.run(quiz, "9")
            again(kernel)
        told = [(line["item"], line["outcome"], line["choice"]) for line in kernel.lines()]
        assert told == [(item, "seen", "") for item in ("predict 9.1", "quiz 9.1", "quiz 9.2")]

    def test_after_a_reset_everything_is_asked_anew(self, kernel: Kernel) -> None:
        widget = kernel.run(predict, "9.1")
        press(widget, "It will not")
        reveal(widget)
        press(kernel.run(quiz, "9"), "Now", at=1)
        before = kernel.file.read_bytes()
        lines = {line["question"]: line for line in kernel.lines()}
        events = [Event("9", line["item"], "reset", 0, mark, "") for mark, line in lines.items()]
        Journal(kernel.file).append(*events)
        assert kernel.file.read_bytes().startswith(before)
        restored = kernel.run(predict, "9.1")
        assert chosen(restored) == [None]
        assert restored.get_state()["revealed"] is False
        assert chosen(kernel.run(quiz, "9")) == [None, None]
        press(restored, "It will")
        kernel.restart()
        assert chosen(kernel.run(predict, "9.1")) == ["It will"]

    def test_where_it_cannot_be_written_that_is_said_once(self, kernel: Kernel) -> None:
        kernel.file.mkdir()
        widget = kernel.run(predict, "9.1")
        press(widget, "It will")
        assert "cannot be saved" in widget.summary
        reveal(widget)
        assert "cannot be saved" in widget.summary
        restored = kernel.run(predict, "9.1")
        assert chosen(restored) == ["It will"]
        press(restored, "It will not")
        assert restored.summary == ""
