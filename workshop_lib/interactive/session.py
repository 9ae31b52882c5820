"""What a learner did in a form, kept in their journal: its cell, or the kernel, may run again."""

from __future__ import annotations

from workshop_lib.progress import learners_journal, mark


class Kept:
    """What was done in one form, as short texts which that form writes and reads.

    form: the name of its script. shown: the words that it shows; a form that shows the same is
    the same.
    """

    def __init__(self, form: str, *shown: str) -> None:
        self._form, self._mark = form, mark(form, "\n".join(shown))
        self._journal = learners_journal()

    def states(self) -> list[str]:
        """What was noted of it so far, in order. It comes from a file, and may be odd."""
        return [event.state for event in self._journal.of(self._mark) if event.outcome == "kept"]

    def note(self, state: str) -> None:
        """Keep one thing more that was done in it."""
        self._journal.keep(self._form, self._mark, state)
