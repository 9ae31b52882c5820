"""Keys with imported key material.

LocalStack's snapshots of KMS: https://github.com/localstack/localstack,
tests/aws/services/kms/test_kms.snapshot.json.
"""

import json
from datetime import UTC, timedelta
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.kms_people import REGION, client, later, new_key, refused
from workshop_lib.sandbox import clock

MATERIAL, OTHER = b"m" * 32, b"o" * 32


def parcel(arn: str, material: bytes, region: str = REGION) -> dict[str, Any]:
    """The token and the wrapped material for ImportKeyMaterial."""
    asked = client(region).get_parameters_for_import(
        KeyId=arn, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    public = serialization.load_der_public_key(asked["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return {
        "KeyId": arn,
        "ImportToken": asked["ImportToken"],
        "EncryptedKeyMaterial": public.encrypt(material, oaep),
    }


def bring(
    arn: str, material: bytes = MATERIAL, region: str = REGION, **more: Any
) -> dict[str, Any]:
    asked = {**parcel(arn, material, region), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    answer: dict[str, Any] = client(region).import_key_material(**{**asked, **more})
    return answer


def state(arn: str) -> str:
    return str(client().describe_key(KeyId=arn)["KeyMetadata"]["KeyState"])


def test_material_is_brought_taken_away_and_brought_again() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
    Text: LocalStack's snapshots of KMS, test_import_key_symmetric, recorded from AWS in 2024
    """
    kms, arn = client(), new_key(Origin="EXTERNAL")
    bring(arn)
    assert state(arn) == "Enabled"
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=arn)
    with refused("KMSInvalidStateException", f"{arn} is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    with refused("IncorrectKeyMaterialException"):
        bring(arn, OTHER)
    bring(arn)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_only_material_that_is_there_is_taken_away() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html"""
    kms, arn = client(), new_key(Origin="EXTERNAL")
    assert "KeyMaterialId" not in kms.delete_imported_key_material(KeyId=arn)
    first = bring(arn)["KeyMaterialId"]
    with refused("NotFoundException"):
        kms.delete_imported_key_material(KeyId=arn, KeyMaterialId="0" * 64)
    assert materials(arn) == {first: ("CURRENT", "IMPORTED")}
    assert kms.delete_imported_key_material(KeyId=arn)["KeyMaterialId"] == first
    assert materials(arn) == {first: ("CURRENT", "PENDING_IMPORT")}
    kms.delete_imported_key_material(KeyId=arn, KeyMaterialId=first)


def test_one_new_material_waits_for_rotation_at_a_time() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html

    AWS's words for it are not confirmed.
    """
    kms, arn = client(), new_key(Origin="EXTERNAL")
    bring(arn)
    waiting = bring(arn, OTHER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    with refused("KMSInvalidStateException"):
        bring(arn, b"p" * 32, ImportType="NEW_KEY_MATERIAL")
    kms.delete_imported_key_material(KeyId=arn, KeyMaterialId=waiting)
    bring(arn, b"p" * 32, ImportType="NEW_KEY_MATERIAL")


@pytest.mark.unconfirmed("AWS's codes for parameters that do not go together")
def test_what_an_import_may_say() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html"""
    arn, mac_key = (
        new_key(Origin="EXTERNAL", **more)
        for more in ({}, {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})
    )
    whole, mac = parcel(arn, MATERIAL), parcel(mac_key, MATERIAL)
    for_ever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    in_a_year = clock.now() + timedelta(days=365, minutes=1)
    for more in ({"ValidTo": in_a_year}, {"ValidTo": clock.now() + timedelta(1), **for_ever}):
        with refused("ValidationException"):
            client().import_key_material(**whole, **more)
    new = {"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialId": "0" * 64}
    with refused("ValidationException"):
        client().import_key_material(**whole, **for_ever, **new)
    with refused("UnsupportedOperationException"):
        client().import_key_material(**mac, **for_ever, ImportType="NEW_KEY_MATERIAL")
    made = client().import_key_material(**whole, **for_ever)["KeyMaterialId"]
    with refused("IncorrectKeyMaterialException"):
        client().import_key_material(**whole, **for_ever, KeyMaterialId="0" * 64)
    client().import_key_material(
        **whole, **for_ever, KeyMaterialId=made, KeyMaterialDescription="first"
    )
    listed = client().list_key_rotations(KeyId=arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    assert listed["Rotations"][0]["KeyMaterialDescription"] == "first"


def test_material_expires() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html
    Text: LocalStack's snapshots of KMS, test_import_key_symmetric, recorded from AWS in 2024
    """
    arn = new_key(Origin="EXTERNAL")
    with refused(
        "ValidationException",
        "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    ):
        bring(arn, ExpirationModel="KEY_MATERIAL_EXPIRES")
    valid_to = clock.now().astimezone(UTC) + timedelta(days=10)
    bring(arn, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to)
    found = client().describe_key(KeyId=arn)["KeyMetadata"]
    assert abs(found["ValidTo"] - valid_to) < timedelta(seconds=1)
    later(days=10)
    assert state(arn) == "PendingImport"


def test_expired_material_is_deleted_with_an_event() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-deleteexpiredkeymaterial.html"""
    arn = new_key(Origin="EXTERNAL")
    valid_to = clock.now() + timedelta(days=10)
    made = bring(arn, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to)
    later(days=11)
    asked = [{"AttributeKey": "EventName", "AttributeValue": "DeleteExpiredKeyMaterial"}]
    (event,) = boto3.client("cloudtrail").lookup_events(LookupAttributes=asked)["Events"]
    record = json.loads(event["CloudTrailEvent"])
    assert abs(event["EventTime"] - valid_to) < timedelta(seconds=2)
    assert record["eventType"] == "AwsServiceEvent"
    assert record["serviceEventDetails"] == {
        "keyId": arn.rpartition("/")[2],
        "keyMaterialId": made["KeyMaterialId"],
    }


def test_a_token_lasts_a_day() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html"""
    arn = new_key(Origin="EXTERNAL")
    late = parcel(arn, MATERIAL)
    asked = client().get_parameters_for_import(
        KeyId=arn, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    valid = asked["ParametersValidTo"] - clock.now()
    assert timedelta(hours=23) < valid <= timedelta(hours=24)
    later(hours=24)
    with refused("ExpiredImportTokenException"):
        client().import_key_material(**late, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")


def test_a_token_is_for_its_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html"""
    mine, other = new_key(Origin="EXTERNAL"), new_key(Origin="EXTERNAL")
    asked = {**parcel(other, MATERIAL), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    with refused("InvalidImportTokenException"):
        client().import_key_material(**{**asked, "KeyId": mine})
    with refused("InvalidCiphertextException"):
        client().import_key_material(**{**asked, "EncryptedKeyMaterial": b"x" * 256})


def test_a_key_pending_deletion_takes_no_material() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    Text: https://github.com/hashicorp/terraform-provider-aws/issues/17889
    """
    arn = new_key(Origin="EXTERNAL")
    whole = parcel(arn, MATERIAL)
    client().schedule_key_deletion(KeyId=arn)
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        parcel(arn, MATERIAL)
    for_ever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        client().import_key_material(**whole, **for_ever)


@pytest.mark.parametrize("size", [16, 31, 33])
def test_material_has_its_length(size: int) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html"""
    with refused("IncorrectKeyMaterialException"):
        bring(new_key(Origin="EXTERNAL"), b"m" * size)


def test_new_material_waits_for_rotation_on_demand() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html
    Text: LocalStack's snapshots of KMS, recorded from AWS in 2025
    """
    kms, arn = client(), new_key(Origin="EXTERNAL")
    first = bring(arn)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    told = f"No available key material pending rotation for the key: {arn}."
    with refused("KMSInvalidStateException", told):
        kms.rotate_key_on_demand(KeyId=arn)
    second = bring(arn, OTHER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"] == first
    kms.rotate_key_on_demand(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"] == second
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == first
    kms.delete_imported_key_material(KeyId=arn, KeyMaterialId=first)
    assert materials(arn) == {
        first: ("NON_CURRENT", "PENDING_IMPORT"),
        second: ("CURRENT", "IMPORTED"),
    }


def test_keys_of_other_origin_take_no_material() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html
    Text: LocalStack's snapshots of KMS, test_get_parameters_for_import, recorded from AWS in 2023
    """
    arn = new_key()
    with refused(
        "UnsupportedOperationException",
        f"{arn} origin is AWS_KMS which is not valid for this operation.",
    ):
        parcel(arn, MATERIAL)


# --- multi-Region keys --------------------------------------------------------------------

THERE = "eu-west-1"


def in_two_regions(**more: Any) -> tuple[str, str]:
    """A multi-Region key with imported material, and its replica, which has none yet."""
    primary = new_key(Origin="EXTERNAL", MultiRegion=True)
    bring(primary, **more)
    client().replicate_key(KeyId=primary, ReplicaRegion=THERE)
    return primary, primary.replace(REGION, THERE)


def state_of(arn: str, region: str) -> str:
    return str(client(region).describe_key(KeyId=arn)["KeyMetadata"]["KeyState"])


def materials(arn: str, region: str = REGION) -> dict[str, tuple[str, str]]:
    """Of each key material, by its id: its state, and whether it is imported."""
    listed = client(region).list_key_rotations(KeyId=arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    return {
        each["KeyMaterialId"]: (each["KeyMaterialState"], each["ImportState"])
        for each in listed["Rotations"]
    }


def test_each_region_takes_the_same_material() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-import.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
    Text: LocalStack's snapshots of KMS, test_import_key_symmetric, recorded from AWS in 2024
    """
    primary, replica = in_two_regions()
    there = client(THERE)
    blob = client().encrypt(KeyId=primary, Plaintext=b"x")["CiphertextBlob"]
    assert state_of(replica, THERE) == "PendingImport"
    with refused("KMSInvalidStateException", f"{replica} is pending import."):
        there.encrypt(KeyId=replica, Plaintext=b"x")
    with refused("IncorrectKeyMaterialException"):
        bring(replica, OTHER, THERE)
    made = bring(replica, MATERIAL, THERE)["KeyMaterialId"]
    assert materials(primary) == materials(replica, THERE) == {made: ("CURRENT", "IMPORTED")}
    assert there.decrypt(CiphertextBlob=blob, KeyId=replica)["Plaintext"] == b"x"


def test_material_expires_and_goes_in_each_region_by_itself() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-import.html"""
    soon = {
        "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": clock.now() + timedelta(days=10)
    }  # fmt: skip
    primary, replica = in_two_regions(**soon)
    bring(replica, MATERIAL, THERE)
    later(days=11)
    assert (state_of(primary, REGION), state_of(replica, THERE)) == ("PendingImport", "Enabled")
    bring(primary)
    client(THERE).delete_imported_key_material(KeyId=replica)
    assert (state_of(primary, REGION), state_of(replica, THERE)) == ("Enabled", "PendingImport")


def test_new_material_is_imported_in_all_regions_before_a_rotation() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html
    Text: LocalStack's snapshots of KMS, recorded from AWS in 2025
    """
    primary, replica = in_two_regions()
    first = bring(replica, MATERIAL, THERE)["KeyMaterialId"]
    blob = client().encrypt(KeyId=primary, Plaintext=b"x")["CiphertextBlob"]
    second = bring(primary, OTHER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    waiting = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    assert materials(primary)[second] == (waiting, "IMPORTED")
    told = f"No available key material pending rotation for the key: {primary}."
    with refused("KMSInvalidStateException", told):
        client().rotate_key_on_demand(KeyId=primary)
    bring(replica, OTHER, THERE, ImportType="EXISTING_KEY_MATERIAL", KeyMaterialId=second)
    assert materials(primary)[second] == ("PENDING_ROTATION", "IMPORTED")
    client().rotate_key_on_demand(KeyId=primary)
    after = {first: ("NON_CURRENT", "IMPORTED"), second: ("CURRENT", "IMPORTED")}
    assert materials(primary) == materials(replica, THERE) == after
    there = client(THERE)
    assert there.decrypt(CiphertextBlob=blob, KeyId=replica)["KeyMaterialId"] == first
    new = there.encrypt(KeyId=replica, Plaintext=b"y")["CiphertextBlob"]
    assert client().decrypt(CiphertextBlob=new, KeyId=primary)["KeyMaterialId"] == second
    asked = [{"AttributeKey": "EventName", "AttributeValue": "RotateKey"}]
    assert len(boto3.client("cloudtrail").lookup_events(LookupAttributes=asked)["Events"]) == 1


def test_what_waits_goes_everywhere_with_the_primary_s() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html"""
    primary, replica = in_two_regions()
    bring(replica, MATERIAL, THERE)
    second = bring(primary, OTHER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    bring(replica, OTHER, THERE)
    client(THERE).delete_imported_key_material(KeyId=replica, KeyMaterialId=second)
    assert materials(primary)[second] == ("PENDING_MULTI_REGION_IMPORT_AND_ROTATION", "IMPORTED")
    client().delete_imported_key_material(KeyId=primary, KeyMaterialId=second)
    assert second not in {**materials(primary), **materials(replica, THERE)}
    bring(primary, b"p" * 32, ImportType="NEW_KEY_MATERIAL")


@pytest.mark.unconfirmed("AWS says that a replica takes no new material, not how it refuses it")
def test_a_replica_takes_no_new_material() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html"""
    _, replica = in_two_regions()
    with refused("UnsupportedOperationException"):
        bring(replica, OTHER, THERE, ImportType="NEW_KEY_MATERIAL")


def test_a_new_primary_goes_on_where_the_old_one_was() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-update.html"""
    primary, replica = in_two_regions()
    bring(replica, MATERIAL, THERE)
    bring(primary, OTHER, ImportType="NEW_KEY_MATERIAL")
    bring(replica, OTHER, THERE)
    client().rotate_key_on_demand(KeyId=primary)
    client().update_primary_region(KeyId=primary, PrimaryRegion=THERE)
    third = bring(replica, b"p" * 32, THERE, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    bring(primary, b"p" * 32)
    client(THERE).rotate_key_on_demand(KeyId=replica)
    assert materials(primary)[third] == ("CURRENT", "IMPORTED")
    for region in (REGION, THERE):
        asked = [{"AttributeKey": "EventName", "AttributeValue": "RotateKey"}]
        trail = boto3.client("cloudtrail", region)
        assert len(trail.lookup_events(LookupAttributes=asked)["Events"]) == 1
