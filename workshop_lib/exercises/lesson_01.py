"""Exercises of lesson 01: DynamoDB encryption at rest."""

import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.one_service import only_through
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
    named = _last_switch(table)
    inspection.expect(
        any(named.endswith(alias) for alias in ours),
        passed="CloudTrail has the UpdateTable that named the key by this alias",
        failed="CloudTrail has no UpdateTable of this table that named the key by this alias"
        + (f" (the last one named {named})" if named else ""),
        fix="Call update_table with the alias as KMSMasterKeyId, and let a minute pass.",
    )


def _last_switch(table: dict[str, Any]) -> str:
    """How the last successful switch of a table named its key; empty if there was none.

    A table of the same name that was there earlier is another one.
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
    """
    switches = {"AttributeKey": "EventName", "AttributeValue": "UpdateTable"}
    trail = boto3.client("cloudtrail").get_paginator("lookup_events")
    made = table["CreationDateTime"].replace(microsecond=0)  # events are dated by the second
    for page in trail.paginate(LookupAttributes=[switches], StartTime=made):
        for event in page["Events"]:
            record = json.loads(event["CloudTrailEvent"])
            asked = record["requestParameters"] or {}
            name: str = asked.get("sSESpecification", {}).get("kMSMasterKeyId", "")
            about = asked.get("tableName", "").rpartition("/")[2]  # a table may be named by its ARN
            if name and about == table["TableName"] and "errorCode" not in record:
                return name
    return ""


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
    found = _read(inspection, reader, table["TableName"])
    inspection.require(
        found,
        passed="the role reads item 3003",
        failed="the role may read, but there is no item 3003",
        fix='Write it: put_item(TableName=…, Item={"order_id": {"S": "3003"}}).',
    )
    bound = {
        "aws:dynamodb:tableName": table["TableName"],
        "aws:dynamodb:subscriberId": table["TableArn"].split(":")[4],
    }
    only_through(inspection, "dynamodb", reader, role, key["Arn"], [bound])


def _read(inspection: Inspection, reader: boto3.Session, table: str) -> bool:
    """Whether the role gets item 3003, by whichever way it may read; ends the check if by none."""
    dynamodb, key = reader.client("dynamodb"), {"order_id": {"S": "3003"}}
    by_key = {
        "KeyConditionExpression": "order_id = :id",
        "ExpressionAttributeValues": {":id": key["order_id"]},
    }
    select = f"SELECT * FROM \"{table}\" WHERE order_id = '3003'"
    ways: list[Callable[[], Any]] = [
        lambda: dynamodb.get_item(TableName=table, Key=key).get("Item"),
        lambda: dynamodb.query(TableName=table, **by_key)["Items"],
        lambda: dynamodb.batch_get_item(RequestItems={table: {"Keys": [key]}})["Responses"][table],
        lambda: key in dynamodb.scan(TableName=table, ProjectionExpression="order_id")["Items"],
        lambda: dynamodb.execute_statement(Statement=select)["Items"],
        lambda: key in dynamodb.scan(TableName=table)["Items"],
    ]
    refusals = []
    for way in ways:
        try:
            return bool(way())
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            refusals.append(error.response["Error"]["Message"])
    if any("KMS" in text for text in refusals):
        inspection.fail(
            "the role may not use the key",
            "Allow it kms:Decrypt with kms:ViaService (step 4g) in its policy.",
        )
    what = "the role may not call GetItem on the table"
    return inspection.fail(what, "Allow it dynamodb:GetItem in its policy.")
