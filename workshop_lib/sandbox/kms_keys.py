"""KMS keys: what they are for, the state they are in, and how a request names them.

State follows the clock: it is worked out from now() whenever a key is looked up.

https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any
from uuid import UUID

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.errors import AwsError
from workshop_lib.sandbox.kms_grants import Grant
from workshop_lib.sandbox.policies import Policy

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
    "ECC_SECG_P256K1": {"SIGN_VERIFY": ("ECDSA_SHA_256",)},
    "HMAC_224": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_224",)},
    "HMAC_256": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_256",)},
    "HMAC_384": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_384",)},
    "HMAC_512": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_512",)},
}
ALGORITHMS_FIELD = {
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    "GENERATE_VERIFY_MAC": "MacAlgorithms",
    "KEY_AGREEMENT": "KeyAgreementAlgorithms",
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
    """What stands behind a key, and behind all replicas of a multi-Region key alike."""

    key_id: str
    spec: str
    imported: bool
    materials: list[Material] = field(default_factory=list)
    pending: Material | None = None  # imported and waiting for RotateKeyOnDemand
    private_key: Any = field(default=None, repr=False)
    rotation_days: int | None = None
    next_rotation: datetime | None = None

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

    def ripen(self, now: datetime) -> None:
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


@dataclass
class Alias:
    """A name for a key in one Region."""

    name: str
    arn: str
    key_id: str
    created: datetime
    updated: datetime


# --- finding them -------------------------------------------------------------------------

_ARN = re.compile(
    r"arn:aws:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?:key/(?P<key>.+)|(?P<alias>alias/.+))"
)
_KEY_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}", re.IGNORECASE
)


class OtherAccount(LookupError):
    """The key that was named belongs to another account; ``arn`` is as it was given."""

    def __init__(self, arn: str) -> None:
        super().__init__(arn)
        self.arn = arn


class KeyStore:
    """All keys and aliases of an account."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._keys: dict[tuple[str, str], Key] = {}
        self._aliases: dict[tuple[str, str], Alias] = {}
        self._of_material: dict[str, str] = {}
        self._usability: dict[str, list[tuple[datetime, bool]]] = {}
        self._ordinal = 0

    def new_id(self, multi_region: bool, source: str | None = None) -> str:
        """A key id that depends only on how many keys were created before, or on ``source``."""
        if source is None:
            self._ordinal += 1
            source = f"CreateKey-{self._ordinal}"
        id = UUID(int=Random(source).getrandbits(128), version=4)
        return f"mrk-{id.hex}" if multi_region else str(id)

    def add(self, key: Key) -> None:
        """Keep a key."""
        self._keys[key.region, key.id] = key

    def move(self, key: Key, alias: Alias) -> None:
        """Point an alias at ``key``."""
        alias.key_id, alias.updated = key.id, clock.now()

    def add_alias(self, key: Key, name: str) -> None:
        """Make an alias of ``key``."""
        now, arn = clock.now(), self.alias_arn(key.region, name)
        self._aliases[key.region, name] = Alias(name, arn, key.id, now, now)

    def remove_alias(self, region: str, name: str) -> None:
        """Delete an alias."""
        del self._aliases[region, name]

    def alias(self, region: str, name: str) -> Alias | None:
        """The alias of that name ("alias/…"), if its key still exists."""
        found = self._aliases.get((region, name))
        if found is not None and self.get(region, found.key_id) is None:
            return None  # get() has just removed it together with the key
        return found

    def alias_arn(self, region: str, name: str) -> str:
        """The ARN of an alias."""
        return f"arn:aws:kms:{region}:{self.account}:{name}"

    def aliases(self, region: str, key: Key | None = None) -> list[Alias]:
        """The aliases of a Region, or of one key, by name."""
        found = [
            alias
            for (where, _), alias in sorted(self._aliases.items())
            if where == region and (key is None or alias.key_id == key.id)
        ]
        return [alias for alias in found if self.get(region, alias.key_id) is not None]

    def alias_names(self, key: Key) -> list[str]:
        """The names of a key's aliases."""
        return [
            name
            for (region, name), alias in self._aliases.items()
            if alias.key_id == key.id and region == key.region
        ]

    def keys(self, region: str) -> list[Key]:
        """The keys of a Region, by id."""
        names = sorted(name for name in self._keys if name[0] == region)
        return [key for name in names if (key := self.get(*name)) is not None]

    def get(self, region: str, key_id: str) -> Key | None:
        """A key by its id, ripened to this moment; None if there is none (any more)."""
        key = self._keys.get((region, key_id))
        if key is None:
            return None
        now = clock.now()
        if key.deletion_days is not None and not self._still_there(key, now):
            return None
        primary = key if key.primary else self._keys.get((key.family.primary, key_id))  # type: ignore[union-attr]
        if primary is not None and primary.backing.next_rotation and primary.state == "Enabled":
            primary.backing.ripen(now)
        if key.backing.imported:
            ends = [m.expires for m in key.backing.materials if m.expires and m.expires <= now]
            key.backing.expire(now)
            if ends:
                self.note_state(key, min(ends))
        return key

    def note_state(self, key: Key, since: datetime) -> None:
        """Remember when a key became unusable, or usable again; also after it is gone."""
        history = self._usability.setdefault(key.arn, [])
        usable = key.state == "Enabled"
        if usable != (history[-1][1] if history else True):
            history.append((since, usable))

    def usability(self, arn: str) -> tuple[tuple[datetime, bool], ...]:
        """The moments at which a key became unusable (False) or usable again (True)."""
        region, key_id = arn.split(":")[3], arn.rpartition("/")[2]
        self.get(region, key_id)
        return tuple(self._usability.get(arn, ()))

    def _still_there(self, key: Key, now: datetime) -> bool:
        if key.deletion_date is None:
            self._ripen_primary(key)
        if key.deletion_date is None or now < key.deletion_date:
            return True
        del self._keys[key.region, key.id]
        for alias in [a for a in self._aliases.values() if a.key_id == key.id]:
            self._aliases.pop((key.region, alias.name), None)
        if key.family is not None:
            key.family.regions.remove(key.region)
        return False

    def _ripen_primary(self, key: Key) -> None:
        """The waiting period of a primary key begins when the last of its replicas is gone."""
        family = key.family
        if family is None or key.deletion_days is None:
            return
        ends = []
        for region in [region for region in family.regions if region != family.primary]:
            replica = self._keys[region, key.id]
            ends.append(replica.deletion_date)
            if self.get(region, key.id) is not None:
                return
        last = max((end for end in ends if end is not None), default=clock.now())
        key.deletion_date = last + timedelta(days=key.deletion_days)

    def by_material(self, region: str, material_id: str) -> tuple[Key, Material] | None:
        """The key in this Region that has a material, with it."""
        key_id = self._of_material.get(material_id)
        key = self.get(region, key_id) if key_id is not None else None
        if key is None:
            return None
        return key, next(m for m in key.backing.materials if m.id == material_id)

    def note_material(self, key: Key) -> Material:
        """The key's current material, known from now on to `by_material`."""
        material = key.backing.current
        self._of_material[material.id] = key.id
        return material

    def parse(self, text: str, region: str) -> tuple[str | None, str | None]:
        """A key identifier as (key id, None) or (None, alias name).

        Raises AwsError NotFoundException where it can name nothing here, OtherAccount.
        """
        if text.startswith("arn:"):
            found = _ARN.fullmatch(text)
            if found is None:
                raise AwsError("NotFoundException", f"Invalid arn {text}")
            if found["region"] != region:
                raise AwsError("NotFoundException", f"Invalid arn {found['region']}")
            if found["account"] != self.account:
                raise OtherAccount(text)
            if found["alias"]:
                return None, found["alias"]
            text = found["key"]
        elif text.startswith("alias/"):
            return None, text
        if not _KEY_ID.fullmatch(text):
            raise AwsError("NotFoundException", f"Invalid keyId '{text}'")
        return text.lower(), None

    def find(self, region: str, key_id: str) -> Key:
        """A key by its id. Raises AwsError NotFoundException."""
        key = self.get(region, key_id)
        if key is None:
            arn = f"arn:aws:kms:{region}:{self.account}:key/{key_id}"
            raise AwsError("NotFoundException", f"Key '{arn}' does not exist")
        return key

    def find_alias(self, region: str, name: str) -> Alias:
        """An alias by its name. Raises AwsError NotFoundException."""
        alias = self.alias(region, name)
        if alias is None:
            arn = self.alias_arn(region, name)
            raise AwsError("NotFoundException", f"Alias {arn} is not found.")
        return alias

    def replicas(self, key: Key) -> Iterator[Key]:
        """The keys of a multi-Region key's family in all Regions, this one included."""
        for region in key.family.regions if key.family else [key.region]:
            found = self.get(region, key.id)
            if found is not None:
                yield found
