"""SELECT: the items that it finds, and those that a transaction or a batch reads by their keys.

Texts and answers: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(partiql, error-messages/indexReads and partiqlMultiAttributeIndex, 2026), and in September 2026 by
https://github.com/floci-io/floci (its tests of PartiQL's documented syntax and edge cases).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.validation import java_hash
from workshop_lib.sandbox.services.dynamodb.branches import Branches
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption, projected
from workshop_lib.sandbox.services.dynamodb.comparison import order
from workshop_lib.sandbox.services.dynamodb.conditions import met
from workshop_lib.sandbox.services.dynamodb.partiql import Statement, paths_of
from workshop_lib.sandbox.services.dynamodb.paths import Path, find
from workshop_lib.sandbox.services.dynamodb.queries import LARGEST_PAGE, Source
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID
from workshop_lib.sandbox.services.dynamodb.sizes import size
from workshop_lib.sandbox.services.dynamodb.writes import read

Attributes = dict[str, Any]
_NOT_BY_KEY = "Select statements within {} must specify the primary key in the where clause."
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
_MOST_OF_SEVERAL_READS = 10


def select(
    parameters: Mapping[str, Any], statement: Statement, table: Table, consumption: Consumption
) -> dict[str, Any]:
    """What ExecuteStatement answers to a SELECT. Raises AwsError."""
    consistent = bool(parameters.get("ConsistentRead"))
    source = _source(statement, table, consistent=consistent)
    branches = _branches(statement, source)
    branches.require_types(source.types)
    branches.require_readable()
    _require_filtered(branches, source)
    items = _candidates(statement, source, branches)
    skipped = _read_token(parameters)
    limit = parameters.get("Limit")
    several = branches.keyed and len(branches.all) > 1
    room = _MOST_OF_SEVERAL_READS if several else len(items)
    beyond = _beyond_index(statement, source)
    found, taken, read_bytes = [], 0, 0
    for item in items[skipped : skipped + room]:
        seen = item if source.index is None else projected(table, source.index, item) or {}
        taken += 1
        read_bytes += size(seen)
        if statement.condition is None or met(statement.condition, seen):
            found.append(_shown(statement.paths, item if beyond else seen))
        if taken == limit or read_bytes >= LARGEST_PAGE:
            break
    document: dict[str, Any] = {"Items": found}
    cut_off = taken == limit or read_bytes >= LARGEST_PAGE or taken < len(items) - skipped
    if taken and cut_off:
        document["NextToken"] = _token(parameters, skipped + taken)
        document["LastEvaluatedKey"] = source.start_key(items[skipped + taken - 1])
    if consumption.asked:
        consumption.read(table.name, read_bytes, consistent=consistent, index=source.index)
        for item in items[skipped : skipped + taken] if beyond else ():
            consumption.read(table.name, size(item), consistent=consistent)
    return document


def _source(statement: Statement, table: Table, *, consistent: bool) -> Source:
    """What a SELECT reads. Raises AwsError ValidationException."""
    index = None
    if statement.index is not None:
        indexes = [each for each in table.indexes if each.name == statement.index]
        if not indexes:
            raise _invalid("The table does not have the specified index")
        [index] = indexes
        require_plain(statement, table)
        if consistent and not index.local:
            raise _invalid("Strongly consistent read is not supported on Global Secondary Indexes")
    if statement.misplaced is not None:
        raise _invalid(statement.misplaced)
    source = Source(table, index)
    missing = _unprojected(source, [str(path[0]) for path in statement.paths or ()])
    if missing and index is not None and not index.local:
        raise _invalid(
            f"{INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )
    return source


def require_plain(statement: Statement, table: Table) -> None:
    """Refuse an index of several partition or sort keys. Raises AwsError ValidationException."""
    for index in table.indexes:
        if index.name == statement.index and (index.partition, len(index.keys)) > (1, 2):
            raise _invalid(
                "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or "
                "multi-attribute RANGE keys."
            )


def _unprojected(source: Source, names: Sequence[str]) -> list[str]:
    """Which of these attributes an index does not have."""
    index = source.index
    if index is None or index.attributes is None:
        return []
    has = {*source.start, *index.attributes}
    return [name for name in names if name not in has]


def _beyond_index(statement: Statement, source: Source) -> bool:
    """Whether a local index fetches from the table what a SELECT names and it does not have."""
    return bool(_unprojected(source, [str(path[0]) for path in statement.paths or ()]))


def _branches(statement: Statement, source: Source) -> Branches:
    """What a SELECT reads by keys."""
    partition, *sort = source.keys
    return Branches(statement.condition, partition, sort[0] if sort else None)


def _require_filtered(branches: Branches, source: Source) -> None:
    """Refuse reads of which each filters by what an index does not have.

    Those of the last partition are told. Raises AwsError ValidationException.
    """
    index = source.index
    if index is None or not branches.keyed:
        return
    missing: list[str] = []
    for branch in branches.in_order():
        named = [str(path[0]) for call in branch.others() for path in paths_of(call)]
        missing = _unprojected(source, [*dict.fromkeys(named)])
        if not missing:
            return
    listed = sorted(missing, key=_place_in_set)
    raise _invalid(
        f"{INVALID}Secondary index {index.name} does not project "
        f"one or more filter attributes: [{', '.join(listed)}]"
    )


def _place_in_set(name: str) -> int:
    """Where Java keeps a text in a small set."""
    number = java_hash(name)
    return (number ^ number >> 16) % 16


def _candidates(statement: Statement, source: Source, branches: Branches) -> list[Attributes]:
    """The items that a SELECT looks at, in its order."""
    if statement.order:
        _require_order(statement, source, len(branches.partitions()))
    if not branches.keyed:
        return source.scanned()
    found: list[Attributes] = []
    for value in branches.partitions():
        items = [i for i in source.items([value]) if any(b.reads(i) for b in branches.all)]
        found += sorted(items, key=source.place)
    if statement.order:
        down = dict(statement.order)
        partition, *sort = source.keys
        found.sort(key=source.place)
        for name in sort:  # which goes down where it is not named
            found.sort(key=lambda item: _ordered(item[name]), reverse=down.get(name, True))
        found.sort(key=lambda item: _ordered(item[partition]), reverse=down.get(partition, False))
    return found


def _ordered(value: Mapping[str, Any]) -> Any:
    [(kind, content)] = value.items()
    return order(kind, content)


def _require_order(statement: Statement, source: Source, partitions: int) -> None:
    if statement.condition is None:
        raise _invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
    names = [name for name, _ in statement.order]
    for name in names:
        if name not in source.keys:
            raise _invalid(f"Attribute {name} in ORDER BY clause must be part of the primary key")
    if not partitions:
        raise _invalid(
            "Must have at least one non-optional hash key condition in WHERE clause when using "
            "ORDER BY clause."
        )
    if partitions > 1 and source.keys[0] not in names:
        raise _invalid(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified "
            "in WHERE clause."
        )


def _shown(paths: Sequence[Path] | None, item: Mapping[str, Any]) -> Attributes:
    """What a SELECT names of an item, each under its path from the last name on."""
    if paths is None:
        return dict(item)
    found = {}
    for path in paths:
        value = find(item, path)
        if value is not None:
            last = max(place for place, each in enumerate(path) if isinstance(each, str))
            indexes = "".join(f"[{each}]" for each in path[last + 1 :])
            found[f"{path[last]}{indexes}"] = value
    return found


def _digest(parameters: Mapping[str, Any]) -> str:
    """What tells a statement and its parameters from others."""
    asked = json.dumps([parameters["Statement"], parameters.get("Parameters")], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _token(parameters: Mapping[str, Any], place: int) -> str:
    content = {"after": place, "of": _digest(parameters)}
    return base64.b64encode(json.dumps(content).encode()).decode()


def _read_token(parameters: Mapping[str, Any]) -> int:
    token = parameters.get("NextToken")
    if token is None:
        return 0
    try:
        content = json.loads(base64.b64decode(token))
        place, of = int(content["after"]), content["of"]
    except (ValueError, KeyError, TypeError):
        raise _invalid("Invalid NextToken") from None
    if of != _digest(parameters):
        raise _invalid("NextToken does not match request")
    return place


# --- by a key ------------------------------------------------------------------------------------


def key_read(statement: Statement, table: Table, operation: str) -> Attributes:
    """The key by which a SELECT reads, and by nothing else, of any types. Raises AwsError."""
    if statement.index is None:
        _branches(statement, _source(statement, table, consistent=False)).require_readable()
        key = statement.only([*table.key_schema])
        if key is not None:
            return {name: dict(value) for name, value in key.items()}
    raise _invalid(_NOT_BY_KEY.format(operation))


def selected(statement: Statement, table: Table, key: Attributes) -> Attributes | None:
    """What a SELECT names of the item with a key."""
    item = read(table, key)
    return None if item is None else _shown(statement.paths, item)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
