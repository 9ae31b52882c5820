"""JupyterLab in headless Chromium, for tests: a server of its own, and notebooks open in it.

A module that imports this is skipped where Playwright is not installed, and its tests, marked by
`needs_chromium`, where there is no Chromium; pytest's summary says so. The fixtures are one per
module: JupyterLab takes longer to load than most tests take.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
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
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="No Chromium or Chrome on the PATH.")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
THEMES = ("JupyterLab Light", "JupyterLab Dark")
WINDOW = {"width": 1200, "height": 1300}
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false"},
    # Otherwise the browser lays out only the cells in view, and what is not laid out can neither
    # be looked at nor measured.
    "notebook-extension/tracker": {"windowingMode": "none"},
    # A save of JupyterLab's own, beside one of a test's, may end in a question nobody answers.
    "docmanager-extension/plugin": {"autosave": False},
}


class Server:
    """A JupyterLab of its own on loopback: its notebooks, settings and kernels."""

    def __init__(self, home: Path) -> None:
        self.root = home / "notebooks"
        self.root.mkdir()
        for name, values in SETTINGS.items():
            path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        places = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        environment = {name: str(home / folder) for name, folder in places.items()}
        # Kernels listen on files where they can: a port that is free when Jupyter looks may be
        # taken when the kernel comes. A socket's path may be 104 bytes long, so it lies apart.
        posix = os.name == "posix"
        self._runtime = Path(tempfile.mkdtemp(prefix="lab", dir="/tmp" if posix else None))
        environment["JUPYTER_RUNTIME_DIR"] = str(self._runtime)
        environment["PYTHONPATH"] = str(Path(workshop_lib.__file__).absolute().parents[1])
        options = [
            "--no-browser",
            "--ip=127.0.0.1",
            "--port=0",
            "--ServerApp.allow_root=True",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            f"--KernelManager.transport={'ipc' if posix else 'tcp'}",
            f"--ServerApp.root_dir={self.root}",
        ]
        with (home / "log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
        info = self._runtime / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + 60
        while not (info.exists() and info.read_text().endswith("}")):
            assert time.monotonic() < deadline, (home / "log").read_text()
            time.sleep(0.1)
        known = json.loads(info.read_text())
        self._url, self._token = known["url"], known["token"]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._runtime, ignore_errors=True)

    def address(self) -> str:
        return f"{self._url}lab?reset&token={self._token}"

    def shut_kernels(self) -> None:
        for kernel in json.loads(self._ask("api/kernels").read()):
            self._ask(f"api/kernels/{kernel['id']}", "DELETE")

    def _ask(self, path: str, method: str = "GET") -> Any:
        headers = {"Authorization": f"token {self._token}"}
        return urllib.request.urlopen(
            urllib.request.Request(self._url + path, headers=headers, method=method)
        )


class Lab:
    """JupyterLab, loaded in a page of the browser."""

    def __init__(self, server: Server, page: Any) -> None:
        self.server, self.page = server, page
        self.load()

    def load(self) -> None:
        """Load it, or load it again with nothing open."""
        self.page.goto(self.server.address())
        self.page.wait_for_function("window.jupyterapp", timeout=60_000)
        self.page.evaluate("jupyterapp.restored.then(() => null)")

    def open(self, path: Path) -> Notebook:
        """Open a notebook that lies under the server's root, in front, its kernel started."""
        name = path.relative_to(self.server.root).as_posix()
        panel = self.page.evaluate(
            """async path => {
                const panel = await jupyterapp.commands.execute('docmanager:open', {path});
                await panel.context.ready;
                await panel.sessionContext.ready;
                await panel.sessionContext.session?.kernel?.info;
                return panel.id;
            }""",
            name,
        )
        return Notebook(self.page, path, panel)

    def theme(self, name: str) -> None:
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name
        )
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)


class Notebook:
    """A notebook in JupyterLab."""

    def __init__(self, page: Any, path: Path, panel: str) -> None:
        self.page, self.path, self._panel = page, path, panel
        self._found = f"[...jupyterapp.shell.widgets('main')].find(panel => panel.id === '{panel}')"

    def ask(self, script: str) -> Any:
        """Evaluate JavaScript that knows the notebook as `panel`; a promise is waited for."""
        return self.page.evaluate(f"(async panel => {script})({self._found})")

    def wait_until(self, condition: str, seconds: float = 30) -> None:
        self.page.wait_for_function(
            f"(panel => {condition})({self._found})", timeout=seconds * 1000
        )

    def find(self, selector: str, **filters: Any) -> Any:
        """What matches a CSS selector in this notebook."""
        return self.page.locator(f"#{self._panel}").locator(selector, **filters)

    def show(self) -> None:
        """Bring it to the front."""
        self.ask("jupyterapp.shell.activateById(panel.id)")
        self.find(".jp-Cell").first.wait_for()

    def start_all(self) -> None:
        """Run All, without waiting for it; the notebook is in front."""
        self.ask(
            """{
                panel.ran = false;
                const run = jupyterapp.commands.execute('notebook:run-all-cells');
                run.finally(() => { panel.ran = true; });
            }"""
        )

    def wait_for_all(self, seconds: float = 120) -> None:
        """Wait until Run All has come to its end, which is the first error if there is one."""
        self.wait_until("panel.ran", seconds)

    def run_all(self) -> None:
        self.start_all()
        self.wait_for_all()

    def run_cells(self, *cells: int) -> None:
        """Run some cells, and wait until each has come to its end."""
        for cell in cells:
            self.ask(
                f"{{ panel.content.activeCellIndex = {cell}; "
                "await jupyterapp.commands.execute('notebook:run-cell'); }"
            )

    def printed(self, code: str) -> str:
        """What code prints that the kernel runs beside the cells."""
        return str(
            self.ask(
                f"""{{
                    const {{ kernel }} = panel.sessionContext.session;
                    const code = {json.dumps(code)};
                    const asked = kernel.requestExecute({{ code, store_history: false }});
                    let text = '';
                    asked.onIOPub = ({{ content }}) => {{ text += content.text ?? ''; }};
                    await asked.done;
                    return text;
                }}"""
            )
        )

    def sources(self) -> list[str]:
        """The text of every cell, in order."""
        return [cell.source for cell in self.content().cells]

    def focused(self) -> str:
        """The text of what has the keyboard's focus."""
        return str(self.page.evaluate("document.activeElement.textContent"))

    def content(self) -> Any:
        """The notebook as it now is, outputs included."""
        return nbformat.from_dict(self.ask("panel.content.model.toJSON()"))

    def restart(self) -> None:
        """Restart the kernel, as the button in the toolbar does; the outputs stay."""
        self.ask("panel.sessionContext.restartKernel()")

    def close(self) -> None:
        """Close it unsaved, and shut its kernel down; nothing happens if it is closed."""
        self.ask("{ await panel?.sessionContext.shutdown(); panel?.dispose(); }")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[Lab]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield Lab(server, browser.new_page(viewport=WINDOW))
        browser.close()
