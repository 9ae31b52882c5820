"""The layout of a new table: its key, and the keys and projections of its indexes.

Texts and their order: recorded from AWS by dynalite's tests
(https://github.com/architect/dynalite/blob/main/test/createTable.js), and what is newer by the
probes of October 2026 (DDB-TABLE-042, 123, 124, 126, 127, 129 and 442):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks; of how much is
projected by cdk-preflight's rule pf-dynamodb-projection-nonkey-total, tried in September 2026

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE, INVALID

_MOST = {"LocalSecondaryIndexes": 5, "GlobalSecondaryIndexes": 20}
_MOST_OF_A_KIND = 4
_MOST_PROJECTED = 100
Keys = Sequence[Mapping[str, str]]


def require_schemas(parameters: Mapping[str, Any]) -> None:
    """Refuse a layout that no table can have. Raises AwsError ValidationException."""
    defined = [each["AttributeName"] for each in parameters["AttributeDefinitions"]]
    keys: Keys = parameters["KeySchema"]
    _require_two("keySchema", keys)
    for place, index in enumerate(parameters.get("LocalSecondaryIndexes") or (), 1):
        _require_two(f"localSecondaryIndexes.{place}.member.keySchema", index["KeySchema"])
    for place, name in enumerate(defined):
        if name in defined[:place]:
            raise _refusal(f"Attribute Name is duplicated: {name}")
    if len(keys) > len(defined):
        raise _refusal("Invalid KeySchema: Some index key attribute have no definition")
    _require_defined(keys, defined)
    _require_order(keys)
    used = {each["AttributeName"]: None for each in keys}
    indexes = [(kind, index) for kind in _MOST for index in _indexes_of(kind, parameters.get(kind))]
    for kind, index in indexes:
        _require_keys(kind, index, keys, defined)
        used.update((each["AttributeName"], None) for each in index["KeySchema"])
    _require_used(defined, [*used], indexed=bool(indexes))
    names: set[str] = set()
    for _, index in indexes:
        _require_projection(index["Projection"])
        name = index["IndexName"]
        if name in names:
            raise _invalid(f"Duplicate index name: {name}")
        names.add(name)
    _require_few_projected([index["Projection"] for _, index in indexes])
    for kind, most in _MOST.items():
        _require_few(kind, len(parameters.get(kind) or ()), most)


def _require_two(path: str, keys: Keys) -> None:
    """Only a global index has keys of more attributes, and the model knows no difference."""
    if len(keys) > 2:
        shown = ", ".join([_ELEMENT] * len(keys))
        raise _refusal(
            f"{ENVELOPE}Value '[{shown}]' at '{path}' failed to satisfy "
            "constraint: Member must have length less than or equal to 2"
        )


_ELEMENT = "com.amazonaws.dynamodb.v20120810.KeySchemaElement@0"


def require_new_index(index: Mapping[str, Any], defined: Sequence[str]) -> None:
    """Refuse a global index that no table can get. Raises AwsError ValidationException."""
    _require_keys("GlobalSecondaryIndexes", index, (), defined)
    _require_projection(index["Projection"])


def _indexes_of(
    kind: str, asked: Sequence[Mapping[str, Any]] | None
) -> Sequence[Mapping[str, Any]]:
    if asked is not None and not asked:
        raise _invalid(f"List of {kind} is empty")
    return asked or ()


def _require_few_projected(projections: Sequence[Mapping[str, Any]]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"""
    count = sum(len(each.get("NonKeyAttributes") or ()) for each in projections)
    if count > _MOST_PROJECTED:
        raise _invalid(
            f"Number of projected attributes in all indexes exceeds limit of {_MOST_PROJECTED}, "
            f"number of projected attributes:{count}"
        )


def _require_few(kind: str, count: int, most: int) -> None:
    if count <= most:
        return
    if kind == "LocalSecondaryIndexes":
        raise _invalid(f"Number of LocalSecondaryIndexes exceeds per-table limit of {most}")
    raise _invalid(f"GlobalSecondaryIndex count exceeds the per-table limit of {most}")


def _require_keys(kind: str, index: Mapping[str, Any], table: Keys, defined: Sequence[str]) -> None:
    name, keys = index["IndexName"], index["KeySchema"]
    local = kind == "LocalSecondaryIndexes"
    if local and len(table) < 2:
        raise _invalid(
            "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    _require_defined(keys, defined)
    if not local:
        _require_orders(keys)
        return
    _require_order(keys)
    if len(keys) < 2:
        raise _invalid(f"Index KeySchema does not have a range key for index: {name}")
    own, leading = keys[0]["AttributeName"], table[0]["AttributeName"]
    if own != leading:
        raise _invalid(
            "Index KeySchema does not have the same leading hash key as table KeySchema for "
            f"index: {name}. index hash key: {own}, table hash key: {leading}"
        )


def _require_used(defined: Sequence[str], used: Sequence[str], *, indexed: bool) -> None:
    if len(defined) <= len(used):
        return
    if not indexed:
        raise _invalid(
            "Number of attributes in KeySchema does not exactly match number of attributes defined "
            "in AttributeDefinitions"
        )
    raise _invalid(
        f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
        f"keys used: [{', '.join(used)}]"
    )


def _require_projection(projection: Mapping[str, Any]) -> None:
    kind, others = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise _invalid("Unknown ProjectionType: null")
    if others and kind != "INCLUDE":
        raise _invalid(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not others:
        raise _invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    _require_distinct(others or ())


def _require_distinct(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise _invalid(f"Duplicate element in NonKeyAttributes: {name}")


def _require_defined(keys: Keys, defined: Sequence[str]) -> None:
    names = [each["AttributeName"] for each in keys]
    if any(name not in defined for name in names):
        raise _invalid(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: "
            f"[{', '.join(names)}], AttributeDefinitions: [{', '.join(defined)}]"
        )


def _require_first(keys: Keys, *, several: bool) -> None:
    kinds = [each["KeyType"] for each in keys]
    same = len(keys) == 2 and keys[0]["AttributeName"] == keys[1]["AttributeName"]
    if same and not (several and kinds == ["HASH", "HASH"]):
        raise _refusal(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    if keys[0]["KeyType"] != "HASH":
        raise _refusal("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")


def _require_order(keys: Keys) -> None:
    """Refuse keys of a table or a local index in another order."""
    _require_first(keys, several=False)
    if len(keys) > 1 and keys[1]["KeyType"] != "RANGE":
        raise _refusal("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _require_orders(keys: Keys) -> None:
    """Refuse keys of a global index that are in another order, too many, or the same."""
    _require_first(keys, several=True)
    kinds = [each["KeyType"] for each in keys]
    for kind in ("HASH", "RANGE"):
        if kinds.count(kind) > _MOST_OF_A_KIND:
            raise _invalid(
                f"The KeySchema exceeds the maximum allowed number of {kind} key attributes"
            )
    if kinds != sorted(kinds):
        raise _invalid("All HASH key attributes must precede RANGE key attributes in the KeySchema")
    if len({each["AttributeName"] for each in keys}) < len(keys):
        raise _refusal("The KeySchema contains multiple key attributes with the same name")


def _invalid(message: str) -> AwsError:
    return _refusal(INVALID + message)


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationException", message)
