"""Exercises of lesson 01: DynamoDB encryption at rest."""

from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import Look, exercise


def _key_of(look: Look, table: dict[str, Any]) -> dict[str, Any]:
    description = table.get("SSEDescription")
    look.need(
        description is not None,
        saw="its description names a KMS key",
        missing="it is encrypted under the AWS owned key: it has no SSEDescription",
        fix="Ask for a key in SSESpecification, and let a minute pass after a switch.",
    )
    assert description is not None  # need() has ended the check otherwise
    found: dict[str, Any] = boto3.client("kms").describe_key(KeyId=description["KMSMasterKeyArn"])
    return found["KeyMetadata"]


@exercise("1.1", "a table under the AWS managed key")
def aws_managed(look: Look) -> None:
    """The tagged table is encrypted under alias/aws/dynamodb."""
    table = look.table()
    look.saw(f"the table {table['TableName']} carries the tag")
    key = _key_of(look, table)
    look.need(
        key["KeyManager"] == "AWS",
        saw=f"its key {key['KeyId']} is managed by AWS",
        missing="its key is a customer managed one: KeyManager is CUSTOMER",
        fix="Leave KMSMasterKeyId out of the SSESpecification.",
    )


@exercise("1.2", "a table switched to a key that was named by its alias")
def switched_by_alias(look: Look) -> None:
    """The tagged table's key is customer managed and has an alias alias/exercise-…"""
    table = look.table()
    look.saw(f"the table {table['TableName']} carries the tag")
    key = _key_of(look, table)
    look.need(
        key["KeyManager"] == "CUSTOMER",
        saw=f"its key {key['KeyId']} is yours",
        missing="its key is the AWS managed one: KMSMasterKeyId was left out",
        fix="Name your alias in KMSMasterKeyId, with SSEType KMS.",
    )
    pages = boto3.client("kms").get_paginator("list_aliases").paginate(KeyId=key["KeyId"])
    aliases = [alias["AliasName"] for page in pages for alias in page["Aliases"]]
    ours = [alias for alias in aliases if alias.startswith("alias/exercise-")]
    look.want(
        ours,
        saw=f"the key has the alias {ours[0] if ours else ''}",
        missing=f"the key has no alias that begins with alias/exercise- (it has {aliases})",
        fix='Call kms.create_alias(AliasName="alias/exercise-…", TargetKeyId=…).',
    )


@exercise("1.3", "a reader behind two locks")
def two_locks(look: Look) -> None:
    """The tagged role reads item 3003, and may use the table's key through DynamoDB only."""
    table = look.table()
    look.saw(f"the table {table['TableName']} carries the tag")
    key = _key_of(look, table)
    look.need(
        key["KeyManager"] == "CUSTOMER",
        saw=f"its key {key['KeyId']} is yours",
        missing="its key is the AWS managed one, which asks nothing of a reader",
        fix="Make the table under a key of your own (step 1c).",
    )
    role = look.role()
    with look.asking(
        {
            "AccessDenied": (
                f"the role {role['RoleName']} cannot be assumed by this account",
                "Let its trust policy name the account's root as principal (step 4b).",
            )
        }
    ):
        reader = _session(role["Arn"])
    look.saw(f"the role {role['RoleName']} can be assumed")
    try:
        answer = reader.client("dynamodb").get_item(
            TableName=table["TableName"], Key={"order_id": {"S": "3003"}}
        )
    except ClientError as error:
        text = error.response["Error"]["Message"]
        lock = "use the key" if "KMS" in text else "call GetItem on the table"
        step = "kms:Decrypt with kms:ViaService (step 4g)" if "KMS" in text else "dynamodb:GetItem"
        look.missing(f"the role may not {lock}", f"Allow it {step} in its policy.")
    look.need(
        "Item" in answer,
        saw="the role reads item 3003",
        missing="the role may read, but there is no item 3003",
        fix='Write it: put_item(TableName=…, Item={"order_id": {"S": "3003"}}).',
    )
    look.want(
        not _decrypts_directly(reader, key["KeyId"]),
        saw="KMS refuses the role when it calls Decrypt itself",
        missing="the role may also call kms:Decrypt directly",
        fix="Add the condition kms:ViaService = dynamodb.us-east-1.amazonaws.com.",
    )


def _session(role_arn: str) -> boto3.Session:
    answer = boto3.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="exercise-check")
    got = answer["Credentials"]
    return boto3.Session(
        got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"], boto3.Session().region_name
    )


def _decrypts_directly(reader: boto3.Session, key_id: str) -> bool:
    blob = boto3.client("kms").encrypt(KeyId=key_id, Plaintext=b"check")["CiphertextBlob"]
    try:
        reader.client("kms").decrypt(CiphertextBlob=blob)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True
