"""The checksums that S3 keeps with an object, and how those of parts become an object's.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from workshop_lib.errors import NotEmulated

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5")
NOT_EMULATED = ("XXHASH64", "XXHASH3", "XXHASH128")
DEFAULT = "CRC64NVME"
"""What S3 computes for an upload that names no checksum."""

_POLYNOMIALS = {  # bits reversed, and how many bytes the value has
    "CRC32": (0xEDB88320, 4),
    "CRC32C": (0x82F63B78, 4),
    "CRC64NVME": (0x9A6C9329AC4BC9B5, 8),
}
_HASHES: dict[str, Callable[..., Any]] = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
    "MD5": hashlib.md5,
}
_LENGTHS = {
    **{name: length for name, (_, length) in _POLYNOMIALS.items()},
    "SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16,
}  # fmt: skip
_FEW = 8_192  # bytes from which on loading numpy is worth it


def checksum(algorithm: str, data: bytes | memoryview) -> str:
    """A checksum as S3 writes it: base64. Raises NotEmulated for xxHash."""
    if algorithm == "CRC32":
        raw = zlib.crc32(data).to_bytes(4, "big")
    elif algorithm in _POLYNOMIALS:
        raw = _crc(algorithm, data).to_bytes(_LENGTHS[algorithm], "big")
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
    polynomial, length = _POLYNOMIALS[algorithm]
    value = 0
    for text, size in parts:
        value = _shifted(polynomial, value, size) ^ int.from_bytes(base64.b64decode(text), "big")
    return base64.b64encode(value.to_bytes(length, "big")).decode()


# --- cyclic redundancy checks -------------------------------------------------------------------


def _crc(algorithm: str, data: bytes | memoryview) -> int:
    polynomial, length = _POLYNOMIALS[algorithm]
    ones = (1 << 8 * length) - 1
    state, start = ones, 0
    if len(data) >= _FEW:
        lane = 1 << (len(data).bit_length() // 2)  # bytes that are taken one after another
        start = len(data) // lane * lane
        state = _crc_of_lanes(polynomial, memoryview(data)[:start], lane, state)
    table = _table(polynomial)
    for byte in memoryview(data)[start:]:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ ones


def _crc_of_lanes(polynomial: int, data: memoryview, lane: int, state: int) -> int:
    """The state after ``data``, whose equally long lanes are taken all at a time."""
    import numpy

    table = numpy.array(_table(polynomial), dtype=numpy.uint64)
    rows = numpy.frombuffer(data, dtype=numpy.uint8).reshape(-1, lane)
    states = numpy.zeros(len(rows), dtype=numpy.uint64)
    states[0] = state
    low, eight = numpy.uint64(0xFF), numpy.uint64(8)
    for column in numpy.ascontiguousarray(rows.T):
        states = table[((states ^ column) & low).astype(numpy.intp)] ^ (states >> eight)
    missing = (1 << (len(states) - 1).bit_length()) - len(states)
    states = numpy.concatenate([numpy.zeros(missing, dtype=numpy.uint64), states])
    power = lane.bit_length() - 1
    while len(states) > 1:
        left, right = states[::2], states[1::2]
        shifted = numpy.zeros_like(left)
        for bit, image in enumerate(_shift_by_power(polynomial, power)):
            shifted ^= ((left >> numpy.uint64(bit)) & numpy.uint64(1)) * numpy.uint64(image)
        states = shifted ^ right
        power += 1
    return int(states[0])


@lru_cache(8)
def _table(polynomial: int) -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


def _shifted(polynomial: int, value: int, length: int) -> int:
    """The state that ``value`` becomes when ``length`` zero bytes follow."""
    power = 0
    while length:
        if length & 1:
            value = _applied(_shift_by_power(polynomial, power), value)
        length >>= 1
        power += 1
    return value


@lru_cache(256)
def _shift_by_power(polynomial: int, power: int) -> list[int]:
    """The linear map of 2**power zero bytes: what becomes of each bit of the state."""
    if power == 0:
        table = _table(polynomial)
        bits = 64 if polynomial >> 32 else 32
        return [table[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(bits)]
    half = _shift_by_power(polynomial, power - 1)
    return [_applied(half, column) for column in half]


def _applied(columns: list[int], value: int) -> int:
    result = 0
    for column in columns:
        if value & 1:
            result ^= column
        value >>= 1
    return result
