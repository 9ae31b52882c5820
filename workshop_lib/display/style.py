"""The course's look: its colours, and the two forms that carry them, a chip and a card.

One meaning per colour, and always the word: where a page drops the style sheet (GitHub, a notebook
that JupyterLab does not trust) the words say the same. The colours themselves are CSS variables in
`style.css`, for a light and a dark page. Nothing here has an id or differs from run to run.

    chip("readable", "readable: body")                       # a word in a table or a sentence
    card("refused", "AccessDenied", "S3 asked KMS …")        # what happened, shown by a notebook
"""

from __future__ import annotations

import functools
import html
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHIPS = ("readable", "encrypted", "partly", "allowed", "refused", "question", "neutral")
"""Kinds of chip: yellow and dashed, blue and hatched, both, green, red, violet, and plain."""

CARDS = {
    "allowed": ("✓", "Allowed"),
    "refused": ("✕", "Refused"),
    "done": ("✓", "Done"),
    "todo": ("○", "Not yet"),
    "question": ("?", ""),
    "note": ("", ""),
}
"""Kinds of card, with the mark and the word that each begins with."""


@dataclass(frozen=True)
class Chip:
    """A word in the colour of what it means. ``str()`` gives the word, `html` the span."""

    kind: str
    word: str

    def __post_init__(self) -> None:
        _known(self.kind, CHIPS)

    def __str__(self) -> str:
        return self.word

    @property
    def html(self) -> str:
        """The chip as HTML; it stands in something that `page` wraps, or in a table."""
        return f'<span class="course-chip {self.kind}">{html.escape(self.word)}</span>'


@dataclass(frozen=True)
class Card:
    """What happened, in a frame: shows itself as HTML in a notebook, as text elsewhere.

    kind: one of `CARDS`. title: what follows the kind's word ("AccessDenied"), or stands alone
    where the kind has none. where: who it was ("S3 · GetObject"), at the right. text: the
    paragraphs below. points: a list below these, of one or more lines each. folded: (summary,
    text) pairs, each closed until it is clicked; a text of several lines stands as it is. In all
    others `backticks` are code and **stars** are strong.
    """

    kind: str
    title: str = ""
    text: Sequence[str] = ()
    where: str = ""
    points: Sequence[str] = ()
    folded: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        _known(self.kind, tuple(CARDS))

    @property
    def heading(self) -> str:
        """The mark, the kind's word and the title: "✕ Refused: AccessDenied"."""
        mark, word = CARDS[self.kind]
        said = ": ".join(filter(None, (word, self.title)))
        return f"{mark} {said}".strip()

    def __repr__(self) -> str:
        heading = plain(self.heading) + (f" ({self.where})" if self.where else "")
        lines = [heading, *(f"  {plain(each)}" for each in self.text)]
        lines += [f"  - {plain(each)}".replace("\n", "\n    ") for each in self.points]
        lines += [f"  {summary}: {plain(text)}" for summary, text in self.folded]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return page(self.html)

    @property
    def html(self) -> str:
        """The card as HTML without the style sheet, to stand among others in one `page`."""
        where = f' <span class="course-where">{html.escape(self.where)}</span>'
        heading = f"<strong>{marked_up(self.heading)}</strong>" + (where if self.where else "")
        inside = [f'<div class="course-head">{heading}</div>']
        inside += [f'<p class="course-said">{marked_up(each)}</p>' for each in self.text]
        if self.points:
            lines = [marked_up(each).replace("\n", "<br>") for each in self.points]
            points = "".join(f"<li>{each}</li>" for each in lines)
            inside.append(f'<ul class="course-said">{points}</ul>')
        inside += [
            f"<details><summary>{html.escape(summary)}</summary>{_folded(text)}</details>"
            for summary, text in self.folded
        ]
        return f'<div class="course-card {self.kind}">' + "\n".join(inside) + "</div>"


class Marked(str):
    """A text whose `backticks` are code and **stars** are strong, also in a cell of a table.

    One that begins with ↳ belongs to the row above it, and is indented.
    """

    @property
    def html(self) -> str:
        """The text as HTML."""
        return marked_up(self)

    @property
    def text(self) -> str:
        """The text without the marks, indented by blanks."""
        return ("  " if self.startswith("↳") else "") + plain(self)


def chip(kind: str, word: str = "") -> Chip:
    """Make a chip.

    Args:
        kind: one of `CHIPS`.
        word: what it says, the kind's name if empty. Never leave the meaning to the colour.

    Raises:
        ValueError: there is no such kind.
    """
    return Chip(kind, word or kind)


def card(
    kind: str,
    title: str = "",
    *text: str,
    where: str = "",
    points: Sequence[str] = (),
    folded: Sequence[tuple[str, str]] = (),
) -> Card:
    """Make a card; the parts are those of `Card`.

    Raises:
        ValueError: there is no such kind.
    """
    return Card(kind, title, text, where, tuple(points), tuple(folded))


def show(shown: Any) -> None:
    """Show something now, as the last line of a cell would; print it where there is no notebook."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(repr(shown))
    else:
        ipython.display.display(shown)


def page(content: str) -> str:
    """Give HTML its colours: whatever has chips or cards in it is shown through this, once.

    Every output has the style sheet of its own, because JupyterLab takes the outputs that are out
    of sight off the page.
    """
    return f'<style>{sheet()}</style>\n<div class="course">{content}</div>'


@functools.cache
def sheet() -> str:
    """The style sheet (`style.css`), without comments and blanks that mean nothing."""
    text = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r";? ?([{};,]) ?", r"\1", text).replace("}", "}\n").strip()


def marked_up(text: str) -> str:
    """Plain text as HTML, escaped, `backticks` as code and **stars** as strong."""
    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", shown)


def plain(text: str) -> str:
    """The same text for where no HTML can stand: without the marks."""
    return re.sub(r"\*\*([^*]+)\*\*|`([^`]+)`", lambda found: found[1] or found[2], text)


def _folded(text: str) -> str:
    if "\n" in text:
        return f'<pre class="course-said">{html.escape(text)}</pre>'
    return f'<p class="course-said">{marked_up(text)}</p>'


def _known(kind: str, kinds: Sequence[str]) -> None:
    if kind not in kinds:
        raise ValueError(f"There is no kind {kind!r}: take one of {', '.join(kinds)}.")
