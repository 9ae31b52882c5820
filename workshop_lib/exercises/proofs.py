"""What proves an exercise: whether a ciphertext opens under a key, whether a signature is valid."""

from typing import Any


def opened(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes | None:
    """The plaintext of ``sealed`` (AES-GCM: ciphertext and 16-byte tag); None if it does not open.

    ``key`` has 16, 24 or 32 bytes, ``nonce`` 12 as a rule; ``aad`` is the additional authenticated
    data. https://csrc.nist.gov/pubs/sp/800/38/d/final
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except (InvalidTag, ValueError):  # a key or a nonce of a length that there is not
        return None


def opened_cbc(key: bytes, sealed: bytes) -> bytes | None:
    """The plaintext of ``sealed`` (AES-CBC, PKCS #7): an initialization vector, then ciphertext.

    None if that does not come out whole. CBC authenticates nothing: ask a MAC first.
    https://csrc.nist.gov/pubs/sp/800/38/a/final
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        cipher = Cipher(algorithms.AES(key), modes.CBC(sealed[:16])).decryptor()
        unpadder = PKCS7(128).unpadder()
        padded = cipher.update(sealed[16:]) + cipher.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None


def unwrapped(wrapping_key: bytes, wrapped: bytes) -> bytes | None:
    """The key in ``wrapped`` (AES key wrap, RFC 3394); None if it does not open.

    https://www.rfc-editor.org/rfc/rfc3394
    """
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    try:
        return aes_key_unwrap(wrapping_key, wrapped)
    except (InvalidUnwrap, ValueError):
        return None


def verified(public: bytes, algorithm: str, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is one of the message, as anyone tells who has the public key.

    ``public`` is a SubjectPublicKeyInfo in DER, as GetPublicKey returns it; ``algorithm`` one of
    KMS's. Of ECDSA and RSA the message is hashed here, of ML-DSA the context is empty.
    https://docs.aws.amazon.com/kms/latest/developerguide/offline-operations.html
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    how: list[Any] = []
    if algorithm != "ML_DSA_SHAKE_256":
        digest = getattr(hashes, f"SHA{algorithm[-3:]}")()
        how = [ec.ECDSA(digest)]
        if "PKCS1" in algorithm:
            how = [padding.PKCS1v15(), digest]
        elif "PSS" in algorithm:
            how = [padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest]
    try:
        key: Any = serialization.load_der_public_key(public)
        key.verify(signature, message, *how)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
