"""Every operation of every emulated service's model: it is what was asked, or refused by its name.

Parametrised from the models that botocore ships: a new botocore brings a refusal, not a surprise.
Each is asked by a user of its own, in the kernel and over HTTP, with the least that its model
requires. What is refused, and what only reads, must leave everything as it was; what changes
something is asked about resources made for it, and must leave all others. The trail may name
nothing but what was asked.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.client import Config
from botocore.exceptions import ClientError
from botocore.model import Shape

from tests.support.labs import without_kernel_transport
from workshop_lib.lab import start_lab
from workshop_lib.sandbox.backend import SandboxBackend
from workshop_lib.sandbox.protocol.service_model import service_model
from workshop_lib.sandbox.services.kept import KEPT
from workshop_lib.sandbox.services.registry import SERVICES

OPERATIONS = [
    (each.name, name) for each in SERVICES for name in service_model(each.name).operation_names
]
READS = (
    "BatchGet", "Describe", "Get", "Head", "List", "Lookup", "Query", "Scan", "Simulate",
    "TransactGet",
)  # fmt: skip
Clients = Callable[[str], Any]
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
BODY = b"as it was"


@dataclass
class World:
    """A lab with something of everything in it, and a user who asks by one transport."""

    service: str
    admin: Clients
    asker: Any
    asked_about: Mapping[str, Any]
    names: list[str]
    lasting: Mapping[str, Any]
    emulated: frozenset[str]
    made: int = 0
    spoiled: bool = False
    told: set[str] = field(default_factory=set)

    def fresh(self) -> Mapping[str, Any]:
        """Resources for one operation that changes something."""
        self.made += 1
        return make(self.admin, self.service, f"fresh-{self.made}")

    def recorded(self) -> set[str]:
        """What the trail says, since it was last asked, that the asker asked for."""
        events = self.admin("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "asker"}],
            MaxResults=10,
        )["Events"]
        new = [each for each in events if each["EventId"] not in self.told]
        self.told.update(each["EventId"] for each in new)
        documents = [json.loads(each["CloudTrailEvent"]) for each in new]
        return {each["eventName"] for each in documents if "invokedBy" not in each["userIdentity"]}


def document(**more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{**ALLOW_ALL, **more}]})


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def make(admin: Clients, service: str, name: str) -> dict[str, Any]:
    """Make what a service's operations are about; the parameters that name it."""
    if service == "s3":
        s3 = admin("s3")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="key", Body=BODY)
        return {"Bucket": name, "Key": "key", "CopySource": "bystander/key",
                "RenameSource": "key"}  # fmt: skip
    if service.startswith("dynamodb"):
        dynamodb = admin("dynamodb")
        told = dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]
        dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "text": {"S": "as it was"}})
        arn, stream = told["TableArn"], told["LatestStreamArn"]
        return {
            "TableName": name, "TableArn": arn, "ResourceArn": arn, "SourceTableName": name,
            "StreamArn": stream, "BackupName": name, "TargetTableName": f"{name}-target",
            "Statement": f'SELECT * FROM "{name}"', "Policy": document(Principal="*"),
        }  # fmt: skip
    if service == "kms":
        kms = admin("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
        blob = kms.encrypt(KeyId=key, Plaintext=BODY)["CiphertextBlob"]
        policy = json.loads(document(Principal={"AWS": "arn:aws:iam::123456789012:root"}))
        return {
            "KeyId": key, "TargetKeyId": key, "AliasName": f"alias/{name}", "CiphertextBlob": blob,
            "DestinationKeyId": key, "GranteePrincipal": "arn:aws:iam::123456789012:user/asker",
            "Policy": json.dumps(policy),
        }  # fmt: skip
    if service in ("iam", "sts"):
        iam = admin("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=document())
        iam.create_group(GroupName=name)
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        policy = iam.create_policy(PolicyName=name, PolicyDocument=document())["Policy"]["Arn"]
        return {
            "UserName": name, "GroupName": name, "RoleName": name, "PolicyName": name,
            "PolicyArn": policy, "RoleArn": role, "PolicySourceArn": role,
            "PolicyDocument": document(), "AssumeRolePolicyDocument": TRUST, "Name": name,
            "PermissionsBoundary": policy, "AWSServiceName": "dax.amazonaws.com",
            "AccessKeyId": key, "ActionName": "s3:GetObject",
        }  # fmt: skip
    if service == "organizations":
        organizations = admin("organizations")
        with contextlib.suppress(organizations.exceptions.AlreadyInOrganizationException):
            organizations.create_organization()
        root = organizations.list_roots()["Roots"][0]["Id"]
        with contextlib.suppress(organizations.exceptions.PolicyTypeAlreadyEnabledException):
            organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
        unit = organizations.create_organizational_unit(ParentId=root, Name=name)
        made = organizations.create_policy(
            Name=name, Description="", Type="SERVICE_CONTROL_POLICY", Content=document()
        )["Policy"]["PolicySummary"]["Id"]
        id = unit["OrganizationalUnit"]["Id"]
        organizations.attach_policy(PolicyId=made, TargetId=id)
        return {
            "OrganizationalUnitId": id, "ParentId": id, "ChildId": id, "TargetId": id,
            "PolicyId": made, "RootId": root, "AccountId": "123456789012", "Name": f"{name}-new",
            "SourceParentId": root, "DestinationParentId": id, "Content": document(),
            "Id": "123456789012",
        }  # fmt: skip
    return {}


def picture(admin: Clients, service: str) -> tuple[list[str], dict[str, Any]]:
    """The names of all that a service keeps, and what is kept under the lasting ones."""
    if service == "s3":
        s3 = admin("s3")
        names = [each["Name"] for each in s3.list_buckets()["Buckets"]]
        return names, {name: bucket_picture(s3, name) for name in names if name in LASTING}
    if service.startswith("dynamodb"):
        dynamodb = admin("dynamodb")
        names = dynamodb.list_tables()["TableNames"]
        return names, {name: table_picture(dynamodb, name) for name in names if name in LASTING}
    if service == "kms":
        kms = admin("kms")
        keys = {
            each["AliasName"].removeprefix("alias/"): each["TargetKeyId"]
            for each in kms.list_aliases()["Aliases"]
            if "TargetKeyId" in each
        }
        return [*keys], {name: key_picture(kms, keys[name]) for name in keys if name in LASTING}
    if service in ("iam", "sts"):
        told = admin("iam").get_account_authorization_details()
        entities = {
            f"{kind}/{each[name]}": each
            for kind, name in IAM_DETAILS.items()
            for each in told[kind]
        }
        return [*entities], {
            name: entity for name, entity in entities.items() if name.rpartition("/")[2] in LASTING
        }
    if service == "organizations":
        organizations = admin("organizations")
        root = organizations.list_roots()["Roots"][0]["Id"]
        units = organizations.list_organizational_units_for_parent(ParentId=root)
        policies = organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
        told = {each["Name"]: each for each in (*units["OrganizationalUnits"], *policies)}
        return [*told], {name: told[name] for name in told if name in LASTING}
    return [], {}


LASTING = ("bystander", "asked-about")
IAM_DETAILS = {
    "UserDetailList": "UserName",
    "GroupDetailList": "GroupName",
    "RoleDetailList": "RoleName",
    "Policies": "Arn",
}


def bucket_picture(s3: Any, bucket: str) -> list[Any]:
    versions = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    return [
        (v["Key"], v["LastModified"], s3.get_object(Bucket=bucket, Key=v["Key"])["Body"].read())
        for v in versions
    ]


def table_picture(dynamodb: Any, table: str) -> tuple[Any, ...]:
    told = dynamodb.describe_table(TableName=table)["Table"]
    return told["TableStatus"], told["LatestStreamArn"], dynamodb.scan(TableName=table)["Items"]


def key_picture(kms: Any, key: str) -> tuple[Any, ...]:
    return (
        kms.describe_key(KeyId=key)["KeyMetadata"],
        kms.list_grants(KeyId=key)["Grants"],
        kms.get_key_policy(KeyId=key)["Policy"],
    )


def open_world(service: str, transport: str) -> World:
    """A new lab, which takes the place of the one before."""
    lab = start_lab()
    address = lab.serve()
    admin: Clients = lru_cache(lab.session().client)
    iam = admin("iam")
    iam.create_user(UserName="asker")
    iam.put_user_policy(UserName="asker", PolicyName="all", PolicyDocument=document())
    key = iam.create_access_key(UserName="asker")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    asker = session.client(
        service,
        endpoint_url=address if transport == "http" else None,
        # nothing in front of the address of a transport
        config=Config(inject_host_prefix=transport == "kernel", retries={"total_max_attempts": 1}),
    )
    make(admin, service, "bystander")
    asked_about = make(admin, service, "asked-about")
    current = SandboxBackend._current
    assert current is not None
    services = current._gateway._services
    emulated = frozenset(
        next(services[each].operations for each in services if each.name == service)
    )
    return World(service, admin, asker, asked_about, *picture(admin, service), emulated)


@pytest.fixture(scope="module")
def worlds() -> Callable[[str, str], World]:
    """The world of a service and a transport, kept until it is crowded or spoiled."""
    opened = lru_cache(maxsize=1)(open_world)

    def find(service: str, transport: str) -> World:
        if opened(service, transport).spoiled or opened(service, transport).made >= 15:
            opened.cache_clear()
        return opened(service, transport)

    return find


# --- the least that a model requires ------------------------------------------------------

_ITEM = {"id": {"S": "1"}}
_NESTED: dict[str, Any] = {
    "Key": _ITEM,
    "Item": _ITEM,
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}
# Of structures that require nothing: the member that makes something of them.
_MEMBERS = {"WriteRequest": ["DeleteRequest"], "TransactWriteItem": ["Delete"]}
# Beyond what the model requires, so that the operation has something to do.
_MORE: dict[str, dict[str, Any]] = {
    "GenerateDataKey": {"KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
    "GenerateRandom": {"NumberOfBytes": 8},
    "Query": {
        "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": {"S": "1"}},
    },
    "CreateTable": {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _NESTED["KeySchema"],
        "AttributeDefinitions": _NESTED["AttributeDefinitions"],
    },
}


def least(shape: Shape | None, names: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that an operation cannot do without."""
    if shape is None:
        return {}
    return {name: value_of(shape.members[name], name, names) for name in shape.required_members}


def value_of(shape: Any, name: str, names: Mapping[str, Any]) -> Any:
    kind = shape.type_name
    if name in _NESTED and kind in ("map", "list"):
        return _NESTED[name]
    if name in names and kind in ("string", "blob"):
        return names[name]
    if kind == "structure":
        members = shape.required_members or _MEMBERS.get(shape.name, [])
        if shape.is_tagged_union:
            members = [*shape.members][:1]
        return {each: value_of(shape.members[each], each, names) for each in members}
    if kind == "list":
        return [value_of(shape.member, name.removesuffix("s"), names)]
    if kind == "map":
        key = names.get("TableName", value_of(shape.key, name, names))
        return {key: value_of(shape.value, name, names)}
    return scalar_of(shape)


def scalar_of(shape: Any) -> Any:
    kind = shape.type_name
    if kind == "timestamp":
        return datetime(2030, 1, 1, tzinfo=UTC)
    if kind == "boolean":
        return True
    if kind in ("integer", "long", "float", "double"):
        return max(1, shape.metadata.get("min", 1))
    if kind == "string" and shape.enum:
        return shape.enum[0]
    text = "x" * max(1, shape.metadata.get("min", 1))
    return text.encode() if kind == "blob" else text


# --- the tests ----------------------------------------------------------------------------


def bare(name: str) -> str:
    """A name as CloudTrail and S3's older operations may have it: GetBucketLifecycle."""
    return name.replace("Bucket", "").replace("Configuration", "")


@pytest.mark.parametrize(
    ("transport", "service", "operation"),
    [(transport, *each) for transport in ("kernel", "http") for each in OPERATIONS],
)
def test_it_is_the_operation_that_was_asked_for(
    worlds: Callable[[str, str], World], transport: str, service: str, operation: str
) -> None:
    world, http = worlds(service, transport), transport == "http"
    world.spoiled = True  # until everything was found in order
    emulated = {operation, f"{operation}Configuration"} & world.emulated
    changes = bool(emulated) and not operation.startswith(READS)
    names = world.fresh() if changes else world.asked_about
    model = service_model(service).operation_model(operation)
    parameters = {**least(model.input_shape, names), **_MORE.get(operation, {})}
    ask = getattr(world.asker, xform_name(operation))
    with without_kernel_transport() if http else contextlib.nullcontext():
        if emulated:
            with contextlib.suppress(ClientError):
                ask(**parameters)
        elif http:
            with pytest.raises(ClientError, match=f"{service}:{operation}\\b") as caught:
                ask(**parameters)
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        else:
            with pytest.raises(NotImplementedError, match=f"{service}:{operation}\\b"):
                ask(**parameters)
    names_before = world.names
    world.names, lasting = picture(world.admin, service)
    assert lasting == world.lasting
    assert changes or world.names == names_before
    told = {bare(each) for each in world.recorded()}
    assert told <= ({bare(operation)} if emulated else set())
    world.spoiled = False


@pytest.mark.parametrize(("service", "operation"), KEPT)
def test_what_is_kept_and_not_acted_on_is_an_operation(service: str, operation: str) -> None:
    assert (service, operation) in OPERATIONS
