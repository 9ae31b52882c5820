"""The interactive forms in headless Chromium: mouse, keys, screen reader, themes, a narrow page.

Most of it on a bare page, as any host of anywidget is one; what a form is asked there is answered
by Python, in this process, as a kernel would. JupyterLab has a test of its own at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.questions.test_widgets_browser import CONTRAST
from tests.support.browser import Lab, lab, needs_chromium, server
from tests.support.forms import FORMS
from workshop_lib.interactive.live import live_form

__all__ = ["lab", "server"]  # fixtures
pytestmark = [pytest.mark.slow, needs_chromium]

HOST = """async ({script, style, view}) => {
    document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
    const module = URL.createObjectURL(new Blob([script], {type: 'text/javascript'}));
    const state = { view, asked: {} };
    window.model = {
        state, said: {},
        get: name => state[name],
        set: (name, value) => { state[name] = value; },
        async save_changes() {
            state.view = await answered(state.asked);
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
        page.expose_function("answered", self.form.answer)
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
    page.get_by_role("button", name="Tamper and read").click()
    host.says("diagnosis: flip bit 9: noticed by the encryption client.")
    page.get_by_label("Change", exact=True).select_option("whole item")
    page.get_by_label("by", exact=True).select_option("put its older version back")
    assert not page.get_by_label("at").is_visible()
    page.get_by_role("button", name="Tamper and read").click()
    host.says("put its older version back: noticed by nobody.")
    assert host.find("tbody tr").count() == 3


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


def test_flipping_a_byte(page: Any) -> None:
    host = Host(page, "hex strip")
    host.press("Tab", "ArrowRight")
    assert host.focused() == "version, byte 1: 00"
    host.press("Enter")
    host.says("Noticed by the encryption client Byte 1 (version)")
    assert host.focused() == "version, byte 1: 00, flipped"
    host.find(".course-byte[data-place='100']").click()
    host.says("Byte 100 (amzn-ddb-env-key)")
    assert host.find(".course-byte.flipped").count() == 1
    assert page.get_by_role("group", name="version, 4 bytes").count() == 1


def test_the_slider_of_the_timeline(page: Any) -> None:
    host = Host(page, "timeline")
    slider = page.get_by_role("slider", name="The table's KMS key is disabled")
    assert slider.get_attribute("aria-valuetext") == "at once"
    host.says("GetItem: ✓ allowed")
    assert not host.find("td[data-name='1 h'] .course-chip").first.is_visible()
    slider.focus()
    host.press("ArrowRight", "ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "1 h"
    host.says("TableStatus: INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    assert host.find("td[data-name='1 h'] .course-chip").first.is_visible()


def test_filtering_the_matrix(page: Any) -> None:
    host = Host(page, "matrix")
    host.says("3 of 3 shown")
    host.press("Tab", "Tab", "Space")
    host.says("2 of 3 shown")
    page.get_by_role("button", name="A reader must not read it").click()
    host.says("1 of 3 shown")
    assert page.get_by_role("button", pressed=True).count() == 2
    assert host.find("tbody tr:visible th").all_inner_texts() == ["client-side"]


ACTS = {
    "tamper with an item": ".course-do",
    "tamper with a blob": ".course-do",
    "hex strip": ".course-byte >> nth=30",
    "policy grid": ".course-do",
}
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
        for width in (900, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=str(tmp_path / f"{theme}-{width}.png"), full_page=True)
            scrolled = page.evaluate(
                "[document.scrollingElement, ...document.querySelectorAll('.course-scroll')]"
                ".map(each => each.scrollWidth - each.clientWidth)"
            )
            assert max(scrolled) <= 0, (width, scrolled)
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
    notebook.find(".course-do").click()
    notebook.find("[role=status]", has_text="1 of 12 right.").wait_for(timeout=30_000)
    notebook.page.keyboard.press("Control+s")
    notebook.wait_until("!panel.context.model.dirty")
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
