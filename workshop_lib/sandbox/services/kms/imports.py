"""Key material that customers bring themselves.

A multi-Region key's material is imported in each of its Regions; only its ids are shared.

https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-import.html
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import padding

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms import asymmetric
from workshop_lib.sandbox.services.kms.keys import Key, Material
from workshop_lib.sandbox.services.kms.management import not_primary, require_origin
from workshop_lib.sandbox.services.kms.permissions import KeyRequest
from workshop_lib.sandbox.services.kms.requests import Parameters
from workshop_lib.sandbox.services.kms.store import KeyStore

_VALID = timedelta(hours=24)
_LONGEST = timedelta(days=365)
_FOR_SYMMETRIC_KEYS = {"ImportType", "KeyMaterialDescription", "KeyMaterialId"}


@dataclass(frozen=True)
class _Parcel:
    """What GetParametersForImport handed out."""

    key_arn: str
    algorithm: str
    valid_to: datetime
    private_key: Any = field(repr=False)


class Import:
    """GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._parcels: dict[bytes, _Parcel] = {}
        self.handlers: dict[str, Callable[[KeyRequest], Parameters | None]] = {
            "GetParametersForImport": self._parameters,
            "ImportKeyMaterial": self._import,
            "DeleteImportedKeyMaterial": self._delete,
        }

    def _parameters(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html"""
        key, values = asked.the_key, asked.values
        _require_importable(key)
        algorithm, spec = values["WrappingAlgorithm"], values["WrappingKeySpec"]
        if not algorithm.startswith(("RSAES_OAEP", "RSA_AES")) or not spec.startswith("RSA"):
            raise NotEmulated(f"The sandbox does not emulate wrapping with {algorithm} and {spec}.")
        token, private_key = os.urandom(64), asymmetric.new_private_key(spec)
        parcel = _Parcel(key.arn, algorithm, clock.now() + _VALID, private_key)
        self._parcels[token] = parcel
        return {
            "KeyId": key.arn,
            "ImportToken": token,
            "PublicKey": asymmetric.public_der(private_key),
            "ParametersValidTo": parcel.valid_to,
        }

    def _import(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html"""
        key, values = asked.the_key, asked.values
        _require_importable(key)
        _require_together(key, values)
        expires = _expiry(values)
        parcel = self._parcels.get(values["ImportToken"])
        if parcel is None or parcel.key_arn != key.arn:
            raise AwsError("InvalidImportTokenException", "")
        if clock.now() >= parcel.valid_to:
            raise AwsError("ExpiredImportTokenException", "")
        try:
            secret = _unwrapped(parcel, values["EncryptedKeyMaterial"])
        except (ValueError, keywrap.InvalidUnwrap):
            raise AwsError("InvalidCiphertextException", "") from None
        material = self._placed(key, secret, values)
        material.secret, material.expires = secret, expires
        material.description = values.get("KeyMaterialDescription", material.description)
        key.backing.private_key = None
        key.expiration_model = values.get("ExpirationModel", "KEY_MATERIAL_EXPIRES")
        return {"KeyId": key.arn, "KeyMaterialId": material.id}

    def _delete(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html"""
        key = asked.the_key
        _require_importable(key)
        backing, wanted = key.backing, asked.values.get("KeyMaterialId")
        if backing.pending is not None and wanted == backing.pending.id:
            self._delete_pending(key, backing.pending)
            return {"KeyId": key.arn, "KeyMaterialId": wanted}
        materials = [m for m in backing.materials if wanted in (None, m.id)]
        if not materials:
            if wanted is not None:
                raise AwsError("NotFoundException", f"Key material {wanted} does not exist")
            return {"KeyId": key.arn}
        material = materials[-1]
        material.secret = material.expires = backing.private_key = None
        return {"KeyId": key.arn, "KeyMaterialId": material.id}

    def _delete_pending(self, key: Key, pending: Material) -> None:
        """What is pending rotation goes in all Regions, or in a replica's alone."""
        if not key.primary:
            pending.secret = pending.expires = None
            return
        for each in self._store.replicas(key):
            each.backing.pending = None

    def _placed(self, key: Key, secret: bytes, values: Parameters) -> Material:
        """Where imported material belongs: again in its place, first, or pending rotation.

        Raises AwsError IncorrectKeyMaterialException for material the key cannot take.
        """
        backing = key.backing
        _require_fit(key, secret)
        id = backing.new_id(secret)
        if values.get("KeyMaterialId", id) != id:
            raise AwsError("IncorrectKeyMaterialException", "")
        first = not backing.materials
        new = values.get("ImportType", "NEW_KEY_MATERIAL" if first and key.primary else "") == (
            "NEW_KEY_MATERIAL"
        )
        if new and not key.primary:
            raise not_primary(key)
        known = [*backing.materials, *([backing.pending] if backing.pending else [])]
        for material in known:
            if material.id == id and (not new or material is backing.pending):
                return material
        if not new or (backing.materials and not key.symmetric) or any(m.id == id for m in known):
            raise AwsError("IncorrectKeyMaterialException", "")
        if backing.pending is not None:
            raise AwsError(
                "KMSInvalidStateException",
                f"New key material (id: {id}) cannot be imported into KMS key {key.arn}, because "
                f"another key material (id: {backing.pending.id}) is pending rotation.",
            )
        for each in self._store.replicas(key):
            each.backing.await_import(id)
        return backing.pending or backing.current


def _require_importable(key: Key) -> None:
    require_origin(key, "EXTERNAL")
    key.refuse_states(key.state, "PendingDeletion", "PendingReplicaDeletion")


def _require_together(key: Key, values: Parameters) -> None:
    unfit = sorted(_FOR_SYMMETRIC_KEYS & set(values))
    if unfit and not key.symmetric:
        raise AwsError(
            "UnsupportedOperationException",
            f"{unfit[0]} is not supported for a key of the spec {key.spec}.",
        )
    if "KeyMaterialId" in values and values.get("ImportType") == "NEW_KEY_MATERIAL":
        raise AwsError("ValidationException", "New key material cannot have a KeyMaterialId.")


def _expiry(values: Parameters) -> datetime | None:
    valid_to: datetime | None = values.get("ValidTo")
    if values.get("ExpirationModel") == "KEY_MATERIAL_DOES_NOT_EXPIRE":
        if valid_to is not None:
            raise AwsError(
                "ValidationException",
                "A validTo date is only valid if the ExpirationModel is KEY_MATERIAL_EXPIRES",
            )
        return None
    if valid_to is None:
        raise AwsError(
            "ValidationException",
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        )
    if not clock.now() < valid_to <= clock.now() + _LONGEST:
        raise AwsError("ValidationException", "The validTo date must be within the next 365 days.")
    return valid_to


def _unwrapped(parcel: _Parcel, wrapped: bytes) -> bytes:
    """RSAES-OAEP, or RSA-AES key wrap: an AES key under OAEP, then RFC 5649 under that key."""
    chosen = hashes.SHA1() if parcel.algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(chosen), chosen, None)
    if parcel.algorithm.startswith("RSAES"):
        return bytes(parcel.private_key.decrypt(wrapped, oaep))
    size = parcel.private_key.key_size // 8
    wrapping_key = parcel.private_key.decrypt(wrapped[:size], oaep)
    return keywrap.aes_key_unwrap_with_padding(wrapping_key, wrapped[size:])


def _require_fit(key: Key, secret: bytes) -> None:
    if key.symmetric or key.spec.startswith("HMAC"):
        fits = len(secret) == 32 if key.symmetric else len(secret) * 8 >= int(key.spec[5:])
    else:
        try:
            fits = asymmetric.is_spec(asymmetric.load_private_key(secret), key.spec)
        except ValueError:
            fits = False
    if not fits:
        raise AwsError("IncorrectKeyMaterialException", "")
