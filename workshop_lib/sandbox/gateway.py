"""The one path of every request: parse, who, may they, service rules, moto, record."""

import json
import re
import threading
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Protocol

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.authorization import authorize
from workshop_lib.sandbox.auth.callers import Credentials, Identities
from workshop_lib.sandbox.auth.sigv4 import verify
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.protocol.aws_chunked import unwrap
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request, Response
from workshop_lib.sandbox.protocol.routing import identify, service_and_region
from workshop_lib.sandbox.protocol.serialization import render
from workshop_lib.sandbox.protocol.service_model import require_built
from workshop_lib.sandbox.services.cloudtrail.events import Trail
from workshop_lib.sandbox.services.cloudtrail.service import CloudTrail
from workshop_lib.sandbox.services.dynamodb.service import DynamoDb
from workshop_lib.sandbox.services.dynamodb.streams import DynamoDbStreams
from workshop_lib.sandbox.services.iam.service import Iam
from workshop_lib.sandbox.services.kms.service import Kms
from workshop_lib.sandbox.services.s3.service import S3
from workshop_lib.sandbox.services.sts.service import Sts
from workshop_lib.sandbox.storage.disk import Disk

DEFAULT_ACCOUNT = "123456789012"


class Service(Protocol):
    """What the gate asks of each service."""

    def checks(self, call: Call) -> Iterable[Check]:
        """The permissions the call needs."""

    def handle(self, call: Call) -> Response:
        """The service's answer; AwsError where it refuses."""


@dataclass(frozen=True)
class Created:
    """A resource that somebody made: its kind (table, bucket, key, …), name and region."""

    kind: str
    name: str
    region: str


# What makes a resource, and where its name stands: in the request, or in the response document.
_CREATES = {
    ("dynamodb", "CreateTable"): ("table", "TableName"),
    ("dynamodb", "RestoreTableFromBackup"): ("table", "TargetTableName"),
    ("dynamodb", "RestoreTableToPointInTime"): ("table", "TargetTableName"),
    ("dynamodb", "CreateBackup"): ("backup", "BackupDetails.BackupArn"),
    ("s3", "CreateBucket"): ("bucket", "Bucket"),
    ("kms", "CreateKey"): ("key", "KeyMetadata.KeyId"),
    ("kms", "ReplicateKey"): ("key", "ReplicaKeyMetadata.KeyId"),
    ("kms", "CreateAlias"): ("alias", "AliasName"),
    ("iam", "CreateRole"): ("role", "RoleName"),
    ("iam", "CreateUser"): ("user", "UserName"),
    ("iam", "CreateGroup"): ("group", "GroupName"),
    ("iam", "CreatePolicy"): ("policy", "Arn"),
}

# The other services look at how a request is built themselves.
_LEAVE_FORM_TO_THE_GATE = ("iam", "sts", "cloudtrail", "dynamodbstreams")


class Gate:
    """AWS, as far as the workshop needs it, for one account.

    ``administrator`` are the credentials of the IAM user workshop-admin;
    ``sse_c_allowed`` makes new buckets take SSE-C, as they did before April 2026.
    """

    def __init__(
        self,
        administrator: Credentials,
        account: str = DEFAULT_ACCOUNT,
        *,
        sse_c_allowed: bool = False,
    ) -> None:
        clock.reset()
        self.account = account
        self.created: dict[Created, None] = {}
        self._requests = 0
        self._lock = threading.RLock()
        moto = Moto(account)
        self.identities = Identities(account, moto, administrator)
        self.trail = Trail()
        self.kms = Kms(moto, self.trail)
        s3 = S3(moto, self.kms, sse_c_allowed=sse_c_allowed)
        dynamodb = DynamoDb(moto, self.kms)
        self.disk = Disk(s3.disk.object, dynamodb.look)
        self._s3 = s3
        self._services: dict[str, Service] = {
            "kms": self.kms,
            "s3": s3,
            "dynamodb": dynamodb,
            "dynamodbstreams": DynamoDbStreams(moto, dynamodb),
            "iam": Iam(moto, self.identities),
            "sts": Sts(moto, self.identities),
            "cloudtrail": CloudTrail(self.trail),
        }

    def handle(
        self,
        request: Request,
        *,
        local: Container[str] = (),
        secure: bool = True,
        signed: bool = False,
    ) -> Response:
        """Answer one request.

        ``local``: the hosts (with port) that are doors of this gate; ``secure``: whether the
        request came over TLS, or counts as if; ``signed``: whether its signature is to be
        verified. Raises NotEmulated for what the sandbox cannot answer, naming it.
        """
        service, region, bucket = service_and_region(request, local)
        with self._lock:
            self._requests += 1
            request_id = f"{self._requests:08x}-0000-4000-8000-000000000000"
            call: Call | None = None
            try:
                caller = self.identities.who(request, service)
                if signed:
                    verify(request, service, bucket, caller.secret_access_key)
                if service == "s3":
                    unwrap(request)
                call = identify(request, service, region, bucket, self.account)
                call.secure, call.request_id, call.caller = secure, request_id, caller
                response = self._answer(call)
                self._note_created(call, response)
            except AwsError as error:
                response = render(error, service, request_id, bodiless=request.method == "HEAD")
            if service == "s3" and call is not None:
                self._s3.let_read(call, response)
            return response

    def _answer(self, call: Call) -> Response:
        service = self._services.get(call.service)
        if service is None:
            raise NotEmulated(f"The sandbox does not emulate {call.service}:{call.operation}.")
        if call.service == "kms":  # which records its own calls, without what they carry
            return self._answer_kms(call)
        response = None
        refusal: AwsError | None = None
        try:
            if call.service in _LEAVE_FORM_TO_THE_GATE:
                require_built(call.service, call.operation, call.parameters)
            authorize(call, service.checks(call))
            response = service.handle(call)
        except AwsError as error:
            refusal = error
            raise
        finally:
            self.trail.record_management(call, response, refusal)
        return response

    def _answer_kms(self, call: Call) -> Response:
        try:
            authorize(call, self.kms.checks(call))
        except AwsError as error:
            self.kms.record_refusal(call, error)
            raise
        return self.kms.handle(call)

    def _note_created(self, call: Call, response: Response) -> None:
        found = _CREATES.get((call.service, call.operation))
        if found is None or response.status >= 300:
            return
        kind, where = found
        name = call.parameters.get(where) or _in_document(response.body, where)
        region = call.parameters.get("ReplicaRegion", call.region)
        self.created[Created(kind, name, region)] = None


def _in_document(body: bytes, where: str) -> str:
    if body.lstrip().startswith(b"<"):
        match = re.search(rf"<{where}>([^<]+)</{where}>", body.decode())
        return match[1] if match else ""
    found = json.loads(body)
    for step in where.split("."):
        found = found[step]
    return str(found)
