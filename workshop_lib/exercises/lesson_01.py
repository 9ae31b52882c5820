"""Exercises of lesson 01: DynamoDB encryption at rest."""

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import Look, exercise


@exercise("1.1", "a table under the AWS managed key")
def aws_managed(look: Look) -> None:
    """The tagged table is encrypted under alias/aws/dynamodb."""
    table = look.table()
    look.saw(f"the table {table['TableName']} carries the tag")
    key = look.table_key(table)
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
    key = look.table_key(table)
    look.own_key(key)
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
    key = look.table_key(table)
    look.own_key(key)
    look.enabled(key)
    look.keyed(table, {"order_id": "S"}, "1a")
    reader = look.become(look.role())
    try:
        answer = reader.client("dynamodb").get_item(
            TableName=table["TableName"], Key={"order_id": {"S": "3003"}}
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
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


def _decrypts_directly(reader: boto3.Session, key_id: str) -> bool:
    blob = boto3.client("kms").encrypt(KeyId=key_id, Plaintext=b"check")["CiphertextBlob"]
    try:
        reader.client("kms").decrypt(CiphertextBlob=blob)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True
