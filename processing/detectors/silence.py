"""A device gone silent: unheard for longer than its own entry allows, by the engine's ticks.

Time in which we did not listen is not counted, and after a gap devices get a moment to come back, so that a restart
raises no alarm. The condition returns to normal at the first tick after the device is heard again.
"""

from typing import Final

import numpy as np

from contracts.clock import SECOND_US
from contracts.findings import Alarm, Because, Condition, finding_id
from processing.compiled import FOR_EVER_US, Compiled
from processing.state import Int64s, State

KIND: Final = "silence"
SETTLE_US: Final = 30 * SECOND_US
"""After a gap: devices reconnect with jittered back-off within this time."""


def excuse(state: State, from_us: int, to_us: int) -> None:
    """Do not count a gap as silence of anybody, and count what lies in two gaps (asleep and disconnected) once.

    Only the end of the latest gap is remembered: a gap told after a later one has what lies before that end uncounted,
    so a device is noticed early rather than not at all.
    """
    clocks, moments = state.clocks, state.moments
    last = np.maximum(clocks.heard_us, clocks.since_us)
    clocks.excused_us += np.maximum(0, to_us - np.maximum(max(from_us, moments.listening_us), last))
    moments.listening_us = max(moments.listening_us, to_us)


def retire(state: State, before: Compiled | None, compiled: Compiled, now_us: int) -> list[Alarm]:
    """End the alarms of devices that are taken away, or all where the rule is; they keep the names they stood under."""
    quiet_us = _quiet_us(state, now_us)
    left = state.silence.active & (_limits(state, compiled) == FOR_EVER_US)
    return [_end(state, before or compiled, int(no), now_us, quiet_us) for no in np.flatnonzero(left)]


def look(state: State, compiled: Compiled, tick_us: int) -> list[Alarm]:
    """The alarms that begin or end at this tick."""
    silence, clocks = state.silence, state.clocks
    quiet_us = _quiet_us(state, tick_us)
    limit_us = _limits(state, compiled)
    back = silence.active & (clocks.heard_us >= silence.onset_us)
    gone = ~silence.active & (limit_us < FOR_EVER_US) & (quiet_us >= limit_us)
    if tick_us < state.moments.listening_us + SETTLE_US:
        gone[:] = False
    alarms = [_end(state, compiled, int(no), tick_us, quiet_us) for no in np.flatnonzero(back)]
    for no in np.flatnonzero(gone):
        silence.active[no] = True
        silence.onset_us[no] = tick_us
        silence.event_us[no] = clocks.newest_us[no]
        silence.revision[no] = 1
        silence.episode[no] += 1
        alarms.append(_alarm(state, compiled, int(no), tick_us, quiet_us))
    return alarms


def due(state: State, compiled: Compiled, tick_us: int) -> int:
    """The next tick at which a device can become silent without a new record, us."""
    limit_us = _limits(state, compiled)
    waiting = (limit_us < FOR_EVER_US) & ~state.silence.active
    if not waiting.any():
        return FOR_EVER_US
    first = int((limit_us - _quiet_us(state, tick_us))[waiting].min())
    return max(tick_us + first, state.moments.listening_us + SETTLE_US)


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


def _end(state: State, compiled: Compiled, no: int, now_us: int, quiet_us: Int64s) -> Alarm:
    state.silence.active[no] = False
    state.silence.revision[no] += 1
    return _alarm(state, compiled, no, now_us, quiet_us)


def _alarm(state: State, compiled: Compiled, no: int, now_us: int, quiet_us: Int64s) -> Alarm:
    rule = compiled.rules_of(KIND)[0]
    device = compiled.devices.get(no)
    silence, city = state.silence, compiled.city
    name = device.id if device else str(no)
    allowed_s = device.silent_after_s if device else 0.0
    quiet_s = int(quiet_us[no]) / SECOND_US
    return Alarm(
        id=finding_id(city.id, KIND, no, int(state.clocks.since_us[no]), int(silence.episode[no])),
        revision=int(silence.revision[no]),
        kind=KIND,
        rule=rule.id,
        rule_version=rule.version,
        subject=name,
        device=no,
        zone=device.zone if device else "",
        priority=compiled.priority(KIND),
        condition=Condition.ACTIVE if silence.active[no] else Condition.NORMAL,
        onset_us=int(silence.onset_us[no]),
        changed_us=now_us,
        because=Because(
            measured=quiet_s,
            limit=allowed_s,
            threshold=allowed_s,
            margin=quiet_s - allowed_s,
            unit="s",
            needed=f"a message within {allowed_s:g} s",
            inputs={"last_event_us": int(silence.event_us[no]), "cadence_s": device.cadence_s if device else None},
        ),
    )
