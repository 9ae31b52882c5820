"""Which operation a request is, told by the service models that botocore ships.

S3's operations share paths: the method, a sub-resource in the query (``?acl``), parameters and
headers tell them apart. The value of a sub-resource counts for nothing, other parameters are
ignored, ``x-id`` among them.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
What is refused, and in which words, follows answers of S3's that were recorded in 2026:
https://github.com/brekkylab/backlot/blob/main/backlot/routers/s3.py
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_model import description

SERVICE, BUCKET, OBJECT = "/", "/{Bucket}", "/{Bucket}/{Key+}"
# Where S3 Express lists its buckets: an endpoint of its own, with the path of the service.
DIRECTORY_BUCKETS = "directory buckets"

# What AWS's API has and the model lacks.
# https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTObjectPOST.html
# https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTOPTIONSobject.html
_BESIDE_THE_MODEL = {
    ("POST", BUCKET): "PostObject",
    ("OPTIONS", BUCKET): "OptionsObject",
    ("OPTIONS", OBJECT): "OptionsObject",
}
# How a refusal of the method calls what it does not work on: an object, a bucket, S3 itself, or a
# sub-resource of one.
_PLACES = {SERVICE: "SERVICE", BUCKET: "BUCKET", OBJECT: "OBJECT"}
_KINDS = {
    "abac": "BUCKET_ABAC", "annotation": "OBJECT_ANNOTATIONS", "attributes": "OBJECT_ATTRIBUTES",
    "delete": "MULTI_OBJECT_DELETE", "intelligent-tiering": "INTELLIGENT_TIERING",
    "legal-hold": "OBJECT_LOCK_LEGALHOLD", "logging": "LOGGING_STATUS",
    "metadataAnnotationTable": "BUCKET_METADATA_ANNOTATION_TABLE_CONFIGURATION",
    "metadataConfiguration": "BUCKET_METADATA_CONFIGURATION",
    "metadataInventoryTable": "BUCKET_METADATA_INVENTORY_TABLE_CONFIGURATION",
    "metadataJournalTable": "BUCKET_METADATA_JOURNAL_TABLE_CONFIGURATION",
    "metadataTable": "BUCKET_METADATA_TABLE_CONFIGURATION",
    "object-lock": "OBJECT_LOCK_CONFIGURATION", "ownershipControls": "OWNERSHIP_CONTROLS",
    "partNumber": "PART", "policy": "BUCKETPOLICY", "policyStatus": "POLICY_STATUS",
    "publicAccessBlock": "PUBLIC_ACCESS_BLOCK", "requestPayment": "REQUEST_PAYMENT",
    "retention": "OBJECT_LOCK_RETENTION", "uploadId": "UPLOAD", "versions": "BUCKETVERSIONS",
}  # fmt: skip
_KINDS_OF_OBJECTS = {"encryption": "OBJECT_ENCRYPTION", "tagging": "OBJECT_TAGGING"}
# Sub-resources of a bucket that it also answers for under the path of an object, whatever the key.
_OF_THE_BUCKET_ANYWHERE = {
    "accelerate", "cors", "inventory", "lifecycle", "location", "notification", "policy",
    "replication", "requestPayment", "versioning", "website",
}  # fmt: skip
# Sub-resources of objects that mean nothing in the path of a bucket; and the other way round. That
# was seen of reads; of writes it is not known.
_IGNORED_OF_BUCKETS = {"annotation", "attributes", "legal-hold", "retention", "select"}
_IGNORED_OF_OBJECTS = {
    "abac", "analytics", "intelligent-tiering", "metadataConfiguration", "metadataTable", "metrics",
    "object-lock", "ownershipControls", "policyStatus", "publicAccessBlock",
}  # fmt: skip
# What S3 says of a sub-resource that an object does not have.
_NOT_OF_AN_OBJECT = {
    ("GET", "logging"): (
        "NoLoggingStatusForKey",
        "There is no such thing as the ?logging sub-resource for a key",
    ),
    ("GET", "uploads"): (
        "InvalidRequest",
        "Key is not expected for the GET method ?uploads subresource",
    ),
    ("GET", "versions"): (
        "InvalidRequest",
        "There is no such thing as the ?versions sub-resource for a key",
    ),
}


def require_operation(service: str, operation: str) -> None:
    """Refuse what is no operation of a service. Raises AwsError."""
    model = description(service)
    if operation not in model["operations"]:
        if model["metadata"]["protocol"] != "query":
            raise AwsError("UnknownOperationException", "")
        version = model["metadata"]["apiVersion"]
        raise AwsError(
            "InvalidAction", f"Could not find operation {operation} for version {version}"
        )


# --- S3 -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Route:
    """An operation, and what else a request must carry to be it and not another one.

    ``values`` are parameters of the query, with the value they must have, if any.
    """

    operation: str
    values: tuple[tuple[str, str | None], ...]
    headers: tuple[str, ...]

    def fits(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        return all(header in headers for header in self.headers) and all(
            name in query and value in (None, query[name]) for name, value in self.values
        )


_Routes = dict[tuple[str, str, str | None], tuple[_Route, ...]]


def s3_operation(
    method: str, place: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """The operation of S3 that a request is.

    ``place`` is SERVICE, BUCKET, OBJECT or DIRECTORY_BUCKETS, or a whole path, such as
    WriteGetObjectResponse has. Raises AwsError MethodNotAllowed for a method that a sub-resource
    does not have, InvalidArgument for two sub-resources; NotEmulated for one of a bucket that is
    asked of an object, or the other way round, where it is not known what S3 answers.
    """
    routes, subresources = _s3_routes()
    asked = [name for name in query if name in subresources] if method != "OPTIONS" else []
    name = _one_subresource(method, place, asked, subresources) if asked else None
    found = routes.get((method, place, name))
    if found is None:
        kind = _PLACES.get(place, "BUCKET") if name is None else _kind(place, name, query)
        raise AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            405,
            {"Method": method, "ResourceType": kind},
        )
    for route in found[:-1]:
        if route.fits(query, headers):
            return route.operation
    return found[-1].operation  # the one that needs least


def has_path(path: str) -> bool:
    """Whether S3 has an operation of this very path, where others have a bucket's name."""
    return path in _whole_paths()


def is_of_the_bucket(query: Mapping[str, str]) -> bool:
    """Whether a request asks for a sub-resource of the bucket, though its path names an object."""
    _, subresources = _s3_routes()
    asked = {name for name in query if name in subresources}
    return len(asked) == 1 and asked <= _OF_THE_BUCKET_ANYWHERE


def _kind(place: str, name: str, query: Mapping[str, str]) -> str:
    if name == "uploadId" and "partNumber" in query:
        return _KINDS["partNumber"]
    own = _KINDS_OF_OBJECTS if place == OBJECT else {}
    return own.get(name) or _KINDS.get(name, name.upper())


def _one_subresource(
    method: str, place: str, asked: list[str], subresources: Mapping[str, frozenset[str]]
) -> str | None:
    if place not in (BUCKET, OBJECT):
        return None
    if len(asked) > 1:
        names = sorted(asked)
        fields = {"ArgumentName": "ResourceType", "ArgumentValue": names[0]}
        message = "Conflicting query string parameters: " + ", ".join(names)
        raise AwsError("InvalidArgument", message, 400, fields)
    name = asked[0]
    if place == OBJECT and (method, name) in _NOT_OF_AN_OBJECT:
        raise AwsError(*_NOT_OF_AN_OBJECT[method, name])
    ignored = _IGNORED_OF_OBJECTS if place == OBJECT else _IGNORED_OF_BUCKETS
    if method in ("GET", "HEAD") and name in ignored:
        return None
    if place not in subresources[name]:
        of = "an object" if place == OBJECT else "a bucket"
        raise NotEmulated(f"The sandbox does not emulate S3's sub-resource ?{name} of {of}.")
    return name


@cache
def _s3_routes() -> tuple[_Routes, dict[str, frozenset[str]]]:
    """The routes by method, place and sub-resource, the more demanding first; and of each
    sub-resource the places that have it. Built on S3's first request."""
    found: dict[tuple[str, str, str | None], list[_Route]] = {}
    places: dict[str, set[str]] = {}
    for method, place, subresource, route in _read_s3():
        found.setdefault((method, place, subresource), []).append(route)
        if subresource is not None:
            places.setdefault(subresource, set()).add(place)
    for (method, place), operation in _BESIDE_THE_MODEL.items():
        found[method, place, None] = [_Route(operation, (), ())]
    routes = {
        key: tuple(sorted(each, key=lambda route: -len(route.values + route.headers)))
        for key, each in found.items()
    }
    return routes, {name: frozenset(each) for name, each in places.items()}


@cache
def _whole_paths() -> frozenset[str]:
    operations = description("s3")["operations"].values()
    uris = {each["http"]["requestUri"] for each in operations}
    return frozenset(uri for uri in uris if uri != SERVICE and not uri.startswith(BUCKET))


def _read_s3() -> Iterator[tuple[str, str, str | None, _Route]]:
    model = description("s3")
    operations = {
        name: operation
        for name, operation in model["operations"].items()
        if not operation.get("deprecated")  # the first forms of a configuration that has a second
    }
    inputs = {name: _Input(model, operation) for name, operation in operations.items()}
    # A parameter that some operation may do without says nothing of which operation it is.
    optional = {name for each in inputs.values() for name in each.optional}
    for name, operation in operations.items():
        method = operation["http"]["method"]
        place, _, fixed = operation["http"]["requestUri"].partition("?")
        if place == SERVICE and "UseS3ExpressControlEndpoint" in operation.get(
            "staticContextParams", {}
        ):
            place = DIRECTORY_BUCKETS
        told = dict(parse_qsl(fixed, keep_blank_values=True))
        told.pop("x-id", None)
        needed = [each for each in inputs[name].required if each not in optional]
        flags = [each for each, value in told.items() if not value]
        subresource = next(iter(flags + ([] if told else needed)), None)
        values: dict[str, str | None] = {**dict.fromkeys(needed), **told}
        values.pop(subresource or "", None)
        yield method, place, subresource, _Route(name, tuple(values.items()), inputs[name].headers)


class _Input:
    """Where the members of an operation's input travel: in the query, required or not, or, of
    the required ones, in headers."""

    def __init__(self, model: Mapping[str, Any], operation: Mapping[str, Any]) -> None:
        shape = model["shapes"][operation["input"]["shape"]] if "input" in operation else {}
        needed = shape.get("required", ())
        members = shape.get("members", {})
        self.required = [
            members[name]["locationName"]
            for name in needed
            if members[name].get("location") == "querystring"
        ]
        self.optional = [
            member["locationName"]
            for name, member in members.items()
            if member.get("location") == "querystring" and name not in needed
        ]
        self.headers = tuple(
            members[name]["locationName"].lower()
            for name in needed
            if members[name].get("location") == "header"
        )
