"""Who may do what in S3: IAM policies, bucket policies, Block Public Access, ACLs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.support.kms_people import new_key
from tests.support.s3_people import (
    ALICE,
    allow,
    arn_of,
    bucket,
    client,
    customer,
    deny,
    refused,
    refused_with,
    user,
)

KEY_ID = "s3:x-amz-server-side-encryption-aws-kms-key-id"
METHOD = "s3:x-amz-server-side-encryption"
CUSTOMER = "s3:x-amz-server-side-encryption-customer-algorithm"
BY_KMS = {"ServerSideEncryption": "aws:kms"}


def set_policy(name: str, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    client().put_bucket_policy(Bucket=name, Policy=json.dumps(document))


def outcome(name: str, **parameters: Any) -> str:
    """What becomes of an upload."""
    from botocore.exceptions import ClientError

    try:
        client().put_object(Bucket=name, Key="a", Body=b"x", **parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "stored"


# The six idioms, each with what becomes of an upload that asks for: nothing, SSE-S3, SSE-KMS with
# the AWS managed key, SSE-KMS with the named key, SSE-C.
D, S = "AccessDenied", "stored"
_IDIOMS = {
    "SSE-S3 must be asked for": (
        {"StringNotEquals": {METHOD: "AES256"}},
        (D, S, D, D, D),
    ),
    "no wrong choice, but none is fine": (
        {"StringNotEquals": {METHOD: "AES256"}, "Null": {METHOD: "false"}},
        (S, S, D, D, S),
    ),
    "IfExists in a Deny still denies what is missing": (
        {"StringNotEqualsIfExists": {METHOD: "AES256"}},
        (D, S, D, D, D),
    ),
    "a key must be named": ({"Null": {KEY_ID: "true"}}, (D, D, D, S, D)),
    "it must be this key": ({"ArnNotEqualsIfExists": {KEY_ID: "KEY"}}, (D, D, D, S, D)),
    "no SSE-C": ({"Null": {CUSTOMER: "false"}}, (S, S, S, S, D)),
    "TLS only": ({"Bool": {"aws:SecureTransport": "false"}}, (S, S, S, S, S)),
}


@pytest.mark.parametrize("idiom", [name for name in _IDIOMS if name != "TLS only"])
def test_what_a_deny_on_encryption_headers_refuses(idiom: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html"""
    arn, name = new_key(), bucket(sse_c=True)
    condition, expected = _IDIOMS[idiom]
    client().put_bucket_policy(
        Bucket=name, Policy=deny(name, json.loads(json.dumps(condition).replace("KEY", arn)))
    )
    uploads: list[dict[str, Any]] = [
        {},
        {"ServerSideEncryption": "AES256"},
        BY_KMS,
        {**BY_KMS, "SSEKMSKeyId": arn},
        customer(ALICE),
    ]
    assert tuple(outcome(name, **upload) for upload in uploads) == expected


@pytest.mark.parametrize("form", ["id", "arn"])
def test_a_key_that_is_named_by_its_id_counts_as_its_arn(form: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""
    arn, other, name = new_key(), new_key(), bucket()
    policy = deny(name, {"ArnNotEqualsIfExists": {KEY_ID: arn}})
    client().put_bucket_policy(Bucket=name, Policy=policy)
    first, second = (key.rpartition("/")[2] if form == "id" else key for key in (arn, other))
    assert outcome(name, SSEKMSKeyId=first, **BY_KMS) == "stored"
    assert outcome(name, SSEKMSKeyId=second, **BY_KMS) == "AccessDenied"


def test_a_policy_reaches_copies_and_uploads_in_parts() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"""
    name = bucket()
    client().put_object(Bucket=name, Key="a", Body=b"x", ServerSideEncryption="AES256")
    client().put_bucket_policy(
        Bucket=name, Policy=deny(name, {"StringNotEquals": {METHOD: "aws:kms"}})
    )
    refusing: Callable[[], Any]
    for refusing in (
        lambda: client().copy_object(Bucket=name, Key="b", CopySource=f"{name}/a"),
        lambda: client().create_multipart_upload(Bucket=name, Key="b"),
    ):
        with refused_with(403, "AccessDenied"):
            refusing()
    client().copy_object(Bucket=name, Key="b", CopySource=f"{name}/a", **BY_KMS)


def test_a_denial_says_who_what_which_and_why() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    name = bucket()
    client().put_object(Bucket=name, Key="a", Body=b"x")
    nobody = user("nobody")
    with refused_with(
        403,
        "AccessDenied",
        f"User: {arn_of('nobody')} is not authorized to perform: s3:GetObject on resource: "
        f'"arn:aws:s3:::{name}/a" because no identity-based policy allows the s3:GetObject action',
    ):
        nobody.get_object(Bucket=name, Key="a")
    client().put_bucket_policy(
        Bucket=name, Policy=deny(name, {"StringNotEquals": {METHOD: "AES256"}})
    )
    with refused_with(
        403,
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/workshop-admin is not authorized to perform: "
        f's3:PutObject on resource: "arn:aws:s3:::{name}/a" with an explicit deny in a '
        "resource-based policy",
    ):
        client().put_object(Bucket=name, Key="a", Body=b"x")


def test_a_bucket_policy_may_let_a_user_in() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"""
    name, reader = bucket(), user("reader")
    client().put_object(Bucket=name, Key="a", Body=b"x")
    with refused("AccessDenied"):
        reader.get_object(Bucket=name, Key="a")
    set_policy(
        name,
        allow("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal={"AWS": arn_of("reader")}),
    )
    assert reader.get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    with refused("AccessDenied"):
        reader.put_object(Bucket=name, Key="a", Body=b"y")


def test_who_may_not_list_does_not_learn_what_is_missing() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    name = bucket()
    reader = user("reader", allow("s3:GetObject"))
    lister = user("lister", allow(["s3:GetObject", "s3:ListBucket"]))
    with refused_with(403, "AccessDenied"):
        reader.get_object(Bucket=name, Key="missing")
    with refused_with(403, "403"):
        reader.head_object(Bucket=name, Key="missing")
    with refused_with(404, "NoSuchKey"):
        lister.get_object(Bucket=name, Key="missing")


def test_a_version_needs_a_permission_of_its_own() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html"""
    name = bucket()
    client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version_id = client().put_object(Bucket=name, Key="a", Body=b"x")["VersionId"]
    reader = user("reader", allow("s3:GetObject"))
    assert reader.get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    with refused_with(403, "AccessDenied"):
        reader.get_object(Bucket=name, Key="a", VersionId=version_id)
    with refused_with(403, "AccessDenied"):
        user("cleaner", allow("s3:DeleteObject")).delete_object(
            Bucket=name, Key="a", VersionId=version_id
        )


def test_a_batch_deletion_asks_for_each_key() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
    name = bucket()
    for key in ("tmp/a", "kept"):
        client().put_object(Bucket=name, Key=key, Body=b"x")
    cleaner = user("cleaner", allow("s3:DeleteObject", f"arn:aws:s3:::{name}/tmp/*"))
    answer = cleaner.delete_objects(
        Bucket=name, Delete={"Objects": [{"Key": "tmp/a"}, {"Key": "kept"}]}
    )
    assert [found["Key"] for found in answer["Deleted"]] == ["tmp/a"]
    assert [(found["Key"], found["Code"]) for found in answer["Errors"]] == [
        ("kept", "AccessDenied")
    ]
    assert client().get_object(Bucket=name, Key="kept")["Body"].read() == b"x"


def test_listing_may_be_limited_to_a_prefix() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/walkthrough1.html"""
    name = bucket()
    condition = {"StringLike": {"s3:prefix": "home/*"}}
    lister = user("lister", allow("s3:ListBucket", Condition=condition))
    assert lister.list_objects_v2(Bucket=name, Prefix="home/me")["KeyCount"] == 0
    for parameters in ({}, {"Prefix": "secret/"}):
        with refused("AccessDenied"):
            lister.list_objects_v2(Bucket=name, **parameters)


def test_tags_of_objects_decide() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html"""
    name = bucket()
    client().put_object(Bucket=name, Key="open", Body=b"x", Tagging="class=public")
    client().put_object(Bucket=name, Key="shut", Body=b"x", Tagging="class=secret")
    condition = {"StringEquals": {"s3:ExistingObjectTag/class": "public"}}
    reader = user("reader", allow("s3:GetObject", Condition=condition))
    assert reader.get_object(Bucket=name, Key="open")["Body"].read() == b"x"
    with refused("AccessDenied"):
        reader.get_object(Bucket=name, Key="shut")
    wanted = {"StringEquals": {"s3:RequestObjectTag/class": "public"}}
    writer = user("writer", allow("s3:PutObject", Condition=wanted), allow("s3:PutObjectTagging"))
    writer.put_object(Bucket=name, Key="new", Body=b"x", Tagging="class=public")
    for tagging in ({}, {"Tagging": "class=secret"}):
        with refused("AccessDenied"):
            writer.put_object(Bucket=name, Key="new", Body=b"x", **tagging)


def test_an_answer_tells_of_tags_and_locks_to_whom_may_read_them() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    s3, reader = client(), user("reader", allow("s3:GetObject*"))
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockLegalHoldStatus": "ON"}
    until = {"ObjectLockRetainUntilDate": datetime(2099, 1, 1, tzinfo=UTC)}
    named = {"Bucket": "locked", "Key": "a"}
    data = {"Body": b"x", "ChecksumAlgorithm": "CRC32", "Tagging": "a=1&b=2"}
    version = s3.put_object(**named, **data, **lock, **until)["VersionId"]
    told = {"TagCount": 2, **lock, **until}
    parts: list[tuple[str, set[str]]] = [
        ("s3:GetObjectTagging", {"TagCount"}),
        ("s3:GetObjectRetention", {"ObjectLockMode", "ObjectLockRetainUntilDate"}),
        ("s3:GetObjectLegalHold", {"ObjectLockLegalHoldStatus"}),
    ]

    def shown(call: Any, **more: Any) -> dict[str, Any]:
        answer = call(**named, **more)
        return {name: answer[name] for name in told if name in answer}

    for call in (reader.get_object, reader.head_object):
        assert shown(call) == shown(call, VersionId=version) == told
    for count, (action, missing) in enumerate(parts):
        barred = {"Effect": "Deny", "Action": action, "Resource": "*"}
        blind = user(f"blind-{count}", allow("s3:GetObject*"), barred)
        for call in (blind.get_object, blind.head_object):
            assert shown(call) == {name: told[name] for name in told if name not in missing}
    only = user("only", allow("s3:GetObject"), allow("s3:GetObjectVersionTagging"))
    assert shown(only.get_object) == {}
    versions = user("versions", allow("s3:GetObjectVersion"), allow("s3:GetObjectVersionTagging"))
    assert shown(versions.get_object, VersionId=version) == {"TagCount": 2}


def test_a_copy_needs_to_read_the_source_and_write_the_target() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    name = bucket()
    client().put_object(Bucket=name, Key="in/a", Body=b"x")
    reading = allow("s3:GetObject", f"arn:aws:s3:::{name}/in/*")
    writing = allow("s3:PutObject", f"arn:aws:s3:::{name}/out/*")
    copy = {"Bucket": name, "Key": "out/a", "CopySource": f"{name}/in/a"}
    for who, statement in (("reader", reading), ("writer", writing)):
        with refused("AccessDenied"):
            user(who, statement).copy_object(**copy)
    user("copier", reading, writing).copy_object(**copy)


# --- documents ----------------------------------------------------------------------------------


def a_statement(**changes: Any) -> str:
    """A policy that would do for first-bucket, but for the changes."""
    statement = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::first-bucket/*", **changes,
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ("no json", "Policies must be valid JSON and the first byte must be '{'"),
        ('{"Version": "2012-10-17"}', "Missing required field Statement"),
        (
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", '
            '"Action": "s3:GetObject", "Resource": "arn:aws:s3:::another-bucket/*"}]}',
            "Policy has invalid resource",
        ),
        (a_statement(Resource="*"), "Policy has invalid resource"),
        (
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
            '"Action": "s3:GetObject", "Resource": "arn:aws:s3:::first-bucket/*"}]}',
            "Missing required field Principal",
        ),
        (a_statement(Action="s3:PutObjct"), "Policy has invalid action"),
        (
            a_statement(Action="s3:GetObject", Resource="arn:aws:s3:::first-bucket"),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            a_statement(Action=["s3:GetObject", "s3:ListBucket"]),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            a_statement(Principal={"AWS": "arn:aws:iam::123456789012:user/nobody"}),
            "Invalid principal in policy",
        ),
        (a_statement(Principal={"CanonicalUser": "somebody"}), "Invalid principal in policy"),
    ],
)
def test_a_malformed_policy(document: str, message: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
    https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error
    Words: LocalStack's test_bucket_policy_exc, recorded from AWS in 2023; cdk-preflight's
    pf-s3-bucket-policy-principal; https://github.com/noobaa/noobaa-core/issues/10058;
    https://github.com/versity/versitygw (issues/650, auth/bucket_policy.go);
    https://github.com/ministryofjustice/modernisation-platform/pull/10762;
    https://github.com/cloud-custodian/cloud-custodian/issues/4948
    """
    name = bucket()
    with refused_with(400, "MalformedPolicy", message):
        client().put_bucket_policy(Bucket=name, Policy=document)


@pytest.mark.right_in_moto
@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"},
        {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
        {"Service": ["cloudfront.amazonaws.com", "logging.s3.amazonaws.com"]},
        {"Federated": "cognito-identity.amazonaws.com"},
        {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/path/theirs"]},
    ],
)
def test_principals_who_are_elsewhere(principal: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html#s3-bucket-user-policy-specifying-principal-intro
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    client().put_bucket_policy(Bucket=bucket(), Policy=a_statement(Principal=principal))


def test_a_wildcard_in_the_bucket_s_name_stands_for_its_objects_too() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html#s3-arn-wildcards"""
    name = bucket()
    everybody = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}}
    for action in ("s3:GetObject", "s3:ListBucket"):
        set_policy(name, {**everybody, "Action": action, "Resource": f"arn:aws:s3:::{name}*"})
    with refused_with(400, "MalformedPolicy"):
        set_policy(
            name, {**everybody, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}"}
        )


def test_what_is_left_to_access_points_is_not_for_others() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html"""
    name = bucket()
    client().put_object(Bucket=name, Key="a", Body=b"x")
    delegated = {
        "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"StringEquals": {"s3:DataAccessPointAccount": "123456789012"}},
    }  # fmt: skip
    set_policy(name, delegated)
    with refused("AccessDenied"):
        user("direct").get_object(Bucket=name, Key="a")


@pytest.mark.right_in_moto
def test_a_bucket_without_a_policy() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html
    Words: LocalStack's test_bucket_policy_crud, recorded from AWS in 2023
    """
    with refused_with(404, "NoSuchBucketPolicy", "The bucket policy does not exist"):
        client().get_bucket_policy(Bucket=bucket())


# --- the public ---------------------------------------------------------------------------------

_PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


def test_block_public_access_keeps_public_policies_out() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    Words: https://github.com/badmintoncryer/cdk-preflight
    (rules/s3/pf-s3-policy-public-with-block-public-policy), of September 2026; earlier ones were
    "… are blocked by the BlockPublicPolicy block public access setting."
    """
    name = bucket()
    public = {**_PUBLIC, "Resource": f"arn:aws:s3:::{name}/*"}
    with refused_with(
        403,
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/workshop-admin is not authorized to perform: "
        f's3:PutBucketPolicy on resource: "arn:aws:s3:::{name}" because public policies are '
        "prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
    ):
        set_policy(name, public)
    set_policy(name, {**public, "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}})
    set_policy(name, {**public, "Effect": "Deny"})
    with refused("AccessDenied"):
        set_policy(name, {**public, "Condition": {"IpAddress": {"aws:SourceIp": "192.0.0.0/7"}}})
    set_policy(name, {**public, "Condition": {"StringEquals": {"aws:SourceIp": "192.0.2.1"}}})
    client().delete_public_access_block(Bucket=name)
    set_policy(name, public)
    assert client().get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is True


def test_the_anonymous_read_what_a_policy_opens() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html"""
    name = bucket()
    client().put_object(Bucket=name, Key="a", Body=b"x")
    client().put_object(Bucket=name, Key="k", Body=b"x", **BY_KMS)
    anonymous = _anonymous()
    with refused_with(403, "AccessDenied", "Access Denied"):
        anonymous.get_object(Bucket=name, Key="a")
    client().delete_public_access_block(Bucket=name)
    set_policy(name, {**_PUBLIC, "Resource": f"arn:aws:s3:::{name}/*"})
    assert anonymous.get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    with refused_with(400, "InvalidArgument"):  # KMS needs a signature
        anonymous.get_object(Bucket=name, Key="k")
    client().put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    with refused_with(403, "AccessDenied"):
        anonymous.get_object(Bucket=name, Key="a")


def _anonymous() -> Any:
    import boto3

    return boto3.client("s3", region_name="us-east-1", config=Config(signature_version=UNSIGNED))


def test_access_control_lists_are_turned_off() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    Words: https://github.com/gravitational/teleport/pull/25113
    """
    name = bucket()
    refusing: Callable[[], Any]
    for refusing in (
        lambda: client().put_object(Bucket=name, Key="a", Body=b"x", ACL="public-read"),
        lambda: client().put_bucket_acl(Bucket=name, ACL="public-read"),
        lambda: client().put_bucket_acl(Bucket=name, ACL="private", GrantRead="nobody"),
    ):
        with refused_with(400, "AccessControlListNotSupported", "The bucket does not allow ACLs"):
            refusing()
    client().put_object(Bucket=name, Key="a", Body=b"x", ACL="bucket-owner-full-control")
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    client().put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)
    with refused_with(403, "AccessDenied"):
        client().put_object(Bucket=name, Key="a", Body=b"x", ACL="public-read")
    client().delete_public_access_block(Bucket=name)
    client().put_object(Bucket=name, Key="a", Body=b"x", ACL="public-read")
    assert _anonymous().get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    with refused("AccessDenied"):
        _anonymous().list_objects_v2(Bucket=name)


_EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
_ENFORCED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def _with_acls(acl: str | None = None) -> Any:
    """A bucket whose access control lists count, and which may be public."""
    name = bucket()
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    client().put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)
    client().delete_public_access_block(Bucket=name)
    if acl is not None:
        client().put_bucket_acl(Bucket=name, ACL=acl)
    return name


def _grants(answer: dict[str, Any]) -> set[tuple[str, str]]:
    """Who is granted what, the owner aside."""
    given = {
        (grant["Grantee"].get("URI") or grant["Grantee"]["ID"], grant["Permission"])
        for grant in answer["Grants"]
    }
    return given - {(answer["Owner"]["ID"], "FULL_CONTROL")}


def test_what_an_access_control_list_grants() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html"""
    name, s3 = _with_acls("public-read-write"), client()
    s3.put_object(Bucket=name, Key="a", Body=b"x", GrantRead=f'uri="{_EVERYONE}"')
    assert _grants(s3.get_bucket_acl(Bucket=name)) == {(_EVERYONE, "READ"), (_EVERYONE, "WRITE")}
    assert _grants(s3.get_object_acl(Bucket=name, Key="a")) == {(_EVERYONE, "READ")}
    stranger = _anonymous()
    stranger.get_object(Bucket=name, Key="a")
    stranger.put_object(Bucket=name, Key="b", Body=b"x", ACL="public-read")
    with refused("AccessDenied"):
        stranger.get_bucket_acl(Bucket=name)
    owner = s3.get_bucket_acl(Bucket=name)["Owner"]
    group = {"Type": "Group", "URI": _EVERYONE}
    listed = {"Owner": owner, "Grants": [{"Grantee": group, "Permission": "READ_ACP"}]}
    s3.put_bucket_acl(Bucket=name, AccessControlPolicy=listed)
    assert stranger.get_bucket_acl(Bucket=name)["Owner"] == owner
    with refused("AccessDenied"):
        stranger.list_objects_v2(Bucket=name)
    with refused_with(400, "InvalidBucketAclWithObjectOwnership"):
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=_ENFORCED)
    s3.put_bucket_acl(Bucket=name, AccessControlPolicy={"Owner": owner, "Grants": []})
    assert s3.get_bucket_acl(Bucket=name)["Grants"] == []


def test_a_version_has_a_list_of_its_own() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html"""
    name, s3 = _with_acls(), client()
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=name, Key="a", Body=b"old")["VersionId"]
    s3.put_object(Bucket=name, Key="a", Body=b"new")
    s3.put_object_acl(Bucket=name, Key="a", VersionId=old, ACL="public-read")
    assert _anonymous().get_object(Bucket=name, Key="a", VersionId=old)["Body"].read() == b"old"
    with refused("AccessDenied"):
        _anonymous().get_object(Bucket=name, Key="a")


def test_lists_that_name_nobody() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html"""
    name, s3 = _with_acls(), client()
    with refused_with(400, "InvalidArgument"):
        s3.put_bucket_acl(Bucket=name, GrantRead="id=nobody")
    with refused_with(400, "InvalidArgument"):
        s3.put_bucket_acl(Bucket=name, GrantRead="uri=http://nobody")
    with refused_with(400, "UnresolvableGrantByEmailAddress"):
        s3.put_bucket_acl(Bucket=name, GrantRead="emailAddress=nobody@example.com")
    with refused_with(400, "InvalidRequest"):
        s3.put_bucket_acl(Bucket=name, ACL="private", GrantRead=f"uri={_EVERYONE}")
    with refused_with(400, "MissingSecurityHeader"):
        s3.put_bucket_acl(Bucket=name)


def test_public_access_control_lists_may_be_ignored() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
    name, s3 = _with_acls("public-read"), client()
    s3.put_object(Bucket=name, Key="a", Body=b"x", ACL="public-read")
    stranger, neighbour = _anonymous(), user("neighbour")
    for reader in (stranger, neighbour):
        assert reader.get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    ignored = {"IgnorePublicAcls": True}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=ignored)
    for reader in (stranger, neighbour):
        with refused("AccessDenied"):
            reader.get_object(Bucket=name, Key="a")
        with refused("AccessDenied"):
            reader.list_objects_v2(Bucket=name)
    # They can still be set; what is shown is what counts.
    s3.put_object(Bucket=name, Key="b", Body=b"x", ACL="public-read")
    with refused("AccessDenied"):
        stranger.get_object(Bucket=name, Key="b")
    shown: list[Callable[[], Any]] = [
        lambda: s3.get_bucket_acl(Bucket=name),
        *(partial(s3.get_object_acl, Bucket=name, Key=key) for key in "ab"),
    ]
    for acl in shown:
        (own,) = acl()["Grants"]
        assert own["Permission"] == "FULL_CONTROL"
    s3.delete_public_access_block(Bucket=name)
    for acl in shown:
        assert (_EVERYONE, "READ") in _grants(acl())
    assert stranger.get_object(Bucket=name, Key="b")["Body"].read() == b"x"


def test_public_access_control_lists_may_be_kept_out() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    Words: of the page; in May 2025 they were "… because public access control lists (ACLs) are
    blocked by the BlockPublicAcls block public access setting."
    (https://github.com/guardian/frontend/pull/27950)
    """
    name, s3 = _with_acls(), client()
    s3.put_object(Bucket=name, Key="a", Body=b"x")
    blocked = {"BlockPublicAcls": True}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocked)
    bucket_arn, public = f"arn:aws:s3:::{name}", {"Bucket": name, "ACL": "public-read"}
    for operation, call, resource in (
        ("PutObject", partial(s3.put_object, Key="b", Body=b"x"), f"{bucket_arn}/b"),
        ("CopyObject", partial(s3.copy_object, Key="c", CopySource=f"{name}/a"), f"{bucket_arn}/c"),
        ("PutObjectAcl", partial(s3.put_object_acl, Key="a"), f"{bucket_arn}/a"),
        ("PutBucketAcl", s3.put_bucket_acl, bucket_arn),
    ):
        with refused_with(
            403,
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/workshop-admin is not authorized to perform: "
            f's3:{operation} on resource: "{resource}" because public ACLs are prevented by the '
            "BlockPublicAcls setting in S3 Block Public Access.",
        ):
            call(**public)
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 1


def test_a_new_bucket_is_never_public() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html"""
    with refused_with(400, "InvalidBucketAclWithBlockPublicAccessError"):
        client().create_bucket(Bucket="open", ACL="public-read", ObjectOwnership="ObjectWriter")
    client().create_bucket(Bucket="logs", ACL="log-delivery-write", ObjectOwnership="ObjectWriter")
    logs = "http://acs.amazonaws.com/groups/s3/LogDelivery"
    granted = _grants(client().get_bucket_acl(Bucket="logs"))
    assert granted == {(logs, "WRITE"), (logs, "READ_ACP")}


def test_who_may_list_may_know_what_is_not_there() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    name = _with_acls("public-read")
    with refused_with(404, "NoSuchKey"):
        _anonymous().get_object(Bucket=name, Key="gone")
    client().put_object(Bucket=name, Key="private", Body=b"x")
    with refused_with(403, "AccessDenied"):
        _anonymous().get_object(Bucket=name, Key="private")
    client().put_bucket_acl(Bucket=name, ACL="private")
    with refused_with(403, "AccessDenied"):
        _anonymous().get_object(Bucket=name, Key="gone")


def test_a_policy_may_ask_for_a_grant() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies-condition-keys.html"""
    name, owner = _with_acls(), f"id={client().list_buckets()['Owner']['ID']}"
    policy = deny(name, {"StringNotEquals": {"s3:x-amz-grant-full-control": owner}})
    client().put_bucket_policy(Bucket=name, Policy=policy)
    with refused("AccessDenied"):
        client().put_object(Bucket=name, Key="a", Body=b"x")
    client().put_object(Bucket=name, Key="a", Body=b"x", GrantFullControl=owner)


def test_a_policy_may_forbid_a_way_to_lock() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html"""
    client().create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    compliance = {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}}
    policy = deny("locked", compliance, "s3:*")
    client().put_bucket_policy(Bucket="locked", Policy=policy)
    data: dict[str, Any] = {"Bucket": "locked", "Key": "a", "Body": b"x"}
    data |= {"ObjectLockRetainUntilDate": datetime(2099, 1, 1, tzinfo=UTC)}
    client().put_object(**data, ObjectLockMode="GOVERNANCE", ChecksumAlgorithm="CRC32")
    with refused("AccessDenied"):
        client().put_object(**data, ObjectLockMode="COMPLIANCE", ChecksumAlgorithm="CRC32")
    retention = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2099, 1, 1, tzinfo=UTC)}
    with refused("AccessDenied"):
        client().put_object_retention(Bucket="locked", Key="a", Retention=retention)


def test_the_expected_owner() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"""
    name = bucket()
    client().list_objects_v2(Bucket=name, ExpectedBucketOwner="123456789012")
    with refused_with(403, "AccessDenied"):
        client().list_objects_v2(Bucket=name, ExpectedBucketOwner="111122223333")


# --- where a bucket's log goes ------------------------------------------------------------------

_LOG = {"TargetBucket": "logs", "TargetPrefix": "log/"}


def _log(**changes: Any) -> None:
    """Have first-bucket's log go to the bucket logs."""
    enabled = {"LoggingEnabled": {**_LOG, **changes}}
    client().put_bucket_logging(Bucket="first-bucket", BucketLoggingStatus=enabled)


def test_a_log_goes_to_a_bucket_whose_policy_allows_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"""
    name, logs = bucket(), bucket("logs")
    allowed = {
        "Effect": "Allow", "Principal": {"Service": ["logging.s3.amazonaws.com"]},
        "Action": "s3:PutObject", "Resource": [f"arn:aws:s3:::{logs}/log/*"],
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{name}"}},
    }  # fmt: skip
    set_policy(logs, allowed)
    by_event = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    _log(TargetObjectKeyFormat=by_event)
    found = client().get_bucket_logging(Bucket=name)["LoggingEnabled"]
    assert found == _LOG | {"TargetObjectKeyFormat": by_event}
    client().put_bucket_logging(Bucket=name, BucketLoggingStatus={})
    assert "LoggingEnabled" not in client().get_bucket_logging(Bucket=name)
    assert client().list_objects_v2(Bucket=logs)["KeyCount"] == 0


def test_a_log_goes_to_a_bucket_whose_access_control_list_allows_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    https://github.com/s3tools/s3cmd/issues/614
    """
    bucket()
    client().create_bucket(Bucket="logs", ObjectOwnership="ObjectWriter")
    message = "You must give the log-delivery group WRITE and READ_ACP permissions to the target "
    with refused_with(400, "InvalidTargetBucketForLogging", message + "bucket"):
        _log()
    client().put_bucket_acl(Bucket="logs", ACL="log-delivery-write")
    _log()


def test_a_log_goes_to_a_bucket_of_the_same_region() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
    https://github.com/localstack/localstack/pull/9737
    """
    bucket()
    with refused_with(400, "InvalidTargetBucketForLogging"):
        _log()
    far = {"LocationConstraint": "eu-west-1"}
    client().create_bucket(Bucket="logs", CreateBucketConfiguration=far)
    with refused_with(403, "CrossLocationLoggingProhibitted"):
        _log()
