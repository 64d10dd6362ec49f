"""A device gone silent: unheard for longer than its own entry allows, by the engine's ticks.

Time in which we did not listen is not counted, and after a gap devices get a moment to come back, so that a restart
raises no alarm. The condition returns to normal at the first tick after the device is heard again.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.clock import SECOND_US
from contracts.columns import Batch
from contracts.findings import Because
from processing.alarms.stage import Report
from processing.compiled import FOR_EVER_US, Compiled
from processing.kernels.silence import EVENT, listen
from processing.said import Said
from processing.state import Int64s, State

KIND: Final = "silence"
SETTLE_US: Final = 30 * SECOND_US
"""After a gap: devices reconnect with jittered back-off within this time."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A device that is quiet, or was: at this tick, for so long (gaps not counted), since this event of its own."""

    device: int
    at_us: int
    quiet_us: int
    event_us: int


def excuse(state: State, from_us: int, to_us: int) -> None:
    """Do not count a gap as silence of anybody, and count what lies in two gaps (asleep and disconnected) once.

    Only the end of the latest gap is remembered: a gap told after a later one has what lies before that end uncounted,
    so a device is noticed early rather than not at all.
    """
    clocks, moments = state.clocks, state.moments
    last = np.maximum(clocks.heard_us, clocks.since_us)
    clocks.excused_us += np.maximum(0, to_us - np.maximum(max(from_us, moments.listening_us), last))
    moments.listening_us = max(moments.listening_us, to_us)


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """End the alarms of devices that are taken away, or all where the rule is; they keep the names they stood under."""
    quiet_us = _quiet_us(state, now_us)
    left = state.silence.active & (_limits(state, compiled) == FOR_EVER_US)
    for no in np.flatnonzero(left).tolist():
        state.silence.active[no] = False
        event_us = int(state.silence.event_us[no])
        said.reports.append(report(before or compiled, Quiet(no, now_us, int(quiet_us[no]), event_us), False))


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Hear the batch's records, and say the silences that begin or end at its ticks."""
    arrivals, clocks, silence, moments = said.arrivals, state.clocks, state.silence, state.moments
    active = silence.active.astype(np.int64)
    out = np.empty(EVENT * 2 * (arrivals.device.size + state.size) + 1, np.int64)
    times = (batch.since_us, batch.now_us, moments.listening_us, moments.listening_us + SETTLE_US)
    listen(
        (clocks.heard_us, clocks.newest_us, clocks.since_us, clocks.excused_us),
        (arrivals.order, arrivals.first, arrivals.received_us, arrivals.event_us),
        (_limits(state, compiled), active, silence.onset_us.copy(), active),
        np.array(times, np.int64),
        out,
    )
    events = out[: int(out[-1]) * EVENT].reshape(-1, EVENT)
    for no, tick_us, begins, quiet_us, newest_us in events[np.lexsort((events[:, 0], events[:, 1]))].tolist():
        silence.active[no] = begins
        if begins:
            silence.onset_us[no], silence.event_us[no] = tick_us, newest_us
        quiet = Quiet(no, tick_us, quiet_us, int(silence.event_us[no]))
        said.reports.append(report(compiled, quiet, bool(begins)))


def _quiet_us(state: State, tick_us: int) -> Int64s:
    clocks = state.clocks
    return tick_us - np.maximum(clocks.heard_us, clocks.since_us) - clocks.excused_us


def _limits(state: State, compiled: Compiled) -> Int64s:
    """By device place: silent after, us; for ever where the city in force does not know it, or has no such rule."""
    limit = np.full(state.size, FOR_EVER_US, np.int64)
    if not compiled.rules_of(KIND):
        return limit
    limit[: compiled.size] = np.where(compiled.known, compiled.silent_after_us, FOR_EVER_US)
    return limit


def began_us(quiet: Quiet) -> int:
    """When a silence began: with the device's last event; where it never said one, when it was first listened for."""
    return min(quiet.event_us, quiet.at_us) or quiet.at_us - quiet.quiet_us


def report(compiled: Compiled, quiet: Quiet, active: bool) -> Report:
    """What is said of a silence. It began with the last event before it, by the device's own time: so its id is the
    same however long that message was under way."""
    rule = compiled.rules_of(KIND)[0]
    device = compiled.devices.get(quiet.device)
    allowed_s = device.silent_after_s if device else 0.0
    quiet_s = quiet.quiet_us / SECOND_US
    return Report(
        kind=KIND,
        rule=rule,
        key=(quiet.device,),
        subject=device.id if device else str(quiet.device),
        device=quiet.device,
        zone=device.zone if device else "",
        active=active,
        at_us=quiet.at_us,
        since_us=began_us(quiet),
        because=Because(
            measured=quiet_s,
            limit=allowed_s,
            threshold=allowed_s,
            margin=quiet_s - allowed_s,
            unit="s",
            needed=f"a message within {allowed_s:g} s",
            inputs={"last_event_us": quiet.event_us, "cadence_s": device.cadence_s if device else None},
        ),
    )
