"""The services there are: a line each."""

from collections.abc import Callable, Mapping

from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition
from workshop_lib.sandbox.services import (
    cloudtrail,
    dynamodb,
    iam,
    kms,
    organizations,
    s3,
    sts,
)
from workshop_lib.sandbox.services.cloudtrail.service import CloudTrail
from workshop_lib.sandbox.services.dynamodb.service import DynamoDb
from workshop_lib.sandbox.services.dynamodb.streams import DynamoDbStreams
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.iam.service import Iam
from workshop_lib.sandbox.services.kms.service import Kms
from workshop_lib.sandbox.services.organizations.service import Organizations
from workshop_lib.sandbox.services.s3.service import S3
from workshop_lib.sandbox.services.sts.service import Sts

Registry = Mapping[ServiceDefinition, Callable[[Foundations], Service]]

SERVICES: Registry = {
    kms.DEFINITION: Kms,
    s3.DEFINITION: S3,
    dynamodb.DEFINITION: DynamoDb,
    dynamodb.STREAMS: DynamoDbStreams,
    iam.DEFINITION: Iam,
    sts.DEFINITION: Sts,
    cloudtrail.DEFINITION: CloudTrail,
    organizations.DEFINITION: Organizations,
}
