"""Amazon DynamoDB Streams: reading what changed in a table.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

import json
import re
from datetime import UTC

from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.moto_backend.tables import Table, TableStore
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb import permissions
from workshop_lib.sandbox.services.dynamodb.requests import STREAMS_VALIDATOR, answer, with_body
from workshop_lib.sandbox.services.dynamodb.storage import vault_of
from workshop_lib.sandbox.services.dynamodb.stream_records import told_record
from workshop_lib.sandbox.services.dynamodb.tables import Tables
from workshop_lib.sandbox.services.foundations import Foundations, Service

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
_MOST_RECORDS = 1000
_STREAM_ARN = re.compile(r"arn:aws[\w-]*:dynamodb:[\w-]+:\d{12}:table/[^/]+/stream/[^/]+")


class DynamoDbStreams(Service):
    """DynamoDB Streams' operations."""

    operations = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")

    def __init__(self, foundations: Foundations) -> None:
        self._moto = foundations.moto
        self._store = TableStore(foundations.moto)
        tables = foundations.shared(Tables)
        self._storage, self._policies = tables.storage, tables.policies

    def owner(self, call: Call) -> str:
        """The account whose stream it is."""
        return permissions.owner(call)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer a streams call. Raises AwsError.

        Records are sealed under the table's key: reading them takes what reading items takes.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        """
        STREAMS_VALIDATOR.validate(call.operation, call.parameters)
        needed = permissions.checks(call, self._store.tables(call.region))
        authorize(call, self._policies.applied(needed))
        return self._carry_out(call)

    def _carry_out(self, call: Call) -> Response:
        vaults = []
        if call.operation == "GetRecords":
            shard = self._store.stream_shard(call.region, call.parameters["ShardIterator"])
            if shard is None:
                raise AwsError("ValidationException", "Invalid ShardIterator")
            vaults = [vault_of(shard)]
        arn = call.parameters.get("StreamArn")
        if arn is not None:
            self._require_stream(call, str(arn))
        if call.operation == "GetShardIterator":
            _require_sequence_number(call)
        if call.parameters.get("Limit", 1) > _MOST_RECORDS:
            raise AwsError(
                "ValidationException",
                f"1 validation error detected: Value '{call.parameters['Limit']}' at 'limit' "
                "failed to satisfy constraint: Member must have value less than or equal to "
                f"{_MOST_RECORDS}",
            )
        if call.operation == "DescribeStream":
            return self._describe(call, str(arn))
        with self._storage.unlocked(call, vaults):
            self._moto.seed(call.operation)
            response = self._forward(call)
        if call.operation != "GetRecords" or response.status != 200:
            return response
        document = json.loads(response.body)
        document["Records"] = [told_record(each, call.region) for each in document["Records"]]
        return with_body(response, document)

    def _require_stream(self, call: Call, arn: str) -> None:
        if not _STREAM_ARN.fullmatch(arn):
            raise AwsError("ValidationException", "Invalid StreamArn")
        table = self._table(call, arn)
        if table is None or table.stream_label != arn.rpartition("/")[2]:
            told = f"Requested resource not found: Stream: {arn} not found"
            raise AwsError("ResourceNotFoundException", told)

    def _table(self, call: Call, arn: str) -> Table | None:
        return self._store.tables(call.region).get(permissions.table_name(arn))

    def _describe(self, call: Call, arn: str) -> Response:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html"""
        table = self._table(call, arn)
        shard = None if table is None else table.stream_shard
        assert table is not None
        assert shard is not None
        shards = [
            {
                "ShardId": shard.id,
                "SequenceNumberRange": {"StartingSequenceNumber": shard.first_sequence_number},
            }
        ]
        if call.parameters.get("ExclusiveStartShardId") == shard.id:
            shards = []
        description = {
            "StreamArn": arn,
            "StreamLabel": table.stream_label,
            "StreamStatus": "ENABLED" if table.streams else "DISABLED",
            "StreamViewType": shard.view,
            "CreationRequestDateTime": shard.created.replace(tzinfo=UTC).timestamp(),
            "TableName": table.name,
            "KeySchema": [
                {"AttributeName": name, "KeyType": "RANGE" if place else "HASH"}
                for place, name in enumerate(table.key_schema)
            ],
            "Shards": shards,
        }
        return answer(call, {"StreamDescription": description})

    def _forward(self, call: Call) -> Response:
        try:
            return self._moto.forward(call.request, "dynamodbstreams", call.region, call.request_id)
        except AssertionError:  # moto's, of a shard that the stream does not have
            raise AwsError("ResourceNotFoundException", "Requested resource not found") from None


def _require_sequence_number(call: Call) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
    SequenceNumber is "required if ShardIteratorType is AT_SEQUENCE_NUMBER or
    AFTER_SEQUENCE_NUMBER".
    """
    number = call.parameters.get("SequenceNumber")
    if call.parameters["ShardIteratorType"] not in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        return
    if number is None:
        raise AwsError(
            "ValidationException",
            "SequenceNumber must be specified for ShardIteratorType "
            f"{call.parameters['ShardIteratorType']}",
        )
    if not number.isascii() or not number.isdigit():
        raise AwsError("ValidationException", f"Invalid SequenceNumber: {number}")
