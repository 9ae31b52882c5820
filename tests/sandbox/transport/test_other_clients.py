"""A public S3 client that shares no code with botocore: minio-py, over TLS.

It sends customer keys and KMS headers over TLS only, so the server gets a throw-away certificate.
"""

import datetime
import io
import json
import os
import re
import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from minio import Minio, S3Error
from minio.commonconfig import COMPLIANCE, ENABLED, REPLACE, ComposeSource, CopySource, Tags
from minio.datatypes import PostPolicy
from minio.deleteobjects import DeleteObject
from minio.retention import Retention
from minio.sse import Sse, SseCustomerKey, SseKMS, SseS3
from minio.sseconfig import Rule, SSEConfig
from minio.versioningconfig import VersioningConfig

from tests.support.labs import without_kernel_transport
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.transport.http_server import HttpServer

ADMINISTRATOR = Credentials("AKIATESTADMINISTRATOR", "the/secret+of/a+test")
MIB = 2**20


class TlsServer(HttpServer):
    """The HTTP server with a certificate, which the sandbox itself has no need of."""

    def __init__(self, gateway: Gateway, certificate: Path) -> None:
        super().__init__(gateway)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)

    def _serve(self, connection: socket.socket, source_ip: str) -> None:
        self._connections.pop(connection, None)
        try:
            connection = self._context.wrap_socket(connection, server_side=True)
        except OSError:  # the client went away
            return
        super()._serve(connection, source_ip)


def make_certificate(file: Path) -> None:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test's sandbox")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    make_certificate(file)
    return file


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[TlsServer]:
    server = TlsServer(Gateway(ADMINISTRATOR, sse_c_allowed=True), certificate)
    server.start()
    yield server
    server.stop()
    clock.reset()


@pytest.fixture(scope="module")
def http(certificate: Path) -> urllib3.PoolManager:
    return urllib3.PoolManager(ca_certs=str(certificate), retries=False, timeout=30)


@pytest.fixture(scope="module")
def client(server: TlsServer, http: urllib3.PoolManager) -> Minio:
    own = ADMINISTRATOR
    return Minio(
        f"127.0.0.1:{server.port}", own.access_key_id, own.secret_access_key, http_client=http
    )


@pytest.fixture(scope="module")
def key_arn(server: TlsServer, certificate: Path) -> str:
    """A KMS key; minio-py speaks S3 only."""
    with without_kernel_transport():
        kms = boto3.Session().client(
            "kms",
            endpoint_url=f"https://127.0.0.1:{server.port}",
            region_name="us-east-1",
            aws_access_key_id=ADMINISTRATOR.access_key_id,
            aws_secret_access_key=ADMINISTRATOR.secret_access_key,
            verify=str(certificate),
        )
        arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture
def bucket(client: Minio, request: pytest.FixtureRequest) -> str:
    name = re.sub("[^a-z0-9]+", "-", request.node.name)[-40:].strip("-")
    client.make_bucket(name)
    return name


def refused(call: Any, *args: Any, **options: Any) -> str:
    """The code of the refusal that a call must get."""
    with pytest.raises(S3Error) as caught:
        call(*args, **options)
    return str(caught.value.code)


def body(client: Minio, bucket: str, key: str, **options: Any) -> bytes:
    answer = client.get_object(bucket, key, **options)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


# --- Encryption ----------------------------------------------------------------------------------


def methods(key_arn: str) -> dict[str, Sse | None]:
    """One of each way to ask for encryption, and none."""
    return {
        "default": None,
        "SSE-S3": SseS3(),
        "SSE-KMS": SseKMS(key_arn, {"purpose": "test"}),
        "SSE-C": SseCustomerKey(bytes(range(32))),
    }


METHODS = ("default", "SSE-S3", "SSE-KMS", "SSE-C")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [0, 1, 100_000, 11 * MIB])
def test_an_object_comes_back(
    client: Minio, bucket: str, key_arn: str, method: str, size: int
) -> None:
    """In one request, or in parts of 5 MiB from a stream of unknown length."""
    sse, content = methods(key_arn)[method], os.urandom(size)
    customer: Any = sse if method == "SSE-C" else None
    length: dict[str, Any] = (
        {"length": -1, "part_size": 5 * MIB} if size > MIB else {"length": size}
    )
    client.put_object(
        bucket, "a/b c+é", io.BytesIO(content), sse=sse, metadata={"note": "words"},
        content_type="text/plain", **length,
    )  # fmt: skip
    assert body(client, bucket, "a/b c+é", ssec=customer) == content
    found = client.stat_object(bucket, "a/b c+é", ssec=customer)
    assert (found.size, found.content_type) == (size, "text/plain")
    told = found.metadata
    assert told is not None
    assert told["x-amz-meta-note"] == "words"
    shown = {"default": "AES256", "SSE-S3": "AES256", "SSE-KMS": "aws:kms", "SSE-C": None}
    assert told.get("x-amz-server-side-encryption") == shown[method]
    if method == "SSE-KMS":
        assert told["x-amz-server-side-encryption-aws-kms-key-id"] == key_arn
    if size > MIB:
        assert str(found.etag).endswith("-3")
        part = body(client, bucket, "a/b c+é", ssec=customer, offset=5 * MIB - 3, length=7)
        assert part == content[5 * MIB - 3 : 5 * MIB + 4]


def test_a_customer_key_is_asked_for_again(client: Minio, bucket: str) -> None:
    mine, other = SseCustomerKey(os.urandom(32)), SseCustomerKey(os.urandom(32))
    client.put_object(bucket, "k", io.BytesIO(b"mine"), 4, sse=mine)
    assert refused(client.get_object, bucket, "k") == "InvalidRequest"
    assert refused(client.get_object, bucket, "k", ssec=other) == "AccessDenied"
    with pytest.raises(S3Error) as caught:
        client.stat_object(bucket, "k")
    assert caught.value.response.status == 400


@pytest.mark.parametrize("target", METHODS)
@pytest.mark.parametrize("source", METHODS)
def test_copies_from_each_method_to_each(
    client: Minio, bucket: str, key_arn: str, source: str, target: str
) -> None:
    """At once, and part by part."""
    before, after = methods(key_arn)[source], methods(key_arn)[target]
    mine: Any = before if source == "SSE-C" else None
    theirs: Any = after if target == "SSE-C" else None
    content = os.urandom(5 * MIB + 1)
    client.put_object(bucket, "from", io.BytesIO(content), len(content), sse=before)
    client.copy_object(
        bucket, "to", CopySource(bucket, "from", ssec=mine), sse=after,
        metadata={"new": "yes"}, metadata_directive=REPLACE,
    )  # fmt: skip
    assert body(client, bucket, "to", ssec=theirs) == content
    client.compose_object(
        bucket, "joined",
        [ComposeSource(bucket, "from", ssec=mine), ComposeSource(bucket, "from", ssec=mine)],
        sse=after,
    )  # fmt: skip
    assert body(client, bucket, "joined", ssec=theirs) == content * 2


def test_a_bucket_s_default(client: Minio, bucket: str, key_arn: str) -> None:
    default = client.get_bucket_encryption(bucket)
    assert default is not None
    assert default.rule.sse_algorithm == "AES256"
    client.set_bucket_encryption(bucket, SSEConfig(Rule.new_sse_kms_rule(key_arn)))
    default = client.get_bucket_encryption(bucket)
    assert default is not None
    assert (default.rule.sse_algorithm, default.rule.kms_master_key_id) == ("aws:kms", key_arn)
    client.put_object(bucket, "k", io.BytesIO(b"x"), 1)
    told = client.stat_object(bucket, "k").metadata
    assert told is not None
    assert told["x-amz-server-side-encryption-aws-kms-key-id"] == key_arn
    client.delete_bucket_encryption(bucket)
    default = client.get_bucket_encryption(bucket)
    assert default is not None
    assert default.rule.sse_algorithm == "AES256"


def test_a_policy_asks_for_a_method(client: Minio, bucket: str) -> None:
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
    }  # fmt: skip
    document = {"Version": "2012-10-17", "Statement": [deny]}
    client.set_bucket_policy(bucket, json.dumps(document))
    assert json.loads(client.get_bucket_policy(bucket)) == document
    assert refused(client.put_object, bucket, "k", io.BytesIO(b"x"), 1) == "AccessDenied"
    client.put_object(bucket, "k", io.BytesIO(b"x"), 1, sse=SseS3())
    client.delete_bucket_policy(bucket)
    assert refused(client.get_bucket_policy, bucket) == "NoSuchBucketPolicy"


# --- By hand-outs --------------------------------------------------------------------------------


def test_presigned_urls(client: Minio, http: urllib3.PoolManager, bucket: str) -> None:
    hour = datetime.timedelta(hours=1)
    put = client.presigned_put_object(bucket, "a b", hour)
    assert http.request("PUT", put, body=b"hello").status == 200
    url = client.presigned_get_object(
        bucket, "a b", hour, response_headers={"response-content-type": "text/x-test"}
    )
    answer = http.request("GET", url)
    assert (answer.data, answer.headers["Content-Type"]) == (b"hello", "text/x-test")
    assert http.request("GET", url.replace("a%20b", "other")).status == 403
    url = client.get_presigned_url("HEAD", bucket, "a b")
    assert http.request("HEAD", url).headers["Content-Length"] == "5"
    url = client.get_presigned_url("DELETE", bucket, "a b")
    assert http.request("DELETE", url).status == 204
    assert refused(client.get_object, bucket, "a b") == "NoSuchKey"


def test_a_post_policy(client: Minio, http: urllib3.PoolManager, bucket: str) -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    policy = PostPolicy(bucket, later)
    policy.add_starts_with_condition("key", "up/")
    policy.add_equals_condition("x-amz-server-side-encryption", "aws:kms")
    policy.add_content_length_range_condition(1, 10)
    fields = {
        **client.presigned_post_policy(policy),
        "key": "up/${filename}",
        "x-amz-server-side-encryption": "aws:kms",
    }
    address = f"{client._base_url._url.geturl()}/{bucket}"

    def post(content: bytes, **changed: str) -> int:
        form: Any = {**fields, **changed, "file": ("f.txt", content)}
        return http.request("POST", address, fields=form).status

    assert post(b"hello") == 204
    told = client.stat_object(bucket, "up/f.txt").metadata
    assert told is not None
    assert told["x-amz-server-side-encryption"] == "aws:kms"
    assert post(b"hello", key="elsewhere") == 403
    assert post(b"hello", **{"x-amz-server-side-encryption": "AES256"}) == 403
    assert post(b"much too long") == 400


# --- Buckets and versions ------------------------------------------------------------------------


def test_listing_and_deleting(client: Minio, bucket: str) -> None:
    names = [f"deep/{number:04}" for number in range(25)] + ["top", "ü &<"]
    for name in names:
        client.put_object(bucket, name, io.BytesIO(b""), 0)
    found = client.list_objects(bucket, recursive=True)
    assert [each.object_name for each in found] == sorted(names)
    found = client.list_objects(bucket)
    assert {each.object_name for each in found} == {"deep/", "top", "ü &<"}
    found = client.list_objects(bucket, prefix="deep/", start_after="deep/0022")
    assert [each.object_name for each in found] == ["deep/0023", "deep/0024"]
    assert refused(client.remove_bucket, bucket) == "BucketNotEmpty"
    errors = client.remove_objects(bucket, [DeleteObject(name) for name in [*names, "none"]])
    assert list(errors) == []
    client.remove_bucket(bucket)
    assert not client.bucket_exists(bucket)
    assert bucket not in [each.name for each in client.list_buckets()]


def test_versions(client: Minio, bucket: str) -> None:
    client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    assert client.get_bucket_versioning(bucket).status == ENABLED
    first = client.put_object(bucket, "k", io.BytesIO(b"1"), 1).version_id
    client.put_object(bucket, "k", io.BytesIO(b"2"), 1, sse=SseCustomerKey(bytes(32)))
    assert body(client, bucket, "k", version_id=first) == b"1"
    client.remove_object(bucket, "k")
    assert refused(client.get_object, bucket, "k") == "NoSuchKey"
    listed = list(client.list_objects(bucket, include_version=True))
    assert sorted(each.is_delete_marker for each in listed) == [False, False, True]
    for each in listed:
        client.remove_object(bucket, "k", version_id=each.version_id)
    assert list(client.list_objects(bucket, include_version=True)) == []


def test_tags(client: Minio, bucket: str) -> None:
    tags = Tags.new_object_tags()
    tags["level"] = "secret stuff"
    client.put_object(bucket, "k", io.BytesIO(b""), 0, tags=tags)
    assert client.get_object_tags(bucket, "k") == tags
    tags["more"] = "x"
    client.set_object_tags(bucket, "k", tags)
    assert client.get_object_tags(bucket, "k") == tags
    client.delete_object_tags(bucket, "k")
    assert client.get_object_tags(bucket, "k") is None
    assert client.get_bucket_tags(bucket) is None
    own = Tags.new_bucket_tags()
    own["owner"] = "ada"
    client.set_bucket_tags(bucket, own)
    assert client.get_bucket_tags(bucket) == own
    client.delete_bucket_tags(bucket)
    assert client.get_bucket_tags(bucket) is None


def test_files(client: Minio, bucket: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(6 * MIB))
    mine = SseCustomerKey(os.urandom(32))
    client.fput_object(bucket, "k", str(source), part_size=5 * MIB, sse=mine)
    client.fget_object(bucket, "k", str(target), ssec=mine)
    assert target.read_bytes() == source.read_bytes()


def test_a_locked_bucket(client: Minio, bucket: str) -> None:
    client.make_bucket(bucket + "-locked", object_lock=True)
    there = (bucket + "-locked", "k")
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    version = client.put_object(
        *there, io.BytesIO(b"x"), 1, retention=Retention(COMPLIANCE, until), legal_hold=True
    ).version_id
    assert client.is_object_legal_hold_enabled(*there)
    client.disable_object_legal_hold(*there)
    assert not client.is_object_legal_hold_enabled(*there)
    kept = client.get_object_retention(*there)
    assert kept is not None
    assert kept.mode == COMPLIANCE
    assert refused(client.remove_object, *there, version_id=version) == "AccessDenied"


def test_wrong_credentials(server: TlsServer, http: urllib3.PoolManager, bucket: str) -> None:
    address = f"127.0.0.1:{server.port}"
    wrong = Minio(address, ADMINISTRATOR.access_key_id, "wrong", http_client=http)
    assert refused(wrong.list_objects(bucket).__next__) == "SignatureDoesNotMatch"
    nobody = Minio(address, http_client=http)
    assert refused(nobody.get_object, bucket, "k") == "AccessDenied"
