"""AES-GCM for the checks: whether a ciphertext opens, and what is in it.

A check must prove what it says, and `cryptography` belongs to the sandbox and to the learner. This
is AES (FIPS 197) in the mode GCM (NIST SP 800-38D, 96-bit nonces), step by step, with the standard
library: not in constant time, and meant for some kilobytes.

https://csrc.nist.gov/pubs/fips/197/final
https://csrc.nist.gov/pubs/sp/800/38/d/final
"""

from functools import cache
from hmac import compare_digest

_TAG = 16  # bytes
_BLOCK = 16
# Where ShiftRows takes each byte of the state from.
_SHIFTED = [(i + 4 * (i % 4)) % 16 for i in range(16)]


def opened(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes | None:
    """The plaintext of ``sealed`` (ciphertext and 16-byte tag), or None if the tag does not fit.

    ``key`` has 16, 24 or 32 bytes, ``nonce`` 12; ``aad`` is the additional authenticated data.
    """
    ciphertext, tag = sealed[:-_TAG], sealed[-_TAG:]
    schedule = _expanded(key)
    first = nonce + b"\0\0\0\1"
    hashed = _ghash(_encrypted(schedule, bytes(_BLOCK)), aad, ciphertext)
    if not compare_digest(tag, _xor(hashed, _encrypted(schedule, first))):
        return None
    stream = b"".join(
        _encrypted(schedule, nonce + (number + 2).to_bytes(4, "big"))
        for number in range(-(-len(ciphertext) // _BLOCK))
    )
    return _xor(ciphertext, stream)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


# --- GHASH -------------------------------------------------------------------------------------


def _ghash(subkey: bytes, aad: bytes, ciphertext: bytes) -> bytes:
    h, y = int.from_bytes(subkey, "big"), 0
    lengths = (8 * len(aad)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
    for data in (aad, ciphertext, lengths):
        for start in range(0, len(data), _BLOCK):
            block = data[start : start + _BLOCK].ljust(_BLOCK, b"\0")
            y = _product(y ^ int.from_bytes(block, "big"), h)
    return y.to_bytes(_BLOCK, "big")


def _product(x: int, y: int) -> int:
    """In the field with 2^128 elements, whose lowest coefficient is the highest bit."""
    z = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            z ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return z


# --- AES ---------------------------------------------------------------------------------------


@cache
def _sbox() -> bytes:
    """SubBytes as a table: the inverse in the field with 256 elements, then an affine map."""
    box, p, q = bytearray(256), 1, 1
    box[0] = 0x63
    while True:
        p ^= _doubled(p)  # times 3, which generates the field
        for shift in (1, 2, 4):  # divided by 3: q stays the inverse of p
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        rotated = [(q << n | q >> (8 - n)) & 0xFF for n in range(5)]
        box[p] = rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63
        if p == 1:
            return bytes(box)


def _doubled(byte: int) -> int:
    return (byte << 1 ^ (0x1B if byte & 0x80 else 0)) & 0xFF


def _expanded(key: bytes) -> list[bytes]:
    """The round keys."""
    box, size = _sbox(), len(key) // 4
    words, constant = [key[i : i + 4] for i in range(0, len(key), 4)], 1
    for number in range(size, 4 * (size + 7)):
        word = words[-1]
        if number % size == 0:
            word = bytes(box[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _doubled(constant)
        elif size > 6 and number % size == 4:
            word = bytes(box[byte] for byte in word)
        words.append(_xor(words[number - size], word))
    return [b"".join(words[i : i + 4]) for i in range(0, len(words), 4)]


def _encrypted(schedule: list[bytes], block: bytes) -> bytes:
    """One block under the round keys."""
    box = _sbox()
    state = _xor(block, schedule[0])
    for round_key in schedule[1:-1]:
        state = _xor(_mixed([box[state[i]] for i in _SHIFTED]), round_key)
    return _xor(bytes(box[state[i]] for i in _SHIFTED), schedule[-1])


def _mixed(state: list[int]) -> bytes:
    """MixColumns."""
    out = bytearray()
    for start in range(0, _BLOCK, 4):
        a, b, c, d = state[start : start + 4]
        whole = a ^ b ^ c ^ d
        out += bytes(
            byte ^ whole ^ _doubled(byte ^ after)
            for byte, after in ((a, b), (b, c), (c, d), (d, a))
        )
    return bytes(out)
