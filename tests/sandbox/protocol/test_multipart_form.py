"""Browser uploads: AWS's example, boto3's presigned posts, and what a policy refuses.

Messages: AWS's own answers as recorded in public issue trackers and in LocalStack's tests
validated against AWS; https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html
"""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.signatures import verify
from workshop_lib.sandbox import clock, post_form
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def form_request(
    fields: dict[str, str], file: bytes = b"content", name: str | None = "photo.jpg"
) -> Request:
    """A browser's POST of a form to the bucket named ``bucket``."""
    lines: list[bytes] = []
    for field, value in fields.items():
        head = f'--edge\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
        lines += [head.encode(), value.encode(), b"\r\n"]
    file_name = "" if name is None else f'; filename="{name}"'
    head = f'--edge\r\nContent-Disposition: form-data; name="file"{file_name}\r\n\r\n'
    lines += [head.encode(), file, b"\r\n--edge--\r\n"]
    headers = {"host": "x", "content-type": 'multipart/form-data; boundary="edge"'}
    return Request("POST", "https", "s3.amazonaws.com", "/bucket", "", headers, b"".join(lines))


def presigned_fields(version: str = "s3v4", **options: Any) -> dict[str, str]:
    """The fields of boto3's presigned post for keys under user/, signed now."""
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(signature_version=version),
    )
    options.setdefault("Fields", {})
    return client.generate_presigned_post("bucket", "user/${filename}", **options)["fields"]


def refusal(request: Request) -> AwsError:
    with pytest.raises(AwsError) as caught:
        verify(request, "s3", None, SECRET)
    return caught.value


def test_the_documented_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html"""
    lines = [
        '{ "expiration": "2015-12-30T12:00:00.000Z",',
        '  "conditions": [',
        '    {"bucket": "sigv4examplebucket"},',
        '    ["starts-with", "$key", "user/user1/"],',
        '    {"acl": "public-read"},',
        '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/'
        'successful_upload.html"},',
        '    ["starts-with", "$Content-Type", "image/"],',
        '    {"x-amz-meta-uuid": "14365123651274"},',
        '    {"x-amz-server-side-encryption": "AES256"},',
        '    ["starts-with", "$x-amz-meta-tag", ""],',
        "",
        '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
        '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
        '    {"x-amz-date": "20151229T000000Z" }',
        "  ]",
        "}",
    ]
    fields = {
        "key": "user/user1/${filename}",
        "acl": "public-read",
        "success_action_redirect": (
            "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"
        ),
        "Content-Type": "image/jpeg",
        "x-amz-meta-uuid": "14365123651274",
        "x-amz-server-side-encryption": "AES256",
        "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": "20151229T000000Z",
        "x-amz-meta-tag": "",
        "Policy": base64.b64encode("\r\n".join(lines).encode()).decode(),
        "X-Amz-Signature": "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
    }
    request = form_request(fields)
    request.path = "/sigv4examplebucket"
    monkeypatch.setattr(clock, "now", lambda: datetime(2015, 12, 29, tzinfo=UTC))
    verify(request, "s3", None, SECRET)
    assert post_form.read(request).key == "user/user1/photo.jpg"
    monkeypatch.setattr(clock, "now", lambda: datetime(2015, 12, 30, 12, tzinfo=UTC))
    error = refusal(request)
    assert (error.code, error.message, error.status) == (
        "AccessDenied", "Invalid according to Policy: Policy expired.", 403,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_boto3_s_presigned_posts(version: str) -> None:
    fields = presigned_fields(version)
    request = form_request(fields, b"some\r\n--edg content")
    verify(request, "s3", None, SECRET)
    form = post_form.read(request)
    assert (form.key, form.file, form.file_name) == (
        "user/photo.jpg", b"some\r\n--edg content", "photo.jpg",
    )  # fmt: skip
    wrong = form_request({**fields, "policy": fields["policy"][:-2]})
    error = refusal(wrong)
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)
    assert error.fields["StringToSign"] == fields["policy"][:-2]


def test_names_in_any_case() -> None:
    fields = {
        {"policy": "pOLICy", "key": "KEY"}.get(name, name.upper()): value
        for name, value in presigned_fields().items()
    }
    verify(form_request(fields), "s3", None, SECRET)


def test_a_field_without_a_condition() -> None:
    fields = {**presigned_fields(), "x-amz-meta-Note": "1", "x-ignore-this": "2"}
    error = refusal(form_request(fields))
    assert error.message == "Invalid according to Policy: Extra input fields: x-amz-meta-Note"
    assert error.status == 403


def test_a_policy_that_leaves_the_bucket_open() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html"""
    policy = {"expiration": "2099-01-01T00:00:00Z", "conditions": [["starts-with", "$key", ""]]}
    fields = {"key": "a", "policy": base64.b64encode(json.dumps(policy).encode()).decode()}
    with pytest.raises(AwsError) as caught:
        post_form.check_policy(post_form.read(form_request(fields)), "bucket")
    assert caught.value.message == "Invalid according to Policy: Extra input fields: bucket"


@pytest.mark.parametrize(
    ("condition", "fields", "failed"),
    [
        (["eq", "$x-amz-meta-a", "1"], {"x-amz-meta-a": "2"}, '["eq", "$x-amz-meta-a", "1"]'),
        ({"x-amz-meta-a": "1"}, {"x-amz-meta-a": "2"}, '["eq", "$x-amz-meta-a", "1"]'),
        (["starts-with", "$x-amz-meta-a", "b"], {"x-amz-meta-a": "B"},
         '["starts-with", "$x-amz-meta-a", "b"]'),
        (["starts-with", "$x-amz-meta-a", ""], {}, '["starts-with", "$x-amz-meta-a", ""]'),
        (["eq", "x-amz-meta-a", "1"], {"x-amz-meta-a": "1"}, '["eq", "x-amz-meta-a", "1"]'),
        (["starts-with", "$Content-Type", "image/"], {"Content-Type": "image/png,text/plain"},
         '["starts-with", "$Content-Type", "image/"]'),
        ({"bucket": "another"}, {}, '["eq", "$bucket", "another"]'),
        (["content-length-range", "few", "10"], {}, '["content-length-range", "few", "10"]'),
    ],
)  # fmt: skip
def test_conditions_that_fail(condition: Any, fields: dict[str, str], failed: str) -> None:
    signed = presigned_fields(Conditions=[condition])
    error = refusal(form_request({**signed, **fields}))
    assert error.code == "AccessDenied"
    assert error.message == f"Invalid according to Policy: Policy Condition failed: {failed}"


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        (["EQ", "$X-Amz-Meta-A", "1"], {"x-amz-meta-a": "1"}),
        (["starts-with", "$x-amz-meta-a", ""], {"x-amz-meta-a": ""}),
        (["starts-with", "$Content-Type", "image/"], {"Content-Type": "image/png,image/gif"}),
        (["content-length-range", 7, 7], {}),
        (["content-length-range", "0", "10"], {}),
    ],
)
def test_conditions_that_hold(condition: Any, fields: dict[str, str]) -> None:
    signed = presigned_fields(Conditions=[condition])
    verify(form_request({**signed, **fields}), "s3", None, SECRET)


@pytest.mark.parametrize(
    ("limits", "code", "fields"),
    [
        ([8, 10], "EntityTooSmall", {"ProposedSize": "7", "MinSizeAllowed": "8"}),
        ([0, 6], "EntityTooLarge", {"ProposedSize": "7", "MaxSizeAllowed": "6"}),
    ],
)
def test_sizes(limits: list[int], code: str, fields: dict[str, str]) -> None:
    signed = presigned_fields(Conditions=[["content-length-range", *limits]])
    error = refusal(form_request(signed))
    assert (error.code, error.status, error.fields) == (code, 400, fields)


def signed_policy(document: str) -> dict[str, str]:
    """Fields with any policy, signed with version 2."""
    import hmac

    policy = base64.b64encode(document.encode()).decode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), policy.encode(), "sha1")).decode()
    return {"key": "k", "AWSAccessKeyId": KEY, "policy": policy, "signature": signature}


LATER = "2999-12-31T00:00:00Z"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "Expecting '{' but found End-of-Input"),
        ("{", "Invalid JSON."),
        ("[]", "Invalid JSON."),
        ('{"conditions": []}', "Policy missing expiration."),
        (f'{{"expiration": "{LATER}"}}', "Policy missing conditions."),
        (f'{{"EXPIRATION": "{LATER}", "conditions": []}}', "Unexpected: 'expiration'"),
        ('{"expiration": "2026-10-17 03:15:59 UTC", "conditions": []}',
         "Invalid 'expiration' value: '2026-10-17 03:15:59 UTC'"),
        ('{"expiration": "2026-99-17T03:15:59Z", "conditions": []}',
         "Invalid 'expiration' value: '2026-99-17T03:15:59Z'"),
        (f'{{"expiration": "{LATER}", "conditions": {{}}}}',
         "Invalid 'conditions' value: must be a List."),
    ],
)  # fmt: skip
def test_documents_that_are_no_policy(document: str, why: str) -> None:
    error = refusal(form_request(signed_policy(document)))
    assert (error.code, error.status) == ("InvalidPolicyDocument", 400)
    assert error.message == f"Invalid Policy: {why}"


@pytest.mark.parametrize(
    "condition",
    [{}, {"a": "1", "b": "2"}, {"a": 1}, [], ["unknown", "$key", ""], ["eq", "$key"],
     ["content-length-range", 0], ["content-length-range", -1, 0],
     ["content-length-range", 0, 512.0], "scalar", ["eq", "$key", 1]],
    ids=json.dumps,
)  # fmt: skip
def test_conditions_that_are_none(condition: Any) -> None:
    document = json.dumps({"expiration": LATER, "conditions": [condition]})
    error = refusal(form_request(signed_policy(document)))
    assert (error.code, error.status) == ("InvalidPolicyDocument", 400)


def form_refusal(request: Request) -> AwsError:
    with pytest.raises(AwsError) as caught:
        post_form.read(request)
    return caught.value


def test_a_form_without_its_key_or_its_signature() -> None:
    error = form_refusal(form_request({}))
    assert error.message.startswith("Bucket POST must contain a field named 'key'.  If it is")
    fields = presigned_fields()
    for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "policy"):
        lacking = {field: value for field, value in fields.items() if field != name}
        error = refusal(form_request(lacking))
        assert error.code == "InvalidArgument"
        assert error.fields["ArgumentName"].lower() == name


def test_a_form_without_any_signature_is_anonymous() -> None:
    verify(form_request({"key": "k", "policy": "e30="}), "s3", None, None)


def test_bodies_that_are_no_form() -> None:
    good = form_request({"key": "k"})
    cases = {
        "MalformedPOSTRequest": good.body.replace(b"--edge--", b"--ed"),
        "InvalidArgument": good.body.replace(b'name="file"', b'name="other"'),
        "MaxPostPreDataLengthExceeded": good.body.replace(b"\r\nk\r\n", b"\r\n" + b"k" * 20_480),
    }
    for code, body in cases.items():
        request = form_request({"key": "k"})
        request.body = body
        assert form_refusal(request).code == code
    good.headers["content-type"] = "multipart/form-data"
    assert form_refusal(good).code == "MalformedPOSTRequest"
    good.headers["content-type"] = "text/plain"
    assert form_refusal(good).status == 412


def test_a_file_without_a_name_leaves_the_variable() -> None:
    """Recorded of S3; its documentation says the name becomes empty."""
    request = form_request({"key": "a/${filename}"}, name=None)
    assert post_form.read(request).key == "a/${filename}"
