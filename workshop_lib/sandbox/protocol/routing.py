"""From a request to its operation: one table per service, and nothing decided here.

Hosts and dual-stack names: https://docs.aws.amazon.com/general/latest/gr/rande.html
"""

import json
import re
from collections.abc import Container
from typing import Any
from urllib.parse import parse_qsl, unquote

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.auth.signature import presigned_headers
from workshop_lib.sandbox.call import DEFAULT_REGION, Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
_HOSTS = [
    ("kms", rf"kms(?:-fips)?\.{_REGION}\.(?:amazonaws\.com|api\.aws)"),
    ("dynamodb", rf"(?:dynamodb(?:-fips)?|\d{{12}}\.ddb)\.{_REGION}\.(?:amazonaws\.com|api\.aws)"),
    ("dynamodbstreams", rf"streams\.dynamodb(?:-fips)?\.{_REGION}\.(?:amazonaws\.com|api\.aws)"),
    (
        "dynamodbstreams",
        rf"(?:streams-dynamodb|\d{{12}}\.streams-ddb)(?:-fips)?\.{_REGION}\.(?:amazonaws\.com|api\.aws)",
    ),
    ("iam", r"iam(?:-fips)?\.(?:amazonaws\.com|global\.api\.aws)"),
    ("sts", rf"sts(?:-fips)?(?:\.{_REGION})?\.(?:amazonaws\.com|api\.aws)"),
    ("cloudtrail", rf"cloudtrail(?:-fips)?\.{_REGION}\.(?:amazonaws\.com|api\.aws)"),
    (
        "s3",
        rf"(?:(?P<bucket>[a-z0-9][a-z0-9._-]*)\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-]{_REGION})?"
        r"\.amazonaws\.com",
    ),
]
_HOST_PATTERNS = [
    (service, re.compile(pattern + r"(?::443)?", re.I)) for service, pattern in _HOSTS
]
_TARGETS = {
    "TrentService": "kms",
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "CloudTrail_20131101": "cloudtrail",
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101": "cloudtrail",
}
SERVICES = ("kms", "s3", "dynamodb", "dynamodbstreams", "iam", "sts", "cloudtrail")
_CREDENTIAL_SCOPE = re.compile(
    r"Credential=[^/,\s]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)


def service_and_region(request: Request, local: Container[str]) -> tuple[str, str, str | None]:
    """The service a request is for, its region, and S3's bucket when the host names it.

    ``local`` are the hosts of the HTTP door, with their port: there the target header tells, else
    the signature's scope or the form's Version, else it is S3. Raises NotEmulated for any other
    host or service, naming it.
    """
    for service, pattern in _HOST_PATTERNS:
        if match := pattern.fullmatch(request.host):
            found = match.groupdict()
            region = found.get("region") or _scope(request)[1] or DEFAULT_REGION
            return service, region, found.get("bucket")
    bucket = _local_bucket(request.host, local)
    scoped, scoped_region = _scope(request)
    service = _service_of_unnamed_host(request, scoped)
    if service not in SERVICES:
        raise NotEmulated(f"The sandbox does not emulate the service {service!r}.")
    return service, scoped_region or DEFAULT_REGION, bucket if service == "s3" else None


# bucket.localhost:5000, bucket.s3.localhost:5000, s3.localhost:5000
_UNDER_LOCALHOST = re.compile(
    rf"(?:(?P<bucket>[a-z0-9][a-z0-9._-]+?)\.)??(?:(?:s3|kms|dynamodb|iam|sts)(?:[.-]{_REGION})?\.)?"
    r"(?P<host>localhost(?::\d+)?)",
    re.I,
)


def _local_bucket(host: str, local: Container[str]) -> str | None:
    if host in local:
        return None
    match = _UNDER_LOCALHOST.fullmatch(host)
    if match and match["host"] in local:
        return match["bucket"]
    raise NotEmulated(
        f"The sandbox does not emulate {host}, and nothing was sent there: it answers KMS, S3, "
        "DynamoDB and its streams, IAM, STS and CloudTrail."
    )


def _scope(request: Request) -> tuple[str | None, str | None]:
    text = request.headers.get("authorization") or "Credential=" + request.parameters.get(
        "X-Amz-Credential", ""
    )
    match = _CREDENTIAL_SCOPE.search(text)
    return (match["service"], match["region"]) if match else (None, None)


# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonParameters.html
_FORM_VERSIONS = {b"2010-05-08": "iam", b"2011-06-15": "sts"}


def _service_of_unnamed_host(request: Request, scoped: str | None) -> str:
    target = request.headers.get("x-amz-target")
    if target:
        return _TARGETS.get(target.rpartition(".")[0], target.rpartition(".")[0])
    if scoped:
        return scoped
    content_type = request.headers.get("content-type", "")
    if request.path == "/" and content_type.startswith("application/x-www-form-urlencoded"):
        version = re.search(rb"(?:^|&)Version=([\d-]+)", request.body)
        return _FORM_VERSIONS.get(version[1], "s3") if version else "s3"
    return "s3"


def identify(request: Request, service: str, region: str, bucket: str | None, account: str) -> Call:
    """The call a request makes of the service that `service_and_region` found.

    Raises AwsError for what AWS would not understand either.
    """
    if service == "s3":
        return _s3_call(request, region, account, bucket)
    if service in ("iam", "sts"):
        return _query_call(request, service, region, account)
    return _json_call(request, service, region, account)


def _json_call(request: Request, service: str, region: str, account: str) -> Call:
    operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if not operation:
        raise AwsError("UnknownOperationException", "")
    try:
        parameters = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise AwsError("SerializationException", "") from None
    if not isinstance(parameters, dict):
        raise AwsError(
            "SerializationException", "Start of structure or map found where not expected."
        )
    return Call(service, operation, region, account, parameters, request)


def _query_call(request: Request, service: str, region: str, account: str) -> Call:
    try:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        form = {}
    form = {**request.parameters, **form}
    operation = form.get("Action", "")
    if not operation:
        raise AwsError("MissingAction", "The request must contain the parameter Action.")
    return Call(service, operation, region, account, form, request)


# S3's operations, by method and the subresource in the query (None: no subresource).
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
_CONFIGURATIONS = {
    "accelerate": ("BucketAccelerateConfiguration", "GP"),
    "acl": ("BucketAcl", "GP"),
    "analytics": ("BucketAnalyticsConfiguration", "GPD"),
    "cors": ("BucketCors", "GPD"),
    "encryption": ("BucketEncryption", "GPD"),
    "intelligent-tiering": ("BucketIntelligentTieringConfiguration", "GPD"),
    "inventory": ("BucketInventoryConfiguration", "GPD"),
    "lifecycle": ("BucketLifecycleConfiguration", "GPD"),
    "logging": ("BucketLogging", "GP"),
    "metrics": ("BucketMetricsConfiguration", "GPD"),
    "notification": ("BucketNotificationConfiguration", "GP"),
    "object-lock": ("ObjectLockConfiguration", "GP"),
    "ownershipControls": ("BucketOwnershipControls", "GPD"),
    "policy": ("BucketPolicy", "GPD"),
    "publicAccessBlock": ("PublicAccessBlock", "GPD"),
    "replication": ("BucketReplication", "GPD"),
    "requestPayment": ("BucketRequestPayment", "GP"),
    "tagging": ("BucketTagging", "GPD"),
    "versioning": ("BucketVersioning", "GP"),
    "website": ("BucketWebsite", "GPD"),
}
_VERBS = {"G": ("GET", "Get"), "P": ("PUT", "Put"), "D": ("DELETE", "Delete")}
BUCKET_OPERATIONS: dict[tuple[str, str | None], str] = {
    ("GET", None): "ListObjects",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "policyStatus"): "GetBucketPolicyStatus",
    ("GET", "session"): "CreateSession",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "versions"): "ListObjectVersions",
    ("HEAD", None): "HeadBucket",
    ("PUT", None): "CreateBucket",
    ("DELETE", None): "DeleteBucket",
    ("POST", "delete"): "DeleteObjects",
    ("POST", None): "PostObject",
    ("OPTIONS", None): "OptionsObject",
    **{
        (_VERBS[letter][0], subresource): _VERBS[letter][1] + name
        for subresource, (name, letters) in _CONFIGURATIONS.items()
        for letter in letters
    },
    ("DELETE", "lifecycle"): "DeleteBucketLifecycle",
}
OBJECT_OPERATIONS: dict[tuple[str, str | None], str] = {
    ("GET", None): "GetObject",
    ("GET", "acl"): "GetObjectAcl",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "legal-hold"): "GetObjectLegalHold",
    ("GET", "retention"): "GetObjectRetention",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "torrent"): "GetObjectTorrent",
    ("GET", "uploadId"): "ListParts",
    ("HEAD", None): "HeadObject",
    ("PUT", None): "PutObject",
    ("PUT", "acl"): "PutObjectAcl",
    ("PUT", "legal-hold"): "PutObjectLegalHold",
    ("PUT", "retention"): "PutObjectRetention",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", "uploadId"): "UploadPart",
    ("PUT", "encryption"): "UpdateObjectEncryption",
    ("DELETE", None): "DeleteObject",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("POST", "restore"): "RestoreObject",
    ("POST", "select"): "SelectObjectContent",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("OPTIONS", None): "OptionsObject",
}
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}


def _s3_call(request: Request, region: str, account: str, bucket: str | None) -> Call:
    path = request.path if bucket is None else f"/{bucket}{request.path}"
    name, _, key = path.removeprefix("/").partition("/")
    query = request.parameters
    for header, value in presigned_headers(query.items()).items():
        request.headers.setdefault(header, value)
    parameters: dict[str, Any] = {**query, "Bucket": unquote(name), "Key": unquote(key)}
    request.path = path
    return Call(
        "s3", _s3_operation(request, name, key, query), region, account, parameters, request
    )


def _s3_operation(request: Request, bucket: str, key: str, query: dict[str, str]) -> str:
    if not bucket:
        if request.method == "GET":
            return "ListBuckets"
        raise AwsError("MethodNotAllowed", _NOT_ALLOWED, 405)
    table = OBJECT_OPERATIONS if key else BUCKET_OPERATIONS
    wanted = [name for method, name in table if method == request.method and name in query]
    operation = table.get((request.method, wanted[0] if wanted else None))
    if operation is None:
        raise AwsError("MethodNotAllowed", _NOT_ALLOWED, 405)
    if operation == "ListObjects" and query.get("list-type") == "2":
        return "ListObjectsV2"
    if operation in _COPIES and "x-amz-copy-source" in request.headers:
        return _COPIES[operation]
    return operation


_NOT_ALLOWED = "The specified method is not allowed against this resource."
