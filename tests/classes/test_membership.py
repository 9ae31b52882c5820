"""What is remembered of a class beside the learner's lessons."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from workshop_lib.classes.membership import FILE, TAKEN, Membership, Memory

MINE = Membership("http://192.0.2.1:8765", "id", "key", "Ada", "Monday")


def test_the_next_kernel_knows_it(folder: Path) -> None:
    Memory(folder).keep(MINE)
    assert Memory(folder).known() == Memory(folder).current() == MINE


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_nobody_else_on_the_machine_reads_it(folder: Path) -> None:
    memory = Memory(folder)
    memory.keep(MINE)
    memory.take(["1"])
    for name in (FILE, TAKEN):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_who_left_is_known_and_in_no_class(folder: Path) -> None:
    memory, other = Memory(folder), Memory(folder)
    memory.keep(MINE)
    other.leave()
    assert memory.current() is None
    assert memory.known() == replace(MINE, left=True)


def test_after_half_a_day_a_session_is_over(folder: Path) -> None:
    memory = Memory(folder)
    memory.keep(MINE)
    old = (folder / FILE).stat().st_mtime - 13 * 3600
    os.utime(folder / FILE, (old, old))
    assert memory.current() is None
    assert memory.known() == MINE
    Memory(folder).touch()
    assert memory.current() == MINE


def test_touching_brings_nothing_back(folder: Path) -> None:
    memory = Memory(folder)
    memory.keep(MINE)
    Memory(folder).forget()
    Memory(folder).touch()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"address": 5}', "null", "\x00", "[" * 10_000])
def test_a_damaged_file_is_no_class(folder: Path, damaged: str) -> None:
    (folder / FILE).write_text(damaged)
    assert Memory(folder).known() is None
    assert Memory(folder).current() is None


def test_a_file_of_other_values_is_no_class(folder: Path) -> None:
    (folder / FILE).write_text(
        '{"address": 1, "learner": "x", "key": "k", "name": "n", "title": "t", "left": false}'
    )
    assert Memory(folder).known() is None


def test_kernels_share_what_was_taken(folder: Path) -> None:
    one, two = Memory(folder), Memory(folder)
    one.take(["1", "2"])
    assert two.taken() == {"1", "2"}
    two.take(["3"])
    one.take([])
    assert one.taken() == {"1", "2", "3"}


def test_an_unfinished_line_counts_when_it_is_finished(folder: Path) -> None:
    memory = Memory(folder)
    (folder / TAKEN).write_text("1\n2")
    assert memory.taken() == {"1"}
    with (folder / TAKEN).open("a") as file:
        file.write("2\n")
    assert memory.taken() == {"1", "22"}


def test_without_a_folder_it_lives_in_this_process() -> None:
    memory = Memory(None)
    memory.keep(MINE)
    memory.take(["1"])
    memory.touch()
    assert memory.current() == MINE
    assert memory.taken() == {"1"}
    memory.leave()
    assert memory.current() is None
    memory.forget()
    assert memory.known() is None


def test_where_nothing_can_be_written_it_lives_in_this_process(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "nowhere")
    memory.keep(MINE)
    memory.take(["1"])
    assert memory.current() == MINE
    assert memory.taken() == {"1"}
