"""The streams of an account: those that tables have, and for a day those that they had.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"All data in DynamoDB Streams is subject to a 24-hour lifetime"; a stream that was disabled can be
read until then, and it outlives its table: the probes of October 2026 (DDB-TABLE-362,
367, 378, 386): https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.moto_backend.items import Record
from workshop_lib.sandbox.moto_backend.tables import StreamShard, Table

LIFETIME = timedelta(hours=24)


@dataclass
class Stream:
    """A stream with its one shard; ``ended`` is when it was disabled, or its table deleted."""

    arn: str
    table: str
    key: tuple[str, ...]
    shard: StreamShard
    ended: datetime | None = None

    @property
    def label(self) -> str:
        """What tells it from the table's others: when it began."""
        return self.arn.rpartition("/")[2]

    @property
    def created(self) -> datetime:
        """When it began."""
        return self.shard.created.replace(tzinfo=UTC)

    @property
    def shard_id(self) -> str:
        """Its shard's id: when it began, and what tells it from others of that moment."""
        began = int(self.created.timestamp() * 1000)
        return f"shardId-{began:020d}-{uuid.uuid5(uuid.NAMESPACE_OID, self.arn).hex[:8]}"

    @property
    def first(self) -> int:
        """The sequence number of the first record that it can have."""
        return self.shard.first_number

    @property
    def next(self) -> int:
        """The sequence number that its next record would have."""
        records = self.shard.records
        return records[-1].number + 1 if records else self.first

    def kept(self) -> list[Record]:
        """Its records that are not too old yet."""
        oldest = clock.now() - LIFETIME
        return [record for record in self.shard.records if record.moment > oldest]

    @property
    def oldest(self) -> int:
        """The sequence number from which on nothing was trimmed."""
        kept = self.kept()
        return kept[0].number if kept else self.next


class Streams:
    """Every stream that can be read, by its ARN."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}

    def begin(self, arn: str, table: Table) -> None:
        """Know a table's latest stream, once it is named."""
        shard = table.stream_shard
        if arn not in self._streams and shard is not None:
            self._streams[arn] = Stream(arn, table.name, tuple(table.key_schema), shard)

    def end(self, arn: str) -> None:
        """Take note that a stream is told of no more changes."""
        found = self._streams.get(arn)
        if found is not None and found.ended is None:
            found.ended = clock.now()

    def find(self, arn: str) -> Stream | None:
        """A stream by its ARN, if it is there."""
        found = self._streams.get(arn)
        gone = found is None or (found.ended and clock.now() - found.ended >= LIFETIME)
        return None if gone else found

    def all(self, region: str) -> Iterator[Stream]:
        """The streams of a Region, in the order in which they began."""
        for arn in self._streams:
            found = self.find(arn)
            if found is not None and arn.split(":")[3] == region:
                yield found
