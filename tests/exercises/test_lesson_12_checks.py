"""The checks of lesson 12 name the common wrong answers of each case."""

import json
from typing import Any

import boto3
import pytest
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey as LocalKey
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider as DirectKms,
)
from dynamodb_encryption_sdk.material_providers.most_recent import CachingMostRecentProvider
from dynamodb_encryption_sdk.material_providers.store.meta import MetaStore
from dynamodb_encryption_sdk.material_providers.wrapped import (
    WrappedCryptographicMaterialsProvider,
)
from dynamodb_encryption_sdk.structures import AttributeActions

from workshop_lib.exercises import examine
from workshop_lib.lab import Lab

HEADER = "s3:x-amz-server-side-encryption"
PATIENT = {"patient_id": "p-1", "ward": "north", "diagnosis": "broken arm"}


def said(number: str, lab: Lab) -> str:
    result = examine(number, lab)
    assert result.error is None, result.error
    return "done" if result.done else str(result)


def tag(number: str) -> dict[str, str]:
    return {"Key": "exercise", "Value": number}


def new_key() -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def under(key: str) -> dict[str, Any]:
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}}


def deny(bucket: str, condition: dict[str, Any], action: str = "s3:PutObject") -> dict[str, Any]:
    resource = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource if action == "s3:*" else resource[1],
        "Condition": condition,
    }


def policy(bucket: str, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)


def tagged_bucket(
    lab: Lab, number: str, key: str | None, *, bucket_key: bool = True, blocked: str = "SSE-C"
) -> str:
    """A bucket whose default is SSE-KMS under a key ("" the AWS managed one), or SSE-S3."""
    s3, name = boto3.client("s3"), lab.name("answer")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [tag(number)]})
    default = {"SSEAlgorithm": "AES256" if key is None else "aws:kms"}
    if key:
        default["KMSMasterKeyID"] = key
    rule: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": default,
        "BlockedEncryptionTypes": {"EncryptionType": [blocked]},
    }
    if key is not None:
        rule["BucketKeyEnabled"] = bucket_key
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name


# --- 12.1, the hospital ------------------------------------------------------------------------


def patients(lab: Lab, key: str = "patient_id", **encryption: Any) -> Any:
    return boto3.resource("dynamodb").create_table(
        TableName=lab.name("answer"),
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[tag("12.1")],
        **encryption,
    )


def encrypted(table: Any, provider: Any = None, **actions: CryptoAction) -> Any:
    return EncryptedTable(
        table=table,
        materials_provider=provider or DirectKms(key_id=new_key()),
        attribute_actions=AttributeActions(attribute_actions=actions),
    )


def test_12_1_wants_the_table_and_the_patient(lab: Lab) -> None:
    assert "no table carries the tag" in said("12.1", lab)
    patients(lab, key="id")
    assert "its key is id" in said("12.1", lab)
    table = patients(lab)
    assert "no patient p-1" in said("12.1", lab)
    table.put_item(Item={"patient_id": "p-1"})
    assert "lacks ward and diagnosis" in said("12.1", lab)


def test_12_1_a_key_of_the_table_is_not_enough(lab: Lab) -> None:
    """The likeliest wrong answer: encryption at rest under a customer managed key."""
    patients(lab, **under(new_key())).put_item(Item=PATIENT)
    assert "DynamoDB received the diagnosis in plaintext" in said("12.1", lab)


def test_12_1_kms_encrypt_is_not_enough(lab: Lab) -> None:
    text = PATIENT["diagnosis"].encode()
    blob = boto3.client("kms").encrypt(KeyId=new_key(), Plaintext=text)["CiphertextBlob"]
    patients(lab).put_item(Item={**PATIENT, "diagnosis": blob})
    assert "KMS would also read the diagnosis" in said("12.1", lab)


def test_12_1_wants_a_ward_that_can_be_searched(lab: Lab) -> None:
    encrypted(patients(lab)).put_item(Item=PATIENT)
    assert "the ward is ciphertext" in said("12.1", lab)


def test_12_1_wants_the_diagnosis_encrypted(lab: Lab) -> None:
    signed = CryptoAction.SIGN_ONLY
    encrypted(patients(lab), ward=signed, diagnosis=signed).put_item(Item=PATIENT)
    assert "the diagnosis is readable" in said("12.1", lab)


def test_12_1_wants_a_kms_key_behind_it(lab: Lab) -> None:
    signing, wrapping = LocalKey.generate("HmacSHA256", 256), LocalKey.generate("AES", 256)
    local = WrappedCryptographicMaterialsProvider(
        signing_key=signing, wrapping_key=wrapping, unwrapping_key=wrapping
    )
    encrypted(patients(lab), local, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    assert "no KMS key stands behind" in said("12.1", lab)


@pytest.mark.parametrize("cached", [False, True])
def test_12_1_takes_both_providers_that_rest_on_kms(lab: Lab, cached: bool) -> None:
    provider: Any = DirectKms(key_id=new_key())
    if cached:
        name = lab.name("key-store")
        MetaStore.create_table(boto3.client("dynamodb"), name, 1, 1)
        store = MetaStore(boto3.resource("dynamodb").Table(name), provider)
        provider = CachingMostRecentProvider(store, "patients", 600.0)
    encrypted(patients(lab), provider, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    assert said("12.1", lab) == "done"


# --- 12.2, the log archive ---------------------------------------------------------------------

NO_HEADER = {"Null": {HEADER: "false"}}


def test_12_2_wants_a_key_of_its_own(lab: Lab) -> None:
    tagged_bucket(lab, "12.2", None)
    assert "AES256: there is no key that you could refuse" in said("12.2", lab)
    tagged_bucket(lab, "12.2", "")
    assert "AWS managed" in said("12.2", lab)
    key = new_key()
    tagged_bucket(lab, "12.2", key[:-4] + "0000")
    assert "KMS shows you no key" in said("12.2", lab)
    tagged_bucket(lab, "12.2", key)
    boto3.client("kms").disable_key(KeyId=key)
    assert "its key is Disabled" in said("12.2", lab)


def test_12_2_wants_the_bucket_key(lab: Lab) -> None:
    policy(name := tagged_bucket(lab, "12.2", new_key(), bucket_key=False), deny(name, NO_HEADER))
    assert "its Bucket Key is not enabled" in said("12.2", lab)


def test_12_2_wants_other_methods_refused(lab: Lab) -> None:
    tagged_bucket(lab, "12.2", new_key())
    found = said("12.2", lab)
    assert "an upload with AES256 passes" in found
    assert "an upload that names another key passes" in found


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {HEADER: "aws:kms"}},
        {"Null": {HEADER: "true"}},
    ],
)
def test_12_2_wants_silent_agents_let_in(lab: Lab, condition: dict[str, Any]) -> None:
    """The policy that demands a header: the agents send none."""
    policy(name := tagged_bucket(lab, "12.2", new_key()), deny(name, condition))
    assert "the agents could not write" in said("12.2", lab)


def test_12_2_wants_more_than_the_method_compared(lab: Lab) -> None:
    """aws:kms without a key takes alias/aws/s3, whatever the default says (lesson 06)."""
    condition = {"StringNotEquals": {HEADER: "aws:kms"}, **NO_HEADER}
    policy(name := tagged_bucket(lab, "12.2", new_key()), deny(name, condition))
    found = said("12.2", lab)
    assert "✓ an upload with AES256 is refused" in found
    assert "takes the AWS managed one, passes the policy" in found


def test_12_2_wants_no_method_forgotten(lab: Lab) -> None:
    """Two layers under another key are a way round a policy that names the other two methods."""
    condition = {"StringEquals": {HEADER: ["AES256", "aws:kms"]}}
    policy(name := tagged_bucket(lab, "12.2", new_key()), deny(name, condition))
    assert "✗ an upload with aws:kms:dsse passes the policy" in said("12.2", lab)


def test_12_2_wants_brought_keys_blocked(lab: Lab) -> None:
    name = tagged_bucket(lab, "12.2", new_key(), blocked="NONE")
    policy(name, deny(name, NO_HEADER))
    assert "(SSE-C) is accepted" in said("12.2", lab)


def test_12_2_takes_the_right_answers(lab: Lab) -> None:
    policy(name := tagged_bucket(lab, "12.2", key := new_key()), deny(name, NO_HEADER))
    assert said("12.2", lab) == "done"
    other = {"ArnNotEquals": {f"{HEADER}-aws-kms-key-id": key}, **NO_HEADER}
    policy(name, deny(name, other))
    assert said("12.2", lab) == "done"
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=name)


def test_12_2_says_when_its_own_upload_cannot_be_deleted(lab: Lab) -> None:
    name = tagged_bucket(lab, "12.2", new_key())
    policy(name, deny(name, {"Null": {"aws:PrincipalArn": "false"}}, "s3:DeleteObject"))
    assert "refuses the deletion" in said("12.2", lab)


# --- 12.3, the leaderboard ---------------------------------------------------------------------


def scores(
    lab: Lab, *, index: tuple[str, str] | None = ("game", "score"), kind: str = "N", **more: Any
) -> Any:
    kinds = {"player": "S", "game": "S", "score": kind} if index else {"player": "S"}
    if index:
        keys = [
            {"AttributeName": name, "KeyType": role}
            for name, role in zip(index, ("HASH", "RANGE"), strict=True)
        ]
        projection = {"ProjectionType": "ALL"}
        more["GlobalSecondaryIndexes"] = [
            {"IndexName": "best", "KeySchema": keys, "Projection": projection}
        ]
    return boto3.resource("dynamodb").create_table(
        TableName=lab.name("answer"),
        KeySchema=[{"AttributeName": "player", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in kinds.items()],
        BillingMode="PAY_PER_REQUEST",
        Tags=[tag("12.3")],
        **more,
    )


def play(table: Any, as_text: bool = False) -> None:
    for player, score in {"ada": 2100, "bob": 950, "eve": 1800}.items():
        value = str(score) if as_text else score
        table.put_item(Item={"player": player, "game": "chess", "score": value})


@pytest.mark.parametrize("own", [True, False])
def test_12_3_wants_no_kms_key(lab: Lab, own: bool) -> None:
    spec = under(new_key()) if own else {"SSESpecification": {"Enabled": True}}
    play(scores(lab, **spec))
    assert "encrypted under a KMS key" in said("12.3", lab)


def test_12_3_takes_the_way_back_from_a_kms_key(lab: Lab) -> None:
    """The step that the check names."""
    play(table := scores(lab, **under(new_key())))
    boto3.client("dynamodb").update_table(TableName=table.name, SSESpecification={"Enabled": False})
    lab.later(minutes=1)
    assert said("12.3", lab) == "done"


def test_12_3_wants_no_client_side_encryption(lab: Lab) -> None:
    play(encrypted(scores(lab, index=None)))
    assert "encrypted by the client" in said("12.3", lab)
    signed = dict.fromkeys(("game", "score"), CryptoAction.SIGN_ONLY)
    play(encrypted(scores(lab), None, **signed))
    assert "encrypted by the client" in said("12.3", lab)


def test_12_3_wants_an_index_sorted_by_a_number(lab: Lab) -> None:
    play(scores(lab, index=None))
    assert "no index with the partition key game" in said("12.3", lab)
    play(scores(lab, index=("score", "game")))
    assert "no index with the partition key game" in said("12.3", lab)
    play(scores(lab, kind="S"), as_text=True)
    assert "as text, 9 comes after 10" in said("12.3", lab)


def test_12_3_wants_three_players(lab: Lab) -> None:
    table = scores(lab)
    assert "finds 0 of the three players" in said("12.3", lab)
    play(table)
    assert said("12.3", lab) == "done"
    assert "2100, 1800, 950" in str(examine("12.3", lab))


# --- 12.4, the shared bucket -------------------------------------------------------------------

PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}


def partner(lab: Lab, *actions: str) -> None:
    account = boto3.client("sts").get_caller_identity()["Account"]
    trusted = {"AWS": f"arn:aws:iam::{account}:root"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    iam, name = boto3.client("iam"), lab.name("partner")
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        Tags=[tag("12.4")],
    )
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName=name, PolicyName="answer", PolicyDocument=document)


def inbox(lab: Lab, key: str | None = "new", tls_only: bool = True, **more: Any) -> str:
    name = tagged_bucket(lab, "12.4", new_key() if key == "new" else key, **more)
    if tls_only:
        policy(name, deny(name, PLAIN_HTTP, "s3:*"))
    return name


def test_12_4_wants_a_second_lock(lab: Lab) -> None:
    """The likeliest wrong answer: SSE-S3, and a role without s3:GetObject."""
    inbox(lab, None)
    partner(lab, "s3:PutObject")
    assert "AES256: there is no key that you could refuse" in said("12.4", lab)


def test_12_4_the_aws_managed_key_is_no_lock(lab: Lab) -> None:
    inbox(lab, "")
    assert "AWS managed" in said("12.4", lab)


def test_12_4_wants_the_role_and_tells_its_locks_apart(lab: Lab) -> None:
    inbox(lab)
    assert "no role carries the tag" in said("12.4", lab)
    partner(lab, "kms:GenerateDataKey")
    assert "the role may not upload" in said("12.4", lab)
    partner(lab, "s3:PutObject")
    assert "kms:GenerateDataKey" in said("12.4", lab)


def test_12_4_wants_a_partner_that_reads_nothing(lab: Lab) -> None:
    inbox(lab)
    partner(lab, "s3:PutObject", "s3:GetObject", "kms:GenerateDataKey", "kms:Decrypt")
    assert "it may read objects" in said("12.4", lab)


def test_12_4_wants_the_key_to_refuse_and_not_only_s3(lab: Lab) -> None:
    """kms:* or kms:Decrypt without s3:GetObject: one mistake away from reading."""
    inbox(lab)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt")
    found = said("12.4", lab)
    assert "✓ it may not read an object" in found
    assert "the key does not stop it" in found


def test_12_4_asks_past_the_bucket_key_that_an_earlier_check_has_opened(lab: Lab) -> None:
    """S3 keeps it for the role's earlier sessions; that says nothing of what the role may now."""
    inbox(lab)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt")
    assert "the key does not stop it" in said("12.4", lab)
    statement = {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}
    [role] = [r for r in boto3.client("iam").list_roles()["Roles"] if "partner" in r["RoleName"]]
    boto3.client("iam").put_role_policy(
        RoleName=role["RoleName"],
        PolicyName="taken-away",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )
    assert said("12.4", lab) == "done"


def test_12_4_wants_tls_for_objects_and_bucket(lab: Lab) -> None:
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    assert "a call on an object without TLS is answered" in said("12.4", lab)
    statement = deny(name, PLAIN_HTTP, "s3:*")
    policy(name, {**statement, "Resource": f"arn:aws:s3:::{name}/*"})
    found = said("12.4", lab)
    assert "✓ a call on an object without TLS is refused" in found
    assert "listing the bucket without TLS is answered" in found


def test_12_4_says_when_the_policy_demands_a_header(lab: Lab) -> None:
    name = inbox(lab)
    policy(name, deny(name, PLAIN_HTTP, "s3:*"), deny(name, {"Null": {HEADER: "true"}}))
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    assert "an upload of yours, without a header, is refused" in said("12.4", lab)


def test_12_4_wants_brought_keys_blocked(lab: Lab) -> None:
    inbox(lab, blocked="NONE")
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    assert "(SSE-C) is accepted" in said("12.4", lab)


def test_12_4_takes_the_right_answer_and_leaves_nothing_behind(lab: Lab) -> None:
    name = inbox(lab)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    assert said("12.4", lab) == "done"
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=name)
    [role] = [r for r in boto3.client("iam").list_roles()["Roles"] if "partner" in r["RoleName"]]
    kept = boto3.client("iam").list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    assert kept == ["answer"]


# --- what a check must not take for right ---------------------------------------------------------


def test_12_1_wants_the_ward_signed(lab: Lab) -> None:
    """DO_NOTHING leaves the ward readable, and nobody notices another one."""
    encrypted(patients(lab), ward=CryptoAction.DO_NOTHING).put_item(Item=PATIENT)
    found = said("12.1", lab)
    assert "not signed: ward" in found
    assert "✓ the diagnosis is ciphertext" in found


@pytest.mark.parametrize("by_kms", [True, False])
def test_12_1_wants_the_client_to_encrypt_the_diagnosis(lab: Lab, by_kms: bool) -> None:
    """Bytes that are signed and not encrypted: the words themselves, or what KMS Encrypt made."""
    text = PATIENT["diagnosis"].encode()
    if by_kms:
        text = boto3.client("kms").encrypt(KeyId=new_key(), Plaintext=text)["CiphertextBlob"]
    signed = dict.fromkeys(("ward", "diagnosis"), CryptoAction.SIGN_ONLY)
    encrypted(patients(lab), **signed).put_item(Item={**PATIENT, "diagnosis": text})
    assert "bytes that the client did not encrypt" in said("12.1", lab)


def test_12_1_wants_the_ciphertext_of_this_patient(lab: Lab) -> None:
    """Another patient's diagnosis, moved here; and then the whole item."""
    table = patients(lab)
    client = encrypted(table, ward=CryptoAction.SIGN_ONLY)
    client.put_item(Item=PATIENT)
    client.put_item(Item={**PATIENT, "patient_id": "p-2", "diagnosis": "measles"})
    mine, other = (table.get_item(Key={"patient_id": p})["Item"] for p in ("p-1", "p-2"))
    table.put_item(Item={**mine, "diagnosis": other["diagnosis"]})
    assert "its signature does not fit" in said("12.1", lab)
    table.put_item(Item={**other, "patient_id": "p-1"})
    assert "was written for another one" in said("12.1", lab)
    table.put_item(Item=mine)
    assert said("12.1", lab) == "done"


@pytest.mark.parametrize("invented", [b"\0" * 4, b"kms", b"\0\0\0\0\0\0\0\1a\0\0\0\1b"])
def test_12_1_believes_no_invented_description(lab: Lab, invented: bytes) -> None:
    """A forged item beside a made-up material description and signature."""
    forged = {"*amzn-ddb-map-desc*": invented, "*amzn-ddb-map-sig*": bytes(32)}
    patients(lab).put_item(Item={**PATIENT, "diagnosis": bytes(range(64)), **forged})
    assert "12.1" in said("12.1", lab)
    assert "✗" in said("12.1", lab)


def test_12_1_notices_an_edited_ward(lab: Lab) -> None:
    table = patients(lab)
    encrypted(table, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    stored = table.get_item(Key={"patient_id": "p-1"})["Item"]
    table.put_item(Item={**stored, "ward": "south"})
    assert "its signature does not fit" in said("12.1", lab)


def test_12_1_finds_the_diagnosis_elsewhere(lab: Lab) -> None:
    signed = dict.fromkeys(("ward", "note"), CryptoAction.SIGN_ONLY)
    table = patients(lab)
    encrypted(table, **signed).put_item(Item={**PATIENT, "note": "a broken arm, the left"})
    assert "also stands readable in note" in said("12.1", lab)
    encrypted(table, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    table.put_item(Item={**PATIENT, "patient_id": "p-2"})
    assert "the diagnosis of p-2 is readable" in said("12.1", lab)


def test_12_1_takes_a_patient_with_more_attributes(lab: Lab) -> None:
    more = {"age": 41, "tags": {"a", "b"}, "seen": [1, {"x": None}], "scan": b"\x01" * 40}
    client = encrypted(patients(lab), ward=CryptoAction.SIGN_ONLY, age=CryptoAction.SIGN_ONLY)
    client.put_item(Item={**PATIENT, **more})
    assert said("12.1", lab) == "done"


def test_12_1_takes_a_table_under_a_key_as_well(lab: Lab) -> None:
    table = patients(lab, **under(new_key()))
    encrypted(table, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    assert said("12.1", lab) == "done"


def test_12_2_asks_as_somebody_new(lab: Lab) -> None:
    """A Deny that names the administrator alone."""
    me = boto3.client("sts").get_caller_identity()["Arn"]
    name = tagged_bucket(lab, "12.2", new_key())
    policy(name, {**deny(name, NO_HEADER), "Principal": {"AWS": me}})
    assert "✗ an upload with AES256 passes the policy if it comes from an agent" in said(
        "12.2", lab
    )


def test_12_2_asks_as_the_administrator_too(lab: Lab) -> None:
    role = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}
    policy(name := tagged_bucket(lab, "12.2", new_key()), deny(name, {**NO_HEADER, **role}))
    assert "✗ an upload with AES256 passes the policy if it comes from you" in said("12.2", lab)


@pytest.mark.parametrize("names", ["exercise-check*", "logs/*", "exercise-check"])
def test_12_2_tries_names_of_several_kinds(lab: Lab, names: str) -> None:
    name = tagged_bucket(lab, "12.2", new_key())
    policy(name, {**deny(name, NO_HEADER), "Resource": f"arn:aws:s3:::{name}/{names}"})
    assert "an upload with AES256 passes the policy" in said("12.2", lab)


def test_12_2_leaves_nobody_and_nothing_behind(lab: Lab) -> None:
    policy(name := tagged_bucket(lab, "12.2", new_key()), deny(name, NO_HEADER))
    assert said("12.2", lab) == "done"
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=name)
    assert not boto3.client("iam").list_roles()["Roles"]


def test_12_3_takes_a_local_index(lab: Lab) -> None:
    local = [{"AttributeName": "game", "KeyType": "HASH"}]
    kinds = {"game": "S", "player": "S", "score": "N"}
    table = boto3.resource("dynamodb").create_table(
        TableName=lab.name("answer"),
        KeySchema=[*local, {"AttributeName": "player", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in kinds.items()],
        LocalSecondaryIndexes=[
            {
                "IndexName": "best",
                "KeySchema": [*local, {"AttributeName": "score", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        Tags=[tag("12.3")],
    )
    play(table)
    assert said("12.3", lab) == "done"


def deny_reading(lab: Lab, name: str, *actions: str) -> dict[str, Any]:
    [role] = [r for r in boto3.client("iam").list_roles()["Roles"] if "partner" in r["RoleName"]]
    resource = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    who = {"Effect": "Deny", "Principal": {"AWS": role["Arn"]}}
    return {**who, "Action": list(actions), "Resource": resource}


def test_12_4_a_bucket_policy_is_no_second_lock(lab: Lab) -> None:
    """All of S3 deletes the policy that denies reading."""
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt")
    tls = deny(name, PLAIN_HTTP, "s3:*")
    policy(name, tls, deny_reading(lab, name, "s3:GetObject*"))
    before = boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"]
    assert "deletes the bucket's policy, and then reads" in said("12.4", lab)
    assert boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"] == before


def test_12_4_a_version_is_read_by_another_permission(lab: Lab) -> None:
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt")
    policy(name, deny(name, PLAIN_HTTP, "s3:*"), deny_reading(lab, name, "s3:GetObject"))
    assert "the key does not stop it" in said("12.4", lab)


@pytest.mark.parametrize("action", ["kms:CreateGrant", "kms:PutKeyPolicy", "iam:PutRolePolicy"])
def test_12_4_wants_a_partner_that_gives_itself_nothing(lab: Lab, action: str) -> None:
    inbox(lab)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey", action)
    assert "it could let itself decrypt" in said("12.4", lab)


def test_12_4_wants_tls_of_everybody(lab: Lab) -> None:
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    me = boto3.client("sts").get_caller_identity()["Arn"]
    policy(name, {**deny(name, PLAIN_HTTP, "s3:*"), "Principal": {"AWS": me}})
    assert "somebody else is answered without TLS" in said("12.4", lab)


def test_12_4_takes_a_bucket_without_a_bucket_key(lab: Lab) -> None:
    inbox(lab, bucket_key=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    assert said("12.4", lab) == "done"


# --- answers that were tried later ---------------------------------------------------------------


@pytest.mark.parametrize("note", ["YnJva2VuIGFybQ==", b"broken arm".hex(), b"a broken arm"])
def test_12_1_finds_the_diagnosis_in_other_forms(lab: Lab, note: Any) -> None:
    signed = dict.fromkeys(("ward", "note"), CryptoAction.SIGN_ONLY)
    encrypted(patients(lab), **signed).put_item(Item={**PATIENT, "note": note})
    assert "also stands readable in note" in said("12.1", lab)


def test_12_1_finds_another_patient_s_diagnosis_as_bytes(lab: Lab) -> None:
    table = patients(lab)
    encrypted(table, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    table.put_item(Item={"patient_id": "p-2", "ward": "north", "diagnosis": b"measles"})
    assert "the diagnosis of p-2 is readable" in said("12.1", lab)


def test_12_1_takes_a_note_that_only_looks_like_it(lab: Lab) -> None:
    signed = dict.fromkeys(("ward", "note"), CryptoAction.SIGN_ONLY)
    client = encrypted(patients(lab), **signed)
    client.put_item(Item={**PATIENT, "diagnosis": "flu", "note": "speaks fluent French"})
    assert said("12.1", lab) == "done"


@pytest.mark.parametrize(
    "condition",
    [
        {"Null": {HEADER: "false", "s3:x-amz-copy-source": "true"}},
        {**NO_HEADER, "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/batch-*"}},
    ],
)
def test_12_2_tries_other_ways_and_people(lab: Lab, condition: dict[str, Any]) -> None:
    policy(name := tagged_bucket(lab, "12.2", new_key()), deny(name, condition))
    assert "is let through all the same" in said("12.2", lab)


def test_12_2_tries_the_names_that_the_policy_leaves_out(lab: Lab) -> None:
    name = tagged_bucket(lab, "12.2", new_key())
    statement = {**deny(name, NO_HEADER), "NotResource": f"arn:aws:s3:::{name}/import/*"}
    del statement["Resource"]
    policy(name, statement)
    assert "an upload of import/" in said("12.2", lab)


def test_12_2_takes_a_block_of_sse_c_by_policy(lab: Lab) -> None:
    name = tagged_bucket(lab, "12.2", new_key(), blocked="NONE")
    brought = {"Null": {f"{HEADER}-customer-algorithm": "false"}}
    policy(name, deny(name, NO_HEADER), deny(name, brought))
    assert said("12.2", lab) == "done"


def test_12_3_takes_bytes_that_are_no_ciphertext(lab: Lab) -> None:
    table = scores(lab)
    for player, score in {"ada": 2100, "bob": 950, "eve": 1800}.items():
        item = {"player": player, "game": "chess", "score": score, "avatar": b"\x89PNG"}
        table.put_item(Item=item)
    assert said("12.3", lab) == "done"


def test_12_3_wants_three_players_and_not_one_thrice(lab: Lab) -> None:
    table = boto3.resource("dynamodb").create_table(
        TableName=lab.name("answer"),
        KeySchema=[{"AttributeName": "game", "KeyType": "HASH"},
                   {"AttributeName": "score", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "game", "AttributeType": "S"},
                              {"AttributeName": "score", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[{
            "IndexName": "best",
            "KeySchema": [{"AttributeName": "game", "KeyType": "HASH"},
                          {"AttributeName": "score", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        BillingMode="PAY_PER_REQUEST",
        Tags=[tag("12.3")],
    )  # fmt: skip
    for score in (1, 2, 3):
        table.put_item(Item={"player": "ada", "game": "chess", "score": score})
    assert "finds 1 of the three players" in said("12.3", lab)


def test_12_3_wants_the_players_from_the_index(lab: Lab) -> None:
    kinds = {"id": "S", "game": "S", "score": "N"}
    table = boto3.resource("dynamodb").create_table(
        TableName=lab.name("answer"),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in kinds.items()],
        GlobalSecondaryIndexes=[{
            "IndexName": "best",
            "KeySchema": [{"AttributeName": "game", "KeyType": "HASH"},
                          {"AttributeName": "score", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        BillingMode="PAY_PER_REQUEST",
        Tags=[tag("12.3")],
    )  # fmt: skip
    for number, player in enumerate(("ada", "bob", "eve")):
        row = {"id": f"row-{number}", "player": player, "game": "chess", "score": number}
        table.put_item(Item=row)
    assert "a query of the index does not return the players" in said("12.3", lab)


@pytest.mark.parametrize(
    "action",
    [
        ["s3:GetObject*", "s3:PutObject*", "s3:ListBucket*", "s3:DeleteObject",
         "s3:ListMultipartUploadParts"],
        ["s3:Get*", "s3:List*", "s3:*Object*", "s3:AbortMultipartUpload"],
    ],
)  # fmt: skip
def test_12_4_wants_tls_for_every_action(lab: Lab, action: list[str]) -> None:
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    policy(name, {**deny(name, PLAIN_HTTP, "s3:*"), "Action": action})
    assert "without TLS this is answered" in said("12.4", lab)


@pytest.mark.parametrize("action", ["iam:CreateAccessKey", "iam:UpdateAssumeRolePolicy"])
def test_12_4_wants_a_partner_without_power_over_policies(lab: Lab, action: str) -> None:
    inbox(lab)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey", action)
    assert "it could let itself decrypt" in said("12.4", lab)


def test_12_4_takes_a_grant_and_a_deny_in_statements(lab: Lab) -> None:
    key = new_key()
    name = inbox(lab, key, tls_only=False, bucket_key=False)
    partner(lab, "s3:PutObject")
    [role] = [r for r in boto3.client("iam").list_roles()["Roles"] if "partner" in r["RoleName"]]
    boto3.client("kms").create_grant(
        KeyId=key, GranteePrincipal=role["Arn"], Operations=["GenerateDataKey"]
    )
    both = deny(name, PLAIN_HTTP, "s3:*")
    policy(name, *({**both, "Resource": each} for each in both["Resource"]))
    assert said("12.4", lab) == "done"


# --- who, when, and what was written first -------------------------------------------------------

TO_COME = {"DateLessThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}
SOON = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}


def test_12_1_finds_the_diagnosis_in_the_stream(lab: Lab) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    table = patients(lab, StreamSpecification=stream)
    table.put_item(Item=PATIENT)
    encrypted(table, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    assert "the diagnosis stands readable in the table's stream" in said("12.1", lab)


@pytest.mark.parametrize("note", [{"broken arm": 1}, [{"seen": {"broken arm": True}}]])
def test_12_1_finds_the_diagnosis_as_a_name(lab: Lab, note: Any) -> None:
    signed = dict.fromkeys(("ward", "note"), CryptoAction.SIGN_ONLY)
    encrypted(patients(lab), **signed).put_item(Item={**PATIENT, "note": note})
    assert "also stands readable in note" in said("12.1", lab)


def test_12_1_finds_the_diagnosis_in_another_item(lab: Lab) -> None:
    table = patients(lab)
    encrypted(table, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    table.put_item(Item={"patient_id": "p-1-bill", "for": "plaster, broken arm"})
    assert "is also readable, in for of another item" in said("12.1", lab)


def test_12_1_takes_a_stream_of_ciphertext_and_other_tables(lab: Lab) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    table = patients(lab, StreamSpecification=stream)
    encrypted(table, ward=CryptoAction.SIGN_ONLY).put_item(Item=PATIENT)
    table.put_item(Item={"patient_id": "p-0", "ward": "south"})
    assert said("12.1", lab) == "done"


def spared(how: str) -> dict[str, Any]:
    """The condition of a Deny that leaves somebody out, or some time."""
    user = boto3.client("iam").create_user(UserName="ada")["User"]
    return {
        "a user": {"StringNotEquals": {"aws:username": "ada"}},
        "a user's id": {"StringNotEquals": {"aws:userid": user["UserId"]}},
        "a user's ARN": {"ArnNotEquals": {"aws:PrincipalArn": user["Arn"]}},
        "a tag": {"StringNotEquals": {"aws:PrincipalTag/agent": "legacy"}},
        "a session": {"StringNotLike": {"aws:userid": "*:import"}},
        "a date": TO_COME,
        "a network": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        "an ACL": {"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
    }[how]


SPARED = ["a user", "a user's id", "a user's ARN", "a tag", "a session", "a date", "a network",
          "an ACL"]  # fmt: skip


@pytest.mark.parametrize("how", SPARED)
def test_12_2_finds_whom_and_what_the_policy_leaves_out(lab: Lab, how: str) -> None:
    name = tagged_bucket(lab, "12.2", new_key())
    policy(name, deny(name, {**NO_HEADER, **spared(how)}))
    assert "another method is let through all the same: an upload of" in said("12.2", lab)


def test_12_2_finds_a_user_by_notprincipal(lab: Lab) -> None:
    user = boto3.client("iam").create_user(UserName="ada")["User"]["Arn"]
    name = tagged_bucket(lab, "12.2", new_key())
    statement = {**deny(name, NO_HEADER), "NotPrincipal": {"AWS": [user, "123456789012"]}}
    del statement["Principal"]
    policy(name, statement)
    assert "is let through all the same: an upload of exercise-check by the user ada" in said(
        "12.2", lab
    )


@pytest.mark.parametrize("how", ["a user", "a date"])
def test_12_2_finds_whom_a_block_of_sse_c_leaves_out(lab: Lab, how: str) -> None:
    name = tagged_bucket(lab, "12.2", new_key(), blocked="NONE")
    brought = {"Null": {f"{HEADER}-customer-algorithm": "false"}, **spared(how)}
    policy(name, deny(name, NO_HEADER), deny(name, brought))
    assert "is let through all the same: an upload of" in said("12.2", lab)


def test_12_2_wants_agents_let_in_in_times_to_come(lab: Lab) -> None:
    name = tagged_bucket(lab, "12.2", new_key())
    policy(name, deny(name, NO_HEADER), deny(name, SOON))
    assert "an upload that names no method is refused here" in said("12.2", lab)


@pytest.mark.parametrize(
    "condition",
    [
        {**NO_HEADER, "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"StringLike": {HEADER: "*"}},
        {**NO_HEADER, "StringEquals": {"aws:PrincipalAccount": "123456789012"}},
    ],
    ids=["begun", "any header", "of the account"],
)
def test_12_2_takes_a_policy_that_leaves_nobody_out(lab: Lab, condition: dict[str, Any]) -> None:
    name = tagged_bucket(lab, "12.2", new_key())
    policy(name, deny(name, condition))
    assert said("12.2", lab) == "done"


@pytest.mark.parametrize("change", ["another game", "scores as text", "no scores"])
def test_12_3_wants_chess_by_numbers(lab: Lab, change: str) -> None:
    table = scores(lab)
    for player, score in {"ada": 2100, "bob": 950, "eve": 1800}.items():
        item: dict[str, Any] = {"player": player, "game": "chess", "score": score}
        if change == "another game":
            item["game"] = "Chess"
        elif change == "scores as text":
            item["scores"] = str(item.pop("score"))
        else:
            del item["score"]
        table.put_item(Item=item)
    assert "finds 0 of the three players" in said("12.3", lab)


def test_12_3_takes_more_games_and_a_second_index(lab: Lab) -> None:
    table = scores(lab)
    play(table)
    for player in ("ada", "ben"):
        table.put_item(Item={"player": f"{player}-go", "game": "go", "score": 7})
    boto3.client("dynamodb").update_table(
        TableName=table.name,
        AttributeDefinitions=[{"AttributeName": "score", "AttributeType": "N"}],
        GlobalSecondaryIndexUpdates=[{"Create": {
            "IndexName": "by-score",
            "KeySchema": [{"AttributeName": "score", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }}],
    )  # fmt: skip
    lab.later(minutes=5)
    assert said("12.3", lab) == "done"


# --- 12.4, a partner who reads what it brings ----------------------------------------------------


def test_12_4_wants_a_partner_that_does_not_read_its_own(lab: Lab) -> None:
    """s3:GetObject and no kms:Decrypt: what it stores with AES256, no key keeps from it."""
    inbox(lab)
    partner(lab, "s3:PutObject", "s3:GetObject", "kms:GenerateDataKey")
    found = said("12.4", lab)
    assert "it reads what you stored with AES256" in found


@pytest.mark.parametrize("method", ["AES256", "aws:kms"])
def test_12_4_wants_that_of_every_method(lab: Lab, method: str) -> None:
    """The policy refuses others; the partner itself may still choose a method."""
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "s3:GetObject*", "kms:GenerateDataKey")
    [role] = [r for r in boto3.client("iam").list_roles()["Roles"] if "partner" in r["RoleName"]]
    rest = {"StringNotEquals": {"aws:PrincipalArn": role["Arn"]}, "Null": {HEADER: "false"}}
    own = {"StringNotEquals": {HEADER: method}, "Null": {HEADER: "false"}}
    policy(name, deny(name, PLAIN_HTTP, "s3:*"), deny(name, rest), deny(name, own))
    assert f"it reads what it itself stored with {method}" in said("12.4", lab)


def test_12_4_takes_a_partner_whose_reading_no_method_allows(lab: Lab) -> None:
    """It may call GetObject, but nothing lies there under anything but your key."""
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "s3:GetObject", "kms:GenerateDataKey")
    policy(name, deny(name, PLAIN_HTTP, "s3:*"), deny(name, {"Null": {HEADER: "false"}}))
    assert said("12.4", lab) == "done"


@pytest.mark.parametrize("how", SPARED[:-1])
def test_12_4_finds_whom_and_what_the_tls_statement_leaves_out(lab: Lab, how: str) -> None:
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    condition = {**PLAIN_HTTP, **spared(how)}
    policy(name, deny(name, condition, "s3:*"))
    assert "without TLS this is answered: s3:" in said("12.4", lab)


@pytest.mark.parametrize(
    "left_out", ["s3:PutObjectLegalHold", "s3:GetBucketLogging", "s3:UpdateObjectEncryption"]
)
def test_12_4_names_the_rare_action_that_is_left_out(lab: Lab, left_out: str) -> None:
    name = inbox(lab, tls_only=False)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    statement = {**deny(name, PLAIN_HTTP, "s3:*"), "NotAction": left_out}
    del statement["Action"]
    policy(name, statement)
    assert f"without TLS this is answered: {left_out} by you" in said("12.4", lab)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("kms:Decrypt", "a policy lets it decrypt at another time"),
        ("kms:CreateGrant", "it could let itself decrypt"),
        ("iam:PutRolePolicy", "it could let itself decrypt"),
    ],
)
def test_12_4_finds_what_the_partner_may_one_day(lab: Lab, action: str, says: str) -> None:
    inbox(lab)
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    [role] = [r for r in boto3.client("iam").list_roles()["Roles"] if "partner" in r["RoleName"]]
    later = {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": SOON}
    boto3.client("iam").put_role_policy(
        RoleName=role["RoleName"],
        PolicyName="later",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": later}),
    )
    assert says in said("12.4", lab)


def test_12_4_takes_sse_c_refused_by_policy_and_finds_whom_that_leaves_out(lab: Lab) -> None:
    name = inbox(lab, tls_only=False, blocked="NONE")
    partner(lab, "s3:PutObject", "kms:GenerateDataKey")
    brought = {"Null": {f"{HEADER}-customer-algorithm": "false"}}
    tls = deny(name, PLAIN_HTTP, "s3:*")
    policy(name, tls, deny(name, brought))
    assert said("12.4", lab) == "done"
    policy(name, tls, deny(name, {**brought, **TO_COME}))
    assert "SSE-C is let through all the same: an upload of" in said("12.4", lab)
