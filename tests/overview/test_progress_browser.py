"""progress() in a real JupyterLab in headless Chromium: what it counts, and how it looks.

Skipped, with the reason, where there is no Chromium or no Playwright.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.support.browser import THEMES, Lab, Notebook, lab, needs_chromium, server
from workshop_lib.overview.outline import lessons
from workshop_lib.progress import FILE_NAME, Event, Journal

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing.")

__all__ = ["lab", "server"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.long, needs_chromium]
CELLS = (
    "from workshop_lib import predict, progress, quiz",
    'predict("0.1")',
    'progress("00")',
    "progress()",
)


def write(path: Path) -> None:
    """A notebook of these cells; without a kernelspec JupyterLab would ask for one."""
    content = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(content, path)


def line(notebook: Notebook) -> str:
    """What the cell of one lesson says of its predictions."""
    return str(notebook.find(".course-table td[data-label=predictions]").first.inner_text())


def test_what_was_answered_is_counted_and_readable(lab: Lab, tmp_path: Path) -> None:
    (folder := lab.server.root / "my-lessons").mkdir()
    later = next(each for each in lessons() if each.number == "08")
    for step, outcome in zip(later.of("check"), ("passed", "failed"), strict=False):
        Journal(folder / FILE_NAME).append(Event("8", step.item, outcome, 1, step.about, ""))
    write(folder / "lesson.ipynb")
    notebook = lab.open(folder / "lesson.ipynb")
    try:
        notebook.run_all()
        assert line(notebook) == "0 of 3"
        notebook.find(".workshop-question [role=radio]").first.click()
        notebook.find("[role=status].workshop-feedback", has_text="Your prediction").wait_for()
        notebook.run_all()
        assert line(notebook).startswith("1 of 3, ")
        pictures = notebook.find("svg[role=img]")
        assert pictures.count() == 2
        assert "08 0 of 8 predictions, 1 of 3 exercises" in pictures.nth(1).get_attribute(
            "aria-label"
        )
        for width in (1200, 820):
            notebook.page.set_viewport_size({"width": width, "height": 1300})
            for theme in THEMES:
                lab.theme(theme)
                notebook.find("svg[role=img]").nth(1).scroll_into_view_if_needed()
                notebook.page.screenshot(path=str(tmp_path / f"{width} {theme}.png"))
                found = axe.Axe().run(
                    notebook.page, context=[[".jp-OutputArea-output:has(svg[role=img])"]]
                )
                assert found.violations_count == 0, found.generate_report()
                box = pictures.nth(1).bounding_box()
                assert box is not None
                assert box["x"] + box["width"] <= width
    finally:
        notebook.close()
