"""`timeline(...)`: the same questions asked again and again while the lab's clock moves on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from workshop_lib.display.style import Chip, marked_up
from workshop_lib.errors import WrongArgument
from workshop_lib.interactive.forms import Form, View
from workshop_lib.lenses.refusals import describe

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table


class Timeline(Form):
    """Answers by moment. They were asked for once: the clock does not go back."""

    script = "timeline"

    def __init__(self, title: str, answers: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
        self._title = title
        self._answers = {moment: dict(row) for moment, row in answers.items()}

    @property
    def table(self) -> Table:
        """Return the answers: a row per moment, a column per question."""
        from workshop_lib.display.tables import table

        rows = [
            {"when": moment, **{name: Chip(kind, word) for name, (kind, word) in row.items()}}
            for moment, row in self._answers.items()
        ]
        return table(rows, caption=self._title)

    def static_html(self) -> str:
        """The table."""
        return self.table._repr_html_()

    def view(self) -> View:
        """Moments, questions and answers."""
        questions = list(next(iter(self._answers.values())))
        return {
            "title": self._title,
            "html": marked_up(self._title),
            "moments": list(self._answers),
            "lines": [
                {
                    "name": name,
                    "cells": [
                        dict(zip(("kind", "word"), row[name], strict=True))
                        for row in self._answers.values()
                    ],
                }
                for name in questions
            ],
        }

    def answer(self, asked: Mapping[str, Any]) -> View:
        """The same view: the slider has all it needs."""
        return self.view()


def timeline(
    ask: Mapping[str, Callable[[], Any]],
    *,
    later: Callable[..., Any],
    at: Mapping[str, Mapping[str, float]],
    title: str,
) -> Timeline:
    """Ask the same questions at several moments; a slider then goes from one to the next.

        timeline(
            {"GetItem": lambda: table.get_item(Key=key), "TableStatus": status},
            later=lab.later,
            at={"at once": {}, "5 min": {"minutes": 5}, "1 h": {"hours": 1}, "7 days": {"days": 7}},
            title="The table's KMS key is disabled",
        )

    The lab's clock stands at the last moment afterwards.

    Args:
        ask: names, and what asks. Text that is returned is shown; any other answer counts as
            allowed, and an error of AWS's as refused.
        later: moves the clock on, as `lab.later` does.
        at: the moments from now on: a name, and how much later that is, in the words of
            `lab.later`. In order.
        title: what has happened before.

    Returns:
        The form; its ``table`` has a row for each moment.

    Raises:
        ValueError: there is nothing to ask, or a moment lies before the one in front of it.
    """
    if not ask or not at:
        raise WrongArgument("A timeline needs something to ask, and a moment to ask it at.")
    answers: dict[str, dict[str, tuple[str, str]]] = {}
    passed = timedelta()
    for moment, since in at.items():
        due = timedelta(**since)
        if due < passed:
            raise WrongArgument(f"{moment!r} lies before the moment in front of it: sort them.")
        if due > passed:
            later(minutes=(due - passed) / timedelta(minutes=1))
        passed = due
        answers[moment] = {name: _answered(asks) for name, asks in ask.items()}
    return Timeline(title, answers)


def _answered(ask: Callable[[], Any]) -> tuple[str, str]:
    """The kind of chip and its words."""
    try:
        answer = ask()
    except ClientError as error:
        return "refused", f"✕ refused: {describe(error).code}"
    return ("neutral", answer) if isinstance(answer, str) else ("allowed", "✓ allowed")
