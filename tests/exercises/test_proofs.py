"""What proves an exercise: a cipher opens what was sealed so, and nothing else."""

import boto3
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.identifiers import EncryptionKeyType, KeyEncodingType
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.exercises.proofs import opened, opened_cbc, unwrapped, verified

keys = st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
nonces = st.binary(min_size=12, max_size=12)


@given(key=keys, nonce=nonces, plaintext=st.binary(max_size=80), aad=st.binary(max_size=40))
def test_what_was_sealed_opens(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> None:
    assert opened(key, nonce, AESGCM(key).encrypt(nonce, plaintext, aad), aad) == plaintext


@given(key=keys, nonce=nonces, place=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_opens_nothing(key: bytes, nonce: bytes, place: int, bit: int) -> None:
    sealed = bytearray(AESGCM(key).encrypt(nonce, b"a letter", b"about"))
    sealed[place % len(sealed)] ^= 1 << bit
    assert opened(key, nonce, bytes(sealed), b"about") is None


@given(key=keys, nonce=nonces)
def test_another_key_nonce_or_context_opens_nothing(key: bytes, nonce: bytes) -> None:
    sealed = AESGCM(key).encrypt(nonce, b"a letter", b"about")
    other = bytes([key[0] ^ 1]) + key[1:]
    assert opened(other, nonce, sealed, b"about") is None
    assert opened(key, bytes([nonce[0] ^ 1]) + nonce[1:], sealed, b"about") is None
    assert opened(key, nonce, sealed, b"something else") is None
    assert opened(key, nonce, sealed[:10], b"about") is None
    assert opened(key, nonce, b"") is None


@given(key=st.binary(min_size=32, max_size=32), plaintext=st.binary(max_size=80))
def test_cbc_opens_what_the_encryption_client_sealed(key: bytes, plaintext: bytes) -> None:
    sealing = JceNameLocalDelegatedKey(
        key=key,
        algorithm="AES",
        key_type=EncryptionKeyType.SYMMETRIC,
        key_encoding=KeyEncodingType.RAW,
    )
    sealed = sealing.encrypt("AES/CBC/PKCS5Padding", "card", plaintext)
    assert opened_cbc(key, sealed) == plaintext
    assert opened_cbc(key, sealed[:-1]) is None
    assert opened_cbc(b"short", sealed) is None


@given(wrapping=st.binary(min_size=32, max_size=32), key=st.binary(min_size=32, max_size=32))
def test_a_wrapped_key_opens_and_an_altered_one_does_not(wrapping: bytes, key: bytes) -> None:
    wrapped = aes_key_wrap(wrapping, key)
    assert unwrapped(wrapping, wrapped) == key
    assert unwrapped(wrapping, bytes([wrapped[0] ^ 1]) + wrapped[1:]) is None
    assert unwrapped(wrapping, b"x") is None


ALGORITHMS = {
    "ECC_NIST_P256": "ECDSA_SHA_256",
    "ECC_NIST_P384": "ECDSA_SHA_384",
    "ECC_SECG_P256K1": "ECDSA_SHA_256",
    "RSA_2048": "RSASSA_PSS_SHA_512",
    "RSA_3072": "RSASSA_PKCS1_V1_5_SHA_256",
    "ML_DSA_44": "ML_DSA_SHAKE_256",
}


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("spec", ALGORITHMS)
def test_a_signature_of_kms_is_verified_and_no_other(spec: str) -> None:
    kms, algorithm = boto3.client("kms"), ALGORITHMS[spec]
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    public = kms.get_public_key(KeyId=key)["PublicKey"]
    answer = kms.sign(KeyId=key, Message=b"a contract", SigningAlgorithm=algorithm)
    signature = answer["Signature"]
    assert verified(public, algorithm, b"a contract", signature)
    assert not verified(public, algorithm, b"a contract.", signature)
    assert not verified(public, algorithm, b"a contract", signature[:-1] + b"\0\0")
    assert not verified(public[:-1], algorithm, b"a contract", signature)
    assert not verified(public, algorithm, b"a contract", b"")
