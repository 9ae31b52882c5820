"""What `progress()` shows: a picture, the next step, and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workshop_lib.display.style import marked_up, page, plain
from workshop_lib.display.tables import table
from workshop_lib.overview.outline import lesson_after
from workshop_lib.overview.picture import drawn
from workshop_lib.overview.standing import Count, Standing

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

_KINDS = {"predict": "predictions", "check": "exercises", "quiz": "quiz"}


class Sheet:
    """How some lessons stand. Shows itself as HTML in a notebook, as text elsewhere."""

    def __init__(self, standings: Sequence[Standing], complaint: str = "") -> None:
        self._standings = standings
        self._complaint = complaint

    @property
    def table(self) -> Table:
        """A row for each lesson and, where there are several, one for all: a DataFrame."""
        rows = [
            _row(
                f"{each.lesson.number} {each.lesson.title}",
                {kind: each.count(kind) for kind in _KINDS},
                each.minutes,
            )
            for each in self._standings
        ]
        if len(self._standings) > 1:
            totals = {
                kind: sum((each.count(kind) for each in self._standings), Count(0, 0, 0))
                for kind in _KINDS
            }
            rows.append(_row("all", totals, sum(each.minutes for each in self._standings)))
        return table(rows, caption="Your progress")

    @property
    def next_step(self) -> str:
        """What to do next, in a sentence with **stars**."""
        return next_step(self._standings)

    def __repr__(self) -> str:
        return "\n".join(filter(None, [repr(self.table), plain(self.next_step), self._complaint]))

    def _repr_html_(self) -> str:
        said = [self.next_step, self._complaint]
        words = "".join(f"<p>{marked_up(each)}</p>" for each in said if each)
        return page(f"{drawn(self._standings)}\n{words}\n{self.table.html}")


def next_step(standings: Sequence[Standing]) -> str:
    """The first thing that is not done: in the lesson of the latest event, or those after it."""
    if len(standings) == 1:
        return _within(standings[0])
    latest = next((place for place, each in enumerate(standings) if each.latest), 0)
    for each in [*standings[latest:], *standings[:latest]]:
        if each.next is not None:
            return f"**Next:** {each.lesson.full_name}: {each.next.name}."
    return "All lessons are complete."


def _within(standing: Standing) -> str:
    if standing.next is not None:
        return f"**Next:** {standing.next.name}."
    after = lesson_after(standing.lesson)
    further = f" **Next:** {after.full_name}." if after else ""
    return f"Lesson {standing.lesson.number} is complete.{further}"


def _row(name: str, counts: dict[str, Count], minutes: int) -> dict[str, Any]:
    cells = {_KINDS[kind]: _cell(kind, count) for kind, count in counts.items()}
    return {"lesson": name, **cells, "minutes": minutes}


def _cell(kind: str, count: Count) -> str:
    said = f"{count.done} of {count.all}"
    return said if kind == "check" or not count.done else f"{said}, {count.first} at first try"
