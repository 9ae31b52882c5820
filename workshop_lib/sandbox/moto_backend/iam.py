"""IAM's users, groups, roles, policies and access keys, as moto keeps them."""

import importlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from workshop_lib.sandbox.moto_backend.core import Moto, ReliesOnMoto, View, put

AWS_MANAGED = "arn:aws:iam::aws:policy/"


def _as_dict(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


class AccessKey(View):
    """A user's access key."""

    __slots__ = ()

    @property
    def access_key_id(self) -> str:
        """Its id."""
        return str(self._wrapped.access_key_id)

    @property
    def secret_access_key(self) -> str:
        """What it signs with."""
        return str(self._wrapped.secret_access_key)

    def set_secret(self, secret_access_key: str) -> None:
        """Let it sign with another secret."""
        put(self._wrapped, secret_access_key=secret_access_key)

    @property
    def user_name(self) -> str:
        """The user it signs for."""
        return str(self._wrapped.user_name)

    @property
    def is_active(self) -> bool:
        """Whether it may be used."""
        return bool(self._wrapped.status == "Active")


class Entity(View):
    """What users, groups, roles and managed policies have in common."""

    __slots__ = ()

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self._wrapped.arn)

    @property
    def id(self) -> str:
        """Its unique id."""
        return str(self._wrapped.id)

    def set_id(self, unique_id: str) -> None:
        """Give it another unique id."""
        put(self._wrapped, id=unique_id)

    @property
    def tags(self) -> dict[str, str]:
        """Its tags; a group has none."""
        return {}

    @property
    def boundary(self) -> str | None:
        """The ARN of its permissions boundary; None for none."""
        return None


class ManagedPolicy(Entity):
    """A managed policy and its versions."""

    __slots__ = ()

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return _as_dict(self._wrapped.tags.values())

    @property
    def version_ids(self) -> list[str]:
        """The ids of its versions."""
        return [str(version.version_id) for version in self._wrapped.versions]

    @property
    def default_document(self) -> str:
        """The document of its default version."""
        default = self._wrapped.default_version_id
        return next(
            str(version.document)
            for version in self._wrapped.versions
            if version.version_id == default
        )


class Holder(Entity):
    """What policies are put into, or attached to: a user, a group or a role."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._wrapped.name)

    @property
    def inline_policies(self) -> Mapping[str, str]:
        """The documents of its inline policies by their names."""
        policies: Mapping[str, str] = self._wrapped.policies
        return policies

    @property
    def attached_policies(self) -> list[ManagedPolicy]:
        """The managed policies that are attached to it."""
        return [ManagedPolicy(policy) for policy in self._wrapped.managed_policies.values()]


class Group(Holder):
    """A group."""

    __slots__ = ()

    @property
    def has_users(self) -> bool:
        """Whether there is anybody in it."""
        return bool(self._wrapped.users)


class User(Holder):
    """A user."""

    __slots__ = ()

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return _as_dict(self._wrapped.tags)

    @property
    def boundary(self) -> str | None:
        """The ARN of its permissions boundary; None for none."""
        boundary = getattr(self._wrapped, "permissions_boundary", None)
        return boundary["PermissionsBoundaryArn"] if boundary else None

    def set_boundary(self, arn: str | None) -> None:
        """Limit it by a policy, or by none: moto has no such thing but tells it, as a role's."""
        self._wrapped.permissions_boundary = (
            arn and {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
        )  # fmt: skip

    @property
    def access_key_ids(self) -> list[str]:
        """The ids of its access keys."""
        return [str(key.access_key_id) for key in self._wrapped.access_keys]

    def rename_keys(self) -> None:
        """Have its access keys, and all else that names it, be its own after it was renamed."""
        user = self._wrapped
        certificates = user.signing_certificates.values()
        for each in (*user.access_keys, *user.ssh_public_keys, *certificates):
            put(each, user_name=user.name)

    @property
    def ssh_public_key_ids(self) -> list[str]:
        """The ids of its public keys for SSH."""
        return [str(key.ssh_public_key_id) for key in self._wrapped.ssh_public_keys]

    @property
    def has_password(self) -> bool:
        """Whether it has a login profile."""
        return bool(self._wrapped.password)

    @property
    def password(self) -> str:
        """The password of its login profile."""
        return str(self._wrapped.password)

    @property
    def must_change_password(self) -> bool:
        """Whether it must choose another password at the next sign-in."""
        return bool(self._wrapped.password_reset_required)


class Role(Holder):
    """A role."""

    __slots__ = ()

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return _as_dict(self._wrapped.tags)

    @property
    def boundary(self) -> str | None:
        """The ARN of its permissions boundary; None for none."""
        return self._wrapped.permissions_boundary_arn or None

    @property
    def trust_policy(self) -> str:
        """The document that says who may assume it."""
        return str(self._wrapped.assume_role_policy_document)

    @property
    def description(self) -> str:
        """Its description, empty for none."""
        return self._wrapped.description or ""

    @property
    def max_session_duration(self) -> int:
        """How many seconds a session of it lasts at most."""
        return int(self._wrapped.max_session_duration or 3600)


class InstanceProfile(Entity):
    """An instance profile."""

    __slots__ = ()

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self._wrapped.arn)

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return _as_dict(self._wrapped.tags)

    @property
    def roles(self) -> list[Role]:
        """The roles in it."""
        return [Role(role) for role in self._wrapped.roles]


class OpenIdProvider(View):
    """A provider of identities by OpenID Connect."""

    __slots__ = ()

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return _as_dict(self._wrapped.tags.values())


EntityKind = Literal["user", "group", "role"]
_KINDS: tuple[EntityKind, ...] = ("user", "group", "role")


class IamStore(ReliesOnMoto):
    """moto's IAM as a store of users, groups, roles, managed policies and access keys."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    @property
    def _iam(self) -> Any:
        return self._moto._backend("iam")

    def user(self, name: str) -> User | None:
        """The user of that name; None where there is none."""
        return next((user for user in self.users() if user.name == name), None)

    def users(self) -> list[User]:
        """All users."""
        return [User(user) for user in self._iam.users.values()]

    def group(self, name: str) -> Group | None:
        """The group of that name; None where there is none."""
        return next((group for group in self.groups() if group.name == name), None)

    def groups(self) -> list[Group]:
        """All groups."""
        return [Group(group) for group in self._iam.groups.values()]

    def role(self, name: str) -> Role | None:
        """The role of that name; None where there is none."""
        return next((role for role in self.roles() if role.name == name), None)

    def roles(self) -> list[Role]:
        """All roles."""
        return [Role(role) for role in self._iam.roles.values()]

    def all(self, kind: EntityKind) -> Sequence[User | Group | Role]:
        """All users, groups or roles."""
        lists: Mapping[str, Callable[[], Sequence[User | Group | Role]]] = {
            "user": self.users, "group": self.groups, "role": self.roles,
        }  # fmt: skip
        return lists[kind]()

    def is_used(self, policy_arn: str) -> bool:
        """Whether a managed policy is attached to somebody, or limits somebody as boundary."""
        return any(
            policy_arn in (each.boundary, *(policy.arn for policy in each.attached_policies))
            for kind in _KINDS
            for each in self.all(kind)
        )

    def find(self, kind: EntityKind, name: str) -> User | Group | Role | None:
        """The user, group or role of that name; None where there is none."""
        lookups: Mapping[str, Callable[[str], User | Group | Role | None]] = {
            "user": self.user, "group": self.group, "role": self.role,
        }  # fmt: skip
        return lookups[kind](name)

    def instance_profile(self, name: str) -> InstanceProfile | None:
        """The instance profile of that name; None where there is none."""
        profiles = self._iam.instance_profiles.values()
        return next((InstanceProfile(each) for each in profiles if each.name == name), None)

    def open_id_provider(self, arn: str) -> OpenIdProvider | None:
        """The provider of identities of that ARN; None where there is none."""
        provider = self._iam.open_id_providers.get(arn)
        return None if provider is None else OpenIdProvider(provider)

    def has_open_id_provider(self, url: str) -> bool:
        """Whether there is a provider of identities at that URL."""
        found = urlsplit(url)
        providers = self._iam.open_id_providers.values()
        return bool(found.netloc) and any(
            provider.url == found.netloc + found.path for provider in providers
        )

    def has_saml_provider(self, arn: str) -> bool:
        """Whether there is a SAML provider of that ARN."""
        return any(provider.arn == arn for provider in self._iam.saml_providers.values())

    def has_server_certificate(self, name: str) -> bool:
        """Whether there is a server certificate of that name."""
        return any(each.cert_name == name for each in self._iam.certificates.values())

    # --- policies ------------------------------------------------------------------------------

    def managed_policy(self, arn: str) -> ManagedPolicy | None:
        """The managed policy of that ARN, AWS's own as well; None where there is none."""
        if arn.startswith(AWS_MANAGED):
            self._load_aws_managed_policies()
        policy = self._iam.managed_policies.get(arn)
        return None if policy is None else ManagedPolicy(policy)

    def _load_aws_managed_policies(self) -> None:
        """Make the policies that AWS itself keeps known to IAM: 0.3 s, once, when asked for."""
        iam = self._iam
        if iam.aws_managed_policies:
            return
        models = importlib.import_module("moto.iam.models")
        for name, data in json.loads(models.aws_managed_policies_data).items():
            policy = models.AWSManagedPolicy.from_data(name, self._moto.account, "aws", data)
            iam.aws_managed_policies.append(policy)
            iam.managed_policies[policy.arn] = policy

    def documents_of(self, holder: Holder) -> list[str]:
        """Its policies, inline and attached, a user's groups' as well."""
        holders = [holder]
        if isinstance(holder, User):
            holders += [Holder(group) for group in self._iam.get_groups_for_user(holder.name)]
        return [
            document
            for each in holders
            for document in (
                *each.inline_policies.values(),
                *(policy.default_document for policy in each.attached_policies),
            )
        ]

    def boundary_document(self, holder: Holder) -> str | None:
        """The document of its permissions boundary; None for none."""
        arn = holder.boundary
        return (
            None if arn is None else ManagedPolicy(self._iam.managed_policies[arn]).default_document
        )

    # --- access keys ---------------------------------------------------------------------------

    def access_key(self, access_key_id: str) -> AccessKey | None:
        """The access key of that id; None where there is none."""
        key = self._iam.access_keys.get(access_key_id)
        return None if key is None else AccessKey(key)

    def access_key_ids(self) -> list[str]:
        """The ids of all access keys."""
        return [*self._iam.access_keys]

    def create_user(
        self, name: str, unique_id: str, policy: str, access_key_id: str, secret_access_key: str
    ) -> None:
        """Make a user with one inline policy, Administrator, and one access key, which is given."""
        iam = self._iam
        self._moto.seed("administrator")
        iam.create_user("us-east-1", name)
        put(iam.get_user(name), id=unique_id)
        iam.put_user_policy(name, "Administrator", policy)
        key = iam.create_access_key(name, prefix="AKIA")
        del iam.access_keys[key.access_key_id]
        put(key, access_key_id=access_key_id, secret_access_key=secret_access_key)
        iam.access_keys[access_key_id] = key

    # --- principals ----------------------------------------------------------------------------

    def is_principal(self, arn: str) -> bool:
        """Whether an ARN can be a principal here: IAM's users and roles.

        Other accounts' and CloudFront's origin access identities are not looked at.
        """
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] not in ("iam", "sts"):
            return False
        kind, _, name = parts[5].partition("/")
        if parts[4] != self._moto.account or parts[5] == "root":
            return True
        if kind == "federated-user":  # made up by whoever federates
            return True
        if kind == "user":
            return any(user.arn == arn for user in self.users())
        if kind == "role":
            return any(role.arn == arn for role in self.roles())
        return kind == "assumed-role" and self.role(name.partition("/")[0]) is not None
