"""A device that floods us with what cannot be accepted: one alarm, however many there are.

Rejections are counted by device and minute of the engine's time, from the log's own counts, so the alarm is there in a
replay too although what was rejected is not. It begins with the tick at which more than `start_above` were rejected
within a minute, and ends after `calm_minutes` with fewer than `end_below` each. What is told again: twice as many a
minute as was told. Devices that the city does not know are one. The figures are our choice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import MINUTE_US, TICK_US
from contracts.columns import Batch, Columns, Rejects
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.alarms.stage import Report
from processing.compiled import Compiled
from processing.said import Said
from processing.state import State

KIND: Final = "bad-messages"
START_ABOVE: Final = 60.0
"""One a second: a wrong entry for a single series, or one bad cable, stays below it."""
END_BELOW: Final = 6.0
CALM_MINUTES: Final = 5.0
TOLD_AGAIN: Final = 2
"""Twice as many a minute as was told is news."""
REASONS_NAMED: Final = 3
STRANGERS: Final = "unknown-devices"
"""The subject of what devices said that the city does not know."""

REASON_BYTES: Final = 32
PENDING: Final = np.dtype([("at_us", "i8"), ("device", "i8"), ("reason", f"S{REASON_BYTES}"), ("count", "i8")])
"""Rejections of ticks that were not reached yet."""
WATCHED: Final = np.dtype([(name, "i8") for name in ("device", "count", "total", "most", "since_us", "told", "calm")])
"""A device: rejected in this minute, in all, in the worst minute; since when there is an alarm (0: there is none); the
minute's count as it was told last; calm minutes."""
COUNTED: Final = np.dtype([("device", "i8"), ("reason", f"S{REASON_BYTES}"), ("count", "i8")])
"""What of it was rejected for which reason, since its alarm or this minute began."""


@dataclass(slots=True)
class Refused:
    """The state's part. `ends_us`: the end of the minute that is counted."""

    pending: Columns = field(default_factory=lambda: np.empty(0, PENDING))
    watched: Columns = field(default_factory=lambda: np.empty(0, WATCHED))
    counted: Columns = field(default_factory=lambda: np.empty(0, COUNTED))
    ends_us: int = 0


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Count the batch's rejections, and say the floods that begin, grow or end at its ticks."""
    refused = state.part("refused", Refused)
    if not (batch.rejects or refused.pending.size or refused.watched.size):
        return
    rules = compiled.rules_of(KIND)
    if not rules:
        state.parts["refused"] = Refused()
        return
    watch = _Watch(refused, compiled, rules[0], said.reports)
    watch.take(batch.rejects, batch.now_us)
    watch.go_through(batch.now_us // TICK_US * TICK_US)
    watch.put_down()


@dataclass(slots=True)
class _Flood:
    """One device, while it is looked at."""

    count: int = 0
    total: int = 0
    most: int = 0
    since_us: int = 0
    told: int = 0
    calm: int = 0
    reasons: dict[bytes, int] = field(default_factory=dict)


class _Watch:
    """Works on the state's part for the time of one batch; says into `reports`."""

    def __init__(self, refused: Refused, compiled: Compiled, rule: Rule, reports: list[Report]) -> None:
        self._refused, self._compiled, self._rule, self._reports = refused, compiled, rule, reports
        self._start_above = rule.params.get("start_above", START_ABOVE)
        self._end_below = rule.params.get("end_below", END_BELOW)
        self._calm_minutes = rule.params.get("calm_minutes", CALM_MINUTES)
        known = compiled.devices
        self._floods = {
            device: _Flood(*rest) for device, *rest in refused.watched.tolist() if device < 0 or device in known
        }
        for device, reason, count in refused.counted.tolist():
            if device in self._floods:
                self._floods[device].reasons[reason] = count
        self._pending: dict[tuple[int, int, bytes], int] = {}
        for entry in refused.pending.tolist():
            self._wait(*entry)

    def take(self, rejects: Iterable[Rejects], now_us: int) -> None:
        """Rejections of a batch; of an entry without a tick, the next one."""
        for each in rejects:
            at_us = each.at_us or (now_us // TICK_US + 1) * TICK_US
            self._wait(at_us, each.device, each.reason.encode()[:REASON_BYTES], each.count)

    def _wait(self, at_us: int, device: int, reason: bytes, count: int) -> None:
        key = at_us, device if device in self._compiled.devices else -1, reason
        self._pending[key] = self._pending.get(key, 0) + count

    def go_through(self, until_us: int) -> None:
        """Everything up to this tick, in order of time. What came before a minute's end belongs to that minute."""
        due = sorted(key for key in self._pending if key[0] <= until_us)
        for at_us in sorted({key[0] for key in due}):
            self._end_minutes(at_us - 1)
            if not self._floods:
                self._refused.ends_us = -(-at_us // MINUTE_US) * MINUTE_US
            devices = sorted({key[1] for key in due if key[0] == at_us})
            for device in devices:
                self._count(at_us, device, [key for key in due if key[:2] == (at_us, device)])
        self._end_minutes(until_us)

    def put_down(self) -> None:
        """Write everything back."""
        refused, floods = self._refused, sorted(self._floods.items())
        refused.watched = np.array(
            [(no, each.count, each.total, each.most, each.since_us, each.told, each.calm) for no, each in floods],
            WATCHED,
        )
        refused.counted = np.array(
            [(no, reason, count) for no, each in floods for reason, count in sorted(each.reasons.items())], COUNTED
        )
        refused.pending = np.array([(*key, count) for key, count in sorted(self._pending.items())], PENDING)

    def _count(self, at_us: int, device: int, keys: list[tuple[int, int, bytes]]) -> None:
        flood = self._floods.setdefault(device, _Flood())
        for key in keys:
            count = self._pending.pop(key)
            flood.count += count
            flood.total += count
            flood.reasons[key[2]] = flood.reasons.get(key[2], 0) + count
        flood.most = max(flood.most, flood.count)
        begins = not flood.since_us and flood.count > self._start_above
        if begins:
            flood.since_us = self._refused.ends_us - MINUTE_US
        if begins or (flood.since_us and flood.count >= TOLD_AGAIN * flood.told):
            flood.told = flood.count
            self._tell(device, flood, at_us, True)

    def _end_minutes(self, until_us: int) -> None:
        """Look at each minute that ends up to then."""
        while self._floods and self._refused.ends_us <= until_us:
            at_us = self._refused.ends_us
            self._refused.ends_us += MINUTE_US
            for device, flood in sorted(self._floods.items()):
                flood.calm = flood.calm + 1 if flood.count < self._end_below else 0
                if flood.since_us and flood.calm >= self._calm_minutes:
                    self._tell(device, flood, at_us, False)
                if not flood.since_us or flood.calm >= self._calm_minutes:
                    del self._floods[device]
                flood.count = 0

    def _tell(self, no: int, flood: _Flood, at_us: int, active: bool) -> None:
        device = self._compiled.devices.get(no)
        measured = float(flood.count)
        most = sorted(flood.reasons.items(), key=lambda item: (-item[1], item[0]))
        inputs: dict[str, Scalar] = {
            "rejected": flood.total,
            "most_a_minute": flood.most,
            "main_reason": most[0][0].decode(),
            "ends_below": self._end_below,
            "calm_minutes": self._calm_minutes,
            **{f"rejected_{reason.decode()}": count for reason, count in most[:REASONS_NAMED]},
        }
        self._reports.append(
            Report(
                kind=KIND,
                rule=self._rule,
                key=(no,),
                subject=device.id if device else STRANGERS,
                device=no,
                zone=device.zone if device else "",
                active=active,
                at_us=at_us,
                since_us=flood.since_us,
                because=Because(
                    measured=measured,
                    limit=self._start_above,
                    threshold=self._start_above,
                    margin=measured - self._start_above,
                    unit="",
                    needed=f"at most {self._start_above:g} rejected in a minute",
                    source=self._rule.law,
                    inputs=inputs,
                ),
            )
        )
