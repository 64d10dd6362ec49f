"""Reads native messages of readings where they lie: bytes in, rows of the log out, no object for message or record.

A message that is not told in the plain way is left alone, whatever is odd about it (an escape in a text, a number
of twenty digits, a time without an offset, a value out of range, a topic of nobody): the general decoder
(`decode.py`) then reads it from its first byte, and says why where it is wrong. So nothing is rejected here, and what
is accepted here is what the general decoder accepts, bit for bit.

What is plain: JSON (RFC 8259) with the members of `contracts.records.Message` and `Reading`, each once, in any
order and with any white space; `boot` and `seq` both there; texts of ASCII without escapes; a value of at most 15
digits, whose nearest double one multiplication or division finds (Clinger, "How to Read Floating Point Numbers
Accurately", 1990, section 3); a time as `YYYY-MM-DDTHH:MM:SS`, up to six digits of a fraction, `Z` or an offset.
"""

from typing import Any, Final

import numpy as np

from contracts.columns import READING
from contracts.jit import kernel
from contracts.records import MAX_RECORDS, TimeQuality
from ingest.frames import FIELDS, FLAGS, PAYLOAD_END, PAYLOAD_START, TOPIC_END, TOPIC_START

OTHERWISE: Final = -1
"""The count of rows of a message that the general decoder has to read."""
MAX_NUMBER: Final = 2**53
MAX_DIGITS: Final = 15
MAX_SCALE: Final = 22
"""Powers of ten up to here, and whole numbers of so many digits, are doubles without any error."""
POWERS: Final = np.array([float(f"1e{power}") for power in range(MAX_SCALE + 1)])
FINITE_MAX: Final = 1e12

ROUTE: Final = 5
"""int64 values that describe a topic whose readings are welcome, in this order:"""
ROUTE_START, ROUTE_END, ROUTE_DEVICE, ROUTE_FIRST, ROUTE_LAST = range(ROUTE)
CHANNEL: Final = 6
"""int64 values that describe a series of a device, in this order; its bounds stand in an array of their own:"""
METRIC_START, METRIC_END, LANE, CODE, UNIT_START, UNIT_END = range(CHANNEL)

FUTURE_US, PAST_US, MAX_BYTES = range(3)
"""What `limits` holds: how far ahead of receipt and how far behind it an event is believed, and the largest payload."""

NUMBER, START, END = range(3)
"""What the first part of the scratch holds of what was read last: a whole number, or where a text lies."""
RECEIPT: Final = int(TimeQuality.RECEIPT)
KEYS: Final = np.frombuffer(b"metricvaluelaneunittrecordsbootseq", np.uint8)
METRIC_KEY, VALUE_KEY, LANE_KEY, UNIT_KEY, TIME_KEY, RECORDS_KEY, BOOT_KEY, SEQ_KEY = 0, 6, 11, 15, 19, 20, 27, 31
"""Where the names of the members begin in it."""
DIRECTORY: Final = "Tuple((i8[::1], i8[::1], i8[::1], f8[::1], u1[::1]))"
"""Whose readings are welcome: slots of the hash table of topics, their routes, the series of their devices, the least
and the greatest value of each, and the letters that the others refer to."""
SCRATCH: Final = "Tuple((i8[::1], f8[::1], u8[::1]))"
"""Room of a kernel's own: int64 (3,), float64 (1,), uint64 (24,)."""

_IV: Final = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
IV: Final = np.array(_IV, np.uint64)
SIGMA: Final = np.array([
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
])  # fmt: skip
"""RFC 7693, sections 2.6 and 2.7."""


@kernel("UniTuple(u8, 4)(u8, u8, u8, u8, u8, u8)", inner=True)
def mix(a: Any, b: Any, c: Any, d: Any, x: Any, y: Any) -> Any:
    """RFC 7693, section 3.1."""
    a = a + b + x
    d ^= a
    d = (d >> np.uint64(32)) | (d << np.uint64(32))
    c = c + d
    b ^= c
    b = (b >> np.uint64(24)) | (b << np.uint64(40))
    a = a + b + y
    d ^= a
    d = (d >> np.uint64(16)) | (d << np.uint64(48))
    c = c + d
    b ^= c
    b = (b >> np.uint64(63)) | (b << np.uint64(1))
    return a, b, c, d


@kernel("void(u8[::1], u8[::1], u8, u8)", inner=True)
def compress(state: Any, block: Any, count: Any, last: Any) -> None:
    """RFC 7693, section 3.2: one block of sixteen words into the state of eight."""
    v0, v1, v2, v3 = state[0], state[1], state[2], state[3]
    v4, v5, v6, v7 = state[4], state[5], state[6], state[7]
    v8, v9, v10, v11 = IV[0], IV[1], IV[2], IV[3]
    v12, v13, v14, v15 = IV[4] ^ count, IV[5], IV[6] ^ last, IV[7]
    for turn in range(12):
        s = SIGMA[turn % 10]
        v0, v4, v8, v12 = mix(v0, v4, v8, v12, block[s[0]], block[s[1]])
        v1, v5, v9, v13 = mix(v1, v5, v9, v13, block[s[2]], block[s[3]])
        v2, v6, v10, v14 = mix(v2, v6, v10, v14, block[s[4]], block[s[5]])
        v3, v7, v11, v15 = mix(v3, v7, v11, v15, block[s[6]], block[s[7]])
        v0, v5, v10, v15 = mix(v0, v5, v10, v15, block[s[8]], block[s[9]])
        v1, v6, v11, v12 = mix(v1, v6, v11, v12, block[s[10]], block[s[11]])
        v2, v7, v8, v13 = mix(v2, v7, v8, v13, block[s[12]], block[s[13]])
        v3, v4, v9, v14 = mix(v3, v4, v9, v14, block[s[14]], block[s[15]])
    state[0] ^= v0 ^ v8
    state[1] ^= v1 ^ v9
    state[2] ^= v2 ^ v10
    state[3] ^= v3 ^ v11
    state[4] ^= v4 ^ v12
    state[5] ^= v5 ^ v13
    state[6] ^= v6 ^ v14
    state[7] ^= v7 ^ v15


@kernel("i8(u1[::1], i8, i8, u8[::1])")
def digest(stream: Any, start: int, end: int, scratch: Any) -> int:
    """63 bits of the BLAKE2b-64 of stream[start:end], as `rows.hash63`. `scratch`: uint64 (24,)."""
    state, block = scratch[:8], scratch[8:]
    for word in range(8):
        state[word] = IV[word]
    state[0] ^= np.uint64(0x01010008)  # eight bytes of hash, no key
    at = start
    while True:
        size = min(end - at, 128)
        for word in range(16):
            value = np.uint64(0)
            first = at + 8 * word
            for byte in range(min(8, at + size - first) - 1, -1, -1):
                value = (value << np.uint64(8)) | np.uint64(stream[first + byte])
            block[word] = value
        at += size
        done = at >= end
        compress(state, block, np.uint64(at - start), np.uint64(0xFFFFFFFFFFFFFFFF) if done else np.uint64(0))
        if done:
            break
    value = np.uint64(0)
    for byte in range(8):
        value = (value << np.uint64(8)) | ((state[0] >> np.uint64(8 * byte)) & np.uint64(255))
    return int(value >> np.uint64(1))


@kernel("i8(u1[::1], i8, i8)", inner=True)
def skip(stream: Any, at: int, end: int) -> int:
    """Past white space (RFC 8259, section 2)."""
    while at < end and (stream[at] == 32 or stream[at] == 10 or stream[at] == 13 or stream[at] == 9):
        at += 1
    return at


@kernel("i8(u1[::1], i8, i8, i8[::1])", inner=True)
def text(stream: Any, at: int, end: int, found: Any) -> int:
    """Past a plain text of ASCII and its quotes; -1 where there is none. Where it lies stands in `found`."""
    if at >= end or stream[at] != 34:
        return -1
    at += 1
    found[START] = at
    while at < end and stream[at] != 34:
        if stream[at] < 32 or stream[at] > 126 or stream[at] == 92:
            return -1
        at += 1
    found[END] = at
    return at + 1 if at < end else -1


@kernel("i8(u1[::1], i8, i8, i8[::1])", inner=True)
def whole(stream: Any, at: int, end: int, found: Any) -> int:
    """Past a whole number of at most 16 digits; -1 where there is none. Its value stands in `found`."""
    first, value = at, 0
    while at < end and 48 <= stream[at] <= 57 and at - first < 17:
        value = value * 10 + int(stream[at]) - 48
        at += 1
    if at == first or at - first > 16 or (stream[first] == 48 and at - first > 1):
        return -1
    found[NUMBER] = value
    return at


@kernel("i8(u1[::1], i8, i8)", inner=True)
def digits(stream: Any, first: int, count: int) -> int:
    """The value of `count` digits; -1 where one is none."""
    value = 0
    for at in range(first, first + count):
        if stream[at] < 48 or stream[at] > 57:
            return -1
        value = value * 10 + int(stream[at]) - 48
    return value


@kernel("i8(u1[::1], i8, i8, f8[::1])")
def decimal(stream: Any, at: int, end: int, out: Any) -> int:
    """Past a number whose nearest double is found without doubt, into out[0]; -1 where there is none."""
    negative = at < end and stream[at] == 45
    if negative:
        at += 1
    first, value, count, scale = at, 0, 0, 0
    while at < end and 48 <= stream[at] <= 57 and count <= MAX_DIGITS:
        value = value * 10 + int(stream[at]) - 48
        at, count = at + 1, count + 1
    if count == 0 or (stream[first] == 48 and count > 1):
        return -1
    if at < end and stream[at] == 46:
        at += 1
        point = at
        while at < end and 48 <= stream[at] <= 57 and count <= MAX_DIGITS:
            value = value * 10 + int(stream[at]) - 48
            at, count = at + 1, count + 1
        scale = point - at
        if scale == 0:
            return -1
    if at < end and (stream[at] == 101 or stream[at] == 69):
        at += 1
        below = at < end and stream[at] == 45
        if at < end and (stream[at] == 45 or stream[at] == 43):
            at += 1
        point, power = at, 0
        while at < end and 48 <= stream[at] <= 57 and at - point < 3:
            power = power * 10 + int(stream[at]) - 48
            at += 1
        if at == point:
            return -1
        scale += -power if below else power
    if count > MAX_DIGITS or scale < -MAX_SCALE or scale > MAX_SCALE or (negative and value == 0):
        return -1
    exact = float(value)
    exact = exact * POWERS[scale] if scale >= 0 else exact / POWERS[-scale]
    out[0] = -exact if negative else exact
    return at if abs(exact) <= FINITE_MAX else -1


@kernel("i8(u1[::1], i8, i8, i8[::1])")
def moment(stream: Any, start: int, end: int, found: Any) -> int:
    """Microseconds since 1970 of the time in stream[start:end] into `found`; -1 where it is not told in the plain way.

    Days of a date: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), days_from_civil.
    """
    if end - start < 20:
        return -1
    if stream[start + 4] != 45 or stream[start + 7] != 45 or stream[start + 10] != 84:
        return -1
    if stream[start + 13] != 58 or stream[start + 16] != 58:
        return -1
    year, month = digits(stream, start, 4), digits(stream, start + 5, 2)
    day, hour = digits(stream, start + 8, 2), digits(stream, start + 11, 2)
    minute, second = digits(stream, start + 14, 2), digits(stream, start + 17, 2)
    if year < 1900 or year > 2200 or month < 1 or month > 12 or day < 1 or hour < 0 or hour > 23:
        return -1
    if minute < 0 or minute > 59 or second < 0 or second > 59:
        return -1
    length = 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31
    if month == 2:
        length = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    if day > length:
        return -1
    at, part_us, unit_us = start + 19, 0, 100_000
    if stream[at] == 46:
        at += 1
        while at < end and 48 <= stream[at] <= 57 and unit_us > 0:
            part_us += (int(stream[at]) - 48) * unit_us
            unit_us //= 10
            at += 1
        if unit_us == 100_000:
            return -1
    shift_minutes = 0
    if at + 1 == end:
        if stream[at] != 90:
            return -1
    elif at + 6 == end and (stream[at] == 43 or stream[at] == 45) and stream[at + 3] == 58:
        hours, minutes = digits(stream, at + 1, 2), digits(stream, at + 4, 2)
        if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
            return -1
        shift_minutes = hours * 60 + minutes
        if stream[at] == 45:
            shift_minutes = -shift_minutes
    else:
        return -1
    if month <= 2:
        year -= 1
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    seconds = ((days * 24 + hour) * 60 + minute - shift_minutes) * 60 + second
    found[NUMBER] = seconds * 1_000_000 + part_us
    return end


@kernel("b1(u1[::1], i8, i8, u1[::1], i8, i8)", inner=True)
def same(stream: Any, start: int, end: int, letters: Any, first: int, last: int) -> bool:
    """Whether stream[start:end] is letters[first:last]."""
    if end - start != last - first:
        return False
    for at in range(end - start):
        if stream[start + at] != letters[first + at]:
            return False
    return True


@kernel("i8(u1[::1], i8, i8)")
def topic_hash(stream: Any, start: int, end: int) -> int:
    """Where a topic is looked for: FNV-1a folded into 31 bits. Only topics that are looked up come from outside: the
    table holds our own."""
    value = 2_166_136_261
    for at in range(start, end):
        value = ((value ^ int(stream[at])) * 16_777_619) & 0xFFFFFFFF
    return value >> 1


@kernel(f"i8(u1[::1], i8, i8, {DIRECTORY})")
def route(stream: Any, start: int, end: int, directory: Any) -> int:
    """Where the route of a topic begins in the directory; -1 where it has none."""
    slots, routes, _, _, letters = directory
    mask = slots.size - 1
    place = topic_hash(stream, start, end) & mask
    while slots[place] >= 0:
        base = slots[place]
        if same(stream, start, end, letters, routes[base + ROUTE_START], routes[base + ROUTE_END]):
            return int(base)
        place = (place + 1) & mask
    return -1


@kernel("b1(u1[::1], i8[::1], i8, i8)", inner=True)
def named(stream: Any, found: Any, first: int, last: int) -> bool:
    """Whether the text that was read last is KEYS[first:last]."""
    start = found[START]
    if found[END] - start != last - first:
        return False
    for at in range(last - first):
        if stream[start + at] != KEYS[first + at]:  # of a global array, which to `same` is another type
            return False
    return True


@kernel("i8(u1[::1], i8, i8, i8[::1])", inner=True)
def key(stream: Any, at: int, end: int, found: Any) -> int:
    """Past the name of a member and its colon, to its value; -1 where there is none."""
    at = text(stream, at, end, found)
    if at < 0:
        return -1
    at = skip(stream, at, end)
    return skip(stream, at + 1, end) if at < end and stream[at] == 58 else -1


@kernel(f"i8(u1[::1], i8, i8, {DIRECTORY}, i8, READING[::1], {SCRATCH})", records={"READING": READING})
def record(stream: Any, at: int, end: int, directory: Any, base: int, rows: Any, scratch: Any) -> int:
    """Past one reading into rows[0], whose `received_us` stands there already; -1 where it is not plain, or not one of
    a series that the route at `base` may fill. `event_us` is not compared with anything here."""
    _, routes, channels, bounds, letters = directory
    found, number, _ = scratch
    row = rows[0]
    seen, lane, metric, metric_end, unit, unit_end = 0, 0, 0, 0, 0, 0
    if at >= end or stream[at] != 123:
        return -1
    while True:
        at = key(stream, skip(stream, at + 1, end), end, found)
        if at < 0:
            return -1
        if named(stream, found, METRIC_KEY, VALUE_KEY):
            which, at = 1, text(stream, at, end, found)
            metric, metric_end = found[START], found[END]
        elif named(stream, found, VALUE_KEY, LANE_KEY):
            which, at = 2, decimal(stream, at, end, number)
        elif named(stream, found, TIME_KEY, RECORDS_KEY):
            which, at = 4, text(stream, at, end, found)
            if at < 0 or moment(stream, found[START], found[END], found) < 0:
                return -1
            row["event_us"] = found[NUMBER]
        elif named(stream, found, LANE_KEY, UNIT_KEY):
            which, at = 8, whole(stream, at, end, found)
            lane = found[NUMBER]
        elif named(stream, found, UNIT_KEY, TIME_KEY):
            which, at = 16, text(stream, at, end, found)
            unit, unit_end = found[START], found[END]
        else:
            return -1
        if at < 0 or seen & which:
            return -1
        seen |= which
        at = skip(stream, at, end)
        if at >= end or (stream[at] != 44 and stream[at] != 125):
            return -1
        if stream[at] == 125:
            break
    if seen & 3 != 3:
        return -1
    if not seen & 4:
        row["event_us"] = row["received_us"]
    for each in range(routes[base + ROUTE_FIRST], routes[base + ROUTE_LAST]):
        channel = each * CHANNEL
        if channels[channel + LANE] != lane:
            continue
        if not same(
            stream, metric, metric_end, letters, channels[channel + METRIC_START], channels[channel + METRIC_END]
        ):
            continue
        first, last = channels[channel + UNIT_START], channels[channel + UNIT_END]
        if seen & 16 and not same(stream, unit, unit_end, letters, first, last):
            return -1
        if not (bounds[2 * each] <= number[0] <= bounds[2 * each + 1]):
            return -1
        row["device"] = routes[base + ROUTE_DEVICE]
        row["metric"] = channels[channel + CODE]
        row["lane"] = lane
        row["value"] = number[0]
        row["quality"] = 0 if seen & 4 else RECEIPT
        return at + 1
    return -1


@kernel(f"i8(u1[::1], i8, i8, {DIRECTORY}, i8, i8[::1], READING[::1], {SCRATCH})", records={"READING": READING})
def message(stream: Any, start: int, end: int, directory: Any, base: int, limits: Any, rows: Any, scratch: Any) -> int:
    """The readings of the message in stream[start:end] into the first of `rows`, whose first `received_us` stands there
    already; how many, or OTHERWISE."""
    found, _, hashing = scratch
    received_us, count, seen, boot, seq = rows[0]["received_us"], 0, 0, 0, 0
    at = skip(stream, start, end)
    if at >= end or stream[at] != 123:
        return OTHERWISE
    while True:
        at = key(stream, skip(stream, at + 1, end), end, found)
        if at < 0:
            return OTHERWISE
        if named(stream, found, RECORDS_KEY, BOOT_KEY):
            which = 1
            if seen & 1 or at >= end or stream[at] != 91:
                return OTHERWISE
            while True:
                if count >= MAX_RECORDS:
                    return OTHERWISE
                rows[count]["received_us"] = received_us
                at = record(stream, skip(stream, at + 1, end), end, directory, base, rows[count:], scratch)
                if at < 0:
                    return OTHERWISE
                count += 1
                at = skip(stream, at, end)
                if at >= end or (stream[at] != 44 and stream[at] != 93):
                    return OTHERWISE
                if stream[at] == 93:
                    break
            at += 1
        elif named(stream, found, BOOT_KEY, SEQ_KEY):
            which, at = 2, whole(stream, at, end, found)
            boot = found[NUMBER]
        elif named(stream, found, SEQ_KEY, KEYS.size):
            which, at = 4, whole(stream, at, end, found)
            seq = found[NUMBER]
        else:
            return OTHERWISE
        if at < 0 or seen & which:
            return OTHERWISE
        seen |= which
        at = skip(stream, at, end)
        if at >= end or (stream[at] != 44 and stream[at] != 125):
            return OTHERWISE
        if stream[at] == 125:
            break
    if seen != 7 or skip(stream, at + 1, end) != end or boot < 1 or seq < 1 or boot > MAX_NUMBER or seq > MAX_NUMBER:
        return OTHERWISE
    for part in range(count):
        event_us = rows[part]["event_us"]
        if event_us > received_us + limits[FUTURE_US] or event_us < received_us - limits[PAST_US]:
            return OTHERWISE
    hashed = digest(stream, start, end, hashing)
    for part in range(count):
        row = rows[part]
        row["boot"], row["seq"], row["part"], row["digest"] = boot, seq, part, hashed
    return count


@kernel(
    f"i8(u1[::1], i8[::1], i8[::1], {DIRECTORY}, i8[::1], READING[::1], i8[::1], {SCRATCH})",
    records={"READING": READING},
)
def scan(
    stream: Any, packets: Any, received_us: Any, directory: Any, limits: Any, rows: Any, counts: Any, scratch: Any
) -> int:
    """Read messages while there is room for the largest; how many were looked at.

    `packets`: int64 (n * FIELDS,), as `frames.cut` describes them. `received_us`: int64 (n,). `counts`: int64 (n,),
    what becomes of each: how many rows of it are in `rows`, or OTHERWISE. `place` is left as it is.
    """
    used = 0
    for each in range(received_us.size):
        if used + MAX_RECORDS > rows.size:
            return each
        packet = each * FIELDS
        start, end = packets[packet + PAYLOAD_START], packets[packet + PAYLOAD_END]
        counts[each] = OTHERWISE
        if packets[packet + FLAGS] & 1 or end - start > limits[MAX_BYTES]:
            continue
        base = route(stream, packets[packet + TOPIC_START], packets[packet + TOPIC_END], directory)
        if base < 0:
            continue
        rows[used]["received_us"] = received_us[each]
        counts[each] = message(stream, start, end, directory, base, limits, rows[used:], scratch)
        used += max(counts[each], 0)
    return int(received_us.size)
