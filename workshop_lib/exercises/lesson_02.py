"""Exercises of lesson 02: DynamoDB client-side encryption."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import Look, exercise
from workshop_lib.exercises.items import is_ciphertext

DESCRIPTION = "*amzn-ddb-map-desc*"
LAYOUT = {"customer": "S", "order_no": "N"}


@exercise("2.1", "a readable city, and the rest secret")
def readable_city(look: Look) -> None:
    """Order lin/21 of the tagged table: city text, card and phone ciphertext, all signed."""
    found = look.table()
    name = found["TableName"]
    look.saw(f"the table {name} carries the tag")
    look.keyed(found, LAYOUT, "1a")
    table = boto3.resource("dynamodb").Table(name)
    item: dict[str, Any] = table.get_item(Key={"customer": "lin", "order_no": 21}).get("Item", {})
    look.need(
        item,
        saw="it holds the order lin, 21",
        missing="it holds no order with customer lin and order_no 21",
        fix='Write it through an EncryptedTable: put_item(Item={"customer": "lin", …}).',
    )
    absent = [attribute for attribute in ("city", "card", "phone") if attribute not in item]
    look.need(
        not absent,
        saw="the order has a city, a card and a phone",
        missing=f"the order lacks {' and '.join(absent)}",
        fix="Add what is lacking and write the order again.",
    )
    look.need(
        DESCRIPTION in item,
        saw="the encryption client wrote it: there is a material description",
        missing="it was written without the encryption client: there is no material description",
        fix="Write through EncryptedTable(…).put_item, not through the plain table.",
    )
    look.want(
        isinstance(item["city"], str),
        saw=f"a plain reader sees the city {item['city']!r}",
        missing="the city is encrypted, so the index cannot find it",
        fix='Add "city": CryptoAction.SIGN_ONLY to the attribute actions.',
    )
    readable = [name for name in ("card", "phone") if not is_ciphertext(item[name])]
    look.want(
        not readable,
        saw="card and phone are ciphertext",
        missing=f"a plain reader sees {' and '.join(readable)}",
        fix="Let ENCRYPT_AND_SIGN be the default action, and make no exception for them.",
    )


@exercise("2.2", "a writer that cannot leak through PartiQL")
def no_partiql(look: Look) -> None:
    """The tagged role puts items, and is refused PartiQL even when all of DynamoDB is allowed."""
    role = look.role()
    look.saw(f"the role {role['RoleName']} carries the tag")
    writer = look.become(role).client("dynamodb")
    found = look.table("2.1")
    look.keyed(found, LAYOUT, "1a")
    table = found["TableName"]
    probe = {"customer": {"S": "exercise-check"}, "order_no": {"N": "22"}}
    look.want(
        _allowed(lambda: writer.put_item(TableName=table, Item=probe)),
        saw="the role may put items",
        missing="the role may not put items",
        fix="Allow it dynamodb:PutItem on the table of exercise 2.1.",
    )
    statement = f"INSERT INTO \"{table}\" VALUE {{'customer': 'exercise-check', 'order_no': 23}}"
    with _everything_allowed(role["RoleName"]):
        leaked = _allowed(lambda: writer.execute_statement(Statement=statement))
    dynamodb = boto3.client("dynamodb")
    for number in ("22", "23"):
        dynamodb.delete_item(TableName=table, Key={**probe, "order_no": {"N": number}})
    look.want(
        not leaked,
        saw="PartiQL is refused, although a second policy allowed all of DynamoDB",
        missing="with a second policy that allows dynamodb:*, the role inserted with PartiQL",
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
