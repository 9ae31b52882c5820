"""The layout of a new table: its key, and the keys and projections of its indexes.

Texts and their order: recorded from AWS by dynalite's tests
(https://github.com/architect/dynalite/blob/main/test/createTable.js).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.protocol.errors import AwsError

_INVALID = "One or more parameter values were invalid: "
_MOST = {"LocalSecondaryIndexes": 5, "GlobalSecondaryIndexes": 20}
Keys = Sequence[Mapping[str, str]]


def require_schemas(parameters: Mapping[str, Any]) -> None:
    """Refuse a layout that no table can have. Raises AwsError ValidationException."""
    defined = [each["AttributeName"] for each in parameters["AttributeDefinitions"]]
    keys: Keys = parameters["KeySchema"]
    if len(keys) > len(defined):
        raise _refusal("Invalid KeySchema: Some index key attribute have no definition")
    _require_defined(keys, defined)
    _require_order(keys, several=False)
    names: set[str] = set()
    for kind in _MOST:
        indexes = parameters.get(kind)
        if indexes is None:
            continue
        if not indexes:
            raise _invalid(f"List of {kind} is empty")
        for index in indexes:
            _require_index(kind, index, keys, defined)
            name = index["IndexName"]
            if name in names:
                raise _invalid(f"Duplicate index name: {name}")
            names.add(name)
        _require_few(kind, len(indexes))


def require_new_index(index: Mapping[str, Any], defined: Sequence[str]) -> None:
    """Refuse a global index that no table can get. Raises AwsError ValidationException."""
    _require_index("GlobalSecondaryIndexes", index, (), defined)


def _require_few(kind: str, count: int) -> None:
    if count <= _MOST[kind]:
        return
    if kind == "LocalSecondaryIndexes":
        raise _invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5")
    raise _invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20")


def _require_index(
    kind: str, index: Mapping[str, Any], table: Keys, defined: Sequence[str]
) -> None:
    name, keys = index["IndexName"], index["KeySchema"]
    local = kind == "LocalSecondaryIndexes"
    if local and len(table) < 2:
        raise _invalid(
            "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    _require_defined(keys, defined)
    _require_order(keys, several=not local)
    if local:
        if len(keys) < 2:
            raise _invalid(f"Index KeySchema does not have a range key for index: {name}")
        own, leading = keys[0]["AttributeName"], table[0]["AttributeName"]
        if own != leading:
            raise _invalid(
                "Index KeySchema does not have the same leading hash key as table KeySchema for "
                f"index: {name}. index hash key: {own}, table hash key: {leading}"
            )
    _require_projection(index["Projection"])


def _require_projection(projection: Mapping[str, Any]) -> None:
    kind, others = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise _invalid("Unknown ProjectionType: null")
    if others and kind != "INCLUDE":
        raise _invalid(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not others:
        raise _invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")


def _require_defined(keys: Keys, defined: Sequence[str]) -> None:
    names = [each["AttributeName"] for each in keys]
    if any(name not in defined for name in names):
        raise _invalid(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: "
            f"[{', '.join(names)}], AttributeDefinitions: [{', '.join(defined)}]"
        )


def _require_order(keys: Keys, *, several: bool) -> None:
    """Refuse keys in another order; ``several`` attributes of each kind, in a global index."""
    if len(keys) > 1 and keys[0]["AttributeName"] == keys[1]["AttributeName"]:
        raise _refusal(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    if keys[0]["KeyType"] != "HASH":
        raise _refusal("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(keys) > 1 and keys[1]["KeyType"] != "RANGE" and not several:
        raise _refusal("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _invalid(message: str) -> AwsError:
    return _refusal(_INVALID + message)


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationException", message)
