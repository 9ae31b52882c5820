"""A kernel and its class: joined, out of reach, resumed, left; against the server itself."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.classes.conftest import choice
from tests.support.class_server import ClassServer, class_server, wait_until
from workshop_lib import exercises
from workshop_lib.classes import session as module
from workshop_lib.classes.courier import PARTS
from workshop_lib.classes.entrance import ClassError
from workshop_lib.classes.membership import FILE
from workshop_lib.classes.session import Session
from workshop_lib.classes.transport import HttpTransport
from workshop_lib.errors import WrongArgument
from workshop_lib.exercises.inspection import Step
from workshop_lib.progress import Journal, mark
from workshop_lib.questions import bank, polls
from workshop_lib.questions.answers import Answers
from workshop_lib.questions.widgets import PredictionWidget

Kernel = Callable[..., Session]
QUESTION = bank.prediction("5.1")
MARK = mark("predict", QUESTION.text)


def learners(server: ClassServer) -> list[dict[str, Any]]:
    return list(server.state(server.open_board())["learners"].values())


def named(server: ClassServer, name: str) -> dict[str, Any]:
    """A learner, on a board that shows names."""
    board = {"Cookie": server.open_board()}
    server.ask("POST", "/api/board/names", {"shown": True}, **board)
    (found,) = [each for each in learners(server) if each["name"] == name]
    return found


def act(server: ClassServer, deed: str) -> None:
    status, _, _ = server.ask(
        "POST", f"/api/board/{deed}", {"question": MARK}, Cookie=server.open_board()
    )
    assert status == 200


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


class TestJoining:
    def test_a_card_says_where_one_is_and_what_is_sent(
        self, server: ClassServer, kernel: Kernel, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kernel().join(server.address, server.code.lower(), "Ada")
        said = shown(capsys)
        assert "the class “Monday” as Ada" in said
        assert "Never your code or data" in said
        assert "leave()" in said

    def test_without_a_name_one_has_a_pseudonym(
        self, server: ClassServer, kernel: Kernel, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kernel().join(server.address, server.code, None)
        assert re.search(r"as [A-Z][a-z]+ [A-Z][a-z]+", shown(capsys))

    @pytest.mark.parametrize("code", ["", "AAAAAA", None, 5])
    def test_a_wrong_code_is_said(self, server: ClassServer, kernel: Kernel, code: Any) -> None:
        with pytest.raises(ClassError, match="not the class's code"):
            kernel().join(server.address, code, "Ada")

    def test_a_class_that_is_not_there_is_said(self, kernel: Kernel) -> None:
        with pytest.raises(ClassError, match=r"does not answer .* same network"):
            kernel().join("127.0.0.1:1", "K7F2QM", "Ada")
        with pytest.raises(WrongArgument):
            kernel().join("", "K7F2QM", "Ada")

    def test_joining_twice_is_joining_once(self, server: ClassServer, kernel: Kernel) -> None:
        session = kernel()
        before = len(learners(server))
        for _ in range(2):
            session.join(server.address, server.code, "Twice")
        assert len(learners(server)) == before + 1

    def test_a_failed_join_leaves_the_class_before(
        self, server: ClassServer, kernel: Kernel, journal: Journal
    ) -> None:
        session = kernel()
        session.join(server.address, server.code, "Stays")
        with pytest.raises(ClassError):
            session.join("127.0.0.1:1", "K7F2QM", None)
        journal.append(choice("predict 5.1", 0))
        wait_until(lambda: "predict 5.1" in named(server, "Stays")["done"])


class TestSending:
    def test_what_is_answered_arrives_and_what_was_before_does_not(
        self, server: ClassServer, kernel: Kernel, journal: Journal
    ) -> None:
        journal.append(choice("predict 5.1", 0))
        kernel().join(server.address, server.code, "Sends")
        journal.append(choice("predict 5.2", 0))
        wait_until(lambda: named(server, "Sends")["done"])
        assert named(server, "Sends")["done"].keys() == {"predict 5.2"}

    def test_hands(self, server: ClassServer, kernel: Kernel) -> None:
        session = kernel()
        with pytest.raises(ClassError, match="join one"):
            session.hand(True)
        session.join(server.address, server.code, "Hands")
        session.hand(True)
        wait_until(lambda: named(server, "Hands")["hand"])
        session.hand(False)
        wait_until(lambda: not named(server, "Hands")["hand"])

    def test_out_of_reach_nothing_is_lost_and_no_cell_waits(
        self, tmp_path: Path, kernel: Kernel, journal: Journal, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr("workshop_lib.classes.link._AWAY", 0)
        with class_server(tmp_path / "class") as server:
            kernel().join(server.address, server.code, "Offline")
            server.kill()
            events = [choice("predict 5.1", place % 3) for place in range(250)]
            for event in events:
                journal.append(event)
            wait_until(lambda: "out of reach" in shown(capsys))
            server.start()
            wait_until(lambda: len(exported(server)) == len(events), seconds=60)
            wait_until(lambda: "You are in the class" in shown(capsys))

    def test_a_kernel_that_was_killed_leaves_it_to_the_next(
        self, server: ClassServer, kernel: Kernel, journal: Journal
    ) -> None:
        first = kernel()
        first.join(server.address, server.code, "Killed")
        assert first._link
        first._link.stop()  # as a kill ends its threads
        journal.append(choice("predict 5.1", 0))
        kernel().resume()
        wait_until(lambda: named(server, "Killed")["done"])

    def test_two_kernels_send_each_event_once(
        self, server: ClassServer, kernel: Kernel, journal: Journal
    ) -> None:
        before = len(exported(server))
        kernel().join(server.address, server.code, "Both")
        kernel().resume()
        journal.append(*(choice("predict 5.1", 0) for _ in range(30)))
        wait_until(lambda: len(exported(server)) >= before + 30)
        assert len(exported(server)) == before + 30


def exported(server: ClassServer) -> list[str]:
    _, text, _ = server.ask("GET", "/api/board/export.csv", Cookie=server.open_board())
    return str(text).splitlines()[1:]


class TestLeaving:
    def test_after_leaving_nothing_is_sent_from_any_kernel(
        self, server: ClassServer, kernel: Kernel, journal: Journal
    ) -> None:
        one, two = kernel(), kernel()
        one.join(server.address, server.code, "Leaves")
        two.resume()
        two.leave(False)
        assert not named(server, "Leaves")["here"]
        journal.append(choice("predict 5.1", 0))
        wait_until(lambda: one._link is None)
        kernel().resume()
        assert named(server, "Leaves")["done"] == {}
        for session in (one, two):
            with pytest.raises(ClassError):
                session.hand(True)
        with pytest.raises(ClassError):
            two.leave(False)

    def test_who_comes_back_is_the_same_and_what_was_meanwhile_stays_here(
        self, server: ClassServer, kernel: Kernel, journal: Journal
    ) -> None:
        session = kernel()
        session.join(server.address, server.code, "Returns")
        session.leave(False)
        journal.append(choice("predict 5.1", 0))
        session.join(server.address, server.code, "Returns")
        journal.append(choice("predict 5.2", 0))
        wait_until(lambda: named(server, "Returns")["done"])
        assert named(server, "Returns")["done"].keys() == {"predict 5.2"}

    def test_who_wants_is_forgotten(
        self, server: ClassServer, kernel: Kernel, journal: Journal, folder: Path
    ) -> None:
        session = kernel()
        session.join(server.address, server.code, "Forgotten")
        journal.append(choice("predict 5.1", 0))
        wait_until(lambda: named(server, "Forgotten")["done"])
        session.leave(True)
        assert all(each["name"] != "Forgotten" for each in learners(server))
        assert not (folder / FILE).exists()

    def test_a_class_that_is_gone_can_be_left(
        self, tmp_path: Path, kernel: Kernel, folder: Path
    ) -> None:
        session = kernel()
        with class_server(tmp_path / "class") as server:
            session.join(server.address, server.code, None)
        with pytest.raises(ClassError, match="does not answer"):
            session.leave(True)
        assert json.loads((folder / FILE).read_text())["left"]

    def test_a_class_that_forgets_everybody_ends_it(
        self, tmp_path: Path, kernel: Kernel, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with class_server(tmp_path / "class") as server:
            session = kernel()
            session.join(server.address, server.code, None)
            board = {"Cookie": server.open_board()}
            server.ask("POST", "/api/board/forget", {"confirm": server.code}, **board)
            wait_until(lambda: session._link is None)
            assert "no longer in the class" in shown(capsys)
            kernel().resume()
            assert learners(server) == [], "nobody joins but by their own act"


class TestVotes:
    def test_the_second_vote_and_the_spread_reach_the_question(
        self, tmp_path: Path, kernel: Kernel, journal: Journal
    ) -> None:
        with class_server(tmp_path / "class") as server:
            kernel().join(server.address, server.code, "Votes")
            answers = Answers(QUESTION, "predict 5.1", journal)
            widget = PredictionWidget([("Predict 5.1", QUESTION)], [answers])
            widget.chosen = [0]
            wait_until(lambda: votes(server) == [[1, 0, 0]])
            act(server, "vote-again")
            wait_until(lambda: "votes again" in widget.votes[0]["note"])
            assert widget.chosen == [-1]
            widget.chosen = [0]  # of the same opinion still
            wait_until(lambda: votes(server) == [[1, 0, 0], [1, 0, 0]])
            act(server, "reveal")
            wait_until(lambda: widget.revealed)
            counts = ["class: 1, then 1", "class: 0, then 0", "class: 0, then 0"]
            assert widget.votes[0]["options"] == counts

    def test_a_kernel_that_starts_later_knows_them(
        self, tmp_path: Path, kernel: Kernel, journal: Journal
    ) -> None:
        with class_server(tmp_path / "class") as server:
            first = kernel()
            first.join(server.address, server.code, "Votes")
            journal.append(choice("predict 5.1", 1))
            wait_until(lambda: votes(server) == [[0, 1, 0]])
            act(server, "vote-again")
            first._stop()
            assert polls.about(MARK).round == 1
            kernel().resume()
            wait_until(lambda: polls.about(MARK).asks_again)
            answers = Answers(QUESTION, "predict 5.1", journal)
            widget = PredictionWidget([("Predict 5.1", QUESTION)], [answers])
            assert widget.chosen == [-1]
            assert "votes again" in widget.votes[0]["note"]


def votes(server: ClassServer) -> list[list[int]]:
    poll = server.state(server.open_board())["polls"][MARK]
    return [each["counts"] for each in poll["rounds"]]


class TestTheWay:
    """The lab's guard lets the class through while the learner is in it."""

    def test_it_is_open_from_joining_to_leaving(self, server: ClassServer, kernel: Kernel) -> None:
        session, way = kernel(), Way()
        session.through(way.admit)
        with pytest.raises(ClassError):
            session.join(server.address, "AAAAAA", None)
        assert way.open == []
        session.join(server.address, server.code, None)
        assert way.open == [("127.0.0.1", server.port)]
        again = Way()
        session.through(again.admit)  # a second lab
        assert again.open == way.open
        session.leave(False)
        assert again.open == []

    def test_a_lab_that_starts_later_opens_it(self, server: ClassServer, kernel: Kernel) -> None:
        kernel().join(server.address, server.code, None)
        way, session = Way(), kernel()
        session.through(way.admit)
        assert way.open == []
        session.resume()
        assert way.open == [("127.0.0.1", server.port)]

    def test_a_host_that_stays_closed_is_said(self, kernel: Kernel) -> None:
        def refuse(host: str, port: int) -> Callable[[], None]:
            raise ConnectionRefusedError(f"The lab keeps this kernel away from {host}.")

        session = kernel()
        session.through(refuse)
        with pytest.raises(ClassError, match=r"away from kms\.us-east-1\.amazonaws\.com"):
            session.join("https://kms.us-east-1.amazonaws.com", "K7F2QM", None)


class Way:
    """Stands for the guard: what is open."""

    def __init__(self) -> None:
        self.open: list[tuple[str, int]] = []

    def admit(self, host: str, port: int) -> Callable[[], None]:
        self.open.append((host, port))
        return lambda: self.open.remove((host, port))


class TestHub:
    def test_the_class_of_a_hub_is_joined_by_itself(
        self, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        hub = HubsClass()
        monkeypatch.setenv("WORKSHOP_CLASS_URL", "http://127.0.0.1:8000/services/class")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token")
        session = kernel(connect=hub)
        session.resume()
        assert "Never your code or data" in shown(capsys), "before anything is sent"
        wait_until(lambda: session._link is not None)
        assert hub.asked[0] == ("/api/join", {"token": "token"})
        session.leave(False)
        hub.asked.clear()
        kernel(connect=hub).resume()
        assert hub.asked == [], "who left it stays away"

    @pytest.mark.parametrize("name", ["WORKSHOP_CLASS_URL", "JUPYTERHUB_API_TOKEN"])
    def test_without_both_nothing_happens(
        self, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(name, "http://127.0.0.1:8000")
        hub = HubsClass()
        kernel(connect=hub).resume()
        assert hub.asked == []


class HubsClass:
    """A class that knows everybody, in place of a network."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, address: str) -> HubsClass:
        return self

    def ask(
        self, method: str, path: str, body: Any = None, key: str = "", timeout: float = 10
    ) -> tuple[int, dict[str, Any]]:
        if path.startswith("/api/learner/news"):
            threading.Event().wait(0.05)
            return 200, {"news": [], "last": 0}
        self.asked.append((path, body))
        return 200, {"learner": "a", "key": "k", "name": "ada", "class": {"title": "Hub"}}

    def close(self) -> None:
        return


# --- Every byte that leaves the kernel --------------------------------------------------------


@contextmanager
def recorded(server: ClassServer) -> Iterator[tuple[str, bytearray]]:
    """A proxy before the server: its address, and every byte that the kernel sent."""
    sent = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def pass_on(source: socket.socket, target: socket.socket, keep: bool) -> None:
            with suppress(OSError):
                while content := source.recv(65536):
                    if keep:
                        sent.extend(content)
                    target.sendall(content)
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    kernel, _ = listening.accept()
                    behind = socket.create_connection(("127.0.0.1", server.port))
                    for way in ((kernel, behind, True), (behind, kernel, False)):
                        threading.Thread(target=pass_on, args=way, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", sent


REQUEST = re.compile(
    rb"(GET|POST) (\S+) HTTP/1\.1\r\nHost: (\S+)\r\n"
    rb"(?:Content-Type: application/json\r\n)?(?:Content-Length: (\d+)\r\n)?"
    rb"(?:Authorization: Bearer ([\w-]{43})\r\n)?\r\n"
)


def requests_in(sent: bytes) -> Iterator[tuple[str, str, Any]]:
    """Every request, read strictly: a header that is not listed here fails."""
    while sent:
        head = REQUEST.match(sent)
        assert head, sent[:300]
        length = int(head[4] or 0)
        body = sent[head.end() : head.end() + length]
        yield head[1].decode(), head[2].decode(), json.loads(body) if body else None
        sent = sent[head.end() + length :]


SECRETS = ("hunter2-in-my-code", "workshop-letters-77", "my private words", "/home/", "AKIA")


def test_nothing_leaves_the_kernel_but_what_the_course_asked_and_was_answered(
    server: ClassServer, kernel: Kernel, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A learner goes through everything that is noted, with secrets in all that is theirs."""
    monkeypatch.setattr(exercises, "learners_journal", lambda: journal)
    with recorded(server) as (address, sent):
        session = kernel(connect=lambda _: HttpTransport(address))
        session.join(address, server.code, "Recorded")
        answers = Answers(QUESTION, "predict 5.1", journal)
        answers.see()
        answers.choose(QUESTION.answer)
        answers.reveal()
        step = Step(False, f"no bucket carries the tag exercise = {SECRETS[1]}", SECRETS[0])
        result = exercises.Result("5.1", "the default allowed, a wrong choice forbidden", (step,))
        exercises._note(result, journal)
        journal.keep("tamper", mark("tamper", SECRETS[2]), "0:9")
        mine = choice("predict 5.2", 0)
        journal.append(mine)
        session.hand(True)
        wait_until(lambda: "check 5.1" in named(server, "Recorded")["done"])
        wait_until(lambda: named(server, "Recorded")["hand"])
        wait_until(lambda: not journal_waits(session))
        session.leave(False)
        seen = list(requests_in(bytes(sent)))
    for secret in SECRETS:
        assert secret.encode() not in sent
    assert {path.partition("?")[0] for _, path, _ in seen} == {
        "/api/join", "/api/events", "/api/hand", "/api/learner/news", "/api/leave"
    }  # fmt: skip
    events = []
    for method, path, body in seen:
        if path == "/api/join":
            assert body == {"code": server.code, "name": "Recorded"}
        elif path == "/api/events":
            assert body.keys() == {"events", "now"}
            events += body["events"]
        elif path == "/api/hand":
            assert body == {"up": True}
        elif path == "/api/leave":
            assert body == {}
        else:
            assert method == "GET"
            assert re.fullmatch(r"/api/learner/news\?after=\d+&wait=25", path)
            assert body is None
    words = {each["outcome"] for each in events}
    assert words == {"seen", "right", "revealed", "failed", "wrong"}
    for event in events:
        assert tuple(event) == PARTS
        for name, value in event.items():
            assert isinstance(value, int if name == "attempt" else str)
        assert re.fullmatch(r"|[0-9a-f]{16}", event["question"] + "")
        assert re.fullmatch(r"|[0-9a-f]{16}", event["choice"])
        assert event["condition"] in (
            "",
            "no bucket carries the tag exercise = …",
            "no bucket carries the tag …",
        )


def journal_waits(session: Session) -> bool:
    assert session._link
    return bool(session._link._courier.waiting())


def test_the_functions_of_a_notebook_are_those_of_the_kernels_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[Any] = []

    class Fake:
        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *args: called.append((name, *args))

    monkeypatch.setattr(module, "_session", Fake())
    module.join("a", "b", name="c")
    module.hand()
    module.hand(False)
    module.leave()
    module.leave(forget=True)
    module.resume()
    module.through(len)  # type: ignore[arg-type]
    assert called == [
        ("join", "a", "b", "c"), ("hand", True), ("hand", False), ("leave", False),
        ("leave", True), ("resume",), ("through", len),
    ]  # fmt: skip
