"""Exercises of lesson 01: DynamoDB encryption at rest."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import key_use
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
    """UpdateTable switched the tagged table to a key of the learner's, by an alias exercise-…"""
    table = inspection.table()
    inspection.passed(f"the table {table['TableName']} carries the tag")
    key = inspection.table_key(table)
    inspection.own_key(key)
    pages = boto3.client("kms").get_paginator("list_aliases").paginate(KeyId=key["KeyId"])
    aliases = [alias["AliasName"] for page in pages for alias in page["Aliases"]]
    ours = [alias for alias in aliases if alias.startswith("alias/exercise-")]
    inspection.require(
        ours,
        passed=f"the key has the alias {ours[0] if ours else ''}",
        failed=f"the key has no alias that begins with alias/exercise- (it has {aliases})",
        fix='Call kms.create_alias(AliasName="alias/exercise-…", TargetKeyId=…).',
    )
    named = _switched_to(table["TableName"])
    inspection.expect(
        any(name.endswith(alias) for name in named for alias in ours),
        passed="CloudTrail has the UpdateTable that named the key by this alias",
        failed="CloudTrail has no UpdateTable of this table that named the key by this alias"
        + (f" (the last one named {named[0]})" if named else ""),
        fix="Call update_table with the alias as KMSMasterKeyId, and let a minute pass.",
    )


def _switched_to(table: str) -> list[str]:
    """How the successful switches of a table named its key, the newest first.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
    """
    found = []
    switches = {"AttributeKey": "EventName", "AttributeValue": "UpdateTable"}
    trail = boto3.client("cloudtrail").get_paginator("lookup_events")
    for page in trail.paginate(LookupAttributes=[switches]):
        for event in page["Events"]:
            record = json.loads(event["CloudTrailEvent"])
            asked = record["requestParameters"] or {}
            name = asked.get("sSESpecification", {}).get("kMSMasterKeyId")
            about = asked.get("tableName", "").rpartition("/")[2]  # a table may be named by its ARN
            if name and about == table and "errorCode" not in record:
                found.append(name)
    return found


@exercise("1.3", "a reader behind two locks")
def two_locks(inspection: Inspection) -> None:
    """The tagged role reads item 3003, and may use the table's key through DynamoDB only."""
    table = inspection.table()
    inspection.passed(f"the table {table['TableName']} carries the tag")
    key = inspection.table_key(table)
    inspection.own_key(key)
    inspection.enabled(key)
    inspection.keyed(table, {"order_id": "S"}, "1a")
    role = inspection.role()
    reader = inspection.become(role)
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
    _only_through_dynamodb(inspection, reader.client("kms"), role, key["Arn"], table)


def _only_through_dynamodb(
    inspection: Inspection, kms: Any, role: dict[str, Any], key: str, table: dict[str, Any]
) -> None:
    """KMS refuses the role whatever it asks by itself, under each context that may matter."""
    bound = {
        "aws:dynamodb:tableName": table["TableName"],
        "aws:dynamodb:subscriberId": table["TableArn"].split(":")[4],
    }
    named = key_use.named_contexts(role["RoleName"], role["Arn"], key)
    contexts = [{}, {"made": "up"}, bound, *named, *({**bound, **other} for other in named)]
    pages = boto3.client("kms").get_paginator("list_aliases").paginate(KeyId=key)
    names = [key, *(alias["AliasName"] for page in pages for alias in page["Aliases"])]
    asked = [(name, context) for name in names for context in contexts]
    opens = [context for name, context in asked if key_use.decrypts(kms, name, context)]
    inspection.expect(
        not opens,
        passed="KMS refuses the role when it calls Decrypt itself",
        failed="the role may also call kms:Decrypt directly, with "
        + (f"the encryption context {json.dumps(opens[0])}" if any(opens[:1]) else "no context"),
        fix="Add the condition kms:ViaService = dynamodb.us-east-1.amazonaws.com to every "
        "statement that allows it (a grant has none).",
    )
    others = {use for name, context in asked for use in key_use.other_uses(kms, name, context)}
    others |= key_use.simulated(role["Arn"], key, "kms:ReEncryptFrom", "kms:ReEncryptTo")
    inspection.expect(
        not others,
        passed="KMS refuses it Encrypt, GenerateDataKey and ReEncrypt as well",
        failed=f"with the key the role may also call {_listed(others)} directly",
        fix="To read, it needs kms:Decrypt alone. Whatever else you allow needs kms:ViaService.",
    )
    powers = set(key_use.control(kms, key, role["Arn"]))
    powers |= key_use.simulated(
        role["Arn"], role["Arn"], "iam:PutRolePolicy", "iam:AttachRolePolicy"
    )
    inspection.expect(
        not powers,
        passed="it cannot give itself more",
        failed=f"the role may call {_listed(powers)}, and so give itself the key",
        fix="Allow it the two actions dynamodb:GetItem and kms:Decrypt, without a wildcard.",
    )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(name if ":" in name else f"kms:{name}" for name in names))
