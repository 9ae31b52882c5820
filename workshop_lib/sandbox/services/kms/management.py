"""KMS's management of keys: making, describing, switching off, rotating, deleting, naming.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.request_context import request_context
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms import asymmetric
from workshop_lib.sandbox.services.kms.keys import (
    ON_DEMAND_LIMIT,
    SPECS,
    Backing,
    Family,
    Key,
    KeyPolicy,
    Material,
)
from workshop_lib.sandbox.services.kms.permissions import KeyRequest
from workshop_lib.sandbox.services.kms.policies import (
    MANAGED,
    MANAGED_DESCRIPTION,
    default_policy,
    managed_policy,
    read_policy,
    require_no_lockout,
    require_principals,
)
from workshop_lib.sandbox.services.kms.requests import Parameters, page
from workshop_lib.sandbox.services.kms.store import KeyStore

_DELETING = ("PendingDeletion", "PendingReplicaDeletion")
_MAX_ALIASES = 50
_MAX_TAGS = 50
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


class Administration:
    """The operations on keys, aliases, tags and key policies.

    ``principal_exists`` tells whether an ARN in a key policy names somebody.
    """

    def __init__(self, store: KeyStore, principal_exists: Callable[[str], bool]) -> None:
        self._store = store
        self._principal_exists = principal_exists
        self.handlers: dict[str, Callable[[KeyRequest], Parameters | None]] = {
            "CreateKey": self._create_key,
            "ReplicateKey": self._replicate_key,
            "UpdatePrimaryRegion": self._update_primary_region,
            "DescribeKey": lambda asked: {"KeyMetadata": asked.the_key.metadata()},
            "GetKeyLastUsage": self._last_usage,
            "ListKeys": self._list_keys,
            "UpdateKeyDescription": self._update_description,
            "EnableKey": self._enable_key,
            "DisableKey": self._disable_key,
            "ScheduleKeyDeletion": self._schedule_deletion,
            "CancelKeyDeletion": self._cancel_deletion,
            "EnableKeyRotation": self._enable_rotation,
            "DisableKeyRotation": self._disable_rotation,
            "GetKeyRotationStatus": self._rotation_status,
            "ListKeyRotations": self._list_rotations,
            "RotateKeyOnDemand": self._rotate_on_demand,
            "CreateAlias": self._create_alias,
            "UpdateAlias": self._update_alias,
            "DeleteAlias": self._delete_alias,
            "ListAliases": self._list_aliases,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListResourceTags": self._list_tags,
            "GetKeyPolicy": self._get_policy,
            "PutKeyPolicy": self._put_policy,
            "ListKeyPolicies": lambda asked: page(["default"], asked.values, "PolicyNames", 100),
        }

    # --- making keys -----------------------------------------------------------------------

    def _create_key(self, asked: KeyRequest) -> Parameters:
        call, values = asked.call, asked.values
        spec, usage = _spec_and_usage(values)
        origin = values.get("Origin", "AWS_KMS")
        if origin == "EXTERNAL" and spec.startswith("ML_DSA_"):
            message = f"KeySpec {spec} is not supported for Origin EXTERNAL"
            raise AwsError("ValidationException", message)
        if origin not in ("AWS_KMS", "EXTERNAL") or {"CustomKeyStoreId", "XksKeyId"} & set(values):
            raise NotEmulated("The sandbox does not emulate custom key stores.")
        if origin == "EXTERNAL" and spec.startswith("ML_KEM_"):
            raise NotEmulated(f"The sandbox does not import key material of the spec {spec}.")
        tags = _tags(values, {})
        policy = self._policy(asked, f"arn:aws:kms:{call.region}:{call.account}:key/new")
        multi_region = bool(values.get("MultiRegion"))
        id = self._store.new_id(multi_region)
        key = Key(
            id=id, region=call.region, account=call.account, spec=spec, usage=usage, origin=origin,
            manager="CUSTOMER", description=values.get("Description", ""), policy=policy,
            backing=_backing(id, spec, imported=origin == "EXTERNAL"), created=clock.now(),
            tags=tags, family=Family(call.region, [call.region]) if multi_region else None,
        )  # fmt: skip
        self._store.add(key)
        asked.key = key
        return {"KeyMetadata": key.metadata()}

    def _policy(self, asked: KeyRequest, arn: str) -> KeyPolicy:
        call, values = asked.call, asked.values
        if "Policy" not in values:
            return read_policy(default_policy(call.account))
        policy = read_policy(values["Policy"])
        require_principals(policy, self._principal_exists)
        if not values.get("BypassPolicyLockoutSafetyCheck"):
            principal = call.caller.principal
            context = {**request_context(call), "kms:CallerAccount": principal.account or ""}
            require_no_lockout(policy, principal, arn, context)
        return policy

    def managed_key(self, service: str, region: str) -> Key:
        """The AWS managed key of a service ("s3"), made on first use.

        https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
        """
        name, store = f"alias/aws/{service}", self._store
        alias = store.alias(region, name)
        if alias is not None:
            return store.find(region, alias.key_id)
        id = store.new_id(False, f"{name} {region}")
        key = Key(
            id=id, region=region, account=store.account, spec="SYMMETRIC_DEFAULT",
            usage="ENCRYPT_DECRYPT", origin="AWS_KMS", manager="AWS",
            description=MANAGED_DESCRIPTION[service],
            policy=read_policy(managed_policy(service, store.account, region)),
            backing=_backing(id, "SYMMETRIC_DEFAULT", imported=False), created=clock.now(),
        )  # fmt: skip
        key.backing.schedule(365, key.created)
        store.add(key)
        store.add_alias(key, name)
        return key

    def _replicate_key(self, asked: KeyRequest) -> Parameters:
        key, values = asked.the_key, asked.values
        key.require_usable()
        region, family = values["ReplicaRegion"], key.family
        if family is None or not key.primary:
            raise not_primary(key)
        if self._store.get(region, key.id) is not None:
            arn = key.arn.replace(f":{key.region}:", f":{region}:")
            raise AwsError("AlreadyExistsException", f"Key '{arn}' already exists")
        replica = Key(
            id=key.id, region=region, account=key.account, spec=key.spec, usage=key.usage,
            origin=key.origin, manager=key.manager, description=values.get("Description", ""),
            policy=self._policy(asked, key.arn), created=clock.now(), tags=_tags(values, {}),
            backing=key.backing.empty_copy() if key.backing.imported else key.backing,
            family=family,
        )  # fmt: skip
        self._store.add(replica)
        family.regions.append(region)
        return {
            "ReplicaKeyMetadata": {**replica.metadata(), "KeyState": "Creating", "Enabled": False},
            "ReplicaPolicy": replica.policy.document,
            **({"ReplicaTags": _tag_list(replica.tags)} if replica.tags else {}),
        }

    def _update_primary_region(self, asked: KeyRequest) -> None:
        key, region = asked.the_key, asked.values["PrimaryRegion"]
        key.require_usable()
        if key.family is None or not key.primary:
            raise not_primary(key)
        replica = self._store.get(region, key.id)
        if replica is None:
            arn = key.arn.replace(f":{key.region}:", f":{region}:")
            raise AwsError("NotFoundException", f"Key '{arn}' does not exist")
        replica.require_usable()
        key.family.primary = region

    def _last_usage(self, asked: KeyRequest) -> Parameters:
        """Known at once; AWS takes up to an hour. It has looked on since the key was made.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html
        """
        key, last = asked.the_key, asked.the_key.last_use
        usage: Parameters = {}
        if last is not None:
            usage = {
                "Operation": last.name,
                "Timestamp": last.time.replace(microsecond=0),
                "CloudTrailEventId": last.event_id,
                "KmsRequestId": last.request_id,
            }
        return {
            "KeyId": key.id,
            "KeyLastUsage": usage,
            "TrackingStartDate": key.created,
            "KeyCreationDate": key.created,
        }

    def _list_keys(self, asked: KeyRequest) -> Parameters:
        keys = [{"KeyId": k.id, "KeyArn": k.arn} for k in self._store.keys(asked.call.region)]
        return page(keys, asked.values, "Keys", 100)

    def _update_description(self, asked: KeyRequest) -> None:
        key = asked.the_key
        key.refuse_states(key.state, *_DELETING)
        key.description = asked.values["Description"]

    # --- states ----------------------------------------------------------------------------

    def _enable_key(self, asked: KeyRequest) -> None:
        key = asked.the_key
        key.refuse_states(key.state, *_DELETING, "PendingImport")
        key.enabled = True
        if key.primary:
            key.backing.catch_up(clock.now())

    def _disable_key(self, asked: KeyRequest) -> None:
        key = asked.the_key
        key.refuse_states(key.state, *_DELETING, "PendingImport")
        key.enabled = False

    def _schedule_deletion(self, asked: KeyRequest) -> Parameters:
        key = asked.the_key
        key.refuse_states(key.state, *_DELETING)
        days = asked.values.get("PendingWindowInDays", 30)
        key.enabled, key.deletion_days = False, days
        found: Parameters = {"KeyId": key.arn, "PendingWindowInDays": days}
        if not key.primary or len(list(self._store.replicas(key))) == 1:
            key.deletion_date = found["DeletionDate"] = clock.now() + timedelta(days=days)
        return {**found, "KeyState": key.state}

    def _cancel_deletion(self, asked: KeyRequest) -> Parameters:
        key = asked.the_key
        if key.state not in _DELETING:
            raise AwsError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
        key.deletion_days = key.deletion_date = None
        return {"KeyId": key.arn}

    # --- rotation --------------------------------------------------------------------------

    def _enable_rotation(self, asked: KeyRequest) -> None:
        key = asked.the_key
        _require_rotatable(key)
        key.backing.schedule(asked.values.get("RotationPeriodInDays", 365), clock.now())

    def _disable_rotation(self, asked: KeyRequest) -> None:
        key = asked.the_key
        _require_rotatable(key)
        key.backing.schedule(None, clock.now())

    def _rotation_status(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html"""
        key = asked.the_key
        require_origin(key, "AWS_KMS")
        on = key.backing.next_rotation is not None and key.state not in _DELETING
        found: Parameters = {"KeyId": key.id, "KeyRotationEnabled": on}
        if on:
            found["RotationPeriodInDays"] = key.backing.rotation_days
            found["NextRotationDate"] = key.backing.next_rotation
        return found

    def _list_rotations(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html"""
        key, values = asked.the_key, asked.values
        _require_symmetric(key)
        whole = values.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
        entries = [
            _rotation_entry(key, material)
            for material in key.backing.materials
            if whole or material.rotation is not None
        ]
        if whole and key.backing.pending is not None:
            pending = _rotation_entry(key, key.backing.pending)
            state = "PENDING_ROTATION"
            if not self._imported_everywhere(key):
                state = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
            entries.append({**pending, "KeyMaterialState": state})
        return page(entries, values, "Rotations", 100)

    def _rotate_on_demand(self, asked: KeyRequest) -> Parameters:
        """https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html"""
        key = asked.the_key
        key.require_usable()
        _require_symmetric(key)
        _require_primary(key)
        if key.backing.on_demand_rotations >= ON_DEMAND_LIMIT:
            raise AwsError(
                "LimitExceededException",
                f"The on-demand rotations limit has been reached for the given keyId. No more "
                f"on-demand rotations can be performed for this key: {key.arn}",
            )
        if key.backing.imported and not self._imported_everywhere(key):
            raise AwsError(
                "KMSInvalidStateException",
                f"No available key material pending rotation for the key: {key.arn}.",
            )
        # Looked up before: whoever looks a key up after its rotation records that.
        replicas, now = [*self._store.replicas(key)], clock.now()
        key.backing.rotate(now, "ON_DEMAND")
        for replica in replicas:
            if replica.backing is not key.backing:
                replica.backing.rotate(now, "ON_DEMAND")
                replica.backing.recorded_rotations += 1  # by the primary key
        return {"KeyId": key.arn}

    def _imported_everywhere(self, key: Key) -> bool:
        """Whether the material that is pending rotation is imported in all the key's Regions.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html
        """
        waiting = [each.backing.pending for each in self._store.replicas(key)]
        return all(material is not None and material.secret for material in waiting)

    # --- aliases ---------------------------------------------------------------------------

    def _create_alias(self, asked: KeyRequest) -> None:
        key, name = asked.the_key, asked.values["AliasName"]
        if self._store.alias(key.region, name) is not None:
            arn = self._store.alias_arn(key.region, name)
            raise AwsError("AlreadyExistsException", f"An alias with the name {arn} already exists")
        key.refuse_states(key.state, *_DELETING)
        self._require_room(key)
        self._store.add_alias(key, name)

    def _update_alias(self, asked: KeyRequest) -> None:
        key, name = asked.the_key, asked.values["AliasName"]
        alias = self._store.find_alias(key.region, name)
        present = self._store.find(key.region, alias.key_id)
        kinds = [(k.symmetric, k.spec.startswith("HMAC"), k.usage) for k in (present, key)]
        if kinds[0] != kinds[1]:
            raise AwsError(
                "ValidationException",
                f"Alias {alias.arn} cannot be changed: the current and the new KMS key must be the "
                "same type and have the same key usage.",
            )
        key.refuse_states(key.state, *_DELETING)
        if alias.key_id != key.id:
            self._require_room(key)
        self._store.move(key, alias)

    def _require_room(self, key: Key) -> None:
        """https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""
        used = len(self._store.alias_names(key))
        if used >= _MAX_ALIASES:
            raise AwsError(
                "LimitExceededException",
                f"Aliases per key quota for this account in this region is {_MAX_ALIASES}, current "
                f"usage is {used}.",
            )

    def _delete_alias(self, asked: KeyRequest) -> None:
        name, region = asked.values["AliasName"], asked.call.region
        self._store.find_alias(region, name)
        self._store.remove_alias(region, name)

    def _list_aliases(self, asked: KeyRequest) -> Parameters:
        region = asked.call.region
        entries = [
            {
                "AliasName": alias.name,
                "AliasArn": alias.arn,
                "TargetKeyId": alias.key_id,
                "CreationDate": alias.created,
                "LastUpdatedDate": alias.updated,
            }
            for alias in self._store.aliases(region, asked.key)
        ]
        if asked.key is None:
            entries += self._predefined_aliases(region)
        return page(sorted(entries, key=_alias_name), asked.values, "Aliases", 50)

    def _predefined_aliases(self, region: str) -> list[dict[str, Any]]:
        """AWS's own aliases that have no key yet."""
        names = [f"alias/aws/{service}" for service in MANAGED]
        return [
            {"AliasName": name, "AliasArn": self._store.alias_arn(region, name)}
            for name in names
            if self._store.alias(region, name) is None
        ]

    # --- tags and policies -----------------------------------------------------------------

    def _tag(self, asked: KeyRequest) -> None:
        key = asked.the_key
        key.refuse_states(key.state, *_DELETING)
        key.tags = _tags(asked.values, key.tags)

    def _untag(self, asked: KeyRequest) -> None:
        key, names = asked.the_key, set(asked.values["TagKeys"])
        key.refuse_states(key.state, *_DELETING)
        key.tags = {name: value for name, value in key.tags.items() if name not in names}

    def _list_tags(self, asked: KeyRequest) -> Parameters:
        return page(_tag_list(asked.the_key.tags), asked.values, "Tags", 50)

    def _get_policy(self, asked: KeyRequest) -> Parameters:
        _require_default(asked.values)
        return {"Policy": asked.the_key.policy.document, "PolicyName": "default"}

    def _put_policy(self, asked: KeyRequest) -> None:
        _require_default(asked.values)
        asked.the_key.policy = self._policy(asked, asked.the_key.arn)


def _spec_and_usage(values: Parameters) -> tuple[str, str]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html"""
    old, new = values.get("CustomerMasterKeySpec"), values.get("KeySpec")
    if old and new:
        raise AwsError(
            "ValidationException",
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
            "CustomerMasterKeySpec is deprecated.",
        )
    spec = new or old or "SYMMETRIC_DEFAULT"
    usage = values.get("KeyUsage")
    if spec not in SPECS:
        raise NotEmulated(f"The sandbox does not emulate KMS keys of the spec {spec}.")
    if usage is None and spec != "SYMMETRIC_DEFAULT":
        raise AwsError(
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption "
            "keys.",
        )
    usage = usage or "ENCRYPT_DECRYPT"
    if usage not in SPECS[spec]:
        raise AwsError(
            "ValidationException", f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        )
    return spec, usage


def _backing(id: str, spec: str, *, imported: bool) -> Backing:
    backing = Backing(id, spec, imported)
    if not imported and (spec == "SYMMETRIC_DEFAULT" or spec.startswith("HMAC")):
        backing.add(asymmetric.new_secret(spec))
    return backing


def _unsupported(key: Key, why: str) -> AwsError:
    return AwsError("UnsupportedOperationException", f"{key.arn} {why}.")


def not_primary(key: Key) -> AwsError:
    """The refusal of what only a primary key takes. AWS writes the word in small letters."""
    return _unsupported(key, "is not a multi-region primary key")


def require_origin(key: Key, origin: str) -> None:
    """Raise AwsError UnsupportedOperationException for a key of the other origin."""
    if key.origin != origin:
        raise _unsupported(key, f"origin is {key.origin} which is not valid for this operation")


def _require_symmetric(key: Key) -> None:
    if not key.symmetric:
        raise AwsError("UnsupportedOperationException", "")


def _require_primary(key: Key) -> None:
    if not key.primary:
        raise not_primary(key)


def _require_rotatable(key: Key) -> None:
    _require_symmetric(key)
    require_origin(key, "AWS_KMS")
    _require_primary(key)
    key.require_usable()


def _rotation_entry(key: Key, material: Material) -> Parameters:
    current = material is key.backing.current
    found: Parameters = {
        "KeyId": key.id,
        "KeyMaterialId": material.id,
        "KeyMaterialState": "CURRENT" if current else "NON_CURRENT",
    }
    if key.backing.imported:
        found["ImportState"] = "IMPORTED" if material.secret is not None else "PENDING_IMPORT"
        if material.expires is not None:
            found["ExpirationModel"] = "KEY_MATERIAL_EXPIRES"
            found["ValidTo"] = material.expires
        elif material.secret is not None:
            found["ExpirationModel"] = "KEY_MATERIAL_DOES_NOT_EXPIRE"
        if material.description is not None:
            found["KeyMaterialDescription"] = material.description
    if material.rotation is not None:
        found["RotationDate"], found["RotationType"] = material.rotated, material.rotation
    return found


def _require_default(values: Parameters) -> None:
    if values.get("PolicyName", "default") != "default":
        raise AwsError("NotFoundException", "No such policy exists")


def _tags(values: Parameters, present: Mapping[str, str]) -> dict[str, str]:
    """The tags after adding the request's to ``present``.

    https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html
    """
    names: Sequence[str] = [tag["TagKey"] for tag in values.get("Tags", ())]
    if len(set(names)) < len(names):
        raise AwsError("TagException", "Duplicate tag keys")
    if any(name.lower().startswith("aws:") for name in names):
        raise AwsError("TagException", "Tags beginning with aws: are reserved")
    texts = [text for tag in values.get("Tags", ()) for text in tag.values()]
    if not all(_TAG_TEXT.fullmatch(text) for text in texts):
        raise AwsError("TagException", "Invalid tag")
    merged = {**present, **{tag["TagKey"]: tag["TagValue"] for tag in values.get("Tags", ())}}
    if len(merged) > _MAX_TAGS:
        raise AwsError("TagException", "Too many tags")
    return merged


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": name, "TagValue": value} for name, value in tags.items()]


def _alias_name(entry: Mapping[str, Any]) -> str:
    return str(entry["AliasName"])
