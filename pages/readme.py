"""README.md as the start page has it: its words stand there once, and are shown here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pages.markdown import Writer, sections

LESSONS = "The lessons"
"""The part of README with the table of lessons."""
ABOUT = "What is real, and what is modelled"
"""The part of README that is a page of its own, not a part of the start page."""

_ROW = re.compile(r"^\| \[(\d\d .+?)\]\(notebooks/(\w+)\.ipynb\) \| (\d+) \| (.+?) \|$", re.M)
_NOTEBOOK = re.compile(r"notebooks/(\d\d_\w+)\.ipynb")
_PAGES = {
    "ARCHITECTURE.md": "architecture.html",
    "CONTRIBUTING.md": "contributing.html",
    "LICENSE": "LICENSE.txt",
    "README.md": "index.html",
    "classroom/guide.md": "guide.html",
}


@dataclass(frozen=True)
class Row:
    """A row of the table of lessons: "00 Start here", the notebook, minutes, what one can then."""

    name: str
    notebook: str
    minutes: int
    aims: str


@dataclass(frozen=True)
class Readme:
    """README in its parts: its title, the table of lessons, all other parts by heading.

    lead: the first paragraph; pictures: what follows it; note: what stands below the table;
    about: the part that is a page of its own. These and the parts are Markdown.
    """

    title: str
    lead: str
    pictures: str
    rows: list[Row]
    note: str
    about: str
    parts: Mapping[str, str]


def read_readme(text: str) -> Readme:
    """Take README apart."""
    top, *parts = sections(text, deepest=2)
    title, lead, pictures = top.removeprefix("# ").split("\n\n", 2)
    by_heading = {}
    for part in parts:
        heading, body = part.removeprefix("## ").split("\n", 1)
        by_heading[heading] = body
    lessons = by_heading.pop(LESSONS)
    about = by_heading.pop(ABOUT)
    rows = [Row(name, notebook, int(m), aims) for name, notebook, m, aims in _ROW.findall(lessons)]
    note = "\n".join(line for line in lessons.splitlines() if not line.startswith("|"))
    return Readme(title, lead, pictures, rows, note, f"# {ABOUT}\n{about}", by_heading)


def writer(files: set[str], folder: str = "") -> Writer:
    """A writer for a paper in a folder of the repository: its links become those of pages.

    What it links that is no page is added to `files`, which are to lie beside the pages.
    """

    def on_pages(address: str) -> str:
        path, mark, anchor = address.partition("#")
        if not path or ":" in path:
            return address
        path = posixpath.normpath(posixpath.join(folder, path))
        place = _PAGES.get(path, _NOTEBOOK.sub(r"lessons/\1.html", path))
        if place == path:
            files.add(path)
        return place + mark + anchor

    return Writer(link=on_pages)
