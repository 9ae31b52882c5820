"""What DescribeTable tells of a table beside what moto keeps of it.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndexDescription.html
"""

import uuid
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


def complete(description: Document) -> None:
    """Complete a table's description: its id, its indexes' ARNs and sizes, its billing.

    Sizes and counts of indexes are those of a new table: AWS renews them about every six hours.
    """
    arn, created = description["TableArn"], description["CreationDateTime"]
    description["TableId"] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{arn} {created}"))
    description["AttributeDefinitions"].sort(key=lambda each: each["AttributeName"])
    billing = description.get("BillingModeSummary") or {}
    if billing.get("BillingMode") == "PAY_PER_REQUEST":
        billing.setdefault("LastUpdateToPayPerRequestDateTime", created)
    else:
        description.pop("BillingModeSummary", None)
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for index in description.get(kind) or ():
            index["IndexArn"] = f"{arn}/index/{index['IndexName']}"
            index.setdefault("IndexSizeBytes", 0)
            index.setdefault("ItemCount", 0)
        if not description.get(kind):
            description.pop(kind, None)


# What DeleteTable tells no more of a table.
_NOT_OF_DELETED = (
    "AttributeDefinitions", "CreationDateTime", "GlobalSecondaryIndexes", "KeySchema",
    "LocalSecondaryIndexes",
)  # fmt: skip


def leave_out_layout(description: Document) -> None:
    """Leave of a deleted table's description what AWS tells of it.

    Seen of AWS by ScyllaDB's tests (test_table.py, test_delete_table_description).
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
    """
    for name in _NOT_OF_DELETED:
        description.pop(name, None)


def with_former_units(before: Document, after: Document) -> Document:
    """UpdateTable's answer ``after`` a change of provisioned units, with those from ``before``.

    What is new in it is when they went up or down: the probes of October 2026 (DDB-TABLE-184),
    https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks.
    """
    former = dict(_units(before["TableDescription"]))
    for place, units in _units(after["TableDescription"]):
        units.update({name: former.get(place, units)[name] for name in _FORMER})
    return after


_FORMER = ("ReadCapacityUnits", "WriteCapacityUnits", "NumberOfDecreasesToday")


def _units(description: Document) -> Iterator[tuple[str, Document]]:
    yield "", description["ProvisionedThroughput"]
    for index in description.get("GlobalSecondaryIndexes") or ():
        if "ProvisionedThroughput" in index:
            yield index["IndexName"], index["ProvisionedThroughput"]
