"""Exercises of lesson 12: four cases, each with the encryption that fits it."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.trial_uploads import TRY, delete, refused, refuses_plain_http, upload

DESCRIPTION, SIGNATURE = "*amzn-ddb-map-desc*", "*amzn-ddb-map-sig*"
KMS_HEADER: dict[str, str] = {"ServerSideEncryption": "aws:kms"}


@exercise("12.1", "a diagnosis that AWS never reads, in a ward that it finds")
def hospital(inspection: Inspection) -> None:
    """Item p-1 of the tagged table: ward readable, diagnosis ciphertext, signed, key from KMS."""
    item = _patient(inspection)
    secret = isinstance(item["diagnosis"], Binary)
    if DESCRIPTION not in item or SIGNATURE not in item:
        if secret:
            inspection.fail(
                "the diagnosis is ciphertext, but the item is not signed: an edited ward, or "
                "another patient's diagnosis, would not be noticed",
                "Let the DynamoDB Encryption Client encrypt and sign the item. (With KMS Encrypt, "
                "KMS would also read the diagnosis.)",
            )
        inspection.fail(
            "DynamoDB received the diagnosis in plaintext; no key of the table changes that",
            "Encrypt before DynamoDB: write with the DynamoDB Encryption Client.",
        )
    inspection.passed(
        "the encryption client wrote it: there are a signature and a material description"
    )
    inspection.expect(
        secret,
        passed="the diagnosis is ciphertext",
        failed="the diagnosis is readable: SIGN_ONLY and DO_NOTHING hide nothing",
        fix="Make no exception for it: ENCRYPT_AND_SIGN is the default action.",
    )
    inspection.expect(
        not isinstance(item["ward"], Binary),
        passed="its ward is readable, so a search for it finds the patient",
        failed="a search for a ward finds nobody, and says nothing: the ward is ciphertext",
        fix='Add "ward": CryptoAction.SIGN_ONLY to the attribute actions.',
    )
    inspection.expect(
        _kms_stands_behind(bytes(item[DESCRIPTION])),
        passed="a KMS key stands behind its data key",
        failed="no KMS key stands behind its data key: it hangs on a key in your process",
        fix="Use the Direct KMS provider, or the caching one over it.",
    )


def _patient(inspection: Inspection) -> dict[str, Any]:
    description = inspection.table()
    name = description["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    schema = [(key["AttributeName"], key["KeyType"]) for key in description["KeySchema"]]
    inspection.require(
        schema == [("patient_id", "HASH")],
        passed="its key is patient_id",
        failed=f"its key is {', '.join(attribute for attribute, _ in schema)}",
        fix="Make a table with patient_id as its partition key, and no sort key.",
    )
    table = boto3.resource("dynamodb").Table(name)
    item: dict[str, Any] = table.get_item(Key={"patient_id": "p-1"}).get("Item", {})
    inspection.require(
        item,
        passed="it holds the patient p-1",
        failed="it holds no patient p-1",
        fix='Write one: put_item(Item={"patient_id": "p-1", "ward": "north", "diagnosis": …}).',
    )
    absent = [attribute for attribute in ("ward", "diagnosis") if attribute not in item]
    inspection.require(
        not absent,
        passed="the patient has a ward and a diagnosis",
        failed=f"the patient lacks {' and '.join(absent)}",
        fix="Add what is lacking and write the patient again.",
    )
    return item


def _kms_stands_behind(description: bytes) -> bool:
    """Whether KMS wrapped the data key, or a key of a MetaStore did (lesson 03, steps 3 and 4).

    https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/crypto-materials-providers.html
    """
    by_kms = b"amzn-ddb-wrap-alg" + len(b"kms").to_bytes(4, "big") + b"kms"
    return by_kms in description or b"amzn-ddb-meta-id" in description


@exercise("12.2", "an archive under one key, cheap to ask for")
def archive(inspection: Inspection) -> None:
    """The tagged bucket: SSE-KMS by default with a Bucket Key; uploads cannot choose otherwise."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    rule = _default(bucket)
    key = _default_key(inspection, rule)
    inspection.expect(
        rule.get("BucketKeyEnabled"),
        passed="its Bucket Key is enabled",
        failed="its Bucket Key is not enabled: each upload and download would be a KMS request",
        fix='Put "BucketKeyEnabled": True beside ApplyServerSideEncryptionByDefault.',
    )
    inspection.require(
        upload(inspection, bucket) == "stored",
        passed="an upload that names no method is accepted",
        failed="an upload that names no method is refused: the agents could not write",
        fix="A negated operator is true for an absent header. Refuse requests that carry one: "
        '"Null": {"s3:x-amz-server-side-encryption": "false"}.',
    )
    for what, headers in (
        ("with AES256", {"ServerSideEncryption": "AES256"}),
        ("with aws:kms and no key, which takes the AWS managed one,", KMS_HEADER),
        ("with aws:kms:dsse", {"ServerSideEncryption": "aws:kms:dsse"}),
        ("that names another key", {**KMS_HEADER, "SSEKMSKeyId": _another(key["Arn"])}),
    ):
        inspection.expect(
            upload(inspection, bucket, **headers) == "AccessDenied",
            passed=f"an upload {what} is refused",
            failed=f"an upload {what} passes the policy",
            fix=f"Deny s3:PutObject on arn:aws:s3:::{bucket}/* where the header "
            's3:x-amz-server-side-encryption is there at all: "Null" with "false".',
        )
    _refuses_brought_keys(inspection, bucket)


@exercise("12.3", "a leaderboard that costs nothing to encrypt")
def leaderboard(inspection: Inspection) -> None:
    """The tagged table: AWS owned key, plain items, an index that sorts a game by its score."""
    table = inspection.table()
    name = table["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    sse = table.get("SSEDescription")
    inspection.require(
        sse is None,
        passed="it is encrypted under the AWS owned key, which is free: it has no SSEDescription",
        failed="it is encrypted under a KMS key: everybody may read these scores, so its requests "
        "would be paid for nothing",
        fix='Leave SSESpecification out; for this table, update_table(…, SSESpecification={"Enabled'
        '": False}), then lab.later(minutes=1).',
    )
    resource = boto3.resource("dynamodb").Table(name)
    items = resource.scan()["Items"]
    inspection.require(
        not any(DESCRIPTION in item or isinstance(item.get("score"), Binary) for item in items),
        passed="its items are stored as they are",
        failed="its items are encrypted by the client: KMS requests for nothing, and ciphertext "
        "cannot be sorted",
        fix="Write with the plain table.",
    )
    index = _index(inspection, table)
    rows = resource.query(
        IndexName=index, KeyConditionExpression=Key("game").eq("chess"), ScanIndexForward=False
    )["Items"]
    scores = [str(row["score"]) for row in rows]
    inspection.expect(
        len(scores) >= 3,
        passed=f"the best scores of chess come first: {', '.join(scores[:3])}",
        failed=f"the index finds {len(scores)} of the three players of chess",
        fix='Write three items with "game": "chess", each with its player and a number as score.',
    )


def _index(inspection: Inspection, table: dict[str, Any]) -> str:
    """The name of the index whose keys are game and score, a number."""
    wanted = [("game", "HASH"), ("score", "RANGE")]
    for index in table.get("GlobalSecondaryIndexes", []):
        if [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == wanted:
            break
    else:
        inspection.fail(
            "it has no index with the partition key game and the sort key score",
            "Add it to GlobalSecondaryIndexes: a query can sort by a sort key only.",
        )
    kinds = {kind["AttributeName"]: kind["AttributeType"] for kind in table["AttributeDefinitions"]}
    inspection.require(
        kinds["score"] == "N",
        passed=f"its index {index['IndexName']} sorts a game by score, a number",
        failed=f"the score is of the type {kinds['score']}: as text, 9 comes after 10",
        fix='Let "AttributeType" of score be "N".',
    )
    name: str = index["IndexName"]
    return name


@exercise("12.4", "a partner who can bring and cannot take")
def shared(inspection: Inspection) -> None:
    """The tagged role uploads into the tagged bucket; the key keeps it from reading."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    _default_key(inspection, _default(bucket))
    role = inspection.role()
    partner = inspection.become(role).client("s3")
    name = f"{TRY}-{secrets.token_hex(4)}"
    with _an_object(inspection, bucket, name):
        # before it uploads: who has just used a Bucket Key may be let in by it once more
        _reads_nothing(inspection, partner, role["RoleName"], bucket, name)
    _uploads(inspection, partner, bucket, name)
    refuses_plain_http(inspection, bucket)
    _refuses_brought_keys(inspection, bucket)


@contextmanager
def _an_object(inspection: Inspection, bucket: str, name: str) -> Iterator[None]:
    """Within the block the bucket holds an object of the administrator's."""
    refusal = (
        "an upload of yours, without a header, is refused by the bucket's policy",
        "Let the policy deny what comes without TLS, and nothing else.",
    )
    with inspection.asking({"AccessDenied": refusal}):
        stored = boto3.client("s3").put_object(Bucket=bucket, Key=name, Body=b"x")
    try:
        yield
    finally:
        delete(bucket, name, stored)


def _reads_nothing(inspection: Inspection, partner: Any, role: str, bucket: str, name: str) -> None:
    def reads() -> bool:
        return not refused(lambda: partner.get_object(Bucket=bucket, Key=name))

    inspection.expect(
        not reads(),
        passed="it may not read an object",
        failed="it may read objects",
        fix="Allow it neither s3:GetObject nor kms:Decrypt.",
    )
    with _all_of_s3_allowed(role):
        by_mistake = reads()
    inspection.expect(
        not by_mistake,
        passed="with all of S3 allowed by mistake it still reads nothing",
        failed="with all of S3 allowed by mistake it reads: the key does not stop it",
        fix="Leave kms:Decrypt (and kms:*) out of what it may do, and out of the key's grants. "
        "Once that is done, S3 still uses the Bucket Key that it has for the role: call "
        "lab.later(minutes=10), then check again.",
    )


def _uploads(inspection: Inspection, partner: Any, bucket: str, name: str) -> None:
    try:
        stored = partner.put_object(Bucket=bucket, Key=name, Body=b"x")
    except ClientError as error:
        inspection.fail(*_no_upload(error))
    inspection.passed("it may upload")
    delete(bucket, name, stored)


def _no_upload(error: ClientError) -> tuple[str, str]:
    """Which lock refused an upload, and what opens it."""
    if error.response["Error"]["Code"] != "AccessDenied":
        raise error
    if "kms:" in error.response["Error"]["Message"]:
        return (
            "the role may not use the key, so it cannot upload",
            "Allow it kms:GenerateDataKey on the key: that is what an upload needs.",
        )
    return "the role may not upload", "Allow it s3:PutObject on the bucket's objects."


@contextmanager
def _all_of_s3_allowed(role: str) -> Iterator[None]:
    """Within the block the role has a policy that allows all of S3."""
    iam, name = boto3.client("iam"), {"RoleName": role, "PolicyName": TRY}
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(**name, PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(**name)


def _refuses_brought_keys(inspection: Inspection, bucket: str) -> None:
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
    inspection.expect(
        upload(inspection, bucket, **key) == "AccessDenied",
        passed="an upload under a key that the uploader brings (SSE-C) is refused",
        failed="an upload under a key that the uploader brings (SSE-C) is accepted",
        fix='Block it: BlockedEncryptionTypes of {"EncryptionType": ["SSE-C"]} in the rule of '
        "put_bucket_encryption.",
    )


def _default(bucket: str) -> dict[str, Any]:
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule


def _default_key(inspection: Inspection, rule: dict[str, Any]) -> dict[str, Any]:
    """KeyMetadata of the bucket's default key, which is the learner's own and enabled."""
    default: dict[str, str] = rule["ApplyServerSideEncryptionByDefault"]
    inspection.require(
        default["SSEAlgorithm"] == "aws:kms",
        passed="its default encryption is SSE-KMS",
        failed=f"its default encryption is {default['SSEAlgorithm']}: "
        + (
            "there is no key that you could refuse, watch or disable"
            if default["SSEAlgorithm"] == "AES256"
            else "two layers, and no Bucket Key"
        ),
        fix='Call put_bucket_encryption with "SSEAlgorithm": "aws:kms" and a key of your own.',
    )
    name = default.get("KMSMasterKeyID") or "alias/aws/s3"
    unknown = (
        f"KMS shows you no key {name}: S3 does not look when the default is set",
        "Name a key of this account and Region, best by its ARN.",
    )
    with inspection.asking({"NotFoundException": unknown, "AccessDeniedException": unknown}):
        key: dict[str, Any] = boto3.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    inspection.own_key(key)
    inspection.require(
        key["KeyState"] == "Enabled",
        passed="its key is enabled",
        failed=f"its key is {key['KeyState']}",
        fix="Enable it (kms.enable_key), or use another key.",
    )
    return key


def _another(arn: str) -> str:
    return f"{arn.rpartition('/')[0]}/00000000-0000-0000-0000-000000000000"
