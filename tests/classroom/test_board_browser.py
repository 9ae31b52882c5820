"""The instructor's board in headless Chromium: a real server, and twenty learners who do not exist.

Skipped, with the reason, where there is no Chromium or no Playwright.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import random
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from classroom.outline import Question, read_outline
from tests.support.browser import CHROMIUM, FLAGS, needs_chromium, playwright
from tests.support.class_learners import SimulatedLearner
from tests.support.class_server import ROOT, ClassServer, class_server

pytestmark = [pytest.mark.slow, pytest.mark.long, needs_chromium]

OUTLINE = read_outline(ROOT)
LESSON = next(lesson for lesson in OUTLINE.lessons if lesson.number == "05")
PREDICTIONS = [step.question for step in LESSON.steps if step.kind == "predict" and step.question]
MARKUP = "<img src=x onerror=alert(1)>"
LOOKS = {"width": 1280, "height": 800}


class Crowd:
    """Twenty learners in a class, driven from their own thread: Playwright has ours."""

    def __init__(self, server: ClassServer, count: int = 20) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        names = [MARKUP, *(f"Person {number}" for number in range(1, count))]
        self.learners = [
            SimulatedLearner(server.address, OUTLINE, random.Random(number), name)
            for number, name in enumerate(names)
        ]
        for learner in self.learners:
            self.do(partial(learner.join, server.code))

    def do(self, deed: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Have something done; again, if the server had closed a connection that was quiet."""
        try:
            return asyncio.run_coroutine_threadsafe(deed(), self._loop).result(60)
        except (OSError, EOFError):
            return asyncio.run_coroutine_threadsafe(deed(), self._loop).result(60)

    def choose(self, learner: int, question: Question, place: int) -> None:
        """One learner chooses an option of a prediction, and the class hears of it."""
        outcome = "right" if place == question.answer else "wrong"
        self.send(learner, question.item, outcome, question.mark, question.marks[place])

    def send(self, learner: int, item: str, outcome: str, *marks: str, condition: str = "") -> None:
        question, choice = marks or ("", "")
        event = {
            "id": uuid4().hex,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "lesson": item.split()[1].partition(".")[0],
            "item": item,
            "outcome": outcome,
            "attempt": 1,
            "question": question,
            "choice": choice,
            "condition": condition,
        }
        self.learners[learner].unsent.append(event)
        assert event["id"] in self.do(self.learners[learner].send)

    def raise_hand(self, learner: int, up: bool = True) -> None:
        self.do(partial(self.learners[learner].raise_hand, up))

    def end(self) -> None:
        for learner in self.learners:
            self._loop.call_soon_threadsafe(learner.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Board:
    """The board, open in a page. Whatever the browser complains of is in `complaints`."""

    def __init__(self, page: Any, server: ClassServer) -> None:
        self.page, self.server = page, server
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda request: self.asked.add(request.url))
        page.goto(f"{server.address}/board#{server.secret}")
        self.wait_for("live")

    def wait_for(self, link: str) -> None:
        self.page.wait_for_selector(f"body[data-link={link}]")

    def find(self, selector: str, **filters: Any) -> Any:
        return self.page.locator(selector, **filters)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def says(self, selector: str, text: str) -> None:
        """Wait until what matches, and is seen, holds a text."""
        self.find(f"{selector}:visible", has_text=text).first.wait_for()

    def counts(self, selector: str, number: int) -> None:
        """Wait until so many match."""
        playwright.expect(self.find(selector)).to_have_count(number, timeout=30_000)

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.innerText"))

    def show(self, question: Question) -> None:
        """Bring a prediction of lesson 05 to the front."""
        self.page.select_option("#lesson", "05")
        number = question.item.removeprefix("predict ")
        self.find("#poll-tabs [role=tab]", has_text=number).click()
        self.says("#poll .chip", number)

    def votes(self, box: str = "#poll") -> list[list[str]]:
        """The counts that are seen at each option: one for each vote."""
        options = self.find(f"{box} .options > li").all()
        return [option.locator(".votes strong").all_inner_texts() for option in options]

    def cell(self, row: int, item: str) -> Any:
        """The cell of a step, in a row of the table's body."""
        place = [step.item for step in LESSON.steps].index(item)
        return self.find("#grid tbody tr").nth(row).locator("td").nth(place + 1)

    def theme(self, name: str) -> None:
        self.page.evaluate(
            "name => { theme.value = name; theme.dispatchEvent(new Event('change')); }", name
        )

    def violations(self) -> list[str]:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        found = axe.run(self.page).response["violations"]
        return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassServer]:
    with class_server(tmp_path_factory.mktemp("class")) as server:
        yield server


@pytest.fixture(scope="module")
def crowd(server: ClassServer) -> Iterator[Crowd]:
    crowd = Crowd(server)
    yield crowd
    crowd.end()


@pytest.fixture
def board(browser: Any, server: ClassServer, crowd: Crowd) -> Iterator[Board]:
    page = browser.new_page(viewport=LOOKS)
    board = Board(page, server)
    yield board
    page.close()
    assert board.complaints == []
    assert {url for url in board.asked if not url.startswith(server.address)} == set()


def test_the_board_opens_by_its_link_alone(browser: Any, server: ClassServer) -> None:
    """The secret leaves the address bar, which a projector shows; the session stays."""
    page = browser.new_page()
    page.goto(f"{server.address}/board#wrong")
    page.wait_for_selector("body[data-link=closed]")
    assert "Open the board by the link" in page.inner_text("#lost")
    page.goto(f"{server.address}/board")
    page.wait_for_selector("body[data-link=closed]")
    page.goto("about:blank")
    board = Board(page, server)
    assert page.url == f"{server.address}/board"
    page.reload()
    board.wait_for("live")
    assert page.inner_text("#head-code") == server.code
    page.close()


def test_an_event_is_seen_and_nothing_else_moves(board: Board, crowd: Crowd) -> None:
    board.page.select_option("#lesson", "05")
    assert board.find("#grid tbody tr").count() == 20
    assert board.page.inner_text("#here") == "20"
    board.page.evaluate(
        """() => {
            window.touched = [];
            new MutationObserver(all => touched.push(...all.map(each => each.target)))
                .observe(document.querySelector('#grid tbody'),
                    {subtree: true, childList: true, characterData: true, attributes: true});
        }"""
    )
    crowd.send(4, "check 5.1", "passed")
    board.page.wait_for_selector("#grid td.passed")
    cell = board.find("#grid td.passed")
    assert cell.get_attribute("aria-label") == "passed"
    assert cell.inner_text() == "✓"
    assert board.page.evaluate("new Set(touched).size") == 1


def test_a_poll_is_voted_on_twice_and_revealed(board: Board, crowd: Crowd) -> None:
    question = PREDICTIONS[0]
    right, wrong = question.answer, (question.answer + 1) % len(question.options)
    for learner in range(20):
        crowd.choose(learner, question, wrong if learner < 13 else right)
    board.show(question)
    board.says("#poll .voters", "20 of 20 voted")
    assert [votes[0] for votes in board.votes()] == counts(question, {wrong: 13, right: 7})
    # Nobody reads the answer from the board: not in the poll, not in the learners' rows.
    assert board.find("#poll .right").count() == 0
    assert board.find("#grid td.chosen").count() == 20
    assert board.find("#grid td:is(.right, .wrong)").count() == 0

    board.find("#poll button", has_text="Vote again").click()
    board.says("#poll .voters", "2nd vote: 0 of 20")
    for learner in range(20):
        crowd.choose(learner, question, wrong if learner < 4 else right)
    board.says("#poll .voters", "2nd vote: 20 of 20")
    first, second = (
        counts(question, each) for each in ({wrong: 13, right: 7}, {wrong: 4, right: 16})
    )
    assert board.votes() == [list(each) for each in zip(first, second, strict=True)]
    assert board.find("#poll .verdict", has_text="right").count() == 0

    board.find("#poll button", has_text="Reveal").click()
    board.says("#poll .verdict", "✓ right")
    shown = board.find("#poll .options > .right .option").inner_text()
    assert shown == question.options[right].replace("`", "")
    board.counts("#grid td.right", 16)
    assert board.find("#grid td.wrong").count() == 4
    # Neither is asked for a second time.
    for name in ("Vote again", "Revealed"):
        button = board.find("#poll button", has_text=name)
        assert button.get_attribute("aria-disabled") == "true"
        button.click(force=True)
    assert board.find("#error").inner_text() == ""


def counts(question: Question, votes: dict[int, int]) -> list[str]:
    return [str(votes.get(place, 0)) for place in range(len(question.options))]


def test_a_prediction_fills_the_screen(board: Board, crowd: Crowd) -> None:
    question, after = PREDICTIONS[1:3]
    crowd.choose(0, question, 0)
    board.show(question)
    board.press("p")
    board.says("#poll-large .poll-text", question.text.split("`")[0].strip())
    board.says("#poll-large .voters", "1 of 20 voted")
    assert board.votes("#poll-large") == [[] for _ in question.options]  # not before they are asked
    board.press("b")
    board.page.wait_for_selector("#poll-large .bar")
    assert board.votes("#poll-large")[0] == ["1"]
    board.press("ArrowRight")
    board.says("#poll-large .chip", after.item.removeprefix("predict "))
    assert board.votes("#poll-large")[0] == []
    board.press("ArrowLeft", "r")
    assert board.focused() == "Reveal"
    board.press("Enter")
    board.says("#poll-large .verdict", "✓ right")
    board.press("Escape")
    assert not board.find("#poll-screen").is_visible()
    assert board.find("#poll .chip").inner_text() == f"Prediction {question.item.split()[1]}"


@pytest.mark.parametrize("width", [820, 1280, 1920])
def test_the_longest_question_fits_on_the_screen(board: Board, width: int) -> None:
    board.page.set_viewport_size({"width": width, "height": width * 9 // 16})
    longest = max(
        (step for lesson in OUTLINE.lessons for step in lesson.steps if step.kind == "predict"),
        key=lambda step: len(step.question.text) if step.question else 0,
    )
    number = longest.item.removeprefix("predict ")
    board.page.select_option("#lesson", number.partition(".")[0].zfill(2))
    board.find("#poll-tabs [role=tab]", has_text=number).click()
    board.press("p", "b")
    board.page.wait_for_selector("#poll-large .bar")
    box = "document.getElementById('poll-large')"
    assert board.page.evaluate(f"{box}.scrollHeight <= {box}.clientHeight")
    assert board.page.evaluate(f"parseFloat(getComputedStyle({box}).fontSize)") >= 14


def test_hands_come_in_order_are_said_and_go(board: Board, crowd: Crowd) -> None:
    crowd.raise_hand(7)
    board.page.wait_for_selector("#hands li")
    first = board.find("#hands strong").inner_text()
    crowd.raise_hand(2)
    board.page.wait_for_selector("#hands li:nth-child(2)")
    assert board.find("#hands strong").first.inner_text() == first
    second = board.find("#hands strong").nth(1).inner_text()
    assert board.page.inner_text("#said") == f"1 hand up: {second}."
    board.press("h")
    assert board.page.evaluate("document.activeElement.ariaLabel") == f"Done: {first}"
    board.press("Enter")
    board.page.wait_for_selector("#hands li:nth-child(2)", state="detached")
    assert board.page.evaluate("document.activeElement.ariaLabel") == f"Done: {second}"
    board.press("Enter")
    board.page.wait_for_selector("#no-hands")
    assert board.focused().startswith("Hands up")
    assert {each["hand"] for each in state(board)["learners"].values()} == {None}


def state(board: Board) -> dict[str, Any]:
    return board.server.state(board.server.open_board())


def test_names_are_shown_when_asked_for_and_are_text(board: Board) -> None:
    names = board.find("#grid tbody .name")
    assert not {"Person 1", MARKUP} & set(names.all_inner_texts())
    board.page.click(".menu-open")
    board.page.check("#names")
    board.says("#grid .name", MARKUP)
    assert {"Person 1", MARKUP} <= set(names.all_inner_texts())
    assert board.find("main img").count() == 0
    board.page.uncheck("#names")
    board.find("#grid .name", has_text=MARKUP).wait_for(state="detached")


def test_the_order_and_who_needs_help(board: Board, crowd: Crowd) -> None:
    board.page.select_option("#lesson", "05")
    for _ in range(3):
        crowd.send(11, "check 5.2", "failed", condition="the policy lets uploads name any key")
    board.says("#grid .stuck .condition", "stuck in 5.2")
    board.says("#stuck li", "the policy lets uploads name any key")
    assert "1 learner" in board.find("#stuck li").first.inner_text()
    crowd.raise_hand(12)
    board.page.select_option("#order", "help")
    board.page.wait_for_selector("#grid tbody .hand:first-child + .stuck")
    crowd.raise_hand(12, up=False)
    crowd.send(11, "check 5.2", "passed")
    board.find("#grid .stuck").wait_for(state="detached")
    board.page.select_option("#order", "far")
    assert board.cell(0, "check 5.2").get_attribute("class") == "passed"
    names = board.find("#grid tbody .name").all_inner_texts()
    board.page.select_option("#order", "name")
    assert sorted(names) == board.find("#grid tbody .name").all_inner_texts()


def test_the_plan_is_chosen_and_gone_through(board: Board) -> None:
    plan = next(plan for plan in state(board)["plans"] if plan["name"] == "90-minutes")
    board.press("n")
    board.page.select_option("#plan select", plan["name"])
    board.find("#plan button", has_text="Choose").click()
    board.says("#now-by-plan", "not started yet")
    board.press("n")
    for number, section in enumerate(plan["sections"]):
        assert board.focused() == ("Next" if number else "Start")
        board.press("Enter")
        board.says("#plan [aria-current=step]", section["title"])
        board.says("#now-by-plan", f"{section['minutes']} min left")
    board.find("#plan button", has_text="Back").click()
    board.says("#plan [aria-current=step]", plan["sections"][-2]["title"])
    board.find("#plan button", has_text="Next").click()
    board.find("#plan button", has_text="End").click()
    board.says("#now-by-plan", "all done")
    board.find("#plan button", has_text="Another plan").click()
    board.page.wait_for_selector("#plan select:visible")


def test_a_section_that_takes_longer_is_seen(browser: Any, tmp_path: Path) -> None:
    with class_server(tmp_path) as server:
        cookie = server.open_board()
        begin = {"plan": "90-minutes", "section": 0}
        server.ask("POST", "/api/board/plan", begin, Cookie=cookie)
        server.stop()
        begun = (datetime.now(UTC) - timedelta(minutes=14)).isoformat()
        with contextlib.closing(sqlite3.connect(tmp_path / "class.sqlite")) as store:
            plan = {"name": "90-minutes", "section": 0, "started": begun, "since": begun}
            store.execute("UPDATE settings SET value = ? WHERE name = 'plan'", [json.dumps(plan)])
            store.commit()
        server.start()
        board = Board(browser.new_page(viewport=LOOKS), server)
        board.says("#now-by-plan.over", "min over")
        # Four minutes, or what the test has taken since.
        over = board.find("#plan .over .left").inner_text()
        assert 4 <= int(over.removesuffix(" min over")) < 10
        board.says("#plan .dim", "min later than planned")
        board.find("#plan button", has_text="Next").click()
        board.says("#now-by-plan", "25 min left")
        board.page.close()


def test_the_export_is_for_a_spreadsheet(board: Board, crowd: Crowd) -> None:
    crowd.choose(3, PREDICTIONS[5], 1)
    board.page.click(".menu-open")
    with board.page.expect_download() as download:
        board.page.click("#csv")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert PREDICTIONS[5].options[1] in {row["choice"] for row in rows}


def test_the_grid_by_keys(board: Board) -> None:
    board.page.select_option("#lesson", "05")
    press, focus = board.press, "document.activeElement"
    press("g")
    place = f"[{focus}.closest('tr').rowIndex, {focus}.closest('th, td').cellIndex]"
    last = len(LESSON.steps) + 1
    for keys, expected in [
        ([], [2, 0]), (["ArrowUp"], [1, 0]), (["ArrowUp", "ArrowUp"], [0, 0]),
        (["End"], [0, last]), (["ArrowRight", "ArrowDown"], [1, last]), (["PageDown"], [11, last]),
        (["Control+End"], [21, last]), (["ArrowLeft"], [21, last - 1]),
        (["PageUp"], [11, last - 1]), (["Home"], [11, 0]),
        (["Control+Home", "ArrowRight", "ArrowRight"], [0, 2]),
    ]:  # fmt: skip
        press(*keys)
        assert board.page.evaluate(place) == expected, keys
    assert "prediction 5.1" in board.page.inner_text("#told")
    press("ArrowRight", "Enter")  # the heading of prediction 5.2 shows it
    board.says("#poll .chip", "Prediction 5.2")
    assert board.page.evaluate(place) == [0, 3]
    press("Tab")  # All of the grid is one stop.
    assert not board.page.evaluate(f"{focus}.closest('#grid')")
    press("Shift+Tab")
    assert board.page.evaluate(place) == [0, 3]


def test_the_predictions_are_tabs(board: Board) -> None:
    board.show(PREDICTIONS[0])
    board.press("End")
    assert board.focused().startswith(PREDICTIONS[-1].item.split()[1])
    board.says("#poll .chip", PREDICTIONS[-1].item.split()[1])
    board.press("ArrowRight")
    board.says("#poll .chip", PREDICTIONS[0].item.split()[1])
    assert board.find("#poll-tabs [tabindex='0']").count() == 1


def test_single_keys_can_be_switched_off(board: Board) -> None:
    board.press("?")
    board.page.uncheck("#keys-on")
    board.press("Escape", "j")
    assert not board.find("#join").is_visible()
    board.page.click("#join-open")
    assert board.find("#join .join-code").inner_text() == board.server.code
    assert board.page.evaluate("document.querySelector('#join img').naturalWidth") > 0


@pytest.mark.parametrize("theme", ["light", "dark", "projector"])
def test_axe_finds_nothing(board: Board, crowd: Crowd, theme: str) -> None:
    board.theme(theme)
    board.show(PREDICTIONS[0])
    crowd.raise_hand(5)
    board.page.wait_for_selector("#hands li")
    assert board.violations() == []
    board.page.click(".menu-open")
    assert board.violations() == []
    for opens in ("#keys-open", "#forget-open", "#join-open", "#poll .large"):
        board.page.evaluate("opens => document.querySelector(opens).click()", opens)
        assert board.violations() == [], opens
        board.press("Escape")
    crowd.raise_hand(5, up=False)


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800), (820, 1180)])
def test_no_page_is_wider_than_its_window(board: Board, size: tuple[int, int]) -> None:
    board.page.set_viewport_size({"width": size[0], "height": size[1]})
    for lesson in OUTLINE.lessons:
        board.page.select_option("#lesson", lesson.number)
        page, grid = (
            board.page.evaluate(f"document.querySelector('{each}').scrollWidth")
            for each in ("html", "#grid-scroll")
        )
        assert page <= size[0]
        assert size[0] < 1000 or grid <= board.page.evaluate(
            "document.querySelector('#grid-scroll').clientWidth"
        )


def test_motion_is_left_out_for_who_wants_none(board: Board) -> None:
    moves = "getComputedStyle(document.querySelector('#poll .bar'), '::before').transitionDuration"
    board.page.wait_for_selector("#poll .bar")
    assert board.page.evaluate(moves) == "0.3s"
    board.page.emulate_media(reduced_motion="reduce")
    assert board.page.evaluate(moves) == "0s"


def test_the_board_goes_with_the_class_but_not_while_all_look_at_a_question(
    board: Board, crowd: Crowd
) -> None:
    everyone = range(len(crowd.learners))
    for learner in everyone:
        crowd.send(learner, "check 7.1", "passed")
    board.says("#grid thead", "7.1")
    board.press("p")
    board.says("#poll-large .chip", "Prediction 7.1")
    for learner in everyone:
        crowd.send(learner, "check 8.1", "passed")
    board.counts("#grid tbody .elsewhere", len(everyone))
    assert board.find("#poll-large .chip").inner_text() == "Prediction 7.1"
    board.press("Escape")
    board.says("#grid thead", "8.1")
    board.page.select_option("#lesson", "05")  # until another is chosen
    crowd.send(0, "check 8.2", "passed")
    assert "5.1" in board.find("#grid thead").inner_text()


def test_forty_learners_are_all_in_sight(browser: Any, tmp_path: Path) -> None:
    with class_server(tmp_path) as server:
        crowd = Crowd(server, 40)
        board = Board(browser.new_page(viewport=LOOKS), server)
        rows = board.find("#grid tbody tr")
        rows.nth(39).wait_for()
        bottom = rows.nth(39).bounding_box()
        assert bottom["y"] + bottom["height"] <= LOOKS["height"]
        size = "parseFloat(getComputedStyle(document.querySelector('#grid')).fontSize)"
        assert board.page.evaluate(size) >= 10
        board.page.close()
        crowd.end()


def test_a_server_that_dies_comes_back_and_one_that_forgets(browser: Any, tmp_path: Path) -> None:
    """The board says that what it shows is old, and has everything when the server is back."""
    with class_server(tmp_path) as server:
        crowd = Crowd(server)
        crowd.choose(0, PREDICTIONS[0], 0)
        board = Board(browser.new_page(viewport=LOOKS), server)
        board.page.wait_for_selector("#grid td.chosen")
        server.kill()
        board.wait_for("lost")
        board.says("#lost", "The connection to the class server is lost")
        assert board.find("#grid tbody tr").count() == 20
        board.find("#poll button", has_text="Reveal").click()
        board.says("#error", "did not answer")
        server.start()
        board.wait_for("live")
        assert board.page.inner_text("#lost") + board.page.inner_text("#error") == ""
        assert board.find("#grid td.chosen").count() == 1
        crowd.choose(1, PREDICTIONS[0], 0)
        board.counts("#grid td.chosen", 2)

        board.page.click(".menu-open")
        board.page.click("#forget-open")
        sure = board.find("#forget-sure")
        for typed, enabled in [("", False), ("WRONG1", False), (server.code.lower(), True)]:
            board.page.fill("#forget-typed", typed)
            assert sure.is_enabled() is enabled
        board.press("Escape")  # Nothing is forgotten by that.
        assert len(state(board)["learners"]) == 20
        board.page.click(".menu-open")
        board.page.click("#forget-open")
        board.page.type("#forget-typed", server.code)
        sure.click()
        board.page.wait_for_selector("#nobody")
        assert board.page.inner_text("#here") == "0"
        assert state(board)["learners"] == {}
        board.page.close()
        crowd.end()
