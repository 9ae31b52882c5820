"""IAM: policy documents are checked when they are put.

https://docs.aws.amazon.com/IAM/latest/APIReference/Welcome.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from workshop_lib.sandbox.auth.callers import new_secret, unique_id
from workshop_lib.sandbox.call import Authorize, Call, Check
from workshop_lib.sandbox.moto_backend.iam import Entity, User
from workshop_lib.sandbox.policy.condition_keys import known_condition_key
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import Policy
from workshop_lib.sandbox.policy.grammar import MalformedPolicy
from workshop_lib.sandbox.policy.principals import (
    is_service_principal,
    unknown_principal,
    unknown_service,
)
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.query_form import read_form
from workshop_lib.sandbox.protocol.serialization import namespace
from workshop_lib.sandbox.protocol.validation import Dialect, Validator
from workshop_lib.sandbox.services.foundations import Foundations, Service
from workshop_lib.sandbox.services.iam.answers import Answer, is_cut_here, needs_mending
from workshop_lib.sandbox.services.iam.entities import (
    ENTITIES,
    POLICY_ARN,
    require,
    require_own_partition,
    require_policy_arn,
    require_room,
    require_tags,
)
from workshop_lib.sandbox.services.iam.operations import EMULATED
from workshop_lib.sandbox.services.iam.quotas import require_quota
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
# What gets a unique id: the element that tells it, and its prefix.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
_UNIQUE_IDS = {
    "CreateUser": ("UserId", "AIDA"),
    "CreateGroup": ("GroupId", "AGPA"),
    "CreatePolicy": ("PolicyId", "ANPA"),
    "CreateInstanceProfile": ("InstanceProfileId", "AIPA"),
}
# What an ARN is made of for what is not there: the parameter that names it, and its kind.
_NAMED = (("InstanceProfileName", "instance-profile"), *ENTITIES, ("PolicyName", "policy"))
_READS = ("Get", "List", "Simulate", "Generate")
_FOLDED = ("TagRole", "TagUser", "UntagRole", "UntagUser")  # a policy's keys are told apart by case
_LISTS = {
    "ListUsers": "user", "ListGroups": "group", "ListRoles": "role",
    "ListInstanceProfiles": "instance-profile",
}  # fmt: skip
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


# IAM has sentences of its own for the names of entities and for paths.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_PATH = (
    "The specified value for {path} is invalid. It must begin and end with / and contain only "
    "alphanumeric characters and/or / characters."
)
VALIDATOR = Validator(
    "iam",
    Dialect(
        code="ValidationError",
        shows_values=False,
        tells_null=True,
        own_patterns={
            r"[\w+=,.@-]+": "The specified value for {path} is invalid. It must contain only "
            "alphanumeric characters and/or the following: +=,.@_-",
            r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)": _PATH,
            r"((/[A-Za-z0-9\.,\+@=_-]+)*)/": _PATH,
            r"\u002F[\u0021-\u007F]*": "The specified value for {path} is invalid. It must begin "
            "with the / character and contain only alphanumeric characters and/or / characters.",
            r"[\w]+": "The specified value for {path} is invalid. It must contain only "
            "alphanumeric characters.",
            r"[\u0009\u000A\u000D\u0020-\u00FF]+": "The specified value for {path} is invalid. It "
            "must contain only printable ASCII characters.",
        },
    ),
)


class Iam(Service):
    """IAM's operations, answered by moto within AWS's rules for policies and boundaries."""

    operations = EMULATED.union(SIMULATED)

    def __init__(self, foundations: Foundations) -> None:
        self._moto = foundations.moto
        self._callers = foundations.callers
        self._iam = foundations.iam
        self._principal_exists = foundations.principal_exists
        self._simulation = Simulation(self._iam, foundations.account)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer an IAM call. Raises AwsError, NotEmulated."""
        asked = read_form("iam", call.operation, call.parameters)
        VALIDATOR.validate(call.operation, asked)
        if any(is_reserved(text) for tag in asked.get("Tags", ()) for text in tag.values()):
            raise AwsError("InvalidInput", RESERVED)
        authorize(call, self._checks(call))
        return self._carry_out(call)

    # --- permissions -----------------------------------------------------------------------

    def _checks(self, call: Call) -> Iterator[Check]:
        """The permission an IAM call needs, on the entity it names.

        Temporary credentials of a user's own, or of whom a user federates, are none to IAM.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
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

    def _entity(self, call: Call) -> Entity | None:
        """The profile, user, role, group or policy that a call names; None for no one."""
        parameters = call.parameters
        if "InstanceProfileName" in parameters:
            return self._iam.instance_profile(parameters["InstanceProfileName"])
        if "PolicyArn" in parameters and "Policy" in call.operation and not _attaches(call):
            return self._iam.managed_policy(parameters["PolicyArn"])
        for parameter, kind in ENTITIES:
            if parameter in parameters:
                return self._iam.find(kind, parameters[parameter])
        return None

    def _resource(self, call: Call, entity: Entity | None) -> str:
        """The ARN that a call is about: of the entity, or of what it would make.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_iam.html
        """
        parameters, iam = call.parameters, f"arn:aws:iam::{call.account}"
        if entity is not None:
            return entity.arn
        if "PolicyArn" in parameters and not _attaches(call):
            return str(parameters["PolicyArn"])
        if call.operation in _LISTS:
            return f"{iam}:{_LISTS[call.operation]}{parameters.get('PathPrefix', '/')}"
        for parameter, kind in _NAMED:
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
            service = unknown_service(policy)
            if unknown or service:
                named = f'"AWS":"{unknown}"' if unknown else f'"SERVICE":"{service}"'
                raise AwsError("MalformedPolicyDocument", f"Invalid principal in policy: {named}")
        require_tags(call.operation, _asked_tags(call))
        if _attaches(call):
            self._check_attachment(call)
        if call.operation == "CreateServiceLinkedRole":
            service = call.parameters["AWSServiceName"]
            if not is_service_principal(service):
                message = f"{service} is not a valid AWS service name (Service Principal)"
                raise AwsError("AccessDenied", message, 403)
        path = call.parameters.get("Path", "/")
        if call.operation.startswith("Create") and path.startswith("/aws-service-role"):
            raise AwsError("InvalidInput", _OF_SERVICES)
        if call.parameters.get("PermissionsBoundary"):
            self._check_boundary(call.parameters["PermissionsBoundary"])
        if call.operation in ("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"):
            return self._user_boundary(call)
        require(self._iam, call.operation, call.parameters)
        require_quota(self._iam, call.operation, call.parameters)
        if call.operation.startswith("Tag"):
            require_room(self._tags(call), _asked_tags(call))
        if call.operation in _FOLDED:
            self._fold_tags(call)
        if call.operation in ("UpdateRole", "UpdateLoginProfile"):
            self._keep_what_is_not_asked(call)
        if call.operation == "ListInstanceProfileTags":
            return self._tags_of_profile(call)
        _ask_for_all(call)
        self._moto.seed(call.operation)
        response = self._moto.forward(call.request, "iam", call.region, call.request_id)
        if call.operation == "RemoveUserFromGroup" and response.status == 404:
            return query_answer(call, "")  # to take out who is not in it is no error of AWS's
        if call.operation == "UploadSigningCertificate" and response.status == 400:
            body = call.parameters["CertificateBody"]
            raise AwsError("MalformedCertificate", f"Certificate {body} is malformed.")
        if response.status < 300:
            if call.operation == "UpdateUser":  # who keeps the access keys under another name
                name = call.parameters.get("NewUserName") or call.parameters["UserName"]
                self._user(name).rename_keys()
            self._mended(call, response)
        if not call.operation.startswith(_READS):
            self._callers.forget()
        return response

    def _give_unique_id(self, call: Call, answer: Answer) -> None:
        """An id of AWS's form in place of moto's, in what it keeps and what it answers."""
        element, prefix = _UNIQUE_IDS[call.operation]
        made = (
            self._iam.managed_policy(self._resource(call, None))
            if call.operation == "CreatePolicy"
            else self._entity(call)
        )
        assert made is not None
        made.set_id(unique_id(prefix, made.id))
        answer.replace(element, made.id)

    def _give_secret(self, answer: Answer) -> None:
        """A secret in place of moto's, which is seeded like the ids."""
        key = self._iam.access_key(answer.text("AccessKeyId"))
        assert key is not None
        key.set_secret(new_secret(40))
        answer.replace("SecretAccessKey", key.secret_access_key)

    def _check_attachment(self, call: Call) -> None:
        arn = call.parameters["PolicyArn"]
        require_policy_arn(call.operation, arn)
        policy = self._iam.managed_policy(arn)
        if policy is not None:  # a policy of AWS's may use condition keys the sandbox lacks
            read_policy(policy.default_document, "managed")

    def _check_boundary(self, arn: str) -> None:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html"""
        if not POLICY_ARN.fullmatch(arn):
            raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
        require_own_partition(arn)
        policy = self._iam.managed_policy(arn)
        if policy is None:
            message = f"Scope ARN: {arn} does not exist or is not attachable."
            raise AwsError("NoSuchEntity", message, 404)
        read_policy(policy.default_document, "boundary")

    def _user_boundary(self, call: Call) -> Response:
        require(self._iam, call.operation, call.parameters)
        name = call.parameters["UserName"]
        user = self._user(name)
        if call.operation.startswith("Put"):
            user.set_boundary(call.parameters["PermissionsBoundary"])
        elif user.boundary is None:
            raise AwsError(
                "NoSuchEntity", f"User {name} does not have a permissions boundary.", 404
            )
        else:
            user.set_boundary(None)
        self._callers.forget()
        return query_answer(call, "")

    def _tags_of_profile(self, call: Call) -> Response:
        told = "".join(
            f"<member><Key>{escape(key)}</Key><Value>{escape(value)}</Value></member>"
            for key, value in self._tags(call).items()
        )
        response = query_answer(call, f"<Tags>{told}</Tags>")
        self._mended(call, response)
        return response

    def _keep_what_is_not_asked(self, call: Call) -> None:
        """What is given is changed; moto would put defaults for the rest."""
        if call.operation == "UpdateRole":
            role = self._iam.role(call.parameters["RoleName"])
            assert role is not None
            present = {
                "Description": role.description,
                "MaxSessionDuration": str(role.max_session_duration),
            }
        else:
            user = self._user(call.parameters["UserName"])
            must_change = str(user.must_change_password).lower()
            present = {"Password": user.password, "PasswordResetRequired": must_change}
        kept = {name: value for name, value in present.items() if name not in call.parameters}
        call.request.body += b"&" + urlencode(kept).encode()

    def _mended(self, call: Call, response: Response) -> None:
        """AWS's answer in place of moto's, and what moto overlooks: a new user's boundary."""
        made = call.operation in _UNIQUE_IDS
        has_secret = call.operation == "CreateAccessKey"
        if not (made or has_secret or needs_mending(call.operation)):
            return
        answer = Answer(response)
        if has_secret:
            self._give_secret(answer)
        if made:
            self._give_unique_id(call, answer)
        boundary = call.parameters.get("PermissionsBoundary")
        if call.operation == "CreateUser" and boundary:
            self._user(call.parameters["UserName"]).set_boundary(boundary)
            answer.limit_user(boundary)
        answer.leave_out(call.operation)
        answer.leave_out_of_profiles(call.operation)
        answer.keep_under(call.operation, call.parameters.get("PathPrefix", "/"))
        answer.say_that_is_all(call.operation)
        answer.put_in_order(call.operation)
        answer.keep_page(call.operation, read_form("iam", call.operation, call.parameters))
        answer.count_boundaries(self._limited_by)
        answer.name_policies(self._policy_id)
        answer.put_together()

    def _limited_by(self, arn: str) -> int:
        """How many users and roles have a policy as permissions boundary."""
        return sum(each.boundary == arn for each in (*self._iam.users(), *self._iam.roles()))

    def _policy_id(self, arn: str) -> str:
        policy = self._iam.managed_policy(arn)
        return "" if policy is None else policy.id

    def _tags(self, call: Call) -> Mapping[str, str]:
        """The tags of what a call tags."""
        provider = call.parameters.get("OpenIDConnectProviderArn")
        entity = self._iam.open_id_provider(provider) if provider else self._entity(call)
        return {} if entity is None else entity.tags

    def _fold_tags(self, call: Call) -> None:
        """A tag goes, or makes way for the new one, in whatever case its key is written.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
        """
        asked = read_form("iam", call.operation, call.parameters)
        named = asked.get("TagKeys") or [tag["Key"] for tag in _asked_tags(call)]
        folded = {key.lower() for key in named}
        going = [key for key in self._tags(call) if key.lower() in folded]
        if not going:
            return
        form = {k: v for k, v in call.parameters.items() if not k.startswith("Tag")}
        form["Action"] = "Untag" + call.operation[-4:]
        form |= {f"TagKeys.member.{number}": key for number, key in enumerate(going, 1)}
        without = replace(call.request, body=urlencode(form).encode())
        if call.operation.startswith("Untag"):
            call.request.body = without.body
        else:
            self._moto.forward(without, "iam", call.region, call.request_id)

    def _user(self, name: str) -> User:
        """A user who is known to be there."""
        user = self._iam.user(name)
        assert user is not None
        return user


# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
_OF_SERVICES = "Paths beginning with '/aws-service-role' are reserved for AWS Service Linked Roles"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html: "You cannot create a tag key or
# value that begins with the text aws:."
RESERVED = "aws: prefixed tag key names are not allowed for external use."


def is_reserved(text: str) -> bool:
    """Whether a tag's key or value begins as AWS's own do, in capital letters or in small ones."""
    return text.lower().startswith("aws:")


def _ask_for_all(call: Call) -> None:
    """Ask moto for a whole list where its answer is cut into pages here."""
    if is_cut_here(call.operation):
        kept = {k: v for k, v in call.parameters.items() if k != "Marker"}
        call.request.body = urlencode({**kept, "MaxItems": 10**6}).encode()


def _asked_tags(call: Call) -> Sequence[Mapping[str, str]]:
    tags: Sequence[Mapping[str, str]] = read_form("iam", call.operation, call.parameters).get(
        "Tags", ()
    )
    return tags


def _attaches(call: Call) -> bool:
    return call.operation.startswith(("Attach", "Detach"))


def _context(call: Call, entity: Entity | None) -> dict[str, str | Sequence[str]]:
    """IAM's condition keys: tags, the policy that is attached, the boundary that is in force."""
    parameters = call.parameters
    asked = read_form("iam", call.operation, parameters)
    tags = {tag["Key"]: tag["Value"] for tag in _asked_tags(call)}
    context: dict[str, str | Sequence[str]] = {
        f"aws:RequestTag/{key}": value for key, value in tags.items()
    }
    names = [*tags, *asked.get("TagKeys", ())]
    if names:
        context["aws:TagKeys"] = names
    for key, value in entity.tags.items() if entity is not None else ():
        context[f"aws:ResourceTag/{key}"] = context[f"iam:ResourceTag/{key}"] = value
    if "AWSServiceName" in parameters:
        context["iam:AWSServiceName"] = parameters["AWSServiceName"]
    if _attaches(call):
        context["iam:PolicyARN"] = parameters.get("PolicyArn", "")
    if _LIMITED.fullmatch(call.operation):
        boundary = parameters.get("PermissionsBoundary") or (entity and entity.boundary)
        if boundary:
            context["iam:PermissionsBoundary"] = boundary
    return context


def read_policy(document: str, kind: Any) -> Policy:
    """Compile a document of IAM's or STS's. Raises AwsError MalformedPolicyDocument."""
    try:
        return parse_policy(document, kind=kind, known_keys=known_condition_key)
    except MalformedPolicy as error:
        raise AwsError("MalformedPolicyDocument", error.reason) from None


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
