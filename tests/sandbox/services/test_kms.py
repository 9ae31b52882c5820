"""KMS's ciphertext, its clock, and what it does on a caller's behalf."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import shake_256
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.kms_people import delegating
from workshop_lib.errors import NotEmulated
from workshop_lib.lab import start_lab
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.authorization import authorize
from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.call import Call, Caller
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.policy.evaluation import Principal
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.routing import require_operation
from workshop_lib.sandbox.protocol.service_model import description
from workshop_lib.sandbox.services.cloudtrail.events import Event
from workshop_lib.sandbox.services.kms import DEFINITION as KMS
from workshop_lib.sandbox.services.kms.asymmetric import new_private_key
from workshop_lib.sandbox.services.kms.ciphertext import OVERHEAD, BlobSealer, BrokenBlob, canonical
from workshop_lib.sandbox.services.kms.grants import Grant
from workshop_lib.sandbox.services.kms.ml_dsa import sign_mu, verify_mu
from workshop_lib.sandbox.services.kms.on_behalf import OnBehalf
from workshop_lib.sandbox.services.kms.operations import Operations
from workshop_lib.sandbox.services.kms.requests import check
from workshop_lib.sandbox.services.kms.service import Kms
from workshop_lib.sandbox.services.s3 import DEFINITION as S3
from workshop_lib.sandbox.transport.botocore_transport import BotocoreTransport

ACCOUNT = "123456789012"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"
SECRET, MATERIAL, KEY_ID = b"s" * 32, "ab" * 32, "1234abcd-12ab-34cd-56ef-1234567890ab"
contexts = st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=4)
plaintexts = st.binary(min_size=1, max_size=200)
SEALER = BlobSealer()


def sealed(plaintext: bytes, context: dict[str, str]) -> bytes:
    return SEALER.seal(
        plaintext, secret=SECRET, material_id=MATERIAL, key_id=KEY_ID, context=context
    )


def opened(blob: bytes, context: dict[str, str], key_id: str = KEY_ID) -> bytes:
    return SEALER.open(SEALER.read(blob), secret=SECRET, key_id=key_id, context=context)


# --- ciphertext ---------------------------------------------------------------------------


@given(plaintexts, contexts)
def test_what_was_sealed_opens(plaintext: bytes, context: dict[str, str]) -> None:
    blob = sealed(plaintext, context)
    assert opened(blob, context) == plaintext
    assert SEALER.read(blob).material_id == MATERIAL
    assert len(blob) == len(plaintext) + OVERHEAD


@given(plaintexts, contexts, st.data())
def test_any_flipped_bit_is_refused(
    plaintext: bytes, context: dict[str, str], data: st.DataObject
) -> None:
    blob = bytearray(sealed(plaintext, context))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BrokenBlob):
        opened(bytes(blob), context)


@given(plaintexts, st.integers(1, 200))
def test_a_blob_cut_short_is_refused(plaintext: bytes, cut: int) -> None:
    with pytest.raises(BrokenBlob):
        opened(sealed(plaintext, {})[:-cut], {})


@given(plaintexts, contexts, contexts)
def test_another_context_is_refused(
    plaintext: bytes, context: dict[str, str], other: dict[str, str]
) -> None:
    blob = sealed(plaintext, context)
    if other == context:
        assert opened(blob, other) == plaintext
    else:
        with pytest.raises(BrokenBlob):
            opened(blob, other)


@given(contexts)
def test_the_order_of_a_context_does_not_matter(context: dict[str, str]) -> None:
    assert canonical(context) == canonical(dict(reversed(context.items())))


@given(contexts, contexts)
def test_two_contexts_never_look_the_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


def test_a_blob_belongs_to_its_key_and_its_kms() -> None:
    blob = sealed(b"secret", {})
    with pytest.raises(BrokenBlob):
        opened(blob, {}, key_id="1234abcd-12ab-34cd-56ef-1234567890ac")
    with pytest.raises(BrokenBlob):
        BlobSealer().read(blob)


def test_a_wrapped_data_key_has_the_length_it_has_on_aws() -> None:
    blob = sealed(b"k" * 32, {"tenant": "a"})
    assert len(blob) == 184
    assert blob.startswith(bytes([1, 2, 2, 0, 0x78]))


# --- requests -----------------------------------------------------------------------------


def refusal(operation: str, **parameters: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        check(operation, parameters)
    return caught.value


def test_every_fault_of_a_request_is_listed() -> None:
    error = refusal("CreateKey", KeySpec="AES_512", Tags=[{"TagKey": "", "TagValue": "x"}])
    assert error.code == "ValidationException"
    assert error.message.startswith("2 validation errors detected: ")
    assert "at 'tags.1.member.tagKey' failed" in error.message
    assert "Value 'AES_512' at 'keySpec'" in error.message


def test_secrets_do_not_stand_in_a_refusal() -> None:
    error = refusal("Encrypt", KeyId="x", Plaintext="c2VjcmV0" * 1000)
    assert "Value at 'plaintext' failed" in error.message
    assert "c2Vj" not in error.message


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("Encrypt", {"KeyId": 7, "Plaintext": "YQ=="}, "SerializationException"),
        ("Encrypt", {"KeyId": "x", "Plaintext": "not base64!"}, "SerializationException"),
        ("Encrypt", {"Plaintext": "YQ=="}, "ValidationException"),
        ("GenerateRandom", {"NumberOfBytes": True}, "SerializationException"),
        ("ListKeys", {"Limit": 1001}, "ValidationException"),
    ],
)
def test_malformed_requests(operation: str, parameters: dict[str, Any], code: str) -> None:
    assert refusal(operation, **parameters).code == code


def test_what_is_no_operation() -> None:
    with pytest.raises(AwsError, match="UnknownOperationException"):
        require_operation("kms", "Fly")


ODD = [None, "", 0, True, [], {}, "\ud800", 1e30, 10**30, "alias/a", "arn:", [None], {"": None}]


def fuzzed(random: Random, shape: str, keys: Sequence[str]) -> Any:
    """A request as the service model has it, but for something odd now and then."""
    model = description("kms")["shapes"][shape]
    if random.random() < 0.08:
        return random.choice([*ODD, *keys])
    if model["type"] == "structure":
        required = model.get("required", ())
        return {
            name: fuzzed(random, member["shape"], keys)
            for name, member in model["members"].items()
            if random.random() < (0.97 if name in required else 0.35)
        }
    if model["type"] == "list":
        return [fuzzed(random, model["member"]["shape"], keys) for _ in range(random.randrange(3))]
    if model["type"] == "map":
        return {name: fuzzed(random, model["value"]["shape"], keys) for name in "ab"}
    simple = {
        "string": [*model.get("enum", keys), "x"],
        "blob": ["", "AAAA", base64.b64encode(random.randbytes(200)).decode()],
        "integer": [0, 1, 30, 1000],
        "boolean": [True, False],
        "timestamp": [0, 2e9, 1e18],
    }
    return random.choice(simple[model["type"]])


@pytest.mark.parametrize("seed", range(4))
def test_no_request_breaks_the_service(gateway: Gateway, kms: Any, seed: int) -> None:
    kinds: list[dict[str, Any]] = [
        {},
        {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"MultiRegion": True},
        {"Origin": "EXTERNAL"},
    ]
    keys = [kms.create_key(**kind)["KeyMetadata"]["Arn"] for kind in kinds]
    random, answered = Random(seed), set()
    for operation in sorted(gateway.foundations.shared(Kms).operations) * 8:
        shape = description("kms")["operations"][operation]["input"]["shape"]
        parameters = fuzzed(random, shape, [*keys, "alias/aws/s3", "eu-west-1"])
        if not isinstance(parameters, dict):
            continue
        call = replace(
            s3_call(gateway, administrator_of(gateway)), service=KMS, operation=operation
        )
        call.parameters = parameters
        try:
            answered.add(gateway.foundations.shared(Kms).answer(call, authorize).status)
        except AwsError as error:
            answered.add(error.status)
        except NotEmulated:
            continue
    assert answered == {200, 400}
    for event in gateway.trail.newest_first():
        event.document()


# --- keys ---------------------------------------------------------------------------------


def test_key_ids_depend_on_how_many_keys_there_are_and_on_nothing_else() -> None:
    gateways = (Gateway(Credentials("AKIA", "secret")) for _ in range(2))
    first, second = (gateway.foundations.shared(Operations).store for gateway in gateways)
    second.new_id(False, "alias/aws/s3 us-east-1")
    assert [first.new_id(False) for _ in range(3)] == [second.new_id(False) for _ in range(3)]
    assert first.new_id(True).startswith("mrk-")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    start_lab()
    transport = BotocoreTransport._installed
    assert transport is not None
    yield transport.gateway
    transport.remove()


@pytest.fixture
def kms(gateway: Gateway) -> Any:
    return boto3.client("kms", region_name="us-east-1")


def test_no_secret_stands_in_a_representation(gateway: Gateway, kms: Any) -> None:
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    key = gateway.foundations.shared(Operations).store.find("us-east-1", arn.rpartition("/")[2])
    secret = key.backing.current.secret
    assert secret is not None
    assert repr(secret)[2:-1] not in repr(key)
    data_key = on_behalf(gateway).generate_data_key(
        s3_call(gateway, administrator_of(gateway)), via="s3", key=arn, context={}
    )
    assert repr(data_key.plaintext) not in repr(data_key)


def recorded(gateway: Gateway) -> list[Event]:
    """The events so far, oldest first."""
    return list(gateway.trail.newest_first())[::-1]


# --- on a caller's behalf -----------------------------------------------------------------


def on_behalf(gateway: Gateway) -> OnBehalf:
    return gateway.foundations.shared(OnBehalf)


def administrator_of(gateway: Gateway) -> Caller:
    caller = gateway.callers._find(gateway.callers.administrator.access_key_id)
    assert caller is not None
    return caller


def nobody() -> Caller:
    principal = Principal(kind="user", arn=f"arn:aws:iam::{ACCOUNT}:user/nobody", account=ACCOUNT)
    return Caller(principal, name="nobody")


def s3_call(gateway: Gateway, caller: Caller) -> Call:
    request = Request("PUT", "https", "s3.us-east-1.amazonaws.com", "/bucket/key", "", {})
    return Call(S3, "PutObject", "us-east-1", gateway.account, {}, request, caller)


def test_a_service_gets_a_data_key_for_its_caller_and_opens_it_again(
    gateway: Gateway, kms: Any
) -> None:
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/data", TargetKeyId=arn)
    call, context = (
        s3_call(gateway, administrator_of(gateway)),
        {"aws:s3:arn": "arn:aws:s3:::bucket"},
    )
    data_key = on_behalf(gateway).generate_data_key(
        call, via="s3", key="alias/data", context=context
    )
    assert data_key.key_arn == arn
    assert len(data_key.plaintext) == 32
    opened = on_behalf(gateway).decrypt(call, via="s3", wrapped=data_key.wrapped, context=context)
    assert opened == data_key.plaintext
    with pytest.raises(AwsError, match="InvalidCiphertextException"):
        on_behalf(gateway).decrypt(call, via="s3", wrapped=data_key.wrapped, context={})
    names = [(e.name, e.invoked_by, e.error_code) for e in recorded(gateway)[-3:]]
    assert names == [
        ("GenerateDataKey", "fas.s3.amazonaws.com", None),
        ("Decrypt", "fas.s3.amazonaws.com", None),
        ("Decrypt", "fas.s3.amazonaws.com", "InvalidCiphertextException"),
    ]
    assert recorded(gateway)[-3].parameters == {
        "keyId": "alias/data",
        "keySpec": "AES_256",
        "encryptionContext": context,
    }


def test_a_service_is_refused_what_its_caller_may_not(gateway: Gateway, kms: Any) -> None:
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(AwsError) as caught:
        on_behalf(gateway).generate_data_key(
            s3_call(gateway, nobody()), via="s3", key=arn, context={}
        )
    assert caught.value.code == "AccessDeniedException"
    assert f"is not authorized to perform: kms:GenerateDataKey on resource: {arn}" in str(
        caught.value
    )
    assert recorded(gateway)[-1].error_code == "AccessDenied"


def test_a_service_may_use_its_own_managed_key_for_anyone(gateway: Gateway, kms: Any) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key"""
    arn = on_behalf(gateway).managed_key("s3", "us-east-1")
    assert arn == on_behalf(gateway).managed_key("s3", "us-east-1")
    assert on_behalf(gateway).describe("alias/aws/s3", "us-east-1").manager == "AWS"
    call = s3_call(gateway, nobody())
    assert on_behalf(gateway).generate_data_key(call, via="s3", key=arn, context={}).key_arn == arn
    with pytest.raises(AwsError, match="AccessDeniedException"):
        on_behalf(gateway).generate_data_key(call, via="dynamodb", key=arn, context={})


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("alias/none", f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found."),
        ("nothing", "Invalid keyId 'nothing'"),
        (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY_ID}", "Invalid arn eu-west-1"),
        (KEY_ID, f"Key 'arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY_ID}' does not exist"),
    ],
)
def test_a_key_that_is_not_there_is_not_found(gateway: Gateway, named: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        on_behalf(gateway).describe(named, "us-east-1")
    assert (caught.value.code, caught.value.message) == ("NotFoundException", message)


def test_a_service_works_by_its_grant_and_no_further(gateway: Gateway, kms: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    call = s3_call(gateway, administrator_of(gateway))
    context = {"aws:dynamodb:tableName": "orders", "aws:dynamodb:subscriberId": ACCOUNT}

    def data_key(context: dict[str, str]) -> Any:
        stranger = s3_call(gateway, nobody())
        return on_behalf(gateway).generate_data_key_as_service(
            stranger, service="dynamodb", key=arn, context=context, source_arn=TABLE
        )

    with pytest.raises(AwsError, match="AccessDeniedException"):
        data_key(context)
    grant_id = on_behalf(gateway).create_grant(
        call,
        via="dynamodb",
        key=arn,
        operations=["GenerateDataKey", "Decrypt", "RetireGrant"],
        context_constraint=context,
    )
    listed = kms.list_grants(KeyId=arn)["Grants"][0]
    assert listed["GranteePrincipal"] == "dynamodb.us-east-1.amazonaws.com"
    made = data_key({**context, "more": "is allowed"})
    opened = on_behalf(gateway).decrypt_as_service(
        call, service="dynamodb", wrapped=made.wrapped, context={**context, "more": "is allowed"},
        source_arn=TABLE,
    )  # fmt: skip
    assert opened == made.plaintext
    with pytest.raises(AwsError, match="AccessDeniedException"):
        data_key({"aws:dynamodb:tableName": "payments"})
    on_behalf(gateway).retire_grant(call, service="dynamodb", key=arn, grant_id=grant_id)
    on_behalf(gateway).retire_grant(call, service="dynamodb", key=arn, grant_id=grant_id)
    with pytest.raises(AwsError, match="AccessDeniedException"):
        data_key(context)


@pytest.mark.parametrize("name", ["dynamodb.amazonaws.com", "dynamodb.us-east-1.amazonaws.com"])
def test_a_grant_to_a_service_is_for_one_resource(gateway: Gateway, kms: Any, name: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html"""
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    made = kms.create_grant(
        KeyId=arn, GranteeServicePrincipal=name, RetiringServicePrincipal=name,
        Operations=["GenerateDataKey"], Constraints={"SourceArn": TABLE},
    )  # fmt: skip

    def data_key(source_arn: str, service: str = "dynamodb") -> None:
        on_behalf(gateway).generate_data_key_as_service(
            s3_call(gateway, nobody()), service=service, key=arn, context={}, source_arn=source_arn
        )

    data_key(TABLE)
    for source_arn, service in ((f"{TABLE}-2", "dynamodb"), (TABLE, "s3")):
        with pytest.raises(AwsError, match="AccessDeniedException"):
            data_key(source_arn, service)
    grant_id, call = made["GrantId"], s3_call(gateway, nobody())
    with pytest.raises(AwsError, match="AccessDeniedException"):
        on_behalf(gateway).retire_grant(call, service="s3", key=arn, grant_id=grant_id)
    on_behalf(gateway).retire_grant(call, service="dynamodb", key=arn, grant_id=grant_id)
    assert kms.list_grants(KeyId=arn)["Grants"] == []


@pytest.mark.parametrize(
    ("constraints", "covered"),
    [({"SourceArn": TABLE}, True), ({"SourceArn": f"{TABLE}-2"}, False), ({}, False)],
)
def test_a_grant_passes_its_resource_on(constraints: dict[str, str], covered: bool) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-creategrant"""
    parent = Grant(
        "1", "arn", None, ("Decrypt", "CreateGrant"), clock.now(), "root", source_arn=TABLE
    )
    assert parent.covers(("Decrypt",), constraints) is covered
    assert replace(parent, source_arn=None).covers(("Decrypt",), constraints)


def test_a_key_policy_can_hold_a_service_to_a_resource(gateway: Gateway, kms: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "dynamodb.us-east-1.amazonaws.com"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
        "Condition": {
            "ArnEquals": {"aws:SourceArn": TABLE}, "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    }  # fmt: skip
    arn = kms.create_key(Policy=delegating(statement))["KeyMetadata"]["Arn"]
    call = s3_call(gateway, nobody())
    asked = {"service": "dynamodb", "key": arn, "context": {}}
    on_behalf(gateway).generate_data_key_as_service(call, **asked, source_arn=TABLE)
    with pytest.raises(AwsError, match="AccessDeniedException"):
        on_behalf(gateway).generate_data_key_as_service(call, **asked, source_arn=f"{TABLE}-2")


def test_usability_tells_when_a_key_could_not_be_used(gateway: Gateway, kms: Any) -> None:
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    assert not on_behalf(gateway).usability(arn)
    kms.disable_key(KeyId=arn)
    clock.advance(timedelta(hours=1))
    kms.enable_key(KeyId=arn)
    (off, unusable), (on, usable) = on_behalf(gateway).usability(arn)
    assert (unusable, usable) == (False, True)
    assert timedelta(minutes=59) < on - off < timedelta(minutes=61)


# --- ML-DSA by its message representative ---------------------------------------------------


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_signatures_of_mu_are_those_of_the_message(spec: str) -> None:
    """Ours beside the cryptography package's, which takes whole messages only."""
    for message in (b"", b"a", b"message" * 700):
        key = new_private_key(spec)
        public, raw = key.public_key(), key.public_key().public_bytes_raw()
        mu = shake_256(shake_256(raw).digest(64) + b"\0\0" + message).digest(64)
        public.verify(sign_mu(spec, key.private_bytes_raw(), mu), message)
        signature = key.sign(message)
        assert verify_mu(spec, raw, mu, signature)
        assert not verify_mu(spec, raw, bytes(64), signature)
        for place in (0, len(signature) // 2, len(signature) - 1):  # challenge, z, hints
            altered = bytearray(signature)
            altered[place] ^= 1
            assert not verify_mu(spec, raw, mu, bytes(altered))
        assert not verify_mu(spec, raw, mu, signature[:-1])
        assert not verify_mu(spec, raw, mu, signature + b"\0")
        other = new_private_key(spec).public_key().public_bytes_raw()
        assert not verify_mu(spec, other, mu, signature)


# --- the trail ----------------------------------------------------------------------------


def test_neither_plaintext_nor_ciphertext_nor_tokens_are_recorded(
    gateway: Gateway, kms: Any
) -> None:
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    made = kms.encrypt(KeyId=arn, Plaintext=b"attack at dawn", EncryptionContext={"a": "b"})
    kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "b"})
    kms.generate_data_key(KeyId=arn, KeySpec="AES_256")
    kms.generate_random(NumberOfBytes=16)
    user = boto3.client("iam").create_user(UserName="reader")["User"]["Arn"]
    grant = kms.create_grant(KeyId=arn, GranteePrincipal=user, Operations=["Decrypt"])
    shown = repr([(event.parameters, event.response) for event in recorded(gateway)])
    for secret in ("attack", "plaintext", "iphertextBlob", grant["GrantToken"], "mac"):
        assert secret not in shown
    by_name = {event.name: event for event in recorded(gateway)}
    assert by_name["Decrypt"].parameters == {
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": {"a": "b"},
    }
    assert by_name["Decrypt"].resources == (arn,)
    assert by_name["Decrypt"].read_only
    assert not by_name["CreateGrant"].read_only
    assert by_name["CreateGrant"].response == {"grantId": grant["GrantId"], "keyId": arn}
    assert by_name["GenerateRandom"].parameters == {"numberOfBytes": 16}


def test_an_encryption_context_is_recorded_as_it_was_given(gateway: Gateway, kms: Any) -> None:
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    context = {"Tenant": "A", "EncryptionContext": "B"}
    kms.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext=context)
    parameters = recorded(gateway)[-1].parameters
    assert parameters is not None
    assert parameters["encryptionContext"] == context


def test_management_is_recorded_with_the_key_it_is_about(gateway: Gateway, kms: Any) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-createkey.html"""
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    assert recorded(gateway)[-1].resources == (arn,)
    assert recorded(gateway)[0].parameters == {
        "bypassPolicyLockoutSafetyCheck": False,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "description": "",
        "keySpec": "SYMMETRIC_DEFAULT",
        "keyUsage": "ENCRYPT_DECRYPT",
        "origin": "AWS_KMS",
    }


def test_a_refused_call_is_recorded_with_its_error(gateway: Gateway, kms: Any) -> None:
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key_id)
    with pytest.raises(ClientError):
        kms.encrypt(KeyId=key_id, Plaintext=b"x")
    assert recorded(gateway)[-1].error_code == "DisabledException"


def test_a_call_refused_before_it_was_answered_is_recorded(gateway: Gateway) -> None:
    kms = gateway.foundations.shared(Kms)
    call = replace(s3_call(gateway, nobody()), service=KMS, operation="Encrypt")
    call.parameters = {"KeyId": "alias/none", "Plaintext": "c2VjcmV0"}
    with pytest.raises(AwsError):
        kms.answer(call, authorize)
    event = recorded(gateway)[-1]
    assert event.error_code == "NotFoundException"
    with pytest.raises(AwsError):
        kms.answer(replace(call, parameters={"EncryptionContext": 7}), authorize)
    assert event.parameters == {"keyId": "alias/none", "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}


def test_what_kms_fills_itself_is_called_the_same_in_every_lab() -> None:
    """A lesson shows ids, and its outputs are compared."""
    found = []
    for _ in range(2):
        start_lab()
        kms = boto3.client("kms")
        made = kms.create_key()["KeyMetadata"]
        kms.rotate_key_on_demand(KeyId=made["KeyId"])
        after = kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
        found.append((made["KeyId"], made["CurrentKeyMaterialId"], after))
    assert found[0] == found[1]
    assert len({*found[0]}) == 3
