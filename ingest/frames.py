"""Cuts MQTT 5 PUBLISH packets out of a byte stream: where topic, properties and payload of each begin and end.

Packet layout: MQTT 5.0 (OASIS Standard, 7 March 2019), sections 1.5.5 (variable byte integer), 2.1 (fixed header) and
3.3 (PUBLISH). What is no PUBLISH is left to paho.
"""

from typing import Any, Final

from contracts.jit import kernel

FIELDS: Final = 7
"""int64 values that describe one packet, in this order:"""
FLAGS, MESSAGE_ID, TOPIC_START, TOPIC_END, PROPERTIES_START, PAYLOAD_START, PAYLOAD_END = range(FIELDS)

FOUND, POSITION, STATUS, SIZE = range(4)
"""What `cut` says of the whole: packets found, position of the first byte it did not use, why it stopped there, and the
size of the packet there in bytes (0 where its length is not known yet)."""

MORE, OTHER, FULL, BROKEN = range(4)
"""Why it stopped: the packet there is not complete; it is complete and no PUBLISH; no room for another description;
the bytes there are no MQTT."""


@kernel("i8(u1[::1], i8, i8)")
def variable_integer(stream: Any, start: int, end: int) -> int:
    """A variable byte integer as value * 8 + bytes used; -1 where it goes on after `end`, -2 where it is none."""
    value = 0
    for used in range(4):
        if start + used >= end:
            return -1
        byte = int(stream[start + used])
        value |= (byte & 127) << (7 * used)
        if byte < 128:
            return value * 8 + used + 1
    return -2


@kernel("void(u1[::1], i8, i8, i8, i8[::1], i8[::1])")
def cut(stream: Any, start: int, end: int, largest: int, packets: Any, result: Any) -> None:
    """Describe the PUBLISH packets of quality of service 0 and 1 in stream[start:end], up to something else.

    `largest`: bytes of the largest packet that was agreed; one beyond it is none, whether it has come or not.
    `packets`: int64 (capacity * FIELDS,). `result`: int64 (4,).
    """
    found, position, status, size = 0, start, MORE, 0
    while position < end:
        coded = variable_integer(stream, position + 1, end)
        if coded < 0:
            if coded == -2:
                status = BROKEN
            break
        body = position + 1 + (coded & 7)
        packet_end = body + (coded >> 3)
        if packet_end - position > largest:
            status = BROKEN
            break
        if packet_end > end:
            size = packet_end - position
            break
        flags = int(stream[position])
        if flags >> 4 != 3:
            status, size = OTHER, packet_end - position
            break
        if found * FIELDS >= packets.size:
            status = FULL
            break
        confirmed = (flags >> 1) & 3
        status = BROKEN  # until it is seen to be whole
        if confirmed > 1 or body + 2 > packet_end:
            break
        topic_end = body + 2 + (int(stream[body]) << 8) + int(stream[body + 1])
        properties = topic_end + 2 * confirmed
        if properties > packet_end:
            break
        message_id = 0
        if confirmed == 1:
            message_id = (int(stream[topic_end]) << 8) + int(stream[topic_end + 1])
        coded = variable_integer(stream, properties, packet_end)
        if coded < 0:
            break
        properties += coded & 7
        payload = properties + (coded >> 3)
        if payload > packet_end:
            break
        base = found * FIELDS
        packets[base + FLAGS] = flags & 15
        packets[base + MESSAGE_ID] = message_id
        packets[base + TOPIC_START] = body + 2
        packets[base + TOPIC_END] = topic_end
        packets[base + PROPERTIES_START] = properties
        packets[base + PAYLOAD_START] = payload
        packets[base + PAYLOAD_END] = packet_end
        found += 1
        position = packet_end
        status = MORE
    result[FOUND] = found
    result[POSITION] = position
    result[STATUS] = status
    result[SIZE] = size
