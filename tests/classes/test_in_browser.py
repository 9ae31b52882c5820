"""A kernel in a browser and its class: no socket, no thread; the browser makes the requests."""

from __future__ import annotations

import asyncio
import http.client
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from tests.classes.conftest import choice
from tests.classes.test_session import MARK, QUESTION, act, exported, named, shown, votes
from tests.support.class_server import ClassServer, class_server
from workshop_lib.classes import in_browser
from workshop_lib.classes.entrance import ClassError
from workshop_lib.classes.in_browser import BrowserTransport, TaskLink, is_of_class, own_address
from workshop_lib.classes.session import Session
from workshop_lib.errors import WrongArgument
from workshop_lib.progress import Journal
from workshop_lib.questions import polls
from workshop_lib.questions.answers import Answers
from workshop_lib.questions.widgets import PredictionWidget

Kernel = Callable[..., Session]
WORKER = "/course/live/extensions/@jupyterlite/pyodide-kernel-extension/static/12.js"


class FakeRequest:
    """An XMLHttpRequest, as far as the course uses it; it asks by Python's own client."""

    made: ClassVar[list[FakeRequest]] = []

    @classmethod
    def new(cls) -> FakeRequest:
        cls.made.append(cls())
        return cls.made[-1]

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.status, self.responseText, self.timeout = 0, "", 0
        self.onloadend: Any = None
        self.aborted = False

    def open(self, method: str, address: str, asynchronous: bool) -> None:
        self.method, self.address, self.asynchronous = method, address, asynchronous

    def setRequestHeader(self, name: str, value: str) -> None:
        self.headers[name] = value

    def send(self, content: str) -> None:
        try:
            self._ask(content)
        except OSError:
            if not self.asynchronous:
                raise RuntimeError("NetworkError: a JsException") from None
        if self.asynchronous:
            asyncio.get_running_loop().call_soon(lambda: self.onloadend and self.onloadend(None))

    def _ask(self, content: str) -> None:
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.netloc, timeout=self.timeout / 1000)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(self.method, target, content.encode() or None, self.headers)
        answer = connection.getresponse()
        self.status, self.responseText = answer.status, answer.read().decode()
        connection.close()

    def abort(self) -> None:
        self.aborted = True
        self.onloadend(None)


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The address of the worker that the kernel runs in, as the browser has it."""

    def create_proxy(function: Any) -> Any:
        class Proxy:
            def __call__(self, *args: Any) -> Any:
                return function(*args)

            def destroy(self) -> None:
                """Nothing is held."""

        return Proxy()

    page = SimpleNamespace(origin="https://class.example", pathname=WORKER)
    js = SimpleNamespace(location=page, XMLHttpRequest=FakeRequest)
    monkeypatch.setitem(sys.modules, "js", js)
    monkeypatch.setitem(sys.modules, "pyodide.ffi", SimpleNamespace(create_proxy=create_proxy))
    monkeypatch.setattr(in_browser, "_EVERY", 0.05)
    FakeRequest.made.clear()
    yield page
    polls.forget()


@pytest.fixture
def browser(kernel: Kernel, server: ClassServer, page: SimpleNamespace) -> Callable[[], Session]:
    """browser() → one more kernel of a page that the class's server gave."""
    page.origin = server.address
    return lambda: kernel(connect=BrowserTransport, link=TaskLink, locate=own_address)


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Wait for something that comes by itself, as a loop does between two cells."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


class TestTheAddress:
    def test_none_is_needed_on_a_page_of_the_class(self, page: SimpleNamespace) -> None:
        assert own_address("") == "https://class.example"
        page.pathname = "/services/class" + WORKER
        assert own_address("  ") == "https://class.example/services/class"

    @pytest.mark.parametrize(
        "given", ["https://class.example/", "https://class.example:443", "https://CLASS.example"]
    )
    def test_the_page_s_own_is_as_good(self, given: str) -> None:
        assert own_address(given).startswith("https://class.example")

    @pytest.mark.parametrize(
        "given", ["http://class.example", "https://class.example:8765", "192.168.1.20:8765"]
    )
    def test_another_server_s_is_said_with_what_to_do(self, given: str) -> None:
        with pytest.raises(ClassError, match=r"open http\S+ in your browser"):
            own_address(given)

    def test_a_page_of_no_class_is_said(self, page: SimpleNamespace) -> None:
        page.pathname = "/live/extensions/static/12.js"
        with pytest.raises(ClassError, match="open the address that is on the board"):
            own_address("")
        with pytest.raises(WrongArgument):
            own_address("http://")


class TestThePage:
    def test_one_of_a_class_says_how_to_join(
        self, kernel: Kernel, page: SimpleNamespace, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        def answer(request: FakeRequest, _: str) -> None:
            assert request.address == "https://class.example/course/class.json"
            request.status, request.responseText = 200, '{"class": true}'

        monkeypatch.setattr(FakeRequest, "_ask", answer)
        kernel(is_served=is_of_class).resume()
        assert 'join(code="…")' in shown(capsys)

    def test_any_other_says_and_asks_nothing(
        self, kernel: Kernel, server: ClassServer, page: SimpleNamespace,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        page.origin = server.address  # has no browser edition
        kernel(is_served=is_of_class).resume()
        page.origin = "http://127.0.0.1:1"
        kernel(is_served=is_of_class).resume()
        assert len(FakeRequest.made) == 2
        page.pathname = "/live/extensions/static/12.js"
        kernel(is_served=is_of_class).resume()
        assert len(FakeRequest.made) == 2
        assert shown(capsys) == ""


class TestTheTransport:
    def test_a_request_carries_the_key_and_what_is_sent(self, server: ClassServer) -> None:
        transport = BrowserTransport(server.address)
        status, answer = transport.ask("POST", "/api/hand", {"up": True}, "nobody's", timeout=7)
        assert (status, "does not know you" in answer["error"]) == (401, True)
        (made,) = FakeRequest.made
        assert made.headers == {
            "Content-Type": "application/json",
            "Authorization": "Bearer nobody's",
        }
        assert (made.asynchronous, made.timeout) == (False, 7000)

    def test_nobody_there_is_an_os_error_in_both_ways(self) -> None:
        transport = BrowserTransport("http://127.0.0.1:1")
        with pytest.raises(OSError, match="no answer"):
            transport.ask("GET", "/")
        with pytest.raises(OSError, match="no answer"):
            asyncio.run(transport.wait_for("GET", "/"))

    def test_closing_ends_what_is_awaited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(FakeRequest, "send", lambda *_: None)  # never answered

        async def close_while_it_waits() -> None:
            transport = BrowserTransport("http://127.0.0.1:1")
            waiting = asyncio.create_task(transport.wait_for("GET", "/"))
            await asyncio.sleep(0)
            transport.close()
            with pytest.raises(OSError, match="no answer"):
                await waiting
            with pytest.raises(OSError, match="left"):
                transport.ask("GET", "/")

        asyncio.run(close_while_it_waits())
        assert FakeRequest.made[0].aborted


class TestAClass:
    def test_it_is_joined_by_the_code_alone_and_hears_what_is_answered(
        self, server: ClassServer, browser: Kernel, journal: Journal,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        journal.append(choice("predict 5.1", 0))

        async def cells() -> None:
            session = browser()
            session.join("", server.code, "Browser")
            journal.append(choice("predict 5.2", 0))
            await until(lambda: named(server, "Browser")["done"].keys() == {"predict 5.2"})
            session.hand(True)
            await until(lambda: named(server, "Browser")["hand"])

        asyncio.run(cells())
        assert "the class “Monday” as Browser" in shown(capsys)

    def test_the_next_kernel_goes_on_by_itself_and_leaving_ends_both(
        self, server: ClassServer, browser: Kernel, journal: Journal,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        async def cells() -> None:
            one, two = browser(), browser()
            one.join("", server.code, "Again")
            two.resume()
            assert shown(capsys).count("You are in the class") == 2
            one._stop()
            journal.append(choice("predict 5.2", 0))
            await until(lambda: named(server, "Again")["done"])
            kept = len(exported(server))
            two.leave(False)
            journal.append(choice("predict 5.1", 0))
            await asyncio.sleep(0.2)
            assert len(exported(server)) == kept
            browser().resume()

        asyncio.run(cells())
        assert "You are in the class" not in shown(capsys)

    def test_out_of_reach_nothing_is_lost_and_the_learner_is_told(
        self, server: ClassServer, browser: Kernel, journal: Journal,
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr("workshop_lib.classes.link._AWAY", 0)

        async def cells() -> None:
            browser().join("", server.code, "Offline")
            reached = FakeRequest._ask
            monkeypatch.setattr(FakeRequest, "_ask", _nobody)
            journal.append(choice("predict 5.1", 0))
            await until(lambda: "out of reach" in shown(capsys))
            monkeypatch.setattr(FakeRequest, "_ask", reached)
            await until(lambda: named(server, "Offline")["done"])
            await until(lambda: "You are in the class" in shown(capsys))

        asyncio.run(cells())

    def test_the_second_vote_and_the_reveal_reach_the_question(
        self, tmp_path: Path, browser: Kernel, journal: Journal, page: SimpleNamespace
    ) -> None:
        async def cells(server: ClassServer) -> None:
            page.origin = server.address
            browser().join("", server.code, "Votes")
            answers = Answers(QUESTION, "predict 5.1", journal)
            widget = PredictionWidget([("Predict 5.1", QUESTION)], [answers])
            widget.chosen = [0]
            await until(lambda: votes(server) == [[1, 0, 0]])
            act(server, "vote-again")
            await until(lambda: polls.about(MARK).asks_again)
            widget.chosen = [0]
            await until(lambda: votes(server) == [[1, 0, 0], [1, 0, 0]])
            act(server, "reveal")
            await until(lambda: widget.revealed)

        with class_server(tmp_path / "class") as server:
            asyncio.run(cells(server))


def _nobody(*_: object) -> None:
    raise OSError("nobody is there")
