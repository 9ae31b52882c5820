"""STS: who am I, and temporary credentials — of a role, of a user, of whom a user federates.

https://docs.aws.amazon.com/STS/latest/APIReference/Welcome.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access.html
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from xml.sax.saxutils import escape

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.callers import (
    Credentials,
    Session,
    merged_tags,
    new_secret,
)
from workshop_lib.sandbox.call import Authorize, Call, Check
from workshop_lib.sandbox.policy.evaluation import Policy
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.query_form import read_form
from workshop_lib.sandbox.protocol.validation import Dialect, Validator
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.iam.service import (
    RESERVED,
    is_reserved,
    query_answer,
    read_policy,
)

_HOUR, _TWELVE_HOURS = 3600, 43200
_MOST_POLICY_TEXT = 2048  # characters, inline and managed policies together
# Parameters whose effect the sandbox has no way to compute.
_NOT_EMULATED = ("SerialNumber", "TokenCode", "ProvidedContexts", "MinimumSessionTokenSize")
VALIDATOR = Validator("sts", Dialect(code="ValidationError", tells_null=True))

Tags = dict[str, str]


class Sts(Service):
    """STS's operations the workshop needs."""

    def __init__(self, foundations: Foundations) -> None:
        self._iam = foundations.iam
        self._callers = foundations.callers
        self._foundations = foundations
        self._ordinals: Counter[str] = Counter()
        self._checks: dict[str, Callable[[Call], Iterator[Check]]] = {
            "AssumeRole": self._of_assume_role,
            "GetFederationToken": self._of_federation_token,
            "GetSessionToken": self._of_session_token,
            "GetAccessKeyInfo": self._of_access_key_info,
        }
        self._handlers: dict[str, Callable[[Call, dict[str, Any]], Response]] = {
            "GetCallerIdentity": self._get_caller_identity,
            "AssumeRole": self._assume_role,
            "GetFederationToken": self._get_federation_token,
            "GetSessionToken": self._get_session_token,
            "GetAccessKeyInfo": self._get_access_key_info,
        }

        self.operations = tuple(self._handlers)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer an STS call. Raises AwsError, NotEmulated for what the sandbox lacks."""
        asked = VALIDATOR.validate(call.operation, _asked(call))
        find = self._checks.get(call.operation)  # GetCallerIdentity needs no permission
        authorize(call, () if find is None else find(call))
        for name in _NOT_EMULATED:
            if name in asked:
                raise NotEmulated(f"The sandbox does not emulate {name} of {call.operation}.")
        return self._handlers[call.operation](call, asked)

    def owner(self, call: Call) -> str:
        """The account of the role that is assumed; for all else the caller's."""
        if call.operation != "AssumeRole":
            return call.account
        return "".join(str(call.parameters.get("RoleArn", "")).split(":")[4:5]) or call.account

    # --- permissions -----------------------------------------------------------------------

    def _of_assume_role(self, call: Call) -> Iterator[Check]:
        """The role's trust policy decides, with the caller's own policies.

        Tags and a source identity, inherited ones too, take a permission each.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
        """
        asked, caller = _asked(call), call.caller
        arn = asked["RoleArn"]
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
            raise AwsError("ValidationError", f"{arn} is invalid")
        tags = _tags_of(call, asked)
        role = next((role for role in self._iam.roles() if role.arn == arn), None)
        if role is None or caller.principal.kind == "federated-user":
            # AWS does not tell a role that does not exist from one that may not be assumed.
            raise _may_not(call, "AssumeRole", arn)
        trust = read_policy(role.trust_policy, "trust")
        context: dict[str, str | Sequence[str]] = {"sts:RoleSessionName": asked["RoleSessionName"]}
        if "ExternalId" in asked:
            context["sts:ExternalId"] = asked["ExternalId"]
        for key, value in role.tags.items():
            for prefix in ("aws", "iam"):
                context[f"{prefix}:ResourceTag/{key}"] = value
        context.update(_tag_context(tags))
        if asked.get("TransitiveTagKeys"):
            context["sts:TransitiveTagKeys"] = asked["TransitiveTagKeys"]
        source = asked.get("SourceIdentity", caller.source_identity)
        if source is not None:
            context["sts:SourceIdentity"] = source
        needed = {
            "AssumeRole": True,
            "TagSession": bool(tags or caller.transitive),
            "SetSourceIdentity": source is not None,
        }
        for action in (action for action, applies in needed.items() if applies):
            yield Check(f"sts:{action}", arn, context, resource_policy=trust, delegation=True)
        if source != (caller.source_identity or source):
            raise _may_not(call, "SetSourceIdentity", arn)

    def _of_federation_token(self, call: Call) -> Iterator[Check]:
        _require_lasting_credentials(call)
        asked = _asked(call)
        arn = f"arn:aws:sts::{call.account}:federated-user/{asked['Name']}"
        tags = _tags_of(call, asked)
        yield Check("sts:GetFederationToken", arn, _tag_context(tags))
        if tags:
            yield Check("sts:TagSession", arn, _tag_context(tags))

    def _of_session_token(self, call: Call) -> Iterator[Check]:
        """No permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html"""
        _require_lasting_credentials(call)
        return iter(())

    def _of_access_key_info(self, call: Call) -> Iterator[Check]:
        if call.caller.principal.kind != "role-session":
            _require_lasting_credentials(call)
        yield Check("sts:GetAccessKeyInfo", "*")

    # --- answers ---------------------------------------------------------------------------

    def _get_caller_identity(self, call: Call, asked: dict[str, Any]) -> Response:
        caller = call.caller
        return query_answer(
            call,
            f"<Arn>{escape(caller.arn)}</Arn><UserId>{escape(caller.user_id)}</UserId>"
            f"<Account>{call.account}</Account>",
        )

    def _get_access_key_info(self, call: Call, asked: dict[str, Any]) -> Response:
        """AWS reads the account off the key's id; ids here say nothing of theirs."""
        for account, foundations in self._foundations.accounts.items():
            if foundations.callers.knows(asked["AccessKeyId"]):
                return query_answer(call, f"<Account>{account}</Account>")
        raise NotEmulated(
            "The sandbox cannot tell whose access key this is: it knows those it handed out."
        )

    def _assume_role(self, call: Call, asked: dict[str, Any]) -> Response:
        caller, name = call.caller, asked["RoleSessionName"]
        role = next(role for role in self._iam.roles() if role.arn == asked["RoleArn"])
        seconds = asked.get("DurationSeconds", _HOUR)
        _require_duration(seconds, role.max_session_duration, call)
        tags = _tags_of(call, asked)
        passed_on = _folded(asked.get("TransitiveTagKeys", ()))
        transitive = {key: value for key, value in tags.items() if key.lower() in passed_on}
        source = asked.get("SourceIdentity", caller.source_identity)
        session = self._new_session(
            call,
            "role-session",
            role.id,
            name,
            seconds,
            policies=self._session_policies(asked) or None,
            tags=merged_tags(caller.transitive, tags),
            transitive={**caller.transitive, **transitive},
            source_identity=source,
        )
        arn = f"arn:aws:sts::{call.account}:assumed-role/{role.name}/{name}"
        told = "" if source is None else f"<SourceIdentity>{source}</SourceIdentity>"
        return query_answer(
            call,
            f"<AssumedRoleUser><AssumedRoleId>{role.id}:{name}</AssumedRoleId><Arn>{arn}</Arn>"
            f"</AssumedRoleUser>{_credentials_in(session)}{told}",
        )

    def _get_federation_token(self, call: Call, asked: dict[str, Any]) -> Response:
        """Without a session policy the session may do only what names it in a resource's policy.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
        """
        name, policies = asked["Name"], self._session_policies(asked)
        session = self._new_session(
            call,
            "federated-user",
            call.caller.user_id,
            name,
            asked.get("DurationSeconds", _TWELVE_HOURS),
            policies=policies,
            tags=_tags_of(call, asked),
        )
        arn = f"arn:aws:sts::{call.account}:federated-user/{name}"
        # How much of the room for policies and tags is taken AWS does not say how to count.
        unused = "" if policies or asked.get("Tags") else "<PackedPolicySize>0</PackedPolicySize>"
        return query_answer(
            call,
            f"<FederatedUser><FederatedUserId>{call.account}:{name}</FederatedUserId>"
            f"<Arn>{arn}</Arn></FederatedUser>{_credentials_in(session)}{unused}",
        )

    def _get_session_token(self, call: Call, asked: dict[str, Any]) -> Response:
        seconds = asked.get("DurationSeconds", _TWELVE_HOURS)
        session = self._new_session(call, "user", call.caller.user_id, "", seconds)
        return query_answer(call, _credentials_in(session))

    # --- sessions --------------------------------------------------------------------------

    def _new_session(
        self,
        call: Call,
        kind: Literal["role-session", "user", "federated-user"],
        holder: str,
        name: str,
        seconds: int,
        **more: Any,
    ) -> Session:
        now: datetime = clock.now()
        credentials = self._new_credentials(call.operation)
        end = now + timedelta(seconds=seconds)
        session = Session(kind, credentials, holder, name, now, end, **more)
        self._callers.add_session(session)
        return session

    def _session_policies(self, asked: Mapping[str, Any]) -> tuple[Policy, ...]:
        documents = [asked["Policy"]] if "Policy" in asked else []
        for named in asked.get("PolicyArns", ()):
            arn = named.get("arn", "")
            policy = self._iam.managed_policy(arn)
            if policy is None:
                raise NotEmulated(f"The sandbox cannot answer for the session policy {arn}: it "
                                  "has none of that ARN.")  # fmt: skip
            documents.append(policy.default_document)
        if "Policy" in asked and len(asked["Policy"]) > _MOST_POLICY_TEXT:
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value '{asked['Policy']}' at 'policy' failed to "
                "satisfy constraint: Member must have length less than or equal to "
                f"{_MOST_POLICY_TEXT}",
            )
        return tuple(read_policy(document, "session") for document in documents)

    def _new_credentials(self, operation: str) -> Credentials:
        self._ordinals[operation] += 1
        source = random.Random(f"{self._foundations.mark}{operation}-{self._ordinals[operation]}")
        return Credentials(
            "ASIA" + "".join(source.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
            new_secret(40),
            new_secret(224),
        )


def _asked(call: Call) -> dict[str, Any]:
    return read_form("sts", call.operation, call.parameters)


def _may_not(call: Call, action: str, arn: str) -> AwsError:
    message = f"User: {call.caller.arn} is not authorized to perform: sts:{action}"
    return AwsError("AccessDenied", f"{message} on resource: {arn}", 403)


def _require_lasting_credentials(call: Call) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html"""
    if call.caller.since is not None:
        message = f"Cannot call {call.operation} with session credentials"
        raise AwsError("AccessDenied", message, 403)


def _require_duration(seconds: int, most: int, call: Call) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining"""
    if call.caller.principal.kind == "role-session" and seconds > _HOUR:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
            "by role chaining.",
        )
    if seconds > most:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )


def _tags_of(call: Call, asked: Mapping[str, Any]) -> Tags:
    """The session tags that a call passes. Raises AwsError InvalidParameterValue.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    """
    listed = asked.get("Tags", ())
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    if any(is_reserved(text) for tag in tags.items() for text in tag):
        raise _invalid(RESERVED)
    if len(_folded(tags)) < len(listed):
        raise _invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if _folded(call.caller.transitive) & _folded(tags):
        raise _invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session."
        )
    if not _folded(asked.get("TransitiveTagKeys", ())) <= _folded(tags):
        raise _invalid("The specified transitive tag key must be included in the requested tags.")
    return tags


def _folded(keys: Iterable[str]) -> set[str]:
    """Tag keys as STS compares them: their case does not matter."""
    return {key.lower() for key in keys}


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def _tag_context(tags: Tags) -> dict[str, str | Sequence[str]]:
    context: dict[str, str | Sequence[str]] = {
        f"aws:RequestTag/{key}": value for key, value in tags.items()
    }
    return {**context, "aws:TagKeys": [*tags]} if tags else context


def _credentials_in(session: Session) -> str:
    credentials = session.credentials
    return (
        f"<Credentials><AccessKeyId>{credentials.access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{credentials.secret_access_key}</SecretAccessKey>"
        f"<SessionToken>{credentials.session_token}</SessionToken>"
        f"<Expiration>{session.expires.strftime('%Y-%m-%dT%H:%M:%SZ')}</Expiration></Credentials>"
    )
