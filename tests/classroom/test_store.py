"""What is kept: in SQLite, and in a PostgreSQL where this machine has one."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from classroom.__main__ import main
from classroom.outline import Outline
from classroom.store import EVENTS, LEARNERS, Store, open_store
from tests.classroom.conftest import SETTINGS, Clock, service_on
from tests.support.class_events import vote
from tests.support.class_server import class_server, free_port

LEARNER = {"id": "a", "key": "k", "name": "Ada", "pseudonym": "Red Fox", "joined": 1.0}


def row(id_: str, learner: str = "a") -> dict[str, Any]:
    return {
        "learner": learner, "id": id_, "at": 2.0, "lesson": "05", "item": "check 5.1",
        "outcome": "passed", "attempt": 1, "question": "", "choice": "", "condition": "",
    }  # fmt: skip


def keeps_what_it_says(store: Store, run: Any) -> None:
    """The behaviour of every store."""

    async def fill() -> None:
        await store.add_learner(LEARNER)
        await asyncio.gather(*(store.add_events([row(f"{n:032}"), row("x")]) for n in range(50)))
        assert await store.add_act(3.0, "reveal", "m") < await store.add_act(4.0, "vote", "m")
        await store.set({"names": "shown"})
        await store.set({"names": "hidden"})
        await store.change_learner("a", {"hand": 5.0, "name": "Ada L."})

    run(fill())
    assert len(store.rows(EVENTS)) == 51
    assert store.settings()["names"] == "hidden"
    (learner,) = store.rows(LEARNERS)
    assert (learner.hand, learner.name) == (5.0, "Ada L.")
    run(store.forget("a"))
    assert (store.rows(EVENTS), store.rows(LEARNERS)) == ([], [])
    run(store.forget_all())


def one_that_fails_fails_alone(store: Store, run: Any) -> None:
    async def ask() -> list[Any]:
        deeds = [
            store.add_events([row("1")]),
            store.add_learner(LEARNER),
            store.add_learner(LEARNER),  # there is one
            store.add_events([row("2")]),
        ]
        return await asyncio.gather(*deeds, return_exceptions=True)

    results = run(ask())
    assert [isinstance(each, sa.exc.IntegrityError) for each in results] == [
        False,
        False,
        True,
        False,
    ]
    assert len(store.rows(EVENTS)) == 2


def test_sqlite_keeps_what_it_says(store: Store, run: Any) -> None:
    keeps_what_it_says(store, run)


def test_one_that_fails_fails_alone(store: Store, run: Any) -> None:
    one_that_fails_fails_alone(store, run)


def test_what_was_confirmed_is_in_the_file_at_once(store: Store, run: Any, tmp_path: Path) -> None:
    """As another process sees it, while the first is still there: no close writes anything."""
    run(store.add_events([row("1")]))
    other = open_store(tmp_path / "class.sqlite")
    assert len(other.rows(EVENTS)) == 1
    other.close()


def test_what_is_deleted_is_not_in_the_files(store: Store, run: Any, tmp_path: Path) -> None:
    run(store.add_learner({**LEARNER, "name": "Rumpelstilzchen"}))
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert any(b"Rumpelstilzchen" in path.read_bytes() for path in files)
    run(store.forget("a"))
    assert not any(b"Rumpelstilzchen" in path.read_bytes() for path in files if path.exists())


@pytest.mark.parametrize("address", ["mysql://host/name", "sqlite:///other.sqlite"])
def test_another_database_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        open_store(address)


# --- PostgreSQL -------------------------------------------------------------------------------


def postgres_programs() -> Path | None:
    """Where `initdb` and `postgres` are: on the PATH, or where Debian keeps them."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    return next(
        (p for p in places if (p / "initdb").exists()), Path(found).parent if found else None
    )


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own on loopback, as a user without privileges: it refuses to be root."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("No PostgreSQL here.")
    place = Path(f"/tmp/class-postgres-{os.getpid()}")
    place.mkdir(mode=0o755)
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        os.chown(place, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    how: dict[str, Any] = {"cwd": place, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **user}
    data, port = place / "data", free_port()
    (place / "password").write_text("secret")
    (place / "password").chmod(0o644)
    make: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "course",
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
    ]
    make += ["--pwfile", place / "password", "--no-sync"]
    subprocess.run(make, check=True, capture_output=True, **how)
    options: list[str | Path] = [
        "-D",
        data,
        "-p",
        str(port),
        "-c",
        "listen_addresses=127.0.0.1",
        "-k",
        place,
    ]
    with (place / "log").open("w") as log:
        server = subprocess.Popen([programs / "postgres", *options], stdout=log, stderr=log, **how)
    address = f"postgresql://course:secret@127.0.0.1:{port}/postgres"
    try:
        wait_for(address)
        yield address
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(place)


def wait_for(address: str) -> None:
    """Until it takes connections."""
    engine = sa.create_engine(sa.make_url(address).set(drivername="postgresql+pg8000"))
    for _ in range(150):
        try:
            with engine.connect():
                engine.dispose()
                return
        except sa.exc.DBAPIError:
            time.sleep(0.2)
    raise AssertionError("PostgreSQL did not start")


@pytest.fixture
def kept(postgres: str, run: Any) -> Iterator[Store]:
    store = open_store(postgres)
    run(store.forget_all())
    yield store
    store.close()


@pytest.mark.long
def test_postgresql_keeps_what_it_says(kept: Store, run: Any) -> None:
    keeps_what_it_says(kept, run)


@pytest.mark.long
def test_in_postgresql_one_that_fails_fails_alone(kept: Store, run: Any) -> None:
    one_that_fails_fails_alone(kept, run)


@pytest.mark.long
def test_a_class_in_postgresql_goes_on_where_it_was(
    kept: Store, postgres: str, outline: Outline, clock: Clock, run: Any
) -> None:
    kept.set_now(SETTINGS)
    service = service_on(kept, outline, clock)
    joined = run(service.join({"code": "K7F2QM", "name": "Olúwafẹ́mi 李雷"}, "192.0.2.1"))
    learner = service.room.learners[joined["learner"]]
    run(service.take(learner, {"events": [vote(outline, "predict 5.1", 0)]}))
    run(service.vote_again(next(iter(service.room.polls))))
    other = open_store(postgres)
    again = service_on(other, outline, clock)
    other.close()
    assert again.state()["polls"] == service.state()["polls"]
    assert again.room.learners[learner.id].name == "Olúwafẹ́mi 李雷"


@pytest.mark.long
def test_a_connection_that_postgresql_ended_is_replaced(kept: Store, run: Any) -> None:
    run(kept.add_events([row("1")]))
    ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with kept._engine.connect() as connection:
        connection.execute(sa.text(ours + " AND backend_type = 'client backend'"))
    run(kept.add_events([row("2")]))
    assert len(kept.rows(EVENTS)) == 2


@pytest.mark.long
def test_a_server_on_postgresql_is_alone_there_and_loses_nothing_when_it_is_killed(
    kept: Store, postgres: str, outline: Outline, tmp_path: Path
) -> None:
    options = ("--database", postgres)
    with class_server(tmp_path / "one", *options) as server:
        assert "kept in PostgreSQL" in server.output
        assert "secret@" not in server.output
        here = ["--folder", str(tmp_path / "two"), "--host", "127.0.0.1", "--no-browser"]
        assert main([*here, "--port", str(free_port()), *options]) == 1
        code = server.code
        _, joined, _ = server.ask("POST", "/api/join", {"code": code, "name": "Ada"})
        sent = {"events": [vote(outline, "predict 5.1", 0)]}
        key = {"Authorization": f"Bearer {joined['key']}"}
        assert server.ask("POST", "/api/events", sent, **key)[1]["accepted"]
        server.kill()
        server.start()
        assert server.code == code
        (learner,) = server.state(server.open_board())["learners"].values()
        assert learner["done"] == {"predict 5.1": "chosen"}
