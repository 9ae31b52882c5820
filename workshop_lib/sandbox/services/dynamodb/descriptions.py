"""What DescribeTable tells of a table beside what moto keeps of it.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndexDescription.html
"""

import uuid
from typing import Any

Document = dict[str, Any]


def complete(description: Document) -> None:
    """Complete a table's description: its id, its indexes' ARNs and sizes, its billing.

    Sizes and counts of indexes are those of a new table: AWS renews them about every six hours.
    """
    arn, created = description["TableArn"], description["CreationDateTime"]
    description["TableId"] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{arn} {created}"))
    units = description["ProvisionedThroughput"]
    units.setdefault("NumberOfDecreasesToday", 0)
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
            if "ProvisionedThroughput" in index:
                index["ProvisionedThroughput"].setdefault("NumberOfDecreasesToday", 0)
        if not description.get(kind):
            description.pop(kind, None)
