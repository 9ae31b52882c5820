"""The live side of a form: one widget, drawn by the form's script.

Importing this loads anywidget, and with it ipywidgets; of that, only what version 7 has too is
used, for it is what Colab brings.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anywidget import AnyWidget
from traitlets import Dict, observe

from workshop_lib.display.live import script as code_of
from workshop_lib.display.style import sheet

View = dict[str, Any]
_HERE = Path(__file__).parent


class LiveForm(AnyWidget):
    """Shows `view`; what the learner does comes as `asked`, and the form answers with a view."""

    view = Dict(help="what the script draws").tag(sync=True)
    asked = Dict(help="what the learner did last, with a serial number").tag(sync=True)

    def __init__(self, view: View, answer: Callable[[View], View]) -> None:
        self._answers = answer
        super().__init__(view=view, asked={})

    @observe("asked")
    def _answer(self, _: Any) -> None:
        if self.asked:
            self.view = self._answers(self.asked)


def live_form(script: str, view: View, answer: Callable[[View], View]) -> LiveForm:
    """The widget that `<script>.js` draws, first with ``view``, then with what ``answer`` says."""
    return _kind(script)(view, answer)


@functools.cache
def _kind(script: str) -> type[LiveForm]:
    """The widget's class: anywidget reads script and styles from the class."""
    code = code_of(_HERE / "shared.js", _HERE / f"{script}.js")
    style = sheet() + (_HERE / "interactive.css").read_text(encoding="utf-8")
    return type(f"{script.title()}Form", (LiveForm,), {"_esm": code, "_css": style})
