"""What a class keeps: SQLite in its folder, or PostgreSQL by address.

One thread writes. What waits for it is written in one transaction, so a class that answers a
question all at once costs one write to the disk and not one for each; and nobody is told that
something is kept before it lies there.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

T = TypeVar("T")

_CLASS = 0x636C617373  # the number of the lock that a server has on a PostgreSQL database
_TABLES = sa.MetaData()
SETTINGS = sa.Table(
    "settings",
    _TABLES,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
LEARNERS = sa.Table(
    "learners",
    _TABLES,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("key", sa.String(64), nullable=False),  # a digest
    sa.Column("subject", sa.String(200), unique=True),  # where a service vouched for them
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("pseudonym", sa.String(80), nullable=False),
    sa.Column("joined", sa.Double, nullable=False),
    sa.Column("hand", sa.Double),
)
EVENTS = sa.Table(
    "events",
    _TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("learner", sa.String(32), nullable=False),
    sa.Column("id", sa.String(32), nullable=False),
    sa.Column("at", sa.Double, nullable=False),  # by this server's clock
    sa.Column("lesson", sa.String(8), nullable=False),
    sa.Column("item", sa.String(40), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("question", sa.String(16), nullable=False),
    sa.Column("choice", sa.String(16), nullable=False),
    sa.Column("condition", sa.String(200), nullable=False),
    sa.UniqueConstraint("learner", "id"),
)
# What the instructor did that learners see, in order: its number is how far a learner has read.
ACTS = sa.Table(
    "acts",
    _TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # "reveal" or "vote"
    sa.Column("question", sa.String(16), nullable=False),
    sqlite_autoincrement=True,  # else a number is given again after all is forgotten
)


class Store:
    """The database of one class. Make it with `open_store`, and close it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        _TABLES.create_all(engine)
        self._waiting: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None]
        self._waiting = queue.SimpleQueue()
        self._claim: Connection | None = None
        self._thread = threading.Thread(target=self._write, name="class store", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self._waiting.put(None)
        self._thread.join()
        if self._claim is not None:
            self._claim.close()
        self._engine.dispose()

    def claim(self) -> bool:
        """Keep other servers off a PostgreSQL database as long as this store is open.

        False if another one has it. A file is kept by its folder.
        https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
        """
        if self._engine.dialect.name != "postgresql":
            return True
        self._claim = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return bool(self._claim.scalar(sa.select(sa.func.pg_try_advisory_lock(_CLASS))))

    # --- Read: once, when the server starts, and for the export --------------------------------

    def rows(self, table: sa.Table) -> list[sa.Row[Any]]:
        """Every row, in order."""
        with self._engine.connect() as connection:
            return list(connection.execute(sa.select(table).order_by(*table.primary_key.columns)))

    def settings(self) -> dict[str, str]:
        """The settings by name."""
        return {row.name: row.value for row in self.rows(SETTINGS)}

    # --- Write ---------------------------------------------------------------------------------

    async def set(self, values: Mapping[str, str]) -> None:
        """Keep settings; the others stay."""
        rows = [{"name": name, "value": value} for name, value in values.items()]
        await self._keep(lambda connection: self._set(connection, rows))

    def set_now(self, values: Mapping[str, str]) -> None:
        """The same before a loop runs."""
        rows = [{"name": name, "value": value} for name, value in values.items()]
        with self._engine.begin() as connection:
            self._set(connection, rows)

    async def add_learner(self, learner: Mapping[str, Any]) -> None:
        """Keep somebody new."""
        await self._keep(lambda connection: connection.execute(LEARNERS.insert(), dict(learner)))

    async def change_learner(self, learner: str, values: Mapping[str, Any]) -> None:
        """Keep what is new about somebody."""
        change = LEARNERS.update().where(LEARNERS.c.id == learner).values(**values)
        await self._keep(lambda connection: connection.execute(change))

    async def add_events(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Keep a learner's events; those that are there already stay as they are."""
        rows = [dict(event) for event in events]
        if rows:
            insert = self._insert(EVENTS).on_conflict_do_nothing()
            await self._keep(lambda connection: connection.execute(insert, rows))

    async def add_act(self, at: float, kind: str, question: str) -> int:
        """Keep what the instructor did, and give its number."""
        insert = ACTS.insert().values(at=at, kind=kind, question=question)

        def add(connection: Connection) -> int:
            return int(connection.execute(insert.returning(ACTS.c.number)).scalar_one())

        return await self._keep(add)

    async def forget(self, learner: str) -> None:
        """Delete a learner, and all that is kept of them."""

        def delete(connection: Connection) -> None:
            connection.execute(EVENTS.delete().where(EVENTS.c.learner == learner))
            connection.execute(LEARNERS.delete().where(LEARNERS.c.id == learner))

        await self._keep(delete)
        await asyncio.to_thread(self._leave_no_trace)

    async def forget_all(self) -> None:
        """Delete every learner, every event and every act; the settings stay."""

        def delete(connection: Connection) -> None:
            for table in (EVENTS, LEARNERS, ACTS):
                connection.execute(table.delete())

        await self._keep(delete)
        await asyncio.to_thread(self._leave_no_trace)

    # --- The thread that writes ----------------------------------------------------------------

    async def _keep(self, job: Callable[[Connection], T]) -> T:
        """Do it in the next transaction; returns when it lies on the disk."""
        done: Future[T] = Future()
        self._waiting.put((job, done))
        return await asyncio.wrap_future(done)

    def _write(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            jobs, last = [first], False
            with suppress(queue.Empty):
                while len(jobs) < 500:
                    following = self._waiting.get_nowait()
                    if following is None:
                        last = True
                        break
                    jobs.append(following)
            self._transact(jobs)
            if last:
                return

    def _transact(self, jobs: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        """All of them at once; if one fails, each for itself, so that it fails alone."""
        try:
            with self._engine.begin() as connection:
                results = [job(connection) for job, _ in jobs]
        except Exception as error:
            if len(jobs) == 1:
                _finish(jobs[0][1], error=error)
            else:
                for each in jobs:
                    self._transact([each])
            return
        for (_, done), result in zip(jobs, results, strict=True):
            _finish(done, result)

    def _insert(self, table: sa.Table) -> Any:
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)

    def _set(self, connection: Connection, rows: list[dict[str, str]]) -> None:
        insert = self._insert(SETTINGS)
        newer = {"value": insert.excluded.value}
        connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=newer), rows)

    def _leave_no_trace(self) -> None:
        """SQLite: what was deleted goes out of the file and its log as well."""
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _finish(done: Future[Any], result: Any = None, error: Exception | None = None) -> None:
    if not done.set_running_or_notify_cancel():
        return  # whoever waited has gone
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)


def open_store(where: Path | str) -> Store:
    """The store in a SQLite file, or in the database of an address (`postgresql://…`).

    Raises sqlalchemy's errors where it cannot be opened, ValueError for another kind of address.
    """
    if isinstance(where, Path):
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(where)))
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return Store(engine)
    url = sa.make_url(where)
    if url.get_backend_name() != "postgresql":
        raise ValueError("a PostgreSQL address begins with postgresql://")
    url = url.set(drivername="postgresql+pg8000")
    return Store(sa.create_engine(url, pool_pre_ping=True, pool_size=3, max_overflow=2))


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """https://www.sqlite.org/pragma.html: readers beside the writer, safe after a power cut too."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
