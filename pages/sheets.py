"""Style sheets: those that outputs bring along, and the colours of the course."""

from __future__ import annotations

import re
from pathlib import Path

_COURSE = Path(__file__).resolve().parents[1] / "workshop_lib" / "display" / "style.css"
_SHEET = re.compile(r"<style>(.*?)</style>\s*", re.S)


def without_sheets(page: str) -> tuple[str, list[str]]:
    """HTML without the sheets that stand in it, and these, each once.

    In a notebook each output brings its own; a page has them all in one file.
    """
    return _SHEET.sub("", page), list(dict.fromkeys(_SHEET.findall(page)))


def colours() -> str:
    """The variables with the course's colours, for a whole page."""
    found = re.search(r"^\.course \{(.*?)^\}", _COURSE.read_text("utf-8"), re.S | re.M)
    assert found, f"{_COURSE} begins no longer with the colours"
    return f":root {{{found[1]}}}"
