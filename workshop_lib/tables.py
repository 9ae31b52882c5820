"""One house style for every table of the course, and one way to write a value down.

Importing this module does not import pandas: :func:`table` does, when it is first called.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workshop_lib._frame import Table as Table

__all__ = [
    "ABSENT",
    "RANDOM_BYTES",
    "Table",
    "adopt_frames",
    "as_text",
    "show_bytes",
    "show_text",
    "table",
]

RANDOM_BYTES = r"(\b\d[\d,]* bytes?: )[0-9a-f]{2}(?: [0-9a-f]{2}){0,7}"
"""Regular expression for what may differ from run to run in :func:`show_bytes`: the hex digits.

Replace by ``\\1??``: the length stays, so that a table whose value changed in size still differs.
Text is quoted in the same format and therefore never matches.
"""

ABSENT = "absent"
"""What a cell says when there is nothing to show; a text of that name would stand in quotes."""

_FIRST_BYTES = 8
_FIRST_CHARACTERS = 48
_LINE_BREAKS = "\n\r\t"
_HOMES_OF_FRAMES = ("pandas", "pandas.core.frame")  # as versions 3 and 2 name the class's module


def __getattr__(name: str) -> Any:
    """Give ``tables.Table`` on first use, so that only those who need it wait for pandas."""
    if name == "Table":
        from workshop_lib._frame import Table

        return Table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def table(
    rows: Iterable[Mapping[str, Any]],
    *,
    columns: Sequence[str] | None = None,
    caption: str = "",
    code: Iterable[str] = (),
) -> Table:
    """Make a table in the house style.

    Args:
        rows: one mapping per row, column name to value. Values may be text, numbers, bool
            (shown as yes or no), bytes (shown by :func:`show_bytes`) or None (shown empty).
        columns: names and order of the columns; by default those of the rows, in order of
            appearance. An empty table still shows the columns named here.
        caption: one line above the table.
        code: names of columns to set in a typewriter face, besides sent, stored and read back.

    Returns:
        A pandas DataFrame that shows itself as text that does not depend on the terminal, and
        as HTML that is the same from run to run and readable in a light and a dark theme.
    """
    from workshop_lib._frame import Table

    return Table.from_rows(rows, columns=columns, caption=caption, code=code)


def adopt_frames() -> None:
    """Show every DataFrame of this kernel in the house style, the learner's own too.

    pandas' own HTML aligns text to the right, and its text is as wide as the terminal. Only what
    is shown changes, not the frame. Outside IPython nothing happens; pandas is not imported.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    for home in _HOMES_OF_FRAMES:
        formatters["text/html"].for_type_by_name(home, "DataFrame", _frame_as_html)
        formatters["text/plain"].for_type_by_name(home, "DataFrame", _frame_as_text)


def _frame_as_html(frame: Any) -> str:
    return _adopted(frame)._repr_html_()


def _frame_as_text(frame: Any, printer: Any, cycle: bool) -> None:
    printer.text(repr(_adopted(frame)))


def _adopted(frame: Any) -> Table:
    from workshop_lib._frame import Table

    return frame if isinstance(frame, Table) else Table(frame)


def as_text(value: bytes) -> str | None:
    """Return the text that these bytes are (UTF-8, nothing unprintable), or None.

    Empty bytes are not text. 32 random bytes pass for text about once in 10**10 times.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text and all(map(_is_readable, set(text))) else None


def show_bytes(value: bytes) -> str:
    """Write bytes down as length and first bytes: ``48 bytes: 3f a2 09 1c 5e 77 80 d1 …``.

    Bytes that are readable text are shown as such, because a reader could read them:
    ``25 bytes: "card 4111 1111 1111 1111"``. Whatever is left out is marked by an ellipsis.
    """
    length = f"{len(value):,} byte{'' if len(value) == 1 else 's'}"
    if not value:
        return length
    text = as_text(value)
    if text is not None:
        return f"{length}: {_quote(text)}"
    dots = " …" if len(value) > _FIRST_BYTES else ""
    return f"{length}: {value[:_FIRST_BYTES].hex(' ')}{dots}"


def show_text(value: str) -> str:
    """Write text down in double quotes, as JSON does; of a long text the beginning and length."""
    length = f" ({len(value):,} characters)" if len(value) > _FIRST_CHARACTERS else ""
    return _quote(value) + length


def _quote(text: str) -> str:
    cut = "…" if len(text) > _FIRST_CHARACTERS else ""
    quoted = json.dumps(text[:_FIRST_CHARACTERS] + cut, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escape(c) for c in quoted)


def _escape(character: str) -> str:
    """Name what is invisible or turns the direction of writing, so that nothing hides in a cell."""
    point = ord(character)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _is_readable(character: str) -> bool:
    return character in _LINE_BREAKS or unicodedata.category(character) not in (
        "Cc",
        "Cn",
        "Co",
        "Cs",
    )
