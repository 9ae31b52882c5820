"""AWS's errors, written in the form the caller's protocol expects."""

import json
import zlib
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.service_definition import Protocol, ServiceDefinition

# Errors that are not of DynamoDB's own API have the namespace of what every service has before it,
# or of the validation of requests.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_COMMON = (
    "AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException",
    "InvalidSignatureException", "MissingAuthenticationTokenException", "SerializationException",
    "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException",
)  # fmt: skip
_COMMON_NAMESPACES = {
    **dict.fromkeys(_COMMON, "com.amazon.coral.service#"),
    "ValidationException": "com.amazon.coral.validate#",
}


def render(
    error: AwsError, service: ServiceDefinition, request_id: str, *, bodiless: bool = False
) -> Response:
    """The HTTP response that carries ``error`` in ``service``'s protocol.

    ``bodiless`` is for HEAD, whose errors have no document.
    """
    if service.protocol is Protocol.REST_XML:
        return _rest_xml(error, request_id, bodiless)
    if service.protocol is Protocol.QUERY:
        return _query_xml(error, service, request_id)
    return _json(error, service, request_id)


def error_type(code: str, service: ServiceDefinition) -> str:
    """An error's code as ``service`` writes it in JSON."""
    namespace = service.error_namespace
    return (namespace and _COMMON_NAMESPACES.get(code, namespace)) + code


def _json(error: AwsError, service: ServiceDefinition, request_id: str) -> Response:
    # DynamoDB and the KMS front end write "message"; AccessDenied comes as "Message" from both, and
    # DynamoDB writes so of what it cannot read (dynalite's test/helpers.js).
    capital = ("AccessDeniedException", service.error_namespace and "SerializationException")
    name = "Message" if error.code in capital else "message"
    # An error that says nothing has no message at all: {"__type":"InvalidCiphertextException"}.
    message = {name: error.message} if error.message else {}
    document = {"__type": error_type(error.code, service), **message, **error.fields}
    body = json.dumps(document).encode()
    headers = {
        "Content-Type": f"application/x-amz-json-{service.json_version}",
        "x-amzn-RequestId": request_id,
    }
    if service.error_namespace:  # DynamoDB, whose clients verify what they are told
        headers["x-amz-crc32"] = str(zlib.crc32(body))
    return Response(error.status, headers, body)


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


def _query_xml(error: AwsError, service: ServiceDefinition, request_id: str) -> Response:
    kind = "Sender" if error.status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{namespace(service)}"><Error>'
        f"<Type>{kind}</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return Response(error.status, headers, body.encode())


def namespace(service: ServiceDefinition) -> str:
    """The XML namespace of a query service's documents."""
    return f"https://{service.name}.amazonaws.com/doc/{service.version}/"


def member(document: bytes, path: str) -> str:
    """A member of an answer, in JSON or XML, by its path: KeyMetadata.KeyId; "" for none."""
    steps = path.split(".")
    if document.lstrip().startswith(b"<"):
        root = ElementTree.fromstring(document)
        return root.findtext(".//" + "/".join(f"{{*}}{step}" for step in steps), "")
    found = json.loads(document)
    for step in steps:
        found = found[step]
    return str(found)
