"""Which operation of S3 a request is: by its method, path, query and headers."""

import pytest

from workshop_lib.errors import NotEmulated
from workshop_lib.lab import start_lab
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.routing import (
    BUCKET,
    DIRECTORY_BUCKETS,
    OBJECT,
    SERVICE,
    has_path,
    require_operation,
    s3_operation,
)

COPY = {"x-amz-copy-source": "bucket/key"}
PRESIGNED = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Signature": "ab", "X-Amz-Expires": "60"}


@pytest.mark.parametrize(
    ("method", "place", "query", "headers", "operation"),
    [
        ("GET", SERVICE, {}, {}, "ListBuckets"),
        ("GET", SERVICE, {"x-id": "ListBuckets", "max-buckets": "5"}, {}, "ListBuckets"),
        ("GET", SERVICE, {"acl": ""}, {}, "ListBuckets"),
        ("GET", DIRECTORY_BUCKETS, {}, {}, "ListDirectoryBuckets"),
        ("GET", BUCKET, {}, {}, "ListObjects"),
        ("GET", BUCKET, {"list-type": "2", "prefix": "a"}, {}, "ListObjectsV2"),
        ("GET", BUCKET, {"list-type": "1"}, {}, "ListObjects"),
        ("GET", BUCKET, {"id": "a", "Acl": "", "color": "red"}, {}, "ListObjects"),
        ("GET", BUCKET, {"location": ""}, {}, "GetBucketLocation"),
        ("GET", BUCKET, {"location": "anything"}, {}, "GetBucketLocation"),
        ("GET", BUCKET, {"uploads": "", "prefix": "a"}, {}, "ListMultipartUploads"),
        ("GET", BUCKET, {"versions": "", "key-marker": "a"}, {}, "ListObjectVersions"),
        ("GET", BUCKET, {"analytics": "", "id": "a"}, {}, "GetBucketAnalyticsConfiguration"),
        ("GET", BUCKET, {"analytics": ""}, {}, "ListBucketAnalyticsConfigurations"),
        ("PUT", BUCKET, {"inventory": ""}, {}, "PutBucketInventoryConfiguration"),
        ("GET", BUCKET, {"lifecycle": ""}, {}, "GetBucketLifecycleConfiguration"),
        ("PUT", BUCKET, {"notification": ""}, {}, "PutBucketNotificationConfiguration"),
        ("DELETE", BUCKET, {"metadataTable": ""}, {}, "DeleteBucketMetadataTableConfiguration"),
        ("PUT", BUCKET, {}, COPY, "CreateBucket"),
        ("POST", BUCKET, {}, {}, "PostObject"),
        ("POST", BUCKET, {"delete": ""}, {}, "DeleteObjects"),
        ("OPTIONS", BUCKET, {"tagging": ""}, {}, "OptionsObject"),
        ("OPTIONS", OBJECT, {"acl": "", "tagging": ""}, {}, "OptionsObject"),
        ("GET", OBJECT, {**PRESIGNED, "response-content-type": "text/plain"}, {}, "GetObject"),
        ("GET", OBJECT, {"partNumber": "1"}, {}, "GetObject"),
        ("GET", OBJECT, {"versionId": "a", "x-id": "GetObject"}, {}, "GetObject"),
        ("GET", OBJECT, {"uploadId": "a", "max-parts": "2"}, {}, "ListParts"),
        ("GET", OBJECT, {"attributes": ""}, {}, "GetObjectAttributes"),
        ("GET", OBJECT, {"annotation": "", "annotationName": "a"}, {}, "GetObjectAnnotation"),
        ("GET", OBJECT, {"annotation": ""}, {}, "ListObjectAnnotations"),
        ("HEAD", OBJECT, PRESIGNED, {}, "HeadObject"),
        ("PUT", OBJECT, {}, {}, "PutObject"),
        ("PUT", OBJECT, {}, COPY, "CopyObject"),
        ("PUT", OBJECT, {"tagging": ""}, COPY, "PutObjectTagging"),
        ("PUT", OBJECT, {"partNumber": "1", "uploadId": "a"}, {}, "UploadPart"),
        ("PUT", OBJECT, {"partNumber": "1", "uploadId": "a"}, COPY, "UploadPartCopy"),
        ("PUT", OBJECT, {"uploadId": "a"}, COPY, "UploadPartCopy"),
        ("PUT", OBJECT, {"renameObject": ""}, {}, "RenameObject"),
        ("DELETE", OBJECT, {"uploadId": "a"}, {}, "AbortMultipartUpload"),
        ("POST", OBJECT, {"uploads": ""}, {}, "CreateMultipartUpload"),
        ("POST", OBJECT, {"select": "", "select-type": "2"}, {}, "SelectObjectContent"),
        ("POST", "/WriteGetObjectResponse", {}, {}, "WriteGetObjectResponse"),
    ],
)
def test_what_tells_an_operation(
    method: str, place: str, query: dict[str, str], headers: dict[str, str], operation: str
) -> None:
    assert s3_operation(method, place, query, headers) == operation


@pytest.mark.parametrize(
    ("method", "place", "query", "code", "message"),
    [
        ("DELETE", BUCKET, {"acl": ""}, "MethodNotAllowed", "not allowed"),
        ("PUT", BUCKET, {"location": ""}, "MethodNotAllowed", "not allowed"),
        ("HEAD", BUCKET, {"versioning": ""}, "MethodNotAllowed", "not allowed"),
        ("POST", OBJECT, {}, "MethodNotAllowed", "not allowed"),
        ("DELETE", OBJECT, {"restore": ""}, "MethodNotAllowed", "not allowed"),
        ("PUT", SERVICE, {}, "MethodNotAllowed", "not allowed"),
        ("OPTIONS", SERVICE, {}, "MethodNotAllowed", "not allowed"),
        ("GET", BUCKET, {"uploads": "", "acl": ""}, "InvalidArgument", "parameters: acl, uploads"),
        ("DELETE", OBJECT, {"tagging": "", "acl": ""}, "InvalidArgument", "acl, tagging"),
        ("GET", OBJECT, {"uploads": ""}, "InvalidRequest", "not expected for the GET"),
        ("GET", OBJECT, {"versions": ""}, "InvalidRequest", "versions sub-resource for a key"),
        ("GET", OBJECT, {"logging": ""}, "NoLoggingStatusForKey", "logging sub-resource"),
    ],
)
def test_what_is_no_operation(
    method: str, place: str, query: dict[str, str], code: str, message: str
) -> None:
    """As recorded: https://github.com/brekkylab/backlot/blob/main/backlot/routers/s3.py"""
    with pytest.raises(AwsError, match=message) as caught:
        s3_operation(method, place, query, {})
    assert caught.value.code == code
    assert caught.value.status == (405 if code == "MethodNotAllowed" else 400)


@pytest.mark.parametrize(
    ("method", "place", "name"),
    [("GET", OBJECT, "policy"), ("PUT", OBJECT, "cors"), ("PUT", BUCKET, "legal-hold"),
     ("DELETE", OBJECT, "ownershipControls")],
)  # fmt: skip
def test_a_sub_resource_of_the_other_kind_is_refused(method: str, place: str, name: str) -> None:
    with pytest.raises(NotEmulated, match=rf"\?{name}"):
        s3_operation(method, place, {name: ""}, {})


def test_a_path_that_is_no_bucket() -> None:
    assert has_path("/WriteGetObjectResponse")
    assert not has_path("/bucket")


@pytest.mark.parametrize(
    ("service", "code"),
    [("kms", "UnknownOperationException"), ("dynamodb", "UnknownOperationException"),
     ("sts", "InvalidAction")],
)  # fmt: skip
def test_no_operation_of_the_model(service: str, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        require_operation(service, "DoAsILike")
    assert caught.value.code == code


def test_a_lesson_without_s3_never_reads_its_model() -> None:
    import boto3

    from workshop_lib.sandbox.protocol import routing, service_model

    routing._s3_routes.cache_clear()
    service_model.description.cache_clear()
    start_lab()
    boto3.client("kms").create_key()
    boto3.client("sts").get_caller_identity()
    assert routing._s3_routes.cache_info().currsize == 0
    boto3.client("s3").list_buckets()
    assert routing._s3_routes.cache_info().currsize == 1
