"""Keeps this kernel in touch with the class: one thread sends, another one waits for news.

What a kernel in a browser does without threads (`in_browser.py`) shares `Contact`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from workshop_lib.classes.courier import Courier
from workshop_lib.classes.membership import Membership, Memory
from workshop_lib.classes.transport import Transport
from workshop_lib.progress import Journal

LOOK = 20  # seconds after which the journal is read in any case: another kernel may have died
_WAIT = 25  # seconds that a request for news may wait at the class
_AWAY = 5  # seconds without an answer after which the learner is told

HERE, AWAY, ENDED = "here", "away", "ended"


class Contact:
    """One membership's contact with the class, until it is left; what carries it out is `_start`.

    hear: called with each piece of news. tell: called with HERE, AWAY or ENDED when that changes.
    Both are called in a thread of the contact's, if it has any.
    """

    def __init__(
        self,
        membership: Membership,
        memory: Memory,
        journal: Journal,
        connect: Callable[[str], Transport],
        hear: Callable[[dict[str, Any]], None],
        tell: Callable[[str], None],
    ) -> None:
        self.membership = membership
        self._courier = Courier(membership, memory, journal)
        self._sending, self._waiting = (connect(membership.address) for _ in range(2))
        self._hear, self._tell = hear, tell
        self._over = threading.Event()
        self._state, self._silent_since = HERE, 0.0
        self._after, self._failures = 0, 0  # of asking for news
        self._lock = threading.Lock()
        self._unfollow = journal.follow(lambda _: self._wake())
        self._start()

    def _start(self) -> None:
        """Begin to send and to ask for news."""
        raise NotImplementedError

    def _wake(self) -> None:
        """Send soon: there is something new."""
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self._over.is_set()

    def raise_hand(self, up: bool) -> None:
        """Have the hand put up or down; the class is told soon."""
        self._courier.hand = up
        self._wake()

    def stop(self) -> None:
        """Send nothing more."""
        self._unfollow()
        self._over.set()
        self._wake()
        for transport in (self._sending, self._waiting):
            transport.close()

    def _news(self, wait: int) -> str:
        """What to ask for news by, which may wait so many seconds at the class."""
        return f"/api/learner/news?after={self._after}&wait={wait}"

    def _take_news(self, status: int, answer: dict[str, Any]) -> float:
        """Hand the news on; returns the seconds to wait before asking again."""
        if status == 401:
            self._courier.end()
            self._end()
        elif status == 200 and isinstance(answer.get("news"), list):
            self._failures = 0
            for news in answer["news"]:
                if isinstance(news, dict) and not self.is_over:
                    self._hear(news)
            self._after = answer["last"] if type(answer.get("last")) is int else 0
        else:
            self._failures += 1
        if self._failures or answer.get("closed"):
            return min(15.0, 2.0 ** min(self._failures, 4))
        return 0

    def _note_state(self, status: int) -> None:
        with self._lock:
            now = time.monotonic()
            if status:
                self._silent_since = 0.0
            self._silent_since = self._silent_since or (0.0 if status else now)
            away = bool(self._silent_since) and now - self._silent_since >= _AWAY
            state = AWAY if away else HERE
            if self.is_over or state == self._state or (state == HERE and not status):
                return
            self._state = state
        self._tell(state)

    def _end(self) -> None:
        """The class was left in another kernel, or does not know the learner any more."""
        if not self._over.is_set():
            self.stop()
            self._tell(ENDED)


class Link(Contact):
    """A contact by two threads; they end with the kernel, or when it is left."""

    def _start(self) -> None:
        self._new = threading.Event()
        for work in (self._send, self._listen):
            threading.Thread(target=work, name="class", daemon=True).start()

    def _wake(self) -> None:
        self._new.set()

    def _send(self) -> None:
        while not self.is_over:
            self._new.clear()
            request = self._courier.request()
            if self._courier.ended:
                self._end()
            elif request is None:
                self._new.wait(LOOK)
            else:
                status, answer = self._ask(self._sending, "POST", request.path, request.body)
                self._courier.answered(request, status, answer)
                self._over.wait(self._courier.pause)

    def _listen(self) -> None:
        while not self.is_over:
            asked = self._ask(self._waiting, "GET", self._news(_WAIT), None, timeout=_WAIT + 10)
            self._over.wait(self._take_news(*asked))

    def _ask(
        self,
        transport: Transport,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        timeout: float = 10,
    ) -> tuple[int, dict[str, Any]]:
        """Ask as this learner; status 0 if nobody answers."""
        try:
            status, answer = transport.ask(method, path, body, self.membership.key, timeout)
        except Exception:  # whatever it is, the learner's cell must not hear of it
            status, answer = 0, {}
        self._note_state(status)
        return status, answer
