"""Reads one user property out of the properties of a PUBLISH packet (MQTT 5.0, sections 2.2.2 and 3.3.2.3)."""

from typing import Final

_FIXED: Final = {0x01: 1, 0x02: 4, 0x23: 2}
"""Sizes in bytes: payload format, message expiry, topic alias."""
_TEXTS: Final = {0x03: 1, 0x08: 1, 0x09: 1, 0x26: 2}
"""How many length-prefixed strings follow: content type, response topic, correlation data, user property."""
_SUBSCRIPTION: Final = 0x0B
"""A variable byte integer."""
_USER: Final = 0x26


def user_property(properties: bytes, key: bytes) -> bytes | None:
    """The first value of a user property; None where there is none, also where the bytes are no properties."""
    at = 0
    while at < len(properties):
        kind = properties[at]
        at += 1
        if kind in _FIXED:
            at += _FIXED[kind]
        elif kind == _SUBSCRIPTION:
            while at < len(properties) and properties[at] > 127:
                at += 1
            at += 1
        elif kind in _TEXTS:
            texts = []
            for _ in range(_TEXTS[kind]):
                length = int.from_bytes(properties[at : at + 2], "big")
                texts.append(properties[at + 2 : at + 2 + length])
                at += 2 + length
            if kind == _USER and texts[0] == key and at <= len(properties):
                return texts[1]
        else:
            return None
    return None
