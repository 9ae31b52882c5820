"""Lesson 06's checks name the common wrong answers."""

import json
from typing import Any

import boto3
import pytest

from workshop_lib.exercises import examine
from workshop_lib.lab import Lab, start_lab


@pytest.fixture
def lab() -> Lab:
    return start_lab()


def said(number: str, lab: Lab) -> str:
    result = examine(number, lab)
    assert result.error is None, result.error
    return str(result)


def tagged_bucket(lab: Lab, default: dict[str, Any] | None, bucket_key: bool = True) -> str:
    s3, name = boto3.client("s3"), lab.name("answer")
    s3.create_bucket(Bucket=name)
    tag = {"Key": "exercise", "Value": "6.1"}
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [tag]})
    if default is not None:
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name


def under(key: str) -> dict[str, str]:
    return {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}


def new_key() -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def tagged_role(lab: Lab, *statements: dict[str, Any]) -> str:
    account = boto3.client("sts").get_caller_identity()["Account"]
    trusted = {"AWS": f"arn:aws:iam::{account}:root"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    iam, name = boto3.client("iam"), lab.name("answer")
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        Tags=[{"Key": "exercise", "Value": "6.2"}],
    )
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="answer", PolicyDocument=document)
    return str(role["Role"]["Arn"])


def allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


VIA_S3 = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}


def test_5_1_wants_sse_kms(lab: Lab) -> None:
    tagged_bucket(lab, None)
    assert "AES256, not aws:kms" in said("6.1", lab)


def test_5_1_wants_one_layer(lab: Lab) -> None:
    tagged_bucket(lab, {**under(new_key()), "SSEAlgorithm": "aws:kms:dsse"}, bucket_key=False)
    assert "aws:kms:dsse, not aws:kms" in said("6.1", lab)


def test_5_1_wants_a_customer_managed_key(lab: Lab) -> None:
    tagged_bucket(lab, {"SSEAlgorithm": "aws:kms"})
    assert "KMSMasterKeyID, the ARN" in said("6.1", lab)
    tagged_bucket(lab, under("alias/aws/s3"))
    assert "AWS managed" in said("6.1", lab)


def test_5_1_wants_a_key_that_exists_and_is_enabled(lab: Lab) -> None:
    absent = new_key()[:-4] + "0000"
    tagged_bucket(lab, under(absent))
    assert f"KMS shows you no key {absent}" in said("6.1", lab)
    key = new_key()
    tagged_bucket(lab, under(key))
    boto3.client("kms").disable_key(KeyId=key)
    assert "it is Disabled" in said("6.1", lab)


def test_5_1_wants_the_bucket_key(lab: Lab) -> None:
    tagged_bucket(lab, under(new_key()), bucket_key=False)
    assert "Bucket Key is not enabled" in said("6.1", lab)
    tagged_bucket(lab, under(new_key()))
    assert said("6.1", lab).startswith("✓")


@pytest.fixture
def ward(lab: Lab) -> tuple[str, str]:
    """A right answer to 5.1 with the object of 5.2: the bucket's ARN and the key's."""
    key = new_key()
    name = tagged_bucket(lab, under(key))
    boto3.client("s3").put_object(Bucket=name, Key="note.txt", Body=b"note")
    return f"arn:aws:s3:::{name}", key


def test_5_2_wants_the_bucket_the_role_and_the_note(lab: Lab) -> None:
    assert "Do exercise 6.1 first" in said("6.2", lab)
    tagged_bucket(lab, under(new_key()))
    assert "no role carries the tag" in said("6.2", lab)
    tagged_role(lab)
    assert "holds no note.txt" in said("6.2", lab)


def test_5_2_wants_the_note_under_the_key(lab: Lab, ward: tuple[str, str]) -> None:
    bucket = ward[0].rpartition(":")[2]
    tagged_role(lab)
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="note.txt", ServerSideEncryption="AES256")
    assert "note.txt is encrypted with AES256" in said("6.2", lab)
    s3.put_object(Bucket=bucket, Key="note.txt", ServerSideEncryption="aws:kms")
    assert "AWS managed" in said("6.2", lab)


def test_5_2_tells_the_two_locks_apart(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    tagged_role(lab, allow("kms:Decrypt", key))
    assert "may not read note.txt" in said("6.2", lab)
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"))
    assert "may not use the key" in said("6.2", lab)


def test_5_2_names_the_context_of_a_bucket_key(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    objects = {"kms:EncryptionContext:aws:s3:arn": f"{bucket}/*"}
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3, StringLike=objects)
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), use)
    assert "aws:s3:arn is the bucket's ARN" in said("6.2", lab)


@pytest.mark.parametrize("by_context", [False, True])
def test_5_2_wants_the_key_through_s3_only(
    lab: Lab, ward: tuple[str, str], by_context: bool
) -> None:
    """A condition on the context alone does not keep a reader from calling KMS with it."""
    bucket, key = ward
    context = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": bucket}} if by_context else {}
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), allow("kms:Decrypt", key, **context))
    assert "may also call kms:Decrypt directly" in said("6.2", lab)


def test_5_2_sees_through_a_grant(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    role = tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"))
    boto3.client("kms").create_grant(KeyId=key, GranteePrincipal=role, Operations=["Decrypt"])
    assert "may also call kms:Decrypt directly" in said("6.2", lab)


def test_5_2_takes_the_right_answer(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3)
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), use)
    assert said("6.2", lab).startswith("✓")


def test_5_1_wants_a_symmetric_key(lab: Lab) -> None:
    key = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    tagged_bucket(lab, under(key["KeyMetadata"]["Arn"]))
    assert "of the kind RSA_2048" in said("6.1", lab)


def test_5_1_tells_of_a_policy_that_locks_the_administrator_out(lab: Lab) -> None:
    name = tagged_bucket(lab, under(new_key()))
    everything = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything}
    policy = json.dumps({"Version": "2012-10-17", "Statement": deny})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=policy)
    assert f"the policy of {name} hides its tags even from you" in said("6.1", lab)


def test_5_1_tells_an_administrator_who_denied_himself_everything(lab: Lab) -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    boto3.client("iam").put_user_policy(
        UserName="workshop-admin",
        PolicyName="oops",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": deny}),
    )
    assert "take back the policy of yours" in said("6.1", lab)
