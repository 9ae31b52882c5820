"""The class's server as a program, until Ctrl-C. `python3 workshop.py class` starts it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import ipaddress
import signal
import socket
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import segno

from classroom.options import parse
from classroom.security import SecretAuthenticator
from classroom.server import (
    ROOT,
    Trouble,
    allow_many_connections,
    alone,
    listen,
    opened,
    run,
)
from classroom.service import ClassService
from classroom.store import LEARNERS


def own_address() -> str:
    """This machine's address in its network; loopback where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # for documentation only; no packet is sent
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


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
        with opened(options, folder, address, SecretAuthenticator) as service:
            if options.plan:
                follow(service, options.plan)

            secret = service.store.settings()["secret"]

            def ready() -> None:
                tell(options, service, number, folder)
                show_board(options, folder, f"{address}/board#{secret}")

            run(
                service,
                listening,
                ready,
                site=site,
                proxy_headers=False,
                ssl_certfile=options.cert,
                ssl_keyfile=options.key,
            )
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
