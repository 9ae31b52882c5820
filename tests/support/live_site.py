"""The browser edition as its tests and `bench/browser.py` see it: the built site with stand-ins
for the four compiled packages, on loopback, and a learner's Chromium that reaches nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.stand_ins.making import lay_over
from tests.support.browser import CHROMIUM, FLAGS, WINDOW, Notebook, playwright
from tests.support.lessons import ROOT

PATIENCE = 900  # seconds for a lesson: a busy machine is no reason to fail
_ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


class LiveSite:
    """The site's server, as `Lab` takes one: `site` with what is in `over` laid over it.

    `pinned` holds the four packages, `over` is empty.
    """

    root = Path("/")

    def __init__(self, site: Path, pinned: Path, over: Path) -> None:
        lay_over(site, pinned, over)
        command = (sys.executable, "-m", "tests.browser.stand_ins.serving", site, over)
        path = os.pathsep.join(map(str, (pinned, ROOT)))
        self._process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        port = json.loads(self._process.stdout.readline())["port"]
        self.origin = f"http://127.0.0.1:{port}/"

    def address(self) -> str:
        """Where JupyterLab opens with no notebook."""
        return f"{self.origin}live/lab/index.html"

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


@contextmanager
def learners_chromium(profile: Path, **options: Any) -> Iterator[Any]:
    """A Chromium with this folder as its profile, patient; closed at the end, as by its window.

    What a site keeps in the browser is there again when another is started with that folder.
    """
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            args=[*FLAGS.split(), _ALONE],
            **{"viewport": WINDOW, **options},
        )
        context.set_default_timeout(PATIENCE * 1000)
        yield context
        context.close()


def run(notebook: Notebook, source: str) -> None:
    """Have this in a new cell in front, and run it."""
    notebook.ask(
        f"""{{
            panel.content.activeCellIndex = 0;
            await jupyterapp.commands.execute('notebook:insert-cell-above');
            await jupyterapp.commands.execute('notebook:change-cell-to-code');
            panel.content.activeCell.model.sharedModel.setSource({source!r});
            panel.ran = false;
            const run = jupyterapp.commands.execute('notebook:run-cell');
            run.finally(() => {{ panel.ran = true; }});
        }}"""
    )
    notebook.wait_for_all(PATIENCE)


_NEXT = """panel.content.widgets.findIndex(cell => cell.model.type === 'code'
    && !cell.model.executionCount && cell.model.sharedModel.source.trim())"""


def run_all(notebook: Notebook) -> None:
    """Run All, and again below each cell that ends in an error, where it stops."""
    notebook.start_all()
    notebook.wait_for_all(PATIENCE)
    before = -1
    while (place := notebook.ask(_NEXT)) > before:
        before = place
        notebook.ask(
            f"""{{
                panel.content.activeCellIndex = {place};
                panel.ran = false;
                const run = jupyterapp.commands.execute('notebook:run-all-below');
                run.finally(() => {{ panel.ran = true; }});
            }}"""
        )
        notebook.wait_for_all(PATIENCE)
