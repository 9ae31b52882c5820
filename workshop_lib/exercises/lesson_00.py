"""Exercises of lesson 00: one secret, three ways."""

from typing import Any

import boto3

from workshop_lib.display.formatting import as_text
from workshop_lib.exercises.client_items import DESCRIPTION, NotOpened, open_item
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.stored_items import not_readable


@exercise("0.1", "a secret that the table's readers cannot read")
def unreadable_item(inspection: Inspection) -> None:
    """The tagged table holds item 2002, its card encrypted by the client."""
    described = inspection.table()
    name = described["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    inspection.keyed(described, {"order_id": "S"}, "1a")
    key = {"order_id": {"S": "2002"}}
    answer = boto3.client("dynamodb").get_item(TableName=name, Key=key, ConsistentRead=True)
    item = answer.get("Item", {})
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
        not _readable(item["card"]),
        passed="a plain get_item gives bytes for the card that say nothing",
        failed=f"its card is readable: {next(iter(item['card'].values()))!r}",
        fix="Write with an EncryptedTable, not with the table itself (step 2).",
    )
    inspection.require(
        DESCRIPTION in item,
        passed="the encryption client left its material description",
        failed="the card was not encrypted by the client: the material description is missing",
        fix="Write through EncryptedTable(table=…, materials_provider=…).",
    )
    _proved(inspection, name, item)


def _readable(value: dict[str, Any]) -> bool:
    """Whether a reader without a key understands an attribute, as boto3's client gives it."""
    data = value.get("B")
    return data is None or as_text(bytes(data)) is not None


def _proved(inspection: Inspection, table: str, item: dict[str, Any]) -> None:
    """KMS unwraps the data key for this item, it signed the card, and the card opens under it."""
    try:
        opened = open_item(table, ["order_id"], item, inspection.lab.regions())
    except NotOpened as wrong:
        if "no KMS key" in str(wrong):
            inspection.fail(
                f"KMS is not needed to open the item: {wrong}",
                "Give the EncryptedTable the provider of step 1c, which asks KMS.",
            )
        inspection.fail(
            f"the item is not one of the encryption client's: {wrong}",
            "Let the client write it: EncryptedTable(…).put_item(Item=…), with the provider of "
            "step 1c, and change nothing afterwards.",
        )
    inspection.require(
        "card" in opened.encrypted,
        passed="KMS unwraps its data key, its signature verifies, and with that key the card opens",
        failed="the client wrote the item, but did not encrypt the card: it was left out",
        fix="Write with an EncryptedTable that has no attribute_actions: it encrypts everything "
        "but the primary key.",
    )
    readable = {name: item[name] for name in (*opened.signed, *opened.unsigned)}
    readable |= {name: {} for name in opened.encrypted}  # of these only the names
    key = {"order_id": item["order_id"]}
    not_readable(inspection, table, key, readable, "card", opened.plaintext["card"])


@exercise("0.2", "a table under a key of your own")
def table_under_own_key(inspection: Inspection) -> None:
    """The tagged table is encrypted at rest under a customer managed key."""
    table = inspection.table()
    inspection.passed(f"the table {table['TableName']} carries the tag")
    key = inspection.table_key(table)
    inspection.own_key(key)
    inspection.enabled(key)
