"""What a learner sees of the class: a card in the output of a cell, which follows what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from workshop_lib.classes.link import AWAY, ENDED
from workshop_lib.classes.membership import Membership
from workshop_lib.display.style import Card, card

SENT = (
    "Sent from now on: which predictions, exercises and quiz questions you see, what you choose, "
    "and which condition of a check is missing, with the time of each. Never your code or data."
)
_ENDS = "`hand()` puts your hand up, `leave()` ends it."


def on_membership(membership: Membership, state: str) -> Card:
    """Where the learner is, and whether the class hears them."""
    title = f"You are in the class “{membership.title}” as {membership.name}"
    if state == ENDED:
        return card(
            "note", f"You are no longer in the class “{membership.title}”", "Nothing is sent."
        )
    if state == AWAY:
        return card("note", title, "It is out of reach: what you answer is kept, and sent later.")
    return card("note", title, SENT, _ENDS)


def on_hub() -> Card:
    """A class that the learner's hub has, before it has answered."""
    return card("note", "Your JupyterHub has a class, and you join it now", SENT, _ENDS)


def on_page() -> Card:
    """That a class's server gave this page, in a browser."""
    return card(
        "note",
        "This page comes from a class, and you can join it",
        'Take the code on the board: `from workshop_lib import join`, then `join(code="…")`.',
        "Until you join, nothing that you answer is sent.",
    )


def on_leaving(membership: Membership, forgotten: bool) -> Card:
    """That nothing is sent any more."""
    rest = (
        "It deleted what it knew of you." if forgotten else "What it was told before stays there."
    )
    title = f"You have left the class “{membership.title}”"
    return card("note", title, f"Nothing more is sent. {rest}")


def on_hand(up: bool) -> Card:
    """Where the learner's hand is."""
    return card(
        "note", "Your hand is up: `hand(False)` takes it down" if up else "Your hand is down"
    )


class Shown:
    """The output of the cell that runs now: a card there, which a thread may have shown anew.

    What changes outputs and widgets runs in the kernel's own loop, between two cells.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def later(self, work: Callable[[], None]) -> None:
        """Do something in the kernel's loop, soon; here and now where there is none."""
        if self._loop is None:
            work()
        else:
            with suppress(RuntimeError):  # the kernel ends
                self._loop.call_soon_threadsafe(work)

    def show(self, shown: Card) -> None:
        """Show a card, in place of the one before."""
        from IPython.core.getipython import get_ipython

        if get_ipython() is None:
            print(repr(shown))
        elif self._handle is None:
            from IPython.display import display

            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)
