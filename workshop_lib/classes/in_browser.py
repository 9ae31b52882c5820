"""What a kernel in a browser has instead of sockets and threads: the browser's requests, and tasks.

A page may ask the server that it came from and, as a class's server has it, no other one. So a
learner opens the class's own address, where that server has the browser edition.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from workshop_lib.classes.entrance import ClassError
from workshop_lib.classes.link import LOOK, Contact
from workshop_lib.classes.transport import checked_address, host_and_port, read_object

SITE = "/course/live/"  # where a class's server has the browser edition
SIGN = "/course/class.json"  # what says there that it is a class's
_EVERY = 3  # seconds between two requests for news: a browser has few connections to a server
_PATIENCE = 10  # seconds for an answer


def own_address(address: str) -> str:
    """The class's address as the learner gave it, or, without one, that of this page's server.

    Raises ClassError if this page is not of that server, WrongArgument for what is no address.
    """
    page = import_module("js").location
    origin, path = str(page.origin), str(page.pathname)
    if str(address).strip():
        given = checked_address(address)
        if _origin(given) != _origin(origin):
            raise ClassError(
                f"This page cannot reach the class at {given}, for it comes from {origin}: open "
                f"{given} in your browser, and join in the course that you find there."
            )
        return given
    root = _root(path)
    if root is None:
        raise ClassError(
            "This page does not come from a class: open the address that is on the board in your "
            "browser, and join in the course that you find there."
        )
    return origin + root


def is_of_class() -> bool:
    """Whether this page comes from a class's server; only a page that may do asks it."""
    page = import_module("js").location
    root = _root(str(page.pathname))
    if root is None:
        return False
    try:
        status, answer = BrowserTransport(str(page.origin) + root).ask("GET", SIGN, timeout=2)
    except OSError:
        return False
    return status == 200 and answer.get("class") is True


def _root(path: str) -> str | None:
    root, is_served, _ = path.rpartition(SITE)
    return root if is_served else None


def _origin(address: str) -> tuple[str, str, int]:
    return urlsplit(address).scheme, *host_and_port(address)


class BrowserTransport:
    """Requests by XMLHttpRequest, from the worker that a browser's kernel runs in.

    A worker may wait for one, and may give it a time limit all the same:
    https://xhr.spec.whatwg.org/#the-timeout-attribute
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._calls: list[Any] = []  # those that are awaited
        self._closed = False

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        key: str = "",
        timeout: float = _PATIENCE,
    ) -> tuple[int, dict[str, Any]]:
        """As `Transport.ask`: the kernel does nothing else meanwhile."""
        call = self._opened(method, path, key, timeout, asynchronous=False)
        content = _content(call, body)
        try:
            call.send(content)
        except Exception:  # a JsException, which is nobody's subclass outside a browser
            raise OSError("no answer") from None
        return _answer(call)

    async def wait_for(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        key: str = "",
        timeout: float = _PATIENCE,
    ) -> tuple[int, dict[str, Any]]:
        """As `Transport.ask`: awaited."""
        done = asyncio.Event()
        call = self._opened(method, path, key, timeout, asynchronous=True)
        ended = import_module("pyodide.ffi").create_proxy(lambda _: done.set())
        call.onloadend = ended  # however it ends
        self._calls.append(call)
        try:
            call.send(_content(call, body))
            await done.wait()
        finally:
            self._calls.remove(call)
            call.onloadend = None
            ended.destroy()
        return _answer(call)

    def close(self) -> None:
        """As `Transport.close`."""
        self._closed = True
        for call in list(self._calls):
            call.abort()

    def _opened(self, method: str, path: str, key: str, timeout: float, asynchronous: bool) -> Any:
        if self._closed:
            raise OSError("the class was left")
        call = import_module("js").XMLHttpRequest.new()
        call.open(method, self._address + path, asynchronous)
        call.timeout = int(timeout * 1000)
        if key:
            call.setRequestHeader("Authorization", f"Bearer {key}")
        return call


def _content(call: Any, body: Mapping[str, Any] | None) -> str:
    if body is None:
        return ""
    call.setRequestHeader("Content-Type", "application/json")
    return json.dumps(body)


def _answer(call: Any) -> tuple[int, dict[str, Any]]:
    if not call.status:
        raise OSError("no answer")
    return int(call.status), read_object(str(call.responseText))


class TaskLink(Contact):
    """A contact by two tasks of the kernel's loop, which run between cells and while one awaits.

    Its transports are to have `wait_for`, as `BrowserTransport` has it.
    """

    def _start(self) -> None:
        self._new = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(work()) for work in (self._send, self._listen)]

    def _wake(self) -> None:
        self._new.set()

    def stop(self) -> None:
        """Send nothing more."""
        super().stop()
        for task in self._tasks:
            task.cancel()

    async def _send(self) -> None:
        while not self.is_over:
            self._new.clear()
            request = self._courier.request()
            if self._courier.ended:
                self._end()
            elif request is None:
                await self._until_new()
            else:
                status, answer = await self._ask(self._sending, "POST", request.path, request.body)
                self._courier.answered(request, status, answer)
                await asyncio.sleep(self._courier.pause)

    async def _until_new(self) -> None:
        try:
            await asyncio.wait_for(self._new.wait(), LOOK)
        except TimeoutError:  # another kernel may have written what it could not send
            return

    async def _listen(self) -> None:
        while not self.is_over:
            status, answer = await self._ask(self._waiting, "GET", self._news(wait=0), None)
            await asyncio.sleep(max(_EVERY, self._take_news(status, answer)))

    async def _ask(
        self, transport: Any, method: str, path: str, body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        """Ask as this learner; status 0 if nobody answers."""
        try:
            status, answer = await transport.wait_for(
                method, path, body, self.membership.key, _PATIENCE
            )
        except Exception:  # whatever it is, the learner's cells must not hear of it
            status, answer = 0, {}
        if not self.is_over:
            self._note_state(status)
        return status, answer
