"""Exercises of lesson 00: one secret, three ways."""

import boto3

from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.stored_items import is_ciphertext

DESCRIPTION = "*amzn-ddb-map-desc*"


@exercise("0.1", "a secret that the table's readers cannot read")
def unreadable_item(inspection: Inspection) -> None:
    """The tagged table holds item 2002, its card encrypted by the client."""
    described = inspection.table()
    name = described["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    inspection.keyed(described, {"order_id": "S"}, "1a")
    table = boto3.resource("dynamodb").Table(name)
    item = table.get_item(Key={"order_id": "2002"}).get("Item", {})
    inspection.require(
        item,
        passed="it holds the item 2002",
        failed="it holds no item with order_id 2002",
        fix='Write one: put_item(Item={"order_id": "2002", "card": …}).',
    )
    inspection.require(
        "card" in item,
        passed="the item has a card",
        failed="the item has no attribute card",
        fix="Add a card to the item and write it again.",
    )
    inspection.require(
        is_ciphertext(item["card"]),
        passed="its card is stored as bytes that say nothing",
        failed=f"its card is readable: {item['card']!r}",
        fix="Write with an EncryptedTable, not with the table itself (step 2).",
    )
    inspection.require(
        DESCRIPTION in item,
        passed="the encryption client signed it and left its material description",
        failed="the card was not encrypted by the client: the material description is missing",
        fix="Write through EncryptedTable(table=…, materials_provider=…).",
    )


@exercise("0.2", "a table under a key of your own")
def table_under_own_key(inspection: Inspection) -> None:
    """The tagged table is encrypted at rest under a customer managed key."""
    table = inspection.table()
    inspection.passed(f"the table {table['TableName']} carries the tag")
    key = inspection.table_key(table)
    inspection.own_key(key)
    inspection.enabled(key)
