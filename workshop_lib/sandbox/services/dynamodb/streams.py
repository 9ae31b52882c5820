"""Amazon DynamoDB Streams: reading what changed in a table.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

import json
import re
from collections.abc import Iterator

from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb import permissions
from workshop_lib.sandbox.services.dynamodb.requests import (
    with_body,
)
from workshop_lib.sandbox.services.dynamodb.service import DynamoDb
from workshop_lib.sandbox.services.dynamodb.stream_records import told_record

_STREAM_ARN = re.compile(r"arn:aws[\w-]*:dynamodb:[\w-]+:\d{12}:table/[^/]+/stream/[^/]+")


class DynamoDbStreams:
    """DynamoDB Streams' operations."""

    def __init__(self, moto: Moto, dynamodb: DynamoDb) -> None:
        self._moto = moto
        self._storage = dynamodb.storage
        self._policies = dynamodb.policies

    def checks(self, call: Call) -> Iterator[Check]:
        """The permission a streams call needs."""
        tables = self._moto.dynamodb(call.region).tables
        return self._policies.applied(permissions.checks(call, tables))

    def handle(self, call: Call) -> Response:
        """Answer a streams call. Raises AwsError.

        Records are sealed under the table's key: reading them takes what reading items takes.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        """
        vaults = []
        if call.operation == "GetRecords":
            shard = self._moto.stream_shard(call.region, call.parameters["ShardIterator"])
            if shard is None:
                raise AwsError("ValidationException", "Invalid ShardIterator")
            vaults = [shard.items.vault]
        arn = call.parameters.get("StreamArn")
        if arn is not None and not _STREAM_ARN.fullmatch(str(arn)):
            raise AwsError("ValidationException", "Invalid StreamArn")
        with self._storage.unlocked(call, vaults):
            self._moto.seed(call.operation)
            response = self._moto.forward(
                call.request, "dynamodbstreams", call.region, call.request_id
            )
        if call.operation != "GetRecords" or response.status != 200:
            return response
        document = json.loads(response.body)
        document["Records"] = [told_record(each, call.region) for each in document["Records"]]
        return with_body(response, document)
