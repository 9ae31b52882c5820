"""Amazon S3: buckets, objects and how they are encrypted."""

from workshop_lib.sandbox.protocol.errors import S3_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import (
    Creation,
    NamedResource,
    Protocol,
    ServiceDefinition,
)

DEFINITION = ServiceDefinition(
    name="s3",
    title="S3",
    protocol=Protocol.REST_XML,
    hosts=(
        r"(?:(?P<bucket>[a-z0-9][a-z0-9._-]*)\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-]{region})?"
        r"\.amazonaws\.com",
    ),
    resource=NamedResource("Bucket", "arn:aws:s3:::{name}"),
    authentication_errors=S3_AUTHENTICATION,
    anonymous=True,
    signs_like_s3=True,
    quotes_resource=True,
    # S3 counts listing a bucket, and looking whether it is there, among what is done to objects.
    data_events=frozenset(
        {
            "DeleteObjects", "HeadBucket", "ListMultipartUploads", "ListObjectVersions",
            "ListObjects", "ListObjectsV2", "OptionsObject", "PostObject",
        }
    ),
    creates={"CreateBucket": Creation("bucket", "Bucket")},
)  # fmt: skip
