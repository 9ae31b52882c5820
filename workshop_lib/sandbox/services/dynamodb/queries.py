"""Query and Scan.

Texts: recorded from AWS by dynalite's tests (https://github.com/architect/dynalite) and by
https://github.com/paritysuite/dynamodb-conformance

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Index, Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.binding import Call as Condition
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption, projected
from workshop_lib.sandbox.services.dynamodb.comparison import order
from workshop_lib.sandbox.services.dynamodb.conditions import met
from workshop_lib.sandbox.services.dynamodb.expressions import Expressions
from workshop_lib.sandbox.services.dynamodb.index_keys import holds
from workshop_lib.sandbox.services.dynamodb.key_conditions import (
    KeyCondition,
    read_key_conditions,
    require_key_conditions,
)
from workshop_lib.sandbox.services.dynamodb.partitions import partition_place
from workshop_lib.sandbox.services.dynamodb.paths import cut
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.requests import answer
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE, INVALID
from workshop_lib.sandbox.services.dynamodb.sizes import size
from workshop_lib.sandbox.services.dynamodb.writes import require_plain_keys

LARGEST_PAGE = 2**20
_WRONG_START = "The provided starting key is invalid"
Attributes = dict[str, Any]


class Source:
    """The table or the index that is read."""

    def __init__(self, table: Table, index: Index | None) -> None:
        self.table, self.index = table, index
        schema = table.key_schema
        self.keys = tuple(schema) if index is None else index.keys
        self.partition = 1 if index is None else index.partition
        self.types = table.attribute_types
        # What tells an item of it from the others.
        self.start = (*self.keys, *(name for name in schema if name not in self.keys))

    def items(self, values: Sequence[Mapping[str, Any]] | None) -> list[Attributes]:
        """Its items; those with these values of the partition key."""
        table, index = self.table, self.index
        if index is None:
            found = table.items() if values is None else table.partition(values[0])
            return [item.attributes() for item in found]
        if index.local and values is not None:
            items = [item.attributes() for item in table.partition(values[0])]
        else:
            items = [item.attributes() for item in table.items()]
        names = self.keys[: self.partition]
        return [
            item
            for item in items
            if holds(index, self.types, item)
            and (values is None or [item[name] for name in names] == [*values])
        ]

    def scanned(self) -> list[Attributes]:
        """All its items, in the order in which they are scanned."""
        return sorted(self.items(None), key=lambda i: (self.partition_place(i), self.place(i)))

    def partition_place(self, item: Mapping[str, Any]) -> int:
        """Where an item's partition key lies: a number of 32 bits."""
        return partition_place(item[name] for name in self.keys[: self.partition])

    def place(self, item: Mapping[str, Any]) -> tuple[Any, ...]:
        """Where an item stands among those with its partition key."""
        return tuple(order(*next(iter(item[n].items()))) for n in self.start[self.partition :])

    def start_key(self, item: Mapping[str, Any]) -> Attributes:
        """What a next page starts after."""
        return {name: item[name] for name in self.start}


def source_of(call: Call, tables: Mapping[str, Table]) -> Source:
    """What a query or a scan reads. Raises AwsError ValidationException."""
    parameters = call.parameters
    table = tables[table_name(parameters["TableName"])]
    name = parameters.get("IndexName")
    if name is None:
        return Source(table, None)
    found = [index for index in table.indexes if index.name == name]
    if not found:
        raise _invalid(f"The table does not have the specified index: {name}")
    [index] = found
    if parameters.get("ConsistentRead") and not index.local:
        raise _invalid("Consistent reads are not supported on global secondary indexes")
    return Source(table, index)


# --- Query ----------------------------------------------------------------------------------------


def require_query(call: Call, given: Sequence[Expressions]) -> None:
    """Refuse a query or scan that is wrong whatever its table. Raises AwsError."""
    if call.operation == "Query":
        [expressions] = given
        require_select(call)
        read_key_conditions(call.parameters, expressions.key_condition)
    elif call.operation == "Scan":
        require_select(call)
        _require_segments(call.parameters)


def query(call: Call, given: Expressions, tables: Mapping[str, Table]) -> Response:
    """Query."""
    parameters = call.parameters
    source = source_of(call, tables)
    conditions = read_key_conditions(parameters, given.key_condition)
    start = parameters.get("ExclusiveStartKey")
    if start is not None and start.keys() != {*source.start}:
        raise _invalid(_WRONG_START)
    require_key_conditions(conditions, source.keys, source.partition, source.types)
    if start is not None:
        _require_start(source, start)
        _require_start_within(source, start, conditions)
    require_plain_keys(source.table, given)
    _require_other_attributes(source, given, parameters)
    _require_selectable(source, given, parameters)
    values = [conditions[name].values[0] for name in source.keys[: source.partition]]
    sort = [c.call() for n, c in conditions.items() if n in source.keys[source.partition :]]
    matching = [item for item in source.items(values) if all(met((each,), item) for each in sort)]
    backwards = parameters.get("ScanIndexForward") is False
    matching.sort(key=source.place, reverse=backwards)
    if start is not None:
        edge = source.place(start)
        matching = [
            item
            for item in matching
            if (source.place(item) < edge if backwards else source.place(item) > edge)
        ]
    return _page(call, given, source, matching)


def _require_start(source: Source, start: Mapping[str, Any]) -> None:
    for name, value in start.items():
        if source.types[name] not in value:
            raise _invalid(f"{_WRONG_START}: The provided key element does not match the schema")


def _require_start_within(
    source: Source, start: Mapping[str, Any], conditions: Mapping[str, KeyCondition]
) -> None:
    sort = [name for name in source.keys[source.partition :] if name in conditions]
    partition = source.keys[: source.partition]
    outside = any(start[name] != conditions[name].values[0] for name in partition)
    if not sort and outside:
        raise _invalid(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    if any(not met((conditions[name].call(),), start) for name in sort):
        raise _invalid("The provided starting key does not match the range key predicate")
    if outside:
        raise _invalid("The query can return at most one row and cannot be restarted")


def _require_other_attributes(
    source: Source, given: Expressions, parameters: Mapping[str, Any]
) -> None:
    """Refuse a query's filter on its key."""
    named = {
        path[0]
        for step in given.filter or ()
        if isinstance(step, Condition)
        for path in _paths(step)
    }
    for name in source.keys:
        if name in named:
            what = "QueryFilter" if parameters.get("QueryFilter") else "Filter Expression"
            raise _invalid(
                f"{what} can only contain non-primary key attributes: Primary key attribute: {name}"
            )


def _paths(call: Condition) -> Iterable[Any]:
    for operand in call.operands:
        if isinstance(operand, Condition):
            yield from _paths(operand)
        elif type(operand) is tuple:
            yield operand


# --- Scan -----------------------------------------------------------------------------------------


def scan(call: Call, given: Expressions, tables: Mapping[str, Table]) -> Response:
    """Scan."""
    parameters = call.parameters
    source = source_of(call, tables)
    start = parameters.get("ExclusiveStartKey")
    if start is not None:
        if start.keys() != {*source.start}:
            told = ": The provided key element does not match the schema"
            raise _invalid(_WRONG_START + ("" if source.index else told))
        _require_start(source, start)
    require_plain_keys(source.table, given)
    _require_selectable(source, given, parameters)
    items = source.scanned()
    total = parameters.get("TotalSegments")
    if total:
        segment = parameters["Segment"]
        if start is not None and source.partition_place(start) * total // 2**32 != segment:
            raise _invalid(
                f"{_WRONG_START}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                f"correct Segment. TotalSegments: {total} Segment: {segment}"
            )
        items = [i for i in items if source.partition_place(i) * total // 2**32 == segment]
    if start is not None:
        items = _after(source, items, start)
    return _page(call, given, source, items)


def _after(source: Source, items: list[Attributes], start: Attributes) -> list[Attributes]:
    """The items that come after one that may be gone by now."""
    for place, item in enumerate(items):
        if source.start_key(item) == start:
            return items[place + 1 :]
    there = source.partition_place(start)
    same = [p for p, item in enumerate(items) if source.partition_place(item) == there]
    later = [p for p in same if source.place(items[p]) > source.place(start)]
    if later:
        return items[later[0] :]
    return items[same[-1] + 1 :] if same else items


def _require_segments(parameters: Mapping[str, Any]) -> None:
    total, segment = parameters.get("TotalSegments"), parameters.get("Segment")
    if segment is not None and total is None:
        raise _invalid(
            "The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present"
        )
    if total is not None and segment is None:
        raise _invalid(
            "The Segment parameter is required but was not present in the request when parameter "
            "TotalSegments is present"
        )
    if total is not None and segment >= total:
        raise _invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )


# --- what both return -----------------------------------------------------------------------------


def require_select(call: Call) -> None:
    """Refuse a Select that does not fit the projection. Raises AwsError ValidationException.

    Texts: moto's tests that were run against AWS (test_dynamodb_select.py, October 2026)
    """
    parameters = call.parameters
    select = parameters.get("Select")
    if select is None:
        return
    asked = [n for n in ("ProjectionExpression", "AttributesToGet") if parameters.get(n)]
    if asked and select != "SPECIFIC_ATTRIBUTES":
        what = "only the Count" if select == "COUNT" else select
        raise _invalid(f"{ENVELOPE}Cannot specify the {asked[0]} when choosing to get {what}")
    if select == "SPECIFIC_ATTRIBUTES" and not asked:
        raise _invalid(
            f"{ENVELOPE}Must specify the AttributesToGet or ProjectionExpression when choosing to "
            "get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and parameters.get("IndexName") is None:
        raise _invalid(
            f"{ENVELOPE}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
        )


def _require_selectable(source: Source, given: Expressions, parameters: Mapping[str, Any]) -> None:
    """Refuse attributes that a global index does not have."""
    index = source.index
    if index is None or index.local or index.attributes is None:
        return
    if parameters.get("Select") == "ALL_ATTRIBUTES":
        raise _invalid(
            f"{INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index "
            f"{index.name} because its projection type is not ALL"
        )
    has = {*source.start, *index.attributes}
    missing = [str(path[0]) for path in given.projection or () if path[0] not in has]
    if missing:
        raise _invalid(
            f"{INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )


def _page(call: Call, given: Expressions, source: Source, items: Sequence[Attributes]) -> Response:
    """The first items, filtered and cut down, and where to go on."""
    parameters, index = call.parameters, source.index
    limit = parameters.get("Limit")
    whole = _fetches_items(source, given, parameters)
    taken, sum_of_sizes, last = 0, 0, None
    found = []
    for item in items:
        seen = item if index is None else projected(source.table, index, item) or {}
        taken += 1
        sum_of_sizes += size(seen)
        shown = item if whole else seen
        if given.filter is None or met(given.filter, shown):
            found.append(shown if given.projection is None else cut(shown, given.projection))
        if taken == limit or sum_of_sizes >= LARGEST_PAGE:
            last = item
            break
    document: dict[str, Any] = {"Count": len(found), "ScannedCount": taken}
    if parameters.get("Select") != "COUNT":
        document["Items"] = found
    if last is not None:
        document["LastEvaluatedKey"] = source.start_key(last)
    consumption = Consumption(call)
    if consumption.asked:
        consistent = bool(parameters.get("ConsistentRead"))
        consumption.read(source.table.name, sum_of_sizes, consistent=consistent, index=index)
        if whole and index is not None and index.attributes is not None:
            for item in items[:taken]:
                consumption.read(source.table.name, size(item), consistent=consistent)
        document["ConsumedCapacity"] = consumption.told()
    return answer(call, document)


def _fetches_items(source: Source, given: Expressions, parameters: Mapping[str, Any]) -> bool:
    """Whether a local index fetches what it does not have from the table."""
    index = source.index
    if index is None or index.attributes is None:
        return True
    if parameters.get("Select") == "ALL_ATTRIBUTES":
        return True
    has = {*source.start, *index.attributes}
    return any(path[0] not in has for path in given.projection or ())


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
