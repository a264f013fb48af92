# SPDX-License-Identifier: Apache-2.0
"""XXH3, 64 bits, seed 0, default secret: for any length of input.

Written from the public specification of the algorithm (xxHash, doc/xxhash_spec.md). Clarity over speed: the oracle hashes
only the rare subject token that is longer than 64 bytes.
"""

import struct

MASK = (1 << 64) - 1
PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIME64_1, PRIME64_2, PRIME64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
PRIME64_4, PRIME64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
PRIME_MX1, PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


def _u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def _u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def _rotl(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def _fold(a, b):
    """The 128-bit product, its halves folded by xor."""
    product = a * b
    return (product & MASK) ^ (product >> 64)


def _mix16(data, at, secret_at):
    return _fold(_u64(data, at) ^ _u64(SECRET, secret_at), _u64(data, at + 8) ^ _u64(SECRET, secret_at + 8))


def _avalanche(h):
    h ^= h >> 37
    h = h * PRIME_MX1 & MASK
    return h ^ h >> 32


def _avalanche_xxh64(h):
    h ^= h >> 33
    h = h * PRIME64_2 & MASK
    h ^= h >> 29
    h = h * PRIME64_3 & MASK
    return h ^ h >> 32


def _up_to_16(data):
    n = len(data)
    if n == 0:
        return _avalanche_xxh64(_u64(SECRET, 56) ^ _u64(SECRET, 64))
    if n <= 3:
        combined = data[0] << 16 | data[n >> 1] << 24 | data[-1] | n << 8
        return _avalanche_xxh64(combined ^ _u32(SECRET, 0) ^ _u32(SECRET, 4))
    if n <= 8:
        h = _u32(data, n - 4) + (_u32(data, 0) << 32) ^ _u64(SECRET, 8) ^ _u64(SECRET, 16)
        h ^= _rotl(h, 49) ^ _rotl(h, 24)
        h = h * PRIME_MX2 & MASK
        h ^= (h >> 35) + n
        h = h * PRIME_MX2 & MASK
        return h ^ h >> 28
    low = _u64(data, 0) ^ _u64(SECRET, 24) ^ _u64(SECRET, 32)
    high = _u64(data, n - 8) ^ _u64(SECRET, 40) ^ _u64(SECRET, 48)
    swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
    return _avalanche((n + swapped + high + _fold(low, high)) & MASK)


def _up_to_128(data):
    n = len(data)
    acc = n * PRIME64_1
    for i in range((n - 1) // 32, -1, -1):
        acc += _mix16(data, 16 * i, 32 * i) + _mix16(data, n - 16 * (i + 1), 32 * i + 16)
    return _avalanche(acc & MASK)


def _up_to_240(data):
    n = len(data)
    acc = n * PRIME64_1
    for i in range(8):
        acc += _mix16(data, 16 * i, 16 * i)
    acc = _avalanche(acc & MASK)
    for i in range(8, n // 16):
        acc += _mix16(data, 16 * i, 16 * (i - 8) + 3)
    return _avalanche((acc + _mix16(data, n - 16, 136 - 17)) & MASK)


def _accumulate(acc, data, at, secret_at):
    for lane in range(8):
        value = _u64(data, at + 8 * lane)
        keyed = value ^ _u64(SECRET, secret_at + 8 * lane)
        acc[lane ^ 1] = (acc[lane ^ 1] + value) & MASK
        acc[lane] = (acc[lane] + (keyed & 0xFFFFFFFF) * (keyed >> 32)) & MASK


def _long(data):
    n = len(data)
    acc = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
    stripes = (n - 1) // 64
    for stripe in range(stripes):
        _accumulate(acc, data, 64 * stripe, stripe % 16 * 8)
        if stripe % 16 == 15:
            for lane in range(8):
                value = acc[lane] ^ acc[lane] >> 47 ^ _u64(SECRET, 128 + 8 * lane)
                acc[lane] = value * PRIME32_1 & MASK
    _accumulate(acc, data, n - 64, 121)
    h = n * PRIME64_1
    for pair in range(4):
        h += _fold(acc[2 * pair] ^ _u64(SECRET, 11 + 16 * pair), acc[2 * pair + 1] ^ _u64(SECRET, 19 + 16 * pair))
    return _avalanche(h & MASK)


def xxh3_64(data):
    """The hash of `data` (bytes) as an integer from 0 to 2**64 - 1."""
    for longest, function in ((16, _up_to_16), (128, _up_to_128), (240, _up_to_240)):
        if len(data) <= longest:
            return function(data)
    return _long(data)
