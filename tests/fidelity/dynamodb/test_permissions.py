"""Who may do what with a table and its key; what DynamoDB does with the key, and in whose name.

Whom DynamoDB itself refuses, it tells in IAM's words:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
What the probes of October 2026 saw of AWS (ack-api-quirks, DDB-TABLE-…):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
"""

import json
from typing import Any

import pytest

from tests.support.dynamodb_tables import (
    ACCOUNT,
    ITEM,
    KEY,
    LAYOUT,
    TABLES,
    allow,
    aws,
    get,
    later,
    new_key,
    new_table,
    put,
    refused,
    under,
    user,
)

CONTEXT = {"aws:dynamodb:tableName": "orders", "aws:dynamodb:subscriberId": ACCOUNT}
NOT_ALLOWED = (
    "KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: User: arn:",
    ":user/reader is not authorized to perform: kms:Decrypt on resource: arn:",
    " because no identity-based policy allows the kms:Decrypt action (Service: AWSKMS; Status "
    "Code: 400; Error Code: AccessDeniedException; Request ID: ",
)


def on(table: str, *actions: str, **condition: Any) -> dict[str, Any]:
    """A statement that allows actions on a table, under conditions."""
    names = [f"dynamodb:{action}" for action in actions]
    found: dict[str, Any] = {"Effect": "Allow", "Action": names, "Resource": TABLES + table}
    return {**found, "Condition": condition} if condition else found


def denied(action: str, table: str = "orders") -> Any:
    """The block must be refused for want of this permission."""
    return refused(
        "AccessDeniedException",
        f"is not authorized to perform: dynamodb:{action} on resource: {TABLES}{table} because no "
        f"identity-based policy allows the dynamodb:{action} action",
    )


# --- the key ------------------------------------------------------------------------------


def test_a_customer_managed_key_is_a_second_lock() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    DynamoDB passes on what KMS says: DDB-TABLE-023 (of kms:CreateGrant). KMS's words, of
    kms:Decrypt through another service:
    https://github.com/cattle-ops/terraform-aws-gitlab-runner/pull/1253; until 2022 they were
    others (https://github.com/aws/aws-cdk/issues/10010).
    """
    arn = new_key()
    new_table("orders", under(arn))
    put("orders")
    may_read = on("orders", "GetItem", "PutItem")
    reader = user("reader", may_read)
    with refused("AccessDeniedException", *NOT_ALLOWED):
        get("orders", reader)
    with refused("AccessDeniedException", *NOT_ALLOWED):
        reader.put_item(TableName="orders", Item=ITEM)
    conditions = {
        "kms:ViaService": "dynamodb.us-east-1.amazonaws.com",
        "kms:EncryptionContext:aws:dynamodb:tableName": "orders",
        "kms:EncryptionContext:aws:dynamodb:subscriberId": ACCOUNT,
    }
    decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": arn}
    allow("reader", may_read, {**decrypt, "Condition": {"StringEquals": conditions}})
    assert get("orders", reader) == ITEM


def test_a_permission_withdrawn_is_noticed_after_five_minutes() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html"""
    arn = new_key()
    new_table("orders", under(arn))
    put("orders")
    may_read = on("orders", "GetItem")
    reader = user("reader", may_read, {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": arn})
    assert get("orders", reader) == ITEM
    allow("reader", may_read)
    assert get("orders", reader) == ITEM
    later(minutes=5)
    with refused("AccessDeniedException", *NOT_ALLOWED):
        get("orders", reader)


@pytest.mark.parametrize("specification", [None, {"Enabled": True}])
def test_the_other_keys_are_no_lock(specification: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""
    new_table("orders", specification)
    put("orders")
    assert get("orders", user("reader", on("orders", "GetItem"))) == ITEM
    with denied("GetItem"):
        get("orders", user("stranger", on("invoices", "GetItem")))


@pytest.mark.parametrize("missing", ["DescribeKey", "CreateGrant", "Decrypt"])
def test_who_chooses_a_key_must_be_allowed_to(missing: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    Key policy for a customer managed key
    Words: DDB-TABLE-023
    """
    arn = new_key()
    needed = [f"kms:{name}" for name in ("DescribeKey", "CreateGrant", "Decrypt")]
    maker = user(
        "maker",
        on("*", "CreateTable"),
        {
            "Effect": "Allow",
            "Action": [name for name in needed if name != f"kms:{missing}"],
            "Resource": arn,
        },
    )
    with refused("AccessDeniedException", "KMS key access denied error: "):
        maker.create_table(TableName="orders", SSESpecification=under(arn), **LAYOUT)
    assert aws("dynamodb").list_tables()["TableNames"] == []
    assert aws("kms").list_grants(KeyId=arn)["Grants"] == []


def test_each_table_has_its_grant() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    Using grants to authorize DynamoDB
    """
    arn = new_key()
    new_table("orders", under(arn))
    new_table("invoices", under(arn))
    grants = aws("kms").list_grants(KeyId=arn)["Grants"]
    assert len(grants) == 2
    service = "dynamodb.us-east-1.amazonaws.com"
    assert grants[0]["GranteePrincipal"] == grants[0]["RetiringPrincipal"] == service
    assert grants[0]["Constraints"] == {"EncryptionContextSubset": CONTEXT}
    assert set(grants[0]["Operations"]) == {
        "DescribeKey", "GenerateDataKey", "Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo",
        "RetireGrant",
    }  # fmt: skip
    aws("dynamodb").delete_table(TableName="orders")
    left = aws("kms").list_grants(KeyId=arn)["Grants"]
    assert [grant["GrantId"] for grant in left] == [grants[1]["GrantId"]]


def kms_events() -> list[dict[str, Any]]:
    """KMS's events that DynamoDB made, oldest first."""
    found = aws("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventSource", "AttributeValue": "kms.amazonaws.com"}]
    )["Events"]
    events = [json.loads(event["CloudTrailEvent"]) for event in reversed(found)]
    return [e for e in events if e["userIdentity"].get("invokedBy") == "dynamodb.amazonaws.com"]


def test_cloudtrail_shows_what_dynamodb_asked_of_kms() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    Monitoring DynamoDB interaction with AWS KMS
    """
    arn = new_key()
    new_table("orders", under(arn))
    made = {event["eventName"]: event for event in kms_events()}
    assert list(made) == ["DescribeKey", "CreateGrant", "GenerateDataKey", "Decrypt"]
    assert made["CreateGrant"]["userIdentity"]["userName"] == "workshop-admin"
    assert made["GenerateDataKey"]["userIdentity"]["type"] == "AWSService"
    assert made["Decrypt"]["userIdentity"]["userName"] == "workshop-admin"
    for name in ("GenerateDataKey", "Decrypt"):
        assert made[name]["requestParameters"]["encryptionContext"] == CONTEXT
        assert made[name]["resources"][0]["ARN"] == arn


def test_the_table_key_is_fetched_every_five_minutes() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html"""
    new_table("orders", {"Enabled": True})
    made = len(kms_events())
    for _ in range(20):
        put("orders")
    assert len(kms_events()) == made
    later(minutes=6)
    for _ in range(3):
        get("orders")
    assert [event["eventName"] for event in kms_events()[made:]] == ["Decrypt"]
    new_table("default")
    put("default")
    assert len(kms_events()) == made + 1


# --- actions and resources ----------------------------------------------------------------

READ = {"TableName": "orders", "Key": KEY}
IS_THERE = {"ConditionExpression": "attribute_exists(id)"}
ACTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("GetItem", "get_item", READ),
    ("GetItem", "get_item", {**READ, "TableName": f"{TABLES}orders"}),
    ("PutItem", "put_item", {"TableName": "orders", "Item": ITEM}),
    ("UpdateItem", "update_item", READ),
    ("DeleteItem", "delete_item", READ),
    ("Scan", "scan", {"TableName": "orders"}),
    ("DescribeTable", "describe_table", {"TableName": "orders"}),
    ("UpdateTable", "update_table", {"TableName": "orders", "DeletionProtectionEnabled": False}),
    ("CreateBackup", "create_backup", {"TableName": "orders", "BackupName": "monday"}),
    ("TagResource", "tag_resource", {
        "ResourceArn": f"{TABLES}orders", "Tags": [{"Key": "a", "Value": "b"}],
    }),
    ("BatchGetItem", "batch_get_item", {"RequestItems": {"orders": {"Keys": [KEY]}}}),
    ("BatchWriteItem", "batch_write_item", {
        "RequestItems": {"orders": [{"PutRequest": {"Item": ITEM}}]},
    }),
    ("GetItem", "transact_get_items", {"TransactItems": [{"Get": READ}]}),
    ("PutItem", "transact_write_items", {
        "TransactItems": [{"Put": {"TableName": "orders", "Item": ITEM}}],
    }),
    ("ConditionCheckItem", "transact_write_items", {
        "TransactItems": [{"ConditionCheck": {**READ, **IS_THERE}}],
    }),
    ("PartiQLSelect", "execute_statement", {"Statement": "SELECT * FROM orders WHERE id='1'"}),
    ("PartiQLInsert", "execute_statement", {"Statement": "INSERT INTO orders VALUE {'id': '2'}"}),
    ("PartiQLUpdate", "execute_statement", {"Statement": "UPDATE orders SET a='2' WHERE id='1'"}),
    ("PartiQLDelete", "execute_statement", {"Statement": 'DELETE FROM "orders" WHERE id=\'1\''}),
    ("PartiQLSelect", "execute_transaction", {
        "TransactStatements": [{"Statement": "SELECT * FROM orders WHERE id='1'"}],
    }),
]  # fmt: skip


@pytest.mark.parametrize(("action", "method", "parameters"), ACTIONS)
def test_the_action_that_is_needed(action: str, method: str, parameters: Any) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_dynamodb.html
    Transactions: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    PartiQL: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
    """
    new_table("orders")
    put("orders")
    somebody = user("somebody", on("orders", "Nothing"))
    with denied(action):
        getattr(somebody, method)(**parameters)
    allow("somebody", on("orders", action))
    getattr(somebody, method)(**parameters)


def test_an_index_is_a_resource_of_its_own() -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_dynamodb.html"""
    index = {
        "IndexName": "all",
        "KeySchema": LAYOUT["KeySchema"],
        "Projection": {"ProjectionType": "ALL"},
    }
    new_table("orders", GlobalSecondaryIndexes=[index])
    somebody = user("somebody", on("orders", "Scan"))
    somebody.scan(TableName="orders")
    with denied("Scan", "orders/index/all"):
        somebody.scan(TableName="orders", IndexName="all")
    statement = {"Statement": 'SELECT id FROM orders."all"'}
    with denied("PartiQLSelect", "orders/index/all"):
        somebody.execute_statement(**statement)
    allow("somebody", on("orders/index/*", "Scan", "PartiQLSelect"))
    somebody.scan(TableName="orders", IndexName="all")
    assert somebody.execute_statement(**statement)["Items"] == []


def test_a_list_has_no_resource() -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_dynamodb.html"""
    somebody = user("somebody", on("*", "ListTables"))
    with refused("AccessDeniedException", "dynamodb:ListTables on resource: * because"):
        somebody.list_tables()


# --- conditions ---------------------------------------------------------------------------


def test_leading_keys() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html"""
    new_table("orders")
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
    actions = ("GetItem", "PutItem", "Query", "BatchGetItem", "BatchWriteItem", "PartiQLSelect")
    alice = user("alice", on("orders", *actions, **own))
    mine, other = {"id": {"S": "alice"}}, {"id": {"S": "bob"}}
    alice.put_item(TableName="orders", Item=mine)
    alice.get_item(TableName="orders", Key=mine)
    with denied("GetItem"):
        alice.get_item(TableName="orders", Key=other)
    with denied("BatchGetItem"):
        alice.batch_get_item(RequestItems={"orders": {"Keys": [mine, other]}})
    with denied("BatchWriteItem"):
        alice.batch_write_item(RequestItems={"orders": [{"DeleteRequest": {"Key": other}}]})
    query: dict[str, Any] = {
        "TableName": "orders",
        "KeyConditionExpression": "#k = :v",
        "ExpressionAttributeNames": {"#k": "id"},
    }
    alice.query(**query, ExpressionAttributeValues={":v": mine["id"]})
    with denied("Query"):
        alice.query(**query, ExpressionAttributeValues={":v": other["id"]})
    select = "SELECT * FROM orders WHERE id = ?"
    alice.execute_statement(Statement=select, Parameters=[mine["id"]])
    with denied("PartiQLSelect"):
        alice.execute_statement(Statement=select, Parameters=[other["id"]])


def test_attributes_and_select() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html"""
    new_table("orders")
    put("orders")
    limits = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "amount"]},
        "StringEqualsIfExists": {
            "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
            "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"],
        },
    }
    clerk = user("clerk", on("orders", "GetItem", "UpdateItem", "Scan", **limits))
    clerk.get_item(**READ, ProjectionExpression="id, amount")
    with denied("GetItem"):
        clerk.get_item(**READ)
    with denied("GetItem"):
        clerk.get_item(**READ, ProjectionExpression="#c", ExpressionAttributeNames={"#c": "card"})
    with denied("Scan"):
        clerk.scan(TableName="orders", FilterExpression="attribute_exists(card)",
                   ProjectionExpression="id")  # fmt: skip
    amount: dict[str, Any] = {
        "UpdateExpression": "SET amount = if_not_exists(amount, :zero)",
        "ExpressionAttributeValues": {":zero": {"N": "0"}},
    }
    clerk.update_item(**READ, **amount)
    with denied("UpdateItem"):
        clerk.update_item(**READ, **amount, ReturnValues="ALL_NEW")
    with denied("UpdateItem"):
        clerk.update_item(**READ, UpdateExpression="SET amount = card")


def test_no_full_table_scan_by_partiql() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html"""
    new_table("orders")
    deny = {
        "Effect": "Deny",
        "Action": "dynamodb:PartiQLSelect",
        "Resource": f"{TABLES}orders",
        "Condition": {"Bool": {"dynamodb:FullTableScan": ["true"]}},
    }
    clerk = user("clerk", on("orders", "PartiQLSelect"), deny)
    clerk.execute_statement(Statement="SELECT * FROM orders WHERE id IN ['1', '2']")
    for scan in ("SELECT * FROM orders", "SELECT * FROM orders WHERE id='1' OR card='2'"):
        with refused("AccessDeniedException", "with an explicit deny in an identity-based policy"):
            clerk.execute_statement(Statement=scan)


def test_only_within_a_transaction() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html"""
    new_table("orders")
    enclosed = {"StringEquals": {"dynamodb:EnclosingOperation": "TransactWriteItems"}}
    clerk = user("clerk", on("orders", "PutItem", **enclosed))
    with denied("PutItem"):
        clerk.put_item(TableName="orders", Item=ITEM)
    clerk.transact_write_items(TransactItems=[{"Put": {"TableName": "orders", "Item": ITEM}}])


def test_tags_of_the_request_and_of_the_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/attribute-based-access-control.html"""
    teams = {"StringEquals": {"aws:RequestTag/team": "sales"}}
    maker = user("maker", on("*", "CreateTable", "TagResource", **teams))
    with denied("CreateTable"):
        maker.create_table(TableName="orders", **LAYOUT)
    maker.create_table(TableName="orders", Tags=[{"Key": "team", "Value": "sales"}], **LAYOUT)
    new_table("invoices")
    own = {"StringEquals": {"aws:ResourceTag/team": "sales"}}
    reader = user("reader", on("*", "GetItem", **own))
    reader.get_item(**READ)
    with denied("GetItem", "invoices"):
        reader.get_item(TableName="invoices", Key=KEY)


def test_a_restore_writes_in_the_callers_name() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/backuprestore_IAM.html"""
    new_table("orders")
    dynamodb = aws("dynamodb")
    backup = dynamodb.create_backup(TableName="orders", BackupName="monday")["BackupDetails"]
    wanted = {"TargetTableName": "again", "BackupArn": backup["BackupArn"]}
    writes = ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchWriteItem")
    somebody = user("somebody", on("*", "RestoreTableFromBackup"))
    with denied("PutItem", "again"):
        somebody.restore_table_from_backup(**wanted)
    allow("somebody", on("*", "RestoreTableFromBackup", *writes))
    somebody.restore_table_from_backup(**wanted)
