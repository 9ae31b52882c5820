"""What each form is: a static page that needs no kernel, and a live one that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from workshop_lib.display.live import one_of_two, show_both
from workshop_lib.display.style import page
from workshop_lib.progress import learners_journal

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

View = dict[str, Any]
"""What a script draws: words, numbers and containers of them, as JSON has them."""


class Form:
    """A form. It shows itself in a notebook; its text is the same in every run.

    script: the name of the script that draws it, `<script>.js`.
    """

    script: ClassVar[str]

    @property
    def table(self) -> Table:
        """Return what was computed, as a DataFrame in the house style."""
        raise NotImplementedError

    def view(self) -> View:
        """What the script draws at first."""
        raise NotImplementedError

    def answer(self, asked: Mapping[str, Any]) -> View:
        """What it draws after the learner did something. What was asked comes from a browser."""
        raise NotImplementedError

    def static_text(self) -> str:
        """The form as text."""
        return repr(self.table)

    def static_html(self) -> str:
        """The form as HTML, for inside a `page`."""
        return self.table._repr_html_()

    def __repr__(self) -> str:
        return self.static_text()

    def _repr_html_(self) -> str:
        content = page(self.static_html())
        style = one_of_two("course-static", "course-live")
        return f'{style}\n<div class="course-static">{content}</div>'

    def _ipython_display_(self) -> None:
        from workshop_lib.interactive.live import live_form

        learners_journal().see_form(self.script)
        widget = live_form(self.script, self.view(), self.answer)
        show_both(repr(self), self._repr_html_(), widget)


def folded(summary: str, content: str) -> str:
    """HTML that is closed until it is clicked."""
    return f"<details><summary>{summary}</summary>\n{content}\n</details>"
