"""S3 through the gateway: what no single rule of AWS says, but all of them together."""

import base64
import contextlib
import gc
import itertools
import json
import re
import tracemalloc
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.messages import request_for
from workshop_lib.errors import NotEmulated
from workshop_lib.lab import Lab, start_lab
from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3.storage import http_date
from workshop_lib.sandbox.storage.disk import Stored

MIB = 1024 * 1024
BODY = b"card 4111 1111 1111 1111"
ADMINISTRATOR = Credentials("AKIATESTADMINISTRATOR", "the/secret+of/a+test")
HOST = "s3.us-east-1.amazonaws.com"
SSE_C_ALLOWED = {"Rules": [{"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]}
OWN_KEY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def s3(lab: Lab) -> Any:
    """S3 with a bucket "b-one" that takes SSE-C."""
    client = boto3.client("s3")
    client.create_bucket(Bucket="b-one")
    client.put_bucket_encryption(Bucket="b-one", ServerSideEncryptionConfiguration=SSE_C_ALLOWED)
    return client


# --- the disk -----------------------------------------------------------------------------------

METHODS: dict[str, dict[str, Any]] = {
    "SSE-S3": {},
    "SSE-KMS": {"ServerSideEncryption": "aws:kms"},
    "SSE-KMS with a Bucket Key": {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True},
    "DSSE-KMS": {"ServerSideEncryption": "aws:kms:dsse"},
    "SSE-C": OWN_KEY,
}


def stored_bytes(key: str) -> Any:
    """moto's buffer of an object: the sandbox's disk itself."""
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["aws"]
    return backend.buckets["b-one"].keys[key]._value_buffer


@pytest.mark.parametrize("method", METHODS)
def test_a_thief_holds_no_plaintext(lab: Lab, s3: Any, method: str) -> None:
    s3.put_object(Bucket="b-one", Key="a", Body=BODY, Metadata={"open": "yes"}, **METHODS[method])
    seen: Stored = lab.disk.object("b-one", "a")
    assert seen.method == method.partition(" ")[0]
    assert BODY not in seen.body
    assert len(seen.body) > len(BODY)
    assert seen.metadata["x-amz-meta-open"] == "yes", "metadata is not encrypted"
    assert (seen.bucket_key is not None) == method.endswith("Bucket Key")
    assert (seen.customer_key_hmac is not None) == (method == "SSE-C")
    assert b"k" * 32 not in b"".join(
        (seen.body, seen.data_key, seen.customer_key_hmac or b"", seen.bucket_key or b"")
    )
    own = OWN_KEY if method == "SSE-C" else {}
    assert s3.get_object(Bucket="b-one", Key="a", **own)["Body"].read() == BODY


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", [0, -1])
def test_a_flipped_bit_on_the_disk_is_an_internal_error(s3: Any, method: str, place: int) -> None:
    s3.put_object(Bucket="b-one", Key="a", Body=BODY, **METHODS[method])
    buffer = stored_bytes("a")
    buffer.seek(0)
    data = bytearray(buffer.read())
    data[place] ^= 1
    buffer.seek(0)
    buffer.write(data)
    no_retries = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError) as caught:
        no_retries.get_object(Bucket="b-one", Key="a", **(OWN_KEY if method == "SSE-C" else {}))
    assert caught.value.response["Error"]["Code"] == "InternalError"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_the_disk_shows_versions_and_nothing_that_is_gone(lab: Lab, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="b-one", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="b-one", Key="a", Body=b"1")["VersionId"]
    s3.put_object(Bucket="b-one", Key="a", Body=b"22")
    sizes = [len(lab.disk.object("b-one", "a", version).body) for version in (first, None)]
    assert sizes[1] == sizes[0] + 1
    s3.delete_object(Bucket="b-one", Key="a")
    assert lab.disk.object("b-one", "a", first)
    for missing in (("b-one", "a"), ("b-one", "b"), ("no-such-bucket", "a")):
        with pytest.raises(LookupError):
            lab.disk.object(*missing)


def test_compare_takes_the_disks_view(lab: Lab, s3: Any) -> None:
    from workshop_lib import compare

    s3.put_object(Bucket="b-one", Key="a", Body=BODY)
    table = compare(BODY, lab.disk.object("b-one", "a").body, vantage="disk (model)")
    assert list(table["without the key"]) == ["encrypted"]


def test_64_mib_pass_without_a_second_copy_staying_behind(s3: Any) -> None:
    body = b"x" * (64 * MIB)
    s3.put_object(Bucket="b-one", Key="warm", Body=b"x")
    gc.collect()
    tracemalloc.start()
    try:
        s3.put_object(Bucket="b-one", Key="big", Body=body)
        gc.collect()
        after_writing = tracemalloc.get_traced_memory()[0]
        response = s3.get_object(Bucket="b-one", Key="big", Range=f"bytes={40 * MIB}-")
        assert len(response["Body"].read()) == 24 * MIB
        del response
        gc.collect()
        after_reading = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after_writing < 4 * MIB
    assert after_reading < 4 * MIB


# --- listings -----------------------------------------------------------------------------------

_NUMBERS = itertools.count()
_NAMES = st.lists(st.text("ab/é", min_size=1, max_size=4), max_size=8, unique=True)


def expected_listing(keys: list[str], prefix: str, delimiter: str) -> list[str]:
    """What a listing holds, by its definition."""
    found = set()
    for key in keys:
        if key.startswith(prefix):
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                found.add(prefix + rest.split(delimiter)[0] + delimiter)
            else:
                found.add(key)
    return sorted(found)


@given(_NAMES, st.text("ab/", max_size=2), st.sampled_from(["", "/", "a"]), st.integers(1, 4))
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_listings_page_by_page(
    s3: Any, keys: list[str], prefix: str, delimiter: str, most: int
) -> None:
    bucket = f"b-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=bucket)
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    expected = expected_listing(keys, prefix, delimiter)
    for operation in ("list_objects", "list_objects_v2", "list_object_versions"):
        seen: list[str] = []
        pages = s3.get_paginator(operation).paginate(
            Bucket=bucket,
            Prefix=prefix,
            PaginationConfig={"PageSize": most},
            **({"Delimiter": delimiter} if delimiter else {}),
        )
        for page in pages:
            entries = page.get("Versions", []) if "versions" in operation else []
            entries = entries or page.get("Contents", [])
            found = [entry["Key"] for entry in entries]
            found += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
            assert len(found) <= most
            seen += found
        assert sorted(seen) == expected
        assert len(seen) == len(set(seen))


def test_uploads_under_way_are_listed_and_can_be_given_up(s3: Any) -> None:
    ids = [
        s3.create_multipart_upload(Bucket="b-one", Key=key)["UploadId"]
        for key in ("a/1", "a/2", "b")
    ]
    listed = s3.list_multipart_uploads(Bucket="b-one", Prefix="a/", MaxUploads=1)
    assert [upload["UploadId"] for upload in listed["Uploads"]] == ids[:1]
    assert listed["IsTruncated"] is True
    rest = s3.list_multipart_uploads(
        Bucket="b-one",
        KeyMarker=listed["NextKeyMarker"],
        UploadIdMarker=listed["NextUploadIdMarker"],
    )
    assert [upload["UploadId"] for upload in rest["Uploads"]] == ids[1:]
    s3.upload_part(Bucket="b-one", Key="b", UploadId=ids[2], PartNumber=3, Body=b"x")
    assert [part["PartNumber"] for part in s3.list_parts(
        Bucket="b-one", Key="b", UploadId=ids[2]
    )["Parts"]] == [3]  # fmt: skip
    s3.abort_multipart_upload(Bucket="b-one", Key="b", UploadId=ids[2])
    with pytest.raises(s3.exceptions.NoSuchUpload):
        s3.list_parts(Bucket="b-one", Key="b", UploadId=ids[2])


# --- over HTTP ----------------------------------------------------------------------------------


class Plain:
    """A gateway, asked with plain requests."""

    def __init__(self, **options: Any) -> None:
        self.gateway = Gateway(ADMINISTRATOR, **options)

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"",
        *, secure: bool = True, anonymous: bool = False, signed: bool = False,
    ) -> Response:  # fmt: skip
        scheme = "https" if secure else "http"
        request = request_for(method, f"{scheme}://{HOST}{path}", headers or {}, body)
        request.headers.setdefault("host", HOST)
        if not anonymous:
            scope = f"{ADMINISTRATOR.access_key_id}/20261124/us-east-1/s3/aws4_request"
            request.headers["authorization"] = (
                f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
            )
            request.headers["x-amz-date"] = "20261124T000000Z"
        return self.gateway.handle(request, secure=secure, signed=signed)


@pytest.fixture
def gateway() -> Plain:
    """A gateway with a bucket "b-one" that takes SSE-C."""
    made = Plain(sse_c_allowed=True)
    assert made.ask("PUT", "/b-one").status == 200
    return made


def code(response: Response) -> str:
    text = response.body.decode()
    return text.partition("<Code>")[2].partition("</Code>")[0]


def own_key(secret: bytes = b"k" * 32) -> dict[str, str]:
    import hashlib

    prefix = "x-amz-server-side-encryption-customer"
    return {
        f"{prefix}-algorithm": "AES256",
        f"{prefix}-key": base64.b64encode(secret).decode(),
        f"{prefix}-key-md5": base64.b64encode(hashlib.md5(secret).digest()).decode(),
    }


BY_KMS = {"x-amz-server-side-encryption": "aws:kms"}
BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled"


def test_keys_do_not_travel_in_clear(gateway: Plain) -> None:
    assert gateway.ask("PUT", "/b-one/c", own_key(), BODY).status == 200
    assert gateway.ask("PUT", "/b-one/k", BY_KMS, BODY).status == 200
    for method, path, headers in (
        ("PUT", "/b-one/c", own_key()),
        ("GET", "/b-one/c", own_key()),
        ("PUT", "/b-one/k", BY_KMS),
        ("GET", "/b-one/k", {}),
    ):
        body = BODY if method == "PUT" else b""
        refused = gateway.ask(method, path, headers, body, secure=False)
        assert refused.status == 400, (method, path)
        assert "must be made over a secure connection" in refused.body.decode()
    assert gateway.ask("PUT", "/b-one/plain", {}, BODY, secure=False).status == 200


def test_nothing_is_deleted_where_one_of_many_has_no_key(gateway: Plain) -> None:
    import hashlib

    gateway.ask("PUT", "/b-one/a", {}, BODY)
    for second, refusal in (
        (b"<Object/>", "MalformedXML"),
        (b"<Object><Key></Key></Object>", "UserKeyMustBeSpecified"),
    ):
        body = b"<Delete><Object><Key>a</Key></Object>" + second + b"</Delete>"
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        refused = gateway.ask("POST", "/b-one?delete", {"content-md5": digest}, body)
        assert (refused.status, code(refused)) == (400, refusal)
    assert gateway.ask("GET", "/b-one/a").body == BODY


def test_who_lists_buckets_unsigned_is_sent_to_the_page_about_s3(gateway: Plain) -> None:
    """As recorded: https://github.com/brekkylab/backlot/blob/main/backlot/routers/s3.py"""
    sent = gateway.ask("GET", "/", anonymous=True)
    assert (sent.status, sent.headers["Location"]) == (307, "https://aws.amazon.com/s3/")


def test_a_policy_may_ask_for_tls(gateway: Plain) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b-one", "arn:aws:s3:::b-one/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert gateway.ask("PUT", "/b-one?policy", {}, document.encode()).status == 204
    assert gateway.ask("PUT", "/b-one/a", {}, BODY).status == 200
    refused = gateway.ask("GET", "/b-one/a", secure=False)
    assert (refused.status, code(refused)) == (403, "AccessDenied")


def test_a_bucket_of_before_april_2026_says_nothing_of_blocked_types(gateway: Plain) -> None:
    assert b"BlockedEncryptionTypes" not in gateway.ask("GET", "/b-one?encryption").body


def presigned(method: str, params: dict[str, str], version: str = "s3v4") -> str:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id=ADMINISTRATOR.access_key_id,
        aws_secret_access_key=ADMINISTRATOR.secret_access_key,
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
        endpoint_url=f"https://{HOST}",
    )
    url: str = client.generate_presigned_url(method, Params={"Bucket": "b-one", **params})
    return url.removeprefix(f"https://{HOST}")


def test_presigned_urls_open_what_their_signature_version_may(gateway: Plain) -> None:
    gateway.ask("PUT", "/b-one/a", {}, BODY)
    gateway.ask("PUT", "/b-one/k", BY_KMS, BODY)

    def fetch(url: str) -> Response:
        return gateway.ask("GET", url, anonymous=True, signed=True)

    assert fetch(presigned("get_object", {"Key": "k"})).body == BODY
    assert fetch(presigned("get_object", {"Key": "a"}, "s3")).body == BODY
    refused = fetch(presigned("get_object", {"Key": "k"}, "s3"))
    assert (refused.status, code(refused)) == (400, "InvalidArgument")
    assert b"require AWS Signature Version 4" in refused.body


def test_a_presigned_url_for_sse_c_needs_the_headers_too(gateway: Plain) -> None:
    gateway.ask("PUT", "/b-one/c", own_key(), BODY)
    url = presigned("get_object", {"Key": "c", "SSECustomerAlgorithm": "AES256"})
    without = gateway.ask("GET", url, anonymous=True)
    assert without.status == 400
    found = gateway.ask("GET", url, own_key(), anonymous=True)
    assert (found.status, found.body) == (200, BODY)


def form(fields: dict[str, str], body: bytes = BODY) -> tuple[dict[str, str], bytes]:
    """A browser's upload form, encoded."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    file = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    content = b"".join(parts) + file + body + b"\r\n--edge--\r\n"
    return {"content-type": "multipart/form-data; boundary=edge"}, content


def post_fields(**more: str) -> dict[str, str]:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id=ADMINISTRATOR.access_key_id,
        aws_secret_access_key=ADMINISTRATOR.secret_access_key,
        config=Config(signature_version="s3v4"),
    )
    conditions: list[Any] = [{name: value} for name, value in more.items()]
    made = client.generate_presigned_post("b-one", "posted", Fields=more, Conditions=conditions)
    fields: dict[str, str] = made["fields"]
    return fields


@pytest.mark.parametrize(
    "encryption",
    [{}, {"x-amz-server-side-encryption": "AES256"}, BY_KMS, own_key()],
    ids=["default", "SSE-S3", "SSE-KMS", "SSE-C"],
)
def test_a_form_may_choose_the_encryption(gateway: Plain, encryption: dict[str, str]) -> None:
    headers, body = form(post_fields(**encryption, success_action_status="201"))
    answer = gateway.ask("POST", "/b-one", headers, body, anonymous=True, signed=True)
    assert answer.status == 201, answer.body
    assert b"<Key>posted</Key>" in answer.body
    reading = encryption if "x-amz-server-side-encryption" not in encryption else {}
    found = gateway.ask("GET", "/b-one/posted", reading)
    assert found.body == BODY
    method = found.header("x-amz-server-side-encryption")
    expected = None if encryption == own_key() else "AES256"
    assert method == encryption.get("x-amz-server-side-encryption", expected)


def test_a_form_is_subject_to_the_bucket_policy(gateway: Plain) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::b-one/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    gateway.ask("PUT", "/b-one?policy", {}, document.encode())
    headers, body = form(post_fields())
    refused = gateway.ask("POST", "/b-one", headers, body, anonymous=True, signed=True)
    assert (refused.status, code(refused)) == (403, "AccessDenied")
    headers, body = form(post_fields(**BY_KMS))
    assert gateway.ask("POST", "/b-one", headers, body, anonymous=True, signed=True).status == 204


RULES = (
    "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example</AllowedOrigin>"
    "<AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader>"
    "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>"
    "</CORSConfiguration>"
)
PAGE = {"origin": "https://page.example"}


def test_a_browser_that_asks_first(gateway: Plain) -> None:
    asking = {**PAGE, "access-control-request-method": "PUT"}

    def refusal(path: str, headers: dict[str, str]) -> list[str]:
        told = gateway.ask("OPTIONS", path, headers, anonymous=True).body.decode()
        names = ("Code", "Message", "Method", "ResourceType")
        return [text for name in names for text in re.findall(f"<{name}>(.*?)</{name}>", told)]

    unsaid = ["BadRequest", "Insufficient information. Origin request header needed."]
    for path in ("/b-one/a", "/no-bucket/a"):
        assert refusal(path, {}) == unsaid
    unknown = ["AccessForbidden", "CORSResponse: Bucket not found", "OPTIONS", "BUCKET"]
    assert refusal("/no-bucket/a", PAGE) == unknown
    without = ["AccessForbidden", "CORSResponse: CORS is not enabled for this bucket."]
    assert refusal("/b-one/a", asking) == [*without, "PUT", "BUCKET"]
    assert refusal("/b-one/a", PAGE) == [*without, "OPTIONS", "BUCKET"]
    # a method that is none is told first: https://github.com/brekkylab/backlot
    for path in ("/no-bucket/a", "/b-one/a"):
        for method, told in (
            ("FLY", ["BadRequest", "Invalid Access-Control-Request-Method: FLY"]),
            ("put", ["BadRequest", "Invalid Access-Control-Request-Method: put"]),
        ):
            assert refusal(path, {**PAGE, "access-control-request-method": method}) == told
    assert refusal("/b-one/a", {**PAGE, "access-control-request-method": "PATCH"})[0] == without[0]
    # compared with S3: https://github.com/versity/versitygw, tests/integration/OPTIONS.go
    named = {**asking, "access-control-request-headers": "date, bad/name"}
    words = 'Access-Control-Request-Headers " bad/name" contains invalid character.'
    assert refusal("/b-one/a", named) == ["BadRequest", words]
    assert gateway.ask("PUT", "/b-one?cors", {}, RULES.encode()).status == 200
    for change in (
        {"origin": "https://page.test"},
        {"access-control-request-method": "DELETE"},
        {"access-control-request-headers": "x-amz-acl, authorization"},
    ):
        told = refusal("/b-one/a", asking | change)
        method = change.get("access-control-request-method", "PUT")
        assert told[0] == "AccessForbidden"
        assert told[2:] == [method, "OBJECT"]
    assert refusal("/b-one", asking | {"origin": "null"})[2:] == ["PUT", "BUCKET"]
    assert refusal("/b-one/a", PAGE)[0] == "BadRequest"
    asked = {**asking, "access-control-request-headers": "X-Amz-Acl,x-amz-meta-a"}
    answer = gateway.ask("OPTIONS", "/b-one/a", asked, anonymous=True)
    shown = {name: text for name, text in answer.headers.items() if name.startswith("Access")}
    assert shown == {
        "Access-Control-Allow-Origin": "https://page.example",
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Allow-Headers": "x-amz-acl, x-amz-meta-a",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "ETag",
        "Access-Control-Max-Age": "60",
    }
    signature = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=of-the-PUT-to-come"
    preflight = gateway.ask("OPTIONS", f"/b-one/a{signature}", asking, anonymous=True, signed=True)
    assert preflight.status == 200


def test_a_page_may_read_answers(gateway: Plain) -> None:
    gateway.ask("PUT", "/b-one?cors", {}, RULES.encode())

    def readable(method: str, headers: dict[str, str], *, anonymous: bool = False) -> bool:
        answer = gateway.ask(method, "/b-one/a", headers, BODY, anonymous=anonymous)
        assert answer.status == (403 if anonymous else 200)
        told = [
            answer.headers.get(f"Access-Control-{name}") for name in ("Max-Age", "Allow-Origin")
        ]
        assert told in ([None, None], ["60", "https://page.example"])
        return told[0] is not None

    assert readable("PUT", PAGE)
    assert readable("PUT", PAGE, anonymous=True)
    assert not readable("GET", PAGE)
    assert not readable("PUT", {})
    # what a browser says only in front of a request counts in the request as well
    assert readable("GET", {**PAGE, "access-control-request-method": "PUT"})
    assert not readable("PUT", {**PAGE, "access-control-request-method": "GET"})
    assert not readable("PUT", {**PAGE, "access-control-request-headers": "authorization"})
    assert gateway.ask("DELETE", "/b-one?cors").status == 204
    assert not readable("PUT", PAGE)


def test_data_comes_with_its_length(gateway: Plain) -> None:
    refused = gateway.ask("PUT", "/b-one/a", {})
    assert (refused.status, code(refused)) == (411, "MissingContentLength")
    assert gateway.ask("PUT", "/b-one/a", {"content-length": "0"}).status == 200


# --- ranges and preconditions of reads ----------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status", "expected"),
    [
        ("bytes=0-3", 206, b"card"),
        ("bytes=-4", 206, b"1111"),
        ("bytes=20-99", 206, b"1111"),
        ("bytes=20-", 206, b"1111"),
        ("bytes=-999", 206, BODY),
        ("bytes=3-1", 200, BODY),
        ("bytes=0-1,3-4", 200, BODY),
        ("items=0-1", 200, BODY),
        ("bytes=24-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
@pytest.mark.parametrize("encryption", [{}, BY_KMS, own_key()], ids=["S3", "KMS", "C"])
def test_ranges(
    gateway: Plain,
    encryption: dict[str, str],
    header: str,
    status: int,
    expected: bytes | None,
) -> None:
    gateway.ask("PUT", "/b-one/a", encryption, BODY)
    reading = encryption if encryption == own_key() else {}
    found = gateway.ask("GET", "/b-one/a", {"range": header, **reading})
    head = gateway.ask("HEAD", "/b-one/a", {"range": header, **reading})
    assert (found.status, head.status) == (status, status)
    if expected is None:
        assert code(found) == "InvalidRange"
    else:
        assert found.body == expected
        assert found.header("content-length") == head.header("content-length")
        assert found.header("content-range") == head.header("content-range")
        assert head.body == b""


def test_preconditions_of_reads(gateway: Plain) -> None:
    etag = gateway.ask("PUT", "/b-one/a", {}, BODY).headers["ETag"]
    past, future = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    for headers, status in (
        ({"if-match": etag}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-match": etag, "if-unmodified-since": past}, 200),
        ({"if-none-match": etag}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-none-match": etag, "if-modified-since": past}, 304),
        ({"if-modified-since": past}, 200),
        ({"if-unmodified-since": past}, 412),
        ({"if-unmodified-since": future}, 200),
        ({"if-modified-since": "nonsense"}, 200),
    ):
        for method in ("GET", "HEAD"):
            assert gateway.ask(method, "/b-one/a", headers).status == status, (method, headers)


# --- whatever comes -----------------------------------------------------------------------------

_HEADERS = {
    "x-amz-server-side-encryption": ["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx", "", "aes256"],
    "x-amz-server-side-encryption-aws-kms-key-id": ["alias/aws/s3", "alias/none", "x", ""],
    "x-amz-server-side-encryption-context": ["e30=", "eyJhIjoiYiJ9", "WzFd", "{}", ""],
    "x-amz-server-side-encryption-bucket-key-enabled": ["true", "false", "maybe", ""],
    "x-amz-server-side-encryption-customer-algorithm": ["AES256", "AES128", ""],
    "x-amz-server-side-encryption-customer-key": [*own_key().values(), "", "x", "////"],
    "x-amz-server-side-encryption-customer-key-md5": [*own_key().values(), "", "x"],
    "x-amz-copy-source": ["/b-one/present", "b-one/own", "b-one", "", "/", "%ff/%00"],
    "x-amz-copy-source-range": ["bytes=0-1", "bytes=9-1", "x"],
    "x-amz-copy-source-server-side-encryption-customer-algorithm": ["AES256", "x"],
    "x-amz-copy-source-server-side-encryption-customer-key": [*own_key().values(), "x"],
    "x-amz-copy-source-server-side-encryption-customer-key-md5": [*own_key().values(), "x"],
    "x-amz-checksum-crc32": ["AAAAAA==", "x", ""],
    "x-amz-checksum-algorithm": ["SHA256", "CRC32", "x", ""],
    "x-amz-checksum-type": ["COMPOSITE", "FULL_OBJECT", "x"],
    "x-amz-object-attributes": ["ETag", "Checksum,ObjectParts", "x", ""],
    "x-amz-metadata-directive": ["COPY", "REPLACE", "x"],
    "x-amz-storage-class": ["STANDARD", "x"],
    "x-amz-tagging": ["a=b", "a=b&a=c", "=", "%"],
    "x-amz-acl": ["private", "bucket-owner-full-control", "x"],
    "x-amz-object-lock-mode": ["GOVERNANCE", "x"],
    "content-md5": ["x", "AAAAAAAAAAAAAAAAAAAAAA=="],
    "range": ["bytes=0-1", "bytes=99999-", "bytes=" + "9" * 40 + "-", "x"],
    "if-match": ["*", '"x"'],
    "if-none-match": ["*", '"x"'],
}
_QUERIES = [
    "", "?uploads", "?uploadId=UPLOAD&partNumber=1", "?uploadId=none", "?versionId=null",
    "?versionId=x", "?partNumber=1", "?partNumber=0", "?partNumber=x", "?attributes", "?encryption",
    "?tagging", "?acl", "?retention", "?legal-hold", "?uploadId=UPLOAD",
    "?uploadId=UPLOAD&partNumber=x",
]  # fmt: skip
_BUCKET_QUERIES = [
    "", "?encryption", "?policy", "?versioning", "?delete", "?list-type=2&max-keys=x",
    "?list-type=2&continuation-token=x", "?versions&version-id-marker=x", "?uploads&max-uploads=-1",
    "?encoding-type=x", "?publicAccessBlock", "?ownershipControls", "?cors", "?lifecycle",
    "?tagging", "?acl", "?max-keys=" + "9" * 30, "?policyStatus", "?object-lock",
]  # fmt: skip
_BODIES = st.sampled_from(
    [b"", BODY, b"<", b"<Delete/>", b"<Tagging><TagSet/></Tagging>", b"<a>" * 2000, b"{}",
     b"<Delete><Object><Key>x</Key></Object></Delete>", b"\xff\xfe", b"<!DOCTYPE a><a/>",
     b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>",
     b"<ServerSideEncryptionConfiguration><Rule/></ServerSideEncryptionConfiguration>",
     b"<VersioningConfiguration><Status>x</Status></VersioningConfiguration>",
     b"<OwnershipControls/>", b"<CORSConfiguration/>", b"<LifecycleConfiguration/>"]
)  # fmt: skip


@pytest.fixture(scope="module")
def fuzzed() -> Plain:
    gateway = Plain(sse_c_allowed=True)
    gateway.ask("PUT", "/b-one")
    gateway.ask("PUT", "/b-one/present", {}, BODY)
    gateway.ask("PUT", "/b-one/own", own_key(), BODY)
    gateway.ask("PUT", "/b-one/kept", {}, BODY)
    return gateway


_SENT = st.lists(
    st.sampled_from([(name, value) for name, values in _HEADERS.items() for value in values]),
    max_size=5,
).map(dict)


def test_a_retention_until_after_the_last_year_is_no_date() -> None:
    gateway, until = Plain(), "9999-12-31T23:59:59-14:00"
    gateway.ask("PUT", "/locked", {"x-amz-bucket-object-lock-enabled": "true"})
    gateway.ask("PUT", "/locked/a", {}, BODY)
    lock = {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": until}
    assert code(gateway.ask("PUT", "/locked/a", lock, BODY)) == "InvalidArgument"
    asked = f"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{until}</RetainUntilDate>"
    answer = gateway.ask("PUT", "/locked/a?retention", {}, f"{asked}</Retention>".encode())
    assert code(answer) == "MalformedXML"


@given(
    st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    st.sampled_from(["/b-one/present", "/b-one/own", "/b-one/new", "/none/a", "/b-one"]),
    st.data(),
    _SENT,
    _BODIES,
)
@settings(max_examples=300)
def test_nothing_that_comes_breaks_it(
    fuzzed: Plain,
    method: str,
    path: str,
    data: st.DataObject,
    headers: dict[str, str],
    body: bytes,
) -> None:
    query = data.draw(st.sampled_from(_BUCKET_QUERIES if path == "/b-one" else _QUERIES))
    assume(not (method == "DELETE" and path in ("/b-one", "/b-one/own", "/b-one/present")))
    assume(not (method == "PUT" and "policy" in query))
    if "UPLOAD" in query:
        started = fuzzed.ask("POST", f"{path}?uploads").body.decode()
        upload_id = started.partition("<UploadId>")[2].partition("</UploadId>")[0]
        query = query.replace("UPLOAD", upload_id or "none")
    response = None
    with contextlib.suppress(NotEmulated):  # 501 over HTTP: named, not silent
        response = fuzzed.ask(method, path + query, headers, body)
    if response is None:
        return
    assert response.status < 500 or code(response) == "NotImplemented", response.body
    if method == "PUT" and not query and response.status == 200 and path != "/b-one":
        asked = headers.get("x-amz-server-side-encryption")
        assert response.header("x-amz-server-side-encryption") == (
            None if headers.get("x-amz-server-side-encryption-customer-key") else asked or "AES256"
        )
        assert asked != "", "an encryption nobody knows is not accepted"


@given(
    st.dictionaries(
        st.sampled_from([name for name in _HEADERS if "encryption" in name]),
        st.text(st.characters(codec="latin-1"), max_size=20),
        max_size=4,
    )
)
@settings(max_examples=150)
def test_encryption_headers_of_any_text(fuzzed: Plain, headers: dict[str, str]) -> None:
    response = fuzzed.ask("PUT", "/b-one/any", headers, BODY)
    own = {name: text for name, text in headers.items() if not name.startswith("x-amz-copy")}
    means_something = own.keys() <= {BUCKET_KEY} and own.get(BUCKET_KEY, "true").lower() in (
        "true",
        "false",
    )
    assert response.status == (200 if means_something else 400), response.body
    assert fuzzed.ask("GET", "/b-one/kept").body == BODY


def test_odd_keys_are_kept_apart(gateway: Plain) -> None:
    keys = ["a b", "a+b", "a%20b", "é", "a//b", "../a", "a?b", "a#b", "\u2028", "a/"]
    for number, key in enumerate(keys):
        path = "/b-one/" + quote(key, safe="/")
        assert gateway.ask("PUT", path, {}, str(number).encode()).status == 200
    for number, key in enumerate(keys):
        assert gateway.ask("GET", "/b-one/" + quote(key, safe="/")).body == str(number).encode()


# --- each name of a list ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
     "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"],
)  # fmt: skip
def test_an_object_has_any_storage_class(s3: Any, name: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    s3.put_object(Bucket="b-one", Key="k", Body=b"x", StorageClass=name)
    assert s3.head_object(Bucket="b-one", Key="k").get("StorageClass", "STANDARD") == name
    archived = name in ("GLACIER", "DEEP_ARCHIVE")
    with pytest.raises(ClientError) if archived else contextlib.nullcontext():
        assert s3.get_object(Bucket="b-one", Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize(
    ("parameter", "header"),
    [
        ("ResponseCacheControl", "CacheControl"),
        ("ResponseContentDisposition", "ContentDisposition"),
        ("ResponseContentEncoding", "ContentEncoding"),
        ("ResponseContentLanguage", "ContentLanguage"),
        ("ResponseContentType", "ContentType"),
        ("ResponseExpires", "ExpiresString"),
    ],
)
def test_a_read_may_ask_for_another_header(s3: Any, parameter: str, header: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    s3.put_object(Bucket="b-one", Key="k", Body=b"x", ContentType="text/plain")
    wanted: Any = "Tue, 01 Sep 2026 12:00:00 GMT"
    found = s3.get_object(Bucket="b-one", Key="k", **{parameter: wanted})
    assert found[header] == wanted
    assert s3.get_object(Bucket="b-one", Key="k").get(header) in (None, "text/plain")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("CacheControl", "no-store"), ("ContentDisposition", "inline"), ("ContentLanguage", "de"),
        ("ContentType", "text/plain"), ("ContentEncoding", "gzip"),
        ("WebsiteRedirectLocation", "/other"),
    ],
)  # fmt: skip
def test_a_header_of_an_upload_comes_back_with_the_object(
    s3: Any, parameter: str, value: str
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"""
    s3.put_object(Bucket="b-one", Key="k", Body=b"x", **{parameter: value})
    assert s3.get_object(Bucket="b-one", Key="k")[parameter] == value
    assert s3.head_object(Bucket="b-one", Key="k")[parameter] == value


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)))
def test_a_time_in_a_header_is_written_as_http_does(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    assert http_date(moment) == format_datetime(moment, usegmt=True)


NARROWING = {
    "aws:PrincipalAccount": "123456789012",
    "aws:PrincipalArn": "arn:aws:iam::123456789012:role/app",
    "aws:PrincipalOrgID": "o-a1b2c3d4e5",
    "aws:SourceAccount": "123456789012",
    "aws:SourceArn": "arn:aws:s3:::b-one",
    "aws:SourceIp": "192.0.2.0/24",
    "aws:SourceOrgID": "o-a1b2c3d4e5",
    "aws:SourceVpc": "vpc-111bbb22",
    "aws:SourceVpce": "vpce-1a2b3c4d",
    "aws:userid": "AROAEXAMPLEID",
    "s3:DataAccessPointAccount": "123456789012",
    "s3:DataAccessPointArn": "arn:aws:s3:us-east-1:123456789012:accesspoint/a",
}


@pytest.mark.parametrize("key", NARROWING)
def test_a_fixed_value_makes_a_policy_other_than_public(s3: Any, key: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
    value = NARROWING[key]
    kind = "IpAddress" if key == "aws:SourceIp" else "StringLike"

    def put(condition: dict[str, Any]) -> None:
        statement = {
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b-one/*", "Condition": condition,
        }  # fmt: skip
        document = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket="b-one", Policy=json.dumps(document))

    if key != "aws:SourceArn":  # a bucket's ARN names no account
        put({kind: {key: value}})
        assert not s3.get_bucket_policy_status(Bucket="b-one")["PolicyStatus"]["IsPublic"]
    wide = {"aws:SourceIp": "0.0.0.0/1"}.get(key, "*")
    for condition in ({kind: {key: wide}}, {kind.replace("Like", "NotLike"): {key: wide}}):
        with pytest.raises(ClientError, match="AccessDenied"):
            put(condition)
