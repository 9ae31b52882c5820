"""The class that a learner joined, remembered beside their lessons for the next kernel.

Two files, which nobody else on the machine may read: who one is there, and which events of the
journal need not be sent (any more). The journal itself is the queue: what stands in it and not
among these waits, whichever kernel wrote it, and survives every kernel.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FILE, TAKEN = ".class.json", ".class-taken"
_LASTS = 12 * 3600  # seconds after the last word with the class; a new session is a new act
_TOUCH = 300  # seconds between two notes that the class was there


@dataclass(frozen=True)
class Membership:
    """Who the learner is in which class. left: whether they have left it since."""

    address: str
    learner: str
    key: str
    name: str
    title: str
    left: bool = False


class Memory:
    """What is remembered in a folder; in this process only where there is none, or it is closed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._own: Membership | None = None  # where the file cannot be written
        self._taken: set[str] = set()
        self._read = 0
        self._touched = 0.0

    def known(self) -> Membership | None:
        """The last class joined, whether left or not; None if there is none."""
        if self._folder is None:
            return self._own
        try:
            found = json.loads((self._folder / FILE).read_text("utf-8"))
            membership = Membership(**found)
        except FileNotFoundError:
            return self._own
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        texts = [value for name, value in asdict(membership).items() if name != "left"]
        return membership if all(isinstance(each, str) for each in texts) else None

    def current(self) -> Membership | None:
        """The class that the learner is in now: joined, not left, and not long ago."""
        known = self.known()
        return known if known and not known.left and not self._is_old() else None

    def keep(self, membership: Membership) -> None:
        """Remember it, in place of the one before."""
        written = self._write(FILE, json.dumps(asdict(membership)))
        self._own = None if written else membership
        self._touched = time.time()

    def leave(self) -> None:
        """Remember that the class was left, by this kernel and every other."""
        known = self.known()
        if known:
            self.keep(replace(known, left=True))

    def forget(self) -> None:
        """Remember nothing of the class."""
        self._own = None
        if self._folder is not None:
            for name in (FILE, TAKEN):
                with suppress(OSError):
                    (self._folder / name).unlink(missing_ok=True)
        self._taken.clear()
        self._read = 0

    def touch(self) -> None:
        """Note that the class was there just now."""
        if time.time() - self._touched > _TOUCH:
            self._touched = time.time()
            with suppress(OSError):  # another kernel may have forgotten it
                os.utime((self._folder or Path()) / FILE)

    # --- Events that need not be sent ----------------------------------------------------------

    def taken(self) -> set[str]:
        """The ids of events that the class has, or that it is not to have."""
        if self._folder is not None:
            with suppress(OSError), (self._folder / TAKEN).open("rb") as file:
                file.seek(self._read)
                new = file.read()
                lines = new[: new.rfind(b"\n") + 1]
                self._read += len(lines)
                self._taken.update(lines.decode("ascii", "replace").split())
        return self._taken

    def take(self, ids: Iterable[str]) -> None:
        """Note more of them, in one write."""
        ids = list(ids)
        self._taken.update(ids)
        if self._folder is not None and ids:
            with suppress(OSError):
                path = self._folder / TAKEN
                path.touch(mode=0o600)
                with path.open("ab", buffering=0) as file:
                    file.write("".join(f"{each}\n" for each in ids).encode())

    def _write(self, name: str, text: str) -> bool:
        """Write the whole file or nothing, for this user alone; whether it could be."""
        if self._folder is None:
            return False
        unfinished = self._folder / f"{name}.{os.getpid()}.tmp"
        try:
            unfinished.touch(mode=0o600)
            unfinished.write_text(text, "utf-8")
            unfinished.replace(self._folder / name)
        except OSError:
            return False
        return True

    def _is_old(self) -> bool:
        if self._folder is None:
            return False
        try:
            return time.time() - (self._folder / FILE).stat().st_mtime > _LASTS
        except OSError:
            return False
