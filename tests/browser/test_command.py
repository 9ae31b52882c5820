"""`python3 workshop.py site`: what it starts, and what it says where something is missing."""

import hashlib
import json
import subprocess
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import workshop
from browser import __main__ as command
from browser import build, downloads
from browser.lockfile import compiled, lock
from browser.server import server
from browser.trouble import Trouble
from browser.wheels import COMPILED, Wheel


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    made: list[tuple[str, ...]] = []
    monkeypatch.setattr(workshop, "set_up", lambda to: made.append((to.folder.name,)))
    monkeypatch.setattr(workshop, "call", lambda *words, of: made.append(tuple(map(str, words))))
    return made


def test_it_runs_in_an_environment_of_its_own(started: list[tuple[str, ...]]) -> None:
    workshop.main(["site", "--self-contained", "wheels", "--serve"])
    environment, words = started
    assert environment == (".venv-site",)
    assert words[:4] == ("-m", "browser", "--output", str(workshop.ROOT / "_site"))
    assert words[words.index("--self-contained") + 1] == str(Path("wheels").absolute())
    assert "--serve" in words


def test_a_file_in_its_place_is_named(
    started: list[tuple[str, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert workshop.main(["site", "--output", str(tmp_path / "taken")]) == 1
    assert "is a file: name a folder" in capsys.readouterr().err
    assert not started


def test_trouble_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise Trouble("The network is missing.")

    monkeypatch.setattr(command, "build", fail)
    assert command.main([]) == 1
    assert capsys.readouterr().err == "The network is missing.\n"


# --- Downloads ----------------------------------------------------------------------------------


def says(words: str) -> Any:
    def run(*_: Any, **__: Any) -> Any:
        return subprocess.CompletedProcess([], 1, "", words)

    return run


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("npm error code ENOTFOUND", "check the network"),
        ("npm error code E404", "npm error code E404"),
    ],
)
def test_what_npm_cannot_bring(
    said: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_npm", lambda: ["npm"])
    monkeypatch.setattr(subprocess, "run", says(said))
    with pytest.raises(Trouble, match=told):
        downloads.fetch(tmp_path)


def test_another_file_than_the_pinned_is_not_used(tmp_path: Path) -> None:
    version = downloads.pins()["pyodide"]["version"]
    archive = tmp_path / f"pyodide-{version}.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(Trouble, match="not the file that was pinned"):
        downloads.fetch(tmp_path)
    assert not archive.exists()


# --- The four, and the lock ---------------------------------------------------------------------


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A folder as Pyodide's is, with a lock of the four and of one more."""
    packages = {
        name: {
            "name": name,
            "version": "1",
            "file_name": f"{name}-1-wasm32.whl",
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
            "depends": ["six", "libgone"],
        }
        for name in (*COMPILED, "another")
    }
    found = {"info": {"python": "3.14.2"}, "packages": packages}
    (tmp_path / "pyodide-lock.json").write_text(json.dumps(found))
    return tmp_path


def test_the_four_come_from_where_they_are_said_to_lie(core: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "six-1-py3-none-any.whl"
    wheel.write_bytes(b"six")
    six = Wheel("six", "1", wheel, ["not-shipped"], ["six"])
    needs: dict[str, list[str]] = {name: [] for name in COMPILED}
    made = lock(core, [six], needs | {"pandas": ["numpy", "not-shipped"]}, "https://far.example/x")
    assert made["packages"].keys() == {*COMPILED, "six"}
    pandas = made["packages"]["pandas"]
    assert pandas["file_name"] == "https://far.example/x/pandas-1-wasm32.whl"
    assert pandas["sha256"] == hashlib.sha256(b"pandas").hexdigest()
    assert pandas["depends"] == ["numpy", "six"]
    assert made["packages"]["six"]["depends"] == []
    assert made["packages"]["six"]["sha256"] == hashlib.sha256(b"six").hexdigest()


def test_a_folder_of_the_four_is_looked_at(
    core: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_cdn", lambda: "https://far.example")
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, entry in compiled(core).items():
        with pytest.raises(Trouble, match=f"has no {entry['file_name']}: get it from https://far"):
            build.check_compiled(core, folder)
        (folder / entry["file_name"]).write_text(name)
    build.check_compiled(core, folder)
    (folder / "numpy-1-wasm32.whl").write_text("another")
    with pytest.raises(Trouble, match="not the file that Pyodide's lock names"):
        build.check_compiled(core, folder)


# --- The server ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.mjs", "text/javascript"), ("a.wasm", "application/wasm"), ("a.svg", "image/svg+xml")],
)
def test_a_file_is_served_as_what_it_is(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("content")
    with server(tmp_path, 0) as served:
        Thread(target=served.handle_request, daemon=True).start()
        address = f"http://127.0.0.1:{served.server_port}/{name}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.headers["Content-Type"] == kind
            assert answer.headers["Cache-Control"] == "no-cache"
            assert answer.read() == b"content"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with server(tmp_path, 0) as first, pytest.raises(Trouble, match=str(first.server_port)):
        server(tmp_path, first.server_port)
