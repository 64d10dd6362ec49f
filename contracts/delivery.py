"""What the network hands over, and what decoding makes of it: accepted columns and rejections."""

from dataclasses import dataclass, field
from typing import Final

from contracts.columns import Columns, empty

REJECTED_PAYLOAD_BYTES: Final = 65_536
"""How much of a rejected payload is kept: five hundred readings, so that they can be fed in again. What a device may
have kept at all is bounded beside it (`storage.kept_rejections`)."""

REASONS: Final = {
    "topic": "the topic is not andaman/v1/city/zone/device/kind, nor one of a device in the city",
    "not_json": "the payload is not JSON",
    "schema": "the JSON is not a message of this kind",
    "too_large": "the payload is larger than a message may be",
    "unknown_device": "no device of this name is in the city",
    "wrong_zone": "the device stands in another zone than its topic says",
    "wrong_kind": "the device's entry does not say that it sends this kind",
    "unknown_metric": "the device's entry has no such series",
    "wrong_unit": "the unit is not the metric's",
    "out_of_range": "the value is outside what is physically possible",
    "future": "the event time is ahead of ours by more than the allowed clock skew",
    "past": "the event time is older than the intake horizon",
    "no_time": "a record of this kind needs its own time",
    "conflict": "the same identity came before with another content",
    "poison": "the record broke the fold or the commit and was set aside",
}
"""Every reason for a rejection, with the sentence a person reads."""
NEVER_FED_IN: Final = ("conflict",)
"""Of two contents under one number the first is kept: fed in again the second would be there beside it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One MQTT message as it came. `token` is what the network needs back to acknowledge it."""

    topic: str
    payload: bytes
    received_us: int
    retained: bool = False
    token: tuple[int, int, int] = (0, 0, 0)
    """(connection number, message id, QoS): an acknowledgement of an older connection is discarded."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One message or record that was not accepted. `device` is -1 and boot, seq are 0 where unknown.

    `count` above 1: it stands for so many within a second, of which only the highest number and no bytes are known.
    """

    reason: str
    detail: str
    topic: str
    payload: bytes
    received_us: int
    device: int = -1
    boot: int = 0
    seq: int = 0
    part: int = -1
    count: int = 1

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"{self.reason!r} is not a known reason for a rejection")


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a run of deliveries became, in order of arrival; `place` counts across all kinds from 0."""

    readings: Columns = field(default_factory=lambda: empty("reading"))
    passages: Columns = field(default_factory=lambda: empty("passage"))
    signals: Columns = field(default_factory=lambda: empty("signal"))
    statuses: Columns = field(default_factory=lambda: empty("status"))
    rejections: tuple[Rejection, ...] = ()
    retained: int = 0
    """Retained messages: state, never observations. Counted and left out."""
    passed_over: int = 0
    """Messages of other families that were understood and hold nothing that an entry asks for. Counted and left out."""
    plates_lost: int = 0
    """Passages that came after the keys of their day were destroyed: kept, without their plate."""

    def kind(self, name: str) -> Columns:
        """The rows of one log kind."""
        return {
            "reading": self.readings,
            "passage": self.passages,
            "signal": self.signals,
            "status": self.statuses,
        }[name]
