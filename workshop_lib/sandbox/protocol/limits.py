"""How much a request may bring along, whichever transport it comes by.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
"""

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_definition import Protocol, ServiceDefinition

LARGEST_UPLOAD = 5 * 2**30
"""Bytes that one request can upload to S3."""


def largest_body(service: ServiceDefinition, operation: str | None = None) -> int:
    """How many bytes the body of a request for ``operation`` may have.

    Those of S3 differ by operation; without one, those of most.
    """
    return service.largest_bodies.get(operation or "", service.largest_body)


def require_size(service: ServiceDefinition, operation: str, size: int) -> None:
    """Refuse a body of ``size`` bytes that is larger than it may be. Raises AwsError."""
    limit = largest_body(service, operation)
    if size > limit:
        raise too_large(service, limit)


def too_large(service: ServiceDefinition, limit: int) -> AwsError:
    """The refusal of a body with more than ``limit`` bytes.

    The other services than S3 have it from AWS's front end, which writes the sentence alone:
    https://github.com/aws/aws-sdk-js/issues/479
    """
    if service.protocol is not Protocol.REST_XML:
        message = f"HTTP content length exceeded {limit} bytes."
        return AwsError("RequestEntityTooLarge", message, 413)
    if limit < LARGEST_UPLOAD:
        return AwsError("MaxMessageLengthExceeded", "Your request was too big.")
    return AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
