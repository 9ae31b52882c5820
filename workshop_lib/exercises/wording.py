"""A check's sentence in the words of the course alone, for what is noted of it."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

_LONGEST = 200
_WORDS = re.compile(r"[^\W_]{2,}\W*\s+\W*[^\W_]{2,}")  # two words with a space between


def courses_words(sentence: str) -> str:
    """The sentence with "…" in place of all that the checks' own code does not say word for word.

    What is left stands between quotes in `workshop_lib/exercises`, two words or more of it. So a
    name, a number or a text of the learner's is left out without anybody having to think of it.
    """
    kept = [letter.isspace() for letter in sentence]
    for phrase in _phrases():
        if phrase in sentence:
            for found in re.finditer(_whole(phrase), sentence):
                kept[found.start() : found.end()] = [True] * len(found[0])
    both = zip(sentence, kept, strict=True)
    shown = "".join(letter if keep else "…" for letter, keep in both)
    return re.sub(r"\s+", " ", re.sub(r"…(\s*…)*", "…", shown)).strip()[:_LONGEST]


def _whole(phrase: str) -> str:
    """A pattern that finds the phrase, and no word of which it is a part only."""
    before = r"(?<!\w)" if phrase[0].isalnum() else ""
    after = r"(?!\w)" if phrase[-1].isalnum() else ""
    return before + re.escape(phrase) + after


def _phrases() -> set[str]:
    """What stands between quotes in the checks that are loaded, and between their {values}."""
    package = __package__ or ""
    return {
        phrase
        for name, module in list(sys.modules.items())
        if name.startswith(package)
        for phrase in _phrases_of(module)
    }


@functools.cache
def _phrases_of(module: ModuleType) -> frozenset[str]:
    loader: Any = module.__loader__
    code = loader.get_code(module.__name__) if hasattr(loader, "get_code") else None
    return frozenset(text.strip() for text in _texts(code) if _WORDS.search(text))


def _texts(constant: object) -> Iterator[str]:
    if isinstance(constant, str):
        yield from filter(None, re.split(r"\{[^{}]*\}", constant))
    elif isinstance(constant, CodeType):
        yield from _texts(constant.co_consts)
    elif isinstance(constant, tuple | frozenset):
        for each in constant:
            yield from _texts(each)
