"""The series that detectors watch for what is unusual: their slots, and what each of them is by the city's rules."""

from dataclasses import dataclass, field

import numpy as np

from contracts.clock import MINUTE_US
from contracts.columns import Columns
from contracts.rules import Rule
from processing.compiled import Compiled, pack_series
from processing.said import Said
from processing.state import Flags, Int64s, grown


def _zeros() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Slots:
    """Which series has which slot. `by_place`: slot + 1 by series place, 0 where it has none yet; `key`: by slot."""

    count: int = 0
    by_place: Int64s = field(default_factory=_zeros)
    key: Int64s = field(default_factory=_zeros)
    newest_us: Int64s = field(default_factory=_zeros)
    """By slot: the latest minute that was looked at."""

    def of(self, rows: Columns) -> Int64s:
        """The slot of each row, WINDOW sorted by place; new series get the next ones."""
        if rows.size:
            self.by_place = grown(self.by_place, int(rows["place"][-1]) + 1)
        new = rows[self.by_place[rows["place"]] == 0]
        if new.size:
            first = np.flatnonzero(np.diff(new["place"], prepend=-1))
            keys = pack_series(new["device"], new["metric"], new["lane"])[first]
            self.by_place[new["place"][first]] = self.named(keys) + 1
        slots: Int64s = self.by_place[rows["place"]] - 1
        return slots

    def named(self, keys: Int64s) -> Int64s:
        """The slot of each of these series, packed; new ones get the next."""
        known = {key: slot for slot, key in enumerate(self.key[: self.count].tolist())}
        slots = np.array([known.setdefault(key, len(known)) for key in keys.tolist()], np.int64)
        self.key, self.count = np.array(list(known), np.int64), len(known)
        self.newest_us = grown(self.newest_us, self.count)
        return slots


def first_sight(slots: Slots, rows: Columns) -> tuple[Columns, Int64s]:
    """Rows that lie after every minute of their series seen before, and their slots: what came late is left out."""
    slot = slots.of(rows)
    if not rows.size:
        return rows, slot
    minute = rows["start_us"] // MINUTE_US
    turn = np.flatnonzero(np.diff(slot, prepend=-1))
    group = np.repeat(np.arange(turn.size), np.diff(turn, append=rows.size))
    place = group * (int(minute.max()) + 1) + minute
    behind = np.concatenate(([-1], np.maximum.accumulate(place)[:-1])) >= place
    new = ~behind & (rows["start_us"] > slots.newest_us[slot])
    rows, slot = rows[new], slot[new]
    np.maximum.at(slots.newest_us, slot, rows["start_us"])
    return rows, slot


@dataclass(frozen=True, slots=True)
class Watches:
    """Which rule of a kind watches a metric: `rule` int64 by metric code, -1 for none; a param of each as an array.

    `known` by device, its last for all numbers beyond: a device that has left the city closes its last minute later.
    """

    rules: tuple[Rule, ...]
    rule: Int64s
    units: tuple[str, ...]
    known: Flags

    def pick(self, said: Said) -> Columns:
        """The first revisions of what is watched, of the minutes that were closed."""
        rows = said.minutes_of(np.append(self.rule >= 0, False))
        known = self.known[np.minimum(rows["device"], self.known.size - 1)]
        return rows.take(np.flatnonzero((rows["revision"] == 1) & known))

    def param(self, name: str, default: float) -> Columns:
        """A param by rule, float64."""
        return np.array([rule.params.get(name, default) for rule in self.rules], np.float64)


def watches_of(compiled: Compiled, kind: str) -> Watches:
    """The enabled rules of a kind, each with its metric."""
    rules = compiled.rules_of(kind)
    codes = [compiled.metric_code[rule.metric or ""] for rule in rules]
    by_code = np.full(max(codes, default=0) + 1, -1, np.int64)
    by_code[codes] = np.arange(len(rules))
    units = {metric.key: metric.unit for metric in compiled.city.metrics}
    known = np.append(compiled.known, False)
    return Watches(rules, by_code, tuple(units[rule.metric or ""] for rule in rules), known)
