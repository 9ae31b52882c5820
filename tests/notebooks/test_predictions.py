"""What a learner can read below a prediction, before choosing, does not tell the answer.

Learners' copies come without outputs, but with all Markdown and all code. So what explains an
outcome stands in a closed fold, and what stays in sight is held against the answer's own words.
"""

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pages.lesson import is_folded
from tests.support.lessons import (
    EXPLANATION,
    FOLD,
    LESSONS,
    TELLS,
    read,
    telling,
)
from workshop_lib.questions import Question, predictions_of

lessons = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
SECTION = re.compile(r"^## .*", re.M | re.S)
SENTENCE = re.compile(r"(?<=[.:?!])\s+|\n+")
LINK = re.compile(r"\]\([^)]*\)")
# Words that any sentence may have.
COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by do does for from has have in is it its no not of on or she so "
        "that the their them then they this to what who with you your",
    )
)


class Prediction(NamedTuple):
    """A prediction and the cells from it to the end of its section (the next heading ##)."""

    number: str
    question: Question
    below: list[Any]

    def to_its_fold(self) -> list[Any]:
        """The cells before the one with the explanation."""
        return list(takewhile(lambda cell: not explains(cell), self.below))


def explains(cell: Any) -> bool:
    return cell.cell_type == "markdown" and EXPLANATION.search(cell.source) is not None


def section(cells: list[Any]) -> Iterator[Any]:
    """The cells up to the next heading ##; of the one that has it, what comes before."""
    for cell in cells:
        if cell.cell_type == "markdown" and SECTION.search(cell.source):
            before = type(cell)({**cell, "source": SECTION.sub("", cell.source)})
            yield before
            return
        yield cell


def predictions(lesson: Path) -> list[Prediction]:
    cells = read(lesson).cells
    questions = predictions_of(lesson.name[:2].lstrip("0") or "0")
    found = []
    for place, cell in enumerate(cells):
        if asked := re.match(r'predict\("([\d.]+)"\)', cell.source):
            below = list(section(cells[place + 1 :]))
            found.append(Prediction(asked[1], questions[asked[1]], below))
    return found


def in_sight(cell: Any) -> str:
    """A cell without what its closed folds hide; of code, the comments."""
    if cell.cell_type == "code":
        return "\n".join(line for line in cell.source.splitlines() if line.startswith("#"))
    return FOLD.sub(
        lambda fold: "\n".join(re.findall(r"<summary>(.*)</summary>", fold[0])), cell.source
    )


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", LINK.sub("]", text).lower())) - COMMON


def own_words(question: Question) -> set[str]:
    """Those of the right answer that are neither in the question nor in a wrong option."""
    wrong = " ".join(option for option in question.options if option != question.answer)
    return words(question.answer) - words(question.text) - words(wrong)


@lessons
def test_an_explanation_is_a_closed_fold_that_asks(lesson: Path) -> None:
    text = "\n".join(cell.source for cell in read(lesson).cells if cell.cell_type == "markdown")
    asked = EXPLANATION.findall(text)
    assert text.count("What happened:") == len(asked)
    assert all(question.endswith("?") for question in asked)
    assert len(set(asked)) == len(asked), "each fold has a question of its own"
    assert not re.search(r"<summary>[^<]*(<b>[^<]*</b>)?[^<]*[`*]", text), "no Markdown in HTML"
    assert "<details open" not in text
    assert not re.search(r"^#+ .*What happened", text, re.M)


@lessons
def test_each_prediction_is_explained_in_a_fold_of_its_section(lesson: Path) -> None:
    for asked in predictions(lesson):
        assert any(map(explains, asked.below)), asked.number


@lessons
def test_nothing_in_sight_below_a_prediction_says_its_answer(lesson: Path) -> None:
    """More than half of the words that only the right answer has, in one sentence or comment."""
    for asked in predictions(lesson):
        own = own_words(asked.question)
        for cell in asked.below:
            for sentence in SENTENCE.split(in_sight(cell)):
                told = words(sentence) & own
                assert 2 * len(told) <= len(own) or not told, (asked.number, told, sentence)


@lessons
def test_no_refusal_is_announced_before_the_explanation(lesson: Path) -> None:
    for asked in predictions(lesson):
        told = [cell.source for cell in asked.to_its_fold() if "refused(" in cell.source]
        assert not told, asked.number


@lessons
def test_the_complete_picture_below_a_prediction_is_in_a_fold(lesson: Path) -> None:
    for asked in predictions(lesson):
        for cell in asked.below:
            if cell.cell_type == "markdown":
                assert not re.search(r"images/[\w-]+(?<!-sketch)\.svg", in_sight(cell)), (
                    asked.number
                )


@lessons
def test_code_that_tells_an_answer_is_folded_below_the_explanation(lesson: Path) -> None:
    """What mends what was refused names the reason: another setting, one more ARN, a bypass."""
    notebook = read(lesson)
    cells = telling(notebook)
    assert "\n".join(cell.source for cell in notebook.cells).count(TELLS) == len(cells)
    for cell in cells:
        assert is_folded(cell.metadata), cell.source
    for asked in predictions(lesson):
        for cell in asked.to_its_fold():
            assert cell not in cells, (asked.number, cell.source)


@lessons
def test_a_lock_s_way_round_is_in_sight_below_no_prediction(lesson: Path) -> None:
    """A parameter named Bypass… or a signature version answers what is asked just above it."""
    for asked in predictions(lesson):
        for cell in asked.below:
            if cell.cell_type == "code" and not is_folded(cell.metadata):
                assert not re.search(r"\bBypass\w+=|signature_version=", cell.source), asked.number


def test_what_is_held_can_fail() -> None:
    """A heading that tells, a sentence that tells, an open fold."""
    options = ("The item, in plaintext", "A refusal", "The item, as ciphertext")
    question = Question("What do you get?", dict.fromkeys(options, "Because."), options[0])
    assert own_words(question) == {"plaintext"}
    assert words("### What you got: plaintext, from a cache") & own_words(question)
    named = "<details><summary><b>What happened:</b> what did you get?</summary>"
    fold = f"{named}\n\nPlaintext.\n\n</details>"
    cell = type("Cell", (), {"cell_type": "markdown", "source": fold + "\n\nAnd later?"})()
    assert explains(cell)
    assert "Plaintext" not in in_sight(cell)
    assert in_sight(cell).endswith("And later?")
