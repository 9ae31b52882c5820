"""AWS's errors, written in the form the caller's protocol expects."""

import json
from xml.sax.saxutils import escape

from workshop_lib.sandbox.messages import Response

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


class AwsError(Exception):
    """A refusal in AWS's words.

    ``code`` and ``message`` are what a client reads in ``error.response["Error"]``, ``status`` is
    the HTTP status, ``fields`` are further elements of the error document (strings).
    """

    def __init__(
        self, code: str, message: str, status: int = 400, fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


# How each family of services says that a request is not who it claims to be: code, message, status.
# Seen in recorded answers of S3, DynamoDB, IAM and STS; the status of KMS's and CloudTrail's
# follows DynamoDB's. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
_INVALID_TOKEN = "The security token included in the request is invalid."
_EXPIRED_TOKEN = "The security token included in the request is expired"
_MISSING_TOKEN = "Request is missing Authentication Token"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
)
_MISMATCH_LONG = (
    _MISMATCH
    + "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_AUTHENTICATION: dict[str, dict[str, tuple[str, str, int]]] = {
    "s3": {
        "unknown key": (
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            403,
        ),
        "wrong token": (
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
            400,
        ),
        "expired token": ("ExpiredToken", "The provided token has expired.", 400),
        "unsigned": ("AccessDenied", "Access Denied", 403),
        "mismatch": ("SignatureDoesNotMatch", _MISMATCH + "key and signing method.", 403),
        "incomplete": ("AuthorizationHeaderMalformed", "", 400),
        "internal": ("InternalError", "", 500),
    },
    "query": {
        "unknown key": ("InvalidClientTokenId", _INVALID_TOKEN, 403),
        "wrong token": ("InvalidClientTokenId", _INVALID_TOKEN, 403),
        "expired token": ("ExpiredToken", _EXPIRED_TOKEN, 403),
        "unsigned": ("MissingAuthenticationToken", _MISSING_TOKEN, 403),
        "mismatch": ("SignatureDoesNotMatch", _MISMATCH_LONG, 403),
        "incomplete": ("IncompleteSignature", "", 400),
        "internal": ("InternalFailure", "", 500),
    },
    "json": {
        "unknown key": ("UnrecognizedClientException", _INVALID_TOKEN, 400),
        "wrong token": ("UnrecognizedClientException", _INVALID_TOKEN, 400),
        "expired token": ("ExpiredTokenException", _EXPIRED_TOKEN, 400),
        "unsigned": ("MissingAuthenticationTokenException", _MISSING_TOKEN, 400),
        "mismatch": ("InvalidSignatureException", _MISMATCH_LONG, 400),
        "incomplete": ("IncompleteSignatureException", "", 400),
        "internal": ("InternalFailure", "", 500),
    },
}
_FAMILIES = {"s3": "s3", "iam": "query", "sts": "query"}


def front_door(
    kind: str, service: str, message: str = "", fields: dict[str, str] | None = None
) -> AwsError:
    """The error with which ``service`` turns a request away before looking at what it asks.

    ``kind``: "unknown key", "wrong token", "expired token", "unsigned", "mismatch" (the
    signature), "incomplete" (a malformed one) or "internal". ``message`` stands in place of the
    usual one; ``fields`` are written by S3 only.
    """
    family = _FAMILIES.get(service, "json")
    code, usual, status = _AUTHENTICATION[family][kind]
    return AwsError(code, message or usual, status, fields if family == "s3" else None)


class InOneSentence(Exception):
    """An error of the lab's own, not AWS's: its message says what to do next, and that is all."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the sentence, without the frames of boto3 and the sandbox."""
        return [f"{type(self).__name__}: {self}"]


class NotEmulated(InOneSentence, NotImplementedError):
    """Something the sandbox does not emulate and therefore refuses, by name."""


class WrongArgument(InOneSentence, ValueError):
    """Something was asked of the lab that it cannot do."""


class NotOnDisk(InOneSentence, LookupError):
    """What was looked for does not lie on the sandbox's disk."""


class LabReplaced(InOneSentence, RuntimeError):
    """A lab was used after a later one had taken its place."""


class PortTaken(InOneSentence, OSError):
    """The port that was asked for cannot be opened."""


class UnsupportedMoto(InOneSentence, RuntimeError):
    """The installed moto is not one the sandbox works with: which it is, and what is wrong."""

    def __init__(self, version: str, what: str) -> None:
        super().__init__(
            f"The sandbox does not work with moto {version} ({what}): install the versions in "
            "requirements.lock (python3 workshop.py lab does it)."
        )


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
