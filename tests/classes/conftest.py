"""A class's server, and a learner's folder with a journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.class_server import ClassServer, class_server
from workshop_lib.classes import session as module
from workshop_lib.classes.session import Session
from workshop_lib.progress import FILE_NAME, Event, Journal, mark
from workshop_lib.questions import bank, polls


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassServer]:
    with class_server(tmp_path_factory.mktemp("kept") / "class", "--title", "Monday") as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lessons = tmp_path / "my-lessons"
    lessons.mkdir()
    return lessons


@pytest.fixture
def journal(folder: Path) -> Journal:
    return Journal(folder / FILE_NAME)


@pytest.fixture
def kernel(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Session]]:
    """kernel() → the part in a class of one more kernel, on the same folder."""
    started: list[Session] = []
    monkeypatch.setattr(module, "learners_journal", lambda: journal)

    def start(**how: Any) -> Session:
        started.append(Session(**how))
        return started[-1]

    yield start
    for session in started:
        session._stop()
    polls.forget()


def choice(item: str, place: int) -> Event:
    """A choice of the option in that place, as the course notes it."""
    question = bank.prediction(item.removeprefix("predict "))
    option = list(question.options)[place]
    return Event(
        lesson=item.removeprefix("predict ").partition(".")[0],
        item=item,
        outcome="right" if option == question.answer else "wrong",
        attempt=1,
        question=mark("predict", question.text),
        choice=mark("", option),
    )
