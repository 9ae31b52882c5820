"""What a service is to the wire: its names and hosts, its protocol, the words of its refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from workshop_lib.sandbox.protocol.errors import AuthenticationErrors, AwsError


class Protocol(Enum):
    """How a service's requests and answers are written.

    https://smithy.io/2.0/aws/protocols/index.html
    """

    JSON = "json"
    QUERY = "query"
    REST_XML = "rest-xml"


@dataclass(frozen=True)
class Creation:
    """What an operation makes: its kind (table, bucket, key, …), and where its name stands.

    ``name`` is a parameter of the request, or the path of a member in the answer
    ("KeyMetadata.KeyId").
    """

    kind: str
    name: str


@dataclass(frozen=True)
class NamedResource:
    """How requests name what CloudTrail lists as their resource.

    ``parameter`` is a parameter's name, ``arn`` the ARN with {name}, {region} and {account}, where
    it is not one already, ``pattern`` the regular expression of those that are listed.
    """

    parameter: str
    arn: str = "{name}"
    pattern: str = ".+"


@dataclass(frozen=True, eq=False)
class ServiceDefinition:
    """A service, as far as it is not its operations.

    ``name`` is botocore's, ``title`` that in sentences. ``hosts`` are regular expressions, in
    which {region} stands for a Region; ``targets`` are what stands before the operation in
    X-Amz-Target, ``version`` that of the API: forms carry it. ``unsigned`` are the operations that
    take another proof than a signature; ``anonymous``: the service answers requests that carry
    none. ``signs_like_s3``: the body's hash is in a header, paths are signed as they are, and
    Version 2 is taken.
    ``quotes_resource`` and ``tells_reason``: how it words a denial; to callers of other accounts,
    ``hides_reason_from_outsiders`` (unless they are of the owner's organization) and
    ``hides_resources`` (whether there is any).
    ``error_namespace``: what stands before the type of its own errors in JSON.
    ``data_events`` are the operations that CloudTrail's event history leaves out;
    ``records_itself``: the service writes its own events; ``records_version``: its events tell the
    API's version. ``largest_body`` are the bytes that a request's body may have,
    ``largest_bodies`` those of operations that differ. ``unpacks``: it takes compressed bodies.
    """

    name: str
    title: str
    protocol: Protocol
    hosts: tuple[str, ...]
    authentication_errors: AuthenticationErrors
    version: str = ""
    targets: tuple[str, ...] = ()
    json_version: str = "1.1"
    signing_name: str = ""
    event_source: str = ""
    anonymous: bool = False
    unsigned: tuple[str, ...] = ()
    signs_like_s3: bool = False
    quotes_resource: bool = False
    tells_reason: bool = True
    hides_reason_from_outsiders: bool = False
    hides_resources: bool = False
    error_namespace: str = ""
    data_events: frozenset[str] = frozenset()
    records_itself: bool = False
    records_version: bool = False
    resource: NamedResource | None = None
    creates: Mapping[str, Creation] = field(default_factory=dict)
    largest_body: int = 1_662_976  # what AWS's front end told SQS's callers
    largest_bodies: Mapping[str, int] = field(default_factory=dict)
    unpacks: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def signed_as(self) -> str:
        """The name that stands in the scope of its credentials."""
        return self.signing_name or self.name

    @property
    def source(self) -> str:
        """Its name in CloudTrail."""
        return self.event_source or f"{self.name}.amazonaws.com"

    def authentication_error(
        self, kind: str, message: str = "", fields: Mapping[str, str] | None = None
    ) -> AwsError:
        """The error that turns a request away before the service looks at what it asks.

        ``kind`` is a key of `AuthenticationErrors`; ``message`` stands in place of the usual one;
        ``fields`` are written in XML only.
        """
        code, usual, status = self.authentication_errors[kind]
        told = dict(fields or {}) if self.protocol is Protocol.REST_XML else None
        return AwsError(code, message or usual, status, told)
