"""TransactWriteItems, and the tokens that make a transaction happen once.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.capacity import Consumption, collection_metrics
from workshop_lib.sandbox.services.dynamodb.expressions import Expressions
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.requests import (
    CONDITION_FAILED,
    answer,
    cancelled_for,
)
from workshop_lib.sandbox.services.dynamodb.sizes import size
from workshop_lib.sandbox.services.dynamodb.writes import Invalid, Refused, Write, work_out

_LARGEST = 4 * 2**20
_KEPT = timedelta(minutes=10)
Reason = dict[str, Any]


class Tokens:
    """The answers to transactions of the last ten minutes that had a ClientRequestToken."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], tuple[datetime, str, Response]] = {}

    def once(self, call: Call, carry_out: Callable[[], Response]) -> Response:
        """The answer to a transaction; of one that was carried out before, the same again.

        Raises AwsError IdempotentParameterMismatchException.
        """
        token = call.parameters.get("ClientRequestToken")
        if token is None:
            return carry_out()
        now, place = clock.now(), (call.region, call.operation, str(token))
        asked = json.dumps(
            {name: value for name, value in call.parameters.items() if name not in _NOT_COMPARED},
            sort_keys=True,
        )
        known = self._answers.get(place)
        if known is not None and now - known[0] < _KEPT:
            if known[1] != asked:
                raise AwsError("IdempotentParameterMismatchException", _MISMATCH)
            return known[2]
        response = carry_out()
        if response.status == 200:
            self._answers[place] = (now, asked, response)
        return response


# What an answer tells may change from one request to the next.
_NOT_COMPARED = ("ReturnConsumedCapacity", "ReturnItemCollectionMetrics")
_MISMATCH = (
    "There is a mismatch between the parameters of this request and of an earlier one that has the "
    "same ClientRequestToken"
)


def write_together(
    call: Call, given: Sequence[Expressions], tables: Mapping[str, Table]
) -> Response:
    """TransactWriteItems: all of it, or nothing. Raises AwsError."""
    _require_payload(call)
    writes: list[Write] = []
    reasons: list[Reason] = []
    for action, expressions in zip(call.parameters["TransactItems"], given, strict=True):
        [(kind, asked)] = action.items()
        reason: Reason = {"Code": "None"}
        try:
            writes.append(
                work_out(kind, asked, expressions, tables[table_name(asked["TableName"])])
            )
        except Refused as refused:
            wanted = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            reason = condition_reason(refused, wanted=wanted)
        except Invalid as invalid:
            if invalid.problem.empty:
                raise invalid.problem.error() from None
            reason = validation_reason(invalid.problem.message)
        except AwsError as error:
            reason = validation_reason(error.message)
        reasons.append(reason)
    return complete(call, writes, reasons) or _told(call, writes)


def _require_payload(call: Call) -> None:
    """Refuse more than 4 MB in a request, however large the items are that it is about.

    What counts, and "size cannot exceed", ScyllaDB's tests saw of AWS (test_transact.py).
    """
    if len(call.request.body) <= _LARGEST // 2:  # no value takes more than twice its bytes there
        return
    parts = [asked for action in call.parameters["TransactItems"] for asked in action.values()]
    payload = sum(size(asked.get(name) or {}) for asked in parts for name in _PAYLOAD)
    if payload > _LARGEST:
        raise AwsError("ValidationException", "Transaction payload size cannot exceed 4 MB")


_PAYLOAD = ("Item", "Key", "ExpressionAttributeValues")


def complete(call: Call, writes: Sequence[Write], reasons: Sequence[Reason]) -> Response | None:
    """Carry the writes of a transaction out; the refusal where there are reasons against it."""
    if any(reason["Code"] != "None" for reason in reasons):
        return cancelled_for(call, reasons)
    for write in writes:
        if write.after is not write.before:
            write.carry_out()
    return None


def condition_reason(refused: Refused, *, wanted: bool) -> Reason:
    """Why a transaction is cancelled whose condition is not met."""
    reason: Reason = {"Code": "ConditionalCheckFailed", "Message": CONDITION_FAILED}
    if wanted and refused.item is not None:
        reason["Item"] = refused.item
    return reason


def validation_reason(message: str) -> Reason:
    """Why a transaction is cancelled that would do what is not valid."""
    return {"Code": "ValidationError", "Message": message}


def _told(call: Call, writes: Sequence[Write]) -> Response:
    document: dict[str, Any] = {}
    consumption = Consumption(call)
    if consumption.asked:
        for write in writes:
            consumption.write(write.table, write.before, write.after)
        document["ConsumedCapacity"] = consumption.told(listed=True)
    if call.parameters.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics: dict[str, list[Any]] = {}
        for write in writes:
            told = collection_metrics(write.table, write.after or write.before or {})
            if told is not None and told not in metrics.setdefault(write.table.name, []):
                metrics[write.table.name].append(told)
        document["ItemCollectionMetrics"] = metrics
    return answer(call, document)
