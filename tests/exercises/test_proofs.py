"""What proves an exercise: AES-GCM opens what was sealed so, and nothing else."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.exercises.proofs import opened

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
