"""What proves an exercise: whether a ciphertext opens under a key, and what is in it."""


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
    """The plaintext of ``sealed`` (AES-CBC: 16-byte IV, whole blocks, PKCS#7); None if it has none.

    https://csrc.nist.gov/pubs/sp/800/38/a/final
    """
    from cryptography.hazmat.primitives import padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        cipher = Cipher(algorithms.AES(key), modes.CBC(sealed[:16])).decryptor()
        padded = cipher.update(sealed[16:]) + cipher.finalize()
        unpadder = padding.PKCS7(128).unpadder()
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
