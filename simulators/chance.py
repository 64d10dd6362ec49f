"""Chance without a state: a number that depends on nothing but a seed and the keys it is asked for.

A whole city can be cut into blocks, started anywhere and stopped anywhere, and every draw stays what it was, because
no draw depends on how many came before it. Only integer arithmetic is used up to the last step, so that the same keys
give the same number on every machine.
"""

from enum import IntEnum
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Keys: TypeAlias = int | IntEnum | npt.NDArray[Any]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
"""The constants of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014)."""
_MASK: Final = (1 << 64) - 1


class Draw(IntEnum):
    """What a draw is for; never reused, so that a new use changes no other one."""

    JOURNEY = 1
    PASSING = 2
    SLOT = 3
    COLOUR = 4
    PROVINCE = 5
    PLATE = 6
    RIDERS = 7
    HELMET = 8
    READER = 9
    DELAY = 10
    SIGNAL = 11
    STATION = 12
    WEATHER = 13
    RAIN = 14
    AIR = 15
    NOISE = 16
    WATER = 17
    DIGEST = 18
    TRACK = 19
    HEALTH = 20
    PRESENCE = 21
    SEEN = 22
    PLANTED = 23
    FAULT = 24
    CLOCK = 25
    ERROR = 26


def mix(seed: int, *keys: Keys) -> npt.NDArray[np.uint64]:
    """A well-mixed uint64 for a seed and keys; arrays broadcast. The result has at least one dimension."""
    state = np.full(1, seed & _MASK, np.uint64)
    for key in keys:
        if isinstance(key, int):
            word: npt.NDArray[np.uint64] = np.full(1, int(key) & _MASK, np.uint64)
        else:
            word = np.atleast_1d(key).astype(np.uint64)
        state = (state ^ word) + _GOLDEN
        state = (state ^ (state >> np.uint64(30))) * _FIRST
        state = (state ^ (state >> np.uint64(27))) * _SECOND
        state = state ^ (state >> np.uint64(31))
    return state


def uniform(seed: int, *keys: Keys) -> Floats:
    """float64 in [0, 1), uniform, 53 bits."""
    floats: Floats = (mix(seed, *keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return floats


def normal(seed: int, *keys: Keys) -> Floats:
    """float64, roughly standard normal, never beyond 3.5: the sum of four uniform parts of one draw.

    Physics wants a bell, not its far tails; a sum needs no logarithm and is the same on every machine.
    """
    word = mix(seed, *keys)
    total = np.zeros(word.shape, np.float64)
    for shift in (0, 16, 32, 48):
        total += ((word >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64)
    bell: Floats = (total / 65_536.0 - 2.0) * 1.732_050_807_568_877_2
    return bell


def number63(seed: int, *keys: Keys) -> Ints:
    """int64 >= 0, uniform over 63 bits: a digest or a track of something."""
    return (mix(seed, *keys) >> np.uint64(1)).astype(np.int64)


def wave(time_us: Ints, period_us: int, seed: int, *keys: Keys) -> Floats:
    """Smooth noise in -1..1 over time: values drawn on a lattice of `period_us`, joined without a kink.

    `time_us`: int64 (n,); keys may be arrays that broadcast against it. A pure function of time: no start, no state.
    """
    cell, inside = np.divmod(time_us, period_us)
    share = inside / period_us
    ease = share * share * (3.0 - 2.0 * share)
    before = uniform(seed, *keys, cell)
    after = uniform(seed, *keys, cell + 1)
    joined: Floats = 2.0 * (before + (after - before) * ease) - 1.0
    return joined


def generator(seed: int, *keys: int) -> np.random.Generator:
    """A generator for one block of many draws: fast, and seeded by the block's own keys alone."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed & _MASK, *(key & _MASK for key in keys)])))
