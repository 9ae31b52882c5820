"""Exercises of lesson 03: the item encryptor, by hand and from a stream."""

from workshop_lib.exercises.encrypted_orders import LAYOUT, open_order
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise

_ARCHIVED = {"1": ("Oslo", "4000 0001"), "2": ("Rome", "4000 0002"), "3": ("Lima", "4000 0003")}


@exercise("3.1", "an order encrypted and signed by hand")
def by_hand(inspection: Inspection) -> None:
    """Order lin/31 of the tagged table: bound to its table and key, city signed, card secret."""
    table = inspection.table()
    name = table["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    inspection.keyed(table, LAYOUT, "1a")
    order = open_order(inspection, name, "lin", "31")
    inspection.passed(
        "KMS unwraps its data key for a reader who names the table and the primary key"
    )
    inspection.passed("its signature covers the primary key, the city and the card")
    inspection.require(
        order.card,
        passed=f"a plain reader sees the city {order.city!r}; the card opens with the key only",
        failed="its card is an empty text",
        fix="Write something into the card.",
    )


@exercise("3.2", "three orders from a stream, in another table")
def archived(inspection: Inspection) -> None:
    """Kim's three orders, which only the stream still has, open for readers of the tagged table."""
    table = inspection.table()
    name = table["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    inspection.keyed(table, LAYOUT, "1a")
    for number, (city, card) in _ARCHIVED.items():
        order = open_order(inspection, name, "kim", number)
        inspection.require(
            (order.city, order.card) == (city, card),
            passed=f"the order kim, {number} opens in the archive: {city}, and the card that the "
            "shop encrypted",
            failed=f"the order kim, {number} opens, but not to what the shop wrote: city "
            f"{order.city!r}, card {order.card!r}",
            fix="Take the image of this order from the stream, decrypt it, and change nothing.",
        )
