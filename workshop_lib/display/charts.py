"""A line for each column of a table of counts: how calls, or their cost, grow with the load.

An SVG with text in it: its colours follow the theme, and lines differ by dashes and labels,
never by colour alone.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workshop_lib.display.style import page
from workshop_lib.errors import LearnerError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Chart", "chart"]

_LEFT, _TOP, _WIDTH, _HEIGHT = 64, 44, 430, 190
_LINE = 20
"""Pixels that a line of text takes."""
_CHARACTER = 7.6
"""Pixels that a character takes, at most, on average."""
_MANY_TIMES = 30
"""From this ratio of the greatest value to the smallest on, a scale is logarithmic."""
_LEAST = 1e-300
"""Below this a float has no exact powers of ten."""
_GAP = 34
"""Pixels between 0 and the first power of ten, which a logarithmic scale has not."""
_DASHES = ("none", "9 5", "2 4", "12 4 2 4", "4 8")
_COLOURS = ("var(--course-ink)", "var(--course-mark)", "var(--course-dim)")


class CannotDraw(LearnerError, ValueError):
    """The table holds something that is no count."""


class _Scale:
    """Numbers to pixels, from `start` to `end`: linear from 0, or logarithmic, 0 standing apart."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        positive = [value for value in values if value > 0]
        greatest, least = max(positive, default=1.0), min(positive, default=1.0)
        greatest, least = max(greatest, _LEAST), max(least, _LEAST)
        self.start, self.end = start, end
        self.logarithmic = greatest / least >= _MANY_TIMES
        self.broken = self.logarithmic and len(positive) < len(values)
        if self.logarithmic:
            self._low = math.floor(math.log10(least))
            self._high = max(math.ceil(math.log10(greatest)), self._low + 1)
            every = math.ceil((self._high - self._low) / 6)
            powers = [10.0**power for power in range(self._low, self._high + 1, every)]
            self.ticks = [0.0, *powers] if self.broken else powers
        else:
            step = _step(greatest)
            self.ticks = [step * count for count in range(math.ceil(greatest / step - 1e-9) + 1)]

    def place(self, value: float) -> float:
        start = self.start
        if not self.logarithmic:
            return start + (self.end - start) * (value / self.ticks[-1])
        if self.broken:
            if value == 0:
                return start
            start += math.copysign(_GAP, self.end - start)
        part = (math.log10(value) - self._low) / (self._high - self._low)
        return start + (self.end - start) * part


def _step(greatest: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that leads there in at most six."""
    power = 10.0 ** math.floor(math.log10(greatest / 6))
    return next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor * 6 >= greatest)


class Chart:
    """What :func:`chart` returns: shows itself as SVG in a notebook, as one line elsewhere."""

    def __init__(self, counts: pd.DataFrame, title: str) -> None:
        self._title = title
        self._points = [_written(point) for point in counts.index]
        self._positions = _positions(list(counts.index))
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
        bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
        across = self._across()
        upward = _Scale([value for line in self._lines for value in line], bottom, _TOP)
        places = [across.place(position) for position in self._positions]
        ends = _apart([upward.place(values[-1]) for values in self._lines])
        shapes = [_text(6, _LINE, self._title, weight=600), *_grid(upward, right)]
        taken: list[_Box] = []
        said_at: set[tuple[float, float]] = set()
        for number, (values, end) in enumerate(zip(self._lines, ends, strict=True)):
            spots = [(x, upward.place(value)) for x, value in zip(places, values, strict=True)]
            shapes += _line(number, spots)
            for (x, y), value in zip(spots, values, strict=True):
                if (x, value) not in said_at:  # lines that meet share the number
                    shapes += _free(taken, _written(value), x, (y - 9, y + 19))
                said_at.add((x, value))
            shapes.append(_text(right + 16, end + 5, self._label(values)))
        for x, point in zip(places, self._points, strict=True):
            shapes += _free(taken, point, x, (bottom + 26,))
        shapes.append(_text(_LEFT, bottom + 52, self._scales(upward, across)))
        height = max(bottom + 62, math.ceil(max(ends)) + 15)
        longest = max(len(self._label(values)) for values in self._lines)
        width = max(right + 30 + _CHARACTER * longest, 6 + 8.5 * len(self._title))
        # Where JupyterLab drops the drawing, in an untrusted notebook, the words stay: kept apart.
        separate = "\n".join(shapes)
        said = html.escape(f"{self._title}. {self._spoken()}")
        return page(
            f'<svg role="img" aria-label="{said}" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" style="max-width: 100%; height: auto; font: 14px sans-serif; '
            f'fill: var(--jp-content-font-color1, currentColor)">{separate}</svg>'
        )

    def _across(self) -> _Scale:
        return _Scale(self._positions, _LEFT + 14, _LEFT + _WIDTH)

    def _scales(self, upward: _Scale, across: _Scale) -> str:
        """What lies along the bottom, and which scales are not linear."""
        numbered = not isinstance(self._positions[0], int)
        sideways = numbered and across.logarithmic
        if not (sideways or upward.logarithmic):
            return self._axis
        which = (
            "both scales"
            if sideways and upward.logarithmic
            else ("this scale" if sideways else "upward scale")
        )
        note = f"{which} logarithmic" + (", 0 below it" if upward.broken else "")
        return f"{self._axis} · {note}" if self._axis else note

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
            column is a line, each value a number of 0 or more. Both scales are true: linear from
            0, or logarithmic where the greatest is 30 times the smallest or more, with its
            ticks at powers of ten and a place of its own for 0. Points that are no growing numbers
            stand side by side.
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


def _positions(points: list[Any]) -> list[Any]:
    """Where the points stand: at their numbers if these grow from above 0, else side by side."""
    numbers = [_count(point) if not isinstance(point, str) else math.nan for point in points]
    growing = all(a < b for a, b in itertools.pairwise(numbers))
    if len(points) > 1 and growing and numbers[0] > 0 and math.isfinite(numbers[-1]):
        return numbers
    return list(range(len(points)))


_Box = tuple[float, float, float, float]


def _free(taken: list[_Box], text: str, x: float, heights: Sequence[float]) -> list[str]:
    """Write a text above its point where there is room, else below, else not: the table has it."""
    half = _CHARACTER * len(text) / 2 + 2
    for y in heights:
        box = (x - half, y - 13, x + half, y + 3)
        if not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return [_text(x, y, text, anchor="middle")]
    return []


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _grid(scale: _Scale, right: float) -> list[str]:
    """A thin line and a number for each tick; dashed below a logarithmic scale, where it breaks."""
    shapes = []
    for tick in scale.ticks:
        y = scale.place(tick)
        shapes.append(
            f'<line x1="{_LEFT}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}" '
            f'style="stroke: var(--course-line)"/>'
        )
        shapes.append(_text(_LEFT - 8, y + 5, _written(tick), anchor="end"))
    if scale.broken:
        shapes.append(
            f'<line x1="{_LEFT}" x2="{_LEFT}" y1="{scale.start:.0f}" '
            f'y2="{scale.start - _GAP:.0f}" stroke-dasharray="3 4" '
            f'style="stroke: var(--course-dim)"/>'
        )
    return shapes


def _line(number: int, spots: list[tuple[float, float]]) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in spots)
    return [
        f'<polyline points="{path}" fill="none" stroke-width="2" '
        f'stroke-dasharray="{_DASHES[number % len(_DASHES)]}" style="stroke: {colour}"/>',
        *(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="3.5" style="fill: {colour}"/>' for x, y in spots),
    ]


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
