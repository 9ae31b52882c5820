"""Server access logging: which bucket a bucket's log goes to.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
Whether the target's policy lets the log be delivered shows on delivery, which takes hours: here,
never.
"""

from collections.abc import Callable

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import ObjectStore
from workshop_lib.sandbox.protocol.endpoints import DEFAULT_REGION
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3.acls import LOG_DELIVERY
from workshop_lib.sandbox.services.s3.buckets import Bucket, Buckets
from workshop_lib.sandbox.services.s3.xml import malformed, parse, respond


class Logging:
    """The operations on a bucket's logging."""

    def __init__(self, buckets: Buckets, store: ObjectStore) -> None:
        self._buckets = buckets
        self._store = store
        self.handlers: dict[str, Callable[[Call, Bucket], Response]] = {
            "GetBucketLogging": self.get,
            "PutBucketLogging": self.put,
        }

    def get(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html"""
        text = bucket.settings.logging_text
        if text is None:
            return respond("BucketLoggingStatus", {})
        return Response(200, {"Content-Type": "application/xml"}, text)

    def put(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html"""
        text = call.request.body
        enabled = parse(text, "BucketLoggingStatus").one("LoggingEnabled")
        if enabled is None:
            bucket.settings.logging_text = None
            return Response(200)
        target, prefix = enabled.value("TargetBucket"), enabled.value("TargetPrefix")
        if not target or prefix is None:
            raise malformed()
        self._check_target(bucket, target)
        bucket.settings.logging_text = text
        return Response(200)

    def _check_target(self, source: Bucket, name: str) -> None:
        if self._store.bucket(name) is None:
            raise _invalid_target("The target bucket for logging does not exist", name)
        target = self._buckets.get(name)
        if target.account != source.account:
            raise _invalid_target(
                "The owner for the bucket to be logged and the target bucket must be the same", name
            )
        if target.region != source.region:
            raise _cross_location(source, target)
        if target.acls_count and target.settings.policy is None and not self._delivers(target):
            raise _invalid_target(
                "You must give the log-delivery group WRITE and READ_ACP permissions to the "
                "target bucket",
                name,
            )

    def _delivers(self, target: Bucket) -> bool:
        """Whether the target's access control list lets the log-delivery group in."""
        grants = target.stored.acl.grants
        granted = {grant.permission for grant in grants if grant.uri == LOG_DELIVERY}
        return "FULL_CONTROL" in granted or {"WRITE", "READ_ACP"} <= granted


def _invalid_target(message: str, name: str) -> AwsError:
    return AwsError("InvalidTargetBucketForLogging", message, 400, {"TargetBucket": name})


def _cross_location(source: Bucket, target: Bucket) -> AwsError:
    """The code is spelled as S3 spells it: https://github.com/localstack/localstack/pull/9737"""
    fields = {"TargetBucketLocation": target.region}
    if source.region != DEFAULT_REGION:
        fields = {"SourceBucketLocation": source.region, **fields}
    message = "Cross S3 location logging not allowed. "
    return AwsError("CrossLocationLoggingProhibitted", message, 403, fields)
