"""GetItem, BatchGetItem and TransactGetItems.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption
from workshop_lib.sandbox.services.dynamodb.expressions import Expressions
from workshop_lib.sandbox.services.dynamodb.paths import cut
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.requests import answer
from workshop_lib.sandbox.services.dynamodb.sizes import size
from workshop_lib.sandbox.services.dynamodb.writes import read, require_plain_keys

_LARGEST_ANSWER = 16 * 2**20


def get_one(call: Call, given: Expressions, tables: Mapping[str, Table]) -> Response:
    """GetItem."""
    parameters = call.parameters
    table = tables[table_name(parameters["TableName"])]
    require_plain_keys(table, given)
    item = read(table, parameters["Key"])
    document: dict[str, Any] = {}
    if item is not None:
        document["Item"] = projected(item, given)
    consumption = Consumption(call)
    if consumption.asked:
        consistent = bool(parameters.get("ConsistentRead"))
        consumption.read(table.name, size(item or {}), consistent=consistent)
        document["ConsumedCapacity"] = consumption.told()
    return answer(call, document)


def get_batch(call: Call, given: Sequence[Expressions], tables: Mapping[str, Table]) -> Response:
    """BatchGetItem: what does not fit into 16 MB is left for another request."""
    consumption = Consumption(call)
    responses: dict[str, list[Any]] = {}
    rest: dict[str, Any] = {}
    room = _LARGEST_ANSWER
    listed = call.parameters["RequestItems"].items()
    for (name, asked), expressions in zip(listed, given, strict=True):
        table = tables[table_name(name)]
        require_plain_keys(table, expressions)
        found = responses.setdefault(name, [])
        for place, key in enumerate(asked["Keys"]):
            item = read(table, key)
            taken = size(item or {})
            if taken > room:
                rest[name] = {**asked, "Keys": asked["Keys"][place:]}
                break
            room -= taken
            consistent = bool(asked.get("ConsistentRead"))
            if consumption.asked:
                consumption.read(table.name, taken, consistent=consistent)
            if item is not None:
                found.append(projected(item, expressions))
    document: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": rest}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told(listed=True)
    return answer(call, document)


def get_together(call: Call, given: Sequence[Expressions], tables: Mapping[str, Table]) -> Response:
    """TransactGetItems."""
    consumption = Consumption(call)
    responses = []
    for action, expressions in zip(call.parameters["TransactItems"], given, strict=True):
        asked = action["Get"]
        table = tables[table_name(asked["TableName"])]
        require_plain_keys(table, expressions)
        item = read(table, asked["Key"])
        responses.append({} if item is None else {"Item": projected(item, expressions)})
        if consumption.asked:
            consumption.read(table.name, size(item or {}), consistent=True)
    document: dict[str, Any] = {"Responses": responses}
    if consumption.asked:
        document["ConsumedCapacity"] = consumption.told(listed=True)
    return answer(call, document)


def projected(item: dict[str, Any], given: Expressions) -> dict[str, Any]:
    """What a projection leaves of an item."""
    return item if given.projection is None else cut(item, given.projection)
