"""The file of events: append-only, one write for each, read anew whenever somebody asks.

Several kernels may write at once, and each may be killed at any moment: a line that was left
unfinished, or is damaged, costs that line and no other.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from workshop_lib.progress.events import Event

FILE_NAME = ".progress.jsonl"
COPIES = "my-lessons"  # where workshop.py puts the learner's lessons


class Journal:
    """Events, in the file of that path; only in this process where there is no path.

    Nothing here raises an OSError: an event that cannot be written is kept in this process, and
    `complaint` says so.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._unwritten: list[Event] = []
        self._trouble = ""
        self._told = False

    def append(self, event: Event) -> None:
        """Keep one more event."""
        if self._path is None:
            self._unwritten.append(event)
            return
        try:
            _append_line(self._path, event.line())
        except OSError as error:
            self._trouble = error.strerror or str(error)
            self._unwritten.append(event)

    def events(self) -> list[Event]:
        """All events in the order in which they were written, each once."""
        found = [Event.from_line(line) for line in self._lines()]
        known = [event for event in found if event is not None] + self._unwritten
        once: dict[str, Event] = {}
        for event in known:
            once.setdefault(event.id, event)
        return list(once.values())

    def of(self, question: str) -> list[Event]:
        """The events of one question, in order."""
        return [event for event in self.events() if event.question == question]

    def complaint(self) -> str:
        """What the learner has to know about the file, said once; else empty."""
        if self._told or not self._trouble:
            return ""
        self._told = True
        return (
            f"Your answers cannot be saved in {self._path} ({self._trouble}): they are kept until "
            "this kernel ends. Make the file and its folder writable to keep them for longer."
        )

    def _lines(self) -> list[bytes]:
        if self._path is None:
            return []
        try:
            return self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            self._trouble = error.strerror or str(error)
            return []


def _append_line(path: Path, line: bytes) -> None:
    """Write a line at the end, in one write; OSError if not all of it could be written.

    A killed kernel may have left half a line: that one is ended first, or it would take this one
    with it. (If it was not killed, but is just writing, the file gets an empty line more.)
    """
    with path.open("a+b", buffering=0) as file:
        if file.tell() and file.seek(-1, 2) >= 0 and file.read(1) != b"\n":
            line = b"\n" + line
        if file.write(line) != len(line):
            raise OSError("the disk is full")


@cache
def learners_journal() -> Journal:
    """The journal beside the learner's lessons.

    It has a file where this kernel runs a lesson in `my-lessons/`, the learner's copies. Anywhere
    else (the course's own notebooks, a test) it has none, and nothing is left behind.
    """
    folder = _folder()
    return Journal(folder / FILE_NAME if folder.name == COPIES else None)


def _folder() -> Path:
    """The folder of the running notebook, even if a cell has changed the directory since."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return Path(shell.starting_dir) if shell else Path.cwd()
