"""What a lab in this kernel holds of memory, measured in a process of its own.

    python -m tests.support.load calls
    python -m tests.support.load upload put_object

prints the measures as JSON. Linux only: read from /proc.
https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
"""

import contextlib
import gc
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib import start_lab, trace

MIB = 2**20
CALLS, SIZE = 50_000, 200 * MIB
SECRET = "4111 1111 1111 1111"


def _memory(field: str) -> int:
    """Bytes that this process holds now (VmRSS), or at most since `_forget_peak` (VmHWM)."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def _forget_peak() -> None:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


class Caller:
    """Ten calls a round, of several services, some refused; what was there is written over."""

    def __init__(self) -> None:
        names = ("kms", "s3", "dynamodb", "sts")
        self.kms, self.s3, self.dynamodb, self.sts = map(boto3.client, names)
        self.key_id = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.s3.create_bucket(Bucket="calls")
        self.dynamodb.create_table(
            TableName="calls", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": self.key_id},
        )  # fmt: skip

    def round(self, number: int) -> None:
        """Ten calls."""
        name, there = str(number), {"Bucket": "calls", "Key": "k"}
        by_kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key_id}
        context = {"EncryptionContext": {"number": name}}
        blob = self.kms.encrypt(KeyId=self.key_id, Plaintext=b"x", **context)["CiphertextBlob"]
        self.kms.decrypt(CiphertextBlob=blob, **context)
        with _refused():
            self.kms.decrypt(CiphertextBlob=blob)
        self.kms.generate_data_key(KeyId=self.key_id, KeySpec="AES_256")
        self.s3.put_object(**there, Body=name.encode(), **by_kms)
        assert self.s3.get_object(**there)["Body"].read() == name.encode()
        with _refused():
            self.s3.get_object(Bucket="calls", Key=f"none-{name}")
        self.dynamodb.put_item(TableName="calls", Item={"id": {"S": "1"}, "n": {"N": name}})
        item = self.dynamodb.get_item(TableName="calls", Key={"id": {"S": "1"}})["Item"]
        assert item["n"] == {"N": name}
        self.sts.get_caller_identity()


@contextlib.contextmanager
def _refused() -> Any:
    try:
        yield
    except ClientError:
        return
    raise AssertionError("It was not refused.")


def calls() -> dict[str, int]:
    """What is held after three fifths of the calls, when the event log is full, and after all."""
    start_lab()
    caller = Caller()
    measures: dict[str, int] = {}
    for number in range(CALLS // 10):
        caller.round(number)
        if (number + 1) * 10 in (CALLS * 3 // 5, CALLS):
            gc.collect()
            when = "after" if measures else "before"
            measures |= {when: _memory("VmRSS"), f"blocks {when}": sys.getallocatedblocks()}
    return measures


def upload(how: str) -> dict[str, Any]:
    """The memory that one traced upload of a file takes at most, and what trace saw."""
    start_lab()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="large")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large")
        with path.open("wb") as file:
            for _ in range(SIZE // MIB - 1):
                file.write(os.urandom(MIB))
            file.write(SECRET.encode().ljust(MIB, b"."))
        small = path.with_name("small")
        small.write_bytes(b"-")
        ways: dict[str, Callable[[Path], Any]] = {
            "put_object": lambda path: _put(s3, path),
            "upload_file": lambda path: s3.upload_file(str(path), "large", "k"),
        }
        with trace(SECRET) as traced:
            ways[how](small)  # what is imported and made at the first use stays
            repr(traced)
        _forget_peak()
        before = _memory("VmRSS")
        with trace(SECRET) as traced:
            ways[how](path)
            repr(traced)
        peak = _memory("VmHWM") - before
    length = s3.head_object(Bucket="large", Key="k")["ContentLength"]
    found = sum("readable" in said for said in traced.table["in the request"])
    return {"peak": peak, "length": length, "found": found}


def _put(s3: Any, path: Path) -> None:
    with path.open("rb") as file:
        s3.put_object(Bucket="large", Key="k", Body=file)


if __name__ == "__main__":
    work: dict[str, Callable[..., dict[str, Any]]] = {"calls": calls, "upload": upload}
    measured = work[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(measured))
