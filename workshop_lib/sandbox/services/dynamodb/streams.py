"""Amazon DynamoDB Streams: reading what changed in a table.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

import json
import re

from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.moto_backend.tables import TableStore
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb import permissions
from workshop_lib.sandbox.services.dynamodb.requests import STREAMS_VALIDATOR, with_body
from workshop_lib.sandbox.services.dynamodb.storage import vault_of
from workshop_lib.sandbox.services.dynamodb.stream_records import told_record
from workshop_lib.sandbox.services.dynamodb.tables import Tables
from workshop_lib.sandbox.services.foundations import Foundations, Service

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
        if arn is not None and not _STREAM_ARN.fullmatch(str(arn)):
            raise AwsError("ValidationException", "Invalid StreamArn")
        with self._storage.unlocked(call, vaults):
            self._moto.seed(call.operation)
            response = self._forward(call)
        if call.operation != "GetRecords" or response.status != 200:
            return response
        document = json.loads(response.body)
        document["Records"] = [told_record(each, call.region) for each in document["Records"]]
        return with_body(response, document)

    def _forward(self, call: Call) -> Response:
        try:
            return self._moto.forward(call.request, "dynamodbstreams", call.region, call.request_id)
        except AssertionError:  # moto's, of a shard that the stream does not have
            raise AwsError("ResourceNotFoundException", "Requested resource not found") from None
