"""Rotation: automatic, on demand, and of keys that AWS manages."""

from datetime import timedelta
from typing import Any

from tests.support.kms_people import client, later, new_key, refused


def rotations(arn: str, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client().list_key_rotations(KeyId=arn, **parameters)["Rotations"]
    return found


def material(arn: str) -> str:
    return str(client().describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"])


def test_rotation_on_demand_changes_the_key_material() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html"""
    kms, arn = client(), new_key()
    first = material(arn)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms.rotate_key_on_demand(KeyId=arn.rpartition("/")[2])["KeyId"] == arn
    second = material(arn)
    assert first != second
    opened = kms.decrypt(CiphertextBlob=blob)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"x", first)
    assert kms.generate_data_key(KeyId=arn, KeySpec="AES_256")["KeyMaterialId"] == second
    (entry,) = rotations(arn)
    assert entry["RotationType"] == "ON_DEMAND"
    assert (entry["KeyMaterialId"], entry["KeyMaterialState"]) == (second, "CURRENT")
    whole = rotations(arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    assert [entry["KeyMaterialState"] for entry in whole] == ["NON_CURRENT", "CURRENT"]
    assert "RotationDate" not in whole[0]


def test_rotations_on_demand_are_limited() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html"""
    arn = new_key()
    for _ in range(25):
        client().rotate_key_on_demand(KeyId=arn)
    with refused("LimitExceededException"):
        client().rotate_key_on_demand(KeyId=arn)


def test_automatic_rotation_comes_with_time() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html"""
    kms, arn = client(), new_key()
    first = material(arn)
    kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=arn)
    assert status["RotationPeriodInDays"] == 90
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    later(days=89, hours=23)
    assert material(arn) == first
    later(hours=1)
    assert material(arn) != first
    later(days=90)
    dates = [entry["RotationDate"] for entry in rotations(arn)]
    assert [entry["RotationType"] for entry in rotations(arn)] == ["AUTOMATIC", "AUTOMATIC"]
    assert dates[0] == status["NextRotationDate"]
    assert dates[1] - dates[0] == timedelta(days=90)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_rotation_is_yearly_by_default_and_can_be_stopped() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html"""
    kms, arn = client(), new_key()
    assert not kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
    kms.enable_key_rotation(KeyId=arn)
    status = kms.get_key_rotation_status(KeyId=arn)
    assert status["RotationPeriodInDays"] == 365
    created = kms.describe_key(KeyId=arn)["KeyMetadata"]["CreationDate"]
    assert status["NextRotationDate"] - created < timedelta(days=365, minutes=5)
    kms.disable_key_rotation(KeyId=arn)
    later(days=400)
    assert rotations(arn) == []


def test_the_rotation_period_has_a_limit() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html

    The lower limit, 90 days, is already watched by boto3.
    """
    with refused("ValidationException"):
        client().enable_key_rotation(KeyId=new_key(), RotationPeriodInDays=2561)


def test_rotation_on_demand_leaves_the_schedule_alone() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html"""
    kms, arn = client(), new_key()
    kms.enable_key_rotation(KeyId=arn)
    before = kms.get_key_rotation_status(KeyId=arn)["NextRotationDate"]
    later(days=30)
    kms.rotate_key_on_demand(KeyId=arn)
    assert kms.get_key_rotation_status(KeyId=arn)["NextRotationDate"] == before
    assert len(rotations(arn)) == 1


def test_a_disabled_key_is_rotated_when_it_is_enabled() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html"""
    kms, arn = client(), new_key()
    kms.enable_key_rotation(KeyId=arn)
    kms.disable_key(KeyId=arn)
    later(days=800)
    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
    assert rotations(arn) == []
    kms.enable_key(KeyId=arn)
    assert len(rotations(arn)) == 1
    left = (
        kms.get_key_rotation_status(KeyId=arn)["NextRotationDate"]
        - (rotations(arn)[0]["RotationDate"])
    )
    assert left == timedelta(days=365)


def test_the_status_of_a_key_pending_deletion_is_false() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html"""
    kms, arn = client(), new_key()
    kms.enable_key_rotation(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn)
    assert not kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
    kms.cancel_key_deletion(KeyId=arn)
    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]


def test_only_symmetric_keys_rotate() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    Words: https://github.com/ansible-collections/community.aws/pull/311
    """
    kms = client()
    signing = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    for attempt in (kms.enable_key_rotation, kms.rotate_key_on_demand):
        with refused("UnsupportedOperationException"):
            attempt(KeyId=signing)
    imported = new_key(Origin="EXTERNAL")
    with refused(
        "UnsupportedOperationException",
        f"{imported} origin is EXTERNAL which is not valid for this operation.",
    ):
        kms.enable_key_rotation(KeyId=imported)


def test_a_disabled_key_cannot_be_set_to_rotate() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    Words: as of other operations, LocalStack's test_s3_sse_validate_kms_key_state
    """
    arn, signing = new_key(), new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    client().disable_key(KeyId=signing)
    with refused("DisabledException", f"{signing} is disabled."):  # the state is looked at first
        client().rotate_key_on_demand(KeyId=signing)
    client().disable_key(KeyId=arn)
    for attempt in (client().enable_key_rotation, client().rotate_key_on_demand):
        with refused("DisabledException", f"{arn} is disabled."):
            attempt(KeyId=arn)


def test_aws_managed_keys_rotate_every_year() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html"""
    key_id = client().describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyId"]
    later(days=366)
    assert [entry["RotationType"] for entry in rotations(key_id)] == ["AUTOMATIC"]


def test_replicas_rotate_with_their_primary() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html#multi-region-rotate"""
    kms, there = client(), client("eu-west-1")
    arn = new_key(MultiRegion=True)
    kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    key_id = arn.rpartition("/")[2]
    for attempt in (there.enable_key_rotation, there.rotate_key_on_demand):
        with refused("UnsupportedOperationException"):
            attempt(KeyId=key_id)
    kms.enable_key_rotation(KeyId=key_id)
    later(days=366)
    replica = there.describe_key(KeyId=key_id)["KeyMetadata"]
    assert len(rotations(arn)) == 1
    assert replica["CurrentKeyMaterialId"] == material(arn)


def test_replicas_rotate_on_demand_with_their_primary() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html"""
    kms, there, arn = client(), client("eu-west-1"), new_key(MultiRegion=True)
    key_id = arn.rpartition("/")[2]
    blob = kms.encrypt(KeyId=arn, Plaintext=b"old")["CiphertextBlob"]
    kms.replicate_key(KeyId=arn, ReplicaRegion="eu-west-1")
    kms.rotate_key_on_demand(KeyId=arn)
    new = there.encrypt(KeyId=key_id, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=new)["KeyMaterialId"] == material(arn)
    assert there.decrypt(CiphertextBlob=blob, KeyId=key_id)["Plaintext"] == b"old"
    listed = there.list_key_rotations(KeyId=key_id)["Rotations"]
    assert [each["RotationType"] for each in listed] == ["ON_DEMAND"]
