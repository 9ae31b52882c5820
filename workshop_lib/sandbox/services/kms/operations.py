"""KMS's operations: each understood, permitted, carried out and recorded in one place.

The service itself is answered here altogether; moto is asked only which IAM users and roles exist.
"""

from collections.abc import Callable

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.cloudtrail.events import Trail
from workshop_lib.sandbox.services.foundations import Foundations
from workshop_lib.sandbox.services.kms.ciphertext import BlobSealer
from workshop_lib.sandbox.services.kms.cryptographic import USING, Use
from workshop_lib.sandbox.services.kms.grant_operations import Granting
from workshop_lib.sandbox.services.kms.imports import Import
from workshop_lib.sandbox.services.kms.management import Administration
from workshop_lib.sandbox.services.kms.permissions import Access, KeyRequest, managed_service
from workshop_lib.sandbox.services.kms.records import Records
from workshop_lib.sandbox.services.kms.requests import Parameters
from workshop_lib.sandbox.services.kms.store import KeyStore, KeyStores


def _sealer(foundations: Foundations) -> BlobSealer:
    return BlobSealer()


class Operations:
    """KMS's operations, for its callers and for the services that act on their behalf."""

    def __init__(self, foundations: Foundations) -> None:
        trail = foundations.shared(Trail)
        self._records = Records(trail)
        self._accounts = foundations.accounts
        self.store = KeyStore(
            foundations.account,
            foundations.mark,
            foundations.common(KeyStores),
            self._records.record_own,
        )
        trail.before_reading(self.store.apply_due_changes)
        sealer = foundations.common(_sealer)
        self._management = Administration(self.store, foundations.principal_exists)
        self.access = Access(self.store, sealer, self._ensure_managed)
        self._handlers: dict[str, Callable[[KeyRequest], Parameters | None]] = {
            **Use(self.store, sealer).handlers,
            **self._management.handlers,
            **Granting(self.store, foundations.principal_exists).handlers,
            **Import(self.store).handlers,
        }
        self.names = frozenset(self._handlers)

    def _ensure_managed(self, region: str, alias: str) -> None:
        service = managed_service(alias)
        if service is not None:
            self.managed_key(service, region)

    def managed_key(self, service: str, region: str) -> str:
        """The ARN of alias/aws/<service> ("s3", "dynamodb"), which is made on first use."""
        return self._management.managed_key(service, region).arn

    def read(self, call: Call) -> KeyRequest:
        """A request understood. What cannot be is recorded, and raised as AwsError."""
        try:
            return self.access.read(call)
        except AwsError as error:
            self._records.record(KeyRequest(call, call.parameters), self.store, None, error)
            raise

    def find_keys(self, asked: KeyRequest) -> None:
        """Find the keys that another service's request names. A refusal is recorded, and raised."""
        try:
            self.access.find_keys(asked)
        except AwsError as error:
            self._records.record(asked, self.store, None, error)
            raise

    def carry_out(self, asked: KeyRequest, authorize: Authorize) -> Parameters | None:
        """Do what is asked, if the caller may, and record it either way.

        Raises AwsError for a refusal; NotEmulated.
        """
        try:
            authorize(asked.call, self.access.checks(asked))
            result = self._perform(asked)
        except AwsError as error:
            self._records.record(asked, self.store, None, error)
            raise
        event = self._records.record(asked, self.store, result, elsewhere=self._elsewhere(asked))
        if asked.call.operation in USING:
            for key in filter(None, (asked.source, asked.key)):
                key.last_use = event
        return result

    def _elsewhere(self, asked: KeyRequest) -> list[Trail]:
        """The trails of the other accounts whose keys a request used."""
        owners = {key.account for key in (asked.source, asked.key) if key is not None}
        owners.discard(self.store.account)
        return [self._accounts[owner].shared(Trail) for owner in sorted(owners)]

    def _perform(self, asked: KeyRequest) -> Parameters | None:
        result = self._handlers[asked.call.operation](asked)
        if asked.key is not None:
            self.store.everyone.of(asked.key).record_state(asked.key, clock.now())
        if asked.values.get("DryRun"):
            raise AwsError(
                "DryRunOperationException",
                "The request would have succeeded, but the DryRun option is set.",
            )
        return result
