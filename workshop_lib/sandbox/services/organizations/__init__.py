"""AWS Organizations: accounts in units, and the policies that limit what is in them."""

from workshop_lib.sandbox.protocol.errors import JSON_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import Creation, Protocol, ServiceDefinition

DEFINITION = ServiceDefinition(
    name="organizations",
    title="Organizations",
    protocol=Protocol.JSON,
    hosts=(r"organizations(?:-fips)?\.us-east-1\.(?:amazonaws\.com|api\.aws)",),
    targets=("AWSOrganizationsV20161128",),
    authentication_errors=JSON_AUTHENTICATION,
    creates={
        "CreateOrganization": Creation("organization", "Organization.Id"),
        "CreateOrganizationalUnit": Creation("organizational unit", "OrganizationalUnit.Id"),
        "CreatePolicy": Creation("control policy", "Policy.PolicySummary.Id"),
    },
)
