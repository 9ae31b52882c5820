"""Buckets that other accounts use: both sides must allow; who owns the objects, and lists.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html
"""

from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.support.accounts import REGION, allow, deny, document, events, id_of, other, root, user
from tests.support.kms_people import delegating, new_key
from tests.support.s3_people import refused_with

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
    """https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html#FindCanonicalId"""
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


# --- objects that belong to who wrote them, and lists that name other accounts -------------------


def canonical(session: Any) -> str:
    """The canonical user id of a session's account."""
    return str(session.client("s3").list_buckets()["Owner"]["ID"])


def listed(acl: Any) -> list[tuple[str, str]]:
    """The grants of an answered list: grantee and permission."""
    return [(grant["Grantee"].get("ID"), grant["Permission"]) for grant in acl["Grants"]]


def test_where_lists_count_an_object_belongs_to_who_wrote_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)), ownership="ObjectWriter")
    s3, theirs = audit.client("s3"), {"Bucket": name, "Key": "a"}
    s3.put_object(**theirs, Body=b"x")
    everyone = document(allow("s3:*", OBJECTS, Principal={"AWS": "*"}))
    home().delete_public_access_block(Bucket=name)
    home().put_bucket_policy(Bucket=name, Policy=everyone)
    for read in (home().get_object, home().get_object_acl, home().get_object_tagging):
        with refused_with(403, "AccessDenied", "Access Denied"):  # the policy allows in vain
            read(**theirs)
    with refused_with(403, "AccessDenied", "Access Denied"):
        home().copy_object(Bucket=name, Key="b", CopySource=f"{name}/a")
    home().delete_bucket_policy(Bucket=name)
    assert s3.get_object(**theirs)["Body"].read() == b"x"
    assert listed(s3.get_object_acl(**theirs)) == [(canonical(audit), "FULL_CONTROL")]
    (found,) = home().list_objects(Bucket=name)["Contents"]
    assert found["Owner"]["ID"] == canonical(audit)
    home().put_object(**theirs, Body=b"y")
    assert home().get_object(**theirs)["Body"].read() == b"y"
    with refused_with(403, "AccessDenied"):
        s3.get_object(**theirs)


def test_the_buckets_owner_may_deny_and_delete_what_others_own() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)), ownership="ObjectWriter")
    s3, theirs = audit.client("s3"), {"Bucket": name, "Key": "a"}
    s3.put_object(**theirs, Body=b"x")
    denying = deny("s3:GetObject", OBJECTS, Principal={"AWS": root(id_of(audit))})
    home().put_bucket_policy(Bucket=name, Policy=document(denying))
    with refused_with(403, "AccessDenied"):
        s3.get_object(**theirs)
    home().delete_bucket_policy(Bucket=name)
    s3.get_object(**theirs)
    home().delete_object(**theirs)
    assert "Contents" not in home().list_objects(Bucket=name)


def test_a_writer_gives_the_buckets_owner_access_by_a_canned_list() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl"""
    audit, mine = other(), boto3.Session(region_name=REGION)
    name = shared_bucket(root(id_of(audit)), ownership="ObjectWriter")
    s3, theirs = audit.client("s3"), {"Bucket": name, "Key": "a"}
    for acl, permission in (
        ("bucket-owner-read", "READ"),
        ("bucket-owner-full-control", "FULL_CONTROL"),
    ):
        s3.put_object(**theirs, Body=b"x", ACL=acl)
        both = [(canonical(audit), "FULL_CONTROL"), (canonical(mine), permission)]
        assert listed(s3.get_object_acl(**theirs)) == both
        assert home().get_object(**theirs)["Body"].read() == b"x"
        assert home().list_objects(Bucket=name)["Contents"][0]["Owner"]["ID"] == canonical(audit)
        if permission == "READ":
            with refused_with(403, "AccessDenied"):
                home().get_object_acl(**theirs)
        else:
            home().put_object_acl(**theirs, ACL="private")
            assert listed(s3.get_object_acl(**theirs)) == both[:1]
    s3.put_object_acl(**theirs, ACL="bucket-owner-read")
    home().get_object(**theirs)


def test_who_prefers_to_own_owns_what_is_written_with_full_control_for_the_owner() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)), ownership="BucketOwnerPreferred")
    s3, ours = audit.client("s3"), canonical(boto3.Session(region_name=REGION))
    s3.put_object(Bucket=name, Key="a", Body=b"x", ACL="bucket-owner-full-control")
    s3.put_object(Bucket=name, Key="b", Body=b"x")
    upload = s3.create_multipart_upload(Bucket=name, Key="c")["UploadId"]
    part = {"Bucket": name, "Key": "c", "UploadId": upload}
    (begun,) = home().list_multipart_uploads(Bucket=name)["Uploads"]
    assert begun["Owner"]["ID"] == canonical(audit)
    etag = s3.upload_part(**part, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(
        **part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
    )
    owners = [each["Owner"]["ID"] for each in home().list_objects(Bucket=name)["Contents"]]
    assert owners == [ours, canonical(audit), canonical(audit)]
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    home().put_bucket_ownership_controls(Bucket=name, OwnershipControls=enforced)
    versions = home().list_object_versions(Bucket=name)["Versions"]
    assert {each["Owner"]["ID"] for each in versions} == {ours}
    home().get_object(Bucket=name, Key="b")


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("READ", {"list_objects_v2"}),
        ("WRITE", {"put_object"}),
        ("READ_ACP", {"get_bucket_acl"}),
        ("WRITE_ACP", {"put_bucket_acl"}),
        ("FULL_CONTROL", {"list_objects_v2", "put_object", "get_bucket_acl", "put_bucket_acl"}),
    ],
)
def test_a_buckets_list_lets_another_account_in(permission: str, allowed: set[str]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions"""
    audit = other()
    name = shared_bucket(ownership="ObjectWriter")
    header = f"Grant{''.join(part.title() for part in permission.split('_'))}"
    header = header.replace("Acp", "ACP")
    home().put_bucket_acl(Bucket=name, **{header: f"id={canonical(audit)}"})
    _, nobody = user(audit, "nobody")
    for session, can in ((nobody, set()), (other("third"), set()), (audit, allowed)):
        s3 = session.client("s3")
        for call, more in (
            (s3.list_objects_v2, {}),
            (s3.put_object, {"Key": "a", "Body": b"x"}),
            (s3.get_bucket_acl, {}),
            (s3.put_bucket_acl, {"GrantFullControl": f"id={canonical(audit)}"}),
        ):
            if call.__name__ in can:
                call(Bucket=name, **more)
            else:
                with refused_with(403, "AccessDenied"):
                    call(Bucket=name, **more)


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("READ", {"get_object"}),
        ("READ_ACP", {"get_object_acl"}),
        ("WRITE_ACP", {"put_object_acl"}),
        ("FULL_CONTROL", {"get_object", "get_object_acl", "put_object_acl"}),
    ],
)
def test_an_objects_list_lets_another_account_in(permission: str, allowed: set[str]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions"""
    audit, ours = other(), canonical(boto3.Session(region_name=REGION))
    name = shared_bucket(ownership="BucketOwnerPreferred")
    home().put_object(Bucket=name, Key="a", Body=b"x")
    grantee = {"Type": "CanonicalUser", "ID": canonical(audit)}
    acl = {"Owner": {"ID": ours}, "Grants": [{"Grantee": grantee, "Permission": permission}]}
    home().put_object_acl(Bucket=name, Key="a", AccessControlPolicy=acl)
    assert listed(home().get_object_acl(Bucket=name, Key="a")) == [(canonical(audit), permission)]
    _, nobody = user(audit, "nobody")
    for session, can in ((nobody, set()), (audit, allowed)):
        s3 = session.client("s3")
        for call, more in (
            (s3.get_object, {}),
            (s3.get_object_acl, {}),
            (s3.get_object_tagging, {}),
            (s3.delete_object, {}),
            (s3.put_object, {"Body": b"y"}),
            (s3.put_object_acl, {"AccessControlPolicy": acl}),
        ):
            if call.__name__ in can:
                call(Bucket=name, Key="a", **more)
            else:
                with refused_with(403, "AccessDenied"):
                    call(Bucket=name, Key="a", **more)


def test_a_lists_owner_stays_who_it_is() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html"""
    audit = other()
    name = shared_bucket(root(id_of(audit)), ownership="ObjectWriter")
    s3, ours = audit.client("s3"), canonical(boto3.Session(region_name=REGION))
    s3.put_object(Bucket=name, Key="a", Body=b"x")
    for owner, refusal in ((ours, True), (canonical(audit), False)):
        acl = {"Owner": {"ID": owner}, "Grants": []}
        if refusal:
            with refused_with(400, "InvalidArgument"):
                s3.put_object_acl(Bucket=name, Key="a", AccessControlPolicy=acl)
        else:
            s3.put_object_acl(Bucket=name, Key="a", AccessControlPolicy=acl)


def test_a_list_that_is_open_to_all_does_not_replace_what_another_account_allows() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html"""
    audit = other()
    name = shared_bucket(ownership="ObjectWriter")
    home().delete_public_access_block(Bucket=name)
    home().put_object(Bucket=name, Key="a", Body=b"x", ACL="public-read")
    _, nobody = user(audit, "nobody")
    with refused_with(403, "AccessDenied"):
        nobody.client("s3").get_object(Bucket=name, Key="a")
    audit.client("s3").get_object(Bucket=name, Key="a")
    assert stranger().get_object(Bucket=name, Key="a")["Body"].read() == b"x"


def stranger() -> Any:
    """S3, called by somebody who signs nothing."""
    return boto3.client("s3", region_name=REGION, config=Config(signature_version=UNSIGNED))


ANONYMOUS = "65a011a29cdf8ec533ec3d1ccaae921c"


def test_what_nobody_signed_for_belongs_to_nobody() -> None:
    """https://repost.aws/knowledge-center/s3-object-change-anonymous-ownership
    The id: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
    """
    name, theirs = shared_bucket(ownership="ObjectWriter"), {"Bucket": BUCKET, "Key": "a"}
    home().delete_public_access_block(Bucket=name)
    home().put_bucket_acl(Bucket=name, ACL="public-read-write")
    stranger().put_object(**theirs, Body=b"x")
    with refused_with(403, "AccessDenied"):
        home().get_object(**theirs)
    assert listed(stranger().get_object_acl(**theirs)) == [(ANONYMOUS, "FULL_CONTROL")]
    (found,) = home().list_objects(Bucket=name)["Contents"]
    assert found["Owner"]["ID"] == ANONYMOUS
    stranger().put_object_acl(**theirs, ACL="bucket-owner-full-control")
    assert home().get_object(**theirs)["Body"].read() == b"x"
    stranger().put_object(**theirs, Body=b"y")
    home().delete_object(**theirs)


def test_a_delete_marker_belongs_to_who_deletes() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteMarkerEntry.html
    "The account that created the delete marker."
    """
    audit = other()
    name = shared_bucket(root(id_of(audit)), ownership="ObjectWriter")
    home().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    home().put_object(Bucket=name, Key="a", Body=b"x")
    audit.client("s3").delete_object(Bucket=name, Key="a")
    audit.client("s3").delete_objects(Bucket=name, Delete={"Objects": [{"Key": "b"}]})
    home().delete_object(Bucket=name, Key="c")
    found = home().list_object_versions(Bucket=name)["DeleteMarkers"]
    ours = canonical(boto3.Session(region_name=REGION))
    assert [marker["Owner"]["ID"] for marker in found] == [*[canonical(audit)] * 2, ours]


def test_who_began_an_upload_may_list_and_abort_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    "By default, the bucket owner and the initiator of the multipart upload are allowed".
    """
    audit = other()
    name = shared_bucket(root(id_of(audit)), action="s3:PutObject")
    everything = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    writers = {
        "theirs": audit.client("s3"),
        "ours": user(boto3.Session(region_name=REGION), "ana", allow("s3:PutObject"))[1].client(
            "s3"
        ),
    }
    _, colleague = user(audit, "colleague", allow(list(everything)))
    _, neighbour = user(boto3.Session(region_name=REGION), "bo", allow("s3:PutObject"))
    for key, s3 in writers.items():
        begun = {"Bucket": name, "Key": key}
        begun["UploadId"] = s3.create_multipart_upload(**begun)["UploadId"]
        with refused_with(403, "AccessDenied"):
            neighbour.client("s3").list_parts(**begun)
        assert s3.list_parts(**begun)["Initiator"]
        if key == "theirs":
            assert colleague.client("s3").list_parts(**begun)["Initiator"]
        else:
            with refused_with(403, "AccessDenied"):
                colleague.client("s3").abort_multipart_upload(**begun)
        s3.abort_multipart_upload(**begun)


def test_a_bucket_policy_may_name_an_account_by_its_canonical_user() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html#s3-bucket-user-policy-specifying-principal-intro"""
    audit = other()
    name = shared_bucket()
    home().put_object(Bucket=name, Key="a", Body=b"x")
    named = allow("s3:GetObject", OBJECTS, Principal={"CanonicalUser": canonical(audit)})
    home().put_bucket_policy(Bucket=name, Policy=document(named))
    audit.client("s3").get_object(Bucket=name, Key="a")
    _, nobody = user(audit, "nobody")
    for session in (nobody, other("third")):
        with refused_with(403, "AccessDenied"):
            session.client("s3").get_object(Bucket=name, Key="a")


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
