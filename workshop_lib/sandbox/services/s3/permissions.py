"""What an S3 call needs permission for: actions, resources and condition keys.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from urllib.parse import parse_qsl, unquote

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.callers import ANONYMOUS_USER
from workshop_lib.sandbox.auth.signature import ISO_BASIC
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.moto_backend.objects import (
    AccessControlList,
    AclGrant,
    ObjectStore,
    StoredObject,
)
from workshop_lib.sandbox.policy.conditions import instant
from workshop_lib.sandbox.policy.evaluation import Policy, Principals, Statement
from workshop_lib.sandbox.policy.patterns import Patterns
from workshop_lib.sandbox.policy.service_authorization import actions_with
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.multipart_form import read as read_form
from workshop_lib.sandbox.services.s3.buckets import Bucket, Buckets
from workshop_lib.sandbox.services.s3.encryption import KEY_ID, SSE
from workshop_lib.sandbox.services.s3.errors import access_denied, invalid_argument
from workshop_lib.sandbox.services.s3.xml import parse

Context = dict[str, str | Sequence[str]]

# Where the action is not named like the operation.
BUCKET_ACTIONS = {
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
OBJECT_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "HeadObject": "GetObject",
    "ListParts": "ListMultipartUploadParts",
    "PostObject": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
# Actions that are others for a version than for the current object.
_OF_VERSIONS = {
    "GetObject": "GetObjectVersion",
    "GetObjectAcl": "GetObjectVersionAcl",
    "GetObjectAttributes": "GetObjectVersionAttributes",
    "GetObjectTagging": "GetObjectVersionTagging",
    "GetObjectTorrent": "GetObjectVersionTorrent",
    "PutObjectAcl": "PutObjectVersionAcl",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObject": "DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
}
# Headers of a write that need one more permission.
_MORE = {
    "x-amz-tagging": "PutObjectTagging",
    "x-amz-acl": "PutObjectAcl",
    "x-amz-grant-full-control": "PutObjectAcl",
    "x-amz-grant-read": "PutObjectAcl",
    "x-amz-grant-read-acp": "PutObjectAcl",
    "x-amz-grant-write-acp": "PutObjectAcl",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-retain-until-date": "PutObjectRetention",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
}
_OF_UPLOADS = {"UploadPart", "UploadPartCopy", "CompleteMultipartUpload"}
_OF_WHO_BEGAN = {"AbortMultipartUpload", "ListParts"}
_WRITES = {"PutObject", "CopyObject", "CreateMultipartUpload", "PostObject"}
# Of the operations that need PutObject, those after which there is an object.
_CREATES = {"PutObject", "CopyObject", "CompleteMultipartUpload", "PostObject"}
BYPASS = "x-amz-bypass-governance-retention"
# Headers and query parameters that are condition keys as they are.
_HEADER_KEYS = (
    "x-amz-acl", "x-amz-bucket-namespace", "x-amz-content-sha256", "x-amz-copy-source",
    "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write",
    "x-amz-grant-write-acp", "x-amz-metadata-directive", "x-amz-object-ownership",
    "x-amz-server-side-encryption", "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class", "x-amz-website-redirect-location", "if-match", "if-none-match",
)  # fmt: skip
_QUERY_KEYS = {
    "prefix": "s3:prefix",
    "delimiter": "s3:delimiter",
    "max-keys": "s3:max-keys",
    "versionId": "s3:VersionId",
}
_PLACES = {"header": "REST-HEADER", "query": "REST-QUERY-STRING", "form": "POST"}


@cache
def _judged_by_tags() -> frozenset[str]:
    """The actions that are judged by the tags an object has.

    S3 takes such a condition for GetObjectAttributes too, but does not look at the tags then.
    https://github.com/justincormack/argmin (plans/completed/
    bucket-policy-condition-data-availability-plan.md: what S3 answered)
    """
    blind = {"GetObjectAttributes", "GetObjectVersionAttributes"}
    return actions_with("s3", "s3:ExistingObjectTag/") - blind


class Permissions:
    """The permissions calls need."""

    def __init__(self, buckets: Buckets, store: ObjectStore) -> None:
        self._buckets = buckets
        self._store = store

    def checks(self, call: Call) -> Iterator[Check]:
        """The permissions a call needs, those of DeleteObjects aside: it needs one per key.

        Raises AwsError NoSuchBucket.
        """
        operation, headers = call.operation, call.request.headers
        if operation == "ListBuckets":
            yield Check("s3:ListAllMyBuckets", "*", _shared(call), names_resource=False)
            return
        if operation == "CreateBucket":
            yield from self._creation(call)
            return
        if operation == "OptionsObject":
            return
        bucket = self._buckets.get(call.parameters["Bucket"])
        require_owner(call, "x-amz-expected-bucket-owner", bucket)
        if operation == "DeleteObjects":
            return
        key = key_of(call)
        if not key:
            action = BUCKET_ACTIONS.get(operation, operation)
            yield self.on_bucket(call, bucket, action)
            return
        version_id = call.parameters.get("versionId")
        if operation in ("CopyObject", "UploadPartCopy"):
            yield from self._source(call)
        if operation == "DeleteObject":
            match, bypass = headers.get("if-match"), bypasses(headers)
            yield from self.deletion(call, bucket, key, version_id, match, bypass=bypass)
            return
        action = OBJECT_ACTIONS.get(operation, operation)
        check = self.on_object(call, bucket, action, key, version_id)
        if operation in _OF_UPLOADS:
            upload = bucket.settings.uploads.get(call.parameters["uploadId"])
            if upload is not None:
                check = check._replace(context={**upload.named, **check.context})
        if operation in _OF_WHO_BEGAN:
            upload = bucket.settings.uploads.get(call.parameters["uploadId"])
            if upload is not None:
                check = check._replace(access_control_list=_rights_of(upload.initiator["ID"]))
        yield check
        if operation == "GetObjectAttributes":
            yield self.on_object(call, bucket, "GetObject", key, version_id)
        if operation == "PutObjectRetention" and bypasses(headers):
            yield self.on_object(call, bucket, "BypassGovernanceRetention", key, version_id)
        if operation in _WRITES:
            fields = read_form(call.request).fields if operation == "PostObject" else headers
            needed = {_MORE[name] for name in _MORE if fields.get(name) not in (None, "false")}
            if "acl" in fields and operation == "PostObject":
                needed.add("PutObjectAcl")
            for more in sorted(needed):
                yield self.on_object(call, bucket, more, key, version_id)

    def deletion(
        self, call: Call, bucket: Bucket, key: str, version_id: str | None, match: str | None,
        *, bypass: bool,
    ) -> Iterator[Check]:  # fmt: skip
        """The permissions to delete an object: where an ETag is to match, also to read it.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        """
        check = self.on_object(call, bucket, "DeleteObject", key, version_id)
        if match is not None:
            check = check._replace(context={**check.context, "s3:if-match": match})
        yield check
        if bypass:
            yield self.on_object(call, bucket, "BypassGovernanceRetention", key, version_id)
        if match not in (None, "*"):
            yield self.on_object(call, bucket, "GetObject", key)

    def _creation(self, call: Call) -> Iterator[Check]:
        arn = f"arn:aws:s3:::{call.parameters['Bucket']}"
        headers, context = call.request.headers, _shared(call)
        needed = ["CreateBucket"]
        if any(name == "x-amz-acl" or name.startswith("x-amz-grant-") for name in headers):
            needed.append("PutBucketAcl")
        if headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true":
            needed += ["PutBucketObjectLockConfiguration", "PutBucketVersioning"]
        if "x-amz-object-ownership" in headers:
            needed.append("PutBucketOwnershipControls")
        for action in needed:
            yield Check(f"s3:{action}", arn, context)

    def _source(self, call: Call) -> Iterator[Check]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
        source = copy_source(call)
        bucket = self._buckets.get(source.bucket)
        require_owner(call, "x-amz-source-expected-bucket-owner", bucket)
        # The source of a part is judged by its tags, that of an object is not (ibidem).
        by_tags = call.operation == "UploadPartCopy"
        yield self.on_object(
            call, bucket, "GetObject", source.key, source.version_id, by_tags=by_tags
        )
        directive = call.request.headers.get("x-amz-tagging-directive", "COPY")
        if call.operation != "CopyObject" or directive != "COPY":
            return
        found = self.find(bucket, source.key, source.version_id)
        if found is not None and self._store.tags(found):
            yield self.on_object(call, bucket, "GetObjectTagging", source.key, source.version_id)
            target = self._buckets.get(call.parameters["Bucket"])
            yield self.on_object(call, target, "PutObjectTagging", call.parameters["Key"])

    def find(self, bucket: Bucket, key: str, version_id: str | None) -> StoredObject | None:
        """The object a call is about; None for a delete marker and for what is not there."""
        if version_id is None:
            found = bucket.stored.latest(key)
        else:
            versions = bucket.stored.versions(key)
            found = next((each for each in versions if each.version_id == version_id), None)
        return found if isinstance(found, StoredObject) else None

    # --- one permission ------------------------------------------------------------------------

    def on_bucket(self, call: Call, bucket: Bucket, action: str) -> Check:
        """The permission for an action on a bucket."""
        return Check(
            f"s3:{action}", bucket.arn, _shared(call, bucket), _policy(call, bucket),
            access_control_list=_list_as_policy(
                call, bucket, bucket.account, bucket.stored.acl, _BUCKET_ACLS.get(action)
            ),
            owner=bucket.account,
        )  # fmt: skip

    def on_object(
        self, call: Call, bucket: Bucket, action: str, key: str, version_id: str | None = None,
        *, by_tags: bool = True,
    ) -> Check:  # fmt: skip
        """The permission for an action on an object, or on a version of it."""
        if version_id is not None:
            action = _OF_VERSIONS.get(action, action)
        context = _shared(call, bucket)
        found = self.find(bucket, key, version_id)
        if found is not None and by_tags and action in _judged_by_tags():
            for name, value in self._store.tags(found).items():
                context[f"s3:ExistingObjectTag/{name}"] = value
        if version_id is not None:
            context["s3:VersionId"] = version_id
        if action in ("PutObject", "PutObjectTagging", "PutObjectVersionTagging"):
            context.update(_requested_tags(call))
        if action == "PutObject":
            creates = call.operation in _CREATES
            context["s3:ObjectCreationOperation"] = "true" if creates else "false"
        policy, owner = _policy(call, bucket), bucket.account
        if found is not None and _is_the_writers(call, action):
            owner = bucket.owner_of(found)
            if policy is not None and owner != bucket.account:
                policy = replace(policy, statements=policy.denying, allowing=())
        return Check(
            f"s3:{action}", bucket.object_arn(key), context, policy,
            access_control_list=_list_as_policy(
                call, bucket, owner, *_acl_question(call, bucket, action, found)
            ),
            owner=owner,
        )  # fmt: skip


_ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
_AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
# What the access control list of a bucket, or of an object, has to grant.
_BUCKET_ACLS = {
    "ListBucket": "READ",
    "ListBucketVersions": "READ",
    "ListBucketMultipartUploads": "READ",
    "PutObject": "WRITE",
    "DeleteObject": "WRITE",
    "GetBucketAcl": "READ_ACP",
    "PutBucketAcl": "WRITE_ACP",
}
_OBJECT_ACLS = {
    "GetObject": "READ",
    "GetObjectVersion": "READ",
    "GetObjectAcl": "READ_ACP",
    "GetObjectVersionAcl": "READ_ACP",
    "PutObjectAcl": "WRITE_ACP",
    "PutObjectVersionAcl": "WRITE_ACP",
}


def _acl_question(
    call: Call, bucket: Bucket, action: str, found: StoredObject | None
) -> tuple[AccessControlList, str | None]:
    """The access control list that could allow an action on an object, and what it must grant."""
    if action == "PutObjectAcl" and call.operation in _WRITES:  # who writes it sets its list
        return bucket.stored.acl, "WRITE"
    if action not in _OBJECT_ACLS:
        return bucket.stored.acl, _BUCKET_ACLS.get(action)
    if found is None:  # who may list may know that it is not there
        return bucket.stored.acl, "READ"
    return found.acl, _OBJECT_ACLS[action]


# What the owner of the bucket decides on, whoever owns the object.
_OF_THE_BUCKET = {
    "AbortMultipartUpload", "DeleteObject", "DeleteObjectVersion", "ListMultipartUploadParts",
    "PutObject", "RestoreObject",
}  # fmt: skip


def _is_the_writers(call: Call, action: str) -> bool:
    """Whether the owner of an object decides on an action; the bucket's can then only deny it.

    What comes along with a new object is not about the one that it replaces.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html
    """
    comes_along = call.operation in _WRITES and action.startswith("PutObject")
    return action not in _OF_THE_BUCKET and not comes_along


_EVERYTHING = Patterns(["*"])
_NOBODY: frozenset[str] = frozenset()


def _list_as_policy(
    call: Call, bucket: Bucket, owner: str, acl: AccessControlList, needed: str | None
) -> Policy | None:
    """Whom else than the owner an access control list, where lists count, gives ``needed``.

    S3 makes policies of lists to evaluate them.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
    """
    if needed is None or not bucket.acls_count:
        return None
    groups, users = set(), set()
    signed = call.caller.principal.kind != "anonymous"
    if not signed:
        users = {ANONYMOUS_USER}  # also where it is the owner: it has no policies of its own
    if not bucket.blocks("ignore_public_acls"):
        groups = {_ALL_USERS, _AUTHENTICATED} if signed else {_ALL_USERS}
    allowing = tuple(
        _as_statement(grant, grant.uri in groups or grant.user in users)
        for grant in acl.grants
        if grant.permission in (needed, "FULL_CONTROL")
        and (
            grant.uri in groups
            or grant.user in users
            or grant.user not in ("", bucket.owners.of(owner))
        )
    )
    return Policy("acl", allowing, allowing, ()) if allowing else None


def _as_statement(grant: AclGrant, everyone: bool) -> Statement:
    """A grant as a statement; that it is about the action and the resource is known already."""
    users = _NOBODY if everyone else frozenset({grant.user})
    return Statement(
        sid=grant.permission,
        effect="Allow",
        actions=_EVERYTHING,
        not_action=False,
        resources=_EVERYTHING,
        not_resource=False,
        principals=Principals(everyone, _NOBODY, _NOBODY, _NOBODY, users),
        not_principal=False,
        conditions=(),
    )


def _rights_of(initiator: str) -> Policy:
    """What who began an upload, and that account, may do with it without a policy that says so.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    """
    accounts, arns = frozenset({initiator.split(":")[4]}), frozenset({initiator})
    allowing = (
        Statement(
            sid="of the initiator",
            effect="Allow",
            actions=_EVERYTHING,
            not_action=False,
            resources=_EVERYTHING,
            not_resource=False,
            principals=Principals(False, accounts, arns, _NOBODY, _NOBODY),
            not_principal=False,
            conditions=(),
        ),
    )
    return Policy("upload", allowing, allowing, ())


def _policy(call: Call, bucket: Bucket) -> Policy | None:
    """The bucket's policy; a public one says nothing to outsiders where that is restricted."""
    settings = bucket.settings
    outsider = call.caller.principal.account != bucket.account
    if settings.policy_is_public and outsider and bucket.blocks("restrict_public_buckets"):
        return None
    return settings.policy


def _shared(call: Call, bucket: Bucket | None = None) -> Context:
    """The condition keys of any S3 call: those whose header or parameter is there."""
    request = call.request
    headers: Mapping[str, str] = request.headers
    if call.operation == "PostObject":
        headers = read_form(request).fields
    context: Context = {"s3:ResourceAccount": call.account if bucket is None else bucket.account}
    if call.secure:
        context["s3:TlsVersion"] = "1.3"
    for name in _HEADER_KEYS:
        if name in headers:
            context[f"s3:{name}"] = headers[name]
    context.update(_lock_asked(call, headers))
    if "s3:x-amz-copy-source" in context:  # as it was sent: S3 does not decode it for policies
        context["s3:x-amz-copy-source"] = headers["x-amz-copy-source"].removeprefix("/")
    if call.operation == "PutBucketInventoryConfiguration" and (fields := _reported_fields(call)):
        context["s3:InventoryAccessibleOptionalFields"] = fields
    context.update(_kms_key(call, headers))
    if request.query:
        for name, key in _QUERY_KEYS.items():
            if name in call.parameters:
                context[key] = call.parameters[name]
    signature = call.signature
    if signature is not None:
        context["s3:authType"] = _PLACES[signature.place]
        context["s3:signatureversion"] = "AWS4-HMAC-SHA256" if signature.version == 4 else "AWS"
        if signature.version == 4 and signature.place == "query":
            context["s3:signatureAge"] = str(_age(signature.time))
    return context


def _kms_key(call: Call, headers: Mapping[str, str]) -> Context:
    return {f"s3:{KEY_ID}": _key_arn(headers[KEY_ID], call)} if KEY_ID in headers else {}


def named_encryption(call: Call) -> Context:
    """The condition keys of the encryption by S3 or KMS that an upload in parts begins with.

    Its parts and its completion are judged by them. A customer's key they must bring themselves.
    """
    headers = call.request.headers
    method = {f"s3:{SSE}": headers[SSE]} if SSE in headers else {}
    return {**method, **_kms_key(call, headers)}


_LOCKS = {
    "PutObjectRetention": ("Retention", {"Mode": "mode", "RetainUntilDate": "retain-until-date"}),
    "PutObjectLegalHold": ("LegalHold", {"Status": "legal-hold"}),
}


def _lock_asked(call: Call, headers: Mapping[str, str]) -> Context:
    """What is asked of Object Lock, in headers or in a document."""
    prefix = "x-amz-object-lock-"
    found: Context = {
        f"s3:{name.removeprefix('x-amz-')}": value
        for name, value in headers.items()
        if name.startswith(prefix)
    }
    if call.operation in _LOCKS:
        root, names = _LOCKS[call.operation]
        with suppress(AwsError):  # malformed: refused after the permission
            document = parse(call.request.body, root)
            for element, name in names.items():
                if value := document.value(element):
                    found[f"s3:object-lock-{name}"] = value
    until = found.get("s3:object-lock-retain-until-date")
    if isinstance(until, str) and (moment := instant(until)) is not None:
        days = int((moment - clock.now().timestamp()) // 86_400)
        found["s3:object-lock-remaining-retention-days"] = str(days)
    return found


def _reported_fields(call: Call) -> list[str]:
    """The optional fields that an inventory is to report."""
    with suppress(AwsError):  # malformed: refused after the permission
        document = parse(call.request.body, "InventoryConfiguration")
        return [
            field.text for fields in document.all("OptionalFields") for field in fields.children
        ]
    return []


def _age(signed: str) -> int:
    """Milliseconds since a presigned URL was signed."""
    moment = datetime.strptime(signed, ISO_BASIC).replace(tzinfo=UTC)
    return int((clock.now() - moment).total_seconds() * 1000)


def _key_arn(text: str, call: Call) -> str:
    """A key named by its bare id, or by an alias, as an ARN of the caller's account and Region."""
    if text.startswith("arn:"):
        return text
    named = text if text.startswith("alias/") else f"key/{text}"
    return f"arn:aws:kms:{call.region}:{call.asking}:{named}"


def _requested_tags(call: Call) -> Context:
    header = call.request.headers.get("x-amz-tagging")
    if header is None:
        return {}
    tags = dict(parse_qsl(header, keep_blank_values=True))
    found: Context = {f"s3:RequestObjectTag/{name}": value for name, value in tags.items()}
    found["s3:RequestObjectTagKeys"] = list(tags)
    return found


def bypasses(headers: Mapping[str, str]) -> bool:
    """Whether a request would override a retention in governance mode."""
    return headers.get(BYPASS, "").lower() == "true"


def key_of(call: Call) -> str:
    """The key of the object a call is about; a form names its own."""
    if call.operation == "PostObject":
        return read_form(call.request).key
    return str(call.parameters["Key"])


@dataclass(frozen=True)
class CopySource:
    """The x-amz-copy-source header, taken apart."""

    bucket: str
    key: str
    version_id: str | None


def copy_source(call: Call) -> CopySource:
    """What a copy is made of. Raises AwsError InvalidArgument."""
    text = call.request.headers["x-amz-copy-source"]
    path, _, query = text.partition("?versionId=")
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    wrong = None
    if _NO_ESCAPE.search(path):
        wrong = "encoding"
    elif not _BUCKET.fullmatch(bucket):
        wrong = "bucket name"
    elif not (slash and key):
        wrong = "object key"
    if wrong is not None:
        message = f"Invalid copy source {wrong}"
        raise invalid_argument(message, "x-amz-copy-source", "x-amz-copy-source")
    return CopySource(bucket, key, unquote(query) or None)


_NO_ESCAPE = re.compile(r"%(?![0-9a-f]{2})", re.I)
# What could be one; names that only older buckets have are wider.
_BUCKET = re.compile(r"(?!\d+(?:\.\d+){3}$)[a-z0-9._-]{3,255}", re.I | re.ASCII)


def require_owner(call: Call, header: str, bucket: Bucket) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"""
    expected = call.request.headers.get(header)
    if expected is None:
        return
    if not re.fullmatch(r"\d{12}", expected, re.ASCII):
        raise AwsError(
            "InvalidBucketOwnerAWSAccountID",
            f"The value of the expected bucket owner parameter must be an AWS Account ID... "
            f"[{expected}]",
        )
    if expected != bucket.account:
        raise access_denied()
