"""Which service a request is for: told by its host or, on loopback, by what it carries.

Hosts and dual-stack names: https://docs.aws.amazon.com/general/latest/gr/rande.html
"""

import re
from collections.abc import Container, Iterable
from typing import NamedTuple

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.routing import (
    BUCKET,
    DIRECTORY_BUCKETS,
    OBJECT,
    has_path,
    s3_operation,
)
from workshop_lib.sandbox.protocol.service_definition import Protocol, ServiceDefinition
from workshop_lib.sandbox.protocol.service_model import regions

DEFAULT_REGION = "us-east-1"
_MOST_HOSTS = 1_000

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
_CREDENTIAL_SCOPE = re.compile(
    r"Credential=[^/,\s]{1,128}/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
_VERSION = re.compile(rb"(?:^|&)Version=([\d-]+)")


# What requests are signed for that S3's model has, at endpoints of their own.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_WriteGetObjectResponse.html
_BESIDE_S3 = {"s3express": "directory buckets", "s3-object-lambda": "S3 Object Lambda"}
_ZONAL_ENDPOINT = re.compile(r"[^.]+\.s3express-(?!control\.)", re.I)


class Endpoint(NamedTuple):
    """Where a request arrives: service and Region, and S3's bucket when the host names it."""

    service: ServiceDefinition
    region: str
    bucket: str | None


class Endpoints:
    """The endpoints of services, AWS's and those on loopback."""

    def __init__(self, services: Iterable[ServiceDefinition]) -> None:
        self._services = tuple(services)
        self._known: dict[
            str, Endpoint | None
        ] = {}  # hosts looked at: there are few, and many calls
        self._hosts = [
            (service, re.compile(host.replace("{region}", _REGION) + r"(?::443)?", re.I))
            for service in self._services
            for host in service.hosts
        ]
        self._targets = {
            target: service for service in self._services for target in service.targets
        }
        self._signed_as: dict[str, ServiceDefinition] = {}
        for service in self._services:
            self._signed_as.setdefault(service.signed_as, service)
        forms = [service for service in self._services if service.protocol is Protocol.QUERY]
        self._versions = {service.version.encode(): service for service in forms}
        self._objects = next(each for each in self._services if each.protocol is Protocol.REST_XML)
        # bucket.localhost:5000, bucket.s3.localhost:5000, s3.localhost:5000
        names = "|".join(sorted(self._signed_as))
        self._under_localhost = re.compile(
            r"(?:(?P<bucket>[a-z0-9][a-z0-9._-]+?)\.)??"
            rf"(?:(?:{names})(?:[.-]{_REGION})?\.)?(?P<host>localhost(?::\d+)?)",
            re.I,
        )

    def find(self, request: Request, local: Container[str]) -> Endpoint:
        """The endpoint of a request.

        ``local`` are the hosts of the HTTP server, with their port: there the target header tells,
        else the signature's scope or the form's Version, else it is S3. Raises NotEmulated for any
        other host or service, naming it.
        """
        if request.host not in self._known:
            if len(self._known) >= _MOST_HOSTS:
                self._known.clear()
            self._known[request.host] = self._of_aws(request.host)
        known = self._known[request.host]
        if known is not None:
            return known if known.region else known._replace(region=_region(request))
        scoped, region = _scope(request)
        if scoped in _BESIDE_S3:
            raise _not_of_general_purpose_buckets(request, scoped)
        bucket = self._local_bucket(request.host, local)
        service = self._on_loopback(request, scoped)
        is_s3 = service is self._objects
        return Endpoint(service, region or DEFAULT_REGION, bucket if is_s3 else None)

    def _of_aws(self, host: str) -> Endpoint | None:
        """The endpoint that a host of AWS's is; its Region is empty where the host names none.

        That of services with one endpoint for all Regions is us-east-1:
        https://docs.aws.amazon.com/general/latest/gr/iam-service.html
        Raises NotEmulated for a Region that there is not.
        """
        for service, pattern in self._hosts:
            if match := pattern.fullmatch(host):
                found = match.groupdict()
                everywhere = "region" not in found and not service.signs_like_s3
                region = DEFAULT_REGION if everywhere else found.get("region") or ""
                if region and region.lower() not in regions():
                    raise NotEmulated(
                        f"AWS has no Region {region}, and nothing was sent there: give the client "
                        f"one that it has, such as {DEFAULT_REGION}."
                    )
                return Endpoint(service, region, found.get("bucket"))
        return None

    def _local_bucket(self, host: str, local: Container[str]) -> str | None:
        if host in local:
            return None
        match = self._under_localhost.fullmatch(host)
        if match and match["host"] in local:
            return match["bucket"]
        *titles, last = (service.title for service in self._services)
        raise NotEmulated(
            f"The sandbox does not emulate {host}, and nothing was sent there: it answers "
            f"{', '.join(titles)} and {last}."
        )

    def _on_loopback(self, request: Request, scoped: str | None) -> ServiceDefinition:
        target = request.headers.get("x-amz-target", "").rpartition(".")[0]
        if target:
            return self._named(self._targets, target)
        if scoped:
            return self._named(self._signed_as, scoped)
        if _is_url_encoded(request):
            version = _VERSION.search(request.body)
            if version:
                return self._versions.get(version[1], self._objects)
        return self._objects

    def are_told_by_body(self, request: Request, local: Container[str]) -> bool:
        """Whether the service of a request cannot be told before its body is there."""
        return request.host in local and not _scope(request)[0] and _is_url_encoded(request)

    def spoken(self, request: Request) -> ServiceDefinition:
        """The service whose protocol a request seems to speak, wherever it was sent."""
        if "x-amz-target" in request.headers:
            target = request.headers["x-amz-target"].rpartition(".")[0]
            return self._targets.get(target, next(iter(self._targets.values())))
        return self._on_loopback(request, None)

    @staticmethod
    def _named(services: dict[str, ServiceDefinition], name: str) -> ServiceDefinition:
        if name not in services:
            raise NotEmulated(f"The sandbox does not emulate the service {name!r}.")
        return services[name]


def _is_url_encoded(request: Request) -> bool:
    content_type = request.headers.get("content-type", "")
    return request.path == "/" and content_type.startswith("application/x-www-form-urlencoded")


def _not_of_general_purpose_buckets(request: Request, scoped: str) -> NotEmulated:
    """The refusal, by name, of what S3 does beside its buckets of the usual kind."""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    if _ZONAL_ENDPOINT.match(request.host):
        place = OBJECT if bucket else BUCKET
    elif has_path(request.path):
        place = request.path
    else:
        place = OBJECT if key else BUCKET if bucket else DIRECTORY_BUCKETS
    operation = s3_operation(request.method, place, request.parameters, request.headers)
    return NotEmulated(
        f"The sandbox does not emulate s3:{operation} of {_BESIDE_S3[scoped]}: it has general "
        "purpose buckets only."
    )


def _region(request: Request) -> str:
    return _scope(request)[1] or DEFAULT_REGION


def _scope(request: Request) -> tuple[str | None, str | None]:
    text = request.headers.get("authorization") or "Credential=" + request.parameters.get(
        "X-Amz-Credential", ""
    )
    match = _CREDENTIAL_SCOPE.search(text)
    return (match["service"], match["region"]) if match else (None, None)
