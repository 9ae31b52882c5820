"""How a value looks: bytes by their length and first ones, text as it is."""

from __future__ import annotations

import json
import unicodedata

RANDOM_BYTES = r"(\b\d[\d,]* bytes?: )[0-9a-f]{2}(?: [0-9a-f]{2}){0,7}"
"""Regular expression for what may differ from run to run in :func:`show_bytes`: the hex digits.

Replace by ``\\1??``: the length stays, so that a table whose value changed in size still differs.
Text is quoted in the same format and therefore never matches.
"""

ABSENT = "absent"
"""What a cell says when there is nothing to show; a text of that name would stand in quotes."""

_FIRST_BYTES = 8
_FIRST_CHARACTERS = 48
_LINE_BREAKS = "\n\r\t"


def as_text(value: bytes) -> str | None:
    """Return the text that these bytes are (UTF-8, nothing unprintable), or None.

    Empty bytes are not text. 32 random bytes pass for text about once in 10**10 times.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text and all(map(_is_readable, set(text))) else None


def show_bytes(value: bytes) -> str:
    """Write bytes down as length and first bytes: ``48 bytes: 3f a2 09 1c 5e 77 80 d1 …``.

    Bytes that are readable text are shown as such, because a reader could read them:
    ``25 bytes: "card 4111 1111 1111 1111"``. Whatever is left out is marked by an ellipsis.
    """
    length = f"{len(value):,} byte{'' if len(value) == 1 else 's'}"
    if not value:
        return length
    text = as_text(value)
    if text is not None:
        return f"{length}: {_quote(text)}"
    dots = " …" if len(value) > _FIRST_BYTES else ""
    return f"{length}: {value[:_FIRST_BYTES].hex(' ')}{dots}"


def show_text(value: str) -> str:
    """Write text down in double quotes, as JSON does; of a long text the beginning and length."""
    length = f" ({len(value):,} characters)" if len(value) > _FIRST_CHARACTERS else ""
    return _quote(value) + length


def _quote(text: str) -> str:
    cut = "…" if len(text) > _FIRST_CHARACTERS else ""
    quoted = json.dumps(text[:_FIRST_CHARACTERS] + cut, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escape(c) for c in quoted)


def _escape(character: str) -> str:
    """Name what is invisible or turns the direction of writing, so that nothing hides in a cell."""
    point = ord(character)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _is_readable(character: str) -> bool:
    return character in _LINE_BREAKS or unicodedata.category(character) not in (
        "Cc",
        "Cn",
        "Co",
        "Cs",
    )
