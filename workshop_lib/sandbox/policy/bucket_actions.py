"""S3's actions, and which of a bucket policy's resources each applies to.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_ON_BUCKETS = """
    CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket
    DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite
    GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS
    GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification
    GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy
    GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging
    GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration
    GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration
    GetMetricsConfiguration GetReplicationConfiguration HeadBucket ListBucket
    ListBucketMultipartUploads ListBucketVersions ListTagsForResource PauseReplication
    PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS
    PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration
    PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment
    PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration
    PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration
    PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource
    UpdateBucketMetadataAnnotationTableConfiguration
    UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration
"""
_ON_OBJECTS = """
    AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation
    DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionAnnotation
    DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAnnotation GetObjectAttributes
    GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion
    GetObjectVersionAcl GetObjectVersionAnnotation GetObjectVersionAnnotationForReplication
    GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging
    GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts ListObjectAnnotations
    ListObjectVersionAnnotations ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl
    PutObjectAnnotation PutObjectLegalHold PutObjectRetention PutObjectTagging
    PutObjectVersionAcl PutObjectVersionAnnotation PutObjectVersionTagging ReplicateDelete
    ReplicateObject ReplicateObjectAnnotation ReplicateTags RestoreObject UpdateObjectEncryption
"""
# Actions on accounts, access points, grants, jobs and dashboards: none is about a bucket's own.
_ELSEWHERE = re.compile(
    r"s3:\w*(?:accessgrant|accesspoint|job|storagelens|accountpublicaccessblock|dataaccess)\w*"
    r"|s3:listallmybuckets"
)
BUCKET, OBJECT = "bucket", "object"
_APPLIES = {
    **{f"s3:{name}".lower(): BUCKET for name in _ON_BUCKETS.split()},
    **{f"s3:{name}".lower(): OBJECT for name in _ON_OBJECTS.split()},
}


def is_action(pattern: str) -> bool:
    """Whether S3 has an action of this name; a pattern with wildcards is not looked up."""
    name = pattern.lower()
    return "*" in name or "?" in name or name in _APPLIES or bool(_ELSEWHERE.fullmatch(name))


def applies(pattern: str, resources: Iterable[str]) -> bool:
    """Whether an action, or one that the pattern stands for, applies to one of the ARNs."""
    name = pattern.lower()
    about = {kind for action, kind in _APPLIES.items() if fnmatchcase(action, name)}
    return any(about & _kinds(arn) for arn in resources)


def _kinds(arn: str) -> set[str]:
    """What an ARN of a bucket policy can stand for; a wildcard in a bucket's name, for both."""
    path = arn.split(":", 5)[-1]
    if "/" in path:
        return {OBJECT}
    return {BUCKET, OBJECT} if "*" in path else {BUCKET}
