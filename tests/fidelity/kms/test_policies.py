"""Who may use a key: key policies, IAM policies, conditions."""

import json
from typing import Any

import boto3
import pytest

from tests.support.kms_people import (
    ACCOUNT,
    EVERYTHING,
    client,
    delegating,
    new_key,
    policy,
    refused,
    role_session,
    user,
)

ENCRYPT = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}


def test_iam_decides_under_the_default_key_policy() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    arn = new_key()
    _, writer = user("writer", {**ENCRYPT, "Resource": arn})
    reader_arn, reader = user("reader")
    blob = writer.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException"):
        writer.decrypt(CiphertextBlob=blob)
    with refused(
        "AccessDeniedException",
        f"User: {reader_arn} is not authorized to perform: kms:Encrypt on resource: {arn} "
        "because no identity-based policy allows the kms:Encrypt action",
    ):
        reader.encrypt(KeyId=arn, Plaintext=b"x")


def test_a_key_policy_without_delegation_leaves_iam_powerless() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    admin = f"arn:aws:iam::{ACCOUNT}:user/workshop-admin"
    arn = new_key()
    writer_arn, writer = user("writer", EVERYTHING)
    client().put_key_policy(KeyId=arn, Policy=policy({**EVERYTHING, "Principal": {"AWS": admin}}))
    with refused(
        "AccessDeniedException",
        f"User: {writer_arn} is not authorized to perform: kms:Encrypt on resource: {arn} "
        "because no resource-based policy allows the kms:Encrypt action",
    ):
        writer.encrypt(KeyId=arn, Plaintext=b"x")


def test_a_key_policy_is_given_back_in_one_form() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html"""
    owner = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    put = json.dumps(
        {
            "Statement": [
                {**owner, "Action": ["kms:*"]},
                {**owner, "Action": "kms:*", "Resource": "*"},
            ]
        }
    )
    assert (
        client().get_key_policy(KeyId=new_key(Policy=put))["Policy"]
        == f"""{{
  "Statement" : [ {{
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{ACCOUNT}:root"
    }},
    "Action" : [ "kms:*" ]
  }}, {{
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{ACCOUNT}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"""
    )


@pytest.mark.unconfirmed("no page shows how KMS gives back letters that were put as escapes")
def test_a_key_policy_is_given_back_in_its_own_letters() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html"""
    condition = {"StringEquals": {"aws:PrincipalTag/Büro": "東京"}}
    named = {**ENCRYPT, "Sid": "Schlüssel für 東京", "Principal": {"AWS": ACCOUNT}}
    arn = new_key(Policy=delegating({**named, "Condition": condition}))
    given = client().get_key_policy(KeyId=arn)["Policy"]
    assert '"Sid" : "Schlüssel für 東京"' in given
    assert '"aws:PrincipalTag/Büro" : "東京"' in given


def test_a_key_policy_is_written_in_latin_letters() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
    Words: https://github.com/badmintoncryer/cdk-preflight (rules/kms/pf-kms-key-policy-charset)
    """
    arn = new_key()
    put = delegating({**ENCRYPT, "Sid": "für alle", "Principal": {"AWS": ACCOUNT}})
    client().put_key_policy(KeyId=arn, Policy=put.replace("f\\u00fcr", "für"))
    other = put.replace("f\\u00fcr alle", "東京")
    with refused(
        "ValidationException",
        f"1 validation error detected: Value '{other}' at 'policy' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    ):
        client().put_key_policy(KeyId=arn, Policy=other)


def test_what_concerns_no_key_is_not_allowed_by_a_key_s_name() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html"""
    named = {**EVERYTHING, "Resource": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"}
    _, caller = user("caller", named)
    for operation in (caller.create_key, caller.list_keys, caller.list_aliases):
        with refused("AccessDeniedException"):
            operation()
    with refused("AccessDeniedException"):
        caller.generate_random(NumberOfBytes=8)


def test_a_key_policy_allows_by_itself() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"""
    role, session = role_session("app")
    arn = new_key(Policy=delegating({**ENCRYPT, "Principal": {"AWS": role}}))
    blob = session.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException"):
        session.decrypt(CiphertextBlob=blob)


def test_an_explicit_deny_in_a_key_policy_wins() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    arn = new_key(Policy=delegating(deny))
    blob = client().encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    with refused(
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/workshop-admin is not authorized to perform: "
        f"kms:Decrypt on resource: {arn} with an explicit deny in a resource-based policy",
    ):
        client().decrypt(CiphertextBlob=blob)


def only_if(action: str | list[str], **condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow", "Action": action, "Resource": "*",
        "Condition": {"StringEquals": condition},
    }  # fmt: skip


def test_a_condition_on_the_encryption_context() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context"""
    arn = new_key()
    statement = only_if(["kms:Encrypt", "kms:Decrypt"], **{"kms:EncryptionContext:tenant": "a"})
    _, tenant = user("tenant", statement)
    context = {"tenant": "a", "purpose": "test"}
    tenant.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext=context)
    with refused("AccessDeniedException"):
        tenant.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"tenant": "b"})
    blob = client().encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException"):
        tenant.decrypt(CiphertextBlob=blob)


def test_a_condition_on_the_names_in_the_encryption_context() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context-keys"""
    arn = new_key()
    statement = {
        **ENCRYPT,
        "Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "b"]}},
    }
    _, caller = user("caller", statement)
    caller.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"a": "1", "b": "2"})
    with refused("AccessDeniedException"):
        caller.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"a": "1", "c": "2"})


def test_a_condition_on_the_service() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service"""
    arn = new_key()
    statement = only_if("kms:*", **{"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    _, caller = user("caller", statement)
    with refused("AccessDeniedException"):
        caller.encrypt(KeyId=arn, Plaintext=b"x")


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ({"kms:RequestAlias": "alias/app"}, "alias/app"),
        ({"kms:KeySpec": "SYMMETRIC_DEFAULT"}, None),
        ({"kms:KeyOrigin": "AWS_KMS"}, None),
        ({"kms:CallerAccount": ACCOUNT}, None),
        ({"aws:ResourceTag/team": "app"}, None),
    ],
)
def test_conditions_on_the_key(condition: dict[str, str], named: str | None) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"""
    arn = new_key(Tags=[{"TagKey": "team", "TagValue": "app"}])
    client().create_alias(AliasName="alias/app", TargetKeyId=arn)
    _, caller = user("caller", only_if("kms:Encrypt", **condition))
    caller.encrypt(KeyId=named or arn, Plaintext=b"x")
    _, other = user("other", only_if("kms:Encrypt", **dict.fromkeys(condition, "else")))
    with refused("AccessDeniedException"):
        other.encrypt(KeyId=named or arn, Plaintext=b"x")


def test_an_alias_needs_permission_on_alias_and_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html"""
    arn = new_key()
    create = {"Effect": "Allow", "Action": "kms:CreateAlias"}
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/*"
    _, half = user("half", {**create, "Resource": alias})
    _, other_half = user("other-half", {**create, "Resource": arn})
    _, whole = user("whole", {**create, "Resource": [alias, arn]})
    for caller in (half, other_half):
        with refused("AccessDeniedException"):
            caller.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    whole.create_alias(AliasName="alias/mine", TargetKeyId=arn)


def test_moving_an_alias_needs_permission_on_both_keys() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html"""
    old, new = new_key(), new_key()
    client().create_alias(AliasName="alias/mine", TargetKeyId=old)
    move = {"Effect": "Allow", "Action": "kms:UpdateAlias"}
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/mine"
    _, half = user("half", {**move, "Resource": [alias, new]})
    _, whole = user("whole", {**move, "Resource": [alias, old, new]})
    with refused("AccessDeniedException"):
        half.update_alias(AliasName="alias/mine", TargetKeyId=new)
    whole.update_alias(AliasName="alias/mine", TargetKeyId=new)


def test_re_encrypt_needs_permission_on_both_keys() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html"""
    old, new = new_key(), new_key()
    blob = client().encrypt(KeyId=old, Plaintext=b"x")["CiphertextBlob"]
    leave = {"Effect": "Allow", "Action": "kms:ReEncryptFrom", "Resource": old}
    arrive = {"Effect": "Allow", "Action": "kms:ReEncryptTo", "Resource": new}
    _, half = user("half", leave)
    _, whole = user("whole", leave, arrive)
    with refused("AccessDeniedException"):
        half.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
    assert whole.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)["KeyId"] == new


def test_whoever_may_not_use_a_key_is_not_told_its_state() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    arn = new_key()
    client().disable_key(KeyId=arn)
    with refused("AccessDeniedException"):
        user("reader")[1].encrypt(KeyId=arn, Plaintext=b"x")


# --- putting a key policy -----------------------------------------------------------------


def test_a_policy_that_locks_its_author_out() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
    Words: https://github.com/aws-solutions/innovation-sandbox-on-aws/issues/31,
    https://github.com/badmintoncryer/cdk-preflight (rules/kms/pf-kms-key-policy-lockout)
    """
    arn, (reader, _) = new_key(), user("reader")
    lockout = policy({**EVERYTHING, "Principal": {"AWS": reader}})
    with refused(
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    ):
        client().put_key_policy(KeyId=arn, Policy=lockout)
    with refused("MalformedPolicyDocumentException"):
        new_key(Policy=lockout)
    client().put_key_policy(KeyId=arn, Policy=lockout, BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException"):
        client().get_key_policy(KeyId=arn)


def test_a_policy_that_names_nobody() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
    Words: https://github.com/awslabs/minimum-viable-dataspace-on-aws/issues/5
    """
    ghost = {**ENCRYPT, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/ghost"}}
    with refused(
        "MalformedPolicyDocumentException",
        "Policy contains a statement with one or more invalid principals.",
    ):
        client().put_key_policy(KeyId=new_key(), Policy=delegating(ghost))


@pytest.mark.parametrize("document", ["not json", '{"Version": "2012-10-17"}', "[]"])
def test_a_policy_that_is_none(document: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html

    Without a word, as was seen: https://github.com/aws/aws-sdk-ruby/issues/1784
    """
    with refused("MalformedPolicyDocumentException", ""):
        client().put_key_policy(KeyId=new_key(), Policy=document)


def test_a_new_policy_counts_at_once() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"""
    arn, (writer_arn, writer) = new_key(), user("writer")
    with refused("AccessDeniedException"):
        writer.encrypt(KeyId=arn, Plaintext=b"x")
    client().put_key_policy(
        KeyId=arn, Policy=delegating({**ENCRYPT, "Principal": {"AWS": writer_arn}})
    )
    writer.encrypt(KeyId=arn, Plaintext=b"x")


def test_making_keys_is_a_permission() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html"""
    statement = only_if("kms:CreateKey", **{"kms:KeySpec": "SYMMETRIC_DEFAULT"})
    _, maker = user("maker", statement)
    assert maker.create_key()["KeyMetadata"]["KeySpec"] == "SYMMETRIC_DEFAULT"
    with refused("AccessDeniedException"):
        maker.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    with refused("AccessDeniedException"):
        maker.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])


def test_a_permissions_boundary_holds_for_keys_too() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"""
    arn, (_, caller) = new_key(), user("caller", EVERYTHING)
    iam = boto3.client("iam")
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=policy(ENCRYPT))
    caller.describe_key(KeyId=arn)
    iam.put_user_permissions_boundary(
        UserName="caller", PermissionsBoundary=boundary["Policy"]["Arn"]
    )
    caller.encrypt(KeyId=arn, Plaintext=b"x")
    with refused("AccessDeniedException"):
        caller.describe_key(KeyId=arn)


def test_the_account_root_stands_for_the_account() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
    statement = {**ENCRYPT, "Principal": {"AWS": ACCOUNT}}
    admin = {**EVERYTHING, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/workshop-admin"}}
    arn = new_key(Policy=policy(admin, statement))
    _, writer = user("writer", EVERYTHING)
    writer.encrypt(KeyId=arn, Plaintext=b"x")
    with refused("AccessDeniedException"):
        writer.describe_key(KeyId=arn)


@pytest.mark.parametrize(
    "name", ["nosuch.amazonaws.com", "lambda.amazon.com", "us-east-1.amazonaws.com", "s3"]
)
def test_a_key_policy_names_services_that_there_are(name: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
    Text: notes of public Terraform modules on what their users met, of 2022 to 2025
    """
    arn = new_key()
    told = "Policy contains a statement with one or more invalid service principals."
    statement = {**ENCRYPT, "Principal": {"Service": ["s3.amazonaws.com", name]}}
    with refused("MalformedPolicyDocumentException", told):
        client().put_key_policy(KeyId=arn, PolicyName="default", Policy=delegating(statement))
    with refused("MalformedPolicyDocumentException", told):
        new_key(Policy=delegating(statement))
    there_are = ["delivery.logs.amazonaws.com", "logs.eu-west-1.amazonaws.com", "dax.amazonaws.com"]
    new_key(Policy=delegating({**ENCRYPT, "Principal": {"Service": there_are}}))


@pytest.mark.unconfirmed("AWS documents the size, not how it refuses a larger policy")
def test_a_key_policy_has_32_kilobytes() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html#key-policy-format"""
    arn, document = new_key(), delegating()
    asked = {"KeyId": arn, "PolicyName": "default"}
    client().put_key_policy(**asked, Policy=document.ljust(32_768))
    with refused("LimitExceededException"):
        client().put_key_policy(**asked, Policy=document.ljust(32_769))
    with refused("LimitExceededException"):
        new_key(Policy=document.ljust(32_769))


# --- parameters that a policy may ask about ------------------------------------------------

SIGNING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
MACS = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}
AGREEING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}
MULTI_REGION = {"MultiRegion": True}
IMPORTED = {"Origin": "EXTERNAL"}
WRAPPING = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
NEVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


def _of_import(kms: Any, arn: str) -> Any:
    asked = client().get_parameters_for_import(KeyId=arn, **WRAPPING)
    return kms.import_key_material(
        KeyId=arn, ImportToken=asked["ImportToken"], EncryptedKeyMaterial=b"none", **NEVER
    )


@pytest.mark.parametrize(
    ("key", "value", "kind", "ask"),
    [
        ("SigningAlgorithm", "ECDSA_SHA_256", SIGNING,
         lambda kms, arn: kms.sign(KeyId=arn, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")),
        ("MessageType", "DIGEST", SIGNING,
         lambda kms, arn: kms.sign(KeyId=arn, Message=b"m" * 32, MessageType="DIGEST",
                                   SigningAlgorithm="ECDSA_SHA_256")),
        ("MessageType", "RAW", SIGNING,
         lambda kms, arn: kms.sign(KeyId=arn, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")),
        ("MacAlgorithm", "HMAC_SHA_256", MACS,
         lambda kms, arn: kms.generate_mac(KeyId=arn, Message=b"m", MacAlgorithm="HMAC_SHA_256")),
        ("KeyAgreementAlgorithm", "ECDH", AGREEING,
         lambda kms, arn: kms.derive_shared_secret(
             KeyId=arn, KeyAgreementAlgorithm="ECDH",
             PublicKey=client().get_public_key(KeyId=arn)["PublicKey"])),
        ("DataKeyPairSpec", "ECC_NIST_P256", {},
         lambda kms, arn: kms.generate_data_key_pair(KeyId=arn, KeyPairSpec="ECC_NIST_P256")),
        ("ScheduleKeyDeletionPendingWindowInDays", 7, {},
         lambda kms, arn: kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)),
        ("RotationPeriodInDays", 100, {},
         lambda kms, arn: kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=100)),
        ("WrappingAlgorithm", "RSAES_OAEP_SHA_256", IMPORTED,
         lambda kms, arn: kms.get_parameters_for_import(KeyId=arn, **WRAPPING)),
        ("WrappingKeySpec", "RSA_2048", IMPORTED,
         lambda kms, arn: kms.get_parameters_for_import(KeyId=arn, **WRAPPING)),
        ("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE", IMPORTED, _of_import),
        ("ReplicaRegion", "eu-west-1", MULTI_REGION,
         lambda kms, arn: kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")),
        ("PrimaryRegion", "eu-west-1", MULTI_REGION,
         lambda kms, arn: kms.update_primary_region(KeyId=arn, PrimaryRegion="eu-west-1")),
    ],
)  # fmt: skip
def test_a_policy_asks_about_a_parameter(
    key: str, value: str | int, kind: dict[str, Any], ask: Any
) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"""
    arn = new_key(**kind)
    if key == "PrimaryRegion":
        client().replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    operator = "NumericEquals" if isinstance(value, int) else "StringEquals"

    def asker(name: str, wanted: str | int) -> Any:
        only = {operator: {f"kms:{key}": wanted}}
        statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": only}
        return user(name, statement, {**EVERYTHING, "Action": "kms:CreateKey"})[1]

    with refused("AccessDeniedException"):
        ask(asker("other", 8 if isinstance(value, int) else "another"), arn)
    if key == "ExpirationModel":  # may, but it is no wrapped material
        with refused("InvalidCiphertextException"):
            ask(asker("this", value), arn)
    else:
        ask(asker("this", value), arn)


def test_the_usage_of_a_new_key_decides_also_where_nobody_names_it() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-key-usage
    "The default value is ENCRYPT_DECRYPT": https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
    """
    usage = {"StringEquals": {"kms:KeyUsage": "ENCRYPT_DECRYPT"}}
    allowed = {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*", "Condition": usage}
    _, maker = user("maker", allowed)
    maker.create_key()
    with refused("AccessDeniedException"):
        maker.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
