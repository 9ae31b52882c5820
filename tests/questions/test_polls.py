"""A class's votes reach the questions on the screen. No class, no browser."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from workshop_lib.progress import Journal, mark
from workshop_lib.questions import Question, polls
from workshop_lib.questions.answers import Answers
from workshop_lib.questions.polls import ClassVote
from workshop_lib.questions.widgets import PredictionWidget, QuizWidget

QUESTION = Question("Does it?", {"Yes": "It does.", "No": "It could."}, "Yes")
MARK = mark("predict", "Does it?")
COUNTS = {mark("", "Yes"): 3, mark("", "No"): 5}


@pytest.fixture(autouse=True)
def without_a_class() -> Iterator[None]:
    yield
    polls.forget()


def shown(journal: Journal) -> PredictionWidget:
    return PredictionWidget([("Predict", QUESTION)], [Answers(QUESTION, "predict 1.1", journal)])


def outcomes(journal: Journal) -> list[tuple[str, int]]:
    return [(event.outcome, event.attempt) for event in journal.events()]


def test_without_a_class_nothing_is_said() -> None:
    widget = shown(Journal(None))
    widget.chosen = [0]
    widget.revealed = True
    assert widget.votes == [{"note": "", "options": ["", ""]}]


def test_a_second_vote_takes_the_choice_back_and_notes_the_same_one() -> None:
    journal = Journal(None)
    widget = shown(journal)
    widget.chosen = [1]
    widget.revealed = True
    polls.tell(MARK, ClassVote(2))
    assert widget.chosen == [-1]
    assert not widget.revealed
    assert "votes again" in widget.votes[0]["note"]
    assert widget.feedback[0]["options"] == [{}, {}], "no verdict"
    widget.revealed = True
    assert "Choose an option first" in widget.feedback[0]["text"]
    widget.chosen = [1]
    assert "noted" in widget.votes[0]["note"]
    assert outcomes(journal) == [("wrong", 1), ("revealed", 1), ("wrong", 2), ("revealed", 2)]


def test_who_has_voted_is_not_asked_again() -> None:
    widget = shown(Journal(None))
    widget.chosen = [1]
    polls.tell(MARK, ClassVote(2, voted=True))
    assert widget.chosen == [1]


def test_a_question_shown_again_knows_that_it_was_answered_in_this_vote() -> None:
    journal = Journal(None)
    first = shown(journal)
    first.chosen = [1]
    polls.tell(MARK, ClassVote(2))
    assert shown(journal).chosen == [-1]
    first.chosen = [0]
    assert shown(journal).chosen == [0]


def test_what_the_class_chose_stands_at_the_options_with_the_answer() -> None:
    widget = shown(Journal(None))
    widget.chosen = [1]
    polls.tell(MARK, ClassVote(1, voted=True, rounds=[COUNTS]))
    assert widget.votes[0]["options"] == ["class: 3", "class: 5"]
    assert "(8)" in widget.votes[0]["note"]
    assert widget.revealed
    assert widget.feedback[0]["kind"] == "wrong"


def test_who_has_not_chosen_is_told_nothing_yet() -> None:
    widget = shown(Journal(None))
    polls.tell(MARK, ClassVote(1, rounds=[COUNTS]))
    assert widget.votes[0]["options"] == ["", ""]
    assert "Choose an option" in widget.votes[0]["note"]
    assert not widget.revealed
    widget.chosen = [0]
    assert widget.votes[0]["options"] == ["class: 3", "class: 5"]


def test_a_question_shown_later_knows() -> None:
    journal = Journal(None)
    shown(journal).chosen = [0]
    polls.tell(MARK, ClassVote(2, rounds=[COUNTS, COUNTS]))
    assert shown(journal).votes[0]["options"] == ["class: 3, then 3", "class: 5, then 5"]


def test_another_question_hears_nothing() -> None:
    widget = shown(Journal(None))
    widget.chosen = [0]
    polls.tell(mark("predict", "Another?"), ClassVote(2))
    polls.tell(mark("quiz", "Does it?"), ClassVote(2))
    assert widget.chosen == [0]


def test_a_quiz_has_no_votes() -> None:
    assert not hasattr(QuizWidget([("Question 1", QUESTION)]), "votes")


def test_a_widget_that_is_gone_is_not_told() -> None:
    listener = Listener()
    polls.listen(MARK, listener.hear)
    before = len(polls._listeners)
    del listener
    gc.collect()
    polls.tell(MARK, ClassVote(2))
    assert len(polls._listeners) < before


class Listener:
    """Hears of a question."""

    def hear(self) -> None:
        raise AssertionError("it is gone")
