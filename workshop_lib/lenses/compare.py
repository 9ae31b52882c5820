"""Sent, stored and read back: one row per attribute, and whether a reader without the key reads it.

Pure data, no AWS: the three views are what a notebook sent and what it read from the store.
The ten DynamoDB types are those of
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from workshop_lib.display.formatting import ABSENT, as_text, show_bytes, show_text

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table
from workshop_lib.lenses.attribute_values import (
    _PLAIN_NAMES,
    CannotCompare,
    _a,
    _decimal,
    _from_json,
    _from_python,
    _is_dynamodb_json,
    _item,
    _object,
    _utf8,
    _Value,
)

__all__ = ["READABLE", "CannotCompare", "compare", "show_bytes"]

READABLE = "readable without the key"
"""Name of the column that answers the question."""

_SIGNATURE = "*amzn-ddb-map-sig*"
_DESCRIPTION = "*amzn-ddb-map-desc*"
_ADDED_BY_CLIENT = {_SIGNATURE: "added: signature", _DESCRIPTION: "added: material description"}


_BUDGET = 72
_MEGABYTE = 1 << 20
_BLANKS = b" \t\r\n"
_PIECE = 12
_PIECES = 32


class _Haystack(NamedTuple):
    """Something a reader sees: bytes; "text", "number" or "bytes"; and how it was decoded."""

    data: bytes
    kind: str
    how: str = ""


class _Seen(NamedTuple):
    """A stored value, with all that a reader sees of it and which scalar stands at which path."""

    value: _Value
    hays: list[_Haystack]
    places: set[tuple[tuple[str, ...], Any]]


def compare(
    sent: Any,
    stored: Any,
    read_back: Any = None,
    *,
    actions: Any = None,
    method: str | None = None,
    vantage: str = "plain API",
    caption: str | None = None,
    separate: bool = False,
) -> Table:
    """Lay what was sent, stored and read back side by side.

    Each view is a DynamoDB item, as boto3's resource gives it (str, Decimal, bytes, set, list …)
    or as its client does (``{"S": "x"}``), in any mixture; a whole ``get_item`` response; an S3
    body (bytes or str); or a mapping with the body under ``"body"`` or ``"Body"``, such as a
    ``get_object`` response whose stream was read. An item whose every attribute is a map with one
    entry named like a DynamoDB type is taken for the client's form.

    Args:
        sent: what the program meant to store, before any encryption.
        stored: what a reader without the client's key gets from the store.
        read_back: what the program reads with the key; the column is left out if None.
        actions: attribute actions of the encryption client: an object with ``action(name)`` or a
            mapping from name to action. ``EncryptedTable`` signs the primary key without
            encrypting it; call ``actions.set_index_keys(...)`` for the column to say so.
        method: name of the encryption method, for a column ``method`` (S3).
        vantage: who sees the stored view, such as "plain API" or "disk (model)".
        caption: replaces the first sentence above the table.
        separate: the entries are places of their own (three tables that hold the same card), not
            attributes of one item: what stands in one says nothing of another. The first column
            is then called ``place``.

    Returns:
        A DataFrame, one row per attribute in the order of ``sent``, then by name what the others
        add. Columns: ``attribute``, ``type``, [``action``,] [``method``,] ``sent``, ``stored``,
        [``read back``,] ``readable without the key``. The last one holds

        - ``yes``: what was sent stands there: equal, inside a larger value, or, as then said, in
          base64 or hex (``yes, as base64``) or in another attribute (``yes, in note``);
        - ``partly``: some of it does, with the parts of a nested value (``partly: city``);
        - ``no``: none of it was found in what is stored;
        - ``no, other value``: the same, but what stands there does not look like ciphertext;
        - ``added: nothing sent is in it`` or ``added: repeats id``: an attribute nobody sent;
        - ``absent``: the attribute is not in the stored view.

        A value that could stand in ciphertext by chance, such as one digit, a boolean or an empty
        text, is only found where it stands alone or as a word of its own in readable text.

    Raises:
        CannotCompare: a view is not an item or an object, holds an unread stream or a value that
            has no DynamoDB type, or ``sent`` was encrypted in place.
    """
    from workshop_lib.display.tables import table

    views = {"sent": sent, "stored": stored}
    if read_back is not None:
        views["read back"] = read_back
    as_object = any(_is_object(view) for view in views.values())
    try:
        typed = {name: _view(name, view, as_object) for name, view in views.items()}
    except RecursionError:
        raise CannotCompare("A view holds itself: DynamoDB nests 32 levels at most.") from None
    if _SIGNATURE in typed["sent"]:
        raise CannotCompare(
            f"`sent` already holds {_SIGNATURE}: it was encrypted in place. "
            "Pass a copy made before the write: copy.deepcopy(item)."
        )
    if not (actions is None or isinstance(actions, Mapping) or hasattr(actions, "action")):
        raise CannotCompare(
            f"`actions` is {_a(actions)}: pass the AttributeActions, or a dict of name and action."
        )
    given = _Given(actions, method, as_object)
    title = caption or _join(list(typed)).capitalize()
    seen = {name: _see(value) for name, value in typed["stored"].items()}

    def around(name: str) -> dict[str, _Seen]:
        return {name: seen[name]} if separate and name in seen else seen

    entry = "place" if separate else "attribute"
    return table(
        [{entry: name, **_row(name, typed, around(name), given)} for name in _names(typed)],
        columns=[entry, "type", *given.columns(), *typed, READABLE],
        caption=f"{title.rstrip('.')}. Stored as seen through: {vantage}.",
    )


class _Given(NamedTuple):
    """What the caller says of the attributes beside their values."""

    actions: Any
    method: str | None
    as_object: bool

    def columns(self) -> list[str]:
        named = {"action": self.actions, "method": self.method}
        return [name for name, value in named.items() if value is not None]


def _row(
    name: str,
    views: Mapping[str, Mapping[str, _Value]],
    seen: Mapping[str, _Seen],
    given: _Given,
) -> dict[str, str]:
    shown = {
        view: _show(item[name], _BUDGET) if name in item else ABSENT for view, item in views.items()
    }
    return {
        "type": _type(name, views, given.as_object),
        "action": _action(name, views, given.actions),
        "method": given.method or "",
        **shown,
        READABLE: _readable(name, views["sent"], seen),
    }


def _names(views: Mapping[str, Mapping[str, _Value]]) -> list[str]:
    first, *others = views.values()
    added = {name for item in others for name in item} - set(first)
    return [*first, *sorted(added)]


def _join(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _type(name: str, views: Mapping[str, Mapping[str, _Value]], as_object: bool) -> str:
    kinds = [item[name].kind for item in views.values() if name in item]
    sent_and_stored = [views[v][name].kind for v in ("sent", "stored") if name in views[v]]
    words = dict.fromkeys(sent_and_stored or kinds)
    return " → ".join(_PLAIN_NAMES.get(kind, kind) if as_object else kind for kind in words)


def _action(name: str, views: Mapping[str, Mapping[str, _Value]], actions: Any) -> str:
    """Name the action; an attribute the caller did not send has none."""
    if name in _ADDED_BY_CLIENT:
        return _ADDED_BY_CLIENT[name]
    if actions is None or name not in views["sent"]:
        return ""
    action = actions.get(name, "") if isinstance(actions, Mapping) else actions.action(name)
    return action.name if isinstance(action, Enum) else str(action)


# --- from what boto3 takes and gives to typed values ---


def _is_object(view: Any) -> bool:
    """Say whether this is an S3 object rather than a DynamoDB item."""
    if not isinstance(view, Mapping):
        return isinstance(view, (str, bytes, bytearray, memoryview)) or hasattr(view, "read")
    names = set(view)
    if not names & {"body", "Body"}:
        return {"ETag", "ResponseMetadata"} <= names  # head_object
    return bool(names & {"ETag", "ResponseMetadata"}) or {"Bucket", "Key"} <= names


def _view(name: str, view: Any, as_object: bool) -> dict[str, _Value]:
    if as_object and not isinstance(view, Mapping):
        view = {"body": view}
    if not isinstance(view, Mapping):
        raise CannotCompare(
            f"`{name}` is {_a(view)}: pass an item (a dict), a body (bytes or str) or a response."
        )
    if as_object:
        return _object(name, view)
    if "ResponseMetadata" in view:
        view = _item(name, view)
    if _is_dynamodb_json(view):
        return {str(key): _from_json(value) for key, value in view.items()}
    return {str(key): _from_python(f"{name}: {key}", value) for key, value in view.items()}


# --- how a value is written down ---


def _show(value: _Value, budget: int) -> str:
    kind, data = value
    if kind == "B":
        return show_bytes(data)
    if kind == "S":
        return show_text(data)
    if kind == "N":
        return str(data)
    if kind in ("BOOL", "NULL"):
        return {True: "true", False: "false", None: "null"}[data]
    if kind == "M":
        parts = ((f"{show_text(key)}: ", data[key]) for key in sorted(data))
        return "{" + _show_all(parts, len(data), budget) + "}"
    inside = _show_all((("", element) for element in data), len(data), budget)
    return f"[{inside}]" if kind == "L" else f"set({inside})"


def _show_all(parts: Iterator[tuple[str, _Value]], count: int, budget: int) -> str:
    """Show as many parts as the cell has room for, at least one, and say how many there are."""
    shown: list[str] = []
    for label, value in parts:
        if shown and budget <= 0:
            return f"{', '.join(shown)}, … {count:,} in all"
        shown.append(label + _show(value, budget - len(label)))
        budget -= len(shown[-1])
    return ", ".join(shown)


# --- what a reader without the key can tell ---


def _readable(name: str, sent: Mapping[str, _Value], seen: Mapping[str, _Seen]) -> str:
    if name not in seen:
        return ABSENT
    if name not in sent:
        return _added(seen[name], sent)
    if _identity(sent[name]) == _identity(seen[name].value):
        return "yes"
    elsewhere = {other: view for other, view in seen.items() if other != name}
    found = [_find(path, leaf, seen[name], elsewhere) for path, leaf in _leaves(sent[name])]
    return _verdict(found, seen[name].value)


class _Found(NamedTuple):
    """How much of one part of a value was found (all, some, none), and the words for where."""

    label: str
    much: str
    note: str = ""

    def words(self) -> str:
        return f"{self.label} ({self.note})" if self.note else self.label


def _find(
    path: tuple[str, ...], leaf: _Value, here: _Seen, elsewhere: Mapping[str, _Seen]
) -> _Found:
    label = "".join(path).lstrip(". ")
    if (path, _identity(leaf)) in here.places:
        return _Found(label, "all")
    needles = _needles(leaf)
    for hay in here.hays:
        if any(_stands_in(needle, hay) for needle in needles):
            return _Found(label, "all", hay.how)
    for other, view in elsewhere.items():
        if any(_is_repeated(needle, hay) for needle in needles for hay in view.hays):
            return _Found(label, "all", f"in {other}")
    pieces = [piece for needle in needles for piece in _pieces(needle)]
    some = any(_stands_in(piece, hay) for piece in pieces for hay in here.hays)
    return _Found(label, "some" if some else "none")


def _verdict(found: list[_Found], stored: _Value) -> str:
    if all(part.much == "all" for part in found):
        notes = dict.fromkeys(part.note for part in found if part.note)
        return ", ".join(["yes", *notes])
    if all(part.much == "none" for part in found):
        return "no" if _is_opaque(stored) else "no, other value"
    labels = [part.words() for part in found if part.much != "none" and part.label]
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return f"partly: {', '.join(labels[:3])}{more}" if labels else "partly"


def _added(view: _Seen, sent: Mapping[str, _Value]) -> str:
    repeated = [name for name, value in sent.items() if _repeats(view, value)]
    return f"added: repeats {', '.join(repeated)}" if repeated else "added: nothing sent is in it"


def _repeats(view: _Seen, value: _Value) -> bool:
    needles = [needle for _, leaf in _leaves(value) for needle in _needles(leaf)]
    return any(_is_repeated(needle, hay) for needle in needles for hay in view.hays)


def _leaves(value: _Value, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], _Value]]:
    """Give every scalar with its path; an element of a set is its own path, having no place."""
    kind, data = value
    if kind == "M" and data:
        for key, inner in data.items():
            yield from _leaves(inner, (*path, f".{key}"))
    elif kind == "L" and data:
        for position, inner in enumerate(data):
            yield from _leaves(inner, (*path, f"[{position}]"))
    elif kind in ("SS", "NS", "BS") and data:
        for inner in data:
            yield (*path, f" {_show(inner, _BUDGET)}"), inner
    else:
        yield path, value


def _identity(value: _Value) -> Any:
    """What makes two values the same to DynamoDB: numbers by amount, sets in any order."""
    kind, data = value
    if kind == "N":
        number = _decimal(data)
        return kind, data if number is None else number
    if kind == "M":
        return kind, frozenset((key, _identity(inner)) for key, inner in data.items())
    if kind == "L":
        return kind, tuple(map(_identity, data))
    if kind in ("SS", "NS", "BS"):
        return kind, frozenset(map(_identity, data))
    return kind, data


def _needles(leaf: _Value) -> list[bytes]:
    """The forms in which a reader would recognise this value."""
    if leaf.kind == "B":
        return [leaf.data] if leaf.data else []
    if leaf.kind == "S":
        return [_utf8(leaf.data)] if leaf.data else []
    if leaf.kind == "N":
        return list(dict.fromkeys([_utf8(leaf.data), _utf8(_plain(leaf.data))]))
    return []


def _plain(number: str) -> str:
    """Write a number without exponent or trailing zeros, as DynamoDB returns it."""
    parsed = _decimal(number)
    if parsed is None or not -130 <= parsed.adjusted() <= 126:  # beyond DynamoDB's range
        return number
    text = f"{parsed:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _see(value: _Value) -> _Seen:
    leaves = list(_leaves(value))
    hays = [hay for _, leaf in leaves for hay in _haystacks(leaf)]
    return _Seen(value, hays, {(path, _identity(leaf)) for path, leaf in leaves})


def _haystacks(leaf: _Value) -> Iterator[_Haystack]:
    """Give what a reader sees of a scalar, as it is and after undoing base64 and hex."""
    for raw in _needles(leaf):
        if leaf.kind == "N":
            yield _Haystack(raw, "number")
            continue
        yield _Haystack(raw, "text" if leaf.kind == "S" else _kind(raw))
        for how, decoded in _decoded(raw):
            yield _Haystack(decoded, _kind(decoded), how)


def _kind(raw: bytes) -> str:
    return "bytes" if as_text(raw) is None else "text"


def _decoded(raw: bytes) -> Iterator[tuple[str, bytes]]:
    words = {raw.translate(None, _BLANKS)}  # openssl and others break base64 into lines
    if len(raw) <= _MEGABYTE:
        words.update(re.findall(rb"[A-Za-z0-9+/_-]{8,}={0,2}", raw))
    for word in sorted(words):
        if len(word) % 2 == 0 and re.fullmatch(rb"[0-9A-Fa-f]+", word):
            yield "as hex", bytes.fromhex(word.decode("ascii"))
        decoded = _unbase64(word)
        if decoded:
            yield "as base64", decoded


def _unbase64(word: bytes) -> bytes:
    """Undo base64 in either alphabet, padded or not; nothing if it is not base64."""
    bare = word.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        return b""


def _stands_in(needle: bytes, hay: _Haystack) -> bool:
    """Say whether the value is there: alone, too long for chance, or a word of readable text."""
    if needle == hay.data or _tells(needle, hay):
        return True
    if hay.kind != "text" or needle not in hay.data:
        return False
    # Characters of base64 and the point of a number do not end a word.
    edge = rb"[\w+/=\-\x80-\xff]"
    word = rb"(?<!" + edge + rb")(?<!\d\.)" + re.escape(needle) + rb"(?!" + edge + rb"|\.\d)"
    return re.search(word, hay.data) is not None


def _is_repeated(needle: bytes, hay: _Haystack) -> bool:
    """Say whether the value stands in another attribute; a short or small one may by accident."""
    if len(needle) < 4 or needle.isdigit():
        return _tells(needle, hay)
    return _stands_in(needle, hay)


def _tells(needle: bytes, hay: _Haystack) -> bool:
    """Say whether the value is in there and too long to be there by chance (one in 10**9)."""
    symbols = 256
    if hay.kind != "bytes":
        symbols = 10 if needle.isdigit() else 64
    return symbols ** len(needle[:64]) > 10**9 * len(hay.data) and needle in hay.data


def _pieces(needle: bytes) -> list[bytes]:
    """Cut a longer value into words and stretches, to notice that only part of it is covered."""
    if len(needle) <= 4:
        return []
    words = needle[:_MEGABYTE].split() if as_text(needle) else []
    step = max(_PIECE, len(needle) // _PIECES)
    stretches = [needle[i : i + _PIECE] for i in range(0, len(needle) - _PIECE + 1, step)]
    return [word for word in words if len(word) >= 4][:_PIECES] + stretches


def _is_opaque(value: _Value) -> bool:
    """Say whether some of it looks like ciphertext: bytes that are no text, or such in base64."""
    raws = [raw for _, leaf in _leaves(value) if leaf.kind in ("S", "B") for raw in _needles(leaf)]
    return any(as_text(raw) is None or _is_encoded(raw.translate(None, _BLANKS)) for raw in raws)


def _is_encoded(word: bytes) -> bool:
    long = len(word) >= 22  # 16 bytes in base64: a block, an IV or a key
    mixed = all(re.search(kind, word) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))
    if re.fullmatch(rb"(?:[0-9a-f]{2}){16,}|(?:[0-9A-F]{2}){16,}", word):
        return as_text(bytes.fromhex(word.decode("ascii"))) is None
    return long and mixed and as_text(_unbase64(word) or b"text") is None
