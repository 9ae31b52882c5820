"""Does a value stand readable in these bytes? What anybody can undo is undone before looking.

A `Pattern` is one form in which a value would be recognised, a `Candidate` one text or run of
bytes that a reader sees; `Pattern.occurs_in` is the rule for both `compare` and `trace`. Undone
are encodings, because they need no key: base64 (also nested, and in the middle of other text),
hexadecimal, JSON, percent and HTML escapes, web forms. Compression is not undone.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus

from workshop_lib.display.formatting import as_text
from workshop_lib.errors import LearnerError
from workshop_lib.lenses.attribute_values import as_bytes, number_forms, utf8

MINIMUM = 5
"""A secret needs this many bytes. Five given digits stand in a random UUID about once in 87,000,
four once in 3,900: any shorter, and a table would soon say yes by chance."""

WHOLE = 1 << 20
"""Bodies up to this many bytes are opened layer by layer; longer ones are read in chunks and
searched for the secret as it is and in its encoded forms (one layer of base64, JSON, …)."""

ANYWHERE = b""
"""Edge of a value that somebody named: it counts wherever it stands."""

WORD = rb"\w+/=\-\x80-\xff"
"""Edge of a value that nobody named: only as a word of its own. base64's characters end no word."""

_DIGIT = rb"\d"  # edge of a number that somebody named: only as a number of its own
_MARGIN = 2  # as much of what touches a value as the rule needs to see: a point and a digit
_LONG = 1024
_DEPTH = 8
_BLANKS = b" \t\r\n"  # openssl and others break base64 into lines
_ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[Ee][+-]?\d+)?")


class NotSearchable(LearnerError, ValueError):
    """A secret that cannot be looked for. The message is one sentence with the next step."""


class Candidate(NamedTuple):
    """What a reader sees: bytes, whether they are text, and what it was unwrapped from.

    how: "as base64", "as hex", or "" for what is seen as it stands. Escapes hide nothing from a
    reader's eye and are not named.
    """

    data: bytes
    text: bool
    how: str = ""

    @classmethod
    def of(cls, data: bytes, how: str = "") -> Candidate:
        """Take bytes for text if they are readable text."""
        return cls(data, as_text(data) is not None, how)


class Pattern(NamedTuple):
    """One form of a value.

    edge: the characters that may not touch it, as the inside of a regular expression's brackets;
    how: as in `Candidate`, of this form.
    """

    form: bytes
    value: bytes
    edge: bytes = WORD
    how: str = ""

    def occurs_in(self, candidate: Candidate, begin: int = 0, end: int | None = None) -> bool:
        """Say whether the value is there: alone, too long for chance, or with nothing touching it.

        A value of fewer than MINIMUM bytes is only looked for in text: in other bytes it says
        nothing. begin and end bound the place of the form, not what is seen around it.
        """
        data, form = candidate.data, self.form
        if data.find(form, begin, end) < 0:
            return False
        if not self.edge or form == data or self.exceeds_chance_in(candidate):
            return True
        if len(self.value) < MINIMUM and not candidate.text:
            return False
        # The point of a number does not end it.
        alone = rb"(?<![%b])(?<!\d\.)%b(?![%b]|\.\d)" % (self.edge, re.escape(form), self.edge)
        last = len(data) if end is None else end
        return any(each.end() <= last for each in re.compile(alone).finditer(data, begin))

    def exceeds_chance_in(self, candidate: Candidate) -> bool:
        """Say whether it is in there and too long to be there by chance (one in 10**9)."""
        symbols = 256
        if candidate.text:
            symbols = (
                10 if _NUMBER.fullmatch(self.value) else 16 if _HEX.fullmatch(self.value) else 64
            )
        chances = 10**9 * len(candidate.data)
        return symbols ** len(self.value[:64]) > chances and self.form in candidate.data


def patterns(value: bytes, edge: bytes = WORD) -> list[Pattern]:
    """Give the forms in which a reader would recognise a value: as it is first, then encoded.

    Too short a value is only looked for as it is, for the same reason as in `MINIMUM`; and a long
    one, of which `candidates` undoes the encoding.
    """
    forms = {value: ""}
    if MINIMUM <= len(value) <= _LONG:
        forms |= dict.fromkeys(_escaped(value) - {value}, "")
        forms |= dict.fromkeys((value.hex().encode(), value.hex().upper().encode()), "as hex")
        forms |= {form: "as base64" for shift in range(3) for form in _base64_forms(value, shift)}
    encoded = edge and WORD  # of what touches a number, base64 shows no digit
    return [
        Pattern(form, value, edge if form == value else encoded, how) for form, how in forms.items()
    ]


def _escaped(value: bytes) -> set[bytes]:
    forms = {quote(value, safe=""), quote(value), quote_plus(value)}
    with suppress(UnicodeDecodeError):
        text = value.decode()
        forms |= {json.dumps(text, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
        forms |= {html.escape(text, quote=quotes) for quotes in (True, False)}
    return {form.encode() for form in forms}


def _base64_forms(value: bytes, shift: int) -> list[bytes]:
    """Return what of the base64 text depends on the value alone, with `shift` bytes before it."""
    start, end = -(-shift * 8 // 6), (shift + len(value)) * 8 // 6
    standard = base64.b64encode(bytes(shift) + value)[start:end]
    return [standard, standard.translate(bytes.maketrans(b"+/", b"-_"))]


def samples(value: bytes, size: int, count: int) -> list[bytes]:
    """Cut about ``count`` stretches of ``size`` bytes from all over a value."""
    step = max(size, len(value) // count)
    return [value[at : at + size] for at in range(0, len(value) - size + 1, step)]


# Where to look --------------------------------------------------------------------------------


def candidates(seen: Candidate) -> Iterator[Candidate]:
    """Yield what is seen, and all that can be unwrapped from it without a key."""
    waiting, known = deque([(seen, _DEPTH)]), {seen.data}
    while waiting:
        candidate, depth = waiting.popleft()
        yield candidate
        for inner, how in _unwrapped(candidate.data) if depth else ():
            if inner not in known:
                known.add(inner)
                waiting.append((Candidate.of(inner, how or candidate.how), depth - 1))


def _unwrapped(data: bytes) -> Iterator[tuple[bytes, str]]:
    whole = data.translate(None, _BLANKS)
    words = [whole, *_ENCODED.findall(data)] if len(data) <= WHOLE else [whole]
    for word in dict.fromkeys(words):
        if _HEX.fullmatch(word):
            yield bytes.fromhex(word.decode("ascii")), "as hex"
        if decoded := _unbase64(word):
            yield decoded, "as base64"
    if len(data) > WHOLE:
        return
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    for plain in _unescaped(text):
        yield utf8(plain), ""


def _unescaped(text: str) -> Iterator[str]:
    if "%" in text:
        yield from (unquote(text), unquote_plus(text))
    if "&" in text:
        yield html.unescape(text)
    if "=" in text.rstrip("=") and not any(c.isspace() for c in text):  # a form; base64 ends in =
        yield from (value for _, value in parse_qsl(text))
    if text.lstrip()[:1] in ("{", "[", '"'):
        yield from _json_strings(text)


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


def _unbase64(word: bytes) -> bytes:
    """Undo base64 in either alphabet, padded or not; nothing if it is not base64."""
    bare = word.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        return b""


def looks_encrypted(data: bytes) -> bool:
    """Say whether this looks like ciphertext: bytes that are no text, or such in base64 or hex."""
    word = data.translate(None, _BLANKS)
    if as_text(data) is None:
        return True
    if re.fullmatch(rb"(?:[0-9a-f]{2}){16,}|(?:[0-9A-F]{2}){16,}", word):
        return as_text(bytes.fromhex(word.decode("ascii"))) is None
    long = len(word) >= 22  # 16 bytes in base64: a block, an IV or a key
    mixed = all(re.search(kind, word) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))
    return long and mixed and as_text(_unbase64(word) or b"text") is None


# What a trace looks for -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Secret:
    """One value to look for. label: the name it was given under ("" if none)."""

    label: str
    patterns: tuple[Pattern, ...]


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
                if wanted := _secret_patterns(leaf):
                    self.all.append(Secret(label, tuple(wanted)))
                else:
                    self.too_short.append(label)
            if len(self.all) == before:
                raise NotSearchable(
                    f"trace() cannot look for {_named(value)}: anything shorter than {MINIMUM} "
                    "characters would turn up by chance. Give it a longer secret."
                )
        lengths = [len(pattern.form) for secret in self.all for pattern in secret.patterns]
        self._overlap = max(lengths, default=0) + 2 * _MARGIN

    def __len__(self) -> int:
        return len(self.all)

    def in_bytes(self, data: bytes) -> set[Secret]:
        """Return the secrets that stand readable in data, however deep it is wrapped."""
        found: set[Secret] = set()
        for candidate in candidates(Candidate.of(data)):
            found |= self._in(candidate, found)
            if len(found) == len(self.all):
                break
        return found

    def in_stream(self, read: Callable[[int], bytes]) -> tuple[set[Secret], int, bytes]:
        """Read to the end and look; a few MiB are held at a time.

        Returns:
            the secrets found, the number of bytes read, and the first bytes (up to WHOLE).
        """
        head = _read_up_to(read, WHOLE)
        rest = _read_up_to(read, WHOLE)
        if not rest:
            return self.in_bytes(head), len(head), head
        found, size, window, begin = set[Secret](), len(head), head, 0
        while rest:  # a form at a window's edge is judged in the one that shows what touches it
            found |= self._in(Candidate(window, text=True), found, begin, len(window) - _MARGIN)
            size += len(rest)
            window, begin = window[-self._overlap :] + rest, _MARGIN
            rest = _read_up_to(read, WHOLE)
        return found | self._in(Candidate(window, text=True), found, begin), size, head

    def _in(
        self, candidate: Candidate, known: set[Secret], begin: int = 0, end: int | None = None
    ) -> set[Secret]:
        return {
            secret
            for secret in self.all
            if secret not in known
            and any(pattern.occurs_in(candidate, begin, end) for pattern in secret.patterns)
        }


def _read_up_to(read: Callable[[int], bytes | str], size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := read(size)):
        parts.append(part.encode() if isinstance(part, str) else bytes(part))
        size -= len(parts[-1])
    return b"".join(parts)


def _leaves(value: Any, label: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, label or str(key))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _leaves(each, label)
    else:
        yield label, value


def _secret_patterns(value: Any) -> list[Pattern]:
    """Give the forms of one value; none if it is too short to look for."""
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, int | float | Decimal):
        forms, edge = number_forms(str(value)), _DIGIT
    else:
        data = utf8(value) if isinstance(value, str) else as_bytes(value)
        if data is None:
            raise NotSearchable(
                f"trace() can look for text, bytes, numbers and containers of these, not for "
                f"{type(value).__name__}: give it what the {type(value).__name__} holds."
            )
        forms, edge = _parts(data), ANYWHERE
    return [each for form in forms if len(form) >= MINIMUM for each in patterns(form, edge)]


def _parts(data: bytes) -> list[bytes]:
    """Cut samples from a long secret: a request may carry only a part of it (multipart upload)."""
    if len(data) <= _LONG:
        return [data]
    telling = [cut for cut in samples(data, 48, 8) if len(set(cut)) >= 8]  # not zeros: nobody's
    return telling or [data[:_LONG]]


def _named(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"this {type(value).__name__}"
