"""Naive twins of ingest/frames.py: one packet after the other, as the standard's text reads."""

from typing import Any

from ingest.frames import BROKEN, FULL, MORE, OTHER


def variable_integer(stream: Any, start: int, end: int) -> int:
    digits: list[int] = []
    for byte in bytes(stream[start:end])[:4]:
        digits.append(byte & 127)
        if byte < 128:
            value = sum(digit << 7 * place for place, digit in enumerate(digits))
            return value * 8 + len(digits)
    return -2 if len(digits) == 4 else -1


def cut(stream: Any, start: int, end: int, largest: int, packets: Any, result: Any) -> None:
    left = bytes(stream[start:end])
    found: list[list[int]] = []
    while True:
        status, size, described = _first(left, end - len(left), largest)
        whole_publish = described is not None or (status == BROKEN and size > 0)
        if whole_publish and len(found) * 7 >= packets.size:
            status, described = FULL, None
        if not described:
            break
        found.append(described)
        left = left[size:]
    for at, described in enumerate(found):
        packets[at * 7 : at * 7 + 7] = described
    result[:] = [len(found), end - len(left), status, size if status in (MORE, OTHER) else 0]


def _integer(content: bytes) -> tuple[int, int] | str:
    """Value and bytes used, `short` or `wrong`."""
    for used in range(1, 5):
        if len(content) < used:
            return "short"
        if content[used - 1] < 128:
            return sum((byte & 127) * 128**place for place, byte in enumerate(content[:used])), used
    return "wrong"


def _first(left: bytes, offset: int, largest: int) -> tuple[int, int, list[int] | None]:
    """Status, size and description of the first packet; the description where it is a whole PUBLISH."""
    if not left:
        return MORE, 0, None
    length = _integer(left[1:])
    if length == "short":
        return MORE, 0, None
    if length == "wrong":
        return BROKEN, 0, None
    assert isinstance(length, tuple)
    header = 1 + length[1]
    size = header + length[0]
    if size > largest:
        return BROKEN, 0, None
    if len(left) < size:
        return MORE, size, None
    flags, body = left[0], left[header:size]
    if flags >> 4 != 3:
        return OTHER, size, None
    qos = (flags >> 1) & 3
    if qos > 1 or len(body) < 2:
        return BROKEN, size, None
    topic = int.from_bytes(body[:2], "big")
    after = body[2 + topic :]
    if len(body) < 2 + topic or len(after) < 2 * qos:
        return BROKEN, size, None
    number = int.from_bytes(after[:2], "big") if qos else 0
    after = after[2 * qos :]
    properties = _integer(after)
    if not isinstance(properties, tuple) or len(after) < properties[0] + properties[1]:
        return BROKEN, size, None
    payload = after[properties[0] + properties[1] :]
    at = offset + header
    end = offset + size
    return MORE, size, [
        flags & 15, number, at + 2, at + 2 + topic, end - len(after) + properties[1], end - len(payload), end,
    ]  # fmt: skip
