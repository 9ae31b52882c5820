"""A class in real kernels: joined in a cell, resumed after a restart, past the lab's guard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import workshop_lib
from classroom.__main__ import own_address
from tests.support.class_server import ClassServer, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassServer]:
    """On this machine's address in its network, which the lab's guard keeps closed."""
    server = ClassServer(tmp_path_factory.mktemp("kept") / "class", "--host", own_address())
    server.start()
    yield server
    server.stop()


@contextmanager
def kernel(folder: Path) -> Iterator[Any]:
    """A kernel in that folder: a function that runs a cell and gives its outputs as text."""
    os.environ["PYTHONPATH"] = str(Path(workshop_lib.__file__).parents[1])
    notebook = nbformat.v4.new_notebook()
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, kernel_name="python3", timeout=120, resources=resources)

    def run(*lines: str) -> str:
        cell = nbformat.v4.new_code_cell("\n".join(lines))
        notebook.cells.append(cell)
        client.execute_cell(cell, len(notebook.cells) - 1)
        return "\n".join(
            output.get("text", "") or output.data.get("text/plain", "") for output in cell.outputs
        )

    with client.setup_kernel():
        yield run


LAB = ("from workshop_lib import *", "lab = start_lab()")


def test_a_class_is_joined_once_and_for_every_kernel_until_it_is_left(
    server: ClassServer, tmp_path: Path
) -> None:
    folder = tmp_path / "my-lessons"
    folder.mkdir()
    answer = (
        "predict('5.1')",
        "from ipywidgets.widgets.widget import _instances",
        "[w] = [w for w in _instances.values() if hasattr(w, 'votes')]",
        "w.chosen = [0]",
    )
    board = server.open_board()

    def learner() -> dict[str, Any]:
        (found,) = server.state(board)["learners"].values()
        return dict(found)

    with kernel(folder) as run:
        assert "You are in the class" not in run(*LAB)
        assert "as Ada" in run(f"join('{server.address}', '{server.code}', 'Ada')")
        run(*answer)
        wait_until(lambda: learner()["done"] == {"predict 5.1": "chosen"})
        (asked,) = [
            m for m, p in server.state(board)["polls"].items() if p["item"] == "predict 5.1"
        ]
        server.ask("POST", "/api/board/vote-again", {"question": asked}, Cookie=board)
        wait_until(lambda: "votes again" in run("print(w.votes, w.chosen)"))
        assert "[-1]" in run("print(w.chosen)")

    with kernel(folder) as run:
        assert "as Ada" in run(*LAB)
        run("hand()")
        wait_until(lambda: learner()["hand"])
        said = run("import socket", "try: socket.create_connection(('198.51.100.7', 80), 1)",
                   "except ConnectionRefusedError as error: print(error)")  # fmt: skip
        assert "keeps this kernel away" in said
        assert "You have left" in run("leave()")
        host, port = server.address.removeprefix("http://").split(":")
        said = run("import socket", f"try: socket.create_connection(('{host}', {port}), 5)",
                   "except ConnectionRefusedError as error: print(error)")  # fmt: skip
        assert ("keeps this kernel away" in said) != host.startswith("127.")

    with kernel(folder) as run:
        assert "class" not in run(*LAB).replace("<class", "")
    assert not learner()["here"]
