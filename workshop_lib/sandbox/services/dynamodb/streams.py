"""Amazon DynamoDB Streams: reading what changed in a table.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.moto_backend.tables import TableStore
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb import permissions
from workshop_lib.sandbox.services.dynamodb.requests import STREAMS_VALIDATOR, answer
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE
from workshop_lib.sandbox.services.dynamodb.storage import vault_of
from workshop_lib.sandbox.services.dynamodb.stream_history import Stream
from workshop_lib.sandbox.services.dynamodb.stream_records import told_record
from workshop_lib.sandbox.services.dynamodb.tables import Tables
from workshop_lib.sandbox.services.foundations import Foundations, Service

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html
_MOST = {"GetRecords": 1000, "DescribeStream": 100, "ListStreams": 100}
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
_ITERATOR_LASTS = timedelta(minutes=15)
_STREAM_ARN = re.compile(r"arn:aws[\w-]*:dynamodb:[\w-]+:\d{12}:table/[^/]+/stream/[^/]+")
_BY_NUMBER = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")


class _Place(NamedTuple):
    """What a shard iterator says: the stream, the next record's number, when it was made."""

    arn: str
    number: int
    made: float

    def token(self) -> str:
        """The iterator."""
        content = json.dumps([self.number, self.made]).encode()
        return f"{self.arn}|1|{base64.b64encode(content).decode()}"


class DynamoDbStreams(Service):
    """DynamoDB Streams' operations."""

    operations = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")

    def __init__(self, foundations: Foundations) -> None:
        self._store = TableStore(foundations.moto)
        tables = foundations.shared(Tables)
        self._storage, self._policies = tables.storage, tables.policies
        self._streams = tables.streams
        self._handlers: dict[str, Callable[[Call], Response]] = {
            "DescribeStream": self._describe,
            "GetRecords": self._get_records,
            "GetShardIterator": self._get_iterator,
            "ListStreams": self._list,
        }

    def owner(self, call: Call) -> str:
        """The account whose stream it is."""
        return permissions.owner(call)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer a streams call. Raises AwsError.

        Records are sealed under the table's key: reading them takes what reading items takes.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        """
        asked = STREAMS_VALIDATOR.validate(call.operation, call.parameters)
        call = replace(call, parameters=asked)
        needed = permissions.checks(call, self._store.tables(call.region))
        authorize(call, self._policies.applied(needed))
        most = _MOST.get(call.operation)
        if most is not None and call.parameters.get("Limit", 1) > most:
            raise _invalid(
                f"{ENVELOPE}Value '{call.parameters['Limit']}' at 'limit' "
                f"failed to satisfy constraint: Member must have value less than or equal to {most}"
            )
        return self._handlers[call.operation](call)

    def _stream(self, call: Call, arn: str) -> Stream:
        if not _STREAM_ARN.fullmatch(arn):
            raise _invalid("Invalid StreamArn")
        stream = self._streams.find(arn)
        if stream is None or arn.split(":")[3] != call.region:
            told = f"Requested resource not found: Stream: {arn} not found"
            raise AwsError("ResourceNotFoundException", told)
        return stream

    def _list(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html"""
        asked = call.parameters
        found = [
            {"StreamArn": each.arn, "TableName": each.table, "StreamLabel": each.label}
            for each in self._streams.all(call.region)
            if asked.get("TableName") in (None, each.table)
        ]
        after = asked.get("ExclusiveStartStreamArn")
        if after is not None:
            self._stream(call, after)
            places = [place for place, each in enumerate(found) if each["StreamArn"] == after]
            found = found[places[0] + 1 :] if places else []
        limit = asked.get("Limit", _MOST["ListStreams"])
        document: dict[str, Any] = {"Streams": found[:limit]}
        if len(found) > limit:
            document["LastEvaluatedStreamArn"] = found[limit - 1]["StreamArn"]
        return answer(call, document)

    def _describe(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html"""
        stream = self._stream(call, call.parameters["StreamArn"])
        numbers = {"StartingSequenceNumber": str(stream.first)}
        if stream.ended is not None:
            numbers["EndingSequenceNumber"] = str(max(stream.first, stream.next - 1))
        shards = [{"ShardId": stream.shard_id, "SequenceNumberRange": numbers}]
        description = {
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": "ENABLED" if stream.ended is None else "DISABLED",
            "StreamViewType": stream.shard.view,
            "CreationRequestDateTime": round(stream.created.timestamp(), 3),
            "TableName": stream.table,
            "KeySchema": [
                {"AttributeName": name, "KeyType": "RANGE" if place else "HASH"}
                for place, name in enumerate(stream.key)
            ],
            "Shards": [] if "ExclusiveStartShardId" in call.parameters else shards,
        }
        return answer(call, {"StreamDescription": description})

    def _get_iterator(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html"""
        asked = call.parameters
        stream, kind = self._stream(call, asked["StreamArn"]), asked["ShardIteratorType"]
        number = asked.get("SequenceNumber")
        if kind in _BY_NUMBER and number is None:
            raise _invalid(f"SequenceNumber must be specified for ShardIteratorType {kind}")
        if kind not in _BY_NUMBER and number is not None:
            raise _invalid(f"SequenceNumber must not be specified for ShardIteratorType {kind}")
        if asked["ShardId"] != stream.shard_id:
            raise AwsError("ResourceNotFoundException", "Requested resource not found")
        if number is not None:
            place = _number(number, stream) + (kind == "AFTER_SEQUENCE_NUMBER")
            _require_untrimmed(place, stream)
        else:
            place = stream.next if kind == "LATEST" else stream.oldest
        return answer(call, {"ShardIterator": _token(stream, place)})

    def _get_records(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html"""
        place = _read(call.parameters["ShardIterator"])
        stream = self._stream(call, place.arn)
        if clock.now().timestamp() - place.made > _ITERATOR_LASTS.total_seconds():
            raise AwsError("ExpiredIteratorException", "Shard iterator has expired")
        _require_untrimmed(place.number, stream)
        limit = call.parameters.get("Limit", _MOST["GetRecords"])
        found = [each for each in stream.kept() if each.number >= place.number][:limit]
        with self._storage.unlocked(call, [vault_of(stream.shard)]):
            told = [told_record(record.told(), call.region) for record in found]
        document: dict[str, Any] = {"Records": told}
        after = found[-1].number + 1 if found else place.number
        if stream.ended is None or after < stream.next:
            document["NextShardIterator"] = _token(stream, after)
        return answer(call, document)


def _token(stream: Stream, number: int) -> str:
    return _Place(stream.arn, number, clock.now().timestamp()).token()


def _read(iterator: str) -> _Place:
    arn, _, rest = iterator.partition("|1|")
    try:
        number, made = json.loads(base64.b64decode(rest, validate=True))
        return _Place(arn, int(number), float(made))
    except (binascii.Error, ValueError, TypeError):
        raise _invalid("Invalid ShardIterator") from None


def _number(text: str, stream: Stream) -> int:
    """A sequence number that a record of the stream has, or may yet have."""
    if not text.isascii() or not text.isdigit():
        raise _invalid(f"Invalid SequenceNumber: {text}")
    number = int(text)
    if number < stream.first or (stream.ended is not None and number >= stream.next):
        raise _invalid("Invalid SequenceNumber for the shard")
    return number


def _require_untrimmed(number: int, stream: Stream) -> None:
    if number < stream.oldest:
        raise AwsError(
            "TrimmedDataAccessException",
            "The operation attempted to read past the oldest stream record in a shard.",
        )


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
