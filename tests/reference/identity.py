"""Naive twins of processing/kernels/identity.py: the memory is read into sets and lists, changed, written back."""

from typing import Any

import numpy as np

from processing.kernels.identity import (
    BITS,
    BOOT,
    CONFLICT,
    DIGESTS,
    DOUBTFUL,
    DUPLICATE,
    FLOOR,
    FORCED,
    MARK,
    NEW,
    NEXT,
    NUMBERS,
    RECEIPT,
    RING,
    SEQS,
    STRIDE,
    TIMES,
)


def above(memory: Any, base: int) -> set[int]:
    """The settled numbers above the mark."""
    mark = int(memory[base + MARK])
    places = {p for p in range(NUMBERS) if int(memory[base + BITS + p // 32]) & (1 << (p % 32))}
    return {number for number in range(mark + 1, mark + NUMBERS + 1) if number % NUMBERS in places}


def write(memory: Any, base: int, numbers: set[int]) -> None:
    memory[base + BITS : base + SEQS] = 0
    for number in numbers:
        place = number % NUMBERS
        memory[base + BITS + place // 32] += 1 << (place % 32)


def clear_bit(memory: Any, base: int, number: int) -> None:
    keep = {n for n in above(memory, base) if n % NUMBERS != number % NUMBERS}
    write(memory, base, keep)


def has_bit(memory: Any, base: int, number: int) -> int:
    return int(any(n % NUMBERS == number % NUMBERS for n in above(memory, base)))


def settle(memory: Any, base: int, boot: int, number: int) -> None:
    if boot < memory[base + BOOT]:
        return
    if boot > memory[base + BOOT]:
        memory[base : base + STRIDE] = 0
        memory[base + BOOT] = boot
    mark, numbers = int(memory[base + MARK]), above(memory, base)
    if number <= mark:
        return
    if number - mark > NUMBERS:
        mark = number - NUMBERS
        memory[base + FORCED] = mark
    numbers = {n for n in numbers | {number} if n > mark}
    while mark + 1 in numbers:
        mark += 1
    memory[base + MARK] = mark
    write(memory, base, {n for n in numbers if n > mark})


def remember(memory: Any, base: int, seq: int, digest: int, event_us: int) -> None:
    held = list(zip(memory[base + SEQS : base + DIGESTS], memory[base + DIGESTS : base + TIMES], strict=True))
    if (seq, digest) not in held:
        put(memory, base, seq, digest, event_us)


def put(memory: Any, base: int, seq: int, digest: int, event_us: int) -> None:
    came = int(memory[base + NEXT])
    place = came % RING
    if came >= RING:
        memory[base + FLOOR] = max(memory[base + FLOOR], memory[base + TIMES + place])
    memory[base + SEQS + place], memory[base + DIGESTS + place] = seq, digest
    memory[base + TIMES + place] = event_us
    memory[base + NEXT] = came + 1


def note(kinds: Any, memory: Any, moved: Any) -> None:
    for row in sorted((row for rows in kinds for row in rows), key=lambda row: int(row["place"])):
        its_boot, number, base = int(row["boot"]), int(row["seq"]), int(row["device"]) * STRIDE
        before = (memory[base + BOOT], memory[base + MARK])
        fresh = its_boot > before[0] or (
            its_boot == before[0] and number > before[1] and number not in above(memory, base)
        )
        if its_boot > 0:
            settle(memory, base, its_boot, number)
        if (memory[base + BOOT], memory[base + MARK]) != before:
            moved[row["device"]] = 1
        named = its_boot == memory[base + BOOT] if its_boot > 0 else number != 0 and row["quality"] != RECEIPT
        if named and its_boot > 0 and fresh:  # a hash that is the same number says nothing about it
            put(memory, base, number, int(row["digest"]), int(row["event_us"]))
        elif named:
            remember(memory, base, number, int(row["digest"]), int(row["event_us"]))


def query(device: Any, boot: Any, seq: Any, digest: Any, event_us: Any, memory: Any, verdict: Any) -> None:
    for row in range(device.size):
        part = memory[int(device[row]) * STRIDE : (int(device[row]) + 1) * STRIDE]
        verdict[row] = _one(part, int(boot[row]), int(seq[row]), int(digest[row]), int(event_us[row]))


def _one(part: Any, boot: int, seq: int, digest: int, event_us: int) -> int:
    digests = {int(d) for s, d in zip(part[SEQS:DIGESTS], part[DIGESTS:TIMES], strict=True) if s == seq}
    if boot == 0 and seq == 0:
        return NEW
    if boot == 0:
        if digests:
            return DUPLICATE
        return DOUBTFUL if part[NEXT] > RING and event_us <= part[FLOOR] else NEW
    if boot != part[BOOT]:
        return NEW if boot > part[BOOT] else DOUBTFUL
    if digests:
        return DUPLICATE if digest in digests or digests == {0} else CONFLICT  # 0: rejected, content unknown
    if seq <= part[FORCED]:
        return DOUBTFUL
    settled = seq <= part[MARK] or seq in above(np.asarray(part), 0)
    return DUPLICATE if settled else NEW
