"""Who signed a request, and whether they may: access keys, role sessions, the anonymous.

Evaluation itself is `policies`; here IAM's users, roles and groups become its principals.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.carried_signatures import read as read_signature
from workshop_lib.sandbox.errors import AwsError, front_door
from workshop_lib.sandbox.messages import Request
from workshop_lib.sandbox.moto_adapter import Moto
from workshop_lib.sandbox.operations import Call
from workshop_lib.sandbox.policies import Policy, Principal, decide, parse_policy
from workshop_lib.sandbox.policies import Request as PolicyRequest

ADMINISTRATOR = "workshop-admin"
ALLOW_EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)


@dataclass(frozen=True)
class Credentials:
    """A pair of signing credentials; ``session_token`` only for temporary ones."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Caller:
    """Who makes a call: IAM's view (``principal``) and CloudTrail's (name, ids, tags)."""

    principal: Principal
    name: str = ""
    user_id: str = ""
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    since: datetime | None = None  # when a role session began
    expires: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The ARN that AWS's messages name."""
        return self.principal.arn


@dataclass(frozen=True)
class Check:
    """One permission a call needs: an action on a resource, under condition keys."""

    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    resource_policy: Policy | None = None
    delegation: bool = False
    granted: bool = False


@dataclass(frozen=True)
class Session:
    """A role session that STS handed out."""

    credentials: Credentials
    role_name: str
    session_name: str
    since: datetime
    expires: datetime
    policies: tuple[Policy, ...] | None
    tags: Mapping[str, str] = field(default_factory=dict)


ANONYMOUS = Caller(Principal(kind="anonymous", arn="*", account=None), name="anonymous")


_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def unique_id(prefix: str, source: str) -> str:
    """The unique id of a user (AIDA…), group (AGPA…) or policy (ANPA…), the same for a source.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    """
    return prefix + "".join(Random(source).choices(_ID_LETTERS, k=17))


# Access key ids that a sandbox of this process handed out: they are nobody's own, and a client
# that still holds one of an earlier lab's is not the administrator of this one.
ISSUED: set[str] = set()


class Identities:
    """The account's users, roles and sessions, read from IAM as moto keeps it."""

    def __init__(self, account: str, moto: Moto, administrator: Credentials) -> None:
        self.account = account
        self._moto = moto
        self._sessions: dict[str, Session] = {}
        self._callers: dict[str, Caller] = {}
        self.user_boundaries: dict[str, str] = {}
        # Keys of the learner's own that stood in the environment before the lab: in this kernel
        # they sign for the administrator, so that a client made earlier goes on working.
        self.set_aside: frozenset[str] = frozenset()
        self.administrator = administrator
        self._create_administrator(administrator)

    def _create_administrator(self, credentials: Credentials) -> None:
        iam = self._moto.iam
        self._moto.seed("administrator")
        iam.create_user("us-east-1", ADMINISTRATOR)
        iam.get_user(ADMINISTRATOR).id = unique_id("AIDA", ADMINISTRATOR)
        iam.put_user_policy(ADMINISTRATOR, "Administrator", ALLOW_EVERYTHING)
        key = iam.create_access_key(ADMINISTRATOR, prefix="AKIA")
        del iam.access_keys[key.access_key_id]
        key.access_key_id = credentials.access_key_id
        key.secret_access_key = credentials.secret_access_key
        iam.access_keys[key.access_key_id] = key
        ISSUED.add(key.access_key_id)

    def forget(self) -> None:
        """Read IAM anew: something in it has changed."""
        ISSUED.update(self._moto.iam.access_keys)
        self._callers.clear()

    def add_session(self, session: Session) -> None:
        """Know a role session's credentials from now on."""
        ISSUED.add(session.credentials.access_key_id)
        self._sessions[session.credentials.access_key_id] = session

    def who(self, request: Request, service: str) -> Caller:
        """The caller of a request, by its access key; ANONYMOUS where an S3 request is unsigned.

        The signature itself is checked by the door that needs it. Raises AwsError, in the words
        of ``service``, for a key that nobody created or that is inactive, for a session's wrong
        or expired token, and for an unsigned request to any other service than S3.
        """
        signature = read_signature(request, service)
        if signature is None:
            if service != "s3" and not _may_be_unsigned(request, service):
                raise front_door("unsigned", service)
            return ANONYMOUS
        key, token = signature.access_key_id, signature.session_token
        if key in self.set_aside:
            key, token = self.administrator.access_key_id, None
        caller = self._callers.get(key)
        if caller is None:
            caller = self._find(key)
            if caller is None:
                raise front_door("unknown key", service, fields={"AWSAccessKeyId": key})
            self._callers[key] = caller
        if token != caller.session_token:
            if token is None:
                raise front_door("unknown key", service, fields={"AWSAccessKeyId": key})
            raise front_door("wrong token", service, fields={"Token-0": token})
        if caller.expires is not None and clock.now() >= caller.expires:
            raise front_door("expired token", service, fields={"Token-0": token or ""})
        return caller

    def _find(self, access_key_id: str) -> Caller | None:
        """The caller an access key belongs to; None for a key that opens nothing."""
        if access_key_id in self._sessions:
            return self._session_caller(self._sessions[access_key_id])
        key = self._moto.iam.access_keys.get(access_key_id)
        if key is None or key.user_name not in self._moto.iam.users or key.status != "Active":
            return None
        return self._user_caller(key)

    def _user_caller(self, key: Any) -> Caller:
        iam = self._moto.iam
        user = iam.get_user(key.user_name)
        groups = iam.get_groups_for_user(user.name)
        documents = [text for holder in (user, *groups) for text in _documents(holder)]
        boundary = self.user_boundaries.get(user.name)
        principal = Principal(
            kind="user",
            arn=user.arn,
            account=self.account,
            identity_policies=_compiled(documents),
            boundary=self._managed(boundary) if boundary else None,
        )
        return Caller(
            principal,
            name=user.name,
            user_id=user.id,
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
            tags={tag["Key"]: tag["Value"] for tag in user.tags or []},
        )

    def _session_caller(self, session: Session) -> Caller | None:
        roles = self._moto.iam.roles.values()
        role = next((role for role in roles if role.name == session.role_name), None)
        if role is None:
            return None
        boundary = role.permissions_boundary_arn
        principal = Principal(
            kind="role-session",
            arn=(f"arn:aws:sts::{self.account}:assumed-role/{role.name}/{session.session_name}"),
            account=self.account,
            role_arn=role.arn,
            identity_policies=_compiled(_documents(role)),
            boundary=self._managed(boundary) if boundary else None,
            session_policies=session.policies,
        )
        return Caller(
            principal,
            name=role.name,
            user_id=f"{role.id}:{session.session_name}",
            access_key_id=session.credentials.access_key_id,
            secret_access_key=session.credentials.secret_access_key,
            session_token=session.credentials.session_token,
            since=session.since,
            expires=session.expires,
            tags={**{tag["Key"]: tag["Value"] for tag in role.tags}, **session.tags},
        )

    def _managed(self, arn: str) -> Policy:
        policy = self._moto.iam.managed_policies[arn]
        return parse_policy(
            default_document(policy), kind="boundary", known_keys=known_condition_key
        )


def default_document(policy: Any) -> str:
    """The document of a managed policy's default version."""
    return next(
        str(version.document)
        for version in policy.versions
        if version.version_id == policy.default_version_id
    )


def _documents(holder: Any) -> list[str]:
    attached = [default_document(policy) for policy in holder.managed_policies.values()]
    return [*holder.policies.values(), *attached]


def _compiled(documents: Iterable[str]) -> tuple[Policy, ...]:
    return tuple(
        parse_policy(document, kind="identity", known_keys=known_condition_key)
        for document in documents
    )


def _may_be_unsigned(request: Request, service: str) -> bool:
    """STS's operations that take another proof than a signature."""
    return service == "sts" and re.search(rb"Action=AssumeRoleWith", request.body) is not None


# Condition keys the sandbox can answer. A policy that asks for another is refused when it is put.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_KNOWN_KEYS = {
    "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:currenttime", "aws:epochtime",
    "aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:referer",
    "aws:requestedregion", "aws:resourceaccount", "aws:securetransport", "aws:sourceip",
    "aws:tagkeys", "aws:useragent", "aws:userid", "aws:username", "aws:viaawsservice",
    "aws:principalisawsservice", "aws:principalservicename", "aws:sourcearn", "aws:sourceaccount",
    "dynamodb:attributes", "dynamodb:leadingkeys", "dynamodb:returnvalues", "dynamodb:select",
    "dynamodb:enclosingoperation", "dynamodb:fulltablescan",
    "dynamodb:returnconsumedcapacity",
    "kms:bypasspolicylockoutsafetycheck", "kms:calleraccount", "kms:datakeypairspec",
    "kms:encryptionalgorithm", "kms:encryptioncontextkeys", "kms:expirationmodel",
    "kms:grantconstrainttype", "kms:granteeprincipal", "kms:grantisforawsresource",
    "kms:grantoperations", "kms:keyagreementalgorithm", "kms:keyorigin", "kms:keyspec",
    "kms:keyusage", "kms:macalgorithm",
    "kms:messagetype", "kms:multiregion", "kms:multiregionkeytype", "kms:primaryregion",
    "kms:reencryptonsamekey", "kms:replicaregion", "kms:requestalias", "kms:resourcealiases",
    "kms:retiringprincipal", "kms:rotationperiodindays",
    "kms:schedulekeydeletionpendingwindowindays", "kms:signingalgorithm", "kms:validto",
    "kms:viaservice", "kms:wrappingalgorithm",
    "kms:wrappingkeyspec",
    "s3:authtype", "s3:delimiter", "s3:locationconstraint", "s3:max-keys",
    "s3:object-lock-legal-hold", "s3:object-lock-mode", "s3:object-lock-retain-until-date",
    "s3:prefix",
    "s3:resourceaccount", "s3:signatureage", "s3:signatureversion", "s3:tlsversion",
    "s3:versionid", "s3:x-amz-acl", "s3:x-amz-content-sha256", "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control", "s3:x-amz-grant-read", "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write", "s3:x-amz-grant-write-acp", "s3:x-amz-website-redirect-location",
    "s3:x-amz-metadata-directive", "s3:x-amz-object-ownership", "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm", "s3:x-amz-storage-class",
    "s3:if-match", "s3:if-none-match", "s3:objectcreationoperation", "s3:requestobjecttagkeys",
    "sts:externalid", "sts:rolesessionname", "sts:transitivetagkeys",
}  # fmt: skip
_KNOWN_PREFIXES = (
    "aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "kms:encryptioncontext:",
    "s3:existingobjecttag/", "s3:requestobjecttag/",
)  # fmt: skip


def known_condition_key(name: str) -> bool:
    """Whether the sandbox can answer a condition key."""
    lowered = name.lower()
    return lowered in _KNOWN_KEYS or lowered.startswith(_KNOWN_PREFIXES)


def request_context(call: Call) -> dict[str, str | Sequence[str]]:
    """The global condition keys of a call."""
    now, caller = clock.now(), call.caller
    context: dict[str, str | Sequence[str]] = {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true" if call.secure else "false",
        "aws:SourceIp": call.request.source_ip,
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        "aws:ResourceAccount": call.account,
    }
    for header, key in (("user-agent", "aws:UserAgent"), ("referer", "aws:Referer")):
        if header in call.request.headers:
            context[key] = call.request.headers[header]
    principal = caller.principal
    if principal.kind == "anonymous":
        context["aws:PrincipalType"] = "Anonymous"
        return context
    context["aws:PrincipalAccount"] = principal.account
    context["aws:PrincipalArn"] = principal.role_arn or principal.arn
    context["aws:PrincipalType"] = "AssumedRole" if principal.role_arn else "User"
    context["aws:userid"] = caller.user_id
    if principal.kind == "user":
        context["aws:username"] = caller.name
    context.update({f"aws:PrincipalTag/{name}": value for name, value in caller.tags.items()})
    return context


# How a service's refusal names what was asked for.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_WORDING: dict[str, dict[str, Any]] = {"s3": {"resource": "quoted"}, "sts": {"reason": False}}


def authorize(call: Call, checks: Iterable[Check]) -> None:
    """Raise AWS's AccessDenied unless the call's caller has every permission in ``checks``."""
    shared: dict[str, str | Sequence[str]] | None = None
    for check in checks:
        if shared is None:
            shared = request_context(call)
        decision = decide(
            PolicyRequest(
                call.caller.principal, check.action, check.resource, {**shared, **check.context}
            ),
            resource_policy=check.resource_policy,
            delegation=check.delegation,
            granted=check.granted,
            resource_account=call.account,
        )
        if not decision.allowed:
            raise denial(call.service, decision.message(**_WORDING.get(call.service, {})))


def denial(service: str, message: str) -> AwsError:
    """AccessDenied under the name and status the service gives it."""
    if service in ("s3", "iam", "sts"):
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 400)
