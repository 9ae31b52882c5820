"""Browser uploads: AWS's example, boto3's presigned posts, and what a policy refuses.

Messages: AWS's own answers as recorded in public issue trackers and in LocalStack's tests
validated against AWS; https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-UsingHTTPPOST.html
"""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.post_forms import KEY, SECRET, form_request, presigned_fields
from tests.support.signatures import read, verify
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import ANONYMOUS, Call
from workshop_lib.sandbox.protocol import multipart_form
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.services.s3 import DEFINITION as S3
from workshop_lib.sandbox.services.s3.post_policy import check_form, check_policy


def call(request: Request, operation: str = "PostObject") -> Call:
    parameters = {"Bucket": request.path.strip("/")}
    return Call(
        service=S3,
        operation=operation,
        region="us-east-1",
        account="123456789012",
        parameters=parameters,
        request=request,
        caller=ANONYMOUS,
        signature=read(request, "s3"),
    )


def accept(request: Request) -> None:
    """What a form has to pass: its signature, then its policy."""
    verify(request, "s3", None, SECRET)
    check_form(call(request))


def refusal(request: Request) -> AwsError:
    with pytest.raises(AwsError) as caught:
        accept(request)
    return caught.value


def test_the_documented_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-post-example.html"""
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
    accept(request)
    assert multipart_form.read(request).key == "user/user1/photo.jpg"
    monkeypatch.setattr(clock, "now", lambda: datetime(2015, 12, 30, 12, tzinfo=UTC))
    error = refusal(request)
    assert (error.code, error.message, error.status) == (
        "AccessDenied", "Invalid according to Policy: Policy expired.", 403,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_boto3_s_presigned_posts(version: str) -> None:
    fields = presigned_fields(version)
    request = form_request(fields, b"some\r\n--edg content")
    accept(request)
    form = multipart_form.read(request)
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
    accept(form_request(fields))


def test_a_field_without_a_condition() -> None:
    fields = {**presigned_fields(), "x-amz-meta-Note": "1", "x-ignore-this": "2"}
    error = refusal(form_request(fields))
    assert error.message == "Invalid according to Policy: Extra input fields: x-amz-meta-Note"
    assert error.status == 403


def test_a_policy_that_leaves_the_bucket_open() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-HTTPPOSTConstructPolicy.html"""
    policy = {"expiration": "2099-01-01T00:00:00Z", "conditions": [["starts-with", "$key", ""]]}
    fields = {"key": "a", "policy": base64.b64encode(json.dumps(policy).encode()).decode()}
    with pytest.raises(AwsError) as caught:
        check_policy(multipart_form.read(form_request(fields)), "bucket")
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
    accept(form_request({**signed, **fields}))


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
     ["content-length-range", 0, 512.0], ["content-length-range", "few", "10"],
     ["content-length-range", 0, False], "scalar", ["eq", "$key", 1]],
    ids=json.dumps,
)  # fmt: skip
def test_conditions_that_are_none(condition: Any) -> None:
    document = json.dumps({"expiration": LATER, "conditions": [condition]})
    error = refusal(form_request(signed_policy(document)))
    assert (error.code, error.status) == ("InvalidPolicyDocument", 400)


def test_a_form_s_signature_is_for_an_upload_only() -> None:
    request = form_request(presigned_fields())
    accept(request)
    with pytest.raises(AwsError) as caught:
        check_form(call(request, "CreateMultipartUpload"))
    assert caught.value.code == "AccessDenied"


def test_a_form_without_its_signature() -> None:
    fields = presigned_fields()
    for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "policy"):
        lacking = {field: value for field, value in fields.items() if field != name}
        error = refusal(form_request(lacking))
        assert error.code == "InvalidArgument"
        assert error.fields["ArgumentName"].lower() == name


def test_a_form_without_any_signature_is_anonymous() -> None:
    request = form_request({"key": "k", "policy": "e30="})
    verify(request, "s3", None, None)
    check_form(call(request))


def test_a_form_names_the_algorithm_that_signed_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html"""
    error = refusal(form_request({**presigned_fields(), "x-amz-algorithm": "AWS4-SHA256"}))
    assert (error.code, error.message) == ("InvalidArgument", "Only AWS4-HMAC-SHA256 is supported")
    assert error.fields == {"ArgumentName": "X-Amz-Algorithm", "ArgumentValue": "AWS4-SHA256"}
