"""`matrix(...)`: a table of what was found out, coloured by meaning, filtered by questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workshop_lib.display.style import CHIPS, Chip
from workshop_lib.errors import WrongArgument
from workshop_lib.interactive.forms import Form, View

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

Row = Mapping[str, Any]
_MEANINGS = {"yes": "neutral", "no": "neutral"}


class Matrix(Form):
    """Rows, of which each question leaves some."""

    script = "matrix"

    def __init__(self, rows: list[dict[str, Any]], left: Mapping[str, list[int]]) -> None:
        self._rows, self._left = rows, dict(left)
        self._columns = list(dict.fromkeys(name for row in rows for name in row))

    @property
    def table(self) -> Table:
        """Return all rows."""
        from workshop_lib.display.tables import table

        rows = [
            {
                name: _shown(value) if place else value
                for place, (name, value) in enumerate(row.items())
            }
            for row in self._rows
        ]
        return table(rows, columns=self._columns)

    def view(self) -> View:
        """Columns, rows with the kind of each cell, and what each question leaves."""
        return {
            "columns": self._columns,
            "rows": [
                [
                    {"word": _word(row.get(name)), "kind": (place and _kind(row.get(name))) or ""}
                    for place, name in enumerate(self._columns)
                ]
                for row in self._rows
            ],
            "filters": [{"name": name, "left": left} for name, left in self._left.items()],
        }

    def answer(self, asked: Mapping[str, Any]) -> View:
        """The same view: the browser filters."""
        return self.view()


def matrix(
    rows: Iterable[Row], questions: Mapping[str, Callable[[dict[str, Any]], Any] | Row]
) -> Matrix:
    """Show rows as a table that buttons filter; words of the course stand as chips.

        matrix(
            found,  # [{"way": "SSE-S3", "reader of the bucket": "readable", …}, …]
            {"The bucket's reader must not read it": {"reader of the bucket": "encrypted"},
             "No key of your own": lambda row: row["keys to keep"] == 0},
        )

    Args:
        rows: a mapping or a DataFrame's row per row; the first column names it. A cell that
            begins with readable, encrypted, partly, allowed, refused, yes or no is a chip.
        questions: the buttons: what is asked, and the value that a row must have in some
            columns (a text: how it begins), or a function of the row. Several pressed ones
            narrow together.

    Returns:
        The form; its ``table`` has all rows.

    Raises:
        ValueError: there are no rows, or a question names a column that is not there.
    """
    given = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
    kept = [dict(row) for row in given]
    if not kept:
        raise WrongArgument("A matrix needs at least one row.")
    known = {name for row in kept for name in row}
    left = {}
    for question, wanted in questions.items():
        if not callable(wanted) and not set(wanted) <= known:
            missing = ", ".join(sorted(set(wanted) - known))
            raise WrongArgument(f"{question!r} asks for a column that is not there: {missing}.")
        left[question] = [place for place, row in enumerate(kept) if _meets(row, wanted)]
    return Matrix(kept, left)


def _meets(row: dict[str, Any], wanted: Callable[[dict[str, Any]], Any] | Row) -> bool:
    if callable(wanted):
        return bool(wanted(row))
    return all(_word(row.get(name)).startswith(_word(value)) for name, value in wanted.items())


def _kind(value: Any) -> str | None:
    """The chip that a cell's first word asks for."""
    found = re.match(r"[a-z]+(?=$|[ ,:;])", _word(value))
    word = found[0] if found else ""
    kind = _MEANINGS.get(word, word)
    return kind if kind in CHIPS else None


def _shown(value: Any) -> Any:
    kind = _kind(value)
    return value if kind is None else Chip(kind, _word(value))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
