"""predict() and quiz() in a real JupyterLab in headless Chromium: mouse, keys, themes, reopening.

Skipped, with the reason, where there is no Chromium or no Playwright.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.support.browser import THEMES, Lab, Notebook, lab, needs_chromium, server
from tests.support.lessons import ROOT
from workshop_lib.progress import FILE_NAME
from workshop_lib.questions import Question
from workshop_lib.questions.widgets import PredictionWidget

__all__ = ["lab", "server"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.long, needs_chromium]
SETUP = """\
from workshop_lib.questions import Question, predict, quiz
cached = Question(
    "Will `GetItem` still work?",
    {
        "No, at once": "Only KMS refuses at once.",
        "Yes, for some minutes": "DynamoDB keeps the table key in a cache. " * 4,
        "It depends on the reader, on the table, on its key and on much else besides " * 3: "No.",
    },
    "Yes, for some minutes",
)
readers = Question("Who reads it?", {"All": "At rest is on disk.", "None": "They do."}, "All")"""
CELLS = ("predict(cached)", "quiz([cached, readers])", "1 + 1")


@pytest.fixture
def notebook(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    path = lab.server.root / f"{request.node.originalname}.ipynb"
    write(path, SETUP, *CELLS)
    notebook = lab.open(path)
    run_all(notebook)
    yield notebook
    notebook.close()


def write(path: Path, *cells: str) -> None:
    """A notebook of these cells; without a kernelspec JupyterLab would ask for one."""
    content = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(content, path)


def run_all(notebook: Notebook) -> None:
    notebook.run_all()
    button(notebook, "None").wait_for()


def button(notebook: Notebook, text: str, nth: int = 0) -> Any:
    return notebook.find(".workshop-question button", has_text=text).nth(nth)


def says(notebook: Notebook, text: str) -> None:
    notebook.find("[role=status].workshop-feedback", has_text=text).wait_for(timeout=10_000)


def told(notebook: Notebook, nth: int = 0) -> list[str]:
    """What is seen at each option of a question."""
    card = notebook.find(".workshop-card").nth(nth)
    return [
        " ".join(option.inner_text().split()) for option in card.locator(".workshop-told").all()
    ]


def save_with(notebook: Notebook, keys: str) -> None:
    notebook.page.keyboard.press(keys)
    notebook.wait_until("!panel.context.model.dirty")


def test_by_mouse_and_when_run_twice(notebook: Notebook) -> None:
    button(notebook, "No, at once").click()
    says(notebook, "Your prediction: No, at once.")
    button(notebook, "Reveal").click()
    says(notebook, "Not quite. Only KMS refuses at once. The answer: Yes, for some minutes.")
    button(notebook, "All").click()
    says(notebook, "Right. At rest is on disk.")
    assert button(notebook, "All").inner_text() == "● All"
    assert not notebook.find(".workshop-static").first.is_visible()
    assert told(notebook) == REVEALED
    run_all(notebook)
    says(notebook, "Not quite. Only KMS refuses at once. The answer: Yes, for some minutes.")
    assert told(notebook) == REVEALED
    assert button(notebook, "No, at once").get_attribute("aria-checked") == "true"
    assert button(notebook, "All").get_attribute("aria-checked") == "true"
    assert told(notebook, 2) == ["your choice ✓ Right At rest is on disk.", "They do."]
    notebook.find("text=1 of 2 at first try, 1 to go").wait_for()
    button(notebook, "None").click()
    says(notebook, "Not quite. They do.")
    assert notebook.find(".workshop-question").count() == 2


REVEALED = [  # after "No, at once"
    "your choice ✕ Not quite Only KMS refuses at once.",
    "✓ Right " + "DynamoDB keeps the table key in a cache. " * 3
    + "DynamoDB keeps the table key in a cache.",
    "No.",
]  # fmt: skip


def test_by_keys_that_jupyterlab_does_not_steal(notebook: Notebook) -> None:
    press = notebook.page.keyboard.press
    button(notebook, "No, at once").focus()
    before = notebook.sources()
    press("Enter")
    says(notebook, "Your prediction: No, at once.")
    press("ArrowDown")
    assert "Yes, for some minutes" in notebook.focused()
    assert button(notebook, "No, at once").get_attribute("aria-checked") == "true"
    press("Space")
    says(notebook, "Your prediction: Yes, for some minutes.")
    for arrow, at in [("ArrowUp", "No, at"), ("ArrowUp", "It depends"), ("ArrowDown", "No, at")]:
        press(arrow)
        assert at in notebook.focused()
    for shortcut in ("a", "b", "c", "x", "v", "d", "d", "m", "y", "j", "k", "Shift+M", "Shift+J"):
        press(shortcut)
    assert "No, at once" in notebook.focused()
    press("Tab")  # A group of radio buttons is one stop.
    assert notebook.focused() == "Reveal"
    press("Shift+Tab")
    assert "No, at once" in notebook.focused()
    press("Tab")
    press("Enter")
    says(notebook, "Right. DynamoDB keeps the table key in a cache.")
    assert notebook.sources() == before
    assert notebook.find(".jp-Cell").nth(3).inner_text().startswith("[4]:")


def test_a_choice_outlives_its_kernel_where_the_learner_s_lessons_are(lab: Lab) -> None:
    (folder := lab.server.root / "my-lessons").mkdir()
    sources = ("from workshop_lib import predict, quiz", 'predict("0.1")', 'quiz("0")')
    write(folder / "lesson.ipynb", *sources)
    notebook = lab.open(folder / "lesson.ipynb")
    try:
        notebook.run_all()
        options = notebook.find(".workshop-question").first.locator("[role=radio]")
        second = options.nth(1).inner_text().removeprefix("○ ")
        options.nth(1).click()
        says(notebook, f"Your prediction: {second}.")
        notebook.page.keyboard.press("Shift+Enter")
        notebook.wait_until("panel.content.widgets[1].model.executionCount === 4")
        checked = notebook.find("[role=radio][aria-checked=true]", has_text=second)
        checked.wait_for()
        says(notebook, f"Your prediction: {second}.")
        assert told(notebook) == [""] * options.count()
        notebook.find(".workshop-reveal").click()
        notebook.find(".workshop-told", has_text="your choice").wait_for()
        before = told(notebook)
        assert all(before)
        notebook.close()
        notebook = lab.open(folder / "lesson.ipynb")
        notebook.run_all()
        notebook.find("[role=radio][aria-checked=true]", has_text=second).wait_for()
        assert told(notebook) == before
    finally:
        notebook.close()
    lines = (folder / FILE_NAME).read_text().splitlines()
    asked = [known["item"] for known in map(json.loads, lines) if known["outcome"] != "seen"]
    assert asked == ["predict 0.1"] * 2
    assert not (lab.server.root / FILE_NAME).exists()


def test_the_drawings_are_dark_where_jupyterlab_is(lab: Lab) -> None:
    """Whatever the system is: an SVG has the colour scheme of the element that shows it.

    https://drafts.csswg.org/mediaqueries-5/#prefers-color-scheme
    """
    path = lab.server.root / "drawing.ipynb"
    shutil.copy(ROOT / "images" / "12-which-encryption.svg", path.parent)
    cells = [
        nbformat.v4.new_markdown_cell("![Four questions](12-which-encryption.svg)"),
        nbformat.v4.new_code_cell(f"{SETUP}\npredict(cached)"),
    ]
    content = nbformat.v4.new_notebook(cells=cells)
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(content, path)
    notebook = lab.open(path)
    try:
        notebook.run_all()
        notebook.find(".workshop-question").first.wait_for(timeout=30_000)
        drawing = notebook.find(".jp-RenderedMarkdown img")
        shown = set()
        for theme, scheme in zip(THEMES, ("light", "dark"), strict=True):
            lab.theme(theme)
            assert drawing.evaluate("image => getComputedStyle(image).colorScheme") == scheme
            shown.add(drawing.screenshot())
        assert len(shown) == 2
    finally:
        lab.theme(THEMES[0])
        notebook.close()


def test_a_narrow_page(notebook: Notebook) -> None:
    """390 px: a phone's."""
    button(notebook, "It depends").click()
    button(notebook, "Reveal").click()
    says(notebook, "Not quite.")
    width = "question => { question.style.width = '390px'; return question.scrollWidth; }"
    assert notebook.find(".workshop-question").first.evaluate(width) <= 390


def test_what_stays_jupyterlab_s(notebook: Notebook) -> None:
    """Saving and running the next cell work while an option has the focus."""
    button(notebook, "No, at once").click()
    says(notebook, "Your prediction")
    save_with(notebook, "Control+s")
    assert "workshop-static" in notebook.path.read_text()
    active = "panel.content.activeCell.model.sharedModel.source"
    assert notebook.ask(active) == CELLS[0]
    notebook.page.keyboard.press("Shift+Enter")
    notebook.wait_until(f"{active} === '{CELLS[1]}'")


def test_opened_again_without_its_kernel_it_shows_the_static_form(
    notebook: Notebook, lab: Lab
) -> None:
    save_with(notebook, "Control+s")
    # JupyterLab trusts no outputs but its own: in somebody else's it drops styles and widgets.
    foreign = notebook.path.with_name("foreign.ipynb")
    foreign.write_text(notebook.path.read_text().replace("1 + 1", "2 + 2"))
    lab.server.shut_kernels()
    lab.load()
    for path in (notebook.path, foreign):
        again = lab.open(path)
        trusted = again.ask("panel.content.model.cells.get(1).trusted")
        assert trusted == (path == notebook.path)
        again.find("p", has_text="Who reads it?").first.wait_for()
        answer = again.find("details", has_text="Only KMS refuses at once.").first
        assert not answer.get_by_text("Only KMS refuses at once.").is_visible()
        answer.get_by_text("Answer", exact=True).click()
        answer.get_by_text("Only KMS refuses at once.").wait_for(timeout=5_000)
        for message in ("Loading widget", "Error displaying widget"):
            assert not again.find(f"text={message}").first.is_visible()
        again.close()


def test_a_class_votes_again_and_sees_how_it_voted(lab: Lab) -> None:
    """The choice is taken back for the second vote; at last the counts stand at the options."""
    tell = """\
from workshop_lib.progress import mark
from workshop_lib.questions.polls import ClassVote, tell
options = [mark("", option) for option in cached.options]
def hear(*counts):
    rounds = [dict(zip(options, each)) for each in counts]
    tell(mark("predict", cached.text), ClassVote(2, rounds=rounds))"""
    path = lab.server.root / "votes.ipynb"
    write(path, SETUP, "predict(cached)", tell, "hear()", "hear([4, 11, 3], [1, 16, 1])")
    notebook = lab.open(path)
    notebook.show()
    notebook.run_cells(0, 1, 2)
    box = notebook.find(".workshop-question")
    box.get_by_role("radio").nth(0).click()
    box.get_by_text("Your prediction").wait_for()
    notebook.run_cells(3)
    box.get_by_text("Your class votes again.").wait_for()
    assert box.get_by_role("radio", checked=True).count() == 0
    box.get_by_role("radio").nth(1).click()
    box.get_by_text("Your second vote is noted.").wait_for()
    notebook.run_cells(4)
    box.get_by_text("class: 4, then 1").wait_for()
    assert box.locator(".workshop-votes").all_inner_texts() == [
        "class: 4, then 1",
        "class: 11, then 16",
        "class: 3, then 1",
    ]
    assert box.get_by_text("This is how your class voted (18, then 18)").count() == 1
    box.get_by_text("✓ Right").wait_for()
    for theme in THEMES:
        lab.theme(theme)
        assert box.is_visible()
    lab.theme(THEMES[0])
    notebook.close()


def test_what_a_screen_reader_is_told(notebook: Notebook) -> None:
    """https://www.w3.org/WAI/ARIA/apg/patterns/radio/ and live regions that were there before."""
    group = notebook.page.get_by_role("radiogroup", name="Predict: Will GetItem still work?")
    radios = group.get_by_role("radio")
    assert radios.count() == 3
    assert group.get_by_role("radio", checked=True).count() == 0
    regions = notebook.find(".workshop-question [role=status]")
    assert [region.inner_text() for region in regions.all()] == ["", "", "", ""]
    said = notebook.find(".workshop-feedback").first
    said.evaluate("region => { region.wasThere = true; }")
    group.get_by_role("radio", name="No, at once", exact=True).click()
    says(notebook, "Your prediction: No, at once.")
    assert said.evaluate("region => region.wasThere")
    assert group.get_by_role("radio", checked=True).all_inner_texts() == ["● No, at once"]
    button(notebook, "Reveal").click()
    says(notebook, "Not quite.")
    chosen = group.get_by_role("radio", name="No, at once", exact=True)
    described = "radio => document.getElementById(radio.getAttribute('aria-describedby')).innerText"
    assert " ".join(chosen.evaluate(described).split()) == told(notebook)[0]
    assert "Only KMS refuses at once." in told(notebook)[0]
    assert "The answer: Yes, for some minutes." in said.inner_text()


def test_the_focus_is_seen(notebook: Notebook) -> None:
    button(notebook, "No, at once").focus()
    for key in ("ArrowDown", "Tab"):
        notebook.page.keyboard.press(key)
        outline = notebook.page.evaluate("getComputedStyle(document.activeElement).outline")
        assert "solid 3px" in outline


def test_the_texts_of_a_question_are_no_html(notebook: Notebook) -> None:
    bad = "<img src=x onerror='window.broken = true'>"
    source = f'quiz([Question("{bad}", {{"{bad}": "{bad}", "b": "b"}}, "b")])'
    notebook.page.evaluate("window.broken = false")
    notebook.ask(
        f"""{{
            const model = panel.content.widgets.at(-1).model;
            model.sharedModel.setSource({json.dumps(source)});
        }}"""
    )
    notebook.run_all()
    button(notebook, "<img src=x").click()
    says(notebook, f"Not quite. {bad}")
    assert notebook.find("img[src=x]").count() == 0
    assert not notebook.page.evaluate("window.broken")


TEXTS = ".workshop-question :is(button, legend, p, code, .workshop-mark, .course-chip)"
CONTRAST = """element => {
    const parse = text => {
        const drawing = new OffscreenCanvas(1, 1).getContext('2d');
        drawing.fillStyle = text;
        drawing.fillRect(0, 0, 1, 1);
        return drawing.getImageData(0, 0, 1, 1).data;
    };
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    let back = element;
    const of = node => parse(getComputedStyle(node).backgroundColor);
    while (of(back)[3] === 0) back = back.parentElement;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(of(back))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_readable_in_both_themes(notebook: Notebook, lab: Lab, tmp_path: Path) -> None:
    """WCAG 2.2 AA asks for 4.5 to 1: https://www.w3.org/TR/WCAG22/#contrast-minimum"""
    button(notebook, "No, at once", nth=1).click()
    says(notebook, "Not quite.")
    button(notebook, "All").click()
    says(notebook, "Right. At rest")
    button(notebook, "No, at once").click()
    button(notebook, "Reveal").click()
    says(notebook, "Not quite. Only KMS refuses at once. The answer")
    assert told(notebook) == REVEALED
    long = button(notebook, "It depends").bounding_box()
    assert long["height"] > 1.8 * button(notebook, "No, at once").bounding_box()["height"]
    for theme in THEMES:
        lab.theme(theme)
        notebook.page.screenshot(path=str(tmp_path / f"{theme}.png"))
        texts = notebook.find(TEXTS).all()
        assert len(texts) > 10
        for text in texts:
            assert text.evaluate(CONTRAST) >= 4.5, (theme, text.inner_text())


# Draws a widget of a state on a bare page, as any host of anywidget does.
HOST = """async ({script, style, state}) => {
    document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
    const module = URL.createObjectURL(new Blob([script], {type: 'text/javascript'}));
    window.model = {
        state, said: {}, saved: 0,
        get: name => state[name],
        set: changes => Object.assign(state, changes),
        save_changes() { this.saved += 1; this.said['change:chosen']?.(); },
        on(name, listener) { this.said[name] = listener; },
        off(name) { delete this.said[name]; },
    };
    const { default: widget } = await import(module);
    window.removed = widget.render({ model, el: document.body });
}"""
HOSTS = {
    "nothing known": "",
    "VS Code, dark": "--vscode-editor-foreground: #ccc; --vscode-editor-background: #1f1f1f",
    "VS Code, light": "--vscode-editor-foreground: #3b3b3b; --vscode-editor-background: #fff",
}


@pytest.mark.parametrize("host", HOSTS)
def test_outside_jupyterlab(lab: Lab, host: str, tmp_path: Path) -> None:
    """It needs neither JupyterLab's colours nor its keys, and leaves nothing when it goes."""
    question = Question("Does `it`?", {"Yes": "It does.", "No": "It does."}, "Yes")
    widget = PredictionWidget([("Predict", question)])
    widget.chosen, widget.revealed = [1], True
    names = ("asked", "chosen", "feedback", "revealed", "summary")
    state = {name: value for name, value in widget.get_state().items() if name in names}
    page = lab.page.context.browser.new_page()
    try:
        page.set_content(f"<!doctype html><html style='{HOSTS[host]}'><body></body></html>")
        page.evaluate(HOST, {"script": widget._esm, "style": widget._css, "state": state})
        page.screenshot(path=str(tmp_path / "page.png"))
        texts = page.locator(TEXTS).all()
        assert [text.inner_text() for text in texts[:4]] == [
            "Predict: Does it?",
            "it",
            "○ Yes",
            "○",
        ]
        for text in texts:
            assert text.evaluate(CONTRAST) >= 4.5, text.inner_text()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "● No"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.evaluate("model.state.chosen") == [0]
        assert page.evaluate("model.state.revealed") is False
        assert page.evaluate("document.activeElement.textContent") == "● Yes"
        page.evaluate("removed()")
        assert page.evaluate("Object.keys(model.said)") == []
    finally:
        page.close()


RESTARTED = "The kernel was restarted: run this cell again, after the first code cell of the page."


def test_a_kernel_that_was_restarted_is_told_of_and_the_question_stays_readable(
    notebook: Notebook,
) -> None:
    button(notebook, "No, at once").click()
    says(notebook, "Your prediction: No, at once.")
    notes = notebook.find(".course-kernel")
    assert notes.all_inner_texts() == ["", ""]
    notebook.restart()
    notebook.find(".course-kernel", has_text="restarted").nth(1).wait_for()
    assert notes.all_inner_texts() == [RESTARTED] * 2
    button(notebook, "Yes, for").click()  # nobody would judge it
    assert button(notebook, "No, at once").get_attribute("aria-checked") == "true"
    says(notebook, "Your prediction: No, at once.")
    run_all(notebook)
    notebook.wait_until("!panel.node.querySelector('.course-kernel:not(:empty)')")
    button(notebook, "Yes, for").click()
    says(notebook, "Your prediction: Yes, for some minutes.")


def test_a_kernel_that_died_is_told_of(notebook: Notebook) -> None:
    """JupyterLab says so in a dialog of its own, and starts another one."""
    end = "import os; os._exit(1)"
    notebook.ask(f"{{ panel.sessionContext.session.kernel.requestExecute({{ code: '{end}' }}); }}")
    notebook.page.get_by_role("dialog", name="Kernel Restarting").get_by_role("button").click()
    notebook.find(".course-kernel", has_text="restarted").nth(1).wait_for()
    assert notebook.find(".course-kernel").all_inner_texts() == [RESTARTED] * 2


def test_after_reveal_the_button_is_done_and_keeps_the_focus(notebook: Notebook) -> None:
    reveal = notebook.find(".workshop-reveal").first
    reveal.click()
    says(notebook, "Choose an option first")
    assert (reveal.inner_text(), reveal.get_attribute("aria-disabled")) == ("Reveal", "false")
    button(notebook, "No, at once").click()
    says(notebook, "Your prediction")
    reveal.focus()
    notebook.page.keyboard.press("Enter")
    says(notebook, "Not quite.")
    assert notebook.focused() == "Revealed"
    assert reveal.get_attribute("aria-disabled") == "true"
    notebook.page.keyboard.press("Shift+Tab")
    assert "No, at once" in notebook.focused()
    button(notebook, "Yes, for").click()
    says(notebook, "Your prediction: Yes, for some minutes.")
    assert (reveal.inner_text(), reveal.get_attribute("aria-disabled")) == ("Reveal", "false")
