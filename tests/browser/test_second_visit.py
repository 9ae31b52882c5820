"""What a learner did in a browser is there when they come again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Lab, Notebook, needs_chromium
from tests.support.class_server import wait_until
from tests.support.lessons import LESSONS
from tests.support.live_site import LiveSite, learners_chromium, run
from workshop_lib.questions import bank

pytestmark = [pytest.mark.slow, pytest.mark.long, needs_chromium]
LESSON = Path("/my-lessons") / LESSONS[5].name
SET_UP = "from workshop_lib import start_lab, predict, progress\nlab = start_lab()"
ASK = "predict('5.1')"
# What lies in the browser's own store, told by JupyterLite and not by the kernel that wrote it.
KEPT = """jupyterapp.serviceManager.contents.get('my-lessons/.progress.jsonl', {content: true})
    .then(({ content }) => atob(content).includes('"outcome":"wrong"'), () => false)"""


def asked(notebook: Notebook) -> Any:
    """The options of the question, once a lab is there."""
    run(notebook, SET_UP)
    run(notebook, ASK)
    return notebook.find(".workshop-question").first.locator("[role=radio]")


def test_answers_and_edits_are_there_on_the_next_visit(server: LiveSite, tmp_path: Path) -> None:
    wrong = next(o for o in bank.prediction("5.1").options if o != bank.prediction("5.1").answer)
    with learners_chromium(tmp_path) as context:
        notebook = Lab(server, context.new_page()).open(LESSON)  # type: ignore[arg-type]
        asked(notebook).filter(has_text=wrong).click()
        wait_until(lambda: notebook.ask(KEPT), 120)
        notebook.ask("panel.context.save()")

    with learners_chromium(tmp_path) as context:
        notebook = Lab(server, context.new_page()).open(LESSON)  # type: ignore[arg-type]
        assert notebook.sources()[:2] == [ASK, SET_UP]
        options = asked(notebook)
        chosen = options.and_(notebook.find("[aria-checked=true]"))
        chosen.filter(has_text=wrong).wait_for(timeout=120_000)
        assert chosen.count() == 1
        run(notebook, "progress()")
        (output,) = notebook.content().cells[0].outputs
        assert re.search(r"^05 .* 1 of \d+, 0 at first try", output.data["text/plain"], re.M)
