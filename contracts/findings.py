"""What we say: violations, alarms and the values behind them, each explaining itself.

A finding is an append-only series of revisions of one id. The id comes from the identities of the deciding records,
never from values, plates or rule versions, so that the same offence is never two rows.
"""

from enum import IntEnum, StrEnum
from hashlib import blake2b
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from contracts.columns import LATE, MARK, WINDOW, Columns

Scalar = float | int | str | bool | None


class Priority(IntEnum):
    """Alarm priority after ISA-18.2: follows from consequence and time to respond."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Condition(StrEnum):
    """The part of an alarm's state that the engine owns; handling (acknowledged, shelved) belongs to people."""

    ACTIVE = "active"
    NORMAL = "normal"
    SUPPRESSED = "suppressed"


class Because(msgspec.Struct, frozen=True, gc=False):
    """Why a finding fired, as data: what was measured against what, and what would have kept it silent.

    `margin` is measured minus threshold in `unit`; `needed` says what would have had to differ, as a comparison a
    person can read (`speed_kmh <= 60`).
    """

    measured: float
    limit: float
    threshold: float
    margin: float
    unit: str
    needed: str
    source: str = ""
    inputs: dict[str, Scalar] = {}


class Plate(msgspec.Struct, frozen=True, gc=False):
    """The plate of a deciding passage as its log row has it: only the keys of that day open or hash it.

    The fold carries it unread, so that a case is complete wherever its passage came; the writer seals it again under
    a key of the case and keeps neither this hash nor this seal with the finding.
    """

    day: int
    hash: bytes
    sealed: bytes


SECOND_LOOK: Final = frozenset({"doubtful_plate", "no_plate"})
"""Reasons that a person can settle by looking at the pictures; with any other the case stays a statistic."""


PERSON_LOOKS: Final = SECOND_LOOK | {"possible_clone", "class_differs"}
"""Reasons with which a case is shown as one for a second look: the pictures, or another file, may settle it."""


class Standing(StrEnum):
    """Where a suspected violation stands for the officer who sees it."""

    CHARGEABLE = "chargeable"
    SECOND_LOOK = "second_look"
    NOT_CHARGEABLE = "not_chargeable"


def standing(chargeable: bool, reason: str) -> Standing:
    """Where a case with this word and reason stands."""
    if chargeable:
        return Standing.CHARGEABLE
    return Standing.SECOND_LOOK if reason in PERSON_LOOKS else Standing.NOT_CHARGEABLE


class Violation(msgspec.Struct, frozen=True, gc=False):
    """One revision of a suspected violation. A person decides; the engine only suspects.

    `chargeable` is False with a `reason` where the case may not be held against anybody as it is: a plate that nobody
    read for certain needs a second look (SECOND_LOOK); a motorcycle seen from the front or a device that could not be
    trusted makes a statistic.
    """

    id: UUID
    revision: int
    rule: str
    rule_version: int
    device: int
    zone: str
    occurred_us: int
    lane: int
    direction: int
    vehicle: int
    because: Because
    offence: str
    chargeable: bool = True
    reason: str = ""
    plate_state: int = 0
    plate: Plate | None = None


class Alarm(msgspec.Struct, frozen=True):
    """One revision of an alarm's condition. `subject` is a device id, a series or a zone, whatever it is about."""

    id: UUID
    revision: int
    kind: str
    rule: str
    rule_version: int
    subject: str
    device: int
    zone: str
    priority: Priority
    condition: Condition
    onset_us: int
    changed_us: int
    because: Because


class Outputs(msgspec.Struct, frozen=True):
    """Everything that one step of the fold says. `late`: records beyond the amendment horizon, LATE."""

    windows: Columns = msgspec.field(default_factory=lambda: np.empty(0, WINDOW))
    violations: tuple[Violation, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    marks: Columns = msgspec.field(default_factory=lambda: np.empty(0, MARK))
    late: Columns = msgspec.field(default_factory=lambda: np.empty(0, LATE))


ID_PERSON: Final = b"andaman-finding"


def finding_id(*parts: str | int) -> UUID:
    """The id of a finding: BLAKE2b-128 over its parts, each with its length so that no two lists collide."""
    return id_of(framed(*parts))


def framed(*parts: str | int) -> bytes:
    """Parts of a finding's identity, each with its length: what is framed apart may be put together."""
    texts = [str(part).encode() for part in parts]
    return b"".join([len(text).to_bytes(4, "big") + text for text in texts])


def id_of(identity: bytes) -> UUID:
    """The id of a finding whose parts are framed already."""
    return UUID(bytes=blake2b(identity, digest_size=16, person=ID_PERSON).digest())
