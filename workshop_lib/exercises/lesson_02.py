"""Exercises of lesson 02: DynamoDB client-side encryption."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.stored_items import is_ciphertext

DESCRIPTION = "*amzn-ddb-map-desc*"
LAYOUT = {"customer": "S", "order_no": "N"}


@exercise("2.1", "a readable city, and the rest secret")
def readable_city(inspection: Inspection) -> None:
    """Order lin/21 of the tagged table: city text, card and phone ciphertext, all signed."""
    described = inspection.table()
    name = described["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    inspection.keyed(described, LAYOUT, "1a")
    table = boto3.resource("dynamodb").Table(name)
    item: dict[str, Any] = table.get_item(Key={"customer": "lin", "order_no": 21}).get("Item", {})
    inspection.require(
        item,
        passed="it holds the order lin, 21",
        failed="it holds no order with customer lin and order_no 21",
        fix='Write it through an EncryptedTable: put_item(Item={"customer": "lin", …}).',
    )
    absent = [attribute for attribute in ("city", "card", "phone") if attribute not in item]
    inspection.require(
        not absent,
        passed="the order has a city, a card and a phone",
        failed=f"the order lacks {' and '.join(absent)}",
        fix="Add what is lacking and write the order again.",
    )
    inspection.require(
        DESCRIPTION in item,
        passed="the encryption client wrote it: there is a material description",
        failed="it was written without the encryption client: there is no material description",
        fix="Write through EncryptedTable(…).put_item, not through the plain table.",
    )
    inspection.expect(
        isinstance(item["city"], str),
        passed=f"a plain reader sees the city {item['city']!r}",
        failed="the city is encrypted, so the index cannot find it",
        fix='Add "city": CryptoAction.SIGN_ONLY to the attribute actions.',
    )
    readable = [name for name in ("card", "phone") if not is_ciphertext(item[name])]
    inspection.expect(
        not readable,
        passed="card and phone are ciphertext",
        failed=f"a plain reader sees {' and '.join(readable)}",
        fix="Let ENCRYPT_AND_SIGN be the default action, and make no exception for them.",
    )


@exercise("2.2", "a writer that cannot leak through PartiQL")
def no_partiql(inspection: Inspection) -> None:
    """The tagged role puts items, and is refused PartiQL even when all of DynamoDB is allowed."""
    role = inspection.role()
    inspection.passed(f"the role {role['RoleName']} carries the tag")
    writer = inspection.become(role).client("dynamodb")
    described = inspection.table("2.1")
    inspection.keyed(described, LAYOUT, "1a")
    table = described["TableName"]
    probe = {"customer": {"S": "exercise-check"}, "order_no": {"N": "22"}}
    inspection.expect(
        _allowed(lambda: writer.put_item(TableName=table, Item=probe)),
        passed="the role may put items",
        failed="the role may not put items",
        fix="Allow it dynamodb:PutItem on the table of exercise 2.1.",
    )
    statement = f"INSERT INTO \"{table}\" VALUE {{'customer': 'exercise-check', 'order_no': 23}}"
    with _everything_allowed(role["RoleName"]):
        leaked = _allowed(lambda: writer.execute_statement(Statement=statement))
    dynamodb = boto3.client("dynamodb")
    for number in ("22", "23"):
        dynamodb.delete_item(TableName=table, Key={**probe, "order_no": {"N": number}})
    inspection.expect(
        not leaked,
        passed="PartiQL is refused, although a second policy allowed all of DynamoDB",
        failed="with a second policy that allows dynamodb:*, the role inserted with PartiQL",
        fix='Add a statement with "Effect": "Deny" and "Action": "dynamodb:PartiQL*".',
    )


def _allowed(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True


class _everything_allowed:
    """Within the block, the role has a policy that allows all of DynamoDB."""

    def __init__(self, role: str) -> None:
        self._name = {"RoleName": role, "PolicyName": "exercise-check"}

    def __enter__(self) -> None:
        statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        boto3.client("iam").put_role_policy(**self._name, PolicyDocument=document)

    def __exit__(self, *_: object) -> None:
        boto3.client("iam").delete_role_policy(**self._name)
