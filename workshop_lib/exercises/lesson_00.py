"""Exercises of lesson 00: one secret, three ways."""

import boto3

from workshop_lib.exercises import Look, exercise
from workshop_lib.exercises.items import is_ciphertext

DESCRIPTION = "*amzn-ddb-map-desc*"


@exercise("0.1", "a secret that the table's readers cannot read")
def unreadable_item(look: Look) -> None:
    """The tagged table holds item 2002, its card encrypted by the client."""
    found = look.table()
    name = found["TableName"]
    look.saw(f"the table {name} carries the tag")
    look.keyed(found, {"order_id": "S"}, "1a")
    table = boto3.resource("dynamodb").Table(name)
    item = table.get_item(Key={"order_id": "2002"}).get("Item", {})
    look.need(
        item,
        saw="it holds the item 2002",
        missing="it holds no item with order_id 2002",
        fix='Write one: put_item(Item={"order_id": "2002", "card": …}).',
    )
    look.need(
        "card" in item,
        saw="the item has a card",
        missing="the item has no attribute card",
        fix="Add a card to the item and write it again.",
    )
    look.need(
        is_ciphertext(item["card"]),
        saw="its card is stored as bytes that say nothing",
        missing=f"its card is readable: {item['card']!r}",
        fix="Write with an EncryptedTable, not with the table itself (step 2).",
    )
    look.need(
        DESCRIPTION in item,
        saw="the encryption client signed it and left its material description",
        missing="the card was not encrypted by the client: the material description is missing",
        fix="Write through EncryptedTable(table=…, materials_provider=…).",
    )


@exercise("0.2", "a table under a key of your own")
def table_under_own_key(look: Look) -> None:
    """The tagged table is encrypted at rest under a customer managed key."""
    table = look.table()
    look.saw(f"the table {table['TableName']} carries the tag")
    key = look.table_key(table)
    look.own_key(key)
    look.enabled(key)
