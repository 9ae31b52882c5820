"""DynamoDB's items and stream records as they are stored: sealed, each under its table's keys.

A model of the design that AWS publishes. moto works on plaintext while a call lasts: an item opens
when the call first looks into it, and is sealed again before the call ends. Primary keys stay
readable in moto's memory, which finds items by them; on the disk they are inside the image.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from workshop_lib.errors import NotOnDisk, WrongArgument
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.moto_backend.items import Attributes, SealedItem
from workshop_lib.sandbox.moto_backend.tables import Backup, StreamShard, TableStore
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.encryption import (
    ITEMS,
    SERVICE_KEY,
    Encryption,
    EncryptionAtRest,
    context_of,
)
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.storage import sealing
from workshop_lib.sandbox.storage.disk import Stored


@dataclass(frozen=True)
class Change:
    """What a call did to one item: its attributes before and after, in DynamoDB's JSON.

    ``before`` is empty for a new item, ``after`` for a deleted one.
    """

    place: bytes
    before: Attributes
    after: Attributes


@dataclass(frozen=True)
class _Written:
    place: bytes
    undo: Callable[[], object]
    items: tuple[SealedItem | None, ...]


class TableVault:
    """Seals one table's data while a call has its keys at hand, and knows what the call changed."""

    def __init__(self, state: Encryption) -> None:
        self.state = state
        self._sealers: dict[str, sealing.RecordSealer] = {}
        self._opened: list[SealedItem] = []
        self._written: list[_Written] = []
        self.corrupt = False

    def __deepcopy__(self, memo: Any) -> "TableVault":
        return self

    def unlock(self, data_keys: Mapping[str, bytes]) -> None:
        """Have the data encryption keys at hand."""
        self._sealers = {name: sealing.RecordSealer(key) for name, key in data_keys.items()}

    def lock(self) -> None:
        """Forget the keys, and what lies open."""
        self.forget()
        self._sealers = {}
        self._written.clear()
        self.corrupt = False

    def seal(self, structure: str, plaintext: bytes, place: bytes) -> bytes:
        """Sealed bytes, bound to their place."""
        return self._sealers[structure].seal(plaintext, place)

    def open(self, structure: str, sealed: bytes, place: bytes) -> bytes:
        """What was sealed. Raises sealing.Corrupt."""
        try:
            return self._sealers[structure].open(sealed, place)
        except sealing.Corrupt:
            self.corrupt = True  # moto takes any exception for a refusal, where it does many things
            raise

    def note_opened(self, item: SealedItem) -> None:
        """Take note that an item lies open."""
        self._opened.append(item)

    def note_written(
        self, place: bytes, undo: Callable[[], object], *items: SealedItem | None
    ) -> None:
        """Take note of a change: how to undo it; for an item also the old and the new one."""
        self._written.append(_Written(place, undo, items))

    def changes(self) -> Iterator[Change]:
        """The changes so far, one for each item."""
        spans: dict[bytes, tuple[SealedItem | None, SealedItem | None]] = {}
        for written in self._written:
            if written.items:
                old, new = written.items
                spans[written.place] = (spans.get(written.place, (old, None))[0], new)
        for place, (old, new) in spans.items():
            before = {} if old is None else old.stored()
            yield Change(place, before, {} if new is None else new.current())
        for item in [item for item in self._opened if item.changed]:
            if item.place_of not in spans:
                yield Change(item.place_of, item.stored(), item.current())

    def keep(self) -> None:
        """Seal the items that were changed where they lay."""
        for item in self._opened:
            item.close(keep=True)
        self._opened.clear()

    def forget(self) -> None:
        """Close all items as they were."""
        for item in self._opened:
            item.close(keep=False)
        self._opened.clear()

    def undo(self, place: bytes | None = None) -> None:
        """Take back what was changed, or only what was changed at one place."""
        for written in reversed(self._written):
            if place in (None, written.place):
                written.undo()
        for item in self._opened:
            if place in (None, item.place_of):
                item.close(keep=False)
        self._written = [w for w in self._written if place not in (None, w.place)]


def vault_of(shard: StreamShard) -> TableVault:
    """What seals a stream's records."""
    vault = shard.vault
    assert isinstance(vault, TableVault)
    return vault


class Storage:
    """The items of all tables of an account."""

    def __init__(self, moto: Moto, encryption: EncryptionAtRest) -> None:
        self._account = moto.account
        self._encryption = encryption
        self._backups: dict[str, TableVault] = {}  # by the backup's ARN
        self._vaults: dict[tuple[str, str], TableVault] = {}
        self.store = TableStore(moto)

    # --- tables and backups ----------------------------------------------------------------

    def keep_table(self, region: str, name: str) -> None:
        """Have a table, whose encryption is chosen, stored sealed; its stream as well."""
        table = self.store.tables(region).get(name)
        if table is None:
            return
        vault = self._vaults.get((region, name))
        if vault is None:
            vault = TableVault(self._encryption.of(region, name))
            self._vaults[region, name] = vault
        table.seal(vault)

    def drop_table(self, region: str, name: str) -> None:
        """Forget a table. Its stream's records stay readable."""
        self._vaults.pop((region, name), None)

    def keep_backup(self, region: str, name: str, backup: Backup) -> None:
        """Have a backup of a table stay under the keys that the table has now."""
        state = self._encryption.of(region, name)
        vault = TableVault(replace(state, data_keys=dict(state.data_keys)))
        backup.table.entrust(vault)
        self._backups[backup.arn] = vault

    def of_backup(self, arn: str) -> Encryption | None:
        """How a backup is encrypted."""
        vault = self._backups.get(arn)
        return None if vault is None else vault.state

    def restore(self, call: Call, name: str, backup_arn: str | None, source: str) -> None:
        """Seal a restored table's items, still a backup's or another table's, under its own keys.

        Raises AwsError where the caller may not have the keys that they are sealed under.
        """
        encryption = self._encryption
        target = TableVault(encryption.of(call.region, name))
        with _storage_errors():
            if backup_arn is not None:
                origin = self._backups[backup_arn]
                origin.unlock(encryption.open_backup(call, origin.state))
            else:
                origin = self._vaults[call.region, source]
                origin.unlock(encryption.open(call, origin.state))
            try:
                target.unlock(encryption.open(call, target.state))
                self.store.tables(call.region)[name].seal(target)
            finally:
                origin.lock()
                target.lock()
        self._vaults[call.region, name] = target

    # --- one call --------------------------------------------------------------------------

    def vaults(self, region: str, names: Iterable[str]) -> dict[str, TableVault]:
        """The vaults of those tables that exist, by the tables' names."""
        found = {name: self._vaults.get((region, name)) for name in names}
        return {name: vault for name, vault in found.items() if vault is not None}

    @contextmanager
    def unlocked(self, call: Call, vaults: Iterable[TableVault]) -> Iterator[None]:
        """Have the keys of tables at hand for a call; whatever it raises undoes what it did.

        Raises AwsError: KMS's refusals, InternalServerError for data that were altered.
        """
        vaults = list(vaults)
        with _storage_errors():
            try:
                for vault in vaults:
                    vault.unlock(self._encryption.open(call, vault.state))
                yield
                if any(vault.corrupt for vault in vaults):
                    raise sealing.Corrupt
            except BaseException:
                for vault in vaults:
                    vault.undo()
                if any(vault.corrupt for vault in vaults):
                    raise sealing.Corrupt from None
                raise
            finally:
                for vault in vaults:
                    vault.lock()

    # --- the disk --------------------------------------------------------------------------

    def look(self, table: str, key: Mapping[str, Any]) -> Stored:
        """An item as it lies on disk. Raises NotOnDisk, or WrongArgument for no key."""
        if not isinstance(key, Mapping):
            raise WrongArgument('The key is a dict, as for get_item: {"id": "1"}.')
        region = table.split(":")[3] if table.startswith("arn:") else None
        name = table_name(table)
        found = [at for at in self._vaults if at[1] == name and region in (None, at[0])]
        if len(found) > 1:
            raise NotOnDisk(f"There is a table {name!r} in several Regions: give its ARN.")
        item = None
        if found:
            item = self.store.tables(found[0][0])[name].find(_typed(key))
        if item is None:
            raise NotOnDisk(
                f"There is no item {dict(key)!r} of a table {name!r} on the disk: give the whole "
                "primary key, as you would to get_item."
            )
        state = self._vaults[found[0]].state
        under = SERVICE_KEY if state.key is None else state.key.arn
        return Stored(
            method=self._encryption.kind_of_key(state),
            body=item.image,
            data_key=state.data_keys[ITEMS],
            wrapped_under=f"a table key that is wrapped under {under}",
            encryption_context=context_of(self._account, state.table) if state.key else {},
            table_key=state.key.wrapped if state.key else state.owned,
        )


def _typed(key: Mapping[str, Any]) -> Attributes:
    """A primary key by type, binary values as bytes."""
    found: Attributes = {}
    for name, value in key.items():
        typed = isinstance(value, Mapping) and len(value) == 1 and set(value) <= {"S", "N", "B"}
        document = dict(value) if typed else TypeSerializer().serialize(value)
        if "B" in document:
            document["B"] = bytes(document["B"])
        found[name] = document
    return found


@contextmanager
def _storage_errors() -> Iterator[None]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html"""
    try:
        yield
    except sealing.Corrupt:
        raise AwsError("InternalServerError", "Internal server error", 500) from None
