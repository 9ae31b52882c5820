"""What a key was last used for."""

import json
from datetime import timedelta
from typing import Any

import boto3

from tests.support.kms_people import client, delegating, later, new_key, refused, user


def usage(arn: str, kms: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = (kms or client()).get_key_last_usage(KeyId=arn)
    return found


def operation(arn: str) -> str | None:
    name: str | None = usage(arn)["KeyLastUsage"].get("Operation")
    return name


def test_a_key_tells_what_it_was_last_used_for() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html
    https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html#examine-last-usage
    """
    kms, arn = client(), new_key()
    created = kms.describe_key(KeyId=arn)["KeyMetadata"]["CreationDate"]
    told = usage(arn)
    assert told["KeyId"] == arn.rpartition("/")[2]
    assert told["KeyLastUsage"] == {}
    assert told["KeyCreationDate"] == told["TrackingStartDate"] == created
    kms.encrypt(KeyId=arn, Plaintext=b"x")
    later(days=3)
    answer = kms.generate_data_key(KeyId=arn, KeySpec="AES_256")
    last = usage(arn)["KeyLastUsage"]
    assert last["Operation"] == "GenerateDataKey"
    assert last["KmsRequestId"] == answer["ResponseMetadata"]["RequestId"]
    assert timedelta(days=3) - timedelta(seconds=1) <= last["Timestamp"] - created
    (event,) = boto3.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": last["CloudTrailEventId"]}]
    )["Events"]
    record = json.loads(event["CloudTrailEvent"])
    assert (record["eventName"], record["requestID"]) == ("GenerateDataKey", last["KmsRequestId"])


def test_only_successful_cryptographic_operations_count() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html#tracked-crypto-operations"""
    kms, arn = client(), new_key()
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    kms.describe_key(KeyId=arn)
    kms.tag_resource(KeyId=arn, Tags=[{"TagKey": "a", "TagValue": "b"}])
    kms.get_key_policy(KeyId=arn)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("DryRunOperationException"):
        kms.generate_data_key(KeyId=arn, KeySpec="AES_256", DryRun=True)
    _, stranger = user("stranger")
    with refused("AccessDeniedException"):
        stranger.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    assert operation(arn) == "Encrypt"
    signing = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    kms.get_public_key(KeyId=signing)
    assert operation(signing) is None
    kms.sign(KeyId=signing, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    assert operation(signing) == "Sign"


def test_both_keys_of_a_re_encryption_were_used() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html#last-usage-considerations"""
    kms, old, new = client(), new_key(), new_key()
    blob = kms.encrypt(KeyId=old, Plaintext=b"x")["CiphertextBlob"]
    kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
    assert operation(old) == operation(new) == "ReEncrypt"


def test_what_a_service_does_for_its_caller_counts() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html"""
    arn, s3 = new_key(), boto3.client("s3")
    s3.create_bucket(Bucket="usage-1")
    s3.put_object(
        Bucket="usage-1", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=arn
    )
    assert operation(arn) == "GenerateDataKey"
    s3.get_object(Bucket="usage-1", Key="k")
    assert operation(arn) == "Decrypt"


def test_replicas_tell_of_themselves() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html"""
    kms, there, arn = client(), client("eu-west-1"), new_key(MultiRegion=True)
    kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    kms.encrypt(KeyId=arn, Plaintext=b"x")
    key_id = arn.rpartition("/")[2]
    assert usage(key_id, there)["KeyLastUsage"] == {}
    assert usage(key_id)["KeyLastUsage"]["Operation"] == "Encrypt"


def test_who_may_ask_for_it_and_how() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html
    """
    kms, arn = client(), new_key()
    kms.create_alias(AliasName="alias/app", TargetKeyId=arn)
    with refused("InvalidArnException"):
        usage("alias/app")
    allowed = {"Effect": "Allow", "Action": "kms:GetKeyLastUsage", "Resource": arn}
    _, auditor = user("auditor", allowed)
    kms.disable_key(KeyId=arn)
    assert usage(arn, auditor)["KeyLastUsage"] == {}
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert usage(arn, auditor)["KeyLastUsage"] == {}
    _, other = user("other", {**allowed, "Action": "kms:DescribeKey"})
    with refused("AccessDeniedException"):
        usage(arn, other)


def test_a_key_in_use_can_be_kept_from_being_switched_off() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-trailing-days-without-key-usage"""
    recently = {"NumericLessThan": {"kms:TrailingDaysWithoutKeyUsage": "30"}}
    denied = {
        "Effect": "Deny", "Principal": "*", "Resource": "*",
        "Action": ["kms:DisableKey", "kms:ScheduleKeyDeletion"], "Condition": recently,
    }  # fmt: skip
    kms, arn = client(), new_key(Policy=delegating(denied))
    with refused("AccessDeniedException"):  # never used: the days since it was made count
        kms.disable_key(KeyId=arn)
    later(days=20)
    kms.encrypt(KeyId=arn, Plaintext=b"x")
    later(days=29, hours=23)
    with refused("AccessDeniedException"):
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    later(hours=1)
    kms.disable_key(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
