"""DynamoDB's encryption at rest: which key protects a table, and what the key's state does to it.

KMS key → table key → data encryption keys → data. The plaintext table key is kept for five minutes
for each principal that uses the table; then DynamoDB asks KMS again, in that principal's name.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_model import lower_first
from workshop_lib.sandbox.services.dynamodb.permissions import table_arn
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE, INVALID
from workshop_lib.sandbox.services.kms.on_behalf import OnBehalf
from workshop_lib.sandbox.storage import sealing

SERVICE = "dynamodb"
SERVICE_KEY = "a key of Amazon DynamoDB that nobody can call"
ITEMS, STREAM = "items", "stream"  # what of a table has a data encryption key of its own
# AWS documents five minutes for the cache and seven days before archiving. The rest is fixed
# inside the ranges that AWS showed in October 2026: a switch took 21 to 24 s and showed the old
# key for 8 to 10 s; the status followed an unusable key after 13 to 75 minutes, a usable one
# after 18 to 57.
CACHED = timedelta(minutes=5)
SWITCHING, OLD_KEY_SHOWN = timedelta(seconds=22), timedelta(seconds=9)
DETECTED, RECOVERED = timedelta(minutes=60), timedelta(minutes=30)
ARCHIVED = timedelta(days=7)
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-dynamodb-encryption
FREE_SWITCHES, WINDOW, INTERVAL = 4, timedelta(hours=24), timedelta(hours=6)

_GRANTED = (
    "DescribeKey", "GenerateDataKey", "Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo",
    "RetireGrant",
)  # fmt: skip


@dataclass
class TableKey:
    """A KMS key's ARN and a table key under it.

    ``fetched`` and ``used``: when DynamoDB last asked KMS for the plaintext table key, and when it
    was last used, by the ARN of the principal; ``cached``: the plaintext that it got.
    """

    arn: str
    wrapped: bytes = field(repr=False)
    grant: str
    since: datetime
    fetched: dict[str, datetime] = field(default_factory=dict)
    used: dict[str, datetime] = field(default_factory=dict)
    cached: dict[str, bytes] = field(default_factory=dict, repr=False)


@dataclass
class Encryption:
    """How one table is encrypted. ``key`` None: by the AWS owned key, of which nothing shows.

    ``owned``: the table key wrapped under DynamoDB's own key, where ``key`` is None.
    ``data_keys``: the data encryption keys, wrapped under the table key.
    """

    table: str
    key: TableKey | None = None
    owned: bytes = field(default=b"", repr=False)
    data_keys: dict[str, bytes] = field(default_factory=dict, repr=False)
    former: TableKey | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    switched: datetime | None = None
    switches: list[datetime] = field(default_factory=list)
    grants: dict[str, str] = field(default_factory=dict)  # grant id → key ARN, of keys before too
    archive: str | None = None  # the ARN of the backup that archiving the table made

    def switching(self, now: datetime) -> bool:
        """Whether a switch is still going on."""
        return self.switched is not None and now < self.switched + SWITCHING

    def describe(self, now: datetime) -> dict[str, Any] | None:
        """SSEDescription; None where DynamoDB shows none."""
        if not self.switching(now):
            return None if self.key is None else _description("ENABLED", self.key)
        assert self.switched is not None
        shown = self.former if now < self.switched + OLD_KEY_SHOWN else self.key
        return _description("UPDATING", shown)


@dataclass(frozen=True)
class Condition:
    """What a table's key has done to the table: TableStatus, and since when."""

    status: str = "ACTIVE"
    inaccessible: datetime | None = None
    archived: datetime | None = None


def _description(status: str, key: TableKey | None) -> dict[str, Any]:
    if key is None:
        return {"Status": status}
    return {"Status": status, "SSEType": "KMS", "KMSMasterKeyArn": key.arn}


def read_specification(specification: Mapping[str, Any], parameter: str) -> str | None:
    """The key a SSESpecification asks for: a key identifier, or None for the AWS owned key.

    No KMSMasterKeyId means the AWS managed key. ``parameter`` is the parameter's name. Raises
    AwsError ValidationException.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html
    """
    enabled, kind = specification.get("Enabled"), specification.get("SSEType")
    key = specification.get("KMSMasterKeyId")
    if key == "":
        raise AwsError(
            "ValidationException",
            f"{ENVELOPE}Value '' at '{lower_first(parameter)}.kMSMasterKeyId' "
            "failed to satisfy constraint: Member must have length greater than or equal to 1",
        )
    refused = {
        "SSEType can not be specified if Enabled is false": enabled is False and kind,
        "KMSMasterKeyId can not be specified if Enabled is false": enabled is False and key,
        "SSEType AES256 is not supported": kind == "AES256",
        "SSEType KMS is required if KMSMasterKeyId is specified": key and not kind,
    }
    for message, applies in refused.items():
        if applies:
            raise AwsError("ValidationException", INVALID + message)
    if not enabled and not kind:
        return None
    return str(key) if key else f"alias/aws/{SERVICE}"


class EncryptionAtRest:
    """The encryption of all tables of an account, by Region and table name."""

    def __init__(self, kms: OnBehalf) -> None:
        self._kms = kms
        self._service_key = sealing.new_key()
        self._tables: dict[tuple[str, str], Encryption] = {}

    def of(self, region: str, table: str) -> Encryption:
        """How a table is encrypted."""
        return self._tables.get((region, table)) or Encryption(table)

    def key_of(self, region: str, table: str) -> str | None:
        """The ARN of the KMS key that protects a table; None for the AWS owned key."""
        key = self.of(region, table).key
        return None if key is None else key.arn

    def kind_of_key(self, state: Encryption) -> str:
        """Which of DynamoDB's three kinds of key protects a table, in AWS's words."""
        if state.key is None:
            return "AWS owned key"
        region = state.key.arn.split(":")[3]
        managed = state.key.arn == self._kms.managed_key(SERVICE, region)
        return "AWS managed key" if managed else "customer managed key"

    def to_archive(self, region: str) -> Iterator[tuple[str, datetime]]:
        """The tables of a Region that are archived by now and have no backup yet, since when."""
        for (where, table), state in self._tables.items():
            if where == region and state.archive is None:
                archived = self.condition(region, table).archived
                if archived is not None:
                    yield table, archived

    # --- choosing a key --------------------------------------------------------------------

    def create(self, call: Call, table: str, key_id: str | None) -> None:
        """Protect a new table with a key; None is the AWS owned key. Raises AwsError."""
        state = Encryption(table)
        table_key = self._new_table_key(call, state, key_id)
        for structure in (ITEMS, STREAM):
            state.data_keys[structure] = sealing.wrap(table_key, sealing.new_key(), {})
        self._tables[call.region, table] = state

    def switch(self, call: Call, table: str, asked: Mapping[str, Any]) -> None:
        """Protect a table with the key that a SSESpecification asks for. Raises AwsError.

        A repeated request is refused only where it names the key by the very ARN in force. There
        is a new table key, and the data encryption keys are encrypted anew under it; the data stay
        as they are.
        """
        key_id = read_specification(asked, "SSESpecification")
        now, state = clock.now(), self.of(call.region, table)
        if state.switching(now):
            if asked == state.asked:
                return
            raise in_use("Server-Side Encryption is still being updated")
        if key_id is None and state.key is None:
            message = "Table is already encrypted by default"
            raise AwsError("ValidationException", INVALID + message)
        if state.key is not None and key_id == state.key.arn:
            raise AwsError(
                "ValidationException",
                f"{INVALID}Table is already encrypted with given KMSMasterKeyId. Use "
                "KMSMasterKeyId parameter if you want to change Master Key",
            )
        if key_id is not None:
            _require_quota(state.switches, now)
        self.require_key(call, table)
        former, old = state.key, self._table_key_as_service(call, state)
        new = self._new_table_key(call, state, key_id)
        for structure, wrapped in state.data_keys.items():
            state.data_keys[structure] = sealing.wrap(new, sealing.unwrap(old, wrapped, {}), {})
        state.former = former
        state.asked, state.switched = dict(asked), now
        if state.switches and now >= state.switches[0] + WINDOW:
            state.switches.clear()
        state.switches.append(now)
        self._tables[call.region, table] = state

    def is_switching(self, region: str, table: str) -> bool:
        """Whether a table is being switched to another key right now."""
        return self.of(region, table).switching(clock.now())

    def delete(self, call: Call, table: str) -> None:
        """Forget a deleted table, and retire the grants that DynamoDB held for it."""
        state = self._tables.pop((call.region, table), None)
        for grant, arn in state.grants.items() if state else ():
            self._kms.retire_grant(call, service=SERVICE, key=arn, grant_id=grant)

    def _new_table_key(self, call: Call, state: Encryption, key_id: str | None) -> bytes:
        """Give a table a new table key, and tell its plaintext. Raises AwsError."""
        context = _context(call, state.table)
        if key_id is None:
            plaintext = sealing.new_key()
            state.key, state.owned = None, sealing.wrap(self._service_key, plaintext, context)
            return plaintext
        state.key = self._new_key(call, state, key_id)
        return state.key.cached[call.caller.arn]

    def _table_key_as_service(self, call: Call, state: Encryption) -> bytes:
        """A table's plaintext table key for DynamoDB itself, by its grant."""
        context = _context(call, state.table)
        if state.key is None:
            return sealing.unwrap(self._service_key, state.owned, context)
        for plaintext in state.key.cached.values():
            return plaintext
        with _passed_on(call, state.table):
            return self._kms.decrypt_as_service(
                call, service=SERVICE, wrapped=state.key.wrapped, context=context,
                source_arn=table_arn(call, state.table),
            )  # fmt: skip

    def _new_key(self, call: Call, state: Encryption, key_id: str) -> TableKey:
        """A table key under a KMS key, made by a grant in the caller's name.

        The caller needs kms:CreateGrant and kms:Decrypt; when refused, nothing is left behind.
        """
        context = _context(call, state.table)
        with _passed_on(call, state.table):
            arn = self._kms.describe_on_behalf(call, via=SERVICE, key=key_id).arn
            grant = self._kms.create_grant(
                call,
                via=SERVICE,
                key=arn,
                operations=_GRANTED,
                context_constraint=context,
            )
            try:
                data_key = self._kms.generate_data_key_as_service(
                    call, service=SERVICE, key=arn, context=context,
                    source_arn=table_arn(call, state.table),
                )  # fmt: skip
                plaintext = self._decrypt(call, data_key.wrapped, context)
            except AwsError:
                self._kms.retire_grant(call, service=SERVICE, key=arn, grant_id=grant)
                raise
        now, principal = clock.now(), call.caller.arn
        state.grants[grant] = arn
        times = {principal: now}
        return TableKey(
            arn, data_key.wrapped, grant, now, times, dict(times), {principal: plaintext}
        )

    # --- using it --------------------------------------------------------------------------

    def open(self, call: Call, state: Encryption) -> dict[str, bytes]:
        """A table's plaintext data encryption keys, for a call that reads or writes its data.

        Raises AwsError where KMS does not give the table key to the caller, sealing.Corrupt for a
        wrapped key that was altered. A key that becomes unusable is noticed five minutes later by
        those who used the table in the five minutes before.
        """
        return self._open(call, state, archived=False)

    def open_backup(self, call: Call, state: Encryption) -> dict[str, bytes]:
        """As `open`, for a backup: ``state`` is how the table was encrypted when it was made."""
        return self._open(call, state, archived=True)

    def _open(self, call: Call, state: Encryption, *, archived: bool) -> dict[str, bytes]:
        key, principal, now = state.key, call.caller.arn, clock.now()
        if key is None:
            table_key = sealing.unwrap(self._service_key, state.owned, _context(call, state.table))
            return _data_keys(state, table_key)
        fetched = key.fetched.get(principal)
        if fetched is None or now - fetched >= CACHED:
            if not archived:
                self._require_not_archived(state)
            if not self._still_cached(key, principal, now):
                key.cached.pop(principal, None)
                key.cached[principal] = self._fetch(call, state.table, key)
                key.fetched[principal] = now
        key.used[principal] = now
        return _data_keys(state, key.cached[principal])

    def require_key(self, call: Call, table: str) -> None:
        """Refuse what needs the KMS key at once: switching it, a backup, time to live."""
        state = self._tables.get((call.region, table))
        if state is None or state.key is None:
            return
        self._require_not_archived(state)
        if self._unusable_since(state.key):
            self._fetch(call, table, state.key)

    def _require_not_archived(self, state: Encryption) -> None:
        """AWS gives this error "… or its status might not be ACTIVE"."""
        if self._condition(state).archived is not None:
            raise AwsError("ResourceNotFoundException", "Requested resource not found")

    def _fetch(self, call: Call, table: str, key: TableKey) -> bytes:
        with _passed_on(call, table):
            return self._decrypt(call, key.wrapped, _context(call, table))

    def _decrypt(self, call: Call, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        try:
            return self._kms.decrypt(call, via=SERVICE, wrapped=wrapped, context=context)
        except AwsError as error:
            if error.code == "InvalidCiphertextException":
                raise sealing.Corrupt("A wrapped table key was altered.") from None
            raise

    def _unusable_since(self, key: TableKey) -> datetime | None:
        outages = outages_in(self._kms.usability(key.arn))
        return outages[-1][0] if outages and outages[-1][1] is None else None

    def _still_cached(self, key: TableKey, principal: str, now: datetime) -> bool:
        since, used = self._unusable_since(key), key.used.get(principal)
        return (
            since is not None
            and used is not None
            and used >= since - CACHED
            and (now < since + CACHED)
        )

    # --- what shows ------------------------------------------------------------------------

    def condition(self, region: str, table: str) -> Condition:
        """What the key's state has done to a table by now."""
        return self._condition(self.of(region, table))

    def _condition(self, state: Encryption) -> Condition:
        if state.key is None:
            return Condition()
        history = self._kms.usability(state.key.arn)
        return condition_of(outages_in(history), state.key.since, clock.now())

    def describe(self, region: str, document: dict[str, Any]) -> None:
        """Mend a TableDescription: status, SSEDescription, ArchivalSummary."""
        table = document["TableName"]
        state, now = self.of(region, table), clock.now()
        condition, description = self.condition(region, table), state.describe(now)
        document.pop("SSEDescription", None)
        if condition.status != "ACTIVE":
            document["TableStatus"] = condition.status
        if description is not None:
            if condition.inaccessible is not None:
                description["InaccessibleEncryptionDateTime"] = _seconds(condition.inaccessible)
            document["SSEDescription"] = description
        if condition.archived is not None:
            document["ArchivalSummary"] = {
                "ArchivalDateTime": _seconds(condition.archived),
                "ArchivalReason": "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
                "ArchivalBackupArn": state.archive,
            }


def in_use(message: str) -> AwsError:
    """ResourceInUseException."""
    text = f"Attempt to change a resource which is still in use: {message}"
    return AwsError("ResourceInUseException", text)


def _require_quota(switches: Sequence[datetime], now: datetime) -> None:
    """Four switches in the 24 hours that begin with the first, then one in six hours.

    Back to the AWS owned key a table may go at any time; that counts all the same.
    """
    if len(switches) < FREE_SWITCHES or now >= switches[0] + WINDOW:
        return
    next_one = min(switches[-1] + INTERVAL, switches[0] + WINDOW)
    if now < next_one:
        raise AwsError(
            "LimitExceededException",
            "Subscriber limit exceeded: Encryption mode changes are limited in the 24h window "
            f"ending at {_stamp(switches[0] + WINDOW)}. After the first {FREE_SWITCHES} change, "
            "each subsequent change in the same window can be performed at most once every "
            f"{int(INTERVAL.total_seconds())} seconds. Number of updates today: {len(switches)}. "
            f"Last change at {_stamp(switches[-1])}. Next changes can be made at "
            f"{_stamp(next_one)}.",
        )


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 3)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def context_of(account: str, table: str) -> dict[str, str]:
    """The encryption context of every KMS call that DynamoDB makes for a table."""
    return {"aws:dynamodb:tableName": table, "aws:dynamodb:subscriberId": account}


def _context(call: Call, table: str) -> dict[str, str]:
    return context_of(call.account, table)


def _data_keys(state: Encryption, table_key: bytes) -> dict[str, bytes]:
    return {name: sealing.unwrap(table_key, key, {}) for name, key in state.data_keys.items()}


# --- a key's state over time --------------------------------------------------------------

Outage = tuple[datetime, datetime | None]


def outages_in(history: Sequence[tuple[datetime, bool]]) -> list[Outage]:
    """The times in which a key was unusable, from the moments at which that changed."""
    found: list[Outage] = []
    for moment, usable in history:
        if usable and found and found[-1][1] is None:
            found[-1] = (found[-1][0], moment)
        elif not usable and not (found and found[-1][1] is None):
            found.append((moment, None))
    return found


def condition_of(outages: Sequence[Outage], since: datetime, now: datetime) -> Condition:
    """The state of a table whose key, in force ``since`` then, had these outages.

    An outage is over at the very moment of its end: what would come then does not.
    """
    inaccessible: datetime | None = None
    recovered = since
    for begin, end in outages:
        if end is not None and end <= since:
            continue
        begin = max(begin, since)
        if inaccessible is None or begin > recovered:
            detected = begin + DETECTED
            inaccessible = detected if _comes(detected, end, now) else None
        if inaccessible is None:
            continue
        archived = max(inaccessible, begin) + ARCHIVED
        if _comes(archived, end, now):
            return Condition("ARCHIVED", inaccessible, archived)
        recovered = (now if end is None else end) + RECOVERED
    if inaccessible is None or now >= recovered:
        return Condition()
    return Condition("INACCESSIBLE_ENCRYPTION_CREDENTIALS", inaccessible)


def _comes(moment: datetime, end: datetime | None, now: datetime) -> bool:
    return moment <= now and (end is None or moment < end)


# --- KMS's refusals in DynamoDB's words ---------------------------------------------------

# KMS's code → DynamoDB's code, its words, the exception that DynamoDB names, the status.
_REFUSALS = {
    "DisabledException": ("ValidationException", "KMS key disabled error", None, 400),
    "KMSInvalidStateException": ("ValidationException", "KMS validation error", None, 400),
    "NotFoundException": ("ValidationException", "KMS validation error", None, 400),
    "AccessDeniedException": (
        "AccessDeniedException", "KMS key access denied error", "AWSKMSException", 400,
    ),
    "ValidationException": ("InternalServerError", "KMS internal error", "AWSKMSException", 500),
}  # fmt: skip


@contextmanager
def _passed_on(call: Call, table: str) -> Iterator[None]:
    """Raise KMS's refusals as DynamoDB passes them on."""
    try:
        yield
    except AwsError as error:
        if error.code not in _REFUSALS:
            raise
        code, words, named, status = _REFUSALS[error.code]
        request_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{call.operation} {table} {error.message}")
        raise AwsError(
            code,
            f"{words}: com.amazonaws.services.kms.model.{named or error.code}: {error.message} "
            f"(Service: AWSKMS; Status Code: 400; Error Code: {error.code}; "
            f"Request ID: {request_id}; Proxy: null)",
            status,
        ) from error
