"""DynamoDB's items and stream records: sealed, in the places where moto keeps a table's.

moto counts them and copies them for backups; it never looks into them.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from workshop_lib.sandbox.moto_backend.core import _load

# Attribute values by name, in DynamoDB's JSON: {"id": {"S": "1"}}. Binary values are base64 text.
Attributes = dict[str, dict[str, object]]
# The values of a key by their type, the partition key's first: they lead to an item.
Place = tuple[tuple[str, str], ...]


class Vault(Protocol):
    """What seals the items and stream records of one table, while its keys are at hand."""

    def seal(self, structure: str, plaintext: bytes, place: bytes) -> bytes:
        """Sealed bytes, bound to their place."""

    def open(self, structure: str, sealed: bytes, place: bytes) -> bytes:
        """What was sealed."""

    def note_written(self, undo: Callable[[], object]) -> None:
        """Take note of a change, and of how to undo it."""


class SealedItem:
    """An item as it is kept: its key, and an image of it that is sealed."""

    __slots__ = ("_bound", "image", "place", "vault")

    def __init__(self, vault: Vault, place: Place, attributes: Mapping[str, Any]) -> None:
        self.vault, self.place = vault, place
        self._bound = json.dumps([{kind: content} for kind, content in place]).encode()
        self.image = vault.seal("items", json.dumps(attributes).encode(), self._bound)

    def __repr__(self) -> str:
        return "<a sealed item>"

    @property
    def bound_to(self) -> bytes:
        """Where it lies in its table: what its image is bound to."""
        return self._bound

    def attributes(self) -> Attributes:
        """What the image says: attribute values by name."""
        found: Attributes = json.loads(self.vault.open("items", self.image, self._bound))
        return found

    def __deepcopy__(self, memo: Any) -> "SealedItem":
        copied = object.__new__(SealedItem)
        copied.vault, copied.place = self.vault, self.place
        copied._bound, copied.image = self._bound, self.image
        return copied


class Items(dict[Any, Any]):
    """A table's items by their keys; where there is a sort key, a level more."""

    def __init__(self, vault: Vault, *, nested: bool) -> None:
        super().__init__()
        self.vault, self.nested = vault, nested

    def __deepcopy__(self, memo: Any) -> "Items":
        copied = Items(self.vault, nested=self.nested)
        for item in self.all():
            copied.lay(item.__deepcopy__(memo))
        return copied

    def all(self) -> Iterator[SealedItem]:
        """Every item."""
        if not self.nested:
            yield from self.values()
        else:
            for partition in self.values():
                yield from partition.values()

    def partition(self, value: tuple[str, str]) -> list[SealedItem]:
        """The items with a partition key."""
        found = self.get(value)
        if found is None:
            return []
        return [*found.values()] if self.nested else [found]

    def find(self, place: Place) -> SealedItem | None:
        """The item with a key."""
        found = self.get(place[0])
        if found is not None and self.nested:
            found = found.get(place[1])
        item: SealedItem | None = found
        return item

    def lay(self, item: SealedItem) -> None:
        """Put an item where its key says."""
        if self.nested:
            self.setdefault(item.place[0], {})[item.place[1]] = item
        else:
            self[item.place[0]] = item

    def take(self, place: Place) -> None:
        """Take an item away that is there, or not."""
        if not self.nested:
            self.pop(place[0], None)
        elif place[0] in self:
            self[place[0]].pop(place[1], None)
            if not self[place[0]]:
                del self[place[0]]


def place_of(schema: Mapping[str, str], attributes: Mapping[str, Any]) -> Place:
    """The place of an item, or of a key, in a table of that key schema."""
    return tuple((kind, attributes[name][kind]) for name, kind in schema.items())


def seal_table(table: Any, vault: Vault) -> None:
    """Have the items and stream records of moto's table sealed, those already there as well."""
    if not isinstance(table.items, Items) or table.items.vault is not vault:
        items = Items(vault, nested=table.range_key_attr is not None)
        for item in items_of(table):
            items.lay(SealedItem(vault, item.place, item.attributes()))
        table.items = items
    shard = table.stream_shard
    if shard is not None and not isinstance(shard.items, Records):
        shard.items = Records(vault, table.stream_specification["StreamViewType"])


def entrust_table(table: Any, vault: Vault) -> None:
    """Give a copy of moto's sealed table a vault of its own, for the same keys."""
    table.items.vault = vault
    for item in items_of(table):
        item.vault = vault


def items_of(table: Any) -> list[SealedItem]:
    """All items of moto's table."""
    return [*table.items.all()] if isinstance(table.items, Items) else []


def write_item(
    table: Any,
    schema: Mapping[str, str],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Keep ``after`` in place of ``before`` (None: there is none), and tell the table's stream."""
    place = place_of(schema, (before or {}) if after is None else after)
    items: Items = table.items
    old = items.find(place)
    undo = partial(items.take, place) if old is None else partial(items.lay, old)
    if after is None:
        items.take(place)
    else:
        items.lay(SealedItem(items.vault, place, after))
    items.vault.note_written(undo)
    stream = table.stream_specification
    if before != after and stream and stream.get("StreamEnabled"):
        table.stream_shard.items.tell(table, schema, before, after)


# --- streams --------------------------------------------------------------------------------------


class Record:
    """A stream record; the item's key and images in it are sealed."""

    def __init__(self, vault: Vault, head: dict[str, Any], data: Mapping[str, Any]) -> None:
        self.vault, self.head = vault, head
        self._bound = json.dumps([head["dynamodb"]["SequenceNumber"]]).encode()
        self.sealed = vault.seal("stream", json.dumps(data).encode(), self._bound)

    @property
    def number(self) -> int:
        """Its sequence number."""
        return int(self.head["dynamodb"]["SequenceNumber"])

    @property
    def moment(self) -> datetime:
        """When the change was made, in UTC."""
        moment: datetime = self.head["dynamodb"]["ApproximateCreationDateTime"]
        return moment.replace(tzinfo=UTC)

    def told(self) -> dict[str, object]:
        """The record with the item's key and images; moments in whole seconds."""
        data = json.loads(self.vault.open("stream", self.sealed, self._bound))
        moment = {"ApproximateCreationDateTime": int(self.moment.timestamp())}
        return {**self.head, "dynamodb": {**self.head["dynamodb"], **moment, **data}}

    def __deepcopy__(self, memo: Any) -> "Record":
        return self


class Records(list[Any]):
    """A stream's records, sealed as they come."""

    def __init__(self, vault: Vault, view: str, records: Iterable[Record] = ()) -> None:
        super().__init__(records)
        self.vault, self.view = vault, view

    def tell(
        self,
        table: Any,
        schema: Mapping[str, str],
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        """Add what became of an item."""
        kind = self.view
        data: dict[str, Any] = {"Keys": {name: (after or before or {})[name] for name in schema}}
        if after is not None and kind in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            data["NewImage"] = after
        if before is not None and kind in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            data["OldImage"] = before
        name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        sequence = table.stream_shard.starting_sequence_number + len(self)
        change = {
            "StreamViewType": kind,
            "ApproximateCreationDateTime": _load("moto.core.utils", "utcnow").utcnow(),
            "SequenceNumber": str(sequence),
        }
        arn = f"{table.table_arn}/stream/{table.latest_stream_label}"
        head = {
            "eventID": uuid.uuid5(uuid.NAMESPACE_OID, f"{arn} {sequence}").hex,
            "eventName": name,
            "eventSource": "aws:dynamodb",
            "eventVersion": "1.1",
            "awsRegion": table.region_name,
            "dynamodb": change,
        }
        record = Record(self.vault, head, data)
        self.append(record)
        self.vault.note_written(partial(self.remove, record))

    def __deepcopy__(self, memo: Any) -> "Records":
        return Records(self.vault, self.view, self)
