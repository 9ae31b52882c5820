"""What storage holds: bytes sealed under data keys, and those keys wrapped.

A model of the design that AWS publishes (envelope encryption with AES-256-GCM), not of its inside:
how AWS cuts data into pieces and derives what it derives is not public.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingServerSideEncryption.html
https://docs.aws.amazon.com/kms/latest/developerguide/kms-cryptography.html
"""

import hashlib
import hmac
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEGMENT = 256 * 1024
"""Plaintext bytes that are sealed in one piece: a range opens only the segments it touches."""
TAG = 16
"""What sealing adds to a segment, for each layer of encryption."""
_NONCE, _SALT = 12, 16

Keys = Sequence[bytes]
"""The data keys of one object, 32 bytes each, innermost layer first."""


class Corrupt(Exception):
    """Stored bytes are not what was sealed: altered, cut short or moved."""


# --- segments -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """Bytes that were sealed in one go: a whole object, or one part of it.

    ``length`` counts plaintext bytes. A section has keys of its own, derived by its salt, so that
    no two segments under one data key ever share key and nonce.
    """

    salt: bytes
    length: int

    def stored_length(self, layers: int) -> int:
        """How many bytes the section takes on disk."""
        return self.length + self._segments * TAG * layers

    @property
    def _segments(self) -> int:
        return max(1, -(-self.length // SEGMENT))  # an empty section has one, empty segment

    def ciphers(self, keys: Keys) -> list[AESGCM]:
        """The ciphers of the section's layers, innermost first."""
        return [AESGCM(hmac.digest(key, b"section" + self.salt, "sha256")) for key in keys]

    def bound(self, index: int) -> bytes:
        """What a segment is bound to besides its place: the section's length."""
        return b"%d of %d bytes" % (index, self.length)

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The segments that hold plaintext bytes ``start`` to ``stop``: index, begin, end."""
        for index in range(start // SEGMENT, self._segments):
            begin = index * SEGMENT
            if begin >= stop and begin > 0:
                return
            yield index, begin, min(begin + SEGMENT, self.length)


def seal(plaintext: bytes | memoryview, keys: Keys) -> tuple[Section, Iterator[bytes]]:
    """Seal bytes: their section, and the sealed segments, made as they are taken."""
    section = Section(os.urandom(_SALT), len(plaintext))
    return section, _sealed(memoryview(plaintext), section, keys)


def _sealed(plaintext: memoryview, section: Section, keys: Keys) -> Iterator[bytes]:
    ciphers = section.ciphers(keys)
    for index, begin, end in section.pieces(0, section.length):
        data: bytes | memoryview = plaintext[begin:end]
        for cipher in ciphers:
            data = cipher.encrypt(_nonce(index), data, section.bound(index))
        yield bytes(data)


def unseal(
    read: Callable[[int, int], bytes],
    sections: Sequence[Section],
    keys: Keys,
    start: int = 0,
    stop: int | None = None,
) -> bytes:
    """The plaintext bytes from ``start`` up to ``stop`` of sections that lie one after another.

    ``read(position, length)`` gives stored bytes. Raises Corrupt for any that were altered.
    """
    total = sum(section.length for section in sections)
    stop = total if stop is None else min(stop, total)
    opened = io.BytesIO()  # grows in place: a list of pieces would need the memory twice
    position = offset = 0
    for section in sections:
        end = offset + section.length
        if (start < end and offset < stop) or total == 0:
            first, last = max(start - offset, 0), min(stop, end) - offset
            opened.writelines(_opened(read, position, section, keys, first, last))
        position += section.stored_length(len(keys))
        offset = end
    return opened.getvalue()


def _opened(
    read: Callable[[int, int], bytes],
    position: int,
    section: Section,
    keys: Keys,
    start: int,
    stop: int,
) -> Iterator[bytes]:
    ciphers = section.ciphers(keys)[::-1]
    overhead = TAG * len(keys)
    for index, begin, end in section.pieces(start, stop):
        data = read(position + begin + index * overhead, end - begin + overhead)
        for cipher in ciphers:
            try:
                data = cipher.decrypt(_nonce(index), data, section.bound(index))
            except (InvalidTag, ValueError):
                raise Corrupt("A stored segment was altered.") from None
        first, last = max(start - begin, 0), min(stop, end) - begin
        yield data if (first, last) == (0, end - begin) else data[first:last]


@lru_cache(4096)
def _nonce(index: int) -> bytes:
    return index.to_bytes(_NONCE, "big")


# --- wrapped keys -------------------------------------------------------------------------------


def wrap(wrapping_key: bytes, data_key: bytes, context: Mapping[str, str]) -> bytes:
    """A data key encrypted under another key and bound to a context: nonce, ciphertext, tag."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(wrapping_key).encrypt(nonce, data_key, _canonical(context))


def unwrap(wrapping_key: bytes, wrapped: bytes, context: Mapping[str, str]) -> bytes:
    """The data key. Raises Corrupt for another wrapping key, another context, an altered blob."""
    try:
        nonce, sealed = wrapped[:_NONCE], wrapped[_NONCE:]
        return AESGCM(wrapping_key).decrypt(nonce, sealed, _canonical(context))
    except (InvalidTag, ValueError):
        raise Corrupt("A wrapped data key was altered.") from None


def new_key() -> bytes:
    """A random 256-bit key."""
    return os.urandom(32)


def _canonical(context: Mapping[str, str]) -> bytes:
    parts = [part.encode() for item in sorted(context.items()) for part in item]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a key that a customer sends along: a salted HMAC, which opens nothing."""

    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, key: bytes) -> "Fingerprint":
        """A new fingerprint of ``key``."""
        salt = os.urandom(_SALT)
        return cls(salt, hmac.digest(salt, key, hashlib.sha256))

    def fits(self, key: bytes) -> bool:
        """Whether this is a fingerprint of ``key``."""
        return hmac.compare_digest(hmac.digest(self.salt, key, hashlib.sha256), self.digest)


# --- records ------------------------------------------------------------------------------------


class RecordSealer:
    """Seals small records under one data key, each bound to the place where it belongs."""

    def __init__(self, data_key: bytes) -> None:
        self._cipher = AESGCM(data_key)

    def seal(self, plaintext: bytes, place: bytes) -> bytes:
        """A sealed record: nonce, ciphertext, tag."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plaintext, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """The record. Raises Corrupt for one that was altered, or belongs to another place."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
        except (InvalidTag, ValueError):
            raise Corrupt("A stored record was altered.") from None
