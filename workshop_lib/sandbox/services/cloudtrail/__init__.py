"""AWS CloudTrail: what was done, by whom."""

from workshop_lib.sandbox.protocol.errors import JSON_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import Protocol, ServiceDefinition

DEFINITION = ServiceDefinition(
    name="cloudtrail",
    title="CloudTrail",
    protocol=Protocol.JSON,
    hosts=(r"cloudtrail(?:-fips)?\.{region}\.(?:amazonaws\.com|api\.aws)",),
    targets=(
        "CloudTrail_20131101",
        "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    ),
    authentication_errors=JSON_AUTHENTICATION,
)
