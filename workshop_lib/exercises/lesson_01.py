"""Exercises of lesson 01: DynamoDB encryption at rest."""

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise


@exercise("1.1", "a table under the AWS managed key")
def aws_managed(inspection: Inspection) -> None:
    """The tagged table is encrypted under alias/aws/dynamodb."""
    table = inspection.table()
    inspection.passed(f"the table {table['TableName']} carries the tag")
    key = inspection.table_key(table)
    inspection.require(
        key["KeyManager"] == "AWS",
        passed=f"its key {key['KeyId']} is managed by AWS",
        failed="its key is a customer managed one: KeyManager is CUSTOMER",
        fix="Leave KMSMasterKeyId out of the SSESpecification.",
    )


@exercise("1.2", "a table switched to a key that was named by its alias")
def switched_by_alias(inspection: Inspection) -> None:
    """The tagged table's key is customer managed and has an alias alias/exercise-…"""
    table = inspection.table()
    inspection.passed(f"the table {table['TableName']} carries the tag")
    key = inspection.table_key(table)
    inspection.own_key(key)
    pages = boto3.client("kms").get_paginator("list_aliases").paginate(KeyId=key["KeyId"])
    aliases = [alias["AliasName"] for page in pages for alias in page["Aliases"]]
    ours = [alias for alias in aliases if alias.startswith("alias/exercise-")]
    inspection.expect(
        ours,
        passed=f"the key has the alias {ours[0] if ours else ''}",
        failed=f"the key has no alias that begins with alias/exercise- (it has {aliases})",
        fix='Call kms.create_alias(AliasName="alias/exercise-…", TargetKeyId=…).',
    )


@exercise("1.3", "a reader behind two locks")
def two_locks(inspection: Inspection) -> None:
    """The tagged role reads item 3003, and may use the table's key through DynamoDB only."""
    table = inspection.table()
    inspection.passed(f"the table {table['TableName']} carries the tag")
    key = inspection.table_key(table)
    inspection.own_key(key)
    inspection.enabled(key)
    inspection.keyed(table, {"order_id": "S"}, "1a")
    reader = inspection.become(inspection.role())
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
        inspection.fail(f"the role may not {lock}", f"Allow it {step} in its policy.")
    inspection.require(
        "Item" in answer,
        passed="the role reads item 3003",
        failed="the role may read, but there is no item 3003",
        fix='Write it: put_item(TableName=…, Item={"order_id": {"S": "3003"}}).',
    )
    inspection.expect(
        not _decrypts_directly(reader, key["KeyId"]),
        passed="KMS refuses the role when it calls Decrypt itself",
        failed="the role may also call kms:Decrypt directly",
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
