"""Amazon S3: buckets, objects and how they are encrypted."""

from workshop_lib.sandbox.protocol.errors import S3_AUTHENTICATION
from workshop_lib.sandbox.protocol.limits import LARGEST_UPLOAD
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
    hides_reason_from_outsiders=True,
    # S3 counts listing a bucket, and looking whether it is there, among what is done to objects.
    data_events=frozenset(
        {
            "DeleteObjects", "HeadBucket", "ListMultipartUploads", "ListObjectVersions",
            "ListObjects", "ListObjectsV2", "OptionsObject", "PostObject",
        }
    ),
    creates={"CreateBucket": Creation("bucket", "Bucket")},
    # Of a document; the upload's last step names 10,000 parts, a deletion 1,000 keys of 1 KiB.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
    largest_body=256 * 2**10,
    largest_bodies={
        "CompleteMultipartUpload": 2**21,
        "DeleteObjects": 2**21,
        "PostObject": LARGEST_UPLOAD + 2**15,  # with the fields before the file
        "PutBucketWebsite": 2**17,
        "PutObject": LARGEST_UPLOAD,
        "UploadPart": LARGEST_UPLOAD,
    },
)  # fmt: skip
