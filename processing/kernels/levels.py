"""Decibels and energies, with our own exponential and logarithm: the same bit for bit wherever the lock file holds.

Both come by reducing the argument and a series cut where its next term is below 1e-17: the relative error of `exp` over
-40..40 and of `log` over 1e-3..1e18 is below 1e-14 (tests/property/test_kernels_running.py holds them to it).
"""

from typing import Any, Final

from contracts.jit import kernel

LN2: Final = 0.6931471805599453
LN10: Final = 2.302585092994046
EXP_TERMS: Final = 15
"""0.35**15 / 15! is 1e-19."""
LOG_TERMS: Final = 25
"""Odd powers of (m - 1) / (m + 1), at most 0.172 for m within sqrt(1/2)..sqrt(2): 0.172**25 / 25 is 3e-21."""


@kernel("f8(f8)")
def exp(x: float) -> float:
    """e to the x, for |x| up to 700."""
    halvings = int(x / LN2 + (0.5 if x >= 0.0 else -0.5))
    rest = x - halvings * LN2
    total = 1.0
    for term in range(EXP_TERMS, 0, -1):
        total = 1.0 + total * rest / term
    for _ in range(abs(halvings)):
        total = total * 2.0 if halvings > 0 else total * 0.5
    return total


@kernel("f8(f8)")
def log(x: float) -> float:
    """The natural logarithm of a positive finite number."""
    doublings = 0
    while x > 1.4142135623730951:
        x *= 0.5
        doublings += 1
    while x < 0.7071067811865476:
        x *= 2.0
        doublings -= 1
    share = (x - 1.0) / (x + 1.0)
    square = share * share
    total = 0.0
    for power in range(LOG_TERMS, 0, -2):
        total = total * square + 2.0 / power
    return doublings * LN2 + total * share


@kernel("void(f8[::1], i8[::1])")
def to_energy(level_db: Any, out: Any) -> None:
    """Fill `out` int64 (n,) with 10**(level / 10), whole: sums of whole numbers do not depend on their order.

    Levels count within 0..150 dB: an hour of 3,600 samples at 150 dB still fits. Half a unit is 0.002 dB at 30 dB.
    """
    for row in range(out.size):
        level = min(150.0, max(0.0, level_db[row]))
        out[row] = int(exp(level * LN10 / 10.0) + 0.5)


@kernel("void(f8[::1], f8[::1])")
def to_level(energy: Any, out: Any) -> None:
    """Fill `out` float64 (n,) with 10 log10 of mean energies; 0 dB is the least."""
    for row in range(out.size):
        out[row] = 10.0 * log(max(1.0, energy[row])) / LN10
