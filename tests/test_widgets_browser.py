"""predict() and quiz() in a real JupyterLab in headless Chromium: mouse, keys, themes, reopening.

Skipped, with the reason, where there is no Chromium or no Playwright.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import workshop_lib

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed.")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="No Chromium or Chrome on the PATH.")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
SETUP = """\
from workshop_lib.widgets import Question, predict, quiz
cached = Question(
    "Will `GetItem` still work?",
    {
        "No, at once": "Only KMS refuses at once.",
        "Yes, for some minutes": "DynamoDB keeps the table key in a cache. " * 4,
        "It depends on the reader, on the table, on its key and on much else besides " * 3: "No.",
    },
    "Yes, for some minutes",
)
readers = Question("Who reads it?", {"All": "At rest is on disk.", "None": "They do."}, "All")"""
CELLS = ("predict(cached)", "quiz([cached, readers])", "1 + 1")


class Server:
    """A JupyterLab of its own on loopback: its notebooks, settings and kernels."""

    def __init__(self, home: Path) -> None:
        self.root = home / "notebooks"
        settings = home / "settings" / "@jupyterlab"
        notifications = settings / "apputils-extension" / "notification.jupyterlab-settings"
        notifications.parent.mkdir(parents=True)
        notifications.write_text('{"fetchNews": "false"}')
        self._theme = notifications.with_name("themes.jupyterlab-settings")
        self.root.mkdir()
        places = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        environment = {name: str(home / folder) for name, folder in places.items()}
        environment["PYTHONPATH"] = str(Path(workshop_lib.__file__).absolute().parents[1])
        options = [
            "--no-browser",
            "--ip=127.0.0.1",
            "--port=0",
            "--ServerApp.allow_root=True",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            f"--ServerApp.root_dir={self.root}",
        ]
        with (home / "log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
        info = home / "runtime" / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + 60
        while not (info.exists() and info.read_text().endswith("}")):
            assert time.monotonic() < deadline, (home / "log").read_text()
            time.sleep(0.1)
        known = json.loads(info.read_text())
        self._url, self._token = known["url"], known["token"]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def theme(self, name: str) -> None:
        self._theme.write_text(json.dumps({"theme": name}))

    def address(self, path: Path) -> str:
        return f"{self._url}lab/tree/{path.name}?reset&token={self._token}"

    def shut_kernels(self) -> None:
        for kernel in json.loads(self._ask("api/kernels").read()):
            self._ask(f"api/kernels/{kernel['id']}", "DELETE")

    def _ask(self, path: str, method: str = "GET") -> Any:
        headers = {"Authorization": f"token {self._token}"}
        return urllib.request.urlopen(
            urllib.request.Request(self._url + path, headers=headers, method=method)
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


class Notebook:
    """A notebook in the browser."""

    def __init__(self, server: Server, page: Any, path: Path) -> None:
        self.server, self.page, self.path = server, page, path

    def open(self) -> None:
        self.page.goto(self.server.address(self.path))
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.evaluate(
            """async () => {
                const panel = jupyterapp.shell.currentWidget;
                await panel.context.ready;
                await panel.sessionContext.ready;
                await panel.sessionContext.session?.kernel?.info;
            }"""
        )

    def run_all(self) -> None:
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.button("None").wait_for(timeout=60_000)

    def button(self, text: str, nth: int = 0) -> Any:
        return self.page.locator(".workshop-question button", has_text=text).nth(nth)

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.textContent"))

    def says(self, text: str) -> None:
        said = self.page.locator("[role=status].workshop-feedback", has_text=text)
        said.wait_for(timeout=10_000)

    def cells(self) -> tuple[int, str]:
        """How many cells there are, and the source of the active one."""
        active = "jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.source"
        return self.page.locator(".jp-Notebook .jp-Cell").count(), self.page.evaluate(active)

    def save_with(self, keys: str) -> None:
        self.page.keyboard.press(keys)
        self.page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")

    def reopen_without_kernel(self) -> None:
        self.page.goto("about:blank")
        self.server.shut_kernels()
        self.open()


@pytest.fixture
def notebook(server: Server, browser: Any, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    path = server.root / f"{request.node.originalname}.ipynb"
    content = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, (SETUP, *CELLS))))
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(content, path)
    page = browser.new_page(viewport={"width": 1200, "height": 1300})
    yield Notebook(server, page, path)
    page.close()
    server.shut_kernels()
    server.theme("JupyterLab Light")


def test_by_mouse_and_when_run_twice(notebook: Notebook) -> None:
    notebook.open()
    notebook.run_all()
    notebook.button("No, at once").click()
    notebook.says("Your prediction: No, at once.")
    notebook.button("Reveal").click()
    notebook.says("Not quite. Only KMS refuses at once. The answer: Yes, for some minutes.")
    notebook.button("All").click()
    notebook.says("Right. At rest is on disk.")
    assert notebook.button("All").inner_text() == "● All"
    assert not notebook.page.locator(".workshop-static").first.is_visible()
    notebook.run_all()
    notebook.button("None").click()
    notebook.says("Not quite. They do.")
    assert notebook.page.locator(".workshop-question").count() == 2


def test_by_keys_that_jupyterlab_does_not_steal(notebook: Notebook) -> None:
    notebook.open()
    notebook.run_all()
    press = notebook.page.keyboard.press
    notebook.button("No, at once").focus()
    before = notebook.cells()
    press("Enter")
    notebook.says("Your prediction: No, at once.")
    press("Tab")
    assert "Yes, for some minutes" in notebook.focused()
    press("Space")
    notebook.says("Your prediction: Yes, for some minutes.")
    for arrow, at in [("ArrowUp", "No, at"), ("ArrowUp", "It depends"), ("ArrowDown", "No, at")]:
        press(arrow)
        assert at in notebook.focused()
    for shortcut in ("a", "b", "c", "x", "v", "d", "d", "m", "y", "j", "k", "Shift+M", "Shift+J"):
        press(shortcut)
    assert "No, at once" in notebook.focused()
    for _ in range(3):
        press("Tab")
    assert notebook.focused().endswith("Reveal")
    press("Enter")
    notebook.says("Right. DynamoDB keeps the table key in a cache.")
    assert notebook.cells()[0] == before[0]
    assert notebook.page.locator(".jp-Notebook .jp-Cell").nth(3).inner_text().startswith("[4]:")


def test_what_stays_jupyterlab_s(notebook: Notebook) -> None:
    """Saving and running the next cell work while an option has the focus."""
    notebook.open()
    notebook.run_all()
    notebook.button("No, at once").click()
    notebook.says("Your prediction")
    notebook.save_with("Control+s")
    assert "workshop-static" in notebook.path.read_text()
    assert notebook.cells()[1] == CELLS[0]
    notebook.page.keyboard.press("Shift+Enter")
    notebook.page.wait_for_function(
        "jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.source[0] === 'q'"
    )


def test_opened_again_without_a_kernel_it_shows_the_static_form(notebook: Notebook) -> None:
    notebook.open()
    notebook.run_all()
    notebook.save_with("Control+s")
    notebook.reopen_without_kernel()
    static = notebook.page.locator(".workshop-static")
    static.first.wait_for(timeout=10_000)
    assert static.count() == 2
    answer = static.first.get_by_text("Only KMS refuses at once.")
    assert not answer.is_visible()
    static.first.get_by_text("Answer", exact=True).click()
    answer.wait_for(timeout=5_000)
    for message in ("Loading widget", "Error displaying widget"):
        assert not notebook.page.get_by_text(message).first.is_visible()
    # JupyterLab trusts no outputs but its own: in somebody else's it drops styles and widgets.
    foreign = notebook.path.with_name("foreign.ipynb")
    foreign.write_text(notebook.path.read_text().replace("1 + 1", "2 + 2"))
    notebook.path = foreign
    notebook.reopen_without_kernel()
    notebook.page.get_by_text("Who reads it?").first.wait_for(timeout=10_000)
    notebook.page.get_by_text("Answer", exact=True).first.click()
    notebook.page.get_by_text("Only KMS refuses at once.").first.wait_for(timeout=5_000)
    assert not notebook.page.get_by_text("Loading widget").first.is_visible()


CONTRAST = """element => {
    const parse = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    let back = element;
    const of = node => parse(getComputedStyle(node).backgroundColor);
    while (of(back)[3] === 0) back = back.parentElement;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(of(back))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_readable_in_both_themes(notebook: Notebook, theme: str, tmp_path: Path) -> None:
    """WCAG 2.2 AA asks for 4.5 to 1: https://www.w3.org/TR/WCAG22/#contrast-minimum"""
    notebook.server.theme(theme)
    notebook.open()
    notebook.run_all()
    notebook.button("No, at once", nth=1).click()
    notebook.says("Not quite.")
    notebook.button("All").click()
    notebook.says("Right. At rest")
    notebook.page.screenshot(path=str(tmp_path / "page.png"))
    assert notebook.page.evaluate("document.body.dataset.jpThemeName") == theme
    texts = notebook.page.locator(
        ".workshop-question button, .workshop-question p, .workshop-question code"
    ).all()
    assert len(texts) > 10
    for text in texts:
        assert text.evaluate(CONTRAST) >= 4.5, text.inner_text()
    long = notebook.button("It depends").bounding_box()
    assert long["height"] > 1.8 * notebook.button("No, at once").bounding_box()["height"]
