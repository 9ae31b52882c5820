"""The checksums that S3 keeps with an object, and how those of parts become an object's.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
CRCs are anycrc's (not awscrt's: with that installed, boto3 may leave by a network stack of its
own). Where anycrc has no wheel, the same sums come from Python, slowly.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Protocol

try:
    import anycrc
except ImportError:
    anycrc = None

from workshop_lib.errors import NotEmulated

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5")
NOT_EMULATED = ("XXHASH64", "XXHASH3", "XXHASH128")
DEFAULT = "CRC64NVME"
"""What S3 computes for an upload that names no checksum."""

_CRCS = {  # anycrc's name, the polynomial with its bits reversed, how many bytes the value has
    "CRC32": ("CRC32", 0xEDB88320, 4),
    "CRC32C": ("CRC32C", 0x82F63B78, 4),
    "CRC64NVME": ("CRC64-NVME", 0x9A6C9329AC4BC9B5, 8),
}
_HASHES: dict[str, Callable[..., Any]] = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
    "MD5": hashlib.md5,
}
_LENGTHS = {
    **{name: length for name, (_, _, length) in _CRCS.items()},
    "SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16,
}  # fmt: skip


def checksum(algorithm: str, data: bytes | memoryview) -> str:
    """A checksum as S3 writes it: base64. Raises NotEmulated for xxHash."""
    if algorithm == "CRC32":
        raw = zlib.crc32(data).to_bytes(4, "big")
    elif algorithm in _CRCS:
        raw = _MODELS[algorithm].calc(data).to_bytes(_LENGTHS[algorithm], "big")
    elif algorithm in _HASHES:
        raw = _HASHES[algorithm](data, usedforsecurity=False).digest()
    else:
        raise NotEmulated(f"The sandbox does not emulate the checksum {algorithm}.")
    return base64.b64encode(raw).decode()


def is_value(algorithm: str, text: str) -> bool:
    """Whether ``text`` could be a checksum: base64 of the right length."""
    try:
        return len(base64.b64decode(text, validate=True)) == _LENGTHS[algorithm]
    except (binascii.Error, ValueError):
        return False


def composite(algorithm: str, parts: Iterable[str]) -> str:
    """The checksum of the parts' checksums, followed by how many they are."""
    values = [base64.b64decode(part) for part in parts]
    return f"{checksum(algorithm, b''.join(values))}-{len(values)}"


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """A CRC of data joined from parts, of each of which CRC and length are known."""
    value = 0
    for text, size in parts:
        part = int.from_bytes(base64.b64decode(text), "big")
        value = _MODELS[algorithm].combine(value, part, size)
    return base64.b64encode(value.to_bytes(_LENGTHS[algorithm], "big")).decode()


# --- cyclic redundancy checks -------------------------------------------------------------------


class _Crc(Protocol):
    def calc(self, data: bytes | memoryview) -> int: ...

    def combine(self, first: int, second: int, length: int) -> int: ...


class _TableCrc:
    """A CRC byte by byte: what anycrc's models do, where there is no anycrc."""

    def __init__(self, polynomial: int, length: int) -> None:
        self._ones = (1 << 8 * length) - 1
        self._table = []
        for value in range(256):
            for _ in range(8):
                value = (value >> 1) ^ (polynomial if value & 1 else 0)
            self._table.append(value)

    def calc(self, data: bytes | memoryview) -> int:
        """The CRC of ``data``."""
        return self._state_after(data, self._ones) ^ self._ones

    def combine(self, first: int, second: int, length: int) -> int:
        """The CRC of joined data: of its start, of its end, and how many bytes the end has."""
        return self._state_after(bytes(length), first) ^ second

    def _state_after(self, data: bytes | memoryview, state: int) -> int:
        table = self._table
        for byte in data:
            state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
        return state


def _model(name: str, polynomial: int, length: int) -> _Crc:
    return _TableCrc(polynomial, length) if anycrc is None else anycrc.Model(name)


_MODELS = {algorithm: _model(*model) for algorithm, model in _CRCS.items()}
