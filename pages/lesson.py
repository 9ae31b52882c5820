"""A lesson as its page has it: title, what it is about, and its cells as HTML."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages.markdown import Heading, Writer, code_box, sections
from pages.outputs import shown

OUTCOME = "See what happened"
"""On the fold that keeps the outcome of a prediction."""

_EXPLANATION = re.compile(
    r"<details><summary><b>What happened:</b> (.*?)</summary>\s*(.*?)\s*</details>", re.S
)
_NOTEBOOK = re.compile(r"^(\d\d_\w+)\.ipynb")
_WILL = re.compile(r"^You will .*", re.M)
_MINUTES = re.compile(r"\*\*Time\*\* (\d+) minutes")


@dataclass(frozen=True)
class Lesson:
    """A lesson, ready for its template.

    name: the notebook's, without its ending. will: its sentence "You will …". minutes: how long it
    takes. head: what stands in one cell with the title, as HTML; body: the rest, as HTML.
    headings: all but the title.
    """

    name: str
    title: str
    will: str
    minutes: int
    head: str
    body: str
    headings: list[Heading]

    @property
    def number(self) -> str:
        """Its two digits."""
        return self.name[:2]


@dataclass(frozen=True)
class _Piece:
    """A part of a lesson: a section of its text, a question, code, or what the code showed."""

    kind: str
    html: str
    heading: str = ""


def read_lesson(path: Path) -> Lesson:
    """Read a notebook with its committed outputs."""
    first, *rest = json.loads(path.read_text("utf-8"))["cells"]
    title, head = _source(first).removeprefix("# ").split("\n", 1)
    writer = Writer(link=_on_pages)
    head = writer.html(head)
    will, minutes = _WILL.search(_source(first)), _MINUTES.search(_source(first))
    if not will or not minutes:
        raise ValueError(f"{path.name}: the first cell says not what one will do, or not how long.")
    return Lesson(
        name=path.stem,
        title=title.replace("`", ""),
        will=will[0],
        minutes=int(minutes[1]),
        head=head,
        body="".join(_folded([*_pieces(rest, writer)])),
        headings=writer.headings,
    )


def unfolded(text: str) -> str:
    """A lesson's text with what explains an outcome open, under its question as a heading."""
    return _EXPLANATION.sub(r"### What happened: \1\n\n\2", text).strip()


def _source(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"])


def _on_pages(address: str) -> str:
    """Another lesson's notebook is another page; all else lies as it does for a notebook."""
    return _NOTEBOOK.sub(r"\1.html", address)


def _pieces(cells: Sequence[Mapping[str, Any]], writer: Writer) -> Iterator[_Piece]:
    for cell in cells:
        source = _source(cell)
        if cell["cell_type"] == "markdown":
            source = unfolded(source)  # the page folds it with the outputs that it explains
            if source.startswith("**Next:**"):
                continue  # the page has its own links to the lessons around
            for part in sections(source):
                heading = re.match(r"#+ (.*)", part)
                yield _Piece("text", writer.html(part), heading[1] if heading else "")
            continue
        outputs = "".join(map(shown, cell["outputs"]))
        if source.startswith(("predict(", "quiz(")):
            asks = "prediction" if source.startswith("predict(") else "quiz"
            yield _Piece(asks, f'<div class="asks">{outputs}</div>\n')
            continue
        yield _Piece("code", _code(source, cell["metadata"]))
        if outputs:
            yield _Piece("outputs", outputs)


def is_folded(metadata: Mapping[str, Any]) -> bool:
    """Whether a notebook shows a cell of this metadata without its source, until one asks."""
    return bool(metadata.get("jupyter", {}).get("source_hidden"))


def _code(source: str, metadata: Mapping[str, Any]) -> str:
    box = code_box(source, "python")
    if not is_folded(metadata):
        return box
    comment, _, code = source.partition("\n")
    summary = html.escape(comment.lstrip("# "), quote=False)
    return f"<details><summary>{summary}</summary>{code_box(code, 'python')}</details>\n"


def _folded(pieces: Sequence[_Piece]) -> Iterator[str]:
    """The pieces, with the outcome of each prediction in a fold, closed, so that one can predict.

    It begins with the first output after the prediction, and ends with the section "What
    happened", or where the next prediction is asked.
    """
    expects = opened = False
    for place, piece in enumerate(pieces):
        tells = piece.heading.startswith("What happened")
        if opened and _ends(piece, pieces[place + 1 :]):
            yield "</details>\n"
            expects = opened = False
        if expects and not opened and (tells or piece.kind == "outputs"):
            yield f'<details class="outcome"><summary>{OUTCOME}</summary>\n'
            opened = True
        expects = expects or piece.kind == "prediction"
        yield piece.html
        if tells and opened:
            yield "</details>\n"
            expects = opened = False
    if opened:
        yield "</details>\n"


def _ends(piece: _Piece, after: Sequence[_Piece]) -> bool:
    """Whether an open fold ends before this piece: it asks anew, or leads to what does."""
    if piece.kind == "text" and not piece.heading:
        kinds = (each.kind for each in after if each.kind == "prediction" or each.heading)
        return next(kinds, "text") == "prediction"
    return piece.kind == "prediction" or bool(
        piece.heading and not piece.heading.startswith("What happened")
    )
