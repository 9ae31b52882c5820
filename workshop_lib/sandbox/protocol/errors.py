"""AWS's errors: what is refused, in which words."""

from collections.abc import Mapping


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


# How a service says that a request is not who it claims to be: code, message, status, by what is
# wrong: "unknown key", "wrong token", "expired token", "unsigned", "mismatch" (of the signature),
# "incomplete" (a malformed one), "internal" (the service failed).
# Seen in recorded answers of S3, DynamoDB, IAM and STS; the status of KMS's and CloudTrail's
# follows DynamoDB's. https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
AuthenticationErrors = Mapping[str, tuple[str, str, int]]

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
S3_AUTHENTICATION: AuthenticationErrors = {
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
}
QUERY_AUTHENTICATION: AuthenticationErrors = {
    "unknown key": ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    "wrong token": ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    "expired token": ("ExpiredToken", _EXPIRED_TOKEN, 403),
    "unsigned": ("MissingAuthenticationToken", _MISSING_TOKEN, 403),
    "mismatch": ("SignatureDoesNotMatch", _MISMATCH_LONG, 403),
    "incomplete": ("IncompleteSignature", "", 400),
    "internal": ("InternalFailure", "", 500),
}
JSON_AUTHENTICATION: AuthenticationErrors = {
    "unknown key": ("UnrecognizedClientException", _INVALID_TOKEN, 400),
    "wrong token": ("UnrecognizedClientException", _INVALID_TOKEN, 400),
    "expired token": ("ExpiredTokenException", _EXPIRED_TOKEN, 400),
    "unsigned": ("MissingAuthenticationTokenException", _MISSING_TOKEN, 400),
    "mismatch": ("InvalidSignatureException", _MISMATCH_LONG, 400),
    "incomplete": ("IncompleteSignatureException", "", 400),
    "internal": ("InternalFailure", "", 500),
}
