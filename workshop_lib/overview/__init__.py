"""How far the learner is: what there is to do in each lesson, and what of it is done.

`outline` knows what there is to do, from the questions and the checks of the course; `standing`
compares it with what was noted (`workshop_lib/progress`), and takes that of a lesson back;
`picture` draws it, and `sheet` is what `progress()` shows. `python -m workshop_lib.overview` prints
it.
"""

from __future__ import annotations

from workshop_lib.display.style import Card, card
from workshop_lib.overview.outline import lesson, lessons
from workshop_lib.overview.sheet import Sheet
from workshop_lib.overview.standing import standings
from workshop_lib.progress import learners_journal

__all__ = ["progress"]


def progress(which: str | int | None = None) -> Sheet | Card:
    """Show how far you are: in every lesson, or in one (`progress("05")`), and what comes next.

    For each lesson: the predictions made, and how many were right at first try; the exercises whose
    check has passed; the questions of the quiz that were answered, and how many at first try.
    Minutes are the time between one thing noted (a question shown, an answer, a check) and the
    next, wherever that is 10 minutes or less; a longer gap was a break and counts nothing. The
    time belongs to the lesson of what ended it.

    It reads what was noted beside your lessons, in `my-lessons/`, by whichever kernel. Where
    nothing is noted, in the course's own notebooks, a card says so.
    Raises LookupError, with the numbers that there are, if there is no such lesson.
    """
    shown = lessons() if which is None else [lesson(which)]
    journal = learners_journal()
    if journal.path is None:
        return card(
            "note",
            "Your progress",
            "Your answers are kept beside your copies of the lessons, in `my-lessons`. "
            "`python3 workshop.py lab` opens them, and there this cell shows how far you are.",
        )
    return Sheet(standings(shown, journal.events()), journal.complaint())
