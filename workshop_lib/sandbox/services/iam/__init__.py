"""IAM: users, roles, groups and their policies."""

from workshop_lib.sandbox.protocol.errors import QUERY_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import Creation, Protocol, ServiceDefinition

DEFINITION = ServiceDefinition(
    name="iam",
    title="IAM",
    protocol=Protocol.QUERY,
    hosts=(r"iam(?:-fips)?\.(?:amazonaws\.com|global\.api\.aws)",),
    version="2010-05-08",
    authentication_errors=QUERY_AUTHENTICATION,
    creates={
        "CreateRole": Creation("role", "RoleName"),
        "CreateUser": Creation("user", "UserName"),
        "CreateGroup": Creation("group", "GroupName"),
        "CreatePolicy": Creation("policy", "Policy.Arn"),
    },
)
