"""A class whose server gives the browser edition: learners need nothing but a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.stand_ins.making import lay_over
from tests.support.browser import Lab, Notebook, needs_chromium
from tests.support.class_server import ClassServer, wait_until
from tests.support.lessons import LESSONS, ROOT
from tests.support.live_site import learners_chromium, run
from workshop_lib.progress import mark
from workshop_lib.questions import bank

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing.")

pytestmark = [pytest.mark.slow, pytest.mark.long, needs_chromium]
LESSON = Path("/my-lessons") / LESSONS[5].name
QUESTION = bank.prediction("5.1")
MARK = mark("predict", QUESTION.text)


class Class(ClassServer):
    """A class's server that has the site, and answers what the stand-ins in it ask."""

    module = "tests.browser.stand_ins.class_serving"


class Page:
    """What `Lab` asks of a server."""

    root = Path("/")

    def __init__(self, server: ClassServer) -> None:
        self._server = server

    def address(self) -> str:
        return f"{self._server.address}/course/live/lab/index.html"


@pytest.fixture(scope="module")
def server(site: Path, pinned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    home = tmp_path_factory.mktemp("class")
    lay_over(site, pinned, home / "over")
    shutil.copytree(site, home / "site")
    shutil.copytree(home / "over", home / "site", dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (pinned, ROOT))))
        server = Class(home / "kept", "--title", "Monday", "--site", str(home / "site"))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def lab(server: Class, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with learners_chromium(tmp_path_factory.mktemp("profile")) as context:
        page = context.new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        yield Lab(Page(server), page)  # type: ignore[arg-type]


def votes(server: ClassServer) -> list[list[int]]:
    """How the class voted, round by round; nothing before it is asked."""
    poll = server.state(server.open_board())["polls"].get(MARK, {"rounds": []})
    return [each["counts"] for each in poll["rounds"]]


def act(server: ClassServer, deed: str) -> None:
    status, _, _ = server.ask(
        "POST", f"/api/board/{deed}", {"question": MARK}, Cookie=server.open_board()
    )
    assert status == 200


def text(notebook: Notebook, words: str) -> Any:
    return notebook.find(".jp-OutputArea-output", has_text=words).first


def test_the_qr_codes_address_shows_the_code_and_leads_to_the_course(
    lab: Lab, server: Class
) -> None:
    page = lab.page.context.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{server.address}/#{server.code}")
    assert f'join(code="{server.code}")' in page.inner_text("pre")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not axe.Axe().run(page).response["violations"]
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the course").click()
    opened.value.get_by_role("link", name="Start in this browser").wait_for()
    opened.value.close()
    page.close()


def test_a_learner_joins_answers_votes_again_and_comes_back(lab: Lab, server: Class) -> None:
    notebook = lab.open(LESSON)
    run(notebook, "from workshop_lib import start_lab, predict, join, leave\nlab = start_lab()")
    text(notebook, "This page comes from a class").wait_for()
    run(notebook, "join(code='AAAAAA')")
    text(notebook, "This is not the class's code").wait_for()
    run(notebook, f"join(code={server.code!r}, name='Ada')")
    text(notebook, "You are in the class “Monday” as Ada").wait_for()
    run(notebook, "predict('5.1')")
    options = notebook.find(".workshop-question").first.locator("[role=radio]")
    options.first.click()
    wait_until(lambda: votes(server) == [[1, 0, 0]])
    act(server, "vote-again")
    text(notebook, "votes again").wait_for()
    options.first.click()
    wait_until(lambda: votes(server) == [[1, 0, 0], [1, 0, 0]])
    act(server, "reveal")
    text(notebook, "class: 1, then 1").wait_for()
    _, exported, _ = server.ask("GET", "/api/board/export.csv", Cookie=server.open_board())
    assert "predict 5.1" in str(exported)

    lab.load()
    notebook = lab.open(LESSON)
    run(notebook, "from workshop_lib import start_lab, hand, leave\nlab = start_lab()")
    run(notebook, "hand()")  # raises in a kernel that is in no class
    text(notebook, "Your hand is up").wait_for()
    run(notebook, "leave(forget=True)")
    text(notebook, "It deleted what it knew of you").wait_for()
    assert not [said for said in lab.page.said if "Content Security Policy" in said]
