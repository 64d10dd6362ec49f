"""An alarm flood: more new alarms than a person can act on; recognised as one alarm that counts them by kind.

Source: facts of ISA-18.2 as ProSys quotes it: a flood starts above 10 new alarms in 10 minutes and ends below 5 in
10 minutes, per operator position; a city is one position. Whether it is over is looked at every minute.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import MINUTE_US, SECOND_US, to_iso
from contracts.columns import Columns
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.compiled import FOR_EVER_US, Compiled

KIND: Final = "alarm-flood"
START_ABOVE: Final = 10.0
END_BELOW: Final = 5.0
WITHIN_S: Final = 600.0
KINDS_NAMED: Final = 12
"""Kinds counted by name in the alarm; the rest is counted together."""
RECENT: Final = 1024
"""New alarms remembered at most, above every `start_above`: in a flood of more, only its count grows."""
SOURCE: Final = "ISA-18.2 as quoted by ProSys: starts above 10 new alarms in 10 minutes, ends below 5"

NEW: Final = np.dtype([("at_us", "i8"), ("onset_us", "i8"), ("kind", "S64"), ("subject", "S128")])
COUNT: Final = np.dtype([("kind", "S64"), ("count", "i8")])


@dataclass(slots=True)
class Flood:
    """The state's part: the new alarms of the last minutes, and the flood that lasts, if `since_us` is not 0.

    `counts` by kind since `since_us` (event time of its first alarm); `said` of them were told; `due_us`: next look.
    """

    recent: Columns = field(default_factory=lambda: np.empty(0, NEW))
    counts: Columns = field(default_factory=lambda: np.empty(0, COUNT))
    first: Columns = field(default_factory=lambda: np.empty(0, NEW))
    since_us: int = 0
    said: int = 0
    due_us: int = FOR_EVER_US

    @property
    def total(self) -> int:
        """New alarms of the flood so far."""
        return int(self.counts["count"].sum())


def rule_of(compiled: Compiled) -> Rule | None:
    """The city's rule on floods, or None: then no flood is recognised."""
    rules = compiled.rules_of(KIND)
    return rules[0] if rules else None


def note(flood: Flood, rule: Rule, row: tuple[int, int, str, str], now_us: int) -> bool:
    """Count a new alarm (at_us, onset_us, kind, subject). True where with it a flood begins."""
    at_us, onset_us, kind, subject = row
    new = np.array([(at_us, onset_us, kind.encode()[:64], subject.encode()[:128])], NEW)
    flood.recent = np.concatenate((_recent(flood, rule, now_us), new))[-RECENT:]
    if flood.since_us:
        _add(flood, new)
        return False
    if flood.recent.size <= rule.params.get("start_above", START_ABOVE):
        return False
    first = flood.recent[np.lexsort((flood.recent["subject"], flood.recent["kind"], flood.recent["onset_us"]))[:1]]
    flood.first, flood.since_us = first.copy(), int(first["onset_us"][0])
    flood.counts = np.empty(0, COUNT)
    _add(flood, flood.recent)
    flood.said, flood.due_us = flood.total, _next_minute(now_us)
    return True


def look(flood: Flood, rule: Rule, now_us: int) -> tuple[bool, bool]:
    """Whether the flood lasts, and whether there is something new to tell of it; called when it is due."""
    flood.recent = _recent(flood, rule, now_us)
    if flood.recent.size < rule.params.get("end_below", END_BELOW):
        return False, True
    flood.due_us = _next_minute(now_us)
    news = flood.total > flood.said
    flood.said = flood.total
    return True, news


def end(flood: Flood) -> None:
    """Forget the flood that is over; the new alarms of the last minutes stay."""
    flood.since_us, flood.due_us, flood.said = 0, FOR_EVER_US, 0
    flood.counts, flood.first = np.empty(0, COUNT), np.empty(0, NEW)


def because(flood: Flood, rule: Rule, refused: int = 0) -> Because:
    """Why: how many in the last minutes, and of which kinds since it began; `refused`: for which there was no room."""
    start_above = rule.params.get("start_above", START_ABOVE)
    end_below = rule.params.get("end_below", END_BELOW)
    within_s = rule.params.get("within_s", WITHIN_S)
    measured = float(flood.recent.size)
    inputs: dict[str, Scalar] = {
        "within_s": within_s,
        "ends_below_alarms": end_below,
        "alarms": flood.total,
        "first_kind": flood.first["kind"][0].decode(errors="replace"),
        "first_subject": flood.first["subject"][0].decode(errors="replace"),
        "first_at": to_iso(flood.since_us),
    }
    most = sorted(flood.counts.tolist(), key=lambda row: (-row[1], row[0]))
    for kind, count in most[:KINDS_NAMED]:
        inputs[f"alarms_{kind.decode(errors='replace')}"] = count
    if len(most) > KINDS_NAMED:
        inputs["alarms_of_other_kinds"] = sum(count for _, count in most[KINDS_NAMED:])
    if refused:
        inputs["conditions_without_room"] = refused
    return Because(
        measured=measured,
        limit=start_above,
        threshold=start_above,
        margin=measured - start_above,
        unit="alarms",
        needed=f"at most {start_above:g} new alarms in {within_s:g} s",
        source=rule.law or SOURCE,
        inputs=inputs,
    )


def _add(flood: Flood, new: Columns) -> None:
    kinds, counts = np.unique(np.concatenate((flood.counts["kind"], new["kind"])), return_inverse=True)
    weights = np.concatenate((flood.counts["count"], np.ones(new.size, np.int64)))
    table = np.zeros(kinds.size, COUNT)
    table["kind"] = kinds
    np.add.at(table["count"], counts, weights)
    flood.counts = table


def _recent(flood: Flood, rule: Rule, now_us: int) -> Columns:
    within_us = round(rule.params.get("within_s", WITHIN_S) * SECOND_US)
    recent: Columns = flood.recent[flood.recent["at_us"] > now_us - within_us]
    return recent


def _next_minute(now_us: int) -> int:
    return (now_us // MINUTE_US + 1) * MINUTE_US
