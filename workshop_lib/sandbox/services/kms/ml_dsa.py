"""ML-DSA from the message representative μ on, as FIPS 204 has it.

The cryptography package makes keys and signs whole messages. KMS also takes μ in a message's place
(EXTERNAL_MU), which that package does not offer: hence this, the standard's own steps one by one,
in Python integers and for a sandbox, not in constant time. A signature made either way is verified
either way.

https://csrc.nist.gov/pubs/fips/204/final
https://docs.aws.amazon.com/kms/latest/developerguide/mldsa.html
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import shake_128, shake_256
from itertools import pairwise

MU_SIZE = 64  # bytes

_Q, _D, _N = 8_380_417, 13, 256

_Poly = list[int]
_Vector = list[_Poly]


@dataclass(frozen=True)
class _Parameters:
    """Table 1 of FIPS 204: one line of it."""

    k: int
    l: int  # noqa: E741 - the standard's name
    eta: int
    tau: int
    gamma1: int
    gamma2: int
    omega: int
    challenge: int  # bytes of the commitment's hash

    @property
    def beta(self) -> int:
        return self.tau * self.eta


_SETS = {
    "ML_DSA_44": _Parameters(4, 4, 2, 39, 2**17, (_Q - 1) // 88, 80, 32),
    "ML_DSA_65": _Parameters(6, 5, 4, 49, 2**19, (_Q - 1) // 32, 55, 48),
    "ML_DSA_87": _Parameters(8, 7, 2, 60, 2**19, (_Q - 1) // 32, 75, 64),
}


def sign_mu(spec: str, seed: bytes, mu: bytes) -> bytes:
    """The signature of μ (64 bytes) by the private key of a seed (ML-DSA.Sign_internal, hedged).

    ``spec`` is KMS's key spec: ML_DSA_44, ML_DSA_65 or ML_DSA_87.
    """
    p = _SETS[spec]
    key = _expanded(spec, seed)
    mask_seed = shake_256(key.secret + os.urandom(32) + mu).digest(64)
    for kappa in range(0, 2**16, p.l):
        y = [_mask(p, mask_seed, kappa + row) for row in range(p.l)]
        w = _inverse(_times(key.matrix, _forward(y)))
        commitment = _encode_high(p, [[_high(p, c) for c in poly] for poly in w])
        challenge = shake_256(mu + commitment).digest(p.challenge)
        c = _ntt(_in_ball(p, challenge))
        z = _sums(y, _inverse([_product(c, poly) for poly in key.s1]))
        rest = _differences(w, _inverse([_product(c, poly) for poly in key.s2]))
        low = ((_low(p, x) for x in poly) for poly in rest)
        if _norm(z) >= p.gamma1 - p.beta or max(abs(x) for poly in low for x in poly) >= (
            p.gamma2 - p.beta
        ):
            continue
        ct0 = _inverse([_product(c, poly) for poly in key.t0])
        corrected = _sums(rest, ct0)
        hints = [
            [position for position in range(_N) if _high(p, a[position]) != _high(p, b[position])]
            for a, b in zip(rest, corrected, strict=True)
        ]
        if _norm(ct0) < p.gamma2 and sum(map(len, hints)) <= p.omega:
            return challenge + _encode_z(p, z) + _encode_hints(p, hints)
    raise AssertionError("unreachable: a try succeeds about one time in five")


def verify_mu(spec: str, public_key: bytes, mu: bytes, signature: bytes) -> bool:
    """Whether a signature is μ's (ML-DSA.Verify_internal). ``public_key`` is the raw one."""
    p = _SETS[spec]
    size = _N * p.gamma1.bit_length() // 8
    if len(signature) != p.challenge + p.l * size + p.omega + p.k:
        return False
    challenge, packed = signature[: p.challenge], signature[p.challenge : -p.omega - p.k]
    hints = _decode_hints(p, signature[-p.omega - p.k :])
    z = [
        [(p.gamma1 - x) % _Q for x in _unpacked(packed[i : i + size], p.gamma1.bit_length())]
        for i in range(0, len(packed), size)
    ]
    if hints is None or _norm(z) >= p.gamma1 - p.beta:
        return False
    t1 = [
        [x << _D for x in _unpacked(public_key[i : i + 320], 10)]
        for i in range(32, len(public_key), 320)
    ]
    c = _ntt(_in_ball(p, challenge))
    w = _inverse(
        _differences(
            _times(_matrix(spec, public_key[:32]), _forward(z)),
            [_product(c, poly) for poly in _forward(t1)],
        )
    )
    used = [
        [_use_hint(p, position in hint, x) for position, x in enumerate(poly)]
        for poly, hint in zip(w, hints, strict=True)
    ]
    return shake_256(mu + _encode_high(p, used)).digest(p.challenge) == challenge


# --- keys -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _PrivateKey:
    """What a seed stands for; all polynomials in the transformed domain."""

    secret: bytes
    matrix: tuple[_Vector, ...]
    s1: _Vector
    s2: _Vector
    t0: _Vector


@lru_cache(maxsize=8)
def _expanded(spec: str, seed: bytes) -> _PrivateKey:
    p = _SETS[spec]
    hashed = shake_256(seed + bytes([p.k, p.l])).digest(128)
    rho, noise, secret = hashed[:32], hashed[32:96], hashed[96:]
    matrix = _matrix(spec, rho)
    small = [_bounded(p.eta, noise + bytes([row, 0])) for row in range(p.l + p.k)]
    s1, s2 = _forward(small[: p.l]), small[p.l :]
    t = _sums(_inverse(_times(matrix, s1)), s2)
    t0 = [[_centred(x, 1 << _D) for x in poly] for poly in t]
    return _PrivateKey(secret, matrix, s1, _forward(s2), _forward(t0))


@lru_cache(maxsize=8)
def _matrix(spec: str, rho: bytes) -> tuple[_Vector, ...]:
    p = _SETS[spec]
    return tuple(
        [_uniform(rho + bytes([column, row])) for column in range(p.l)] for row in range(p.k)
    )


def _uniform(seed: bytes) -> _Poly:
    """Coefficients below q, from three bytes each (RejNTTPoly)."""
    size = 3 * 400
    while True:
        stream = shake_128(seed).digest(size)
        triples = zip(stream[::3], stream[1::3], stream[2::3], strict=True)
        found = [x for a, b, c in triples if (x := a | b << 8 | (c & 127) << 16) < _Q]
        if len(found) >= _N:
            return found[:_N]
        size *= 2


def _bounded(eta: int, seed: bytes) -> _Poly:
    """Coefficients from -eta to eta, from half a byte each (RejBoundedPoly)."""
    size = 512
    while True:
        stream = shake_256(seed).digest(size)
        halves = [half for byte in stream for half in (byte & 15, byte >> 4)]
        if eta == 2:
            found = [2 - half % 5 for half in halves if half < 15]
        else:
            found = [4 - half for half in halves if half < 9]
        if len(found) >= _N:
            return found[:_N]
        size *= 2


def _mask(p: _Parameters, seed: bytes, kappa: int) -> _Poly:
    bits = p.gamma1.bit_length()
    packed = shake_256(seed + kappa.to_bytes(2, "little")).digest(_N * bits // 8)
    return [p.gamma1 - x for x in _unpacked(packed, bits)]


def _in_ball(p: _Parameters, challenge: bytes) -> _Poly:
    """A polynomial with tau coefficients of 1 or -1 (SampleInBall)."""
    stream = iter(shake_256(challenge).digest(4096))
    signs = int.from_bytes(bytes(next(stream) for _ in range(8)), "little")
    found = [0] * _N
    for place in range(_N - p.tau, _N):
        other = next(byte for byte in stream if byte <= place)
        found[place] = found[other]
        found[other] = -1 if signs & 1 else 1
        signs >>= 1
    return found


# --- rounding and hints ---------------------------------------------------------------------


def _centred(x: int, modulus: int) -> int:
    x %= modulus
    return x - modulus if x > modulus // 2 else x


def _low(p: _Parameters, x: int) -> int:
    x %= _Q
    low = _centred(x, 2 * p.gamma2)
    return low - 1 if x - low == _Q - 1 else low


def _high(p: _Parameters, x: int) -> int:
    x %= _Q
    low = _centred(x, 2 * p.gamma2)
    return 0 if x - low == _Q - 1 else (x - low) // (2 * p.gamma2)


def _use_hint(p: _Parameters, hinted: bool, x: int) -> int:
    high = _high(p, x)
    if not hinted:
        return high
    return (high + (1 if _low(p, x) > 0 else -1)) % ((_Q - 1) // (2 * p.gamma2))


def _norm(vector: _Vector) -> int:
    return max(abs(_centred(x, _Q)) for poly in vector for x in poly)


# --- bytes ----------------------------------------------------------------------------------


def _packed(values: Iterable[int], bits: int) -> bytes:
    number = sum(value << bits * place for place, value in enumerate(values))
    return number.to_bytes(_N * bits // 8, "little")


def _unpacked(data: bytes, bits: int) -> Iterator[int]:
    number, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return (number >> bits * place & mask for place in range(_N))


def _encode_high(p: _Parameters, high: _Vector) -> bytes:
    bits = ((_Q - 1) // (2 * p.gamma2) - 1).bit_length()
    return b"".join(_packed(poly, bits) for poly in high)


def _encode_z(p: _Parameters, z: _Vector) -> bytes:
    bits = p.gamma1.bit_length()
    return b"".join(_packed((p.gamma1 - _centred(x, _Q) for x in poly), bits) for poly in z)


def _encode_hints(p: _Parameters, hints: Sequence[Sequence[int]]) -> bytes:
    places, ends = bytearray(), bytearray()
    for hint in hints:
        places += bytes(hint)
        ends.append(len(places))
    return bytes(places.ljust(p.omega, b"\0") + ends)


def _decode_hints(p: _Parameters, data: bytes) -> list[set[int]] | None:
    """The hints' places by row; None for bytes that no signer would write."""
    places, ends = data[: p.omega], data[p.omega :]
    found, start = [], 0
    for end in ends:
        row = places[start:end]
        if not start <= end <= p.omega or any(a >= b for a, b in pairwise(row)):
            return None
        found.append(set(row))
        start = end
    return None if any(places[start:]) else found


# --- polynomials ----------------------------------------------------------------------------


@cache
def _zetas() -> list[int]:
    return [pow(1753, int(f"{place:08b}"[::-1], 2), _Q) for place in range(_N)]


def _ntt(poly: Sequence[int]) -> _Poly:
    found, zetas, step, m = [*poly], _zetas(), 128, 0
    while step:
        for start in range(0, _N, 2 * step):
            m += 1
            zeta = zetas[m]
            for j in range(start, start + step):
                t = zeta * found[j + step] % _Q
                found[j + step] = (found[j] - t) % _Q
                found[j] = (found[j] + t) % _Q
        step //= 2
    return found


def _inverse_ntt(poly: Sequence[int]) -> _Poly:
    found, zetas, step, m = [*poly], _zetas(), 1, _N
    while step < _N:
        for start in range(0, _N, 2 * step):
            m -= 1
            zeta = -zetas[m]
            for j in range(start, start + step):
                t = found[j]
                found[j] = (t + found[j + step]) % _Q
                found[j + step] = zeta * (t - found[j + step]) % _Q
        step *= 2
    return [x * 8_347_681 % _Q for x in found]  # the inverse of 256


def _forward(vector: _Vector) -> _Vector:
    return [_ntt(poly) for poly in vector]


def _inverse(vector: _Vector) -> _Vector:
    return [_inverse_ntt(poly) for poly in vector]


def _product(a: _Poly, b: _Poly) -> _Poly:
    return [x * y % _Q for x, y in zip(a, b, strict=True)]


def _times(matrix: Sequence[_Vector], vector: _Vector) -> _Vector:
    def row_times(row: _Vector) -> _Poly:
        pairs = [*zip(row, vector, strict=True)]
        return [sum(a[place] * b[place] for a, b in pairs) % _Q for place in range(_N)]

    return [row_times(row) for row in matrix]


def _sums(a: _Vector, b: _Vector) -> _Vector:
    return [[(x + y) % _Q for x, y in zip(s, t, strict=True)] for s, t in zip(a, b, strict=True)]


def _differences(a: _Vector, b: _Vector) -> _Vector:
    return [[(x - y) % _Q for x, y in zip(s, t, strict=True)] for s, t in zip(a, b, strict=True)]
