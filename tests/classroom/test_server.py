"""The program: what it prints and keeps, killed and started again, beside another one."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import ssl
import stat
import urllib.request
from pathlib import Path

import pytest

from classroom.__main__ import main
from classroom.options import FOLDER, parse
from classroom.outline import Outline
from classroom.server import alone, own_names
from tests.support.class_learners import SimulatedLearner
from tests.support.class_server import ROOT, ClassServer, class_server, free_port
from workshop_lib.classes.entrance import ClassError, enter
from workshop_lib.classes.transport import HttpTransport


def started_wrongly(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What a server says that does not start."""
    assert main(["--no-browser", *options]) == 1
    return capsys.readouterr().err


def test_what_it_prints_and_keeps(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    with class_server(folder, "--title", "Monday", "--plan", "90-minutes") as server:
        assert f"Listening on 127.0.0.1, port {server.port}: only this machine" in server.output
        assert "Without TLS" in server.output
        assert server.address == f"http://127.0.0.1:{server.port}"
        assert "█" in server.output or "▄" in server.output
        state = server.state(server.open_board())
        assert state["class"]["address"] == server.address
        assert state["class"]["plan"]["name"] == "90-minutes"
        if os.name == "posix":
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            for file in folder.iterdir():
                assert file.name == ".lock" or not stat.S_IMODE(file.stat().st_mode) & 0o077, file
        page = (folder / "open-board.html").read_text("utf-8")
        assert f"{server.address}/board#{server.secret}" in page


def test_killed_it_loses_nothing_that_it_acknowledged(tmp_path: Path, outline: Outline) -> None:
    """Three times in the middle of sending; learners send again what was not acknowledged."""

    async def learn(server: ClassServer) -> set[str]:
        learners = [
            SimulatedLearner(server.address, outline, random.Random(n), f"L{n}") for n in range(6)
        ]
        acknowledged = set[str]()
        for learner in learners:
            await learner.join(server.code)

        async def send(learner: SimulatedLearner) -> None:
            for _ in range(25):
                for _ in range(4):
                    learner.act()
                try:
                    acknowledged.update(await learner.send())
                except (OSError, EOFError):
                    await asyncio.sleep(0.02)

        for _ in range(3):
            sending = [asyncio.create_task(send(learner)) for learner in learners]
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.kill)
            await asyncio.gather(*sending)
            await asyncio.to_thread(server.start)
        for learner in learners:
            while learner.unsent:
                acknowledged.update(await learner.send())
                await asyncio.sleep(0.05)
            learner.close()
        return acknowledged

    with class_server(tmp_path / "class") as server:
        code, secret, cookie = server.code, server.secret, server.open_board()
        acknowledged = asyncio.run(learn(server))
        assert (server.code, server.secret) == (code, secret)
        assert len(acknowledged) == 6 * 3 * 100
        _, text, _ = server.ask("GET", "/api/board/export.csv", Cookie=cookie)
        assert len(text.splitlines()) == 1 + len(acknowledged), "each once, and none besides"


def test_two_classes_on_one_machine_know_nothing_of_each_other(tmp_path: Path) -> None:
    with class_server(tmp_path / "a") as one, class_server(tmp_path / "b") as two:
        assert one.code != two.code
        asked = {"code": one.code, "name": "Ada"}
        assert two.ask("POST", "/api/join", asked)[0] == 403
        _, joined, _ = one.ask("POST", "/api/join", asked)
        key = {"Authorization": f"Bearer {joined['key']}"}
        assert two.ask("POST", "/api/hand", {"up": True}, **key)[0] == 401
        both = {"Cookie": f"{one.open_board()}; {two.open_board()}"}
        assert len(one.state(both["Cookie"])["learners"]) == 1
        assert len(two.state(both["Cookie"])["learners"]) == 0
        assert two.ask("GET", "/api/board/export.csv", Cookie=one.open_board())[0] == 401


def test_a_folder_is_one_servers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with alone(tmp_path / "class"):
        here = ("--folder", str(tmp_path / "class"), "--host", "127.0.0.1")
        assert "--folder class-2" in started_wrongly(capsys, *here)


def test_a_port_that_is_taken_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        here = ("--folder", str(tmp_path), "--host", "127.0.0.1")
        port = str(taken.getsockname()[1])
        assert "--port" in started_wrongly(capsys, *here, "--port", port)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "198.51.100.1"), "--host"),
        (("--host", "127.0.0.1", "--plan", "never"), "90-minutes"),
        (("--host", "127.0.0.1", "--site", "/nowhere"), "--site"),
        (("--host", "127.0.0.1", "--database", "mysql://x/y"), "postgresql://"),
        (("--host", "127.0.0.1", "--database", "postgresql://a:b@127.0.0.1:1/c"), "--database"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    told = started_wrongly(
        capsys, "--folder", str(tmp_path / "class"), "--port", str(free_port()), *options
    )
    assert said in told
    assert "a:b@" not in told, "a password is not printed"


def test_a_damaged_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "class.sqlite").write_bytes(b"no database" * 100)
    here = ("--folder", str(tmp_path / "class"), "--host", "127.0.0.1")
    said = started_wrongly(capsys, *here, "--port", str(free_port()))
    assert "class.sqlite cannot be opened" in said


def test_a_certificate_makes_it_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = certificate(tmp_path)
    server = ClassServer(tmp_path / "class", "--cert", str(cert), "--key", str(key))
    server.start()
    try:
        assert server.address.startswith("https://")
        assert "Without TLS" not in server.output
        trusting = ssl.create_default_context(cafile=str(cert))
        body = json.dumps({"secret": server.secret}).encode()
        request = urllib.request.Request(
            server.address + "/api/board/session", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20, context=trusting) as answer:
            assert "secure" in answer.headers["set-cookie"].lower()
        with pytest.raises(ClassError, match=r"certificate .* SSL_CERT_FILE"):
            enter(HttpTransport, server.address, {"code": server.code})
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        joined = enter(HttpTransport, server.address, {"code": server.code, "name": "Ada"})
        assert joined.name == "Ada"
    finally:
        server.stop()


def certificate(folder: Path) -> tuple[Path, Path]:
    """One for 127.0.0.1, that nobody trusts."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


@pytest.mark.parametrize(
    "options",
    [
        ["--cert", "x"],
        ["--key", "x"],
        ["--port", "0"],
        ["--port", "70000"],
        ["--address", "class.example.org"],
        ["--address", "javascript:alert(1)"],
        ["more"],
    ],
)
def test_options_that_mean_nothing_are_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(options)
    assert refused.value.code == 2


def test_the_folder_is_not_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {f"{FOLDER}/", f"{FOLDER}-*/"} <= set(ignored)


def test_the_names_of_this_machine() -> None:
    names = own_names("https://class.example.org")
    assert {"localhost", "class.example.org"} <= names
