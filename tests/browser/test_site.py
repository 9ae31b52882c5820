"""The built site: what is in it, and every lesson in it in headless Chromium.

The four compiled packages are Pyodide's, from its CDN, which no test reaches: here stand-ins lie
over the site (`tests/browser/stand_ins`), and nothing of them is in it.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import lessons
from browser.build import LESSON
from browser.wheels import COMPILED
from tests.notebooks.test_lessons_browser import OPTIONS, OURS
from tests.support.browser import Lab, Notebook, needs_chromium
from tests.support.lessons import LESSONS, code_cells
from tests.support.live_site import PATIENCE, LiveSite, learners_chromium, run_all

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing.")

pytestmark = [pytest.mark.slow, pytest.mark.long]


# --- What is in it ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lock(site: Path) -> dict[str, Any]:
    packages = json.loads((site / "live/packages/pyodide-lock.json").read_text("utf-8"))["packages"]
    return dict(packages)


def test_every_wheel_is_the_one_that_the_lock_names(site: Path, lock: dict[str, Any]) -> None:
    here = {path.name for path in (site / "live/packages").glob("*.whl")}
    for name, entry in lock.items():
        assert all(need in lock for need in entry["depends"]), name
        if name in COMPILED:
            assert re.fullmatch(r"https://[^?]+_wasm32\.whl", entry["file_name"])
            assert re.fullmatch("[0-9a-f]{64}", entry["sha256"])
            continue
        content = (site / "live/packages" / entry["file_name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        here.remove(entry["file_name"])
    assert not here


def test_it_is_small(site: Path) -> None:
    size = sum(path.stat().st_size for path in (site / "live").rglob("*") if path.is_file())
    assert size < 60e6


def test_nothing_of_the_tests_is_in_it(site: Path) -> None:
    for path in site.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"stand-in" not in path.name.encode()
            assert b"stand_in_remote" not in content, path
            if path.suffix == ".whl":
                with zipfile.ZipFile(path) as wheel:
                    assert not [name for name in wheel.namelist() if "stand_in" in name]


def test_each_package_has_its_licence(site: Path, lock: dict[str, Any]) -> None:
    listed = (site / "live/licences.txt").read_text("utf-8")
    for name, entry in lock.items():
        assert name in COMPILED or f"\n{name} {entry['version']}: " in listed


def test_no_address_but_pyodides_is_in_what_we_made(site: Path) -> None:
    for name in ("jupyter-lite.json", "packages/pyodide-lock.json"):
        hosts = re.findall(r"https?://([^/\"]+)", (site / "live" / name).read_text("utf-8"))
        assert set(hosts) <= {"cdn.jsdelivr.net"}


# --- Lessons in Chromium ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(server: LiveSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with learners_chromium(tmp_path_factory.mktemp("profile")) as context:
        page = context.new_page()
        page.asked = []
        context.on("request", lambda request: page.asked.append(request.url))
        page.by_worker = []
        context.on(
            "response",
            lambda got: page.by_worker.append(got.url) if got.from_service_worker else None,
        )
        yield Lab(server, page)  # type: ignore[arg-type]


@needs_chromium
def test_a_page_leads_into_its_lesson(lab: Lab, server: LiveSite) -> None:
    page = lab.page.context.new_page()
    page.goto(f"{server.origin}lessons/{LESSONS[1].stem}.html")
    page.get_by_role("link", name="Run this lesson").click()
    title = json.loads(LESSONS[1].read_text("utf-8"))["cells"][0]["source"][0].strip("# \n")
    page.locator(".jp-Notebook").get_by_role("heading", name=title).wait_for(timeout=120_000)
    page.close()


@needs_chromium
def test_on_a_telephone_the_lesson_has_the_width(lab: Lab, server: LiveSite) -> None:
    page = lab.page.context.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    for _ in range(2):  # what JupyterLab keeps of the first visit changes nothing
        page.goto(f"{server.origin}{LESSON}{LESSONS[1].name}")
        page.locator(".jp-Notebook").wait_for(timeout=120_000)
        page.wait_for_function(
            "document.querySelector('.jp-Notebook').clientWidth > 340", timeout=60_000
        )
        page.get_by_role("button", name="Run this cell").wait_for(timeout=60_000)
    page.close()


@needs_chromium
def test_axe_finds_nothing_of_ours_at_three_widths(lab: Lab, server: LiveSite) -> None:
    """Of ours in a lesson with a form; each lesson in JupyterLab: `tests/notebooks`."""
    page = lab.page.context.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    notebook = Lab(server, page).open(Path("/my-lessons") / LESSONS[2].name)  # type: ignore[arg-type]
    run_all(notebook)
    for width in (390, 820, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        found = axe.Axe().run(page, OURS, OPTIONS).response
        serious = [
            (width, rule["id"], node["html"])
            for rule in found["violations"]
            for node in rule["nodes"]
            if rule["impact"] in ("serious", "critical")
        ]
        # A table of a text may be wider than a telephone: the box that scrolls is JupyterLab's.
        assert not [each for each in serious if "jp-RenderedMarkdown" not in each[2]]
        assert "color-contrast" in [rule["id"] for rule in found["passes"]], "It did not look."
    notebook.close()
    page.close()


@pytest.fixture
def asked(lab: Lab) -> list[str]:
    """The address of each request so far."""
    return list(lab.page.asked)


@pytest.fixture(scope="module", params=[pytest.param(path, id=path.stem) for path in LESSONS])
def lesson(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A lesson after Run All, as JupyterLite has it."""
    notebook = lab.open(Path("/my-lessons") / request.param.name)
    run_all(notebook)
    yield notebook
    notebook.close()


@needs_chromium
def test_every_cell_runs_or_is_said_to_fail(lesson: Notebook) -> None:
    told = lessons.differences().get(lesson.path.name[:2], {"errors": []})["errors"]
    failed = []
    for cell in code_cells(lesson.content()):
        assert cell.execution_count, f"was not run: {cell.source}"
        for output in cell.outputs:
            if output.output_type == "error":
                failed.append(cell.id)
                assert cell.id in told, f"{output.ename}: {output.evalue}\nin {cell.source}"
            assert output.get("name") != "stderr", output.text
    assert failed == told


@needs_chromium
def test_every_question_is_asked(lesson: Notebook) -> None:
    asking = [
        line
        for source in lesson.sources()
        for line in source.splitlines()
        if re.match(r"(predict|quiz)\(", line)
    ]
    shown = lesson.find(".workshop-question")
    for number in range(len(asking)):
        shown.nth(number).locator("button").first.wait_for(timeout=PATIENCE * 1000)
    assert shown.count() == len(asking) > 1


@needs_chromium
def test_every_image_is_found(lesson: Notebook) -> None:
    images = lesson.find(".jp-MarkdownOutput img")
    assert images.count()
    for image in images.all():
        image.evaluate("image => image.decode()")  # raises if there is none


@needs_chromium
def test_no_request_leaves_for_anywhere_else(
    lesson: Notebook, asked: list[str], server: LiveSite
) -> None:
    local = (server.origin, "data:", "blob:")
    assert not [address for address in asked if not address.startswith(local)]


@needs_chromium
def test_files_come_past_the_service_worker(lesson: Notebook) -> None:
    """Of what comes from one, a browser keeps no compiled code for the next visit."""
    assert not [url for url in lesson.page.by_worker if "/api/" not in url]
