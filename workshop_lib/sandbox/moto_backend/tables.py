"""DynamoDB's tables, backups and streams, as moto keeps them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from workshop_lib.sandbox.moto_backend.core import Moto, ReliesOnMoto, View, put
from workshop_lib.sandbox.moto_backend.items import (
    Record,
    SealedItem,
    Vault,
    entrust_table,
    items_of,
    place_of,
    seal_table,
    write_item,
)

_UNITS = ("CapacityUnits", "UnitsPerSecond")


class Index(NamedTuple):
    """A secondary index and the attributes of its key, those of the partition key first.

    ``partition`` says how many these are; ``attributes`` are what it has of an item beside keys,
    None: everything.
    """

    name: str
    keys: tuple[str, ...]
    partition: int
    local: bool
    attributes: tuple[str, ...] | None


class StreamShard(View):
    """A stream's only shard."""

    __slots__ = ()

    @property
    def vault(self) -> Vault:
        """What seals its records."""
        vault: Vault = self._wrapped.items.vault
        return vault

    @property
    def records(self) -> list[Record]:
        """Its records, the oldest first."""
        return [*self._wrapped.items]

    @property
    def first_number(self) -> int:
        """The sequence number of the first record that it can have."""
        return int(self._wrapped.starting_sequence_number)

    @property
    def created(self) -> datetime:
        """When it was made, in UTC."""
        moment: datetime = self._wrapped.created_on
        return moment

    @property
    def view(self) -> str:
        """Which images of an item its records have."""
        return str(self._wrapped.items.view)


class Table(View):
    """A table: its key, its indexes, and how to find its items."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._wrapped.name)

    @property
    def hash_key(self) -> str:
        """The attribute that is its partition key."""
        return str(self._wrapped.hash_key_attr)

    @property
    def key_schema(self) -> dict[str, str]:
        """The types of its key's attributes by their names, the partition key first."""
        table = self._wrapped
        schema = {table.hash_key_attr: table.hash_key_type}
        if table.range_key_attr:
            schema[table.range_key_attr] = table.range_key_type
        return schema

    @property
    def attribute_types(self) -> dict[str, str]:
        """The types of the attributes that its own key and its indexes' keys are made of."""
        return {each["AttributeName"]: each["AttributeType"] for each in self._wrapped.attr}

    @property
    def indexes(self) -> list[Index]:
        """Its secondary indexes, global and local."""
        table = self._wrapped
        return [_index(each, local=False) for each in table.global_indexes] + [
            _index(each, local=True) for each in table.indexes
        ]

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return {tag["Key"]: tag["Value"] for tag in self._wrapped.tags}

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Have these tags, and no others."""
        put(self._wrapped, tags=[{"Key": key, "Value": value} for key, value in tags.items()])

    @property
    def protected(self) -> bool:
        """Whether it is protected against deletion."""
        return bool(self._wrapped.deletion_protection_enabled)

    @property
    def billing_mode(self) -> str:
        """PROVISIONED or PAY_PER_REQUEST."""
        return str(self._wrapped.billing_mode)

    @property
    def units(self) -> dict[str, int]:
        """Its provisioned capacity: ReadCapacityUnits and WriteCapacityUnits."""
        return _numbers(self._wrapped.throughput)

    @property
    def warm_units(self) -> dict[str, int]:
        """What it bears at once: ReadUnitsPerSecond and WriteUnitsPerSecond."""
        return _numbers(self._wrapped.warm_throughput)

    def units_of_index(self, name: str) -> dict[str, int]:
        """The provisioned capacity of a global index."""
        return _numbers(self._global_index(name).throughput)

    def warm_units_of_index(self, name: str) -> dict[str, int]:
        """What a global index bears at once."""
        return _numbers(self._global_index(name).warm_throughput)

    def _global_index(self, name: str) -> Any:
        [found] = [index for index in self._wrapped.global_indexes if index.name == name]
        return found

    def end_stream(self) -> None:
        """Let its latest stream be its latest no longer, so that another one can begin."""
        put(self._wrapped, latest_stream_label=None)

    @property
    def recovers_points_in_time(self) -> bool:
        """Whether point-in-time recovery is enabled."""
        found = self._wrapped.continuous_backups["PointInTimeRecoveryDescription"]
        return bool(found["PointInTimeRecoveryStatus"] == "ENABLED")

    @property
    def time_to_live(self) -> str | None:
        """The attribute that says when an item expires; None where it is not enabled."""
        found = self._wrapped.ttl
        on = found["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
        return str(found["AttributeName"]) if on else None

    @property
    def streams(self) -> bool:
        """Whether it has a stream that is told of changes."""
        found = self._wrapped.stream_specification
        return bool(found and found.get("StreamEnabled"))

    @property
    def stream_label(self) -> str | None:
        """The label of its latest stream; None where it never had one."""
        label: str | None = self._wrapped.latest_stream_label
        return label

    def set_stream_label(self, label: str) -> None:
        """Call its latest stream otherwise."""
        put(self._wrapped, latest_stream_label=label)

    @property
    def stream_shard(self) -> StreamShard | None:
        """The shard of its latest stream; None where it never had one."""
        shard = self._wrapped.stream_shard
        return None if shard is None else StreamShard(shard)

    # --- items ---------------------------------------------------------------------------------

    def seal(self, vault: Vault) -> None:
        """Have its items and stream records sealed, those that are there already as well.

        In place of each item there is an image of it, sealed under the vault; nothing of it is
        kept in plaintext but the primary key, by which it is found.
        """
        seal_table(self._wrapped, vault)

    def entrust(self, vault: Vault) -> None:
        """Give a copy of a sealed table a vault of its own, for the same keys."""
        entrust_table(self._wrapped, vault)

    def items(self) -> list[SealedItem]:
        """All its items."""
        return items_of(self._wrapped)

    def find(self, key: Mapping[str, Any]) -> SealedItem | None:
        """The item with a key ({"id": {"S": "1"}}), or with the key of this item; None for none."""
        found: SealedItem | None = self._wrapped.items.find(place_of(self.key_schema, key))
        return found

    def partition(self, value: Mapping[str, str]) -> list[SealedItem]:
        """The items whose partition key has a value ({"S": "1"})."""
        [of_type] = value.items()
        found: list[SealedItem] = self._wrapped.items.partition(of_type)
        return found

    def write(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        """Keep ``after`` in place of ``before``, and tell the stream. None: there is no item."""
        write_item(self._wrapped, self.key_schema, before, after)


def _numbers(values: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in values.items() if name.endswith(_UNITS)}


def _index(index: Any, *, local: bool) -> Index:
    projection = index.projection or {}
    kind = projection.get("ProjectionType", "ALL")
    others = tuple(projection.get("NonKeyAttributes") or ()) if kind == "INCLUDE" else ()
    schema = sorted(index.schema, key=lambda each: each["KeyType"] != "HASH")
    return Index(
        name=str(index.name),
        keys=tuple(each["AttributeName"] for each in schema),
        partition=sum(each["KeyType"] == "HASH" for each in schema),
        local=local,
        attributes=None if kind == "ALL" else others,
    )


class Backup(View):
    """A backup of a table, and the copy of the table in it."""

    __slots__ = ()

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self._wrapped.arn)

    @property
    def table(self) -> Table:
        """The table as it was."""
        return Table(self._wrapped.table)


class RegionTables(Mapping[str, Table], ReliesOnMoto):
    """The tables of a Region by their names."""

    __slots__ = ("_tables",)

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables

    def __getitem__(self, name: str) -> Table:
        return Table(self._tables[name])

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


class TableStore(ReliesOnMoto):
    """moto's DynamoDB as a store of tables and backups."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    def tables(self, region: str) -> RegionTables:
        """The tables of a Region."""
        return RegionTables(self._backend(region).tables)

    def drop(self, region: str, name: str) -> None:
        """Take back a table that was made."""
        del self._backend(region).tables[name]

    def backup(self, region: str, arn: str) -> Backup:
        """A backup by its ARN."""
        return Backup(self._backend(region).backups[arn])

    def archive(self, region: str, table: str, name: str, moment: datetime) -> Backup:
        """A new backup of a table, of that name and as of that moment."""
        backend = self._backend(region)
        self._moto.seed("ArchiveTable")
        made = backend.create_backup(table, name)
        del backend.backups[made.arn]
        put(made, creation_date_time=moment.replace(tzinfo=None))
        put(made, identifier=made._make_identifier())
        backend.backups[made.arn] = made
        return Backup(made)

    def _backend(self, region: str) -> Any:
        return self._moto._backend("dynamodb", region)
