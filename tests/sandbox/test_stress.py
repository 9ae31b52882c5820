"""Many clients at once, two labs side by side, and a memory that does not grow."""

import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.labs import without_kernel_transport

pytestmark = pytest.mark.slow
CLIENTS, ROUNDS = 32, 4
MIB = 2**20
OWN = ("AKIATESTADMINISTRATOR", "the/secret+of/a+test")


class Program:
    """The sandbox as a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workshop_lib.sandbox", "--sse-c-allowed",
             "--access-key", OWN[0], "--secret-key", OWN[1]],
            cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        found = re.search(r"http://[\d.:]+", self._process.stdout.readline())
        assert found
        self.address = found[0]

    def client(self, service: str) -> Any:
        """A boto3 client whose failures are not tried again."""
        return boto3.Session(*OWN, region_name="us-east-1").client(
            service, endpoint_url=self.address,
            config=Config(max_pool_connections=CLIENTS, retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def resident(self) -> int:
        """Bytes of memory that the process holds now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def threads(self) -> int:
        """How many threads the process has now."""
        return len(list(Path(f"/proc/{self._process.pid}/task").iterdir()))

    def stop(self) -> str:
        """End the process; what it complained of."""
        self._process.terminate()
        return self._process.communicate(timeout=30)[1]


@pytest.fixture(autouse=True, scope="module")
def _no_kernel_transport() -> Iterator[None]:
    with without_kernel_transport():
        yield


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    program = Program()
    yield program
    assert program.stop() == ""


class Crowd:
    """Clients that mix calls on common resources; each verifies what it wrote."""

    def __init__(self, program: Program) -> None:
        names = ("kms", "s3", "dynamodb")
        self.kms, self.s3, self.dynamodb = (program.client(name) for name in names)
        self.key_id = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.s3.create_bucket(Bucket="crowd")
        self.dynamodb.create_table(
            TableName="crowd", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": self.key_id},
        )  # fmt: skip
        self.locked = 0
        self._counting = threading.Lock()

    def work(self, number: int) -> None:
        """Every kind of work, some rounds of it, in an order of this client's own."""
        kinds: list[Callable[[str], None]] = [
            self._upload, self._customer_key, self._parts, self._seal, self._count, self._take,
        ]  # fmt: skip
        order = random.Random(number)
        for round_number in range(ROUNDS):
            for kind in order.sample(kinds, len(kinds)):
                if kind != self._parts or round_number == number % CLIENTS:  # 5 MiB each
                    kind(f"{number}-{round_number}")

    def _upload(self, name: str) -> None:
        content = name.encode() * 500
        by_kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key_id}
        self.s3.put_object(Bucket="crowd", Key=name, Body=content, Metadata={"by": name}, **by_kms)
        answer = self.s3.get_object(Bucket="crowd", Key=name)
        assert (answer["Body"].read(), answer["Metadata"]) == (content, {"by": name})

    def _customer_key(self, name: str) -> None:
        own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
        there = {"Bucket": "crowd", "Key": f"sealed/{name}"}
        self.s3.put_object(**there, Body=name.encode(), **own)
        assert self.s3.get_object(**there, **own)["Body"].read() == name.encode()
        self.s3.delete_object(**there)

    def _parts(self, name: str) -> None:
        there = {"Bucket": "crowd", "Key": f"parts/{name}"}
        upload = self.s3.create_multipart_upload(**there)["UploadId"]
        first, second = name.encode().ljust(5 * MIB, b"."), os.urandom(5)
        parts = []
        for part, content in enumerate((first, second), 1):
            answer = self.s3.upload_part(**there, UploadId=upload, PartNumber=part, Body=content)
            parts.append({"PartNumber": part, "ETag": answer["ETag"]})
        self.s3.complete_multipart_upload(
            **there, UploadId=upload, MultipartUpload={"Parts": parts}
        )
        tail = self.s3.get_object(**there, Range=f"bytes={5 * MIB - 1}-")["Body"].read()
        assert tail == b"." + second

    def _seal(self, name: str) -> None:
        context = {"by": name}
        sealed = self.kms.encrypt(
            KeyId=self.key_id, Plaintext=name.encode(), EncryptionContext=context
        )["CiphertextBlob"]
        answer = self.kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)
        assert answer["Plaintext"] == name.encode()

    def _count(self, name: str) -> None:
        """One number that everybody adds to."""
        self.dynamodb.update_item(
            TableName="crowd", Key={"id": {"S": "all"}},
            UpdateExpression="ADD n :one, seen :name",
            ExpressionAttributeValues={":one": {"N": "1"}, ":name": {"SS": [name]}},
        )  # fmt: skip

    def _take(self, name: str) -> None:
        """One thing that only one can have at a time."""
        there = {"TableName": "crowd", "Key": {"id": {"S": "lock"}}}
        condition = {"ConditionExpression": "attribute_not_exists(holder)"}
        holder = {":me": {"S": name}}
        try:
            self.dynamodb.update_item(
                **there, **condition, UpdateExpression="SET holder = :me",
                ExpressionAttributeValues=holder,
            )  # fmt: skip
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return
        answer = self.dynamodb.update_item(
            **there, UpdateExpression="REMOVE holder", ReturnValues="ALL_OLD"
        )
        assert answer["Attributes"]["holder"] == holder[":me"]
        with self._counting:
            self.locked += 1


def test_32_clients_mix_their_calls(program: Program) -> None:
    """No write is lost, no answer goes to another client, and nothing fails."""
    crowd = Crowd(program)
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(crowd.work, range(CLIENTS)))
    assert time.monotonic() - began < 120  # a bound for a busy machine, not a measurement
    total = CLIENTS * ROUNDS
    item = crowd.dynamodb.get_item(TableName="crowd", Key={"id": {"S": "all"}})["Item"]
    assert item["n"] == {"N": str(total)}
    assert len(item["seen"]["SS"]) == total
    assert crowd.locked > 0
    pages = crowd.s3.get_paginator("list_objects_v2").paginate(
        Bucket="crowd", PaginationConfig={"PageSize": 50}
    )
    names = [found["Key"] for page in pages for found in page["Contents"]]
    assert len(names) == total + ROUNDS
    assert names == sorted(names)
    assert "Uploads" not in crowd.s3.list_multipart_uploads(Bucket="crowd")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_200_clients_half_of_which_break_off(program: Program) -> None:
    """Half of them upload and hang up in the middle: the others' writes are all there."""
    s3 = program.client("s3")
    dynamodb = program.client("dynamodb")
    s3.create_bucket(Bucket="broken-off")
    dynamodb.create_table(
        TableName="broken-off", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    there = ("127.0.0.1", int(program.address.rpartition(":")[2]))
    start = threading.Barrier(200)

    def break_off(number: int) -> None:
        """Announce 4 MiB, send some of them, and go, in one of two ways."""
        url = s3.generate_presigned_url("put_object", {"Bucket": "broken-off", "Key": "never"})
        target = url.removeprefix(program.address)
        head = f"PUT {target} HTTP/1.1\r\nHost: {there[0]}:{there[1]}\r\n"
        start.wait(60)
        for _ in range(3):
            with socket.create_connection(there, timeout=60) as connection:
                connection.sendall(f"{head}Content-Length: {4 * MIB}\r\n\r\n".encode())
                connection.sendall(bytes(MIB))
                if number % 4 == 1:  # a reset, as when a process is killed with answers unread
                    option = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)

    def work(number: int) -> None:
        start.wait(60)
        for each in range(3):
            name = f"{number}-{each}"
            s3.put_object(Bucket="broken-off", Key=name, Body=name.encode() * 1000)
            dynamodb.put_item(TableName="broken-off", Item={"id": {"S": name}})
            body = s3.get_object(Bucket="broken-off", Key=name)["Body"].read()
            assert body == name.encode() * 1000

    before, threads = program.resident(), program.threads()
    with ThreadPoolExecutor(200) as clients:
        list(clients.map(lambda n: (break_off if n % 2 else work)(n), range(200)))
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="broken-off")
    names = {found["Key"] for page in pages for found in page["Contents"]}
    assert names == {f"{number}-{each}" for number in range(0, 200, 2) for each in range(3)}
    assert dynamodb.scan(TableName="broken-off", Select="COUNT")["Count"] == 300
    end = time.monotonic() + 30
    while program.threads() > threads + 2 * CLIENTS and time.monotonic() < end:
        time.sleep(0.1)
    assert program.threads() <= threads + 2 * CLIENTS  # what the two clients' pools keep open
    assert program.resident() - before < 100 * MIB


def test_two_labs_do_not_see_each_other(program: Program) -> None:
    """The same names in both, and a blob of one is nothing to the other."""
    other = Program()
    try:
        labs = [(each.address.encode(), each.client("s3"), each.client("kms"))
                for each in (program, other)]  # fmt: skip
        sealed = []
        for own, s3, kms in labs:
            s3.create_bucket(Bucket="same")
            s3.put_object(Bucket="same", Key="k", Body=own)
            key_id = kms.create_key()["KeyMetadata"]["KeyId"]
            sealed.append(kms.encrypt(KeyId=key_id, Plaintext=own)["CiphertextBlob"])
        for own, s3, _ in labs:
            assert s3.get_object(Bucket="same", Key="k")["Body"].read() == own
        with pytest.raises(ClientError, match="InvalidCiphertextException"):
            labs[0][2].decrypt(CiphertextBlob=sealed[1])
        labs[0][1].delete_object(Bucket="same", Key="k")
        assert labs[1][1].list_objects_v2(Bucket="same")["KeyCount"] == 1
    finally:
        assert other.stop() == ""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_comes_back(program: Program) -> None:
    """64 MiB at a time, by each way to write and read it, and deleted: nothing stays behind."""
    s3, size = program.client("s3"), 64 * MIB
    s3.create_bucket(Bucket="big")
    content = os.urandom(MIB) * 64
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
    ways: list[dict[str, Any]] = [{}, {"ServerSideEncryption": "aws:kms"}, own]

    def once(way: dict[str, Any]) -> None:
        s3.put_object(Bucket="big", Key="k", Body=content, **way)
        held.append(program.resident())
        customer = own if way is own else {}
        assert len(s3.get_object(Bucket="big", Key="k", **customer)["Body"].read()) == size
        s3.delete_object(Bucket="big", Key="k")

    held: list[int] = []
    once({})  # what is imported and made at the first use stays
    before = program.resident()
    for way in ways:
        once(way)
        assert held[-1] - before < 1.25 * size  # the object, and no second copy
        assert program.resident() - before < 0.25 * size
