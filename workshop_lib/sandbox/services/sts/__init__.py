"""STS: temporary credentials."""

from workshop_lib.sandbox.protocol.errors import QUERY_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import (
    NamedResource,
    Protocol,
    ServiceDefinition,
)

DEFINITION = ServiceDefinition(
    name="sts",
    title="STS",
    protocol=Protocol.QUERY,
    hosts=(r"sts(?:-fips)?(?:\.{region})?\.(?:amazonaws\.com|api\.aws)",),
    version="2011-06-15",
    resource=NamedResource("RoleArn", pattern=r"arn:aws:iam::\d{12}:role/.+"),
    authentication_errors=QUERY_AUTHENTICATION,
    unsigned=("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"),
    tells_reason=False,
)
