"""Keys with imported key material."""

import json
from datetime import UTC, timedelta
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.kms_people import client, later, new_key, refused
from workshop_lib.sandbox import clock

MATERIAL, OTHER = b"m" * 32, b"o" * 32


def parcel(arn: str, material: bytes) -> dict[str, Any]:
    """The token and the wrapped material for ImportKeyMaterial."""
    asked = client().get_parameters_for_import(
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


def bring(arn: str, material: bytes = MATERIAL, **more: Any) -> dict[str, Any]:
    model = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", **more}
    answer: dict[str, Any] = client().import_key_material(**parcel(arn, material), **model)
    return answer


def state(arn: str) -> str:
    return str(client().describe_key(KeyId=arn)["KeyMetadata"]["KeyState"])


def test_material_is_brought_taken_away_and_brought_again() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html"""
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
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html"""
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


@pytest.mark.parametrize("size", [16, 31, 33])
def test_material_has_its_length(size: int) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html"""
    with refused("IncorrectKeyMaterialException"):
        bring(new_key(Origin="EXTERNAL"), b"m" * size)


def test_new_material_waits_for_rotation_on_demand() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html"""
    kms, arn = client(), new_key(Origin="EXTERNAL")
    first = bring(arn)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    with refused("KMSInvalidStateException"):
        kms.rotate_key_on_demand(KeyId=arn)
    second = bring(arn, OTHER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"] == first
    kms.rotate_key_on_demand(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"] == second
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == first


def test_keys_of_other_origin_take_no_material() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html"""
    arn = new_key()
    with refused(
        "UnsupportedOperationException",
        f"{arn} origin is AWS_KMS which is not valid for this operation.",
    ):
        parcel(arn, MATERIAL)
