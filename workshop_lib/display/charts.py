"""A line for each column of a table of counts: how calls, or their cost, grow with the load.

An SVG with text in it: its colours follow the theme, and lines differ by dashes and labels,
never by colour alone.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

from workshop_lib.errors import LearnerError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Chart", "chart"]

_LEFT, _TOP, _STEP, _HEIGHT = 6, 60, 110, 180
_LINE = 20
"""Pixels that a line of text takes."""
_DASHES = ("none", "9 5", "2 4", "12 4 2 4", "4 8")
_COLOURS = tuple(
    f"var(--jp-{name}, currentColor)"
    for name in ("content-font-color1", "brand-color1", "content-font-color2")
)


class CannotDraw(LearnerError, ValueError):
    """The table holds something that is no count."""


class Chart:
    """What :func:`chart` returns: shows itself as SVG in a notebook, as one line elsewhere."""

    def __init__(self, counts: pd.DataFrame, title: str) -> None:
        self._title = title
        self._points = [_written(point) for point in counts.index]
        self._lines: dict[tuple[float, ...], list[str]] = {}
        for name in counts.columns:
            values = tuple(map(_count, counts[name]))
            if not all(value >= 0 and math.isfinite(value) for value in values):
                raise CannotDraw(f"{name!r} holds a value that is no count: {list(counts[name])}.")
            self._lines.setdefault(values, []).append(str(name))
        self._axis = str(counts.index.name or "")

    def __repr__(self) -> str:
        return f"{self._title}: a chart of {', '.join(map(self._label, self._lines))}"

    def _label(self, values: tuple[float, ...]) -> str:
        return ", ".join(self._lines[values])

    def _repr_html_(self) -> str:
        top = math.log10(1 + max((max(line) for line in self._lines if line), default=0)) or 1.0
        last = _LEFT + 40 + _STEP * (len(self._points) - 1)
        ends = _apart([_height(values[-1], top) for values in self._lines])
        shapes = [_text(_LEFT, _LINE, self._title, weight=600)]
        for number, (values, end) in enumerate(zip(self._lines, ends, strict=True)):
            spots = [
                (_LEFT + 40 + _STEP * place, _height(value, top))
                for place, value in enumerate(values)
            ]
            path = " ".join(f"{x},{y:.0f}" for x, y in spots)
            style = f"stroke: {_COLOURS[number % len(_COLOURS)]}"
            dash = _DASHES[number % len(_DASHES)]
            shapes.append(
                f'<polyline points="{path}" fill="none" stroke-width="2" '
                f'stroke-dasharray="{dash}" style="{style}"/>'
            )
            shapes += [
                f'<circle cx="{x}" cy="{y:.0f}" r="3.5" style="{style.replace("stroke", "fill")}"/>'
                + _text(x, y - 9, _written(value), anchor="middle")
                for (x, y), value in zip(spots, values, strict=True)
            ]
            shapes.append(_text(last + 16, end + 5, self._label(values)))
        bottom = _TOP + _HEIGHT
        shapes += [
            _text(_LEFT + 40 + _STEP * place, bottom + 30, point, anchor="middle")
            for place, point in enumerate(self._points)
        ]
        shapes.append(_text(_LEFT, bottom + 55, f"{self._axis} · upward scale logarithmic"))
        height = max(bottom + 65, math.ceil(max(ends)) + 15)
        width = last + 40 + 8 * max(len(self._label(values)) for values in self._lines)
        # Where JupyterLab drops the drawing, in an untrusted notebook, the words stay: kept apart.
        separate = "\n".join(shapes)
        said = html.escape(f"{self._title}. {self._spoken()}")
        return (
            f'<svg role="img" aria-label="{said}" viewBox="0 0 {width} {height}" '
            f'width="{width}" style="max-width: 100%; height: auto; font: 14px sans-serif; '
            f'fill: var(--jp-content-font-color1, currentColor)">{separate}</svg>'
        )

    def _spoken(self) -> str:
        return " ".join(
            f"{self._label(values)}: "
            + ", ".join(
                f"{_written(value)} at {point}"
                for value, point in zip(values, self._points, strict=True)
            )
            + "."
            for values in self._lines
        )


def chart(counts: pd.DataFrame, title: str) -> Chart:
    """Draw a line for each column of ``counts``; columns that are alike share one.

    Args:
        counts: the index are the points from left to right (its name is written below), each
            column is a line, each value a number of 0 or more. The upward scale is
            logarithmic (of 1 + value), so that 2 and 2,000 both show.
        title: what is counted.

    Returns:
        A chart whose text form says only what it is of: the numbers are the table's.

    Raises:
        CannotDraw: when a value is negative, infinite or no number, or there is nothing to draw.
    """
    if not hasattr(counts, "columns"):
        raise CannotDraw(f"A chart is drawn of a DataFrame, not of a {type(counts).__name__}.")
    if counts.empty:
        raise CannotDraw("There is nothing to draw: the table is empty.")
    return Chart(counts, str(title))


def _count(value: Any) -> float:
    """The value as a number, or one that is no count."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _height(value: float, top: float) -> float:
    return _TOP + _HEIGHT * (1 - math.log10(1 + value) / top)


def _apart(heights: list[float]) -> list[float]:
    """The heights, moved as little downwards as keeps a line's distance between any two."""
    moved = list(heights)
    below = -math.inf
    for index in sorted(range(len(heights)), key=heights.__getitem__):
        below = moved[index] = max(heights[index], below + _LINE)
    return moved


def _written(value: Any) -> str:
    """A number as people write it, anything else as text."""
    if isinstance(value, str):
        return value
    number = float(value)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.4g}"


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{html.escape(text)}</text>"
    )
