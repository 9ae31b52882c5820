"""IAM's entities: which must be there for a call, what AWS says where they are not, what it tells.

Sentences as in answers of AWS that LocalStack's public snapshots of IAM hold (recorded 2026-02).
https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

import re
from collections.abc import Mapping
from typing import Any

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response

# The parameter that names an entity, the entity's kind, and where moto keeps it.
ENTITIES = (
    ("GroupName", "group", "groups"),
    ("UserName", "user", "users"),
    ("RoleName", "role", "roles"),
)
_KEYS_PER_USER = 2  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_INLINE = re.compile(r"(?:Get|Delete)(User|Role|Group)Policy")
_VERSIONS = ("DeletePolicyVersion", "GetPolicyVersion", "SetDefaultPolicyVersion")
# How the sentence about a policy that is not there ends; in these operations otherwise.
_NOT_ATTACHABLE, _NOT_FOUND = "does not exist or is not attachable.", "was not found."
_FIND = ("GetPolicy", "ListPolicyTags", "TagPolicy", "UntagPolicy")

# What the answers leave out, by operation: moto tells everything it knows.
_UNTOLD: dict[str, tuple[str, ...]] = {
    "CreateRole": ("Description", "MaxSessionDuration", "RoleLastUsed"),
    "UpdateRoleDescription": ("MaxSessionDuration", "RoleLastUsed"),
    "ListRoles": ("Tags", "PermissionsBoundary", "RoleLastUsed"),
    "ListUsers": ("Tags", "PermissionsBoundary"),
    "CreatePolicyVersion": ("Document",),
    "ListPolicyVersions": ("Document",),
}


def find(iam: Any, kept: str, name: str) -> Any:
    """The entity of that name among those that moto keeps there; None where there is none."""
    return next((each for each in getattr(iam, kept).values() if each.name == name), None)


def require(iam: Any, operation: str, parameters: Mapping[str, str]) -> None:
    """Refuse a call about what does not exist, or exists already. Raises AwsError.

    ``iam`` is moto's backend.
    """
    new = operation.removeprefix("Create") if operation.startswith("Create") else ""
    for parameter, kind, kept in ENTITIES:
        name = parameters.get(parameter)
        if name is None:
            continue
        entity = find(iam, kept, name)
        if new == kind.capitalize():
            if entity is not None:
                raise _taken(f"{new} with name {name} already exists.")
        elif entity is None:
            raise _missing(f"The {kind} with name {name} cannot be found.")
        elif kind == "user":
            _require_of_user(operation, parameters, entity)
        elif operation == "RemoveRoleFromInstanceProfile":
            _require_in_profile(iam, parameters["InstanceProfileName"], entity)
        elif operation == "DeleteGroup" and entity.users:
            raise _in_use("Cannot delete entity, must remove users from group first.")
    _require_policies(iam, operation, parameters)


def _require_of_user(operation: str, parameters: Mapping[str, str], user: Any) -> None:
    """A user's access keys and login profile."""
    keys = [key.access_key_id for key in user.access_keys]
    if operation == "DeleteUser" and keys and not (user.policies or user.managed_policies):
        raise _in_use("Cannot delete entity, must delete access keys first.")
    if operation == "CreateAccessKey" and len(keys) >= _KEYS_PER_USER:
        message = f"Cannot exceed quota for AccessKeysPerUser: {_KEYS_PER_USER}"
        raise AwsError("LimitExceeded", message, 409)
    if operation in ("DeleteAccessKey", "UpdateAccessKey"):
        key = parameters["AccessKeyId"]
        if key not in keys:
            raise _missing(f"The Access Key with id {key} cannot be found.")
    if operation == "CreateLoginProfile" and user.password:
        raise _taken(f"Login Profile for user {user.name} already exists.")
    if operation.endswith("LoginProfile") and operation[:6] != "Create" and not user.password:
        raise _missing(f"Login Profile for User {user.name} cannot be found.")


def _require_in_profile(iam: Any, name: str, role: Any) -> None:
    """AWS's sentence is not public."""
    profile = find(iam, "instance_profiles", name)
    if profile is not None and role not in profile.roles:
        raise _missing(f"Role {role.name} in Instance Profile {name} cannot be found.")


def _require_policies(iam: Any, operation: str, parameters: Mapping[str, str]) -> None:
    inline = _INLINE.fullmatch(operation)
    if inline is not None:
        kind, name = inline[1], parameters["PolicyName"]
        entity = find(iam, f"{kind.lower()}s", parameters[f"{kind}Name"])
        if name not in entity.policies:
            raise _missing(f"The {kind.lower()} policy with name {name} cannot be found.")
    arn = parameters.get("PolicyArn")
    if arn is None:
        return
    policy = iam.managed_policies.get(arn)
    version = parameters.get("VersionId", "") if operation in _VERSIONS else ""
    if policy is None or (version and version not in [v.version_id for v in policy.versions]):
        end = _NOT_FOUND if operation in _FIND else _NOT_ATTACHABLE
        raise _missing(
            " ".join(filter(None, ["Policy", arn, version and f"version {version}", end]))
        )
    if operation == "DeletePolicy" and len(policy.versions) > 1:
        raise _in_use(
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy."
        )


def _missing(message: str) -> AwsError:
    return AwsError("NoSuchEntity", message, 404)


def _in_use(message: str) -> AwsError:
    return AwsError("DeleteConflict", message, 409)


def _taken(message: str) -> AwsError:
    return AwsError("EntityAlreadyExists", message, 409)


def as_told(operation: str, response: Response) -> None:
    """Take out of moto's answer what AWS's does not have, and put versions newest first."""
    for name in _UNTOLD.get(operation, ()):
        pattern = rf"<{name}>.*?</{name}>|<{name} ?/>".encode()
        response.body = re.sub(pattern, b"", response.body, flags=re.DOTALL)
    if operation == "ListPolicyVersions":
        found = re.search(rb"<Versions>(.*)</Versions>", response.body, re.DOTALL)
        if found:
            each = re.findall(rb"<member>.*?</member>", found[1], re.DOTALL)
            response.body = response.body.replace(found[1], b"".join(reversed(each)))
