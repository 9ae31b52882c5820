"""What the tests of the checks begin with: a lab, and its administrator's clients."""

from typing import Any

import boto3
import pytest

from workshop_lib.lab import Lab, start_lab


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def kms(lab: Lab) -> Any:
    return boto3.client("kms")


@pytest.fixture
def s3(lab: Lab) -> Any:
    return boto3.client("s3")
