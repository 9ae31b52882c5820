"""The pages in headless Chromium: they fit, they load nothing else, and axe finds nothing.

Skipped, with the reason, where there is no Chromium or no Playwright.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pages
from browser.build import LESSON
from tests.support.browser import CHROMIUM, FLAGS, needs_chromium, playwright
from tests.support.lessons import LESSONS

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing.")

pytestmark = [pytest.mark.slow, needs_chromium]

TELEPHONE, TABLET, LAPTOP = 390, 820, 1280
NAMES = (
    "index",
    "about",
    "architecture",
    "contributing",
    "guide",
    *(f"lessons/{p.stem}" for p in LESSONS),
)
# Boxes that scroll by themselves, and what stands in them.
BOXES = "pre, .table, .picture, .output"
ALL = {"selectors": False}  # a message shows the element itself; a path to it costs time
# What is no matter of colour is the same in every theme.
COLOURS = {**ALL, "runOnly": {"type": "rule", "values": ["color-contrast"]}}
every_page = pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if n.endswith(("index", "here")) else pytest.mark.long)
        for n in NAMES
    ],
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    pages.build(root, LESSON)
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


def opened(browser: Any, site: Path, name: str, width: int, **options: Any) -> Any:
    """A page in a window of this width, and every fold of it open."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    page.goto((site / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    return page


@every_page
def test_nothing_is_wider_than_the_window(browser: Any, site: Path, name: str) -> None:
    page = opened(browser, site, name, TELEPHONE)
    for width in (TELEPHONE, TABLET, LAPTOP):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate(
            """boxes => [...document.querySelectorAll('main, main *')].filter(each =>
                each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
                && !each.parentElement.closest(boxes)
            ).map(each => each.outerHTML.slice(0, 200))""",
            BOXES,
        )
        assert not wide, f"{width} px: {wide[:3]}"
    page.close()


@every_page
def test_axe_finds_nothing(browser: Any, site: Path, name: str) -> None:
    """In the light theme on a telephone, where boxes scroll, and in the dark one on a laptop.

    In the dark one every third page is enough: they are of the same few parts.
    """
    dark = [("dark", LAPTOP, COLOURS)] if NAMES.index(name) % 3 == 0 else []
    for theme, width, options in [("light", TELEPHONE, ALL), *dark]:
        page = opened(browser, site, name, width, color_scheme=theme)
        found = axe.Axe().run(page, options=options).response
        assert not found["violations"], [
            (rule["id"], node["html"]) for rule in found["violations"] for node in rule["nodes"]
        ]
        assert "color-contrast" in [rule["id"] for rule in found["passes"]], "It did not look."
        page.close()


@every_page
def test_a_page_asks_for_its_own_files_only(browser: Any, site: Path, name: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto((site / f"{name}.html").as_uri(), wait_until="load")
    assert asked
    assert not [url for url in asked if not url.startswith(site.as_uri())]
    assert not failed
    page.close()


def test_an_outcome_opens_by_keyboard_and_all_of_them_by_one_box(browser: Any, site: Path) -> None:
    page = browser.new_page(java_script_enabled=True)
    page.goto((site / f"lessons/{LESSONS[0].stem}.html").as_uri())
    fold = page.locator("details.outcome").first
    told = fold.locator("h3")
    assert not told.is_visible()
    fold.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert told.is_visible()
    last = page.locator("details.outcome").last.locator("h3")
    assert not last.is_visible()
    page.locator(".all input").check()
    assert last.is_visible()
    page.close()


def test_on_paper_every_fold_is_open_and_nothing_to_press_is_left(browser: Any, site: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto((site / f"lessons/{LESSONS[0].stem}.html").as_uri())
    page.emulate_media(media="print")
    for each in page.locator("details.outcome h3").all():
        assert each.is_visible()
    for gone in (".bar", ".contents", ".actions", ".neighbours", ".all"):
        assert not page.locator(gone).first.is_visible(), gone
    page.close()
