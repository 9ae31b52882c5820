"""The checks of lesson 09 name what went wrong, for the mistakes that learners make."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.support.accounts import allow, deny, document, id_of, root
from tests.support.handed_in import missing, tagged, tagged_role
from tests.support.kms_people import ACCOUNT, ROOT, delegating, policy
from workshop_lib.lab import Lab


def make_key(number: str, document: str, **more: Any) -> str:
    tags = [{"TagKey": "exercise", "TagValue": number}]
    made = boto3.client("kms").create_key(Policy=document, Tags=tags, **more)
    return str(made["KeyMetadata"]["Arn"])


# --- 9.1 ---------------------------------------------------------------------------------------

USE = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"]
KEEP = [
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
]
USER, KEEPER = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("uses", "keeps"))


@pytest.fixture
def roles(lab: Lab) -> None:
    tagged_role("uses", "9.1 user")
    tagged_role("keeps", "9.1 keeper")


def to_user(*actions: str) -> dict[str, Any]:
    return allow(list(actions), Principal={"AWS": USER})


def to_keeper(*actions: str) -> dict[str, Any]:
    return allow(list(actions), Principal={"AWS": KEEPER})


def by_policy(role: str, *statements: dict[str, Any]) -> None:
    boto3.client("iam").put_role_policy(
        RoleName=role, PolicyName="own", PolicyDocument=document(*statements)
    )


def state(key: str) -> str:
    return str(boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])


def test_two_statements_are_right(lab: Lab, roles: None) -> None:
    key = make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP)))
    assert missing("9.1", lab) == []
    assert missing("9.1", lab) == []
    assert state(key) == "Enabled"


def test_policies_of_the_roles_are_right(lab: Lab, roles: None) -> None:
    key = make_key("9.1", delegating())
    by_policy("uses", allow(USE, key))
    by_policy("keeps", allow(KEEP, key))
    assert missing("9.1", lab) == []


def test_wildcards_denies_and_grants_are_right(lab: Lab, roles: None) -> None:
    everything = allow("kms:*", Principal={"AWS": KEEPER})
    apart = deny(
        ["kms:*crypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:PutKeyPolicy"],
        Principal={"AWS": KEEPER},
    )
    key = make_key("9.1", delegating(everything, apart))
    boto3.client("kms").create_grant(
        KeyId=key, GranteePrincipal=USER, Operations=["Encrypt", "Decrypt", "GenerateDataKey"]
    )
    assert missing("9.1", lab) == []


def test_an_administrator_with_the_policy_alone_is_right(lab: Lab, roles: None) -> None:
    me = boto3.client("sts").get_caller_identity()["Arn"]
    manages = ["kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:DescribeKey", "kms:ListResourceTags"]
    mine = allow(manages, Principal={"AWS": me})
    key = make_key("9.1", policy(mine, to_user(*USE), to_keeper(*KEEP)))
    assert missing("9.1", lab) == []
    assert state(key) == "Enabled"


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        ([to_user(*USE)], "the keeper may not disable the key"),
        ([to_user(*USE), to_keeper("kms:DisableKey")], "the keeper may not enable the key"),
        (
            [to_user(*USE), to_keeper("kms:DisableKey", "kms:EnableKey")],
            "the keeper may not schedule the key's deletion",
        ),
        ([to_keeper(*KEEP)], "the user may not encrypt, decrypt and make data keys under the key"),
        (
            [to_user(*USE[:2]), to_keeper(*KEEP)],
            "the user may not encrypt, decrypt and make data keys under the key",
        ),
        (
            [to_user(*USE, "kms:DisableKey"), to_keeper(*KEEP)],
            "the user may manage the key: kms:DisableKey",
        ),
        (
            [to_user(*USE, "kms:ScheduleKeyDeletion"), to_keeper(*KEEP)],
            "the user may manage the key: kms:ScheduleKeyDeletion",
        ),
        (
            [to_user(*USE, "kms:CreateGrant"), to_keeper(*KEEP)],
            "the user can give itself or others permissions: kms:CreateGrant",
        ),
        (
            [to_user(*USE), to_keeper(*KEEP, "kms:PutKeyPolicy")],
            "the keeper can give itself or others permissions: kms:PutKeyPolicy",
        ),
        (
            [to_user(*USE), to_keeper(*KEEP, "kms:CreateGrant")],
            "the keeper can give itself or others permissions: kms:CreateGrant",
        ),
        (
            [to_user(*USE), to_keeper(*KEEP, "kms:GenerateDataKeyPair")],
            "the keeper may use the key: kms:GenerateDataKeyPair",
        ),
        (
            [to_user(*USE), to_keeper(*KEEP, "kms:ReEncryptFrom")],
            "the keeper may use the key: kms:ReEncrypt*",
        ),
        (
            [to_user(*USE), to_keeper(*KEEP, "kms:Decrypt")],
            "the keeper may use the key: kms:Decrypt",
        ),
    ],
)
def test_a_wrong_key_policy_is_named(
    lab: Lab, roles: None, statements: list[dict[str, Any]], says: str
) -> None:
    key = make_key("9.1", delegating(*statements))
    assert missing("9.1", lab) == [says]
    assert state(key) == "Enabled"


def test_decrypting_under_some_context_counts(lab: Lab, roles: None) -> None:
    condition = {"Null": {"kms:EncryptionContextKeys": "false"}}
    some = allow("kms:Decrypt", Principal={"AWS": KEEPER}, Condition=condition)
    make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP), some))
    assert missing("9.1", lab) == ["the keeper may use the key: kms:Decrypt"]


def test_the_way_round_through_iam_is_named(lab: Lab, roles: None) -> None:
    make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP)))
    by_policy("keeps", allow("iam:PutRolePolicy"))
    assert missing("9.1", lab) == [
        "the keeper can give itself or others permissions: iam:PutRolePolicy"
    ]
    by_policy("keeps", allow("sts:AssumeRole"))
    assert missing("9.1", lab) == [
        "the keeper can give itself or others permissions: sts:AssumeRole on the other role"
    ]


def test_nobody_left_to_change_the_policy_is_named(lab: Lab, roles: None) -> None:
    me = boto3.client("sts").get_caller_identity()["Arn"]
    sees = allow(["kms:DescribeKey", "kms:ListResourceTags"], Principal={"AWS": me})
    make_key(
        "9.1", policy(sees, to_user(*USE), to_keeper(*KEEP)), BypassPolicyLockoutSafetyCheck=True
    )
    assert missing("9.1", lab) == ["you may not read or change the key's policy"]


def test_what_is_not_there_is_named(lab: Lab) -> None:
    assert missing("9.1", lab) == ["no KMS key carries the tag exercise = 9.1"]
    make_key("9.1", delegating())
    assert missing("9.1", lab) == ["no role carries the tag exercise = 9.1 user"]
    tagged_role("uses", "9.1 user")
    assert missing("9.1", lab) == ["no role carries the tag exercise = 9.1 keeper"]


# --- 9.2 ---------------------------------------------------------------------------------------

S3 = "s3.us-east-1.amazonaws.com"
VIA = {"StringEquals": {"kms:ViaService": S3}}
NEEDED = ["kms:GenerateDataKey", "kms:Decrypt"]
Shared = Callable[..., None]


@pytest.fixture
def shared(lab: Lab) -> Shared:
    """shared(statement, …): a key with these statements, and the auditors' bucket and role."""
    audit = lab.account("audit")

    def make(*statements: dict[str, Any], role: list[dict[str, Any]] | None = None) -> None:
        key = make_key("9.2", delegating(*statements))
        s3 = audit.client("s3")
        s3.create_bucket(Bucket="theirs")
        s3.put_bucket_tagging(Bucket="theirs", Tagging={"TagSet": tagged("9.2")})
        own = [allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::theirs/*")]
        own += [allow(NEEDED, key)] if role is None else role
        tagged_role("auditor", "9.2", *own, session=audit)

    return make


def theirs(lab: Lab, *actions: str, **more: Any) -> dict[str, Any]:
    principal = {"AWS": root(id_of(lab.account("audit")))}
    return allow(list(actions), **{"Principal": principal, **more})


def left_over(lab: Lab) -> list[str]:
    listed = lab.account("audit").client("s3").list_objects_v2(Bucket="theirs")
    strangers = lab.account("stranger").client("s3").list_buckets()["Buckets"]
    return [each["Key"] for each in listed.get("Contents", [])] + [b["Name"] for b in strangers]


def test_via_service_is_right(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED, Condition=VIA))
    assert missing("9.2", lab) == []
    assert left_over(lab) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        {"ForAnyValue:StringEquals": {"kms:ViaService": [S3, "s3.eu-west-1.amazonaws.com"]}},
    ],
)
def test_other_words_for_s3_are_right(lab: Lab, shared: Shared, condition: Any) -> None:
    shared(theirs(lab, *NEEDED, "kms:DescribeKey", Condition=condition))
    assert missing("9.2", lab) == []


def test_a_caller_account_and_everybody_is_right(lab: Lab, shared: Shared) -> None:
    account = id_of(lab.account("audit"))
    both = {"StringEquals": {"kms:ViaService": S3, "kms:CallerAccount": account}}
    shared(theirs(lab, *NEEDED, Principal={"AWS": "*"}, Condition=both))
    assert missing("9.2", lab) == []


def test_an_allow_with_a_deny_is_right(lab: Lab, shared: Shared) -> None:
    account = id_of(lab.account("audit"))
    past = {"StringNotEqualsIfExists": {"kms:ViaService": S3}}
    shared(theirs(lab, *NEEDED), deny("kms:*", Principal={"AWS": root(account)}, Condition=past))
    assert missing("9.2", lab) == []


def past_s3(who: str, *actions: str) -> str:
    return f"{who} may use the key without S3: {', '.join(f'kms:{each}' for each in actions)}"


ADMINISTRATOR = "the administrator of their account"


def test_no_condition_is_named(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED))
    said = missing("9.2", lab)
    assert past_s3("the role", "Decrypt", "GenerateDataKey") in said
    assert past_s3(ADMINISTRATOR, "Decrypt", "GenerateDataKey") in said
    assert "the key policy lets them come through other services as well" in said


def test_a_condition_on_their_side_alone_is_named(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED), role=[allow(NEEDED, Condition=VIA)])
    said = missing("9.2", lab)
    assert past_s3(ADMINISTRATOR, "Decrypt", "GenerateDataKey") in said
    assert not any(each.startswith("the role") for each in said)


def test_a_grant_that_they_may_make_is_named(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED, Condition=VIA), theirs(lab, "kms:CreateGrant"))
    assert past_s3(ADMINISTRATOR, "CreateGrant") in missing("9.2", lab)


def test_an_operation_besides_is_named(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED, Condition=VIA), theirs(lab, "kms:Encrypt"))
    assert missing("9.2", lab) == [past_s3(ADMINISTRATOR, "Encrypt")]


def test_any_service_is_named(lab: Lab, shared: Shared) -> None:
    any_service = {"StringLike": {"kms:ViaService": "*.amazonaws.com"}}
    shared(theirs(lab, *NEEDED, Condition=any_service))
    assert missing("9.2", lab) == ["the key policy lets them come through other services as well"]


def test_everybody_through_s3_is_named(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED, Principal={"AWS": "*"}, Condition=VIA))
    assert missing("9.2", lab) == [
        "a third account stores objects under the key, too, or reads them"
    ]
    assert left_over(lab) == []


@pytest.mark.parametrize("side", ["key", "role", "decrypt"])
def test_one_side_alone_is_named(lab: Lab, shared: Shared, side: str) -> None:
    if side == "key":
        shared(theirs(lab, *NEEDED, Condition=VIA), role=[])
    elif side == "role":
        shared(role=[allow(NEEDED)])
    else:
        shared(theirs(lab, "kms:GenerateDataKey", Condition=VIA))
    assert missing("9.2", lab) == ["the role cannot store objects under the key and read them"]
    assert left_over(lab) == []


def test_what_is_missing_over_there_is_named(lab: Lab) -> None:
    audit = lab.account("audit")
    assert missing("9.2", lab) == ["no KMS key carries the tag exercise = 9.2"]
    make_key("9.2", delegating())
    assert missing("9.2", lab) == ["no bucket of the account audit carries the tag exercise = 9.2"]
    s3 = audit.client("s3")
    s3.create_bucket(Bucket="theirs")
    s3.put_bucket_tagging(Bucket="theirs", Tagging={"TagSet": tagged("9.2")})
    tagged_role("ours", "9.2")
    assert missing("9.2", lab) == ["no role of the account audit carries the tag exercise = 9.2"]


def test_a_role_that_trusts_nobody_is_named(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED, Condition=VIA))
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust["Principal"] = {"Service": "ec2.amazonaws.com"}  # type: ignore[assignment]
    lab.account("audit").client("iam").update_assume_role_policy(
        RoleName="auditor", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )
    assert missing("9.2", lab) == ["the role auditor cannot be assumed by its account"]


def test_a_key_that_shuts_its_own_account_out_is_named(lab: Lab) -> None:
    audit = lab.account("audit")
    manages = allow(["kms:Describe*", "kms:List*", "kms:Get*", "kms:Put*"], Principal={"AWS": ROOT})
    key = make_key("9.2", policy(manages, theirs(lab, *NEEDED, Condition=VIA)))
    s3 = audit.client("s3")
    s3.create_bucket(Bucket="theirs")
    s3.put_bucket_tagging(Bucket="theirs", Tagging={"TagSet": tagged("9.2")})
    objects = allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::theirs/*")
    tagged_role("auditor", "9.2", objects, allow(NEEDED, key), session=audit)
    assert missing("9.2", lab) == ["you yourself may not encrypt under the key"]


# --- answers that were tried later ---------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"kms:EncryptionContext:department": "audit"}},
        {"StringEquals": {"kms:RequestAlias": "alias/kept"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    ],
)
@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"])
def test_a_keeper_that_uses_the_key_at_times_is_named(
    lab: Lab, roles: None, action: str, condition: dict[str, Any]
) -> None:
    some = allow(action, Principal={"AWS": KEEPER}, Condition=condition)
    key = make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP), some))
    boto3.client("kms").create_alias(AliasName="alias/kept", TargetKeyId=key)
    (said,) = missing("9.1", lab)
    assert said.startswith("the keeper may use the key: ")


def test_a_keeper_with_a_grant_is_named(lab: Lab, roles: None) -> None:
    key = make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP)))
    boto3.client("kms").create_grant(
        KeyId=key,
        GranteePrincipal=KEEPER,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": {"department": "audit"}},
    )
    assert missing("9.1", lab) == ["the keeper may use the key: kms:Decrypt"]


@pytest.mark.parametrize("operation", ["GenerateDataKey", "ReEncryptFrom"])
def test_a_keeper_that_grants_one_operation_is_named(lab: Lab, roles: None, operation: str) -> None:
    some = allow(
        "kms:CreateGrant",
        Principal={"AWS": KEEPER},
        Condition={"ForAllValues:StringEquals": {"kms:GrantOperations": operation}},
    )
    make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP), some))
    assert missing("9.1", lab) == [
        "the keeper can give itself or others permissions: kms:CreateGrant"
    ]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:PutRolePolicy", USER),
        ("iam:AttachUserPolicy", "*"),
        ("iam:CreatePolicyVersion", "*"),
        ("iam:CreateAccessKey", "arn:aws:iam::*:user/*"),
        ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/u*"),
    ],
)
def test_a_keeper_that_writes_policies_of_others_is_named(
    lab: Lab, roles: None, action: str, resource: str
) -> None:
    make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP)))
    by_policy("keeps", allow(action, resource))
    (said,) = missing("9.1", lab)
    assert said == f"the keeper can give itself or others permissions: {action}"


def test_a_window_for_deletions_is_right(lab: Lab, roles: None) -> None:
    long = {"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}
    rest = [each for each in KEEP if each != "kms:ScheduleKeyDeletion"]
    deletes = allow("kms:ScheduleKeyDeletion", Principal={"AWS": KEEPER}, Condition=long)
    make_key("9.1", delegating(to_user(*USE), to_keeper(*rest), deletes))
    assert missing("9.1", lab) == []


def with_grant(lab: Lab, **constraints: Any) -> None:
    kms, role = boto3.client("kms"), lab.account("audit").client("iam").get_role(RoleName="auditor")
    kms.create_grant(
        KeyId=kms.list_keys()["Keys"][0]["KeyId"],
        GranteePrincipal=role["Role"]["Arn"],
        Operations=["Decrypt", "GenerateDataKey"],
        **constraints,
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::*"}},
        {"ArnLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::theirs*"}},
        {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:s3:arn"}},
        {"Null": {"kms:EncryptionContext:aws:s3:arn": "false"}},
    ],
)
def test_the_context_of_s3_is_not_s3(lab: Lab, shared: Shared, condition: Any) -> None:
    shared(theirs(lab, *NEEDED, Condition=condition))
    assert past_s3(ADMINISTRATOR, "Decrypt", "GenerateDataKey") in missing("9.2", lab)


def test_a_grant_under_the_context_of_s3_is_named(lab: Lab, shared: Shared) -> None:
    shared(theirs(lab, *NEEDED, Condition=VIA))
    with_grant(lab, Constraints={"EncryptionContextSubset": {"aws:s3:arn": "arn:aws:s3:::theirs"}})
    assert past_s3("the role", "Decrypt", "GenerateDataKey") in missing("9.2", lab)


@pytest.mark.parametrize("service", ["sqs", "ebs", "rds", "workmail"])
def test_a_service_in_the_list_is_named(lab: Lab, shared: Shared, service: str) -> None:
    services = [S3, f"{service}.us-east-1.amazonaws.com"]
    shared(theirs(lab, *NEEDED, Condition={"StringEquals": {"kms:ViaService": services}}))
    assert missing("9.2", lab) == ["the key policy lets them come through other services as well"]


def test_any_service_for_everybody_of_their_account_is_named(lab: Lab, shared: Shared) -> None:
    condition = {
        "StringLike": {"kms:ViaService": "*"},
        "StringEquals": {"kms:CallerAccount": id_of(lab.account("audit"))},
    }
    shared(theirs(lab, *NEEDED, Principal={"AWS": "*"}, Condition=condition))
    assert missing("9.2", lab) == ["the key policy lets them come through other services as well"]


@pytest.mark.parametrize(
    ("actions", "principal"),
    [
        (NEEDED, {"AWS": ["arn:aws:iam::999999999999:root"]}),
        (["kms:Decrypt"], {"AWS": "999999999999"}),
        (["kms:Decrypt"], {"AWS": "*"}),
        (["kms:Decrypt"], "*"),
    ],
)
def test_a_third_account_that_reads_or_is_named(
    lab: Lab, shared: Shared, actions: list[str], principal: Any
) -> None:
    more = allow(actions, Principal=principal, Condition=VIA)
    shared(theirs(lab, *NEEDED, Condition=VIA), more)
    (said,) = missing("9.2", lab)
    assert said.startswith("a third account")


def test_a_statement_for_their_role_alone_is_right(lab: Lab, shared: Shared) -> None:
    """The role's own ARN; another statement for storing, another one for reading."""
    account = id_of(lab.account("audit"))
    tagged_role("auditor-2", "none", session=lab.account("audit"))
    role = {"AWS": f"arn:aws:iam::{account}:role/auditor"}
    shared(*(theirs(lab, each, Condition=VIA) for each in NEEDED))
    assert missing("9.2", lab) == []
    kms = boto3.client("kms")
    statements = [theirs(lab, each, Condition=VIA, Principal=role) for each in NEEDED]
    kms.put_key_policy(KeyId=kms.list_keys()["Keys"][0]["KeyId"], Policy=delegating(*statements))
    assert missing("9.2", lab) == []


# --- when, and who else --------------------------------------------------------------------------

SOON = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("who", "action", "says"),
    [
        (KEEPER, "kms:Decrypt", "the keeper may use the key: kms:Decrypt"),
        (KEEPER, "kms:CreateGrant", "the keeper can give itself or others permissions"),
        (KEEPER, "kms:PutKeyPolicy", "the keeper can give itself or others permissions"),
        (USER, "kms:DisableKey", "the user may manage the key: kms:DisableKey"),
        (USER, "kms:ScheduleKeyDeletion", "the user may manage the key"),
        (USER, "kms:CreateGrant", "the user can give itself or others permissions"),
    ],
)
def test_what_one_of_them_may_from_some_day_on_is_named(
    lab: Lab, roles: None, who: str, action: str, says: str
) -> None:
    some = allow(action, Principal={"AWS": who}, Condition=SOON)
    make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP), some))
    (said,) = missing("9.1", lab)
    assert said.startswith(says)


def test_a_deny_that_ends_is_named(lab: Lab, roles: None) -> None:
    ends = {"DateLessThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}
    apart = deny(["kms:*crypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:PutKeyPolicy"],
                 Principal={"AWS": KEEPER}, Condition=ends)  # fmt: skip
    make_key("9.1", delegating(to_user(*USE), allow("kms:*", Principal={"AWS": KEEPER}), apart))
    assert any("the keeper may use the key" in said for said in missing("9.1", lab))


@pytest.mark.parametrize(
    "more",
    [
        allow("kms:Decrypt", Principal={"AWS": KEEPER}, Condition={
            "DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
        allow("kms:Decrypt", Principal={"AWS": KEEPER}, Condition={
            "StringEquals": {"aws:PrincipalTag/duty": "use"}}),
        deny("kms:*", Principal={"AWS": KEEPER}, Condition=SOON),
        allow(["kms:ListGrants", "kms:GetKeyRotationStatus"], Principal={"AWS": [USER, KEEPER]}),
    ],
    ids=["over", "a tag that it lacks", "a deny to come", "what only describes"],
)  # fmt: skip
def test_what_opens_nothing_is_right(lab: Lab, roles: None, more: dict[str, Any]) -> None:
    make_key("9.1", delegating(to_user(*USE), to_keeper(*KEEP), more))
    assert missing("9.1", lab) == []


@pytest.mark.parametrize(
    "condition",
    [
        SOON,
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"StringEquals": {"aws:PrincipalTag/team": "audit"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringLike": {"aws:userid": "*:emergency"}},
    ],
    ids=["a date", "a device", "a tag", "a network", "a session"],
)
def test_their_way_past_s3_in_other_circumstances_is_named(
    lab: Lab, shared: Shared, condition: dict[str, Any]
) -> None:
    """Tags, sessions and networks are in the hands of their administrator."""
    shared(theirs(lab, *NEEDED, Condition=VIA), theirs(lab, "kms:Decrypt", Condition=condition))
    (said,) = missing("9.2", lab)
    assert said.startswith("the key policy lets them ")


def test_a_limit_that_ends_is_named(lab: Lab, shared: Shared) -> None:
    account = id_of(lab.account("audit"))
    past = {
        "StringNotEqualsIfExists": {"kms:ViaService": S3},
        "DateLessThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"},
    }
    shared(theirs(lab, *NEEDED), deny("kms:*", Principal={"AWS": root(account)}, Condition=past))
    (said,) = missing("9.2", lab)
    assert "key policy lets them" in said


def test_a_third_account_that_comes_in_one_day_is_named(lab: Lab, shared: Shared) -> None:
    everybody = allow(NEEDED, Principal={"AWS": "*"}, Condition={**VIA, **SOON})
    shared(theirs(lab, *NEEDED, Condition=VIA), everybody)
    (said,) = missing("9.2", lab)
    assert said.startswith("a third account")


def test_a_limit_that_has_begun_is_right(lab: Lab, shared: Shared) -> None:
    begun = {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    shared(theirs(lab, *NEEDED, Condition={**VIA, **begun}))
    assert missing("9.2", lab) == []


def test_a_deny_for_all_but_s3_by_notprincipal_is_right(lab: Lab, shared: Shared) -> None:
    """Everybody but this account's administrator and root user."""
    me = boto3.client("sts").get_caller_identity()["Arn"]
    past = {"StringNotEqualsIfExists": {"kms:ViaService": S3}}
    rest = {k: v for k, v in deny("kms:*Data*", Condition=past).items() if k != "Principal"}
    shared(theirs(lab, *NEEDED, Condition=VIA), {**rest, "NotPrincipal": {"AWS": [me, ROOT]}})
    assert missing("9.2", lab) == []
