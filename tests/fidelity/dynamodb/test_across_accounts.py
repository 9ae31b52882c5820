"""Tables that other accounts use, by the table's ARN and its resource-based policy.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-cross-account-access.html
"""

from typing import Any

import boto3
import pytest

from tests.support.accounts import HOME, REGION, allow, document, id_of, other, root, user
from tests.support.kms_people import refused
from workshop_lib.errors import NotEmulated

ARN = f"arn:aws:dynamodb:{REGION}:{HOME}:table/orders"
ITEM = {"id": {"S": "1"}}


def table(session: Any = boto3, name: str = "orders") -> Any:
    """A new table in a session's account: the client that made it."""
    dynamodb = session.client("dynamodb", region_name=REGION)
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def open_to(who: str, *actions: str) -> None:
    """Let a principal in to the first account's table."""
    statement = allow(list(actions or ["dynamodb:*Item"]), ARN, Principal={"AWS": who})
    boto3.client("dynamodb", region_name=REGION).put_resource_policy(
        ResourceArn=ARN, Policy=document(statement)
    )


def test_another_accounts_table_needs_its_policy_and_the_callers() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-cross-account-access.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    audit, home = other(), table()
    theirs = audit.client("dynamodb")
    me = audit.client("sts").get_caller_identity()["Arn"]
    words = (
        f"User: {me} is not authorized to perform: dynamodb:PutItem on resource: {ARN} because no "
        "resource-based policy allows the dynamodb:PutItem action"
    )
    with refused("AccessDeniedException", words):
        theirs.put_item(TableName=ARN, Item=ITEM)
    open_to(root(id_of(audit)))
    theirs.put_item(TableName=ARN, Item=ITEM)
    assert home.get_item(TableName="orders", Key=ITEM)["Item"] == ITEM
    arn, nobody = user(audit, "nobody")
    open_to(arn)
    with refused("AccessDeniedException"):
        nobody.client("dynamodb").get_item(TableName=ARN, Key=ITEM)


def test_a_bare_name_is_the_callers_own_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-cross-account-access.html"""
    audit, home = other(), table()
    theirs = table(audit)
    open_to(root(id_of(audit)))
    theirs.put_item(TableName="orders", Item=ITEM)
    assert "Item" not in home.get_item(TableName="orders", Key=ITEM)
    theirs.put_item(TableName=ARN, Item={"id": {"S": "2"}})
    assert theirs.scan(TableName="orders")["Items"] == [ITEM]
    assert home.scan(TableName="orders")["Items"] == [{"id": {"S": "2"}}]


def test_batches_and_transactions_reach_another_accounts_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
    audit = other()
    table()
    theirs = table(audit)
    open_to(root(id_of(audit)), "dynamodb:PutItem", "dynamodb:BatchGetItem", "dynamodb:GetItem")
    theirs.transact_write_items(TransactItems=[{"Put": {"TableName": ARN, "Item": ITEM}}])
    found = theirs.batch_get_item(RequestItems={ARN: {"Keys": [ITEM]}})["Responses"]
    assert [*found.values()] == [[ITEM]]
    with refused("AccessDeniedException"):
        theirs.batch_write_item(RequestItems={ARN: [{"PutRequest": {"Item": ITEM}}]})
    with pytest.raises(NotEmulated):
        theirs.batch_get_item(RequestItems={ARN: {"Keys": [ITEM]}, "orders": {"Keys": [ITEM]}})


def test_a_table_of_an_account_that_is_not_there_is_nobodys() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-cross-account-access.html"""
    home = table()
    with refused("AccessDeniedException"):
        home.put_item(TableName=ARN.replace(HOME, "444455556666"), Item=ITEM)


def test_a_deny_in_the_tables_policy_reaches_into_the_other_account() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"""
    audit = other()
    table()
    let_in = allow("dynamodb:*Item", ARN, Principal={"AWS": root(id_of(audit))})
    barred = {**allow("dynamodb:DeleteItem", ARN, Principal="*"), "Effect": "Deny"}
    boto3.client("dynamodb", region_name=REGION).put_resource_policy(
        ResourceArn=ARN, Policy=document(let_in, barred)
    )
    audit.client("dynamodb").put_item(TableName=ARN, Item=ITEM)
    with refused("AccessDeniedException"):
        audit.client("dynamodb").delete_item(TableName=ARN, Key=ITEM)
