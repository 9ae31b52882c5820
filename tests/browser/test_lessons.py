"""What becomes of the lessons and drawings on their way into a browser."""

import json
from html import unescape
from pathlib import Path

import pytest

from browser import lessons
from tests.support.lessons import LESSONS, ROOT

DRAWINGS = sorted((ROOT / "images").glob("*.svg"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_no_outputs_and_all_else_is_the_courses(path: Path) -> None:
    shipped = json.loads(lessons.lesson(path))["cells"]
    assert all(not cell.get("outputs") for cell in shipped)
    own = [(c["id"], c["source"]) for c in shipped if c["id"] != "in-a-browser"]
    original = json.loads(path.read_text("utf-8"))["cells"]
    assert own == [(cell["id"], cell["source"]) for cell in original]


def test_a_note_stands_before_the_first_cell_that_fails() -> None:
    told = lessons.differences()["11"]
    path = next(path for path in LESSONS if path.name.startswith("11_"))
    cells = json.loads(lessons.lesson(path))["cells"]
    place = next(n for n, cell in enumerate(cells) if cell["id"] == told["errors"][0])
    assert cells[place - 1]["source"].startswith("**In a browser:**")


def test_a_note_on_a_cell_that_is_gone_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "differences.toml"
    other.write_text('[00]\nbefore = "no-such-cell"\nnote = "x"\nerrors = []\notherwise = []\n')
    monkeypatch.setattr(lessons, "DIFFERENCES", other)
    with pytest.raises(ValueError, match="no-such-cell"):
        lessons.lesson(LESSONS[0])


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_is_the_same_in_ascii(path: Path) -> None:
    drawing = path.read_text("utf-8")
    plain = lessons.plain(drawing)
    assert plain.isascii()
    assert unescape(plain) == unescape(drawing)
