"""Sealing: what goes in comes out, and nothing that was altered does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.sandbox.storage import sealing
from workshop_lib.sandbox.storage.disk import Disk
from workshop_lib.sandbox.storage.sealing import (
    SEGMENT,
    Corrupt,
    Fingerprint,
    seal,
    unseal,
    unwrap,
    wrap,
)

KEYS = [sealing.new_key()]
SIZES = st.one_of(
    st.integers(0, 200),
    st.sampled_from([SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 2 * SEGMENT + 17]),
)
FEW = st.lists(SIZES, min_size=1, max_size=4)


def body(size: int) -> bytes:
    """Bytes that differ from place to place."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4)))[:size]


def sealed(data: bytes, keys: sealing.Keys = KEYS) -> tuple[sealing.Section, bytearray]:
    section, pieces = seal(data, keys)
    return section, bytearray(b"".join(pieces))


def opened(
    stored: bytes | bytearray, *sections: sealing.Section, keys: sealing.Keys = KEYS, **extent: int
) -> bytes:
    return unseal(lambda at, length: bytes(stored[at : at + length]), sections, keys, **extent)


@given(SIZES, st.integers(1, 3))
def test_what_was_sealed_is_opened(size: int, layers: int) -> None:
    keys = [sealing.new_key() for _ in range(layers)]
    section, stored = sealed(body(size), keys)
    assert len(stored) == section.stored_length(layers)
    assert opened(stored, section, keys=keys) == body(size)


@given(FEW, st.data())
def test_any_range_of_any_parts(sizes: list[int], data: st.DataObject) -> None:
    whole = body(sum(sizes))
    parts, offset = [], 0
    for size in sizes:
        parts.append(sealed(whole[offset : offset + size]))
        offset += size
    stored = b"".join(bytes(piece) for _, piece in parts)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    sections = [section for section, _ in parts]
    assert opened(stored, *sections) == whole
    assert opened(stored, *sections, start=start, stop=stop) == whole[start:stop]


def test_a_range_opens_only_what_it_needs() -> None:
    section, stored = sealed(body(4 * SEGMENT))
    read = []

    def reading(at: int, length: int) -> bytes:
        read.append(length)
        return bytes(stored[at : at + length])

    assert (
        unseal(reading, [section], KEYS, SEGMENT + 5, SEGMENT + 9)
        == body(4 * SEGMENT)[SEGMENT + 5 : SEGMENT + 9]
    )
    assert read == [SEGMENT + sealing.TAG]


@given(SIZES, st.data())
def test_a_flipped_bit_is_noticed(size: int, data: st.DataObject) -> None:
    section, stored = sealed(body(size))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Corrupt):
        opened(stored, section)


def test_segments_that_were_moved_cut_or_exchanged_are_noticed() -> None:
    section, stored = sealed(body(2 * SEGMENT))
    half = len(stored) // 2
    with pytest.raises(Corrupt):
        opened(stored[half:] + stored[:half], section)
    with pytest.raises(Corrupt):
        opened(stored[:half], section)
    with pytest.raises(Corrupt):
        opened(stored[:half], sealing.Section(section.salt, SEGMENT))
    other, elsewhere = sealed(body(2 * SEGMENT))
    with pytest.raises(Corrupt):
        opened(elsewhere, section)
    assert opened(elsewhere, other) == body(2 * SEGMENT)


def test_the_plaintext_does_not_stand_on_the_disk() -> None:
    secret = b"card 4111 1111 1111 1111"
    _, first = sealed(secret)
    _, second = sealed(secret)
    assert secret not in first
    assert first != second, "the same bytes never look the same"


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3), st.data())
def test_a_wrapped_key_needs_its_key_and_its_context(
    context: dict[str, str], data: st.DataObject
) -> None:
    over, key = sealing.new_key(), sealing.new_key()
    wrapped = wrap(over, key, context)
    assert unwrap(over, wrapped, context) == key
    flipped = bytearray(wrapped)
    flipped[data.draw(st.integers(0, len(wrapped) - 1))] ^= 1
    for wrong in (
        (sealing.new_key(), wrapped, context),
        (over, wrapped, {**context, "more": "x"}),
        (over, bytes(flipped), context),
        (over, b"", context),
    ):
        with pytest.raises(Corrupt):
            unwrap(*wrong)


def test_a_fingerprint_tells_keys_apart_and_is_salted() -> None:
    key = sealing.new_key()
    first, second = Fingerprint.of(key), Fingerprint.of(key)
    assert first != second
    assert first.fits(key)
    assert not first.fits(sealing.new_key())
    assert key not in first.digest + first.salt


@given(st.binary(max_size=40), st.binary(max_size=10), st.data())
def test_a_record_opens_in_its_place_only(record: bytes, place: bytes, data: st.DataObject) -> None:
    sealer = sealing.RecordSealer(sealing.new_key())
    stored = sealer.seal(record, place)
    assert sealer.open(stored, place) == record
    assert sealer.seal(record, place) != stored
    flipped = bytearray(stored)
    flipped[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for wrong in ((bytes(flipped), place), (stored, place + b"x"), (b"", place)):
        with pytest.raises(Corrupt):
            sealer.open(*wrong)
    with pytest.raises(Corrupt):
        sealing.RecordSealer(sealing.new_key()).open(stored, place)


def test_a_disk_without_items() -> None:
    with pytest.raises(LookupError):
        Disk().item("orders", {"id": "1"})
