"""Who waits for something new: boards, each with what it was not told yet, and learners."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Board:
    """A board that listens: the learners, polls and other keys of the state that it has to hear of.

    everything: the whole state, in place of what it knows.
    """

    learners: set[str] = field(default_factory=set)
    polls: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    everything: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self) -> None:
        """It was told everything."""
        for each in (self.learners, self.polls, self.keys):
            each.clear()
        self.everything = False
        self.changed.clear()


class Changes:
    """Wakes those who wait."""

    def __init__(self) -> None:
        self.boards: list[Board] = []
        self._news = asyncio.Event()

    @contextmanager
    def board(self) -> Iterator[Board]:
        """A board that listens, as long as the block runs."""
        board = Board()
        self.boards.append(board)
        try:
            yield board
        finally:
            self.boards.remove(board)

    def note(
        self,
        *,
        learners: Iterable[str] = (),
        polls: Iterable[str] = (),
        keys: Iterable[str] = (),
        everything: bool = False,
    ) -> None:
        """Something of the state is another one now."""
        learners, polls, keys = set(learners), set(polls), set(keys)
        for board in self.boards:
            board.learners |= learners
            board.polls |= polls
            board.keys |= keys
            board.everything |= everything
            board.changed.set()

    def tell_learners(self) -> None:
        """There is news for every learner."""
        self._news.set()
        self._news = asyncio.Event()

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until there is news, or for so long."""
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return

    def wake_all(self) -> None:
        """The server ends: nobody waits any longer."""
        for board in self.boards:
            board.changed.set()
        self.tell_learners()
