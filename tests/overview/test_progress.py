"""What `progress()` shows, in a notebook, as text and from a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.lessons import ROOT
from workshop_lib import overview, progress
from workshop_lib.display.style import Card, sheet
from workshop_lib.overview.__main__ import main
from workshop_lib.overview.outline import NoSuchLesson, lesson, lessons
from workshop_lib.overview.picture import drawn
from workshop_lib.overview.sheet import Sheet
from workshop_lib.overview.standing import standings
from workshop_lib.progress import FILE_NAME, Event, Journal, journal

FIVE = lesson("05")


def event(item: str, outcome: str, right: bool = True) -> Event:
    step = next(step for step in FIVE.steps if step.item == item)
    options = [mark for mark, is_right in step.options.items() if is_right == right]
    return Event("5", item, outcome, 1, step.about, options[0] if options else "")


DONE = (
    event("predict 5.1", "right"),
    event("predict 5.2", "wrong", right=False),
    event("check 5.1", "failed"),
    event("check 5.2", "passed"),
    event("quiz 5.1", "right"),
)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """The journal of a kernel in my-lessons."""
    kept = Journal(tmp_path / FILE_NAME)
    monkeypatch.setattr(overview, "learners_journal", lambda: kept)
    return kept


class TestInMyLessons:
    def test_of_one_lesson(self, kept: Journal) -> None:
        kept.append(*DONE)
        assert re.sub(" +", " ", repr(progress("05"))).splitlines()[3:] == [
            "05 SSE-S3 2 of 9, 1 at first try 1 of 2 1 of 5, 1 at first try 0",
            "Next: prediction 5.3.",
        ]

    def test_of_all(self, kept: Journal) -> None:
        kept.append(*DONE)
        shown = progress()
        assert isinstance(shown, Sheet)
        assert list(shown.table["lesson"]) == [
            *(f"{each.number} {each.title}" for each in lessons()), "all"
        ]  # fmt: skip
        row, total = shown.table.iloc[5], shown.table.iloc[-1]
        assert row["exercises"] == "1 of 2"
        questions = sum(len(each.of("quiz")) for each in lessons())
        assert total["quiz"] == f"1 of {questions}, 1 at first try"
        assert repr(shown).endswith("Next: lesson 05, SSE-S3: prediction 5.3.")

    def test_another_kernel_s_events_are_there(self, kept: Journal) -> None:
        assert "0 of 9" in repr(progress("05"))
        assert kept.path is not None
        Journal(kept.path).append(*DONE)
        assert "2 of 9" in repr(progress("05"))

    def test_where_nothing_can_be_written_it_says_so_once(self, kept: Journal) -> None:
        assert kept.path is not None
        kept.path.mkdir()
        kept.append(*DONE)
        assert "cannot be saved" in repr(progress("05"))
        shown = progress("05")
        assert "cannot be saved" not in repr(shown)
        assert "2 of 9" in repr(shown)

    def test_html_has_the_words_of_the_text(self, kept: Journal) -> None:
        kept.append(*DONE)
        shown = progress()
        assert isinstance(shown, Sheet)
        html = re.sub("<[^>]+>", "", shown._repr_html_())
        for words in ("2 of 9, 1 at first try", "Next: lesson 05, SSE-S3: prediction 5.3."):
            assert words in html

    def test_another_lesson_is_refused(self, kept: Journal) -> None:
        with pytest.raises(NoSuchLesson):
            progress("99")


class TestElsewhere:
    def test_it_says_where_progress_is_kept_and_the_same_every_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nowhere = Journal(None)
        monkeypatch.setattr(overview, "learners_journal", lambda: nowhere)
        before = progress("05")
        nowhere.append(*DONE)
        assert isinstance(before, Card)
        assert before == progress("05") == progress()
        assert "my-lessons" in repr(before)

    def test_another_lesson_is_refused_there_too(self) -> None:
        with pytest.raises(NoSuchLesson):
            progress("99")


def picture(*events: Event) -> ElementTree.Element:
    return ElementTree.fromstring(drawn(standings(lessons(), events)))


class TestThePicture:
    def test_says_in_words_what_it_shows(self) -> None:
        svg = picture(*DONE)
        assert svg.get("role") == "img"
        said = svg.get("aria-label") or ""
        assert said.startswith("What is done. Lesson 00 0 of 3 predictions,")
        assert "05 2 of 9 predictions, 1 of 2 exercises, 1 of 5 quiz." in said

    def test_has_a_mark_for_each_step_and_a_filling_for_each_state(self) -> None:
        marks = drawn(standings([FIVE], DONE))
        steps, states = len(FIVE.steps), 4
        outlines = re.findall(r'z" style="stroke', marks)
        assert len(outlines) == steps + states  # and the legend
        assert marks.count("l2.6 3 4.6 -6") == 3 + 1  # right at first try, or passed
        assert marks.count("<circle") == 2 + 2  # another answer first, and a check not passed
        assert marks.count('stroke-dasharray="2.5 2.5"') == steps - 5 + 1

    def test_explains_no_filling_that_is_not_there(self) -> None:
        words = "".join(picture().itertext())
        assert "to do" in words
        assert "passed" not in words

    def test_uses_the_course_s_colours(self) -> None:
        used = set(re.findall(r"var\((--course-[\w-]+)\)", drawn(standings([FIVE], DONE))))
        assert used <= set(re.findall(r"(--course-[\w-]+):", sheet()))
        assert not re.search(r"#[0-9a-f]{3,6}\b", drawn(standings([FIVE], DONE)))

    def test_everything_lies_within_its_frame(self) -> None:
        svg = picture(*DONE)
        width, height = map(float, (svg.get("viewBox") or "").split()[2:])
        for shape in svg:
            x, y = shape.get("x"), shape.get("y")
            if x is None or y is None:
                found = re.match(r"M(\S+) (\S+?)[a-z]", shape.get("d") or "M0 0z")
                assert found
                x, y = found.groups()
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height
        assert width <= 780, "it fits a notebook of 820 pixels"

    def test_is_plain_ascii(self) -> None:
        """Some pages pass drawings on in a form that knows no other letters."""
        assert drawn(standings(lessons(), DONE)).isascii()


class TestFromATerminal:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        Journal(tmp_path / FILE_NAME).append(*DONE)
        return tmp_path / FILE_NAME

    def test_it_is_printed(self, file: Path) -> None:
        command = [sys.executable, "-m", "workshop_lib.overview", str(file)]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "05 SSE-S3" in said.stdout
        assert said.stdout.endswith("Next: lesson 05, SSE-S3: prediction 5.3.\n")
        assert said.stderr == ""

    def test_a_reset_leaves_every_line_and_counts_none(self, file: Path) -> None:
        kept = file.read_bytes()
        kernel = Journal(file)
        assert len(kernel.events()) == len(DONE)
        assert main([str(file), "--reset", "05"]) == 0
        assert file.read_bytes().startswith(kept)
        assert kernel.events() == Journal(file).events() == []

    def test_a_reset_of_no_lesson(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        kept = file.read_bytes()
        assert main([str(file), "--reset", "99"]) == 1
        assert "There is no lesson '99'" in capsys.readouterr().err
        assert file.read_bytes() == kept

    def test_a_reset_that_cannot_be_written(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(journal, "_append_lines", full)
        assert main([str(file), "--reset", "05"]) == 1
        assert "cannot be written" in capsys.readouterr().err
