"""IAM's entities: which must be there for a call, and what AWS says where they are not.

Sentences as in answers of AWS that LocalStack's public snapshots of IAM hold (recorded 2026-02).
https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import cast

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.moto_backend.iam import EntityKind, Group, IamStore, User
from workshop_lib.sandbox.protocol.errors import AwsError

# The parameter that names an entity, and the entity's kind.
ENTITIES: tuple[tuple[str, EntityKind], ...] = (
    ("GroupName", "group"),
    ("UserName", "user"),
    ("RoleName", "role"),
)
_KEYS_PER_USER, _TAGS = (
    2,
    50,
)  # https://docs.aws.amazon.com/general/latest/gr/iam-service.html#limits_iam
_INLINE = re.compile(r"(?:Get|Delete)(User|Role|Group)Policy")
_VERSIONS = ("DeletePolicyVersion", "GetPolicyVersion", "SetDefaultPolicyVersion")
# How the sentence about a policy that is not there ends; in these operations otherwise.
_NOT_ATTACHABLE, _NOT_FOUND = "does not exist or is not attachable.", "was not found."
_FIND = ("DeletePolicy", "GetPolicy", "ListPolicyTags", "TagPolicy", "UntagPolicy")
# In which order those whom a call names are looked for.
_LOOKED_FOR: tuple[tuple[str, EntityKind], ...] = (
    ("UserName", "user"),
    ("GroupName", "group"),
    ("RoleName", "role"),
)
# Whom a call can rename.
_RENAMED: tuple[EntityKind, ...] = ("group", "user")
POLICY_ARN = re.compile(r"arn:[\w-]+:iam::(?:\d{12}|aws):policy/.+", re.ASCII)


def require(iam: IamStore, operation: str, parameters: Mapping[str, str]) -> None:
    """Refuse a call about what does not exist, or exists already. Raises AwsError."""
    new = operation.removeprefix("Create") if operation.startswith("Create") else ""
    for parameter, kind in _LOOKED_FOR:
        name = parameters.get(parameter)
        if name is None:
            continue
        entity = iam.find(kind, name)
        if new == kind.capitalize():
            if _is_taken(iam, kind, name):
                raise _taken(f"{new} with name {name} already exists.")
        elif entity is None:
            raise _missing(f"The {kind} with name {name} cannot be found.")
        elif isinstance(entity, User):
            _require_of_user(operation, parameters, entity)
        elif isinstance(entity, Group) and operation == "DeleteGroup" and entity.has_users:
            raise _in_use("Cannot delete entity, must remove users from group first.")
    _require_new_name(iam, operation, parameters)
    _require_profile(iam, operation, parameters)
    _require_provider(iam, operation, parameters)
    _require_policies(iam, operation, parameters)


def _require_profile(iam: IamStore, operation: str, parameters: Mapping[str, str]) -> None:
    """An instance profile, and the role that is to be taken out of it."""
    name = parameters.get("InstanceProfileName")
    if name is None or operation == "CreateInstanceProfile":
        return
    profile = iam.instance_profile(name)
    if profile is None:
        raise _missing(f"Instance Profile {name} cannot be found.")
    role = parameters.get("RoleName")
    if operation == "RemoveRoleFromInstanceProfile" and iam.role(role or "") not in profile.roles:
        raise _missing(f"Role {role} in Instance Profile {name} cannot be found.")


def _require_provider(iam: IamStore, operation: str, parameters: Mapping[str, str]) -> None:
    """Providers of identities, and certificates of servers."""
    arn = parameters.get("OpenIDConnectProviderArn", "")
    if operation == "DeleteOpenIDConnectProvider" and iam.open_id_provider(arn) is None:
        raise _missing(f"OpenId connect Provider {arn} cannot be found.")
    url = parameters.get("Url", "")
    if operation == "CreateOpenIDConnectProvider" and iam.has_open_id_provider(url):
        raise _taken(f"Provider with url {url} already exists.")
    arn = parameters.get("SAMLProviderArn", "")
    if operation in ("DeleteSAMLProvider", "GetSAMLProvider") and not iam.has_saml_provider(arn):
        raise _missing(f"Manifest not found for arn {arn}")
    name = parameters.get("ServerCertificateName", "")
    if operation == "UploadServerCertificate" and iam.has_server_certificate(name):
        raise _taken(f"The Server Certificate with name {name} already exists.")


def _require_new_name(iam: IamStore, operation: str, parameters: Mapping[str, str]) -> None:
    """The name that a user or a group is to have from now on."""
    for kind in _RENAMED:
        title = kind.capitalize()
        name = parameters.get(f"New{title}Name") if operation == f"Update{title}" else None
        present = parameters.get(f"{title}Name", "")
        if name and name.lower() != present.lower() and _is_taken(iam, kind, name):
            raise _taken(f"{title} with name {name} already exists.")


def _is_taken(iam: IamStore, kind: EntityKind, name: str) -> bool:
    """Whether there is one of that name, in capital letters or in small ones.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return any(each.name.lower() == name.lower() for each in iam.all(kind))


def _require_of_user(operation: str, parameters: Mapping[str, str], user: User) -> None:
    """A user's access keys and login profile."""
    keys, policies = user.access_key_ids, user.inline_policies or user.attached_policies
    if operation == "DeleteUser" and keys and not policies:
        raise _in_use("Cannot delete entity, must delete access keys first.")
    if operation == "CreateAccessKey" and len(keys) >= _KEYS_PER_USER:
        message = f"Cannot exceed quota for AccessKeysPerUser: {_KEYS_PER_USER}"
        raise AwsError("LimitExceeded", message, 409)
    if operation in ("DeleteAccessKey", "UpdateAccessKey"):
        key = parameters["AccessKeyId"]
        if key not in keys:
            raise _missing(f"The Access Key with id {key} cannot be found.")
    key = parameters.get("SSHPublicKeyId", "")
    if key and key not in user.ssh_public_key_ids:
        raise _missing(f"The Public Key with id {key} cannot be found.")
    if operation == "CreateLoginProfile" and user.has_password:
        raise _taken(f"Login Profile for user {user.name} already exists.")
    if operation.endswith("LoginProfile") and operation[:6] != "Create" and not user.has_password:
        raise _missing(f"Login Profile for User {user.name} cannot be found.")


def _require_policies(iam: IamStore, operation: str, parameters: Mapping[str, str]) -> None:
    inline = _INLINE.fullmatch(operation)
    if inline is not None:
        kind, name = cast(EntityKind, inline[1].lower()), parameters["PolicyName"]
        entity = iam.find(kind, parameters[f"{inline[1]}Name"])
        if entity is None or name not in entity.inline_policies:
            raise _missing(f"The {kind} policy with name {name} cannot be found.")
    arn = parameters.get("PolicyArn")
    if arn is None:
        return
    require_policy_arn(operation, arn)
    policy = iam.managed_policy(arn)
    version = parameters.get("VersionId", "") if operation in _VERSIONS else ""
    if policy is None or (version and version not in policy.version_ids):
        end = _NOT_FOUND if operation in _FIND else _NOT_ATTACHABLE
        raise _missing(
            " ".join(filter(None, ["Policy", arn, version and f"version {version}", end]))
        )
    if operation == "DeletePolicy" and len(policy.version_ids) > 1:
        raise _in_use(
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy."
        )
    if operation == "DeletePolicy" and iam.is_used(arn):
        raise _in_use("Cannot delete a policy attached to entities.")


def require_policy_arn(operation: str, arn: str) -> None:
    """Refuse what is no managed policy's ARN. Raises AwsError ValidationError."""
    attaches = operation.startswith(("Attach", "Detach"))
    if not attaches and not (arn.startswith("arn:") and arn.count(":") >= 5):
        raise AwsError("ValidationError", "Invalid ARN:  Could not be parsed!")
    if not POLICY_ARN.fullmatch(arn):
        raise AwsError("ValidationError", f"ARN {arn} is not valid.")
    if attaches:
        require_own_partition(arn)


def require_own_partition(arn: str) -> None:
    """Refuse a policy of another partition, such as China's. Raises AwsError ValidationError.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    if not arn.startswith("arn:aws:"):
        raise AwsError("ValidationError", "Invalid ARN partition")


def require_tags(operation: str, tags: Sequence[Mapping[str, str]]) -> None:
    """Refuse tag keys that are given twice; of users and roles, whatever their case.

    Raises AwsError InvalidInput; NotEmulated for a policy's tags that differ only in case.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
    """
    keys = [tag["Key"] for tag in tags]
    folded = len({key.lower() for key in keys}) < len(keys)
    if not operation.endswith("Policy"):
        if folded:
            message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
            raise AwsError("InvalidInput", message)
    elif len(set(keys)) < len(keys):
        raise AwsError("InvalidInput", "Duplicate tag keys found.")
    elif folded:
        raise NotEmulated("The sandbox does not keep a policy's tags that differ only in case.")


def require_room(present: Mapping[str, str], tags: Sequence[Mapping[str, str]]) -> None:
    """Refuse tags that are one too many beside those that are there. Raises AwsError.

    https://docs.aws.amazon.com/general/latest/gr/iam-service.html#limits_iam
    """
    keys = {key.lower() for key in present} | {tag["Key"].lower() for tag in tags}
    if len(keys) > _TAGS:
        message = "The number of tags has reached the maximum limit."
        raise AwsError("LimitExceeded", message, 409)


def _missing(message: str) -> AwsError:
    return AwsError("NoSuchEntity", message, 404)


def _in_use(message: str) -> AwsError:
    return AwsError("DeleteConflict", message, 409)


def _taken(message: str) -> AwsError:
    return AwsError("EntityAlreadyExists", message, 409)
