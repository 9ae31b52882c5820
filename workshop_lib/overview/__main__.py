"""How far the learner is, printed: `python -m workshop_lib.overview FILE`, FILE their journal.

With `--reset 05` it prints nothing, and takes back what was noted of that lesson.
`workshop.py progress` calls this.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workshop_lib.overview.outline import NoSuchLesson, lesson, lessons
from workshop_lib.overview.sheet import Sheet
from workshop_lib.overview.standing import resets, standings
from workshop_lib.progress import Journal


def main(arguments: list[str] | None = None) -> int:
    """Do it; the exit code, 1 after a sentence that says what to mend."""
    parser = argparse.ArgumentParser(prog="workshop_lib.overview", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--reset", metavar="LESSON")
    options = parser.parse_args(arguments)
    journal = Journal(options.file)
    events = journal.events()
    if options.reset is None:
        print(Sheet(standings(lessons(), events)))
        return 0
    try:
        journal.append(*resets(lesson(options.reset), events))
    except NoSuchLesson as error:
        print(error, file=sys.stderr)
        return 1
    if journal.complaint():
        mend = "make it and its folder writable, then call this again"
        print(f"{options.file} cannot be written: {mend}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
