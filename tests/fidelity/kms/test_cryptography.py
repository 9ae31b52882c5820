"""KMS's cryptographic operations: contexts, keys, usages, sizes.

What was recorded, with the name of the test: LocalStack's snapshots of KMS, of 2023 to 2025,
https://github.com/localstack/localstack, tests/aws/services/kms/test_kms.snapshot.json.
"""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.support.kms_people import client, new_key, refused

INCORRECT = "The key ID in the request does not identify a CMK that can perform this operation."


def encrypted(arn: str, context: dict[str, str] | None = None) -> bytes:
    answer = client().encrypt(KeyId=arn, Plaintext=b"secret", EncryptionContext=context or {})
    return bytes(answer["CiphertextBlob"])


def test_a_context_is_not_only_its_letters() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html"""
    blob = encrypted(new_key(), {"a": "bc"})
    with refused("InvalidCiphertextException", ""):
        client().decrypt(CiphertextBlob=blob, EncryptionContext={"ab": "c"})
    answer = client().decrypt(CiphertextBlob=blob, EncryptionContext={"a": "bc"})
    assert answer["Plaintext"] == b"secret"


def test_the_answers_name_the_key_material() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html"""
    arn = new_key()
    current = client().describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert len(current) == 64
    assert client().decrypt(CiphertextBlob=encrypted(arn))["KeyMaterialId"] == current
    answer = client().generate_data_key(KeyId=arn, KeySpec="AES_256")
    assert answer["KeyMaterialId"] == current


def test_an_altered_blob() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
    Recorded: test_encrypt_decrypt_encryption_context (another context; there is no message)
    """
    blob = encrypted(new_key())
    for place in (0, 20, 60, 100, len(blob) - 1):
        altered = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with refused("InvalidCiphertextException", ""):
            client().decrypt(CiphertextBlob=altered)


@pytest.mark.right_in_moto
def test_an_error_that_says_nothing_has_no_message() -> None:
    """https://github.com/aws/aws-nitro-enclaves-sdk-c/issues/68

    As recorded there: {"__type":"InvalidCiphertextException"}.
    """
    blob, kms, bodies = encrypted(new_key()), client(), []
    kms.meta.events.register(
        "before-parse.kms.Decrypt", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    assert json.loads(bodies[0]) == {"__type": "InvalidCiphertextException"}


def test_decrypt_with_the_wrong_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
    Recorded: test_error_messaging_for_invalid_keys
    """
    blob, other = encrypted(new_key()), new_key()
    with refused("IncorrectKeyException", INCORRECT):
        client().decrypt(CiphertextBlob=blob, KeyId=other)
    mac_key = new_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    with refused("IncorrectKeyException", INCORRECT):
        client().decrypt(CiphertextBlob=blob, KeyId=mac_key)
    with refused("IncorrectKeyException", INCORRECT):
        client().re_encrypt(CiphertextBlob=blob, SourceKeyId=other, DestinationKeyId=other)


def test_a_blob_from_another_region_is_out_of_reach() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
    Words: those of another account's key, https://github.com/kubernetes-sigs/aws-encryption-provider/pull/141,
    about "the resource associated with this ciphertext", as KMS calls what a blob names:
    https://docs.aws.amazon.com/singlesignon/latest/userguide/cmk-related-errors.html
    """
    blob = encrypted(new_key())
    with refused(
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/workshop-admin is not authorized to perform: "
        "kms:Decrypt on the resource associated with this ciphertext because the resource does "
        "not exist in this Region, no resource-based policies allow access, or a resource-based "
        "policy explicitly denies access",
    ):
        client("eu-west-1").decrypt(CiphertextBlob=blob)


def test_re_encrypt_changes_key_and_context() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html"""
    kms, old, new = client(), new_key(), new_key()
    answer = kms.re_encrypt(
        CiphertextBlob=encrypted(old, {"a": "1"}),
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=new,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (answer["SourceKeyId"], answer["KeyId"]) == (old, new)
    assert answer["SourceKeyMaterialId"] != answer["DestinationKeyMaterialId"]
    blob = answer["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, KeyId=new, EncryptionContext={"b": "2"})
    assert opened["Plaintext"] == b"secret"


@pytest.mark.parametrize("parameters", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_a_data_key_has_one_size(parameters: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
    Words: https://github.com/nsmithuk/local-kms/issues/6
    """
    arn = new_key()
    client().disable_key(KeyId=arn)  # the form of a request is looked at first
    with refused("ValidationException", "Please specify either number of bytes or key spec."):
        client().generate_data_key(KeyId=arn, **parameters)


def test_what_the_service_model_allows_and_no_more() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    Recorded: test_plaintext_size_for_encrypt, test_generate_random_invalid_number_of_bytes (of
    GenerateRandom, which has the same limit)
    """
    kms, arn = client(), new_key()
    kms.disable_key(KeyId=arn)
    with refused(
        "ValidationException",
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member "
        "must have length less than or equal to 4096",
    ):
        kms.encrypt(KeyId=arn, Plaintext=b"x" * 4097)
    with refused(
        "ValidationException",
        "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy "
        "constraint: Member must have value less than or equal to 1024",
    ):
        kms.generate_data_key(KeyId=arn, NumberOfBytes=1025)


def test_what_is_none_of_the_allowed_values() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html

    Recorded: test_invalid_generate_mac, the order too. SM2 is for Regions in China.
    """
    kms, arn, long = client(), new_key(), "a" * 129
    constraint = "failed to satisfy constraint: Member must"
    with refused(
        "ValidationException",
        f"1 validation error detected: Value 'NONE' at 'macAlgorithm' {constraint} satisfy enum "
        "value set: [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]",
    ):
        kms.generate_mac(KeyId=arn, Message=b"m", MacAlgorithm="NONE")
    with refused(
        "ValidationException",
        f"1 validation error detected: Value '[a, {long}]' at 'tagKeys' {constraint} satisfy "
        "constraint: [Member must have length less than or equal to 128, Member must have length "
        "greater than or equal to 1]",
    ):
        kms.untag_resource(KeyId=arn, TagKeys=["a", long])
    with refused("ValidationException"):
        new_key(KeySpec="SM2", KeyUsage="SIGN_VERIFY")


@pytest.mark.right_in_moto
def test_random_bytes_have_a_number() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html"""
    assert len(client().generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024
    with refused("ValidationException"):
        client().generate_random(NumberOfBytes=1025)


def test_random_bytes_without_a_number() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html
    Recorded: test_generate_random_invalid_number_of_bytes
    """
    with refused("ValidationException", "NumberOfBytes is required."):
        client().generate_random()


# --- dry runs -----------------------------------------------------------------------------

WOULD_SUCCEED = "The request would have succeeded, but the DryRun option is set."


def test_a_dry_run_that_would_succeed() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
    Words: records of CloudTrail's in
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-managing-kms-key.html
    """
    kms, arn = client(), new_key()
    with refused("DryRunOperationException", WOULD_SUCCEED):
        kms.encrypt(KeyId=arn, Plaintext=b"x", DryRun=True)
    with refused("DryRunOperationException", WOULD_SUCCEED):
        kms.create_grant(
            KeyId=arn,
            GranteePrincipal="arn:aws:iam::123456789012:root",
            Operations=["Decrypt"],
            DryRun=True,
        )
    assert kms.list_grants(KeyId=arn)["Grants"] == []
    with refused("DryRunOperationException", WOULD_SUCCEED):
        kms.generate_data_key_pair(KeyId=arn, KeyPairSpec="RSA_4096", DryRun=True)


def test_a_dry_run_that_would_fail() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html"""
    kms, arn = client(), new_key()
    with refused("DryRunOperationException"):
        kms.decrypt(
            KeyId=arn, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"], CiphertextBlob=b"x"
        )
    kms.disable_key(KeyId=arn)
    with refused("DisabledException"):
        kms.encrypt(KeyId=arn, Plaintext=b"x", DryRun=True)


# --- usages -------------------------------------------------------------------------------


def test_a_key_is_for_one_usage() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
    Recorded: test_error_messaging_for_invalid_keys
    """
    kms = client()
    arn, mac_key = new_key(), new_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    with refused(
        "InvalidKeyUsageException",
        f"{arn} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.",
    ):
        kms.generate_mac(KeyId=arn, Message=b"m", MacAlgorithm="HMAC_SHA_256")
    with refused(
        "InvalidKeyUsageException",
        f"{mac_key} key usage is GENERATE_VERIFY_MAC which is not valid for Sign.",
    ):
        kms.sign(KeyId=mac_key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    with refused(
        "InvalidKeyUsageException",
        f"{mac_key} key usage is GENERATE_VERIFY_MAC which is not valid for GenerateDataKey.",
    ):
        kms.generate_data_key(KeyId=mac_key, KeySpec="AES_256")


def test_a_key_takes_its_own_algorithms() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
    Recorded: test_invalid_generate_mac, test_invalid_verify_mac
    """
    kms = client()
    mac_key = new_key(KeySpec="HMAC_224", KeyUsage="GENERATE_VERIFY_MAC")
    with refused(
        "InvalidKeyUsageException",
        "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224.",
    ):
        kms.generate_mac(KeyId=mac_key, Message=b"m", MacAlgorithm="HMAC_SHA_256")
    rsa_key = new_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    with refused(
        "InvalidKeyUsageException",
        "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
    ):
        kms.encrypt(KeyId=rsa_key, Plaintext=b"x")


def test_macs() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html
    Recorded: test_invalid_verify_mac (there is no message)
    """
    kms = client()
    arn = new_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    tag = kms.generate_mac(KeyId=arn, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    asked = {"KeyId": arn, "Mac": tag, "MacAlgorithm": "HMAC_SHA_256"}
    assert kms.verify_mac(Message=b"m", **asked)["MacValid"]
    with refused("KMSInvalidMacException", ""):
        kms.verify_mac(Message=b"n", **asked)
    kms.disable_key(KeyId=arn)
    with refused("DisabledException"):
        kms.verify_mac(Message=b"m", **asked)


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_rsa_encryption_takes_little(algorithm: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    Recorded: test_encrypt_validate_plaintext_size_per_key_type
    """
    kms, limit = client(), {"RSAES_OAEP_SHA_1": 214, "RSAES_OAEP_SHA_256": 190}[algorithm]
    arn = new_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    asked = {"KeyId": arn, "EncryptionAlgorithm": algorithm}
    blob = kms.encrypt(Plaintext=b"x" * limit, **asked)["CiphertextBlob"]
    assert len(blob) == 256
    assert kms.decrypt(CiphertextBlob=blob, **asked)["Plaintext"] == b"x" * limit
    with refused(
        "ValidationException",
        f"Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {limit} "
        "bytes.",
    ):
        kms.encrypt(Plaintext=b"x" * (limit + 1), **asked)
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(CiphertextBlob=blob[:-1] + bytes([blob[-1] ^ 1]), **asked)


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ],
)
def test_signatures(spec: str, algorithm: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html
    Recorded: test_sign_verify
    """
    kms, arn = client(), new_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    asked: dict[str, Any] = {"KeyId": arn, "SigningAlgorithm": algorithm}
    signature = kms.sign(Message=b"message", **asked)["Signature"]
    assert kms.verify(Message=b"message", Signature=signature, **asked)["SignatureValid"]
    with refused("KMSInvalidSignatureException", ""):
        kms.verify(Message=b"massage", Signature=signature, **asked)
    with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}."):
        kms.sign(Message=b"not a digest", MessageType="DIGEST", **asked)
    kms.disable_key(KeyId=arn)
    with refused("DisabledException"):
        kms.sign(Message=b"message", **asked)


def test_edwards_curve_signatures() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
    Recorded: test_sign_verify, of other curves (there is no message)
    """
    kms, arn = client(), new_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    asked: dict[str, Any] = {"KeyId": arn, "SigningAlgorithm": "ED25519_SHA_512"}
    signature = kms.sign(Message=b"message", **asked)["Signature"]
    found = kms.get_public_key(KeyId=arn)
    assert found["SigningAlgorithms"] == ["ED25519_PH_SHA_512", "ED25519_SHA_512"]
    public = serialization.load_der_public_key(found["PublicKey"])
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(signature, b"message")
    with refused("KMSInvalidSignatureException", ""):
        kms.verify(Message=b"massage", Signature=signature, **asked)
    with refused("ValidationException"):
        kms.sign(Message=b"d" * 64, MessageType="DIGEST", **asked)
    pair = kms.generate_data_key_pair(KeyId=new_key(), KeyPairSpec="ECC_NIST_EDWARDS25519")
    private = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
    assert isinstance(private, ed25519.Ed25519PrivateKey)


def test_a_shared_secret() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html"""
    kms = client()
    one, two = (new_key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT") for _ in range(2))
    public = [kms.get_public_key(KeyId=arn)["PublicKey"] for arn in (one, two)]
    secrets = [
        kms.derive_shared_secret(KeyId=arn, PublicKey=peer, KeyAgreementAlgorithm="ECDH")
        for arn, peer in ((one, public[1]), (two, public[0]))
    ]
    assert secrets[0]["SharedSecret"] == secrets[1]["SharedSecret"]
    with refused("ValidationException"):
        kms.derive_shared_secret(KeyId=one, PublicKey=b"none", KeyAgreementAlgorithm="ECDH")


@pytest.mark.unconfirmed("the key state table says DisabledException; a recorded test says not")
def test_a_disabled_key_still_gives_its_public_key_away() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html"""
    arn = new_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    client().disable_key(KeyId=arn)
    assert client().get_public_key(KeyId=arn)["KeySpec"] == "ECC_NIST_P256"


def test_usages_of_new_keys() -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
    Recorded: test_hmac_create_key_invalid_operations
    """
    with refused(
        "ValidationException",
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    ):
        new_key(KeySpec="HMAC_256")
    with refused("ValidationException"):
        new_key(KeySpec="ECC_NIST_P256", KeyUsage="ENCRYPT_DECRYPT")
    found = client().describe_key(
        KeyId=new_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    )["KeyMetadata"]
    assert found["MacAlgorithms"] == ["HMAC_SHA_256"]
    assert "EncryptionAlgorithms" not in found


OAEP = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
RSA_SIGNING = [
    f"RSASSA_{kind}_SHA_{size}" for kind in ("PKCS1_V1_5", "PSS") for size in (256, 384, 512)
]


@pytest.mark.parametrize(
    ("spec", "usage", "algorithms"),
    [
        ("RSA_2048", "SIGN_VERIFY", RSA_SIGNING),
        ("RSA_3072", "SIGN_VERIFY", RSA_SIGNING),
        ("RSA_3072", "ENCRYPT_DECRYPT", OAEP),
        ("ECC_NIST_P256", "SIGN_VERIFY", ["ECDSA_SHA_256"]),
        ("ECC_NIST_P384", "SIGN_VERIFY", ["ECDSA_SHA_384"]),
        ("ECC_NIST_P521", "SIGN_VERIFY", ["ECDSA_SHA_512"]),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", ["ECDSA_SHA_256"]),
        ("ECC_NIST_P384", "KEY_AGREEMENT", ["ECDH"]),
        ("ECC_NIST_P521", "KEY_AGREEMENT", ["ECDH"]),
        *((f"HMAC_{size}", "GENERATE_VERIFY_MAC", [f"HMAC_SHA_{size}"])
          for size in (224, 256, 384, 512)),
    ],
)  # fmt: skip
def test_each_key_spec_has_its_algorithms(spec: str, usage: str, algorithms: list[str]) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html"""
    kms, arn = client(), new_key(KeySpec=spec, KeyUsage=usage)
    found = kms.describe_key(KeyId=arn)["KeyMetadata"]
    field = {
        "SIGN_VERIFY": "SigningAlgorithms",
        "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
        "KEY_AGREEMENT": "KeyAgreementAlgorithms",
        "GENERATE_VERIFY_MAC": "MacAlgorithms",
    }[usage]
    assert sorted(found[field]) == sorted(algorithms)
    assert [name for name in found if name.endswith("Algorithms")] == [field]
    for algorithm in algorithms:
        _round_trip(kms, arn, usage, algorithm)


def _round_trip(kms: Any, arn: str, usage: str, algorithm: str) -> None:
    """Use a key, and undo or check what it did."""
    if usage == "SIGN_VERIFY":
        asked = {"KeyId": arn, "Message": b"message", "SigningAlgorithm": algorithm}
        assert kms.verify(Signature=kms.sign(**asked)["Signature"], **asked)["SignatureValid"]
    elif usage == "ENCRYPT_DECRYPT":
        asked = {"KeyId": arn, "EncryptionAlgorithm": algorithm}
        blob = kms.encrypt(Plaintext=b"x", **asked)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob, **asked)["Plaintext"] == b"x"
    elif usage == "KEY_AGREEMENT":
        public = kms.get_public_key(KeyId=arn)["PublicKey"]
        asked = {"KeyId": arn, "KeyAgreementAlgorithm": algorithm, "PublicKey": public}
        assert kms.derive_shared_secret(**asked)["SharedSecret"]
    else:
        asked = {"KeyId": arn, "Message": b"message", "MacAlgorithm": algorithm}
        mac = kms.generate_mac(**asked)["Mac"]
        assert len(mac) == int(algorithm[-3:]) // 8
        assert kms.verify_mac(Mac=mac, **asked)["MacValid"]
