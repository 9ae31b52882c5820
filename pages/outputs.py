"""What a cell showed, as HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

_ONLY_LIVE = '<p class="dim">A form stands here while the lesson runs.</p>\n'


def shown(output: Mapping[str, Any]) -> str:
    """An output of a notebook as HTML; empty for what shows nothing without a kernel."""
    if output["output_type"] == "stream":
        return _box(_joined(output["text"]))
    data = output["data"]
    if "text/html" in data:
        return _shown_html(_joined(data["text/html"]))
    if "application/vnd.jupyter.widget-view+json" in data:
        # Without a text of its own it follows its static form (workshop_lib/display/live.py).
        return _ONLY_LIVE if _joined(data["text/plain"]) else ""
    return _box(_joined(data["text/plain"]))


def _shown_html(content: str) -> str:
    # A table that is not wide keeps its columns on a narrow page, where the keyboard scrolls it.
    scrolls = ' tabindex="0"' if 'class="course-table"' in content else ""
    return f'<div class="output"{scrolls}>{content}</div>\n'


def _box(text: str) -> str:
    text = text.rstrip("\n")
    return f'<pre class="output">{html.escape(text, quote=False)}</pre>\n'


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
