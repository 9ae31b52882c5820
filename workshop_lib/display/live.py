"""What a notebook shows twice: as a page that anything can show, and as a widget of a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workshop_lib.display.style import sheet

_HERE = Path(__file__).parent


def show_both(text: str, html: str, widget: Any) -> None:
    """Display the static form (text, HTML) and then the live one, an ipywidget, as two outputs.

    The style sheet `one_of_two` in `html` hides the one while the other shows.
    """
    from IPython.display import display

    # The metadata tells Colab where the widget's own JavaScript is.
    nothing: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    live, metadata = widget._repr_mimebundle_() or nothing
    # A widget's own text is the name of its class; where no widget shows, nothing should.
    display(
        _Bundle({"text/plain": text, "text/html": html}, {}),
        _Bundle({**live, "text/plain": ""}, metadata),
    )


def one_of_two(static: str, live: str, *rules: str) -> str:
    """The style sheet that hides the one output while the other shows; it stands in the static one.

    static, live: a class that stands in each. rules: more rules for the same sheet. A notebook
    opened again still has the live output, but nothing to fill it with: the static one hides while
    there is a live one, else it hides the empty place of that.
    """
    output = ".jp-OutputArea-child"
    lines = [
        f"{output}:has(.{static}):has(+ {output} .{live}),",
        f"{output}:has(.{static})",
        f" + {output}:not(:has(.{live})) {{display: none}}",
        *rules,
    ]
    return "\n".join(["<style>", *lines, "</style>"])


def script(*files: Path) -> str:
    """The JavaScript of a widget: these files in order, after what all widgets share."""
    return _joined(_HERE / "keys.js", _HERE / "kernel.js", *files)


def styles(file: Path) -> str:
    """The style sheet of a widget: this file, after what all widgets share."""
    return sheet() + _joined(_HERE / "live.css", file)


def _joined(*files: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


class _Bundle:
    """Something to display: exactly these forms, by MIME type."""

    def __init__(self, forms: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        self._forms, self._metadata = forms, metadata

    def __repr__(self) -> str:
        return str(self._forms["text/plain"])

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(self._forms), dict(self._metadata)
