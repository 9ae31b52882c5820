"""The interactive forms in headless Chromium: mouse, keys, screen reader, themes, a narrow page.

Most of it on a bare page, as any host of anywidget is one; what a form is asked there is answered
by Python, in this process, as a kernel would. JupyterLab has a test of its own at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.questions.test_widgets_browser import CONTRAST
from tests.support.browser import Lab, lab, needs_chromium, server
from tests.support.forms import FORMS
from workshop_lib import start_lab
from workshop_lib.interactive import session
from workshop_lib.interactive.live import live_form
from workshop_lib.progress import FILE_NAME, Journal

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing.")

__all__ = ["lab", "server"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.long, needs_chromium]

HOST = """async ({script, style, view}) => {
    document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
    const module = URL.createObjectURL(new Blob([script], {type: 'text/javascript'}));
    const state = { view, asked: {}, trouble: '' };
    window.model = {
        state, said: {},
        get: name => state[name],
        set: (name, value) => { state[name] = value; },
        async save_changes() {
            if (window.silent) return;
            Object.assign(state, await answered(state.asked));
            this.said['change:view']?.();
        },
        on(name, listener) { this.said[name] = listener; },
        off(name) { delete this.said[name]; },
    };
    const { default: widget } = await import(module);
    window.removed = widget.render({ model, el: document.body });
}"""


class Host:
    """A bare page with one form, live."""

    def __init__(self, page: Any, name: str) -> None:
        self.page, self.form = page, FORMS[name]()
        live = live_form(self.form.script, self.form.view(), self.form.answer)

        def answered(asked: dict[str, Any]) -> dict[str, Any]:
            live.asked = asked
            return {"view": live.view, "trouble": live.trouble}

        page.expose_function("answered", answered)
        page.set_content("<!doctype html><html><body></body></html>")
        state = {"script": live._esm, "style": live._css, "view": live.view}
        page.evaluate(HOST, state)

    def find(self, selector: str, **filters: Any) -> Any:
        return self.page.locator(selector, **filters)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def says(self, text: str) -> None:
        self.find("[role=status]", has_text=text).wait_for(timeout=10_000)

    def focused(self, attribute: str = "aria-label") -> str:
        return str(self.page.evaluate(f"document.activeElement.getAttribute('{attribute}')"))


@pytest.fixture(autouse=True)
def nothing_done_before(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(None)
    monkeypatch.setattr(session, "learners_journal", lambda: journal)


@pytest.fixture
def page(lab: Lab) -> Iterator[Any]:
    page = lab.page.context.browser.new_page(viewport={"width": 900, "height": 900})
    yield page
    page.close()


def test_tampering_with_the_keyboard_alone(page: Any) -> None:
    host = Host(page, "tamper with an item")
    host.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    host.press("w")  # the part that begins with this letter: ward
    host.press("Tab", "Tab", "Tab")
    assert "Tamper and read" in page.evaluate("document.activeElement.textContent")
    host.press("Enter")
    host.says("ward: change character 0: noticed by nobody.")
    assert host.find("tbody th").inner_text() == "ward: change character 0"
    page.get_by_label("Change", exact=True).select_option("diagnosis")
    page.get_by_label("by", exact=True).select_option("flip bit")
    page.get_by_label("at").fill("9")
    host.press("Enter")
    host.says("diagnosis: flip bit 9: noticed by the encryption client.")
    page.get_by_label("Change", exact=True).select_option("whole item")
    page.get_by_label("by", exact=True).select_option("put its older version back")
    assert not page.get_by_label("at").is_visible()
    page.get_by_role("button", name="Tamper and read").click()
    host.says("put its older version back: noticed by nobody.")
    assert host.find("tbody tr").count() == 3
    chips = [
        (chip.inner_text(), chip.get_attribute("class"))
        for chip in host.find("td .course-chip").all()
    ]
    assert chips == [
        ("✕ nobody", "course-chip refused"),
        ("✓ the encryption client", "course-chip allowed"),
        ("✕ nobody", "course-chip refused"),
    ]


def test_a_place_that_there_is_not_is_told_and_stays(page: Any) -> None:
    host = Host(page, "tamper with an item")
    assert host.find(".course-card [role=status]").bounding_box()["height"] == 0  # no empty band
    page.get_by_label("Change", exact=True).select_option("city")
    place = page.get_by_label("at")
    for typed, right in (("99", "false"), ("", "false"), ("1.5", "false"), ("3", "true")):
        place.fill(typed)
        assert place.get_attribute("aria-invalid") == ("false" if right == "true" else "true")
        place.press("Enter")
        assert place.input_value() == typed
        if right == "true":
            host.says("city: change character 3: noticed")
        else:
            host.says("Type a whole number, 0 to 3.")
            assert page.evaluate("model.state.asked.serial") is None
    described = place.get_attribute("aria-describedby")
    assert host.find(f"#{described}").inner_text() == "0 to 3"


def test_a_form_whose_resources_are_gone_says_so(page: Any) -> None:
    host = Host(page, "tamper with an item")
    start_lab()  # as empty as after lab.cleanup()
    page.get_by_role("button", name="Tamper and read").click()
    host.find("[role=alert]", has_text="Run the cells above again, and then this one.").wait_for()
    assert host.find("tbody tr").count() == 0
    assert "…" not in host.find(".course-card [role=status]").inner_text()


def test_a_form_that_is_not_answered_says_so_until_it_is(page: Any) -> None:
    page.clock.install()
    host = Host(page, "policy grid")
    note = host.find(".course-kernel")
    page.evaluate("window.silent = true")
    host.find(".course-cell").first.click()
    page.clock.run_for(1_900)
    assert note.inner_text() == ""
    page.clock.run_for(200)
    again = "run the cells above again, and then this one."
    assert note.inner_text() == f"No answer yet. If no cell is running, {again}"
    page.evaluate("window.silent = false")
    host.find(".course-cell").nth(1).click()
    page.wait_for_function("model.state.view.serial === 2")
    assert note.inner_text() == ""
    assert host.find(".course-cell").first.inner_text() == "✓ allowed"
    page.clock.run_for(9_000)
    assert note.inner_text() == ""


@pytest.mark.parametrize("name", FORMS)
def test_a_form_whose_kernel_went_says_so_and_asks_no_more(page: Any, name: str) -> None:
    host = Host(page, name)
    page.evaluate("model.said.comm_live_update()")
    note = host.find(".course-kernel")
    assert note.inner_text().startswith("The kernel was restarted: run the cells above again")
    before = host.find(".course-live").inner_text()
    if name in ACTS:
        page.set_viewport_size({"width": 390, "height": 300})
        host.find(ACTS[name]).click()
        assert page.evaluate("model.state.asked.serial") is None
        assert note.evaluate("note => note.getBoundingClientRect().top >= 0")  # it is seen
        page.set_viewport_size({"width": 900, "height": 900})
    assert host.find(".course-live").inner_text() == before


def test_predicting_the_grid_and_running_it(page: Any) -> None:
    host = Host(page, "policy grid")
    host.press("Tab")
    assert host.focused() == "nothing, no policy: nothing predicted"
    host.press("Enter")
    assert host.focused() == "nothing, no policy: you predict allowed"
    host.press("ArrowRight", "Space", "Space")
    assert host.focused() == "nothing, must be AES256: you predict refused"
    host.press("ArrowDown", "Enter", "Enter", "Enter")
    assert host.focused() == "AES256, must be AES256: nothing predicted"
    host.press("Enter", "Enter", "End")
    assert host.focused() == "AES256, must name a key: nothing predicted"
    host.press("Home")
    assert host.focused() == "AES256, no policy: nothing predicted"
    host.press("Control+Home")
    assert host.focused() == "nothing, no policy: you predict allowed"
    host.press("Control+End")
    assert host.focused() == "aws:kms + key, must name a key: nothing predicted"
    assert page.evaluate("model.state.view.outcomes") == []  # no answer is in the browser yet
    host.press("Tab", "Enter")
    host.says("2 of 12 right. You left 9 open.")
    missed = host.find(".course-cell.missed")
    assert missed.count() == 1
    label = host.find("[aria-label^='AES256, must be AES256']").get_attribute("aria-label")
    assert label == "AES256, must be AES256: allowed; you said refused"
    host.find(".course-cell").first.click()
    assert missed.count() == 0  # predicting again closes the answers


def test_clicks_that_outrun_the_answers_are_all_kept(page: Any) -> None:
    host = Host(page, "policy grid")
    page.evaluate("document.querySelectorAll('.course-cell').forEach(cell => cell.click())")
    page.wait_for_function("model.state.view.serial === 12")
    assert host.find(".course-cell").all_inner_texts() == ["✓ allowed"] * 12
    assert host.form.view()["predicted"] == [["allowed"] * 4] * 3


def test_the_policies_of_a_grid_are_told_above_it(page: Any) -> None:
    host = Host(page, "policy grid")
    assert host.find("dt").all_inner_texts() == [
        "must be AES256",
        "default or AES256",
        "must name a key",
    ]
    legend, grid = host.find("dl").bounding_box(), host.find("table").bounding_box()
    assert legend["y"] + legend["height"] <= grid["y"]
    assert "Deny if StringNotEquals" in host.find("dd").first.inner_text()


def test_flipping_a_byte(page: Any) -> None:
    host = Host(page, "hex strip")
    host.press("Tab", "ArrowRight")
    assert host.focused() == "version, byte 1: 00"
    ring = (
        "(({outlineWidth, outlineOffset}) => parseFloat(outlineWidth) + parseFloat(outlineOffset))"
    )
    inside = page.evaluate(f"{ring}(getComputedStyle(document.activeElement))")
    assert inside <= 0  # the ring covers no neighbour
    host.press("Enter")
    host.says("Noticed by ✓ the encryption client Byte 1 (version)")
    assert host.focused() == "version, byte 1: 00, flipped"
    host.find(".course-byte[data-place='100']").click()
    host.says("Byte 100 (amzn-ddb-env-key)")
    assert host.find(".course-byte.flipped").count() == 1
    host.press("Home")
    top = "document.activeElement.getBoundingClientRect().top"
    line = page.evaluate(top)
    host.press("End")
    assert page.evaluate(top) == line
    host.press("Control+Home", "ArrowRight")
    assert host.focused() == "version, byte 1: 00"
    assert page.get_by_role("group", name="version, 4 bytes").count() == 1


def test_the_slider_of_the_timeline(page: Any) -> None:
    host = Host(page, "timeline")
    slider = page.get_by_role("slider", name="The table's KMS key is disabled")
    assert slider.get_attribute("aria-valuetext") == "at once"
    host.says("GetItem: ✓ allowed")
    hour = host.find("td[data-name='1 h']")
    assert hour.all_inner_texts() == ["not yet"] * 2
    slider.focus()
    host.press("ArrowRight", "ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "1 h"
    host.says("TableStatus: INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    assert hour.last.inner_text() == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    host.press("ArrowLeft")
    assert hour.all_inner_texts() == ["not yet"] * 2


def test_filtering_the_matrix(page: Any) -> None:
    host = Host(page, "matrix")
    host.says("3 of 3 shown.")
    host.press("Tab", "Tab", "Space")
    host.says("2 of 3 shown")
    page.get_by_role("button", name="A reader must not read it").click()
    host.says("1 of 3 shown")
    assert page.get_by_role("button", pressed=True).count() == 2
    assert host.find("tbody tr:visible th").all_inner_texts() == ["client-side"]
    page.get_by_role("button", name="No key to keep").click()
    host.says("0 of 3 shown. No row meets what you pressed: press a button again to take it back.")


ACTS = {
    "tamper with an item": ".course-do",
    "tamper with a blob": ".course-do",
    "hex strip": ".course-byte >> nth=30",
    "policy grid": ".course-do",
}
# Words that do not fit their line: a word of prose that stands in two of them. What is code may.
BROKEN = """[...document.querySelectorAll('.course-live :is(th, td, button, .course-chip)')]
    .flatMap(element => [...element.childNodes]
        .filter(node => node.nodeType === 3 && !element.closest('code'))
        .flatMap(node => [...node.data.matchAll(/[\\p{L}_]+/gu)].filter(word => {
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            return new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1;
        }).map(word => word[0])))"""
TEXTS = ":is(button, select, th, td, p, small, code, strong, label, li, .course-chip, .course-dim)"


@pytest.mark.parametrize("name", FORMS)
def test_readable_in_both_themes_and_on_a_phone(page: Any, name: str, tmp_path: Path) -> None:
    """WCAG 2.2 AA: 4.5 to 1, and no sideways scrolling at 320 px or more:
    https://www.w3.org/TR/WCAG22/#contrast-minimum https://www.w3.org/TR/WCAG22/#reflow"""
    host = Host(page, name)
    if name in ACTS:
        host.find(ACTS[name]).click()
        page.wait_for_function("model.state.asked.serial")
        page.wait_for_timeout(500)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.evaluate(
            "theme => { document.documentElement.style.background ="
            " theme === 'dark' ? '#12161c' : '#fff'; }",
            theme,
        )
        for width in (900, 820, 700, 560, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=str(tmp_path / f"{theme}-{width}.png"), full_page=True)
            scrolled = page.evaluate(
                "[document.scrollingElement, ...document.querySelectorAll('.course-scroll')]"
                ".map(each => each.scrollWidth - each.clientWidth)"
            )
            assert max(scrolled) <= 0, (width, scrolled)
            assert page.evaluate(BROKEN) == [], width
        found = axe.Axe().run(page, ".course-live").response["violations"]
        assert [rule for rule in found if rule["impact"] in ("serious", "critical")] == []
        texts = [text for text in host.find(TEXTS).all() if text.is_visible()]
        assert len(texts) > 5
        for text in texts[:80]:
            assert text.evaluate(CONTRAST) >= 4.5, (theme, text.inner_text())
    page.evaluate("removed()")
    assert page.evaluate("Object.keys(model.said)") == []


CELLS = (
    "from tests.support.forms import grid, ways",
    "grid()",
    "ways()",
    "1 + 1",
)


def test_in_jupyterlab_and_opened_again_without_a_kernel(lab: Lab) -> None:
    path = lab.server.root / "forms.ipynb"
    content = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(content, path)
    notebook = lab.open(path)
    notebook.run_all()
    cell = notebook.find(".course-live .course-cell").first
    cell.wait_for(timeout=30_000)
    assert not notebook.find(".course-static").first.is_visible()
    cell.focus()
    for key in ("Enter", "ArrowRight", "Enter", "a", "b", "d", "d", "ArrowDown"):
        notebook.page.keyboard.press(key)
    label = notebook.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "AES256, must be AES256: nothing predicted"
    assert notebook.sources() == list(CELLS)
    notebook.page.keyboard.press("Shift+Enter")
    notebook.wait_until("panel.content.widgets[1].model.executionCount === 5")
    notebook.find("[aria-label='nothing, no policy: you predict allowed']").wait_for()
    assert notebook.find(".course-cell", has_text="allowed").count() == 2
    notebook.find(".course-do").click()
    notebook.find("[role=status]", has_text="1 of 12 right.").wait_for(timeout=30_000)
    notebook.page.keyboard.press("Control+s")
    notebook.wait_until("!panel.context.model.dirty")
    notebook.restart()
    notebook.find(".course-kernel", has_text="The kernel was restarted").nth(1).wait_for()
    assert notebook.find("[role=status]", has_text="1 of 12 right.").is_visible()
    lab.server.shut_kernels()
    lab.load()
    again = lab.open(path)
    answer = again.find(".course-static details").first
    answer.wait_for(timeout=30_000)
    assert not answer.get_by_text("✕ refused").first.is_visible()
    answer.get_by_text("Answer", exact=True).click()
    answer.get_by_text("✕ refused").first.wait_for(timeout=5_000)
    for message in ("Loading widget", "Error displaying widget"):
        assert not again.find(f"text={message}").first.is_visible()
    again.close()


@pytest.mark.parametrize(
    ("form", "clicks", "found"),
    [
        ("grid", ["?", "✓ allowed", "Run all of them"], "0 of 12 right. You left 11 open."),
        ("item_lab", ["Tamper and read"], "diagnosis: flip bit 0"),
    ],
)
def test_what_was_done_outlives_its_kernel_where_the_learner_s_lessons_are(
    lab: Lab, form: str, clicks: list[str], found: str
) -> None:
    (folder := lab.server.root / "my-lessons").mkdir(exist_ok=True)
    path = folder / f"{form}.ipynb"
    source = f"from tests.support.forms import {form}\n{form}()"
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(content, path)
    shown = ".course-live :is([role=status], .course-tried th)"
    notebook = lab.open(path)
    try:
        notebook.run_all()
        for what in clicks:
            notebook.find(".course-live button", has_text=what).first.click()
        notebook.find(shown, has_text=found).first.wait_for(timeout=30_000)
        notebook.close()
        notebook = lab.open(path)
        notebook.run_all()
        notebook.find(shown, has_text=found).first.wait_for(timeout=30_000)
    finally:
        notebook.close()
    lines = list(map(json.loads, (folder / FILE_NAME).read_text().splitlines()))
    assert {known["outcome"] for known in lines} == {"kept"}
