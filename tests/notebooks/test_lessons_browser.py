"""Every lesson as a learner meets it: JupyterLab in headless Chromium, Run All, click, press keys.

Skipped, with the reason, where there is no Chromium or no Playwright. To look at the lessons, name
a folder in WORKSHOP_SCREENSHOTS: each lesson is photographed there in both themes.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import workshop
from tests.support.browser import (
    THEMES,
    WINDOW,
    Lab,
    Notebook,
    lab,
    needs_chromium,
    playwright,
    server,
)
from tests.support.lessons import LESSONS, ROOT, code_cells

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing.")

__all__ = ["lab", "server"]  # fixtures
pytestmark = [pytest.mark.slow, needs_chromium]

SCREENSHOTS = os.environ.get("WORKSHOP_SCREENSHOTS")
PICTURE = 2400  # px: one picture's height
# What the course puts on the page. The rest is JupyterLab's; so are the mark beside a heading and
# the colours of code in a text.
OURS = {
    "include": [".jp-OutputArea-output", ".jp-MarkdownOutput"],
    "exclude": [".jp-InternalAnchorLink", ".jp-MarkdownOutput pre"],
}
CODE = ".jp-CodeCell .jp-Cell-inputWrapper"
# What is closed can neither be looked at nor measured.
OPEN_EXPLANATIONS = """[...panel.node.querySelectorAll('.jp-MarkdownOutput details')]
    .filter(fold => fold.innerText.startsWith('What happened'))
    .forEach(fold => { fold.open = true; })"""
OPTIONS = {
    # JupyterLab's style sheet, and no lesson, takes the underline from links.
    "rules": {"link-in-text-block": {"enabled": False}},
    "selectors": False,  # A message shows the element itself; a path to it costs time.
}
# What is no matter of colour is the same in every theme.
COLOURS = {**OPTIONS, "runOnly": {"type": "rule", "values": ["color-contrast"]}}


@pytest.fixture(scope="module")
def copies(lab: Lab) -> list[Path]:
    """The learner's copies: without outputs, beside the folder of images."""
    root = lab.server.root
    shutil.copytree(ROOT / "images", root / "images")
    (root / "my-lessons").mkdir()
    for lesson in LESSONS:
        text = workshop.without_outputs(lesson)
        (root / "my-lessons" / lesson.name).write_text(text, encoding="utf-8")
    return [root / "my-lessons" / lesson.name for lesson in LESSONS]


@pytest.fixture(scope="module")
def started() -> dict[int, Notebook]:
    return {}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(number, id=path.stem, marks=[pytest.mark.long] if number else [])
        for number, path in enumerate(LESSONS)
    ],
)
def lesson(
    lab: Lab, copies: list[Path], started: dict[int, Notebook], request: pytest.FixtureRequest
) -> Iterator[Notebook]:
    """A lesson after Run All, in front. Behind it the next one runs, for there are two cores."""
    for number in range(request.param, min(request.param + 2, len(copies))):
        if number not in started:
            started[number] = lab.open(copies[number])
            started[number].start_all()
    notebook = started[request.param]
    notebook.show()
    notebook.wait_for_all()
    notebook.ask(OPEN_EXPLANATIONS)
    yield notebook
    notebook.close()


def questions(lesson: Notebook) -> list[str]:
    """The cells that ask: predict("1.1"), quiz("1")."""
    return [
        line
        for source in lesson.sources()
        for line in source.splitlines()
        if re.match(r"(predict|quiz)\(", line)
    ]


def verdict(question: Any) -> Any:
    return question.locator("[role=status]", has_text=re.compile(r"Right\.|Not quite\.")).first


def test_runs_without_an_error(lesson: Notebook) -> None:
    for cell in code_cells(lesson.content()):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        assert not errors, f"{errors[0].ename}: {errors[0].evalue}\nin {cell.source}"
        assert cell.execution_count, f"was not run: {cell.source}"


def test_every_question_is_asked(lesson: Notebook) -> None:
    assert len(questions(lesson)) > 1
    shown = lesson.find(".workshop-question")
    for number, cell in enumerate(questions(lesson)):
        try:
            shown.nth(number).locator("button").first.wait_for(timeout=60_000)
        except playwright.TimeoutError:
            pytest.fail(f"No buttons for {cell}")
    assert shown.count() == len(questions(lesson))


def test_every_image_is_found(lesson: Notebook) -> None:
    images = lesson.find(".jp-MarkdownOutput img")
    assert images.count()
    for image in images.all():
        image.evaluate("image => image.decode()")  # raises if there is none


def test_nothing_is_cut_off(lesson: Notebook) -> None:
    """Outputs and texts fit a window of usual width, the file browser open beside them.

    To the right of them JupyterLab leaves 20 px free, which another font may need.
    """
    wide = lesson.ask(
        """[...panel.node.querySelectorAll('.jp-OutputArea-output, .jp-MarkdownOutput')]
            .filter(part => part.scrollWidth > part.clientWidth + 20)
            .map(part => part.innerText.trim().slice(0, 200))"""
    )
    assert not wide, "\n".join(wide)


def test_no_text_turns_into_a_formula(lesson: Notebook) -> None:
    """JupyterLab and GitHub set what stands between two dollar signs as mathematics."""
    formulas = lesson.find("mjx-container").all()
    assert not formulas, "\n".join("".join(formula.inner_text().split()) for formula in formulas)


CELL = """question => {
    const cells = question.closest('.jp-Notebook').querySelectorAll('.jp-Cell');
    return [...cells].indexOf(question.closest('.jp-Cell'));
}"""
ALL_HELD = """
from ipywidgets.widgets.widget import _instances
for widget in _instances.values():
    if hasattr(widget, "chosen"):
        print(widget.asked[0]["label"], widget.chosen, [said["text"] for said in widget.feedback])
"""


def choose(lesson: Notebook, question: Any, act: Callable[[], None]) -> None:
    """Choose an option by `act`, until the question answers.

    Now and then one never does, in JupyterLab 4.6 with ipykernel 7 (five of about 450 on one day,
    none of 1,900 on the next): the kernel runs cells, and this widget hears nothing. It says what
    to do then, and that helps. A warning tells whether the kernel heard the choice.
    """
    act()
    answer = question.get_by_text("Your prediction:")
    try:
        answer.wait_for(timeout=20_000)
    except playwright.TimeoutError:
        cut = question.evaluate("it => Boolean(it.closest('.jupyter-widgets-disconnected'))")
        told = f"A widget heard nothing; given up by the page: {cut}. The kernel's widgets:\n"
        warnings.warn(told + lesson.printed(ALL_HELD), stacklevel=2)
        question.get_by_text("No answer yet. If no cell is running, run this cell again").wait_for()
        lesson.run_cells(question.evaluate(CELL))
        question.get_by_text("No answer yet.").wait_for(state="detached")
        act()
        answer.wait_for(timeout=60_000)


def test_a_question_answers_the_mouse(lesson: Notebook) -> None:
    question = lesson.find(".workshop-question").first
    choose(lesson, question, question.locator(".workshop-options button").first.click)
    question.locator(".workshop-reveal").click()
    verdict(question).wait_for(timeout=60_000)


def test_a_question_answers_keys_that_jupyterlab_does_not_steal(lesson: Notebook) -> None:
    question = lesson.find(".workshop-question").nth(1)
    options = question.locator(".workshop-options button")
    press = lesson.page.keyboard.press
    before = lesson.sources()
    options.first.scroll_into_view_if_needed()  # JupyterLab draws cells anew as it scrolls
    choose(lesson, question, lambda: options.first.press("Space"))
    for key in ("b", "a", "d", "d", "x", "m", "ArrowDown"):
        press(key)
    assert options.nth(1).evaluate("option => option === document.activeElement")
    press("Tab")
    assert lesson.focused() == "Reveal"
    press("Enter")
    verdict(question).wait_for(timeout=60_000)
    assert lesson.sources() == before


def test_axe_finds_nothing_serious(lesson: Notebook, lab: Lab) -> None:
    """No rule of https://dequeuniversity.com/rules/axe is broken so that it hinders a reader.

    In the dark theme every third lesson is enough: their few kinds of output are the same.
    """
    number = [path.name for path in LESSONS].index(lesson.path.name)
    judge(lesson, lab, THEMES[0], OPTIONS)
    if SCREENSHOTS or number % 3 == 0:
        judge(lesson, lab, THEMES[1], COLOURS)


def judge(lesson: Notebook, lab: Lab, theme: str, options: dict[str, Any]) -> None:
    """Have axe look at a lesson in a theme."""
    lab.theme(theme)
    with unrolled(lesson) as height:
        if SCREENSHOTS:
            photograph(lesson, height, Path(SCREENSHOTS) / f"{lesson.path.stem} {theme}")
        else:  # Code is not ours to judge, and a third of axe's time.
            lesson.ask(f"panel.node.querySelectorAll('{CODE}').forEach(code => code.remove())")
        found = axe.Axe().run(lesson.page, OURS, options).response
    serious = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    assert not serious, "\n".join(
        f"{rule['id']}: {node['html']}\n{node['failureSummary']}"
        for rule in serious
        for node in rule["nodes"]
    )
    passed = {rule["id"]: len(rule["nodes"]) for rule in found["passes"]}
    assert passed["color-contrast"] > len(code_cells(lesson.content())), "It did not look."


@contextmanager
def unrolled(lesson: Notebook) -> Iterator[int]:
    """A window as tall as the lesson is long: axe passes over what is scrolled out of view.

    JupyterLab's body, too, hides what flows over, and has no height. Gives the window's height.
    """
    lesson.find(".jp-WindowedPanel-outer").evaluate("outer => outer.scrollTo(0, 0)")
    end = lesson.find(".jp-Cell").last.evaluate("cell => cell.getBoundingClientRect().bottom")
    height = int(end) + 50
    lesson.page.evaluate("document.body.style.height = '100vh'")
    lesson.page.set_viewport_size({**WINDOW, "height": height})
    try:
        yield height
    finally:
        lesson.page.set_viewport_size(WINDOW)


def photograph(lesson: Notebook, height: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for top in range(0, height, PICTURE):
        clip = {"x": 0, "y": top, "width": WINDOW["width"], "height": min(PICTURE, height - top)}
        lesson.page.screenshot(path=str(folder / f"{top:05}.png"), clip=clip)
