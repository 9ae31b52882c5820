"""UpdateTable: which changes go together, and what each may change.

Texts and what they go with: the probes of October 2026 (DDB-TABLE-015, 050, 057, 061, 128, 152,
153, 155, 159, 160, 162, 164, 169, 170, 174, 178, 359, 382, 433, 437, 442 and 443):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.moto_backend.tables import Index, Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID
from workshop_lib.sandbox.services.dynamodb.table_schemas import require_new_index

Parameters = Mapping[str, Any]
Units = Mapping[str, int]

# What UpdateTable can change, in the order in which AWS's sentence names it.
_CHANGES = (
    "ProvisionedThroughput", "BillingMode", "UpdateStreamEnabled", "GlobalSecondaryIndexUpdates",
    "SSESpecification", "ReplicaUpdates", "MultiAccountReplicaReady", "ReplicaTransitRoleArn",
    "MultiRegionConsistency", "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput",
    "TableClass",
)  # fmt: skip
_PARAMETERS = (*_CHANGES, "StreamSpecification", "GlobalTableWitnessUpdates")
# What goes with nothing else; the first of several is named.
_ALONE = {
    "SSESpecification": "Server-Side Encryption modification must be the only operation in the "
    "request",
    "TableClass": "TableClass modification must be the only operation in the request",
    "DeletionProtectionEnabled": "DeletionProtection modification must be the only operation in "
    "the request",
    "WarmThroughput": "WarmThroughput must be the only operation in the request",
}
_KINDS = ("Update", "Create", "Delete")
_TAKE_TIME = ("ProvisionedThroughput", "BillingMode", "StreamSpecification")
_UNITS = {"ReadCapacityUnits": "MaxReadRequestUnits", "WriteCapacityUnits": "MaxWriteRequestUnits"}
_WARM = {
    "ReadUnitsPerSecond": ("ReadCapacityUnits", 12000),
    "WriteUnitsPerSecond": ("WriteCapacityUnits", 4000),
}
_INITIAL = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
    "#on-demand-capacity-mode-initial"
)
MOST_UNITS = 40000
_GUIDE = (
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher "
    "limits."
)


# --- what is refused whatever the table is --------------------------------------------------------


def require_changes(parameters: Parameters) -> None:
    """Refuse an update that changes nothing, or several things that do not go together.

    Raises AwsError ValidationException, LimitExceededException.
    """
    changes = {name for name in _PARAMETERS if name in parameters}
    if parameters.get("GlobalSecondaryIndexUpdates") == []:
        changes.remove("GlobalSecondaryIndexUpdates")
    if not changes:
        names = ", ".join(_CHANGES[:-1])
        raise _refusal(f"At least one of {names} or {_CHANGES[-1]} is required")
    updates = parameters.get("GlobalSecondaryIndexUpdates")
    if updates == []:
        raise _invalid("List of GlobalSecondaryIndexUpdates is empty")
    _require_actions(updates or ())
    _require_together(changes, parameters, updates or ())
    _require_billing(parameters)
    _require_stream(parameters.get("StreamSpecification"))


def _require_actions(updates: Sequence[Mapping[str, Any]]) -> None:
    names = []
    for update in updates:
        if not update:
            kinds = ", ".join(f"GlobalSecondaryIndexUpdate.{kind}" for kind in _KINDS)
            raise _invalid(f"One of {kinds} must not be null")
        if len(update) > 1:
            raise _invalid(
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate "
                "object"
            )
        [asked] = update.values()
        if asked["IndexName"] in names:
            raise _invalid(
                "Only one global secondary index update per index is allowed simultaneously. "
                f"Index: {asked['IndexName']}"
            )
        names.append(asked["IndexName"])
        if "Update" in update and asked.get("WarmThroughput") == {}:
            raise _invalid(
                "WarmThroughput must have at least one of ReadUnitsPerSecond or "
                f"WriteUnitsPerSecond specified for index: {asked['IndexName']}"
            )


def _require_together(
    changes: set[str], parameters: Parameters, updates: Sequence[Mapping[str, Any]]
) -> None:
    built = [kind for update in updates for kind in update if kind != "Update"]
    if (
        "WarmThroughput" in changes
        and "Create" in built
        and not changes & {*_ALONE} - {"WarmThroughput"}
    ):
        raise _invalid(
            "Create global secondary index cannot be specified when updating WarmThroughput"
        )
    for name, told in _ALONE.items():
        if name in changes and len(changes) > 1:
            raise _invalid(told)
    if "OnDemandThroughput" in changes and not changes <= {"OnDemandThroughput", "BillingMode"}:
        raise _invalid(
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"
        )
    units = "ProvisionedThroughput" in changes or parameters.get("BillingMode") == "PROVISIONED"
    if "StreamSpecification" in changes and units:
        raise _invalid("You cannot modify stream status while updating table IOPS")
    if built and units:
        raise _invalid("You cannot create or delete index while updating table IOPS")
    if built and "StreamSpecification" in changes:
        raise _invalid("You cannot create or delete index while changing stream status")
    if len(built) > 1:
        raise _one_index_at_a_time()


def _one_index_at_a_time() -> AwsError:
    return AwsError(
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
        "per table",
    )


def _require_billing(parameters: Parameters) -> None:
    mode, units = parameters.get("BillingMode"), parameters.get("ProvisionedThroughput")
    if mode == "PROVISIONED" and units is None:
        raise _invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    if mode == "PAY_PER_REQUEST" and units is not None:
        raise _invalid(
            "ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST"
        )


def _require_stream(asked: Mapping[str, Any] | None) -> None:
    if asked is None:
        return
    if asked["StreamEnabled"] and "StreamViewType" not in asked:
        raise _invalid("If stream is being enabled then UpdateViewType is required")
    if not asked["StreamEnabled"] and "StreamViewType" in asked:
        raise _invalid("If stream is being disabled, then UpdateViewType must not be specified")


def require_new_stream(asked: Mapping[str, Any] | None) -> None:
    """Refuse a new table's stream that does not say what it tells.

    Raises AwsError ValidationException.
    """
    if asked is None:
        return
    if asked["StreamEnabled"] and "StreamViewType" not in asked:
        raise _invalid("Table is being created with a stream enabled, UpdateViewType is required")
    if not asked["StreamEnabled"] and "StreamViewType" in asked:
        raise _invalid(
            "Table is being created with a stream disabled, UpdateViewType should not be specified"
        )


# --- what this table does not take ----------------------------------------------------------------


def require_fitting(parameters: Parameters, table: Table, region: str) -> None:
    """Refuse what is no change of this table, or one that it cannot take.

    Raises AwsError ValidationException, ResourceNotFoundException, LimitExceededException.
    """
    if {} in (parameters.get("WarmThroughput"), parameters.get("OnDemandThroughput")):
        raise AwsError("InternalFailure", "", 500)
    mode = parameters.get("BillingMode") or table.billing_mode
    units = parameters.get("ProvisionedThroughput")
    updates: Sequence[Mapping[str, Any]] = parameters.get("GlobalSecondaryIndexUpdates") or ()
    _require_other_stream(parameters.get("StreamSpecification"), table)
    if units is not None:
        if mode == "PAY_PER_REQUEST":
            raise _invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                "BillingMode is PAY_PER_REQUEST"
            )
        _require_other_units("table", "the table", units, table.units)
        require_units(units, region)
    _require_on_demand(parameters.get("OnDemandThroughput"), mode)
    _require_warm(parameters.get("WarmThroughput"), table.warm_units)
    for update in updates:
        [(kind, asked)] = update.items()
        if kind == "Create":
            _require_new(asked, parameters, table, mode)
        else:
            index = _index(kind, asked["IndexName"], table)
            if kind == "Update":
                _require_update(asked, table, index, mode)
    if mode == "PROVISIONED" and table.billing_mode == "PAY_PER_REQUEST":
        given = {each["Update"]["IndexName"] for each in updates if "Update" in each}
        for index in table.indexes:
            if not index.local and index.name not in given:
                raise _invalid(f"ProvisionedThroughput must be specified for index: {index.name}")


def _require_other_stream(asked: Mapping[str, Any] | None, table: Table) -> None:
    """ "You receive a ValidationException if you try to enable a stream on a table that already
    has a stream, or if you try to disable a stream on a table that doesn't have a stream."
    """
    if asked is None or asked["StreamEnabled"] != table.streams:
        return
    told = "already has an enabled stream" if table.streams else "has no stream to disable"
    raise _refusal(f"Table {told}: TableName: {table.name}")


def _require_other_units(kind: str, named: str, asked: Units, present: Units) -> None:
    if any(asked[name] != present[name] for name in _UNITS):
        return
    told = " ".join(
        f"Current {name} provisioned for {named}: {present[name]}. Requested {name}: {asked[name]}."
        for name in _UNITS
    )
    raise _refusal(
        f"The provisioned throughput for the {kind} will not change. The requested value equals "
        f"the current value. {told} {_GUIDE}"
    )


def require_units(asked: Units, region: str) -> None:
    """Refuse more units than a table can have. Raises AwsError LimitExceededException."""
    for name in _UNITS:
        if asked[name] > MOST_UNITS:
            raise AwsError(
                "LimitExceededException",
                f"The requested {name}, {asked[name]}, is above the per table maximum for the "
                f"account in {region}. Per table maximum: {MOST_UNITS}. {_GUIDE}",
            )


def require_capacity(parameters: Parameters, region: str) -> None:
    """Refuse units, or caps of them, that no new table has.

    Raises AwsError ValidationException, LimitExceededException.
    """
    mode = parameters.get("BillingMode", "PROVISIONED")
    if "ProvisionedThroughput" in parameters:
        require_units(parameters["ProvisionedThroughput"], region)
    _require_on_demand(parameters.get("OnDemandThroughput"), mode, least=1)
    units = parameters.get("ProvisionedThroughput")
    _require_warm_start(parameters.get("WarmThroughput"), units, "table")
    for index in parameters.get("GlobalSecondaryIndexes") or ():
        name, units = index["IndexName"], index.get("ProvisionedThroughput")
        if mode == "PAY_PER_REQUEST" and units is not None:
            raise _invalid(
                f"ProvisionedThroughput should not be specified for index: {name} when "
                "BillingMode is PAY_PER_REQUEST"
            )
        if mode == "PROVISIONED" and units is None:
            raise _invalid(f"ProvisionedThroughput is not specified for index: {name}")
        caps = index.get("OnDemandThroughput")
        _require_on_demand(caps, mode, f"index : {name}", least=1)
        _require_warm_start(index.get("WarmThroughput"), units, f"index {name}")


def _require_on_demand(asked: Units | None, mode: str, of: str = "table", least: int = -1) -> None:
    for name in _UNITS.values():
        if asked is None or name not in asked:
            continue
        if mode == "PROVISIONED":
            raise _invalid(
                f"{name} for OnDemandThroughput cannot be specified when the table BillingMode is "
                "PROVISIONED"
            )
        if asked[name] < least or asked[name] == 0:
            raise _invalid(
                f"Requested {name} for OnDemandThroughput for {of} is outside of valid range"
            )


def _require_warm_start(asked: Units | None, units: Units | None, of: str) -> None:
    """What is new is at least as warm as what is paid for, or as anything begins on demand."""
    for name, (provisioned, initial) in _WARM.items():
        if asked is None or name not in asked:
            continue
        least, than = initial, "initial throughput for OnDemand"
        if of == "table":
            than = f"{than}. See: {_INITIAL}"
        if units is not None:
            least, than = units[provisioned], f"{provisioned} of ProvisionedThroughput"
        if asked[name] < least:
            raise _invalid(f"Requested {name} for WarmThroughput for {of} is lower than {than}")


def _require_warm(asked: Units | None, present: Units, of: str = "table") -> None:
    for name, value in (asked or {}).items():
        if value < present[name]:
            raise _invalid(
                f"Requested {name} for WarmThroughput for {of} is lower than current "
                "WarmThroughput, decreasing WarmThroughput is not supported"
            )


# --- what it comes to -----------------------------------------------------------------------------


def forwarded(parameters: Parameters, table: Table) -> dict[str, Any]:
    """The update as moto takes it, which puts what it is given in place of what there was."""
    found = {name: value for name, value in parameters.items() if name != "AttributeDefinitions"}
    updates = [dict(each) for each in parameters.get("GlobalSecondaryIndexUpdates") or ()]
    if any(kind != "Update" for update in updates for kind in update):
        found["AttributeDefinitions"] = _definitions(parameters, table, updates)
    found.update(_warmed(found, table.warm_units))
    for update in updates:
        if "Update" in update:
            asked = update["Update"]
            warm = _warmed(asked, table.warm_units_of_index(asked["IndexName"]))
            update["Update"] = {**asked, **warm}
    if parameters.get("BillingMode") == "PAY_PER_REQUEST":
        found["ProvisionedThroughput"] = dict.fromkeys(_UNITS, 0)
        named = {name for update in updates for name in _names(update)}
        updates += [
            {"Update": {"IndexName": index.name, "ProvisionedThroughput": dict.fromkeys(_UNITS, 0)}}
            for index in table.indexes
            if not index.local and index.name not in named
        ]
    if updates:
        found["GlobalSecondaryIndexUpdates"] = updates
    return found


def _warmed(asked: Mapping[str, Any], present: Units) -> dict[str, Units]:
    """What it then bears at once: what is asked for, or the most units that were ever paid for."""
    units = asked.get("ProvisionedThroughput")
    if units is not None:
        most = {n: max(present[n], units[paid]) for n, (paid, _) in _WARM.items()}
        return {"WarmThroughput": most}
    if "WarmThroughput" in asked:
        return {"WarmThroughput": {**present, **asked["WarmThroughput"]}}
    return {}


def warm_from_start(parameters: Parameters) -> dict[str, Any]:
    """The request for a new table as moto takes it, with what the table bears at once."""
    found = {**parameters, **_warm_start(parameters)}
    indexes = parameters.get("GlobalSecondaryIndexes")
    if indexes is not None:
        found["GlobalSecondaryIndexes"] = [{**each, **_warm_start(each)} for each in indexes]
    return found


def _warm_start(asked: Mapping[str, Any]) -> dict[str, Units]:
    units, warm = asked.get("ProvisionedThroughput"), asked.get("WarmThroughput", {})
    least = {n: units[paid] if units else initial for n, (paid, initial) in _WARM.items()}
    return {"WarmThroughput": {**least, **warm}}


def takes_time(parameters: Parameters) -> bool:
    """Whether AWS shows the table as UPDATING for a while."""
    updates = parameters.get("GlobalSecondaryIndexUpdates") or ()
    built = any(kind != "Update" for update in updates for kind in update)
    return built or not parameters.keys().isdisjoint(_TAKE_TIME)


def _names(update: Mapping[str, Any]) -> list[str]:
    return [asked["IndexName"] for asked in update.values()]


def _definitions(
    parameters: Parameters, table: Table, updates: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """The attributes of all keys after an index comes or goes, in the order of their names."""
    given = {
        each["AttributeName"]: each["AttributeType"]
        for each in parameters.get("AttributeDefinitions") or ()
    }
    types = {**given, **table.attribute_types}
    gone = {update["Delete"]["IndexName"] for update in updates if "Delete" in update}
    used = {*table.key_schema}
    used.update(*(index.keys for index in table.indexes if index.name not in gone))
    for update in updates:
        schema = update.get("Create", {}).get("KeySchema", ())
        used.update(key["AttributeName"] for key in schema)
    return [{"AttributeName": name, "AttributeType": types[name]} for name in sorted(used)]


# --- indexes --------------------------------------------------------------------------------------


def _index(kind: str, name: str, table: Table) -> Index:
    for index in table.indexes:
        if index.name == name:
            if index.local:
                raise _refusal(
                    f"Cannot {kind.lower()} an index that is not a GlobalSecondaryIndex: {name}"
                )
            return index
    raise AwsError(
        "ResourceNotFoundException",
        f"Requested resource not found: Index {name} for table {table.name}",
    )


def _require_new(asked: Mapping[str, Any], parameters: Parameters, table: Table, mode: str) -> None:
    name, units = asked["IndexName"], asked.get("ProvisionedThroughput")
    if any(index.name == name for index in table.indexes):
        raise _refusal("Attempting to create an index which already exists")
    defined = parameters.get("AttributeDefinitions")
    if not defined:
        raise _invalid(f"AttributeDefinitions is not specified for index: {name}")
    names = {*table.attribute_types, *(each["AttributeName"] for each in defined)}
    require_new_index(asked, sorted(names))
    _require_same_types(asked, defined, table)
    if mode == "PROVISIONED" and units is None:
        raise _invalid(
            f"Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}"
        )
    if mode == "PAY_PER_REQUEST" and units is not None:
        raise _invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: "
            f"{name} when BillingMode is PAY_PER_REQUEST"
        )
    if sum(not index.local for index in table.indexes) >= 20:
        raise AwsError(
            "LimitExceededException",
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table "
            "limit of 20",
        )


def _require_same_types(
    asked: Mapping[str, Any], defined: Sequence[Mapping[str, str]], table: Table
) -> None:
    """Refuse keys of other types than they have already.

    Text: seen of AWS by ScyllaDB's tests (test_gsi_updatetable.py), for one attribute.
    """
    types = {each["AttributeName"]: each["AttributeType"] for each in defined}
    new = {key["AttributeName"]: key["KeyType"] for key in asked["KeySchema"]}
    own = dict(zip(table.key_schema, ("HASH", "RANGE"), strict=False))
    layouts = [own, *(_layout(index) for index in table.indexes)]
    for layout in layouts:
        for name in new:
            if (
                name in layout
                and types.get(name, table.attribute_types[name]) != (table.attribute_types[name])
            ):
                raise _invalid(
                    "Attributes cannot be redefined. Please check that your attribute has the same "
                    "type as previously defined. Existing schema: "
                    f"{_shown(layout, table.attribute_types)} New schema: "
                    f"{_shown(new, {**table.attribute_types, **types})}"
                )


def _layout(index: Index) -> dict[str, str]:
    return {
        name: "HASH" if place < index.partition else "RANGE"
        for place, name in enumerate(index.keys)
    }


def _shown(layout: Mapping[str, str], types: Mapping[str, str]) -> str:
    elements = (f"SchemaElement: key{{{n}:{types[n]}:{kind}}}" for n, kind in layout.items())
    return f"Schema:[{', '.join(elements)}]"


def _require_update(asked: Mapping[str, Any], table: Table, index: Index, mode: str) -> None:
    units = asked.get("ProvisionedThroughput")
    others = {"OnDemandThroughput", "WarmThroughput"} & asked.keys()
    if mode == "PAY_PER_REQUEST" and (units is not None or not others):
        raise _invalid(
            f"The only Updates for index: {index.name} when TableThroughputMode is "
            "PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"
        )
    if units is not None:
        present = table.units_of_index(index.name)
        _require_other_units(f"index {index.name}", f"index {index.name}", units, present)
    _require_on_demand(asked.get("OnDemandThroughput"), mode, f"index : {index.name}")
    present = table.warm_units_of_index(index.name)
    _require_warm(asked.get("WarmThroughput"), present, f"index {index.name}")


def _invalid(message: str) -> AwsError:
    return _refusal(INVALID + message)


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationException", message)
