"""The checks of lesson 07 name the common wrong answers."""

import hashlib
import json
from typing import Any

import boto3
import pytest

from workshop_lib.exercises import examine
from workshop_lib.lab import Lab

ALGORITHM = "s3:x-amz-server-side-encryption-customer-algorithm"
HEADER = "s3:x-amz-server-side-encryption"
OLD, NEW = (hashlib.sha256(text).digest() for text in (b"old 7.1", b"exercise 7.1"))


def bucket(lab: Lab, number: str, blocked: str = "NONE") -> str:
    s3, name = boto3.client("s3"), lab.name("check")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "exercise", "Value": number}]})
    rule: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": [blocked]},
    }
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name


def put(name: str, key: bytes | None, body: bytes = b"kept") -> None:
    own: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key} if key else {}
    boto3.client("s3").put_object(Bucket=name, Key="report.txt", Body=body, **own)


def policy(name: str, condition: dict[str, Any], **changes: Any) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": condition,
        **changes,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=document)


def found(lab: Lab, number: str) -> str:
    result = examine(number, lab)
    assert result.error is None
    return "done" if result.done else str(result)


@pytest.mark.parametrize(
    ("key", "body", "says"),
    [
        (NEW, b"kept", "done"),
        (OLD, b"kept", "the old key still opens it"),
        (bytes(32), b"kept", "neither the old nor the new key"),
        (None, b"kept", "not encrypted with SSE-C"),
        (NEW, b"other", "its content is 5 bytes"),
    ],
    ids=["new key", "old key", "some key", "no key", "other content"],
)
def test_7_1_says_which_key_opens_the_object(
    lab: Lab, key: bytes | None, body: bytes, says: str
) -> None:
    put(bucket(lab, "7.1"), key, body)
    assert says in found(lab, "7.1")


def test_7_1_without_an_object(lab: Lab) -> None:
    bucket(lab, "7.1")
    assert "there is no object report.txt" in found(lab, "7.1")


def test_7_1_finds_the_version_left_under_the_old_key(lab: Lab) -> None:
    name = bucket(lab, "7.1")
    boto3.client("s3").put_bucket_versioning(
        Bucket=name, VersioningConfiguration={"Status": "Enabled"}
    )
    put(name, OLD)
    put(name, NEW)
    assert "an older one is left" in found(lab, "7.1")


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"Null": {ALGORITHM: "false"}}, "done"),
        ({"Null": {ALGORITHM: "true"}}, "an upload with SSE-KMS is refused"),
        ({"StringEquals": {ALGORITHM: "SSE-C"}}, "an upload with SSE-C is let through"),
        ({"StringEquals": {ALGORITHM: "AES256"}}, "done"),
        ({"StringNotEquals": {HEADER: "aws:kms"}}, "an upload without a header is refused"),
    ],
)
def test_7_2_puts_the_policy_to_the_test(lab: Lab, condition: dict[str, Any], says: str) -> None:
    name = bucket(lab, "7.2")
    policy(name, condition)
    assert says in found(lab, "7.2")
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=name)


def test_7_2_without_a_policy(lab: Lab) -> None:
    bucket(lab, "7.2")
    assert "it has no policy" in found(lab, "7.2")


def test_7_2_with_the_block_left_on(lab: Lab) -> None:
    policy(bucket(lab, "7.2", blocked="SSE-C"), {"Null": {ALGORITHM: "false"}})
    assert "its setting blocks SSE-C" in found(lab, "7.2")


NO_SSE_C = {"Null": {ALGORITHM: "false"}}


def administrator() -> str:
    return str(boto3.client("sts").get_caller_identity()["Arn"])


USERS = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}


@pytest.mark.parametrize(
    ("condition", "changes", "says"),
    [
        (NO_SSE_C, {"Principal": "administrator"}, "an upload of exercise-check by another role"),
        ({**NO_SSE_C, **USERS}, {}, "an upload of exercise-check by another role"),
        ({"Null": {ALGORITHM: "false", "s3:x-amz-copy-source": "true"}}, {}, "a copy by you"),
    ],
    ids=["the administrator", "users", "no copies"],
)
def test_7_2_asks_others_in_other_ways(
    lab: Lab, condition: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    name = bucket(lab, "7.2")
    if changes:
        changes = {"Principal": {"AWS": administrator()}}
    policy(name, condition, **changes)
    assert f"SSE-C is let through all the same: {says}" in found(lab, "7.2")


def test_7_2_asks_under_other_names(lab: Lab) -> None:
    name = bucket(lab, "7.2")
    policy(name, NO_SSE_C, Resource=f"arn:aws:s3:::{name}/exercise*")
    assert "an upload with SSE-C is let through" in found(lab, "7.2")


def test_7_2_wants_other_uploads_let_through_for_everybody(lab: Lab) -> None:
    name = bucket(lab, "7.2")
    others = {"ArnNotEquals": {"aws:PrincipalArn": administrator()}}
    policy(name, NO_SSE_C)
    document = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    document["Statement"].append({**document["Statement"][0], "Sid": "B", "Condition": others})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    assert "an upload without SSE-C is refused: an upload of" in found(lab, "7.2")


LAST = hashlib.sha256(b"exercise 7.3").digest()


def left(
    lab: Lab, *, key: bytes | None = LAST, body: bytes = b"kept", moved: bytes | None = b"kept",
    moved_key: bytes | None = None, blocked: str = "SSE-C",
) -> None:  # fmt: skip
    """A bucket for 7.3, done as asked but for the arguments."""
    s3, name = boto3.client("s3"), bucket(lab, "7.3")
    for each, content, own in (("old.txt", body, key), ("moved.txt", moved, moved_key)):
        sse: dict[str, Any] = (
            {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": own} if own else {}
        )
        if content is not None:
            s3.put_object(Bucket=name, Key=each, Body=content, **sse)
    rule: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": [blocked]},
    }
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "done"),
        ({"blocked": "NONE"}, "its setting does not block SSE-C"),
        ({"key": None}, "old.txt is not encrypted with SSE-C"),
        ({"key": bytes(32)}, "another key than the exercise's opens old.txt"),
        ({"body": b"else"}, "the content of old.txt is not"),
        ({"moved": None}, "there is no object moved.txt"),
        ({"moved": b"else"}, "the content of moved.txt is not that of old.txt"),
        ({"moved_key": LAST}, "moved.txt is still under SSE-C"),
    ],
)
def test_7_3_wants_both_objects_and_the_block(lab: Lab, changes: dict[str, Any], says: str) -> None:
    left(lab, **changes)
    assert says in found(lab, "7.3")


def test_7_3_without_an_object(lab: Lab) -> None:
    bucket(lab, "7.3")
    assert "there is no object old.txt" in found(lab, "7.3")


# --- answers that were tried later ---------------------------------------------------------------


def put_as(name: str, key: bytes | None, what: str) -> None:
    own: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key} if key else {}
    boto3.client("s3").put_object(Bucket=name, Key=what, Body=b"kept", **own)


@pytest.mark.parametrize("key", [OLD, None])
@pytest.mark.parametrize("what", ["report.old", "report.txt.bak", "tmp/report.txt"])
def test_7_1_finds_a_copy_that_the_new_key_does_not_guard(
    lab: Lab, key: bytes | None, what: str
) -> None:
    name = bucket(lab, "7.1")
    put(name, NEW)
    put_as(name, key, what)
    assert f"{what} holds it too" in found(lab, "7.1")


def test_7_1_finds_a_deleted_copy_in_its_versions(lab: Lab) -> None:
    name, s3 = bucket(lab, "7.1"), boto3.client("s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    put_as(name, OLD, "old/report.txt")
    put(name, NEW)
    s3.delete_object(Bucket=name, Key="old/report.txt")
    assert "old/report.txt holds it too" in found(lab, "7.1")


def test_7_1_takes_older_versions_under_the_new_key_and_other_objects(lab: Lab) -> None:
    name, s3 = bucket(lab, "7.1"), boto3.client("s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    put(name, NEW)
    put(name, NEW)
    put_as(name, NEW, "report.txt.copy")
    put_as(name, NEW, "report.txt.copy")
    s3.put_object(Bucket=name, Key="readme", Body=b"nothing of it")
    assert found(lab, "7.1") == "done"


@pytest.mark.parametrize("how", ["in parts", "twice"])
def test_7_1_takes_other_ways_to_copy(lab: Lab, how: str) -> None:
    name, s3 = bucket(lab, "7.1"), boto3.client("s3")
    put(name, OLD)
    report = {"Bucket": name, "Key": "report.txt"}
    new = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": NEW}
    source = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": OLD}
    if how == "in parts":
        begun = s3.create_multipart_upload(**report, **new)["UploadId"]
        part = s3.upload_part_copy(
            **report, **new, **source, CopySource=report, UploadId=begun, PartNumber=1
        )
        parts = [{"ETag": part["CopyPartResult"]["ETag"], "PartNumber": 1}]
        s3.complete_multipart_upload(**report, UploadId=begun, MultipartUpload={"Parts": parts})
    else:
        for _ in range(2):
            put(name, OLD)
            s3.copy(report, name, "report.txt", ExtraArgs={**new, **source})
    assert found(lab, "7.1") == "done"


def test_7_2_wants_sse_kms_with_a_key_let_through(lab: Lab) -> None:
    name = bucket(lab, "7.2")
    policy(name, NO_SSE_C)
    document = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    keys = {"Null": {f"{HEADER}-aws-kms-key-id": "false"}}
    document["Statement"].append({**document["Statement"][0], "Sid": "B", "Condition": keys})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    assert "an upload without SSE-C is refused: an upload of" in found(lab, "7.2")


def test_7_2_tries_the_names_that_the_policy_leaves_out(lab: Lab) -> None:
    name = bucket(lab, "7.2")
    policy(name, NO_SSE_C)
    document = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    del document["Statement"][0]["Resource"]
    document["Statement"][0]["NotResource"] = f"arn:aws:s3:::{name}/legacy/*"
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    assert "SSE-C is let through all the same: an upload of legacy/" in found(lab, "7.2")


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {ALGORITHM: "*"}},
        {"StringNotEqualsIfExists": {ALGORITHM: "none"}, "Null": {ALGORITHM: "false"}},
        {"ForAnyValue:StringLike": {ALGORITHM: ["AES*"]}},
    ],
)
def test_7_2_takes_other_words_for_it(lab: Lab, condition: dict[str, Any]) -> None:
    policy(bucket(lab, "7.2"), condition, Action=["s3:PutObject"])
    assert found(lab, "7.2") == "done"


def test_7_3_wants_the_copy_under_the_default(lab: Lab) -> None:
    left(lab)
    name = boto3.client("s3").list_buckets()["Buckets"][0]["Name"]
    boto3.client("s3").put_object(
        Bucket=name, Key="moved.txt", Body=b"kept", ServerSideEncryption="aws:kms"
    )
    assert "moved.txt is under aws:kms, the bucket's default is AES256" in found(lab, "7.3")


def test_7_3_takes_a_default_of_sse_kms(lab: Lab) -> None:
    s3, name = boto3.client("s3"), bucket(lab, "7.3")
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    put_as(name, LAST, "old.txt")
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
        "BucketKeyEnabled": True,
    }
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    put_as(name, None, "moved.txt")
    assert found(lab, "7.3") == "done"
    s3.put_object(Bucket=name, Key="moved.txt", Body=b"kept", ServerSideEncryption="aws:kms")
    assert "moved.txt is under another key than the bucket's default" in found(lab, "7.3")


# --- who, and when -------------------------------------------------------------------------------


def spare(name: str, how: str) -> None:
    """The right policy of 7.2, but it leaves somebody out, or some time."""
    iam, account = boto3.client("iam"), administrator().split(":")[4]
    user = iam.create_user(UserName="ada")["User"]
    ways: dict[str, dict[str, Any]] = {
        "a user by NotPrincipal": {
            "NotPrincipal": {"AWS": [user["Arn"], f"arn:aws:iam::{account}:root"]}
        },
        "a user by its name": {"Condition": {"StringNotEquals": {"aws:username": "ada"}}},
        "a role to come": {
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/legacy/import-*"}}
        },
        "a tag": {"Condition": {"StringNotEquals": {"aws:PrincipalTag/keys": "own"}}},
        "a session": {"Condition": {"StringNotLike": {"aws:userid": "*:night"}}},
        "a date": {"Condition": {"DateLessThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}},
        "a network": {"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
        "a storage class": {"Condition": {"Null": {"s3:x-amz-storage-class": "true"}}},
    }
    changes = ways[how]
    nulls = {**NO_SSE_C["Null"], **changes.get("Condition", {}).get("Null", {})}
    condition = {**changes.get("Condition", {}), "Null": nulls}
    statement = {
        **({} if "NotPrincipal" in changes else {"Principal": "*"}),
        **changes,
        "Effect": "Deny",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=document)


@pytest.mark.parametrize(
    "how",
    ["a user by NotPrincipal", "a user by its name", "a role to come", "a tag", "a session",
     "a date", "a network", "a storage class"],
)  # fmt: skip
def test_7_2_finds_whom_and_what_the_policy_leaves_out(lab: Lab, how: str) -> None:
    spare(bucket(lab, "7.2"), how)
    assert "SSE-C is let through all the same: an upload of" in found(lab, "7.2")
    assert boto3.client("iam").list_roles()["Roles"] == []


@pytest.mark.parametrize(
    "condition",
    [
        {**NO_SSE_C, "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {**NO_SSE_C, "StringEquals": {"aws:PrincipalAccount": "123456789012"}},
        {**NO_SSE_C, "StringEquals": {"aws:ResourceAccount": "123456789012"}},
    ],
)
def test_7_2_takes_a_policy_that_leaves_nobody_out(lab: Lab, condition: dict[str, Any]) -> None:
    policy(bucket(lab, "7.2"), condition)
    assert found(lab, "7.2") == "done"


def test_7_2_wants_other_uploads_let_through_in_times_to_come(lab: Lab) -> None:
    name = bucket(lab, "7.2")
    policy(name, NO_SSE_C)
    document = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    closed = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}
    document["Statement"].append({**document["Statement"][0], "Sid": "B", "Condition": closed})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    assert "an upload without SSE-C is refused: an upload of" in found(lab, "7.2")


def test_7_1_wants_the_content_and_not_its_description(lab: Lab) -> None:
    name, s3 = bucket(lab, "7.1"), boto3.client("s3")
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": NEW}
    s3.put_object(Bucket=name, Key="report.txt", Body=b"kept\n", **own)
    assert "its content is 5 bytes that are not b'kept'" in found(lab, "7.1")
    s3.put_object(Bucket=name, Key="Report.txt", Body=b"kept", **own)
    s3.delete_object(Bucket=name, Key="report.txt")
    assert "there is no object report.txt in it" in found(lab, "7.1")
