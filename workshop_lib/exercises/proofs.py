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
