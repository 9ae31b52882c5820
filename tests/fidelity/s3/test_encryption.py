"""How S3 encrypts: the default, KMS keys, Bucket Keys, and what the answers tell."""

import base64
import hashlib
import json
from typing import Any

import boto3
import pytest

from tests.support.kms_people import client as kms
from tests.support.kms_people import new_key, role_session
from tests.support.s3_people import (
    REGION,
    allow,
    bucket,
    client,
    events,
    later,
    refused,
    refused_with,
    user,
)

BODY = b"card 4111 1111 1111 1111"
BY_KMS = {"ServerSideEncryption": "aws:kms"}


def put(name: str, key: str = "a", **parameters: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client().put_object(Bucket=name, Key=key, Body=BODY, **parameters)
    return answer


def test_every_object_is_encrypted() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html"""
    name = bucket()
    assert put(name)["ServerSideEncryption"] == "AES256"
    assert client().get_object(Bucket=name, Key="a")["ServerSideEncryption"] == "AES256"
    assert client().head_object(Bucket=name, Key="a")["ServerSideEncryption"] == "AES256"


def test_the_bucket_default_is_for_writes_that_ask_for_nothing() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html"""
    arn = new_key()
    name = bucket(key_id=arn.rpartition("/")[2])
    assert put(name)["SSEKMSKeyId"] == arn
    assert put(name, ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    copied = client().copy_object(Bucket=name, Key="b", CopySource=f"{name}/a")
    assert copied["SSEKMSKeyId"] == arn


@pytest.mark.parametrize("form", ["id", "arn", "alias", "alias arn"])
def test_a_kms_key_may_be_named_in_four_ways(form: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    name, arn = bucket(), new_key()
    kms().create_alias(AliasName="alias/mine", TargetKeyId=arn)
    named = {
        "id": arn.rpartition("/")[2],
        "arn": arn,
        "alias": "alias/mine",
        "alias arn": arn.rpartition(":")[0] + ":alias/mine",
    }[form]
    answer = put(name, SSEKMSKeyId=named, **BY_KMS)
    assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", arn)
    found = client().get_object(Bucket=name, Key="a")
    assert (found["SSEKMSKeyId"], found["Body"].read()) == (arn, BODY)
    assert [event["eventName"] for event in events("Decrypt")] == ["Decrypt"]


def test_without_a_key_it_is_the_aws_managed_one() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""
    arn = put(bucket(), **BY_KMS)["SSEKMSKeyId"]
    metadata = kms().describe_key(KeyId=arn)["KeyMetadata"]
    assert metadata["KeyManager"] == "AWS"
    assert kms().describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"] == arn


def test_an_unusable_key_is_refused_under_s3s_names() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
    Words: LocalStack's test_s3_sse_validate_kms_key and test_s3_sse_validate_kms_key_state,
    recorded
    from AWS on 21 February 2026
    """
    name, arn = bucket(), new_key()
    missing = arn.rpartition("/")[0] + "/00000000-0000-4000-8000-000000000000"
    with refused_with(400, "KMS.NotFoundException", f"Key '{missing}' does not exist"):
        put(name, SSEKMSKeyId=missing, **BY_KMS)
    with refused_with(400, "KMS.NotFoundException", "Invalid keyId 'fake-key-id'"):
        put(name, SSEKMSKeyId="fake-key-id", **BY_KMS)
    elsewhere = new_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    with refused("KMS.InvalidKeyUsageException"):
        put(name, SSEKMSKeyId=elsewhere, **BY_KMS)
    put(name, SSEKMSKeyId=arn, **BY_KMS)
    kms().disable_key(KeyId=arn)
    with refused_with(400, "KMS.DisabledException", f"{arn} is disabled."):
        put(name, SSEKMSKeyId=arn, **BY_KMS)
    with refused_with(400, "KMS.DisabledException"):
        client().get_object(Bucket=name, Key="a")
    kms().schedule_key_deletion(KeyId=arn)
    with refused_with(400, "KMS.KMSInvalidStateException", f"{arn} is pending deletion."):
        client().get_object(Bucket=name, Key="a")


def test_a_key_that_is_gone_takes_its_objects_along() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"""
    name, arn = bucket(), new_key()
    put(name, SSEKMSKeyId=arn, **BY_KMS)
    kms().schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    later(days=8)
    with refused_with(403, "AccessDenied"):  # what KMS answers where it no longer knows the key
        client().get_object(Bucket=name, Key="a")


def test_the_caller_needs_the_key_as_well_as_the_object() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    Words: https://github.com/ministryofjustice/modernisation-platform/pull/11726
    """
    name, arn = bucket(), new_key()
    put(name, SSEKMSKeyId=arn, **BY_KMS)
    reader = user("reader", allow("s3:*"))
    with refused_with(
        403,
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: kms:Decrypt on "
        f"resource: {arn} because no identity-based policy allows the kms:Decrypt action",
    ):
        reader.get_object(Bucket=name, Key="a")
    with refused_with(403, "AccessDenied"):
        reader.put_object(Bucket=name, Key="b", Body=b"x", SSEKMSKeyId=arn, **BY_KMS)
    assert reader.head_object(Bucket=name, Key="a")["SSEKMSKeyId"] == arn


def test_permission_may_be_given_for_s3_alone() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"""
    name, arn = bucket(), new_key()
    through = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    app = user("app", allow("s3:*"), allow("kms:*", Condition=through))
    app.put_object(Bucket=name, Key="a", Body=BODY, SSEKMSKeyId=arn, **BY_KMS)
    assert app.get_object(Bucket=name, Key="a")["Body"].read() == BODY
    [event] = events("GenerateDataKey")
    assert event["userIdentity"]["invokedBy"] == "fas.s3.amazonaws.com", "as in records of 2026"


def test_the_encryption_context_is_the_object_or_with_a_bucket_key_the_bucket() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"""
    name, arn = bucket(), new_key()
    put(name, SSEKMSKeyId=arn, **BY_KMS)
    assert put(name, SSEKMSKeyId=arn, BucketKeyEnabled=True, **BY_KMS)["BucketKeyEnabled"] is True
    bound = [event["requestParameters"]["encryptionContext"] for event in events("GenerateDataKey")]
    assert bound == [
        {"aws:s3:arn": f"arn:aws:s3:::{name}/a"},
        {"aws:s3:arn": f"arn:aws:s3:::{name}"},
    ]


def test_a_context_of_ones_own_is_added_and_used_again_for_reading() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    Words: https://issues.apache.org/jira/browse/HADOOP-19197 (a comment of June 2024)
    """
    name, arn = bucket(), new_key()
    own = base64.b64encode(json.dumps({"tenant": "a"}).encode()).decode()
    put(name, SSEKMSKeyId=arn, SSEKMSEncryptionContext=own, **BY_KMS)
    assert client().get_object(Bucket=name, Key="a")["Body"].read() == BODY
    expected = {"tenant": "a", "aws:s3:arn": f"arn:aws:s3:::{name}/a"}
    for operation in ("GenerateDataKey", "Decrypt"):
        [event] = events(operation)
        assert event["requestParameters"]["encryptionContext"] == expected
    told = (
        "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string "
        "holding JSON which represents a string-string map"
    )
    with refused_with(400, "InvalidArgument", told):
        put(name, SSEKMSKeyId=arn, SSEKMSEncryptionContext="not base64 {", **BY_KMS)


def test_a_bucket_key_spares_calls_to_kms_for_a_while() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"""
    name, arn = bucket(), new_key()
    for number in range(5):
        put(name, f"k{number}", SSEKMSKeyId=arn, BucketKeyEnabled=True, **BY_KMS)
        client().get_object(Bucket=name, Key=f"k{number}")["Body"].read()
    assert (len(events("GenerateDataKey")), len(events("Decrypt"))) == (1, 1)
    other = user("other", allow(["s3:*", "kms:*"]))
    assert other.get_object(Bucket=name, Key="k0")["Body"].read() == BODY
    assert len(events("Decrypt")) == 2, "each requester is looked at once"
    later(hours=1)
    client().get_object(Bucket=name, Key="k0")
    assert len(events("Decrypt")) == 3
    put(name, "late", SSEKMSKeyId=arn, BucketKeyEnabled=True, **BY_KMS)
    assert len(events("GenerateDataKey")) == 2


@pytest.mark.unconfirmed("AWS's pages do not say whether the key kept for writing serves reads.")
def test_a_bucket_key_kept_for_writing_opens_nothing_for_who_may_not_decrypt() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"""
    name, arn = bucket(), new_key()
    writer = user("writer", allow(["s3:*", "kms:GenerateDataKey"]))
    writer.put_object(Bucket=name, Key="a", SSEKMSKeyId=arn, BucketKeyEnabled=True, **BY_KMS)
    with refused_with(403, "AccessDenied"):
        writer.get_object(Bucket=name, Key="a")


def test_a_bucket_key_counts_a_role_scoped_by_other_session_policies_as_another_requester() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"""
    name, arn = bucket(), new_key()
    put(name, SSEKMSKeyId=arn, BucketKeyEnabled=True, **BY_KMS)
    role, _ = role_session("reader", allow(["s3:*", "kms:*"]))
    sts = boto3.client("sts")
    for number, scope in enumerate((["s3:*", "kms:*"], ["s3:*", "kms:Decrypt"], ["s3:*"])):
        got = sts.assume_role(
            RoleArn=role,
            RoleSessionName=f"scoped-{number}",
            Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow(scope)]}),
        )["Credentials"]
        keys = (got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        reader = boto3.Session(*keys, region_name=REGION).client("s3")
        if number < 2:
            assert reader.get_object(Bucket=name, Key="a")["Body"].read() == BODY
            assert len(events("Decrypt")) == number + 1
        else:
            with refused_with(403, "AccessDenied"):
                reader.get_object(Bucket=name, Key="a")


def test_the_etag_is_the_md5_under_sse_s3_only() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html"""
    name = bucket()
    digest = f'"{hashlib.md5(BODY).hexdigest()}"'
    assert put(name)["ETag"] == digest
    for method in ("aws:kms", "aws:kms:dsse"):
        etag = put(name, ServerSideEncryption=method)["ETag"]
        assert etag != digest
        assert len(etag) == len(digest)


def test_dsse_kms() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html"""
    name, arn = bucket(), new_key()
    answer = put(name, ServerSideEncryption="aws:kms:dsse", SSEKMSKeyId=arn)
    assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms:dsse", arn)
    assert client().get_object(Bucket=name, Key="a")["Body"].read() == BODY
    kms().disable_key(KeyId=arn)
    with refused("KMS.DisabledException"):
        client().get_object(Bucket=name, Key="a")


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"ServerSideEncryption": ""}, "The encryption method specified is not supported"),
        ({"ServerSideEncryption": "aes:kms"}, None),
        ({"ServerSideEncryption": "AES256", "SSEKMSKeyId": "alias/aws/s3"}, None),
        (
            {"SSEKMSKeyId": "alias/aws/s3"},
            "Server Side Encryption with AWS KMS managed key requires HTTP header "
            "x-amz-server-side-encryption : aws:kms",
        ),
    ],
)
def test_headers_that_contradict_each_other(headers: dict[str, str], message: str | None) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    Words: of a key without a method, https://github.com/aws/aws-cli/issues/1431; of an empty
    method,
    https://github.com/aws/aws-sdk-cpp/issues/1771. Of the other cases the code alone is known:
    https://github.com/ceph/s3-tests, test_put_obj_enc_conflict_s3_kms and …_bad_enc_kms.
    """
    with refused_with(400, "InvalidArgument", message):
        put(bucket(), **headers)


@pytest.mark.unconfirmed("AWS's answer to a context without SSE-KMS")
@pytest.mark.parametrize("method", [{}, {"ServerSideEncryption": "AES256"}])
def test_a_context_is_for_kms(method: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    with refused_with(400, "InvalidArgument"):
        put(bucket(), SSEKMSEncryptionContext="eyJhIjogImIifQ==", **method)


@pytest.mark.unconfirmed("AWS's answer; a bucket's own rule may ask for both, to no effect")
def test_sse_s3_in_a_request_goes_with_no_bucket_key() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"""
    with refused("InvalidArgument"):
        put(bucket(), ServerSideEncryption="AES256", BucketKeyEnabled=True)


@pytest.mark.right_in_moto
def test_a_bucket_key_for_dsse_kms_is_taken_and_ignored() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html

    That page says Bucket Keys are not supported for DSSE-KMS. What S3 does with such a request
    was tried on AWS in https://github.com/nextcloud/server/pull/62539
    """
    name = bucket()
    how: Any = {"ServerSideEncryption": "aws:kms:dsse", "BucketKeyEnabled": True}
    assert "BucketKeyEnabled" not in put(name, SSEKMSKeyId=new_key(), **how)
    head = client().head_object(Bucket=name, Key="a")
    assert head["ServerSideEncryption"] == "aws:kms:dsse"
    assert "BucketKeyEnabled" not in head


def test_a_read_does_not_say_how_to_encrypt() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    name = bucket()
    put(name)
    s3 = client()
    s3.meta.events.register(
        "before-call.s3",
        lambda params, **_: params["headers"].update({"x-amz-server-side-encryption": "AES256"}),
    )
    with refused_with(400, "InvalidArgument"):
        s3.get_object(Bucket=name, Key="a")
    with refused_with(400, "400"):
        s3.head_object(Bucket=name, Key="a")


def test_a_checksum_under_kms_is_not_told_without_the_key() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"""
    name, arn = bucket(), new_key()
    put(name, SSEKMSKeyId=arn, ChecksumAlgorithm="SHA256", **BY_KMS)
    reader = user("reader", allow("s3:*"))
    assert "ChecksumSHA256" not in reader.head_object(Bucket=name, Key="a")
    with refused_with(403, "403"):
        reader.head_object(Bucket=name, Key="a", ChecksumMode="ENABLED")
    assert client().head_object(Bucket=name, Key="a", ChecksumMode="ENABLED")["ChecksumSHA256"]


def test_an_object_may_be_given_another_kms_key_without_being_moved() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html"""
    name, arn = bucket(), new_key()
    etag = put(name)["ETag"]
    client().update_object_encryption(
        Bucket=name, Key="a", ObjectEncryption={"SSEKMS": {"KMSKeyArn": arn}}
    )
    found = client().get_object(Bucket=name, Key="a")
    assert (found["SSEKMSKeyId"], found["ETag"], found["Body"].read()) == (arn, etag, BODY)
    kms().disable_key(KeyId=arn)
    with refused("KMS.DisabledException"):
        client().get_object(Bucket=name, Key="a")


def test_a_presigned_url_of_version_2_does_not_open_what_kms_protects() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html
    Words: https://github.com/aws/aws-sdk-net/issues/2543
    """
    name = bucket()
    put(name, **BY_KMS)
    from botocore.config import Config

    old = boto3.client("s3", region_name=REGION, config=Config(signature_version="s3"))
    with refused_with(
        400,
        "InvalidArgument",
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS "
        "Signature Version 4.",
    ):
        old.get_object(Bucket=name, Key="a")
    put(name, "plain")
    assert old.get_object(Bucket=name, Key="plain")["Body"].read() == BODY
