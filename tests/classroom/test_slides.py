"""Each lesson becomes slides that ask, and that keep the answers for the speaker."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from classroom.slides import arranged
from tests.support.browser import CHROMIUM, FLAGS, needs_chromium
from workshop_lib.questions.bank import prediction, predictions_of

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(lesson: Path) -> list[Any]:
    notebook: Any = arranged(nbformat.read(lesson, as_version=4))
    return list(notebook.cells)


def kind(cell: Any) -> str:
    return str(cell.metadata["slideshow"]["slide_type"])


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem[:2])
def test_every_prediction_is_a_slide_and_its_answer_a_note(lesson: Path) -> None:
    every = cells(lesson)
    for number in predictions_of(str(int(lesson.stem[:2]))):
        (place,) = (
            i for i, cell in enumerate(every) if cell.source.startswith(f'predict("{number}"')
        )
        assert kind(every[place]) in ("subslide", "-"), (
            "with the text before it, where there is one"
        )
        note = every[place + 1]
        assert kind(note) == "notes"
        question = prediction(number)
        for option, why in question.options.items():
            assert option in note.source
            assert why in note.source
        assert note.source.startswith(f"**{question.answer}.**")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem[:2])
def test_what_is_the_learners_is_on_no_slide(lesson: Path) -> None:
    shown = "\n".join(cell.source for cell in cells(lesson) if kind(cell) != "skip")
    for word in ("check(", "quiz(", "# Your code here", "start_lab()", "<summary>Solution"):
        assert word not in shown
    assert shown.count("\n## ") >= 4


def test_a_folded_cell_is_on_no_slide() -> None:
    folded = [cell for cell in cells(LESSONS[12]) if cell.source.startswith("# 2a  Folded:")]
    assert folded
    assert {kind(cell) for cell in folded} == {"skip"}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem[:2])
def test_what_happened_is_open_on_a_slide_of_its_own(lesson: Path) -> None:
    explained = [cell for cell in cells(lesson) if "What happened" in cell.source]
    assert explained
    for cell in explained:
        assert "<details" not in cell.source
        assert kind(cell) in ("subslide", "skip") or not cell.source.startswith("### What")


@needs_chromium
@pytest.mark.slow
@pytest.mark.long
def test_the_command_makes_slides_that_need_nothing_else() -> None:
    command = [sys.executable, str(ROOT / "workshop.py"), "slides", "05"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    written = ROOT / "slides" / "05_s3_sse_s3" / "index.html"
    assert str(written) in said
    asked: list[str] = []
    errors: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(written.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        assert page.evaluate("Reveal.getTotalSlides()") > 30
        page.keyboard.press("ArrowRight")
        assert page.evaluate("Reveal.getIndices().h") == 1
        # Nothing stands below the edge of a slide where no scrolling reaches it.
        cut = page.evaluate(
            """() => Reveal.getSlides().filter(slide => {
                const {h, v} = Reveal.getIndices(slide);
                Reveal.slide(h, v);
                return slide.offsetHeight > 761;
            }).length"""
        )
        assert cut == 0
        browser.close()
    assert [url for url in asked if not url.startswith(written.parent.as_uri())] == []
    assert errors == []
