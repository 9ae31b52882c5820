"""What the models allow passes; what botocore refuses is refused, and in AWS's words."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.query_form import read_form
from workshop_lib.sandbox.protocol.service_model import description, service_model
from workshop_lib.sandbox.protocol.validation import Validator, java_pattern
from workshop_lib.sandbox.services.cloudtrail.service import VALIDATOR as CLOUDTRAIL
from workshop_lib.sandbox.services.dynamodb.requests import STREAMS_VALIDATOR as STREAMS
from workshop_lib.sandbox.services.dynamodb.requests import VALIDATOR as DYNAMODB
from workshop_lib.sandbox.services.iam.service import VALIDATOR as IAM
from workshop_lib.sandbox.services.kms.requests import VALIDATOR as KMS
from workshop_lib.sandbox.services.sts.service import VALIDATOR as STS

VALIDATORS = {
    "kms": KMS, "iam": IAM, "sts": STS, "cloudtrail": CLOUDTRAIL, "dynamodb": DYNAMODB,
    "dynamodbstreams": STREAMS,
}  # fmt: skip
FORMS = ("iam", "sts")
OPERATIONS = [(name, each) for name in VALIDATORS for each in description(name)["operations"]]
Parameters = dict[str, Any]


# --- requests from the model --------------------------------------------------------------

# Among these is a text for every pattern of the models.
TEXTS = [
    "1", "a", "/", "/a/", "aa", "ab-1", "v1", "us-east-1", "123456789012", "0123456789abcdef",
    "workshop.example", "https://example.com", "com.amazonaws.vpce.us-east-1.vpce-svc-0a",
    "/kms/xks/v1", "cluster-abcdefghijkl", "ABCDEFGHIJKLMNOPQRST", "s3://bucket", "12:34",
    "arn:aws:iam::123456789012:role/a", "o-0123456789/r-0123", "p-01234567", "com.amazonaws.x",
    "kms.amazonaws.com", ",", "a.amazonaws.com",
]  # fmt: skip


@cache
def texts(service: str, name: str) -> list[str]:
    """Texts that a shape allows."""
    shape = description(service)["shapes"][name]
    if "enum" in shape:
        return [each for each in shape["enum"] if not each.startswith("SM2")]
    least, most = shape.get("min", 0), shape.get("max", 10**6)
    pattern = java_pattern(shape.get("pattern", "(?s).*"))
    longer = [text * (least // len(text) + 1) for text in TEXTS]
    candidates = ["1"] if name == "markerType" else [*TEXTS, *longer, "a" * least, "1" * least]
    fitting = [text for text in candidates if least <= len(text) <= most]
    return [text for text in fitting if pattern.fullmatch(text)]


class Builder:
    """Builds requests as a model has them."""

    def __init__(self, service: str, draw: Callable[..., Any]) -> None:
        self._service, self._draw = service, draw
        self._shapes = description(service)["shapes"]

    def value(self, name: str, depth: int = 0) -> Any:
        shape = self._shapes[name]
        least = shape.get("min", 0)
        most = min(shape.get("max", 10**9), least + 2)
        kind = shape["type"]
        if kind == "structure":
            return self._structure(shape, depth)
        if kind == "list":
            size = self._draw(st.integers(least, most))
            return [self.value(shape["member"]["shape"], depth + 1) for _ in range(size)]
        if kind == "map":
            keys = texts(self._service, shape["key"]["shape"])[: max(least, 1)]
            return {key: self.value(shape["value"]["shape"], depth + 1) for key in keys}
        if kind == "string":
            return self._draw(st.sampled_from(texts(self._service, name)))
        simple: dict[str, st.SearchStrategy[Any]] = {
            "blob": st.binary(min_size=least, max_size=most),
            "integer": st.integers(least, shape.get("max", 10**6)),
            "long": st.integers(least, shape.get("max", 10**12)),
            "double": st.floats(0, 1),
            "boolean": st.booleans(),
            "timestamp": st.integers(0, 2**32).map(lambda each: datetime.fromtimestamp(each, UTC)),
        }
        return self._draw(simple[kind])

    def _structure(self, shape: Any, depth: int) -> Parameters:
        members = list(shape["members"])
        if shape.get("union"):
            members = [self._draw(st.sampled_from(members))]
        required = (*shape.get("required", ()), "AttributeDefinitions", "KeySchema")
        chosen = [
            name
            for name in members
            if name in required or (depth < 4 and self._draw(st.booleans()))
        ]
        if depth > 0:  # a form cannot carry an empty structure
            chosen = chosen or members[:1]
        return {name: self.value(shape["members"][name]["shape"], depth + 1) for name in chosen}


@st.composite
def requests(draw: Any, service: str, operation: str) -> Parameters:
    asked = description(service)["operations"][operation].get("input")
    built: Parameters = Builder(service, draw).value(asked["shape"]) if asked else {}
    return built


def botocore_refuses(service: str, operation: str, parameters: Parameters) -> bool:
    shape = service_model(service).operation_model(operation).input_shape
    return bool(shape and ParamValidator().validate(parameters, shape).has_errors())


def on_the_wire(service: str, operation: str, parameters: Parameters) -> Parameters:
    """What arrives of the parameters that a client is given."""
    model = service_model(service)
    serializer = create_serializer(model.metadata["protocol"], False)
    sent = serializer.serialize_to_request(parameters, model.operation_model(operation))
    if service in FORMS:
        form = {name: str(text) for name, text in sent["body"].items()}
        return read_form(service, operation, form)
    arrived: Parameters = json.loads(sent["body"])
    return arrived


def has_a_map(value: Any, shape: Any) -> bool:
    if shape.type_name == "map":
        return True
    if shape.type_name == "list":
        return any(has_a_map(each, shape.member) for each in value)
    if shape.type_name != "structure":
        return False
    return any(has_a_map(each, shape.members[name]) for name, each in value.items())


SOME = settings(max_examples=3, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
@SOME
@given(st.data())
def test_what_the_model_allows_passes_and_arrives(
    service: str, operation: str, data: st.DataObject
) -> None:
    parameters = data.draw(requests(service, operation))
    shape = service_model(service).operation_model(operation).input_shape
    assert not botocore_refuses(service, operation, parameters)
    arrived = parameters
    if service not in FORMS or shape is None or not has_a_map(parameters, shape):
        # A map is not read from a form: no operation that takes one is emulated.
        arrived = on_the_wire(service, operation, parameters)
    assert VALIDATORS[service].validate(operation, arrived) == parameters


@pytest.mark.parametrize("service", VALIDATORS)
def test_every_pattern_of_a_model_has_a_text(service: str) -> None:
    shapes = description(service)["shapes"]
    asked = {name for each in inputs(service) for name in within(shapes, each, set())}
    unfit = [
        name
        for name in asked
        if shapes[name]["type"] == "string" and not texts(service, name)
    ]  # fmt: skip
    assert unfit == []


def inputs(service: str) -> list[str]:
    operations = description(service)["operations"].values()
    return [each["input"]["shape"] for each in operations if "input" in each]


def within(shapes: Any, name: str, seen: set[str]) -> set[str]:
    if name not in seen:
        seen.add(name)
        shape = shapes[name]
        inner = [*shape.get("members", {}).values()]
        inner += [shape[each] for each in ("member", "key", "value") if each in shape]
        for each in inner:
            within(shapes, each["shape"], seen)
    return seen


# --- what botocore refuses ----------------------------------------------------------------

WRONG: dict[str, Any] = {"string": 7, "blob": 7, "timestamp": "noon"}


def breaks(service: str, value: Any, name: str) -> Iterator[tuple[str, Any, Any, Any]]:
    """Ways to break a request: how, in which dict or list, where, and by which value."""
    shapes = description(service)["shapes"]
    shape = shapes[name]
    if shape["type"] == "structure":
        inner = [(each, shape["members"][each]["shape"]) for each in value]
        for each in shape.get("required", ()):
            yield "missing", value, each, None
    elif shape["type"] == "list":
        inner = [(place, shape["member"]["shape"]) for place in range(len(value))]
    elif shape["type"] == "map":
        inner = [(key, shape["value"]["shape"]) for key in value]
    else:
        return
    for place, member in inner:
        kind, least = shapes[member]["type"], shapes[member].get("min", 0)
        yield "type", value, place, WRONG.get(kind, "x")
        empty: Any = {"list": [], "string": ""}  # no other size does botocore look at
        if member not in VALIDATORS[service].dialect.own_shapes:
            if kind in empty and least > 0:
                yield "small", value, place, empty[kind]
            if kind in ("integer", "long") and "min" in shapes[member]:
                yield "small", value, place, least - 1
        yield from breaks(service, value[place], member)


WITH_PARAMETERS = [
    (service, operation)
    for service, operation in OPERATIONS
    for shape in [service_model(service).operation_model(operation).input_shape]
    if shape is not None and shape.members
]


def as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value


@pytest.mark.parametrize(("service", "operation"), WITH_PARAMETERS)
@SOME
@given(st.data())
def test_what_botocore_refuses_is_refused(
    service: str, operation: str, data: st.DataObject
) -> None:
    parameters = data.draw(requests(service, operation))
    shape = description(service)["operations"][operation]["input"]["shape"]
    ways = list(breaks(service, parameters, shape))
    assume(ways)
    how, where, place, wrong = data.draw(st.sampled_from(ways))
    if how == "missing":
        del where[place]
    else:
        where[place] = wrong
    assert botocore_refuses(service, operation, parameters)
    with pytest.raises(AwsError) as refused:
        VALIDATORS[service].validate(operation, as_json(parameters))
    listed = "ValidationError" if service in FORMS else "ValidationException"
    assert refused.value.code == ("SerializationException" if how == "type" else listed)


# --- words --------------------------------------------------------------------------------


def refusal(validator: Validator, operation: str, parameters: Parameters) -> AwsError:
    with pytest.raises(AwsError) as refused:
        validator.validate(operation, parameters)
    return refused.value


JAVA = "com.amazonaws.dynamodb.v20120810"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"S": 23}, "NUMBER_VALUE cannot be converted to String"),
        ({"S": 34.56}, "DECIMAL_VALUE cannot be converted to String"),
        ({"S": True}, "TRUE_VALUE cannot be converted to String"),
        ({"S": []}, "Unrecognized collection type class java.lang.String"),
        ({"S": {}}, "Start of structure or map found where not expected"),
        ({"BOOL": "23"}, "Unexpected token received from parser"),
        ({"BOOL": 23}, "NUMBER_VALUE cannot be converted to Boolean"),
        ({"B": True}, "only base-64-encoded strings are convertible to bytes"),
        ({"B": "23456"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ({"B": []}, "Unrecognized collection type class java.nio.ByteBuffer"),
        ({"BOOL": 34.56}, "DECIMAL_VALUE cannot be converted to Boolean"),
        ({"B": "=+/="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "+/+="}, "Invalid last non-pad Base64 character dectected"),
        ([], f"Unrecognized collection type class {JAVA}.AttributeValue"),
        (34.56, "Unexpected value type in payload"),
        (
            {"M": []},
            f"Unrecognized collection type java.util.Map<java.lang.String, {JAVA}.AttributeValue>",
        ),
        ({"L": ["23"]}, "Unexpected value type in payload"),
        ({"SS": "23"}, "Unexpected field type"),
        ({"M": 23}, "Unexpected field type"),
        ({"L": {}}, "Start of structure or map found where not expected"),
        ({"L": [{"M": {"a": {"N": 1}}}]}, "NUMBER_VALUE cannot be converted to String"),
    ],
)
def test_a_wrong_type_is_told(wrong: Any, told: str) -> None:
    """https://github.com/architect/dynalite/blob/main/test/helpers.js, recorded from AWS"""
    error = refusal(DYNAMODB, "PutItem", {"TableName": "orders", "Item": {"a": wrong}})
    assert (error.code, error.message) == ("SerializationException", told)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"Limit": "5", "IndexName": 5}, "STRING_VALUE cannot be converted to Integer"),
        ({"IndexName": 5, "Limit": "5"}, "NUMBER_VALUE cannot be converted to String"),
        ({"IndexName": "i", "Limit": 0, "ConsistentRead": "abc"},
         "Unexpected token received from parser"),
        ({"ExclusiveStartKey": {"a": {"S": 1, "N": 1.5}}, "TableName": 7},
         "NUMBER_VALUE cannot be converted to String"),
        ({"ExclusiveStartKey": {"a": {"B": 1, "N": 1.5}}, "TableName": 7},
         "only base-64-encoded strings are convertible to bytes"),
    ],
)  # fmt: skip
def test_the_first_wrong_type_is_told(asked: Any, told: str) -> None:
    """https://github.com/floci-io/floci, DynamoDbRequestShapesTest, seen of AWS in 2026

    Types come before all else that is wrong.
    """
    error = refusal(DYNAMODB, "Scan", asked)
    assert (error.code, error.message) == ("SerializationException", told)


def test_what_stands_for_another_type() -> None:
    """https://github.com/floci-io/floci, DynamoDbRequestShapesTest, seen of AWS in 2026"""
    asked = {"TableName": "orders", "Limit": 5.9, "ConsistentRead": "TRUE"}
    expected = {"TableName": "orders", "Limit": 5, "ConsistentRead": True}
    assert DYNAMODB.validate("Scan", asked) == expected
    assert not DYNAMODB.validate("Scan", {**asked, "ConsistentRead": "false"})["ConsistentRead"]
    others: list[tuple[Parameters, str]] = [
        ({"Limit": True}, "TRUE_VALUE cannot be converted to Integer"),
        ({"Limit": []}, "Unrecognized collection type class java.lang.Integer"),
        ({"ConsistentRead": 0}, "NUMBER_VALUE cannot be converted to Boolean"),
    ]
    for other, told in others:
        assert refusal(DYNAMODB, "Scan", {**asked, **other}).message == told
    assert refusal(KMS, "ListKeys", {"Limit": 5.5}).code == "SerializationException"


@pytest.mark.parametrize(
    ("operation", "asked", "told"),
    [
        ("BatchWriteItem", {"RequestItems": []},
         "Unrecognized collection type java.util.Map<java.lang.String, "
         f"java.util.List<{JAVA}.WriteRequest>>"),
        ("BatchWriteItem", {"RequestItems": {"orders": "23"}},
         re.compile(r"class sun\.reflect\S+ParameterizedTypeImpl cannot be cast to class .*")),
        ("BatchGetItem", {"RequestItems": {"orders": {"Keys": [34.56]}}},
         re.compile(r"class sun\.reflect\S+ParameterizedTypeImpl cannot be cast to class .*")),
        ("UpdateItem", {"AttributeUpdates": {"a": {"Value": 23}}}, "Unexpected field type"),
        ("UpdateItem", {"AttributeUpdates": {"a": []}},
         f"Unrecognized collection type class {JAVA}.AttributeValueUpdate"),
        ("PutItem", {"ExpressionAttributeNames": []},
         "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_told_by_where_it_stands(
    operation: str, asked: Any, told: str | re.Pattern[str]
) -> None:
    """https://github.com/architect/dynalite/blob/main/test/helpers.js, recorded from AWS"""
    error = refusal(DYNAMODB, operation, asked)
    assert error.code == "SerializationException"
    assert re.fullmatch(told if isinstance(told, re.Pattern) else re.escape(told), error.message)


FAILED = "failed to satisfy constraint:"


@pytest.mark.parametrize(
    ("operation", "asked", "told"),
    [
        ("PutItem", {"TableName": "orders", "Item": {}, "ReturnValues": "hi"},
         f"Value 'hi' at 'returnValues' {FAILED} Member must satisfy enum value set: "
         "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"),
        ("BatchWriteItem", {"RequestItems": {}},
         f"Value at 'RequestItems' {FAILED} Member must have length greater than or equal to 1"),
        ("BatchGetItem", {"RequestItems": {"orders": {"Keys": []}}},
         f"Value at 'RequestItems.orders.member.Keys' {FAILED} Member must have length greater "
         "than or equal to 1"),
        ("BatchWriteItem", {"RequestItems": {"orders": []}},
         f"Value '{{orders=[]}}' at 'requestItems' {FAILED} Map value must satisfy constraint: "
         "[Member must have length less than or equal to 25, Member must have length greater than "
         "or equal to 1]"),
        ("BatchWriteItem", {"RequestItems": {"orders": [{"PutRequest": {}}]}},
         f"Value null at 'requestItems.orders.member.1.member.putRequest.item' {FAILED} Member "
         "must not be null"),
        ("Query", {"TableName": "orders", "Limit": 0},
         f"Value '0' at 'limit' {FAILED} Member must have value greater than or equal to 1"),
        ("CreateTable",
         {"TableName": "orders", "AttributeDefinitions": [], "KeySchema": [
             {"AttributeName": "id", "KeyType": "HASH"}],
          "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}},
         f"Value '0' at 'provisionedThroughput.readCapacityUnits' {FAILED} Member must have value "
         "greater than or equal to 1"),
    ],
)  # fmt: skip
def test_what_dynamodb_says_of_a_request(operation: str, asked: Parameters, told: str) -> None:
    """https://github.com/architect/dynalite/tree/main/test, recorded from AWS, and paritysuite's
    error-messages/batchGetItem and batchWriteItem of 2026
    """
    error = refusal(DYNAMODB, operation, asked)
    assert (error.code, error.message) == (
        "ValidationException", f"1 validation error detected: {told}",
    )  # fmt: skip


def test_what_is_shown_is_written_as_java_writes_it() -> None:
    """A structure by its name, an absent member as null, and of an item nothing but its names.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    item = {"pk": {"S": "4111 1111"}}
    put = {"PutRequest": {"Item": item}}
    message = refusal(DYNAMODB, "BatchWriteItem", {"RequestItems": {"orders": [put] * 26}}).message
    assert (
        "'{orders=[WriteRequest(putRequest=PutRequest(item={pk=com.amazonaws.dynamodb.v20120810."
        "AttributeValue@0}), deleteRequest=null), " in message
    )
    assert "4111" not in message


def test_a_secret_is_not_shown() -> None:
    asked = {"RoleArn": "a" * 20, "RoleSessionName": "me", "WebIdentityToken": "one"}
    message = refusal(STS, "AssumeRoleWithWebIdentity", asked).message
    assert "Value at 'webIdentityToken' failed" in message


def test_null_is_absent_and_what_is_unknown_is_left_out() -> None:
    asked = {"Description": None, "Policy": "{}", "Unknown": {"a": 1}}
    assert KMS.validate("CreateKey", asked) == {"Policy": "{}"}
