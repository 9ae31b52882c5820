"""IAM: policy documents are checked when they are put.

https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape, unescape

from workshop_lib.sandbox.auth.callers import (
    boundary_of,
    default_document,
    set_boundary,
    tags_of,
    unique_id,
)
from workshop_lib.sandbox.call import Authorize, Call, Check
from workshop_lib.sandbox.policy.condition_keys import known_condition_key
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import Policy
from workshop_lib.sandbox.policy.grammar import MalformedPolicy
from workshop_lib.sandbox.policy.principals import unknown_principal
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.serialization import namespace
from workshop_lib.sandbox.protocol.service_model import read_form, require_built
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.iam.entities import ENTITIES, as_told, find, require
from workshop_lib.sandbox.services.iam.operations import EMULATED
from workshop_lib.sandbox.services.iam.simulation import OPERATIONS as SIMULATED
from workshop_lib.sandbox.services.iam.simulation import Simulation

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
AWS_MANAGED = "arn:aws:iam::aws:policy/"

_LISTS = {"ListUsers": "user", "ListGroups": "group", "ListRoles": "role"}
# Where a user who names nobody means themselves.
_OWN = {
    "CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "ListMFADevices",
    "ListSigningCertificates", "UpdateAccessKey",
}  # fmt: skip
# What iam:PermissionsBoundary is about: the boundary that is put, or that the entity has.
_LIMITED = re.compile(
    "Create(User|Role)|(Attach|Detach)(User|Role)Policy"
    "|(Put|Delete)(User|Role)(Policy|PermissionsBoundary)"
)
# Who makes something with tags must also be allowed to tag it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_iam-new-user-tag.html
_WITH_TAGS = re.compile("Create(User|Role|Policy|InstanceProfile|OpenIDConnectProvider)")
_POLICY_ARN = re.compile(r"arn:[\w-]+:iam::(?:\d{12}|aws):policy/.+", re.ASCII)


class Iam(Service):
    """IAM's operations, answered by moto within AWS's rules for policies and boundaries."""

    operations = EMULATED.union(SIMULATED)

    def __init__(self, foundations: Foundations) -> None:
        self._moto = foundations.moto
        self._callers = foundations.callers
        self._principal_exists = foundations.principal_exists
        self._simulation = Simulation(foundations.moto, foundations.callers)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer an IAM call. Raises AwsError, NotEmulated."""
        require_built(call.service.name, call.operation, call.parameters)
        authorize(call, self._checks(call))
        return self._carry_out(call)

    # --- permissions -----------------------------------------------------------------------

    def _checks(self, call: Call) -> Iterator[Check]:
        """The permission an IAM call needs, on the entity it names.

        Temporary credentials of a user's own, or of whom a user federates, are none to IAM.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html#stsapi_comparison
        """
        caller = call.caller
        if caller.since is not None and caller.principal.kind != "role-session":
            raise call.service.authentication_error("unknown key")
        if call.operation in _OWN and "UserName" not in call.parameters:
            self._name_oneself(call)
        if call.operation == "GetAccessKeyLastUsed":
            self._require_access_key(call)
        entity = self._entity(call)
        resource, context = self._resource(call, entity), _context(call, entity)
        yield Check(f"iam:{call.operation}", resource, context)
        made = _WITH_TAGS.fullmatch(call.operation)
        if made is not None and "aws:TagKeys" in context:
            yield Check(f"iam:Tag{made[1]}", resource, context)

    def _name_oneself(self, call: Call) -> None:
        if call.caller.principal.kind != "user":
            raise AwsError(
                "ValidationError", "Must specify userName when calling with non-User credentials"
            )
        call.parameters["UserName"] = call.caller.name
        call.request.body += b"&" + urlencode({"UserName": call.caller.name}).encode()

    def _require_access_key(self, call: Call) -> None:
        key = call.parameters["AccessKeyId"]
        if not self._callers.knows(key):
            message = f"User: {call.caller.arn} is not authorized to perform iam:{call.operation}"
            raise AwsError("AccessDenied", f"{message} on resource: access key {key}", 403)

    def _entity(self, call: Call) -> Any:
        """The user, role, group or policy that a call names, as moto keeps it; None for no one."""
        iam, parameters = self._moto.iam, call.parameters
        if "PolicyArn" in parameters and "Policy" in call.operation and not _attaches(call):
            return iam.managed_policies.get(parameters["PolicyArn"])
        for parameter, _, kept in ENTITIES:
            if parameter in parameters:
                return find(iam, kept, parameters[parameter])
        return None

    def _resource(self, call: Call, entity: Any) -> str:
        """The ARN that a call is about: of the entity, or of what it would make.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
        """
        parameters, iam = call.parameters, f"arn:aws:iam::{call.account}"
        if entity is not None:
            return str(entity.arn)
        if "PolicyArn" in parameters and not _attaches(call):
            return str(parameters["PolicyArn"])
        if call.operation in _LISTS:
            return f"{iam}:{_LISTS[call.operation]}{parameters.get('PathPrefix', '/')}"
        for parameter, kind, _ in (*ENTITIES, ("PolicyName", "policy", "")):
            if parameter in parameters:
                return f"{iam}:{kind}{parameters.get('Path', '/')}{parameters[parameter]}"
        return "*"

    # --- answers ---------------------------------------------------------------------------

    def _carry_out(self, call: Call) -> Response:
        if call.operation in SIMULATED:
            return query_answer(call, self._simulation.answer(call))
        if call.operation in _DOCUMENTS:
            parameter, kind = _DOCUMENTS[call.operation]
            policy = read_policy(call.parameters.get(parameter, ""), kind)
            unknown = unknown_principal(policy, self._principal_exists)
            if unknown:
                raise AwsError(
                    "MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{unknown}"'
                )
        if _attaches(call):
            self._check_attachment(call)
        if call.operation == "CreateServiceLinkedRole":
            service = call.parameters["AWSServiceName"]
            if not re.fullmatch(r"[\w-]+(\.[\w-]+)*\.amazonaws\.com(\.cn)?", service):
                raise AwsError("InvalidInput", f"{service} is not a valid service name.")
        if call.parameters.get("PermissionsBoundary"):
            self._check_boundary(call.parameters["PermissionsBoundary"])
        if call.operation in ("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"):
            return self._user_boundary(call)
        if "PolicyArn" in call.parameters:
            self._managed(call.parameters["PolicyArn"])
        require(self._moto.iam, call.operation, call.parameters)
        if call.operation == "UpdateRole":
            self._keep_what_is_not_asked(call)
        self._moto.seed(call.operation)
        response = self._moto.forward(call.request, "iam", call.region, call.request_id)
        if response.status < 300:
            if call.operation in _UNIQUE_IDS:
                self._give_unique_id(call.operation, response)
            if call.operation == "CreateUser":
                self._limit_new_user(call, response)
            if call.operation == "UpdateUser":
                self._rename_keys(call)
            as_told(call.operation, response)
        if not call.operation.startswith(_READS):
            self._callers.forget()
        return response

    def _give_unique_id(self, operation: str, response: Response) -> None:
        """An id of AWS's form in place of moto's, in what it keeps and what it answers."""
        element, prefix, naming, kept = _UNIQUE_IDS[operation]
        text = response.body.decode()
        old, name = _element(text, element), _element(text, naming)
        new = unique_id(prefix, old)
        getattr(self._moto.iam, kept)[name].id = new
        response.body = text.replace(f"<{element}>{old}<", f"<{element}>{new}<").encode()

    def _check_attachment(self, call: Call) -> None:
        arn = call.parameters["PolicyArn"]
        if not _POLICY_ARN.fullmatch(arn):
            raise AwsError("ValidationError", f"ARN {arn} is not valid.")
        policy = self._managed(arn)
        if policy is not None:  # a policy of AWS's may use condition keys the sandbox lacks
            read_policy(default_document(policy), "managed")

    def _managed(self, arn: str) -> Any:
        if arn.startswith(AWS_MANAGED):
            self._moto.load_aws_managed_policies()
        return self._moto.iam.managed_policies.get(arn)

    def _check_boundary(self, arn: str) -> None:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html"""
        if not _POLICY_ARN.fullmatch(arn):
            raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
        policy = self._managed(arn)
        if policy is None:
            message = f"Scope ARN: {arn} does not exist or is not attachable."
            raise AwsError("NoSuchEntity", message, 404)
        read_policy(default_document(policy), "boundary")

    def _user_boundary(self, call: Call) -> Response:
        require(self._moto.iam, call.operation, call.parameters)
        name = call.parameters["UserName"]
        user = self._moto.iam.users[name]
        if call.operation.startswith("Put"):
            set_boundary(user, call.parameters["PermissionsBoundary"])
        elif boundary_of(user) is None:
            raise AwsError(
                "NoSuchEntity", f"User {name} does not have a permissions boundary.", 404
            )
        else:
            set_boundary(user, None)
        self._callers.forget()
        return query_answer(call, "")

    def _keep_what_is_not_asked(self, call: Call) -> None:
        """UpdateRole changes what it is given; moto would put defaults for the rest."""
        role = find(self._moto.iam, "roles", call.parameters["RoleName"])
        present = {
            "Description": role.description or "",
            "MaxSessionDuration": str(role.max_session_duration or 3600),
        }
        kept = {name: value for name, value in present.items() if name not in call.parameters}
        call.request.body += b"&" + urlencode(kept).encode()

    def _rename_keys(self, call: Call) -> None:
        """A user keeps the access keys under another name."""
        name = call.parameters.get("NewUserName") or call.parameters["UserName"]
        for key in self._moto.iam.users[name].access_keys:
            key.user_name = name

    def _limit_new_user(self, call: Call, response: Response) -> None:
        """Give a new user the boundary that was asked for, which moto overlooks."""
        boundary = call.parameters.get("PermissionsBoundary")
        if boundary:
            set_boundary(self._moto.iam.users[call.parameters["UserName"]], boundary)
            told = (
                "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
                f"<PermissionsBoundaryArn>{escape(boundary)}</PermissionsBoundaryArn>"
                "</PermissionsBoundary></User>"
            )
            response.body = response.body.replace(b"</User>", told.encode())


def _attaches(call: Call) -> bool:
    return call.operation.startswith(("Attach", "Detach"))


def _context(call: Call, entity: Any) -> dict[str, str | Sequence[str]]:
    """IAM's condition keys: tags, the policy that is attached, the boundary that is in force."""
    parameters = call.parameters
    asked = read_form("iam", call.operation, parameters)
    tags = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())}
    context: dict[str, str | Sequence[str]] = {
        f"aws:RequestTag/{key}": value for key, value in tags.items()
    }
    names = [*tags, *asked.get("TagKeys", ())]
    if names:
        context["aws:TagKeys"] = names
    for key, value in tags_of(entity).items():
        context[f"aws:ResourceTag/{key}"] = context[f"iam:ResourceTag/{key}"] = value
    if "AWSServiceName" in parameters:
        context["iam:AWSServiceName"] = parameters["AWSServiceName"]
    if _attaches(call):
        context["iam:PolicyARN"] = parameters.get("PolicyArn", "")
    if _LIMITED.fullmatch(call.operation):
        boundary = parameters.get("PermissionsBoundary") or boundary_of(entity)
        if boundary:
            context["iam:PermissionsBoundary"] = boundary
    return context


def read_policy(document: str, kind: Any) -> Policy:
    """Compile a document of IAM's or STS's. Raises AwsError MalformedPolicyDocument."""
    try:
        return parse_policy(document, kind=kind, known_keys=known_condition_key)
    except MalformedPolicy as error:
        raise AwsError("MalformedPolicyDocument", error.reason) from None


def _element(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    assert found is not None
    return unescape(found[1])


def query_answer(call: Call, result: str) -> Response:
    """The answer of IAM or STS with ``result``, which is XML."""
    operation = call.operation
    body = (
        f'<{operation}Response xmlns="{namespace(call.service)}">'
        f"<{operation}Result>{result}</{operation}Result>"
        f"<ResponseMetadata><RequestId>{call.request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Response(200, {"Content-Type": "text/xml"}, body.encode())
