"""What recorded answers of S3 show: tags, versions, locks, conditions, parts, lists.

The recordings are LocalStack's, of 2023 to 2026: https://github.com/localstack/localstack,
tests/aws/services/s3, test_s3.snapshot.json, test_s3_api.snapshot.json and
test_s3_list_operations.snapshot.json; where it was found again, the recorded test is named.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.s3_people import REGION, later, refused, refused_with
from workshop_lib.sandbox import clock

BODY = b"card 4111 1111 1111 1111"


@cache
def client() -> Any:
    """One client for all tests; it sends what it is told, also what it knows to be wrong."""
    return boto3.client("s3", region_name=REGION, config=Config(parameter_validation=False))


@cache
def plain_client() -> Any:
    """One that adds no checksums of its own."""
    own = Config(request_checksum_calculation="when_required")
    return boto3.client("s3", region_name=REGION, config=own)


def bucket(name: str = "first-bucket", **more: Any) -> str:
    """A new bucket."""
    client().create_bucket(Bucket=name, **more)
    return name


def versioned(name: str = "versioned") -> Any:
    """A new bucket with versions."""
    enabled = {"Status": "Enabled"}
    client().put_bucket_versioning(Bucket=bucket(name), VersioningConfiguration=enabled)
    return name


def tag_set(*pairs: tuple[str | None, str | None]) -> Any:
    return {"TagSet": [{"Key": key, "Value": value} for key, value in pairs]}


def error(call: Any, **parameters: Any) -> dict[str, str]:
    """What the refusal of a call says."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    found: Any = caught.value.response["Error"]
    return {name: text for name, text in found.items() if name not in ("RequestId", "HostId")}


# --- tags ---------------------------------------------------------------------------------------


def test_a_tag_keeps_to_its_alphabet() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    Recorded: test_tagging_validation
    """
    name, s3 = bucket(), client()
    s3.put_object(Bucket=name, Key="a", Body=BODY)
    for key, value, message, fields in (
        ("a,b", "1", "The TagKey you have provided is invalid", {"TagKey": "a,b"}),
        ("a", ",", "The TagValue you have provided is invalid", {"TagKey": "a", "TagValue": ","}),
        ("aws:a", "1", None, {"TagKey": "aws:a"}),
    ):
        tags = tag_set((key, value))
        told = error(s3.put_object_tagging, Bucket=name, Key="a", Tagging=tags)
        words = message or "Your TagKey cannot be prefixed with aws:"
        assert told == {"Code": "InvalidTag", "Message": words, **fields}
        told = error(s3.put_bucket_tagging, Bucket=name, Tagging=tags)
        words = message or "System tags cannot be added/updated by requester"
        assert told == {"Code": "InvalidTag", "Message": words, **fields}
    assert s3.get_object_tagging(Bucket=name, Key="a")["TagSet"] == []


def test_tags_are_counted_once_each_is_right() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html
    Compared with S3: https://github.com/scality/cloudserver/pull/4451;
    https://github.com/versity/versitygw, tests/integration/PutBucketTagging.go
    """
    name, s3 = bucket(), client()
    many = [(f"a{number}", "1") for number in range(51)]
    told = error(s3.put_bucket_tagging, Bucket=name, Tagging=tag_set(*many))
    assert told == {"Code": "BadRequest", "Message": "Bucket tag count cannot be greater than 50"}
    told = error(s3.put_bucket_tagging, Bucket=name, Tagging=tag_set(*many, ("a", "*")))
    assert told["Message"] == "The TagValue you have provided is invalid"
    s3.put_bucket_tagging(Bucket=name, Tagging=tag_set(*many[1:]))
    s3.put_object(Bucket=name, Key="a", Body=BODY)
    told = error(s3.put_object_tagging, Bucket=name, Key="a", Tagging=tag_set(*many[:11]))
    assert told == {"Code": "BadRequest", "Message": "Object tags cannot be greater than 10"}


def test_a_tag_s_key_stands_once() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    Recorded: test_tagging_validation
    """
    name, s3 = bucket(), client()
    s3.put_object(Bucket=name, Key="a", Body=BODY)
    twice = {"Tagging": tag_set(("level", "high"), ("level", "low"))}
    told = {
        "Code": "InvalidTag",
        "Message": "Cannot provide multiple Tags with the same key",
        "TagKey": "level",
    }
    assert error(s3.put_object_tagging, Bucket=name, Key="a", **twice) == told
    assert error(s3.put_bucket_tagging, Bucket=name, **twice) == told
    assert s3.get_object_tagging(Bucket=name, Key="a")["TagSet"] == []


def test_a_tag_has_a_key_and_a_value() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_Tag.html"""
    name, s3 = bucket(), client()
    s3.put_object(Bucket=name, Key="a", Body=BODY)
    for pair in ((None, "1"), ("a", None)):
        with refused_with(400, "MalformedXML"):
            s3.put_object_tagging(Bucket=name, Key="a", Tagging=tag_set(pair))
        with refused_with(400, "MalformedXML"):
            s3.put_bucket_tagging(Bucket=name, Tagging=tag_set(pair))
    s3.put_object_tagging(Bucket=name, Key="a", Tagging={"TagSet": None})
    with refused("BadRequest"):
        many = tag_set(*((f"k{number}", "") for number in range(11)))
        s3.put_object_tagging(Bucket=name, Key="a", Tagging=many)


def test_the_header_s_tags_are_a_query() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    Recorded: test_object_tagging_exc, test_put_object_with_tags
    """
    name, s3 = bucket(), client()
    for text in ("a=1&a=2", "a=1,b=2"):
        told = error(s3.put_object, Bucket=name, Key="a", Body=BODY, Tagging=text)
        assert told == {
            "Code": "InvalidArgument",
            "Message": "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
            "query parameters without tag name duplicates.",
            "ArgumentName": "x-amz-tagging",
            "ArgumentValue": text,
        }
    told = error(s3.put_object, Bucket=name, Key="a", Body=BODY, Tagging="aws:a=1")
    assert told["Message"] == "Your TagKey cannot be prefixed with aws:"


def test_tags_belong_to_a_version() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html"""
    name, s3 = versioned(), client()
    first = s3.put_object(Bucket=name, Key="a", Body=BODY)["VersionId"]
    current = s3.put_object(Bucket=name, Key="a", Body=BODY)["VersionId"]
    tags = tag_set(("level", "high"))
    assert s3.put_object_tagging(Bucket=name, Key="a", Tagging=tags)["VersionId"] == current
    found = s3.get_object_tagging(Bucket=name, Key="a", VersionId=first)
    assert (found["VersionId"], found["TagSet"]) == (first, [])
    assert s3.delete_object_tagging(Bucket=name, Key="a")["VersionId"] == current
    assert s3.get_object_tagging(Bucket=name, Key="a")["TagSet"] == []
    missing = error(s3.get_object_tagging, Bucket=name, Key="b")
    assert (missing["Code"], missing["Key"]) == ("NoSuchKey", f"{name}/b")


def test_a_new_bucket_may_bring_its_tags() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html"""
    s3 = client()
    s3.create_bucket(
        Bucket="tagged", CreateBucketConfiguration={"Tags": tag_set(("a", "1"))["TagSet"]}
    )
    assert s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == [{"Key": "a", "Value": "1"}]
    wrong = {"Tags": tag_set(("a,b", "1"))["TagSet"]}
    with refused("InvalidTag"):
        s3.create_bucket(Bucket="wrong", CreateBucketConfiguration=wrong)
    with refused("NoSuchBucket"):
        s3.get_bucket_tagging(Bucket="wrong")


# --- versions -----------------------------------------------------------------------------------


def test_a_delete_marker_has_no_tags_and_no_lock() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
    Recorded: test_object_tagging_versioned
    """
    s3 = client()
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    named = {"Bucket": "locked", "Key": "a"}
    s3.put_object(**named, Body=BODY)
    marker = s3.delete_object(**named)["VersionId"]
    tags, hold = tag_set(("a", "1")), {"Status": "ON"}
    for method, call, more in (
        ("PUT", s3.put_object_tagging, {"Tagging": tags}),
        ("GET", s3.get_object_tagging, {}),
        ("DELETE", s3.delete_object_tagging, {}),
        ("PUT", s3.put_object_tagging, {"Tagging": tags, "VersionId": marker}),
        ("GET", s3.get_object_retention, {"VersionId": marker}),
        ("PUT", s3.put_object_legal_hold, {"LegalHold": hold, "VersionId": marker}),
    ):
        assert error(call, **named, **more) == {
            "Code": "MethodNotAllowed",
            "Message": "The specified method is not allowed against this resource.",
            "Method": method,
            "ResourceType": "DeleteMarker",
        }


def test_s3_knows_its_own_versions() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
    Recorded: test_delete_object_versioned, test_get_object_with_version_unversioned_bucket
    """
    name, s3 = versioned(), client()
    gone = s3.put_object(Bucket=name, Key="a", Body=BODY)["VersionId"]
    s3.delete_object(Bucket=name, Key="a", VersionId=gone)
    invented = gone[:-4] + "ABCD"
    told = {
        "Code": "InvalidArgument",
        "Message": "Invalid version id specified",
        "ArgumentName": "versionId",
        "ArgumentValue": invented,
    }
    for call in (s3.get_object, s3.delete_object, s3.get_object_tagging):
        assert error(call, Bucket=name, Key="a", VersionId=invented) == told
    with refused_with(404, "NoSuchVersion"):
        s3.get_object(Bucket=name, Key="a", VersionId=gone)
    s3.delete_object(Bucket=name, Key="a", VersionId=gone)
    both = [{"Key": "a", "VersionId": version} for version in (invented, gone)]
    answer = s3.delete_objects(Bucket=name, Delete={"Objects": both})
    [one], [other] = answer["Errors"], answer["Deleted"]
    assert (one["Code"], one["VersionId"]) == ("NoSuchVersion", invented)
    assert other["VersionId"] == gone
    s3.put_object(Bucket=bucket(), Key="a", Body=BODY)
    enabled = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="first-bucket", VersioningConfiguration=enabled)
    copied = s3.copy_object(Bucket=name, Key="b", CopySource="first-bucket/a")
    assert "CopySourceVersionId" not in copied  # the null version has no name
    again = s3.copy_object(Bucket=name, Key="c", CopySource=f"{name}/b")
    assert again["CopySourceVersionId"] == copied["VersionId"]


def test_a_bucket_with_versions_is_not_empty() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
    Recorded: test_delete_versioned_bucket_with_objects, test_delete_bucket_with_objects
    """
    name, s3 = versioned(), client()
    marker = s3.delete_object(Bucket=name, Key="a")["VersionId"]
    words = "The bucket you tried to delete is not empty"
    with refused_with(
        409, "BucketNotEmpty", f"{words}. You must delete all versions in the bucket."
    ):
        s3.delete_bucket(Bucket=name)
    s3.delete_object(Bucket=name, Key="a", VersionId=marker)
    s3.delete_bucket(Bucket=name)
    s3.put_object(Bucket=bucket(), Key="a", Body=BODY)
    with refused_with(409, "BucketNotEmpty", words):
        s3.delete_bucket(Bucket="first-bucket")


# --- locks --------------------------------------------------------------------------------------

GOVERNANCE = {"Mode": "GOVERNANCE"}


def test_a_lock_configuration_keeps_to_its_schema() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
    Recorded: test_put_object_lock_configuration_exc
    """
    s3, named = client(), {"Bucket": bucket("locked", ObjectLockEnabledForBucket=True)}
    enabled = {"ObjectLockEnabled": "Enabled"}
    whole = {**enabled, "Rule": {"DefaultRetention": {**GOVERNANCE, "Days": 1}}}
    for wrong in (
        {"Rule": whole["Rule"]},
        {**enabled, "Rule": {}},
        *(
            {**enabled, "Rule": {"DefaultRetention": retention}}
            for retention in (
                {},
                GOVERNANCE,
                {"Mode": "OTHER", "Days": 1},
                {**GOVERNANCE, "Days": 1, "Years": 1},
            )
        ),
    ):
        with refused_with(400, "MalformedXML"):
            s3.put_object_lock_configuration(**named, ObjectLockConfiguration=wrong)
    s3.put_object_lock_configuration(**named, ObjectLockConfiguration=whole)
    assert s3.get_object_lock_configuration(**named)["ObjectLockConfiguration"] == whole


def test_locks_need_versions() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
    Recorded: test_put_object_lock_configuration_on_existing_bucket,
    test_delete_object_with_no_locking, https://github.com/versity/versitygw/issues/883 (reads)
    and https://github.com/versity/versitygw/issues/1751 (writes)
    """
    name, s3 = bucket(), client()
    enable = {"Bucket": name, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    told = error(s3.get_object_lock_configuration, Bucket=name)
    assert told["BucketName"] == name
    message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
    with refused_with(409, "InvalidBucketState", message):
        s3.put_object_lock_configuration(**enable)
    s3.put_object(Bucket=name, Key="a", Body=BODY)
    missing = "Bucket is missing Object Lock Configuration"
    for call in (s3.get_object_retention, s3.get_object_legal_hold):
        with refused_with(400, "InvalidRequest", missing):
            call(Bucket=name, Key="a")
    copied = {"Bucket": name, "Key": "b", "CopySource": {"Bucket": name, "Key": "a"}}
    for write, parameters in (
        (s3.put_object, {"Bucket": name, "Key": "a", "Body": BODY}),
        (s3.copy_object, copied),
        (s3.create_multipart_upload, {"Bucket": name, "Key": "a"}),
    ):
        with refused_with(400, "InvalidRequest", "Bucket is missing ObjectLockConfiguration"):
            write(**parameters, ObjectLockLegalHoldStatus="ON")
    told = error(s3.delete_object, Bucket=name, Key="a", BypassGovernanceRetention=False)
    assert told == {
        "Code": "InvalidArgument",
        "Message": "x-amz-bypass-governance-retention is only applicable to Object Lock enabled "
        "buckets.",
        "ArgumentName": "x-amz-bypass-governance-retention",
    }
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(**enable)


def test_data_to_be_locked_comes_with_a_digest() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-put-object
    Recorded: https://github.com/versity/versitygw/issues/1776 (a legal hold),
    https://github.com/offen/docker-volume-backup/issues/727 (a default retention),
    https://github.com/s3tools/s3cmd/issues/1436 (a part)
    """
    s3, plain = client(), plain_client()
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    named: dict[str, Any] = {"Bucket": "locked", "Key": "a", "Body": BODY}
    required = (
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put {} requests with Object "
        "Lock parameters"
    )
    retained = {**GOVERNANCE, "RetainUntilDate": clock.now() + timedelta(days=1)}
    retention = {f"ObjectLock{name}": value for name, value in retained.items()}
    plain.put_object(**named)  # nothing is locked
    locks: list[dict[str, Any]] = [{"ObjectLockLegalHoldStatus": "ON"}, retention]
    for lock in locks:
        with refused_with(400, "InvalidRequest", required.format("Object")):
            plain.put_object(**named, **lock)
        digest = base64.b64encode(hashlib.md5(BODY, usedforsecurity=False).digest()).decode()
        plain.put_object(**named, **lock, ContentMD5=digest)
        plain.put_object(**named, **lock, ChecksumAlgorithm="SHA256")
        s3.put_object(**named, **lock)
    upload = s3.create_multipart_upload(Bucket="locked", Key="a", **retention)["UploadId"]
    part = {**named, "UploadId": upload, "PartNumber": 1}
    with refused_with(400, "InvalidRequest", required.format("Part")):
        plain.upload_part(**part)
    s3.upload_part(**part)
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {**GOVERNANCE, "Days": 1}}}
    s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=rule)
    with refused_with(400, "InvalidRequest", required.format("Object")):
        plain.put_object(**named)
    s3.put_object(**named)


def test_a_retention_grows_and_shrinks_only_around_governance() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
    Recorded: https://github.com/versity/versitygw/issues/1734
    """
    s3 = client()
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    named = {"Bucket": "locked", "Key": "a"}
    version = s3.put_object(**named, Body=BODY)["VersionId"]
    tomorrow = clock.now() + timedelta(days=1)

    def retain(by: timedelta, mode: str = "GOVERNANCE", **more: Any) -> Any:
        retention = {"Mode": mode, "RetainUntilDate": tomorrow + by}
        return s3.put_object_retention(**named, Retention=retention, **more)

    with refused_with(404, "NoSuchObjectLockConfiguration"):
        s3.get_object_retention(**named)
    with refused_with(400, "InvalidArgument", "The retain until date must be in the future!"):
        retain(timedelta(days=-2))
    for incomplete in (GOVERNANCE, {"RetainUntilDate": tomorrow}):
        with refused_with(400, "MalformedXML"):
            s3.put_object_retention(**named, Retention=incomplete)
    retain(timedelta())
    retain(timedelta(hours=1))
    for less, mode in ((timedelta(), "GOVERNANCE"), (timedelta(hours=2), "COMPLIANCE")):
        with refused_with(403, "AccessDenied"):
            retain(less, mode)
    with refused_with(403, "AccessDenied"):
        s3.put_object_retention(**named, Retention={})
    s3.put_object_retention(**named, Retention={}, BypassGovernanceRetention=True)
    retain(timedelta(), "COMPLIANCE")
    for less in (timedelta(hours=-1), timedelta()):
        with refused_with(403, "AccessDenied"):
            retain(less, "GOVERNANCE", BypassGovernanceRetention=True)
    with refused_with(403, "AccessDenied"):
        s3.delete_object(**named, VersionId=version, BypassGovernanceRetention=True)
    later(days=1, seconds=1)
    s3.delete_object(**named, VersionId=version)


def test_a_legal_hold_is_on_or_off() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html
    Recorded of a date gone by: https://github.com/versity/versitygw/issues/1734
    """
    s3 = client()
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    named = {"Bucket": "locked", "Key": "a"}
    s3.put_object(**named, Body=BODY)
    with refused_with(404, "NoSuchObjectLockConfiguration"):
        s3.get_object_legal_hold(**named)
    for wrong in ({}, {"Status": "MAYBE"}):
        with refused_with(400, "MalformedXML"):
            s3.put_object_legal_hold(**named, LegalHold=wrong)
    s3.put_object_legal_hold(**named, LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(**named)["LegalHold"] == {"Status": "ON"}
    past: Any = {"ObjectLockRetainUntilDate": datetime(2020, 1, 1, tzinfo=UTC)}
    assert error(s3.put_object, **named, Body=BODY, ObjectLockMode="GOVERNANCE", **past) == {
        "Code": "InvalidArgument",
        "Message": "The retain until date must be in the future!",
        "ArgumentName": "x-amz-object-lock-retain-until-date",
        "ArgumentValue": "2020-01-01T00:00:00Z",
    }


# --- writes under conditions --------------------------------------------------------------------


def test_a_condition_is_one_that_s3_knows() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    Recorded: test_put_object_if_match_and_if_none_match_validation
    """
    name, put = bucket(), client().put_object
    both = {"IfMatch": '"a"', "IfNoneMatch": "*"}
    for conditions, header in (
        ({"IfMatch": "*"}, "If-Match"),
        ({"IfNoneMatch": '"a"'}, "If-None-Match"),
        (both, "If-Match,If-None-Match"),
    ):
        told = error(put, Bucket=name, Key="a", Body=BODY, **conditions)
        assert (told["Code"], told["Header"]) == ("NotImplemented", header)
    multiple = "Multiple conditional request headers present in the request"
    assert error(put, Bucket=name, Key="a", **both)["additionalMessage"] == multiple


def test_a_completion_under_a_condition_is_not_overtaken() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    Recorded: test_multipart_if_match_with_put, test_multipart_if_match_with_delete
    """
    s3 = client()
    named = {"Bucket": bucket(), "Key": "a"}
    s3.put_object(**named, Body=BODY)
    upload_id = s3.create_multipart_upload(**named)["UploadId"]
    etag = s3.upload_part(**named, UploadId=upload_id, PartNumber=1, Body=BODY)["ETag"]
    done = {"UploadId": upload_id, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}
    with refused_with(412, "PreconditionFailed"):
        s3.complete_multipart_upload(**named, **done, IfNoneMatch="*")
    present = s3.put_object(**named, Body=BODY)["ETag"]
    told = {
        "Code": "ConditionalRequestConflict",
        "Message": "The conditional request cannot succeed due to a conflicting operation against "
        "this resource.",
        "Condition": "If-Match",
        "Key": "a",
    }
    assert error(s3.complete_multipart_upload, **named, **done, IfMatch=present) == told
    s3.delete_object(**named)
    told["Condition"] = "If-None-Match"
    assert error(s3.complete_multipart_upload, **named, **done, IfNoneMatch="*") == told
    s3.complete_multipart_upload(**named, **done)


# --- parts --------------------------------------------------------------------------------------


def test_a_completion_names_parts_as_they_were_uploaded() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    Recorded: https://github.com/axman6/amazonka-s3-streaming/issues/19
    """
    s3 = client()
    named = {"Bucket": bucket(), "Key": "a"}
    named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
    etag = s3.upload_part(**named, PartNumber=1, Body=BODY)["ETag"]
    with refused_with(400, "InvalidRequest", "You must specify at least one part"):
        s3.complete_multipart_upload(**named)
    part = {"PartNumber": 1, "ETag": etag}
    with refused("InvalidPart"):
        other = {**part, "ChecksumSHA256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [other]})
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [part]})
    told = error(s3.get_object, Bucket=named["Bucket"], Key="a", PartNumber=2)
    assert (told["PartNumberRequested"], told["ActualPartCount"]) == ("2", "1")


def test_a_part_brings_the_upload_s_checksum() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    The words are among those of InvalidRequest in
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, with null recorded in
    https://github.com/apache/arrow-rs/issues/6793 and
    https://github.com/versity/versitygw/issues/1342
    """
    s3, named = plain_client(), {"Bucket": bucket(), "Key": "a"}
    upload_id = s3.create_multipart_upload(**named, ChecksumAlgorithm="SHA256")["UploadId"]
    part = {**named, "UploadId": upload_id, "PartNumber": 1, "Body": BODY}
    mismatch = "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum "
    with refused_with(400, "InvalidRequest", mismatch + "Type: null"):
        s3.upload_part(**part)
    with refused_with(400, "InvalidRequest", mismatch + "Type: crc32"):
        s3.upload_part(**part, ChecksumAlgorithm="CRC32")
    s3.upload_part(**part, ChecksumAlgorithm="SHA256")
    whole = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    part["UploadId"] = s3.create_multipart_upload(**named, **whole)["UploadId"]
    s3.upload_part(**part)


def test_uploads_under_way_are_told_with_the_last_one() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
    Recorded: test_list_multiparts_next_marker
    """
    s3, name = client(), bucket()
    first, second = (
        s3.create_multipart_upload(Bucket=name, Key=key)["UploadId"] for key in ("a", "b")
    )
    found = s3.list_multipart_uploads(Bucket=name)
    assert (found["NextKeyMarker"], found["NextUploadIdMarker"]) == ("b", second)
    assert "Prefix" not in found
    found = s3.list_multipart_uploads(Bucket=name, KeyMarker="b")
    assert (found["NextKeyMarker"], found["NextUploadIdMarker"]) == ("", "")
    told = error(s3.list_multipart_uploads, Bucket=name, KeyMarker="b", UploadIdMarker=first)
    assert told == {
        "Code": "InvalidArgument",
        "Message": "Invalid uploadId marker",
        "ArgumentName": "upload-id-marker",
        "ArgumentValue": first,
    }


def test_a_listing_says_what_it_did_not_understand() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    Recorded: test_list_objects_v2_continuation_start_after, test_list_buckets_region_validation,
    https://github.com/versity/versitygw/issues/1984
    """
    s3, name = client(), bucket()
    told = error(s3.list_objects_v2, Bucket=name, ContinuationToken="")
    assert told == {
        "Code": "InvalidArgument",
        "Message": "The continuation token provided is incorrect",
        "ArgumentName": "continuation-token",
    }
    with refused_with(400, "InvalidArgument", "Invalid Encoding Method specified in Request"):
        s3.list_objects_v2(Bucket=name, EncodingType="")
    message = "Argument value eu-east-1 is not a valid AWS Region"
    with refused_with(400, "InvalidArgument", message):
        s3.list_buckets(BucketRegion="eu-east-1")


# --- access control lists -----------------------------------------------------------------------

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
LOGGERS = "http://acs.amazonaws.com/groups/s3/LogDelivery"
STRANGERS = "http://acs.amazonaws.com/groups/s3/Strangers"


def test_grants_are_read_before_they_are_kept() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html"""
    s3, name = client(), bucket(ObjectOwnership="ObjectWriter")
    s3.put_object(Bucket=name, Key="a", Body=BODY)
    owner = s3.get_bucket_acl(Bucket=name)["Owner"]
    group, self_ = {"Type": "Group"}, {"Type": "CanonicalUser", "ID": owner["ID"]}

    def document(grantee: Any, permission: str = "READ", **more: Any) -> Any:
        grants = [{"Grantee": grantee, "Permission": permission}]
        return {"AccessControlPolicy": {"Owner": owner, "Grants": grants, **more}}

    malformed: Any = ("MalformedACLError", {})
    wrong_id = ("InvalidArgument", {"ArgumentName": "CanonicalUser/ID", "ArgumentValue": "me"})
    for asked, (code, fields) in (
        ({"ACL": "strange"}, ("InvalidArgument", {"ArgumentName": "x-amz-acl"})),
        ({"GrantRead": f'uri="{STRANGERS}"'}, ("InvalidArgument", {"ArgumentName": "uri"})),
        ({"GrantRead": 'id="me"'}, ("InvalidArgument", {"ArgumentName": "id"})),
        ({"GrantRead": 'x="y"'}, ("InvalidArgument", {"ArgumentName": "x-amz-grant-read"})),
        ({"ACL": "private", "GrantRead": f"uri={LOGGERS}"}, ("InvalidRequest", {})),
        ({"ACL": "private", **document(self_)}, ("UnexpectedContent", {})),
        ({}, ("MissingSecurityHeader", {"MissingHeaderName": "x-amz-acl"})),
        (document(self_, "OTHER"), malformed),
        (document(self_, Owner={}), malformed),
        (document({**self_, "Type": "Other"}), malformed),
        ({"AccessControlPolicy": {}}, malformed),
        (document({**self_, "ID": "me"}), wrong_id),
        (
            document({**group, "URI": STRANGERS}),
            ("InvalidArgument", {"ArgumentName": "Group/URI", "ArgumentValue": STRANGERS}),
        ),
        ({"GrantRead": f"uri={ALL_USERS}"}, ("AccessDenied", {})),
        (document({**group, "URI": ALL_USERS}), ("AccessDenied", {})),
    ):
        for call, named in (
            (s3.put_bucket_acl, {"Bucket": name}),
            (s3.put_object_acl, {"Bucket": name, "Key": "a"}),
        ):
            told = error(call, **named, **asked)
            assert (told["Code"], told) == (code, {**told, **fields})
    s3.put_object_acl(Bucket=name, Key="a", **document({**group, "URI": LOGGERS}))
    [grant] = s3.get_object_acl(Bucket=name, Key="a")["Grants"]
    assert grant == {"Grantee": {**group, "URI": LOGGERS}, "Permission": "READ"}
    s3.put_object(Bucket=name, Key="b", Body=BODY, GrantRead=f'uri="{LOGGERS}"')
    assert s3.get_object_acl(Bucket=name, Key="b")["Grants"] == [grant]


def test_a_new_bucket_s_list_is_not_public() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    Recorded: test_bucket_ownership_controls_exc
    """
    for owned, code in (
        ("ObjectWriter", "InvalidBucketAclWithBlockPublicAccessError"),
        ("BucketOwnerEnforced", "InvalidBucketAclWithObjectOwnership"),
    ):
        with refused_with(400, code):
            bucket("public", ACL="public-read", ObjectOwnership=owned)
    bucket(ACL="log-delivery-write", ObjectOwnership="ObjectWriter")
    assert len(client().get_bucket_acl(Bucket="first-bucket")["Grants"]) == 3
    told = error(client().create_bucket, Bucket="third", ObjectOwnership="Nobody")
    assert told == {
        "Code": "InvalidArgument",
        "Message": "Invalid x-amz-object-ownership header: Nobody",
        "ArgumentName": "x-amz-object-ownership",
    }


# --- pages of other origins ---------------------------------------------------------------------


def test_rules_for_pages_are_read_closely() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
    Recorded: test_s3_cors.snapshot.json, test_put_cors_invalid_rules and
    test_put_cors_empty_origin; https://github.com/versity/versitygw/issues/1870;
    https://github.com/noobaa/noobaa-core/pull/8954. Names of headers are compared with S3 in
    https://github.com/versity/versitygw, tests/integration/PutBucketCors.go, and by
    https://github.com/scality/cloudserver/pull/497.
    """
    name, s3 = bucket(), client()
    rule: dict[str, Any] = {"AllowedOrigins": [""], "AllowedMethods": ["GET", "HEAD"]}

    def refusal(*rules: dict[str, Any]) -> dict[str, str]:
        return error(s3.put_bucket_cors, Bucket=name, CORSConfiguration={"CORSRules": rules})

    def told(*rules: dict[str, Any]) -> str:
        found = refusal(*rules)
        return found["Code"] if found["Code"] == "MalformedXML" else found["Message"]

    assert told() == told({}) == told({"AllowedMethods": ["GET"]}) == "MalformedXML"
    assert told(*[rule] * 101) == told({**rule, "ID": "a" * 256}) == "MalformedXML"
    unsupported = "Found unsupported HTTP method in CORS config. Unsupported method is "
    for method in ("", "OPTIONS", "get", "*"):
        assert told(rule, {**rule, "AllowedMethods": ["GET", method]}) == unsupported + method
    once = 'AllowedOrigin "*a*" can not have more than one wildcard.'
    assert told({**rule, "AllowedOrigins": ["*a*"]}) == once
    assert refusal({**rule, "AllowedHeaders": ["*a*"]})["Code"] == "InvalidRequest"
    assert told({**rule, "ExposeHeaders": ["x-*"]}) == (
        'ExposeHeader "x-*" contains wildcard. We currently do not support wildcard for '
        "ExposeHeader."
    )
    for header in ("a b", "a:b", "a(b)", "a/b", 'a"b"', "\u00e9"):
        words = f'AllowedHeader "{header}" contains invalid character.'
        assert told({**rule, "AllowedHeaders": ["Date", header]}) == words
        assert told({**rule, "ExposeHeaders": ["Date", header]}) == words
    full = {"ID": "two", "AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "MaxAgeSeconds": 0}
    rules = [rule, {**full, "AllowedHeaders": ["X-Amz-*"], "ExposeHeaders": ["ETag"]}]
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"] == rules


def test_answers_say_where_they_come_from() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTCommonResponseHeaders.html"""
    s3, name = client(), "elsewhere"
    there = {"LocationConstraint": "eu-west-1"}
    made = s3.create_bucket(Bucket=name, CreateBucketConfiguration=there)
    assert made["Location"] == "http://elsewhere.s3.amazonaws.com/"
    assert made["BucketArn"] == "arn:aws:s3:::elsewhere"
    for call in (s3.head_bucket, s3.list_objects, s3.list_objects_v2):
        headers = call(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-amz-bucket-region"] == "eu-west-1"
        assert headers["server"] == "AmazonS3"
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=name, Key="a")
    found: Any = caught.value.response["ResponseMetadata"]
    assert found["HTTPHeaders"]["server"] == "AmazonS3"
    assert found["HostId"] == found["HTTPHeaders"]["x-amz-id-2"]


def test_a_missing_document() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
    Recorded: https://github.com/aws/aws-sdk-cpp/issues/733
    """
    name, s3 = bucket(ObjectLockEnabledForBucket=True), client()
    s3.put_object(Bucket=name, Key="a", Body=BODY)
    missing = {"Code": "MissingRequestBodyError", "Message": "Request Body is empty"}
    for call in (
        s3.put_object_lock_configuration, s3.put_bucket_tagging, s3.put_bucket_cors,
        s3.put_bucket_encryption, s3.put_bucket_versioning, s3.delete_objects,
        s3.put_bucket_notification_configuration, s3.put_public_access_block,
    ):  # fmt: skip
        assert error(call, Bucket=name) == missing
    assert error(s3.put_object_tagging, Bucket=name, Key="a") == missing
    for call in (s3.put_object_retention, s3.put_object_legal_hold):
        assert error(call, Bucket=name, Key="a")["Code"] == "MalformedXML"
    with refused_with(400, "MalformedXML"):
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={})
