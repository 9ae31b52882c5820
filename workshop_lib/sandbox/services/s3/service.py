"""Amazon S3: every request of it, answered here or, where no rule is needed, by moto.

Objects, listings, policies and encryption are the sandbox's; moto keeps the data, and answers for
the configurations that have nothing to do with either.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from xml.parsers.expat import ExpatError

from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.moto_backend.objects import ObjectStore
from workshop_lib.sandbox.protocol.endpoints import DEFAULT_REGION
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.multipart_form import is_form
from workshop_lib.sandbox.protocol.service_model import regions
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.kms.on_behalf import OnBehalf
from workshop_lib.sandbox.services.s3.access_logging import Logging
from workshop_lib.sandbox.services.s3.acls import Acls, not_enforceable, of_new_bucket
from workshop_lib.sandbox.services.s3.bucket_encryption import (
    delete_encryption,
    get_encryption,
    put_encryption,
)
from workshop_lib.sandbox.services.s3.bucket_policy import (
    delete_policy,
    get_policy,
    get_policy_status,
    put_policy,
)
from workshop_lib.sandbox.services.s3.buckets import (
    ENFORCED,
    Bucket,
    Buckets,
    Owners,
    put_versioning,
)
from workshop_lib.sandbox.services.s3.copies import Copies
from workshop_lib.sandbox.services.s3.cors import (
    add_cors_headers,
    delete_cors,
    get_cors,
    preflight,
    put_cors,
)
from workshop_lib.sandbox.services.s3.data_keys import DataKeyProvider
from workshop_lib.sandbox.services.s3.encryption import (
    DSSE_KMS,
    SSE,
    SSE_KMS,
    asks_for_customer_key,
    require_no_choice,
    require_transport,
)
from workshop_lib.sandbox.services.s3.errors import (
    access_denied,
    invalid_request,
    method_not_allowed,
    unvalued_argument,
)
from workshop_lib.sandbox.services.s3.lifecycle import check_lifecycle
from workshop_lib.sandbox.services.s3.listing import Listing
from workshop_lib.sandbox.services.s3.multipart import Multipart
from workshop_lib.sandbox.services.s3.notifications import check_notifications
from workshop_lib.sandbox.services.s3.object_lock import Locks
from workshop_lib.sandbox.services.s3.objects import Objects
from workshop_lib.sandbox.services.s3.parameters import require_parameters
from workshop_lib.sandbox.services.s3.permissions import Permissions
from workshop_lib.sandbox.services.s3.post_policy import check_form
from workshop_lib.sandbox.services.s3.storage import Storage, require_secure_key
from workshop_lib.sandbox.services.s3.tagging import Tagging, of_bucket
from workshop_lib.sandbox.services.s3.uploads import check_md5, sent_checksum
from workshop_lib.sandbox.services.s3.websites import check_website
from workshop_lib.sandbox.services.s3.xml import malformed, missing_document, parse, respond

Handler = Callable[[Call, Bucket], Response]

# What moto answers: configurations of a bucket that it keeps and tells.
_FORWARDED_OF_BUCKETS = {
    "DeleteBucketLifecycle", "DeleteBucketOwnershipControls", "DeleteBucketReplication",
    "DeleteBucketTagging", "DeleteBucketWebsite", "DeletePublicAccessBlock",
    "GetBucketAccelerateConfiguration", "GetBucketInventoryConfiguration",
    "GetBucketLifecycleConfiguration", "GetBucketLocation", "GetBucketNotificationConfiguration",
    "GetBucketOwnershipControls", "GetBucketReplication", "GetBucketTagging",
    "GetBucketVersioning", "GetBucketWebsite", "PutBucketInventoryConfiguration",
    "PutPublicAccessBlock",
}  # fmt: skip
# The same of an object; the object itself is looked for first.
_FORWARDED_OF_OBJECTS = {"RestoreObject"}
# Steps of an upload whose encryption was chosen when it began.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
_CHOSEN = {"CompleteMultipartUpload", "UploadPart", "UploadPartCopy"}
_WRITES = {"PutObject", "PostObject", "CopyObject", "CreateMultipartUpload"}
_SENDS_DATA = {"PutObject", "UploadPart"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET_NAME = re.compile(
    r"(?!\d+\.\d+\.\d+\.\d+$)(?!xn--|sthree-|amzn-s3-demo-)(?!.*(?:-s3alias|--ol-s3|\.mrap|--(?:x|table)-s3)$)"
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)


class S3(Service):
    """S3's operations."""

    def __init__(self, foundations: Foundations) -> None:
        moto = self._moto = foundations.moto
        store = ObjectStore(moto)
        owners = Owners(foundations)
        self._buckets = Buckets(store, owners, sse_c_allowed=foundations.sse_c_allowed)
        self._permissions = Permissions(self._buckets, store)
        self._storage = Storage(store, foundations.common(_data_keys), self._permissions)
        self._store = store
        self._listing = Listing(self._buckets, self._storage.version_ids)
        self._handlers: dict[str, Handler] = {
            **Objects(self._buckets, self._storage).handlers,
            **Copies(self._buckets, self._storage).handlers,
            **Multipart(self._buckets, self._storage).handlers,
            **self._listing.handlers,
            **Acls(self._storage).handlers,
            **Tagging(self._storage).handlers,
            **Locks(self._storage).handlers,
            **Logging(self._buckets, store).handlers,
            "DeleteBucket": self._delete_bucket,
            "DeleteBucketCors": lambda call, bucket: delete_cors(bucket),
            "DeleteBucketEncryption": lambda call, bucket: delete_encryption(bucket),
            "DeleteBucketPolicy": lambda call, bucket: delete_policy(bucket),
            "GetBucketCors": lambda call, bucket: get_cors(bucket),
            "GetBucketEncryption": lambda call, bucket: get_encryption(bucket),
            "GetBucketPolicy": lambda call, bucket: get_policy(bucket),
            "GetBucketPolicyStatus": lambda call, bucket: get_policy_status(bucket),
            "GetBucketRequestPayment": _payment,
            "GetPublicAccessBlock": self._get_public_access_block,
            "HeadBucket": _head_bucket,
            "OptionsObject": preflight,
            "PutBucketAccelerateConfiguration": self._put_acceleration,
            "PutBucketLifecycleConfiguration": partial(self._checked, check_lifecycle),
            "PutBucketNotificationConfiguration": partial(self._checked, check_notifications),
            "PutBucketWebsite": partial(self._checked, check_website),
            "PutBucketCors": lambda call, bucket: put_cors(bucket, call.request.body),
            "PutBucketEncryption": lambda call, bucket: put_encryption(bucket, call.request.body),
            "PutBucketOwnershipControls": self._put_ownership,
            "PutBucketPolicy": partial(put_policy, exists=foundations.principal_exists),
            "PutBucketVersioning": lambda call, bucket: put_versioning(bucket, call.request.body),
        }
        self.operations = {
            "ListBuckets", "CreateBucket", *self._handlers, *_FORWARDED_OF_BUCKETS,
            *_FORWARDED_OF_OBJECTS,
        }  # fmt: skip
        foundations.disk.read_object = lambda name, key, version_id: self._storage.look(
            store.bucket(name), key, version_id
        )

    def owner(self, call: Call) -> str:
        """The account that owns the bucket: across accounts there is one of each name."""
        if call.operation == "CreateBucket":
            return call.account
        return self._store.owner(call.parameters.get("Bucket", "")) or call.account

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer an S3 call. Raises AwsError, NotEmulated.

        Before the permissions S3 looks at the policy of a form, the way a key travels, and at the
        bucket's existence.
        """
        if is_form(call.request):
            check_form(call)
        if call.operation == "ListBuckets" and call.caller.principal.kind == "anonymous":
            return self._identified(call, Response(307, {"Location": _TO_EVERYONE}))
        self._check_head(call, authorize)
        return self._identified(call, self._carry_out(call))

    def admit(self, call: Call, authorize: Authorize) -> None:
        """Refuse data before it is sent. A form's policy comes first, and counts its file."""
        if call.operation in _SENDS_DATA or (is_form(call.request) and call.signature is None):
            self._check_head(call, authorize)

    def _check_head(self, call: Call, authorize: Authorize) -> None:
        require_parameters(call)
        _require_signature(call)
        require_secure_key(call)
        _require_length(call)
        if call.operation in _WRITES:
            self._require_transport(call)
        authorize(call, self._permissions.checks(call))

    def _require_transport(self, call: Call) -> None:
        """KMS needs TLS and Signature Version 4, whoever asks: S3 looks at this first."""
        bucket = self._buckets.get(call.parameters["Bucket"])
        headers = call.request.headers
        method = headers.get(SSE, bucket.settings.default.method)
        by_kms = method in (SSE_KMS, DSSE_KMS) and not asks_for_customer_key(headers)
        if call.operation != "PostObject":
            require_transport(call, by_customer=False, by_kms=by_kms)

    def _carry_out(self, call: Call) -> Response:
        if call.operation == "ListBuckets":
            return self._listing.buckets(call)
        _check_document(call)
        if call.operation == "CreateBucket":
            return self._create_bucket(call)
        if call.operation == "OptionsObject" and not self._store.bucket(call.parameters["Bucket"]):
            return preflight(call, None)
        if call.operation in _CHOSEN:
            require_no_choice(call.request.headers)
        bucket = self._buckets.get(call.parameters["Bucket"])
        if call.asking != bucket.account:
            _limit_outsiders(call)
        return self._handlers.get(call.operation, self._ask_moto)(call, bucket)

    def finish(self, call: Call, response: Response) -> None:
        """Tell a browser whether the page it shows may read an answer, a refusal too."""
        if "origin" not in call.request.headers or call.operation == "OptionsObject":
            return
        found = self._store.bucket(call.parameters.get("Bucket", ""))
        if found is not None:
            add_cors_headers(call.request, self._buckets.get(found.name), response)

    def _identified(self, call: Call, response: Response) -> Response:
        response.headers.setdefault("x-amz-request-id", call.request_id)
        response.headers.setdefault("x-amz-id-2", "sandbox")
        response.headers.setdefault("Server", "AmazonS3")
        return response

    # --- buckets -------------------------------------------------------------------------------

    def _create_bucket(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html"""
        name, headers = call.parameters["Bucket"], call.request.headers
        if not _BUCKET_NAME.fullmatch(name) or ".." in name or ".-" in name or "-." in name:
            raise _invalid_name(name)
        _require_namespace(call, name, _location(call))
        ownership = headers.get("x-amz-object-ownership", ENFORCED)
        if ownership not in _OWNERSHIPS:
            message = "Invalid x-amz-object-ownership header: " + ownership
            raise unvalued_argument(message, "x-amz-object-ownership")
        owners = self._buckets.owners
        acl = of_new_bucket(headers, ownership, self._store, owners, call.account)
        tags = _creation_tags(call.request.body)
        response = self._forward(call)
        if response.status < 300:
            bucket = self._buckets.get(name)
            if bucket.region != DEFAULT_REGION:  # as printed wherever one is made with the AWS CLI
                response.set_header("Location", f"http://{name}.s3.amazonaws.com/")
            response.set_header("x-amz-bucket-arn", bucket.arn)
            if acl is not None:
                bucket.stored.set_acl(acl)
            if tags:
                self._store.set_tags(bucket.stored, tags)
        return response

    def _delete_bucket(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html"""
        if bucket.stored.object_keys():
            message = "The bucket you tried to delete is not empty"
            if bucket.versioning is not None:
                message += ". You must delete all versions in the bucket."
            raise AwsError("BucketNotEmpty", message, 409, {"BucketName": bucket.name})
        return self._forward(call)

    def _get_public_access_block(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html"""
        if not bucket.stored.has_public_access_block:
            raise AwsError(
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
                404,
                {"BucketName": bucket.name},
            )
        return self._forward(call)

    def _put_ownership(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html"""
        rules = parse(call.request.body, "OwnershipControls").all("Rule")
        ownership = rules[0].value("ObjectOwnership") if len(rules) == 1 else None
        if ownership is None or ownership not in _OWNERSHIPS:
            raise malformed()
        grants = bucket.stored.acl.grants
        if ownership == ENFORCED and any(grant.user != bucket.owner_id for grant in grants):
            raise not_enforceable()
        bucket.stored.set_ownership(ownership)
        return Response(200)

    def _put_acceleration(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAccelerateConfiguration.html"""
        root = parse(call.request.body, "AccelerateConfiguration")
        if root.value("Status") not in ("Enabled", "Suspended"):
            raise malformed()
        if "." in bucket.name:
            message = "S3 Transfer Acceleration is not supported for buckets with periods (.) in "
            raise invalid_request(f"{message}their names")
        return self._forward(call)

    def _checked(self, check: Callable[[bytes], None], call: Call, bucket: Bucket) -> Response:
        """A configuration that moto keeps, once it is sure that S3 would."""
        check(call.request.body)
        return self._forward(call)

    # --- moto ----------------------------------------------------------------------------------

    def _ask_moto(self, call: Call, bucket: Bucket) -> Response:
        if call.operation.startswith("Put") and not call.request.body:
            raise missing_document()
        if call.operation in _FORWARDED_OF_OBJECTS:
            key, version_id = call.parameters["Key"], call.parameters.get("versionId")
            self._storage.object(call, bucket, key, version_id)
        return self._forward(call)

    def _forward(self, call: Call) -> Response:
        """moto's answer. What it cannot read in the body, it is S3's to call malformed."""
        self._moto.seed(call.operation)
        # moto has rules of its own for what is not signed; that is decided already
        headers = {"authorization": "AWS sandbox:sandbox", **call.request.headers}
        try:
            return self._moto.forward(
                replace(call.request, headers=headers), "s3", call.region, call.request_id
            )
        except (AttributeError, ExpatError, LookupError, TypeError, ValueError):
            raise malformed() from None


# Bucket policies are their owner's affair, whatever they allow.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
_OF_THE_OWNER = {"DeleteBucketPolicy", "GetBucketPolicy", "PutBucketPolicy"}


def _limit_outsiders(call: Call) -> None:
    """Refuse what another account may not do."""
    if call.operation in _OF_THE_OWNER:
        raise method_not_allowed(call.request.method, "BUCKETPOLICY")


_TO_EVERYONE = "https://aws.amazon.com/s3/"  # where S3 sends whoever asks it unsigned
# What nobody may do without a signature, whatever is allowed to everyone: as S3 says it.
# https://github.com/awsdocs/amazon-s3-userguide/pull/91
# https://github.com/brekkylab/backlot/blob/main/backlot/routers/s3.py
_SIGNED = {
    "CopyObject": "Anonymous users cannot copy objects.  Please authenticate.",
    "CreateBucket": "Anonymous users cannot invoke this API. Please authenticate.",
    "CreateMultipartUpload": "Anonymous users cannot initiate multipart uploads.  Please "
    "authenticate.",
}


def _require_signature(call: Call) -> None:
    if call.caller.principal.kind == "anonymous" and call.operation in _SIGNED:
        raise access_denied(_SIGNED[call.operation])


def _data_keys(foundations: Foundations) -> DataKeyProvider:
    return DataKeyProvider(foundations.shared(OnBehalf))


_OWNERSHIPS = (ENFORCED, "BucketOwnerPreferred", "ObjectWriter")


def _invalid_name(name: str) -> AwsError:
    message = "The specified bucket is not valid."
    return AwsError("InvalidBucketName", message, 400, {"BucketName": name})


def _location(call: Call) -> str:
    """The Region of a new bucket: the one whose endpoint is asked; us-east-1 makes it anywhere.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
    """
    body = call.request.body
    asked = parse(body, "CreateBucketConfiguration").value("LocationConstraint") if body else None
    if call.region != DEFAULT_REGION and asked != call.region:
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {asked or 'unspecified'} location constraint is incompatible for the region "
            "specific endpoint this request was sent to.",
        )
    known = {"EU", *regions()} - {DEFAULT_REGION}
    if call.region == DEFAULT_REGION and asked is not None and asked not in known:
        raise AwsError(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            400,
            {"LocationConstraint": asked},
        )
    return "eu-west-1" if asked == "EU" else asked or call.region


def _require_namespace(call: Call, name: str, region: str) -> None:
    """A name of the account's own namespace of a Region, and the header that says so, go together.

    Sentences: github.com/ansible-collections/amazon.aws/issues/2935, and cdk-preflight's rule
    pf-s3-bucket-namespace-account-regional-name, tried on AWS in September 2026.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
    """
    named = name.endswith(f"-{call.account}-{region}-an")
    asked = call.request.headers.get("x-amz-bucket-namespace")
    if named and asked is None:
        raise AwsError(
            "MissingNamespaceHeader",
            "The requested bucket is an account-regional namespace bucket, but your request is "
            "missing the required x-amz-bucket-namespace header.",
            400,
            {"Header": "x-amz-bucket-namespace"},
        )
    if asked == "account-regional" and not named:
        raise AwsError(
            "InvalidNamespaceHeader",
            "The requested bucket name did not include the account-regional namespace suffix, but "
            "the provided x-amz-bucket-namespace header value is account-regional. Specify "
            "-[accountId]-[region]-an as the bucket name suffix to create a bucket in your "
            "account-regional namespace, or remove the header.",
        )
    if asked != "account-regional" and name.endswith("-an"):
        raise _invalid_name(name)


def _creation_tags(body: bytes) -> dict[str, str]:
    """The tags a new bucket brings along. Raises AwsError MalformedXML, InvalidTag."""
    return of_bucket(parse(body, "CreateBucketConfiguration").one("Tags")) if body else {}


def _require_length(call: Call) -> None:
    """Data comes with its length, even where there is none.

    https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
    """
    request = call.request
    without = "content-length" not in request.headers and not request.body
    if without and call.operation in _SENDS_DATA:
        message = "You must provide the Content-Length HTTP header."
        raise AwsError("MissingContentLength", message, 411)


def _check_document(call: Call) -> None:
    """A document is the one that its digests were made of. What else has a body checks its own.

    Raises AwsError InvalidDigest, BadDigest, InvalidRequest.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    settles = call.operation == "CreateBucket" or call.operation.startswith("Put")
    if settles and call.operation != "PutObject":
        check_md5(call.request.headers, call.request.body, in_hex=False)
        sent_checksum(call.request.headers, call.request.body)


def _head_bucket(call: Call, bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    headers = {
        "x-amz-bucket-region": bucket.region,
        "x-amz-bucket-arn": bucket.arn,
        "x-amz-access-point-alias": "false",
        "Content-Type": "application/xml",
    }
    return Response(200, headers)


def _payment(call: Call, bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html"""
    return respond("RequestPaymentConfiguration", {"Payer": bucket.stored.payer})
