"""The course's questions give their answers away neither by their place nor by their length."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.lessons import LESSONS, read
from workshop_lib.questions import Question, bank, predictions_of, quiz_of

NUMBERS = [path.name[:2].lstrip("0") or "0" for path in LESSONS]
PREDICTIONS = {
    f"predict {number}": question
    for lesson in NUMBERS
    for number, question in predictions_of(lesson).items()
}
QUIZ = {
    f"quiz {lesson}.{place}": question
    for lesson in NUMBERS
    for place, question in enumerate(quiz_of(lesson), 1)
}
COURSE = {**PREDICTIONS, **QUIZ}
MOST = 0.4
# An option may be half as long again as another, or longer by a word: 2 beside 2,000.
RATIO, WORD = 1.5, 10


def place(question: Question) -> int:
    return list(question.options).index(question.answer)


def lengths(question: Question) -> dict[str, int]:
    return {option: len(option) for option in question.options}


@pytest.mark.parametrize("asked", [PREDICTIONS, QUIZ, COURSE], ids=["predict", "quiz", "all"])
def test_no_place_holds_most_of_the_answers(asked: dict[str, Question]) -> None:
    """Another `seed` in the file of a question moves its answer."""
    assert len(asked) > 40
    for count in {len(question.options) for question in asked.values()}:
        places = Counter(place(q) for q in asked.values() if len(q.options) == count)
        if places.total() >= 5:
            assert max(places.values()) <= MOST * places.total(), (count, places)


@pytest.mark.parametrize("asked", [PREDICTIONS, QUIZ], ids=["predict", "quiz"])
def test_the_longest_option_is_seldom_the_answer(asked: dict[str, Question]) -> None:
    longest = [
        number
        for number, question in asked.items()
        if all(
            len(question.answer) > length
            for option, length in lengths(question).items()
            if option != question.answer
        )
    ]
    assert len(longest) <= MOST * len(asked), longest


@pytest.mark.parametrize("number", COURSE)
def test_options_are_of_even_length(number: str) -> None:
    sizes = lengths(COURSE[number])
    shortest, longest = min(sizes.values()), max(sizes.values())
    assert longest <= max(RATIO * shortest, shortest + WORD), sizes


def test_no_two_questions_have_the_same_words() -> None:
    """By its words a question is known again: two would share a choice."""
    for asked in (PREDICTIONS, QUIZ):
        assert len({question.text for question in asked.values()}) == len(asked)


Written = Callable[..., list[str]]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """written(options, seed) → the order in which a question's options are shown."""
    monkeypatch.setattr(bank, "LESSONS", tmp_path)

    def write(options: list[str], seed: int | None = None) -> list[str]:
        lines = [f"seed = {seed}"] if seed is not None else []
        lines += ['question = "Which?"', f"answer = {json.dumps(options[0])}", "[quiz.options]"]
        lines += [f'{json.dumps(option)} = "Why."' for option in options]
        (tmp_path / "lesson_09.toml").write_text("\n".join(["[[quiz]]", *lines]), "utf-8")
        return list(quiz_of("9")[0].options)

    return write


class TestOrder:
    OPTIONS = ("one", "two", "three", "four", "five")

    def test_it_is_not_that_of_the_file_and_the_same_in_every_run(self, written: Written) -> None:
        order = written(list(self.OPTIONS))
        assert order != list(self.OPTIONS)
        assert order == written(list(self.OPTIONS)) == written(list(reversed(self.OPTIONS)))
        assert order == ["four", "five", "one", "two", "three"]

    def test_a_seed_makes_it_another(self, written: Written) -> None:
        orders = {tuple(written(list(self.OPTIONS), seed)) for seed in range(20)}
        assert len(orders) > 10
        assert {order[0] for order in orders} == set(self.OPTIONS)

    @given(text=st.text(min_size=1), options=st.sets(st.text(min_size=1), min_size=2))
    def test_none_is_lost(self, text: str, options: set[str]) -> None:
        entry: dict[str, Any] = {
            "question": text,
            "answer": next(iter(options)),
            "options": {option: f"{option}." for option in options},
        }
        shown = bank._question(entry)
        assert shown.options == entry["options"]
        assert shown.answer == entry["answer"]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_static_form_has_the_same_order(lesson: Path) -> None:
    """What GitHub shows before anything runs is what the widget shows."""
    number = lesson.name[:2].lstrip("0") or "0"
    shown = "\n".join(
        output.data["text/plain"]
        for cell in read(lesson).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output and "text/plain" in output.data
    )
    for question in [*predictions_of(number).values(), *quiz_of(number)]:
        options = "\n".join(f"  - {option}" for option in question.options)
        assert options.replace("`", "").replace("**", "") in shown
