"""What spares all tests time: models read once, and less for the garbage collector to look at."""

import gc
from functools import cache

import botocore.loaders
import botocore.session

_SERVICES = ("kms", "s3", "dynamodb", "dynamodbstreams", "iam", "sts", "cloudtrail")
_loader = cache(botocore.session.create_loader)
botocore.session.create_loader = _loader  # else each lab's session reads its own from disk


def pytest_collection_finish() -> None:
    """Load what the tests use, and take it out of every later look at all objects."""
    for name in _SERVICES:
        _loader(None).load_service_model(name, "service-2")
    gc.collect()
    gc.freeze()
