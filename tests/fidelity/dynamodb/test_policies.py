"""Resource-based policies of tables and streams: who may, and which documents are taken.

What the probes of October 2026 saw of AWS (ack-api-quirks, DDB-TABLE-…):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
"""

import json
from typing import Any

import boto3
import pytest

from tests.support.dynamodb_tables import (
    ACCOUNT,
    ITEM,
    KEY,
    LAYOUT,
    TABLES,
    aws,
    get,
    new_table,
    put,
    refused,
    user,
)

ORDERS = TABLES + "orders"
INVALID = "One or more parameter values were invalid: "


def statement(name: str = "bob", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """Somebody may (or may not) read items of the table."""
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
    found = {"Effect": effect, "Principal": principal, "Action": "dynamodb:GetItem"}
    return {**found, "Resource": ORDERS, **more}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def attach(*statements: dict[str, Any], **more: Any) -> str:
    """Put the table's policy; its revision."""
    answer = aws("dynamodb").put_resource_policy(
        ResourceArn=ORDERS, Policy=document(*statements), **more
    )
    return str(answer["RevisionId"])


def test_a_table_s_policy_allows_what_the_caller_s_own_does_not() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    new_table("orders")
    put("orders")
    nothing = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
    bob = user("bob", nothing)
    with refused("AccessDeniedException", "no identity-based policy allows"):
        get("orders", bob)
    attach(statement())
    assert get("orders", bob) == ITEM
    with refused("AccessDeniedException", "dynamodb:PutItem"):
        bob.put_item(TableName="orders", Item=ITEM)
    leading = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["2"]}}
    attach(statement(Condition=leading))
    with refused("AccessDeniedException"):
        get("orders", bob)
    aws("dynamodb").delete_table(TableName="orders")
    new_table("orders")
    with refused("PolicyNotFoundException"):
        aws("dynamodb").get_resource_policy(ResourceArn=ORDERS)


def test_a_deny_in_a_table_s_policy_wins() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    new_table("orders")
    put("orders")
    bob = user("bob", {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"})
    attach(statement(effect="Deny"))
    with refused("AccessDeniedException", "with an explicit deny in a resource-based policy"):
        get("orders", bob)
    with refused("AccessDeniedException"):
        bob.transact_get_items(TransactItems=[{"Get": {"TableName": "orders", "Key": KEY}}])


def test_a_stream_has_a_policy_of_its_own() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html"""
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    arn = new_table("orders", StreamSpecification=stream)["LatestStreamArn"]
    iam = aws("iam")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = boto3.client(
        "dynamodbstreams",
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    attach(statement(Action="dynamodb:DescribeStream", Resource="*"))
    with refused("AccessDeniedException"):
        bob.describe_stream(StreamArn=arn)
    allow = document(statement(Action="dynamodb:DescribeStream", Resource=arn))
    aws("dynamodb").put_resource_policy(ResourceArn=arn, Policy=allow)
    assert bob.describe_stream(StreamArn=arn)["StreamDescription"]["TableName"] == "orders"


def test_revisions_guard_a_policy() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
    Texts: moto's AWS-verified tests, https://github.com/getmoto/moto,
    tests/test_dynamodb/test_dynamodb_resource_policy.py
    """
    new_table("orders")
    user("bob", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    first = attach(statement(), ExpectedRevisionId="NO_POLICY")
    assert attach(statement()) == first
    second = attach(statement(Action="dynamodb:Query"), ExpectedRevisionId=first)
    assert second > first
    told = "Resource-based policy not found for the provided ResourceArn: Requested "
    with refused(
        "PolicyNotFoundException",
        f"{told}update for policy with revision id {first}, but the policy associated to target "
        f"table orders has revision id {second}.",
    ):
        attach(statement(), ExpectedRevisionId=first)
    with refused(
        "PolicyNotFoundException",
        f"{told}policy update expecting none to be present for table orders, but a policy exists "
        f"with revision id {second}.",
    ):
        attach(statement(), ExpectedRevisionId="NO_POLICY")
    dynamodb = aws("dynamodb")
    assert dynamodb.delete_resource_policy(ResourceArn=ORDERS)["RevisionId"] == second
    assert "RevisionId" not in dynamodb.delete_resource_policy(ResourceArn=ORDERS)
    with refused(
        "ResourceNotFoundException", "Requested resource not found: Table: none not found"
    ):
        dynamodb.get_resource_policy(ResourceArn=TABLES + "none")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            statement(Action="dynamodb:ListStreams"),
            "Invalid policy document: The following action names are invalid: "
            '"dynamodb:ListStreams"',
        ),
        *(
            (
                statement(Action=f"dynamodb:{action}"),
                "Invalid policy document: The following action names are invalid: "
                f'"dynamodb:{action}"',
            )
            for action in (
                "CreateTable",
                "CreateGlobalTable",
                "DescribeGlobalTable",
                "DescribeGlobalTableSettings",
                "UpdateGlobalTable",
                "UpdateGlobalTableSettings",
            )
        ),
        (statement("nobody"), "Invalid principal in policy document."),
        (
            statement(Principal={"Service": "odd.amazonaws.com"}),
            "Invalid policy document: Policy contains invalid service principal",
        ),
    ],
)
def test_documents_that_dynamodb_does_not_take(wrong: dict[str, Any], told: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-iam-actions.html
    Texts: https://github.com/hashicorp/terraform-provider-aws/issues/42933
    https://github.com/aws/aws-cdk/pull/37335
    https://github.com/aws-controllers-k8s/dynamodb-controller/pull/176
    """
    new_table("orders")
    user("bob", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    with refused("ValidationException", INVALID + told):
        attach(wrong)
    with refused("ValidationException", INVALID + told):
        new_table("invoices", ResourcePolicy=document(wrong))
    assert aws("dynamodb").list_tables()["TableNames"] == ["orders"]


def test_a_table_is_made_with_a_policy_by_whom_may_put_one() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"""
    maker = user("bob", {"Effect": "Allow", "Action": "dynamodb:CreateTable", "Resource": "*"})
    policy = document(statement(Action="dynamodb:*"))
    with refused("AccessDeniedException", "dynamodb:PutResourcePolicy"):
        maker.create_table(TableName="orders", ResourcePolicy=policy, **LAYOUT)
    new_table("orders", ResourcePolicy=policy)
    found = maker.get_resource_policy(ResourceArn=ORDERS)["Policy"]
    assert json.loads(found) == json.loads(policy)


def test_nobody_locks_themselves_out_by_accident() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
    Text: DDB-TABLE-210 (ack-api-quirks, October 2026)
    """
    new_table("orders")
    closed = statement("workshop-admin", "Deny", Action="dynamodb:PutResourcePolicy")
    told = "The new resource policy will not allow you to update the resource policy in the future."
    with refused("AccessDeniedException", told):
        attach(closed)
    attach(closed, ConfirmRemoveSelfResourceAccess=True)
    with refused("AccessDeniedException"):
        attach(closed)


EVERYBODY: list[Any] = ["*", {"AWS": "*"}, {"AWS": [ACCOUNT, "*"]}]
UNBOUNDED = (
    "Resource-based policy grants unbounded access in one or more elements. Please revise the "
    "policy to ensure least-privilege form of access"
)


@pytest.mark.parametrize("principal", EVERYBODY)
def test_no_policy_lets_everybody_in(principal: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-bpa-rbp.html
    Text: DDB-TABLE-352, 356 (ack-api-quirks)
    """
    new_table("orders")
    open_to_all = statement(Principal=principal)
    with refused("ValidationException", UNBOUNDED):
        attach(open_to_all)
    with refused("ValidationException", UNBOUNDED):
        attach({**open_to_all, "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}})
    with refused("ValidationException", UNBOUNDED):
        new_table("invoices", ResourcePolicy=document(open_to_all))
    attach({**open_to_all, "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}})
    attach({**open_to_all, "Effect": "Deny"})


def test_a_document_is_told_again_in_dynamodb_s_form() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html
    DDB-TABLE-208, 351 to 355 (ack-api-quirks): what is the same in that form is the same policy
    """
    new_table("orders")
    dynamodb, root = aws("dynamodb"), f"arn:aws:iam::{ACCOUNT}:root"
    written = {
        "Statement": {
            "Resource": [ORDERS], "Action": ["dynamodb:GetItem"], "Effect": "allow",
            "Principal": {"AWS": [ACCOUNT, root]},
            "Condition": {"StringEquals": {"aws:PrincipalAccount": [ACCOUNT]}},
        }
    }  # fmt: skip
    first = dynamodb.put_resource_policy(ResourceArn=ORDERS, Policy=json.dumps(written, indent=4))
    found = dynamodb.get_resource_policy(ResourceArn=ORDERS)["Policy"]
    assert found == (
        f'{{"Version":"2008-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{root}"}},'
        f'"Action":"dynamodb:GetItem","Resource":"{ORDERS}",'
        f'"Condition":{{"StringEquals":{{"aws:PrincipalAccount":"{ACCOUNT}"}}}}}}]}}'
    )
    again = dynamodb.put_resource_policy(ResourceArn=ORDERS, Policy=json.dumps(written))
    assert again["RevisionId"] == first["RevisionId"]
    with_version = dynamodb.put_resource_policy(ResourceArn=ORDERS, Policy=found)
    assert with_version["RevisionId"] != first["RevisionId"]
    several = statement(
        Principal={"AWS": ACCOUNT}, Action=["dynamodb:Query", "dynamodb:getitem", "dynamodb:Query"]
    )
    attach(several)
    kept = json.loads(dynamodb.get_resource_policy(ResourceArn=ORDERS)["Policy"])
    assert kept["Statement"][0]["Action"] == several["Action"]


def test_what_dynamodb_says_of_a_document_that_is_none() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
    Texts: DDB-TABLE-211, 356 (ack-api-quirks)
    """
    new_table("orders")
    mine = {**statement(Principal={"AWS": ACCOUNT}), "Sid": "Same"}
    long = document(mine) + " " * 20_480
    for policy, told in (
        ("{not json", "Invalid policy document: This policy contains invalid Json"),
        (document(), "Invalid policy document: Could not parse the policy: Statement is empty!"),
        (
            document(mine, mine),
            "Invalid policy document: The Statement Ids in the policy are not unique",
        ),
        (long, "Maximum policy size of 20480 bytes exceeded"),
    ):
        with refused("ValidationException", INVALID + told):
            aws("dynamodb").put_resource_policy(ResourceArn=ORDERS, Policy=policy)


@pytest.mark.parametrize("operation", ["get", "put", "delete"])
def test_a_policy_is_a_table_s_or_a_stream_s(operation: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html
    Texts: DDB-TABLE-212 (ack-api-quirks)
    """
    new_table("orders")
    call = getattr(aws("dynamodb"), f"{operation}_resource_policy")
    more = {"Policy": document(statement(Principal={"AWS": ACCOUNT}))} if operation == "put" else {}
    for arn, told in (
        ("orders", "ARNs must start with 'arn:': orders"),
        ("arn:aws:s3:::orders-of-ours/or-others", "Provided Arn is not a DynamoDB resource arn: "),
        (f"{ORDERS}/backup/0170", "Provided Arn is not a DynamoDB resource arn: "),
        (f"{ORDERS}/index/by-day", "Invalid resource arn provided, only table or stream is "),
        (ORDERS.replace("us-east-1", "us-west-2"), "Invalid resource Arn: arn:aws:dynamodb:us-w"),
    ):
        with refused("ValidationException", INVALID + told):
            call(ResourceArn=arn, **more)
    told = "Requested resource not found: Stream: 2000-01-01T00:00:00.000 not found for Table: "
    with refused("ResourceNotFoundException", f"{told}orders"):
        call(ResourceArn=f"{ORDERS}/stream/2000-01-01T00:00:00.000", **more)
