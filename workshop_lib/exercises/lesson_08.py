"""Exercises of lesson 08: four cases, each with the encryption that fits it."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

from workshop_lib.exercises import Look, exercise
from workshop_lib.exercises.uploads import TRY, delete, refused, refuses_plain_http, upload

DESCRIPTION, SIGNATURE = "*amzn-ddb-map-desc*", "*amzn-ddb-map-sig*"
KMS_HEADER: dict[str, str] = {"ServerSideEncryption": "aws:kms"}


@exercise("8.1", "a diagnosis that AWS never reads, in a ward that it finds")
def hospital(look: Look) -> None:
    """Item p-1 of the tagged table: ward readable, diagnosis ciphertext, signed, key from KMS."""
    item = _patient(look)
    secret = isinstance(item["diagnosis"], Binary)
    if DESCRIPTION not in item or SIGNATURE not in item:
        if secret:
            look.missing(
                "the diagnosis is ciphertext, but the item is not signed: an edited ward, or "
                "another patient's diagnosis, would not be noticed",
                "Let the DynamoDB Encryption Client encrypt and sign the item. (With KMS Encrypt, "
                "KMS would also read the diagnosis.)",
            )
        look.missing(
            "DynamoDB received the diagnosis in plaintext; no key of the table changes that",
            "Encrypt before DynamoDB: write with the DynamoDB Encryption Client.",
        )
    look.saw("the encryption client wrote it: there are a signature and a material description")
    look.want(
        secret,
        saw="the diagnosis is ciphertext",
        missing="the diagnosis is readable: SIGN_ONLY and DO_NOTHING hide nothing",
        fix="Make no exception for it: ENCRYPT_AND_SIGN is the default action.",
    )
    look.want(
        not isinstance(item["ward"], Binary),
        saw="its ward is readable, so a search for it finds the patient",
        missing="a search for a ward finds nobody, and says nothing: the ward is ciphertext",
        fix='Add "ward": CryptoAction.SIGN_ONLY to the attribute actions.',
    )
    look.want(
        _kms_stands_behind(bytes(item[DESCRIPTION])),
        saw="a KMS key stands behind its data key",
        missing="no KMS key stands behind its data key: it hangs on a key in your process",
        fix="Use the Direct KMS provider, or the caching one over it.",
    )


def _patient(look: Look) -> dict[str, Any]:
    description = look.table()
    name = description["TableName"]
    look.saw(f"the table {name} carries the tag")
    schema = [(key["AttributeName"], key["KeyType"]) for key in description["KeySchema"]]
    look.need(
        schema == [("patient_id", "HASH")],
        saw="its key is patient_id",
        missing=f"its key is {', '.join(attribute for attribute, _ in schema)}",
        fix="Make a table with patient_id as its partition key, and no sort key.",
    )
    table = boto3.resource("dynamodb").Table(name)
    item: dict[str, Any] = table.get_item(Key={"patient_id": "p-1"}).get("Item", {})
    look.need(
        item,
        saw="it holds the patient p-1",
        missing="it holds no patient p-1",
        fix='Write one: put_item(Item={"patient_id": "p-1", "ward": "north", "diagnosis": …}).',
    )
    absent = [attribute for attribute in ("ward", "diagnosis") if attribute not in item]
    look.need(
        not absent,
        saw="the patient has a ward and a diagnosis",
        missing=f"the patient lacks {' and '.join(absent)}",
        fix="Add what is lacking and write the patient again.",
    )
    return item


def _kms_stands_behind(description: bytes) -> bool:
    """Whether KMS wrapped the data key, or a key of a MetaStore did (lesson 03, steps 3 and 4).

    https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/crypto-materials-providers.html
    """
    by_kms = b"amzn-ddb-wrap-alg" + len(b"kms").to_bytes(4, "big") + b"kms"
    return by_kms in description or b"amzn-ddb-meta-id" in description


@exercise("8.2", "an archive under one key, cheap to ask for")
def archive(look: Look) -> None:
    """The tagged bucket: SSE-KMS by default with a Bucket Key; uploads cannot choose otherwise."""
    bucket = look.bucket()
    look.saw(f"the bucket {bucket} carries the tag")
    rule = _default(bucket)
    key = _default_key(look, rule)
    look.want(
        rule.get("BucketKeyEnabled"),
        saw="its Bucket Key is enabled",
        missing="its Bucket Key is not enabled: each upload and download would be a KMS request",
        fix='Put "BucketKeyEnabled": True beside ApplyServerSideEncryptionByDefault.',
    )
    look.need(
        upload(look, bucket) == "stored",
        saw="an upload that names no method is accepted",
        missing="an upload that names no method is refused: the agents could not write",
        fix="A negated operator is true for an absent header. Refuse requests that carry one: "
        '"Null": {"s3:x-amz-server-side-encryption": "false"}.',
    )
    for what, headers in (
        ("with AES256", {"ServerSideEncryption": "AES256"}),
        ("with aws:kms and no key, which takes the AWS managed one,", KMS_HEADER),
        ("with aws:kms:dsse", {"ServerSideEncryption": "aws:kms:dsse"}),
        ("that names another key", {**KMS_HEADER, "SSEKMSKeyId": _another(key["Arn"])}),
    ):
        look.want(
            upload(look, bucket, **headers) == "AccessDenied",
            saw=f"an upload {what} is refused",
            missing=f"an upload {what} passes the policy",
            fix=f"Deny s3:PutObject on arn:aws:s3:::{bucket}/* where the header "
            's3:x-amz-server-side-encryption is there at all: "Null" with "false".',
        )
    _refuses_brought_keys(look, bucket)


@exercise("8.3", "a leaderboard that costs nothing to encrypt")
def leaderboard(look: Look) -> None:
    """The tagged table: AWS owned key, plain items, an index that sorts a game by its score."""
    table = look.table()
    name = table["TableName"]
    look.saw(f"the table {name} carries the tag")
    sse = table.get("SSEDescription")
    look.need(
        sse is None,
        saw="it is encrypted under the AWS owned key, which is free: it has no SSEDescription",
        missing="it is encrypted under a KMS key: everybody may read these scores, so its requests "
        "would be paid for nothing",
        fix='Leave SSESpecification out; for this table, update_table(…, SSESpecification={"Enabled'
        '": False}), then lab.later(minutes=1).',
    )
    resource = boto3.resource("dynamodb").Table(name)
    items = resource.scan()["Items"]
    look.need(
        not any(DESCRIPTION in item or isinstance(item.get("score"), Binary) for item in items),
        saw="its items are stored as they are",
        missing="its items are encrypted by the client: KMS requests for nothing, and ciphertext "
        "cannot be sorted",
        fix="Write with the plain table.",
    )
    index = _index(look, table)
    rows = resource.query(
        IndexName=index, KeyConditionExpression=Key("game").eq("chess"), ScanIndexForward=False
    )["Items"]
    scores = [str(row["score"]) for row in rows]
    look.want(
        len(scores) >= 3,
        saw=f"the best scores of chess come first: {', '.join(scores[:3])}",
        missing=f"the index finds {len(scores)} of the three players of chess",
        fix='Write three items with "game": "chess", each with its player and a number as score.',
    )


def _index(look: Look, table: dict[str, Any]) -> str:
    """The name of the index whose keys are game and score, a number."""
    wanted = [("game", "HASH"), ("score", "RANGE")]
    for index in table.get("GlobalSecondaryIndexes", []):
        if [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == wanted:
            break
    else:
        look.missing(
            "it has no index with the partition key game and the sort key score",
            "Add it to GlobalSecondaryIndexes: a query can sort by a sort key only.",
        )
    kinds = {kind["AttributeName"]: kind["AttributeType"] for kind in table["AttributeDefinitions"]}
    look.need(
        kinds["score"] == "N",
        saw=f"its index {index['IndexName']} sorts a game by score, a number",
        missing=f"the score is of the type {kinds['score']}: as text, 9 comes after 10",
        fix='Let "AttributeType" of score be "N".',
    )
    found: str = index["IndexName"]
    return found


@exercise("8.4", "a partner who can bring and cannot take")
def shared(look: Look) -> None:
    """The tagged role uploads into the tagged bucket; the key keeps it from reading."""
    bucket = look.bucket()
    look.saw(f"the bucket {bucket} carries the tag")
    _default_key(look, _default(bucket))
    role = look.role()
    partner = look.become(role).client("s3")
    name = f"{TRY}-{secrets.token_hex(4)}"
    with _an_object(look, bucket, name):
        # before it uploads: who has just used a Bucket Key may be let in by it once more
        _reads_nothing(look, partner, role["RoleName"], bucket, name)
    _uploads(look, partner, bucket, name)
    refuses_plain_http(look, bucket)
    _refuses_brought_keys(look, bucket)


@contextmanager
def _an_object(look: Look, bucket: str, name: str) -> Iterator[None]:
    """Within the block the bucket holds an object of the administrator's."""
    refusal = (
        "an upload of yours, without a header, is refused by the bucket's policy",
        "Let the policy deny what comes without TLS, and nothing else.",
    )
    with look.asking({"AccessDenied": refusal}):
        stored = boto3.client("s3").put_object(Bucket=bucket, Key=name, Body=b"x")
    try:
        yield
    finally:
        delete(bucket, name, stored)


def _reads_nothing(look: Look, partner: Any, role: str, bucket: str, name: str) -> None:
    def reads() -> bool:
        return not refused(lambda: partner.get_object(Bucket=bucket, Key=name))

    look.want(
        not reads(),
        saw="it may not read an object",
        missing="it may read objects",
        fix="Allow it neither s3:GetObject nor kms:Decrypt.",
    )
    with _all_of_s3_allowed(role):
        by_mistake = reads()
    look.want(
        not by_mistake,
        saw="with all of S3 allowed by mistake it still reads nothing",
        missing="with all of S3 allowed by mistake it reads: the key does not stop it",
        fix="Leave kms:Decrypt (and kms:*) out of what it may do, and out of the key's grants. "
        "Once that is done, S3 still uses the Bucket Key that it has for the role: call "
        "lab.later(minutes=10), then check again.",
    )


def _uploads(look: Look, partner: Any, bucket: str, name: str) -> None:
    try:
        stored = partner.put_object(Bucket=bucket, Key=name, Body=b"x")
    except ClientError as error:
        look.missing(*_no_upload(error))
    look.saw("it may upload")
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


def _refuses_brought_keys(look: Look, bucket: str) -> None:
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
    look.want(
        upload(look, bucket, **key) == "AccessDenied",
        saw="an upload under a key that the uploader brings (SSE-C) is refused",
        missing="an upload under a key that the uploader brings (SSE-C) is accepted",
        fix='Block it: BlockedEncryptionTypes of {"EncryptionType": ["SSE-C"]} in the rule of '
        "put_bucket_encryption.",
    )


def _default(bucket: str) -> dict[str, Any]:
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule


def _default_key(look: Look, rule: dict[str, Any]) -> dict[str, Any]:
    """KeyMetadata of the bucket's default key, which is the learner's own and enabled."""
    default: dict[str, str] = rule["ApplyServerSideEncryptionByDefault"]
    look.need(
        default["SSEAlgorithm"] == "aws:kms",
        saw="its default encryption is SSE-KMS",
        missing=f"its default encryption is {default['SSEAlgorithm']}: "
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
    with look.asking({"NotFoundException": unknown, "AccessDeniedException": unknown}):
        key: dict[str, Any] = boto3.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    look.own_key(key)
    look.need(
        key["KeyState"] == "Enabled",
        saw="its key is enabled",
        missing=f"its key is {key['KeyState']}",
        fix="Enable it (kms.enable_key), or use another key.",
    )
    return key


def _another(arn: str) -> str:
    return f"{arn.rpartition('/')[0]}/00000000-0000-0000-0000-000000000000"
