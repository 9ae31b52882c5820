"""KMS keys: what they are for, what stands behind them, and the state they are in.

https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
"""

import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from workshop_lib.sandbox.policy.evaluation import Policy
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.cloudtrail.events import Event
from workshop_lib.sandbox.services.kms.grants import Grant

# --- what a key can do --------------------------------------------------------------------

_RSA_ENCRYPTION = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_RSA_SIGNING = tuple(
    f"RSASSA_{padding}_SHA_{size}" for padding in ("PKCS1_V1_5", "PSS") for size in (256, 384, 512)
)
_RSA = {"ENCRYPT_DECRYPT": _RSA_ENCRYPTION, "SIGN_VERIFY": _RSA_SIGNING}
# Key spec → usage → algorithms.
# https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
SPECS: dict[str, dict[str, tuple[str, ...]]] = {
    "SYMMETRIC_DEFAULT": {"ENCRYPT_DECRYPT": ("SYMMETRIC_DEFAULT",)},
    "RSA_2048": _RSA,
    "RSA_3072": _RSA,
    "RSA_4096": _RSA,
    "ECC_NIST_P256": {"SIGN_VERIFY": ("ECDSA_SHA_256",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_NIST_P384": {"SIGN_VERIFY": ("ECDSA_SHA_384",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_NIST_P521": {"SIGN_VERIFY": ("ECDSA_SHA_512",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_NIST_EDWARDS25519": {"SIGN_VERIFY": ("ED25519_PH_SHA_512", "ED25519_SHA_512")},
    "ECC_SECG_P256K1": {"SIGN_VERIFY": ("ECDSA_SHA_256",)},
    "HMAC_224": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_224",)},
    "HMAC_256": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_256",)},
    "HMAC_384": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_384",)},
    "HMAC_512": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_512",)},
    **{f"ML_DSA_{size}": {"SIGN_VERIFY": ("ML_DSA_SHAKE_256",)} for size in (44, 65, 87)},
    **{f"ML_KEM_{size}": {"ENCAPSULATE_DECAPSULATE": ("ML_KEM",)} for size in (768, 1024)},
}
ALGORITHMS_FIELD = {
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    "GENERATE_VERIFY_MAC": "MacAlgorithms",
    "KEY_AGREEMENT": "KeyAgreementAlgorithms",
    "ENCAPSULATE_DECAPSULATE": "EncapsulationAlgorithms",
}
ON_DEMAND_LIMIT = 25


# --- key material -------------------------------------------------------------------------


@dataclass
class Material:
    """One key material of a symmetric key. ``secret`` is None while it is not imported."""

    id: str
    secret: bytes | None = field(repr=False)
    rotated: datetime | None = None  # when it became current; None for the first
    rotation: str | None = None  # AUTOMATIC, ON_DEMAND; None for the first
    expires: datetime | None = None
    description: str | None = None


@dataclass
class Backing:
    """What stands behind a key, and behind all replicas of a multi-Region key alike.

    Where customers import it, each replica has its own, of the same ids: see `empty_copy`.
    """

    key_id: str
    spec: str
    imported: bool
    materials: list[Material] = field(default_factory=list)
    pending: Material | None = None  # imported and waiting for RotateKeyOnDemand
    private_key: Any = field(default=None, repr=False)
    rotation_days: int | None = None
    next_rotation: datetime | None = None
    recorded_rotations: int = 0  # how many rotations CloudTrail knows of

    @property
    def current(self) -> Material:
        """The material that encrypts."""
        return self.materials[-1]

    @property
    def on_demand_rotations(self) -> int:
        """How often it was rotated on demand."""
        return sum(material.rotation == "ON_DEMAND" for material in self.materials)

    def add(self, secret: bytes, at: datetime | None = None, rotation: str | None = None) -> None:
        """Make ``secret`` the current material."""
        self.materials.append(Material(self.new_id(secret), secret, at, rotation))

    def new_id(self, secret: bytes) -> str:
        """A material's id: the same in every run for keys that KMS itself fills."""
        told = secret if self.imported else str(len(self.materials)).encode()
        return hashlib.sha256(self.key_id.encode() + told).hexdigest()

    def await_import(self, id: str) -> None:
        """Know of material that is about to be imported: the first, or one to rotate to."""
        material = Material(id, None)
        if self.materials:
            self.pending = material
        else:
            self.materials.append(material)

    def empty_copy(self) -> "Backing":
        """The same materials in another Region, where none of them is imported yet."""
        materials = [replace(each, secret=None, expires=None) for each in self.materials]
        pending = self.pending and Material(self.pending.id, None)
        return Backing(
            self.key_id, self.spec, True, materials, pending,
            recorded_rotations=self.recorded_rotations,
        )  # fmt: skip

    def rotate(self, at: datetime, rotation: str) -> None:
        """New material from ``at`` on; what was encrypted before goes on decrypting."""
        if self.pending is not None:
            self.pending.rotated, self.pending.rotation = at, rotation
            self.materials.append(self.pending)
            self.pending = None
        else:
            self.add(os.urandom(32), at, rotation)

    def schedule(self, days: int | None, start: datetime) -> None:
        """Rotate automatically every ``days`` from ``start`` on; None stops it."""
        self.rotation_days = days
        self.next_rotation = None if days is None else start + timedelta(days=days)

    def apply_due_changes(self, now: datetime) -> None:
        """Do the rotations whose time has come."""
        while self.next_rotation is not None and self.next_rotation <= now:
            self.rotate(self.next_rotation, "AUTOMATIC")
            self.next_rotation += timedelta(days=self.rotation_days or 365)

    def catch_up(self, now: datetime) -> None:
        """One rotation that was due while the key could not rotate."""
        if self.next_rotation is not None and self.next_rotation <= now:
            self.rotate(now, "AUTOMATIC")
            self.next_rotation = now + timedelta(days=self.rotation_days or 365)

    def expire(self, now: datetime) -> None:
        """Drop imported material whose time is over."""
        for material in self.materials:
            if material.expires is not None and material.expires <= now:
                material.secret, material.expires = None, None
                self.private_key = None


# --- keys ---------------------------------------------------------------------------------


@dataclass
class KeyPolicy:
    """A key policy as it was put, and compiled."""

    document: str
    compiled: Policy


@dataclass(frozen=True)
class KeyFacts:
    """What a service asks about a key before it relies on it."""

    arn: str
    key_id: str
    state: str
    enabled: bool
    spec: str
    usage: str
    manager: str
    region: str


@dataclass
class Key:
    """A KMS key in one Region. ``family`` holds the Regions of a multi-Region key."""

    id: str
    region: str
    account: str
    spec: str
    usage: str
    origin: str
    manager: str
    description: str
    policy: KeyPolicy
    backing: Backing
    created: datetime
    tags: dict[str, str] = field(default_factory=dict)
    enabled: bool = True
    deletion_days: int | None = None
    deletion_date: datetime | None = None
    grants: dict[str, Grant] = field(default_factory=dict)
    expiration_model: str | None = None
    family: "Family | None" = None
    last_use: Event | None = None  # the last cryptographic operation

    @cached_property
    def arn(self) -> str:
        """The key's ARN."""
        return f"arn:aws:kms:{self.region}:{self.account}:key/{self.id}"

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms the key may be used with."""
        return SPECS[self.spec][self.usage]

    @property
    def symmetric(self) -> bool:
        """Whether this is a symmetric encryption key."""
        return self.spec == "SYMMETRIC_DEFAULT"

    @property
    def primary(self) -> bool:
        """False for a replica of a multi-Region key."""
        return self.family is None or self.family.primary == self.region

    @property
    def state(self) -> str:
        """The key state now, by AWS's names."""
        if self.deletion_date is not None:
            return "PendingDeletion"
        if self.deletion_days is not None:
            return "PendingReplicaDeletion"
        if self.backing.imported and not self._has_all_material():
            return "PendingImport"
        return "Enabled" if self.enabled else "Disabled"

    def _has_all_material(self) -> bool:
        materials = self.backing.materials
        return bool(materials) and all(material.secret is not None for material in materials)

    def require_usable(self) -> None:
        """Raise AWS's refusal unless the key may be used in cryptographic operations."""
        state = self.state
        if state == "Disabled":
            raise AwsError("DisabledException", f"{self.arn} is disabled.")
        self.refuse_states(state, "PendingDeletion", "PendingReplicaDeletion", "PendingImport")

    def refuse_states(self, state: str, *refused: str) -> None:
        """Raise KMSInvalidStateException where ``state`` is among ``refused``."""
        if state in refused:
            raise AwsError("KMSInvalidStateException", f"{self.arn} is {_STATE_WORDS[state]}.")

    def days_without_use(self, now: datetime) -> int:
        """Whole days since the key was last used; since it was made, if it never was.

        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-trailing-days-without-key-usage
        """
        return (now - (self.last_use.time if self.last_use else self.created)).days

    def facts(self) -> KeyFacts:
        """A snapshot for other services."""
        state = self.state
        return KeyFacts(
            self.arn, self.id, state, state == "Enabled", self.spec, self.usage, self.manager,
            self.region,
        )  # fmt: skip

    def metadata(self) -> dict[str, Any]:
        """KeyMetadata, as DescribeKey returns it.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
        """
        state = self.state
        found: dict[str, Any] = {
            "AWSAccountId": self.account,
            "KeyId": self.id,
            "Arn": self.arn,
            "CreationDate": self.created,
            "Enabled": state == "Enabled",
            "Description": self.description,
            "KeyUsage": self.usage,
            "KeyState": state,
            "Origin": self.origin,
            "KeyManager": self.manager,
            "CustomerMasterKeySpec": self.spec,
            "KeySpec": self.spec,
            ALGORITHMS_FIELD[self.usage]: list(self.algorithms),
            "MultiRegion": self.family is not None,
        }
        if self.deletion_date is not None:
            found["DeletionDate"] = self.deletion_date
        elif self.deletion_days is not None:
            found["PendingDeletionWindowInDays"] = self.deletion_days
        if self.backing.imported and state != "PendingImport" and self.expiration_model:
            found["ExpirationModel"] = self.expiration_model
            ends = [m.expires for m in self.backing.materials if m.expires is not None]
            found.update({"ValidTo": min(ends)} if ends else {})
        if self.symmetric and self.backing.materials:
            found["CurrentKeyMaterialId"] = self.backing.current.id
        if self.family is not None:
            found["MultiRegionConfiguration"] = self.family.describe(self)
        return found

    def facts_context(self) -> dict[str, Any]:
        """The condition keys that tell facts of the key.

        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
        """
        found: dict[str, Any] = {
            "kms:KeyOrigin": self.origin,
            "kms:KeySpec": self.spec,
            "kms:KeyUsage": self.usage,
            "kms:MultiRegion": "false" if self.family is None else "true",
        }
        if self.family is not None:
            found["kms:MultiRegionKeyType"] = "PRIMARY" if self.primary else "REPLICA"
        for name, value in self.tags.items():
            found[f"aws:ResourceTag/{name}"] = value
        return found


_STATE_WORDS = {
    "PendingDeletion": "pending deletion",
    "PendingReplicaDeletion": "pending replica deletion",
    "PendingImport": "pending import",
}


@dataclass
class Family:
    """A multi-Region key: which Region is primary, and where the replicas are."""

    primary: str
    regions: list[str]

    def describe(self, key: Key) -> dict[str, Any]:
        """MultiRegionConfiguration as ``key`` shows it."""

        def entry(region: str) -> dict[str, str]:
            return {"Arn": key.arn.replace(f":{key.region}:", f":{region}:"), "Region": region}

        return {
            "MultiRegionKeyType": "PRIMARY" if key.primary else "REPLICA",
            "PrimaryKey": entry(self.primary),
            "ReplicaKeys": [entry(region) for region in self.regions if region != self.primary],
        }
