"""Lesson 05's checks name the common wrong answers."""

import json
from typing import Any

import boto3
import pytest

from workshop_lib.exercises import examine
from workshop_lib.exercises.bucket_policy import BUCKET_ACTIONS, OBJECT_ACTIONS
from workshop_lib.lab import Lab
from workshop_lib.sandbox.policy.service_authorization import actions

HEADER = "s3:x-amz-server-side-encryption"
KEY_ID = HEADER + "-aws-kms-key-id"
WRONG = {"StringNotEquals": {HEADER: "AES256"}}


def make(lab: Lab, number: str, *statements: tuple[dict[str, Any], str, list[str]]) -> str:
    """A tagged bucket with a policy of (condition, action, resource endings)."""
    s3, name = boto3.client("s3"), lab.name("exercise")
    s3.create_bucket(Bucket=name)
    tags = {"TagSet": [{"Key": "exercise", "Value": number}]}
    s3.put_bucket_tagging(Bucket=name, Tagging=tags)
    document = [
        {"Effect": "Deny", "Principal": "*", "Action": action, "Condition": condition,
         "Resource": [f"arn:aws:s3:::{name}{ending}" for ending in endings]}
        for condition, action, endings in statements
    ]  # fmt: skip
    if document:
        policy = json.dumps({"Version": "2012-10-17", "Statement": document})
        s3.put_bucket_policy(Bucket=name, Policy=policy)
    return name


def upload(condition: dict[str, Any]) -> tuple[dict[str, Any], str, list[str]]:
    return condition, "s3:PutObject", ["/*"]


PRESENT = {"Null": {HEADER: "false"}}
RIGHT = {**WRONG, **PRESENT}


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([], "the bucket has no policy"),
        ([upload(WRONG)], "an upload without a header is refused"),
        ([upload({"StringNotEqualsIfExists": {HEADER: "AES256"}})], "without a header is refused"),
        ([upload(WRONG), upload(PRESENT)], "an upload with AES256 is refused"),
        ([upload({"Null": {HEADER: "true"}})], "an upload with aws:kms is accepted"),
        ([(WRONG, "s3:*", ["/*"])], "refuses the deletion"),
        ([(WRONG, "s3:*", ["", "/*"])], "no bucket carries the tag"),
    ],
)
def test_a_policy_that_misses_5_1(lab: Lab, statements: list[Any], said: str) -> None:
    make(lab, "5.1", *statements)
    result = examine("5.1", lab)
    assert not result.done
    assert result.error is None
    assert said in str(result)


def test_5_1_says_once_what_the_policy_of_step_5_refuses(lab: Lab) -> None:
    make(lab, "5.1", upload(WRONG), upload({"Null": {HEADER: "true"}}))
    missing = [step.seen for step in examine("5.1", lab).steps if not step.ok]
    assert missing == ["an upload without a header is refused"]


def test_5_1_leaves_nothing_behind(lab: Lab) -> None:
    name = make(lab, "5.1", upload(RIGHT))
    s3 = boto3.client("s3")
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    assert examine("5.1", lab).done
    left = s3.list_object_versions(Bucket=name)
    assert "Versions" not in left
    assert "DeleteMarkers" not in left


PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
TLS = (PLAIN, "s3:*", ["", "/*"])


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([(PLAIN, "s3:*", ["/*"]), "this key"], "listing the bucket without TLS is answered"),
        ([(PLAIN, "s3:*", [""]), "this key"], "a call on an object without TLS is answered"),
        ([(PLAIN, "s3:PutObject", ["/*"]), "this key"], "a call on an object without TLS"),
        (
            [(PLAIN, ["s3:GetObject", "s3:ListBucket"], ["", "/*"]), "this key"],
            "asking for its encryption without TLS is answered",
        ),
        ([TLS], "an upload without a header is accepted"),
        ([TLS, upload({"Null": {KEY_ID: "true"}})], "the policy lets uploads name any key"),
        (
            [TLS, upload({"StringNotEquals": {HEADER: "aws:kms"}})],
            "an upload with aws:kms and no key is accepted",
        ),
        (
            [TLS, upload({"ArnNotEqualsIfExists": {KEY_ID: "arn:aws:kms:us-east-1:1:key/x"}})],
            "an upload that names the bucket's own key is refused",
        ),
    ],
)
def test_a_policy_that_misses_5_2(lab: Lab, statements: list[Any], said: str) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    this_key = upload({"ArnNotEqualsIfExists": {KEY_ID: key}})
    name = make(lab, "5.2", *[this_key if s == "this key" else s for s in statements])
    set_default(name, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key})
    result = examine("5.2", lab)
    assert not result.done
    assert result.error is None
    assert said in str(result)


@pytest.mark.parametrize(
    ("default", "said"),
    [
        ({"SSEAlgorithm": "AES256"}, "its default encryption is AES256"),
        ({"SSEAlgorithm": "aws:kms"}, "its default names no key"),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/aws/s3"}, "AWS managed"),
    ],
)
def test_a_default_that_misses_5_2(lab: Lab, default: dict[str, str], said: str) -> None:
    set_default(make(lab, "5.2", TLS), default)
    result = examine("5.2", lab)
    assert not result.done
    assert result.error is None
    assert said in str(result)


def set_default(bucket: str, default: dict[str, str]) -> None:
    boto3.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )


def account_wide(bucket: str, **changes: Any) -> dict[str, Any]:
    """The right statement of 5.1, changed in one place."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": RIGHT,
    }
    return {**statement, **changes}


def put_policy(bucket: str, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)


def administrator() -> str:
    return str(boto3.client("sts").get_caller_identity()["Arn"])


NOT_A_COPY = {"Null": {HEADER: "false", "s3:x-amz-copy-source": "true"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (lambda name: {"Principal": {"AWS": administrator()}}, "exercise-check by another role"),
        (
            lambda name: {
                "Condition": {**RIGHT, "StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}
            },
            "exercise-check by another role",
        ),
        (lambda name: {"Resource": f"arn:aws:s3:::{name}/exercise-check"}, "by you, and"),
        (lambda name: {"Resource": f"arn:aws:s3:::{name}/exercise*"}, "by you, and"),
        (lambda name: {"Condition": {**WRONG, **NOT_A_COPY}}, "a copy by you"),
    ],
    ids=["the administrator", "users", "the check's own name", "its beginning", "copies"],
)
def test_5_1_asks_others_under_other_names(lab: Lab, changes: Any, said: str) -> None:
    name = make(lab, "5.1")
    put_policy(name, account_wide(name, **changes(name)))
    result = examine("5.1", lab)
    assert not result.done
    assert "aws:kms is let through all the same" in str(result)
    assert said in str(result)


def test_5_1_wants_the_default_for_everybody(lab: Lab) -> None:
    name = make(lab, "5.1")
    all_but_you = {"Principal": "*", "Condition": {
        **WRONG, "ArnNotEquals": {"aws:PrincipalArn": administrator()}}}  # fmt: skip
    put_policy(name, account_wide(name), account_wide(name, **all_but_you))
    assert "uploads without a header are refused here" in str(examine("5.1", lab))


@pytest.mark.parametrize(
    "condition",
    [
        RIGHT,
        {"StringEquals": {HEADER: ["aws:kms", "aws:kms:dsse"]}},
        {"StringLike": {HEADER: "aws:kms*"}},
        {"StringNotEqualsIgnoreCase": {HEADER: "aes256"}, **PRESENT},
    ],
)
def test_5_1_takes_any_condition_that_does_it(lab: Lab, condition: dict[str, Any]) -> None:
    name = make(lab, "5.1")
    put_policy(name, account_wide(name, Condition=condition, Action=["s3:PutObject"]))
    result = examine("5.1", lab)
    assert result.done, str(result)
    assert "exercise-check" not in str(boto3.client("iam").list_roles()["Roles"])
    assert "Uploads" not in boto3.client("s3").list_multipart_uploads(Bucket=name)


def strict(lab: Lab, tls: dict[str, Any] | None = None, key: dict[str, Any] | None = None) -> str:
    """A bucket for 5.2 with its two statements, changed in one place."""
    arn = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    name = make(lab, "5.2")
    set_default(name, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn})
    both = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    whole = {"Action": "s3:*", "Resource": both, "Condition": PLAIN}
    this_key = {"Condition": {"ArnNotEqualsIfExists": {KEY_ID: arn}}}
    put_policy(
        name,
        account_wide(name, **{**whole, **(tls or {})}),
        account_wide(name, **{**this_key, **(key or {})}),
    )
    return name


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ({"Action": ["s3:Get*", "s3:List*"]}, "s3:PutObjectTagging by you"),
        ({"Action": ["s3:Get*", "s3:List*", "s3:Put*"]}, "s3:DeleteObjectTagging by you"),
        ({"Principal": {"AWS": "administrator"}}, "s3:GetObjectTagging by another role"),
    ],
    ids=["reads only", "not deletions", "the administrator"],
)
def test_5_2_wants_tls_for_every_call_and_caller(lab: Lab, tls: dict[str, Any], said: str) -> None:
    if "Principal" in tls:
        tls = {"Principal": {"AWS": administrator()}}
    strict(lab, tls)
    result = examine("5.2", lab)
    assert not result.done
    assert f"without TLS this is answered: {said}" in str(result)


def test_5_2_wants_the_key_from_everybody(lab: Lab) -> None:
    strict(lab, key={"Principal": {"AWS": administrator()}})
    assert "another key or none is let through" in str(examine("5.2", lab))


@pytest.mark.parametrize(
    "tls",
    [
        {},
        {"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}},
        {"Condition": {"StringNotEquals": {"aws:SecureTransport": "true"}}},
    ],
)
def test_5_2_takes_any_statement_that_does_it(lab: Lab, tls: dict[str, Any]) -> None:
    strict(lab, tls)
    result = examine("5.2", lab)
    assert result.done, str(result)


def test_5_2_takes_a_key_that_only_the_administrator_may_use(lab: Lab) -> None:
    name = strict(lab)
    key = boto3.client("s3").get_bucket_encryption(Bucket=name)[
        "ServerSideEncryptionConfiguration"
    ]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    only = {"Effect": "Allow", "Principal": {"AWS": administrator()}, "Action": "kms:*",
            "Resource": "*"}  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [only]})
    boto3.client("kms").put_key_policy(KeyId=key, Policy=document)
    result = examine("5.2", lab)
    assert result.done, str(result)


# --- answers that were tried later ---------------------------------------------------------------


def test_5_1_wants_aws_kms_refused_with_a_key_too(lab: Lab) -> None:
    name = make(lab, "5.1")
    no_key = {"StringEquals": {HEADER: "aws:kms"}, "Null": {KEY_ID: "true"}}
    put_policy(name, account_wide(name, Condition=no_key))
    assert "aws:kms is let through all the same: an upload of exercise-check by you" in str(
        examine("5.1", lab)
    )


@pytest.mark.parametrize(
    "changes",
    [
        lambda name: {"NotResource": f"arn:aws:s3:::{name}/public/*"},
        lambda name: {"NotResource": [f"arn:aws:s3:::{name}/????.tmp", f"arn:aws:s3:::{name}"]},
    ],
)
def test_5_1_tries_the_names_that_the_policy_leaves_out(lab: Lab, changes: Any) -> None:
    name = make(lab, "5.1")
    statement = {**account_wide(name), **changes(name)}
    del statement["Resource"]
    put_policy(name, statement)
    assert "aws:kms is let through all the same" in str(examine("5.1", lab))


@pytest.mark.parametrize("how", ["ArnNotEquals", "ArnNotLike", "StringNotLike"])
def test_5_1_asks_as_the_role_that_the_policy_leaves_out(lab: Lab, how: str) -> None:
    name = make(lab, "5.1")
    arn = administrator().partition(":user/")[0] + ":role/backup"
    arn += "-*" if how.endswith("Like") else ""
    left_out = {"StringEquals": {HEADER: "aws:kms"}, how: {"aws:PrincipalArn": arn}}
    put_policy(name, account_wide(name, Condition=left_out))
    assert "aws:kms is let through all the same: an upload of" in str(examine("5.1", lab))
    assert boto3.client("iam").list_roles()["Roles"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["*"]}, "Action": "s3:Put*"},
        {"Action": ["s3:PutObject"], "Sid": "NoKms"},
        {"Condition": {"StringEqualsIgnoreCase": {HEADER.upper(): ["AWS:KMS", "aws:kms:dsse"]}}},
        {"Condition": {"ForAnyValue:StringEquals": {HEADER: ["aws:kms"]}}},
        {"Condition": {"StringNotEqualsIfExists": {HEADER: "AES256"}, "Null": {HEADER: False}}},
    ],
)
def test_5_1_takes_other_words_for_it(lab: Lab, changes: dict[str, Any]) -> None:
    name = make(lab, "5.1")
    put_policy(name, account_wide(name, **changes))
    result = examine("5.1", lab)
    assert result.done, str(result)


def test_5_1_takes_more_statements_and_a_bucket_that_keeps_versions(lab: Lab) -> None:
    name = make(lab, "5.1")
    boto3.client("s3").put_bucket_versioning(
        Bucket=name, VersioningConfiguration={"Status": "Enabled"}
    )
    resource = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    tls = {"Action": "s3:*", "Resource": resource, "Condition": PLAIN}
    old = {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    methods = ("aws:kms", "aws:kms:dsse")
    split = [{"Condition": {"StringEquals": {HEADER: each}}} for each in methods]
    changes: list[dict[str, Any]] = [*split, tls, {**tls, "Condition": old}]
    put_policy(name, *(account_wide(name, **each) for each in changes))
    result = examine("5.1", lab)
    assert result.done, str(result)


@pytest.mark.parametrize(
    "action",
    [
        ["s3:Get*", "s3:List*", "s3:*Object*", "s3:AbortMultipartUpload"],
        ["s3:Get*", "s3:List*", "s3:Put*", "s3:Abort*", "s3:DeleteObjectTagging"],
        ["s3:Get*", "s3:List*", "s3:Put*", "s3:Abort*", "s3:DeleteObject*"],
    ],
)
def test_5_2_wants_no_action_forgotten(lab: Lab, action: list[str]) -> None:
    strict(lab, {"Action": action})
    result = examine("5.2", lab)
    assert result.error is None
    assert "without TLS this is answered: s3:" in str(result)


def test_5_2_wants_two_layers_of_another_key_refused(lab: Lab) -> None:
    name = strict(lab)
    key = default_key(name)
    named = {"StringEquals": {HEADER: ["aws:kms", "AES256"]}, "ArnNotEqualsIfExists": {KEY_ID: key}}
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    silent = account_wide(name, Condition={"Null": {HEADER: "true"}})
    put_policy(name, policy[0], account_wide(name, Condition=named), silent)
    assert "another key or none is let through all the same" in str(examine("5.2", lab))


def default_key(bucket: str) -> str:
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return str(rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"])


@pytest.mark.parametrize("how", ["id", "alias", "two layers", "split"])
def test_5_2_takes_other_ways_to_do_it(lab: Lab, how: str) -> None:
    name = strict(lab)
    key = default_key(name)
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    kind, named = "aws:kms", key
    if how == "id":
        named = key.rpartition("/")[2]
    if how == "alias":
        named = "alias/strict"
        boto3.client("kms").create_alias(AliasName=named, TargetKeyId=key)
    if how == "two layers":
        kind = "aws:kms:dsse"
    if how == "split":
        policy = [
            {**policy[0], "Resource": f"arn:aws:s3:::{name}"},
            {**policy[0], "Resource": f"arn:aws:s3:::{name}/*"},
            account_wide(name, Condition={"Null": {KEY_ID: "true"}}),
            account_wide(name, Condition={"StringNotEquals": {KEY_ID: key}}),
        ]
        put_policy(name, *policy)
    set_default(name, {"SSEAlgorithm": kind, "KMSMasterKeyID": named})
    result = examine("5.2", lab)
    assert result.done, str(result)


# --- who, when and what the policy leaves out ----------------------------------------------------

TO_COME = {"DateLessThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}
NO_KMS = {"StringEquals": {HEADER: ["aws:kms", "aws:kms:dsse"]}}


def account() -> str:
    return str(boto3.client("sts").get_caller_identity()["Account"])


def new_role(name: str, **tags: str) -> dict[str, Any]:
    """A role of this account that nobody may assume, as CreateRole describes it."""
    nobody = {"Effect": "Allow", "Action": "sts:AssumeRole",
              "Principal": {"Service": "ec2.amazonaws.com"}}  # fmt: skip
    role: dict[str, Any] = boto3.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": nobody}),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )["Role"]
    return role


def exempt(how: str) -> dict[str, Any]:
    """What changes in a statement for everybody, so that it leaves somebody out."""
    role = new_role("backup", team="storage")
    user = boto3.client("iam").create_user(UserName="ada")["User"]
    own, session = account(), f"arn:aws:sts::{account()}:assumed-role/backup/nightly"
    spared: dict[str, list[str]] = {
        "NotPrincipal, a user": [user["Arn"], f"arn:aws:iam::{own}:root"],
        "NotPrincipal, a session": [session, role["Arn"], own],
        "NotPrincipal, the root user": [f"arn:aws:iam::{own}:root"],
    }
    if how in spared:
        return {"NotPrincipal": {"AWS": spared[how]}}
    conditions: dict[str, Any] = {
        "a role that is there": {"ArnNotEquals": {"aws:PrincipalArn": role["Arn"]}},
        "a user that is there": {"StringNotEquals": {"aws:username": "ada"}},
        "a user by its id": {"StringNotEquals": {"aws:userid": user["UserId"]}},
        "a role by its id": {"StringNotLike": {"aws:userid": f"{role['RoleId']}:*"}},
        "a session by its name": {"StringNotLike": {"aws:userid": "*:nightly"}},
        "a tag": {"StringNotEquals": {"aws:PrincipalTag/team": "storage"}},
        "those with a tag": {"Null": {"aws:PrincipalTag/team": "true"}},
        "a path": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/service/*"}},
        "users": {"StringNotEquals": {"aws:PrincipalType": "User"}},
        "the root user": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}},
    }
    return {"Condition": conditions[how]}


EXEMPTIONS = [
    "NotPrincipal, a user", "NotPrincipal, a session", "NotPrincipal, the root user",
    "a role that is there", "a user that is there", "a user by its id", "a role by its id",
    "a session by its name", "a tag", "those with a tag", "a path", "users", "the root user",
]  # fmt: skip


def but_for(statement: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    condition = {**statement["Condition"], **change.get("Condition", {})}
    changed = {**statement, **change, "Condition": condition}
    if "NotPrincipal" in changed:
        del changed["Principal"]
    return changed


@pytest.mark.parametrize("how", EXEMPTIONS)
def test_5_1_finds_whom_the_policy_leaves_out(lab: Lab, how: str) -> None:
    name = make(lab, "5.1")
    before = boto3.client("iam").list_roles()["Roles"]
    put_policy(name, but_for(account_wide(name, Condition=NO_KMS), exempt(how)))
    assert "aws:kms is let through all the same: an upload of" in str(examine("5.1", lab))
    left = [role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]]
    assert before == []
    assert left == ["backup"]


@pytest.mark.parametrize(
    "condition",
    [
        TO_COME,
        {"NumericLessThan": {"aws:EpochTime": "4039372800"}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1a2b3c4d"}},
        {"Bool": {"aws:ViaAWSService": "false"}},
        {"StringEquals": {"s3:authType": "REST-HEADER"}},
        {"StringNotEquals": {"s3:x-amz-storage-class": "GLACIER"}},
        {"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
        {"Null": {"s3:RequestObjectTag/kind": "true"}},
        {"StringNotEquals": {"aws:UserAgent": "batch"}},
    ],
)
def test_5_1_finds_when_the_policy_does_not_hold(lab: Lab, condition: dict[str, Any]) -> None:
    name = make(lab, "5.1")
    both = {key: {**NO_KMS.get(key, {}), **condition.get(key, {})} for key in {*NO_KMS, *condition}}
    put_policy(name, account_wide(name, Condition=both))
    result = examine("5.1", lab)
    assert result.error is None
    assert "aws:kms is let through all the same: an upload of" in str(result)


def test_5_1_wants_the_default_also_in_times_to_come(lab: Lab) -> None:
    name = make(lab, "5.1")
    ends = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}
    put_policy(name, account_wide(name, Condition=NO_KMS), account_wide(name, Condition=ends))
    assert "uploads without a header are refused here" in str(examine("5.1", lab))


@pytest.mark.parametrize(
    "changes",
    [
        {"Condition": {**NO_KMS, "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}},
        {"Principal": {"AWS": "123456789012"}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Condition": {**NO_KMS, "StringEquals": {
            **NO_KMS["StringEquals"], "aws:PrincipalAccount": "123456789012"}}},
        {"Condition": {**NO_KMS, "Bool": {"aws:PrincipalIsAWSService": "false"}}},
        {"Condition": {**NO_KMS, "StringLike": {"aws:PrincipalArn": "*"}}},
    ],
    ids=["begun", "the account", "its root", "of the account", "no services", "whoever"],
)  # fmt: skip
def test_5_1_takes_a_policy_that_leaves_nobody_out(lab: Lab, changes: dict[str, Any]) -> None:
    name = make(lab, "5.1")
    put_policy(name, account_wide(name, **changes))
    result = examine("5.1", lab)
    assert result.done, str(result)


def test_5_1_takes_an_exemption_that_a_second_statement_takes_back(lab: Lab) -> None:
    name, role = make(lab, "5.1"), new_role("backup")
    spared = {**NO_KMS, "ArnNotEquals": {"aws:PrincipalArn": role["Arn"]}}
    meant = {**NO_KMS, "ArnEquals": {"aws:PrincipalArn": role["Arn"]}}
    put_policy(name, account_wide(name, Condition=spared), account_wide(name, Condition=meant))
    result = examine("5.1", lab)
    assert result.done, str(result)


def test_5_1_finds_another_account_that_the_policy_lets_in(lab: Lab) -> None:
    other = lab.account("audit").client("sts").get_caller_identity()["Account"]
    name = make(lab, "5.1")
    lets_in = {**account_wide(name, Principal={"AWS": other}), "Effect": "Allow"}
    del lets_in["Condition"]
    own = {**NO_KMS, "StringNotEquals": {"aws:PrincipalAccount": other}}
    put_policy(name, lets_in, account_wide(name, Condition=own))
    assert f"by a role of the account {other}" in str(examine("5.1", lab))
    put_policy(name, lets_in, account_wide(name, Condition=NO_KMS))
    assert examine("5.1", lab).done


@pytest.mark.parametrize("how", EXEMPTIONS)
def test_5_2_finds_whom_the_tls_statement_leaves_out(lab: Lab, how: str) -> None:
    name = strict(lab)
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    put_policy(name, but_for(policy[0], exempt(how)), policy[1])
    assert "without TLS this is answered: " in str(examine("5.2", lab))


RARE = [
    "GetObjectTorrent", "PutObjectLegalHold", "GetObjectRetention", "RestoreObject",
    "GetBucketOwnershipControls", "PutAnalyticsConfiguration", "GetInventoryConfiguration",
    "PutBucketRequestPayment", "GetBucketWebsite", "DeleteBucketPolicy", "ListBucketVersions",
    "DeleteObjectVersionTagging", "UpdateObjectEncryption",
]  # fmt: skip


@pytest.mark.parametrize("action", RARE)
def test_5_2_names_the_rare_action_that_is_left_out(lab: Lab, action: str) -> None:
    every = [each for each in (*BUCKET_ACTIONS, *OBJECT_ACTIONS) if each != action]
    strict(lab, {"Action": [f"s3:{each}" for each in every]})
    assert f"without TLS this is answered: s3:{action} by you" in str(examine("5.2", lab))


def test_5_2_takes_a_list_of_all_actions_and_wildcards(lab: Lab) -> None:
    strict(lab, {"Action": [f"s3:{each}" for each in (*BUCKET_ACTIONS, *OBJECT_ACTIONS)]})
    result = examine("5.2", lab)
    assert result.done, str(result)


@pytest.mark.parametrize(
    ("tls", "done"),
    [
        ({"Action": ["s3:Get*", "s3:List*", "s3:Put*", "s3:Delete*", "s3:Abort*"]}, False),
        ({"Condition": {**PLAIN, **TO_COME}}, False),
        ({"Condition": {**PLAIN, "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, False),
        ({"Condition": {**PLAIN, "StringNotEquals": {"aws:UserAgent": "old"}}}, False),
        ({"Action": "*"}, True),
        ({"Action": ["s3:?*"]}, True),
        ({"Condition": {"Null": {"s3:TlsVersion": "true"}}}, True),
        ({"Principal": {"AWS": "*"}, "Sid": "Tls"}, True),
    ],
)
def test_5_2_reads_the_tls_statement(lab: Lab, tls: dict[str, Any], done: bool) -> None:
    strict(lab, tls)
    result = examine("5.2", lab)
    assert result.done == done, str(result)
    assert done or "without TLS this is answered: s3:" in str(result)


def test_5_2_takes_all_actions_but_none(lab: Lab) -> None:
    name = strict(lab)
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    tls = {**policy[0], "NotAction": "s3:CreateBucket"}
    del tls["Action"]
    put_policy(name, tls, policy[1])
    result = examine("5.2", lab)
    assert result.done, str(result)


@pytest.mark.parametrize("how", ["a role that is there", "a tag", "NotPrincipal, a user", "a date"])
def test_5_2_wants_the_key_from_everybody_always(lab: Lab, how: str) -> None:
    name = strict(lab)
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    change = {"Condition": TO_COME} if how == "a date" else exempt(how)
    put_policy(name, policy[0], but_for(policy[1], change))
    assert "another key or none is let through all the same" in str(examine("5.2", lab))


def test_the_actions_that_are_asked_for_are_s3_s() -> None:
    def about(kind: str) -> set[str]:
        return {name for name, action in actions("s3").items() if kind in action.resources}

    services = {"allowvendedlogdeliveryforresource", "objectowneroverridetobucketowner",
                "bypassgovernanceretention", "createbucket", "initiatereplication"}  # fmt: skip
    for kind, asked in (("bucket", BUCKET_ACTIONS), ("object", OBJECT_ACTIONS)):
        left = about(kind) - {each.lower() for each in asked}
        assert {each.lower() for each in asked} <= about(kind)
        assert not {each for each in left - services if "replica" not in each}
