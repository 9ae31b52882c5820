"""Amazon DynamoDB: what it enforces and moto does not."""

from collections.abc import Iterator

from workshop_lib.sandbox.identities import Check
from workshop_lib.sandbox.kms import Kms
from workshop_lib.sandbox.messages import Response
from workshop_lib.sandbox.moto_adapter import Moto
from workshop_lib.sandbox.operations import Call


class DynamoDb:
    """DynamoDB's operations."""

    def __init__(self, moto: Moto, kms: Kms) -> None:
        self._moto = moto
        self._kms = kms

    def checks(self, call: Call) -> Iterator[Check]:
        """The permission a DynamoDB call needs."""
        yield Check(f"dynamodb:{call.operation}", "*")

    def handle(self, call: Call) -> Response:
        """Answer a DynamoDB call."""
        self._moto.seed(call.operation)
        return self._moto.forward(call.request, "dynamodb", call.region)


class DynamoDbStreams:
    """DynamoDB Streams' operations."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    def checks(self, call: Call) -> Iterator[Check]:
        """The permission a streams call needs."""
        yield Check(f"dynamodb:{call.operation}", "*")

    def handle(self, call: Call) -> Response:
        """Answer a streams call."""
        self._moto.seed(call.operation)
        return self._moto.forward(call.request, "dynamodbstreams", call.region)
