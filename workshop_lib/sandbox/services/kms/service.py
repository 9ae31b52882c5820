"""AWS KMS: who may use which key, in which state, and what becomes of the data."""

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.kms.operations import Operations
from workshop_lib.sandbox.services.kms.requests import respond


class Kms(Service):
    """KMS as its callers know it."""

    def __init__(self, foundations: Foundations) -> None:
        self._operations = foundations.shared(Operations)
        self.operations = self._operations.names

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer a KMS call, and record it. Raises AwsError, NotEmulated."""
        asked = self._operations.read(call)
        result = self._operations.carry_out(asked, authorize)
        if asked.key is not None and asked.key.primary:
            self._operations.store.record_rotations(asked.key, clock.now())
        return respond(result, call.request_id)
