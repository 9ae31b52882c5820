"""AWS's errors, written in the form the caller's protocol expects."""

import json
from xml.sax.saxutils import escape

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response

# Error types of Amazon DynamoDB come with the namespace of what defines them: its own API,
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_JSON_NAMESPACE = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
}
# a service's front door, or the validation of a request.
_FRONT_DOOR = (
    "AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException",
    "InvalidSignatureException", "MissingAuthenticationTokenException", "SerializationException",
    "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException",
)  # fmt: skip
_COMMON_NAMESPACES = {
    **dict.fromkeys(_FRONT_DOOR, "com.amazon.coral.service#"),
    "ValidationException": "com.amazon.coral.validate#",
}


def render(error: AwsError, service: str, request_id: str, *, bodiless: bool = False) -> Response:
    """The HTTP response that carries ``error`` in ``service``'s protocol.

    ``bodiless`` is for HEAD, whose errors have no document.
    """
    if service == "s3":
        return _rest_xml(error, request_id, bodiless)
    if service in ("iam", "sts"):
        return _query_xml(error, service, request_id)
    return _json(error, service, request_id)


def error_type(code: str, service: str) -> str:
    """An error's code as ``service`` writes it in JSON."""
    namespace = _JSON_NAMESPACE.get(service, "")
    return (namespace and _COMMON_NAMESPACES.get(code, namespace)) + code


def _json(error: AwsError, service: str, request_id: str) -> Response:
    # DynamoDB and the KMS front end write "message"; AccessDenied comes as "Message" from both.
    name = "Message" if error.code == "AccessDeniedException" else "message"
    # An error that says nothing has no message at all: {"__type":"InvalidCiphertextException"}.
    message = {name: error.message} if error.message else {}
    document = {"__type": error_type(error.code, service), **message, **error.fields}
    version = "1.0" if service.startswith("dynamodb") else "1.1"
    return Response(
        error.status,
        {"Content-Type": f"application/x-amz-json-{version}", "x-amzn-RequestId": request_id},
        json.dumps(document).encode(),
    )


def _rest_xml(error: AwsError, request_id: str, bodiless: bool) -> Response:
    headers = {
        "Content-Type": "application/xml",
        "x-amz-request-id": request_id,
        "x-amz-id-2": "sandbox",
        "Server": "AmazonS3",
    }
    if bodiless:
        return Response(error.status, headers)
    fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in error.fields.items())
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message>{fields}"
        f"<RequestId>{request_id}</RequestId><HostId>sandbox</HostId></Error>"
    )
    return Response(error.status, headers, body.encode())


def _query_xml(error: AwsError, service: str, request_id: str) -> Response:
    version = "2010-05-08" if service == "iam" else "2011-06-15"
    kind = "Sender" if error.status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="https://{service}.amazonaws.com/doc/{version}/"><Error>'
        f"<Type>{kind}</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return Response(error.status, headers, body.encode())
