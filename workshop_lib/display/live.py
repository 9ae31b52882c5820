"""What a notebook shows twice: as a page that anything can show, and as a widget of a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def show_both(text: str, html: str, widget: Any) -> None:
    """Display the static form (text, HTML) and then the live one, an ipywidget, as two outputs.

    A style sheet in `html` hides the one while the other shows.
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


def script(*files: Path) -> str:
    """The JavaScript of a widget: these files in order, after what all widgets share (keys.js)."""
    shared = Path(__file__).with_name("keys.js")
    return "\n".join(path.read_text(encoding="utf-8") for path in (shared, *files))


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
