"""The kernel's transport: every client of this process is caught; nothing leaves the machine."""

import http.client
import importlib
import io
import os
import socket
import ssl
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import (
    DeferredRefreshableCredentials,
    InstanceMetadataProvider,
    ReadOnlyCredentials,
    RefreshableCredentials,
)
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher

from tests.support.labs import as_before, sandbox_of
from tests.support.messages import request_for
from workshop_lib.lab import start_lab
from workshop_lib.sandbox import backend, isolation
from workshop_lib.sandbox.transport.botocore_transport import BotocoreTransport

ADMIN = "arn:aws:iam::123456789012:user/workshop-admin"
# They look like real ones; AWS uses them in its documentation.
REAL_KEY, REAL_SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def attempts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Any]]:
    """A process with real-looking access to AWS; every attempt to leave it is written down.

    The fakes stand below the transport's own guards, where the network would be.
    """
    if BotocoreTransport._installed is not None:
        BotocoreTransport._installed.remove()
    isolation._set_aside.clear()
    credentials, config = tmp_path / "credentials", tmp_path / "config"
    credentials.write_text(
        "[default]\naws_access_key_id = AKIAPROFILEDEFAULT00\naws_secret_access_key = s\n"
        "[prod]\naws_access_key_id = AKIAPROFILEPROD00000\naws_secret_access_key = s\n"
        "aws_session_token = t\n"
    )
    config.write_text(
        "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/x\nsource_profile = default\n"
        "region = eu-west-1\n[profile prod]\nendpoint_url = https://s3.prod.example\n"
    )
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": REAL_KEY,
        "AWS_SECRET_ACCESS_KEY": REAL_SECRET,
        "AWS_SESSION_TOKEN": "a/real/token",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL_KMS": "https://kms.prod.example",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.DEFAULT_SESSION = None
    found: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        found.append(arguments[-1] if isinstance(arguments[0], socket.socket) else arguments[0])
        raise ConnectionRefusedError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    with as_before():
        yield found


def arn(client: Any) -> str:
    return str(client.get_caller_identity()["Arn"])


def test_the_fakes_would_notice(attempts: list[Any]) -> None:
    with pytest.raises(Exception, match="sts"):
        boto3.client("sts", config=Config(retries={"total_max_attempts": 1})).get_caller_identity()
    assert attempts


def test_clients_made_before_the_lab(attempts: list[Any]) -> None:
    """Whatever way their credentials came, they sign for the administrator in here."""
    region = {"region_name": "eu-west-1"}
    own = {"aws_access_key_id": "AKIAEXPLICIT00000000", "aws_secret_access_key": "s"}
    early = {
        "environment": boto3.Session().client("sts", **region),
        "default session": boto3.client("sts", **region),
        "explicit": boto3.client("sts", **own, **region),
        "explicit with a token": boto3.client("sts", **own, aws_session_token="t", **region),
        "profile": boto3.Session(profile_name="prod").client("sts", **region),
        "assumed role": boto3.Session(profile_name="role").client("sts", **region),
    }
    resource = boto3.resource("dynamodb")
    session = boto3.Session(**own, **region)
    before = boto3.DEFAULT_SESSION
    start_lab()
    assert {name: arn(client) for name, client in early.items()} == dict.fromkeys(early, ADMIN)
    assert list(resource.tables.all()) == []
    assert arn(session.client("sts")) == ADMIN
    assert before is not None
    assert arn(before.client("sts")) == ADMIN
    assert attempts == []


def test_credentials_that_would_be_fetched_are_not(attempts: list[Any]) -> None:
    def fetch() -> dict[str, str]:
        raise AssertionError("fetched")

    soon = datetime.now(UTC) + timedelta(seconds=30)
    sessions = [boto3.Session(region_name="eu-west-1") for _ in range(2)]
    sessions[0]._session._credentials = RefreshableCredentials(
        "AKIAREFRESHABLE00000", "s", "t", soon, fetch, "test"
    )
    sessions[1]._session._credentials = DeferredRefreshableCredentials(fetch, "test")
    clients = [session.client("sts") for session in sessions]
    start_lab()
    assert [arn(client) for client in clients] == [ADMIN, ADMIN]


def test_a_client_made_without_any_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client("sts")
    start_lab()
    assert arn(client) == ADMIN


def test_an_early_client_survives_a_second_lab() -> None:
    client = boto3.client("sts", region_name="eu-west-1")
    start_lab()
    start_lab()
    assert arn(client) == ADMIN
    late = {"aws_access_key_id": REAL_KEY, "aws_secret_access_key": REAL_SECRET}
    assert arn(boto3.client("sts", **late)) == ADMIN


@pytest.mark.parametrize("kind", ["user", "session"])
def test_a_key_of_an_earlier_lab_is_nobody_s_in_the_next(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is kept: in a client, or in the environment, where a learner's own would be."""
    start_lab()
    iam = boto3.client("iam")
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    names = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    if kind == "session":
        key = boto3.client("sts", **names).get_session_token()["Credentials"]
        names = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
            "aws_session_token": key["SessionToken"],
        }
    client = boto3.client("sts", **names)
    assert arn(client).endswith(":user/ada")
    for name, value in names.items():
        monkeypatch.setenv(name.upper(), value)
    start_lab()
    for each in (client, boto3.client("sts", **names)):
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            arn(each)
    assert arn(boto3.client("sts")) == ADMIN


def test_a_key_that_nobody_created_is_refused() -> None:
    start_lab()
    own = {"aws_access_key_id": "AKIANOBODYSKEY000000", "aws_secret_access_key": "s"}
    for service, call, code in (
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("kms", "list_keys", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(boto3.client(service, **own), call)()
        assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("service", "call", "config"),
    [
        ("s3", "list_buckets", Config(use_dualstack_endpoint=True)),
        ("s3", "list_buckets", Config(use_fips_endpoint=True)),
        ("dynamodb", "list_tables", Config(use_dualstack_endpoint=True)),
        ("kms", "list_keys", Config(use_dualstack_endpoint=True, use_fips_endpoint=True)),
        ("iam", "list_roles", Config(use_dualstack_endpoint=True)),
        ("sts", "get_caller_identity", Config(use_fips_endpoint=True)),
        ("dynamodbstreams", "list_streams", Config(use_dualstack_endpoint=True)),
    ],
)
def test_other_addresses_of_the_same_services(
    service: str, call: str, config: Config, attempts: list[Any]
) -> None:
    start_lab()
    client = boto3.client(service, region_name="us-west-2", config=config)
    assert getattr(client, call)()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert attempts == []


def test_a_stream_is_read_at_the_account_s_own_address(attempts: list[Any]) -> None:
    """boto3 takes the account from the stream's ARN: 123456789012.streams-ddb.<region>…"""
    start_lab()
    table = boto3.client("dynamodb").create_table(
        TableName="followed",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    arn = table["LatestStreamArn"]
    for config in (Config(), Config(use_fips_endpoint=True), Config(use_dualstack_endpoint=True)):
        streams = boto3.client("dynamodbstreams", config=config)
        assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    assert attempts == []


def test_a_bucket_in_the_host_name(attempts: list[Any]) -> None:
    start_lab()
    for options in ({}, {"use_accelerate_endpoint": False, "addressing_style": "virtual"}):
        s3 = boto3.client("s3", config=Config(s3=options))
        s3.create_bucket(Bucket="dotted.bucket.name")
        s3.put_object(Bucket="dotted.bucket.name", Key="a//b +é", Body=b"x")
        assert s3.get_object(Bucket="dotted.bucket.name", Key="a//b +é")["Body"].read() == b"x"
    assert attempts == []


@pytest.mark.parametrize(
    ("service", "call", "options", "named"),
    [
        ("sqs", "list_queues", {}, "sqs"),
        ("s3", "list_buckets", {"endpoint_url": "https://storage.example"}, "storage.example"),
        ("kms", "list_keys", {"endpoint_url": "http://127.0.0.1:4566"}, "127.0.0.1:4566"),
        ("kms", "list_keys", {"endpoint_url": "http://169.254.169.254"}, "169.254.169.254"),
        ("s3", "list_buckets", {"region_name": "cn-north-1"}, "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_anything_else_is_refused_by_name(
    service: str, call: str, options: dict[str, str], named: str, attempts: list[Any]
) -> None:
    start_lab()
    client = boto3.client(service, **{"region_name": "us-east-1", **options})
    with pytest.raises(NotImplementedError, match=named.replace(".", r"\.")):
        getattr(client, call)()
    assert attempts == []


def test_an_endpoint_of_the_environment_is_for_child_processes(attempts: list[Any]) -> None:
    start_lab()
    assert boto3.client("kms").meta.endpoint_url == "https://kms.us-east-1.amazonaws.com"
    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "AWS_ENDPOINT_URL_KMS" not in os.environ
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in os.environ
    assert attempts == []


def test_a_proxy_is_no_way_round(monkeypatch: pytest.MonkeyPatch, attempts: list[Any]) -> None:
    """Neither one of the environment nor one that a program names itself."""
    proxy = {"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9"}
    for scheme, address in proxy.items():
        monkeypatch.setenv(f"{scheme}_proxy", address)
        monkeypatch.setenv(f"{scheme}_proxy".upper(), address)
    start_lab()
    for url in ("https://s3.amazonaws.com/b/k?Signature=x", "http://169.254.169.254/latest/"):
        with pytest.raises(OSError, match="keeps this kernel away"):
            urllib.request.build_opener(urllib.request.ProxyHandler()).open(url, timeout=1)
    named = urllib.request.build_opener(urllib.request.ProxyHandler(proxy))
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY")
    with pytest.raises(OSError, match="keeps this kernel away"):
        named.open("https://b.s3.amazonaws.com/k", timeout=1)
    assert attempts == []


def test_an_instance_s_metadata_is_out_of_reach(attempts: list[Any]) -> None:
    start_lab()
    fetcher = InstanceMetadataFetcher(timeout=0.1, num_attempts=1, env={})
    with pytest.raises(NotImplementedError, match=r"169\.254\.169\.254"):
        InstanceMetadataProvider(iam_role_fetcher=fetcher).load()
    with pytest.raises(OSError, match="keeps this kernel away"):
        urllib.request.urlopen("http://169.254.169.254/latest/meta-data/", timeout=1)
    assert attempts == []


@pytest.mark.parametrize(
    "host",
    [
        "s3.amazonaws.com", "KMS.us-east-1.API.AWS", "sts.amazonaws.com.",
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254",
    ],
)  # fmt: skip
def test_plain_sockets_to_aws_are_refused(host: str, attempts: list[Any]) -> None:
    start_lab()
    for attempt in (
        lambda: socket.create_connection((host, 443), timeout=1),
        lambda: socket.socket().connect((host, 443)),
        lambda: socket.socket().connect_ex((host, 443)),
        lambda: socket.getaddrinfo(host.encode(), 443),
    ):
        with pytest.raises(ConnectionRefusedError, match="keeps this kernel away"):
            attempt()
    assert attempts == []


@pytest.mark.parametrize("kind", ["dnsSuffix", "dualStackDnsSuffix"])
def test_every_suffix_of_aws_s_names_is_refused(kind: str, attempts: list[Any]) -> None:
    start_lab()
    partitions = botocore.session.get_session().get_data("partitions")["partitions"]
    suffixes = {partition["outputs"][kind] for partition in partitions}
    assert len(suffixes) >= 7
    for suffix in suffixes:
        for host in (suffix, f"kms.region.{suffix}", f"B.{suffix.upper()}."):
            with pytest.raises(ConnectionRefusedError, match="keeps this kernel away"):
                socket.getaddrinfo(host, 443)
    assert attempts == []


def test_an_address_needs_a_look_up_by_name(
    monkeypatch: pytest.MonkeyPatch, attempts: list[Any]
) -> None:
    """Whoever resolves names elsewhere could have asked for AWS's."""
    found = {"site.example": "192.0.2.1", "metadata.example": "169.254.169.254"}

    def look_up(host: str, *_: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (found.get(host, host), 443))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setenv("HTTPS_PROXY", "http://192.0.2.9:3128")
    start_lab()
    for host in ("192.0.2.1", "192.0.2.2", *found):
        socket.getaddrinfo(host, 443)
    for address in ("192.0.2.2", "169.254.169.254", "0xa9.0xfe.43518", "2001:db8::1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with pytest.raises(ConnectionRefusedError, match="keeps this kernel away"):
            socket.socket(family).connect((address, 443))
    assert attempts == []
    through = [("192.0.2.1", 443), ("192.0.2.9", 3128), ("127.0.0.1", 80), ("127.9.9.9", 80)]
    for reachable in through:
        with pytest.raises(ConnectionRefusedError, match="no network in this test"):
            socket.socket().connect(reachable)
    assert attempts == through


@pytest.mark.parametrize(
    ("look_up", "answer"),
    [
        ("getaddrinfo", [(socket.AF_INET, 1, 6, "", ("192.0.2.3", 443))]),
        ("gethostbyname", "192.0.2.3"),
        ("gethostbyname_ex", ("site.example", [], ["192.0.2.3"])),
        ("gethostbyaddr", ("site.example", [], ["192.0.2.3"])),
    ],
)
def test_every_look_up_gives_addresses_to_connect_to(
    look_up: str, answer: Any, monkeypatch: pytest.MonkeyPatch, attempts: list[Any]
) -> None:
    monkeypatch.setattr(socket, look_up, lambda *_: answer)
    start_lab()
    with pytest.raises(ConnectionRefusedError, match="could be AWS's"):
        socket.socket().connect(("192.0.2.3", 443))
    getattr(socket, look_up)("site.example", *([443] if look_up == "getaddrinfo" else []))
    with pytest.raises(ConnectionRefusedError, match="no network in this test"):
        socket.socket().connect(("192.0.2.3", 443))


def test_connections_from_before_the_lab_are_closed() -> None:
    context = ssl.create_default_context()
    pairs = [socket.socketpair() for _ in range(2)]
    hosts = ("bucket.s3.amazonaws.com", "pypi.org")
    early = [
        context.wrap_socket(ours, server_hostname=host, do_handshake_on_connect=False)
        for (ours, _), host in zip(pairs, hosts, strict=True)
    ]
    start_lab()
    assert [connection.fileno() == -1 for connection in early] == [True, False]
    for connection in (*early, *(theirs for _, theirs in pairs)):
        connection.close()


def test_a_connection_that_is_open_carries_no_request_to_aws(attempts: list[Any]) -> None:
    connection = http.client.HTTPConnection("b.s3.amazonaws.com")
    connection.sock = io.BytesIO()
    start_lab()
    with pytest.raises(ConnectionRefusedError, match="keeps this kernel away"):
        connection.request("GET", "/k")
    proxied = http.client.HTTPConnection("proxy.example")
    with pytest.raises(ConnectionRefusedError, match="keeps this kernel away"):
        proxied.request("GET", "http://b.s3.amazonaws.com/k")
    assert attempts == []


def test_a_library_s_module_is_as_it_was_but_for_what_is_held(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A module that is imported in the lab keeps its own loader, and is given back at the end."""
    (tmp_path / "pycares.py").write_text("class Channel:\n    def query(self, name): return name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pycares", raising=False)
    start_lab()
    module = importlib.import_module("pycares")
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__
    assert module.Channel().query("site.example") == "site.example"
    with pytest.raises(ConnectionRefusedError, match="keeps this kernel away"):
        module.Channel().query("s3.amazonaws.com")
    assert BotocoreTransport._installed is not None
    BotocoreTransport._installed.remove()
    assert module.Channel().query("s3.amazonaws.com") == "s3.amazonaws.com"
    monkeypatch.delitem(sys.modules, "pycares")


def test_no_secret_of_the_learner_s_own_is_kept_to_sign_with() -> None:
    """Neither that of a client made before the lab, nor one typed in while it runs."""
    own = {"aws_access_key_id": "AKIAEXPLICIT00000000", "aws_secret_access_key": "mine"}
    typed_in = {**own, "aws_access_key_id": "AKIANOBODYSKEY000000"}
    clients = [boto3.client("s3"), boto3.client("s3", **own)]
    start_lab()
    clients += [boto3.client("s3", **own), boto3.client("s3", **typed_in)]
    held = [client._request_signer._credentials for client in clients]
    administrator = isolation.ADMINISTRATOR
    for credentials in held[:3]:
        assert credentials.access_key == administrator.access_key_id
        assert credentials.secret_key == administrator.secret_access_key
        assert credentials.token is None
    assert held[3].access_key == "AKIANOBODYSKEY000000"
    assert "mine" not in held[3].get_frozen_credentials()
    frozen = ReadOnlyCredentials("AKIANOBODYSKEY000000", "mine", None)
    assert "mine" not in frozen


def test_other_sockets_are_left_alone(attempts: list[Any]) -> None:
    start_lab()
    with pytest.raises(ConnectionRefusedError, match="no network"):
        socket.create_connection(("notaws.example", 80), timeout=1)
    assert attempts == ["notaws.example"]


def test_removing_the_transport_gives_everything_back() -> None:
    import botocore.auth
    from botocore.httpsession import URLLib3Session

    def parts() -> list[Any]:
        return [
            URLLib3Session.send, socket.getaddrinfo, socket.socket.connect,
            botocore.auth.get_current_datetime, botocore.auth.time,
        ]  # fmt: skip

    before = parts()
    start_lab()
    start_lab()
    assert all(now is not then for now, then in zip(parts(), before, strict=True))
    installed = BotocoreTransport._installed
    assert installed is not None
    installed.remove()
    assert parts() == before
    assert BotocoreTransport._installed is None


# --- Bodies --------------------------------------------------------------------------------------


def test_streamed_bodies_arrive_whole(tmp_path: Path) -> None:
    start_lab()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bodies")
    content = os.urandom(200_000)
    file = tmp_path / "file"
    file.write_bytes(content)
    behind = io.BytesIO(b"skipped" + content)
    behind.seek(7)
    with file.open("rb") as stream:
        s3.put_object(Bucket="bodies", Key="file", Body=stream)
    s3.put_object(Bucket="bodies", Key="behind", Body=behind)
    s3.put_object(Bucket="bodies", Key="bytearray", Body=bytearray(content))
    s3.upload_file(str(file), "bodies", "upload")
    s3.upload_fileobj(io.BytesIO(content), "bodies", "fileobj")
    for key in ("file", "behind", "bytearray", "upload", "fileobj"):
        answer = s3.get_object(Bucket="bodies", Key=key)
        assert answer["Body"].read() == content
        assert answer["ContentLength"] == len(content)
        assert "aws-chunked" not in answer.get("ContentEncoding", "")
        assert answer["ChecksumCRC32"]
    s3.put_object(Bucket="bodies", Key="text", Body="é", ContentEncoding="gzip")
    assert s3.head_object(Bucket="bodies", Key="text")["ContentEncoding"] == "gzip"


def test_a_stream_that_is_not_what_it_announced_is_refused() -> None:
    lab = start_lab()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bodies")
    headers = {
        "Authorization": f"AWS {os.environ['AWS_ACCESS_KEY_ID']}:not verified in the kernel",
        "Content-Encoding": "aws-chunked",
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X-Amz-Decoded-Content-Length": "4",
    }
    url = "https://s3.us-east-1.amazonaws.com/bodies/k"
    for body, status in ((b"3\r\nabc\r\n0\r\n\r\n", 400), (b"4\r\nabcd\r\n0\r\n\r\n", 200)):
        request = request_for("PUT", url, headers, body)
        assert sandbox_of(lab)._gateway.handle(request).status == status
    assert s3.get_object(Bucket="bodies", Key="k")["Body"].read() == b"abcd"


def test_an_answer_is_read_as_from_a_socket() -> None:
    start_lab()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="answers")
    s3.put_object(Bucket="answers", Key="k", Body=b"line one\nline two\n" * 1000)
    body = s3.get_object(Bucket="answers", Key="k")["Body"]
    assert next(body.iter_lines()) == b"line one"
    body = s3.get_object(Bucket="answers", Key="k")["Body"]
    assert sum(map(len, body.iter_chunks(100))) == 18_000


def test_an_unsigned_client_is_anonymous() -> None:
    start_lab()
    boto3.client("s3").create_bucket(Bucket="mine")
    anonymous = boto3.client("s3", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="AccessDenied"):
        anonymous.list_objects_v2(Bucket="mine")
    with pytest.raises(ClientError, match="MissingAuthenticationToken"):
        boto3.client("kms", config=Config(signature_version=UNSIGNED)).list_keys()


# --- The clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_signatures_are_dated_by_the_sandbox_s_clock(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A presigned URL made after `lab.later` holds, one made before has expired."""
    lab = start_lab()
    s3 = boto3.client("s3", config=Config(signature_version=version))
    s3.create_bucket(Bucket="clock")
    s3.put_object(Bucket="clock", Key="k", Body=b"found")

    def status(url: str) -> int:
        parts = urlsplit(url)
        request = request_for("GET", url, {"Host": parts.netloc}, b"")
        return sandbox_of(lab)._gateway.handle(request, signed=True).status

    def presign() -> str:
        return str(s3.generate_presigned_url("get_object", {"Bucket": "clock", "Key": "k"}))

    early = presign()
    assert status(early) == 200
    lab.later(days=2)
    assert status(early) == 403
    assert status(presign()) == 200
    fields = s3.generate_presigned_post("clock", "k")["fields"]
    assert fields["policy"]


# --- Shell commands ------------------------------------------------------------------------------

NOTEBOOK = """
    import os
    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance()
    from workshop_lib.lab import start_lab
    lab = start_lab()
    assert lab._backend._http is None
    shell.run_cell("x = 'no shell' != 'here'")
    assert lab._backend._http is None
    shell.run_cell("lines = !aws sts get-caller-identity --output text --query Arn")
    print(*shell.user_ns["lines"])
    start_lab()
    print(os.environ['AWS_ENDPOINT_URL'])
    shell.run_cell("%%bash\\ncase $AWS_ENDPOINT_URL in *:9) echo none;; *) echo served;; esac")
"""


def test_a_shell_command_in_a_cell_stays_here(attempts: list[Any], tmp_path: Path) -> None:
    """`!aws` with real-looking credentials, a proxy and an ignored endpoint in the environment."""
    script = tmp_path / "notebook.py"
    script.write_text(textwrap.dedent(NOTEBOOK))
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "HTTP_PROXY": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "AWS_PROFILE": "prod",
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1] == ADMIN
    assert lines[3] == "http://127.0.0.1:9"
    assert lines[4] == "served"
    assert REAL_KEY not in done.stdout + done.stderr
    assert REAL_SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("cell", "is_shell"),
    [
        ("!aws s3 ls", True),
        ("  !!aws s3 ls", True),
        ("names = !aws s3 ls", True),
        ("%%bash\naws s3 ls", True),
        ("%%sh\naws s3 ls", True),
        ("x = 1\n%sx aws s3 ls", True),
        ("%system aws s3 ls", True),
        ("%%script bash\naws s3 ls", True),
        ("subprocess.run(['aws'])", True),
        ("os.system('aws')", True),
        ("from multiprocessing import Pool", True),
        ("with ProcessPoolExecutor() as pool:", True),
        ("a != b", False),
        ("print('hello!')", False),
        ("%shell_like", False),
    ],
)
def test_which_cells_start_the_server(cell: str, is_shell: bool) -> None:
    assert (backend._SHELL.search(cell) is not None) is is_shell
