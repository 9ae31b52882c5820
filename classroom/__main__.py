"""The class's server as a program, until Ctrl-C. `python3 workshop.py class` starts it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import ipaddress
import os
import re
import signal
import socket
import sys
import time
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import segno
import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from classroom.app import host_of, make_app
from classroom.outline import read_outline
from classroom.plans import plans
from classroom.security import SecretAuthenticator, new_code, new_secret, tidy_name
from classroom.service import ClassService
from classroom.store import LEARNERS, Store, open_store

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "my-class"
PORT = 8765
TITLE = "Where is the plaintext?"


class Trouble(Exception):
    """Something that the instructor can mend, told in one sentence."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="workshop.py class", description="Hold a class.")
    add = parser.add_argument
    add("--port", type=int, default=PORT, help=f"the port that learners reach (default {PORT})")
    add("--host", help="listen here (default: this machine's address in its network)")
    add("--address", help="what learners type, where it differs: https://class.example.org")
    add("--folder", default=FOLDER, help=f"where the class is kept (default {FOLDER})")
    add(
        "--database",
        metavar="URL",
        default=os.environ.get("WORKSHOP_CLASS_DATABASE"),
        help="keep it in PostgreSQL: postgresql://user:password@host/name (better in "
        "WORKSHOP_CLASS_DATABASE, which no list of processes shows)",
    )
    add("--title", help="what the class is called")
    add("--plan", help="the plan to follow, by its name")
    add(
        "--site",
        type=Path,
        metavar="DIR",
        help="serve this browser edition (default _site, if built)",
    )
    add("--cert", type=Path, help="a certificate for TLS, with its chain")
    add("--key", type=Path, help="its private key")
    add("--no-browser", action="store_true", help="print the board's link, open nothing")
    options = parser.parse_args(arguments)
    if bool(options.cert) != bool(options.key):
        parser.error("give both --cert and --key, or neither")
    if options.address and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", options.address):
        parser.error("--address takes an address: https://class.example.org")
    if not 1 <= options.port <= 65535:
        parser.error("--port takes a number from 1 to 65535")
    return options


def own_address() -> str:
    """This machine's address in its network; loopback where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # for documentation only; no packet is sent
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


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


def link_file(folder: Path, link: str) -> Path:
    """A page in the folder that leads to the board: nobody else on this machine may read it.

    Given to a browser in place of the link, which every list of processes would show.
    """
    page, link = folder / "open-board.html", html.escape(link)
    page.touch(mode=0o600)
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><title>Board</title>'
        f'<meta http-equiv="refresh" content="0; url={link}"><a href="{link}">Open the board</a>\n',
        "utf-8",
    )
    return page


def tell(options: argparse.Namespace, service: ClassService, host: str, folder: Path) -> None:
    """Print where the class is, for learners and for the instructor."""
    address = service.address
    kept = "PostgreSQL" if options.database else f"{options.folder}/class.sqlite"
    joined = len(service.store.rows(LEARNERS))
    print(f"The class is kept in {kept}" + (f"; {joined} joined before." if joined else "."))
    if ipaddress.ip_address(host).is_loopback:
        print(f"Listening on {host}, port {options.port}: only this machine reaches it.")
    else:
        print(
            f"Listening on {host}, port {options.port}: every machine of your network reaches it."
        )
    if urlsplit(address).scheme == "http":
        print(
            "Without TLS, whoever listens on the network reads along: --cert and --key mend that."
        )
    print(f"\n  Address     {address}\n  Class code  {service.code}\n")
    with contextlib.suppress(UnicodeEncodeError):  # a terminal without the characters
        segno.make(f"{address}/#{service.code}", error="l").terminal(compact=True, border=2)
    print("\nCtrl-C ends it; the same command goes on with the same class.", flush=True)


def show_board(options: argparse.Namespace, folder: Path, link: str) -> None:
    """Open the board, or say how."""
    page = link_file(folder, link)
    if options.no_browser:
        print(f"The board, yours alone: {link}", flush=True)
    elif webbrowser.open(page.as_uri()):
        print(
            f"The board is open in your browser ({options.folder}/{page.name} opens it again).",
            flush=True,
        )
    else:
        print(f"Open {page} in your browser: it leads to the board.", flush=True)


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


def serve(options: argparse.Namespace) -> int:
    """Hold the class until Ctrl-C. Raises Trouble."""
    folder = ROOT / options.folder
    host = options.host or own_address()
    site = options.site or (ROOT / "_site" if (ROOT / "_site" / "index.html").exists() else None)
    if options.site and not (options.site / "index.html").exists():
        raise Trouble(f"{options.site} holds no browser edition: build one, or leave --site out.")
    allow_many_connections()
    with alone(folder), listen(host, options.port) as listening:
        number = listening.getsockname()[0]
        shown = own_address() if ipaddress.ip_address(number).is_unspecified else number
        shown = f"[{shown}]" if ":" in shown else shown
        scheme = "https" if options.cert else "http"
        address = (options.address or f"{scheme}://{shown}:{options.port}").rstrip("/")
        with contextlib.closing(open_class(options, folder)) as store:
            secret = store.settings()["secret"]
            service = ClassService(
                store,
                read_outline(ROOT),
                SecretAuthenticator(secret),
                address=address,
                plans=plans(),
            )
            if options.plan:
                follow(service, options.plan)
            config = uvicorn.Config(
                make_app(service, own_names(address), site),
                log_level="warning",
                access_log=False,
                loop="asyncio",  # the same wherever it runs, whatever else is installed there
                http="h11",
                server_header=False,
                proxy_headers=False,
                ws="none",
                timeout_graceful_shutdown=2,
                ssl_certfile=options.cert,
                ssl_keyfile=options.key,
            )

            def ready() -> None:
                tell(options, service, number, folder)
                show_board(options, folder, f"{address}/board#{secret}")

            Server(config, service, ready).run([listening])
    return 0


def follow(service: ClassService, plan: str) -> None:
    """Begin with a plan. Raises Trouble where there is none of that name."""
    names = [each.name for each in service.plans]
    if plan not in names:
        raise Trouble(f"There is no plan {plan!r}: there are {', '.join(names) or 'none'}.")
    asyncio.run(service.follow_plan(plan, None))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; the exit status: 0, or 1 for what the instructor can mend."""
    options = parse(arguments)
    try:
        return serve(options)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
