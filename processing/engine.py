"""`step(state, batch, library) -> (state, outputs)`: the whole engine. Nothing else computes a finding.

Live, in recovery, in replay and in a backtest, findings are a function of the log alone: of its records in order of
arrival and of the ticks between them. Rules on a single record judge it on arrival; whatever depends on time or order
is looked at on ticks. So how the stream is cut into batches, restarts and snapshots change nothing.

Stages fold a batch one after the other, each through the whole of it: what a stage reads of another is what that one
has said, with its tick, never its memory.
"""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from contracts.city import City
from contracts.columns import MARK, Batch, Columns
from contracts.findings import Outputs
from processing import admission, merging, windows
from processing.alarms import stage as alarms
from processing.cases import front_only, health, trust
from processing.cases.passing import passing
from processing.compiled import Compiled, compile_city
from processing.detectors import anomaly, frozen, house, outage, refused, silence
from processing.environment import stage as environment
from processing.kernels import identity
from processing.order import stage as ordered
from processing.rules import illegal_stopping, no_helmet, overloaded, speeding, wrong_way
from processing.said import Said
from processing.state import State
from processing.timeline import arrive
from processing.traffic import flow
from processing.traffic import watch as traffic_watch

RULES: Final = (speeding.judge, wrong_way.judge, no_helmet.judge, overloaded.judge, illegal_stopping.judge)
"""Rules on single passages, in order."""
Stage = Callable[[State, Compiled, Batch, Said], None]
"""Folds a whole batch by itself, with what the stages before it said."""
Entering = Callable[[State, "Compiled | None", Compiled, int, Said], None]
"""What a stage does when a city version comes into force: (state, version before, version, now_us, said)."""


class Library(Protocol):
    """What the log refers to by number: versions of the city, and states that other shards have reached."""

    def city(self, version: int) -> City:
        """The city of a version, with its devices numbered."""
        ...

    def past(self, shard: int, n: int) -> State:
        """The state of another shard after its batch n."""
        ...


KEPT_VERSIONS: Final = 8
"""Versions of cities that stay laid out: the one in force, the one before it, and those of what is folded beside it. A
city makes a new one of each device that comes or goes, and one of Phuket takes some megabytes."""
_compiled: dict[tuple[str, int], tuple[City, Compiled]] = {}


def step(state: State, batch: Batch, library: Library) -> tuple[State, Outputs]:
    """Fold one batch. The state is changed in place and handed back: use only what comes back.

    Raises:
        KeyError: the batch names a city version that the library does not have.
    """
    said = Said()
    moments = state.moments
    for gap in sorted(batch.gaps, key=lambda gap: gap.from_us):
        silence.excuse(state, gap.from_us, gap.to_us)
    if batch.config is not None:
        _put_in_force(state, library, batch.config, batch.since_us, said)
    compiled = _of_version(library, moments.config)
    if batch.past is not None:
        _inherit(state, library.past(*batch.past), compiled, batch.since_us, said)
    said.reports += house.hear(state, batch.notices, batch.now_us)
    moved = _recall(state, batch)
    said.arrivals = arrive(batch, state.size)
    for stage in STAGES:
        stage(state, compiled, batch, said)
    moments.n, moments.now_us = batch.n, batch.now_us
    return state, Outputs(
        windows=said.all_windows(),
        violations=tuple(said.violations),
        alarms=tuple(said.alarms),
        marks=marks_of(state, moved),
        late=said.all_late(),
    )


def _of_version(library: Library, version: int) -> Compiled:
    city = library.city(version)
    held = _compiled.get((city.id, version))
    if held is None or held[0] is not city:
        held = _compiled[(city.id, version)] = (city, compile_city(city))
        for oldest in list(_compiled)[:-KEPT_VERSIONS]:
            _compiled.pop(oldest, None)
    return held[1]


def _put_in_force(state: State, library: Library, version: int, now_us: int, said: Said) -> None:
    """From now on this version holds: make room for its devices, and end what nothing in it asks for."""
    moments = state.moments
    before = _of_version(library, moments.config) if moments.config >= 0 else None
    compiled = _of_version(library, version)
    moments.config = version
    state.grow(compiled.size)
    _enter(state, before, compiled, now_us)
    for entering in ENTERING:
        entering(state, before, compiled, now_us, said)


def _inherit(state: State, donor: State, compiled: Compiled, now_us: int, said: Said) -> None:
    """Take over a made past: what figures and the trust in devices rest on, and the alarms that stand on them."""
    environment.inherit(state, donor, compiled)
    environment.enter(state, compiled, compiled, now_us, said)
    alarms.inherit(state, donor, compiled, now_us, environment.RULE_KINDS, said)
    health.inherit(state, donor)
    anomaly.inherit(state, donor)
    frozen.inherit(state, donor)
    flow.inherit(state, donor, now_us)


def _enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int) -> None:
    """Devices that the version before did not know are known from now on, also one that comes back after years."""
    new = compiled.known.copy()
    if before is not None:
        both = min(before.size, compiled.size)
        new[:both] &= ~before.known[:both]
    clocks, places = state.clocks, np.flatnonzero(new)
    clocks.since_us[places] = now_us
    clocks.excused_us[places] = max(0, state.moments.listening_us - now_us)


def _recall(state: State, batch: Batch) -> Columns:
    """Remember what the batch settles, accepted and rejected; the devices whose mark moved."""
    moved = admission.recall(state, batch)
    for rejects in batch.rejects:
        if rejects.device >= 0 and rejects.boot:
            numbers = np.array(rejects.boot, np.int64), np.array(rejects.seq, np.int64)
            moved = np.union1d(moved, admission.settle(state, rejects.device, *numbers))
    return moved


def marks_of(state: State, devices: Columns) -> Columns:
    """The marks of these devices, by their number; one that does not number its messages has none."""
    marks = np.zeros(devices.size, MARK)
    base = devices.astype(np.int64) * identity.STRIDE
    marks["device"] = devices
    marks["boot"] = state.clocks.memory[base + identity.BOOT]
    marks["seq"] = state.clocks.memory[base + identity.MARK]
    numbered: Columns = marks[marks["boot"] > 0]
    return numbered


def _judge(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Rules on single passages, on arrival."""
    if not batch.passages.size:
        return
    seen = said.passing = passing(compiled, batch.passages)
    for judge in RULES:
        said.cases += judge(compiled, seen)


STAGES: Final[tuple[Stage, ...]] = (
    silence.fold,
    outage.fold,
    refused.fold,
    _judge,
    ordered.fold,
    windows.fold,
    merging.fold,
    environment.fold,
    flow.fold,
    anomaly.fold,
    frozen.fold,
    front_only.fold,
    trust.fold,
    alarms.fold,
)
"""In order: later ones read what earlier ones said. Rules say cases; the trust gate after them makes violations."""
ENTERING: Final[tuple[Entering, ...]] = (
    silence.enter,
    outage.enter,
    environment.enter,
    traffic_watch.enter,
    anomaly.enter,
    frozen.enter,
)
