"""why(): the statement that decided over a call, asked of a lab that remembers."""

from __future__ import annotations

import gc
import json
import tracemalloc
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from workshop_lib import Lab, refused, start_lab, trace, why
from workshop_lib.lenses.why import NotExplained
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth import decisions


@pytest.fixture
def bucket() -> str:
    lab: Lab = start_lab()
    name = lab.name("docs")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def reader(*statements: dict[str, Any]) -> Any:
    """The S3 client of a new role with these statements."""
    iam, account = boto3.client("iam"), "123456789012"
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=policy(trust))["Role"]
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=policy(*statements))
    sts = boto3.client("sts")
    given = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="one")["Credentials"]
    return boto3.client(
        "s3",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


READ = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def test_a_refusal_needs_no_trace_and_names_what_is_missing_in_kms(bucket: str) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    boto3.client("s3").put_object(
        Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    with refused("AccessDenied") as refusal:
        reader(READ).get_object(Bucket=bucket, Key="a")
    for told in (why(refusal), why(refusal.error)):
        first, second = told.cards
        assert (first.kind, second.kind) == ("allowed", "refused")
        assert first.text == ["Statement `Read` of the role's policies allows `s3:GetObject`."]
        assert second.text == [
            f"No statement of the role's policies allows `kms:Decrypt` on `{key}`."
        ]
    assert f"<code>{key}</code>" in told._repr_html_()
    assert "✕ Refused (kms:Decrypt)" in repr(told)


def test_the_statement_of_a_bucket_policy(bucket: str) -> None:
    s3 = boto3.client("s3")
    only = {
        "Sid": "OnlyKms",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(only))
    with refused("AccessDenied") as refusal:
        s3.put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="AES256")
    assert why(refusal).cards[0].text == [
        "Deny statement `OnlyKms` of the bucket policy applies: its condition "
        "`StringNotEquals s3:x-amz-server-side-encryption = aws:kms` holds."
    ]


def test_calls_of_a_trace_all_or_one_and_the_answer_of_one(bucket: str) -> None:
    s3 = boto3.client("s3")
    with trace() as calls:
        answer = s3.put_object(Bucket=bucket, Key="a", Body=b"x")
        s3.get_object(Bucket=bucket, Key="a")
    assert [card.where for card in why(calls).cards] == ["s3:PutObject", "s3:GetObject"]
    assert [card.where for card in why(calls, 1).cards] == ["s3:GetObject"]
    assert repr(why(answer)) == repr(why(calls, 0))
    with pytest.raises(NotExplained, match="calls 0 to 1"):
        why(calls, 2)


def test_a_refusal_for_another_reason_says_so(bucket: str) -> None:
    with refused("NoSuchKey") as refusal:
        boto3.client("s3").get_object(Bucket=bucket, Key="gone")
    first = why(refusal).cards[0]
    assert "for another reason than permissions" in first.text[0]
    assert {card.kind for card in why(refusal).cards} == {"note", "allowed"}


def test_an_error_beneath_a_library_s_own(bucket: str) -> None:
    def library() -> None:
        try:
            reader({**READ, "Resource": "arn:aws:s3:::other/*"}).get_object(Bucket=bucket, Key="a")
        except ClientError as error:
            raise ValueError("cannot read") from error

    with refused("ValueError") as refusal:
        library()
    assert why(refusal).cards[0].kind == "refused"


def test_what_is_not_known_is_said(bucket: str) -> None:
    s3 = boto3.client("s3")
    untraced = s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    for asked in (untraced, ValueError("mine"), "s3:GetObject", trace()):
        with pytest.raises(NotExplained):
            why(asked)
    with refused("NoSuchKey") as refusal:
        s3.get_object(Bucket=bucket, Key="gone")
    start_lab()
    with pytest.raises(NotExplained):  # the new lab's ids begin anew
        why(refusal)


def test_no_more_than_so_many_calls_are_kept(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "_CALLS", 3)
    s3 = boto3.client("s3")
    with trace() as calls:
        for _ in range(5):
            s3.list_objects_v2(Bucket=bucket)
    with pytest.raises(NotExplained):
        why(calls, 1)
    assert len(why(calls, 2).cards) == 1


def test_nothing_allowed_is_kept_after_the_trace(bucket: str) -> None:
    s3 = boto3.client("s3")
    with trace():
        pass
    with pytest.raises(NotExplained):
        why(s3.list_objects_v2(Bucket=bucket))


def test_what_is_kept_of_a_refused_upload_is_not_its_body(bucket: str) -> None:
    s3 = reader({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    gc.collect()
    gc.disable()  # what refers to itself in a circle would stay
    tracemalloc.start()
    try:
        for _ in range(4):
            with pytest.raises(ClientError, match="AccessDenied") as refusal:
                s3.put_object(Bucket=bucket, Key="large", Body=bytes(2_000_000))
            error = refusal.value.with_traceback(None)
            del refusal
        assert tracemalloc.get_traced_memory()[0] < 4_000_000
    finally:
        tracemalloc.stop()
        gc.enable()
    assert "s3:PutObject" in repr(why(error))


def test_the_time_of_the_call_counts_and_not_that_of_the_question() -> None:
    lab = start_lab()
    name = lab.name("docs")
    boto3.client("s3").create_bucket(Bucket=name)
    soon = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    s3 = reader({
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
        "Condition": {"DateGreaterThan": {"aws:CurrentTime": soon}},
    })  # fmt: skip
    with pytest.raises(ClientError, match="AccessDenied") as refusal:
        s3.get_object(Bucket=name, Key="a")
    before = repr(why(refusal.value))
    lab.later(hours=2)
    assert repr(why(refusal.value)) == before


def test_both_sides_of_a_call_across_accounts() -> None:
    """What S3 hides from another account's caller, "Access Denied" and no more, is said here."""
    lab = start_lab()
    bucket, s3 = lab.name("docs"), boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    stranger = lab.account("partner").client("s3")
    with refused("AccessDenied") as refusal:
        stranger.get_object(Bucket=bucket, Key="a")
    told = why(refusal).cards[-1]
    assert told.kind == "refused"
    assert told.text[0].startswith("The resource has no policy, so nothing there allows")
    other = lab.account("partner").client("sts").get_caller_identity()["Account"]
    share = {
        "Sid": "Share",
        "Effect": "Allow",
        "Principal": {"AWS": other},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(share))
    with trace() as calls:
        stranger.get_object(Bucket=bucket, Key="a")
    assert why(calls).cards[0].text == [
        "Statement `Share` of the bucket policy allows `s3:GetObject`. Statement number 1 of the "
        "user's policies allows it too."
    ]
