"""Signatures, read and verified as the gateway does, of a service given by its name."""

from workshop_lib.sandbox.auth import sigv4
from workshop_lib.sandbox.auth.signature import read_signature
from workshop_lib.sandbox.call import Signature
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition
from workshop_lib.sandbox.services.registry import SERVICES


def definition(name: str) -> ServiceDefinition:
    """The service of that name."""
    return next(service for service in SERVICES if service.name == name)


def read(request: Request, service: str) -> Signature | None:
    """The signature that a request carries."""
    return read_signature(request, definition(service))


def verify(request: Request, service: str, bucket: str | None, secret: str | None) -> None:
    """Raise AwsError unless ``secret`` made the signature of a request."""
    signature = read(request, service)
    sigv4.verify(request, definition(service), signature, bucket, secret)
