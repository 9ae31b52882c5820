"""DynamoDB's items and stream records as they are stored: sealed, each under its table's keys.

A model of the design that AWS publishes. An item opens when a call reads it, and nothing of it
stays open. Primary keys stay readable in memory, where items are found by them; on the disk they
are inside the image.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from workshop_lib.errors import NotOnDisk, WrongArgument
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.moto_backend.items import SealedItem
from workshop_lib.sandbox.moto_backend.tables import Backup, StreamShard, Table, TableStore
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.encryption import (
    ITEMS,
    SERVICE_KEY,
    Encryption,
    EncryptionAtRest,
    context_of,
)
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.values import read_number
from workshop_lib.sandbox.storage import sealing
from workshop_lib.sandbox.storage.disk import Stored


class TableVault:
    """Seals one table's data while a call has its keys at hand, and knows what the call changed."""

    def __init__(self, state: Encryption) -> None:
        self.state = state
        self._sealers: dict[str, sealing.RecordSealer] = {}
        self._undo: list[Callable[[], object]] = []
        self.corrupt = False

    def __deepcopy__(self, memo: Any) -> "TableVault":
        return self

    def unlock(self, data_keys: Mapping[str, bytes]) -> None:
        """Have the data encryption keys at hand."""
        self._sealers = {name: sealing.RecordSealer(key) for name, key in data_keys.items()}

    def lock(self) -> None:
        """Forget the keys, and how to undo what was done."""
        self._sealers = {}
        self._undo.clear()
        self.corrupt = False

    def seal(self, structure: str, plaintext: bytes, place: bytes) -> bytes:
        """Sealed bytes, bound to their place."""
        return self._sealers[structure].seal(plaintext, place)

    def open(self, structure: str, sealed: bytes, place: bytes) -> bytes:
        """What was sealed. Raises sealing.Corrupt."""
        try:
            return self._sealers[structure].open(sealed, place)
        except sealing.Corrupt:
            self.corrupt = True
            raise

    def note_written(self, undo: Callable[[], object]) -> None:
        """Take note of a change, and of how to undo it."""
        self._undo.append(undo)

    def undo(self) -> None:
        """Take back what was changed."""
        while self._undo:
            self._undo.pop()()


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
            item = _found(self.store.tables(found[0][0])[name], key)
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


def _found(table: Table, key: Mapping[str, Any]) -> SealedItem | None:
    """The item with a key that a learner gives; None where the table has no such key or item."""
    attributes = {name: _typed(value) for name, value in key.items()}
    schema = table.key_schema
    fits = attributes.keys() == schema.keys() and all(schema[n] in attributes[n] for n in schema)
    return table.find(attributes) if fits else None


def _typed(value: Any) -> dict[str, Any]:
    """A key's value by its type, as DynamoDB keeps it."""
    typed = isinstance(value, Mapping) and len(value) == 1 and set(value) <= {"S", "N", "B"}
    [(kind, content)] = (value if typed else TypeSerializer().serialize(value)).items()
    if kind == "B":
        content = base64.b64encode(bytes(content)).decode()
    elif kind == "N":
        content = read_number(str(content))
    return {kind: content}


@contextmanager
def _storage_errors() -> Iterator[None]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html"""
    try:
        yield
    except sealing.Corrupt:
        raise AwsError("InternalServerError", "Internal server error", 500) from None
