"""The learner's events: kept by several kernels at once, over kills and damage. No widgets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.lessons import ROOT
from workshop_lib.progress import FILE_NAME, Event, Journal, journal, learners_journal


def event(number: int = 1, question: str = "q") -> Event:
    return Event("5", "predict 5.3", "right", number, question, "c")


def attempts(path: Path) -> list[int]:
    return [each.attempt for each in Journal(path).events()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


class TestEvents:
    def test_a_line_holds_what_was_asked_and_answered(self) -> None:
        known = json.loads(event().line())
        assert set(known) == {
            "id", "time", "lesson", "item", "outcome", "attempt", "question", "choice", "condition",
            "state"
        }  # fmt: skip
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", known["time"])
        assert event().id != event().id

    @given(st.builds(Event, *[st.text()] * 3, st.integers(), *[st.text()] * 4))
    def test_a_line_is_one_line_and_comes_back(self, event: Event) -> None:
        assert event.line().count(b"\n") == 1
        assert event.line().endswith(b"\n")
        assert Event.from_line(event.line()) == event

    def test_what_a_later_course_adds_is_left(self) -> None:
        first = event()
        line = json.dumps({**json.loads(first.line()), "minutes": 3})
        assert Event.from_line(line.encode()) == first

    def test_a_line_of_an_earlier_course_has_no_condition_and_no_state(self) -> None:
        line = (
            b'{"lesson":"5","item":"predict 5.3","outcome":"right","attempt":1,"question":"q",'
            b'"choice":"c","id":"1","time":"2026-11-28T19:00:00+00:00"}'
        )
        assert Event.from_line(line) == Event(
            "5", "predict 5.3", "right", 1, "q", "c", id="1", time="2026-11-28T19:00:00+00:00"
        )

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b"\xff\xfe",
            b"[" * 100_000,
            b"1" * 5000,
            event().line()[:-5],
            event().line().replace(b'"attempt":1', b'"attempt":"1"'),
            event().line().replace(b'"attempt":1', b'"attempt":true'),
            event().line().replace(b'"lesson":"5",', b""),
            event().line().replace(b'"condition":""', b'"condition":null'),
            event().line().replace(b'"state":""', b'"state":[]'),
        ],
        ids=range(13),
    )
    def test_a_damaged_line_is_no_event(self, line: bytes) -> None:
        assert Event.from_line(line) is None


class TestFile:
    def test_another_kernel_reads_what_one_wrote(self, path: Path) -> None:
        assert Journal(path).events() == []
        assert not path.exists()
        first, second = event(1), event(2, "other")
        Journal(path).append(first)
        Journal(path).append(second)
        assert Journal(path).events() == [first, second]
        assert Journal(path).of("other") == [second]

    def test_an_event_counts_once(self, path: Path) -> None:
        first = event()
        for each in (first, event(2), first):
            Journal(path).append(each)
        assert attempts(path) == [1, 2]

    @given(st.integers(0, 5), st.binary(max_size=400).filter(lambda noise: b"\n" not in noise))
    def test_a_damaged_line_costs_that_line(self, which: int, noise: bytes) -> None:
        assume(Event.from_line(noise) is None)
        with TemporaryDirectory() as folder:
            path = Path(folder) / FILE_NAME
            for number in range(6):
                Journal(path).append(event(number))
            lines = path.read_bytes().split(b"\n")
            lines[which] = noise
            path.write_bytes(b"\n".join(lines))
            assert attempts(path) == [number for number in range(6) if number != which]
            Journal(path).append(event(6))
            assert attempts(path)[-1] == 6

    @given(st.integers(min_value=0))
    def test_a_write_that_was_cut_short_costs_no_other(self, cut: int) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / FILE_NAME
            for number in range(3):
                Journal(path).append(event(number))
            content = path.read_bytes()
            os.truncate(path, cut % len(content))
            whole = content[: cut % len(content) + 1].count(b"\n")
            Journal(path).append(event(3))
            assert attempts(path)[:whole] == list(range(whole))
            assert attempts(path)[-1] == 3
            assert len(attempts(path)) == whole + 1

    @given(st.lists(st.integers(1, 20), min_size=2, max_size=6), st.booleans())
    def test_several_writers_at_once(self, counts: list[int], unfinished: bool) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / FILE_NAME
            path.write_bytes(b'{"id":' if unfinished else b"")

            def write(writer: int) -> None:
                for number in range(counts[writer]):
                    Journal(path).append(event(number, f"{writer}"))

            with ThreadPoolExecutor(len(counts)) as pool:
                list(pool.map(write, range(len(counts))))
            for writer, count in enumerate(counts):
                found = [each.attempt for each in Journal(path).of(f"{writer}")]
                assert found == list(range(count))


class TestAJournalThatReadBefore:
    """It reads what is new only, and still knows all that the file holds."""

    def both(self, path: Path, kept: Journal) -> None:
        assert kept.events() == Journal(path).events()
        assert kept.of("q") == Journal(path).of("q")

    def test_sees_what_others_add(self, path: Path) -> None:
        kept = Journal(path)
        for number in range(3):
            Journal(path).append(event(number), event(number, "other"))
            self.both(path, kept)
        assert len(kept.events()) == 6

    def test_reads_no_line_twice(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = Journal(path)
        kept.append(*map(event, range(50)))
        kept.events()
        read: list[bytes] = []
        whole = Event.from_line

        def from_line(line: bytes) -> Event | None:
            read.append(line)
            return whole(line)

        monkeypatch.setattr(Event, "from_line", from_line)
        kept.append(event(50))
        assert kept.of("q")[-1].attempt == 50
        assert kept.of("q")[-1].attempt == 50
        assert len(read) == 1

    @given(st.lists(st.integers(1, 400), max_size=8))
    def test_sees_a_file_that_grows_by_parts_of_a_line(self, cuts: list[int]) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / FILE_NAME
            content = b"".join(event(number).line() for number in range(6))
            kept = Journal(path)
            end = 0
            for cut in [*cuts, len(content)]:
                with path.open("ab") as file:
                    file.write(content[end : end + cut])
                end += cut
                self.both(path, kept)
            assert len(kept.events()) == 6

    @pytest.mark.parametrize("lines", [0, 1, 3, 9], ids=["gone", "shorter", "same", "longer"])
    def test_sees_another_file_in_its_place(self, path: Path, lines: int) -> None:
        kept = Journal(path)
        kept.append(*map(event, range(3)))
        kept.events()
        path.unlink()
        for number in range(lines):
            Journal(path).append(event(number + 10))
        self.both(path, kept)
        kept.append(event(99))
        self.both(path, kept)

    def test_keeps_what_could_not_be_written_when_the_file_is_another(self, path: Path) -> None:
        path.mkdir()
        kept = Journal(path)
        kept.append(event(1))
        path.rmdir()
        path.write_bytes(event(2).line())
        assert [each.attempt for each in kept.events()] == [1, 2]
        path.write_bytes(event(3).line())
        assert sorted(each.attempt for each in kept.events()) == [1, 3]

    def test_of_twenty_thousand_events_reads_only_the_new_bytes(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path.write_bytes(b"".join(event(number, f"{number}").line() for number in range(20_000)))
        kept = Journal(path)
        assert kept.of("7")[0].attempt == 7
        sizes: list[int] = []
        rest = kept._rest

        def measured() -> bytes:
            content = rest()
            sizes.append(len(content))
            return content

        monkeypatch.setattr(kept, "_rest", measured)
        assert kept.of("8")[0].attempt == 8
        assert max(sizes) < 1000


class TestReset:
    def test_takes_back_what_was_noted_before_and_nothing_else(self, path: Path) -> None:
        kept = Journal(path)
        first, other = event(1), event(1, "other")
        kept.append(first, other)
        kept.append(Event("5", "predict 5.3", "reset", 0, "q", ""))
        assert kept.events() == [other]
        assert kept.of("q") == []
        kept.append(again := event(1))
        assert kept.events() == Journal(path).events() == [other, again]

    def test_what_is_sent_again_stays_away(self, path: Path) -> None:
        kept = Journal(path)
        kept.append(first := event(1))
        kept.append(Event("5", "predict 5.3", "reset", 0, "q", ""))
        kept.append(first)
        assert kept.events() == Journal(path).events() == []

    def test_of_a_form_goes_by_its_call(self, path: Path) -> None:
        kept = Journal(path)
        kept.see("5", "tamper 5")
        kept.append(Event("5", "tamper 5", "reset", 0, "", ""))
        assert kept.events() == []
        kept.see("5", "tamper 5")
        assert [each.outcome for each in Journal(path).events()] == ["seen"]


class TestSeen:
    def test_once_by_whomever(self, path: Path) -> None:
        for _ in range(2):
            Journal(path).see("5", "predict 5.3", "q")
        told = [(each.item, each.outcome, each.attempt) for each in Journal(path).events()]
        assert told == [("predict 5.3", "seen", 0)]

    def test_what_was_answered_was_seen(self, path: Path) -> None:
        Journal(path).append(event())
        Journal(path).see("5", "predict 5.3", "q")
        assert [each.outcome for each in Journal(path).events()] == ["right"]

    def test_a_form_belongs_to_the_lesson_that_was_asked_last(self, path: Path) -> None:
        kept = Journal(path)
        kept.see_form("tamper")  # nobody knows where
        kept.see("5", "predict 5.3", "q")
        kept.see_form("tamper")
        kept.append(Event("6", "check 6.1", "failed", 1, "x", ""))
        kept.see_form("tamper")
        assert [each.item for each in kept.events()] == [
            "predict 5.3", "tamper 5", "check 6.1", "tamper 6"
        ]  # fmt: skip

    def test_a_form_of_a_lesson_that_was_seen_before(self, path: Path) -> None:
        Journal(path).see("5", "predict 5.3", "q")
        kept = Journal(path)
        kept.see("5", "predict 5.3", "q")
        kept.see_form("tamper")
        assert [each.item for each in kept.events()] == ["predict 5.3", "tamper 5"]


class TestFollowers:
    def test_are_handed_each_event_after_it_was_kept(self, path: Path) -> None:
        kept = Journal(path)
        found: list[tuple[Event, bool]] = []
        kept.append(event(0))
        stop = kept.follow(lambda each: found.append((each, each in Journal(path).events())))
        kept.append(first := event(1), second := event(2, "other"))
        Journal(path).append(event(3))  # another kernel follows its own
        assert found == [(first, True), (second, True)]
        stop()
        stop()
        kept.append(event(4))
        assert len(found) == 2

    @pytest.mark.parametrize("writable", [True, False])
    def test_one_that_fails_stops_nothing(
        self, path: Path, writable: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        if not writable:
            path.mkdir()
        kept = Journal(path)
        found: list[Event] = []

        def fails(each: Event) -> None:
            raise ValueError("no network")

        kept.follow(fails)
        kept.follow(found.append)
        kept.append(event(1))
        assert found == kept.events()
        assert "no network" in caplog.text

    def test_may_append(self, path: Path) -> None:
        kept = Journal(path)
        kept.follow(lambda each: kept.append(event(2)) if each.attempt == 1 else None)
        kept.append(event(1))
        assert attempts(path) == [1, 2]


WRITER = """
import sys
from pathlib import Path
from workshop_lib.progress import Event, Journal
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    journal.append(Event("5", "predict 5.3", "right", number, sys.argv[2], "c" * 200))
    print(number, flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_kernels_that_write_at_once_and_one_that_is_killed(path: Path) -> None:
    """What a kernel has been told is written stays, whatever becomes of it and of the others."""
    kernels = [writer(path, "a", 300), writer(path, "b", 300), writer(path, "killed", 10**9)]
    for _ in range(20):
        assert kernels[2].stdout is not None
        said = kernels[2].stdout.readline()
    kernels[2].kill()
    outputs = [kernel.communicate()[0] for kernel in kernels]
    assert [kernel.returncode for kernel in kernels[:2]] == [0, 0]
    assert outputs[0].count("\n") == outputs[1].count("\n") == 300
    for name in ("a", "b"):
        assert [each.attempt for each in Journal(path).of(name)] == list(range(300))
    killed = [each.attempt for each in Journal(path).of("killed")]
    assert killed == list(range(len(killed)))
    assert len(killed) > int(said)


class TestWhereNothingCanBeWritten:
    def unwritable(self, path: Path) -> None:
        path.mkdir()  # also for root, whom no permission stops

    def test_events_are_kept_in_the_process_and_that_is_said_once(self, path: Path) -> None:
        self.unwritable(path)
        kept = Journal(path)
        kept.append(event(1))
        assert str(path) in (said := kept.complaint())
        assert "until this kernel ends" in said
        kept.append(event(2))
        assert kept.complaint() == ""
        assert [each.attempt for each in kept.of("q")] == [1, 2]

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        kept = Journal(tmp_path / "gone" / FILE_NAME)
        kept.append(event())
        assert len(kept.events()) == 1
        assert "No such file" in kept.complaint()

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="There is no /dev/full.")
    def test_a_full_disk(self, path: Path) -> None:
        path.symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            journal._append_lines(path, b"1\n")

    def test_a_file_that_can_be_written_again(self, path: Path) -> None:
        self.unwritable(path)
        kept = Journal(path)
        kept.append(event(1))
        path.rmdir()
        kept.append(event(2))
        assert [each.attempt for each in kept.events()] == attempts(path) == [1, 2]

    def test_what_cannot_be_written_comes_after_what_was(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = Journal(path)
        kept.append(event(1))

        def full(path: Path, lines: bytes) -> None:
            with path.open("ab") as file:
                file.write(lines[:20])
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(journal, "_append_lines", full)
            kept.append(event(2))
            kept.append(event(3))
        assert [each.attempt for each in kept.events()] == [1, 2, 3]
        assert attempts(path) == [1]
        kept.append(event(4))
        assert [each.attempt for each in kept.events()] == attempts(path) == [1, 2, 3, 4]

    def test_nothing_is_said_while_all_is_well(self, path: Path) -> None:
        kept = Journal(path)
        kept.append(event())
        assert kept.complaint() == ""


Chosen = Callable[[Path], Journal]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chosen]:
    """chosen(folder) → the journal of a kernel that was started there."""

    def choose(folder: Path) -> Journal:
        folder.mkdir(exist_ok=True)
        monkeypatch.setattr(journal, "_folder", lambda: folder)
        learners_journal.cache_clear()
        return learners_journal()

    yield choose
    learners_journal.cache_clear()


class TestWhereTheFileLies:
    def test_beside_the_learner_s_lessons(self, chosen: Chosen, tmp_path: Path) -> None:
        chosen(tmp_path / "my-lessons").append(event())
        assert len(Journal(tmp_path / "my-lessons" / FILE_NAME).events()) == 1

    @pytest.mark.parametrize("folder", ["notebooks", "anything", "my-lessons-old"])
    def test_nowhere_else(self, chosen: Chosen, tmp_path: Path, folder: str) -> None:
        kept = chosen(tmp_path / folder)
        kept.append(event())
        assert len(kept.events()) == 1
        assert list((tmp_path / folder).iterdir()) == []
        assert kept.complaint() == ""

    def test_not_where_a_cell_has_gone(self, tmp_path: Path) -> None:
        """A kernel is in the folder of its notebook when it starts."""
        (home := tmp_path / "my-lessons").mkdir()
        code = (
            "import os; os.chdir('/')\n"
            "from workshop_lib.progress import Event, learners_journal\n"
            "learners_journal().append(Event('5', 'i', 'right', 1, 'q', 'c'))"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
        command = [sys.executable, "-m", "IPython", "--quick", "-c", code]
        subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True)
        assert attempts(home / FILE_NAME) == [1]


def test_in_a_browser_the_folder_is_where_the_kernel_went_after_it_had_its_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = SimpleNamespace(starting_dir=str(tmp_path))
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    (lessons := tmp_path / "my-lessons").mkdir()
    monkeypatch.chdir(lessons)
    assert journal._folder() == tmp_path
    monkeypatch.setattr(journal, "_IN_BROWSER", True)
    assert journal._folder() == lessons
