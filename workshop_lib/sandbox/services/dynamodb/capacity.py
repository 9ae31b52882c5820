"""What requests consume, told to those who ask.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ItemCollectionMetrics.html
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Index, Table
from workshop_lib.sandbox.services.dynamodb.index_keys import holds
from workshop_lib.sandbox.services.dynamodb.sizes import size

_READ, _WRITE = 4096, 1024
Attributes = Mapping[str, Any]


class Consumption:
    """What one call has consumed so far."""

    def __init__(self, call: Call) -> None:
        asked = call.parameters.get("ReturnConsumedCapacity") or "NONE"
        self.asked = asked != "NONE"
        self._indexes = asked == "INDEXES"
        self._twice = call.operation in _TRANSACTIONS
        self._kind = "Read" if call.operation == "TransactGetItems" else "Write"
        self._tables: dict[str, float] = defaultdict(float)
        self._of_index: dict[str, dict[Index, float]] = defaultdict(lambda: defaultdict(float))

    def read(self, table: str, size: int, *, consistent: bool, index: Index | None = None) -> None:
        """Take note of a read of so many bytes."""
        units = float(max(1, -(-size // _READ))) * (1.0 if consistent or self._twice else 0.5)
        if index is None:
            self._add(table, units)
        else:
            self._tables[table] += 0
            self._of_index[table][index] += units

    def write(self, table: Table, before: Attributes | None, after: Attributes | None) -> None:
        """Take note of a write: of the larger item, before or after it."""
        if self.asked:
            self._add(table.name, _units(before, after))
            if before != after:
                for index in table.indexes:
                    units = _index_units(table, index, before, after)
                    if units:
                        self._of_index[table.name][index] += units * (2 if self._twice else 1)

    def _add(self, table: str, units: float) -> None:
        self._tables[table] += units * (2 if self._twice else 1)

    def told(self, *, listed: bool = False) -> Any:
        """What the answer says of it: a list of tables, or the only one."""
        found = [self._told(table) for table in self._tables]
        return found if listed else found[0]

    def _told(self, table: str) -> dict[str, Any]:
        own, indexes = self._tables[table], self._of_index[table]
        total = own + sum(indexes.values())
        found: dict[str, Any] = {"TableName": table, "CapacityUnits": total}
        if self._twice:
            found[f"{self._kind}CapacityUnits"] = total
        if self._indexes:
            found["Table"] = self._units(own)
            for local, name in ((True, "LocalSecondaryIndexes"), (False, "GlobalSecondaryIndexes")):
                units = {i.name: self._units(n) for i, n in indexes.items() if i.local == local}
                if units:
                    found[name] = units
        return found

    def _units(self, units: float) -> dict[str, float]:
        found = {"CapacityUnits": units}
        if self._twice:
            found[f"{self._kind}CapacityUnits"] = units
        return found


_TRANSACTIONS = ("TransactGetItems", "TransactWriteItems", "ExecuteTransaction")


def _units(before: Attributes | None, after: Attributes | None) -> float:
    largest = max(size(before or {}), size(after or {}))
    return float(max(1, -(-largest // _WRITE)))


def projected(table: Table, index: Index, item: Attributes) -> Attributes | None:
    """What an index has of an item; None where the item is not in it."""
    if not holds(index, table.attribute_types, item):
        return None
    if index.attributes is None:
        return item
    names = {*table.key_schema, *index.keys, *index.attributes}
    return {name: value for name, value in item.items() if name in names}


def _index_units(
    table: Table, index: Index, before: Attributes | None, after: Attributes | None
) -> float:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
    (storage and throughput considerations): two writes where an item's key in the index changes.
    """
    old = projected(table, index, before) if before else None
    new = projected(table, index, after) if after else None
    if old == new:
        return 0.0
    if old is not None and new is not None and any(old[n] != new[n] for n in index.keys):
        return _units(old, None) + _units(None, new)
    return _units(old, new)


def collection_metrics(table: Table, key: Attributes) -> dict[str, Any] | None:
    """ItemCollectionMetrics of a write; None for a table without local indexes."""
    if not any(index.local for index in table.indexes):
        return None
    name = table.hash_key
    return {"ItemCollectionKey": {name: key[name]}, "SizeEstimateRangeGB": [0.0, 1.0]}
