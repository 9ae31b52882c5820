"""One house style for every table of the course.

Importing this module does not import pandas: :func:`table` does, when it is first called.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workshop_lib.display.formatting import show_bytes

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table as Table

_HOMES_OF_FRAMES = ("pandas", "pandas.core.frame")  # as versions 3 and 2 name the class's module


def __getattr__(name: str) -> Any:
    """Give ``tables.Table`` on first use, so that only those who need it wait for pandas."""
    if name == "Table":
        from workshop_lib.display.frame import Table

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
    from workshop_lib.display.frame import Table

    return Table.from_rows(rows, columns=columns, caption=caption, code=code)


def adopt_frames() -> None:
    """Show every DataFrame and dict of this kernel in the house style, the learner's own too.

    pandas' own HTML aligns text to the right, and its text is as wide as the terminal. A dict,
    such as an answer of AWS, is a small table with a row for each value, and its text is Python's
    own. Only what is shown changes. Outside IPython nothing happens; pandas is not imported.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    for home in _HOMES_OF_FRAMES:
        formatters["text/html"].for_type_by_name(home, "DataFrame", _frame_as_html)
        formatters["text/plain"].for_type_by_name(home, "DataFrame", _frame_as_text)
    formatters["text/html"].for_type(dict, mapping_as_html)


def mapping_as_html(values: Mapping[Any, Any]) -> str | None:
    """A mapping as a table of two columns, what lies deeper named by its path; None if empty."""
    if not values:
        return None
    rows = [{"name": name, "value": value} for name, value in _leaves(values, "")]
    return table(rows, columns=["name", "value"])._repr_html_()


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each value with its path: ``Rules[0].BucketKeyEnabled``; a list of plain values is one."""
    if isinstance(node, Mapping) and node:
        for name, inner in node.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(node, list | tuple) and any(
        isinstance(i, Mapping | list | tuple) for i in node
    ):
        for position, inner in enumerate(node):
            yield from _leaves(inner, f"{path}[{position}]")
    elif isinstance(node, list | tuple | set | frozenset):
        # As text in a fixed order: a set has none.
        words = [
            show_bytes(bytes(each)) if hasattr(each, "__bytes__") else str(each) for each in node
        ]
        yield path, ", ".join(sorted(words) if isinstance(node, set | frozenset) else words)
    else:
        yield path, str(node) if isinstance(node, Mapping) else node


def _frame_as_html(frame: Any) -> str:
    return _adopted(frame)._repr_html_()


def _frame_as_text(frame: Any, printer: Any, cycle: bool) -> None:
    printer.text(repr(_adopted(frame)))


def _adopted(frame: Any) -> Table:
    from workshop_lib.display.frame import Table

    return frame if isinstance(frame, Table) else Table(frame)
