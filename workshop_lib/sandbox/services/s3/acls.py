"""S3's access control lists: what asks for one, and what a bucket's or an object's says.

They count only where Object Ownership does not leave everything to the bucket's owner.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.auth.callers import ANONYMOUS_USER
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import AccessControlList, AclGrant, ObjectStore
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3.buckets import ENFORCED, NOBODY, Bucket, Owners
from workshop_lib.sandbox.services.s3.errors import access_denied, invalid_argument, invalid_request
from workshop_lib.sandbox.services.s3.permissions import key_of
from workshop_lib.sandbox.services.s3.storage import Storage, version_headers
from workshop_lib.sandbox.services.s3.xml import SCHEMA, Element, malformed, parse, respond

_GROUPS = "http://acs.amazonaws.com/groups/"
_EVERYONE = f"{_GROUPS}global/AllUsers"
_AUTHENTICATED = f"{_GROUPS}global/AuthenticatedUsers"
LOG_DELIVERY = f"{_GROUPS}s3/LogDelivery"
_PUBLIC = (_EVERYONE, _AUTHENTICATED)

# What a canned list grants beside the owner's full control.
_CANNED: dict[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": ((_EVERYONE, "READ"),),
    "public-read-write": ((_EVERYONE, "READ"), (_EVERYONE, "WRITE")),
    "authenticated-read": ((_AUTHENTICATED, "READ"),),
    "aws-exec-read": (),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
    "log-delivery-write": ((LOG_DELIVERY, "READ_ACP"), (LOG_DELIVERY, "WRITE")),
}
_PERMISSIONS = ("READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL")
_HEADERS = {f"x-amz-grant-{name.lower().replace('_', '-')}": name for name in _PERMISSIONS}
_KINDS = ("CanonicalUser", "Group", "AmazonCustomerByEmail")
_TO_THE_BUCKETS_OWNER = {
    "bucket-owner-read": "READ",
    "bucket-owner-full-control": "FULL_CONTROL",
}


# --- what is asked for --------------------------------------------------------------------------


def owner_of_new(call: Call, bucket: Bucket, headers: Mapping[str, str]) -> str:
    """The account, or NOBODY, that will own an object which is being written.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    https://repost.aws/knowledge-center/s3-object-change-anonymous-ownership
    """
    given = (bucket.stored.ownership, headers.get("x-amz-acl"))
    to_bucket = given == ("BucketOwnerPreferred", "bucket-owner-full-control")
    if to_bucket or not bucket.acls_count:
        return bucket.account
    return NOBODY if call.caller.principal.kind == "anonymous" else call.asking


def from_headers(
    call: Call, bucket: Bucket, headers: Mapping[str, str], store: ObjectStore, owner: str
) -> AccessControlList | None:
    """The list that headers ask for, where lists count; None for the usual one.

    ``owner`` is the account that owns what it is for, the bucket or an object.

    Raises AwsError AccessControlListNotSupported where they are turned off, AccessDenied for a
    public one that Block Public Access keeps out, InvalidArgument, InvalidRequest.
    """
    canned, granting = headers.get("x-amz-acl"), any(name in headers for name in _HEADERS)
    if canned is None and not granting:
        return None
    if canned is not None and canned not in _CANNED:
        raise invalid_argument("", "x-amz-acl", canned)
    if not bucket.acls_count:
        if granting or canned != "bucket-owner-full-control":
            raise no_acls()
        return None
    if canned is not None and granting:
        raise invalid_request("Specifying both Canned ACLs and Header Grants is not allowed")
    grants = _granted(headers)
    if canned is not None:
        grants = _canned(canned, bucket.owners, owner)
        if owner != bucket.account and canned in _TO_THE_BUCKETS_OWNER:
            granted = AclGrant(bucket.owner_id, "", _TO_THE_BUCKETS_OWNER[canned])
            grants = (*grants, granted)
    return _allowed(call, bucket, grants or (), store)


def _canned(name: str, owners: Owners, owner: str) -> tuple[AclGrant, ...]:
    more = (AclGrant("", uri, permission) for uri, permission in _CANNED[name])
    return (*owners.full_control(owner), *more)


def _allowed(
    call: Call, bucket: Bucket, grants: Sequence[AclGrant], store: ObjectStore
) -> AccessControlList:
    """The list of these grants, unless Block Public Access keeps it out.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html#access-denied-bpa-examples
    """
    if any(grant.uri in _PUBLIC for grant in grants) and bucket.blocks("block_public_acls"):
        key = key_of(call)
        resource = bucket.object_arn(key) if key else bucket.arn
        raise access_denied(
            f"User: {call.caller.arn} is not authorized to perform: s3:{call.operation} on "
            f'resource: "{resource}" because public ACLs are prevented by the BlockPublicAcls '
            "setting in S3 Block Public Access."
        )
    return store.new_acl(grants)


def _granted(headers: Mapping[str, str]) -> tuple[AclGrant, ...] | None:
    """The grants that headers spell out; None where they spell out none.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html
    """
    given = {name: headers[name] for name in _HEADERS if name in headers}
    grants = [
        _grantee(name, part, _HEADERS[name]) for name, text in given.items()
        for part in text.split(",")
    ]  # fmt: skip
    return tuple(grants) if given else None


def _grantee(header: str, text: str, permission: str) -> AclGrant:
    kind, equals, quoted = text.strip().partition("=")
    value = quoted.strip().strip('"')
    if not equals or kind not in ("id", "uri", "emailAddress"):
        raise invalid_argument("Argument format not recognized", header, text)
    if kind == "emailAddress":
        raise _unknown_address(value)
    if kind == "uri":
        return AclGrant("", _group(value, "uri"), permission)
    return AclGrant(_user(value, "id"), "", permission)


def _user(text: str, name: str) -> str:
    if text != ANONYMOUS_USER and not re.fullmatch(r"[0-9a-f]{64}", text):
        raise invalid_argument("Invalid id", name, text)
    return text


def _group(text: str, name: str) -> str:
    if text not in (*_PUBLIC, LOG_DELIVERY):
        raise invalid_argument("Invalid group uri", name, text)
    return text


def _unknown_address(address: str) -> AwsError:
    """Of an account's addresses the sandbox knows none."""
    return AwsError(
        "UnresolvableGrantByEmailAddress",
        "The e-mail address you provided does not match any account on record.",
        400,
        {"EmailAddress": address},
    )


def from_document(body: bytes, owners_id: str) -> tuple[AclGrant, ...]:
    """The grants in an AccessControlPolicy. Raises AwsError MalformedACLError, InvalidArgument."""
    document = parse(body, "AccessControlPolicy")
    owner, listed = document.one("Owner"), document.one("AccessControlList")
    owner_id = owner and owner.value("ID")
    if not owner_id or listed is None:
        raise _malformed()
    if owner_id != owners_id:
        raise invalid_argument("Invalid id", "CanonicalUser/ID", owner_id)
    return tuple(_grant(element) for element in listed.all("Grant"))


def _grant(element: Element) -> AclGrant:
    grantee, permission = element.one("Grantee"), element.value("Permission")
    if grantee is None or grantee.kind not in _KINDS or permission not in _PERMISSIONS:
        raise _malformed()
    uri, user, address = (grantee.value(name) for name in ("URI", "ID", "EmailAddress"))
    if address is not None:
        raise _unknown_address(address)
    if uri is not None:
        return AclGrant("", _group(uri, "Group/URI"), permission)
    if user is None:
        raise _malformed()
    return AclGrant(_user(user, "CanonicalUser/ID"), "", permission)


def _malformed() -> AwsError:
    return AwsError("MalformedACLError", malformed().message)


def no_acls() -> AwsError:
    """AccessControlListNotSupported."""
    return AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def of_new_bucket(
    headers: Mapping[str, str], ownership: str, store: ObjectStore, owners: Owners, owner: str
) -> AccessControlList | None:
    """The list a bucket is created with, if one is asked for. It is never a public one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    canned, grants = headers.get("x-amz-acl"), _granted(headers)
    if canned is not None and canned not in _CANNED:
        raise invalid_argument("", "x-amz-acl", canned)
    if (canned not in (None, "private") or grants) and ownership == ENFORCED:
        raise not_enforceable()
    if canned is not None:
        grants = _canned(canned, owners, owner)
    if any(grant.uri in _PUBLIC for grant in grants or ()):
        raise AwsError(
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
        )
    return None if grants is None else store.new_acl(grants)


def not_enforceable() -> AwsError:
    """InvalidBucketAclWithObjectOwnership."""
    return AwsError(
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )


# --- operations ---------------------------------------------------------------------------------


class Acls:
    """The operations on access control lists."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.handlers: dict[str, Callable[[Call, Bucket], Response]] = {
            "GetBucketAcl": self.get_of_bucket,
            "PutBucketAcl": self.put_of_bucket,
            "GetObjectAcl": self.get_of_object,
            "PutObjectAcl": self.put_of_object,
        }

    def get_of_bucket(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html"""
        return self._shown(bucket, bucket.stored.acl, bucket.account, {})

    def get_of_object(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html"""
        key, version_id = call.parameters["Key"], call.parameters.get("versionId")
        made = self._storage.object(call, bucket, key, version_id)
        headers = version_headers(bucket, made)
        return self._shown(bucket, made.acl, bucket.owner_of(made), headers)

    def put_of_bucket(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html"""
        acl = self._asked(call, bucket, bucket.account)
        if acl is not None:
            bucket.stored.set_acl(acl)
        return Response(200)

    def put_of_object(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html"""
        made = self._storage.standing(call, bucket)
        acl = self._asked(call, bucket, bucket.owner_of(made))
        if acl is not None:
            made.set_acl(acl)
        return Response(200, version_headers(bucket, made))

    def _asked(self, call: Call, bucket: Bucket, owner: str) -> AccessControlList | None:
        """The list a request brings; None for the owner's own where lists are turned off."""
        headers, body, store = call.request.headers, call.request.body, self._storage.store
        by_header = "x-amz-acl" in headers or any(name in headers for name in _HEADERS)
        if by_header and body:
            raise AwsError("UnexpectedContent", "This request does not support content")
        if by_header:
            return from_headers(call, bucket, headers, store, owner)
        if not body:
            raise AwsError(
                "MissingSecurityHeader",
                "Your request was missing a required header",
                400,
                {"MissingHeaderName": "x-amz-acl"},
            )
        grants = from_document(body, bucket.owners.of(owner))
        if not bucket.acls_count:
            if grants != bucket.owners.full_control(owner):
                raise no_acls()
            return None
        return _allowed(call, bucket, grants, store)

    def _shown(
        self, bucket: Bucket, acl: AccessControlList, owner: str, headers: Mapping[str, str]
    ) -> Response:
        """What a list lets others do at present: grants that S3 ignores are not in it.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-options
        """
        grants = acl.grants if bucket.acls_count else bucket.owners.full_control(owner)
        if bucket.blocks("ignore_public_acls"):
            grants = tuple(grant for grant in grants if grant.uri not in _PUBLIC)
        content = {
            "Owner": {"ID": bucket.owners.of(owner)},
            "AccessControlList": {"Grant": [_document(grant) for grant in grants]},
        }
        return respond("AccessControlPolicy", content, headers)


_TYPED = f'Grantee xmlns:xsi="{SCHEMA}" xsi:type="{{}}"'


def _document(grant: AclGrant) -> dict[str, Any]:
    if grant.uri:
        return {_TYPED.format("Group"): {"URI": grant.uri}, "Permission": grant.permission}
    user = {"ID": grant.user}
    return {_TYPED.format("CanonicalUser"): user, "Permission": grant.permission}
