"""Sent, stored and read back: one row per attribute, and whether a reader without the key reads it.

Pure data, no AWS: the three views are what a notebook sent and what it read from the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from workshop_lib.display.formatting import ABSENT, as_text, show_bytes, show_text
from workshop_lib.lenses.attribute_values import CannotCompare, Value, describe_type
from workshop_lib.lenses.plaintext import (
    Candidate,
    Pattern,
    candidates,
    looks_encrypted,
    patterns,
    samples,
)
from workshop_lib.lenses.views import is_object, read_view

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

READABLE = "without the key"
"""Name of the column that answers the question."""

_SIGNATURE = "*amzn-ddb-map-sig*"
_DESCRIPTION = "*amzn-ddb-map-desc*"
_ADDED_BY_CLIENT = {_SIGNATURE: "added: signature", _DESCRIPTION: "added: material description"}
_PLAIN_NAMES = {"S": "text", "N": "number", "B": "bytes", "BOOL": "yes or no", "NULL": "none",
                "L": "list", "M": "map"}  # fmt: skip
_BUDGET = 72  # characters of a cell
_MEGABYTE = 1 << 20


class _Seen(NamedTuple):
    """A stored value, with all that a reader sees of it and which scalar stands at which path."""

    value: Value
    candidates: list[Candidate]
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
        add. Columns: ``attribute``, ``without the key``, ``type``, [``action``,] [``method``,]
        ``sent``, ``stored``, [``read back``]. What somebody without the key makes of it:

        - ``readable``: what was sent stands there: equal, inside a larger value, or, as then said,
          in base64 or hex (``readable, as base64``) or in another attribute (``readable, in
          note``);
        - ``partly``: some of it does, with the parts of a nested value (``partly: city``);
        - ``encrypted``: none of it was found in what is stored, and that looks like ciphertext;
        - ``other value``: none of it was found, but what stands there does not look like
          ciphertext;
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
    as_object = any(is_object(view) for view in views.values())
    try:
        typed = {name: read_view(name, view, as_object) for name, view in views.items()}
    except RecursionError:
        raise CannotCompare("A view holds itself: DynamoDB nests 32 levels at most.") from None
    if _SIGNATURE in typed["sent"]:
        raise CannotCompare(
            f"`sent` already holds {_SIGNATURE}: it was encrypted in place. "
            "Pass a copy made before the write: copy.deepcopy(item)."
        )
    if not (actions is None or isinstance(actions, Mapping) or hasattr(actions, "action")):
        raise CannotCompare(
            f"`actions` is {describe_type(actions)}: "
            "pass the AttributeActions, or a dict of name and action."
        )
    given = _Given(actions, method, as_object)
    *first, last = typed
    title = caption or f"{', '.join(first)} and {last}".capitalize()
    seen = {name: _see(value) for name, value in typed["stored"].items()}

    def around(name: str) -> dict[str, _Seen]:
        return {name: seen[name]} if separate and name in seen else seen

    entry = "place" if separate else "attribute"
    return table(
        [{entry: name, **_row(name, typed, around(name), given)} for name in _names(typed)],
        columns=[entry, READABLE, "type", *given.columns(), *typed],
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
    views: Mapping[str, Mapping[str, Value]],
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


def _names(views: Mapping[str, Mapping[str, Value]]) -> list[str]:
    first, *others = views.values()
    added = {name for item in others for name in item} - set(first)
    return [*first, *sorted(added)]


def _type(name: str, views: Mapping[str, Mapping[str, Value]], as_object: bool) -> str:
    kinds = [item[name].kind for item in views.values() if name in item]
    sent_and_stored = [views[v][name].kind for v in ("sent", "stored") if name in views[v]]
    words = dict.fromkeys(sent_and_stored or kinds)
    return " → ".join(_PLAIN_NAMES.get(kind, kind) if as_object else kind for kind in words)


def _action(name: str, views: Mapping[str, Mapping[str, Value]], actions: Any) -> str:
    """Name the action; an attribute the caller did not send has none."""
    if name in _ADDED_BY_CLIENT:
        return _ADDED_BY_CLIENT[name]
    if actions is None or name not in views["sent"]:
        return ""
    action = actions.get(name, "") if isinstance(actions, Mapping) else actions.action(name)
    return action.name if isinstance(action, Enum) else str(action)


# --- how a value is written down ---


def _show(value: Value, budget: int) -> str:
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


def _show_all(parts: Iterator[tuple[str, Value]], count: int, budget: int) -> str:
    """Show as many parts as the cell has room for, at least one, and say how many there are."""
    shown: list[str] = []
    for label, value in parts:
        if shown and budget <= 0:
            return f"{', '.join(shown)}, … {count:,} in all"
        shown.append(label + _show(value, budget - len(label)))
        budget -= len(shown[-1])
    return ", ".join(shown)


# --- what a reader without the key can tell ---


def _readable(name: str, sent: Mapping[str, Value], seen: Mapping[str, _Seen]) -> str:
    if name not in seen:
        return ABSENT
    if name not in sent:
        return _added(seen[name], sent)
    if sent[name].identity() == seen[name].value.identity():
        return "readable"
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
    path: tuple[str, ...], leaf: Value, here: _Seen, elsewhere: Mapping[str, _Seen]
) -> _Found:
    label = "".join(path).lstrip(". ")
    if (path, leaf.identity()) in here.places:
        return _Found(label, "all")
    forms = _leaf_patterns(leaf)
    for candidate in here.candidates:
        for pattern in forms:
            if pattern.occurs_in(candidate):
                return _Found(label, "all", pattern.how or candidate.how)
    for other, view in elsewhere.items():
        if _repeats(view, forms):
            return _Found(label, "all", f"in {other}")
    pieces = [piece for value in {pattern.value for pattern in forms} for piece in _pieces(value)]
    some = any(piece.occurs_in(candidate) for piece in pieces for candidate in here.candidates)
    return _Found(label, "some" if some else "none")


def _verdict(found: list[_Found], stored: Value) -> str:
    if all(part.much == "all" for part in found):
        notes = dict.fromkeys(part.note for part in found if part.note)
        return ", ".join(["readable", *notes])
    if all(part.much == "none" for part in found):
        leaves = [leaf for _, leaf in _leaves(stored) if leaf.kind != "N"]
        opaque = any(looks_encrypted(form) for leaf in leaves for form in leaf.written())
        return "encrypted" if opaque else "other value"
    labels = [part.words() for part in found if part.much != "none" and part.label]
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return f"partly: {', '.join(labels[:3])}{more}" if labels else "partly"


def _added(view: _Seen, sent: Mapping[str, Value]) -> str:
    repeated = [
        name
        for name, value in sent.items()
        if any(_repeats(view, _leaf_patterns(leaf)) for _, leaf in _leaves(value))
    ]
    return f"added: repeats {', '.join(repeated)}" if repeated else "added: nothing sent is in it"


def _repeats(view: _Seen, forms: list[Pattern]) -> bool:
    return any(_is_repeated(form, candidate) for form in forms for candidate in view.candidates)


def _leaves(value: Value, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
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


def _leaf_patterns(leaf: Value) -> list[Pattern]:
    return [pattern for form in leaf.written() for pattern in patterns(form)]


def _see(value: Value) -> _Seen:
    leaves = list(_leaves(value))
    seen = [each for _, leaf in leaves for each in _leaf_candidates(leaf)]
    return _Seen(value, seen, {(path, leaf.identity()) for path, leaf in leaves})


def _leaf_candidates(leaf: Value) -> Iterator[Candidate]:
    for form in leaf.written():
        seen = Candidate(form, text=leaf.kind != "B" or as_text(form) is not None)
        yield from [seen] if leaf.kind == "N" else candidates(seen)


def _is_repeated(pattern: Pattern, candidate: Candidate) -> bool:
    """Say whether the value stands in another attribute; a short or small one may by accident."""
    if len(pattern.value) < 4 or pattern.value.isdigit():
        return pattern.exceeds_chance_in(candidate)
    return pattern.occurs_in(candidate)


def _pieces(value: bytes) -> list[Pattern]:
    """Cut a longer value into words and stretches, to notice that only part of it is covered."""
    if len(value) <= 4:
        return []
    words = [word for word in value[:_MEGABYTE].split() if len(word) >= 4] if as_text(value) else []
    return [Pattern(piece, piece) for piece in [*words[:32], *samples(value, 12, 32)]]
