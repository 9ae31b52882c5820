"""What all tests share: a process without a lab for each file, and what spares them time."""

import gc
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO

os.environ["BOTO_DISABLE_CRT"] = "true"  # what learners install has no awscrt either

import boto3
import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from tests.support.labs import as_before
from workshop_lib import start_lab
from workshop_lib.sandbox.protocol.service_model import service_model

# How long a case takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_SERVICES = ("kms", "s3", "dynamodb", "dynamodbstreams", "iam", "sts", "cloudtrail",
             "organizations")  # fmt: skip
_loader = cache(botocore.session.create_loader)
botocore.session.create_loader = _loader  # else each lab's session reads its own from disk


def pytest_collection_finish() -> None:
    """Load what the tests use, and take it out of every later look at all objects."""
    with as_before(), redirect_stdout(StringIO()):
        sessions = (start_lab().session(), boto3.Session())
        for name in _SERVICES:
            for session in sessions:
                session.client(name)
            service_model(name)
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def process() -> Iterator[None]:
    """The lab that a file of tests leaves, its clock and its environment end with the file."""
    with as_before():
        yield
