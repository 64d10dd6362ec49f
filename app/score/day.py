"""A day of a city made in memory, folded by the engine as it would have been live, with its truth.

The columns are those that `ingest` makes of the devices' messages (a test holds the two together); plates go through
the consensus of `ingest`. Before the day comes a time of warming up in which nothing is planted and every device but
the plate readers speaks, so that detectors know what is usual.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from app.score.findings import Findings, alarms_of, cases_of
from app.score.sealer import Plates
from contracts.city import City, check
from contracts.clock import HOUR_US
from contracts.columns import Batch
from contracts.errors import ConfigError
from contracts.findings import Alarm, Violation
from processing.engine import step
from processing.state import State
from simulators.delivery import NO_ERRORS, Errors, spoil
from simulators.faults import Faults
from simulators.past import Block, PastPlan, past
from simulators.truth import fault_line, offence_lines
from simulators.world import World

VERSION: Final = 1
COUNTS_S: Final = 60
HEALTH_S: Final = 300
"""As live: counts every minute, health every five."""
AFTER_US: Final = HOUR_US
"""The city goes on for so long after the scored time, so that what was planted late can still be found."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which day: [from_us, to_us) is planted and scored, `warm_us` before it are only listened to."""

    seed: int
    from_us: int
    to_us: int
    warm_us: int
    world: World
    errors: Errors = NO_ERRORS


@dataclass(slots=True)
class Day:
    """What a day was and what was found. `truth`: lines as `simulators.truth` writes them."""

    truth: list[dict[str, Any]] = field(default_factory=list)
    found: Findings = field(default_factory=Findings)
    records: int = 0
    fold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The library of one city version."""

    held: City

    def city(self, version: int) -> City:
        return self.held

    def past(self, shard: int, n: int) -> State:
        raise ConfigError("past", (shard, n), "a scored day has none")


def live_through(city: City, wanted: Wanted, progress: Callable[[float], None] = lambda _share: None) -> Day:
    """Simulate a day, fold it, and say what was planted and what was found.

    Raises:
        ConfigError: the city is not numbered, or cannot be folded.
    """
    world = replace(wanted.world, faults=replace(wanted.world.faults, from_us=wanted.from_us, to_us=wanted.to_us))
    planned = Faults(city, wanted.seed, world.faults).maintenance(wanted.from_us, wanted.to_us)
    city = msgspec.structs.replace(city, maintenance=(*city.maintenance, *planned))
    check(city)
    names = {device.no: device.id for device in city.devices}
    shelf, state, plates, day = _Shelf(city), State(), Plates(), Day()
    violations: list[Violation] = []
    alarms: list[Alarm] = []
    begin_us = wanted.from_us - wanted.warm_us
    since_us, end_us = begin_us, wanted.to_us + AFTER_US
    for n, block in enumerate(spoil(_told(city, wanted, world, end_us), wanted.errors, wanted.seed), start=1):
        day.records += block.records
        planted = block.truth[(block.truth["event_us"] >= wanted.from_us) & (block.truth["event_us"] < wanted.to_us)]
        day.truth += offence_lines(planted, names)
        day.truth += [fault_line(one) for one in block.faults]
        batch = Batch(
            n=n,
            since_us=since_us,
            now_us=block.now_us,
            readings=block.readings,
            passages=plates.put(block.passages, block.plates),
            signals=block.signals,
            statuses=block.statuses,
            config=VERSION if n == 1 else None,
        )
        began_s = time.process_time()
        state, outputs = step(state, batch, shelf)
        day.fold_s += time.process_time() - began_s
        violations += outputs.violations
        alarms += outputs.alarms
        since_us = block.now_us
        progress(min((block.now_us - begin_us) / (end_us - begin_us), 1.0))
    cases = (case for case in cases_of(city, violations) if wanted.from_us <= case.occurred_us < wanted.to_us)
    raised = (one for one in alarms_of(city, alarms) if one.to_us < 0 or one.to_us >= wanted.from_us)
    day.found = Findings(tuple(cases), tuple(one for one in raised if one.from_us < wanted.to_us))
    return day


def _told(city: City, wanted: Wanted, world: World, end_us: int) -> Iterator[Block]:
    plan = PastPlan(counts_s=COUNTS_S, readings_s=0, health_s=HEALTH_S, passages_us=end_us - wanted.from_us)
    return past(city, wanted.seed, wanted.from_us - wanted.warm_us, end_us, plan, world)
