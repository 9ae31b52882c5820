"""The HTTP server: real clients, many at once, big bodies, and what is no HTTP at all."""

import gc
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.labs import without_kernel_transport
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth import sigv4
from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.call import Signature
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.operations import read_operation
from workshop_lib.sandbox.services.kms import DEFINITION as KMS
from workshop_lib.sandbox.services.s3 import DEFINITION as S3
from workshop_lib.sandbox.services.s3 import xml
from workshop_lib.sandbox.transport import http_server
from workshop_lib.sandbox.transport.http_server import HttpServer

ADMINISTRATOR = Credentials("AKIATESTADMINISTRATOR", "the/secret+of/a+test")


@pytest.fixture(scope="module", autouse=True)
def _no_kernel_transport() -> Iterator[None]:
    with without_kernel_transport():
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    server = HttpServer(Gateway(ADMINISTRATOR))
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    yield
    clock.reset()


def client(server: HttpServer, service: str, **options: Any) -> Any:
    """A boto3 client of the server's administrator, unless told otherwise."""
    given = {
        "endpoint_url": server.address,
        "region_name": "us-east-1",
        "aws_access_key_id": ADMINISTRATOR.access_key_id,
        "aws_secret_access_key": ADMINISTRATOR.secret_access_key,
        "aws_session_token": None,
        **options,
    }
    return boto3.Session().client(service, **given)


def exchange(server: HttpServer, data: bytes, *, timeout: float = 10) -> bytes:
    """What the server sends back for raw bytes, until it closes the connection or is silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def get(server: HttpServer, path: str, extra: str = "") -> bytes:
    return exchange(server, f"GET {path} HTTP/1.1\r\nHost: {host(server)}\r\n{extra}\r\n".encode())


def host(server: HttpServer) -> str:
    return f"127.0.0.1:{server.port}"


# --- Clients -------------------------------------------------------------------------------------


def test_every_service_answers(server: HttpServer) -> None:
    assert client(server, "sts").get_caller_identity()["Arn"].endswith(":user/workshop-admin")
    assert client(server, "kms").list_keys()["Keys"] == []
    assert client(server, "dynamodb").list_tables()["TableNames"] == []
    assert client(server, "iam").list_users()["Users"][0]["UserName"] == "workshop-admin"
    assert "Buckets" in client(server, "s3").list_buckets()
    assert client(server, "dynamodbstreams").list_streams()["Streams"] == []


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(signature_version="s3"),
        Config(s3={"payload_signing_enabled": True}),
        Config(request_checksum_calculation="when_required"),
    ],
    ids=["default", "SigV2", "signed payload", "no checksum"],
)
def test_uploads_of_every_kind(server: HttpServer, config: Config, tmp_path: Path) -> None:
    s3 = client(server, "s3", config=config)
    s3.create_bucket(Bucket="uploads")
    file = tmp_path / "file"
    file.write_bytes(os.urandom(100_000))
    key = "a//b c+é~(1)/../x"
    s3.put_object(Bucket="uploads", Key=key, Body=b"some bytes", Metadata={"note": "two  words"})
    answer = s3.get_object(Bucket="uploads", Key=key)
    assert answer["Body"].read() == b"some bytes"
    with file.open("rb") as stream:
        s3.put_object(Bucket="uploads", Key="from a file", Body=stream)
    s3.upload_file(str(file), "uploads", "uploaded")
    for name in ("from a file", "uploaded"):
        answer = s3.get_object(Bucket="uploads", Key=name)
        assert answer["Body"].read() == file.read_bytes()
        assert "aws-chunked" not in answer.get("ContentEncoding", "")
    assert s3.list_objects_v2(Bucket="uploads", Prefix="from a")["KeyCount"] == 1


@pytest.mark.parametrize("name", ["bucket-one.localhost", "bucket-one.s3.localhost"])
def test_the_bucket_in_the_host_name(server: HttpServer, name: str) -> None:
    s3 = client(server, "s3")
    s3.create_bucket(Bucket="bucket-one")
    s3.put_object(Bucket="bucket-one", Key="k/ey", Body=b"found")
    virtual = client(
        server, "s3", endpoint_url=f"http://{name.partition('.')[2]}:{server.port}",
        config=Config(s3={"addressing_style": "virtual"}),
    )  # fmt: skip
    url = virtual.generate_presigned_url("get_object", {"Bucket": "bucket-one", "Key": "k/ey"})
    assert url.startswith(f"http://{name}:{server.port}/k/ey?")
    target = url.removeprefix(f"http://{name}:{server.port}")
    answer = exchange(
        server, f"GET {target} HTTP/1.1\r\nHost: {name}:{server.port}\r\n\r\n".encode()
    )
    assert answer.endswith(b"found")


def fetch(url: str, **options: Any) -> tuple[int, bytes]:
    """A plain program's view of a URL: status and body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(server: HttpServer, version: str) -> None:
    s3 = client(server, "s3", config=Config(signature_version=version))
    s3.create_bucket(Bucket="presigned")
    there = {"Bucket": "presigned", "Key": "an object"}
    put = s3.generate_presigned_url("put_object", there, ExpiresIn=60)
    assert fetch(put, data=b"hello", method="PUT", headers={"Content-Type": ""})[0] == 200
    url = s3.generate_presigned_url("get_object", there, ExpiresIn=60)
    assert fetch(url) == (200, b"hello")
    status, body = fetch(url.replace("an%20object", "another"))
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)
    clock.advance(timedelta(minutes=2))
    status, body = fetch(url)
    assert status == 403
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in body
    assert b"<ServerTime>" in body


def test_a_form_s_location_can_be_fetched(server: HttpServer) -> None:
    s3 = client(server, "s3")
    s3.create_bucket(Bucket="forms")
    fields = {"success_action_status": "201"}
    form = s3.generate_presigned_post("forms", "a b", Fields=fields, Conditions=[fields])
    parts = [*form["fields"].items(), ("file", "hello")]
    text = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    status, body = fetch(
        form["url"], data=f"{text}--x--\r\n".encode(), method="POST", headers=headers
    )
    assert status == 201
    assert f"<Location>{server.address}/forms/a%20b</Location>".encode() in body


def test_an_anonymous_request_is_anonymous(server: HttpServer) -> None:
    client(server, "s3").create_bucket(Bucket="private")
    status, body = fetch(f"{server.address}/private/key")
    assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)
    status, body = fetch(
        f"{server.address}/", data=b"Action=GetCallerIdentity&Version=2011-06-15", method="POST"
    )
    assert (status, b"<Code>MissingAuthenticationToken</Code>" in body) == (403, True)
    headers = {"X-Amz-Target": "TrentService.ListKeys"}
    status, body = fetch(f"{server.address}/", data=b"{}", method="POST", headers=headers)
    assert status == 400
    assert json.loads(body)["__type"].endswith("MissingAuthenticationTokenException")


CALLS: dict[str, Callable[[Any], Any]] = {
    "s3": lambda s3: s3.list_buckets(),
    "kms": lambda kms: kms.list_keys(),
    "dynamodb": lambda dynamodb: dynamodb.list_tables(),
    "sts": lambda sts: sts.get_caller_identity(),
    "iam": lambda iam: iam.list_users(),
}
WRONG = {
    "secret": {"aws_secret_access_key": "wrong"},
    "key": {"aws_access_key_id": "AKIANOBODY"},
    "token": {"aws_session_token": "made up"},
}
ANSWERS = {
    ("s3", "secret"): ("SignatureDoesNotMatch", 403),
    ("s3", "key"): ("InvalidAccessKeyId", 403),
    ("s3", "token"): ("InvalidToken", 400),
    ("kms", "secret"): ("InvalidSignatureException", 400),
    ("kms", "key"): ("UnrecognizedClientException", 400),
    ("kms", "token"): ("UnrecognizedClientException", 400),
    ("dynamodb", "secret"): ("InvalidSignatureException", 400),
    ("dynamodb", "key"): ("UnrecognizedClientException", 400),
    ("dynamodb", "token"): ("UnrecognizedClientException", 400),
    ("sts", "secret"): ("SignatureDoesNotMatch", 403),
    ("sts", "key"): ("InvalidClientTokenId", 403),
    ("sts", "token"): ("InvalidClientTokenId", 403),
    ("iam", "secret"): ("SignatureDoesNotMatch", 403),
    ("iam", "key"): ("InvalidClientTokenId", 403),
}


def refused(service: str, caller: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        CALLS[service](caller)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(("service", "wrong"), ANSWERS)
def test_wrong_credentials_in_each_service_s_words(
    server: HttpServer, service: str, wrong: str
) -> None:
    assert refused(service, client(server, service, **WRONG[wrong])) == ANSWERS[service, wrong]


@pytest.mark.parametrize(
    ("service", "expired", "tokenless"),
    [
        ("s3", ("ExpiredToken", 400), ("InvalidAccessKeyId", 403)),
        ("kms", ("ExpiredTokenException", 400), ("UnrecognizedClientException", 400)),
        ("sts", ("ExpiredToken", 403), ("InvalidClientTokenId", 403)),
    ],
)
def test_a_session_runs_out(
    server: HttpServer, service: str, expired: tuple[str, int], tokenless: tuple[str, int]
) -> None:
    principal = "arn:aws:iam::123456789012:user/workshop-admin"
    trust = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    policy = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam, name = client(server, "iam"), f"reader-{service}"
    document = {"Version": "2012-10-17", "Statement": trust}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]
    document = {"Version": "2012-10-17", "Statement": policy}
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(document))
    answer = client(server, "sts").assume_role(RoleArn=role["Arn"], RoleSessionName="reading")
    session = {
        "aws_access_key_id": answer["Credentials"]["AccessKeyId"],
        "aws_secret_access_key": answer["Credentials"]["SecretAccessKey"],
        "aws_session_token": answer["Credentials"]["SessionToken"],
    }
    CALLS[service](client(server, service, **session))
    assert refused(service, client(server, service, **{**session, "aws_session_token": None})) == (
        tokenless
    )
    clock.advance(timedelta(hours=2))
    assert refused(service, client(server, service, **session)) == expired


def test_an_inactive_key_opens_nothing(server: HttpServer) -> None:
    iam = client(server, "iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    own = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    assert client(server, "sts", **own).get_caller_identity()["Arn"].endswith(":user/ann")
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused("kms", client(server, "kms", **own)) == ("UnrecognizedClientException", 400)
    assert refused("s3", client(server, "s3", **own)) == ("InvalidAccessKeyId", 403)


def test_what_is_not_emulated_is_refused_by_name(server: HttpServer) -> None:
    with pytest.raises(ClientError, match="SQS") as caught:
        client(server, "sqs").list_queues()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    with pytest.raises(ClientError, match="AssumeRoleWithSAML") as caught:
        client(server, "sts").assume_role_with_saml(
            RoleArn="arn:aws:iam::111122223333:role/reader",
            PrincipalArn="arn:aws:iam::111122223333:saml-provider/company",
            SAMLAssertion="assertion",
        )
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    condition = {"StringEquals": {"s3:AccessGrantScope": "blue"}}
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::conditions",
    }
    policy = json.dumps({"Statement": [{**statement, "Condition": condition}]})
    client(server, "s3").create_bucket(Bucket="conditions")
    with pytest.raises(ClientError, match="s3:AccessGrantScope") as caught:
        client(server, "s3").put_bucket_policy(Bucket="conditions", Policy=policy)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_a_mistake_of_the_sandbox_s_own(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a rule of ours")

    no_retries = Config(retries={"total_max_attempts": 1})
    for service, code in (
        ("kms", "InternalFailure"),
        ("s3", "InternalError"),
        ("sts", "InternalFailure"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(server._gateway, "_answer", broken)
            assert refused(service, client(server, service, config=no_retries)) == (code, 500)
        assert "ZeroDivisionError: a rule of ours" in capsys.readouterr().err
        CALLS[service](client(server, service))


# --- HTTP ----------------------------------------------------------------------------------------


def signed_put(server: HttpServer, key: str = "key") -> tuple[str, dict[str, str]]:
    """The target and headers of a signed PutObject whose payload may be any."""
    s3 = client(server, "s3", config=Config(signature_version="s3v4"))
    s3.create_bucket(Bucket="http")
    url = s3.generate_presigned_url("put_object", {"Bucket": "http", "Key": key})
    return url.removeprefix(server.address), {}


def stored(server: HttpServer, key: str = "key") -> bytes:
    body: bytes = client(server, "s3").get_object(Bucket="http", Key=key)["Body"].read()
    return body


def test_a_connection_serves_many_requests(server: HttpServer) -> None:
    target, headers = signed_put(server)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.connect()
    socket_used = connection.sock
    for body in (b"one", b"two"):
        connection.request("PUT", target, body, headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read(), answer.version) == (200, b"", 11)
        assert connection.sock is socket_used
    assert stored(server) == b"two"
    connection.request("HEAD", "/http/key")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (403, b"")
    connection.request("GET", "/http/key", headers={"Connection": "close"})
    answer = connection.getresponse()
    assert answer.getheader("Connection") == "close"
    answer.read()
    assert connection.sock is None


def test_head_tells_the_length_without_a_body(server: HttpServer) -> None:
    target, _ = signed_put(server)
    assert fetch(server.address + target, data=b"12345", method="PUT",
                 headers={"Content-Type": ""})[0] == 200  # fmt: skip
    s3 = client(server, "s3")
    assert s3.head_object(Bucket="http", Key="key")["ContentLength"] == 5
    assert s3.get_object(Bucket="http", Key="key")["Body"].read() == b"12345"


def test_expect_continue(server: HttpServer) -> None:
    target, _ = signed_put(server)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        head = f"PUT {target} HTTP/1.1\r\nHost: {host(server)}\r\nContent-Length: 5\r\n"
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"later")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert stored(server) == b"later"


def test_a_chunked_body(server: HttpServer) -> None:
    target, headers = signed_put(server)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("PUT", target, iter([b"in ", b"pieces"]), headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    assert stored(server) == b"in pieces"


def test_requests_may_arrive_byte_by_byte_or_several_at_once(server: HttpServer) -> None:
    client(server, "s3").create_bucket(Bucket="http")
    request = f"GET /http/x HTTP/1.1\r\nHost: {host(server)}\r\n\r\n".encode()
    answer = exchange(server, request * 3)
    assert answer.count(b"HTTP/1.1 403 Forbidden\r\n") == 3
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for at in range(len(request)):
            connection.sendall(request[at : at + 1])
        assert connection.recv(65536).startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_http_1_0(server: HttpServer) -> None:
    answer = exchange(server, f"GET /http/x HTTP/1.0\r\nHost: {host(server)}\r\n\r\n".encode())
    assert b"\r\nConnection: close\r\n" in answer


OK_HOST = "Host: localhost\r\n"
MALFORMED = {
    "no HTTP": "hello\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\r\n\r\n",
    "no version": f"GET /\r\n{OK_HOST}\r\n",
    "version 2": f"GET / HTTP/2.0\r\n{OK_HOST}\r\n",
    "target": f"GET nowhere HTTP/1.1\r\n{OK_HOST}\r\n",
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "two hosts": f"GET / HTTP/1.1\r\n{OK_HOST}{OK_HOST}\r\n",
    "header without a colon": f"GET / HTTP/1.1\r\n{OK_HOST}oops\r\n\r\n",
    "space before the colon": f"GET / HTTP/1.1\r\n{OK_HOST}a : b\r\n\r\n",
    "control character": f"GET / HTTP/1.1\r\n{OK_HOST}a: b\x00c\r\n\r\n",
    "bare carriage return": f"GET / HTTP/1.1\r\n{OK_HOST}a: b\rc: d\r\n\r\n",
    "two lengths": f"PUT / HTTP/1.1\r\n{OK_HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": (
        f"PUT / HTTP/1.1\r\n{OK_HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n"
    ),
    "unknown coding": f"PUT / HTTP/1.1\r\n{OK_HOST}Transfer-Encoding: gzip\r\n\r\nab",
    "negative length": f"PUT / HTTP/1.1\r\n{OK_HOST}Content-Length: -1\r\n\r\n",
    "length no number": f"PUT / HTTP/1.1\r\n{OK_HOST}Content-Length: 1e3\r\n\r\n",
    "broken chunk": f"PUT / HTTP/1.1\r\n{OK_HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "chunk too short": f"PUT / HTTP/1.1\r\n{OK_HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "body breaks off": f"PUT / HTTP/1.1\r\n{OK_HOST}Content-Length: 5\r\n\r\nab",
    "too much": f"PUT / HTTP/1.1\r\n{OK_HOST}Content-Length: 99999999999\r\n\r\n",
    "long line": "GET /" + "a" * 70_000 + f" HTTP/1.1\r\n{OK_HOST}\r\n",
    "long headers": f"GET / HTTP/1.1\r\n{OK_HOST}" + ("a: " + "b" * 1000 + "\r\n") * 200 + "\r\n",
    "headers break off": f"GET / HTTP/1.1\r\n{OK_HOST}",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_messages(
    server: HttpServer, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = exchange(server, MALFORMED[name].encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer
    assert b"<Error><Code>" in answer
    assert capsys.readouterr().err == ""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(data=b"GET / HTTP/1.0\nHost:localhost\n\n")
@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda method, target, header, body: (
                f"{method} {target} HTTP/1.1\r\n{OK_HOST}{header}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode() + body
            ),
            st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
            st.sampled_from(["/", "/b", "/b/k", "//", "/b/%zz?%", "/b?acl&&=",
                             "/?X-Amz-Algorithm=x", "/b/k?AWSAccessKeyId=x", "/%00/%ff"]),
            st.sampled_from(["Authorization: AWS4-HMAC-SHA256", "X-Amz-Target: a.b", "a: b",
                             "Authorization: AWS x:y", "X-Amz-Target: TrentService.Encrypt",
                             "Content-Type: multipart/form-data; boundary=x",
                             "Content-Type: application/x-www-form-urlencoded"]),
            st.sampled_from([b"", b"{", b"[" * 20_000, b"--x\r\n\r\n\r\n--x--", b"Action=%",
                             b"Action=AssumeRole&Version=2011-06-15", b"\xff\xfe"]),
        ),
    )
)  # fmt: skip
def test_no_message_breaks_the_server(server: HttpServer, data: bytes) -> None:
    """307: what no one has signed and asks for "/" is sent on to S3's page, as AWS does."""
    answer = exchange(server, data)
    statuses = [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]
    assert all(400 <= status < 500 or status in (307, 501) for status in statuses)
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_page_cannot_rebind_its_name_to_the_server(server: HttpServer, name: str) -> None:
    answer = exchange(server, f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert name.encode() in answer


def test_the_server_is_on_loopback_only(server: HttpServer) -> None:
    assert server._listener.getsockname()[0] == "127.0.0.1"


def test_a_header_s_value_stays_one_line(server: HttpServer) -> None:
    s3 = client(server, "s3", config=Config(signature_version="s3v4"))
    s3.create_bucket(Bucket="split")
    s3.put_object(Bucket="split", Key="k", Body=b"x")
    there = {"Bucket": "split", "Key": "k", "ResponseContentType": "a/b\r\nX-Injected: yes"}
    url = s3.generate_presigned_url("get_object", there)
    answer = get(server, url.removeprefix(server.address))
    assert b"200 OK" in answer
    assert b"\r\nX-Injected" not in answer


def test_silent_connections_are_closed() -> None:
    server = HttpServer(Gateway(ADMINISTRATOR), idle=0.2)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHo")
        assert connection.recv(100) == b""
    server.stop()


def test_stopping_closes_the_port_and_the_connections() -> None:
    server = HttpServer(Gateway(ADMINISTRATOR))
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host(server)}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 ")
        server.stop()
        connection.settimeout(10)
        while connection.recv(65536):
            pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=10)
    with server_at(server.port) as again:
        assert again.port == server.port


class server_at:
    """A server at a port, stopped at the end."""

    def __init__(self, port: int) -> None:
        self._server = HttpServer(Gateway(ADMINISTRATOR), port)

    def __enter__(self) -> HttpServer:
        self._server.start()
        return self._server

    def __exit__(self, *_: object) -> None:
        self._server.stop()


# --- Many and much -------------------------------------------------------------------------------


def test_many_clients_at_once() -> None:
    with server_at(0) as server:
        options = {"config": Config(max_pool_connections=32, retries={"total_max_attempts": 1})}
        kms, s3, dynamodb = (client(server, name, **options) for name in ("kms", "s3", "dynamodb"))
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        s3.create_bucket(Bucket="many")
        dynamodb.create_table(
            TableName="many",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        start = threading.Barrier(32)

        def work(number: int) -> None:
            start.wait(30)
            for round_number in range(3):
                name = f"{number}-{round_number}"
                s3.put_object(Bucket="many", Key=name, Body=name.encode())
                dynamodb.put_item(TableName="many", Item={"id": {"S": name}})
                blob = kms.encrypt(KeyId=key_id, Plaintext=name.encode())["CiphertextBlob"]
                assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == name.encode()
                body = s3.get_object(Bucket="many", Key=name)["Body"].read()
                assert body == name.encode()

        with ThreadPoolExecutor(32) as threads:
            list(threads.map(work, range(32)))
        assert s3.list_objects_v2(Bucket="many")["KeyCount"] == 96
        assert dynamodb.scan(TableName="many", Select="COUNT")["Count"] == 96


def test_a_big_body_leaves_no_second_copy() -> None:
    with server_at(0) as server:  # its own: a later gateway leaves an earlier one without buckets
        size = 64 * 2**20
        target, _ = signed_put(server, "big")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        gc.collect()
        tracemalloc.start()
        try:
            connection.request("PUT", target, bytes(size))
            assert connection.getresponse().read() == b""
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert kept < 1.1 * size  # the object itself, while its connection is still open
        assert client(server, "s3").head_object(Bucket="http", Key="big")["ContentLength"] == size
        client(server, "s3").delete_object(Bucket="http", Key="big")


# --- Under attack --------------------------------------------------------------------------------


def head_of(server: HttpServer, target: str, size: int, *lines: str, method: str = "PUT") -> bytes:
    """The head of a request whose body never comes."""
    own = [f"{method} {target} HTTP/1.1", f"Host: {host(server)}", f"Content-Length: {size}"]
    return "\r\n".join([*own, *lines, "", ""]).encode()


def turned_away(server: HttpServer, head: bytes) -> str:
    """The server's answer to a head alone: no 100, and nothing after it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert b"\r\nConnection: close\r\n" in received
    assert b"100 Continue" not in received
    return received.decode()


V4 = (
    "Authorization: AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/{}/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)
GIB = 2**30
BEFORE_THE_BODY = {
    "unsigned, of a private bucket": ("PUT", "/http/key", [], "403 ", "AccessDenied"),
    "unsigned, of no bucket": ("PUT", "/not-there-at-all/key", [], "404 ", "NoSuchBucket"),
    "unsigned form": (
        "POST", "/", ["X-Amz-Target: TrentService.Encrypt"], "400 ",
        "MissingAuthenticationTokenException",
    ),
    "unknown key": (
        "PUT", "/http/key", [V4.format("AKIANOBODY", "s3"), "X-Amz-Date: 20260101T000000Z"],
        "403 ", "InvalidAccessKeyId",
    ),
    "unknown key of KMS": (
        "POST", "/", [V4.format("AKIANOBODY", "kms"), "X-Amz-Date: 20260101T000000Z",
                      "X-Amz-Target: TrentService.Encrypt"],
        "400 ", "UnrecognizedClientException",
    ),
    "wrong signature": (
        "PUT", "/http/key", [V4.format(ADMINISTRATOR.access_key_id, "s3"),
                             "X-Amz-Date: 20260101T000000Z",
                             "X-Amz-Content-SHA256: UNSIGNED-PAYLOAD"],
        "403 ", "SignatureDoesNotMatch",
    ),
    "too large for KMS": (
        "POST", "/", [V4.format(ADMINISTRATOR.access_key_id, "kms"),
                      "X-Amz-Date: 20260101T000000Z", "X-Amz-Target: TrentService.Encrypt"],
        "413 ", "HTTP content length exceeded 1662976 bytes.",
    ),
    "too large for DynamoDB": (
        "POST", "/", [V4.format(ADMINISTRATOR.access_key_id, "dynamodb"),
                      "X-Amz-Date: 20260101T000000Z", "X-Amz-Target: DynamoDB_20120810.PutItem"],
        "413 ", "HTTP content length exceeded 16777216 bytes.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("expect", [[], ["Expect: 100-continue"]], ids=["large", "waits"])
@pytest.mark.parametrize("name", BEFORE_THE_BODY)
def test_a_body_is_not_read_before_its_head_is_acceptable(
    server: HttpServer, name: str, expect: list[str]
) -> None:
    signed_put(server)
    method, target, lines, status, code = BEFORE_THE_BODY[name]
    answer = turned_away(server, head_of(server, target, GIB, *lines, *expect, method=method))
    assert answer.startswith(f"HTTP/1.1 {status}")
    assert code in answer


def test_a_form_is_asked_for_its_signature_before_its_file_is_read(server: HttpServer) -> None:
    s3 = client(server, "s3")
    s3.create_bucket(Bucket="forms-begin")
    head = head_of(
        server, "/forms-begin", GIB, "Content-Type: multipart/form-data; boundary=x", method="POST"
    )
    fields = {"key": "k", "x": "y" * 100}
    begin = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    begin += '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    answer = turned_away(server, head + begin.encode() + bytes(40_000))
    assert "<Code>AccessDenied</Code>" in answer
    signed = s3.generate_presigned_post("forms-begin", "k")["fields"]
    wrong = {**signed, "x-amz-signature": "0" * 64} if "x-amz-signature" in signed else {
        **signed, "signature": "AAAA"}  # fmt: skip
    for fields, code in ((wrong, "SignatureDoesNotMatch"), (signed, "")):
        begin = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        begin += '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        if code:
            assert code in turned_away(server, head + begin.encode() + bytes(40_000))
        else:
            body = begin.encode() + bytes(2**21) + b"\r\n--x--\r\n"
            whole = head_of(
                server, "/forms-begin", len(body),
                "Content-Type: multipart/form-data; boundary=x", method="POST",
            )  # fmt: skip
            assert exchange(server, whole + body).startswith(b"HTTP/1.1 204 ")
    assert s3.head_object(Bucket="forms-begin", Key="k")["ContentLength"] == 2**21


def test_documents_have_a_largest_size(server: HttpServer) -> None:
    s3 = client(server, "s3", config=Config(retries={"total_max_attempts": 1}))
    s3.create_bucket(Bucket="documents")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["a" * 1000]}
    for count, code in ((50, None), (300, "MaxMessageLengthExceeded")):
        try:
            s3.put_bucket_cors(Bucket="documents", CORSConfiguration={"CORSRules": [rule] * count})
            found = None
        except ClientError as error:
            found = error.response["Error"]["Code"]
        assert found == code
    keys = [{"Key": f"{number:01000}"} for number in range(1000)]
    assert len(s3.delete_objects(Bucket="documents", Delete={"Objects": keys})["Deleted"]) == 1000


def test_chunks_end_where_the_body_is_too_large(server: HttpServer) -> None:
    lines = [f"POST / HTTP/1.1\r\nHost: {host(server)}", "X-Amz-Target: TrentService.Encrypt",
             V4.format(ADMINISTRATOR.access_key_id, "kms"), "X-Amz-Date: 20260101T000000Z",
             "Transfer-Encoding: chunked", "", ""]  # fmt: skip
    piece = b"10000\r\n" + bytes(65_536) + b"\r\n"
    answer = turned_away(server, "\r\n".join(lines).encode() + piece * 30)
    assert answer.startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "tags", ["<a/>" * 600_000, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"],
    ids=["many", "entities"],
)  # fmt: skip
def test_a_document_of_many_tags_is_not_parsed(tags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading 8 MB of them took six seconds, in which everybody waited."""
    monkeypatch.setattr(ElementTree, "fromstring", lambda _: pytest.fail("was parsed"))
    with pytest.raises(AwsError, match="MalformedXML"):
        xml.read(f"<Delete>{tags}</Delete>".encode())


def test_a_deep_document_is_malformed() -> None:
    with pytest.raises(AwsError, match="MalformedXML"):
        xml.read(b"<a>" * 60_000 + b"</a>" * 60_000)


@pytest.mark.parametrize(
    "line",
    ["a:" + " " * 65_000 + "\x00", "a: b\r\n" * 20_000 + "a: b",
     "Authorization: " + "Credential=" * 5900],
    ids=["spaces", "equal headers", "credentials"],
)  # fmt: skip
def test_a_large_head_is_refused(server: HttpServer, line: str) -> None:
    assert get(server, "/b/k", line + "\r\n").startswith(b"HTTP/1.1 400 ")


BYTES = {
    "authorization": b"Authorization: \xff",
    "SigV2": b"Authorization: AWS \xff:\xff",
    "SigV4": b"Authorization: AWS4-HMAC-SHA256 Credential=AKIATESTADMINISTRATOR/20260101/us-east-1"
             b"/s3/aws4_request,SignedHeaders=host;x-amz-date,Signature=\xff\r\n"
             b"x-amz-date: 20260101T000000Z\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD",
    "date": b"Authorization: AWS AKIATESTADMINISTRATOR:b\r\n"
    b"Date: Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
    "SigV4's date": b"Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/"
                    b"aws4_request,SignedHeaders=host,Signature=" + b"0" * 64 +
                    b"\r\nDate: Fri, 31 Dec 9999 23:59:59 -2359",
}  # fmt: skip


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_text(
    server: HttpServer, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = exchange(
        server,
        f"GET /b/k HTTP/1.1\r\nHost: {host(server)}\r\n".encode() + BYTES[name] + b"\r\n\r\n",
    )
    assert re.match(rb"HTTP/1\.1 40[03] ", answer)
    assert b"<Error><Code>" in answer
    assert capsys.readouterr().err == ""


def test_a_url_that_ends_after_the_end_of_time(server: HttpServer) -> None:
    s3 = client(server, "s3", config=Config(signature_version="s3"))
    s3.create_bucket(Bucket="http")
    there = {"Bucket": "http", "Key": "not there"}
    url = s3.generate_presigned_url("get_object", there, ExpiresIn=9 * 10**11)
    assert b"HTTP/1.1 404 " in get(server, url.removeprefix(server.address))
    moment, scope = "99991231T235959Z", ("99991231", "us-east-1", "s3")
    credential = "/".join((ADMINISTRATOR.access_key_id, *scope, "aws4_request"))
    query = urllib.parse.urlencode(
        {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": credential,
         "X-Amz-Date": moment, "X-Amz-Expires": "604800", "X-Amz-SignedHeaders": "host"}
    )  # fmt: skip
    request = Request("GET", "http", host(server), "/http/k", query, {"host": host(server)})
    signature = Signature(
        4, "query", ADMINISTRATOR.access_key_id, "", None, *scope, ("host",), moment
    )
    canonical = sigv4.canonical_request(request, S3, signature, "UNSIGNED-PAYLOAD")
    key = sigv4.signing_key(ADMINISTRATOR.secret_access_key, *scope)
    value = sigv4._hmac(key, sigv4.string_to_sign(signature, canonical)).hex()
    answer = get(server, f"/http/k?{query}&X-Amz-Signature={value}")
    assert b"<Message>Request is not yet valid</Message>" in answer
    assert b"<Expires>9999-12-31T23:59:59Z</Expires>" in answer


JSON: dict[str, str | bytes] = {
    "infinity": '{"Limit": 1e999}',
    "NaN": '{"Limit": NaN}',
    "a long number": '{"Limit": ' + "9" * 5000 + "}",
    "half a character": r'{"Marker": "\ud800"}',
    "deep": '{"a":' * 257 + "1" + "}" * 257,
    "deeper": "[" * 100_000,
    "UTF-16": '{"Limit": 1}'.encode("utf-16"),
    "no UTF-8": b'{"Marker": "\xff"}',
}


@pytest.mark.parametrize("name", JSON)
def test_json_that_is_none(name: str) -> None:
    text = JSON[name]
    body = text.encode() if isinstance(text, str) else text
    headers = {"x-amz-target": "TrentService.ListKeys"}
    request = Request("POST", "http", "localhost", "/", "", headers, body)
    with pytest.raises(AwsError, match="SerializationException"):
        read_operation(request, KMS, None)


@pytest.mark.parametrize(
    "text", ['{"Marker": "\\ud83d\\ude00"}', '{"a": "' + "[" * 500 + '"}',
             '{"a":' * 128 + "1" + "}" * 128, "{}"],
    ids=["two halves", "in a text", "as deep as may be", "empty"],
)  # fmt: skip
def test_json_that_looks_like_it(text: str) -> None:
    headers = {"x-amz-target": "TrentService.ListKeys"}
    request = Request("POST", "http", "localhost", "/", "", headers, text.encode())
    assert read_operation(request, KMS, None) == ("ListKeys", json.loads(text))


def test_idle_connections_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_MOST_CONNECTIONS", 4)
    with server_at(0) as server:
        there = ("127.0.0.1", server.port)
        request = f"GET /b/k HTTP/1.1\r\nHost: {host(server)}\r\n\r\n".encode()
        upload = head_of(server, "/b/k", 5)
        busy = socket.create_connection(there, timeout=10)
        busy.sendall(upload)  # the oldest, and under way
        time.sleep(0.1)
        idle = [socket.create_connection(there, timeout=10) for _ in range(3)]
        time.sleep(0.1)
        idle[0].sendall(request)  # idle since later than the others
        assert idle[0].recv(65536).startswith(b"HTTP/1.1 404 ")
        late = socket.create_connection(there, timeout=10)
        late.sendall(request)
        assert late.recv(65536).startswith(b"HTTP/1.1 404 ")
        assert idle[1].recv(10) == b"", "the one that was idle longest had to go"
        busy.sendall(b"12345")
        assert busy.recv(65536).startswith(b"HTTP/1.1 404 ")
        idle[0].sendall(request)
        assert idle[0].recv(65536).startswith(b"HTTP/1.1 404 ")
        for each in (busy, late, *idle):
            each.close()


def test_a_refused_upload_leaves_no_memory_behind(server: HttpServer) -> None:
    size = 16 * 2**20
    target, _ = signed_put(server, "refused")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(3):
            connection.request("PUT", target, bytes(size), {"Content-MD5": "A" * 22 + "=="})
            assert connection.getresponse().read()
        # Once it answers this one, the connection's thread has let go of the upload before.
        connection.request("GET", "/no-bucket")
        assert connection.getresponse().read()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept < size


# --- The program, and the AWS CLI ----------------------------------------------------------------


def start_program(*arguments: str) -> subprocess.Popen[str]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "workshop_lib.sandbox", *arguments],
        cwd=Path(__file__).parents[3],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def program() -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The sandbox as a program of its own, and the variables that it prints."""
    process = start_program("--account", "210987654321", "--other-account", "333333333333")
    assert process.stdout is not None
    exports: dict[str, str] = {}
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            exports[name] = value
        if line.startswith("# 333333333333: "):
            exports["other"] = line
            break
    yield process, exports
    if process.poll() is None:
        process.terminate()
        process.wait(20)


posix = pytest.mark.skipif(os.name == "nt", reason="prints cmd.exe's lines there")


def aws_cli(exports: dict[str, str], *arguments: str) -> Any:
    found = shutil.which("aws", path=str(Path(sys.executable).parent)) or shutil.which("aws")
    assert found, "the AWS CLI belongs to the tests' requirements"
    environment = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    environment |= {**exports, "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull,
                    "AWS_SHARED_CREDENTIALS_FILE": os.devnull}  # fmt: skip
    done = subprocess.run(
        [found, *arguments, "--output", "json"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


@posix
def test_the_aws_cli(program: tuple[subprocess.Popen[str], dict[str, str]], tmp_path: Path) -> None:
    _, exports = program
    assert aws_cli(exports, "kms", "list-keys") == {"Keys": []}
    address = exports["AWS_ENDPOINT_URL"]
    secret = {
        "aws_access_key_id": exports["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": exports["AWS_SECRET_ACCESS_KEY"],
    }
    own = {"endpoint_url": address, "region_name": "us-east-1", **secret}
    identity = boto3.Session().client("sts", **own).get_caller_identity()
    assert identity["Account"] == "210987654321"
    boto3.Session().client("s3", **own).create_bucket(Bucket="from-cli")
    key, secret_key = exports["other"].split()[2:]
    other = {**own, "aws_access_key_id": key, "aws_secret_access_key": secret_key}
    assert boto3.Session().client("sts", **other).get_caller_identity()["Account"] == "3" * 12
    with pytest.raises(ClientError, match="Forbidden"):  # both sides must allow
        boto3.Session().client("s3", **other).head_bucket(Bucket="from-cli")
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(300_000))
    there = ["--bucket", "from-cli", "--key", "a key"]
    answer = aws_cli(exports, "s3api", "put-object", *there, "--body", str(source))
    assert answer["ETag"]
    aws_cli(exports, "s3api", "get-object", *there, str(target))
    assert target.read_bytes() == source.read_bytes()


@posix
def test_a_taken_port_is_one_sentence(
    program: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    _, exports = program
    port = exports["AWS_ENDPOINT_URL"].rpartition(":")[2]
    output, errors = start_program("--port", port).communicate(timeout=60)
    assert output == ""
    assert errors.startswith(f"Port {port} cannot be opened")
    assert errors.count("\n") == 1


@posix
def test_ctrl_c_ends_it_cleanly(program: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    process, exports = program
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    port = int(exports["AWS_ENDPOINT_URL"].rpartition(":")[2])
    time.sleep(0.1)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--access-key", "x"],
        ["--access-key", "x", "--secret-key", ""],
        ["--account", "1"],
        ["--other-account", "21098765432x"],
        ["--port", "70000"],
    ],
    ids=str,
)
def test_arguments_that_make_no_sense(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from workshop_lib.sandbox.__main__ import main

    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_plain_requests_do_not_count_as_tls() -> None:
    """A policy that asks for aws:SecureTransport refuses them."""
    for secure in (True, False):
        server = HttpServer(Gateway(ADMINISTRATOR), secure=secure)
        server.start()
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Deny", "Action": "kms:*", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        }  # fmt: skip
        client(server, "iam").put_user_policy(
            UserName="workshop-admin", PolicyName="tls", PolicyDocument=json.dumps(policy)
        )
        if secure:
            client(server, "kms").list_keys()
        else:
            assert refused("kms", client(server, "kms"))[0] == "AccessDeniedException"
        server.stop()
