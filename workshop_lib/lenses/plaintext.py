"""Does a secret stand readable in these bytes? What anybody can undo is undone before looking.

Undone are encodings, because they need no key: base64 (also nested, and in the middle of other
text), JSON, percent and HTML escapes, web forms, hexadecimal. Compression is not undone.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus

from workshop_lib.errors import LearnerError

MINIMUM = 5
"""A secret needs this many bytes. Five given digits stand in a random UUID about once in 87,000,
four once in 3,900: any shorter, and a table would soon say yes by chance."""

WHOLE = 1 << 20
"""Bodies up to this many bytes are opened layer by layer; longer ones are read in chunks and
searched for the secret as it is and in its encoded forms (one layer of base64, JSON, …)."""

_LONG, _PIECE, _PIECES = 1024, 48, 8
_DEPTH = 8
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")


class NotSearchable(LearnerError, ValueError):
    """A secret that cannot be looked for. The message is one sentence with the next step."""


@dataclass(frozen=True)
class _Needle:
    form: bytes
    number: bool = False


@dataclass(frozen=True, eq=False)
class Secret:
    """One value to look for. label: the name it was given under ("" if none)."""

    label: str
    needles: tuple[_Needle, ...]


class Secrets:
    """The values to look for, in every form in which they would still be readable."""

    def __init__(self, *values: Any) -> None:
        """Take the secrets. too_short lists the labels of the values that are left out.

        Args:
            values: text, bytes, int, float or Decimal; or containers of these (of a mapping the
                values, labelled by its keys).

        Raises:
            NotSearchable: a value, or every value of a container, has fewer than MINIMUM bytes,
                so that it would turn up by chance; or it is of another type.
        """
        self.all: list[Secret] = []
        self.too_short: list[str] = []
        for value in values:
            before = len(self.all)
            try:
                leaves = list(_leaves(value, ""))
            except RecursionError:
                raise NotSearchable("trace() cannot look into what holds itself.") from None
            for label, leaf in leaves:
                secret = _secret(label, leaf)
                if secret is None:
                    self.too_short.append(label)
                else:
                    self.all.append(secret)
            if len(self.all) == before:
                raise NotSearchable(
                    f"trace() cannot look for {_named(value)}: anything shorter than {MINIMUM} "
                    "characters would turn up by chance. Give it a longer secret."
                )
        lengths = [len(needle.form) for secret in self.all for needle in secret.needles]
        self._overlap = max(lengths, default=0) + 1

    def __len__(self) -> int:
        return len(self.all)

    def in_bytes(self, data: bytes) -> set[Secret]:
        """Return the secrets that stand readable in data, however deep it is wrapped."""
        found: set[Secret] = set()
        for layer in _layers(data, _DEPTH):
            found |= self._in_layer(layer, found)
            if len(found) == len(self.all):
                break
        return found

    def in_stream(self, read: Callable[[int], bytes]) -> tuple[set[Secret], int, bytes]:
        """Read to the end and look; at most about 3 MiB are held at a time.

        Returns:
            the secrets found, the number of bytes read, and the first bytes (up to WHOLE).
        """
        head = _read_up_to(read, WHOLE)
        rest = _as_bytes(read(WHOLE)) if len(head) == WHOLE else b""
        if not rest:
            return self.in_bytes(head), len(head), head
        found, size, window = self._in_layer(head, set(), last=False), len(head), head
        while rest:
            size += len(rest)
            window = window[-self._overlap :] + rest
            rest = _as_bytes(read(WHOLE))
            found |= self._in_layer(window, found, last=not rest)
        return found, size, head

    def _in_layer(self, data: bytes, known: set[Secret], *, last: bool = True) -> set[Secret]:
        return {
            secret
            for secret in self.all
            if secret not in known and any(_occurs(each, data, last) for each in secret.needles)
        }


def _occurs(needle: _Needle, data: bytes, last: bool) -> bool:
    """Look for a needle; a number only where no other digit touches it."""
    if not needle.number:
        return needle.form in data
    at = data.find(needle.form)
    while at >= 0:
        end = at + len(needle.form)
        touched = data[max(0, at - 1) : at].isdigit() or data[end : end + 1].isdigit()
        if not touched and (last or end < len(data)):
            return True
        at = data.find(needle.form, at + 1)
    return False


def _read_up_to(read: Callable[[int], bytes], size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := _as_bytes(read(size))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _as_bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)


# What to look for -----------------------------------------------------------------------------


def _leaves(value: Any, label: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, label or str(key))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _leaves(each, label)
    else:
        yield label, value


def _secret(label: str, value: Any) -> Secret | None:
    """Make the needles for one value; None if it is too short to look for."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        texts = {str(value), f"{value:f}" if isinstance(value, Decimal) else str(value)}
        needles = {n for t in texts if len(t) >= MINIMUM for n in _needles(t.encode(), True)}
    else:
        data = _content(value)
        needles = set() if len(data) < MINIMUM else {n for p in _pieces(data) for n in _needles(p)}
    ordered = tuple(sorted(needles, key=lambda needle: needle.form))
    return Secret(label, ordered) if ordered else None


def _content(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    inner = getattr(value, "value", value)  # boto3.dynamodb.types.Binary holds its bytes there
    if isinstance(inner, bytes | bytearray | memoryview):
        return bytes(inner)
    raise NotSearchable(
        f"trace() can look for text, bytes, numbers and containers of these, not for "
        f"{type(value).__name__}: give it what the {type(value).__name__} holds."
    )


def _pieces(data: bytes) -> list[bytes]:
    """Cut samples from a long secret: a request may carry only a part of it (multipart upload)."""
    if len(data) <= _LONG:
        return [data]
    step = (len(data) - _PIECE) // (_PIECES - 1)
    cuts = [data[i * step : i * step + _PIECE] for i in range(_PIECES)]
    telling = [cut for cut in cuts if len(set(cut)) >= 8]  # zeros are nobody's secret
    return telling or [data[:_LONG]]


def _needles(data: bytes, number: bool = False) -> set[_Needle]:
    needles = {_Needle(data, number)}
    forms = {data.hex().encode(), data.hex().upper().encode(), quote(data, safe="").encode()}
    forms |= {quote(data).encode(), quote_plus(data).encode()}
    forms |= {form for shift in range(3) for form in _base64_forms(data, shift)}
    try:
        text = data.decode()
    except UnicodeDecodeError:
        pass
    else:
        forms |= {json.dumps(text, ensure_ascii=ascii)[1:-1].encode() for ascii in (True, False)}
        forms |= {html.escape(text, quote=quotes).encode() for quotes in (True, False)}
    return needles | {_Needle(form) for form in forms - {data}}


def _base64_forms(data: bytes, shift: int) -> list[bytes]:
    """Return what of the base64 text depends on data alone, with `shift` bytes before it."""
    start, end = -(-shift * 8 // 6), (shift + len(data)) * 8 // 6
    standard = base64.b64encode(bytes(shift) + data)[start:end]
    return [standard, standard.translate(bytes.maketrans(b"+/", b"-_"))]


# Where to look --------------------------------------------------------------------------------


def _layers(data: bytes, depth: int) -> Iterator[bytes]:
    """Yield data and everything that can be unwrapped from it without a key."""
    yield data
    if depth == 0 or len(data) < MINIMUM:
        return
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    for inner in _unwrapped(text):
        yield from _layers(inner, depth - 1)


def _unwrapped(text: str) -> Iterator[bytes]:
    plain = {unquote(text), unquote_plus(text)} if "%" in text else set()
    if "&" in text:
        plain.add(html.unescape(text))
    yield from (_utf8(each) for each in sorted(plain - {text}))
    if "=" in text and not any(c.isspace() for c in text):
        yield from (_utf8(value) for _, value in parse_qsl(text) if value != text)
    if text.lstrip()[:1] in ("{", "[", '"'):
        yield from map(_utf8, _json_strings(text))
    squeezed = "".join(text.split())
    if _BASE64.fullmatch(squeezed):
        padded = squeezed.rstrip("=") + "=" * (-len(squeezed.rstrip("=")) % 4)
        try:
            yield base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
        except binascii.Error:
            return


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json_strings(text: str) -> Iterator[str]:
    """Yield every name, text and number of a JSON document, numbers as they are written."""
    try:
        document = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return
    stack = [document]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack += [*node.keys(), *node.values()]
        elif isinstance(node, list):
            stack += node
        elif isinstance(node, str):
            yield node


def _named(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"this {type(value).__name__}"
