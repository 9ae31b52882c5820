"""A lesson as slides, by nbconvert and reveal.js: `python3 workshop.py slides 05` calls this.

A step begins a slide, and what belongs to it lies below: each prediction, each cell with what it
shows, each "What happened". Set-up, folded cells, exercises, quiz and clean-up are left out. The
speaker's view (key S) has each prediction's answer, and what its wrong options stand for.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import SlidesExporter
from nbformat.v4 import new_markdown_cell

from pages.lesson import is_folded, unfolded
from workshop_lib.questions.bank import prediction

ROOT = Path(__file__).resolve().parents[1]
DECK = Path(__file__).with_name("deck")
LEFT_OUT = ("Exercises", "Quiz", "In practice", "Clean up")
_HEADING = re.compile(r"^(#+) (.*)")
_PICTURE = re.compile(r"^!\[.*?\]\(.*?\)$", re.M | re.S)
_PREDICTION = re.compile(r'^predict\("([\d.]+)"\)', re.M)
_LEARNERS = re.compile(
    r"^(check|quiz|progress)\(|^# Your code here|^lab\.cleanup|^lab = start_lab", re.M
)


def arranged(notebook: Any) -> Any:
    """The notebook with a `slide_type` for each cell, and notes for the speaker."""
    cells: list[Any] = []
    left_out = False
    continues = False  # whether a text without a heading began a slide that the code goes on with
    for cell in [part for whole in notebook.cells for part in parts(whole)]:
        heading = _HEADING.match(cell.source) if cell.cell_type == "markdown" else None
        level = len(heading[1]) if heading else 0
        if heading and level <= 2:
            left_out = heading[2].startswith(LEFT_OUT)
        learners = cell.cell_type == "code" and _LEARNERS.search(cell.source)
        if left_out or learners or is_folded(cell.metadata):
            kind = "skip"
        elif 0 < level <= 2:
            kind = "slide"
        else:
            kind = "-" if continues and cell.cell_type == "code" else "subslide"
        continues = kind == "subslide" and cell.cell_type == "markdown" and not heading
        cell.metadata["slideshow"] = {"slide_type": kind}
        cells.append(cell)
        asked = _PREDICTION.search(cell.source) if cell.cell_type == "code" else None
        if asked and kind != "skip":
            cell.metadata["transient"] = {"remove_source": True}  # the question is enough
            cells.append(notes(asked[1]))
    notebook.cells = cells
    return notebook


def parts(cell: Any) -> list[Any]:
    """The cell, explanations unfolded; or, of a text with a picture, a part for each slide."""
    if cell.cell_type != "markdown":
        return [cell]
    cell.source = unfolded(cell.source)
    picture = _PICTURE.search(cell.source)
    if picture is None:
        return [cell]
    texts = (cell.source[: picture.start()], picture[0], cell.source[picture.end() :])
    return [new_markdown_cell(text.strip()) for text in texts if text.strip()]


def notes(number: str) -> Any:
    """What the speaker sees at a prediction."""
    question = prediction(number)
    lines = [f"**{question.answer}.** {question.options[question.answer]}", ""]
    lines += [
        f"- “{option}”: {why}"
        for option, why in question.options.items()
        if option != question.answer
    ]
    cell = new_markdown_cell("\n".join(lines))
    cell.metadata["slideshow"] = {"slide_type": "notes"}
    return cell


def build(lesson: Path, output: Path, reveal: Path) -> Path:
    """Write the slides of a lesson into the folder `output`; returns the page.

    reveal: the folder of reveal.js, from which what the page needs is copied.
    """
    notebook = arranged(nbformat.read(lesson, as_version=4))
    exporter = SlidesExporter(
        template_name="deck",
        extra_template_basedirs=[str(DECK.parent)],
        exclude_anchor_links=True,
        reveal_url_prefix="reveal",
        reveal_theme="white",
    )
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": lesson.stem}})
    output.mkdir(parents=True, exist_ok=True)
    for name in ("deck.css", "deck.js"):
        shutil.copy(DECK / name, output)
    shutil.copytree(reveal / "dist", output / "reveal" / "dist", dirs_exist_ok=True)
    shutil.copy(reveal / "LICENSE", output / "reveal")
    for name in set(re.findall(r'"\.\./images/([\w.-]+)"', page)):
        (output / "images").mkdir(exist_ok=True)
        shutil.copy(ROOT / "images" / name, output / "images")
    page = page.replace('"../images/', '"images/')
    written = output / "index.html"
    written.write_text(page, "utf-8")
    return written


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
