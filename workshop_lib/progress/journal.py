"""The file of events: append-only, one write for each, and only what is new of it is read.

Several kernels may write at once, and each may be killed at any moment: a line that was left
unfinished, or is damaged, costs that line and no other.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from workshop_lib.progress.events import Event

FILE_NAME = ".progress.jsonl"
COPIES = "my-lessons"  # where workshop.py puts the learner's lessons; the site has that folder too
_IN_BROWSER = sys.platform == "emscripten"
_REMEMBERED = 400  # bytes: as long as a line

_log = logging.getLogger(__name__)


class Journal:
    """Events, in the file of that path; only in this process where there is no path.

    Nothing here raises an OSError: an event that cannot be written is kept in this process, until
    one can be written again, and `complaint` says so.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._unwritten: list[Event] = []
        self._followers: list[Callable[[Event], None]] = []
        self._trouble = ""
        self._told = False
        self._lesson = ""
        self._lock = threading.RLock()
        self._end = 0  # how much of the file was read
        self._last = b""  # the end of that, by which the file is known again
        self._ids: set[str] = set()
        self._events: dict[str, Event] = {}
        self._about: dict[str, list[Event]] = {}

    def append(self, *events: Event) -> None:
        """Keep more events, in one write, and hand them to the followers."""
        if not events:
            return
        with self._lock:
            self._lesson = events[-1].lesson
            pending = [*self._unwritten, *events]
            if self._written(b"".join(event.line() for event in pending)):
                self._unwritten.clear()
            else:
                self._unwritten = pending
                self._catch_up()  # what is in the file came first
                for event in events:
                    self._take(event)
            followers = list(self._followers)
        for event in events:
            for follower in followers:
                _tell(follower, event)

    def see(self, lesson: str, item: str, question: str = "") -> None:
        """Note that something was shown, unless it was before; its parts are those of `Event`."""
        self._lesson = lesson
        if not self.of(question or item):
            self.append(Event(lesson, item, "seen", 0, question, ""))

    def see_form(self, name: str) -> None:
        """Note that a form was shown: it belongs to the lesson that this process was last at."""
        if self._lesson:
            self.see(self._lesson, f"{name} {self._lesson}")

    def keep(self, form: str, about: str, state: str) -> None:
        """Note what was done in a form, so that it is found again; `about` is the form's mark."""
        before = self.of(about)
        lesson = self._lesson or (before[-1].lesson if before else "")
        self.append(Event(lesson, f"{form} {lesson}", "kept", 0, about, "", state=state))

    def follow(self, follower: Callable[[Event], None]) -> Callable[[], None]:
        """Call `follower` with each event appended here from now on; the result ends that.

        It is called in the thread that appends, after the event was kept. What it raises is
        logged, and stops neither the cell nor the other followers.
        """
        self._followers.append(follower)

        def stop() -> None:
            if follower in self._followers:
                self._followers.remove(follower)

        return stop

    def events(self) -> list[Event]:
        """All events in the order in which they were written, each once, without what was reset."""
        with self._lock:
            self._catch_up()
            return list(self._events.values())

    def of(self, about: str) -> list[Event]:
        """The events of one question, exercise or form (see `Event.about`), in order."""
        with self._lock:
            self._catch_up()
            return list(self._about.get(about, ()))

    def complaint(self) -> str:
        """What the learner has to know about the file, said once; else empty."""
        if self._told or not self._trouble:
            return ""
        self._told = True
        return (
            f"Your answers cannot be saved in {self.path} ({self._trouble}): they are kept until "
            "this kernel ends. Make the file and its folder writable to keep them for longer: the "
            "next answer saves them all."
        )

    def _written(self, lines: bytes) -> bool:
        if self.path is None:
            return False
        try:
            _append_lines(self.path, lines)
        except OSError as error:
            self._trouble = error.strerror or str(error)
            return False
        return True

    def _catch_up(self) -> None:
        """Read what was written since the last time, by whomever."""
        content = self._rest()
        if not content.startswith(self._last):  # another file, or one that was edited
            self._forget()
            content = self._rest()
        new = content[len(self._last) :]
        for line in new.split(b"\n"):  # the last one may still be in the making
            if line and (event := Event.from_line(line)):
                self._take(event)
        finished = content[: content.rfind(b"\n") + 1]
        if len(finished) > len(self._last):
            self._end += len(finished) - len(self._last)
            self._last = finished[-_REMEMBERED:]

    def _rest(self) -> bytes:
        """The file from what is remembered of it on."""
        if self.path is None:
            return b""
        try:
            with self.path.open("rb") as file:
                file.seek(self._end - len(self._last))
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            self._trouble = error.strerror or str(error)
            return self._last

    def _take(self, event: Event) -> None:
        if event.id in self._ids:
            return
        self._ids.add(event.id)
        if event.outcome == "reset":
            for earlier in self._about.pop(event.about, ()):
                del self._events[earlier.id]
        else:
            self._events[event.id] = event
            self._about.setdefault(event.about, []).append(event)

    def _forget(self) -> None:
        """Know only what could not be written."""
        self._end, self._last = 0, b""
        for known in (self._ids, self._events, self._about):
            known.clear()
        for event in self._unwritten:
            self._take(event)


def _tell(follower: Callable[[Event], None], event: Event) -> None:
    try:
        follower(event)
    except Exception:
        _log.exception("An event could not be handed on.")


def _append_lines(path: Path, lines: bytes) -> None:
    """Write lines at the end, in one write; OSError if not all of it could be written.

    A killed kernel may have left half a line: that one is ended first, or it would take this one
    with it. (If it was not killed, but is just writing, the file gets an empty line more.)
    """
    with path.open("a+b", buffering=0) as file:
        if file.tell() and file.seek(-1, 2) >= 0 and file.read(1) != b"\n":
            lines = b"\n" + lines
        if file.write(lines) != len(lines):
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
    # A browser's kernel goes to the notebook's folder when it has its shell already.
    return Path(shell.starting_dir) if shell and not _IN_BROWSER else Path.cwd()
