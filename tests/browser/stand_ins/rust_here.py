"""The stand-in for cryptography's compiled module: what is asked of it, the server's does.

But for what is asked very often: what is in Python as well (object identifiers, hashes, HMACs,
padding) is done here, and of what takes several calls the server hears once.
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


class HKDF:
    """HKDF, which the server does: one request for one that is made and used once."""

    def __init__(
        self, algorithm: Any, length: int, salt: Any, info: Any, backend: Any = None
    ) -> None:
        self._made = (algorithm, length, salt, info)

    def derive(self, key_material: Any) -> Any:
        """The derived key."""
        return ask("apply", __name__, "openssl.kdf.HKDF", self._made, "derive", (key_material,))


class _Gathering:
    """What takes the data in pieces and, as it may, gives all of the outcome at the end."""

    def __init__(self) -> None:
        self._pieces: list[bytes] | None = []

    def update(self, data: Any) -> bytes:
        """Take more of the data."""
        from cryptography.exceptions import AlreadyFinalized

        if self._pieces is None:
            raise AlreadyFinalized("Context was already finalized.")
        self._pieces.append(bytes(data))
        return b""

    def _all(self) -> bytes:
        self.update(b"")
        pieces, self._pieces = self._pieces, None
        return b"".join(pieces or ())


class CBC(_Gathering):
    """A cipher in CBC, which the server does: one request for all of it."""

    def __init__(self, make: str, algorithm: Any, mode: Any) -> None:
        super().__init__()
        self._made = (f"openssl.ciphers.{make}", algorithm, mode)

    def finalize(self) -> Any:
        """The outcome."""
        return ask("cipher", __name__, *self._made, self._all())


class PKCS7PaddingContext(_Gathering):
    """Padding, by https://www.rfc-editor.org/rfc/rfc5652#section-6.3."""

    def __init__(self, block_size: int) -> None:
        super().__init__()
        self._size = block_size // 8

    def finalize(self) -> bytes:
        """All that was taken, padded."""
        data = self._all()
        missing = self._size - len(data) % self._size
        return data + bytes([missing]) * missing


class PKCS7UnpaddingContext(PKCS7PaddingContext):
    """The way back."""

    def finalize(self) -> bytes:
        """All that was taken, without its padding. Raises ValueError."""
        data = self._all()
        padding = data[-1:] * (data[-1] if data else 0)
        if not padding or len(data) % self._size or not data.endswith(padding):
            raise ValueError("Invalid padding bytes.")
        return data[: -len(padding)]


def _cipher(make: str) -> Any:
    there = find(__name__, f"openssl.ciphers.{make}")

    def made(algorithm: Any, mode: Any) -> Any:
        if getattr(mode, "name", "") == "CBC":
            return CBC(make, algorithm, mode)
        return there(algorithm, mode)

    return made


class _Module:
    """A module of the server's, with what is done here in place of its own."""

    def __init__(self, path: str, **ours: Any) -> None:
        self.__dict__.update(ours)
        self._there = Path(__name__, path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._there, name)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return openssl if name == "openssl" else find(__name__, name)


openssl = _Module(
    "openssl",
    aead=_Module("openssl.aead", AESGCM=AESGCM),
    ciphers=_Module(
        "openssl.ciphers",
        create_encryption_ctx=_cipher("create_encryption_ctx"),
        create_decryption_ctx=_cipher("create_decryption_ctx"),
    ),
    hashes=SimpleNamespace(
        Hash=Hash,
        XOFHash=find(__name__, "openssl.hashes.XOFHash"),
        hash_supported=find(__name__, "openssl.hashes.hash_supported"),
    ),
    hmac=SimpleNamespace(HMAC=HMAC),
    kdf=_Module("openssl.kdf", HKDF=HKDF),
)
