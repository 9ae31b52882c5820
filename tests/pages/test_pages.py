"""The pages of the course: whole, valid, linked, and nothing in them from anywhere else."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import pages
from browser.build import LESSON
from pages.lesson import OUTCOME, read_lesson
from tests.support.lessons import LESSONS, ROOT

VOID = {"meta", "link", "img", "br", "hr", "input", "wbr", "col"}
# What a browser closes by itself, so that the tree is another one than the text says.
NEVER_IN_P = {"p", "div", "ul", "ol", "table", "pre", "details", "h1", "h2", "h3", "section", "nav"}


class Page(HTMLParser):
    """A page as a parser of HTML reads it: its elements, its ids, and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.text = path.read_text("utf-8")
        self.ids: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(self.text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if len(given) < len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice: {attrs}")
        if "p" in self._open and tag in NEVER_IN_P:
            self.wrong.append(f"<{tag}> in <p>, {self.getpos()}")
        if "id" in given:
            self.ids.append(given["id"])
        self.elements.append((tag, given))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.wrong.append(f"</{tag}> within {self._open[-3:]}, {self.getpos()}")

    def of(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def addresses(self) -> Iterator[str]:
        for _, attributes in self.elements:
            for name in ("href", "src", "srcset", "data", "poster", "action", "xlink:href"):
                if name in attributes:
                    yield attributes[name]


@dataclass
class Site:
    """The pages in a folder, by their path within it."""

    root: Path
    pages: dict[str, Page] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in sorted(self.root.rglob("*.html")):
            self.pages[path.relative_to(self.root).as_posix()] = Page(path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    root = tmp_path_factory.mktemp("site")
    pages.build(root, LESSON)
    return Site(root)


def test_every_lesson_and_paper_is_a_page(site: Site) -> None:
    lessons = {f"lessons/{path.stem}.html" for path in LESSONS}
    papers = {"index.html", "about.html", "architecture.html", "contributing.html"}
    assert lessons | papers <= site.pages.keys()
    assert ("guide.html" in site.pages) == (ROOT / "classroom" / "guide.md").exists()


def test_the_pages_are_valid(site: Site) -> None:
    """What needs no list of all elements: tags that close each other, ids once, attributes once.

    The Nu HTML Checker found nothing either when the pages were made.
    """
    for name, page in site.pages.items():
        assert not page.wrong, f"{name}: {page.wrong[:5]}"
        assert len(page.ids) == len(set(page.ids)), name
        assert page.text.startswith("<!doctype html>"), name
        assert "<style" not in page.text, f"{name}: a style sheet in the text"


def test_each_page_says_what_it_is_to_every_reader(site: Site) -> None:
    titles = [re.findall("<title>(.+?)</title>", page.text) for page in site.pages.values()]
    assert all(len(each) == 1 for each in titles)
    assert len({each[0] for each in titles}) == len(titles)
    for name, page in site.pages.items():
        assert page.of("html") == [{"lang": "en"}], name
        assert len(page.of("h1")) == 1, name
        assert [each.get("id") for each in page.of("main")] == ["main"], name
        links = page.of("a")
        assert links[0] == {"class": "skip", "href": "#main"}, name
        images = [each for each in page.of("img") if not each["src"].endswith("icon.svg")]
        assert all(len(each["alt"].split()) > 3 for each in images), name
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        steps = pairwise(levels)
        assert all(deeper - level <= 1 for level, deeper in steps), f"{name}: a level is left out"


def test_every_link_leads_somewhere(site: Site) -> None:
    for name, page in site.pages.items():
        for address in page.addresses():
            parts = urlsplit(address)
            if parts.scheme:
                assert re.fullmatch(r"https?", parts.scheme), f"{name}: {address}"
                assert re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc), f"{name}: {address}"
                continue
            assert not parts.netloc, f"{name}: {address}"
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            place = target.relative_to(site.root.resolve() if parts.path else site.root).as_posix()
            if place.startswith("live/"):
                found, lesson = address.split(LESSON)
                assert found in ("", "../"), address
                assert (ROOT / "notebooks" / lesson).exists(), address
                continue
            assert target.is_file(), f"{name}: {address}"
            if parts.fragment:
                assert parts.fragment in site.pages[place].ids, f"{name}: {address}"


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(site: Site) -> None:
    for name, page in site.pages.items():
        assert not page.of("script", "iframe", "object", "embed", "base", "form"), name
        handlers = [a for _, each in page.elements for a in each if a.startswith("on")]
        assert not handlers, name
        for each in page.of("link", "img", "source"):
            assert not urlsplit(each.get("href") or each.get("src") or "").scheme, name
    sheet = (site.root / "pages.css").read_text("utf-8")
    assert "@import" not in sheet
    assert "url(" not in sheet


def test_the_pages_import_nothing_of_the_course() -> None:
    """They show what was computed, and compute nothing."""
    for path in (ROOT / "pages").glob("*.py"):
        assert not re.search(r"^ *(import|from) workshop", path.read_text("utf-8"), re.M), path


def test_without_the_browser_edition_nothing_leads_there(tmp_path: Path) -> None:
    pages.build(tmp_path)
    for page in Site(tmp_path).pages.values():
        assert not [address for address in page.addresses() if "live/" in address]
        assert "Run this lesson" not in page.text


def test_building_again_changes_nothing(site: Site, tmp_path: Path) -> None:
    pages.build(tmp_path, LESSON)
    pages.build(tmp_path, LESSON)
    here, there = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path, site.root)
    )
    assert here == there


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_page_shows_what_its_notebook_shows(site: Site, path: Path) -> None:
    page = site.pages[f"lessons/{path.stem}.html"]
    plain = html.unescape(re.sub(r"<[^>]+>", "", page.text))
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            continue
        source = "".join(cell["source"])
        if not source.startswith(("predict(", "quiz(")):
            assert all(line.lstrip("# ") in plain for line in source.splitlines()), source
        for output in cell["outputs"]:
            data = output.get("data", {})
            if any("widget" in kind for kind in data):
                continue  # its static form stands before it
            shown = "".join(data.get("text/html", data.get("text/plain", output.get("text", ""))))
            if "text/html" in data:
                shown = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", shown, flags=re.S))
            words = shown.split()
            assert " ".join(words) in " ".join(plain.split()), source


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_leads_on(site: Site, path: Path) -> None:
    page = site.pages[f"lessons/{path.stem}.html"]
    place = LESSONS.index(path)
    leads = {each.get("rel"): each["href"] for each in page.of("a") if each.get("rel")}
    around = {"prev": place - 1, "next": place + 1}
    assert leads == {
        rel: f"{LESSONS[n].stem}.html" for rel, n in around.items() if n in range(len(LESSONS))
    }
    hrefs = [each.get("href") for each in page.of("a")]
    assert f"../{LESSON}{path.name}" in hrefs
    assert f"../notebooks/{path.name}" in hrefs
    contents = re.search(r'<nav class="contents".*?</nav>', page.text, re.S)
    assert contents
    headings = re.findall(r'<h2 id="([^"]+)">', page.text)
    assert re.findall(r'href="#([^"]+)"', contents[0]) == headings
    assert not [each for each in headings if each.startswith("what-happened")], "tells too much"


def test_the_start_page_has_the_words_of_readme(site: Site) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", site.pages["index.html"].text))
    rows = re.findall(r"^\| \[(.+?)\]\(notebooks/.+?\) \| (\d+) \| (.+?) \|$", readme, re.M)
    assert len(rows) == len(LESSONS)
    for name, minutes, aims in rows:
        assert name in text
        assert f"Afterwards you can {aims}." in text
        assert f"{minutes} minutes" in text
    assert "python3 workshop.py lab" in text
    hrefs = [each["href"] for each in site.pages["index.html"].of("a")]
    for path in LESSONS:
        assert f"lessons/{path.stem}.html" in hrefs
        assert f"{LESSON}{path.name}" in hrefs
    assert "LICENSE.txt" in hrefs


# --- The outcome of a prediction ----------------------------------------------------------


def notebook(*cells: tuple[str, str]) -> dict[str, object]:
    """A lesson of these cells after its title: (what it says or does, what it showed)."""
    made: list[dict[str, object]] = [
        {
            "cell_type": "markdown",
            "source": "# Title\n\nYou will see.\n\n**Time** 9 minutes",
        }
    ]
    for source, shown in cells:
        if shown == "text":
            made.append({"cell_type": "markdown", "source": source})
        else:
            outputs = [{"output_type": "stream", "name": "stdout", "text": shown}] if shown else []
            made.append({"cell_type": "code", "source": source, "metadata": {}, "outputs": outputs})
    return {"cells": made}


def open_text(tmp_path: Path, *cells: tuple[str, str]) -> str:
    """What the page of such a lesson shows while every outcome is folded away."""
    path = tmp_path / "00_title.ipynb"
    path.write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    body = read_lesson(path).body
    folds = body.count('<details class="outcome">')
    assert folds == body.count(OUTCOME)
    without = re.sub(r'<details class="outcome">.*?</details>', "", body, flags=re.S)
    return html.unescape(re.sub(r"<[^>]+>", "", without))


ASK = ('predict("0.1")', "Which?")
TOLD = ("### What happened: blue\n\nBecause.\n", "text")


def test_the_outcome_is_folded_from_the_first_output_to_what_happened(tmp_path: Path) -> None:
    shown = open_text(
        tmp_path,
        ("first", "red"),
        ASK,
        ("made()", ""),
        ("look()", "blue"),
        ("And now more closely.", "text"),
        ("again()", "blue, too"),
        (TOLD[0] + "\n## Next\n\nafterwards\n", "text"),
        ("third", "green"),
    )
    for visible in ("red", "Which?", "made()", "look()", "Next", "afterwards", "green"):
        assert visible in shown
    for hidden in ("blue", "Because", "closely", "again()", 'predict("'):
        assert hidden not in shown


def test_a_fold_ends_before_what_leads_to_the_next_prediction(tmp_path: Path) -> None:
    ask_again = ('predict("0.2")', "And who?")
    shown = open_text(
        tmp_path,
        ASK,
        ("one()", "blue"),
        ("A colleague comes.", "text"),
        ask_again,
        ("two()", "blue"),
        TOLD,
    )
    assert "A colleague comes." in shown
    assert "And who?" in shown
    assert "two()" in shown
    assert "blue" not in shown


def test_several_predictions_before_one_look_share_its_fold(tmp_path: Path) -> None:
    shown = open_text(tmp_path, ASK, ASK, ("Now run it.", "text"), ("one()", "blue"), TOLD)
    assert "Now run it." in shown
    assert "blue" not in shown


def test_a_section_without_a_question_hides_nothing(tmp_path: Path) -> None:
    shown = open_text(tmp_path, ("one()", "blue"), TOLD, ('quiz("0")', "Which?"), ("two()", "red"))
    assert "blue" in shown
    assert "red" in shown


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_what_happened_stands_open_below_its_prediction(path: Path) -> None:
    body = read_lesson(path).body
    asked = len(re.findall(r"<strong>Predict \d", body))
    assert 0 < body.count('<details class="outcome">') <= asked
    depth, open_question = 0, False
    outcome, what = r'<details class="outcome">', r'<h[23] id="[\w-]+'
    for part in re.findall(rf"{outcome}|<details>|</details>|<strong>Predict \d|{what}", body):
        if part.startswith("<details"):
            depth += 1
            open_question = open_question and "outcome" not in part
        elif part == "</details>":
            depth -= 1
        elif "Predict" in part:
            open_question = True
        elif "what-happened" in part:
            assert depth or not open_question, part
