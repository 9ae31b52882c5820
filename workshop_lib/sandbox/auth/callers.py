"""Who signed a request, and whether they may: access keys, role sessions, the anonymous.

Evaluation itself is `policy`; here IAM's users, roles and groups become its principals.
"""

import hashlib
import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Literal

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import ANONYMOUS, Caller, Signature
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.moto_backend.iam import AccessKey, Holder, IamStore, Role, User
from workshop_lib.sandbox.policy.condition_keys import known_condition_key
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import Policy, Principal
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition

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
class Session:
    """Temporary credentials that STS handed out: for a role, a user, or whom a user federates.

    ``holder`` is the unique id of the role or user, ``name`` that of the session (a user's own has
    none). ``policies`` are session policies, None where they do not narrow the session.
    """

    kind: Literal["role-session", "user", "federated-user"]
    credentials: Credentials
    holder: str
    name: str
    since: datetime
    expires: datetime
    policies: tuple[Policy, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: Mapping[str, str] = field(default_factory=dict)
    source_identity: str | None = None


_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_LETTERS = string.ascii_letters + string.digits + "/+"


def unique_id(prefix: str, source: str) -> str:
    """The unique id of a user (AIDA…), group (AGPA…) or policy (ANPA…), the same for a source.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    """
    return prefix + "".join(Random(source).choices(_ID_LETTERS, k=17))


# The canonical user id that moto writes into every access control list.
_FIRST_CANONICAL_USER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"
ANONYMOUS_USER = "65a011a29cdf8ec533ec3d1ccaae921c"
"""The canonical user id of whoever signs nothing, in S3's access control lists and logs."""


def canonical_user(account: str, mark: str) -> str:
    """An account's canonical user id, as S3's access control lists name it.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html#FindCanonicalId
    """
    return hashlib.sha256(account.encode()).hexdigest() if mark else _FIRST_CANONICAL_USER


def new_secret(length: int) -> str:
    """A secret access key or session token: ids may repeat from process to process, these never.

    Else the credentials of one lab would be good in another.
    """
    return "".join(secrets.choice(_SECRET_LETTERS) for _ in range(length))


def administrator_of(account: str) -> Credentials:
    """New credentials for the administrator of another account than the first."""
    return Credentials(unique_id("AKIA", account)[:20], new_secret(40))


# Access key ids that a sandbox of this process handed out: they are nobody's own, and a client
# that still holds one of an earlier lab's is not the administrator of this one.
ISSUED: set[str] = set()


class Callers:
    """The account's users, roles and sessions, read from IAM as moto keeps it."""

    def __init__(self, account: str, moto: Moto, administrator: Credentials) -> None:
        self.account = account
        self.mark = moto.mark
        self._canonical_user = canonical_user(account, self.mark)
        self._iam = IamStore(moto)
        self._sessions: dict[str, Session] = {}
        self._callers: dict[str, Caller] = {}
        # Keys of the learner's own that stood in the environment before the lab: in this kernel
        # they sign for the administrator, so that a client made earlier goes on working.
        self.set_aside: frozenset[str] = frozenset()
        self.administrator = administrator
        self._create_administrator(administrator)

    def _create_administrator(self, credentials: Credentials) -> None:
        self._iam.create_user(
            ADMINISTRATOR,
            unique_id("AIDA", self.mark + ADMINISTRATOR),
            ALLOW_EVERYTHING,
            credentials.access_key_id,
            credentials.secret_access_key,
        )
        ISSUED.add(credentials.access_key_id)

    def forget(self) -> None:
        """Read IAM anew: something in it has changed."""
        ISSUED.update(self._iam.access_key_ids())
        self._callers.clear()

    def add_session(self, session: Session) -> None:
        """Know a session's credentials from now on."""
        ISSUED.add(session.credentials.access_key_id)
        self._sessions[session.credentials.access_key_id] = session

    def knows(self, access_key_id: str) -> bool:
        """Whether an access key was made here, for a user or a session, and still exists."""
        return access_key_id in self._sessions or self._iam.access_key(access_key_id) is not None

    def who(
        self, request: Request, service: ServiceDefinition, signature: Signature | None
    ) -> Caller:
        """The caller of a request, by its signature's access key; ANONYMOUS where there is none.

        The signature itself is checked where that is needed. Raises AwsError, in the words
        of ``service``, for a key that nobody created or that is inactive, for a session's wrong
        or expired token, and for an unsigned request to any other service than S3.
        """
        if signature is None:
            if not service.anonymous and not _may_be_unsigned(request, service):
                raise service.authentication_error("unsigned")
            return ANONYMOUS
        key, token = signature.access_key_id, signature.session_token
        if key in self.set_aside:
            key, token = self.administrator.access_key_id, None
        caller = self._callers.get(key)
        if caller is None:
            caller = self._find(key)
            if caller is None:
                raise service.authentication_error("unknown key", fields={"AWSAccessKeyId": key})
            self._callers[key] = caller
        if token != caller.session_token:
            if token is None:
                raise service.authentication_error("unknown key", fields={"AWSAccessKeyId": key})
            raise service.authentication_error("wrong token", fields={"Token-0": token})
        if caller.expires is not None and clock.now() >= caller.expires:
            raise service.authentication_error("expired token", fields={"Token-0": token or ""})
        return caller

    def _find(self, access_key_id: str) -> Caller | None:
        """The caller an access key belongs to; None for a key that opens nothing."""
        if access_key_id in self._sessions:
            return self._session_caller(self._sessions[access_key_id])
        key = self._iam.access_key(access_key_id)
        user = None if key is None else self._iam.user(key.user_name)
        if key is None or user is None or not key.is_active:
            return None
        return self._user_caller(user, key)

    def _user_caller(self, user: User, key: AccessKey) -> Caller:
        return Caller(
            self._user_principal(user),
            name=user.name,
            user_id=user.id,
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
            tags=user.tags,
        )

    def _user_principal(self, user: User) -> Principal:
        return Principal(
            kind="user",
            arn=user.arn,
            account=self.account,
            identity_policies=_compiled(self._iam.documents_of(user)),
            boundary=self._boundary(user),
            canonical_user=self._canonical_user,
        )

    def _role_principal(self, role: Role, session: Session) -> Principal:
        return Principal(
            kind="role-session",
            arn=f"arn:aws:sts::{self.account}:assumed-role/{role.name}/{session.name}",
            account=self.account,
            role_arn=role.arn,
            identity_policies=_compiled(self._iam.documents_of(role)),
            boundary=self._boundary(role),
            session_policies=session.policies,
            canonical_user=self._canonical_user,
        )

    def _session_caller(self, session: Session) -> Caller | None:
        """The caller of a session; None where its role or user is gone."""
        holders: Sequence[User | Role] = (
            self._iam.roles() if session.kind == "role-session" else self._iam.users()
        )
        holder = next((each for each in holders if each.id == session.holder), None)
        if holder is None:
            return None
        user_id = holder.id
        if isinstance(holder, Role):
            principal = self._role_principal(holder, session)
            user_id = f"{holder.id}:{session.name}"
        else:
            principal = self._user_principal(holder)
        if session.kind == "federated-user":
            user_id = f"{self.account}:{session.name}"
            principal = replace(
                principal,
                kind="federated-user",
                arn=f"arn:aws:sts::{self.account}:federated-user/{session.name}",
                user_arn=holder.arn,
                session_policies=session.policies,
            )
        return Caller(
            principal,
            name=holder.name,
            user_id=user_id,
            issuer_id=holder.id,
            access_key_id=session.credentials.access_key_id,
            secret_access_key=session.credentials.secret_access_key,
            session_token=session.credentials.session_token,
            since=session.since,
            expires=session.expires,
            tags=merged_tags(holder.tags, session.tags),
            transitive=session.transitive,
            source_identity=session.source_identity,
        )

    def _boundary(self, holder: Holder) -> Policy | None:
        """The policy that limits a user or role, None for none."""
        document = self._iam.boundary_document(holder)
        if document is None:
            return None
        return parse_policy(document, kind="boundary", known_keys=known_condition_key)


def merged_tags(below: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """Tags of which ``above`` take the place of those ``below`` by the same key in any case.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    """
    hidden = {key.lower() for key in above}
    kept = {key: value for key, value in below.items() if key.lower() not in hidden}
    return {**kept, **above}


def _compiled(documents: Iterable[str]) -> tuple[Policy, ...]:
    return tuple(
        parse_policy(document, kind="identity", known_keys=known_condition_key)
        for document in documents
    )


def _may_be_unsigned(request: Request, service: ServiceDefinition) -> bool:
    """Operations that take another proof than a signature."""
    return any(f"Action={name}".encode() in request.body for name in service.unsigned)
