"""What is kept of calls, to explain them: their questions to the policies, never the calls."""

import gc
from collections.abc import Callable
from contextlib import suppress

import boto3
import pytest
from botocore.exceptions import ClientError

from workshop_lib import start_lab
from workshop_lib.sandbox.backend import SandboxBackend
from workshop_lib.sandbox.call import Call


def gateway() -> SandboxBackend:
    start_lab()
    backend = SandboxBackend._current
    assert backend is not None
    return backend


def put(bucket: str) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x" * 1000)


def get_what_is_not_there(bucket: str) -> None:
    with suppress(ClientError):
        boto3.client("s3").get_object(Bucket=bucket, Key="gone")


@pytest.mark.parametrize("call", [put, get_what_is_not_there])
@pytest.mark.parametrize("watched", [False, True])
def test_a_call_that_is_over_is_let_go_at_once(call: Callable[[str], None], watched: bool) -> None:
    """Not when Python looks for circles: until then its body would stay."""
    backend = gateway()
    boto3.client("s3").create_bucket(Bucket="docs")
    backend.watch(watched)
    gc.collect()
    gc.disable()
    try:
        call("docs")
        assert not [each for each in gc.get_objects() if type(each) is Call]
    finally:
        gc.enable()


def test_who_stops_to_watch_leaves_the_others_watching() -> None:
    backend = gateway()
    for watched in (True, True, False):
        backend.watch(watched)
    answer = boto3.client("s3").list_buckets()
    assert backend.explain(answer["ResponseMetadata"]["RequestId"], None)


def test_a_call_that_needed_no_permission_is_known() -> None:
    backend = gateway()
    backend.watch(True)
    answer = boto3.client("sts").get_caller_identity()
    told = backend.explain(answer["ResponseMetadata"]["RequestId"], None)
    assert told == []
