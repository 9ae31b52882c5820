"""The guide and the plans tell of the lessons as they are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from classroom.plans import GUIDE, plans, renewed
from workshop_lib.questions.bank import predictions_of

ROOT = Path(__file__).parents[2]
LESSONS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
TEXT = GUIDE.read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (\d\d) (?=[A-Z])(.*?)(?=^##)", TEXT, re.M | re.S))
POLL = re.compile(r'^\| (\d+\.\d+) \| "(.+?)" \| (.+) \|$', re.M)


def minutes(lesson: str) -> int:
    notebook: Any = json.loads(LESSONS[lesson].read_text("utf-8"))
    text = "".join("".join(cell["source"]) for cell in notebook["cells"])
    found = re.search(r"\*\*Time\*\* (\d+) minutes", text)
    assert found
    return int(found[1])


def test_every_lesson_has_its_section() -> None:
    assert list(SECTIONS) == list(LESSONS)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_section_has_the_lessons_minutes_and_every_part(lesson: str) -> None:
    section = SECTIONS[lesson]
    assert f": {minutes(lesson)} minutes\n" in section
    for part in ("Ask first.", "Discuss.", "Tends to break.", "If time is short."):
        assert f"**{part}**" in section
    assert len(POLL.findall(section)) == 3


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_poll_names_a_wrong_option_of_its_prediction(lesson: str) -> None:
    for number, option, _ in POLL.findall(SECTIONS[lesson]):
        question = predictions_of(str(int(lesson)))[number]
        named = [each for each in question.options if each.startswith(option)]
        assert len(named) == 1, f"{number}: {option}"
        assert named[0] != question.answer, f"{number}: that is the right one"


def test_the_tables_are_those_of_the_plans() -> None:
    assert renewed(TEXT) == TEXT, "renew them: python -m classroom.plans"


def test_a_plan_fits_into_its_time_and_names_lessons_that_there_are() -> None:
    lengths = {plan.name: sum(section.minutes for section in plan.sections) for plan in plans()}
    assert lengths["90-minutes"] == lengths["semester"] == 90
    assert 180 <= lengths["half-a-day"] <= 240
    assert 360 <= lengths["a-day"] <= 480
    for plan in plans():
        for section in plan.sections:
            assert section.lesson is None or section.lesson in LESSONS
            assert section.minutes > 0
    assert len({plan.name for plan in plans()}) == len(plans())
