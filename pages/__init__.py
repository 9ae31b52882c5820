"""The course as pages that read without JavaScript: `pages.build` makes them all.

They are made of what nbconvert is made of too (mistune, Pygments, Jinja), because
a page differs from a notebook: each prediction keeps its outcome in a fold. No lesson is run: what
a page shows was computed when the lesson's outputs were committed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pages.colab import colab_notebook, repository
from pages.lesson import Lesson, read_lesson
from pages.markdown import Writer
from pages.readme import read_readme, writer
from pages.sheets import colours, without_sheets
from pages.templating import render

ROOT = Path(__file__).resolve().parents[1]
_HERE = Path(__file__).parent
_PAPERS = (ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "classroom" / "guide.md")

__all__ = ["build"]


def build(output: Path, live: str = "") -> None:
    """Write the pages of the course into a folder, beside whatever lies there already.

    These are `index.html`, `about.html`, `lessons/NN_<name>.html`, the papers of the repository
    and, where there is one, the guide for instructors; `images/`; `notebooks/`, the lessons as
    files; `pages.css`; and, where GitHub builds them, `colab/`, the lessons for Google Colab. All
    links are relative: any static host serves them, and a browser opens them from a disk.

    Args:
        output: where to; made if it is not there.
        live: where a lesson of the browser edition opens, from that folder, but for the name of
            its file: then each page leads there. Empty where there is none.
    """
    lessons = [read_lesson(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    readme = read_readme((ROOT / "README.md").read_text("utf-8"))
    address = repository()
    site = {
        "readme": readme,
        "lessons": lessons,
        "live": live,
        "repository": address,
        "guide": any(path.name == "guide.md" for path in _papers()),
    }
    sheets: dict[str, None] = {}
    for page, lesson in _lesson_pages(lessons, site):
        page, found = without_sheets(page)
        sheets |= dict.fromkeys(found)
        _write(output / "lessons" / f"{lesson.name}.html", page)
    own = (_HERE / "pages.css").read_text("utf-8")
    _write(output / "pages.css", "\n".join([colours(), *sheets, own]))
    files: set[str] = set()
    _write(output / "index.html", render("start.html", up="", writer=writer(files), **site))
    _write(output / "about.html", _paper(readme.about, writer(files), site))
    for path in _papers():
        writing = writer(files, path.parent.relative_to(ROOT).as_posix())
        _write(output / f"{path.stem.lower()}.html", _paper(path.read_text("utf-8"), writing, site))
    for name in files:
        _copy(ROOT / name, output / name)
    for path in (*(ROOT / "images").iterdir(), *(ROOT / "notebooks").glob("*.ipynb")):
        _copy(path, output / path.relative_to(ROOT))
    if address:
        for path in (ROOT / "notebooks").glob("*.ipynb"):
            _write(output / "colab" / path.name, colab_notebook(path, address))
    _copy(_HERE / "icon.svg", output / "icon.svg")
    _copy(ROOT / "LICENSE", output / "LICENSE.txt")


def _lesson_pages(lessons: list[Lesson], site: dict[str, Any]) -> Iterator[tuple[str, Lesson]]:
    for place, lesson in enumerate(lessons):
        before = lessons[place - 1] if place else None
        after = lessons[place + 1] if place + 1 < len(lessons) else None
        page = render("lesson.html", up="../", lesson=lesson, before=before, after=after, **site)
        yield page, lesson


def _papers() -> list[Path]:
    return [path for path in _PAPERS if path.exists()]


def _paper(text: str, writing: Writer, site: dict[str, Any]) -> str:
    title, text = text.removeprefix("# ").split("\n", 1)
    body = writing.html(text)
    return render("paper.html", up="", title=title, body=body, headings=writing.headings, **site)


def _copy(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
