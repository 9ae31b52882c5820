"""The table itself: a DataFrame in the house style. Imported on first use, as it needs pandas."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from workshop_lib.display.formatting import ABSENT, show_bytes
from workshop_lib.display.style import Marked, chip, page

_MAX_ROWS = 100
_LONG = 15  # characters: such a word, an ARN for instance, may be broken to let the table fit
# Where it is best broken: after a sign, and before each part of a name such as AccessDenied.
_SEAM = re.compile(r"(?<=[:/_=.])(?=\w)|(?<=[a-z])(?=[A-Z])")
_NUMBER = ' class="number"'
# Stands in the cell: a notebook that is not trusted loses the style sheet, and there JupyterLab
# aligns every table of an output to the right.
_LEFT = ' style="text-align:left"'
# Above row labels that have no name stands nothing, and that is no heading; with a heading's line.
_CORNER = '<td style="text-align:left;border-bottom-width:2px"></td>'
_CODE = frozenset({"sent", "stored", "read back"})
_MARKS = {"yes": "●", "no": "○"}
# A cell that begins with one of these, alone or before a comma, a colon or a bracket, is a chip;
# and one that begins with a mark.
_CHIPS = {
    "readable": "readable", "plaintext": "readable", "encrypted": "encrypted",
    "ciphertext": "encrypted", "partly": "partly", "allowed": "allowed", "refused": "refused",
}  # fmt: skip
_CHIP = re.compile(rf"(?:[✓✕] )?({'|'.join(_CHIPS)})(?=$|[,:]| \()")
_MARKED = {"✓ ": "allowed", "✕ ": "refused"}
_WIDE = 4  # columns: such a table's rows become blocks where the page is narrow


class _Grid(NamedTuple):
    """What a table shows, as words: the form that text and HTML are both made of."""

    header: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    rest: int


class Table(pd.DataFrame):
    """A DataFrame with a caption that shows itself in the course's house style.

    Everything a DataFrame does works on it; slices and filtered rows are Tables again.
    Text and HTML hold the same words. Nothing is told by colour alone: a cell that begins with
    readable, encrypted, partly, allowed or refused is a chip in the colour of that word, one that
    begins with ✓ or ✕ a green or a red one, and one that begins with yes or no has a mark beside
    it. An unnamed numeric index is not shown.
    """

    _metadata: ClassVar[list[str]] = ["caption", "code_columns"]

    def __init__(
        self,
        data: Any = None,
        *args: Any,
        caption: str = "",
        code: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(data, *args, **kwargs)
        self.caption = caption
        self.code_columns = frozenset(code)

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[Mapping[str, Any]],
        *,
        columns: Sequence[str] | None = None,
        caption: str = "",
        code: Iterable[str] = (),
    ) -> Table:
        """Make a Table of one mapping per row; see ``workshop_lib.display.tables.table``."""
        kept = [dict(row) for row in rows]
        names = list(dict.fromkeys(name for row in kept for name in row))
        return cls(kept, columns=columns or names, caption=caption, code=code)

    @property
    def _constructor(self) -> type[Table]:
        return Table

    def __repr__(self) -> str:
        """Text of any width: what stands in a committed output must not depend on a terminal."""
        grid = _grid(self)
        lines = [self.caption] if self.caption else []
        lines += _aligned(grid) if grid.header else []
        if not grid.rows:
            lines.append("(no rows)")
        if grid.rest:
            lines.append(f"… and {grid.rest:,} more rows")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """HTML that is the same in every run: no ids, and the colours are the course's."""
        return page(self.html)

    @property
    def html(self) -> str:
        """The table as HTML without the style sheet, to stand among others in one `page`."""
        grid = _grid(self)
        head = "".join(map(_html_head, grid.header, grid.numeric))
        body = [_html_row(grid, row, _CODE | self.code_columns) for row in grid.rows]
        caption = html.escape(self.caption)
        caption = f"<caption{_LEFT}>{caption}</caption>\n" if caption else ""
        note = "" if grid.rows else "(no rows)"
        note = f"… and {grid.rest:,} more rows" if grid.rest else note
        if note:
            body.append(f'<tr><td colspan="{max(1, len(grid.header))}"{_LEFT}>{note}</td></tr>')
        wide = " wide" if len(grid.header) >= _WIDE else ""
        return (
            f'<table class="course-table{wide}">\n{caption}'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody>\n</table>"
        )


def _grid(frame: pd.DataFrame) -> _Grid:
    shown = frame.iloc[:_MAX_ROWS]
    header = [_word(name) for name in frame.columns]
    rows = [[_word(cell) for cell in row] for row in shown.itertuples(index=False, name=None)]
    numeric = [_is_numeric(kind) for kind in frame.dtypes]
    if not _is_mere_count(frame.index):
        header.insert(0, _corner(frame))
        rows = [[_word(label), *row] for label, row in zip(shown.index, rows, strict=True)]
        numeric.insert(0, False)
    return _Grid(header, rows, numeric, len(frame) - len(shown))


def _corner(frame: pd.DataFrame) -> str:
    """What stands above the row labels: their own name, else that of the column labels."""
    rows, columns = (
        [name for name in axis.names if name is not None] for axis in (frame.index, frame.columns)
    )
    return _word(tuple(rows or columns))


def _is_numeric(kind: Any) -> bool:
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _is_mere_count(index: pd.Index) -> bool:
    """Say whether the index only numbers the rows (0, 1, 2 …, or what a filter left of it)."""
    return (
        index.nlevels == 1
        and index.name is None
        and (index.empty or pd.api.types.is_integer_dtype(index))
    )


def _word(cell: Any) -> str:
    """Write one cell down on one line."""
    if isinstance(cell, Marked):
        return cell
    if isinstance(cell, tuple):
        return " / ".join(map(_word, cell))
    if hasattr(cell, "__bytes__") or isinstance(cell, (bytes, bytearray, memoryview)):
        return show_bytes(bytes(cell))  # boto3's Binary among them, which has no text form
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return ""
    if pd.api.types.is_bool(cell):
        return "yes" if cell else "no"
    if pd.api.types.is_integer(cell):
        return f"{cell:,}"
    if pd.api.types.is_float(cell):
        return _amount(cell)
    return " ".join(str(cell).split("\n"))


def _amount(number: float) -> str:
    """Write up to ten digits, as people write them unless that takes a row of zeros."""
    short = f"{number:,.10g}"
    return f"{Decimal(short):f}" if 1e-10 < abs(number) < 1e-4 else short


def _aligned(grid: _Grid) -> list[str]:
    rows = [[w.text if isinstance(w, Marked) else w for w in row] for row in grid.rows]
    columns = list(zip(grid.header, *rows, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    rule = ["-" * width for width in widths]
    return [
        "  ".join(map(_pad, row, widths, grid.numeric)).rstrip()
        for row in [grid.header, rule, *rows]
    ]


def _pad(word: str, width: int, numeric: bool) -> str:
    blank = " " * (width - _width(word))
    return blank + word if numeric else word + blank


def _width(word: str) -> int:
    """Count the columns of a typewriter face: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in word
    )


def _html_head(name: str, numeric: bool) -> str:
    if not name:
        return _CORNER
    return f'<th scope="col"{_NUMBER if numeric else _LEFT}>{html.escape(name)}</th>'


def _html_row(grid: _Grid, row: list[str], code: frozenset[str]) -> str:
    first = _html_label(row[0]) if row else ""
    cells = zip(grid.header[1:], row[1:], grid.numeric[1:], strict=True)
    return f"<tr>{first}{''.join(_html_cell(*cell, code) for cell in cells)}</tr>"


def _html_label(word: str) -> str:
    if not isinstance(word, Marked):
        return f'<th scope="row"{_LEFT}>{_broken(word)}</th>'
    inner = " inner" if word.startswith("↳") else ""
    return f'<th scope="row" class="marked{inner}"{_LEFT}>{word.html}</th>'


def _html_cell(column: str, word: str, numeric: bool, code: frozenset[str]) -> str:
    # What the column is called, for where a row is a block of its own (`style.css`).
    label = f' data-label="{html.escape(column)}"'
    if numeric:
        return f"<td{_NUMBER}{label}>{html.escape(word)}</td>"
    if column in code:
        kind = "absent" if word == ABSENT else "code"
        return f'<td class="{kind}"{label}{_LEFT}>{html.escape(word)}</td>'
    if found := _CHIP.match(word):
        return f"<td{label}{_LEFT}>{chip(_CHIPS[found[1]], word).html}</td>"
    if marked := _MARKED.get(word[:2]):
        return f"<td{label}{_LEFT}>{chip(marked, word).html}</td>"
    if answer := re.match(r"(yes|no)(?=$|[,:])", word):
        rest = html.escape(word[answer.end() :])
        mark = f'<span aria-hidden="true">{_MARKS[answer[0]]}</span> {answer[0]}'
        return f"<td{label}{_LEFT}>{mark}{rest}</td>"
    long = ' class="long"' if max(map(len, word.split()), default=0) > _LONG else ""
    return f"<td{long}{label}{_LEFT}>{_broken(word)}</td>"


def _broken(word: str) -> str:
    """Text in which a long word, such as an ARN, may be broken at its seams."""
    long = max(map(len, word.split()), default=0) > _LONG
    return _SEAM.sub("<wbr>", html.escape(word)) if long else html.escape(word)
