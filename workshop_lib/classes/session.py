"""This kernel's part in a class: joined, resumed, left; and the way to it past the lab's guard."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from workshop_lib.classes import cards
from workshop_lib.classes.cards import Shown
from workshop_lib.classes.entrance import ClassError, Connect, be_forgotten, enter, say_goodbye
from workshop_lib.classes.in_browser import BrowserTransport, TaskLink, is_of_class, own_address
from workshop_lib.classes.link import ENDED, Contact, Link
from workshop_lib.classes.membership import Membership, Memory
from workshop_lib.classes.transport import HttpTransport, checked_address, host_and_port
from workshop_lib.progress import learners_journal
from workshop_lib.questions import polls

Close = Callable[[], None]
Admit = Callable[[str, int], Close]

_NONE = "You are in no class: join one with join(address, code)."


class Session:
    """What a kernel has of a class.

    connect: how it reaches one; link: what keeps in touch with it; locate: the address that the
    learner's words mean; is_served: whether their page comes from a class. A kernel in a browser
    has neither sockets nor threads, and gives its own.
    """

    def __init__(
        self,
        connect: Connect = HttpTransport,
        link: type[Contact] = Link,
        locate: Callable[[str], str] = checked_address,
        is_served: Callable[[], bool] = lambda: False,
    ) -> None:
        self.connect, self.link = connect, link
        self.locate, self.is_served = locate, is_served
        self._memory: Memory | None = None
        self._link: Contact | None = None
        self._admit: Admit | None = None
        self._close: Close | None = None

    def join(self, address: str, code: str, name: str | None) -> None:
        """As `join`."""
        address = self.locate(address)
        known = self.memory.known()
        asked: dict[str, Any] = {"code": str(code), "name": None if name is None else str(name)}
        if known and known.address == address:  # the same learner as before
            asked |= {"learner": known.learner, "key": known.key}
        close = self._opened(address)
        try:
            membership = enter(self.connect, address, asked)
        finally:
            close()
        self._begin(membership, Shown())

    def leave(self, forget: bool) -> None:
        """As `leave`."""
        known = self.memory.known()
        if known is None or (known.left and not forget):
            raise ClassError(_NONE)
        self._stop()
        self.memory.leave()
        close = self._opened(known.address)
        try:
            if forget:
                be_forgotten(self.connect, known)
                self.memory.forget()
            else:
                say_goodbye(self.connect, known)
        finally:
            close()
        Shown().show(cards.on_leaving(known, forget))

    def hand(self, up: bool) -> None:
        """As `hand`."""
        if self._link is None or self._link.is_over:
            raise ClassError(_NONE)
        self._link.raise_hand(up)
        Shown().show(cards.on_hand(up))

    def resume(self) -> None:
        """As `resume`."""
        if self._link is not None and not self._link.is_over:
            return
        membership, known = self.memory.current(), self.memory.known()
        url, token = (os.environ.get(n) for n in ("WORKSHOP_CLASS_URL", "JUPYTERHUB_API_TOKEN"))
        if membership is not None:
            self._start(membership, Shown())
        elif known is not None and known.left:
            return
        elif url and token:
            shown = Shown()
            shown.show(cards.on_hub())
            arguments = (checked_address(url), token, shown)
            threading.Thread(target=self._join_hub, args=arguments, daemon=True).start()
        elif self.is_served():
            Shown().show(cards.on_page())

    def through(self, admit: Admit) -> None:
        """As `through`."""
        self._admit = admit
        if self._link is not None and not self._link.is_over:
            self._open(self._link.membership.address)

    @property
    def memory(self) -> Memory:
        """What is remembered beside the learner's lessons, or in this kernel only."""
        if self._memory is None:
            path = learners_journal().path
            self._memory = Memory(path.parent if path else None)
        return self._memory

    def _join_hub(self, address: str, token: str, shown: Shown) -> None:
        """Join the class of a hub, which knows the learner by their server's token. A thread's."""
        for seconds in (1, 2, 4, 8, 16, 32, 60, 60, 60):
            try:
                membership = enter(self.connect, address, {"token": token})
            except ClassError:
                _PAUSE.wait(seconds)
            else:
                break
        else:
            return

        def begin() -> None:
            if self._link is None:  # the learner has not joined another one meanwhile
                self._begin(membership, shown)

        shown.later(begin)

    def _begin(self, membership: Membership, shown: Shown) -> None:
        """Be in a class that has just been joined: what was answered before is not sent.

        Joined again by the same learner it goes on, and sends what still waits.
        """
        self._stop()
        current = self.memory.current()
        if current is None or current.learner != membership.learner:
            self.memory.forget()
            self.memory.take(event.id for event in learners_journal().events())
        self.memory.keep(membership)
        self._start(membership, shown)

    def _start(self, membership: Membership, shown: Shown) -> None:
        def follow(state: str) -> None:
            shown.show(cards.on_membership(membership, state))
            if state == ENDED and self._link is link:
                self._stop()

        self._open(membership.address)
        shown.show(cards.on_membership(membership, ""))
        self._link = link = self.link(
            membership,
            self.memory,
            learners_journal(),
            self.connect,
            hear=lambda news: shown.later(lambda: _hear(news)),
            tell=lambda state: shown.later(lambda: follow(state)),
        )

    def _stop(self) -> None:
        """Send nothing more from this kernel, and have the way closed."""
        link, self._link = self._link, None
        if link is not None:
            link.stop()
        polls.forget()
        close, self._close = self._close, None
        if close is not None:
            close()

    def _open(self, address: str) -> None:
        """Open the way to an address; if it stays closed, the class is out of reach."""
        with suppress(ClassError):
            self._close = self._opened(address)

    def _opened(self, address: str) -> Close:
        """Open the way to an address; returns what closes it. Raises ClassError."""
        if self._admit is None:
            return lambda: None
        try:
            return self._admit(*host_and_port(address))
        except OSError as error:
            raise ClassError(str(error)) from None


_PAUSE = threading.Event()
_session = (
    Session(BrowserTransport, TaskLink, own_address, is_of_class)
    if sys.platform == "emscripten"
    else Session()
)


def join(address: str = "", code: str = "", name: str | None = None) -> None:
    """Join a class: from now on it is told what you answer in this course, until `leave()`.

    address, code: as the board shows them. In a browser, on a page that the class's server gave,
    the address may be left out: join(code="…"). name: what you are called there; without one the
    class gives you a pseudonym, and its board shows no other unless the instructor asks for names.
    The card that this shows says what is sent. Raises ClassError, with the next step, if the class
    does not answer or does not know the code; WrongArgument for what is no address.
    """
    _session.join(address, code, name)


def leave(forget: bool = False) -> None:
    """Leave the class: nothing more is sent, from this kernel or another.

    forget: have the class delete all that it was told of you. Raises ClassError if you are in no
    class, or if the class that is to forget you does not answer; you have left it in any case.
    """
    _session.leave(forget)


def hand(up: bool = True) -> None:
    """Put your hand up in the class, or down again: `hand(False)`. The instructor sees it.

    Nothing waits for it: where the class is out of reach, it hears of it later. Raises ClassError
    if you are in no class.
    """
    _session.hand(bool(up))


def resume() -> None:
    """Go on in the class that was joined in an earlier kernel, if there is one; never waits.

    Under a hub that has a class (WORKSHOP_CLASS_URL), whoever never joined one joins that, known
    by the token of their own server; who left it stays away. In a browser, on a page that a class's
    server gave, a card says how to join.
    """
    _session.resume()


def through(admit: Admit) -> None:
    """Reach the class by `admit`: it opens the way to a host and port, and returns what closes it.

    Called by whoever keeps this kernel from the network, each time that they begin to.
    """
    _session.through(admit)


def _hear(news: dict[str, Any]) -> None:
    """Something that the instructor did: it reaches the question on the screen."""
    question, rounds = news.get("question"), news.get("rounds", [])
    if isinstance(question, str) and type(news.get("round")) is int and isinstance(rounds, list):
        counts = [
            {str(mark): count for mark, count in each.items() if type(count) is int}
            for each in rounds
            if isinstance(each, dict)
        ]
        polls.tell(question, polls.ClassVote(news["round"], bool(news.get("voted")), counts))
