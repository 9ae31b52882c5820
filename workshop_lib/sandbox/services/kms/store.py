"""Where KMS keys and aliases are kept, and how a request names them.

A key is ripened when it is looked up: rotations that are due happen, what has expired goes, and a
key whose waiting period is over is gone with its aliases.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.foundations import Foundations
from workshop_lib.sandbox.services.kms.keys import Key, Material


@dataclass
class Alias:
    """A name for a key in one Region."""

    name: str
    arn: str
    key_id: str
    created: datetime
    updated: datetime


# Told what KMS did of itself with a key: what (DeleteKey, RotateKey, DeleteExpiredKeyMaterial),
# when, and details.
Record = Callable[[Key, str, datetime, Mapping[str, Any]], None]


# --- finding them -------------------------------------------------------------------------

_ARN = re.compile(
    r"arn:aws:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?:key/(?P<key>.+)|(?P<alias>alias/.+))"
)
_KEY_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}", re.IGNORECASE
)


class OtherAccount(LookupError):
    """The key that was named belongs to another account: ``account``."""

    def __init__(self, account: str) -> None:
        super().__init__(account)
        self.account = account


class KeyStores(dict[str, "KeyStore"]):
    """The stores of all accounts of the sandbox, and the grant tokens that were handed out."""

    def __init__(self, foundations: Foundations) -> None:
        super().__init__()
        self.grant_tokens: set[str] = set()

    def of(self, key: Key) -> "KeyStore":
        """The store that a key is kept in."""
        return self[key.account]

    def by_material(self, region: str, material_id: str) -> tuple[Key, Material] | None:
        """As `KeyStore.by_material`, in all accounts."""
        found = (store.by_material(region, material_id) for store in self.values())
        return next((each for each in found if each is not None), None)


class KeyStore:
    """All keys and aliases of an account; ``everyone`` are the stores of all accounts.

    ``mark`` is what its identifiers are seeded with.
    """

    def __init__(self, account: str, mark: str, everyone: KeyStores, record: Record) -> None:
        self.account = account
        self.mark = mark
        self.everyone = everyone
        everyone[account] = self
        self._record = record
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
        id = UUID(int=Random(self.mark + source).getrandbits(128), version=4)
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
        if found is not None:
            self.get(region, found.key_id)  # a deleted key takes its aliases along
        return self._aliases.get((region, name))

    def alias_arn(self, region: str, name: str) -> str:
        """The ARN of an alias."""
        return f"arn:aws:kms:{region}:{self.account}:{name}"

    def aliases(self, region: str, key: Key | None = None) -> list[Alias]:
        """The aliases of a Region, or of one key, by name."""
        for key_id in {alias.key_id for alias in self._aliases.values()}:
            self.get(region, key_id)  # a deleted key takes its aliases along
        return [
            alias
            for (where, _), alias in sorted(self._aliases.items())
            if where == region and (key is None or alias.key_id == key.id)
        ]

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
            primary.backing.apply_due_changes(now)
        if primary is not None:
            self.record_rotations(primary)
        if key.backing.imported:
            expired = [m for m in key.backing.materials if m.expires and m.expires <= now]
            ends = [(m.expires, m.id) for m in expired if m.expires is not None]
            key.backing.expire(now)
            for end, id in ends:
                self._record(key, "DeleteExpiredKeyMaterial", end, {"keyMaterialId": id})
            if ends:
                self.record_state(key, min(ends)[0])
        return key

    def apply_due_changes(self) -> None:
        """Bring all keys of all Regions to this moment."""
        for region, key_id in list(self._keys):
            self.get(region, key_id)

    def record_rotations(self, key: Key, at: datetime | None = None) -> None:
        """Tell of the key's rotations that were not told yet, as of ``at`` or when they were."""
        backing = key.backing
        for before, material in pairwise(backing.materials[backing.recorded_rotations :]):
            assert material.rotated is not None
            details = {
                "rotationType": material.rotation,
                "keyOrigin": key.origin,
                "previousKeyMaterialId": before.id,
                "currentKeyMaterialId": material.id,
            }
            self._record(key, "RotateKey", at or material.rotated, details)
            backing.recorded_rotations += 1

    def record_state(self, key: Key, since: datetime) -> None:
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
        self._record(key, "DeleteKey", key.deletion_date, {})
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

    def used_material(self, key: Key) -> Material:
        """The key's current material, known from now on to `by_material`."""
        material = key.backing.current
        self.everyone.of(key)._of_material[material.id] = key.id
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
                raise OtherAccount(found["account"])
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
