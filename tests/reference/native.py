"""Naive twins of ingest/native.py: plain is what a pattern matches; numbers, times and hash are Python's."""

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from contracts.records import MAX_RECORDS, TimeQuality
from ingest.native import OTHERWISE

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SPACE: Final = r"[ \n\r\t]*"
TEXT: Final = r'"[ !#-\[\]-~]*"'
WHOLE: Final = r"(?:0|[1-9][0-9]{0,15})"
NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"
IS: Final = rf"{SPACE}:{SPACE}"
MEMBER: Final = rf'"(?:(?:metric|unit|t)"{IS}{TEXT}|value"{IS}{NUMBER}|lane"{IS}{WHOLE})'
RECORD: Final = rf"\{{{SPACE}{MEMBER}{SPACE}(?:,{SPACE}{MEMBER}{SPACE})*\}}"
LIST: Final = rf"\[{SPACE}{RECORD}{SPACE}(?:,{SPACE}{RECORD}{SPACE})*\]"
PART: Final = rf'"(?:records"{IS}{LIST}|(?:boot|seq)"{IS}{WHOLE})'
MESSAGE: Final = rf"{SPACE}\{{{SPACE}{PART}{SPACE}(?:,{SPACE}{PART}{SPACE})*\}}{SPACE}"
TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
VALUE_OF: Final = re.compile(rf'"([a-z]+)"{IS}("[^"]*"|[^ \n\r\t,}}]+)')


def content(stream: Any, start: int, end: int) -> str:
    """One letter a byte."""
    return bytes(stream[start:end]).decode("latin-1")


def digest(stream: Any, start: int, end: int, scratch: Any) -> int:
    return int.from_bytes(hashlib.blake2b(bytes(stream[start:end]), digest_size=8).digest(), "big") >> 1


def decimal(stream: Any, at: int, end: int, out: Any) -> int:
    told = content(stream, at, end)
    found = re.match(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?", told)
    if found is None:
        return -1
    before, after, power = found[1], found[2] or "", int(found[3] or 0)
    broken = (found[2] is None and found[3] is None and told[found.end() :][:1] == ".") or (
        found[3] is None and told[found.end() :][:1] in ("e", "E")
    )
    if broken or (len(before) > 1 and before[0] == "0") or len(before + after) > 15:
        return -1
    if abs(power - len(after)) > 22 or (told[0] == "-" and int(before + after) == 0):
        return -1
    value = float(Decimal(found[0]))
    if abs(value) > 1e12:
        return -1
    out[0] = value
    return at + found.end()


def moment(stream: Any, start: int, end: int, found: Any) -> int:
    told = TIME.fullmatch(content(stream, start, end))
    if told is None:
        return -1
    year, month, day, hour, minute, second = (int(each) for each in told.groups()[:6])
    hours, minutes = int(told[9] or 0), int(told[10] or 0)
    if not 1900 <= year <= 2200 or hours > 23 or minutes > 59:
        return -1
    east = timedelta(hours=hours, minutes=minutes) * (-1 if told[8] == "-" else 1)
    try:
        part_us = int((told[7] or "").ljust(6, "0"))
        at = datetime(year, month, day, hour, minute, second, part_us, timezone(east))
    except ValueError:
        return -1
    found[0] = (at - EPOCH) // timedelta(microseconds=1)
    return end


def topic_hash(stream: Any, start: int, end: int) -> int:
    value = 0x811C9DC5
    for byte in bytes(stream[start:end]):
        value = (value ^ byte) * 0x01000193 % 2**32
    return value // 2


def route(stream: Any, start: int, end: int, directory: Any) -> int:
    _, routes, _, _, letters = directory
    topics = {content(letters, routes[base], routes[base + 1]): base for base in range(0, routes.size, 5)}
    return topics.get(content(stream, start, end), -1)


def record(stream: Any, at: int, end: int, directory: Any, base: int, rows: Any, scratch: Any) -> int:
    plain = re.match(RECORD, content(stream, at, end))
    if plain is None:
        return -1
    told = [(each[1], each[2].strip('"')) for each in VALUE_OF.finditer(plain[0])]
    said = dict(told)
    if len(said) != len(told) or not {"metric", "value"} <= said.keys():
        return -1
    value, event_us = [0.0], [rows[0]["received_us"]]
    number = said["value"].encode()
    if decimal(number, 0, len(number), value) != len(number):
        return -1
    if "t" in said and moment(said["t"].encode(), 0, len(said["t"]), event_us) < 0:
        return -1
    series = _series(directory, base, said["metric"], int(said.get("lane", "0")))
    if series is None:
        return -1
    code, unit, least, greatest = series
    if said.get("unit", unit) != unit or not least <= value[0] <= greatest:
        return -1
    row = rows[0]
    row["event_us"], row["device"], row["metric"] = event_us[0], directory[1][base + 2], code
    row["lane"], row["value"] = int(said.get("lane", "0")), value[0]
    row["quality"] = 0 if "t" in said else int(TimeQuality.RECEIPT)
    return at + plain.end()


def _series(directory: Any, base: int, metric: str, lane: int) -> tuple[int, str, float, float] | None:
    """Code, unit, least and greatest value of a series of the device of a route."""
    _, routes, channels, bounds, letters = directory
    for each in range(routes[base + 3], routes[base + 4]):
        metric_start, metric_end, of_lane, code, unit_start, unit_end = channels[each * 6 : each * 6 + 6]
        if (content(letters, metric_start, metric_end), of_lane) == (metric, lane):
            return int(code), content(letters, unit_start, unit_end), bounds[2 * each], bounds[2 * each + 1]
    return None


def message(stream: Any, start: int, end: int, directory: Any, base: int, limits: Any, rows: Any, scratch: Any) -> int:
    told = content(stream, start, end)
    if re.fullmatch(MESSAGE, told) is None:
        return OTHERWISE
    names = re.findall(rf'"(records|boot|seq)"{IS}[0-9\[]', told)
    boot, seq = (re.search(rf'"{name}"{IS}([0-9]+)', told) for name in ("boot", "seq"))
    if sorted(names) != ["boot", "records", "seq"] or boot is None or seq is None:
        return OTHERWISE
    objects = list(re.finditer(RECORD, told))
    if len(objects) > MAX_RECORDS or not all(1 <= int(each[1]) <= 2**53 for each in (boot, seq)):
        return OTHERWISE
    received_us = int(rows[0]["received_us"])
    for part, each in enumerate(objects):
        rows[part]["received_us"] = received_us
        if record(stream, start + each.start(), end, directory, base, rows[part : part + 1], scratch) < 0:
            return OTHERWISE
        if not received_us - limits[1] <= rows[part]["event_us"] <= received_us + limits[0]:
            return OTHERWISE
        rows[part]["boot"], rows[part]["seq"], rows[part]["part"] = int(boot[1]), int(seq[1]), part
        rows[part]["digest"] = digest(stream, start, end, None)
    return len(objects)


def scan(
    stream: Any, packets: Any, received_us: Any, directory: Any, limits: Any, rows: Any, counts: Any, scratch: Any
) -> int:
    used = 0
    for each in range(received_us.size):
        if used + MAX_RECORDS > rows.size:
            return each
        flags, _, topic, topic_end, _, payload, end = packets[each * 7 : each * 7 + 7]
        counts[each] = OTHERWISE
        base = route(stream, topic, topic_end, directory)
        if flags % 2 == 0 and end - payload <= limits[2] and base >= 0:
            rows[used]["received_us"] = received_us[each]
            counts[each] = message(stream, payload, end, directory, base, limits, rows[used:], scratch)
        used += max(counts[each], 0)
    return int(received_us.size)
