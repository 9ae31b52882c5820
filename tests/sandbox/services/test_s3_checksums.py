"""The checksums of S3."""

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.services.s3.checksums import (
    ALGORITHMS,
    NOT_EMULATED,
    checksum,
    combined,
    composite,
    is_value,
)

# Of "123456789", as the catalogue of CRCs lists them.
KNOWN = {"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}
CRCS = sorted(KNOWN)


@pytest.mark.parametrize("algorithm", CRCS)
def test_known_values(algorithm: str) -> None:
    expected = base64.b64encode(bytes.fromhex(KNOWN[algorithm])).decode()
    assert checksum(algorithm, b"123456789") == expected


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512", "MD5"])
def test_digests(algorithm: str) -> None:
    digest = hashlib.new(algorithm.lower(), b"x").digest()
    assert checksum(algorithm, b"x") == base64.b64encode(digest).decode()


def slow(algorithm: str, data: bytes) -> int:
    """A CRC bit by bit."""
    polynomial, bits = {
        "CRC32": (0xEDB88320, 32),
        "CRC32C": (0x82F63B78, 32),
        "CRC64NVME": (0x9A6C9329AC4BC9B5, 64),
    }[algorithm]
    state = (1 << bits) - 1
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (polynomial if state & 1 else 0)
    return state ^ ((1 << bits) - 1)


@pytest.mark.parametrize("size", [0, 1, 8_191, 8_192, 8_193, 20_000])
@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
def test_long_data_is_summed_as_short_data_is(algorithm: str, size: int) -> None:
    data = hashlib.shake_128(b"data").digest(size)
    found = int.from_bytes(base64.b64decode(checksum(algorithm, data)), "big")
    assert found == slow(algorithm, data)


def test_crc32_is_zlibs() -> None:
    assert (
        checksum("CRC32", b"abc")
        == base64.b64encode(zlib.crc32(b"abc").to_bytes(4, "big")).decode()
    )


@given(st.sampled_from(CRCS), st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_parts_sum_to_the_whole(algorithm: str, parts: list[bytes]) -> None:
    sums = [(checksum(algorithm, part), len(part)) for part in parts]
    assert combined(algorithm, sums) == checksum(algorithm, b"".join(parts))


def test_a_composite_is_the_checksum_of_checksums() -> None:
    sums = [checksum("SHA256", b"a"), checksum("SHA256", b"b")]
    joined = b"".join(base64.b64decode(one) for one in sums)
    assert composite("SHA256", sums) == f"{checksum('SHA256', joined)}-2"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_can_be_a_checksum(algorithm: str) -> None:
    assert is_value(algorithm, checksum(algorithm, b"x"))
    for text in ("", "AAAA", "no base64!", checksum(algorithm, b"x")[:-4]):
        assert not is_value(algorithm, text)


@pytest.mark.parametrize("algorithm", NOT_EMULATED)
def test_what_is_not_emulated_is_refused_by_name(algorithm: str) -> None:
    with pytest.raises(NotEmulated, match=algorithm):
        checksum(algorithm, b"x")
