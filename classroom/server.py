"""A class on a socket: its store opened, its folder kept for one server, its app served.

Whoever holds the class, `python3 workshop.py class` or a hub, brings the address and says who may.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from classroom.app import host_of, make_app
from classroom.outline import read_outline
from classroom.plans import plans
from classroom.security import SecretAuthenticator, new_code, new_secret, tidy_name
from classroom.service import ClassService
from classroom.store import Store, open_store

ROOT = Path(__file__).resolve().parents[1]
TITLE = "Where is the plaintext?"


class Trouble(Exception):
    """Something that the instructor can mend, told in one sentence."""


def listen(host: str, port: int) -> socket.socket:
    """A socket there. Raises Trouble."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        raise Trouble(
            f"{host}, port {port} cannot be used ({error}): name another port with --port, "
            "or another of this machine's addresses with --host."
        ) from error
    return listening


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep the folder for this server. Raises Trouble where another one has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows: there the taken port tells
        yield
        return
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Trouble(
                f"A class runs in {folder.name} already: end it first, or hold a second one with "
                f"--folder {folder.name}-2 and another --port."
            ) from error
        yield


def open_class(options: argparse.Namespace, folder: Path) -> Store:
    """The class's store, its settings made if it is a new one. Raises Trouble."""
    file = folder / "class.sqlite"
    try:
        if not options.database:
            file.touch(mode=0o600)
        store = open_store(options.database or file)
        known = store.settings()
    except (SQLAlchemyError, ValueError, OSError) as error:
        where = "the database of --database" if options.database else str(file)
        said = str(error).splitlines()[0]
        raise Trouble(f"{where} cannot be opened: {said}") from error
    if not store.claim():
        store.close()
        raise Trouble("A class runs on this database already: end it, or give this one another.")
    fresh = {
        "code": new_code(),
        "secret": new_secret(),
        "seed": new_secret(),
        "started": str(time.time()),
        "title": TITLE,
    }
    settings = {name: value for name, value in fresh.items() if name not in known}
    if options.title and tidy_name(options.title):
        settings["title"] = tidy_name(options.title)
    if settings:
        store.set_now(settings)
    return store


def own_names(address: str) -> frozenset[str]:
    """The names by which this machine may be asked for."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, f"{name.partition('.')[0]}.local", host_of(address)})


def allow_many_connections() -> None:
    """Have as many files open as the system lets: each learner keeps a connection."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        wanted = 65536 if most == resource.RLIM_INFINITY else min(most, 65536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Server(uvicorn.Server):
    """uvicorn's, which tells when it listens, and lets its streams go when it ends."""

    def __init__(self, config: uvicorn.Config, service: ClassService, ready: Any) -> None:
        super().__init__(config)
        self._service, self._ready = service, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End, at once for those who wait."""
        self._service.close()
        super().handle_exit(sig, frame)


@contextlib.contextmanager
def opened(
    options: argparse.Namespace,
    folder: Path,
    address: str,
    who_may: Callable[[str], SecretAuthenticator],
) -> Iterator[ClassService]:
    """The class that is kept there; ``who_may`` takes its secret. Raises Trouble."""
    with contextlib.closing(open_class(options, folder)) as store:
        authenticator = who_may(store.settings()["secret"])
        yield ClassService(store, read_outline(ROOT), authenticator, address=address, plans=plans())


def run(
    service: ClassService,
    listening: socket.socket,
    ready: Callable[[], None] = lambda: None,
    *,
    site: Path | None = None,
    prefix: str = "",
    **settings: Any,
) -> None:
    """Serve the class there until a signal ends it; ``settings`` are uvicorn's."""
    config = uvicorn.Config(
        make_app(service, own_names(service.address), site, prefix=prefix),
        log_level="warning",
        access_log=False,
        loop="asyncio",  # the same wherever it runs, whatever else is installed there
        http="h11",
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=2,
        **settings,
    )
    Server(config, service, ready).run([listening])
