"""CloudTrail's event history: who used which key, for what, and who was refused."""

import json
import re
from datetime import UTC, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.kms_people import later, role_session
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


def test_a_record_has_the_id_that_the_answer_had() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html"""
    key = {"AttributeName": "id", "KeyType": "HASH"}
    table = {
        "TableName": "ids", "KeySchema": [key], "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }  # fmt: skip
    answers = {
        "CreateKey": boto3.client("kms").create_key(),
        "CreateTable": boto3.client("dynamodb").create_table(**table),
        "CreateBucket": boto3.client("s3").create_bucket(Bucket="ids"),
        "CreateUser": boto3.client("iam").create_user(UserName="ids"),
        "GetCallerIdentity": boto3.client("sts").get_caller_identity(),
    }
    for name, answer in answers.items():
        (record,) = events(EventName=name)
        assert record["requestID"] == answer["ResponseMetadata"]["RequestId"], name


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
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""
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
    (record,) = events(EventName="GenerateDataKey")  # which it asks for by its grant
    by = {"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"}
    assert (record["userIdentity"], record["sourceIPAddress"]) == (by, by["invokedBy"])


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
    others = [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]
    with pytest.raises(ClientError, match="InvalidNextTokenException"):
        cloudtrail.lookup_events(LookupAttributes=others, NextToken=first["NextToken"])
    two = [{"AttributeKey": name, "AttributeValue": "x"} for name in ("EventName", "Username")]
    with pytest.raises(ClientError, match="InvalidLookupAttributesException"):
        cloudtrail.lookup_events(LookupAttributes=two)


def test_without_a_trail_that_has_insights_there_are_no_insights_events() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    boto3.client("kms").create_key()
    trail = boto3.client("cloudtrail")
    assert trail.lookup_events()["Events"]
    assert trail.lookup_events(EventCategory="insight")["Events"] == []


def test_a_span_of_time_has_both_its_ends() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    kms, trail = boto3.client("kms"), boto3.client("cloudtrail")
    for _ in range(3):
        kms.create_key()
        later(days=1)
    made = [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]

    def found(**span: Any) -> list[Any]:
        events = trail.lookup_events(LookupAttributes=made, **span)["Events"]
        return [event["EventTime"] for event in events]

    last, second, first = found()
    assert found(StartTime=second) == [last, second]
    assert found(EndTime=second) == [second, first]
    assert found(StartTime=second, EndTime=second) == [second]
    hour = timedelta(hours=1)
    assert found(StartTime=first + hour, EndTime=last - hour) == [second]
    with pytest.raises(ClientError, match="InvalidTimeRangeException"):
        trail.lookup_events(StartTime=last, EndTime=first)


def test_events_are_kept_for_90_days() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html"""
    lab = start_lab()
    boto3.client("kms").create_key()
    assert events(EventName="CreateKey")
    lab.later(days=91)
    assert not events(EventName="CreateKey")


# --- what KMS does of itself --------------------------------------------------------------


def own_event(record: dict[str, Any]) -> dict[str, Any]:
    """What an event of a service's own always says is checked, and taken off; the rest."""
    assert record["eventType"] == "AwsServiceEvent"
    assert record["userIdentity"] == {"accountId": "123456789012", "invokedBy": "AWS Internal"}
    assert record["sourceIPAddress"] == record["userAgent"] == "AWS Internal"
    assert record["requestParameters"] is None
    assert record["readOnly"] is False
    assert "requestID" not in record
    assert "tlsDetails" not in record
    return {name: record.get(name) for name in ("responseElements", "serviceEventDetails")}


def test_a_deletion_that_takes_effect() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-delete-key.html"""
    kms = boto3.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    due = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)["DeletionDate"]
    later(days=6, hours=23)
    assert not events(EventName="DeleteKey")
    later(days=2)
    boto3.client("kms").create_key()  # after it, though the deletion is noticed only later
    names = [record["eventName"] for record in events(EventSource="kms.amazonaws.com")]
    assert names == ["CreateKey", "DeleteKey", "ScheduleKeyDeletion", "CreateKey"]
    (record,) = events(ResourceName=arn)[:1]
    assert own_event(record) == {"responseElements": {"keyId": arn}, "serviceEventDetails": None}
    assert record["eventTime"] == due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [resource["ARN"] for resource in record["resources"]] == [arn]
    assert len(events(EventName="DeleteKey")) == 1


def test_rotations_are_events_of_their_own() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-rotatekey.html"""
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]

    def current() -> str:
        return str(kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"])

    first = current()
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    second = current()
    names = [record["eventName"] for record in events(ReadOnly="false")]
    assert names == ["RotateKey", "RotateKeyOnDemand", "CreateKey"]
    wanted = {
        "rotationType": "ON_DEMAND",
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": first,
        "currentKeyMaterialId": second,
        "keyId": key["KeyId"],
    }
    assert own_event(events(EventName="RotateKey")[0])["serviceEventDetails"] == wanted
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    due = kms.get_key_rotation_status(KeyId=key["KeyId"])["NextRotationDate"]
    later(days=90)
    (record,) = events(EventName="RotateKey")  # that of the first day is older than the history
    assert record["eventTime"] == due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted |= {
        "rotationType": "AUTOMATIC",
        "previousKeyMaterialId": second,
        "currentKeyMaterialId": current(),
    }
    assert own_event(record)["serviceEventDetails"] == wanted


# --- what a record tells ------------------------------------------------------------------


def test_the_key_material_that_was_used_is_told_apart() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-reencrypt.html"""
    kms = boto3.client("kms")
    old, new = (kms.create_key()["KeyMetadata"] for _ in range(2))
    blob = kms.encrypt(KeyId=old["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new["KeyId"])
    kms.decrypt(CiphertextBlob=blob)
    kms.generate_data_key(KeyId=new["KeyId"], KeySpec="AES_256")
    source, destination = (key["CurrentKeyMaterialId"] for key in (old, new))
    shown = {
        record["eventName"]: record.get("additionalEventData")
        for record in events(EventSource="kms.amazonaws.com")
    }
    assert shown == {
        "CreateKey": None,
        "Encrypt": {"keyMaterialId": source},
        "ReEncrypt": {"sourceKeyMaterialId": source, "destinationKeyMaterialId": destination},
        "Decrypt": {"keyMaterialId": source},
        "GenerateDataKey": {"keyMaterialId": destination},
    }


def test_a_refusal_without_a_message_has_none_in_the_record_either() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-decrypt.html"""
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with pytest.raises(ClientError):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    (record,) = events(EventName="Decrypt")
    assert record["errorCode"] == "InvalidCiphertextException"
    assert "errorMessage" not in record
    assert "additionalEventData" not in record


def test_an_alias_is_a_resource_beside_its_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-createalias.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-updatealias.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-deletealias.html
    """
    kms = boto3.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    kms.update_alias(AliasName="alias/mine", TargetKeyId=arn)
    kms.delete_alias(AliasName="alias/mine")
    alias = "arn:aws:kms:us-east-1:123456789012:alias/mine"
    order = {"CreateAlias": [arn, alias], "UpdateAlias": [alias, arn], "DeleteAlias": [alias, arn]}
    for name, wanted in order.items():
        (record,) = events(EventName=name)
        assert [resource["ARN"] for resource in record["resources"]] == wanted
        assert {resource["type"] for resource in record["resources"]} == {"AWS::KMS::Key"}


def test_what_is_recorded_though_it_was_not_asked_for() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-retire-grant.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-put-key-policy.html
    """
    kms = boto3.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    admin = boto3.client("sts").get_caller_identity()["Arn"]
    grant = kms.create_grant(
        KeyId=arn, GranteePrincipal=admin, RetiringPrincipal=admin, Operations=["Decrypt"]
    )
    kms.retire_grant(GrantToken=grant["GrantToken"])
    (record,) = events(EventName="RetireGrant")
    assert record["requestParameters"] is None
    assert record["additionalEventData"] == {"grantId": grant["GrantId"]}
    kms.put_key_policy(KeyId=arn, Policy=kms.get_key_policy(KeyId=arn)["Policy"])
    (record,) = events(EventName="PutKeyPolicy")
    assert record["requestParameters"]["bypassPolicyLockoutSafetyCheck"] is False


def test_who_called_is_told_alike_everywhere() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html"""
    allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    role, kms = role_session("app", allow)
    kms.list_keys()
    (record,) = events(EventName="ListKeys")
    identity = record["userIdentity"]
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert re.fullmatch("AROA[A-Z2-7]{17}", issuer["principalId"])
    assert identity["principalId"] == f"{issuer['principalId']}:session"
    assert (identity["type"], issuer["arn"], issuer["userName"]) == ("AssumedRole", role, "app")
    assert identity["accessKeyId"].startswith("ASIA")
    attributes = identity["sessionContext"]["attributes"]
    assert attributes["mfaAuthenticated"] == "false"
    (assumed,) = events(EventName="AssumeRole")
    assert attributes["creationDate"] == assumed["eventTime"]
    admin = boto3.client("sts").get_caller_identity()
    assert assumed["userIdentity"]["principalId"] == admin["UserId"]
    assert re.fullmatch("AIDA[A-Z2-7]{17}", admin["UserId"])


def test_a_direct_call_to_kms_names_its_host() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-encrypt.html"""
    boto3.client("kms", region_name="us-east-1").list_keys()
    (record,) = events(EventName="ListKeys")
    assert record["tlsDetails"]["clientProvidedHostHeader"] == "kms.us-east-1.amazonaws.com"
    assert (record["managementEvent"], record["eventCategory"]) == (True, "Management")
    assert record["recipientAccountId"] == "123456789012"


# --- calls to the other services ------------------------------------------------------------


def recorded(source: str, **attribute: str) -> dict[str, Any]:
    """The only record of a service's that carries the attribute."""
    (record,) = (r for r in events(**attribute) if r["eventSource"] == f"{source}.amazonaws.com")
    return record


def test_a_call_that_is_not_permitted_has_one_name_in_every_service() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

    AWS's own records: KMS and DynamoDB answer AccessDeniedException, and CloudTrail writes this:
    github.com/aws-samples/baseline-environment-on-aws/pull/51
    """
    iam = boto3.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    nobody = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    calls = {"kms": "list_keys", "dynamodb": "list_tables", "iam": "list_users"}
    for service, call in calls.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(nobody.client(service), call)()
        record = recorded(service, Username="nobody")
        assert record["errorCode"] == "AccessDenied"
        assert "is not authorized to perform" in record["errorMessage"]
        assert record["requestParameters"] is None


def test_a_tables_events_name_the_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/understanding-ddb-log-entries.html"""
    dynamodb = boto3.client("dynamodb")
    arn = dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    dynamodb.describe_table(TableName=arn)
    resources = [{"accountId": "123456789012", "type": "AWS::DynamoDB::Table", "ARN": arn}]
    for name in ("CreateTable", "DescribeTable"):
        record = recorded("dynamodb", EventName=name)
        assert (record["resources"], record["apiVersion"]) == (resources, "2012-08-10")
        assert record["tlsDetails"]["clientProvidedHostHeader"].endswith(".amazonaws.com")
    made = recorded("dynamodb", EventName="CreateTable")
    assert made["requestParameters"]["keySchema"] == [{"attributeName": "id", "keyType": "HASH"}]
    created = made["responseElements"]["tableDescription"]["creationDateTime"]
    assert re.fullmatch(r"[A-Z][a-z]{2} \d+, \d{4}, \d+:\d\d:\d\d [AP]M", created)
    (entry,) = boto3.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTable"}]
    )["Events"]
    assert entry["Resources"] == [
        {"ResourceType": "AWS::DynamoDB::Table", "ResourceName": "orders"}
    ]


def test_looking_at_a_stream_is_management_and_reading_it_is_not() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html"""
    boto3.client("dynamodbstreams").list_streams()
    assert recorded("dynamodb", EventName="ListStreams")["readOnly"] is True


def test_a_buckets_events_carry_what_was_put_into_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html"""
    name, s3 = "a-bucket-for-events", boto3.client("s3")
    s3.create_bucket(Bucket=name)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": [{**rule, "BucketKeyEnabled": True}]},
    )
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    s3.head_bucket(Bucket=name)
    told = {
        record["eventName"]: record["requestParameters"]
        for record in events(EventSource="s3.amazonaws.com")
    }
    where = {"bucketName": name, "Host": f"{name}.s3.amazonaws.com"}
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    assert told == {
        "CreateBucket": where,
        "PutBucketEncryption": {
            **where,
            "encryption": "",
            "ServerSideEncryptionConfiguration": {
                "xmlns": namespace,
                "Rule": {**rule, "BucketKeyEnabled": True},
            },
        },
        "PutBucketPolicy": {**where, "policy": "", "bucketPolicy": policy},
    }
    record = recorded("s3", EventName="PutBucketPolicy")
    bucket = {"accountId": "123456789012", "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{name}"}
    assert record["resources"] == [bucket]
    assert record["additionalEventData"]["SignatureVersion"] == "SigV4"
    assert record["additionalEventData"]["AuthenticationMethod"] == "AuthHeader"
    assert re.fullmatch(r"\[Boto3/.*\]", record["userAgent"])


def test_some_of_s3s_events_are_not_named_like_the_operation() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html"""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="a-bucket-for-events")
    s3.get_public_access_block(Bucket="a-bucket-for-events")
    s3.put_public_access_block(
        Bucket="a-bucket-for-events",
        PublicAccessBlockConfiguration={"BlockPublicAcls": True},
    )
    names = {record["eventName"] for record in events(EventSource="s3.amazonaws.com")}
    assert names == {
        "CreateBucket", "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock",
    }  # fmt: skip


def test_a_role_that_is_assumed() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html"""
    role, _ = role_session("app", {"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    record = recorded("sts", EventName="AssumeRole")
    assert record["readOnly"] is True
    assert record["resources"] == [
        {"accountId": "123456789012", "type": "AWS::IAM::Role", "ARN": role}
    ]
    assert record["requestParameters"] == {"roleArn": role, "roleSessionName": "session"}
    assert set(record["responseElements"]["credentials"]) == {
        "accessKeyId", "sessionToken", "expiration",
    }  # fmt: skip
    made = recorded("iam", EventName="CreateRole")["responseElements"]["role"]
    assert (made["arn"], made["roleName"]) == (role, "app")
    boto3.client("iam").create_user(UserName="key-holder")
    boto3.client("iam").create_access_key(UserName="key-holder")
    shown = recorded("iam", EventName="CreateAccessKey")["responseElements"]["accessKey"]
    assert set(shown) == {"userName", "accessKeyId", "status", "createDate"}


def test_a_call_that_failed_is_recorded_as_failed() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

    In AWS's own records IAM's errors have the names of its model.
    """
    iam, dynamodb = boto3.client("iam"), boto3.client("dynamodb")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName="nobody")
    with pytest.raises(ClientError, match="TableNotFoundException"):
        dynamodb.create_backup(TableName="no-table", BackupName="backup")
    role, backup = (
        recorded("iam", EventName="GetRole"),
        recorded("dynamodb", EventName="CreateBackup"),
    )
    assert role["errorCode"] == "NoSuchEntityException"
    assert role["requestParameters"] == {"roleName": "nobody"}
    assert backup["errorCode"] == "TableNotFoundException"
    assert role["responseElements"] is None is backup["responseElements"]


def test_sts_is_recorded_where_it_was_called() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html"""
    boto3.client("sts", region_name="eu-west-1").get_caller_identity()
    assert not events(EventName="GetCallerIdentity")
    found = boto3.client("cloudtrail", region_name="eu-west-1").lookup_events()["Events"]
    assert [event["EventName"] for event in found] == ["GetCallerIdentity"]


def test_a_page_has_1_to_50_events() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    kms, trail = boto3.client("kms"), boto3.client("cloudtrail")
    for _ in range(51):
        kms.create_key()
    for size in (1, 50):
        assert len(trail.lookup_events(MaxResults=size)["Events"]) == size
    assert len(trail.lookup_events()["Events"]) == 50
    with pytest.raises(ClientError, match="InvalidMaxResultsException"):
        trail.lookup_events(MaxResults=51)
