"""What CloudTrail writes down of a call: its name, its parameters, what it named and returned.

KMS's own calls are the exception: `kms` writes those down. No secret is told.
S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/understanding-ddb-log-entries.html
IAM and STS: https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from botocore.model import Shape
from botocore.parsers import create_parser

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request, Response
from workshop_lib.sandbox.protocol.query_form import read_form
from workshop_lib.sandbox.protocol.service_definition import Protocol
from workshop_lib.sandbox.protocol.service_model import lower_first, service_model

_END_OF_TIME = 253_402_300_800  # the year 10000, in seconds


@dataclass(frozen=True)
class Entry:
    """A call as CloudTrail tells it. ``resources`` are ARNs, ``more`` is additionalEventData."""

    source: str
    name: str
    read_only: bool
    user_agent: str
    parameters: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    more: Mapping[str, Any] | None = None
    resources: tuple[str, ...] = ()
    api_version: str | None = None
    error: AwsError | None = None


def management_entry(call: Call, answer: Response | None, error: AwsError | None) -> Entry | None:
    """What is told of a call; None for data events, which the event history does not hold."""
    if not _is_management(call):
        return None
    if answer is not None and answer.status >= 400:
        error = _error(call, answer)
        answer = None
    read_only = call.operation in _READS_BY_ANOTHER_NAME or call.operation.startswith(_READS)
    denied = error is not None and error.code.startswith("AccessDenied")
    agent = call.request.headers.get("user-agent", "")
    if call.service.protocol is Protocol.REST_XML:
        return Entry(
            call.service.source,
            _S3_NAMES.get(call.operation, call.operation),
            read_only,
            f"[{agent}]",
            parameters=_s3_parameters(call),
            more=_s3_transfer(call.request, answer),
            resources=tuple(_resources(call)),
            error=error,
        )
    form = call.service.protocol is Protocol.QUERY
    told = not (form and denied)
    returns = not read_only or call.operation in _READS_BY_ANOTHER_NAME
    return Entry(
        call.service.source,
        call.operation,
        read_only,
        agent,
        parameters=_parameters(call) if told else None,
        response=_elements(call, answer) if returns and answer is not None else None,
        resources=tuple(_resources(call)) if told else (),
        api_version=call.service.version if call.service.records_version and not denied else None,
        error=_named(call, error) if form and error is not None else error,
    )


_READS = ("Describe", "Get", "Head", "List", "Lookup", "Verify")
# Those that tell all the same what they returned.
_READS_BY_ANOTHER_NAME = {"AssumeRole", "GetFederationToken", "GetSessionToken"}


def _is_management(call: Call) -> bool:
    """Whether a call is none of the data planes': everything else is management."""
    on_object = call.service.protocol is Protocol.REST_XML and bool(call.parameters.get("Key"))
    return call.operation not in call.service.data_events and not on_object


def _resources(call: Call) -> Iterator[str]:
    """The ARN of the bucket, table, stream or role that the call names."""
    resource = call.service.resource
    name = call.parameters.get(resource.parameter) if resource is not None else None
    if resource is None or not isinstance(name, str) or not name:
        return
    arn = resource.arn.format(name=name, region=call.region, account=call.account)
    arn = name if name.startswith("arn:") else arn
    if re.fullmatch(resource.pattern, arn, re.ASCII):
        yield arn


# --- S3 -----------------------------------------------------------------------------------

# Where CloudTrail's name is not the operation's.
_S3_NAMES = {
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_SIGNING = {
    "AWSAccessKeyId", "Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Amz-Signature",
}  # fmt: skip
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def _s3_parameters(call: Call) -> dict[str, Any]:
    """The bucket, the host, the query and the document in the body, whose XML becomes JSON."""
    bucket = call.parameters["Bucket"]
    query = call.request.parameters.items()
    return {
        **({"bucketName": bucket} if bucket else {}),
        "Host": call.request.host,
        **{name: value for name, value in query if name not in _SIGNING},
        **_s3_document(call),
    }


def _s3_document(call: Call) -> dict[str, Any]:
    try:
        if call.operation == "PutBucketPolicy":
            return {"bucketPolicy": json.loads(call.request.body)}
        if not call.request.body:
            return {}
        root = ElementTree.fromstring(call.request.body)
        return {root.tag.rpartition("}")[2]: _xml_as_json(root)}
    except (ElementTree.ParseError, ValueError, RecursionError, LookupError):
        return {}  # what S3 could not read, the trail does not tell


def _xml_as_json(element: ElementTree.Element, around: str = "") -> Any:
    namespace = element.tag.rpartition("}")[0].lstrip("{")
    found: dict[str, Any] = {"xmlns": namespace} if namespace != around else {}
    for name, value in element.attrib.items():
        found |= {"xmlns:xsi": _XSI} if _XSI in name else {}
        found[name.replace(f"{{{_XSI}}}", "xsi:")] = value
    repeated: dict[str, list[Any]] = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        repeated.setdefault(name, []).append(_xml_as_json(child, namespace))
    for name, values in repeated.items():
        found[name] = values if len(values) > 1 else values[0]
    return found or _typed((element.text or "").strip())


def _typed(text: str) -> str | int | bool:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"0|-?[1-9]\d{0,17}", text, re.ASCII) else text


def _s3_transfer(request: Request, answer: Response | None) -> dict[str, Any] | None:
    authorization = request.headers.get("authorization", "")
    query = request.parameters
    if authorization or "X-Amz-Signature" in query or "Signature" in query:
        four = "AWS4-HMAC-SHA256" in (authorization or query.get("X-Amz-Algorithm", ""))
        return {
            "SignatureVersion": "SigV4" if four else "SigV2",
            "AuthenticationMethod": "AuthHeader" if authorization else "QueryString",
            "bytesTransferredIn": len(request.body),
            **({} if answer is None else {"bytesTransferredOut": len(answer.body)}),
        }
    return None


# --- DynamoDB, IAM, STS, CloudTrail: by the service's model ---------------------------------

_SECRETS = {"NewPassword", "OldPassword", "Password", "SecretAccessKey"}


def _parameters(call: Call) -> dict[str, Any] | None:
    shape = _shape(call, "input_shape")
    if shape is None:
        return None
    form = call.service.protocol is Protocol.QUERY
    return _told(shape, _given(call) if form else call.parameters) or None


def _given(call: Call) -> dict[str, Any]:
    try:
        return read_form(call.service.name, call.operation, call.parameters)
    except AwsError:
        return {}  # what could not be read, the trail does not tell


def _elements(call: Call, answer: Response) -> dict[str, Any] | None:
    shape = _shape(call, "output_shape")
    return None if shape is None else _told(shape, _parsed(call, answer, shape)) or None


def _parsed(call: Call, answer: Response, shape: Shape | None) -> dict[str, Any]:
    parser = create_parser(service_model(call.service.name).metadata["protocol"])
    parsed: dict[str, Any] = parser.parse(
        {"status_code": answer.status, "headers": answer.headers, "body": answer.body}, shape
    )
    return parsed


def _error(call: Call, answer: Response) -> AwsError:
    told = _parsed(call, answer, None).get("Error", {})
    return AwsError(told.get("Code", ""), told.get("Message", ""), answer.status)


def _named(call: Call, error: AwsError) -> AwsError:
    """The error under the name that IAM's and STS's models give it: NoSuchEntityException."""
    names = {
        shape.error_code: shape.name for shape in service_model(call.service.name).error_shapes
    }
    return AwsError(names.get(error.code, error.code), error.message, error.status)


def _shape(call: Call, which: str) -> Shape | None:
    model = service_model(call.service.name)
    if call.operation not in model.operation_names:
        return None
    return getattr(model.operation_model(call.operation), which)


def _told(shape: Shape, value: Any) -> Any:
    """Names as CloudTrail writes them, tableName for TableName; a map's own keys stay."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {
            lower_first(name): _told(shape.members[name], inner)
            for name, inner in value.items()
            if name in shape.members and name not in _SECRETS
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_told(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {name: _told(shape.value, inner) for name, inner in value.items()}
    instant = shape.type_name == "timestamp" and isinstance(value, (int, float))
    if instant and 0 <= value < _END_OF_TIME:
        return datetime.fromtimestamp(value, UTC)
    return value
