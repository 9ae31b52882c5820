"""Key states: what a key that is switched off, pending or gone still does.

Words, of every operation alike: "… is disabled." and "… is pending deletion.", LocalStack's
snapshot of test_s3_sse_validate_kms_key_state, recorded from AWS in February 2026, and
https://github.com/hashicorp/terraform-provider-aws/issues/17889; "… is pending import.", its
snapshot of test_import_key_symmetric; of another usage, that of
test_error_messaging_for_invalid_keys.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.kms_people import client, later, new_key, refused, user

Use = Callable[[Any, str, bytes], Any]
USES: dict[str, Use] = {
    "Encrypt": lambda kms, key, blob: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "Decrypt": lambda kms, key, blob: kms.decrypt(CiphertextBlob=blob),
    "ReEncrypt": lambda kms, key, blob: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key),
    "GenerateDataKey": lambda kms, key, blob: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "GenerateDataKeyWithoutPlaintext": lambda kms, key, blob: (
        kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=32)
    ),
    "GenerateDataKeyPair": lambda kms, key, blob: kms.generate_data_key_pair(
        KeyId=key, KeyPairSpec="ECC_NIST_P256"
    ),
}


def used_key() -> tuple[str, bytes]:
    arn = new_key()
    return arn, client().encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]


@pytest.mark.parametrize("use", USES)
def test_a_disabled_key(use: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    arn, blob = used_key()
    client().disable_key(KeyId=arn)
    with refused("DisabledException", f"{arn} is disabled."):
        USES[use](client(), arn, blob)
    client().enable_key(KeyId=arn)
    USES[use](client(), arn, blob)


@pytest.mark.parametrize("use", USES)
def test_a_key_pending_deletion(use: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    arn, blob = used_key()
    client().schedule_key_deletion(KeyId=arn)
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        USES[use](client(), arn, blob)


@pytest.mark.parametrize("end", ["source", "destination"])
def test_both_keys_of_a_re_encryption_must_be_usable(end: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
    https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    """
    kms, (source, blob), destination = client(), used_key(), new_key()
    named = source if end == "source" else destination
    asked = {"CiphertextBlob": blob, "DestinationKeyId": destination}
    kms.disable_key(KeyId=named)
    with refused("DisabledException", f"{named} is disabled."):
        kms.re_encrypt(**asked)
    kms.schedule_key_deletion(KeyId=named)
    with refused("KMSInvalidStateException", f"{named} is pending deletion."):
        kms.re_encrypt(**asked)
    kms.cancel_key_deletion(KeyId=named)
    kms.enable_key(KeyId=named)
    assert kms.re_encrypt(**asked)["KeyId"] == destination


def test_a_re_encryption_needs_a_destination_that_encrypts() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html"""
    kms, (_, blob) = client(), used_key()
    signing = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused(
        "InvalidKeyUsageException",
        f"{signing} key usage is SIGN_VERIFY which is not valid for ReEncrypt.",
    ):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=signing)
    rsa = new_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    with refused(
        "InvalidKeyUsageException",
        "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
    ):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=rsa)


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "HMAC_256", "KEY_AGREEMENT"])
def test_keys_for_other_usages(spec: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    kms = client()
    usage = {"ECC_NIST_P256": "SIGN_VERIFY", "HMAC_256": "GENERATE_VERIFY_MAC"}.get(spec, spec)
    arn = new_key(KeySpec=spec if usage != spec else "ECC_NIST_P256", KeyUsage=usage)
    told: dict[str, Any] = {"KeyId": arn, "Message": b"m"}
    attempts: list[Callable[[], dict[str, Any]]] = []
    if usage == "SIGN_VERIFY":
        told["SigningAlgorithm"] = "ECDSA_SHA_256"
        signature = kms.sign(**told)["Signature"]
        attempts = [lambda: kms.sign(**told), lambda: kms.verify(Signature=signature, **told)]
    elif usage == "GENERATE_VERIFY_MAC":
        told["MacAlgorithm"] = "HMAC_SHA_256"
        mac = kms.generate_mac(**told)["Mac"]
        attempts = [lambda: kms.generate_mac(**told), lambda: kms.verify_mac(Mac=mac, **told)]
    else:
        public = kms.get_public_key(KeyId=arn)["PublicKey"]
        agreed = {"KeyId": arn, "PublicKey": public, "KeyAgreementAlgorithm": "ECDH"}
        attempts = [lambda: kms.derive_shared_secret(**agreed)]
    kms.disable_key(KeyId=arn)
    for attempt in attempts:
        with refused("DisabledException", f"{arn} is disabled."):
            attempt()
    kms.schedule_key_deletion(KeyId=arn)
    for attempt in attempts:
        with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
            attempt()


@pytest.mark.parametrize("use", ["Encrypt", "GenerateDataKey"])
def test_a_key_pending_import(use: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    arn = new_key(Origin="EXTERNAL")
    assert client().describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingImport"
    with refused("KMSInvalidStateException", f"{arn} is pending import."):
        USES[use](client(), arn, b"")


def test_a_key_pending_deletion_keeps_its_public_half() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    arn = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    client().schedule_key_deletion(KeyId=arn)
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        client().get_public_key(KeyId=arn)


PENDING: dict[str, Callable[[Any, str], Any]] = {
    "CreateAlias": lambda kms, key: kms.create_alias(AliasName="alias/a", TargetKeyId=key),
    "EnableKey": lambda kms, key: kms.enable_key(KeyId=key),
    "DisableKey": lambda kms, key: kms.disable_key(KeyId=key),
    "EnableKeyRotation": lambda kms, key: kms.enable_key_rotation(KeyId=key),
    "RotateKeyOnDemand": lambda kms, key: kms.rotate_key_on_demand(KeyId=key),
    "ScheduleKeyDeletion": lambda kms, key: kms.schedule_key_deletion(KeyId=key),
    "TagResource": lambda kms, key: kms.tag_resource(
        KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]
    ),
    "UpdateKeyDescription": lambda kms, key: kms.update_key_description(
        KeyId=key, Description="new"
    ),
}


@pytest.mark.parametrize("operation", PENDING)
def test_management_of_a_key_pending_deletion(operation: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    arn = new_key()
    client().schedule_key_deletion(KeyId=arn)
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        PENDING[operation](client(), arn)


def test_a_grant_on_a_disabled_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    arn, (grantee, _) = new_key(), user("reader")
    client().disable_key(KeyId=arn)
    with refused("DisabledException"):
        client().create_grant(KeyId=arn, GranteePrincipal=grantee, Operations=["Decrypt"])


def test_a_cancelled_deletion_leaves_the_key_disabled() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html"""
    kms, (arn, blob) = client(), used_key()
    with refused("KMSInvalidStateException"):
        kms.cancel_key_deletion(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn)
    assert kms.cancel_key_deletion(KeyId=arn)["KeyId"] == arn
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=arn)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.parametrize("days", [6, 31])
@pytest.mark.unconfirmed("the limits are documented, AWS's words for a period outside them are not")
def test_the_waiting_period_has_limits(days: int) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""
    with refused("ValidationException"):
        client().schedule_key_deletion(KeyId=new_key(), PendingWindowInDays=days)


def test_a_deletion_tells_when_it_will_be() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""
    arn = new_key()
    answer = client().schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert answer["PendingWindowInDays"] == 7
    assert answer["KeyState"] == "PendingDeletion"
    found = client().describe_key(KeyId=arn)["KeyMetadata"]
    waiting = found["DeletionDate"] - found["CreationDate"]
    assert timedelta(days=7) <= waiting < timedelta(days=7, minutes=5)


def test_a_deleted_key_is_gone_with_its_aliases_and_what_it_encrypted() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
    Text: LocalStack's snapshots of KMS, test_get_key_does_not_exist, recorded from AWS in 2023
    """
    kms, (arn, blob) = client(), used_key()
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    later(days=6, hours=23)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    later(hours=1)
    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        kms.describe_key(KeyId=arn)
    with refused("NotFoundException"):
        kms.encrypt(KeyId="alias/mine", Plaintext=b"x")
    with refused("AccessDeniedException"):
        kms.decrypt(CiphertextBlob=blob)
    assert arn not in [key["KeyArn"] for key in kms.list_keys()["Keys"]]
    assert "alias/mine" not in [alias["AliasName"] for alias in kms.list_aliases()["Aliases"]]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=new_key())


def test_a_primary_key_waits_for_its_replicas() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html#deleting-mrks"""
    kms, there = client(), client("eu-west-1")
    arn = new_key(MultiRegion=True)
    key_id = arn.rpartition("/")[2]
    made = kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    assert "ReplicaTags" not in made
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert "DeletionDate" not in kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    later(days=60)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingReplicaDeletion"
    with refused("KMSInvalidStateException"):
        kms.decrypt(CiphertextBlob=blob)
    there.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    later(days=8)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    later(days=7)
    with refused("NotFoundException"):
        kms.describe_key(KeyId=arn)


def test_only_a_primary_key_is_replicated() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
    Text: LocalStack's snapshots of KMS, recorded from AWS
    """
    kms, there = client(), client("eu-west-1")
    single, arn = new_key(), new_key(MultiRegion=True)
    kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    replica = arn.replace("us-east-1", "eu-west-1")
    for asker, named in ((kms, single), (there, replica)):
        told = f"{named} is not a multi-region primary key."
        with refused("UnsupportedOperationException", told):
            asker.replicate_key(KeyId=named, ReplicaRegion="eu-central-1")
        with refused("UnsupportedOperationException", told):
            asker.update_primary_region(KeyId=named, PrimaryRegion="eu-west-1")
