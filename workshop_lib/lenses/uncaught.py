"""What a cell shows when an error ends it: one sentence, and the traceback folded below.

The error stays an error: the cell counts as failed, and Run All stops there.
https://ipython.readthedocs.io/en/stable/api/generated/IPython.core.interactiveshell.html
"""

from __future__ import annotations

import re
import sys
from types import TracebackType
from typing import Any

from workshop_lib.display.style import Card, card, show
from workshop_lib.lenses.refusals import describe, is_refusal, keep_from_stderr, refusal_card

_CLEANED_UP = (
    "If lab.cleanup() has run, it has scheduled each key for deletion and deleted all else: run "
    "the cells above again, from the first on."
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def adopt_errors() -> None:
    """Show AWS's refusals, and names that are not there, as cards in this kernel's cells.

    Only where no other handler stands. Outside IPython nothing happens. What the encryption
    libraries log of a refusal is written nowhere, unless the learner sets logging up: the card
    has it.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    # A kernel that workshop.py started has one for names (workshop_lib/before_set_up.py).
    if shell is not None and shell.custom_exceptions in ((), (NameError,)):
        shell.set_custom_exc((Exception,), _show)
        keep_from_stderr()


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    made = None if hasattr(error, "_render_traceback_") else _card(error)
    if made is None:
        shell.showtraceback(
            (kind, error, traceback), tb_offset=tb_offset, running_compiled_code=True
        )
        return
    show_instead(made, shell, error, traceback, tb_offset)


def show_instead(
    made: Card,
    shell: Any,
    error: BaseException,
    traceback: TracebackType | None,
    tb_offset: int | None,
) -> None:
    """Show a card with the traceback folded below, in place of the traceback."""
    kind = type(error)
    frames = shell.InteractiveTB.structured_traceback(kind, error, traceback, tb_offset=tb_offset)
    text = _COLOUR.sub("", "\n".join(frames))
    show(
        Card(
            made.kind,
            made.title,
            made.text,
            made.where,
            made.points,
            (*made.folded, ("Traceback", text)),
        )
    )
    shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])


def _card(error: BaseException) -> Card | None:
    """The card of an error that a learner meets every day; None for all others."""
    if isinstance(error, NameError) and error.name:
        return no_such_name(error.name)
    if isinstance(error, Exception) and is_refusal(error):
        told = describe(error)
        return refusal_card(
            told, points=[_CLEANED_UP] if "pending deletion" in told.message else []
        )
    return None


def no_such_name(name: str) -> Card:
    """The card of a name that is not there."""
    return card(
        "note",
        f"There is no `{name}` here yet",
        "If a cell above makes it, run the cells above: Run ▸ Run All Above Selected Cell. A "
        "kernel that was restarted has forgotten them all. Otherwise mend the name.",
    )
