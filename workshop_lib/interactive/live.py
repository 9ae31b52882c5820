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
from traitlets import Dict, Unicode, observe

from workshop_lib.display.live import script as code_of
from workshop_lib.display.live import styles
from workshop_lib.errors import LearnerError, WrongArgument
from workshop_lib.lenses.refusals import describe

View = dict[str, Any]
_HERE = Path(__file__).parent


class LiveForm(AnyWidget):
    """Shows `view`; what the learner does comes as `asked`, and the form answers with a view.

    Each answer has the serial number of what was asked. Where there is none, because an error came
    of it, the view stays as it was and `trouble` says which.
    """

    view = Dict(help="what the script draws").tag(sync=True)
    asked = Dict(help="what the learner did last, with a serial number").tag(sync=True)
    trouble = Unicode(help="why the last answer is none").tag(sync=True)

    def __init__(self, view: View, answer: Callable[[View], View]) -> None:
        self._answers = answer
        super().__init__(view=view, asked={})

    @observe("asked")
    def _answer(self, _: Any) -> None:
        if not self.asked:
            return
        trouble = ""
        try:
            view = self._answers(self.asked)
        except Exception as error:  # whatever the learner's own functions raise
            view, trouble = self.view, _in_words(error)
        self.trouble = trouble
        self.view = {**view, "serial": self.asked.get("serial", 0)}


def live_form(script: str, view: View, answer: Callable[[View], View]) -> LiveForm:
    """The widget that `<script>.js` draws, first with ``view``, then with what ``answer`` says."""
    return _kind(script)(view, answer)


@functools.cache
def _kind(script: str) -> type[LiveForm]:
    """The widget's class: anywidget reads script and styles from the class."""
    code = code_of(_HERE / "shared.js", _HERE / f"{script}.js")
    style = styles(_HERE / "interactive.css")
    return type(f"{script.title()}Form", (LiveForm,), {"_esm": code, "_css": style})


def _in_words(error: Exception) -> str:
    if isinstance(error, WrongArgument):
        return str(error)
    said = str(error)
    if not isinstance(error, LearnerError):
        told = describe(error)
        said = f"{told.service or 'Python'} answered {told.code}: {told.message}"
    return f"{said.rstrip('.: ')}. Run the cells above again, and then this one."
