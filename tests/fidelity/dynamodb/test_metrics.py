"""What a request consumed is told to those who ask."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.dynamodb_tables import ITEM, KEY, aws, new_table

METRICS = {"ConsumedCapacity", "ItemCollectionMetrics"}
BATCHES: dict[str, Callable[..., Any]] = {
    "BatchWriteItem": lambda to, **more: to.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": ITEM}}]}, **more
    ),
    "BatchGetItem": lambda to, **more: to.batch_get_item(
        RequestItems={"orders": {"Keys": [KEY]}}, **more
    ),
    "TransactWriteItems": lambda to, **more: to.transact_write_items(
        TransactItems=[{"Put": {"TableName": "orders", "Item": ITEM}}], **more
    ),
}


@pytest.mark.parametrize("send", BATCHES.values(), ids=BATCHES)
def test_only_those_who_ask_are_told(send: Callable[..., Any]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    ReturnConsumedCapacity NONE, its default: "No ConsumedCapacity details are included in the
    response."
    """
    new_table("orders")
    dynamodb = aws("dynamodb")
    for more in ({}, {"ReturnConsumedCapacity": "NONE"}):
        assert not METRICS & send(dynamodb, **more).keys()
    answer = send(dynamodb, ReturnConsumedCapacity="TOTAL")
    assert METRICS & answer.keys() == {"ConsumedCapacity"}


def test_an_attribute_of_that_name_stays() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""
    new_table("orders")
    item = {**KEY, "ConsumedCapacity": {"S": "mine"}}
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName="orders", Item=item)
    assert dynamodb.get_item(TableName="orders", Key=KEY)["Item"] == item
    answer = dynamodb.batch_get_item(RequestItems={"orders": {"Keys": [KEY]}})
    assert answer["Responses"] == {"orders": [item]}
    assert "ConsumedCapacity" not in answer
