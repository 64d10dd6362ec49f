"""Which messages came before: a bounded memory of each device's own numbers, and of hashes where it has none.

`memory` is int64 (n * STRIDE,), STRIDE values a device:

    BOOT      the boot that the numbers below belong to; 0 before the first
    MARK      everything up to this number is settled, without a hole (but for what was forced)
    FORCED    the mark was pushed up to here by the bound on NUMBERS: holes below are possible
    NEXT      how many identities went into the ring
    FLOOR     newest event time (us) that has fallen out of the ring
    BITS      one bit for each of the NUMBERS above the mark, at place number modulo NUMBERS, 32 in a value
    SEQS, DIGESTS, TIMES   the ring: latest numbers (or content hashes), digest of their bytes, event times

Verdicts: NEW, DUPLICATE, CONFLICT (same number, other content), DOUBTFUL (older than the memory: ask the log).
A row with boot 0 and seq 0 has no identity at all and is always new: at-least-once, as documented.
"""

from typing import Any, Final

from contracts.columns import IDENTITY
from contracts.jit import kernel

NUMBERS: Final = 1024
"""Numbers above the mark that are told apart: so far may a device be ahead of a hole."""
RING: Final = 64
"""Identities kept with their digests, to tell a conflict from a duplicate."""

BOOT, MARK, FORCED, NEXT, FLOOR, BITS = 0, 1, 2, 3, 4, 5
SEQS: Final = BITS + NUMBERS // 32
DIGESTS: Final = SEQS + RING
TIMES: Final = DIGESTS + RING
STRIDE: Final = TIMES + RING

RECEIPT: Final = 1
"""TimeQuality of a record without a time of its own."""
LAST: Final = 2**62
"""Beyond every place."""

NEW, DUPLICATE, CONFLICT, DOUBTFUL = 0, 1, 2, 3
UNKNOWN: Final = 0
"""The digest in the ring of a message that was rejected: sent again it is a duplicate, and no conflict."""
SAME, OTHER, REJECTED = 1, 2, 3
"""What the ring holds under a number."""


@kernel("void(i8[::1], i8, i8)")
def clear_bit(memory: Any, base: int, number: int) -> None:
    """Forget that a number above the mark was settled."""
    place = number % NUMBERS
    memory[base + BITS + place // 32] &= ~(1 << (place % 32))


@kernel("i8(i8[::1], i8, i8)")
def has_bit(memory: Any, base: int, number: int) -> int:
    """Whether a number above the mark is settled."""
    place = number % NUMBERS
    return int((memory[base + BITS + place // 32] >> (place % 32)) & 1)


@kernel("void(i8[::1], i8, i8, i8)")
def settle(memory: Any, base: int, boot: int, number: int) -> None:
    """Note one number as settled and move the mark over everything without a hole."""
    if boot < memory[base + BOOT]:
        return
    if boot > memory[base + BOOT]:
        for place in range(STRIDE):
            memory[base + place] = 0
        memory[base + BOOT] = boot
    mark = memory[base + MARK]
    if number <= mark:
        return
    if number - NUMBERS > mark:
        for step in range(1, min(number - NUMBERS - mark, NUMBERS) + 1):
            clear_bit(memory, base, mark + step)
        mark = number - NUMBERS
        memory[base + FORCED] = mark
    place = number % NUMBERS
    memory[base + BITS + place // 32] |= 1 << (place % 32)
    while has_bit(memory, base, mark + 1):
        mark += 1
        clear_bit(memory, base, mark)
    memory[base + MARK] = mark


@kernel("void(i8[::1], i8, i8, i8, i8)", inner=True)
def put(memory: Any, base: int, seq: int, digest: int, event_us: int) -> None:
    """Put one identity into the ring; what falls out lifts the floor."""
    place = memory[base + NEXT] % RING
    if memory[base + NEXT] >= RING:
        memory[base + FLOOR] = max(memory[base + FLOOR], memory[base + TIMES + place])
    memory[base + SEQS + place] = seq
    memory[base + DIGESTS + place] = digest
    memory[base + TIMES + place] = event_us
    memory[base + NEXT] += 1


@kernel("void(i8[::1], i8, i8, i8, i8)")
def remember(memory: Any, base: int, seq: int, digest: int, event_us: int) -> None:
    """Put one identity into the ring unless it is there."""
    for place in range(RING):
        if memory[base + SEQS + place] == seq and memory[base + DIGESTS + place] == digest:
            return
    put(memory, base, seq, digest, event_us)


@kernel("b1(i8[::1], i8, i8, i8)", inner=True)
def is_settled(memory: Any, base: int, boot: int, number: int) -> bool:
    """Whether a number was settled; one that was not stands in no ring."""
    if boot != memory[base + BOOT]:
        return bool(boot < memory[base + BOOT])
    above = number - memory[base + MARK]
    return bool(above <= 0 or (above <= NUMBERS and has_bit(memory, base, number)))


@kernel("void(UniTuple(IDENTITY[::1], 4), i8[::1], i1[::1])", records={"IDENTITY": IDENTITY})
def note(kinds: Any, memory: Any, moved: Any) -> None:
    """Take accepted rows into the memory, in order of arrival: those of each kind are in order of place.

    `moved` int8 (devices,) becomes 1 where the mark of a device, or its boot, changed.
    """
    one, two, three, four = 0, 0, 0, 0
    before_device, before_boot, before_seq, before_digest = -1, 0, 0, 0
    for _ in range(kinds[0].size + kinds[1].size + kinds[2].size + kinds[3].size):
        in_one = kinds[0][one]["place"] if one < kinds[0].size else LAST
        in_two = kinds[1][two]["place"] if two < kinds[1].size else LAST
        in_three = kinds[2][three]["place"] if three < kinds[2].size else LAST
        in_four = kinds[3][four]["place"] if four < kinds[3].size else LAST
        if min(in_one, in_two) < min(in_three, in_four):
            kind, at = (0, one) if in_one < in_two else (1, two)
        else:
            kind, at = (2, three) if in_three < in_four else (3, four)
        one, two, three, four = one + (kind == 0), two + (kind == 1), three + (kind == 2), four + (kind == 3)
        row = kinds[kind][at]
        device, boot, digest = row["device"], row["boot"], row["digest"]
        seq = 0 if boot == 0 and row["quality"] == RECEIPT else row["seq"]
        same = device == before_device and boot == before_boot and seq == before_seq and digest == before_digest
        if same:
            continue  # another record of the same message
        before_device, before_boot, before_seq, before_digest = device, boot, seq, digest
        base = int(device) * STRIDE
        if boot > 0:
            held, mark, known = memory[base + BOOT], memory[base + MARK], is_settled(memory, base, boot, seq)
            settle(memory, base, boot, seq)
            if memory[base + BOOT] != held or memory[base + MARK] != mark:
                moved[device] = 1
            if not known:
                put(memory, base, seq, digest, row["event_us"])
            elif boot == memory[base + BOOT]:
                remember(memory, base, seq, digest, row["event_us"])
        elif seq != 0:
            remember(memory, base, seq, digest, row["event_us"])


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i1[::1])")
def query(device: Any, boot: Any, seq: Any, digest: Any, event_us: Any, memory: Any, verdict: Any) -> None:
    """What the memory knows of each row; changes nothing. All int64 (n,), `verdict` int8 (n,)."""
    for row in range(device.size):
        base = device[row] * STRIDE
        held = 0
        for place in range(RING):
            if memory[base + SEQS + place] == seq[row]:
                if memory[base + DIGESTS + place] == digest[row]:
                    held = SAME
                    break
                if memory[base + DIGESTS + place] != UNKNOWN:
                    held = OTHER
                elif held == 0:
                    held = REJECTED
        if boot[row] == 0:
            if seq[row] == 0:
                verdict[row] = NEW
            elif held != 0:
                verdict[row] = DUPLICATE
            elif memory[base + NEXT] > RING and event_us[row] <= memory[base + FLOOR]:
                verdict[row] = DOUBTFUL
            else:
                verdict[row] = NEW
        elif boot[row] != memory[base + BOOT]:
            verdict[row] = DOUBTFUL if boot[row] < memory[base + BOOT] else NEW
        elif held != 0:
            verdict[row] = CONFLICT if held == OTHER else DUPLICATE
        elif seq[row] <= memory[base + FORCED]:
            verdict[row] = DOUBTFUL
        elif seq[row] <= memory[base + MARK]:
            verdict[row] = DUPLICATE
        elif seq[row] - memory[base + MARK] <= NUMBERS and has_bit(memory, base, seq[row]):
            verdict[row] = DUPLICATE
        else:
            verdict[row] = NEW
