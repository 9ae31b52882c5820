"""Requests that are not built as the service's model says are refused; none breaks the gateway."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.loaders import Loader
from hypothesis import given, settings
from hypothesis import strategies as st

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.protocol.messages import Request, Response

ADMINISTRATOR = Credentials("AKIATESTADMINISTRATOR", "the/secret+of/a+test")
TARGETS = {"cloudtrail": "CloudTrail_20131101", "dynamodbstreams": "DynamoDBStreams_20120810"}
HOSTS = {"dynamodbstreams": "streams.dynamodb.us-east-1", "iam": "iam", "sts": "sts.us-east-1"}
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway(ADMINISTRATOR)


def ask(gateway: Gateway, service: str, operation: str, parameters: dict[str, Any]) -> Response:
    scope = f"{ADMINISTRATOR.access_key_id}/20260101/us-east-1/{service}/aws4_request"
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x",
        "x-amz-date": "20260101T000000Z",
    }
    if service in TARGETS:
        headers["x-amz-target"] = f"{TARGETS[service]}.{operation}"
        body = json.dumps(parameters)
    else:
        headers["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode({"Action": operation, "Version": VERSIONS[service], **parameters})
    host = f"{HOSTS.get(service, f'{service}.us-east-1')}.amazonaws.com"
    return gateway.handle(Request("POST", "https", host, "/", "", headers, body.encode()))


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "told"),
    [
        ("iam", "GetRole", {}, "Value at 'roleName' failed to satisfy constraint: "
                               "Member must not be null"),
        ("iam", "ListUsers", {"MaxItems": "many"}, "MalformedInput"),
        ("iam", "GetRole", {"RoleName": ""}, "Member must have length greater than or equal to 1"),
        ("cloudtrail", "LookupEvents", {"StartTime": "noon"}, "SerializationException"),
        ("cloudtrail", "LookupEvents", {"MaxResults": True}, "SerializationException"),
        ("cloudtrail", "LookupEvents", {"EndTime": 10**30}, "SerializationException"),
        ("cloudtrail", "LookupEvents", {"LookupAttributes": [None]}, "SerializationException"),
        ("cloudtrail", "LookupEvents", {"LookupAttributes": [{"AttributeKey": 1}]},
         "SerializationException"),
        ("dynamodbstreams", "DescribeStream", {}, "Value null at 'streamArn'"),
        ("dynamodbstreams", "DescribeStream", {"StreamArn": "x"}, "ValidationException"),
        ("dynamodbstreams", "DescribeStream", {"StreamArn": "x" * 40}, "Invalid StreamArn"),
        ("dynamodbstreams", "GetRecords", {"ShardIterator": "x" * 40}, "Invalid ShardIterator"),
        ("dynamodbstreams", "Fly", {}, "UnknownOperationException"),
        ("iam", "TagUser", {"UserName": "workshop-admin", "Tags.member.1": "a"}, "MalformedInput"),
        ("sts", "GetFederationToken", {"Name": "ab", "PolicyArns.member.1": "a"}, "MalformedInput"),
    ],
)  # fmt: skip
def test_what_is_missing_or_of_another_type(
    gateway: Gateway, service: str, operation: str, parameters: dict[str, Any], told: str
) -> None:
    answer = ask(gateway, service, operation, parameters)
    assert answer.status == 400
    assert told in answer.body.decode().replace("&apos;", "'").replace("&#39;", "'")


def test_what_is_built_as_it_should_be_passes(gateway: Gateway) -> None:
    assert ask(gateway, "iam", "ListUsers", {"MaxItems": "5"}).status == 200
    assert ask(gateway, "iam", "TagUser", {
        "UserName": "workshop-admin", "Tags.member.1.Key": "a", "Tags.member.1.Value": "b",
    }).status == 200  # fmt: skip
    assert ask(gateway, "cloudtrail", "LookupEvents", {"StartTime": 1.5}).status == 200
    assert ask(gateway, "dynamodbstreams", "ListStreams", {"StreamArn": 1}).status < 500
    assert ask(gateway, "dynamodbstreams", "ListStreams", {"Limit": None}).status == 200


# The operations that the lessons use, and their like.
_OPERATIONS = {
    "iam": [
        "AttachRolePolicy", "CreatePolicy", "CreateRole", "CreateUser", "DeleteRole", "GetPolicy",
        "GetRole", "GetUser", "ListRoles", "ListUsers", "PutRolePolicy", "PutUserPolicy",
        "SetDefaultPolicyVersion", "TagRole", "UpdateAccessKey", "PutUserPermissionsBoundary",
    ],
    "sts": ["AssumeRole", "GetCallerIdentity", "GetAccessKeyInfo"],
    "cloudtrail": ["LookupEvents"],
    "dynamodbstreams": ["DescribeStream", "GetShardIterator", "ListStreams"],
}  # fmt: skip
_CASES = [
    (service, operation, names)
    for service, operations in _OPERATIONS.items()
    for model in [Loader().load_service_model(service, "service-2")]
    for operation in operations
    for shape in [model["operations"][operation].get("input", {}).get("shape")]
    for names in [sorted(model["shapes"][shape]["members"]) if shape else []]
]
_TEXTS = [
    "", "x", "-1", "9" * 40, "{}", '{"Version":"2012-10-17","Statement":[]}', "é\u2028",
    "workshop-admin", "a" * 3000, "arn:aws:iam::123456789012:user/workshop-admin",
]  # fmt: skip
_VALUES: list[Any] = [*_TEXTS, None, 0, -1, 1.5, 10**30, True, [], {}, [None], {"": None}, [[]]]


@given(st.sampled_from(_CASES), st.data())
@settings(max_examples=250)
def test_no_parameters_break_the_gateway(
    gateway: Gateway, case: tuple[str, str, list[str]], data: st.DataObject
) -> None:
    service, operation, names = case
    values = st.sampled_from(_VALUES if service in TARGETS else _TEXTS)
    chosen = data.draw(st.dictionaries(st.sampled_from(names or ["x"]), values))
    try:
        answer = ask(gateway, service, operation, chosen)
    except NotEmulated:  # 501 over HTTP: named, not silent
        return
    assert answer.status < 500, answer.body
