"""A lab in a browser: an HTTP server without sockets for `lab.serve`, and uploads without threads.

Of urllib3's own way out of a browser the tests have the module's form here; with the module itself
lesson 06 follows a link, in `tests/browser/test_site.py`.
"""

import io
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from workshop_lib import Lab, start_lab
from workshop_lib.errors import PortTaken
from workshop_lib.sandbox import backend
from workshop_lib.sandbox.transport import kernel_server


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab as in a browser: nothing may listen."""
    monkeypatch.setattr(backend, "IN_BROWSER", True)
    monkeypatch.setattr(kernel_server, "import_module", lambda name: URLLIB3)
    monkeypatch.setattr(socket.socket, "listen", None)
    yield start_lab()
    end()


def end() -> None:
    current = backend.SandboxBackend._current
    if current is not None:
        current.close()


def nobody(request: Any) -> Any:
    raise OSError("nobody")


# The module of urllib3 that sends in a browser, and here to nobody.
URLLIB3 = SimpleNamespace(
    EmscriptenResponse=lambda *parts: SimpleNamespace(status=parts[0], body=parts[2]),
    send_request=nobody,
    send_streaming_request=nobody,
)


def asking(url: str, method: str = "GET", body: Any = None) -> Any:
    """A request as urllib3 has it in a browser."""
    return SimpleNamespace(url=url, method=method, body=body, headers={"Accept": "*/*"})


def shared(key: str, body: bytes) -> str:
    """The name of a bucket with one object, and a link to it."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="reports-1")
    s3.put_object(Bucket="reports-1", Key=key, Body=body)
    return "reports-1"


def link(address: str, bucket: str, key: str) -> str:
    signer = boto3.client("s3", endpoint_url=address)
    return str(signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}))


def test_a_link_is_followed_in_the_kernel(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    bucket = shared("a report", b"the report")
    address = lab.serve()
    assert "in this kernel alone" in capsys.readouterr().out
    with urllib.request.urlopen(link(address, bucket, "a report")) as answer:
        assert (answer.status, answer.read()) == (200, b"the report")


def test_a_refusal_arrives_as_such(lab: Lab) -> None:
    bucket = shared("report", b"the report")
    url = link(lab.serve(), bucket, "report").replace("Signature=", "Signature=0")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url)


def test_a_body_is_sent(lab: Lab) -> None:
    bucket = shared("report", b"the report")
    config = Config(signature_version="s3v4")  # urllib adds a header that the older one signs
    signer = boto3.client("s3", endpoint_url=lab.serve(), config=config)
    url = signer.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "new"})
    request = urllib.request.Request(url, data=b"x" * 100_000, method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert boto3.client("s3").head_object(Bucket=bucket, Key="new")["ContentLength"] == 100_000


def test_urllib3_is_answered_past_pythons_sockets(lab: Lab) -> None:
    bucket = shared("report", b"the report")
    url = link(lab.serve(), bucket, "report")
    assert URLLIB3.send_streaming_request(asking(url)) is None  # then it sends as a whole
    answer = URLLIB3.send_request(asking(url))
    assert (answer.status, answer.body) == (200, b"the report")
    with pytest.raises(OSError, match="nobody"):
        URLLIB3.send_request(asking("http://127.0.0.1:1/"))


def test_a_file_is_uploaded_without_threads(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", None)
    bucket, body = shared("report", b"the report"), bytes(20_000_000)  # in several parts
    s3, back = boto3.client("s3"), io.BytesIO()
    s3.upload_fileobj(io.BytesIO(body), bucket, "large")
    s3.download_fileobj(bucket, "large", back)
    assert back.getvalue() == body


def test_other_addresses_are_left_to_python(lab: Lab) -> None:
    lab.serve()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", 1))


def test_after_the_lab_nobody_answers(lab: Lab) -> None:
    address = lab.serve(8123)
    assert address == "http://127.0.0.1:8123"
    end()
    with pytest.raises(OSError, match=r"refused|nobody"):
        urllib.request.urlopen(address)


def test_a_port_is_a_number(lab: Lab) -> None:
    with pytest.raises(PortTaken, match="70000"):
        lab.serve(70_000)
