"""A network of its own for a program: a name server, AWS, instance metadata and a web site.

All four stand on loopback addresses of a Linux network namespace, from which nothing leads out.
They write down what reaches them. `unshare` (util-linux) makes the namespace; this file is then
run inside it, as a program: its arguments are another program's, its output is what was seen.
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# https://www.rfc-editor.org/rfc/rfc5737: addresses for documentation.
NAME_SERVER, AWS, SITE = "203.0.113.53", "203.0.113.10", "203.0.113.20"
METADATA = "169.254.169.254"
SUFFIXES = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "amazonaws.eu")
_UNSHARE = ("unshare", "--map-root-user", "--net", "--mount")


@dataclass
class Seen:
    """What a program did: its output, the names it looked up, and whom it reached."""

    status: int
    output: str
    errors: str
    names: list[str]
    reached: list[str]

    @property
    def of_aws(self) -> list[str]:
        """What AWS, its metadata or a name server for its names were asked."""
        asked = [name for name in self.names if name.endswith(SUFFIXES)]
        return asked + [address for address in self.reached if not address.startswith(SITE)]


def why_not() -> str | None:
    """Why no namespace can be made here; None where one can."""
    if shutil.which("unshare") is None:
        return "unshare (util-linux) is not there"
    tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False)
    return f"no network namespace: {tried.stderr.strip()}" if tried.returncode else None


def run(program: Path, environment: Mapping[str, str]) -> Seen:
    """Run a Python program in a namespace of its own."""
    done = subprocess.run(
        [*_UNSHARE, sys.executable, __file__, str(program)],
        env={**environment}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Seen(**json.loads(done.stdout))


# --- Inside ---------------------------------------------------------------------------------------


class _Network:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.reached: list[str] = []
        _raise_loopback((NAME_SERVER, AWS, SITE, METADATA))
        for port in (80, 443):
            self._listen(AWS, port, self._close)
            self._receive(AWS, port, lambda *_: None)
        self._listen(METADATA, 80, self._close)
        self._listen(SITE, 80, _hello)
        self._receive(NAME_SERVER, 53, self._answer)

    def _listen(self, address: str, port: int, serve: Callable[[socket.socket], None]) -> None:
        listener = socket.create_server((address, port), backlog=64)

        def accept() -> None:
            while True:
                connection, _ = listener.accept()
                self.reached.append(f"{address}:{port}")
                with contextlib.suppress(OSError), connection:
                    serve(connection)

        threading.Thread(target=accept, daemon=True).start()

    def _receive(
        self, address: str, port: int, answer: Callable[[socket.socket, bytes, Any], None]
    ) -> None:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, port))

        def receive() -> None:
            while True:
                datagram, sender = server.recvfrom(4096)
                if address != NAME_SERVER:
                    self.reached.append(f"{address}:{port}/udp")
                answer(server, datagram, sender)

        threading.Thread(target=receive, daemon=True).start()

    def _close(self, connection: socket.socket) -> None:
        """Nobody is answered: that somebody came is enough."""

    def _answer(self, server: socket.socket, question: bytes, sender: Any) -> None:
        """A name server's answer. https://www.rfc-editor.org/rfc/rfc1035#section-4"""
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace"))
            at += 1 + question[at]
        name, end = ".".join(labels).lower(), at + 5
        self.names.append(name)
        is_a = question[at + 1 : at + 3] == b"\0\1"
        address = AWS if name.endswith(SUFFIXES) else SITE if name.endswith("site.test") else None
        answers, record = 0, b""
        if address and is_a:
            answers = 1
            record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
        flags = 0x8180 if address else 0x8183  # no such name
        head = question[:2] + struct.pack(">HHHHH", flags, 1, answers, 0, 0)
        server.sendto(head + question[12:end] + record, sender)


def _hello(connection: socket.socket) -> None:
    connection.settimeout(5)
    connection.recv(65_536)
    body = b"greeting\nhello\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + body)


def _raise_loopback(addresses: tuple[str, ...]) -> None:
    """Bring the loopback interface up, and give it further addresses. See netdevice(7)."""
    set_address, set_flags, up = 0x8916, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, set_flags, struct.pack("16sh22x", b"lo", up))
        for number, address in enumerate(addresses):
            name = f"lo:{number}".encode()
            where = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, set_address, struct.pack("16s16s8x", name, where))


def _use_name_server() -> None:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(f"nameserver {NAME_SERVER}\noptions timeout:2 attempts:1\n")
    settings = Path("/etc/resolv.conf").resolve()
    subprocess.run(["mount", "--bind", file.name, str(settings)], check=True)
    Path(file.name).unlink()


def _main() -> None:
    _use_name_server()
    network = _Network()
    done = subprocess.run(
        [sys.executable, *sys.argv[1:]],
        env=os.environ, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    found = Seen(done.returncode, done.stdout, done.stderr, network.names, network.reached)
    print(json.dumps(vars(found)))


if __name__ == "__main__":
    _main()
