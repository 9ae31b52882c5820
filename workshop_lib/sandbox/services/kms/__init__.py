"""AWS KMS: keys, what is done with them, and who may."""

from workshop_lib.sandbox.protocol.errors import JSON_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import Creation, Protocol, ServiceDefinition

DEFINITION = ServiceDefinition(
    name="kms",
    title="KMS",
    protocol=Protocol.JSON,
    hosts=(r"kms(?:-fips)?\.{region}\.(?:amazonaws\.com|api\.aws)",),
    targets=("TrentService",),
    authentication_errors=JSON_AUTHENTICATION,
    records_itself=True,
    hides_resources=True,
    creates={
        "CreateKey": Creation("key", "KeyMetadata.KeyId"),
        "ReplicateKey": Creation("key", "ReplicaKeyMetadata.KeyId"),
        "CreateAlias": Creation("alias", "AliasName"),
    },
)
