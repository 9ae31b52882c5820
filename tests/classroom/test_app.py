"""The class over HTTP: a server as the command starts it, and who may ask it for what."""

from __future__ import annotations

import http.client
import json
import re
import select
import socket
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from classroom.app import LARGEST, PAGES
from classroom.outline import Outline
from classroom.security import STRICT_POLICY
from tests.support.class_events import vote
from tests.support.class_server import ClassServer, class_server

BOARDS_POSTS = ("reveal", "vote-again", "names", "plan", "hand-down", "forget")
BOARDS_GETS = ("stream", "export.csv", "qr.svg")
LEARNERS_POSTS = ("events", "hand", "leave", "forget")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassServer]:
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<h1>The browser edition</h1>")
    (site / "lab").mkdir()
    (site / "lab" / "index.html").write_text("<h1>Lab</h1>")
    folder = tmp_path_factory.mktemp("kept") / "class"
    with class_server(folder, "--title", "<b>Monday</b>", "--site", str(site)) as server:
        yield server


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassServer]:
    """One without a browser edition."""
    with class_server(tmp_path_factory.mktemp("kept") / "class") as server:
        yield server


@pytest.fixture(scope="module")
def board(server: ClassServer) -> dict[str, str]:
    return {"Cookie": server.open_board()}


def join(server: ClassServer, name: str = "") -> dict[str, Any]:
    status, joined, _ = server.ask("POST", "/api/join", {"code": server.code, "name": name})
    assert status == 200
    answer: dict[str, Any] = joined
    return answer


def bearer(joined: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {joined['key']}"}


class TestWhoMay:
    @pytest.mark.parametrize("name", BOARDS_POSTS)
    def test_nobody_acts_without_the_boards_session(self, server: ClassServer, name: str) -> None:
        learner = join(server)
        for headers in ({}, bearer(learner), {"Cookie": f"board={server.secret}"}):
            status, answer, _ = server.ask("POST", f"/api/board/{name}", {}, **headers)
            assert status == 401
            assert answer["error"]

    @pytest.mark.parametrize("name", BOARDS_GETS)
    def test_nobody_looks_without_the_boards_session(self, server: ClassServer, name: str) -> None:
        learner = join(server)
        secret = {"Authorization": f"Bearer {server.secret}"}
        for headers in ({}, bearer(learner), secret):
            status, _, _ = server.ask("GET", f"/api/board/{name}", **headers)
            assert status == 401

    @pytest.mark.parametrize("secret", [None, "", "x", 5, ["x"], {"a": 1}])
    def test_no_other_secret_opens_the_board(self, server: ClassServer, secret: Any) -> None:
        status, _, headers = server.ask("POST", "/api/board/session", {"secret": secret})
        assert status == 401
        assert "set-cookie" not in headers

    def test_guessing_locks_nobody_out(self, plain: ClassServer) -> None:
        wrong = [plain.ask("POST", "/api/board/session", {"secret": "x"})[0] for _ in range(40)]
        assert wrong[0] == 401
        assert wrong[-1] == 429
        assert plain.ask("POST", "/api/board/session", {"secret": plain.secret})[0] == 200

    def test_a_learners_key_opens_no_board(self, server: ClassServer) -> None:
        for said in (join(server)["key"], server.code):
            status, _, _ = server.ask("POST", "/api/board/session", {"secret": said})
            assert status == 401

    def test_the_cookie_is_for_this_site_and_no_script(self, server: ClassServer) -> None:
        _, _, headers = server.ask("POST", "/api/board/session", {"secret": server.secret})
        cookie = headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/api/board" in cookie
        assert server.secret.lower() not in cookie

    @pytest.mark.parametrize("name", LEARNERS_POSTS)
    def test_without_a_key_nobody_is_a_learner(
        self, server: ClassServer, board: dict[str, str], name: str
    ) -> None:
        wrong = {"Authorization": "Bearer " + "x" * 43}
        basic = {"Authorization": "Basic " + join(server)["key"]}
        for headers in ({}, wrong, basic, board):
            status, _, _ = server.ask("POST", f"/api/{name}", {}, **headers)
            assert status == 401

    def test_without_a_key_there_is_no_news(self, server: ClassServer) -> None:
        assert server.ask("GET", "/api/learner/news?after=0")[0] == 401

    def test_a_learner_reads_nothing_of_others(
        self, server: ClassServer, board: dict[str, str], outline: Outline
    ) -> None:
        """Everything that a learner may ask for, with another one in the class."""
        other = join(server, "Rumpelstilzchen")
        sent = {"events": [vote(outline, "predict 5.1", 0)]}
        server.ask("POST", "/api/events", sent, **bearer(other))
        me = bearer(join(server))
        server.ask(
            "POST", "/api/board/reveal", {"question": sent["events"][0]["question"]}, **board
        )
        heard = [server.ask("GET", "/api/learner/news?after=0", **me)[1]]
        heard += [server.ask("POST", f"/api/{each}", {}, **me)[1] for each in LEARNERS_POSTS[:3]]
        heard += [join(server)]
        heard += [
            server.ask("GET", f"/{path}", **me)[1] for path in ("", "board", "api", "nothing")
        ]
        told = json.dumps(heard)
        for secret in ("Rumpel", other["learner"], other["key"], other["pseudonym"], server.secret):
            assert secret not in told

    def test_one_learner_cannot_send_in_anothers_name(
        self, server: ClassServer, board: dict[str, str], outline: Outline
    ) -> None:
        mine, other = join(server), join(server)
        event = vote(outline, "predict 5.2", 0)
        for forged in (
            {"events": [{**event, "learner": other["learner"]}]},
            {"events": [event], "learner": other["learner"]},
        ):
            server.ask("POST", "/api/events", forged, **bearer(mine))
        learners = server.state(board["Cookie"])["learners"]
        assert learners[other["learner"]]["done"] == {}
        assert learners[mine["learner"]]["done"] == {}

    def test_a_forgotten_learner_is_nobody(self, server: ClassServer) -> None:
        joined = join(server)
        assert server.ask("POST", "/api/forget", **bearer(joined))[0] == 200
        assert server.ask("POST", "/api/hand", {"up": True}, **bearer(joined))[0] == 401


class TestOtherPages:
    """What a page of somebody else's in the same browser may do: nothing."""

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
    def test_a_name_that_is_not_ours_is_refused(self, server: ClassServer, host: str) -> None:
        for path in ("/", "/board", "/api/board/stream"):
            assert server.ask("GET", path, Host=host)[0] == 403

    def test_our_own_names_are_answered(self, server: ClassServer) -> None:
        for host in (f"localhost:{server.port}", f"127.0.0.1:{server.port}", "[::1]:1"):
            assert server.ask("GET", "/pages/join.html", Host=host)[0] == 200

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
    def test_another_origin_is_refused_with_the_right_cookie(
        self, server: ClassServer, board: dict[str, str], origin: str
    ) -> None:
        status, _, headers = server.ask(
            "POST", "/api/board/names", {"shown": True}, Origin=origin, **board
        )
        assert status == 403
        assert "access-control-allow-origin" not in {name.lower() for name in headers}
        asked = {"code": server.code}
        assert server.ask("POST", "/api/join", asked, Origin=origin)[0] == 403

    def test_our_own_origin_is_answered(self, server: ClassServer, board: dict[str, str]) -> None:
        own = {"Origin": server.address, **board}
        assert server.ask("POST", "/api/board/names", {"shown": False}, **own)[0] == 200

    def test_what_a_browser_calls_cross_site_is_refused(
        self, server: ClassServer, board: dict[str, str]
    ) -> None:
        from_elsewhere = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}
        assert server.ask("GET", "/api/board/export.csv", **from_elsewhere, **board)[0] == 403
        link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
        assert server.ask("GET", "/", **link)[0] == 200

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
    )
    def test_a_form_is_no_request(
        self, server: ClassServer, board: dict[str, str], kind: str
    ) -> None:
        form = {"Content_Type": kind, **board}
        assert server.ask("POST", "/api/board/names", {"shown": True}, **form)[0] == 415

    def test_every_answer_says_what_a_browser_may_do(self, server: ClassServer) -> None:
        for path in ("/pages/join.html", "/pages/join.js", "/api/board/stream", "/none"):
            _, _, headers = server.ask("GET", path)
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            if not path.startswith("/none"):
                assert headers["content-security-policy"] == STRICT_POLICY, path
            assert "server" not in headers

    def test_the_policy_lets_no_other_script_in(self) -> None:
        directives = dict(each.split(" ", 1) for each in STRICT_POLICY.split("; "))
        assert directives["default-src"] == "'none'"
        assert directives["script-src"] == directives["connect-src"] == "'self'"
        assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"


class Inline(HTMLParser):
    """Finds what a strict policy would stop."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.found += [name for name in named if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.found.append(tag)
        for name in ("src", "href"):
            if re.match("[a-z]+:|//", named.get(name) or ""):
                self.found.append(str(named[name]))


@pytest.mark.parametrize("page", sorted(PAGES.rglob("*.html")), ids=lambda page: page.name)
def test_no_page_has_a_script_inside_or_asks_elsewhere(page: Path) -> None:
    parser = Inline()
    parser.feed(page.read_text("utf-8"))
    assert parser.found == []


def test_no_script_makes_markup_of_text() -> None:
    for script in PAGES.rglob("*.js"):
        found = re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function",
            script.read_text("utf-8"),
        )
        assert not found, script.name


class TestSizes:
    def test_a_large_request_is_refused(self, server: ClassServer) -> None:
        large = {"code": "x" * LARGEST}
        assert server.ask("POST", "/api/join", large)[0] == 413

    def test_one_that_does_not_say_its_size_too(self, server: ClassServer) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        chunks = (b"x" * 65536 for _ in range(8))
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/api/join", chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()

    @pytest.mark.parametrize(
        "content", [b"[]", b"5", b"{", b'"a"', b"\xff", b"[" * 100_000, b"{}x"]
    )
    def test_what_is_no_object_is_refused(self, server: ClassServer, content: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("POST", "/api/join", content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 400
        assert json.loads(answer.read())["error"]
        connection.close()

    @pytest.mark.parametrize("after", ["x", "-1", "1e9", "9" * 40, "²"])
    def test_no_number_is_refused(self, server: ClassServer, after: str) -> None:
        path = f"/api/learner/news?after={quote(after)}"
        assert server.ask("GET", path, **bearer(join(server)))[0] == 400

    def test_so_many_requests_of_a_learner_may_wait(self, server: ClassServer) -> None:
        key = bearer(join(server))
        _, heard, _ = server.ask("GET", "/api/learner/news?after=0", **key)
        waiting = []
        for _ in range(13):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            path = f"/api/learner/news?after={heard['last']}&wait=20"
            connection.request("GET", path, headers=key)
            waiting.append(connection)
        # The last one to arrive is answered at once; which that is, the server decides.
        ready, _, _ = select.select([each.sock for each in waiting], [], [], 10)
        (refused,) = [each for each in waiting if each.sock in ready]
        assert refused.getresponse().status == 429
        for connection in waiting:
            connection.close()

    def test_a_learner_who_goes_away_waits_no_longer(self, server: ClassServer) -> None:
        """A closed connection does not count for ever among those that wait."""
        key = bearer(join(server))
        with socket.create_connection(("127.0.0.1", server.port)) as one:
            one.sendall(b"GET /api/learner/news?wait=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            one.sendall(f"Authorization: {key['Authorization']}\r\n\r\n".encode())
        assert server.ask("GET", "/api/learner/news?after=0", **key)[0] == 200


class TestPages:
    def test_without_a_browser_edition_the_address_says_how_to_join(
        self, plain: ClassServer
    ) -> None:
        status, page, headers = plain.ask("GET", "/")
        assert status == 200
        assert headers["content-type"].startswith("text/html")
        assert "join(" in page
        assert plain.code not in page

    def test_with_a_browser_edition_the_address_leads_to_it(self, server: ClassServer) -> None:
        _, page, _ = server.ask("GET", "/")
        assert 'href="course/"' in page
        assert "join(code=" in page
        assert server.code not in page
        assert server.ask("GET", "/course/")[1] == "<h1>The browser edition</h1>"
        _, page, headers = server.ask("GET", "/course/lab/index.html")
        assert page == "<h1>Lab</h1>"
        assert "'unsafe-eval'" in headers["content-security-policy"]
        assert "service-worker-allowed" not in {name.lower() for name in headers}

    def test_a_browser_edition_is_told_that_it_is_a_class_s(
        self, server: ClassServer, plain: ClassServer
    ) -> None:
        assert server.ask("GET", "/course/class.json")[:2] == (200, {"class": True})
        assert plain.ask("GET", "/course/class.json")[0] == 404

    @pytest.mark.parametrize(
        "path",
        ["/course/../class.sqlite", "/course/%2e%2e/x", "/course/lab/../../x", "/course//etc"],
    )
    def test_no_path_leads_out_of_it(self, server: ClassServer, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()

    def test_pages_are_looked_up_anew(self, server: ClassServer) -> None:
        for path, kind in (("join.js", "javascript"), ("join.css", "css"), ("course.css", "css")):
            status, _, headers = server.ask("GET", f"/pages/{path}")
            assert status == 200
            assert kind in headers["content-type"]
            assert headers["cache-control"] == "no-cache"

    def test_the_qr_code_is_a_picture(self, server: ClassServer, board: dict[str, str]) -> None:
        status, picture, headers = server.ask("GET", "/api/board/qr.svg", **board)
        assert status == 200
        assert headers["content-type"] == "image/svg+xml"
        assert "<svg" in picture
        assert "<script" not in picture

    def test_an_export_is_a_download(self, server: ClassServer, board: dict[str, str]) -> None:
        status, text, headers = server.ask("GET", "/api/board/export.csv", **board)
        assert status == 200
        assert headers["content-disposition"] == 'attachment; filename="class.csv"'
        assert text.startswith("learner,time,")
        assert headers["cache-control"] == "no-store"


class TestStream:
    def test_it_begins_with_the_state_and_goes_on_with_changes(
        self, server: ClassServer, board: dict[str, str], outline: Outline
    ) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/api/board/stream", headers=board)
        stream = connection.getresponse()
        assert stream.getheader("content-type", "").startswith("text/event-stream")
        assert stream.readline() == b"event: state\n"
        state = json.loads(stream.readline().removeprefix(b"data: "))
        assert state["class"]["title"] == "<b>Monday</b>"
        assert state["class"]["code"] == server.code
        assert len(state["plans"]) > 1
        joined = join(server, "<img src=x onerror=alert(1)>")
        while stream.readline() != b"event: change\n":
            pass
        change = json.loads(stream.readline().removeprefix(b"data: "))
        assert joined["learner"] in change["learners"]
        connection.close()

    def test_a_board_hears_that_the_server_is_there(
        self, server: ClassServer, board: dict[str, str]
    ) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/api/board/stream", headers=board)
        stream = connection.getresponse()
        assert any(stream.readline().startswith(b":") for _ in range(60))
        connection.close()

    def test_acts_reach_the_state(
        self, server: ClassServer, board: dict[str, str], outline: Outline
    ) -> None:
        asked = {"plan": "90-minutes", "section": 0}
        assert server.ask("POST", "/api/board/plan", asked, **board)[0] == 200
        assert server.state(board["Cookie"])["class"]["plan"]["section"] == 0
        wrong = {"plan": "90-minutes", "section": 99}
        status, answer, _ = server.ask("POST", "/api/board/plan", wrong, **board)
        assert status == 400
        assert answer["error"].endswith(".")
