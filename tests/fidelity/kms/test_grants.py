"""Grants."""

from typing import Any

import pytest

from tests.support.kms_people import (
    ACCOUNT,
    client,
    delegating,
    later,
    new_key,
    refused,
    role_session,
    user,
)


def grant(arn: str, grantee: str, *operations: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client().create_grant(
        KeyId=arn, GranteePrincipal=grantee, Operations=list(operations), **more
    )
    return answer


def test_a_grant_lets_its_grantee_in_and_only_so_far() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"""
    arn, (reader_arn, reader), (_, other) = new_key(), user("reader"), user("other")
    blob = client().encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException"):
        reader.decrypt(CiphertextBlob=blob)
    grant(arn, reader_arn, "Decrypt")
    assert reader.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    with refused("AccessDeniedException"):
        reader.encrypt(KeyId=arn, Plaintext=b"x")
    with refused("AccessDeniedException"):
        other.decrypt(CiphertextBlob=blob)


def test_a_grant_to_a_role_counts_for_its_sessions() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html"""
    arn, (role, session) = new_key(), role_session("app")
    with refused("AccessDeniedException"):
        session.describe_key(KeyId=arn)
    grant(arn, role, "DescribeKey")
    assert session.describe_key(KeyId=arn)["KeyMetadata"]["Arn"] == arn


@pytest.mark.parametrize("kind", ["EncryptionContextSubset", "EncryptionContextEquals"])
def test_constraints_on_the_encryption_context(kind: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html"""
    arn, (writer_arn, writer) = new_key(), user("writer")
    grant(arn, writer_arn, "Encrypt", Constraints={kind: {"tenant": "a"}})

    def encrypt(context: dict[str, str]) -> None:
        writer.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext=context)

    encrypt({"tenant": "a"})
    for context in ({}, {"tenant": "b"}):
        with refused("AccessDeniedException"):
            encrypt(context)
    wider = {"tenant": "a", "purpose": "test"}
    if kind == "EncryptionContextSubset":
        encrypt(wider)
    else:
        with refused("AccessDeniedException"):
            encrypt(wider)


def test_an_explicit_deny_beats_a_grant() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}
    arn, (writer_arn, writer) = new_key(Policy=delegating(deny)), user("writer")
    grant(arn, writer_arn, "Encrypt")
    with refused("AccessDeniedException"):
        writer.encrypt(KeyId=arn, Plaintext=b"x")


def test_a_revoked_grant_is_worth_nothing() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html"""
    arn, (writer_arn, writer) = new_key(), user("writer")
    made = grant(arn, writer_arn, "Encrypt")
    writer.encrypt(KeyId=arn, Plaintext=b"x")
    client().revoke_grant(KeyId=arn, GrantId=made["GrantId"])
    with refused("AccessDeniedException"):
        writer.encrypt(KeyId=arn, Plaintext=b"x")


def test_who_may_retire_a_grant() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html"""
    arn = new_key()
    (grantee_arn, grantee), (boss_arn, boss) = user("grantee"), user("boss")
    made = grant(arn, grantee_arn, "Encrypt", RetiringPrincipal=boss_arn)
    with refused("AccessDeniedException"):
        grantee.retire_grant(KeyId=arn, GrantId=made["GrantId"])
    listed = client().list_retirable_grants(RetiringPrincipal=boss_arn)["Grants"]
    assert [entry["GrantId"] for entry in listed] == [made["GrantId"]]
    boss.retire_grant(GrantToken=made["GrantToken"])
    assert client().list_grants(KeyId=arn)["Grants"] == []
    made = grant(arn, grantee_arn, "Encrypt", "RetireGrant")
    grantee.retire_grant(KeyId=arn, GrantId=made["GrantId"])
    assert client().list_grants(KeyId=arn)["Grants"] == []


def test_a_grant_hands_on_no_more_than_it_holds() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-creategrant"""
    arn, (middle_arn, middle), (end_arn, end) = new_key(), user("middle"), user("end")
    constraints = {"EncryptionContextSubset": {"tenant": "a"}}
    grant(arn, middle_arn, "CreateGrant", "Encrypt", Constraints=constraints)
    asked = {"KeyId": arn, "GranteePrincipal": end_arn}
    for too_much in (
        {"Operations": ["Decrypt"], "Constraints": constraints},
        {"Operations": ["Encrypt"]},
        {"Operations": ["Encrypt"], "Constraints": {"EncryptionContextSubset": {"b": "c"}}},
    ):
        with refused("AccessDeniedException"):
            middle.create_grant(**asked, **too_much)
    middle.create_grant(**asked, Operations=["Encrypt"], Constraints=constraints)
    end.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"tenant": "a"})


def test_operations_fit_the_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html"""
    grantee, _ = user("grantee")
    with refused("ValidationException"):
        grant(new_key(), grantee, "Sign")
    signing = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused("ValidationException"):
        grant(signing, grantee, "GenerateDataKey")
    with refused("ValidationException"):
        grant(signing, grantee, "Sign", Constraints={"EncryptionContextEquals": {"a": "b"}})


def test_a_grant_to_nobody() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html"""
    ghost = f"arn:aws:iam::{ACCOUNT}:role/ghost"
    with refused("InvalidArnException", f"ARN does not refer to a valid principal: {ghost}"):
        grant(new_key(), ghost, "Decrypt")


def test_the_same_grant_by_name_is_made_once() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html"""
    arn, (grantee, _) = new_key(), user("grantee")
    first, again = (grant(arn, grantee, "Decrypt", Name="read") for _ in range(2))
    assert first["GrantId"] == again["GrantId"]
    assert first["GrantToken"] != again["GrantToken"]
    assert len(client().list_grants(KeyId=arn)["Grants"]) == 1
    assert grant(arn, grantee, "Encrypt", Name="read")["GrantId"] != first["GrantId"]


def test_a_grant_is_listed_with_what_it_gives() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html"""
    arn, (grantee, _) = new_key(), user("grantee")
    grant(arn, grantee, "Decrypt", Constraints={"EncryptionContextEquals": {"a": "b"}})
    entry = client().list_grants(KeyId=arn)["Grants"][0]
    assert entry["KeyId"] == arn
    assert entry["IssuingAccount"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert entry["Constraints"] == {"EncryptionContextEquals": {"a": "b"}}
    assert "CreationDate" in entry
    assert "RetiringPrincipal" not in entry


def test_conditions_on_grants() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-operations"""
    arn, (reader, _) = new_key(), user("reader")
    statement = {
        "Effect": "Allow",
        "Action": "kms:CreateGrant",
        "Resource": "*",
        "Condition": {
            "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "DescribeKey"]},
            "StringEquals": {"kms:GranteePrincipal": reader},
        },
    }
    writer, giver = user("giver", statement)
    giver.create_grant(KeyId=arn, GranteePrincipal=reader, Operations=["Decrypt"])
    with refused("AccessDeniedException"):
        giver.create_grant(KeyId=arn, GranteePrincipal=reader, Operations=["Encrypt"])
    with refused("AccessDeniedException"):
        giver.create_grant(KeyId=arn, GranteePrincipal=writer, Operations=["Decrypt"])


def test_grants_for_services_only() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource"""
    arn, (reader, _) = new_key(), user("reader")
    statement = {
        "Effect": "Allow",
        "Action": "kms:CreateGrant",
        "Resource": "*",
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    _, giver = user("giver", statement)
    with refused("AccessDeniedException"):
        giver.create_grant(KeyId=arn, GranteePrincipal=reader, Operations=["Decrypt"])


def test_grants_go_with_their_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"""
    arn, (boss, _) = new_key(), user("boss")
    grant(arn, boss, "Decrypt", RetiringPrincipal=boss)
    client().schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert client().list_retirable_grants(RetiringPrincipal=boss)["Grants"]
    later(days=7)
    assert not client().list_retirable_grants(RetiringPrincipal=boss)["Grants"]


@pytest.mark.parametrize("kind", ["EncryptionContextSubset", "EncryptionContextEquals"])
def test_a_constraint_compares_values_by_case_but_not_names(kind: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html"""
    arn, (writer_arn, writer) = new_key(), user("writer")
    grant(arn, writer_arn, "Encrypt", "CreateGrant", Constraints={kind: {"Tenant": "Acme"}})
    context = {"tenant": "Acme"}
    writer.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext=context)
    with refused("AccessDeniedException"):
        writer.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"Tenant": "acme"})
    writer.create_grant(
        KeyId=arn, GranteePrincipal=writer_arn, Operations=["Encrypt"], Constraints={kind: context}
    )
    with refused("AccessDeniedException"):
        writer.create_grant(
            KeyId=arn,
            GranteePrincipal=writer_arn,
            Operations=["Encrypt"],
            Constraints={kind: {"tenant": "acme"}},
        )


def test_a_grant_token_that_nobody_handed_out() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/using-grant-token.html"""
    arn, (writer_arn, writer) = new_key(), user("writer")
    token = grant(arn, writer_arn, "Encrypt")["GrantToken"]
    writer.encrypt(KeyId=arn, Plaintext=b"x", GrantTokens=[token])
    with refused("InvalidGrantTokenException"):
        writer.encrypt(KeyId=arn, Plaintext=b"x", GrantTokens=[token[::-1]])


@pytest.mark.unconfirmed("AWS's words for a grant that allows nothing")
def test_a_grant_names_an_operation() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html"""
    arn, (reader_arn, _) = new_key(), user("reader")
    with refused("ValidationException"):
        grant(arn, reader_arn)


def test_a_grant_is_for_more_than_making_grants() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html

    AWS's words: https://github.com/ansible/ansible/pull/31960
    """
    arn, (reader_arn, _) = new_key(), user("reader")
    words = "Grants must not contain only the CreateGrant operation."
    with refused("ValidationException", words):
        grant(arn, reader_arn, "CreateGrant")
    grant(arn, reader_arn, "CreateGrant", "Decrypt")


@pytest.mark.parametrize(
    ("operation", "most", "parameters"),
    [
        ("list_grants", 100, {"KeyId": ""}),
        ("list_resource_tags", 50, {"KeyId": ""}),
        ("list_aliases", 100, {}),
        ("list_retirable_grants", 100, {"RetiringPrincipal": f"arn:aws:iam::{ACCOUNT}:root"}),
    ],
)
def test_pages_have_a_largest_size(operation: str, most: int, parameters: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html"""
    asked = {name: value or new_key() for name, value in parameters.items()}
    getattr(client(), operation)(Limit=most, **asked)
    with refused("ValidationException"):
        getattr(client(), operation)(Limit=most + 1, **asked)
