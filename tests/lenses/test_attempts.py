"""attempt(): one card for what happened, and no word about what was expected."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.labs import as_before
from workshop_lib import Lab, attempt, refused, start_lab
from workshop_lib.errors import LearnerError
from workshop_lib.lenses.plain_words import one_sentence


@pytest.fixture
def lab(capsys: pytest.CaptureFixture[str]) -> Iterator[Lab]:
    with as_before():
        lab = start_lab()
        capsys.readouterr()
        yield lab


Shown = pytest.CaptureFixture[str]


def test_a_call_that_succeeds(lab: Lab, capsys: Shown) -> None:
    with attempt() as seen:
        boto3.client("s3").list_buckets()
    assert capsys.readouterr().out == "✓ Allowed (S3 · ListBuckets)\n  S3 answered 200.\n"
    assert (seen.refused, seen.code, seen.message, seen.error) == (False, "", "", None)


def test_a_call_that_is_refused(lab: Lab, capsys: Shown) -> None:
    with attempt("the reader") as seen:
        boto3.client("s3").get_object(Bucket="nobody-s", Key="k")
    assert capsys.readouterr().out == (
        "✕ Refused: NoSuchBucket (the reader · S3 · GetObject)\n"
        "  The specified bucket does not exist\n"
    )
    assert (seen.refused, seen.code, seen.service) == (True, "NoSuchBucket", "S3")
    assert seen.operation == "GetObject"


def test_the_card_is_the_same_as_where_the_refusal_is_expected(lab: Lab, capsys: Shown) -> None:
    s3 = boto3.client("s3")
    with attempt():
        s3.get_object(Bucket="nobody-s", Key="k")
    unexpected = capsys.readouterr().out
    with refused("NoSuchBucket"):
        s3.get_object(Bucket="nobody-s", Key="k")
    assert capsys.readouterr().out == unexpected


def test_of_several_calls_each_is_listed(lab: Lab, capsys: Shown) -> None:
    s3 = boto3.client("s3")
    with attempt():
        s3.list_buckets()
        boto3.client("kms").list_keys()
    assert capsys.readouterr().out == (
        "✓ Allowed (2 calls)\n  - S3 · ListBuckets: 200\n  - KMS · ListKeys: 200\n"
    )
    with attempt():
        s3.list_buckets()
        s3.get_object(Bucket="nobody-s", Key="k")
        s3.list_buckets()
    assert capsys.readouterr().out.splitlines()[2:] == [
        "  - S3 · ListBuckets: 200",
        "  - S3 · GetObject: refused, NoSuchBucket",
    ]
    with attempt():
        for _ in range(10):
            s3.list_buckets()
    assert capsys.readouterr().out.splitlines()[-1] == "  - … and 2 more calls"


def test_a_refusal_that_the_block_itself_caught_is_not_called_allowed(
    lab: Lab, capsys: Shown
) -> None:
    s3 = boto3.client("s3")
    with attempt() as seen, contextlib.suppress(s3.exceptions.ClientError):
        s3.get_object(Bucket="nobody-s", Key="k")
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "It ran to its end (S3 · GetObject)"
    assert "refused, NoSuchBucket" in out
    assert not seen.refused


def test_a_library_s_refusal_is_shown_and_work_without_aws_is_allowed(
    lab: Lab, capsys: Shown
) -> None:
    cipher = AESGCM(bytes(32))
    with attempt() as seen:
        cipher.decrypt(bytes(12), bytes(32), b"")
    assert capsys.readouterr().out.startswith("✕ Refused: InvalidTag (the cryptography library)\n")
    assert seen.code == "InvalidTag"
    with attempt():
        cipher.encrypt(bytes(12), b"x", b"")
    assert capsys.readouterr().out == "✓ Allowed\n  It ran to its end; AWS was not called.\n"
    with attempt("by hand"):
        cipher.encrypt(bytes(12), b"y", b"")
    assert "by hand" in capsys.readouterr().out


@pytest.mark.parametrize(
    "slip",
    [
        lambda: eval("s4"),
        lambda: boto3.client("s3").get_objct,
        lambda: dict[str, str]()["Item"],
        lambda: int("x"),
        lambda: boto3.client("s3").list_buckets("positional"),
        lambda: (_ for _ in ()).throw(AssertionError()),
        lambda: (_ for _ in ()).throw(LearnerError("mine")),
        lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
        lambda: boto3.client("ec2").describe_instances(),  # the sandbox does not know it
    ],
)
def test_what_is_no_refusal_passes_through_without_a_card(
    lab: Lab, capsys: Shown, slip: Any
) -> None:
    with pytest.raises(BaseException), attempt() as seen:  # noqa: B017, PT011
        slip()
    assert capsys.readouterr().out == ""
    assert not seen.refused


KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            "User: arn:aws:sts::123456789012:assumed-role/reader-1/me is not authorized to "
            f"perform: kms:Decrypt on resource: {KEY} because no identity-based policy allows the "
            "kms:Decrypt action",
            "The role `reader-1` is not allowed `kms:Decrypt` on `key/1`: no identity-based policy "
            "allows it.",
        ),
        (
            "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: s3:PutObject "
            'on resource: "arn:aws:s3:::b/k" with an explicit deny in a resource-based policy',
            "The user `ada` is not allowed `s3:PutObject` on `b/k`: a resource-based policy denies "
            "it explicitly.",
        ),
        (
            "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: kms:ListKeys "
            "with an explicit deny in an identity-based policy",
            "The user `ada` is not allowed `kms:ListKeys`: an identity-based policy denies it "
            "explicitly.",
        ),
        (
            "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: iam:GetUser",
            "The user `ada` is not allowed `iam:GetUser`.",
        ),
        ("Access Denied", "S3 does not say why."),
        ("One thing. And another one.", "One thing."),
        (f"{KEY} is disabled.", f"{KEY} is disabled."),
        ("KMS key disabled error: com.amazonaws…", "DynamoDB asked KMS for the key of the table, "
         "and the key is disabled."),
    ],
)  # fmt: skip
def test_a_refusal_in_one_sentence(message: str, sentence: str) -> None:
    assert one_sentence("AccessDenied", message, "S3") == sentence


@pytest.mark.parametrize(
    ("code", "service", "sentence"),
    [
        ("KMSInvalidMacException", "KMS", "The MAC does not fit: the message"),
        ("KMSInvalidSignatureException", "KMS", "The signature does not fit: the message, its"),
        ("InvalidSignature", "the cryptography library", "The signature does not fit: the message"),
        ("Unheard", "the cryptography library", "The cryptography library does not say why."),
        ("Unheard", "", "Python does not say why."),
    ],
)
def test_what_comes_without_a_word(code: str, service: str, sentence: str) -> None:
    assert one_sentence(code, "", service).startswith(sentence)


def test_a_refusal_names_who_asked_where_no_label_does(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    kms = lab.account("audit").client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    heading = capsys.readouterr().out.splitlines()[0]
    assert heading == "✕ Refused: DisabledException (workshop-admin · KMS · Encrypt)"
    with attempt("the auditor"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    assert "(the auditor · KMS · Encrypt)" in capsys.readouterr().out


def test_a_refusal_of_another_account_s_key_says_who_does_not_let_whom_in(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html"""
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    kms = lab.account("audit").client("kms")
    caller = lab.account("audit").client("sts").get_caller_identity()["Account"]
    who = f"The user workshop-admin of account {caller} is not allowed kms:Encrypt: "
    with refused("AccessDeniedException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    shown = capsys.readouterr().out
    assert f"{who}the key's account, {key.split(':')[4]}, does not let them in.\n" in shown
    assert "AWS's own words: User: arn:" in shown
    assert "(KMS · Encrypt)" in shown  # the sentence has the name
    with refused("AccessDeniedException"):
        kms.encrypt(KeyId=f"{key.partition('/')[0]}/{uuid4()}", Plaintext=b"x")
    shown = capsys.readouterr().out
    assert f"{who}there is no such key in this Region, or its account" in shown
