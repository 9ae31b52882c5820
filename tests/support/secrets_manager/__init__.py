"""A service of the tests' own, as a service is made: this folder, and a line in the registry."""

from workshop_lib.sandbox.protocol.errors import JSON_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import Protocol, ServiceDefinition

DEFINITION = ServiceDefinition(
    name="secretsmanager",
    title="Secrets Manager",
    protocol=Protocol.JSON,
    hosts=(r"secretsmanager(?:-fips)?\.{region}\.amazonaws\.com",),
    targets=("secretsmanager",),
    authentication_errors=JSON_AUTHENTICATION,
)
