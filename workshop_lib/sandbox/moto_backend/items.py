"""DynamoDB's items and stream records, as moto keeps them: sealed."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, Protocol

from workshop_lib.sandbox.moto_backend.core import _load

# --- DynamoDB's items ----------------------------------------------------------------------------


_ITEMS = "moto.dynamodb.models.dynamo_type"


# Attribute values by name, in DynamoDB's JSON: {"id": {"S": "1"}}.
Attributes = dict[str, dict[str, object]]


class Vault(Protocol):
    """What seals the items and stream records of one table, while its keys are at hand."""

    def seal(self, structure: str, plaintext: bytes, place: bytes) -> bytes:
        """Sealed bytes, bound to their place."""

    def open(self, structure: str, sealed: bytes, place: bytes) -> bytes:
        """What was sealed."""

    def note_opened(self, item: "SealedItem") -> None:
        """Take note that an item lies open."""

    def note_written(
        self, place: bytes, undo: Callable[[], object], *items: "SealedItem | None"
    ) -> None:
        """Take note of a change at a place: how to undo it; for an item also the old and new one.

        Either may be None.
        """


class SealedItem(Protocol):
    """An item as moto keeps it here: its key, and an image of it that is sealed.

    It opens when moto first looks into it, and stays open until it is closed.
    """

    image: bytes

    @property
    def place_of(self) -> bytes:
        """Where it lies in its table: what its image is bound to."""

    @property
    def changed(self) -> bool:
        """Whether it lies open and is no longer what its image says."""

    def close(self, *, keep: bool) -> None:
        """Forget the plaintext, after sealing it anew if it changed and is to be kept."""

    def stored(self) -> Attributes:
        """What the image says: attribute values by name."""

    def current(self) -> Attributes:
        """As `stored`, of an item that may lie open and have been changed."""


def seal_table(table: Any, vault: Vault) -> None:
    """Have the items and stream records of moto's table sealed, those already there as well."""
    kinds = _sealed_kinds()
    if not isinstance(table.items, kinds.Items) or table.items.vault is not vault:
        items = kinds.Items(vault)
        for item in _items_of(table):
            items.place(item)
        table.items = items
    shard = table.stream_shard
    if shard is not None and not isinstance(shard.items, kinds.Records):
        shard.items = kinds.Records(vault, shard.items)
        shard.add = partial(_add_if_changed, shard.add)


def entrust_table(table: Any, vault: Vault) -> None:
    """Give a copy of moto's sealed table a vault of its own, for the same keys."""
    table.items.vault = vault
    for item in _items_of(table):
        item.vault = vault


def items_of(table: Any) -> list[SealedItem]:
    """All items of moto's table."""
    return _items_of(table)


def _items_of(table: Any) -> list[Any]:
    found = table.items.values()
    return (
        [item for inner in found for item in inner.values()] if table.range_key_attr else [*found]
    )


def find_item(table: Any, key: Mapping[str, Any]) -> SealedItem | None:
    """The item with a key ({"id": {"S": "1"}}) of moto's table; None where there is none."""
    of_type = _load(_ITEMS, "DynamoType").DynamoType
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    if sorted(key) != sorted(names):
        return None
    found: Any = table.items
    for name in names:
        found = dict.get(found, of_type(key[name]), {})
    return found or None


def _add_if_changed(add: Callable[..., None], old: Any, new: Any) -> None:
    """A write that leaves an item as it was is no record of a stream's."""
    if old is None or new is None or old.to_json() != new.to_json():
        add(old, new)


def _parse(text: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text, object_hook=_with_bytes)
    return found


# moto keeps binary values as base64 text in some places and as bytes in others: each stays as it
# is. No attribute value looks like this mark: what stands under a name there is never plain text.
_BYTES = "bytes"


def _with_bytes(document: dict[str, Any]) -> Any:
    if len(document) == 1 and isinstance(document.get(_BYTES), str):
        return base64.b64decode(document[_BYTES])
    return document


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "value"):
        return _document(value)
    return str(value)  # a number that moto calculated


def _document(value: Any) -> dict[str, Any]:
    return {value.type: value.value}


def _attributes(attrs: Mapping[str, Any]) -> bytes:
    """moto's attribute values as text."""
    return json.dumps(attrs, default=_without_bytes).encode()


@cache
def _sealed_kinds() -> Any:
    """moto's kinds of item and record that are sealed: made on first use, as moto is loaded."""
    types = _load(_ITEMS, "DynamoType", "Item", "LimitedSizeDict")

    class Item(types.Item):  # type: ignore[name-defined]
        """An item as moto knows it, whose attributes are sealed until somebody asks."""

        def __init__(self, vault: Vault, item: Any) -> None:
            self.vault, self.hash_key, self.range_key = vault, item.hash_key, item.range_key
            self._open: Any = None
            self.image = vault.seal("items", _attributes(item.attrs), self.place_of)

        def __repr__(self) -> str:
            return "<a sealed item>"

        @property
        def place_of(self) -> bytes:
            keys = [_document(key) for key in (self.hash_key, self.range_key) if key is not None]
            return json.dumps(keys, default=_without_bytes).encode()

        @property
        def attrs(self) -> Any:
            if self._open is None:
                self._text = self.vault.open("items", self.image, self.place_of)
                opened = types.LimitedSizeDict()
                for name, value in _parse(self._text).items():  # its size was checked before
                    dict.__setitem__(opened, name, types.DynamoType(value))
                self._open = opened
                self.vault.note_opened(self)
            return self._open

        @property
        def changed(self) -> bool:
            return self._open is not None and _attributes(self._open) != self._text

        def close(self, *, keep: bool) -> None:
            """Forget the plaintext, after sealing it anew if it changed and is to be kept."""
            if keep and self.changed:
                self.image = self.vault.seal("items", _attributes(self._open), self.place_of)
            self._open, self._text = None, b""

        def stored(self) -> Attributes:
            return _parse(self.vault.open("items", self.image, self.place_of))

        def current(self) -> Attributes:
            return _parse(_attributes(self.attrs))

        def __deepcopy__(self, memo: Any) -> Any:
            copied = self.__class__.__new__(self.__class__)
            copied.vault, copied.image, copied._open = self.vault, self.image, None
            copied.hash_key, copied.range_key = self.hash_key, self.range_key
            if self.changed:
                text = _attributes(self._open)
                copied.image = self.vault.seal("items", text, self.place_of)
            return copied

    class Items(dict[Any, Any]):
        """moto's items by key; where a table has a sort key, a level more (``inner``)."""

        def __init__(self, vault: Vault, *, inner: bool = False) -> None:
            super().__init__()
            self.vault, self.inner = vault, inner

        def __missing__(self, key: Any) -> Any:
            if self.inner:
                raise KeyError(key)
            inner = Items(self.vault, inner=True)
            dict.__setitem__(self, key, inner)
            return inner

        def place(self, item: Any) -> None:
            """Seal an item and put it where its key says."""
            mapping = self if item.range_key is None else self[item.hash_key]
            last = item.hash_key if item.range_key is None else item.range_key
            dict.__setitem__(mapping, last, Item(self.vault, item))

        def __setitem__(self, key: Any, item: Any) -> None:
            old, new = dict.get(self, key), Item(self.vault, item)
            undo = (
                partial(dict.pop, self, key, None)
                if old is None
                else partial(dict.__setitem__, self, key, old)
            )
            dict.__setitem__(self, key, new)
            self.vault.note_written(new.place_of, undo, old, new)

        def pop(self, key: Any, *default: Any) -> Any:
            old = dict.pop(self, key, *default)
            if isinstance(old, Item):
                undo = partial(dict.__setitem__, self, key, old)
                self.vault.note_written(old.place_of, undo, old, None)
            return old

        def __deepcopy__(self, memo: Any) -> Any:
            copied = Items(self.vault, inner=self.inner)
            for key, value in self.items():
                dict.__setitem__(copied, key, value.__deepcopy__(memo))
            return copied

    class Record:
        """A stream record; the item's key and images in it are sealed."""

        def __init__(self, vault: Vault, record: Any) -> None:
            self.vault, self.record = vault, {**record.record}
            change = dict(self.record["dynamodb"])
            data = {name: change.pop(name) for name in _IMAGES if name in change}
            self.record["dynamodb"] = change
            self.place = json.dumps([change["SequenceNumber"]]).encode()
            self.key = json.dumps([*data["Keys"].values()], default=_without_bytes).encode()
            self.sealed = vault.seal("stream", _attributes(data), self.place)

        def to_json(self) -> dict[str, Any]:
            data = _parse(self.vault.open("stream", self.sealed, self.place))
            return {**self.record, "dynamodb": {**self.record["dynamodb"], **data}}

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    class Records(list[Any]):
        """A stream's records, sealed as they come."""

        def __init__(self, vault: Vault, records: Iterable[Any] = ()) -> None:
            super().__init__()
            self.vault = vault
            for record in records:
                self.append(record)

        def append(self, record: Any) -> None:
            sealed = Record(self.vault, record)
            super().append(sealed)
            self.vault.note_written(sealed.key, partial(self.remove, sealed))

        def __deepcopy__(self, memo: Any) -> Any:
            copied = Records(self.vault)
            list.extend(copied, self)
            return copied

    return SimpleNamespace(Item=Item, Items=Items, Records=Records)


_IMAGES = ("Keys", "NewImage", "OldImage")
