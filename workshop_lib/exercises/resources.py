"""Finds a learner's resources by their tag, with the plain API of each service.

What may not be looked at is passed over: in an account of one's own, others have resources too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

TAG = "exercise"


def newest_table(number: str) -> dict[str, Any] | None:
    """DescribeTable's Table of the newest table with the tag exercise=number, or None.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html
    """
    dynamodb = boto3.client("dynamodb")

    def tags(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
        pages = dynamodb.get_paginator("list_tags_of_resource")
        for page in pages.paginate(ResourceArn=table["TableArn"]):
            yield from ((tag["Key"], tag["Value"]) for tag in page["Tags"])

    names = _all(dynamodb, "list_tables", "TableNames")
    tables = (dynamodb.describe_table(TableName=name)["Table"] for name in names)
    return max(
        _with_tag(tables, tags, number), key=_age("CreationDateTime", "TableName"), default=None
    )


def newest_bucket(number: str, session: boto3.Session | None = None) -> str | None:
    """The name of the newest bucket with the tag exercise=number, or None.

    session: of another account, whose buckets are meant.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html
    """
    s3 = (session or boto3).client("s3")

    def tags(bucket: dict[str, Any]) -> list[tuple[str, str]]:
        tags = s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
        return [(tag["Key"], tag["Value"]) for tag in tags]

    buckets = _with_tag(_all(s3, "list_buckets", "Buckets"), tags, number)
    newest = max(buckets, key=_age("CreationDate", "Name"), default=None)
    return newest["Name"] if newest else None


def closed_bucket() -> str | None:
    """The name of a bucket whose tags may not be read: its policy refuses that."""
    s3 = boto3.client("s3")
    for bucket in _all(s3, "list_buckets", "Buckets"):
        try:
            s3.get_bucket_tagging(Bucket=bucket["Name"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "AccessDenied":
                return str(bucket["Name"])
    return None


def newest_key(
    number: str, *, pending_too: bool = False, region: str | None = None
) -> dict[str, Any] | None:
    """DescribeKey's KeyMetadata of the newest key with the tag exercise=number, or None.

    A key that waits for its deletion is taken only if there is no other, or with `pending_too`.
    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html
    """
    kms = boto3.client("kms", region_name=region)

    def tags(key: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for page in kms.get_paginator("list_resource_tags").paginate(KeyId=key["KeyId"]):
            yield from ((tag["TagKey"], tag["TagValue"]) for tag in page["Tags"])

    keys = [
        kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        for key in _with_tag(_all(kms, "list_keys", "Keys"), tags, number)
    ]
    return max(
        keys,
        key=lambda key: (
            pending_too or key["KeyState"] != "PendingDeletion",
            key["CreationDate"],
        ),
        default=None,
    )


def newest_role(number: str, session: boto3.Session | None = None) -> dict[str, Any] | None:
    """ListRoles' entry of the newest role with the tag exercise=number, or None.

    session: of another account, whose roles are meant.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoleTags.html
    """
    iam = (session or boto3).client("iam")

    def tags(role: dict[str, Any]) -> list[tuple[str, str]]:
        tags = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
        return [(tag["Key"], tag["Value"]) for tag in tags]

    roles = _with_tag(_all(iam, "list_roles", "Roles"), tags, number)
    return max(roles, key=_age("CreateDate", "RoleName"), default=None)


def _all(client: Any, operation: str, result: str) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate():
        yield from page[result]


def _with_tag(
    resources: Iterable[dict[str, Any]],
    tags: Callable[[dict[str, Any]], Iterable[tuple[str, str]]],
    number: str,
) -> Iterator[dict[str, Any]]:
    for resource in resources:
        try:
            if (TAG, number) in tags(resource):
                yield resource
        except ClientError:
            # No tags at all is an error in S3 (NoSuchTagSet); so is another's resource.
            continue


def _age(created: str, name: str) -> Callable[[dict[str, Any]], Any]:
    """Sorts by age; within one second, S3's measure, orders-9 comes before orders-10."""
    return lambda resource: (resource[created], len(resource[name]), resource[name])
