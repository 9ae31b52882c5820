"""DynamoDB Streams: what its answers say of records and of streams.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

import re
from collections.abc import Mapping
from typing import Any

from workshop_lib.sandbox.services.dynamodb.sizes import size

_IMAGES = ("Keys", "NewImage", "OldImage")
# A label tells milliseconds: 2015-05-20T20:51:10.252.
_LABEL = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{3})(?:\d{3})?)?")


def told_record(record: Mapping[str, Any], region: str) -> dict[str, Any]:
    """A record as DynamoDB tells it: its version, its Region, the bytes of its keys and images.

    As LocalStack's snapshots show it, recorded from AWS in 2023 and 2024.
    """
    change = dict(record["dynamodb"])
    change["SizeBytes"] = sum(size(change[name]) for name in _IMAGES if name in change)
    return {**record, "eventVersion": "1.1", "awsRegion": region, "dynamodb": change}


def label_in_milliseconds(label: str) -> str:
    """A stream's label, as moto makes it or as AWS does."""
    return _LABEL.sub(lambda found: f"{found[1]}.{found[2] or '000'}", label)
