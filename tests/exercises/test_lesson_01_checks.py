"""The checks of lesson 01 name what went wrong, for the mistakes that learners make."""

import json
from typing import Any

import boto3
import pytest

from tests.support.handed_in import missing, tagged_role
from workshop_lib.lab import Lab

VIA = {"StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}}


def new_key(**more: Any) -> str:
    return str(boto3.client("kms").create_key(**more)["KeyMetadata"]["Arn"])


def under(key: str) -> dict[str, Any]:
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def new_table(number: str, **more: Any) -> str:
    boto3.client("dynamodb").create_table(
        TableName=f"table-{number}",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "exercise", "Value": number}],
        **more,
    )
    return f"table-{number}"


# --- 1.1 ---------------------------------------------------------------------------------------


def test_the_aws_managed_key_is_right_however_it_is_asked_for(lab: Lab) -> None:
    new_table("1.1", SSESpecification={"Enabled": True})
    assert missing("1.1", lab) == []


def test_a_switch_to_the_aws_managed_key_is_right(lab: Lab) -> None:
    table = new_table("1.1", SSESpecification=under(new_key()))
    specification = {"Enabled": True, "SSEType": "KMS"}
    boto3.client("dynamodb").update_table(TableName=table, SSESpecification=specification)
    lab.later(minutes=1)
    assert missing("1.1", lab) == []


def test_the_other_two_kinds_of_key_are_named(lab: Lab) -> None:
    new_table("1.1", SSESpecification={"Enabled": False})
    assert missing("1.1", lab) == [
        "it is encrypted under the AWS owned key: it has no SSEDescription"
    ]
    boto3.client("dynamodb").delete_table(TableName="table-1.1")
    new_table("1.1", SSESpecification=under(new_key()))
    assert missing("1.1", lab) == ["its key is a customer managed one: KeyManager is CUSTOMER"]


# --- 1.2 ---------------------------------------------------------------------------------------


@pytest.fixture
def key(lab: Lab) -> str:
    """A key with an alias as the exercise wants it."""
    arn = new_key()
    boto3.client("kms").create_alias(AliasName="alias/exercise-key", TargetKeyId=arn)
    return arn


def switch(lab: Lab, table: str, name: str) -> None:
    boto3.client("dynamodb").update_table(TableName=table, SSESpecification=under(name))
    lab.later(minutes=1)


@pytest.mark.parametrize("prefix", ["", "arn:aws:kms:us-east-1:123456789012:"])
def test_the_alias_may_be_named_by_its_arn(lab: Lab, key: str, prefix: str) -> None:
    switch(lab, new_table("1.2"), f"{prefix}alias/exercise-key")
    assert missing("1.2", lab) == []


def test_a_second_alias_of_the_key_does_no_harm(lab: Lab, key: str) -> None:
    boto3.client("kms").create_alias(AliasName="alias/orders", TargetKeyId=key)
    switch(lab, new_table("1.2"), "alias/exercise-key")
    assert missing("1.2", lab) == []


def test_a_key_that_was_named_by_its_arn_is_told_from_one_named_by_its_alias(
    lab: Lab, key: str
) -> None:
    table = new_table("1.2")
    switch(lab, table, key)
    (said,) = missing("1.2", lab)
    assert "no UpdateTable of this table that named the key by this alias" in said
    assert key in said
    switch(lab, table, "alias/exercise-key")  # the fix that the check proposes
    assert missing("1.2", lab) == []


def test_a_table_that_was_made_under_the_key_was_not_switched(lab: Lab, key: str) -> None:
    new_table("1.2", SSESpecification=under("alias/exercise-key"))
    (said,) = missing("1.2", lab)
    assert said.endswith("named the key by this alias")


def test_a_switch_that_was_refused_or_of_another_table_does_not_count(lab: Lab, key: str) -> None:
    other = new_table("1.9")
    switch(lab, other, "alias/exercise-key")
    table = new_table("1.2", SSESpecification=under(key))
    boto3.client("kms").disable_key(KeyId=key)
    with pytest.raises(Exception, match="is disabled"):
        switch(lab, table, "alias/exercise-key")
    boto3.client("kms").enable_key(KeyId=key)
    (said,) = missing("1.2", lab)
    assert "no UpdateTable" in said


def test_an_alias_of_another_name_is_named(lab: Lab) -> None:
    boto3.client("kms").create_alias(AliasName="alias/orders", TargetKeyId=new_key())
    switch(lab, new_table("1.2"), "alias/orders")
    (said,) = missing("1.2", lab)
    assert "no alias that begins with alias/exercise- (it has ['alias/orders'])" in said


# --- 1.3 ---------------------------------------------------------------------------------------


@pytest.fixture
def locked(lab: Lab, key: str) -> str:
    """The table's key: a table under it that holds the item, and the tagged role."""
    table = new_table("1.3", SSESpecification=under(key))
    boto3.client("dynamodb").put_item(TableName=table, Item={"order_id": {"S": "3003"}})
    tagged_role("two-locks", "1.3")
    allow(READ)
    return key


READ = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}


def allow(*statements: dict[str, Any], name: str = "read") -> None:
    boto3.client("iam").put_role_policy(
        RoleName="two-locks",
        PolicyName=name,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )


def use(key: str, action: Any = "kms:Decrypt", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": key, **more}


def add_to_key_policy(key: str, **more: Any) -> None:
    kms = boto3.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    policy["Statement"].append({"Effect": "Allow", "Resource": "*", **more})
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))


@pytest.mark.parametrize(
    "condition",
    [
        VIA,
        {"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}},
        {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:dynamodb:tableName"}} | VIA,
        {
            "StringEquals": VIA["StringEquals"]
            | {"kms:EncryptionContext:aws:dynamodb:tableName": "table-1.3"}
        },
    ],
)
def test_conditions_that_ask_for_dynamodb_are_right(
    lab: Lab, locked: str, condition: dict[str, Any]
) -> None:
    allow(use(locked, Condition=condition), name="key")
    assert missing("1.3", lab) == []


def test_more_through_dynamodb_is_right(lab: Lab, locked: str) -> None:
    actions = ["kms:Decrypt", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
    allow(use(locked, actions, Condition=VIA), use(locked, "kms:DescribeKey"), name="key")
    assert missing("1.3", lab) == []


def test_the_key_policy_is_a_right_place(lab: Lab, locked: str) -> None:
    role = boto3.client("iam").get_role(RoleName="two-locks")["Role"]["Arn"]
    add_to_key_policy(locked, Principal={"AWS": role}, Action="kms:Decrypt", Condition=VIA)
    assert missing("1.3", lab) == []


def test_a_deny_of_everything_but_dynamodb_is_right(lab: Lab, locked: str) -> None:
    otherwise = {"StringNotEqualsIfExists": VIA["StringEquals"]}
    deny = {**use(locked, "kms:*"), "Effect": "Deny", "Condition": otherwise}
    allow(use(locked), deny, name="key")
    assert missing("1.3", lab) == []


DECRYPTS, MORE, POWER = "call kms:Decrypt directly", "may also call kms:", "give itself the key"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ({}, [DECRYPTS]),
        ({"Condition": {"StringEquals": {"kms:EncryptionContext:secret": "plum"}}}, [DECRYPTS]),
        ({"Condition": {"StringLike": {"kms:EncryptionContext:secret": "pl?m*"}}}, [DECRYPTS]),
        ({"Condition": {"Null": {"kms:EncryptionContext:any": "false"}}}, [DECRYPTS]),
        ({"Condition": {"StringEquals": {"kms:RequestAlias": "alias/exercise-key"}}}, [DECRYPTS]),
        ({"Action": "kms:GenerateDataKey"}, [MORE]),
        ({"Action": "kms:GenerateDataKeyPairWithoutPlaintext"}, [MORE]),
        ({"Action": "kms:Encrypt"}, [MORE]),
        ({"Action": "kms:ReEncrypt*"}, [MORE]),
        ({"Action": "kms:ReEncryptFrom"}, [MORE]),
        ({"Action": "kms:CreateGrant"}, [POWER]),
        ({"Action": "kms:PutKeyPolicy"}, [POWER]),
        ({"Action": "iam:PutRolePolicy", "Resource": "*"}, [POWER]),
        ({"Action": "kms:*"}, [DECRYPTS, MORE, POWER]),
    ],
)
def test_what_the_role_may_do_by_itself_is_named(
    lab: Lab, locked: str, statement: dict[str, Any], says: list[str]
) -> None:
    allow(use(locked, Condition=VIA), {**use(locked), **statement}, name="key")
    found = missing("1.3", lab)
    assert len(found) == len(says), found
    assert all(part in text for part, text in zip(says, found, strict=True))


def test_a_grant_has_no_second_lock(lab: Lab, locked: str) -> None:
    role = boto3.client("iam").get_role(RoleName="two-locks")["Role"]["Arn"]
    boto3.client("kms").create_grant(
        KeyId=locked,
        GranteePrincipal=role,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"aws:dynamodb:tableName": "table-1.3"}},
    )
    (said,) = missing("1.3", lab)
    assert DECRYPTS in said


def test_each_closed_lock_is_named(lab: Lab, locked: str) -> None:
    assert missing("1.3", lab) == ["the role may not use the key"]
    allow(use(locked, Condition=VIA))
    assert missing("1.3", lab) == ["the role may not call GetItem on the table"]


def test_a_missing_item_and_a_key_of_aws_are_named(lab: Lab, locked: str) -> None:
    allow(READ, use(locked, Condition=VIA))
    boto3.client("dynamodb").delete_item(TableName="table-1.3", Key={"order_id": {"S": "3003"}})
    assert missing("1.3", lab) == ["the role may read, but there is no item 3003"]
    specification = {"Enabled": True, "SSEType": "KMS"}
    boto3.client("dynamodb").update_table(TableName="table-1.3", SSESpecification=specification)
    lab.later(minutes=1)
    assert missing("1.3", lab) == ["its key is an AWS managed one, not yours"]


def test_the_check_changes_nothing(lab: Lab, locked: str) -> None:
    allow(READ, use(locked, "kms:*"))
    kms = boto3.client("kms")
    before = kms.get_key_policy(KeyId=locked)["Policy"]
    grants = kms.list_grants(KeyId=locked)["Grants"]
    missing("1.3", lab)
    assert kms.get_key_policy(KeyId=locked)["Policy"] == before
    assert kms.list_grants(KeyId=locked)["Grants"] == grants


# --- answers that were tried later ---------------------------------------------------------------


def test_a_switch_of_an_earlier_table_of_this_name_does_not_count(lab: Lab, key: str) -> None:
    switch(lab, new_table("1.2"), "alias/exercise-key")
    boto3.client("dynamodb").delete_table(TableName="table-1.2")
    lab.later(minutes=1)
    new_table("1.2", SSESpecification=under(key))
    (said,) = missing("1.2", lab)
    assert "no UpdateTable of this table" in said


def test_an_alias_that_belonged_to_another_key_then_does_not_count(lab: Lab, key: str) -> None:
    table = new_table("1.2")
    switch(lab, table, "alias/exercise-key")
    other = new_key()
    boto3.client("kms").update_alias(AliasName="alias/exercise-key", TargetKeyId=other)
    switch(lab, table, other)
    (said,) = missing("1.2", lab)
    assert "no UpdateTable of this table" in said


@pytest.mark.parametrize("action", ["Query", "Scan", "BatchGetItem", "PartiQLSelect"])
def test_every_way_to_read_the_item_is_right(lab: Lab, locked: str, action: str) -> None:
    allow({**READ, "Action": f"dynamodb:{action}"})
    allow(use(locked, Condition=VIA), name="key")
    assert missing("1.3", lab) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"kms:GrantOperations": "GenerateDataKey"}},
        {"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}},
        {"ForAllValues:StringEquals": {"kms:GrantOperations": ["DescribeKey", "RetireGrant"]}},
    ],
)
def test_a_limited_create_grant_is_named(lab: Lab, locked: str, condition: dict[str, Any]) -> None:
    more = use(locked, "kms:CreateGrant", Condition=condition)
    allow(use(locked, Condition=VIA), more, name="key")
    (said,) = missing("1.3", lab)
    assert POWER in said


def test_grants_for_services_alone_are_right(lab: Lab, locked: str) -> None:
    services = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    more = use(locked, "kms:CreateGrant", Condition=services)
    allow(use(locked, Condition=VIA), more, name="key")
    assert missing("1.3", lab) == []


@pytest.mark.parametrize(
    "action",
    [
        "iam:UpdateAssumeRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeleteRolePolicy",
        "iam:CreateAccessKey",
        "iam:*Policy",
    ],
)
def test_what_iam_lets_the_role_take_is_named(lab: Lab, locked: str, action: str) -> None:
    iam, everything = boto3.client("iam"), {"Effect": "Allow", "Action": action, "Resource": "*"}
    no_writing = {"Effect": "Deny", "Action": "dynamodb:*Put*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [no_writing]})
    attached = iam.create_policy(PolicyName="no-writing", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="two-locks", PolicyArn=attached)
    allow(use(locked, Condition=VIA), everything, name="key")
    (said,) = missing("1.3", lab)
    assert POWER in said


@pytest.mark.parametrize(
    "condition",
    [
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}},
    ],
)
def test_a_lock_that_is_open_from_elsewhere_is_named(
    lab: Lab, locked: str, condition: dict[str, Any]
) -> None:
    allow(use(locked, Condition=VIA), use(locked, Condition=condition), name="key")
    (said,) = missing("1.3", lab)
    assert DECRYPTS in said


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:ViaAWSService": "true"}},
        {"ForAnyValue:StringEquals": {"aws:CalledVia": "dynamodb.amazonaws.com"}},
        {"StringEquals": VIA["StringEquals"], "Bool": {"aws:SecureTransport": "true"}},
        {"StringEqualsIgnoreCase": {"KMS:viaservice": "DynamoDB.us-east-1.amazonaws.com"}},
        {"ForAnyValue:StringEquals": VIA["StringEquals"]},
    ],
)
def test_other_words_for_dynamodb_are_right(
    lab: Lab, locked: str, condition: dict[str, Any]
) -> None:
    allow(use(locked, Condition=condition), name="key")
    assert missing("1.3", lab) == []


# --- who, when and where ------------------------------------------------------------------------


def test_1_1_takes_more_tags_and_a_named_managed_key(lab: Lab) -> None:
    specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/aws/dynamodb"}
    table = new_table("1.1", SSESpecification=specification)
    arn = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["TableArn"]
    boto3.client("dynamodb").tag_resource(
        ResourceArn=arn, Tags=[{"Key": "owner", "Value": "ada"}, {"Key": "EXERCISE", "Value": "9"}]
    )
    assert missing("1.1", lab) == []


@pytest.mark.parametrize("value", ["1.10", "1.1 ", "01.1"])
def test_1_1_wants_the_tag_as_it_is_written(lab: Lab, value: str) -> None:
    new_table(value.strip(), SSESpecification={"Enabled": True})
    if value == "1.1 ":
        boto3.client("dynamodb").untag_resource(
            ResourceArn="arn:aws:dynamodb:us-east-1:123456789012:table/table-1.1",
            TagKeys=["exercise"],
        )
    assert missing("1.1", lab) == ["no table carries the tag exercise = 1.1"]


def test_1_1_names_a_switch_back_to_the_owned_key(lab: Lab) -> None:
    table = new_table("1.1", SSESpecification={"Enabled": True})
    boto3.client("dynamodb").update_table(TableName=table, SSESpecification={"Enabled": False})
    lab.later(minutes=1)
    assert missing("1.1", lab) == [
        "it is encrypted under the AWS owned key: it has no SSEDescription"
    ]


def test_1_2_an_alias_that_was_made_after_the_switch_does_not_count(lab: Lab) -> None:
    table, key = new_table("1.2"), new_key()
    switch(lab, table, key)
    boto3.client("kms").create_alias(AliasName="alias/exercise-late", TargetKeyId=key)
    (said,) = missing("1.2", lab)
    assert "no UpdateTable of this table" in said


def test_1_2_a_switch_back_is_not_under_the_key(lab: Lab, key: str) -> None:
    table = new_table("1.2")
    switch(lab, table, "alias/exercise-key")
    boto3.client("dynamodb").update_table(TableName=table, SSESpecification={"Enabled": False})
    lab.later(minutes=1)
    assert missing("1.2", lab) == [
        "it is encrypted under the AWS owned key: it has no SSEDescription"
    ]


def test_1_2_an_alias_that_was_deleted_since_is_missed(lab: Lab, key: str) -> None:
    switch(lab, new_table("1.2"), "alias/exercise-key")
    boto3.client("kms").delete_alias(AliasName="alias/exercise-key")
    (said,) = missing("1.2", lab)
    assert "no alias that begins with alias/exercise-" in said


def test_1_2_a_table_named_by_its_arn_and_a_switch_by_way_of_another_key_are_right(
    lab: Lab, key: str
) -> None:
    table = new_table("1.2")
    switch(lab, table, new_key())
    arn = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["TableArn"]
    switch(lab, arn, "alias/exercise-key")
    assert missing("1.2", lab) == []


SOON = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        ([use("*", Condition=SOON)], DECRYPTS),
        ([use("*", Condition={"NumericGreaterThan": {"aws:EpochTime": "4039372800"}})], DECRYPTS),
        (
            [use("*", Condition={**SOON, "StringEquals": {"kms:EncryptionContext:a": "plum"}})],
            DECRYPTS,
        ),
        ([use("*", "kms:GenerateDataKey", Condition=SOON)], MORE),
        ([use("*", "kms:PutKeyPolicy", Condition=SOON)], POWER),
        ([use("*", "iam:PutRolePolicy", Condition=SOON)], POWER),
        (
            [use("*"), {**use("*", "kms:*"), "Effect": "Deny", "Condition": {
                "StringNotEqualsIfExists": VIA["StringEquals"],
                "DateLessThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}}],
            DECRYPTS,
        ),
        ([use("*", Condition={"StringLike": {"aws:userid": "*:night-shift"}})], DECRYPTS),
    ],
    ids=["a date", "an epoch", "a context", "a data key", "the policy", "iam", "a deny that ends",
         "a session"],
)  # fmt: skip
def test_a_lock_that_opens_one_day_is_named(
    lab: Lab, locked: str, statements: list[dict[str, Any]], says: str
) -> None:
    allow(use(locked, Condition=VIA), *statements, name="key")
    found = missing("1.3", lab)
    assert any(says in text for text in found), found


@pytest.mark.parametrize(
    "statement",
    [
        use("*", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
        use("*", Condition={"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::1:role/other"}}),
        use("*", Condition={"StringEquals": {"aws:PrincipalTag/team": "keys"}}),
        use("*", Condition={"StringEquals": {"aws:ResourceTag/open": "yes"}}),
    ],
    ids=["over", "another role", "a tag that it lacks", "a tag that the key lacks"],
)
def test_what_is_never_met_is_right(lab: Lab, locked: str, statement: dict[str, Any]) -> None:
    allow(use(locked, Condition=VIA), statement, name="key")
    assert missing("1.3", lab) == []


def test_a_key_policy_for_the_role_from_some_day_on_is_named(lab: Lab, locked: str) -> None:
    role = boto3.client("iam").get_role(RoleName="two-locks")["Role"]["Arn"]
    allow(use(locked, Condition=VIA), name="key")
    add_to_key_policy(locked, Principal={"AWS": role}, Action="kms:Decrypt", Condition=SOON)
    (said,) = missing("1.3", lab)
    assert DECRYPTS in said
