"""S3's buckets: their default encryption, policy, versioning and who may be given access.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from workshop_lib.sandbox.condition_keys import answered_condition_key
from workshop_lib.sandbox.conditions import network
from workshop_lib.sandbox.errors import AwsError
from workshop_lib.sandbox.messages import Response
from workshop_lib.sandbox.moto_adapter import ObjectStore
from workshop_lib.sandbox.operations import Call
from workshop_lib.sandbox.policies import MalformedPolicy, Policy, parse_policy
from workshop_lib.sandbox.principals import unknown_principal
from workshop_lib.sandbox.s3_encryption import DSSE_KMS, SSE_KMS, SSE_S3, Wanted
from workshop_lib.sandbox.s3_errors import (
    access_denied,
    invalid_argument,
    no_such_bucket,
    unvalued_argument,
)
from workshop_lib.sandbox.s3_xml import Element, malformed, parse, respond

BLOCKED, ALLOWED = "SSE-C", "NONE"
ENFORCED = "BucketOwnerEnforced"
# The account's canonical user id, the same that moto writes into access control lists.
OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"


@dataclass(frozen=True)
class CorsRule:
    """Which pages may send what, and what they may read of the answer."""

    origins: list[str]
    methods: list[str]
    headers: list[str]
    exposed: list[str]
    max_age: str | None
    name: str | None


@dataclass
class Settings:
    """What the sandbox keeps of a bucket beside moto's own configuration.

    ``blocks_sse_c``: None where the account still works as before April 2026 and nothing was said.
    """

    default: Wanted = field(default_factory=lambda: Wanted(SSE_S3))
    configured: bool = False
    blocks_sse_c: bool | None = True
    policy_text: bytes | None = None
    policy: Policy | None = None
    policy_is_public: bool = False
    logging_text: bytes | None = None
    cors: list[CorsRule] = field(default_factory=list)
    uploads: dict[str, Any] = field(default_factory=dict)
    completed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bucket:
    """A bucket: moto's, and the sandbox's settings of it."""

    moto: Any
    settings: Settings

    @property
    def name(self) -> str:
        """The bucket's name."""
        return str(self.moto.name)

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.moto.name}"

    @property
    def region(self) -> str:
        """The Region the bucket is in."""
        return str(self.moto.region_name)

    def object_arn(self, key: str) -> str:
        """The ARN of an object in it."""
        return f"arn:aws:s3:::{self.moto.name}/{key}"

    @property
    def versioning(self) -> str | None:
        """Enabled, Suspended, or None: never turned on."""
        status: str | None = self.moto.versioning_status
        return status

    @property
    def acls_count(self) -> bool:
        """Whether access control lists have any effect."""
        return bool(self.moto.ownership_rule != ENFORCED)

    def blocks(self, setting: str) -> bool:
        """Whether a setting of Block Public Access is on, such as "block_public_policy"."""
        block = self.moto.public_access_block
        return block is not None and str(getattr(block, setting)).lower() == "true"


class Buckets:
    """All buckets of the account."""

    def __init__(self, store: ObjectStore, *, sse_c_allowed: bool) -> None:
        self._store = store
        self._sse_c_allowed = sse_c_allowed

    def get(self, name: str) -> Bucket:
        """The bucket of that name. Raises AwsError NoSuchBucket."""
        found = self._store.bucket(name)
        if found is None:
            raise no_such_bucket(name)
        settings = getattr(found, "settings", None)
        if settings is None:
            settings = found.settings = self._new_settings(found)
        return Bucket(found, settings)

    def _new_settings(self, bucket: Any) -> Settings:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html"""
        self._store.block_public_access(bucket)
        if bucket.ownership_rule is None:
            bucket.ownership_rule = ENFORCED
        return Settings(blocks_sse_c=None if self._sse_c_allowed else True)

    def all(self) -> Iterator[Bucket]:
        """All buckets, by name."""
        for found in self._store.buckets():
            yield self.get(found.name)


# --- default encryption -------------------------------------------------------------------------


def get_encryption(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html"""
    settings, default = bucket.settings, bucket.settings.default
    blocked: Mapping[str, Any] | None = None
    if settings.blocks_sse_c is not None:
        blocked = {"EncryptionType": BLOCKED if settings.blocks_sse_c else ALLOWED}
    rule = {
        "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": default.method,
            "KMSMasterKeyID": default.key_id,
        },
        "BucketKeyEnabled": default.bucket_key,
        "BlockedEncryptionTypes": blocked,
    }
    return respond("ServerSideEncryptionConfiguration", {"Rule": rule})


def put_encryption(bucket: Bucket, body: bytes) -> Response:
    """Set default encryption; the KMS key is not looked at, as AWS does not.

    A rule that names no blocked types leaves them as they are.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html
    """
    rules = parse(body, "ServerSideEncryptionConfiguration").all("Rule")
    if len(rules) != 1:
        raise malformed()
    settings = bucket.settings
    default, blocked = _default(rules[0]), _blocked(rules[0])
    settings.default, settings.configured = default, True
    settings.blocks_sse_c = settings.blocks_sse_c if blocked is None else blocked
    return Response(200)


def _default(rule: Element) -> Wanted:
    bucket_key = rule.value("BucketKeyEnabled")
    if bucket_key not in (None, "true", "false", "TRUE", "FALSE"):
        raise malformed()
    applied = rule.one("ApplyServerSideEncryptionByDefault")
    if applied is None:
        return Wanted(SSE_S3, bucket_key=bucket_key in ("true", "TRUE"))
    method, key_id = applied.value("SSEAlgorithm"), applied.value("KMSMasterKeyID") or None
    if method not in (SSE_S3, SSE_KMS, DSSE_KMS):
        raise malformed()
    if method == SSE_S3 and key_id is not None:
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
        raise unvalued_argument(
            message + "aws:kms or aws:kms:dsse", "ApplyServerSideEncryptionByDefault"
        )
    return Wanted(method, key_id, bucket_key in ("true", "TRUE"))


def _blocked(rule: Element) -> bool | None:
    types = rule.one("BlockedEncryptionTypes")
    if types is None:
        return None
    named = [child.text for child in types.all("EncryptionType")]
    if named not in ([BLOCKED], [ALLOWED]):
        raise malformed()
    return named == [BLOCKED]


def delete_encryption(bucket: Bucket) -> Response:
    """Back to SSE-S3; what is blocked stays blocked.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html
    """
    bucket.settings.default, bucket.settings.configured = Wanted(SSE_S3), False
    return Response(204)


def default_of(bucket: Bucket) -> Wanted:
    """What an object gets that is written without a word about encryption.

    Bucket Keys only ever stand behind SSE-KMS.
    """
    default = bucket.settings.default
    return default if default.method == SSE_KMS else replace(default, bucket_key=False)


# --- the bucket's policy ------------------------------------------------------------------------

_LARGEST_POLICY = 20 * 1024


def get_policy(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html"""
    text = bucket.settings.policy_text
    if text is None:
        raise _no_policy(bucket)
    return Response(200, {"Content-Type": "application/json"}, text)


def _no_policy(bucket: Bucket) -> AwsError:
    return AwsError(
        "NoSuchBucketPolicy", "The bucket policy does not exist", 404, {"BucketName": bucket.name}
    )


def put_policy(call: Call, bucket: Bucket, exists: Callable[[str], bool]) -> Response:
    """Set the bucket's policy; ``exists`` tells whether an ARN in it names somebody.

    Raises AwsError MalformedPolicy, and AccessDenied for a public policy that Block Public Access
    keeps out; NotEmulated for a condition that the sandbox does not know.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    text = call.request.body
    if len(text) > _LARGEST_POLICY:
        raise invalid_argument("Policies must not exceed 20480 bytes.", "policy", None)
    try:
        policy = parse_policy(text, kind="bucket", known_keys=answered_condition_key)
    except MalformedPolicy as error:
        raise AwsError("MalformedPolicy", error.reason) from None
    if unknown_principal(policy, exists):
        raise AwsError("MalformedPolicy", "Invalid principal in policy")
    _require_own_resources(json.loads(text), bucket)
    public = is_public(json.loads(text))
    if public and bucket.blocks("block_public_policy"):
        raise access_denied(
            f"User: {call.caller.arn} is not authorized to perform: s3:PutBucketPolicy on "
            f'resource: "{bucket.arn}" because public policies are blocked by the '
            "BlockPublicPolicy block public access setting."
        )
    settings = bucket.settings
    settings.policy_text, settings.policy, settings.policy_is_public = text, policy, public
    return Response(204)


def _require_own_resources(document: Mapping[str, Any], bucket: Bucket) -> None:
    """Every resource is the bucket or in it: wildcards may stand for more than that."""
    for statement in _statements(document):
        for element in ("Resource", "NotResource"):
            for resource in _listed(statement.get(element, [])):
                match = _S3_ARN.fullmatch(str(resource))
                if match is None or not re.fullmatch(_pattern(match[1]), bucket.name):
                    raise AwsError("MalformedPolicy", "Policy has invalid resource")


_S3_ARN = re.compile(r"arn:[^:]+:s3:[^:]*:[^:]*:([^/]+)(?:/.*)?", re.DOTALL)


def _pattern(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def delete_policy(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html"""
    settings = bucket.settings
    settings.policy_text = settings.policy = None
    settings.policy_is_public = False
    return Response(204)


def get_policy_status(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html"""
    if bucket.settings.policy_text is None:
        raise _no_policy(bucket)
    return respond("PolicyStatus", {"IsPublic": bucket.settings.policy_is_public})


# A grant to everyone is not public where a fixed value of one of these keys narrows it.
_NARROWING = {
    "aws:calledvia", "aws:principalaccount", "aws:principalarn", "aws:principalorgid",
    "aws:principalorgpaths", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip",
    "aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce", "aws:userid",
    "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}  # fmt: skip
_POSITIVE = re.compile(r"(String|Arn)(Equals|Like)(IgnoreCase)?|IpAddress", re.I)


def is_public(document: Mapping[str, Any]) -> bool:
    """Whether a policy gives access to everyone, as Block Public Access sees it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    return any(
        statement["Effect"].lower() == "allow"
        and ("NotPrincipal" in statement or _names_everyone(statement.get("Principal")))
        and not _is_narrow(statement.get("Condition", {}))
        for statement in _statements(document)
    )


def _names_everyone(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        principal = principal.get("AWS", [])
    return "*" in _listed(principal)


def _is_narrow(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(
        _POSITIVE.fullmatch(operator)
        and key.lower() in _NARROWING
        and all(_is_fixed(key.lower(), str(value)) for value in _listed(values))
        for operator, tests in conditions.items()
        for key, values in tests.items()
    )


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:sourceip" and (block := network(value)):
        return block.prefixlen >= (32 if block.version == 6 else 8)
    if key in ("aws:principalarn", "aws:sourcearn"):
        account = (value.split(":", 5) + [""] * 5)[4]
        return bool(account) and "*" not in account and "${" not in value
    return "*" not in value and "?" not in value and "${" not in value


# --- versioning ---------------------------------------------------------------------------------


def put_versioning(bucket: Bucket, body: bytes) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html"""
    status = parse(body, "VersioningConfiguration").value("Status")
    if status is None:
        raise AwsError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
        )
    if status not in ("Enabled", "Suspended"):
        raise malformed()
    if status == "Suspended" and bucket.moto.object_lock_enabled:
        raise AwsError(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state "
            "cannot be changed.",
            409,
        )
    bucket.moto.versioning_status = status
    return Response(200)
