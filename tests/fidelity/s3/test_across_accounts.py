"""Buckets that other accounts use: both sides must allow, and the bucket's owner owns the objects.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html
"""

from typing import Any

import boto3
import pytest

from tests.support.accounts import REGION, allow, deny, document, events, id_of, other, root, user
from tests.support.kms_people import delegating, new_key
from tests.support.s3_people import refused_with
from workshop_lib.errors import NotEmulated

BUCKET = "first-bucket"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"


def home() -> Any:
    """S3, called by the first account's administrator."""
    return boto3.client("s3", region_name=REGION)


def shared_bucket(*who: str, action: str = "s3:*", ownership: str = "BucketOwnerEnforced") -> str:
    """A bucket of the first account that lets these principals in."""
    home().create_bucket(Bucket=BUCKET, ObjectOwnership=ownership)
    if who:
        everything = [f"arn:aws:s3:::{BUCKET}", OBJECTS]
        statement = allow(action, everything, Principal={"AWS": list(who)})
        home().put_bucket_policy(Bucket=BUCKET, Policy=document(statement))
    return BUCKET


def test_another_accounts_bucket_needs_its_policy_and_the_callers() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html"""
    audit = other()
    name = shared_bucket()
    with refused_with(403, "AccessDenied"):
        audit.client("s3").put_object(Bucket=name, Key="a", Body=b"x")
    arn, nobody = user(audit, "nobody")
    _, writer = user(audit, "writer", allow("s3:PutObject"))
    home().put_bucket_policy(
        Bucket=name,
        Policy=document(allow("s3:*", OBJECTS, Principal={"AWS": [root(id_of(audit)), arn]})),
    )
    with refused_with(403, "AccessDenied"):
        nobody.client("s3").put_object(Bucket=name, Key="a", Body=b"x")
    writer.client("s3").put_object(Bucket=name, Key="a", Body=b"x")
    with refused_with(403, "AccessDenied"):
        writer.client("s3").get_object(Bucket=name, Key="a")
    assert home().get_object(Bucket=name, Key="a")["Body"].read() == b"x"


def test_an_outsider_is_told_access_denied_and_no_more() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"""
    audit = other()
    _, barred = user(audit, "barred", deny("s3:GetObject"))
    name = shared_bucket(root(id_of(audit)))
    for session in (barred, other("third")):
        with refused_with(403, "AccessDenied", "Access Denied"):
            session.client("s3").get_object(Bucket=name, Key="a")


def test_a_bucket_policy_is_its_owners_affair_even_where_it_says_otherwise() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""
    audit = other()
    name, s3 = shared_bucket(root(id_of(audit))), audit.client("s3")
    anything = document(allow("s3:*", OBJECTS, Principal={"AWS": root(id_of(audit))}))
    with refused_with(405, "MethodNotAllowed"):
        s3.get_bucket_policy(Bucket=name)
    with refused_with(405, "MethodNotAllowed"):
        s3.put_bucket_policy(Bucket=name, Policy=anything)
    with refused_with(405, "MethodNotAllowed"):
        s3.delete_bucket_policy(Bucket=name)
    with refused_with(403, "AccessDenied"):
        other("third").client("s3").get_bucket_policy(Bucket=name)


@pytest.mark.right_in_moto
def test_bucket_names_are_unique_across_accounts_and_buckets_listed_for_each() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    audit, name = other(), shared_bucket()
    with refused_with(409, "BucketAlreadyExists"):
        audit.client("s3").create_bucket(Bucket=name)
    audit.client("s3").create_bucket(Bucket="second-bucket")
    (theirs,) = audit.client("s3").list_buckets()["Buckets"]
    (ours,) = home().list_buckets()["Buckets"]
    assert (ours["Name"], theirs["Name"]) == (name, "second-bucket")


def test_each_account_has_a_canonical_user_id_of_its_own() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/finding-canonical-user-id.html"""
    audit, name = other(), shared_bucket()
    audit.client("s3").create_bucket(Bucket="second-bucket")
    ours, theirs = (s3.list_buckets()["Owner"]["ID"] for s3 in (home(), audit.client("s3")))
    assert ours != theirs
    assert len(theirs) == 64
    assert home().get_bucket_acl(Bucket=name)["Owner"]["ID"] == ours
    acl = audit.client("s3").get_bucket_acl(Bucket="second-bucket")
    assert acl["Owner"]["ID"] == acl["Grants"][0]["Grantee"]["ID"] == theirs


def test_the_expected_owner_is_the_buckets_account() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"""
    audit = other()
    name, s3 = shared_bucket(root(id_of(audit))), audit.client("s3")
    owner = id_of(boto3.Session(region_name=REGION))
    s3.put_object(Bucket=name, Key="a", Body=b"x", ExpectedBucketOwner=owner)
    with refused_with(403, "AccessDenied"):
        s3.put_object(Bucket=name, Key="a", Body=b"x", ExpectedBucketOwner=id_of(audit))
    s3.create_bucket(Bucket="second-bucket")
    source = {"CopySource": f"{name}/a", "Bucket": "second-bucket", "Key": "b"}
    s3.copy_object(**source, ExpectedSourceBucketOwner=owner, ExpectedBucketOwner=id_of(audit))
    with refused_with(403, "AccessDenied"):
        s3.copy_object(**source, ExpectedSourceBucketOwner=id_of(audit))


def test_what_another_account_writes_belongs_to_the_buckets_owner() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)))
    audit.client("s3").put_object(Bucket=name, Key="a", Body=b"x", ACL="bucket-owner-full-control")
    (found,) = home().list_objects_v2(Bucket=name, FetchOwner=True)["Contents"]
    assert found["Owner"]["ID"] == home().list_buckets()["Owner"]["ID"]


@pytest.mark.unconfirmed("refused by name here: the objects would belong to who wrote them")
def test_where_lists_count_another_account_writes_for_the_owner_or_not_at_all() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)), ownership="BucketOwnerPreferred")
    s3 = audit.client("s3")
    s3.put_object(Bucket=name, Key="a", Body=b"x", ACL="bucket-owner-full-control")
    with pytest.raises(NotEmulated):
        s3.put_object(Bucket=name, Key="a", Body=b"x")
    theirs = s3.list_buckets()["Owner"]["ID"]
    with pytest.raises(NotEmulated):
        home().put_object(Bucket=name, Key="b", Body=b"x", GrantRead=f"id={theirs}")


def test_a_copy_reads_one_accounts_bucket_and_writes_anothers() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)), action="s3:Get*")
    s3 = audit.client("s3")
    s3.create_bucket(Bucket="second-bucket")
    home().put_object(Bucket=name, Key="a", Body=b"x", Tagging="kind=test")
    s3.copy_object(Bucket="second-bucket", Key="b", CopySource=f"{name}/a")
    assert s3.get_object(Bucket="second-bucket", Key="b")["Body"].read() == b"x"
    tags = s3.get_object_tagging(Bucket="second-bucket", Key="b")["TagSet"]
    assert tags == [{"Key": "kind", "Value": "test"}]
    with refused_with(403, "AccessDenied"):
        s3.copy_object(Bucket=name, Key="c", CopySource="second-bucket/b")
    with refused_with(403, "AccessDenied"):
        home().copy_object(Bucket=name, Key="c", CopySource="second-bucket/b")


def test_sse_kms_under_another_accounts_key_needs_that_key() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""
    audit = other()
    name, s3 = shared_bucket(root(id_of(audit))), audit.client("s3")
    closed = new_key()
    use = allow(["kms:GenerateDataKey", "kms:Decrypt"], Principal={"AWS": root(id_of(audit))})
    open_key = new_key(Policy=delegating(use))
    by_kms = {"Bucket": name, "Key": "a", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    with refused_with(403, "AccessDenied"):
        s3.put_object(**by_kms, SSEKMSKeyId=closed)
    assert s3.put_object(**by_kms, SSEKMSKeyId=open_key)["SSEKMSKeyId"] == open_key
    assert s3.get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    home().put_object(**by_kms, SSEKMSKeyId=closed)
    with refused_with(403, "AccessDenied"):
        s3.get_object(Bucket=name, Key="a")


def test_the_aws_managed_key_is_the_uploaders_and_opens_for_nobody_else() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html#bucket-encryption-update-bucket-policy"""
    audit = other()
    name, s3 = shared_bucket(root(id_of(audit))), audit.client("s3")
    made = s3.put_object(Bucket=name, Key="a", Body=b"x", ServerSideEncryption="aws:kms")
    assert made["SSEKMSKeyId"].split(":")[4] == id_of(audit)
    assert s3.get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    with refused_with(403, "AccessDenied"):
        home().get_object(Bucket=name, Key="a")


def test_a_key_named_by_id_or_alias_is_the_requesters() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html"""
    audit = other()
    name, s3 = shared_bucket(root(id_of(audit))), audit.client("s3")
    theirs = audit.client("kms").create_key()["KeyMetadata"]["Arn"]
    audit.client("kms").create_alias(AliasName="alias/mine", TargetKeyId=theirs)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mine"}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    home().put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)
    assert s3.put_object(Bucket=name, Key="a", Body=b"x")["SSEKMSKeyId"] == theirs
    with refused_with(400, "KMS.NotFoundException"):
        home().put_object(Bucket=name, Key="a", Body=b"x")


def test_a_call_on_another_accounts_bucket_is_recorded_in_both() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)))
    audit.client("s3").get_bucket_location(Bucket=name)
    mine = boto3.Session(region_name=REGION)
    (ours,), (theirs,) = events(mine, "GetBucketLocation"), events(audit, "GetBucketLocation")
    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert (ours["userIdentity"]["type"], theirs["userIdentity"]["type"]) == (
        "AWSAccount",
        "IAMUser",
    )
    assert theirs["resources"][0]["accountId"] == ours["recipientAccountId"] == id_of(mine)


@pytest.mark.parametrize("key", ["aws:PrincipalAccount", "s3:ResourceAccount"])
def test_accounts_as_conditions_of_a_bucket_policy(key: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    audit = other()
    name = shared_bucket()
    wanted = {"aws:PrincipalAccount": id_of(audit)}.get(key, id_of(boto3.Session()))
    condition = {"StringEquals": {key: wanted}}
    statement = allow("s3:GetObject", OBJECTS, Principal={"AWS": root(id_of(audit))})
    home().put_object(Bucket=name, Key="a", Body=b"x")
    home().put_bucket_policy(Bucket=name, Policy=document({**statement, "Condition": condition}))
    audit.client("s3").get_object(Bucket=name, Key="a")
    refusing = {"StringNotEquals": {key: wanted}}
    home().put_bucket_policy(Bucket=name, Policy=document({**statement, "Condition": refusing}))
    with refused_with(403, "AccessDenied"):
        audit.client("s3").get_object(Bucket=name, Key="a")


@pytest.mark.right_in_moto
def test_logs_go_to_a_bucket_of_the_same_account() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"""
    other().client("s3").create_bucket(Bucket="second-bucket")
    name = shared_bucket()
    target = {"LoggingEnabled": {"TargetBucket": "second-bucket", "TargetPrefix": ""}}
    with refused_with(400, "InvalidTargetBucketForLogging"):
        home().put_bucket_logging(Bucket=name, BucketLoggingStatus=target)
