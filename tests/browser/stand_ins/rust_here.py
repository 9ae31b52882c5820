"""The stand-in for cryptography's compiled module: what is asked of it, the server's does.

But for what is asked very often and is in Python as well: object identifiers, hashes and HMACs.
"""

from __future__ import annotations

import hashlib
import hmac
from types import SimpleNamespace
from typing import Any

from stand_in_remote import Path, ask, find


class ObjectIdentifier:
    """Hundreds of them are made when cryptography is imported."""

    def __init__(self, dotted_string: str) -> None:
        self.dotted_string = dotted_string

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectIdentifier) and self.dotted_string == other.dotted_string

    def __hash__(self) -> int:
        return hash(self.dotted_string)

    def __reduce__(self) -> Any:
        return ObjectIdentifier, (self.dotted_string,)


class Hash:
    """A hash, by hashlib."""

    def __init__(self, algorithm: Any, backend: Any = None, *, made: Any = None) -> None:
        self.algorithm = algorithm
        self._made = made or hashlib.new(algorithm.name.replace("-", "_"))

    def update(self, data: Any) -> None:
        """Take more of the message."""
        self._made.update(data)

    def copy(self) -> Any:
        """Another one that goes on from here."""
        return type(self)(self.algorithm, made=self._made.copy())

    def finalize(self) -> bytes:
        """The hash of all of it."""
        return bytes(self._made.digest())


class HMAC(Hash):
    """An HMAC, by hmac."""

    def __init__(
        self, key: bytes, algorithm: Any, backend: Any = None, *, made: Any = None
    ) -> None:
        self._key = key
        super().__init__(algorithm, made=made or hmac.new(key, digestmod=algorithm.name))

    def copy(self) -> Any:
        return type(self)(self._key, self.algorithm, made=self._made.copy())

    def verify(self, signature: bytes) -> None:
        """Raise InvalidSignature for another one."""
        from cryptography.exceptions import InvalidSignature

        if not hmac.compare_digest(self.finalize(), signature):
            raise InvalidSignature("Signature did not match digest.")


class AESGCM:
    """AES-GCM, which the server does: one request for a cipher that is made and used once."""

    _path = "openssl.aead.AESGCM"

    def __init__(self, key: Any) -> None:
        if len(key) not in (16, 24, 32):
            find(__name__, self._path)(bytes(key))  # raises what the real one does
        self._key = bytes(key)

    @classmethod
    def generate_key(cls, bit_length: int) -> Any:
        """A fresh key."""
        return find(__name__, cls._path).generate_key(bit_length)

    def encrypt(self, nonce: Any, data: Any, associated_data: Any) -> Any:
        """The ciphertext and its tag."""
        words = (nonce, data, associated_data)
        return ask("apply", __name__, self._path, (self._key,), "encrypt", words)

    def decrypt(self, nonce: Any, data: Any, associated_data: Any) -> Any:
        """The plaintext; raises InvalidTag."""
        words = (nonce, data, associated_data)
        return ask("apply", __name__, self._path, (self._key,), "decrypt", words)


class _Aead:
    AESGCM = AESGCM

    def __getattr__(self, name: str) -> Any:
        return getattr(Path(__name__, "openssl.aead"), name)


class _OpenSSL:
    aead = _Aead()
    hashes = SimpleNamespace(
        Hash=Hash,
        XOFHash=find(__name__, "openssl.hashes.XOFHash"),
        hash_supported=find(__name__, "openssl.hashes.hash_supported"),
    )
    hmac = SimpleNamespace(HMAC=HMAC)

    def __getattr__(self, name: str) -> Any:
        return getattr(Path(__name__, "openssl"), name)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return openssl if name == "openssl" else find(__name__, name)


openssl = _OpenSSL()
