"""Many devices of one place silent at once: one outage of power or network, not an alarm for each.

A silence waits a moment (`hold_s`) for others. Two belong together if both devices may have died within `within_s`:
each somewhere between its last message and its next one due. The broadest place in which enough are silent together has
the outage: at least `min_devices`, and a `share` of its devices or, in a local place, `many`. Whoever falls silent
there while it stands joins it. When fewer than `min_devices` are left for `hold_s`, those become alarms of their own.
A silence that is over while it waits is told all the same: nothing that a device's entry calls silence is lost.
A device in maintenance counts for nothing here. All figures are the city's; the defaults are ours and unverified.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US
from contracts.columns import Batch, Columns
from contracts.rules import Rule
from processing.alarms.outages import (
    HEARD,
    JOINED,
    KIND,
    SINGLE,
    STANDING,
    WAITING,
    Outages,
    because_of,
    part_of,
    terms_of,
)
from processing.alarms.places import LEVELS, Places, make_places
from processing.alarms.plans import Plans, make_plans
from processing.alarms.reports import Report
from processing.compiled import FOR_EVER_US, Compiled
from processing.detectors import silence
from processing.detectors.silence import Quiet
from processing.said import Said
from processing.state import Int64s, State, grown

__all__ = ["KIND", "enter", "fold"]

UPDATE_US: Final = 10 * SECOND_US
"""An outage tells who joined or came back at most so often."""


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """End the outages whose place or rule is gone, under the names they stood under; their devices wait anew."""
    outages = _grown(state)
    if before is None or not outages.phase.any():
        return
    watch = Watch(outages, before, said.reports)
    for report in said.reports:
        if report.kind == silence.KIND:
            watch.lose(report.device)
    watch.keep(now_us)
    known = compiled.table(make_places).by_mark if compiled.rules_of(KIND) else {}
    for mark in sorted(outages.standing["mark"].tolist()):
        if mark not in known:
            watch.dissolve(mark, now_us, WAITING)


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Make outages of the batch's reports of silence; those that stay alone are reported on."""
    outages = _grown(state)
    on = bool(compiled.rules_of(KIND))
    if not on and not outages.phase.any():
        return
    heard = [report for report in said.reports if report.kind == silence.KIND]
    if not heard and batch.now_us < due_us(outages, compiled) and on:
        return
    said.reports[:] = [report for report in said.reports if report.kind != silence.KIND]
    watch = Watch(outages, compiled, said.reports)
    if not on:
        for no in np.flatnonzero(outages.phase == WAITING).tolist():
            watch.leave_alone(no, batch.since_us)
        outages.phase[:] = HEARD
        said.reports += heard
        return
    watch.go_through(sorted(heard, key=lambda report: (report.at_us, report.device)), batch.now_us)


def due_us(outages: Outages, compiled: Compiled) -> int:
    """When the first of all must be looked at without a new report, us."""
    waiting = outages.noticed_us[outages.phase == WAITING]
    times = [int(outages.standing[name].min(initial=FOR_EVER_US)) for name in ("few_us", "tell_us")]
    if waiting.size:
        times.append(int(waiting.min()) + terms_of(_rule(compiled)).hold_us)
    return min(times)


def _grown(state: State) -> Outages:
    outages = state.part("outage", Outages)
    for name in ("phase", "noticed_us", "quiet_us", "event_us", "mark"):
        setattr(outages, name, grown(getattr(outages, name), state.size))
    return outages


def _rule(compiled: Compiled) -> Rule:
    rules = compiled.rules_of(KIND)
    return rules[0] if rules else Rule(id=KIND, kind=KIND, enabled=False)


class Watch:
    """Works on the state's outages for the time of one batch; says into `reports`."""

    def __init__(self, outages: Outages, compiled: Compiled, reports: list[Report]) -> None:
        self._outages = outages
        self._compiled = compiled
        self._places: Places = compiled.table(make_places)
        self._plans: Plans = compiled.table(make_plans)
        self._rule = _rule(compiled)
        self._reports = reports
        self._terms = terms_of(self._rule)
        self._changed: set[int] = set()
        """Marks of outages whose devices are others than at the last look."""

    def go_through(self, heard: list[Report], until_us: int) -> None:
        """Take these reports of silence, in order of time, and do what is due up to this moment."""
        at = 0
        while True:
            now_us = min(heard[at].at_us if at < len(heard) else FOR_EVER_US, due_us(self._outages, self._compiled))
            if now_us > until_us:
                return
            first = at
            while at < len(heard) and heard[at].at_us == now_us:
                at += 1
            self._at(now_us, heard[first:at])

    def lose(self, no: int) -> bool:
        """A device is heard again, or is no longer listened for. True where its silence was an alarm of its own."""
        outages = self._outages
        was = int(outages.phase[no])
        outages.phase[no] = HEARD
        if was == JOINED:
            self._changed.add(int(outages.mark[no]))
        return was in (SINGLE, HEARD)

    def leave_alone(self, no: int, now_us: int) -> None:
        """Nobody joined this silence: it is reported for itself."""
        self._outages.phase[no] = SINGLE
        self._reports.append(silence.report(self._compiled, self._quiet(no, now_us), True))

    def dissolve(self, mark: int, now_us: int, phase: int, into: str = "") -> None:
        """End an outage. Its devices become WAITING or SINGLE; part of another outage they are already."""
        outages = self._outages
        self._tell(outages.standing[outages.standing["mark"] == mark][0], now_us, False, into)
        outages.standing = outages.standing[outages.standing["mark"] != mark]
        for no in self._members(mark).tolist():
            if phase == WAITING:
                outages.quiet_us[no] += now_us - outages.noticed_us[no]
                outages.phase[no], outages.noticed_us[no] = WAITING, now_us
            else:
                self.leave_alone(no, now_us)

    def _at(self, now_us: int, heard: list[Report]) -> None:
        """One tick: who is back, who fell silent, who waited long enough, and what becomes of the outages."""
        outages = self._outages
        joined: dict[int, int] = {}
        for report in heard:
            if not report.active:
                if outages.phase[report.device] == WAITING:
                    self._gather(report.device, now_us)
                if self.lose(report.device):
                    self._reports.append(report)
            elif self._notice(report, now_us):
                joined.setdefault(int(outages.mark[report.device]), report.device)
        waiting = np.flatnonzero(outages.phase == WAITING)
        expired = waiting[outages.noticed_us[waiting] + self._terms.hold_us <= now_us].tolist()
        # Who joined an outage may make it part of a broader one: one device of each is asked.
        first = set(joined.values())
        for no in sorted({*first, *expired}):
            if no in first or outages.phase[no] == WAITING:
                self._gather(no, now_us)
        self.keep(now_us)

    def _notice(self, report: Report, now_us: int) -> bool:
        """A device fell silent. True where it joins an outage that stands in one of its places, the broadest."""
        outages, no = self._outages, report.device
        quiet_us = round(report.because.measured * SECOND_US)
        outages.phase[no], outages.noticed_us[no], outages.quiet_us[no] = WAITING, now_us, quiet_us
        outages.event_us[no] = int(report.because.inputs["last_event_us"] or 0)
        if self._plans.work_at(no, now_us) is not None:
            return False
        standing = set(outages.standing["mark"].tolist())
        for place in self._places.of[no, ::-1].tolist() if standing else ():
            mark = self._places.places[place].mark if place >= 0 else -1
            if mark in standing:
                outages.phase[no], outages.mark[no] = JOINED, mark
                self._changed.add(mark)
                return True
        return False

    def _gather(self, no: int, now_us: int) -> None:
        """Find the broadest place of a silent device in which enough are silent with it; else it is alone."""
        outages, of = self._outages, self._places.of
        if outages.phase[no] not in (WAITING, JOINED):
            return
        silent = np.flatnonzero(outages.phase[: of.shape[0]] != HEARD)
        free = [self._plans.work_at(other, now_us) is None for other in silent.tolist()] if self._plans.works else True
        near = silent[self._near(no, silent) & free]
        for level in range(len(LEVELS) - 1, -1, -1) if no in near else ():
            place = int(of[no, level])
            if place < 0:
                continue
            if outages.phase[no] == JOINED and outages.mark[no] == self._places.places[place].mark:
                return
            together = near[of[near, level] == place]
            if together.size >= self._terms.needed(level, int(self._places.sizes[place])):
                self._form(place, level, together, now_us)
                return
        if outages.phase[no] == WAITING:
            self.leave_alone(no, now_us)

    def _near(self, no: int, others: Int64s) -> npt.NDArray[np.bool_]:
        """Which of these silent devices may have died together with this one."""
        outages, cadence_us = self._outages, self._places.cadence_us
        mine_us = int(outages.noticed_us[no] - outages.quiet_us[no])
        theirs_us = outages.noticed_us[others] - outages.quiet_us[others]
        near: npt.NDArray[np.bool_] = (theirs_us <= mine_us + int(cadence_us[no]) + self._terms.within_us) & (
            mine_us <= theirs_us + cadence_us[others] + self._terms.within_us
        )
        return near

    def _form(self, place: int, level: int, together: Int64s, now_us: int) -> None:
        """An outage begins in this place; it takes in what stood inside it, alone or as outages of narrower places."""
        outages, named = self._outages, self._places.places[place]
        inside = np.flatnonzero((outages.phase == JOINED)[: self._places.of.shape[0]])
        inside = inside[self._places.of[inside, level] == place]
        members = np.union1d(together, inside)
        for no in members[outages.phase[members] == SINGLE].tolist():
            over = silence.report(self._compiled, self._quiet(no, now_us), False)
            self._reports.append(replace(over, because=part_of(over.because, named.id)))
        swallowed = sorted(set(outages.mark[inside].tolist()))
        outages.phase[members], outages.mark[members] = JOINED, named.mark
        began_us = np.minimum(outages.event_us[members], outages.noticed_us[members])
        never = outages.noticed_us[members] - outages.quiet_us[members]
        onset_us = int(np.where(began_us > 0, began_us, never).min())
        row = np.array([(named.mark, onset_us, members.size, FOR_EVER_US, FOR_EVER_US)], STANDING)
        outages.standing = np.concatenate((outages.standing, row))
        for mark in swallowed:
            self.dissolve(mark, now_us, SINGLE, named.id)
        self._tell(row[0], now_us, True)

    def keep(self, now_us: int) -> None:
        """Tell of each outage what changed, and end it where nobody or for too long too few are left."""
        outages = self._outages
        for mark in sorted(outages.standing["mark"].tolist()):
            row = outages.standing[outages.standing["mark"] == mark][0]
            count = self._members(mark).size
            few_us = min(int(row["few_us"]), now_us + self._terms.hold_us) if count < self._terms.least else FOR_EVER_US
            tell_us = int(row["tell_us"])
            if mark in self._changed:
                tell_us = min(tell_us, (now_us // UPDATE_US + 1) * UPDATE_US)
            if count == 0 or few_us <= now_us:
                self.dissolve(mark, now_us, SINGLE)
                continue
            if tell_us <= now_us:
                self._tell(row, now_us, True)
                tell_us = FOR_EVER_US
            at = outages.standing["mark"] == mark
            values = {"few_us": few_us, "tell_us": tell_us, "most": max(int(row["most"]), count)}
            for name, value in values.items():
                outages.standing[name][at] = value
        self._changed.clear()

    def _members(self, mark: int) -> Int64s:
        outages = self._outages
        joined = np.flatnonzero(outages.phase == JOINED)
        members: Int64s = joined[outages.mark[joined] == mark]
        return members

    def _quiet(self, no: int, now_us: int) -> Quiet:
        outages = self._outages
        quiet_us = int(outages.quiet_us[no]) + now_us - int(outages.noticed_us[no])
        return Quiet(no, now_us, quiet_us, int(outages.event_us[no]))

    def _tell(self, row: Columns, now_us: int, active: bool, into: str = "") -> None:
        mark = int(row["mark"])
        place = self._places.by_mark[mark]
        named, size = self._places.places[place], int(self._places.sizes[place])
        silent = [self._compiled.devices[no] for no in self._members(mark).tolist() if no in self._compiled.devices]
        because = because_of(named, size, self._terms.needed(named.level, size), silent, row, self._rule.law)
        self._reports.append(
            Report(
                kind=KIND,
                rule=self._rule,
                key=(mark,),
                subject=named.id,
                device=-1,
                zone=named.zone,
                active=active,
                at_us=now_us,
                since_us=int(row["onset_us"]),
                because=part_of(because, into) if into else because,
            )
        )
