"""The one path of every request: which service, who, may they, its rules, the record.

Nothing of a request is kept here when it has been answered.
"""

import itertools
import threading
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.authorization import authorize
from workshop_lib.sandbox.auth.callers import Callers, Credentials, administrator_of
from workshop_lib.sandbox.auth.decisions import Decisions
from workshop_lib.sandbox.auth.signature import check_region, read_signature
from workshop_lib.sandbox.auth.sigv4 import verify
from workshop_lib.sandbox.call import Call, Caller, Signature
from workshop_lib.sandbox.moto_backend.core import Moto, missing_in_moto
from workshop_lib.sandbox.protocol.aws_chunked import unwrap, unwrap_headers
from workshop_lib.sandbox.protocol.content_encoding import unpack
from workshop_lib.sandbox.protocol.endpoints import Endpoint, Endpoints
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.limits import largest_body, require_size
from workshop_lib.sandbox.protocol.messages import Request, Response
from workshop_lib.sandbox.protocol.multipart_form import is_form, read_beginning
from workshop_lib.sandbox.protocol.operations import read_operation
from workshop_lib.sandbox.protocol.serialization import member, render
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition
from workshop_lib.sandbox.services.cloudtrail.events import Trail
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.registry import SERVICES, Registry
from workshop_lib.sandbox.storage.disk import Disk

DEFAULT_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Created:
    """A resource that somebody made: its kind (table, bucket, key, …), name, region, account."""

    kind: str
    name: str
    region: str
    account: str


@dataclass(frozen=True)
class _Account:
    """One account: who is in it, and the services that answer for what it owns."""

    callers: Callers
    services: Mapping[ServiceDefinition, Service]
    trail: Trail


class Gateway:
    """AWS, as far as the workshop needs it, for one account and those beside it.

    ``administrator`` are the credentials of the IAM user workshop-admin;
    ``sse_c_allowed`` makes new buckets take SSE-C, as they did before April 2026.
    """

    def __init__(
        self,
        administrator: Credentials,
        account: str = DEFAULT_ACCOUNT,
        *,
        sse_c_allowed: bool = False,
        services: Registry = SERVICES,
    ) -> None:
        clock.reset()
        self.account = account
        self.created: dict[Created, None] = {}
        self.decisions = Decisions()
        self._requests = itertools.count(1)
        self._lock = threading.RLock()
        self._registry = services
        self._moto = Moto(account)
        self.callers = Callers(account, self._moto, administrator)
        self.foundations = Foundations(
            account, self._moto, self.callers, sse_c_allowed=sse_c_allowed
        )
        self.trail = self.foundations.shared(Trail)
        self.endpoints = Endpoints(services)
        self._accounts: dict[str, _Account] = {}
        self._services = self._open(self.foundations)

    def _open(self, foundations: Foundations) -> Mapping[ServiceDefinition, Service]:
        """Answer for an account from now on, and with which services."""
        services = {definition: make(foundations) for definition, make in self._registry.items()}
        trail = foundations.shared(Trail)
        self._accounts[foundations.account] = _Account(foundations.callers, services, trail)
        return services

    def administrator_of(self, account: str) -> Credentials:
        """The administrator's credentials of an account that is there."""
        return self._accounts[account].callers.administrator

    def open_account(self, account: str, name: str) -> Credentials:
        """As `administrator_of`, of another account, which is made on first use under a name."""
        with self._lock:
            if account not in self._accounts:
                moto = Moto(account, beside=self._moto)
                callers = Callers(account, moto, administrator_of(account))
                first = self.foundations
                self._open(
                    Foundations(
                        account, moto, callers, name=name, sse_c_allowed=first.sse_c_allowed,
                        beside=first,
                    )
                )  # fmt: skip
            return self.administrator_of(account)

    @property
    def disk(self) -> Disk:
        """What storage holds."""
        return self.foundations.disk

    def handle(
        self,
        request: Request,
        *,
        local: Container[str] = (),
        secure: bool = True,
        signed: bool = False,
    ) -> Response:
        """Answer one request.

        ``local``: the hosts (with port) of this gateway's own HTTP servers; ``secure``: whether
        the request came over TLS, or counts as if; ``signed``: whether its signature is to be
        verified. Raises NotEmulated for what the sandbox cannot answer, naming it.
        """
        endpoint = self.endpoints.find(request, local)
        request_id = self._next_id()
        call: Call | None = None
        try:
            call = self._understand(request, endpoint, request_id, secure, signed)
            with self._lock:
                response = self._answer(call)
        except AwsError as error:
            bodiless = request.method == "HEAD"
            response = render(error, endpoint.service, request_id, bodiless=bodiless)
        return self._finished(call, response)

    def admit(
        self, request: Request, *, local: Container[str] = (), secure: bool = True
    ) -> int | Response:
        """Look at a signed request whose body is still to come, of a form its beginning.

        Returns how many bytes the body may have, or the refusal where the head says enough for
        one; ``request`` stays as it is. Arguments and what is raised are those of `handle`.
        """
        endpoint = self.endpoints.find(request, local)
        service = endpoint.service
        if self.endpoints.are_told_by_body(request, local):
            return largest_body(service)
        request_id = self._next_id()
        head = replace(request, headers=dict(request.headers))
        head.headers.setdefault("content-length", "0")  # in chunks it is told by their end
        call: Call | None = None
        response: Response | None = None
        try:
            if not service.signs_like_s3:
                self._caller(head, endpoint, signed=True, whole=False)
                return largest_body(service)
            if is_form(head):
                head.form = read_beginning(head)
            call = self._understand(head, endpoint, request_id, secure, signed=True, whole=False)
            with self._lock:
                self._service(call).admit(call, authorize)
            return largest_body(service, call.operation)
        except AwsError as error:
            response = render(error, service, request_id, bodiless=request.method == "HEAD")
        finally:
            if call is not None:
                with self._lock:
                    self.decisions.note(call, refused=response is not None)
        return self._finished(call, response)

    def _next_id(self) -> str:
        return f"{next(self._requests):08x}-0000-4000-8000-000000000000"

    def _finished(self, call: Call | None, response: Response) -> Response:
        if call is not None:
            with self._lock:
                self._accounts[call.account].services[call.service].finish(call, response)
        return response

    def _caller(
        self, request: Request, endpoint: Endpoint, *, signed: bool, whole: bool
    ) -> tuple[Caller, Signature | None]:
        """Who makes a request, and how it is signed. Raises AwsError for who is not who they say.

        Of a request that is not ``whole`` the body is not there yet.
        """
        service = endpoint.service
        signature = read_signature(request, service)
        check_region(signature, service, endpoint.region)
        with self._lock:
            caller = self._callers_of(signature).who(request, service, signature)
        if signed:
            secret = caller.secret_access_key
            verify(request, service, signature, endpoint.bucket, secret, whole=whole)
        return caller, signature

    def _callers_of(self, signature: Signature | None) -> Callers:
        """Those of the account whose access key signed; of the first one for all other keys."""
        if signature is not None and len(self._accounts) > 1:
            for account in self._accounts.values():
                if account.callers.knows(signature.access_key_id):
                    return account.callers
        return self.callers

    def _understand(
        self,
        request: Request,
        endpoint: Endpoint,
        request_id: str,
        secure: bool,
        signed: bool,
        whole: bool = True,
    ) -> Call:
        """The call that a request makes, told without anybody waiting for it. Raises AwsError."""
        service = endpoint.service
        caller, signature = self._caller(request, endpoint, signed=signed, whole=whole)
        if service.signs_like_s3:
            (unwrap if whole else unwrap_headers)(request)
        else:
            require_size(service, "", len(request.body))
        size = len(request.body)
        unpack(request, service)
        operation, parameters = read_operation(request, service, endpoint.bucket)
        require_size(service, operation, size)
        call = Call(
            service=service,
            operation=operation,
            region=endpoint.region,
            account=caller.principal.account or self.account,
            parameters=parameters,
            request=request,
            caller=caller,
            signature=signature,
            request_id=request_id,
            secure=secure,
            memberships=self.foundations.memberships,
        )
        if len(self._accounts) > 1:
            owner = self._accounts[call.account].services[service].owner(call)
            call.account = owner if owner in self._accounts else call.account
        return call

    def _service(self, call: Call) -> Service:
        """The service that answers a call. Raises NotEmulated where none does."""
        service = self._accounts[call.account].services[call.service]
        if call.operation not in service.operations:
            raise NotEmulated(f"The sandbox does not emulate {call.service}:{call.operation}.")
        return service

    def _answer(self, call: Call) -> Response:
        service = self._service(call)
        response: Response | None = None
        refusal: AwsError | None = None
        try:
            response = service.answer(call, authorize)
        except AwsError as error:
            refusal = error
            raise
        except AttributeError as error:
            raise missing_in_moto(error) or error from None
        finally:
            if not call.service.records_itself:
                self._record(call, response, refusal)
            self.decisions.note(call, refused=refusal is not None)
            del refusal  # which holds this frame, and with it the request, until a collection
        self._note_created(call, response)
        return response

    def _record(self, call: Call, response: Response | None, refusal: AwsError | None) -> None:
        """Write a call down in the caller's account, and in the owner's if it was not refused."""
        refused = refusal is not None or response is None or response.status >= 400
        trail = self._accounts[call.asking].trail
        owners = () if refused or call.asking == call.account else (call.account,)
        trail.record_management(
            call, response, refusal, elsewhere=[self._accounts[owner].trail for owner in owners]
        )

    def _note_created(self, call: Call, response: Response) -> None:
        creation = call.service.creates.get(call.operation)
        if creation is None or response.status >= 300:
            return
        name = call.parameters.get(creation.name) or member(response.body, creation.name)
        region = call.parameters.get("ReplicaRegion", call.region)
        self.created[Created(creation.kind, name, region, call.account)] = None
