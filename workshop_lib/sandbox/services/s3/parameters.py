"""What S3 reads of a query before it looks for the bucket: numbers, markers, versions.

Of a parameter that comes twice the first one counts. As S3 was measured in September 2026:
https://github.com/brekkylab/backlot/blob/main/backlot/routers/s3.py
"""

import re
from collections.abc import Mapping

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.services.s3.errors import (
    invalid_argument,
    invalid_request,
    method_not_allowed,
    unvalued_argument,
)

_NUMBERS = {
    "ListBuckets": ("max-buckets",),
    "ListMultipartUploads": ("max-uploads",),
    "ListObjectVersions": ("max-keys",),
    "ListObjects": ("max-keys",),
    "ListObjectsV2": ("max-keys",),
    "ListParts": ("max-parts", "part-number-marker"),
}
# What only the other one of the two listings takes.
_OF_THE_OTHER = {
    "ListObjects": {
        "continuation-token": "continuation-token only supported in REST.GET.BUCKET with "
        "list-type=2",
        "start-after": "startAfter only supported in REST.GET.BUCKET with list-type=2",
    },
    "ListObjectsV2": {
        "marker": "Marker unsupported with REST.GET.BUCKET in list-type=2",
    },
}
# Query parameters that replace headers of the answer to a read.
OVERRIDES = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}
MOST_PARTS = 10_000
_NUMBERS_A_PART = {"GetObject", "HeadObject", "UploadPart", "UploadPartCopy"}
_OF_THE_WHOLE = {"x-amz-acl", "x-amz-metadata-directive", "x-amz-tagging"}
# Operations on a bucket that take a version's id without a word here.
_READS_VERSION = {"PostObject", "PutBucketAcl"}


def require_parameters(call: Call) -> None:
    """Refuse a query, and headers, that the operation could not take.

    Raises AwsError InvalidArgument, InvalidRequest, MethodNotAllowed.
    """
    parameters, operation = call.parameters, call.operation
    for name in _NUMBERS.get(operation, ()):
        number(call, name, 0)
    if operation in _NUMBERS_A_PART and "partNumber" in parameters:
        part_number(call)
    if operation in ("GetObject", "HeadObject"):
        _require_overrides(parameters)
    for name, message in _OF_THE_OTHER.get(operation, {}).items():
        if name in parameters:
            raise unvalued_argument(message, name)
    if operation == "ListObjectVersions":
        _require_markers(parameters.get("key-marker"), parameters.get("version-id-marker"))
    _require_fitting_method(call)
    _require_headers_of_part(call)
    of_bucket = bool(parameters["Bucket"]) and not parameters["Key"]
    if of_bucket and "partNumber" in parameters:
        raise invalid_request("Object must have a valid key name.")
    if "versionId" in parameters:
        _require_version(operation, of_bucket, parameters["versionId"])
    if parameters.get("website"):
        message = "The website parameter must not have a value"
        raise invalid_argument(message, "website", parameters["website"])


def _require_overrides(parameters: Mapping[str, str]) -> None:
    """As S3 was seen to answer: https://github.com/versity/versitygw/issues/2075"""
    for name, value in parameters.items():
        if name.startswith("response-") and name not in OVERRIDES:
            raise invalid_argument(
                f"{name} is not in the set of overridable response headers. Please refer to the "
                "S3 API documentation for a complete list of overridable response headers.",
                name,
                value,
            )


def _require_fitting_method(call: Call) -> None:
    """A part is put under an upload and its number, and a copy is always put.

    As S3 was seen to answer:
    https://github.com/versity/versitygw/issues/1236
    https://github.com/versity/versitygw/issues/1237
    https://github.com/versity/versitygw/pull/1642
    """
    parameters, request = call.parameters, call.request
    if request.method == "PUT" and parameters["Key"]:
        if "partNumber" in parameters and "uploadId" not in parameters:
            message = "This operation does not accept partNumber without uploadId"
            raise invalid_argument(message, "partNumber", "partNumber")
        if "uploadId" in parameters and "partNumber" not in parameters:
            raise method_not_allowed("PUT", "UPLOAD")
    source = request.headers.get("x-amz-copy-source")
    if source is None or not parameters["Bucket"]:
        return
    if request.method in ("GET", "HEAD", "DELETE") or call.operation == "CompleteMultipartUpload":
        message = "You can only specify a copy source header for copy requests."
        raise invalid_argument(message, "x-amz-copy-source", source)


def _require_headers_of_part(call: Call) -> None:
    """What an object is to be is said where its upload begins, not with a part.

    As S3 was seen to answer: https://github.com/aws/aws-cli/issues/1674
    https://github.com/boto/boto3/issues/2675 https://github.com/bji/libs3/issues/80
    https://github.com/minio/minio-py/issues/675 https://github.com/JuliaCloud/AWS.jl/issues/695
    """
    if call.operation not in ("UploadPart", "UploadPartCopy"):
        return
    strange = "The specified header is not valid in this context"
    for name, value in call.request.headers.items():
        if name.startswith("x-amz-meta-"):
            raise invalid_argument("Metadata cannot be specified in this context.", name, value)
        if name in _OF_THE_WHOLE:
            raise invalid_argument(strange, name, value)
        if name == "content-md5" and call.operation == "UploadPartCopy":
            raise invalid_argument(strange, "Content-MD5", value)


def number(call: Call, name: str, usual: int) -> int:
    """A number in the query, of 32 bits and perhaps negative; ``usual`` where there is none.

    Raises AwsError InvalidArgument.
    """
    text = call.parameters.get(name) or str(usual)
    found = re.fullmatch(r"(-?)0*(\d{1,10})", text, re.ASCII)
    if found is None or not -(2**31) <= (value := int(found[1] + found[2])) < 2**31:
        message = f"Provided {name} not an integer or within integer range"
        raise invalid_argument(message, name, text)
    return value


def count(call: Call, name: str, usual: int, told: str | None = None) -> int:
    """As `number`, of what is at least 0. A refusal calls it ``told``. Raises AwsError."""
    value = number(call, name, usual)
    if value < 0:
        message = f"Argument {told or name} must be an integer between 0 and {2**31 - 1}"
        raise invalid_argument(message, told or name, str(value))
    return value


def part_number(call: Call) -> int:
    """The number of the part that a query names. Raises AwsError InvalidArgument."""
    text = call.parameters.get("partNumber", "")
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not 1 <= int(text) <= MOST_PARTS:
        message = f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
        raise invalid_argument(message, "partNumber", text)
    return int(text)


def _require_markers(key: str | None, version_id: str | None) -> None:
    if version_id is not None and key is None:
        message = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument(message, "version-id-marker", version_id)
    if version_id == "":
        message = "A version-id marker cannot be empty."
        raise invalid_argument(message, "version-id-marker", version_id)


def _require_version(operation: str, of_bucket: bool, version_id: str) -> None:
    if operation == "GetBucketAcl":
        raise invalid_argument("Invalid version id specified", "versionId", version_id)
    if operation == "ListParts" or (of_bucket and operation not in _READS_VERSION):
        message = "This operation does not accept a version-id."
        raise invalid_argument(message, "versionId", version_id)
    if not of_bucket and not version_id:
        raise invalid_argument("Version id cannot be the empty string", "versionId", "")
