"""Which action an operation of S3 needs, and what an access control list opens."""

from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.s3_people import allow, bucket, client, user

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
OF_BUCKETS = {
    "delete_bucket": "DeleteBucket",
    "delete_bucket_cors": "PutBucketCORS",
    "delete_bucket_encryption": "PutEncryptionConfiguration",
    "delete_bucket_lifecycle": "PutLifecycleConfiguration",
    "delete_bucket_ownership_controls": "PutBucketOwnershipControls",
    "delete_bucket_policy": "DeleteBucketPolicy",
    "delete_bucket_replication": "PutReplicationConfiguration",
    "delete_bucket_tagging": "PutBucketTagging",
    "delete_bucket_website": "DeleteBucketWebsite",
    "delete_public_access_block": "PutBucketPublicAccessBlock",
    "get_bucket_accelerate_configuration": "GetAccelerateConfiguration",
    "get_bucket_acl": "GetBucketAcl",
    "get_bucket_cors": "GetBucketCORS",
    "get_bucket_encryption": "GetEncryptionConfiguration",
    "get_bucket_inventory_configuration": "GetInventoryConfiguration",
    "get_bucket_lifecycle_configuration": "GetLifecycleConfiguration",
    "get_bucket_location": "GetBucketLocation",
    "get_bucket_logging": "GetBucketLogging",
    "get_bucket_notification_configuration": "GetBucketNotification",
    "get_bucket_ownership_controls": "GetBucketOwnershipControls",
    "get_bucket_policy": "GetBucketPolicy",
    "get_bucket_policy_status": "GetBucketPolicyStatus",
    "get_bucket_replication": "GetReplicationConfiguration",
    "get_bucket_tagging": "GetBucketTagging",
    "get_bucket_versioning": "GetBucketVersioning",
    "get_bucket_website": "GetBucketWebsite",
    "get_object_lock_configuration": "GetBucketObjectLockConfiguration",
    "get_public_access_block": "GetBucketPublicAccessBlock",
    "head_bucket": "ListBucket",
    "list_multipart_uploads": "ListBucketMultipartUploads",
    "list_object_versions": "ListBucketVersions",
    "list_objects": "ListBucket",
    "list_objects_v2": "ListBucket",
    "put_bucket_accelerate_configuration": "PutAccelerateConfiguration",
    "put_bucket_cors": "PutBucketCORS",
    "put_bucket_encryption": "PutEncryptionConfiguration",
    "put_bucket_lifecycle_configuration": "PutLifecycleConfiguration",
    "put_bucket_notification_configuration": "PutBucketNotification",
    "put_bucket_ownership_controls": "PutBucketOwnershipControls",
    "put_bucket_tagging": "PutBucketTagging",
    "put_bucket_versioning": "PutBucketVersioning",
    "put_object_lock_configuration": "PutBucketObjectLockConfiguration",
    "put_public_access_block": "PutBucketPublicAccessBlock",
}
_EXPIRY = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
_METHOD = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
MORE: dict[str, dict[str, Any]] = {
    "get_bucket_inventory_configuration": {"Id": "a"},
    "put_bucket_accelerate_configuration": {"AccelerateConfiguration": {"Status": "Enabled"}},
    "put_bucket_cors": {
        "CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    },
    "put_bucket_encryption": {"ServerSideEncryptionConfiguration": {"Rules": [_METHOD]}},
    "put_bucket_lifecycle_configuration": {"LifecycleConfiguration": {"Rules": [_EXPIRY]}},
    "put_bucket_notification_configuration": {"NotificationConfiguration": {}},
    "put_bucket_ownership_controls": {
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    },
    "put_bucket_tagging": {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
    "put_bucket_versioning": {"VersioningConfiguration": {"Status": "Enabled"}},
    "put_object_lock_configuration": {
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}
    },
    "put_public_access_block": {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
}  # fmt: skip


def refused(operation: Any, **parameters: Any) -> bool:
    """Whether an operation is not permitted; that it fails for another reason is not asked."""
    try:
        operation(**parameters)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 403)
    return False


def people(action: str) -> tuple[Any, Any]:
    """One who may do this alone, and one who may do all but this."""
    never = {"Effect": "Deny", "Action": f"s3:{action}", "Resource": "*"}
    return user("may", allow(f"s3:{action}")), user("may-not", allow("s3:*"), never)


@pytest.mark.parametrize("operation", OF_BUCKETS)
def test_an_operation_on_a_bucket_needs_its_action(operation: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""
    may, may_not = people(OF_BUCKETS[operation])
    asked = {"Bucket": bucket(), **MORE.get(operation, {})}
    assert refused(getattr(may_not, operation), **asked)
    assert not refused(getattr(may, operation), **asked)


_ACL = {"ACL": "private"}
_TAGS: dict[str, Any] = {"Tagging": {"TagSet": []}}


@pytest.mark.parametrize(
    ("operation", "more", "current", "version"),
    [
        ("get_object", {}, "GetObject", "GetObjectVersion"),
        ("head_object", {}, "GetObject", "GetObjectVersion"),
        ("get_object_acl", {}, "GetObjectAcl", "GetObjectVersionAcl"),
        ("get_object_tagging", {}, "GetObjectTagging", "GetObjectVersionTagging"),
        ("put_object_acl", _ACL, "PutObjectAcl", "PutObjectVersionAcl"),
        ("put_object_tagging", _TAGS, "PutObjectTagging", "PutObjectVersionTagging"),
        ("delete_object", {}, "DeleteObject", "DeleteObjectVersion"),
        ("delete_object_tagging", {}, "DeleteObjectTagging", "DeleteObjectVersionTagging"),
    ],
)
def test_a_version_has_actions_of_its_own(
    operation: str, more: dict[str, Any], current: str, version: str
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""
    name = bucket()
    client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    client().put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    made = client().put_object(Bucket=name, Key="a", Body=b"x")["VersionId"]
    asked = {"Bucket": name, "Key": "a", **more}
    of_current, of_version = (
        user(kind, allow(f"s3:{action}"))
        for kind, action in (("current", current), ("version", version))
    )
    assert refused(getattr(of_version, operation), **asked)
    assert refused(getattr(of_current, operation), VersionId=made, **asked)
    assert not refused(getattr(of_version, operation), VersionId=made, **asked)
    if operation != "delete_object":
        client().put_object(Bucket=name, Key="a", Body=b"x")
    assert not refused(getattr(of_current, operation), **asked)


EVERYONE = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
OF_OBJECT = {"Key": "a"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions
OPENED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("bucket", "READ", "list_objects_v2", {}),
    ("bucket", "READ", "list_object_versions", {}),
    ("bucket", "READ", "list_multipart_uploads", {}),
    ("bucket", "WRITE", "put_object", {"Key": "b"}),
    ("bucket", "WRITE", "delete_object", {"Key": "b"}),
    ("bucket", "READ_ACP", "get_bucket_acl", {}),
    ("object", "READ", "get_object", OF_OBJECT),
    ("object", "READ_ACP", "get_object_acl", OF_OBJECT),
    # These put the same list again.
    ("bucket", "WRITE_ACP", "put_bucket_acl", {}),
    ("object", "WRITE_ACP", "put_object_acl", OF_OBJECT),
]


@pytest.mark.parametrize("permission", ["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"])
@pytest.mark.parametrize("place", ["bucket", "object"])
def test_what_each_permission_of_an_access_control_list_opens(place: str, permission: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions"""
    name, s3 = bucket(), client()
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)
    s3.delete_public_access_block(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    made = s3.put_object(Bucket=name, Key="a", Body=b"x")["VersionId"]
    owner = s3.get_bucket_acl(Bucket=name)["Owner"]
    listed = {"Owner": owner, "Grants": [{"Grantee": EVERYONE, "Permission": permission}]}
    if place == "bucket":
        s3.put_bucket_acl(Bucket=name, AccessControlPolicy=listed)
    else:
        s3.put_object_acl(Bucket=name, Key="a", AccessControlPolicy=listed)
    anonymous = boto3.client("s3", config=Config(signature_version=UNSIGNED))
    for where, needed, operation, asked in OPENED:
        opened = where == place and permission in (needed, "FULL_CONTROL")
        putting = {"AccessControlPolicy": listed} if needed == "WRITE_ACP" else {}
        for version in ({}, {"VersionId": made} if where == "object" else {}):
            more = {**asked, **putting, **version}
            assert refused(getattr(anonymous, operation), Bucket=name, **more) is not opened, more
