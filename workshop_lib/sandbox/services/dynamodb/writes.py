"""PutItem, UpdateItem, DeleteItem and BatchWriteItem.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.binding import Action
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption, collection_metrics
from workshop_lib.sandbox.services.dynamodb.conditions import met
from workshop_lib.sandbox.services.dynamodb.expressions import Expressions
from workshop_lib.sandbox.services.dynamodb.index_keys import IndexProblem, problem_after
from workshop_lib.sandbox.services.dynamodb.paths import cut
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.requests import (
    answer,
    condition_failed,
    reads_as_before,
)
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE, INVALID
from workshop_lib.sandbox.services.dynamodb.sizes import LARGEST_ITEM, MOST_LEVELS, levels, size
from workshop_lib.sandbox.services.dynamodb.updates import updated

Attributes = dict[str, Any]
TOO_LARGE = "Item size has exceeded the maximum allowed size"
_TOO_LARGE_TO_UPDATE = "Item size to update has exceeded the maximum allowed size"
_TOO_DEEP = "Nesting Levels have exceeded supported limits"
_OTHER_TYPE = "Type mismatch for attribute to update"


class Write(NamedTuple):
    """A write that is worked out, and not done yet: the item before and after it."""

    table: Table
    before: Attributes | None
    after: Attributes | None

    def carry_out(self) -> None:
        """Write the item."""
        if self.before is not None or self.after is not None:
            self.table.write(self.before, self.after)


class Refused(Exception):
    """A condition is not met; ``item`` is what it was not met by."""

    def __init__(self, item: Attributes | None) -> None:
        super().__init__()
        self.item = item


class Invalid(Exception):
    """An update would make of an item what an index does not take."""

    def __init__(self, problem: IndexProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def work_out(kind: str, asked: Mapping[str, Any], given: Expressions, table: Table) -> Write:
    """What a write (Put, Update, Delete, ConditionCheck) does.

    Raises AwsError, Refused, Invalid.
    """
    key = asked["Item"] if kind == "Put" else asked["Key"]
    require_plain_keys(table, given)
    if given.update is not None:
        require_other_than_key(table, given.update)
    before = read(table, key)
    if given.condition is not None and not met(given.condition, before or {}):
        raise Refused(before)
    if kind == "Put":
        return Write(table, before, key)
    if kind == "ConditionCheck":
        return Write(table, before, before)
    if kind == "Delete":
        return Write(table, before, None)
    actions = given.update or ()
    legacy = "AttributeUpdates" in asked
    after = change(table, key, before, actions, _OTHER_TYPE if legacy else None)
    return Write(table, before, after)


def read(table: Table, key: Mapping[str, Any]) -> Attributes | None:
    """The item with a key."""
    item = table.find(key)
    return None if item is None else item.attributes()


def change(
    table: Table,
    key: Mapping[str, Any],
    before: Attributes | None,
    actions: Sequence[Action],
    other_type: str | None = None,
) -> Attributes | None:
    """What actions make of an item; only to remove something makes no new one.

    Where there is no item, the paths of what is removed may lead nowhere, as ScyllaDB's tests saw
    of AWS (test_update_expression.py).
    Raises AwsError, Invalid.
    """
    if before is None and actions and all(a.clause in ("REMOVE", "DELETE") for a in actions):
        return None
    arguments = (actions,) if other_type is None else (actions, other_type)
    after = updated(dict(key) if before is None else before, *arguments)
    if size(after) > LARGEST_ITEM:
        raise AwsError("ValidationException", _TOO_LARGE_TO_UPDATE)
    for name in {str(action.path[0]) for action in actions if len(action.path) > 1}:
        if name in after and levels(after[name]) > MOST_LEVELS:
            raise AwsError("ValidationException", _TOO_DEEP)
    problem = problem_after(table, before or {}, after, updated=True)
    if problem is not None:
        raise Invalid(problem)
    return after


def require_other_than_key(table: Table, actions: Sequence[Action]) -> None:
    """Refuse to change a key. Raises AwsError ValidationException."""
    changed = {action.path[0] for action in actions}
    for name in table.key_schema:
        if name in changed:
            raise AwsError(
                "ValidationException",
                f"{INVALID}Cannot update attribute {name}. This attribute is part of the key",
            )


def require_plain_keys(table: Table, given: Expressions) -> None:
    """Refuse paths that lead into a key, which is a scalar. Raises AwsError ValidationException."""
    if not given.nested:
        return
    keys = [("Key", name) for name in table.key_schema]
    keys += [("IndexKey", name) for index in table.indexes for name in index.keys]
    for what, name in keys:
        if name in given.nested:
            raise AwsError(
                "ValidationException",
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are "
                f"not allowed: {what}: {name}",
            )


# --- one item -------------------------------------------------------------------------------------

_KINDS = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}


def write_one(call: Call, given: Expressions, tables: Mapping[str, Table]) -> Response:
    """PutItem, UpdateItem, DeleteItem. Raises AwsError."""
    parameters = call.parameters
    table = tables[table_name(parameters["TableName"])]
    try:
        write = work_out(_KINDS[call.operation], parameters, given, table)
    except Refused as refused:
        asked = parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return condition_failed(call, refused.item if asked else None)
    except Invalid as invalid:
        raise invalid.problem.error() from None
    write.carry_out()
    document: dict[str, Any] = {}
    attributes = _returned(parameters.get("ReturnValues"), write, given.update or ())
    if attributes:
        document["Attributes"] = attributes
    consumption = Consumption(call)
    if consumption.asked:
        consumption.write(table, write.before, write.after)
        document["ConsumedCapacity"] = consumption.told()
    if parameters.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics = collection_metrics(table, parameters.get("Key") or parameters["Item"])
        if metrics is not None:
            document["ItemCollectionMetrics"] = metrics
    return answer(call, document)


def _returned(asked: str | None, write: Write, actions: Sequence[Action]) -> Attributes | None:
    if asked is None or asked == "NONE":
        return None
    item = write.after if asked.endswith("NEW") else write.before
    if item is None or asked.startswith("ALL"):
        return item
    return cut(item, (action.path for action in actions))


def require_returns(call: Call) -> None:
    """Refuse what a write or a delete cannot return. Raises AwsError ValidationException.

    The text: paritysuite's error-messages/deleteItem and validation-ordering/deepRequests
    """
    asked = call.parameters.get("ReturnValues", "NONE")
    if call.operation in ("PutItem", "DeleteItem") and asked not in ("NONE", "ALL_OLD"):
        envelope = "" if reads_as_before(call) else ENVELOPE
        raise AwsError("ValidationException", f"{envelope}ReturnValues can only be ALL_OLD or NONE")


# --- a batch --------------------------------------------------------------------------------------


def write_batch(call: Call, tables: Mapping[str, Table]) -> Response:
    """BatchWriteItem."""
    consumption = Consumption(call)
    metrics: dict[str, list[Any]] = {}
    for name, requests in call.parameters["RequestItems"].items():
        table = tables[table_name(name)]
        for request in requests:
            [asked] = request.values()
            item = asked.get("Item")
            write = Write(table, read(table, item or asked["Key"]), item)
            write.carry_out()
            consumption.write(table, write.before, write.after)
            told = collection_metrics(table, item or asked["Key"])
            if told is not None and told not in metrics.setdefault(name, []):
                metrics[name].append(told)
    document: dict[str, Any] = {"UnprocessedItems": {}}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told(listed=True)
    if call.parameters.get("ReturnItemCollectionMetrics") == "SIZE":
        document["ItemCollectionMetrics"] = metrics
    return answer(call, document)


def require_sizes(call: Call, asked: Mapping[str, Any]) -> None:
    """Refuse whole items of more than 400 KB in a request, or in an action of a transaction.

    Raises AwsError ValidationException.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    """
    body = call.request.body
    if len(body) <= LARGEST_ITEM // 2:  # no value takes more than twice the bytes that it has there
        return
    for item in _whole_items(asked):
        if size(item) > LARGEST_ITEM:
            raise AwsError("ValidationException", TOO_LARGE)


def _whole_items(asked: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if "Item" in asked:
        return [asked["Item"]]
    listed = [each for requests in (asked.get("RequestItems") or {}).values() for each in requests]
    return [each["PutRequest"]["Item"] for each in listed if "PutRequest" in each]
