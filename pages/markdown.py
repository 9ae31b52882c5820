"""Markdown as HTML: headings with ids, code with colours, links that fit the pages."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import mistune
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

LONG_LINE = 36
"""Letters of a line of code that fit a telephone: a box with a longer one can be scrolled."""

_FORMAT = HtmlFormatter(nowrap=True)


@dataclass(frozen=True)
class Heading:
    """A heading of a page: its level, its text as HTML without links, its id."""

    level: int
    html: str
    id: str


@dataclass
class Writer:
    """Turns the Markdown of one page into HTML, and remembers its headings.

    link: turns an address in the Markdown into one on the page.
    """

    link: Callable[[str], str] = lambda address: address
    headings: list[Heading] = field(default_factory=list)

    def html(self, text: str) -> str:
        """The text as HTML. Comments are left out."""
        text = re.sub(r"^\s*<!--.*?-->\s*?$\n?", "", text, flags=re.M)
        markdown = mistune.create_markdown(renderer=_Renderer(self), plugins=["table"])
        return str(markdown(text))

    def anchor(self, text: str) -> str:
        """An id for a heading that no other on the page has."""
        words = re.sub(r"<[^>]+>|&\w+;", "", text).lower()
        wanted = re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "part"
        taken = {heading.id for heading in self.headings}
        numbers = (wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3)))
        return next(name for name in numbers if name not in taken)


class _Renderer(mistune.HTMLRenderer):
    def __init__(self, writer: Writer) -> None:
        super().__init__(escape=False)
        self._writer = writer

    def heading(self, text: str, level: int, **_: Any) -> str:
        anchor = self._writer.anchor(text)
        plain = re.sub(r"</?a\b[^>]*>", "", text)
        self._writer.headings.append(Heading(level, plain, anchor))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return str(super().link(text, self._writer.link(url), title))

    def image(self, text: str, url: str, title: str | None = None) -> str:
        address = html.escape(self._writer.link(url))
        alt = html.escape(html.unescape(re.sub(r"<[^>]+>", "", text)))
        return f'<a class="picture" href="{address}"><img src="{address}" alt="{alt}"></a>'

    def block_code(self, code: str, info: str | None = None) -> str:
        return code_box(code, (info or "text").split()[0])

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        tag = "th" if head and text else "td"  # a heading says something
        style = f' style="text-align:{align}"' if align else ""
        return f"<{tag}{style}>{text}</{tag}>\n"

    def table(self, text: str) -> str:
        return f'<div class="table" tabindex="0"><table>\n{text}</table></div>\n'


def code_box(code: str, language: str) -> str:
    """Code in colours, in a box that scrolls, also by keyboard, where a line is long."""
    code = code.rstrip("\n")
    coloured = highlight(code, get_lexer_by_name(language, stripnl=False), _FORMAT).rstrip("\n")
    return f"<pre{focus(code)}><code>{coloured}</code></pre>\n"


def focus(text: str) -> str:
    """The attribute that lets the keyboard scroll a box with this text, if it may be too wide."""
    longest = max(map(len, text.splitlines()), default=0)
    return ' tabindex="0"' if longest > LONG_LINE else ""


def sections(text: str, deepest: int = 6) -> Iterator[str]:
    """Markdown in parts, each but the first beginning with a heading, of this level at most."""
    part: list[str] = []
    fenced = False
    for line in text.splitlines(keepends=True):
        fenced ^= line.startswith("```")
        heading = re.match(r"#+(?= )", line)
        if heading and len(heading[0]) <= deepest and not fenced and part:
            yield "".join(part)
            part = []
        part.append(line)
    if "".join(part).strip():
        yield "".join(part)
