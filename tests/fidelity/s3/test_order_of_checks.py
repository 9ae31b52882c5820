"""What S3 looks at first, and what it says: the headers and the query of a write before its bucket.

The answers are those that the authors of https://github.com/versity/versitygw saw at AWS and wrote
into its issues, tests/integration and s3err.
"""

from datetime import timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.s3_people import REGION, refused_with
from workshop_lib.sandbox import clock

BODY = b"card 4111 1111 1111 1111"


@cache
def client() -> Any:
    """One client for all tests; it sends what it is told, and adds no checksums of its own."""
    own = Config(parameter_validation=False, request_checksum_calculation="when_required")
    return boto3.client("s3", region_name=REGION, config=own)


def bucket(name: str = "first-bucket", **more: Any) -> str:
    """A new bucket with one object."""
    client().create_bucket(Bucket=name, **more)
    client().put_object(Bucket=name, Key="a", Body=BODY)
    return name


def error(call: Any, **parameters: Any) -> dict[str, str]:
    """What the refusal of a call says."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    found: Any = caught.value.response["Error"]
    return {name: text for name, text in found.items() if name not in ("RequestId", "HostId")}


@pytest.mark.parametrize("text", ["=", "=1", "a%", "a=%4", "a=1&a=1", "a=1=2"])
def test_the_header_s_tags_must_be_encoded(text: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    told = error(client().put_object, Bucket=bucket(), Key="b", Tagging=text)
    assert told == {
        "Code": "InvalidArgument",
        "Message": "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
        "parameters without tag name duplicates.",
        "ArgumentName": "x-amz-tagging",
        "ArgumentValue": text,
    }


@pytest.mark.parametrize(
    ("text", "wrong", "fields"),
    [
        ("a?=1", "TagKey", {"TagKey": "a?"}),
        ("a%5B=1", "TagKey", {"TagKey": "a["}),
        ("a=1!", "TagValue", {"TagKey": "a", "TagValue": "1!"}),
    ],
)
def test_what_the_header_s_tags_say_is_told_like_a_document_s(
    text: str, wrong: str, fields: dict[str, str]
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    As seen at AWS: https://github.com/aws/aws-cli/issues/2841
    """
    name = bucket()
    for write in (client().put_object, client().create_multipart_upload):
        told = error(write, Bucket=name, Key="b", Tagging=text)
        message = f"The {wrong} you have provided is invalid"
        assert told == {"Code": "InvalidTag", "Message": message, **fields}


@pytest.mark.parametrize(
    ("text", "tags"),
    [("&", {}), ("a", {"a": ""}), ("&&a=&", {"a": ""}), ("a%2E=1+2%2B", {"a.": "1 2+"})],
)
def test_the_header_s_tags_may_have_gaps(text: str, tags: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    name, s3 = bucket(), client()
    copy = {"CopySource": f"{name}/a", "TaggingDirective": "REPLACE"}
    s3.copy_object(Bucket=name, Key="b", **copy, Tagging=text)
    found = s3.get_object_tagging(Bucket=name, Key="b")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == tags
    told = error(s3.copy_object, Bucket=name, Key="b", **copy, Tagging=f"{text}&=")
    assert told["Code"] == "InvalidArgument"


def test_a_lock_s_headers_are_read_before_the_bucket_s_settings() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
    https://github.com/versity/versitygw/issues/2028
    """
    named = {"Bucket": bucket(), "Key": "b"}
    mode, until, hold = "ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"
    tomorrow, yesterday = (clock.now() + timedelta(days=days) for days in (1, -1))
    both = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
    for lock, message in (
        ({mode: "GOVERNANCE"}, both),
        ({until: tomorrow}, both),
        ({mode: "x", until: tomorrow}, "Unknown wormMode directive."),
        ({mode: "GOVERNANCE", until: yesterday}, "The retain until date must be in the future!"),
        ({hold: "x"}, "Legal Hold must be either of 'ON' or 'OFF'"),
    ):
        for write in (client().put_object, client().create_multipart_upload):
            with refused_with(400, "InvalidArgument", message):
                write(**named, **lock)
    with refused_with(400, "InvalidRequest", "Bucket is missing ObjectLockConfiguration"):
        client().put_object(**named, **{mode: "GOVERNANCE", until: tomorrow})


def test_an_announced_size_is_a_number() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html"""
    s3, named = client(), {"Bucket": bucket(), "Key": "b"}
    named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
    etag = s3.upload_part(**named, PartNumber=1, Body=BODY)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    value = "Value for x-amz-mp-object-size header is "
    for size, wrong in ((-1, "less than zero: '-1'"), ("x", "invalid: 'x'")):
        with refused_with(400, "InvalidRequest", value + wrong):
            s3.complete_multipart_upload(**named, MultipartUpload=parts, MpuObjectSize=size)
    s3.complete_multipart_upload(**named, MultipartUpload=parts, MpuObjectSize=len(BODY))


def test_an_unknown_algorithm_is_told_the_ten_there_are() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html"""
    s3, name = client(), bucket()
    message = (
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
        "[CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]"
    )
    with refused_with(400, "InvalidRequest", message):
        s3.create_multipart_upload(Bucket=name, Key="b", ChecksumAlgorithm="x")
    with refused_with(400, "InvalidRequest", message):
        s3.copy_object(Bucket=name, Key="b", CopySource=f"{name}/none", ChecksumAlgorithm="x")
    with refused_with(400, "InvalidRequest", "Value for x-amz-checksum-type header is invalid."):
        s3.create_multipart_upload(Bucket=name, Key="b", ChecksumType="x")


def test_a_copy_s_directives_are_read_first() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    name = bucket()
    for kind in ("Metadata", "Tagging"):
        with refused_with(400, "InvalidArgument", f"Unknown {kind.lower()} directive."):
            directive = {f"{kind}Directive": "x"}
            client().copy_object(Bucket=name, Key="a", CopySource=f"{name}/a", **directive)


def test_a_part_s_number_is_read_first() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html"""
    s3, named = client(), {"Bucket": bucket(), "Key": "none"}
    message = "Part number must be an integer between 1 and 10000, inclusive"
    for number in (0, -1, 10_001, "x"):
        with refused_with(400, "InvalidArgument", message):
            s3.get_object(**named, PartNumber=number)
        part = {**named, "UploadId": "none", "PartNumber": number}
        with refused_with(400, "InvalidArgument", message):
            s3.upload_part(**part)
        with refused_with(400, "InvalidArgument", message):
            s3.upload_part_copy(**part, CopySource="no-such-bucket/a")


def test_a_lock_s_document_is_read_before_its_object_is_looked_for() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html"""
    named = {"Bucket": bucket(ObjectLockEnabledForBucket=True), "Key": "none"}
    tomorrow, yesterday = (clock.now() + timedelta(days=days) for days in (1, -1))
    with refused_with(400, "MalformedXML"):
        retention = {"Mode": "x", "RetainUntilDate": tomorrow}
        client().put_object_retention(**named, Retention=retention)
    with refused_with(400, "InvalidArgument", "The retain until date must be in the future!"):
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": yesterday}
        client().put_object_retention(**named, Retention=retention)
    with refused_with(400, "MalformedXML"):
        client().put_object_legal_hold(**named, LegalHold={"Status": "x"})
    with refused_with(404, "NoSuchKey"):
        client().put_object_legal_hold(**named, LegalHold={"Status": "ON"})


def changed(
    method: str, query: str, *, body: bytes = b"", name: str = "no-such-bucket", **headers: str
) -> dict[str, str]:
    """The refusal of a request for an object, sent with another method, query, headers, body."""
    s3 = boto3.client("s3", region_name=REGION)

    def change(request: Any, **_: Any) -> None:
        request.method = method
        request.url += query
        request.data = body
        for header, value in headers.items():
            request.headers[header.replace("_", "-")] = value

    s3.meta.events.register_first("before-sign.s3", change)
    return error(s3.get_object, Bucket=name, Key="a")


def test_a_part_is_put_under_its_upload_and_its_number() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html"""
    assert changed("PUT", "?partNumber=1") == {
        "Code": "InvalidArgument",
        "Message": "This operation does not accept partNumber without uploadId",
        "ArgumentName": "partNumber",
        "ArgumentValue": "partNumber",
    }
    assert changed("PUT", "?uploadId=a") == {
        "Code": "MethodNotAllowed",
        "Message": "The specified method is not allowed against this resource.",
        "Method": "PUT",
        "ResourceType": "UPLOAD",
    }


@pytest.mark.parametrize(
    ("header", "value"),
    [("x-amz-acl", "private"), ("x-amz-tagging", "a=b"), ("x-amz-metadata-directive", "COPY"),
     ("x-amz-meta-a", "b"), ("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")],
)  # fmt: skip
def test_a_part_does_not_say_what_the_object_is_to_be(header: str, value: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
    As seen at AWS: https://github.com/aws/aws-cli/issues/1674
    https://github.com/boto/boto3/issues/2675 https://github.com/bji/libs3/issues/80
    https://github.com/minio/minio-py/issues/675 https://github.com/JuliaCloud/AWS.jl/issues/695
    """
    headers: dict[str, Any] = {header: value}
    strange = "The specified header is not valid in this context"
    refusal = {
        "Code": "InvalidArgument",
        "Message": "Metadata cannot be specified in this context."
        if "meta-" in header
        else strange,
        "ArgumentName": header,
        "ArgumentValue": value,
    }
    query = "?partNumber=1&uploadId=a"
    assert changed("PUT", query, x_amz_copy_source="b/a", **headers) == refusal
    if header != "Content-MD5":  # of a part that is sent
        assert changed("PUT", query, **headers) == refusal


def test_a_copy_is_always_put() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    https://github.com/versity/versitygw/pull/1642
    """
    for method, query in (("GET", ""), ("DELETE", ""), ("POST", "?uploadId=a")):
        assert changed(method, query, x_amz_copy_source="b/a") == {
            "Code": "InvalidArgument",
            "Message": "You can only specify a copy source header for copy requests.",
            "ArgumentName": "x-amz-copy-source",
            "ArgumentValue": "b/a",
        }


def test_a_copy_brings_no_data() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    https://github.com/versity/versitygw/issues/1242
    """
    name = bucket()
    told = changed("PUT", "", body=BODY, name=name, x_amz_copy_source=f"{name}/a")
    assert told == {
        "Code": "InvalidRequest",
        "Message": "The request included a body. Requests of this type must not include a "
        "non-empty body.",
    }


def test_only_some_headers_of_an_answer_can_be_chosen() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    https://github.com/versity/versitygw/issues/2075
    """
    assert changed("GET", "?response-expires=1&response-a=b") == {
        "Code": "InvalidArgument",
        "Message": "response-a is not in the set of overridable response headers. Please refer to "
        "the S3 API documentation for a complete list of overridable response headers.",
        "ArgumentName": "response-a",
        "ArgumentValue": "b",
    }


def test_an_object_redirects_to_a_path_or_an_address() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
    As told by AWS: https://github.com/aws/aws-cli/issues/1130
    """
    s3, named = client(), {"Bucket": bucket(), "Key": "b"}
    message = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
    copy = {"CopySource": f"{named['Bucket']}/a"}
    for write, more in (
        (s3.put_object, {}), (s3.create_multipart_upload, {}), (s3.copy_object, copy),
    ):  # fmt: skip
        with refused_with(400, "InvalidRedirectLocation", message):
            write(**named, **more, WebsiteRedirectLocation="ftp://example.com")
        write(**named, **more, WebsiteRedirectLocation="/a")
    assert s3.head_object(**named)["WebsiteRedirectLocation"] == "/a"


@pytest.mark.right_in_moto
def test_the_end_of_an_empty_object_is_all_of_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    As seen at AWS: https://github.com/apache/arrow-rs-object-store/issues/846
    """
    s3, named = client(), {"Bucket": bucket(), "Key": "empty"}
    s3.put_object(**named)
    for read in (s3.get_object, s3.head_object):
        found = read(**named, Range="bytes=-10")
        assert (found["ResponseMetadata"]["HTTPStatusCode"], found["ContentLength"]) == (200, 0)
        assert "ContentRange" not in found
    for asked in ("bytes=-0", "bytes=0-", "bytes=0-0"):
        with refused_with(416, "InvalidRange", "The requested range is not satisfiable"):
            s3.get_object(**named, Range=asked)
