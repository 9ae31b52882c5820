"""The rules' world: the sandbox, or bare moto when WORKSHOP_BARE_MOTO is set.

Each rule must fail on bare moto, or it would not be worth a sandbox.
"""

import os
from collections.abc import Iterator

import moto
import pytest

from workshop_lib.lab import start_lab


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh AWS for each rule."""
    if not os.environ.get("WORKSHOP_BARE_MOTO"):
        start_lab()
        yield
        return
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        yield
