"""Whatever bytes arrive, the answer is AWS's refusal or a named one: raw HTTP, made at random.

Requests for every operation of every service's model, with values of wrong kinds and sizes in
their parameters, headers and documents, most of them signed, so that they reach the service; then
some bytes of the message are changed. SANDBOX_FUZZ is how many requests there are (2,500),
SANDBOX_FUZZ_SEED where the generator begins; a request that fails is shown.
"""

import base64
import hashlib
import json
import os
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import boto3
import pytest
from botocore.config import Config

from tests.support.labs import without_kernel_transport
from workshop_lib.sandbox.auth import sigv4
from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.call import Signature
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import Protocol, ServiceDefinition
from workshop_lib.sandbox.protocol.service_model import description, service_model
from workshop_lib.sandbox.services.registry import SERVICES
from workshop_lib.sandbox.transport.http_server import HttpServer

OWN = Credentials("AKIATESTADMINISTRATOR", "the/secret+of/a+test")
COUNT = int(os.environ.get("SANDBOX_FUZZ", "2500"))
SEED = int(os.environ.get("SANDBOX_FUZZ_SEED", "1"))
REGION = "us-east-1"

# Texts that stand for themselves in JSON, as Python writes none of them.
RAW = ["1e999", "-1e999", "NaN", "Infinity", "1E400", "0.1e-999", "9" * 400, r'"\ud800"', "[" * 300,
       "[" * 300 + "]" * 300, '{"a":' * 200 + "1" + "}" * 200, "tru", ""]  # fmt: skip
TEXTS = ["", " ", "\x00", "a\x00b", "\x7f", "é", "\u2028", "😀", "a" * 300, "x" * 5000, "../..",
         "-1", "0", "1", "1e999", "9" * 40, "9" * 400, "NaN", "null", "true", "{", "[" * 5000,
         "*", "arn:aws:kms:us-east-1:123456789012:key/", "arn:aws:iam::123456789012:role/fuzz",
         "arn:::::", "alias/fuzz", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
         "Thu, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359",
         "2026-02-30T25:61:61Z", "bytes=0-0,5-", "bytes=9-1", "AES256", "aws:kms", "COMPOSITE",
         "%", "%zz", "a=b&c=d", "a/b", "<a/>", "&#0;", "?", ";;", ",", '"', "\\", "=",
         "MTIz", "!!!", "fuzz", "fuzz-2", "k", "STANDARD", "private"]  # fmt: skip
NUMBERS: list[Any] = [0, 1, -1, 5, 1000, 1001, 2**31, -(2**31) - 1, 2**63, 10**30, 1.5, -0.0, 1e300]
OTHERS: list[Any] = [None, True, False, [], {}, [None], [[]], {"": ""}, {"S": 1}, {"a": {"b": []}}]
DATES = ["00000000T000000Z", "99991231T235959Z", "00010101T000000Z", "20260230T000000Z", "today"]
DOCUMENTS = [
    "<Delete><Object><Key>k</Key></Object></Delete>",
    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>"
    "</CompleteMultipartUpload>",
    "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>",
    "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>"
    "AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
    "</ServerSideEncryptionConfiguration>",
    "<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList><Grant><Grantee "
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>u</URI></Grantee>'
    "<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
    "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*"
    "</AllowedOrigin><MaxAgeSeconds>1</MaxAgeSeconds></CORSRule></CORSConfiguration>",
    "<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter><Prefix>p</Prefix>"
    "</Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
    "<DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
    "</ObjectLockConfiguration>",
    "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>"
    "</Retention>",
    "<LegalHold><Status>ON</Status></LegalHold>",
    "<BucketLoggingStatus><LoggingEnabled><TargetBucket>fuzz</TargetBucket><TargetPrefix/>"
    "</LoggingEnabled></BucketLoggingStatus>",
    "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
    "</CreateBucketConfiguration>",
    "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>"
    "</OwnershipControls>",
    "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
    "</PublicAccessBlockConfiguration>",
    "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument>"
    "</WebsiteConfiguration>",
    "<NotificationConfiguration/>",
    "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>",
    "<InventoryConfiguration><Id>i</Id></InventoryConfiguration>",
    "<RestoreRequest><Days>1</Days></RestoreRequest>",
    '{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":'
    '"arn:aws:s3:::fuzz"}]}',
]  # fmt: skip


class Grammar:
    """Requests made at random, each from the numbers of a seed of its own."""

    def __init__(self, seed: str, known: list[str]) -> None:
        self._random = random.Random(seed)
        self._known = known

    def message(self, host: str) -> bytes:
        """The bytes of a request."""
        service = self._random.choice(list(SERVICES))
        make = {Protocol.JSON: self._json, Protocol.QUERY: self._form, Protocol.REST_XML: self._s3}
        method, path, query, headers, body = make[service.protocol](service)
        headers = {"host": host, **headers}
        if self._one_in(8):
            query += "&" * bool(query) + self._query()
        request = Request(method, "http", host, path, query, headers, body)
        if not self._one_in(6):
            self._sign(request, service)
        return self._mutated(self._written(request))

    def _one_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def _text(self) -> str:
        return self._random.choice(self._known if self._one_in(3) else TEXTS)

    # --- the services ---

    def _json(self, service: ServiceDefinition) -> tuple[str, str, str, dict[str, str], bytes]:
        operation = self._random.choice(sorted(description(service.name)["operations"]))
        shape = service_model(service.name).operation_model(operation).input_shape
        text = json.dumps(self._value(shape) if shape else {})
        text = re.sub(r'"@raw(\d+)"', lambda found: RAW[int(found[1])], text)
        headers = {
            "x-amz-target": f"{service.targets[0]}.{operation}",
            "content-type": f"application/x-amz-json-{service.json_version}",
        }
        return "POST", "/", "", headers, text.encode()

    def _form(self, service: ServiceDefinition) -> tuple[str, str, str, dict[str, str], bytes]:
        operation = self._random.choice(sorted(description(service.name)["operations"]))
        form = {"Action": operation, "Version": service.version}
        shape = service_model(service.name).operation_model(operation).input_shape
        for name, member in shape.members.items() if shape else ():
            required = name in shape.required_members
            if required or self._one_in(2):
                suffix = {"list": ".member.1", "structure": "." + self._text()}
                form[name + suffix.get(member.type_name, "")] = self._text()
                if member.type_name == "list" and member.member.type_name == "structure":
                    for inner in member.member.members:
                        form[f"{name}.member.1.{inner}"] = self._text()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return "POST", "/", "", headers, urlencode(form).encode()

    def _s3(self, service: ServiceDefinition) -> tuple[str, str, str, dict[str, str], bytes]:
        model = description(service.name)
        name = self._random.choice(sorted(model["operations"]))
        http = model["operations"][name]["http"]
        shape = service_model("s3").operation_model(name).input_shape
        path, _, query = http["requestUri"].partition("?")
        bucket = quote(self._text(), safe="") if self._one_in(5) else "fuzz"
        path = path.replace("{Bucket}", bucket).replace("{Key+}", quote(self._text() or "k"))
        headers, more = {}, []
        for member_name, member in shape.members.items() if shape else ():
            place, wire = member.serialization.get("location"), member.serialization.get("name")
            if not (member_name in shape.required_members or self._one_in(6)):
                continue
            text = self._text()
            if place == "querystring":
                more.append(f"{wire}={quote_plus(text)}")
            elif place == "header":
                headers[wire.lower()] = re.sub("[\x00-\x1f\x7f]", "", text)
            elif place == "headers":
                headers["x-amz-meta-a"] = re.sub("[\x00-\x1f\x7f]", "", text)
        return http["method"], path, "&".join([query, *more]).strip("&"), headers, self._document()

    def _document(self) -> bytes:
        text = self._random.choice(DOCUMENTS)
        match self._random.randrange(6):
            case 0:
                places = [found.span() for found in re.finditer(r"(?<=>)[^<]+(?=<)", text)]
                if places:
                    start, end = self._random.choice(places)
                    text = text[:start] + self._text() + text[end:]
            case 1:
                tags = re.findall(r"<(\w+)", text)
                if tags:
                    text = text.replace(self._random.choice(tags), self._random.choice(tags))
            case 2:
                text = self._random.choice(["", "<a>" * 5000, "<a/>", "[" * 5000, "\x00", text * 2])
            case 3:
                text = '<!DOCTYPE a [<!ENTITY b "c">]>' + text
            case 4:
                return self._changed(text.encode("utf-8", "replace"))
        return text.encode("utf-8", "replace")

    def _value(self, shape: Any, depth: int = 0) -> Any:
        """A value of a shape, or something else in its place."""
        if self._one_in(12):
            kind = self._random.randrange(4)
            if kind == 0:
                return f"@raw{self._random.randrange(len(RAW))}"
            return self._random.choice((TEXTS, NUMBERS, OTHERS)[kind - 1])
        match shape.type_name:
            case "structure" if depth < 6:
                return {
                    name: self._value(member, depth + 1)
                    for name, member in shape.members.items()
                    if name in shape.required_members or self._one_in(3)
                }
            case "list" if depth < 6:
                return [self._value(shape.member, depth + 1) for _ in range(2 - self._one_in(2))]
            case "map" if depth < 6:
                return {self._text(): self._value(shape.value, depth + 1)}
        return self._scalar(shape)

    def _scalar(self, shape: Any) -> Any:
        match shape.type_name:
            case "integer" | "long" | "double" | "float":
                return self._random.choice(NUMBERS)
            case "boolean":
                return self._one_in(2)
            case "timestamp":
                return self._random.choice([0, 2_000_000_000, -1, 1e18, 253_402_300_799.9])
            case "blob":
                return base64.b64encode(self._text().encode()).decode()
            case "string":
                return self._random.choice(shape.enum) if shape.enum else self._text()
        return {}

    def _query(self) -> str:
        names = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "Expires",
                 "X-Amz-Expires", "X-Amz-SignedHeaders", "AWSAccessKeyId", "Signature", "max-keys",
                 "acl", "versionId", "partNumber", "uploadId", "response-expires"]  # fmt: skip
        chosen = self._random.sample(names, self._random.randint(1, 4))
        return "&".join(f"{name}={quote_plus(self._text())}" for name in chosen)

    # --- the message ---

    def _sign(self, request: Request, service: ServiceDefinition) -> None:
        """Sign a request as the administrator, now and then with a date of another age."""
        time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        if self._one_in(20):
            time = self._random.choice(DATES)
        payload = hashlib.sha256(request.body).hexdigest()
        request.headers |= {"x-amz-date": time, "x-amz-content-sha256": payload}
        signed = tuple(sorted(request.headers))
        scope = (time[:8], REGION, service.signed_as)
        signature = Signature(4, "header", OWN.access_key_id, "", None, *scope, signed, time)
        canonical = sigv4.canonical_request(request, service, signature, payload)
        key = sigv4.signing_key(OWN.secret_access_key, *scope)
        value = sigv4._hmac(key, sigv4.string_to_sign(signature, canonical)).hex()
        request.headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={OWN.access_key_id}/{signature.scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={value}"
        )

    def _written(self, request: Request) -> bytes:
        target = request.path + (f"?{request.query}" if request.query else "")
        lines = [f"{request.method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        body = request.body
        if self._one_in(8):
            lines.append("transfer-encoding: chunked")
            size = self._random.choice([f"{len(body):x}", f"{len(body):X};a=b", "-1", "f" * 16])
            body = f"{size}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        else:
            lines.append(f"content-length: {len(body)}")
        if self._one_in(20):
            lines.append("expect: 100-continue")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def _mutated(self, message: bytes) -> bytes:
        """A message, now and then changed in its head, or with a header too many."""
        head, _, body = message.partition(b"\r\n\r\n")
        match self._random.randrange(12):
            case 0:
                return self._changed(head) + b"\r\n\r\n" + body
            case 1:
                lines = head.split(b"\r\n")
                lines.append(self._random.choice(lines[1:]))
                return b"\r\n".join(lines) + b"\r\n\r\n" + body
            case 2:
                more = self._random.choice(
                    [b"authorization: \xff", b"x-amz-meta-b: \xff\xfe", b"host: \xff", b"a: " * 200,
                     b"authorization: AWS \xff:\xff", b"date: Thu, 01 Jan 0001 00:00:00 +2359",
                     b"x-amz-date: \xd9\xa1", b"x-amz-copy-source: /fuzz/k?versionId=%ff",
                     b"content-type: multipart/form-data; boundary=\xff", b"range: bytes=\xb2-",
                     b"x-amz-decoded-content-length: 9\r\ncontent-encoding: aws-chunked",
                     b"x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]
                )  # fmt: skip
                lines = [line for line in head.split(b"\r\n") if line[:5] != more[:5]]
                return b"\r\n".join([*lines, more]) + b"\r\n\r\n" + body
        return message

    def _changed(self, data: bytes) -> bytes:
        """Data with some bytes replaced, left out or put in."""
        changed = bytearray(data)
        for _ in range(self._random.randint(1, 4)):
            place = self._random.randrange(len(changed) + 1)
            new = self._random.choice(
                [b"", b"\x00", b"\xff", b" ", b"\r\n", b"\t", b":", b"/", b"9"]
            )
            changed[place : place + self._random.randint(0, 3)] = new
        return bytes(changed)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with without_kernel_transport():
        server = HttpServer(Gateway(OWN, sse_c_allowed=True))
        server.start()
        yield server
        server.stop()


def furnish(server: HttpServer) -> list[str]:
    """What requests can be about, and the names of it."""
    kms, s3, dynamodb, iam = (
        boto3.Session(OWN.access_key_id, OWN.secret_access_key, region_name=REGION).client(
            name, endpoint_url=server.address, config=Config(retries={"total_max_attempts": 1})
        )
        for name in ("kms", "s3", "dynamodb", "iam")
    )
    key = kms.create_key()["KeyMetadata"]
    asymmetric = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    s3.create_bucket(Bucket="fuzz")
    s3.put_object(Bucket="fuzz", Key="k", Body=b"content")
    upload = s3.create_multipart_upload(Bucket="fuzz", Key="k")["UploadId"]
    table = dynamodb.create_table(
        TableName="fuzz", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]  # fmt: skip
    dynamodb.put_item(TableName="fuzz", Item={"k": {"S": "k"}})
    iam.create_user(UserName="fuzz")
    return [key["KeyId"], key["Arn"], asymmetric["KeyId"], "fuzz", "k", upload, table["TableArn"],
            table["LatestStreamArn"], "fuzz/k", "arn:aws:s3:::fuzz"]  # fmt: skip


def answer(server: HttpServer, data: bytes) -> bytes:
    """What the server sends back for a message after which nothing more comes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def test_whatever_arrives_is_answered_as_aws_answers(
    server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    known = furnish(server)
    threads = threading.active_count()
    statuses: dict[int, int] = {}
    failed: dict[str, tuple[object, ...]] = {}  # one of each kind
    for number in range(COUNT):
        message = Grammar(f"{SEED}-{number}", known).message(f"127.0.0.1:{server.port}")
        received = answer(server, message)
        found = re.match(rb"(?:HTTP/1\.1 100 Continue\r\n\r\n)?HTTP/1\.1 (\d{3}) ", received)
        status = int(found[1]) if found else 0
        statuses[status] = statuses.get(status, 0) + 1
        complaint = capsys.readouterr().err.strip()
        if status == 0 or (status >= 500 and status != 501) or complaint:
            kind = f"{status}: {complaint.rpartition(chr(10))[2]}"
            failed.setdefault(kind, (number, message[:3000], received[:300], complaint[-2500:]))
    for each in failed.values():
        print(*each, sep="\n")
    assert not failed, "\n".join(failed)
    assert statuses[200] > COUNT / 50, "too few reach a service"
    assert statuses[400] > COUNT / 4
    end = time.monotonic() + 10  # the last one's may not have noticed yet
    while threading.active_count() > threads and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= threads
