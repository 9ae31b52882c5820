"""`tamper(...)`, `tamper_blob(...)`: change what is stored, read it, and see who notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from workshop_lib.display.formatting import ABSENT, show_bytes, show_text
from workshop_lib.display.style import Chip, marked_up
from workshop_lib.errors import LearnerError, WrongArgument
from workshop_lib.interactive.attempts import Outcome, attempt, opened
from workshop_lib.interactive.forms import Form, View, folded
from workshop_lib.interactive.session import Kept

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

_COLUMNS = ("what is changed", "who notices", "before", "after", "what happened")


class NothingStored(LearnerError, LookupError):
    """There is nothing under that key."""


@dataclass(frozen=True)
class Change:
    """One way to tamper: with which part, how, and at how many places (bits, characters)."""

    part: str
    how: str
    places: int
    run: Callable[[int], Try]


@dataclass(frozen=True)
class Try:
    """A change that was made and read: before and after in words, and what came of it."""

    before: str
    after: str
    outcome: Outcome


class TamperForm(Form):
    """The tamper lab: changes to choose from, and a row for each that was tried.

    Which were tried outlives a run of the cell and the kernel: they are made and read once more.
    honest: reads what nobody has tampered with, and raises if that is gone.
    """

    script = "tamper"

    def __init__(self, title: str, changes: Sequence[Change], honest: Callable[[], Any]) -> None:
        self._title = title
        self._changes = list(changes)
        self._honest = honest
        self._all = [_row(change, 0, change.run(0)) for change in self._changes]
        names = [f"{change.part}: {change.how}" for change in self._changes]
        self._kept = Kept(self.script, title, *names)
        self._tried: dict[tuple[int, int], dict[str, str]] = {}  # the last one stands last
        again = list(filter(self._offered, map(_read, self._kept.states())))
        for number, place in reversed(dict.fromkeys(reversed(again))):
            self._try(number, place)

    @property
    def table(self) -> Table:
        """Return what came of each change, made at its first place."""
        from workshop_lib.display.tables import table

        rows = [
            {
                **{name: row[name] for name in _COLUMNS},
                "who notices": Chip(row["kind"], row["who notices"]),
            }
            for row in self._all
        ]
        return table(rows, columns=_COLUMNS, caption=self._title, code=("before", "after"))

    def static_html(self) -> str:
        """The question, and the computed answer folded below."""
        question = f"<p><strong>{marked_up(self._title)}</strong> Who notices?</p>"
        return question + folded("Every change, made and read", self.table._repr_html_())

    def view(self) -> View:
        """Parts and changes to choose from, and the rows so far."""
        parts: dict[str, list[View]] = {}
        for number, change in enumerate(self._changes):
            choice = {"number": number, "how": change.how, "places": change.places}
            parts.setdefault(change.part, []).append(choice)
        return {
            "title": self._title,
            "parts": [{"name": name, "changes": changes} for name, changes in parts.items()],
            "columns": list(_COLUMNS),
            "rows": [*reversed(self._tried.values())],
            "said": "",
        }

    def answer(self, asked: Mapping[str, Any]) -> View:
        """Make a change once more, at the chosen place, and read.

        Raises WrongArgument for a place that there is not, and what `honest` raises.
        """
        number = int(asked.get("number", 0)) % len(self._changes)
        change = self._changes[number]
        place = int(asked.get("place", 0)) if change.places > 1 else 0
        if not self._offered((number, place)):
            raise WrongArgument(f"Choose a number from 0 to {change.places - 1}.")
        self._honest()  # else what is gone would be who notices
        row, tried = self._try(number, place)
        self._kept.note(f"{number}:{place}")
        happened = row["what happened"]
        happened = happened[:1].upper() + happened[1:]
        said = f"{row['what is changed']}: noticed by {tried.outcome.who}. {happened}."
        return {**self.view(), "said": said.replace("..", ".")}

    def _offered(self, choice: tuple[int, int]) -> bool:
        """Whether there is such a change, and such a place in it."""
        number, place = choice
        in_it = 0 <= number < len(self._changes)
        return in_it and 0 <= place < max(self._changes[number].places, 1)

    def _try(self, number: int, place: int) -> tuple[dict[str, str], Try]:
        change = self._changes[number]
        tried = change.run(place)
        row = _row(change, place, tried)
        self._tried.pop((number, place), None)
        self._tried[number, place] = row
        return row, tried


def _read(state: str) -> tuple[int, int]:
    """A change and a place, as they are kept; ones that there never are if it is odd."""
    number, _, place = state.partition(":")
    both = number.isdecimal() and place.isdecimal() and len(state) < 20
    return (int(number), int(place)) if both else (-1, -1)


def _row(change: Change, place: int, tried: Try) -> dict[str, str]:
    where = f" {place}" if change.places > 1 else ""
    return {
        "what is changed": f"{change.part}: {change.how}{where}",
        "who notices": tried.outcome.chip.word,
        "kind": tried.outcome.chip.kind,
        "before": tried.before,
        "after": tried.after,
        "what happened": tried.outcome.said,
    }


def tamper(
    *,
    table: Any,
    read: Callable[[dict[str, Any]], Any],
    key: Mapping[str, Any],
    older: Mapping[str, Any] | None = None,
) -> TamperForm:
    """Tamper with an item that is stored in DynamoDB, and see who notices when it is read.

        tamper(
            table=plain_table,
            read=lambda key: encrypted_table.get_item(Key=key),
            key={"patient": "p-1"},
            older=before_the_update,  # as plain_table.get_item gave it earlier
        )

    After each try, the item is stored again as it was.

    Args:
        table: boto3's own Table, by which the item is changed as anyone with write access would.
        read: reads the item as its owner does; called with a key.
        key: the item's primary key.
        older: an earlier version of the stored item, to be put back as a try.

    Returns:
        The form; its ``table`` has a row for each change.

    Raises:
        NothingStored (a LookupError): there is no item under that key.
        DoesNotOpen (a ValueError): the item cannot be read even as it is.
    """
    stored = _StoredItem(table, read, key)
    title = f"Tamper with the item {_words(stored.key)}."
    return TamperForm(title, stored.changes(older), stored.read)


class _StoredItem:
    """An item in a table: the ways to change it. After each, it is stored as it was."""

    def __init__(
        self, table: Any, read: Callable[[dict[str, Any]], Any], key: Mapping[str, Any]
    ) -> None:
        self._table, self._read, self.key = table, read, dict(key)
        self._names = [name for name in self._now() if name not in self.key]
        self._honest = self.read()

    def read(self) -> Any:
        """The item as its owner reads it; NothingStored or DoesNotOpen if they cannot."""
        self._now()
        return opened(lambda: self._read(dict(self.key)))

    def changes(self, older: Mapping[str, Any] | None) -> list[Change]:
        """Each attribute altered and removed, then what is done to the whole item."""
        changes = []
        now = self._now()
        for name in self._names:
            if (kind := _alteration(now[name])) is not None:
                how, places, alter = kind
                changes.append(Change(name, how, places, partial(self._altered, name, alter)))
            changes.append(Change(name, "remove it", 1, partial(self._removed, name)))
        whole = "whole item"
        changes.append(Change(whole, "add an attribute", 1, self._added))
        changes.append(Change(whole, "copy it under another key", 1, self._copied))
        if older is not None:
            back = partial(self._rolled_back, dict(older))
            changes.append(Change(whole, "put its older version back", 1, back))
        return changes

    def _altered(self, name: str, alter: Callable[[Any, int], Any], place: int) -> Try:
        now = self._now()
        new = alter(now[name], place)
        return self._put({**now, name: new}, self.key, _shown(now[name]), _shown(new))

    def _removed(self, name: str, _: int) -> Try:
        now = self._now()
        value = now.pop(name)
        return self._put(now, self.key, _shown(value), ABSENT)

    def _added(self, _: int) -> Try:
        item = {**self._now(), "added": "by a stranger"}
        return self._put(item, self.key, ABSENT, show_text("by a stranger"))

    def _copied(self, _: int) -> Try:
        copy = _other_key(self.key)
        return self._put(self._now(), copy, _words(self.key), _words(copy))

    def _rolled_back(self, older: Mapping[str, Any], _: int) -> Try:
        now = self._now()
        names = sorted(name for name in {*now, *older} if now.get(name) != older.get(name))
        changed = f"other: {', '.join(names)}" if names else "the same"
        return self._put(older, self.key, f"{len(now)} attributes", changed)

    def _put(self, item: Mapping[str, Any], at: Mapping[str, Any], before: str, after: str) -> Try:
        """Store something, read it there, and undo that."""
        found = self._table.get_item(Key=dict(at), ConsistentRead=True).get("Item")
        try:
            self._table.put_item(Item={**item, **at})
            outcome = attempt(lambda: self._read(dict(at)), self._honest)
        finally:
            if found is None:
                self._table.delete_item(Key=dict(at))
            else:
                self._table.put_item(Item=found)
        return Try(before, after, outcome)

    def _now(self) -> dict[str, Any]:
        item = self._table.get_item(Key=dict(self.key), ConsistentRead=True).get("Item")
        if item is None:
            raise NothingStored(f"There is no item under {_words(self.key)}: put one there first.")
        return dict(item)


def tamper_blob(
    *,
    decrypt: Callable[[bytes, dict[str, str]], Any],
    blob: bytes,
    context: Mapping[str, str] | None = None,
    other_keys: Mapping[str, Callable[[bytes, dict[str, str]], Any]] | None = None,
) -> TamperForm:
    """Tamper with a ciphertext, its encryption context or its key, and see who notices.

        tamper_blob(
            decrypt=lambda blob, context: kms.decrypt(
                CiphertextBlob=blob, EncryptionContext=context
            )["Plaintext"],
            blob=blob,
            context={"patient": "p-1"},
        )

    Args:
        decrypt: opens a ciphertext; called with the blob and the encryption context.
        blob: the ciphertext.
        context: the encryption context that it was encrypted with.
        other_keys: names of keys, and what opens the blob with each in place of `decrypt`.

    Returns:
        The form; its ``table`` has a row for each change.

    Raises:
        DoesNotOpen (a ValueError): the ciphertext cannot be opened even as it is.
    """
    bound = dict(context or {})

    def read() -> Any:
        return opened(lambda: decrypt(blob, dict(bound)))

    honest = read()

    def with_blob(new: bytes) -> Try:
        return Try(
            show_bytes(blob), show_bytes(new), attempt(lambda: decrypt(new, dict(bound)), honest)
        )

    def with_context(new: Mapping[str, str]) -> Try:
        outcome = attempt(lambda: decrypt(blob, dict(new)), honest)
        return Try(_words(bound), _words(new), outcome)

    changes = [
        Change("blob", "flip bit", 8 * len(blob), lambda bit: with_blob(_flipped(blob, bit))),
        Change("blob", "cut off its last byte", 1, lambda _: with_blob(blob[:-1])),
        Change("blob", "add a byte at its end", 1, lambda _: with_blob(blob + b"\0")),
    ]
    contexts: dict[str, dict[str, str]] = {}
    for name, value in bound.items():
        contexts[f"change the value of {name}"] = {**bound, name: value + "x"}
        contexts[f"leave {name} out"] = {k: v for k, v in bound.items() if k != name}
    contexts["add a pair"] = {**bound, "added": "by a stranger"}
    if len(bound) > 1:
        contexts["give its pairs in another order"] = dict(reversed(list(bound.items())))
    for how, new in contexts.items():

        def with_it(_: int, new: Mapping[str, str] = new) -> Try:
            return with_context(new)

        changes.append(Change("encryption context", how, 1, with_it))
    for name, other in (other_keys or {}).items():

        def with_key(_: int, name: str = name, other: Any = other) -> Try:
            return Try("its own key", name, attempt(lambda: other(blob, dict(bound)), honest))

        changes.append(Change("key", f"use {name}", 1, with_key))
    return TamperForm(f"Tamper with a ciphertext of {len(blob):,} bytes.", changes, read)


def _alteration(value: Any) -> tuple[str, int, Callable[[Any, int], Any]] | None:
    """How a value of DynamoDB is altered a little: in words, at how many places, by what."""
    if isinstance(value, bool):
        return "turn it round", 1, lambda value, _: not value
    if isinstance(value, str) and value:
        return "change character", len(value), _other_character
    if isinstance(value, Decimal):
        return "add 1", 1, lambda value, _: value + 1
    raw = _raw(value)
    if raw:
        return "flip bit", 8 * len(raw), lambda value, bit: _flipped(_raw(value) or b"\0", bit)
    return None


def _other_character(value: str, place: int) -> str:
    place %= len(value)
    return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]


def _flipped(value: bytes, bit: int) -> bytes:
    """The bytes with one bit flipped; bit 0 is the first byte's highest."""
    changed = bytearray(value)
    changed[bit // 8 % len(changed)] ^= 0x80 >> bit % 8
    return bytes(changed)


def _other_key(key: Mapping[str, Any]) -> dict[str, Any]:
    """A key like this one that is another item's."""
    name, value = list(key.items())[-1]
    if isinstance(value, str):
        return {**key, name: f"{value}-copy"}
    raw = _raw(value)
    return {**key, name: value + 1 if raw is None else raw + b"-copy"}


def _raw(value: Any) -> bytes | None:
    """The bytes of a binary value, as boto3 wraps them or not; None for any other value."""
    value = getattr(value, "value", value)
    return bytes(value) if isinstance(value, bytes | bytearray) else None


def _shown(value: Any) -> str:
    raw = _raw(value)
    if raw is not None:
        return show_bytes(raw)
    return show_text(value) if isinstance(value, str) else str(value)


def _words(pairs: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in pairs.items()) or "none"
