"""A class in this process, with a clock that the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from classroom.outline import Outline, read_outline
from classroom.plans import plans
from classroom.security import SecretAuthenticator
from classroom.service import ClassService
from classroom.store import Store, open_store

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
SETTINGS = {"code": "K7F2QM", "secret": "s" * 43, "seed": "seed", "title": "Monday", "started": "0"}


class Clock:
    """The server's clock."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def outline() -> Outline:
    return read_outline(ROOT)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "class.sqlite")
    store.set_now(SETTINGS)
    yield store
    store.close()


def service_on(store: Store, outline: Outline, clock: Clock) -> ClassService:
    """A server that starts on what is kept."""
    service = ClassService(
        store,
        outline,
        SecretAuthenticator("s" * 43),
        address="http://192.0.2.7:8765",
        plans=plans(),
        clock=clock,
    )
    service.open()
    return service


@pytest.fixture
def service(store: Store, outline: Outline, clock: Clock) -> ClassService:
    return service_on(store, outline, clock)


@pytest.fixture
def run() -> Iterator[Any]:
    """run(coroutine): in one loop, as a server has."""
    with asyncio.Runner() as runner:
        yield runner.run
