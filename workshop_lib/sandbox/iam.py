"""IAM and STS: policy documents are checked when they are put, roles are assumed by their trust.

https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from xml.sax.saxutils import escape, unescape

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.errors import AwsError, NotEmulated
from workshop_lib.sandbox.identities import (
    Check,
    Credentials,
    Identities,
    Session,
    default_document,
    known_condition_key,
    unique_id,
)
from workshop_lib.sandbox.messages import Response
from workshop_lib.sandbox.moto_adapter import Moto
from workshop_lib.sandbox.operations import Call
from workshop_lib.sandbox.policies import MalformedPolicy, Policy, parse_policy
from workshop_lib.sandbox.principals import existing_principal, unknown_principal

# Operations that put a policy document: the parameter that carries it, and its kind.
_DOCUMENTS: dict[str, tuple[str, Any]] = {
    "CreateRole": ("AssumeRolePolicyDocument", "trust"),
    "UpdateAssumeRolePolicy": ("PolicyDocument", "trust"),
    "PutUserPolicy": ("PolicyDocument", "identity"),
    "PutRolePolicy": ("PolicyDocument", "identity"),
    "PutGroupPolicy": ("PolicyDocument", "identity"),
    "CreatePolicy": ("PolicyDocument", "managed"),
    "CreatePolicyVersion": ("PolicyDocument", "managed"),
}
# What gets a unique id: the element that tells it, its prefix, the one that names the entity, and
# where moto keeps it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
_UNIQUE_IDS = {
    "CreateUser": ("UserId", "AIDA", "UserName", "users"),
    "CreateGroup": ("GroupId", "AGPA", "GroupName", "groups"),
    "CreatePolicy": ("PolicyId", "ANPA", "Arn", "managed_policies"),
}
_READS = ("Get", "List", "Simulate", "Generate")
_RESOURCES = {"UserName": "user", "RoleName": "role", "GroupName": "group", "PolicyName": "policy"}
_AWS_MANAGED = "arn:aws:iam::aws:policy/"


class Iam:
    """IAM's operations, answered by moto within AWS's rules for policy documents."""

    def __init__(self, moto: Moto, identities: Identities) -> None:
        self._moto = moto
        self._identities = identities

    def checks(self, call: Call) -> Iterator[Check]:
        """The one permission an IAM call needs, on the entity it names."""
        yield Check(f"iam:{call.operation}", self._resource(call))

    def _resource(self, call: Call) -> str:
        if "PolicyArn" in call.parameters and not call.operation.startswith(("Attach", "Detach")):
            return call.parameters["PolicyArn"]
        for parameter, kind in _RESOURCES.items():
            if parameter in call.parameters:
                return f"arn:aws:iam::{call.account}:{kind}/{call.parameters[parameter]}"
        return "*"

    def handle(self, call: Call) -> Response:
        """Answer an IAM call; MalformedPolicyDocument for a document AWS would not take."""
        if call.operation in _DOCUMENTS:
            parameter, kind = _DOCUMENTS[call.operation]
            policy = _parse(call.parameters.get(parameter, ""), kind)
            unknown = unknown_principal(
                policy, existing_principal(self._moto.iam, self._moto.account)
            )
            if unknown:
                raise AwsError(
                    "MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{unknown}"'
                )
        if call.operation.startswith("Attach"):
            self._check_attachment(call.parameters.get("PolicyArn", ""))
        if call.operation == "CreateServiceLinkedRole":
            service = call.parameters["AWSServiceName"]
            if not re.fullmatch(r"[\w-]+(\.[\w-]+)*\.amazonaws\.com(\.cn)?", service):
                raise AwsError("InvalidInput", f"{service} is not a valid service name.")
        if call.operation in ("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"):
            return self._user_boundary(call)
        self._moto.seed(call.operation)
        response = self._moto.forward(call.request, "iam", call.region, call.request_id)
        if call.operation in _UNIQUE_IDS and response.status < 300:
            self._give_unique_id(call.operation, response)
        if not call.operation.startswith(_READS):
            self._identities.forget()
        return response

    def _give_unique_id(self, operation: str, response: Response) -> None:
        """An id of AWS's form in place of moto's, in what it keeps and what it answers."""
        element, prefix, naming, kept = _UNIQUE_IDS[operation]
        text = response.body.decode()
        old, name = _element(text, element), _element(text, naming)
        new = unique_id(prefix, old)
        getattr(self._moto.iam, kept)[name].id = new
        response.body = text.replace(f"<{element}>{old}<", f"<{element}>{new}<").encode()

    def _check_attachment(self, arn: str) -> None:
        if arn.startswith(_AWS_MANAGED):
            self._moto.load_aws_managed_policies()
        policy = self._moto.iam.managed_policies.get(arn)
        if policy is not None:  # a policy of AWS's may use condition keys the sandbox lacks
            _parse(default_document(policy), "managed")

    def _user_boundary(self, call: Call) -> Response:
        name, boundaries = call.parameters["UserName"], self._identities.user_boundaries
        if call.operation.startswith("Put"):
            arn = call.parameters["PermissionsBoundary"]
            if arn not in self._moto.iam.managed_policies:
                raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist.", 404)
            boundaries[name] = arn
        elif boundaries.pop(name, None) is None:
            raise AwsError(
                "NoSuchEntity", f"User {name} does not have a permissions boundary.", 404
            )
        self._identities.forget()
        return _xml(call, "")


def _parse(document: str, kind: Any) -> Policy:
    try:
        return parse_policy(document, kind=kind, known_keys=known_condition_key)
    except MalformedPolicy as error:
        raise AwsError("MalformedPolicyDocument", error.reason) from None


class Sts:
    """STS's operations the workshop needs: who am I, and becoming a role."""

    def __init__(self, moto: Moto, identities: Identities) -> None:
        self._moto = moto
        self._identities = identities
        self._ordinals: Counter[str] = Counter()
        self._handlers: dict[str, Callable[[Call], Response]] = {
            "GetCallerIdentity": self._get_caller_identity,
            "AssumeRole": self._assume_role,
        }

    def checks(self, call: Call) -> Iterator[Check]:
        """AssumeRole is decided by the role's trust policy; GetCallerIdentity by nobody."""
        if call.operation != "AssumeRole":
            return
        arn = call.parameters.get("RoleArn", "")
        role = self._role(arn)
        trust = _parse(role.assume_role_policy_document, "trust") if role else None
        context = {"sts:RoleSessionName": call.parameters.get("RoleSessionName", "")}
        if "ExternalId" in call.parameters:
            context["sts:ExternalId"] = call.parameters["ExternalId"]
        if role is None:
            # AWS does not tell a role that does not exist from one that may not be assumed.
            message = (
                f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole "
                f"on resource: {arn}"
            )
            raise AwsError("AccessDenied", message, 403)
        yield Check("sts:AssumeRole", arn, context, resource_policy=trust, delegation=True)

    def handle(self, call: Call) -> Response:
        """Answer an STS call. Raises NotEmulated for the operations the sandbox lacks."""
        handler = self._handlers.get(call.operation)
        if handler is None:
            raise NotEmulated(f"The sandbox does not emulate sts:{call.operation}.")
        return handler(call)

    def _role(self, arn: str) -> Any:
        return next((role for role in self._moto.iam.roles.values() if role.arn == arn), None)

    def _get_caller_identity(self, call: Call) -> Response:
        return _xml(
            call,
            f"<Arn>{escape(call.caller.arn)}</Arn><UserId>{escape(call.caller.user_id)}</UserId>"
            f"<Account>{call.account}</Account>",
        )

    def _assume_role(self, call: Call) -> Response:
        parameters = call.parameters
        role = self._role(parameters["RoleArn"])
        name = parameters.get("RoleSessionName", "")
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
            )
        seconds = int(parameters.get("DurationSeconds", "3600"))
        self._check_duration(seconds, role, call)
        now = clock.now()
        expires = now + timedelta(seconds=seconds)
        credentials, policies = self._new_credentials(), self._session_policies(parameters)
        session = Session(credentials, role.name, name, now, expires, policies)
        self._identities.add_session(session)
        arn = f"arn:aws:sts::{call.account}:assumed-role/{role.name}/{name}"
        return _xml(
            call,
            f"<AssumedRoleUser><AssumedRoleId>{role.id}:{name}</AssumedRoleId><Arn>{arn}</Arn>"
            "</AssumedRoleUser><Credentials>"
            f"<AccessKeyId>{credentials.access_key_id}</AccessKeyId>"
            f"<SecretAccessKey>{credentials.secret_access_key}</SecretAccessKey>"
            f"<SessionToken>{credentials.session_token}</SessionToken>"
            f"<Expiration>{expires.strftime('%Y-%m-%dT%H:%M:%SZ')}</Expiration></Credentials>",
        )

    def _check_duration(self, seconds: int, role: Any, call: Call) -> None:
        if not 900 <= seconds <= 43200:
            limit = "greater than or equal to 900"
            if seconds > 43200:
                limit = "less than or equal to 43200"
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to "
                f"satisfy constraint: Member must have value {limit}",
            )
        if call.caller.principal.kind == "role-session" and seconds > 3600:
            raise AwsError(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining.",
            )
        if seconds > int(role.max_session_duration or 3600):
            raise AwsError(
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            )

    def _session_policies(self, parameters: dict[str, Any]) -> tuple[Policy, ...] | None:
        documents = [parameters["Policy"]] if "Policy" in parameters else []
        for name, arn in parameters.items():
            if re.fullmatch(r"PolicyArns\.member\.\d+\.arn", name):
                if arn.startswith(_AWS_MANAGED):
                    self._moto.load_aws_managed_policies()
                documents.append(default_document(self._moto.iam.managed_policies[arn]))
        return tuple(_parse(document, "session") for document in documents) or None

    def _new_credentials(self) -> Credentials:
        self._ordinals["AssumeRole"] += 1
        source = random.Random(f"AssumeRole-{self._ordinals['AssumeRole']}")
        capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        letters = capitals + capitals.lower() + "/+"
        return Credentials(
            "ASIA" + "".join(source.choices(capitals, k=16)),
            "".join(source.choices(letters, k=40)),
            "".join(source.choices(letters, k=224)),
        )


def _element(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    assert found is not None
    return unescape(found[1])


def _xml(call: Call, result: str) -> Response:
    version = "2010-05-08" if call.service == "iam" else "2011-06-15"
    operation = call.operation
    body = (
        f'<{operation}Response xmlns="https://{call.service}.amazonaws.com/doc/{version}/">'
        f"<{operation}Result>{result}</{operation}Result>"
        f"<ResponseMetadata><RequestId>{call.request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Response(200, {"Content-Type": "text/xml"}, body.encode())
