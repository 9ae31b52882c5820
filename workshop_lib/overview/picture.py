"""The picture of what is done: a row for each lesson, a mark for each step.

An SVG whose colours follow the theme. The kind of a step is a shape, and how it stands is how that
is filled: neither is told by colour alone.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from workshop_lib.overview.standing import Standing

_SIZE = 7.0
"""Half of a mark's width, in pixels."""
_STEP, _ROW, _GAP = 19, 24, 16
"""Pixels from mark to mark, from row to row, and more of them between two kinds."""
_CHARACTER = 7.4
"""Pixels that a character takes, at most, on average."""
_LABEL = 34
"""Pixels of a lesson's number; its title is in the table."""
_COLUMN = 230
"""Pixels of a column of the legend."""
_KINDS = {"predict": "predictions", "check": "exercises", "quiz": "quiz"}
_STATES = {
    "first": "right at first try, or passed",
    "done": "answered, not right at first try",
    "begun": "not yet passed",
    "open": "to do",
}


def drawn(standings: Sequence[Standing]) -> str:
    """The picture as HTML, to stand in a `page`."""
    starts = _starts(standings)
    shapes = [
        _text(starts[kind] - _SIZE, 16, title, "var(--course-dim)")
        for kind, title in _KINDS.items()
    ]
    y = 16
    for each in standings:
        y += _ROW
        shapes.append(_text(4, y, each.lesson.number, "var(--course-ink)"))
        at = dict(starts)
        for step, state in zip(each.lesson.steps, each.states, strict=True):
            shapes.append(_mark(step.kind, state, at[step.kind], y - 5))
            at[step.kind] += _STEP
    for left, state, words in _legend(standings):
        y += 0 if left else _ROW
        shapes.append(_mark("check" if state == "begun" else "predict", state, left + 11, y + 3))
        shapes.append(_text(left + 24, y + 8, words, "var(--course-dim)"))
    right, height = max(starts["end"], 2 * _COLUMN), y + 18
    return (
        f'<svg role="img" aria-label="{html.escape(_spoken(standings))}" '
        f'viewBox="0 0 {right:.0f} {height:.0f}" width="{right:.0f}" '
        'style="max-width: 100%; height: auto; font: 13px sans-serif">'
        + "\n".join(shapes)
        + "</svg>"
    )


def _starts(standings: Sequence[Standing]) -> dict[str, float]:
    """Where the marks of each kind begin, and where all end."""
    starts: dict[str, float] = {}
    left: float = _LABEL
    for kind, title in _KINDS.items():
        starts[kind] = left + _SIZE
        most = max(len(each.lesson.of(kind)) for each in standings)
        left += max(_STEP * most, _CHARACTER * len(title)) + _GAP
    starts["end"] = left
    return starts


def _legend(standings: Sequence[Standing]) -> list[tuple[int, str, str]]:
    """What the fillings say, of those that there are, in two columns: (left, state, words)."""
    there = {state for each in standings for state in each.states}
    told = [(state, words) for state, words in _STATES.items() if state in there]
    return [(_COLUMN * (place % 2), *each) for place, each in enumerate(told)]


def _mark(kind: str, state: str, x: float, y: float) -> str:
    """A circle, a square or a diamond: full with a tick, with a dot in it, or empty and dashed."""
    line, fill = "var(--course-yes-line)", "var(--course-yes)"
    if state in ("begun", "open"):
        line, fill = "var(--course-dim)", "none"
    dash = "2.5 2.5" if state == "open" else "none"
    style = f'style="stroke: {line}; fill: {fill}" stroke-width="1.5" stroke-dasharray="{dash}"'
    inside = ""
    if state == "first":
        path = f"M{x - 3.5:.1f} {y:.1f}l2.6 3 4.6 -6"
        inside = f'<path d="{path}" style="stroke: {line}; fill: none" stroke-width="2"/>'
    elif state != "open":
        inside = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" style="fill: {line}"/>'
    return f'<path d="{_outline(kind, x, y)}" {style}/>{inside}'


def _outline(kind: str, x: float, y: float) -> str:
    if kind == "predict":
        r = _SIZE
        return f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"
    if kind == "check":
        r = _SIZE - 0.5
        return f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}z"
    r = round(_SIZE * math.sqrt(2) - 1.4, 1)
    return f"M{x:.1f} {y - r:.1f}l{r} {r} {-r} {r} {-r} {-r}z"


def _spoken(standings: Sequence[Standing]) -> str:
    """The picture in words; the table below has the numbers in full."""
    told = []
    for each in standings:
        counts = [(title, each.count(kind)) for kind, title in _KINDS.items()]
        done = ", ".join(f"{count.done} of {count.all} {title}" for title, count in counts)
        told.append(f"{each.lesson.number} {done}")
    return "What is done. Lesson " + ". ".join(told) + "."


def _text(x: float, y: float, text: str, colour: str) -> str:
    shown = html.escape(text).encode("ascii", "xmlcharrefreplace").decode()
    return f'<text x="{x:.0f}" y="{y:.0f}" style="fill: {colour}">{shown}</text>'
