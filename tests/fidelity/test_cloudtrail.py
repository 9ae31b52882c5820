"""CloudTrail's event history: who used which key, for what, and who was refused."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from workshop_lib.lab import start_lab


def events(**attribute: str) -> list[dict[str, Any]]:
    """The records that carry one lookup attribute, newest first."""
    ((key, value),) = attribute.items()
    asked = [{"AttributeKey": key, "AttributeValue": value}]
    pages = boto3.client("cloudtrail").get_paginator("lookup_events")
    found = [event for page in pages.paginate(LookupAttributes=asked) for event in page["Events"]]
    return [json.loads(event["CloudTrailEvent"]) for event in found]


def test_a_use_of_a_key_is_recorded_with_its_context() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-decrypt.html"""
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]
    sealed = kms.encrypt(
        KeyId=key["KeyId"], Plaintext=b"a secret to find", EncryptionContext={"dept": "it"}
    )
    kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"dept": "it"})
    (record,) = events(EventName="Decrypt")
    assert record["eventSource"] == "kms.amazonaws.com"
    assert record["requestParameters"]["encryptionContext"] == {"dept": "it"}
    assert record["userIdentity"]["type"] == "IAMUser"
    assert [resource["ARN"] for resource in record["resources"]] == [key["Arn"]]
    assert record["readOnly"] is True
    assert record["eventType"] == "AwsApiCall"


def test_plaintext_is_in_no_record() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html"""
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.encrypt(KeyId=key, Plaintext=b"a secret to find")
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    text = json.dumps(events(EventSource="kms.amazonaws.com"))
    assert "Encrypt" in text
    assert "a secret to find" not in text
    assert "YSBzZWNyZXQgdG8gZmluZA" not in text  # the same in base64
    assert data_key.hex() not in text


def test_a_refused_call_is_recorded_with_its_error_code() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html"""
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    (record,) = events(EventName="Encrypt")
    assert record["errorCode"] == "DisabledException"
    assert record["responseElements"] is None


def test_what_dynamodb_does_for_a_caller_is_recorded_as_such() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html"""
    kms, dynamodb = boto3.client("kms"), boto3.client("dynamodb")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    (record,) = events(EventName="CreateGrant")
    assert record["userIdentity"]["invokedBy"] == "dynamodb.amazonaws.com"
    assert record["sourceIPAddress"] == "dynamodb.amazonaws.com"


def test_items_and_objects_are_data_events_which_the_history_does_not_hold() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html"""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="a-bucket-for-events")
    s3.put_object(Bucket="a-bucket-for-events", Key="a", Body=b"x")
    names = [record["eventName"] for record in events(EventSource="s3.amazonaws.com")]
    assert names == ["CreateBucket"]


def test_pages_follow_each_other_and_one_attribute_is_allowed() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    kms, cloudtrail = boto3.client("kms"), boto3.client("cloudtrail")
    for _ in range(5):
        kms.create_key()
    first = cloudtrail.lookup_events(MaxResults=2)
    second = cloudtrail.lookup_events(MaxResults=2, NextToken=first["NextToken"])
    assert [event["EventName"] for event in first["Events"]] == ["CreateKey", "CreateKey"]
    assert {e["EventId"] for e in first["Events"]}.isdisjoint(
        e["EventId"] for e in second["Events"]
    )
    two = [{"AttributeKey": name, "AttributeValue": "x"} for name in ("EventName", "Username")]
    with pytest.raises(ClientError, match="InvalidLookupAttributesException"):
        cloudtrail.lookup_events(LookupAttributes=two)


def test_events_are_kept_for_90_days() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html"""
    lab = start_lab()
    boto3.client("kms").create_key()
    assert events(EventName="CreateKey")
    lab.later(days=91)
    assert not events(EventName="CreateKey")
