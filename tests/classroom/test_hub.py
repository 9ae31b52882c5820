"""The hub of classroom/jupyterhub_config.py, for real: ten learners, each through lesson 00."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import requests
import websocket

from tests.support.class_server import wait_until

ROOT = Path(__file__).parents[2]
LESSON = "00_start_here.ipynb"
LEARNERS = 10
BATCH = 4  # servers that start at the same time, as the hub's own limit has it on two cores

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="the hub's Node is for Linux here"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Hub:
    """A running hub: its address, and the folder of everything it keeps."""

    address: str
    state: Path

    def sign_in(self, name: str, password: str) -> "Session":
        """A browser's session in which that name has signed in."""
        browser = requests.Session()
        login = f"{self.address}/hub/login?next=%2Fhub%2Fhome"
        browser.get(login, timeout=60)
        form = {"username": name, "password": password, "_xsrf": browser.cookies.get("_xsrf", "")}
        answer = browser.post(login, data=form, timeout=60)
        return Session(self, name, browser, answer)

    def board(self) -> str:
        """What the board exports, for the instructor, who signs in at the hub."""
        password = (self.state / "instructor-password").read_text().strip()
        browser = self.sign_in("instructor", password).browser
        page = browser.get(f"{self.address}/services/class/board", timeout=60)
        assert page.ok, page.text
        assert page.url == f"{self.address}/services/class/board", "signed in, and back"
        board = f"{self.address}/services/class/api/board"
        assert browser.post(f"{board}/names", json={"shown": True}, timeout=60).ok
        csv = browser.get(f"{board}/export.csv", timeout=60)
        assert csv.ok, csv.text
        return csv.text


@dataclass
class Session:
    """What a browser holds after it has signed in."""

    hub: Hub
    name: str
    browser: requests.Session
    answer: requests.Response

    def _xsrf(self, path: str) -> dict[str, str]:
        found = [each for each in self.browser.cookies if each.name == "_xsrf"]
        fitting = [each.value or "" for each in found if path.startswith(each.path)]
        return {"X-XSRFToken": max(fitting, key=len, default="")}

    def start(self) -> None:
        """Start this learner's server, and try again where the hub is busy, as its page does."""
        url = f"{self.hub.address}/hub/api/users/{self.name}/server"
        until = time.monotonic() + 240
        while time.monotonic() < until:
            answer = self.browser.post(url, headers=self._xsrf("/hub/"), timeout=60)
            if answer.status_code == 201:
                return
            if answer.status_code == 202:
                break
            assert answer.status_code == 429, (
                f"{answer.status_code} {answer.url} {answer.text[:500]}"
            )
            time.sleep(1 + float(answer.headers.get("Retry-After", "0")) / 10)
        while time.monotonic() < until:
            if self.servers().get("", {}).get("ready"):
                return
            time.sleep(1)
        raise AssertionError(f"the server of {self.name} did not start")

    def servers(self) -> dict[str, Any]:
        """The learner's servers, by their names, as the hub knows them."""
        user = self.browser.get(f"{self.hub.address}/hub/api/users/{self.name}", timeout=60)
        return dict(user.json()["servers"])

    def run(self, lesson: str) -> list[str]:
        """Run all cells of the learner's copy; what went wrong in each cell, or empty."""
        base = f"{self.hub.address}/user/{self.name}/"
        self.browser.get(base + "lab", timeout=60)  # signs in to the server itself
        content = self.browser.get(f"{base}api/contents/my-lessons/{lesson}", timeout=60).json()
        notebook = nbformat.from_dict(content["content"])
        path = f"/user/{self.name}/"
        body = {"name": "python3", "path": f"my-lessons/{lesson}"}
        made = self.browser.post(
            f"{base}api/sessions", json={"kernel": {"name": "python3"}, "name": lesson,
                                         "path": body["path"], "type": "notebook"},
            headers=self._xsrf(path), timeout=120,
        )  # fmt: skip
        assert made.status_code == 201, made.text
        kernel = made.json()["kernel"]["id"]
        cookies = "; ".join(
            f"{each.name}={each.value}" for each in self.browser.cookies if each.path in ("/", path)
        )
        socket_ = websocket.create_connection(
            base.replace("http", "ws", 1) + f"api/kernels/{kernel}/channels",
            cookie=cookies, timeout=240,
        )  # fmt: skip
        try:
            return [execute(socket_, cell.source) for cell in notebook.cells if is_code(cell)]
        finally:
            socket_.close()


def is_code(cell: Any) -> bool:
    return bool(cell.cell_type == "code")


def execute(channel: websocket.WebSocket, code: str) -> str:
    """Run a cell in the kernel behind the channel; its error, or empty."""
    identity = uuid.uuid4().hex
    header = {"msg_id": identity, "msg_type": "execute_request", "version": "5.3",
              "username": "", "session": identity, "date": ""}  # fmt: skip
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content,
               "channel": "shell", "buffers": []}  # fmt: skip
    channel.send(json.dumps(message))
    while True:
        received = channel.recv()
        if not isinstance(received, str):
            continue  # a message with buffers
        answer = json.loads(received)
        if answer["parent_header"].get("msg_id") != identity:
            continue
        if answer["msg_type"] == "execute_reply":
            said = answer["content"]
            return "" if said["status"] == "ok" else f"{said.get('ename')}: {said.get('evalue')}"


def is_up(address: str) -> bool:
    try:
        return requests.get(f"{address}/hub/health", timeout=5).ok
    except requests.RequestException:
        return False


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[Hub]:
    """`workshop.py hub` on a free port, which keeps what is its own in the folder."""
    state = folder / "state"
    address = f"http://127.0.0.1:{(port := free_port())}"
    log = state.with_name("hub.log")
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, ROOT / "workshop.py", "hub", "--port", str(port)],
            env={**os.environ, **environment, "WORKSHOP_HUB_STATE": str(state)},
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
        try:
            until = time.monotonic() + 240  # it sets its environment up first
            while not is_up(address):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.5)
            yield Hub(address, state)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with running(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


def test_ten_learners_go_through_lesson_00(hub: Hub) -> None:
    password = (hub.state / "password").read_text().strip()
    learners = [hub.sign_in(f"learner-{number}", password) for number in range(LEARNERS)]

    def work(learner: Session) -> list[str]:
        learner.start()
        return learner.run(LESSON)

    with ThreadPoolExecutor(BATCH) as pool:
        errors = list(pool.map(work, learners))
    assert all(len(each) > 10 for each in errors)
    assert [error for each in errors for error in each if error] == []
    for learner in learners:
        assert (hub.state / "learners" / learner.name / "my-lessons" / LESSON).is_file()

    # Each of them joined the class by itself, and the board knows what they were asked.
    board = hub.board()
    for learner in learners:
        rows = [line for line in board.splitlines() if learner.name in line]
        assert any("predict 0.1" in row for row in rows), f"{learner.name} is not in\n{board}"


def test_the_board_is_the_instructors(hub: Hub) -> None:
    learner = hub.sign_in("curious", (hub.state / "password").read_text().strip())
    address = f"{hub.address}/services/class"
    assert learner.browser.get(f"{address}/board", timeout=60).status_code == 403
    assert learner.browser.get(f"{address}/api/board/export.csv", timeout=60).status_code == 401
    assert requests.get(f"{address}/api/board/export.csv", timeout=60).status_code == 401
    forged = requests.get(f"{address}/oauth_callback?code=x&state=y", timeout=60)
    assert forged.status_code == 403
    assert hub.board().count("\n") >= 1


def test_a_wrong_password_and_a_learner_who_says_instructor_stay_outside(hub: Hub) -> None:
    password = (hub.state / "password").read_text().strip()
    for name, word in (("ada", "wrong"), ("instructor", password)):
        assert hub.sign_in(name, word).answer.status_code == 403


def test_the_passwords_are_the_hubs_alone(hub: Hub) -> None:
    for name in ("password", "instructor-password", "cookie-secret"):
        assert (hub.state / name).stat().st_mode & 0o077 == 0
    assert hub.state.stat().st_mode & 0o077 == 0


def test_a_server_that_nobody_uses_is_ended(tmp_path: Path) -> None:
    with running(tmp_path, WORKSHOP_HUB_IDLE="4") as hub:
        learner = hub.sign_in("ada", (hub.state / "password").read_text().strip())
        learner.start()
        wait_until(lambda: not learner.servers(), 60)
