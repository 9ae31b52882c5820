"""The checksums of S3."""

import base64
import hashlib
import importlib.util
import sys
import zlib
from types import ModuleType

import anycrc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.services.s3 import checksums
from workshop_lib.sandbox.services.s3.checksums import (
    ALGORITHMS,
    NOT_EMULATED,
    checksum,
    composite,
    is_value,
)

# Of "123456789", as the catalogue of CRCs lists them.
KNOWN = {"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}
CRCS = sorted(KNOWN)


def without_anycrc() -> ModuleType:
    """The module as it is where anycrc has no wheel."""
    spec = importlib.util.find_spec(checksums.__name__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "anycrc", None)
        spec.loader.exec_module(module)
    return module


FALLBACK = without_anycrc()
BOTH = pytest.mark.parametrize("module", [checksums, FALLBACK], ids=["anycrc", "Python"])


@BOTH
@pytest.mark.parametrize("algorithm", CRCS)
def test_known_values(module: ModuleType, algorithm: str) -> None:
    expected = base64.b64encode(bytes.fromhex(KNOWN[algorithm])).decode()
    assert module.checksum(algorithm, b"123456789") == expected


def test_anycrc_sums_where_it_is_installed() -> None:
    for algorithm in CRCS:
        assert isinstance(checksums._MODELS[algorithm], type(anycrc.Model("CRC32C")))
        assert isinstance(FALLBACK._MODELS[algorithm], FALLBACK._TableCrc)


@given(st.sampled_from(CRCS), st.binary(max_size=2_000), st.integers(0, 20), st.integers(0, 20))
def test_both_sum_alike(algorithm: str, data: bytes, start: int, end: int) -> None:
    view = memoryview(data)[start : max(start, len(data) - end)]
    for form in (view, view.tobytes()):
        assert checksum(algorithm, form) == FALLBACK.checksum(algorithm, view)


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


@BOTH
@given(
    algorithm=st.sampled_from(CRCS), parts=st.lists(st.binary(max_size=300), min_size=1, max_size=5)
)
def test_parts_sum_to_the_whole(module: ModuleType, algorithm: str, parts: list[bytes]) -> None:
    sums = [(checksum(algorithm, part), len(part)) for part in parts]
    assert module.combined(algorithm, sums) == checksum(algorithm, b"".join(parts))


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
