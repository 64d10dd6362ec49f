"""What detectors report of the conditions that they watch; the alarm stage alone makes alarms of it."""

from dataclasses import dataclass

from contracts.findings import Because
from contracts.rules import Rule


@dataclass(frozen=True, slots=True)
class Report:
    """What a detector says of one condition: it begins, ends (`active` False), or its figures changed notably.

    `kind` names the rationalised entry in the city's responses; `key` are numbers that say what the condition is about,
    the same for its whole life; `subject` is the same for a person; `device` -1: of no single device. `at_us` is the
    tick at which it was noticed (engine time), `since_us` the event time at which the condition began.
    """

    kind: str
    rule: Rule
    key: tuple[int, ...]
    subject: str
    device: int
    zone: str
    active: bool
    at_us: int
    since_us: int
    because: Because
