"""A lab in this kernel holds what it has to keep, and no more."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.load import MIB, SIZE
from workshop_lib import start_lab
from workshop_lib.sandbox.services.cloudtrail import events

ROOT = Path(__file__).parents[2]
measured_by_proc = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc"
)


def measured(*asked: str) -> dict[str, Any]:
    """The measures of tests/support/load.py."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.load", *asked],
        cwd=ROOT, env=os.environ | {"BOTO_DISABLE_CRT": "true"},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.long
@measured_by_proc
def test_50_000_calls_leave_no_more_than_30_000() -> None:
    """By then the event log is full: each event takes the place of one, and all else is gone."""
    found = measured("calls")
    assert found["after"] - found["before"] < 8 * MIB, found
    assert found["blocks after"] - found["blocks before"] < 20_000, found  # one per call


@pytest.mark.long
@measured_by_proc
@pytest.mark.parametrize("how", ["put_object", "upload_file"])
def test_a_traced_upload_takes_less_than_twice_its_size(how: str) -> None:
    found = measured("upload", how)
    assert found["length"] == SIZE
    assert found["found"] == 1
    assert found["peak"] < 1.6 * SIZE, found


def test_the_event_log_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST_EVENTS", 3)
    start_lab()
    kms, trail = boto3.client("kms"), boto3.client("cloudtrail")
    made = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)]
    found = trail.lookup_events()["Events"]
    assert [event["Resources"][0]["ResourceName"][-36:] for event in found] == made[:1:-1]
