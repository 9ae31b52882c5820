"""A class of 200 against its server: how fast events are kept, and whether any is lost.

    python bench/classroom.py            five minutes, 20 events a second, three kills
    python bench/classroom.py --short    half a minute

Each learner waits for news all the time, as a kernel does, and a board listens. Every event is
noted when it is acknowledged; the server is killed (SIGKILL) three times on the way and started
again, and what was not acknowledged is sent once more. At the end the export must hold every
acknowledged event, once. The times are wall times: other programs disturb them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import io
import json
import os
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from classroom.outline import read_outline  # noqa: E402
from tests.support.class_learners import SimulatedLearner  # noqa: E402
from tests.support.class_server import ClassServer, class_server  # noqa: E402


@dataclass
class Measures:
    """What was seen so far, in seconds and bytes."""

    acknowledged: list[float] = field(default_factory=list)
    board: list[float] = field(default_factory=list)
    memory: int = 0
    processor: float = 0
    downtimes: list[float] = field(default_factory=list)
    failed: int = 0
    ids: set[str] = field(default_factory=set)


def share(values: list[float], part: float) -> float:
    """The value that this part of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else 0.0


async def send(
    learner: SimulatedLearner, measures: Measures, sent: dict[str, float], busy: asyncio.Lock
) -> None:
    """Send what waits; what cannot be sent waits on."""
    async with busy:
        began = time.perf_counter()
        try:
            taken = await learner.send()
        except (OSError, EOFError):
            measures.failed += 1
            return
        if taken:
            measures.acknowledged.append(time.perf_counter() - began)
            measures.ids.update(taken)
            sent.setdefault(learner.learner, began)


async def wait_for_news(address: str, key: str) -> None:
    """Hold a request for news open, as a kernel does."""
    waiting = SimulatedLearner(address, OUTLINE, random.Random(0))
    waiting.key = key
    after = 0
    while True:
        try:
            status, answer = await waiting.news(after, 25)
            after = answer["last"] if status == 200 else after
        except (OSError, EOFError):
            await asyncio.sleep(random.uniform(0.5, 1.5))


async def watch_board(server: ClassServer, sent: dict[str, float], measures: Measures) -> None:
    """Listen as a board does: how long after its sending is a vote counted there?"""
    cookie = server.open_board()
    while True:
        with contextlib.suppress(OSError, EOFError, ValueError):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**24)
            writer.write(
                f"GET /api/board/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                f"Cookie: {cookie}\r\n\r\n".encode()
            )
            while line := await reader.readline():
                if not line.startswith(b"data: "):
                    continue
                now = time.perf_counter()
                for learner in json.loads(line[6:]).get("learners", {}):
                    if learner in sent:
                        measures.board.append(now - sent.pop(learner))
            writer.close()
        await asyncio.sleep(0.2)


async def kill_sometimes(server: ClassServer, seconds: float, measures: Measures) -> None:
    """Kill the server three times on the way, and start it again."""
    for _ in range(3):
        await asyncio.sleep(seconds / 4)
        look_at(server.pid, measures)
        await asyncio.to_thread(server.kill)
        began = time.perf_counter()
        await asyncio.to_thread(server.start)
        measures.downtimes.append(time.perf_counter() - began)


def look_at(pid: int, measures: Measures) -> None:
    """Note what a process held of memory at most, and took of a processor (Linux).

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    process = Path(f"/proc/{pid}")
    if process.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
        measures.memory = max(measures.memory, int(found[1]) * 1024 if found else 0)
        ticks = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
        measures.processor += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


async def hold(server: ClassServer, count: int, rate: float, seconds: float) -> Measures:
    """The class, for so many seconds."""
    measures, sent = Measures(), dict[str, float]()
    learners = [SimulatedLearner(server.address, OUTLINE, random.Random(n)) for n in range(count)]
    for learner in learners:
        await learner.join(server.code)
    busy = {learner.learner: asyncio.Lock() for learner in learners}
    beside = [asyncio.create_task(wait_for_news(server.address, each.key)) for each in learners]
    beside.append(asyncio.create_task(watch_board(server, sent, measures)))
    killing = asyncio.create_task(kill_sometimes(server, seconds, measures))
    sending = set[asyncio.Task[None]]()
    began, number = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        learner = random.choice(learners)
        learner.act()
        task = asyncio.create_task(send(learner, measures, sent, busy[learner.learner]))
        sending.add(task)
        task.add_done_callback(sending.discard)
        number += 1
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
    await killing
    await asyncio.gather(*sending)
    for learner in learners:
        while learner.unsent:
            await send(learner, measures, sent, busy[learner.learner])
    look_at(server.pid, measures)
    for task in beside:
        task.cancel()
    return measures


def kept(server: ClassServer) -> int:
    """How many events the export holds."""
    _, text, _ = server.ask("GET", "/api/board/export.csv", Cookie=server.open_board())
    return sum(1 for _ in csv.reader(io.StringIO(text))) - 1


def main(count: int, rate: float, seconds: float) -> None:
    """Hold a class and print what was measured."""
    with (
        tempfile.TemporaryDirectory() as folder,
        class_server(Path(folder) / "class") as server,
    ):
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        measures = asyncio.run(hold(server, count, rate, seconds))
        lost = len(measures.ids) - kept(server)
        rows = {
            "learners": str(count),
            "events": f"{len(measures.ids)} in {seconds:.0f} s",
            "acknowledged": f"50 %: {share(measures.acknowledged, 0.5) * 1000:.0f} ms, "
            f"95 %: {share(measures.acknowledged, 0.95) * 1000:.0f} ms",
            "board's delay": f"50 %: {share(measures.board, 0.5):.2f} s, "
            f"95 %: {share(measures.board, 0.95):.2f} s",
            "memory": f"{measures.memory / 2**20:.0f} MiB",
            "processor": f"{measures.processor / seconds:.0%} of a core, four starts included",
            "killed": ", ".join(f"back after {each:.1f} s" for each in measures.downtimes),
            "requests that failed": str(measures.failed),
            "acknowledged and lost": str(lost),
            "load of the machine": f"{load:.1f}, {os.cpu_count()} cores",
        }
        print("\n".join(f"{name:24}{value}" for name, value in rows.items()))
        if lost:
            raise SystemExit("Events are lost.")


OUTLINE = read_outline(ROOT)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="half a minute")
    parser.add_argument("--learners", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20)
    options = parser.parse_args()
    main(options.learners, options.rate, 30 if options.short else 300)
