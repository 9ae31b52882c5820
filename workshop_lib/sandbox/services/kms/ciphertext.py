"""KMS's ciphertext blobs: opaque, authenticated, bound to key, key material and context.

AWS KMS encrypts with AES-256-GCM, the encryption context as additional authenticated data, under
a key derived afresh for each ciphertext; its format is not published. A blob here has AWS's
length (152 bytes more than the plaintext: 184 for a 256-bit data key) and its constant beginning.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
https://docs.aws.amazon.com/kms/latest/cryptographic-details/crypto-primitives.html
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MAGIC = b"\x01\x02\x02\x00xlab"  # AWS's begin 01 02 02 00 78; "lab" says whose this is
_MATERIAL, _SALT, _NONCE, _CHECK, _TAG = 32, 36, 12, 48, 16
_SIGNED = len(_MAGIC) + _MATERIAL + _SALT + _NONCE
_HEADER = _SIGNED + _CHECK
OVERHEAD = _HEADER + _TAG


class BrokenBlob(ValueError):
    """Not a ciphertext of this KMS, or one that was altered or belongs to another context."""


@dataclass(frozen=True)
class Sealed:
    """A ciphertext blob taken apart; ``material_id`` (64 hex digits) tells which key made it."""

    material_id: str
    header: bytes
    body: bytes


class BlobSealer:
    """Makes and reads the blobs of one KMS. Blobs of another one are broken to it."""

    def __init__(self) -> None:
        self._own = os.urandom(32)

    def seal(
        self, plaintext: bytes, *, secret: bytes, material_id: str, key_id: str,
        context: Mapping[str, str],
    ) -> bytes:  # fmt: skip
        """Encrypt under key material ``secret`` (32 bytes) for ``context``."""
        random = os.urandom(_SALT + _NONCE)
        signed = _MAGIC + bytes.fromhex(material_id) + random
        header = signed + hmac.digest(self._own, signed, "sha384")
        cipher = AESGCM(_derived(secret, random[:_SALT]))
        return header + cipher.encrypt(random[_SALT:], plaintext, _bound(header, key_id, context))

    def read(self, blob: bytes) -> Sealed:
        """Which key material a blob needs. Raises BrokenBlob."""
        signed, check = blob[:_SIGNED], blob[_SIGNED:_HEADER]
        if len(blob) < OVERHEAD or not blob.startswith(_MAGIC):
            raise BrokenBlob
        if not hmac.compare_digest(check, hmac.digest(self._own, signed, "sha384")):
            raise BrokenBlob
        start = len(_MAGIC)
        return Sealed(blob[start : start + _MATERIAL].hex(), blob[:_HEADER], blob[_HEADER:])

    def open(
        self, sealed: Sealed, *, secret: bytes, key_id: str, context: Mapping[str, str]
    ) -> bytes:
        """The plaintext. Raises BrokenBlob for an altered blob or another context."""
        nonce = sealed.header[_SIGNED - _NONCE : _SIGNED]
        salt = sealed.header[_SIGNED - _NONCE - _SALT : _SIGNED - _NONCE]
        bound = _bound(sealed.header, key_id, context)
        try:
            return AESGCM(_derived(secret, salt)).decrypt(nonce, sealed.body, bound)
        except InvalidTag:
            raise BrokenBlob from None


def _derived(secret: bytes, salt: bytes) -> bytes:
    return hmac.digest(secret, b"sandbox kms symmetric" + salt, "sha256")


def _bound(header: bytes, key_id: str, context: Mapping[str, str]) -> bytes:
    return header + _counted(key_id) + canonical(context)


def canonical(context: Mapping[str, str]) -> bytes:
    """An encryption context as bytes: every pair in order of its key, every text counted.

    Counting keeps {"a": "bc"} apart from {"ab": "c"}; the order in which pairs were given does
    not matter.
    """
    return b"".join(_counted(name) + _counted(context[name]) for name in sorted(context))


def _counted(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(4, "big") + data
