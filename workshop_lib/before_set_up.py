"""What a cell says where the page's first one has not run: a kernel that starts knows no name.

`workshop.py` has the kernels of its environment call `explain` for a NameError; nothing is loaded
before there is one. With the lab, `workshop_lib.lenses.uncaught` takes over.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import workshop_lib
from workshop_lib.display.style import card
from workshop_lib.lenses.uncaught import no_such_name, show_instead


def explain(
    shell: Any,
    kind: type[BaseException],
    error: NameError,
    traceback: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    """Show a card for a NameError; for what the first cell makes it says to run that one.

    https://ipython.readthedocs.io/en/stable/api/generated/IPython.core.interactiveshell.html
    """
    made = no_such_name(str(error.name))
    if error.name in {*workshop_lib.__all__, "lab"}:
        made = card(
            "note",
            f"`{error.name}` is not known yet",
            "Run the first code cell of the page (Set up) first, then this one again. A kernel "
            "that was restarted has forgotten it.",
        )
    show_instead(made, shell, error, traceback, tb_offset)
