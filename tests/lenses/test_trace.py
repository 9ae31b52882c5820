"""trace(): every call is seen, nothing is changed, and what the table says is so."""

import base64
import contextlib
import hashlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from botocore.hooks import HierarchicalEmitter
from botocore.httpsession import URLLib3Session
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions
from moto import mock_aws
from moto.core.models import botocore_stubber

from workshop_lib import trace
from workshop_lib.lenses.call_summary import short_name
from workshop_lib.lenses.plaintext import NotSearchable
from workshop_lib.lenses.trace import COLUMNS

CARD = "4111 1111 1111 1111"
SESSION = boto3.Session(
    aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
    aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region_name="us-east-1",
)
EARLY = SESSION.client("s3")  # made before any trace, and before any mock


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        EARLY.create_bucket(Bucket="notes")
        yield


@pytest.fixture
def kms() -> Any:
    return SESSION.client("kms")


@pytest.fixture
def key_id(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["KeyId"])


@pytest.fixture
def table() -> Any:
    return SESSION.resource("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def stored(key: str) -> bytes:
    return bytes(EARLY.get_object(Bucket="notes", Key=key)["Body"].read())


def column(calls: Any, name: str) -> list[Any]:
    return list(calls.table[name])


# Where the plaintext stood --------------------------------------------------------------------


def test_s3_body_header_and_url() -> None:
    with trace(CARD) as calls:
        EARLY.put_object(Bucket="notes", Key="a", Body=f"card {CARD}".encode())
        EARLY.put_object(Bucket="notes", Key="b", Body=b"-", Metadata={"note": CARD})
        EARLY.put_object(Bucket="notes", Key=f"cards/{CARD}", Body=b"-")
        EARLY.put_object(Bucket="notes", Key="t", Body=CARD, Tagging="a=b&card=4111+1111+1111+1111")
        EARLY.put_object(Bucket="notes", Key="d", Body=b"nothing here")
        EARLY.get_object(Bucket="notes", Key="a")
    assert column(calls, "in the request") == [
        "readable: body",
        "readable: header x-amz-meta-note",
        "readable: URL",
        "readable: body, header x-amz-tagging",
        "nothing",
        "nothing",  # it stands in the answer, but not in the request
    ]


def test_what_botocore_writes_of_its_own_is_no_finding() -> None:
    token = "a-session-token-of-its-own"
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "a-secret", token, region_name="us-east-1")
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> Any:
        sent.append(request.headers)
        return AWSResponse(request.url, 200, {}, _Raw(b""))

    client = session.client("s3")
    client.meta.events.register_first("before-send.s3.PutObject", answer)
    secrets = (token, "AKIAIOSFODNN7EXAMPLE", "Boto3/", "attempt=1")
    with mock_paused(), trace(*secrets) as calls:
        client.put_object(Bucket="notes", Key="k", Body=b"-")
    said = str(dict(sent[0].items()))
    assert all(secret in said for secret in secrets)
    assert column(calls, "in the request") == ["nothing"]


def test_the_name_of_a_header_is_searched_as_well() -> None:
    with trace("jane-doe-1980") as calls:
        EARLY.put_object(Bucket="notes", Key="n", Body=b"-", Metadata={"jane-doe-1980": "1"})
    assert column(calls, "in the request") == ["readable: header x-amz-meta-jane-doe-1980"]


def test_kms_sees_the_plaintext_and_a_local_cipher_hides_it(kms: Any, key_id: str) -> None:
    with trace(CARD) as calls:
        blob = kms.encrypt(KeyId=key_id, Plaintext=f"pay {CARD}")["CiphertextBlob"]
        kms.decrypt(CiphertextBlob=blob)
        kms.encrypt(KeyId=key_id, Plaintext=bytes(b ^ 0x5A for b in CARD.encode()))
    assert column(calls, "in the request") == ["readable: body", "encrypted", "nothing"]


def test_dynamodb_values_are_opened_and_named(table: Any) -> None:
    item = {"id": "order-17", "card": CARD.encode(), "total": 123456, "paid": True}
    with trace(item) as calls:
        table.put_item(Item=item)
        table.put_item(Item={**item, "card": b"\x00\x01", "total": 9})
        table.get_item(Key={"id": "order-18"})
    assert column(calls, "in the request") == [
        "readable: body (card, id, total)",
        "readable: body (id)",
        "nothing",
    ]
    assert calls.table.caption == "3 API calls; looked for 3 values; too short to look for: paid"


def test_web_forms_are_opened() -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [], "Id": "Müller & Söhne"})
    iam = SESSION.client("iam")
    with trace("Müller & Söhne") as calls:
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy)
    assert column(calls, "in the request") == ["readable: body"]


def test_a_customer_key_is_plaintext_too() -> None:
    key = os.urandom(32)
    with trace(key) as calls:
        EARLY.put_object(
            Bucket="notes", Key="k", Body=b"-", SSECustomerAlgorithm="AES256", SSECustomerKey=key
        )
    assert column(calls, "in the request") == [
        "readable: header x-amz-server-side-encryption-customer-key"
    ]


def test_what_botocore_writes_by_itself_is_not_the_caller_s_data() -> None:
    with trace("aws4_request") as calls:
        EARLY.list_buckets()
    assert column(calls, "in the request") == ["nothing"]


def test_without_secrets_nothing_is_claimed() -> None:
    with trace() as calls:
        EARLY.list_buckets()
    assert column(calls, "in the request") == ["—"]
    assert calls.table.caption == "1 API call"


def test_a_short_secret_is_refused_before_the_block() -> None:
    with pytest.raises(NotSearchable, match="'42'"):
        trace("42")


# What else a row says -------------------------------------------------------------------------


def test_a_row_names_resource_key_context_price_and_outcome(kms: Any, key_id: str) -> None:
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key_id)
    context = {"tenant": "a", "purpose": "demo"}
    with trace() as calls:
        kms.encrypt(KeyId="alias/orders", Plaintext=b"hello", EncryptionContext=context)
        EARLY.put_object(
            Bucket="notes",
            Key="k",
            Body=b"hello",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=f"arn:aws:kms:us-east-1:123456789012:key/{key_id}",
            SSEKMSEncryptionContext=base64.b64encode(json.dumps(context).encode()).decode(),
        )
        EARLY.copy_object(Bucket="notes", Key="c", CopySource="notes/k")
        EARLY.head_object(Bucket="notes", Key="k")
    rows = calls.table.drop(columns="AWS CLI").to_numpy().tolist()
    written = "purpose=demo, tenant=a"
    size = rows[0][5]
    assert rows == [
        ["KMS", "Encrypt", "alias/orders", key_id, written, size, "—", "—", "200", "3.00"],
        ["S3", "PutObject", "notes/k", key_id, written, 5, "—", "—", "200", "5.00"],
        ["S3", "CopyObject", "notes/k → notes/c", "—", "—", 0, "—", "—", "200", "5.00"],
        ["S3", "HeadObject", "notes/k", key_id, "—", 0, "—", "—", "200", "0.40"],
    ]
    assert size > 5  # JSON around the plaintext


def test_nested_names_of_keys_are_found_and_data_is_not_mistaken(table: Any, key_id: str) -> None:
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_id}
    with trace() as calls:
        EARLY.put_bucket_encryption(
            Bucket="notes",
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule}]
            },
        )
        table.put_item(Item={"id": "1", "KeyId": "mine", "EncryptionContext": {"a": "b"}})
        EARLY.put_object(Bucket="notes", Key="k", Metadata={"KeyId": "mine"})
        SESSION.client("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": "orders", "Item": {"id": {"S": "2"}}}}]
        )
    assert column(calls, "KMS key") == [key_id, "—", key_id, "—"]
    assert column(calls, "encryption context") == ["—"] * 4
    assert column(calls, "resource") == ["notes", "orders", "notes/k", "orders"]
    assert "--client-request-token" not in calls.cli[3]  # botocore's own, and random


def test_errors_are_rows_and_pass_through(kms: Any) -> None:
    with pytest.raises(ClientError), trace(CARD) as calls:
        kms.encrypt(KeyId="alias/none", Plaintext=CARD)
    assert column(calls, "outcome") == ["NotFoundException"]
    assert column(calls, "in the request") == ["readable: body"]
    with pytest.raises(ClientError), trace() as calls:
        EARLY.head_object(Bucket="notes", Key="none")
    assert column(calls, "outcome") == ["404"]
    with pytest.raises(KeyError), trace() as calls:
        print(EARLY.list_buckets()["none"])
    assert column(calls, "outcome") == ["200"]


def test_a_call_that_was_never_sent_is_no_row() -> None:
    with pytest.raises(ParamValidationError), trace() as calls:
        EARLY.put_object(Bucket="notes")
    assert len(calls.table) == 0
    assert list(calls.table.columns) == list(COLUMNS)
    assert "(no rows)" in repr(calls)


def test_rows_are_there_within_the_block_and_calls_after_it_are_not() -> None:
    with trace() as calls:
        EARLY.list_buckets()
        assert column(calls, "outcome") == ["200"]
    EARLY.list_buckets()
    assert len(calls.table) == 1


def test_pages_are_calls_and_a_resource_s_calls_are_seen(table: Any) -> None:
    for number in range(3):
        table.put_item(Item={"id": str(number)})
    with trace() as calls:
        pages = SESSION.client("dynamodb").get_paginator("scan")
        list(pages.paginate(TableName="orders", PaginationConfig={"PageSize": 2}))
    assert column(calls, "operation") == ["Scan", "Scan"]


# Every client, every thread -------------------------------------------------------------------


def test_nested_traces_both_see_a_call_with_their_own_secret() -> None:
    with trace(CARD) as outer:
        EARLY.list_buckets()
        with trace("something else") as inner:
            EARLY.put_object(Bucket="notes", Key="k", Body=CARD)
        EARLY.list_buckets()
    assert column(outer, "in the request") == ["nothing", "readable: body", "nothing"]
    assert column(inner, "in the request") == ["nothing"]


def test_other_threads_are_seen_and_do_not_mix() -> None:
    def put(number: int) -> None:
        for turn in range(10):
            body = f"secret-{number}" if turn % 2 else "-"
            EARLY.put_object(Bucket="notes", Key=f"{number}/{turn}", Body=body)

    with trace({str(n): f"secret-{n}" for n in range(4)}) as calls:
        threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = calls.table
    assert len(rows) == 40
    for where, said in zip(rows["resource"], rows["in the request"], strict=True):
        _, number, turn = where.split("/")
        assert said == (f"readable: body ({number})" if int(turn) % 2 else "nothing")


def test_nothing_stays_behind() -> None:
    before = HierarchicalEmitter._emit
    with trace(), trace():
        assert HierarchicalEmitter._emit is not before
    assert HierarchicalEmitter._emit is before
    with pytest.raises(KeyError), trace():
        raise KeyError
    assert HierarchicalEmitter._emit is before


def test_a_wrapper_put_on_meanwhile_by_another_library_survives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with trace() as first:
        ours = HierarchicalEmitter._emit

        def theirs(*args: Any, **kwargs: Any) -> Any:
            return ours(*args, **kwargs)

        monkeypatch.setattr(HierarchicalEmitter, "_emit", theirs)
    EARLY.list_buckets()
    assert HierarchicalEmitter._emit is theirs
    with trace() as second:
        EARLY.list_buckets()
    assert (len(first.table), len(second.table)) == (0, 1)
    monkeypatch.undo()
    with trace() as third:
        EARLY.list_buckets()
    assert len(third.table) == 1
    with trace() as fourth:
        EARLY.list_buckets()
    assert len(fourth.table) == 1


def test_the_encryption_client_s_own_sessions_are_seen(
    table: Any, key_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    arn = f"arn:aws:kms:us-east-1:123456789012:key/{key_id}"
    encrypted = EncryptedTable(
        table=table,
        materials_provider=AwsKmsCryptographicMaterialsProvider(key_id=arn),
        attribute_actions=AttributeActions(default_action=CryptoAction.ENCRYPT_AND_SIGN),
    )
    with trace({"id": "order-17", "card": CARD}) as calls:
        encrypted.put_item(Item={"id": "order-17", "card": CARD})
        encrypted.get_item(Key={"id": "order-17"})
    kinds = ["GenerateDataKey", "PutItem", "GetItem", "Decrypt"]
    assert column(calls, "operation") == kinds
    kept = dict(zip(kinds, column(calls, "in the request"), strict=True))
    # The encryption context carries the primary key's value to KMS, in plaintext.
    assert kept["GenerateDataKey"] == kept["PutItem"] == "readable: body (id)"
    assert "id=order-17" in column(calls, "encryption context")[0]
    assert column(calls, "KMS key") == [key_id, "—", "—", key_id]
    assert calls.cli[1].startswith("cat > item.json <<'END'\n{")
    assert calls.cli[1].endswith(
        "\naws dynamodb put-item --table-name orders --item file://item.json"
    )
    assert column(calls, "in the response") == [
        "readable: data key",  # it goes to the encryption client, in plaintext
        "nothing",
        "readable: body (id)",
        "readable: other plaintext",
    ]


def test_a_listener_that_another_library_has_taken_off_is_put_on_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = HierarchicalEmitter._emit
    with trace() as first:
        monkeypatch.setattr(HierarchicalEmitter, "_emit", original)
        EARLY.list_buckets()
    with trace() as second:
        EARLY.list_buckets()
    assert (len(first.table), len(second.table)) == (0, 1)
    assert HierarchicalEmitter._emit is original


# Retries and no answer ------------------------------------------------------------------------


def test_retries_are_one_row_and_no_answer_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock answers in before-send, before a connection: here the connection itself fails."""
    sent: list[bytes] = []

    def send(_: Any, request: Any) -> Any:
        sent.append(request.body.read())
        if len(sent) < 3:
            return AWSResponse(request.url, 500, {}, _Raw(b""))
        raise EndpointConnectionError(endpoint_url=request.url)

    with mock_paused():
        monkeypatch.setattr(URLLib3Session, "send", send)
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
        config = Config(retries={"mode": "standard", "total_max_attempts": 3})
        client = SESSION.client("s3", config=config, endpoint_url="http://localhost:1")
        with pytest.raises(EndpointConnectionError), trace(CARD) as calls:
            client.put_object(Bucket="notes", Key="k", Body=io.BytesIO(CARD.encode()))
    assert sent == [CARD.encode()] * 3
    assert column(calls, "outcome") == ["EndpointConnectionError"]
    assert column(calls, "in the request") == ["readable: body"]
    assert column(calls, "in the response") == ["no answer"]


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


@contextlib.contextmanager
def mock_paused() -> Iterator[None]:
    """Let requests reach the connection while moto's mock is on."""
    botocore_stubber.enabled = False
    yield
    botocore_stubber.enabled = True


# Streams are left as they were found ----------------------------------------------------------


def test_streams_arrive_whole_and_stand_where_they_would(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(f"0123456789 {CARD}".encode())
    with trace(CARD) as calls, path.open("rb") as file:
        EARLY.put_object(Bucket="notes", Key="bytesio", Body=io.BytesIO(path.read_bytes()))
        EARLY.put_object(Bucket="notes", Key="file", Body=file)
        EARLY.put_object(Bucket="notes", Key="bytearray", Body=bytearray(path.read_bytes()))
        EARLY.upload_fileobj(io.BytesIO(path.read_bytes()), "notes", "fileobj")
        EARLY.upload_file(str(path), "notes", "upload")
    for key in ("bytesio", "file", "bytearray", "fileobj", "upload"):
        assert stored(key) == path.read_bytes()
    assert column(calls, "in the request") == ["readable: body"] * 5
    assert column(calls, "body bytes") == [30] * 5


def test_a_stream_is_looked_through_from_where_it_stands(tmp_path: Path) -> None:
    """Only a plain-HTTP endpoint sends a file object from its position on; there it must hold."""
    seen: list[tuple[int, bytes]] = []

    def before_send(request: Any, **_: Any) -> None:
        seen.append((request.body.tell(), request.body.read()))
        request.body.seek(11)

    client = SESSION.client("s3", endpoint_url="http://s3.amazonaws.com")
    client.meta.events.register_first("before-send.s3.PutObject", before_send)
    stream = io.BytesIO(f"{CARD[:11]}{CARD[11:]} and more".encode())
    stream.seek(11)
    with trace(CARD) as calls:
        client.put_object(Bucket="notes", Key="k", Body=stream)
    assert seen == [(11, f"{CARD[11:]} and more".encode())]
    assert column(calls, "in the request") == ["nothing"]


@pytest.mark.parametrize("threads", [True, False])
def test_multipart_uploads_with_and_without_threads(tmp_path: Path, threads: bool) -> None:
    parts = [os.urandom(5 << 20), os.urandom((5 << 20) - 3) + b"---", CARD.encode() + b"!" * 99]
    path = tmp_path / "big.bin"
    path.write_bytes(b"".join(parts))
    config = TransferConfig(5 << 20, multipart_chunksize=5 << 20, use_threads=threads)
    progress: list[int] = []
    ahead: list[bool] = []

    def before_send(request: Any, **_: Any) -> None:
        part = request.url.partition("partNumber=")[2][:1]
        if part and "file?" in request.url:
            ahead.append(sum(progress) > (int(part) - 1) * (5 << 20))

    client = SESSION.client("s3")
    client.meta.events.register_first("before-send.s3.UploadPart", before_send)
    with trace(CARD) as calls:
        client.upload_file(str(path), "notes", "file", Config=config, Callback=progress.append)
        with path.open("rb") as file:
            client.upload_fileobj(file, "notes", "fileobj", Config=config)
    assert sum(progress) == path.stat().st_size
    assert threads or ahead == [False, False, False]  # looking is not counted as sending
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for key in ("file", "fileobj"):
        assert hashlib.sha256(stored(key)).hexdigest() == digest
    one = ["CreateMultipartUpload", "UploadPart", "UploadPart", "UploadPart"]
    assert column(calls, "operation") == [*one, "CompleteMultipartUpload"] * 2
    said = ["nothing", "nothing", "nothing", "readable: body", "nothing"]
    assert column(calls, "in the request") == said * 2
    names = [f"notes/file part {number}" for number in (1, 2, 3)]
    assert column(calls, "resource")[1:4] == names
    assert column(calls, "body bytes")[1:4] == [len(part) for part in parts]


def test_a_stream_that_can_be_read_only_once_is_not_read() -> None:
    class Once(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.data = io.BytesIO(data)
            self.reads = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            self.reads += 1
            return self.data.read(size)

    body = Once(CARD.encode())
    reads: list[int] = []

    def before_send(request: Any, **_: Any) -> Any:
        reads.append(body.reads)
        return AWSResponse(request.url, 200, {}, _Raw(b""))

    client = SESSION.client("s3")
    client.meta.events.register_first("before-send.s3.PutObject", before_send)
    with mock_paused(), trace(CARD) as calls:
        client.put_object(Bucket="notes", Key="k", Body=body, ContentLength=19)
        client.put_object(Bucket="notes", Key=CARD, Body=body, ContentLength=19)
    assert reads == [0, 0]
    assert column(calls, "in the request") == [
        "not looked at (stream)",
        "readable: URL; body not looked at",
    ]
    assert column(calls, "body bytes") == [19, 19]


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as new:
        new.truncate(24 << 20)
        new.seek(20 << 20)
        new.write(CARD.encode())

    def before_send(request: Any, **_: Any) -> Any:
        peaks.append(tracemalloc.get_traced_memory()[1])
        return AWSResponse(request.url, 200, {}, _Raw(b""))

    peaks: list[int] = []
    client = SESSION.client("s3")
    client.meta.events.register_first("before-send.s3.PutObject", before_send)
    with mock_paused(), trace(CARD) as calls, path.open("rb") as file:
        tracemalloc.start()
        client.put_object(Bucket="notes", Key="k", Body=file)
        left = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert column(calls, "in the request") == ["readable: body"]
    assert column(calls, "body bytes") == [24 << 20]
    assert peaks[0] < 12 << 20
    assert left < 2 << 20


# What is kept and shown -----------------------------------------------------------------------


def test_no_credential_and_no_customer_key_is_kept() -> None:
    key, other = b"0123456789abcdef0123456789abcdef", os.urandom(32)
    with trace() as calls:
        for each in (key, other, key):
            customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": each}
            EARLY.put_object(Bucket="notes", Key="k", Body=b"-", **customer)
    rows = [call.row() for call in calls._calls]
    kept = pickle.dumps([rows, calls._key_files]) + repr(vars(calls._calls[0])).encode()
    for secret in (key, base64.b64encode(key), hashlib.md5(key).digest(), b"AWS4-HMAC", b"AKIA"):
        assert secret not in kept
    files = [line.partition("fileb://")[2] for line in calls.cli]
    assert files == ["ssec.key", "ssec-2.key", "ssec.key"]


def run_lesson(name: str) -> Any:
    kms, s3 = SESSION.client("kms"), SESSION.client("s3")
    with trace(CARD) as calls:
        key = kms.describe_key(KeyId="alias/lesson")["KeyMetadata"]["KeyId"]
        blob = kms.encrypt(KeyId=key, Plaintext=CARD)["CiphertextBlob"]
        s3.put_object(Bucket="notes", Key=name, Body=blob)
        kms.decrypt(CiphertextBlob=blob)
    return calls


def test_a_second_run_shows_the_same(kms: Any, key_id: str) -> None:
    kms.create_alias(AliasName="alias/lesson", TargetKeyId=key_id)
    first, second = run_lesson("k"), run_lesson("k")
    assert repr(first) == repr(second)
    shown = [re.sub(r"printf %s \S+", "", each._repr_html_()) for each in (first, second)]
    assert shown[0] == shown[1]


def test_what_the_last_line_of_a_cell_shows() -> None:
    with trace(CARD) as calls:
        EARLY.put_object(Bucket="notes", Key="<k>", Body=CARD)
    assert repr(calls).splitlines() == [
        "1 API call; looked for 1 value",
        "call                    in the request  in the response  outcome",
        "----------------------  --------------  ---------------  -------",
        "S3 PutObject notes/<k>  readable: body  nothing          200",
    ]
    shown = calls._repr_html_()
    assert calls.cli == [
        "printf '%s' '4111 1111 1111 1111' > body.txt\n"
        "aws s3api put-object --bucket notes --key '<k>' --body body.txt"
    ]
    assert "<strong>S3</strong> PutObject <code>notes/&lt;k&gt;</code>" in shown
    assert '<span class="course-chip readable">readable: body</span>' in shown
    assert "--key &#x27;&lt;k&gt;&#x27; --body body.txt</pre></details>" in shown
    folded = re.findall(r"<summary>(.*?)</summary>", shown)
    assert folded == ["body bytes, USD per million", "The same with the AWS CLI"]
    assert shown.count("<style>") == 1


def test_the_details_have_a_column_only_for_what_is_there(kms: Any, key_id: str) -> None:
    with trace() as calls:
        kms.list_keys()
    assert "<summary>body bytes</summary>" in calls._repr_html_()
    with trace() as calls:
        kms.list_keys()
        kms.encrypt(KeyId=key_id, Plaintext=b"x", EncryptionContext={"purpose": "a-test"})
    page = calls._repr_html_()
    kept = "KMS key, encryption context, body bytes, USD per million"
    assert f"<summary>{kept}</summary>" in page
    assert "purpose" in page


@pytest.mark.parametrize(("resource", "short"), [
    ("arn:aws:dynamodb:us-east-1:123456789012:table/orders", "table/orders"),
    ("arn:aws:s3:::notes/a:b", "notes/a:b"),
    ("orders", "orders"),
    ("1234abcd-12ab-34cd-56ef-1234567890ab", "1234abcd…"),
])  # fmt: skip
def test_the_short_form_names_a_resource_without_its_address(resource: str, short: str) -> None:
    assert short_name(resource) == short


def test_without_secrets_the_short_form_has_no_column_for_them() -> None:
    with trace() as calls:
        EARLY.list_buckets()
    assert repr(calls).splitlines()[1].split() == ["call", "outcome"]


# What came back -------------------------------------------------------------------------------


def test_the_answer_is_searched_as_the_request_is(table: Any) -> None:
    EARLY.put_object(Bucket="notes", Key="k", Body=CARD, Metadata={"note": CARD})
    table.put_item(Item={"id": "1", "card": CARD})
    with trace({"card": CARD}) as calls:
        answer = EARLY.get_object(Bucket="notes", Key="k")
        EARLY.head_object(Bucket="notes", Key="k")
        table.get_item(Key={"id": "1"})
        table.get_item(Key={"id": "2"})
    assert answer["Body"].read() == CARD.encode()
    assert column(calls, "in the request") == ["nothing"] * 4
    assert column(calls, "in the response") == [
        "readable: body (card), header x-amz-meta-note (card)",
        "readable: header x-amz-meta-note (card)",
        "readable: body (card)",
        "nothing",
    ]


def test_a_body_that_can_be_read_only_once_is_left_alone_and_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    EARLY.put_object(Bucket="notes", Key="k", Body=CARD)
    client = SESSION.client("s3")

    class Once:
        """What a socket gives: no way back."""

        def __init__(self, raw: Any) -> None:
            self.read = raw.read

    def once(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Body"]._raw_stream = Once(parsed["Body"]._raw_stream)

    with trace(CARD) as calls:
        original = HierarchicalEmitter._emit

        def emit(emitter: Any, name: str, kwargs: Any, stop_on_response: bool = False) -> Any:
            if name.startswith("after-call.s3.GetObject"):
                once(**kwargs)
            return original(emitter, name, kwargs, stop_on_response)

        monkeypatch.setattr(HierarchicalEmitter, "_emit", emit)
        answer = client.get_object(Bucket="notes", Key="k")
        monkeypatch.undo()
    assert column(calls, "in the response") == ["not looked at (stream)"]
    assert answer["Body"].read() == CARD.encode()


def test_kms_hands_out_plaintext_and_takes_ciphertext_by_its_nature(kms: Any, key_id: str) -> None:
    with trace(CARD) as calls:
        blob = kms.encrypt(KeyId=key_id, Plaintext=CARD)["CiphertextBlob"]
        other = kms.encrypt(KeyId=key_id, Plaintext="something")["CiphertextBlob"]
        kms.decrypt(CiphertextBlob=blob)
        kms.decrypt(CiphertextBlob=other)
        kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")
        kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_256")
        kms.list_keys()
    assert column(calls, "in the response") == [
        "encrypted",
        "encrypted",
        "readable: body",
        "readable: other plaintext",
        "readable: data key",
        "encrypted",
        "nothing",
    ]


def test_the_commands_stand_one_below_the_other() -> None:
    with trace() as calls:
        EARLY.list_objects_v2(Bucket="notes")
        EARLY.head_bucket(Bucket="notes")
    commands = calls._repr_html_().partition("<pre")[2].partition(">")[2].partition("</pre>")[0]
    assert list(filter(None, commands.splitlines())) == calls.cli == [
        "aws s3api list-objects-v2 --bucket notes", "aws s3api head-bucket --bucket notes",
    ]  # fmt: skip


def test_importing_trace_does_not_import_pandas() -> None:
    code = "import sys, workshop_lib.lenses.trace; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_an_answer_that_no_service_gave_is_not_shown_as_one() -> None:
    """s3transfer's C client takes the request and makes up an answer, to end botocore's part."""

    def keep(**_: Any) -> Any:
        return AWSResponse(None, 200, {}, _Raw(b""))

    client = SESSION.client("s3")
    client.meta.events.register_first("before-send.s3.PutObject", keep)
    with mock_paused(), trace() as calls:
        client.put_object(Bucket="notes", Key="k", Body=b"kept")
    with trace() as answered:
        EARLY.put_object(Bucket="notes", Key="k", Body=b"sent")
    assert column(calls, "outcome") == ["not answered"]
    assert column(calls, "USD per million") == ["—"]
    assert column(answered, "outcome") == ["200"]


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (base64.b64encode(b'{"b": "2", "a": "1"}').decode(), "a=1, b=2"),
        (base64.b64encode(b'["a"]').decode(), "not a mapping=WyJhIl0="),
        ("%%", "not JSON in base64=%%"),
    ],
)
def test_s3_s_encryption_context_is_opened_or_shown_as_it_was_sent(header: str, shown: str) -> None:
    how = {"ServerSideEncryption": "aws:kms", "SSEKMSEncryptionContext": header}
    client = SESSION.client("s3")
    client.meta.events.register_first(
        "before-send.s3.PutObject",
        lambda request, **_: AWSResponse(request.url, 200, {}, _Raw(b"")),
    )
    with mock_paused(), trace() as calls:
        client.put_object(Bucket="notes", Key="k", Body=b"-", **how)
    assert column(calls, "encryption context") == [shown]
