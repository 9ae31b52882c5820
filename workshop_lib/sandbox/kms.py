"""AWS KMS: what it enforces and moto does not."""

from collections.abc import Iterator

from workshop_lib.sandbox.identities import Check
from workshop_lib.sandbox.messages import Response
from workshop_lib.sandbox.moto_adapter import Moto
from workshop_lib.sandbox.operations import Call
from workshop_lib.sandbox.trail import Trail


class Kms:
    """KMS's operations."""

    def __init__(self, moto: Moto, trail: Trail) -> None:
        self._moto = moto
        self._trail = trail

    def checks(self, call: Call) -> Iterator[Check]:
        """The permission a KMS call needs."""
        yield Check(f"kms:{call.operation}", "*")

    def handle(self, call: Call) -> Response:
        """Answer a KMS call."""
        self._moto.seed(call.operation)
        return self._moto.forward(call.request, "kms", call.region)
