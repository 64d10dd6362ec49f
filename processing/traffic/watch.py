"""Watches the stretches of road minute by minute: one alarm of congestion, one of an incident a stretch and direction.

Where an incident stands, or may turn out to be one in a minute, the queue behind it is not reported as congestion.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.clock import TICK_US
from contracts.columns import Batch, Columns
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.alarms.stage import Report
from processing.compiled import Compiled
from processing.detectors import congestion, incident
from processing.said import Said
from processing.state import Flags, Int64s, State, grown
from processing.traffic import travel_time
from processing.traffic.cells import Cells
from processing.traffic.minutes import Moment, moments
from processing.traffic.stretches import DIRECTIONS, Stretch, Stretches, make_stretches

QUIET_MINUTES: Final = 15
"""A camera of which nothing was known for so long holds no alarm."""
NAMED: Final = 12
"""Cameras named in an alarm; the rest is counted."""
KINDS: Final = (congestion.KIND, incident.KIND)

STANDING: Final = np.dtype(
    [("kind", "i8"), ("mark", "i8"), ("place", "i8"), ("since_us", "i8"), ("cameras", "i8"), ("before_kmh", "f8")]
)
"""An alarm that stands: of which of KINDS, on which stretch, at which camera's direction, since when, how many cameras
it had at its longest, and how fast traffic was before it."""


@dataclass(slots=True)
class Watched:
    """By place: which directions of devices are jammed, and for how many minutes neighbours have parted there; and the
    alarms that stand."""

    jammed: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))
    parted: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    standing: Columns = field(default_factory=lambda: np.empty(0, STANDING))


def fold(state: State, compiled: Compiled, ways: Cells, said_ways: Int64s, batch: Batch, said: Said) -> None:
    """Look at each minute that is due in this batch."""
    watched, places = state.part("traffic-watched", Watched), compiled.size * DIRECTIONS
    for name in ("jammed", "parted"):  # the state may know devices that the city no longer has
        setattr(watched, name, grown(getattr(watched, name), places)[:places])
    for moment in moments(state, compiled, ways, said_ways, batch):
        watch = _Watch(compiled, watched, moment, said)
        watch.incidents()
        watch.congestions()
        travel_time.tell(moment, compiled, said)


def watches(compiled: Compiled) -> bool:
    """Whether the city asks for any of it."""
    return any(compiled.rules_of(kind) for kind in KINDS)


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """End the alarms whose stretch, camera or rule the city no longer has."""
    watched = state.part("traffic-watched", Watched)
    stretches = compiled.table(make_stretches)
    places = {stretch.mark: stretch.places for stretch in stretches.all}
    gone = np.ones(watched.jammed.size, np.bool_)
    gone[[place for each in places.values() for place in each if place < gone.size]] = False
    watched.jammed[gone | (not compiled.rules_of(congestion.KIND))] = False
    watched.parted[gone | (not compiled.rules_of(incident.KIND))] = 0
    left = []
    for row in watched.standing:
        kind, place = KINDS[int(row["kind"])], int(row["place"])
        if compiled.rules_of(kind) and place in places.get(int(row["mark"]), ()):
            left.append(row)
        elif before is not None:
            rule = _rule(before, kind)
            stretch = next(one for one in before.table(make_stretches).all if one.mark == row["mark"])
            at_us = -(-now_us // TICK_US) * TICK_US
            said.reports.append(_report(before, kind, rule, stretch, row, False, at_us, _forgotten(rule)))
    watched.standing = np.array(left, STANDING)


def _rule(compiled: Compiled, kind: str) -> Rule:
    rules = compiled.rules_of(kind)
    return rules[0] if rules else Rule(id=kind, kind=kind, enabled=False)


def _forgotten(rule: Rule) -> Because:
    return Because(0.0, 0.0, 0.0, 0.0, "km/h", "nothing: the city no longer watches this stretch", rule.law)


def _report(
    compiled: Compiled,
    kind: str,
    rule: Rule,
    stretch: Stretch,
    row: Columns,
    active: bool,
    at_us: int,
    because: Because,
) -> Report:
    device = compiled.devices[int(row["place"]) // DIRECTIONS]
    return Report(
        kind=kind,
        rule=rule,
        key=(stretch.mark,),
        subject=stretch.subject,
        device=device.no,
        zone=device.zone,
        active=active,
        at_us=at_us,
        since_us=int(row["since_us"]),
        because=because,
    )


class _Watch:
    """One minute."""

    def __init__(self, compiled: Compiled, watched: Watched, moment: Moment, said: Said) -> None:
        self._compiled, self._watched, self._moment, self._said = compiled, watched, moment, said
        self._stretches: Stretches = moment.stretches

    def incidents(self) -> None:
        """End what is over, and begin what parts; the furthest downstream where several cameras of a stretch do."""
        rule, standing = _rule(self._compiled, incident.KIND), self._of(incident.KIND)
        if not rule.enabled:
            return
        if not standing and not self._watched.parted.any() and not incident.may_begin(rule, self._moment):
            return
        parting = incident.look(rule, self._moment)
        self._watched.parted = np.where(parting.begins, self._watched.parted + 1, 0)
        sure = parting.begins & (self._watched.parted >= incident.confirmed_after(rule))
        quiet = self._quiet()
        for mark, row in standing.items():
            place, before_kmh = int(row["place"]), float(row["before_kmh"])
            if quiet[place] or parting.recovered(rule, place, before_kmh):
                why = incident.because(rule, self._moment, parting, place, before_kmh, True, self._names(place))
                self._tell(incident.KIND, rule, mark, row, False, why)
        for number in np.unique(self._stretches.of[np.flatnonzero(sure)]).tolist():
            stretch = self._stretches.all[number]
            if stretch.mark not in standing:
                place = [one for one in stretch.places if sure[one]][-1]
                before_kmh = float(parting.before.speed_kmh[place])
                back = parting.minutes + incident.confirmed_after(rule) - 2
                row = self._row(incident.KIND, stretch, place, back, 1, before_kmh)
                why = incident.because(rule, self._moment, parting, place, before_kmh, False, self._names(place))
                self._tell(incident.KIND, rule, stretch.mark, row, True, why)

    def congestions(self) -> None:
        """End and begin the congestion of stretches by which of their cameras are jammed, and tell when it grows."""
        rule, standing = _rule(self._compiled, congestion.KIND), self._of(congestion.KIND)
        if not rule.enabled:
            return
        now, slow = congestion.look(rule, self._moment)
        quiet = self._quiet() if self._watched.jammed.any() else self._watched.jammed
        self._watched.jammed = congestion.jam(rule, now, slow, self._watched.jammed, quiet)
        parting = self._stretches.of[np.flatnonzero(self._watched.parted)]
        blocked = {*self._of(incident.KIND), *(self._stretches.all[one].mark for one in parting.tolist() if one >= 0)}
        jammed = self._watched.jammed
        numbers = {int(number) for number in np.unique(self._stretches.of[np.flatnonzero(jammed)]) if number >= 0}
        if standing:
            numbers |= {number for number, stretch in enumerate(self._stretches.all) if stretch.mark in standing}
        for number in sorted(numbers):
            stretch = self._stretches.all[number]
            mine = [place for place in stretch.places if jammed[place]]
            row = standing.get(stretch.mark)
            if row is None and mine and stretch.mark not in blocked:
                row = self._row(congestion.KIND, stretch, mine[-1], congestion.minutes_of(rule) - 1, len(mine))
            elif row is None or 0 < len(mine) <= row["cameras"]:
                continue
            stands = stretch.mark in standing
            place = mine[-1] if mine else int(row["place"])
            names = self._names(place) | _cameras(self._compiled, mine)
            why = congestion.because(rule, self._moment, now, slow, place, stands, names)
            row["cameras"] = len(mine)
            self._tell(congestion.KIND, rule, stretch.mark, row, bool(mine), why)

    def _quiet(self) -> Flags:
        quiet: Flags = ~self._moment.look(QUIET_MINUTES - 1).seen
        return quiet

    def _of(self, kind: str) -> dict[int, Columns]:
        """The alarms of a kind that stand, by the mark of their stretch."""
        rows = self._watched.standing[self._watched.standing["kind"] == KINDS.index(kind)]
        return {int(row["mark"]): row.copy() for row in rows}

    def _row(
        self, kind: str, stretch: Stretch, place: int, back: int, cameras: int, before_kmh: float = 0.0
    ) -> Columns:
        row = (KINDS.index(kind), stretch.mark, place, self._moment.began_us(back), cameras, before_kmh)
        made: Columns = np.array(row, STANDING)
        return made

    def _tell(self, kind: str, rule: Rule, mark: int, row: Columns, active: bool, because: Because) -> None:
        """Report, and remember what stands."""
        others = self._watched.standing
        others = others[(others["mark"] != mark) | (others["kind"] != KINDS.index(kind))]
        self._watched.standing = np.append(others, row) if active else others
        stretch = self._stretches.all[int(self._stretches.of[int(row["place"])])]
        self._said.reports.append(
            _report(self._compiled, kind, rule, stretch, row, active, self._moment.tick_us, because)
        )

    def _names(self, place: int) -> dict[str, Scalar]:
        """Where it is, for a person."""
        stretch = self._stretches.all[int(self._stretches.of[place])]
        ahead = int(self._stretches.downstream[place])
        names: dict[str, Scalar] = {
            "camera": self._compiled.devices[place // DIRECTIONS].id,
            "segment": stretch.segment.id,
            "road": stretch.segment.road,
            "direction": stretch.direction.name.lower(),
            "towards": stretch.towards,
        }
        return names | ({"downstream": self._compiled.devices[ahead // DIRECTIONS].id} if ahead >= 0 else {})


def _cameras(compiled: Compiled, places: list[int]) -> dict[str, Scalar]:
    named = ", ".join(compiled.devices[place // DIRECTIONS].id for place in places[:NAMED])
    return {"cameras": named, "camera_count": len(places)}
