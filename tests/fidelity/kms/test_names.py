"""How a KMS key is named, and what happens when nothing has that name.

What was recorded, with the name of the test: LocalStack's snapshots of KMS, of 2023,
https://github.com/localstack/localstack, tests/aws/services/kms/test_kms.snapshot.json.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.kms_people import ACCOUNT, client, later, new_key, refused

UNKNOWN = "1234abcd-12ab-34cd-56ef-1234567890ab"
USES: dict[str, Callable[[Any, str], Any]] = {
    "encrypt": lambda kms, key: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "data key": lambda kms, key: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "describe": lambda kms, key: kms.describe_key(KeyId=key),
}
MANAGES: dict[str, Callable[[Any, str], Any]] = {
    "disable": lambda kms, key: kms.disable_key(KeyId=key),
    "enable": lambda kms, key: kms.enable_key(KeyId=key),
    "delete": lambda kms, key: kms.schedule_key_deletion(KeyId=key),
    "policy": lambda kms, key: kms.get_key_policy(KeyId=key),
    "rotate": lambda kms, key: kms.enable_key_rotation(KeyId=key),
    "tag": lambda kms, key: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
    "grants": lambda kms, key: kms.list_grants(KeyId=key),
}


@pytest.mark.right_in_moto
@pytest.mark.parametrize("use", USES)
def test_an_alias_that_does_not_exist(use: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/alias-using.html
    Words: https://github.com/ebourg/jsign (AmazonSigningServiceTest.java)
    """
    message = f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found."
    with refused("NotFoundException", message):
        USES[use](client(), "alias/none")


@pytest.mark.parametrize("use", ["encrypt", "data key"])
def test_a_key_of_another_region(use: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    Recorded: test_get_key_in_different_region
    """
    arn = new_key()
    with refused("NotFoundException", "Invalid arn us-east-1"):
        USES[use](client("eu-west-1"), arn)
    elsewhere = arn.replace("us-east-1", "eu-west-1")
    with refused("NotFoundException", f"Key '{elsewhere}' does not exist"):
        USES[use](client("eu-west-1"), arn.rpartition("/")[2])


def test_what_is_no_key_id() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id
    Recorded: test_get_key_invalid_uuid
    """
    with refused("NotFoundException", "Invalid keyId 'no-key'"):
        client().describe_key(KeyId="no-key")


def test_a_key_of_another_account() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html

    AWS's words: https://github.com/kubernetes-sigs/aws-encryption-provider/pull/141
    """
    words = (
        f"User: arn:aws:iam::{ACCOUNT}:user/workshop-admin is not authorized to perform: "
        "kms:Encrypt on this resource because the resource does not exist in this Region, no "
        "resource-based policies allow access, or a resource-based policy explicitly denies access"
    )
    with refused("AccessDeniedException", words):
        client().encrypt(KeyId=f"arn:aws:kms:us-east-1:210987654321:key/{UNKNOWN}", Plaintext=b"x")


@pytest.mark.parametrize("manage", MANAGES)
def test_management_takes_no_aliases(manage: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/alias-using.html
    Words: https://github.com/boto/boto/pull/3202
    """
    client().create_alias(AliasName="alias/mine", TargetKeyId=new_key())
    with refused("InvalidArnException", "Key Aliases are not supported for this operation."):
        MANAGES[manage](client(), "alias/mine")


@pytest.mark.parametrize("manage", MANAGES)
def test_management_takes_a_key_id_and_a_key_arn_alike(manage: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html

    The answer names the key in the same words, whichever way it was asked for.
    """
    arn = new_key()
    client().disable_key(KeyId=arn)
    client().enable_key(KeyId=arn)
    MANAGES[manage](client(), arn)
    if manage != "delete":
        MANAGES[manage](client(), arn.rpartition("/")[2])


def test_an_alias_arn_names_the_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/alias-using.html"""
    kms, arn = client(), new_key()
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    alias_arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/mine"
    blob = kms.encrypt(KeyId=alias_arn, Plaintext=b"x")["CiphertextBlob"]
    with refused("NotFoundException"):
        client("eu-west-1").encrypt(KeyId=alias_arn, Plaintext=b"x")
    assert kms.decrypt(CiphertextBlob=blob, KeyId=alias_arn)["KeyId"] == arn
    assert len(blob) == 153


def test_alias_names() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    Words: https://github.com/crossplane-contrib/provider-aws/issues/1741,
    https://github.com/aws-controllers-k8s/community/issues/1878, and of what is AWS's own,
    https://github.com/badmintoncryer/cdk-preflight (rules/kms/pf-kms-alias-name), deployed in 2026
    """
    kms, arn = client(), new_key()
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    with refused(
        "AlreadyExistsException",
        f"An alias with the name arn:aws:kms:us-east-1:{ACCOUNT}:alias/mine already exists",
    ):
        kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    with refused(
        "ValidationException",
        'Alias must start with the prefix "alias/". Please see '
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    ):
        kms.create_alias(AliasName="mine", TargetKeyId=arn)
    with refused(
        "NotAuthorizedException",
        "The alias name for a customer managed CMK cannot begin with alias/aws/.",
    ):
        kms.create_alias(AliasName="alias/aws/not-a-service-of-theirs", TargetKeyId=arn)
    for name in ("alias/", "alias/a:b", "alias/a b", "alias/" + "a" * 251):
        with refused("ValidationException"):
            kms.create_alias(AliasName=name, TargetKeyId=arn)
    kms.create_alias(AliasName="alias/" + "a" * 250, TargetKeyId=arn)


def test_an_alias_names_a_key_and_no_alias() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    Words: https://github.com/badmintoncryer/cdk-preflight (rules/kms/pf-kms-alias-target)
    """
    kms = client()
    kms.create_alias(AliasName="alias/mine", TargetKeyId=new_key())
    for attempt in (kms.create_alias, kms.update_alias):
        for target in ("alias/mine", f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/mine"):
            with refused("ValidationException", "Aliases must refer to keys. Not aliases"):
                attempt(AliasName="alias/mine", TargetKeyId=target)


def test_a_key_has_50_aliases_at_most() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html

    As recorded: https://github.com/scylladb/scylla-cluster-tests/issues/7611
    """
    kms, arn = client(), new_key()
    for number in range(50):
        kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=arn)
    kms.create_alias(AliasName="alias/another", TargetKeyId=new_key())
    with refused(
        "LimitExceededException",
        "Aliases per key quota for this account in this region is 50, current usage is 50.",
    ):
        kms.create_alias(AliasName="alias/50", TargetKeyId=arn)
    with refused("LimitExceededException"):
        kms.update_alias(AliasName="alias/another", TargetKeyId=arn)
    kms.update_alias(AliasName="alias/0", TargetKeyId=arn)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ([("a", "1"), ("a", "2")], "Duplicate tag keys"),
        ([("aws:a", "1")], "Tags beginning with aws: are reserved"),
        ([("AWS:a", "1")], "Tags beginning with aws: are reserved"),
        ([("a;b", "1")], "Invalid tag"),
        ([("a", "<1>")], "Invalid tag"),
        ([(f"tag-{number}", "") for number in range(51)], "Too many tags"),
    ],
)
def test_tags_that_cannot_be(tags: list[tuple[str, str]], words: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html

    In the words of recorded answers:
    https://github.com/crossplane-contrib/provider-upjet-aws/issues/922
    """
    kms, arn = client(), new_key()
    sent = [{"TagKey": name, "TagValue": value} for name, value in tags]
    with refused("TagException", words):
        kms.tag_resource(KeyId=arn, Tags=sent)
    with refused("TagException", words):
        kms.create_key(Tags=sent)
    kms.tag_resource(KeyId=arn, Tags=[{"TagKey": "Cost centre", "TagValue": "é_.:/=+-@ 1"}])
    assert len(kms.list_resource_tags(KeyId=arn)["Tags"]) == 1


def test_an_alias_moves_to_a_key_of_the_same_kind_only() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html"""
    kms = client()
    kms.create_alias(AliasName="alias/mine", TargetKeyId=new_key())
    with refused("ValidationException"):
        mac_key = new_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        kms.update_alias(AliasName="alias/mine", TargetKeyId=mac_key)
    other = new_key()
    kms.update_alias(AliasName="alias/mine", TargetKeyId=other)
    assert kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["KeyId"] == other


def test_aws_managed_keys_exist_from_first_use() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html"""
    kms = client()
    before = {alias["AliasName"]: alias for alias in kms.list_aliases()["Aliases"]}
    assert "TargetKeyId" not in before["alias/aws/dynamodb"]
    found = kms.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]
    assert found["KeyManager"] == "AWS"
    after = {alias["AliasName"]: alias for alias in kms.list_aliases()["Aliases"]}
    assert after["alias/aws/dynamodb"]["TargetKeyId"] == found["KeyId"]


@pytest.mark.right_in_moto
def test_who_may_what_with_an_aws_managed_key() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-kms-authz"""
    key = client().describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]["KeyId"]
    given = client().get_key_policy(KeyId=key)["Policy"]
    through, directly, service = json.loads(given)["Statement"]
    assert through["Condition"]["StringEquals"] == {
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": "dynamodb.us-east-1.amazonaws.com",
    }
    assert directly["Action"] == ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]
    assert service["Principal"] == {"Service": "dynamodb.amazonaws.com"}
    assert service["Action"] == ["kms:Describe*", "kms:Get*", "kms:List*"]


def test_an_aws_managed_key_is_made_once() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key"""
    kms, s3 = client(), boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="notes")
    described = []
    for name in ("a", "b"):
        s3.put_object(Bucket="notes", Key=name, Body=b"x", ServerSideEncryption="aws:kms")
        described.append(kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"])
        later(days=1)
    assert described[0] == described[1]
    assert s3.get_object(Bucket="notes", Key="a")["Body"].read() == b"x"


def test_what_a_multi_region_key_tells_of_its_family() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_MultiRegionConfiguration.html"""
    arn = new_key(MultiRegion=True, Description="the first")
    client().replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    replica = {"Arn": arn.replace("us-east-1", "eu-west-1"), "Region": "eu-west-1"}
    copied = client("eu-west-1").describe_key(KeyId=replica["Arn"])["KeyMetadata"]
    assert copied["Description"] == "", "a replica has a description of its own"
    for region, kind in (("us-east-1", "PRIMARY"), ("eu-west-1", "REPLICA")):
        told = client(region).describe_key(KeyId=arn.rpartition("/")[2])["KeyMetadata"]
        assert told["MultiRegionConfiguration"] == {
            "MultiRegionKeyType": kind,
            "PrimaryKey": {"Arn": arn, "Region": "us-east-1"},
            "ReplicaKeys": [replica],
        }


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_aws_managed_keys_are_not_for_callers(service: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key"""
    kms = client()
    key_id = kms.describe_key(KeyId=f"alias/aws/{service}")["KeyMetadata"]["KeyId"]
    attempt: Callable[[], Any]
    for attempt in (
        lambda: kms.encrypt(KeyId=f"alias/aws/{service}", Plaintext=b"x"),
        lambda: kms.disable_key(KeyId=key_id),
        lambda: kms.schedule_key_deletion(KeyId=key_id),
        lambda: kms.put_key_policy(KeyId=key_id, Policy="{}"),
        lambda: kms.create_alias(AliasName="alias/mine", TargetKeyId=key_id),
        lambda: kms.enable_key_rotation(KeyId=key_id),
    ):
        with refused("AccessDeniedException"):
            attempt()
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]


# --- both ends of a range ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "parameter", "least", "most"),
    [
        ("schedule_key_deletion", "PendingWindowInDays", 7, 30),
        ("enable_key_rotation", "RotationPeriodInDays", 90, 2560),
        ("generate_data_key", "NumberOfBytes", 1, 1024),
        ("generate_data_key_without_plaintext", "NumberOfBytes", 1, 1024),
    ],
)
def test_a_number_has_a_least_and_a_most(
    operation: str, parameter: str, least: int, most: int
) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
    """
    unchecked = boto3.client("kms", config=Config(parameter_validation=False))
    call = getattr(unchecked, operation)
    for number in (least, most):
        call(KeyId=new_key(), **{parameter: number})
    for number in (least - 1, most + 1):
        with refused("ValidationException"):
            call(KeyId=new_key(), **{parameter: number})


@pytest.mark.parametrize(("parameter", "most"), [("Plaintext", 4096), ("Message", 4096)])
def test_what_kms_takes_at_once(parameter: str, most: int) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
    """
    kms = client()
    if parameter == "Plaintext":
        asked: dict[str, Any] = {"KeyId": new_key()}
        call = kms.encrypt
    else:
        key = new_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        asked = {"KeyId": key, "MacAlgorithm": "HMAC_SHA_256"}
        call = kms.generate_mac
    call(**asked, **{parameter: b"x" * most})
    with refused("ValidationException"):
        call(**asked, **{parameter: b"x" * (most + 1)})


# --- pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("list_keys", "Keys"), ("list_aliases", "Aliases"), ("list_grants", "Grants"),
        ("list_resource_tags", "Tags"), ("list_key_rotations", "Rotations"),
    ],
)  # fmt: skip
def test_pages_follow_each_other(operation: str, result: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html"""
    kms, arn = client(), new_key(Tags=[{"TagKey": f"t{n}", "TagValue": "v"} for n in range(3)])
    for number in range(3):
        new_key()
        kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=arn)
        grantee = f"arn:aws:iam::{ACCOUNT}:root"
        kms.create_grant(KeyId=arn, GranteePrincipal=grantee, Operations=["Decrypt"])
        kms.rotate_key_on_demand(KeyId=arn)
        later(days=1)
    asked: dict[str, Any] = {} if operation == "list_keys" else {"KeyId": arn}
    call = getattr(kms, operation)
    whole = call(**asked)
    assert whole["Truncated"] is False
    assert "NextMarker" not in whole
    found, page = [], call(**asked, Limit=1)
    while page["Truncated"]:
        found += page[result]
        page = call(**asked, Limit=1, Marker=page["NextMarker"])
    assert "NextMarker" not in page
    assert len(whole[result]) >= 3
    assert found + page[result] == whole[result]
    marker = call(**asked, Limit=1)["NextMarker"]
    encoded = base64.b64encode(b"made up").decode()
    for wrong in ("made-up", encoded, f"!{marker}", f"{marker[:4]} {marker[4:]}", marker[:-1]):
        with refused("InvalidMarkerException"):
            call(**asked, Marker=wrong)
