"""Messages that no device should send: what devices do say, changed by structure and by bytes.

Structure is found once, in the text of what is changed, so that changing it costs a few slices: where values, names and
members begin and end. Every draw comes from the generator that is given: the same seed makes the same messages.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

Span = tuple[int, int]
Change = Callable[["Said", bytes, random.Random], bytes]

MAX_BOMB_BYTES: Final = 300_000
"""Beyond the largest message that is read (256 KiB), below the largest packet that a broker may send us (1 MiB)."""
RARE: Final = 400
"""One change in so many is a bomb: a hundred thousand levels, or the largest payload there is."""


class Message(NamedTuple):
    """One PUBLISH packet's content."""

    topic: bytes
    payload: bytes
    properties: bytes
    flags: int
    """DUP, QoS, RETAIN, as the first byte of the packet has them."""


@dataclass(frozen=True)
class Said:
    """Something that a device says, with the places in its payload that can be changed."""

    topic: bytes
    payload: bytes
    values: tuple[Span, ...]
    names: tuple[Span, ...]
    members: tuple[Span, ...]


_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[-0-9.eE+]+|true|false|null|[\[\]{},:]')
_XML: Final = re.compile(rb"<(?P<name>[^<>/]+)>(?P<value>[^<>]*)<")


def said(topic: str, payload: bytes) -> Said:
    """What a device says, with its structure: of JSON, of XML, or none."""
    if payload[:1] in (b"{", b"["):
        return Said(topic.encode(), payload, *_structure(payload))
    found = list(_XML.finditer(payload))
    values, names = (tuple(each.span(group) for each in found) for group in ("value", "name"))
    return Said(topic.encode(), payload, values or ((0, len(payload)),), names, tuple(each.span() for each in found))


def _structure(payload: bytes) -> tuple[tuple[Span, ...], tuple[Span, ...], tuple[Span, ...]]:
    """Values, names and members of a JSON text that is legal."""
    values: list[Span] = []
    names: list[Span] = []
    members: list[Span] = []
    open_at: list[tuple[int, int | None]] = []
    name_at: int | None = None
    tokens = list(_TOKEN.finditer(payload))
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        text, (start, end) = token.group(), token.span()
        if text in (b"{", b"["):
            open_at.append((start, name_at))
            name_at = None
            continue
        if text in (b"}", b"]"):
            start, name_at = open_at.pop()
        elif text in (b",", b":"):
            continue
        elif after is not None and after.group() == b":":
            names.append((start, end))
            name_at = start
            continue
        values.append((start, end))
        if name_at is not None:
            members.append((name_at, end))
            name_at = None
    return tuple(values), tuple(names), tuple(members)


ODD_VALUES: Final = (
    b"null", b"true", b"0", b"-1", b"1", b"-0", b"-0.0", b"1.0", b"0.5", b"01", b"+1", b".5", b"1.", b"1e",
    b"--1", b"1e5",     b"300.1", b"1e12", b"-1e13", b"1e308", b"1e309", b"1e400", b"-1e-400",
    b"9007199254740992", b"9007199254740993",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"123456789012345678901234567890",
    b"0." + b"1" * 400, b"9" * 400, b"NaN", b"Infinity", b"-Infinity", b'""', b'" "', b'"car"', b'"truck"', b'"red"',
    b'"death"', b'"\\u0000"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\n"', b'"\\x"', b'"\xff\xfe"', b'"\xc0\xaf"',
    b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe0\xb8\x81\xe0\xb8\x82 1234"', b'"1\xe0\xb8\x81\xe0\xb8\x821234"',
    "\"๑กข๑๒๓๔\"".encode(), "\"ก้้้้้้้้้้\"".encode(), "\"\u202e1กข\"".encode(),
    b'"' + b"x" * 65 + b'"', b'"' + b"9" * 5_000 + b'"',
    b"[]", b"{}", b"[[]]", b"[1,2,3]", b'{"a":1}', b'[{"text":"1"}]', b'["' + b"a" * 64 + b'"]', b"[" * 70 + b"]" * 70,
    b'"2026-11-22T10:00:00+07:00"', b'"2026-11-22T10:00:00"', b'"2026-11-22T10:00:00.1234567Z"', b'"2026-11-22"',
    b'"2026-02-30T00:00:00Z"', b'"2026-11-22T24:00:00Z"', b'"2026-11-22T23:59:60Z"', b'"0001-01-01T00:00:00+14:00"',
    b'"9999-12-31T23:59:59-14:00"', b'"2099-01-01T00:00:00Z"', b'"2020-01-01T00:00:00Z"', b'"1795316400"',
    b"1795316400", b"1795316400000", b"1e18", b"-62135596801", b"268435456",
)  # fmt: skip
ODD_NAMES: Final = (
    b'"boot"', b'"seq"', b'"records"', b'"t"', b'"lane"', b'"value"', b'"metric"', b'"class"', b'"plates"', b'"counts"',
    b'""', b'"\\u0062oot"', b'"' + b"k" * 3_000 + b'"', b'"\xff"', b'"__proto__"', b'"1\xe0\xb8\x81\xe0\xb8\x821234"',
    b"1",
)  # fmt: skip
ODD_BYTES: Final = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\\", b'"', b"\n", b"\x1b[2J", b",", b":", b"{", b"}",
    b"[", b"]", b"<", b"&lol;", b"<!DOCTYPE a [<!ENTITY b \"c\">]>", b"]]>", b"\xf0\x9f\x98\x80", b" " * 3_000,
    b"/*", b"//",
)  # fmt: skip
ODD_TOPICS: Final = (
    b"", b"/", b"andaman", b"andaman/v1", b"andaman/v1/+/+/+/+", b"andaman/v1/phuket/#", b"$SYS/broker", b"\x00",
    b"\xff\xfe", b"andaman/v1/phuket/mai-khao/cam-402-07/mark", b"andaman/v1/phuket/mai-khao/cam-402-07/evidence",
    b"andaman/v2/phuket/mai-khao/cam-402-07/passage", b"andaman/v1/Phuket/mai-khao/cam-402-07/passage",
    b"andaman/v1/phuket/rawai/cam-402-07/passage", b"andaman/v1/phuket/mai-khao/nobody/passage", b"a" * 600, b"/" * 300,
    b"andaman/v1/phuket/mai-khao/cam-402-07/passage/", b"andaman/v1/phuket/" + b"x" * 3_000 + b"/cam/passage",
)  # fmt: skip
PROPERTIES: Final = (
    b"\x26\x00\x0breceived_us\x00\x101795316400000000", b"\x26\x00\x0breceived_us\x00\x01x", b"\x01\x01", b"\x01\x07",
    b"\x02\x00\x00\x00\x3c", b"\x03\x00\x04json", b"\x09\x00\x02\xff\xfe", b"\x0b\xff\xff\xff\x7f", b"\x23\x00\x00",
    b"\x26\x00\xffa", b"\x26", b"\x99\x00", b"\x0b\xff\xff\xff\xff", b"\x26\x00\x00\x00\x00" * 40,
)  # fmt: skip


def _value(what: Said, payload: bytes, draw: random.Random) -> bytes:
    start, end = draw.choice(what.values)
    return payload[:start] + draw.choice(ODD_VALUES) + payload[end:]


def _swap(what: Said, payload: bytes, draw: random.Random) -> bytes:
    (a, b), (c, d) = sorted((draw.choice(what.values), draw.choice(what.values)))
    return payload if b > c else payload[:a] + payload[c:d] + payload[b:c] + payload[a:b] + payload[d:]


def _name(what: Said, payload: bytes, draw: random.Random) -> bytes:
    if not what.names:
        return payload
    start, end = draw.choice(what.names)
    other = draw.choice(what.names)
    return payload[:start] + (draw.choice(ODD_NAMES) if draw.random() < 0.6 else payload[slice(*other)]) + payload[end:]


def _twice(what: Said, payload: bytes, draw: random.Random) -> bytes:
    start, end = draw.choice(what.members or what.values)
    between = b"," if payload[:1] in (b"{", b"[") else b""
    times = draw.choice((1, 1, 1, 2, 9, 40)) if draw.randrange(RARE) else 600
    return payload[:end] + (between + payload[start:end]) * times + payload[end:]


def _twice_otherwise(what: Said, payload: bytes, draw: random.Random) -> bytes:
    if not what.names:
        return payload
    (start, end), (_, last) = draw.choice(what.names), draw.choice(what.members)
    return payload[:last] + b"," + payload[start:end] + b":" + draw.choice(ODD_VALUES) + payload[last:]


def _leave_out(what: Said, payload: bytes, draw: random.Random) -> bytes:
    start, end = draw.choice(what.members or what.values)
    end += payload[end : end + 1] == b"," and draw.random() < 0.8
    return payload[:start] + payload[end:]


def _nest(what: Said, payload: bytes, draw: random.Random) -> bytes:
    start, end = draw.choice(what.values)
    levels = draw.choice((1, 2, 5, 60, 300, 1_100)) if draw.randrange(RARE) else draw.choice((20_000, 100_000))
    opening, closing = draw.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"[", b""), (b"<a>", b"</a>")))
    return payload[:start] + opening * levels + payload[start:end] + closing * levels + payload[end:]


def _truncate(what: Said, payload: bytes, draw: random.Random) -> bytes:
    return payload[: draw.randrange(len(payload) + 1)]


def _splice(what: Said, payload: bytes, draw: random.Random) -> bytes:
    at, to = draw.randrange(len(payload) + 1), draw.randrange(len(payload) + 1)
    return payload[:at] + payload[to:]


def _flip(what: Said, payload: bytes, draw: random.Random) -> bytes:
    changed = bytearray(payload)
    for _ in range(draw.choice((1, 1, 2, 5)) if payload else 0):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _insert(what: Said, payload: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(payload) + 1)
    return payload[:at] + draw.choice(ODD_BYTES) + payload[at:]


def _whole(what: Said, payload: bytes, draw: random.Random) -> bytes:
    chosen = draw.randrange(7)
    if chosen == 0:
        return b""
    if chosen == 1:
        return draw.randbytes(draw.randrange(64))
    if chosen == 2:
        return payload.decode(errors="replace").encode("utf-16")
    if chosen == 3:
        return b"\xef\xbb\xbf" + payload
    if chosen == 4:
        return payload + draw.choice((b" ", b"\x00", b"}", payload, b"[" * 9))
    if chosen == 5:
        return draw.choice(ODD_VALUES)
    big = draw.choice((b"[", b'{"a":', b" ", b"9", b'"', b"\\", b"\xff", b"a"))
    return payload if draw.randrange(RARE // 10) else (big * MAX_BOMB_BYTES)[:MAX_BOMB_BYTES]


CHANGES: Final[dict[str, Change]] = {
    "an odd value": _value, "values swapped": _swap, "a name": _name, "said twice": _twice,
    "said twice, otherwise": _twice_otherwise, "left out": _leave_out, "nested": _nest, "cut short": _truncate,
    "spliced": _splice, "bytes flipped": _flip, "bytes put in": _insert, "something else": _whole,
}  # fmt: skip
_WEIGHTS: Final = {"an odd value": 8, "values swapped": 4, "a name": 3, "left out": 3, "said twice": 2}
"""What mostly stays JSON gets further in."""
_CHANGES: Final = tuple(change for name, change in CHANGES.items() for _ in range(_WEIGHTS.get(name, 1)))
_NUMBER: Final = re.compile(rb'"seq": ?\d+')


def mutated(corpus: Sequence[Said], draw: random.Random) -> Message:
    """One message: now and then as a device says it, else changed once or more often, on its own topic or another."""
    what = draw.choice(corpus)
    payload = what.payload
    # The first change finds its places where they were; later ones mostly find others, which are places as well.
    for _ in range(draw.choice((0, 1, 1, 1, 1, 1, 2, 2, 3))):
        payload = draw.choice(_CHANGES)(what, payload, draw)
    if draw.random() < 0.7:
        payload = _NUMBER.sub(b'"seq":%d' % draw.randrange(1, 5_000), payload, count=1)
    return Message(_topic(what, corpus, draw), payload[:MAX_BOMB_BYTES], *_envelope(draw))


def _topic(what: Said, corpus: Sequence[Said], draw: random.Random) -> bytes:
    chosen = draw.randrange(40)
    if chosen > 3:
        return what.topic
    if chosen == 0:
        return draw.choice(ODD_TOPICS)
    if chosen == 1:
        return draw.choice(corpus).topic
    if chosen == 2:
        return _flip(what, what.topic, draw)
    return what.topic[: draw.randrange(len(what.topic))]


def _envelope(draw: random.Random) -> tuple[bytes, int]:
    """Properties, and DUP, QoS and RETAIN."""
    properties = draw.choice(PROPERTIES) if draw.random() < 0.1 else b""
    chosen = draw.randrange(50)
    qos = 2 if chosen > 9 else 0
    return properties, qos | (8 if chosen in (10, 11, 12) else 0) | (1 if chosen in (0, 13) else 0)


def publish(message: Message, number: int) -> bytes:
    """The PUBLISH packet of a message; of a topic of more than 65,535 bytes the beginning."""
    topic = message.topic[:65_535]
    body = b"%c%c%b" % (len(topic) >> 8, len(topic) & 255, topic)
    if message.flags & 6:
        body += number.to_bytes(2, "big")
    body += length(len(message.properties)) + message.properties + message.payload
    return bytes((0x30 | message.flags,)) + length(len(body)) + body


def length(size: int) -> bytes:
    """A variable byte integer (MQTT 5.0, 1.5.5)."""
    digits = bytearray()
    while size > 127:
        digits.append(size & 127 | 128)
        size >>= 7
    return bytes((*digits, size))
