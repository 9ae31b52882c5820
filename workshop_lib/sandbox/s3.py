"""Amazon S3: what it enforces and moto does not."""

from collections.abc import Iterator

from workshop_lib.sandbox.identities import Check
from workshop_lib.sandbox.kms import Kms
from workshop_lib.sandbox.messages import Response
from workshop_lib.sandbox.moto_adapter import Moto
from workshop_lib.sandbox.operations import Call


class S3:
    """S3's operations."""

    def __init__(self, moto: Moto, kms: Kms, *, sse_c_allowed: bool = False) -> None:
        self._moto = moto
        self._kms = kms
        self._sse_c_allowed = sse_c_allowed

    def checks(self, call: Call) -> Iterator[Check]:
        """The permission an S3 call needs."""
        yield Check(f"s3:{call.operation}", "*")

    def handle(self, call: Call) -> Response:
        """Answer an S3 call."""
        self._moto.seed(call.operation)
        return self._moto.forward(call.request, "s3", call.region)
