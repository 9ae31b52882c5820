"""Learners who do not exist: they join a class and go through the lessons, each at their pace.

    python -m tests.support.class_learners http://127.0.0.1:8765 K7F2QM --count 20 --rate 4

sends four events a second for as long as it runs. Some learners give a name, some have a raised
hand, some are stuck at a check, and one is called `<img src=x onerror=…>`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from classroom.outline import Outline, Step, read_outline

ROOT = Path(__file__).parents[2]
NAMES = ("Ada", "Grace", "<img src=x onerror=alert(1)>", "José", "李雷", "=1+1", "Olúwafẹ́mi")
CONDITIONS = (
    "the policy lets uploads name any key",
    "its key is an AWS managed one, not yours",
    "an upload with aws:kms is accepted",
)


class Connection:
    """One kept connection to the server: JSON goes out, (status, JSON) comes back."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """Raises OSError or EOFError where the server does not answer."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Content-Length: {len(content)}",
            "Content-Type: application/json",
        ]
        lines += [f"Authorization: Bearer {key}"] if key else []
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
            await writer.drain()
            return await self._answer(reader)
        except (OSError, EOFError):
            self.close()
            raise

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return int(head[0].split()[1]), json.loads(content or b"null")

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


class SimulatedLearner:
    """A learner with a way through the course; `unsent` are their events that nobody took yet."""

    def __init__(
        self, address: str, outline: Outline, chance: random.Random, name: str = ""
    ) -> None:
        self.name, self.key, self.learner = name, "", ""
        self.unsent: list[dict[str, Any]] = []
        self._connection = Connection(address)
        self._chance = chance
        self._next = walk(outline, chance)

    async def join(self, code: str) -> None:
        """Join the class."""
        status, joined = await self._connection.ask(
            "POST", "/api/join", {"code": code, "name": self.name}
        )
        assert status == 200, joined
        self.key, self.learner = joined["key"], joined["learner"]

    def act(self) -> dict[str, Any]:
        """Do the next thing; its event waits to be sent."""
        event = next(self._next)
        self.unsent.append(event)
        return event

    async def send(self) -> list[str]:
        """Send what waits: the ids that the class took. OSError, EOFError if it is not there."""
        now = datetime.now(UTC).isoformat()
        body = {"events": self.unsent[:100], "now": now}
        status, answer = await self._connection.ask("POST", "/api/events", body, self.key)
        if status != 200:
            return []
        assert not answer["refused"], answer
        taken = answer["accepted"]
        self.unsent = [event for event in self.unsent if event["id"] not in taken]
        return list(taken)

    async def raise_hand(self, up: bool) -> None:
        """Put a hand up, or down."""
        await self._connection.ask("POST", "/api/hand", {"up": up}, self.key)

    async def news(self, after: int = 0, wait: int = 0) -> tuple[int, Any]:
        """What the class says since then."""
        path = f"/api/learner/news?after={after}&wait={wait}"
        return await self._connection.ask("GET", path, key=self.key)

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


def walk(outline: Outline, chance: random.Random) -> Iterator[dict[str, Any]]:
    """The events of a way through all lessons, over and over."""
    while True:
        for lesson in outline.lessons:
            for step in lesson.steps:
                yield from _at(step, lesson.number, chance)


def _at(step: Step, lesson: str, chance: random.Random) -> Iterator[dict[str, Any]]:
    def event(outcome: str, attempt: int, choice: str = "", condition: str = "") -> dict[str, Any]:
        return {
            "id": UUID(int=chance.getrandbits(128)).hex,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "lesson": str(int(lesson)),
            "item": step.item,
            "outcome": outcome,
            "attempt": attempt,
            "question": step.question.mark if step.question else "",
            "choice": choice,
            "condition": condition,
        }

    yield event("seen", 0)
    if step.question is None:
        tries = chance.choice((0, 0, 1, 2, 4))
        condition = chance.choice(CONDITIONS)
        for attempt in range(1, tries + 1):
            yield event("failed", attempt, condition=condition)
        yield event("passed", tries + 1)
        return
    marks, answer = step.question.marks, step.question.answer
    place = answer if chance.random() < 0.55 else chance.randrange(len(marks))
    yield event("right" if place == answer else "wrong", 1, marks[place])
    if step.kind == "predict":
        yield event("revealed", 1, marks[place])


async def run(address: str, code: str, count: int, rate: float, seed: int) -> None:
    """Let so many learners join, and send so many events a second in all, until cancelled."""
    outline, chance = read_outline(ROOT), random.Random(seed)
    names = [NAMES[n] if n < len(NAMES) else "" for n in range(count)]
    learners = [
        SimulatedLearner(address, outline, random.Random(seed + n), name)
        for n, name in enumerate(names)
    ]
    for learner in learners:
        await learner.join(code)
        for _ in range(chance.randrange(12)):
            learner.act()
    for learner in learners[:3]:
        await learner.raise_hand(True)
    while True:
        learner = chance.choice(learners)
        learner.act()
        with contextlib.suppress(OSError, EOFError):
            await learner.send()
        if chance.random() < 0.02:
            await learner.raise_hand(chance.random() < 0.5)
        await asyncio.sleep(1 / rate)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("code")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--rate", type=float, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(options.address, options.code, options.count, options.rate, options.seed))


if __name__ == "__main__":
    main()
