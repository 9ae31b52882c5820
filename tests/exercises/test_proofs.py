"""What proves an exercise: a cipher opens what was sealed so, and nothing else."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.identifiers import EncryptionKeyType, KeyEncodingType
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.exercises.proofs import opened, opened_cbc, unwrapped

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
