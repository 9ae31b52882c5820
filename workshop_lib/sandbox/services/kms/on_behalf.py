"""What S3 and DynamoDB ask of KMS: on their caller's behalf, or by a grant of their own.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from workshop_lib.sandbox.auth.authorization import authorize
from workshop_lib.sandbox.call import Call, Caller
from workshop_lib.sandbox.policy.evaluation import Principal
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.foundations import Foundations
from workshop_lib.sandbox.services.kms import DEFINITION
from workshop_lib.sandbox.services.kms.keys import KeyFacts
from workshop_lib.sandbox.services.kms.operations import Operations
from workshop_lib.sandbox.services.kms.permissions import KeyRequest
from workshop_lib.sandbox.services.kms.records import SOURCE
from workshop_lib.sandbox.services.kms.requests import Parameters


@dataclass(frozen=True)
class DataKey:
    """A data key: 32 bytes, the same wrapped (a ciphertext blob), and the key that wraps it."""

    plaintext: bytes = field(repr=False)
    wrapped: bytes
    key_arn: str
    key_id: str


@dataclass(frozen=True)
class Asked:
    """One call that a service made, told to whoever listens while it is made, and kept nowhere.

    ``request_id`` is that of the call for which it was made, ``own`` whether the service asked for
    itself, ``error`` the code of a refusal ("": none), ``answer`` what came back.
    """

    request_id: str
    via: str
    operation: str
    own: bool
    parameters: Parameters = field(repr=False)
    answer: Parameters = field(repr=False)
    error: str = ""


class Witnesses(list[Callable[[Asked], None]]):
    """Those who are told of each call that a service makes for another."""

    def __init__(self, foundations: Foundations) -> None:
        super().__init__()


class OnBehalf:
    """KMS for other services."""

    def __init__(self, foundations: Foundations) -> None:
        self._account = foundations.account
        self._accounts = foundations.accounts
        self._witnesses = foundations.common(Witnesses)

    def _of(self, account: str | None) -> Operations:
        """KMS as an account has it: ids and aliases are those of the account that asks.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html
        """
        return self._accounts[account or self._account].shared(Operations)

    def describe(self, key: str, region: str, account: str | None = None) -> KeyFacts:
        """The facts of a key named by id, ARN, alias or alias ARN, as ``account`` would name it.

        Raises AwsError NotFoundException; AccessDeniedException for an unknown account's key.
        """
        access = self._of(account).access
        return access.resolve(key, region, "DescribeKey", SOURCE)[0].facts()

    def describe_on_behalf(self, call: Call, *, via: str, key: str) -> KeyFacts:
        """The facts of a key, for ``call``'s caller, asked for by the service ``via``."""
        return self._on_behalf(call, via, "DescribeKey", {"KeyId": key})[0].the_key.facts()

    def usability(self, arn: str) -> Sequence[tuple[datetime, bool]]:
        """The moments at which a key became unusable (False) or usable again (True).

        Empty for a key that has always been usable; known also of a key that is gone.
        """
        return self._of(arn.split(":")[4]).store.usability(arn)

    def managed_key(self, service: str, region: str, account: str | None = None) -> str:
        """The ARN of alias/aws/<service> ("s3", "dynamodb"), which is made on first use."""
        return self._of(account).managed_key(service, region)

    def generate_data_key(
        self, call: Call, *, via: str, key: str, context: Mapping[str, str]
    ) -> DataKey:
        """A 256-bit data key for ``call``'s caller, asked for by the service ``via`` ("s3").

        Raises KMS's own AwsError: AccessDeniedException, DisabledException, NotFoundException,
        KMSInvalidStateException, InvalidKeyUsageException.
        """
        values = {"KeyId": key, "KeySpec": "AES_256", **_context(context)}
        asked, result = self._on_behalf(call, via, "GenerateDataKey", values)
        return _data_key(asked, result)

    def decrypt(self, call: Call, *, via: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """A wrapped data key's plaintext, for ``call``'s caller, asked for by ``via``.

        Raises KMS's own AwsError, as `generate_data_key`; InvalidCiphertextException.
        """
        values = {"CiphertextBlob": wrapped, **_context(context)}
        return bytes(self._on_behalf(call, via, "Decrypt", values)[1]["Plaintext"])

    def create_grant(
        self,
        call: Call,
        *,
        via: str,
        key: str,
        operations: Sequence[str],
        context_constraint: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> str:
        """A grant for the service ``via``, in the name of ``call``'s caller; returns its id.

        ``context_constraint`` is the EncryptionContextSubset. Raises KMS's own AwsError.
        """
        principal = service_principal(via, call.region)
        values: Parameters = {
            "KeyId": self.describe(key, call.region, call.asking).arn,
            "GranteePrincipal": principal,
            "RetiringPrincipal": principal,
            "Operations": list(operations),
        }
        if context_constraint:
            values["Constraints"] = {"EncryptionContextSubset": dict(context_constraint)}
        if name is not None:
            values["Name"] = name
        return str(self._on_behalf(call, via, "CreateGrant", values)[1]["GrantId"])

    def _on_behalf(
        self, call: Call, via: str, operation: str, values: Parameters
    ) -> tuple[KeyRequest, Parameters]:
        service = via.removesuffix(".amazonaws.com")
        inner = replace(
            call, service=DEFINITION, operation=operation, parameters={}, account=call.asking
        )
        return self._inner(KeyRequest(inner, values, via=service))

    def _inner(self, asked: KeyRequest) -> tuple[KeyRequest, Parameters]:
        operations = self._of(asked.call.account)
        try:
            operations.find_keys(asked)
            answer = operations.carry_out(asked, authorize) or {}
        except AwsError as error:
            self._tell(asked, {}, error.code)
            raise
        self._tell(asked, answer)
        return asked, answer

    def _tell(self, asked: KeyRequest, answer: Parameters, error: str = "") -> None:
        call = asked.call
        own = call.caller.principal.kind == "service"
        for witness in list(self._witnesses):
            witness(
                Asked(
                    call.request_id, str(asked.via), call.operation, own, asked.values, answer,
                    error,
                )
            )  # fmt: skip

    # --- as a service, by its grant --------------------------------------------------------

    def generate_data_key_as_service(
        self, call: Call, *, service: str, key: str, context: Mapping[str, str], source_arn: str
    ) -> DataKey:
        """A 256-bit data key for a service itself, by a grant it holds.

        ``source_arn`` is the resource for which it acts. The caller's rights are not asked.
        Raises KMS's own AwsError.
        """
        values = {"KeyId": key, "KeySpec": "AES_256", **_context(context)}
        asked, result = self._as_service(call, service, "GenerateDataKey", values, source_arn)
        return _data_key(asked, result)

    def decrypt_as_service(
        self, call: Call, *, service: str, wrapped: bytes, context: Mapping[str, str],
        source_arn: str,
    ) -> bytes:  # fmt: skip
        """A wrapped data key's plaintext for a service itself, by a grant it holds."""
        values = {"CiphertextBlob": wrapped, **_context(context)}
        result = self._as_service(call, service, "Decrypt", values, source_arn)[1]
        return bytes(result["Plaintext"])

    def retire_grant(self, call: Call, *, service: str, key: str, grant_id: str) -> None:
        """Retire a grant that a service holds. One that is gone already is left alone."""
        values = {"KeyId": key, "GrantId": grant_id}
        try:
            self._as_service(call, service, "RetireGrant", values)
        except AwsError as error:
            if error.code != "NotFoundException":
                raise

    def _as_service(
        self,
        call: Call,
        service: str,
        operation: str,
        values: Parameters,
        source_arn: str | None = None,
    ) -> tuple[KeyRequest, Parameters]:
        service = service.removesuffix(".amazonaws.com")
        name = service_principal(service, call.region)
        principal = Principal(kind="service", arn=name, account=None)
        caller = Caller(principal, name=f"{service}.amazonaws.com")
        inner = replace(call, service=DEFINITION, operation=operation, parameters={}, caller=caller)
        return self._inner(KeyRequest(inner, values, via=service, source_arn=source_arn))


def service_principal(service: str, region: str) -> str:
    """The principal that a service's grants name: dynamodb.us-east-1.amazonaws.com.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    return f"{service.removesuffix('.amazonaws.com')}.{region}.amazonaws.com"


def _context(context: Mapping[str, str]) -> Parameters:
    return {"EncryptionContext": dict(context)} if context else {}


def _data_key(asked: KeyRequest, result: Parameters) -> DataKey:
    return DataKey(
        result["Plaintext"], result["CiphertextBlob"], asked.the_key.arn, asked.the_key.id
    )
