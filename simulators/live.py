"""What each device says next, in order of time: the same traffic and weather as the past, as records for the wire.

A block of the city is made at a time, as arrays; a record is built only when it is due. The clock is the caller's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.city import City
from contracts.clock import SECOND_US
from contracts.columns import Columns
from contracts.errors import ConfigError
from contracts.records import Record, Signal, StatusEvent
from contracts.topics import Kind
from simulators import wording
from simulators.chance import Draw, Ints, uniform
from simulators.counts import count, lane_table
from simulators.faults import Faults, Planted
from simulators.journeys import BLOCK_US
from simulators.sensors import Samples, Sensors
from simulators.sightings import sight
from simulators.signals import changes
from simulators.stuck import stick
from simulators.traffic import Traffic
from simulators.troubles import Troubles
from simulators.truth import truth_rows
from simulators.world import ORDERLY, World

DELAY_US: Final = (40_000, 260_000)
"""From the event to the device's saying so: least, and what may come on top."""
COUNTS_SPREAD_US: Final = 3 * SECOND_US
"""Counts of a minute come within this after its end, camera by camera."""
HEALTH_US: Final = 300 * SECOND_US
"""Devices report their health every five minutes."""
DEFAULT_COUNTS_S: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Saying:
    """One message of `Live.devices[device]`, said at `due_us`; `truth`: `TRUTH` rows, where it is an offence."""

    due_us: int
    device: int
    kind: Kind
    records: list[Record]
    truth: Columns | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Agenda:
    """When things of one kind are due (int64 (n,)), and how to put the thing at a place into words."""

    due_us: Ints
    say: Callable[[int, int], Saying]


class Live:
    """The city as it speaks. Device numbers of the registry are not needed: 0 will do."""

    def __init__(self, city: City, seed: int, world: World = ORDERLY) -> None:
        self._seed, self._world = seed, world
        self._traffic = Traffic(city, seed, world)
        self._sensors = Sensors(city, seed, faults=Faults(city, seed, world.faults), rain_share=world.rain_share)
        self._cameras = self._traffic.network(0).cameras
        self.devices = (*self._cameras, *self._sensors.stations)
        self._troubles = Troubles(city, seed, world, self.devices)
        self._lanes = lane_table(self._cameras)
        self._lanes_of: dict[int, list[tuple[int, int]]] = {}
        for place, (camera, lane) in enumerate(zip(self._lanes.camera, self._lanes.lane, strict=True)):
            self._lanes_of.setdefault(int(camera), []).append((place, int(lane)))
        self._signalling = [n for n, d in enumerate(self._cameras) if Kind.SIGNAL in d.kinds and d.junction]
        shortest_s = min((s.interval_s for d in self._cameras for s in d.series), default=DEFAULT_COUNTS_S)
        self._counts_us = round(shortest_s * SECOND_US)
        if BLOCK_US % self._counts_us:
            raise ConfigError("series.interval_s", shortest_s, f"must divide the block of {BLOCK_US // SECOND_US} s")

    def birth(self, device: int, now_us: int) -> Saying:
        """What a device says whenever it has connected."""
        records = self._status(StatusEvent.BIRTH, device, now_us)
        return Saying(now_us, device, Kind.STATUS, records)

    def hello(self, now_us: int) -> list[Saying]:
        """What the devices say as soon as they are switched on: readings, the last full minute's counts, phases."""
        minute_us = now_us // self._counts_us * self._counts_us - self._counts_us
        sayings = self._say_all(self._counted(minute_us, 1), now_us)
        sayings += self._say_all(self._measured(self._sensors.at(now_us)), now_us)
        longest_us = int(self._traffic.plans.cycle_us.max(initial=SECOND_US))
        phases = self._say_all(self._turned(now_us - longest_us, now_us), now_us)
        latest = {(s.device, r.group): s for s in phases for r in s.records if isinstance(r, Signal)}
        return [*sayings, *latest.values()]

    def sayings(self, from_us: int) -> Iterator[Saying]:
        """Everything that is due from `from_us` on, in order of `due_us`, for ever."""
        carried: list[Saying] = []
        block = from_us // BLOCK_US
        while True:
            end_us = (block + 1) * BLOCK_US
            agendas = self._block(block)
            due = np.concatenate([agenda.due_us for agenda in agendas])
            source = np.repeat(np.arange(len(agendas)), [len(agenda.due_us) for agenda in agendas])
            place = np.concatenate([np.arange(len(agenda.due_us)) for agenda in agendas])
            order = np.argsort(due, kind="stable")
            order = order[due[order] >= from_us]
            silences = self._troubles.faults.between(block * BLOCK_US, end_us)
            later: list[Saying] = []
            for due_us, which, where in zip(
                due[order].tolist(), source[order].tolist(), place[order].tolist(), strict=True
            ):
                while carried and carried[0].due_us <= due_us:
                    yield carried.pop(0)
                saying = agendas[which].say(due_us, where)
                if silences and self._silent(saying):
                    continue
                if due_us >= end_us:
                    later.append(saying)
                else:
                    yield saying
            yield from carried
            carried, block = later, block + 1

    def faults(self, from_us: int, to_us: int) -> tuple[Planted, ...]:
        """The planted faults that begin in [from_us, to_us)."""
        return tuple(one for one in self._troubles.faults.between(from_us, to_us) if one.from_us >= from_us)

    def _silent(self, saying: Saying) -> bool:
        return bool(self._troubles.silent(np.array([saying.device]), np.array([saying.due_us]))[0])

    def _block(self, block: int) -> list[_Agenda]:
        start_us, end_us = block * BLOCK_US, (block + 1) * BLOCK_US
        return [
            self._seen(block),
            self._counted(start_us, BLOCK_US // self._counts_us),
            self._turned(start_us, end_us),
            self._measured(self._sensors.between(start_us, end_us)),
            self._healthy(start_us, end_us),
        ]

    def _seen(self, block: int) -> _Agenda:
        net, passed = self._traffic.network(block), self._traffic.block(block)
        passed = passed.pick(~self._troubles.silent(net.camera[passed.row], passed.event_us))
        delay = uniform(self._seed, Draw.DELAY, passed.row, passed.event_us)
        due_us = passed.event_us + DELAY_US[0] + (delay * DELAY_US[1]).astype(np.int64)
        seen = sight(net, passed, self._seed, due_us, self._world, self._troubles)

        def say(due_us: int, place: int) -> Saying:
            truth = truth_rows(seen, np.array([place])) if seen.offence[place] else None
            return Saying(due_us, int(seen.camera[place]), Kind.PASSAGE, [wording.passage(seen, place)], truth)

        return _Agenda(seen.received_us, say)

    def _counted(self, from_us: int, intervals: int) -> _Agenda:
        """Counts of so many intervals, which lie in one block."""
        block = from_us // BLOCK_US
        net, passed = self._traffic.network(block), self._traffic.crowd(block)
        counted = count(net, self._lanes, passed, from_us, self._counts_us, intervals)
        stick(counted, self._lanes, self._troubles, self._seed)
        cameras = sorted(self._lanes_of)
        spread = [wording.spread_us(self._seed, camera, COUNTS_SPREAD_US) for camera in cameras]
        ends_us = from_us + (np.arange(intervals, dtype=np.int64)[:, None] + 1) * self._counts_us
        due_us = (ends_us + np.array(spread, np.int64)[None, :]).ravel()

        def say(due_us: int, place: int) -> Saying:
            interval, which = divmod(place, len(cameras))
            camera = cameras[which]
            records = wording.counts(counted, interval, self._lanes_of[camera], self._cameras[camera])
            return Saying(due_us, camera, Kind.COUNTS, records)

        return _Agenda(due_us, say)

    def _turned(self, from_us: int, to_us: int) -> _Agenda:
        turned = changes(self._cameras, self._traffic.plans, from_us, to_us)
        due_us = turned["event_us"] + DELAY_US[0]
        who = np.array(self._signalling, np.int64)[turned["device_index"]]
        turned["event_us"] += self._troubles.clock_us(who, turned["event_us"])

        def say(due_us: int, place: int) -> Saying:
            row = turned[place]
            records = wording.signal(int(row["event_us"]), int(row["group"]), int(row["phase"]))
            return Saying(due_us, self._signalling[int(row["device_index"])], Kind.SIGNAL, records)

        return _Agenda(due_us, say)

    def _measured(self, samples: Samples) -> _Agenda:
        """Readings, those of one station and moment as one message."""
        new = (np.diff(samples.event_us, prepend=-1) != 0) | (np.diff(samples.station, prepend=-1) != 0)
        starts = np.flatnonzero(new)
        ends = np.append(starts[1:], len(samples))

        def say(due_us: int, place: int) -> Saying:
            chosen = slice(int(starts[place]), int(ends[place]))
            metrics = [self._sensors.metrics[number] for number in samples.series[chosen]]
            records = wording.readings(int(samples.event_us[starts[place]]), metrics, samples.value[chosen].tolist())
            return Saying(due_us, len(self._cameras) + int(samples.station[starts[place]]), Kind.READINGS, records)

        return _Agenda(samples.event_us[starts] + DELAY_US[0], say)

    def _healthy(self, from_us: int, to_us: int) -> _Agenda:
        turning = self._troubles.turning_points(from_us, to_us)
        times = np.arange(from_us, to_us, HEALTH_US, dtype=np.int64)
        spread = [wording.spread_us(self._seed, number, HEALTH_US) for number in range(len(self.devices))]
        regular = (times[:, None] + np.array(spread, np.int64)[None, :]).ravel()
        due = np.concatenate([regular, np.array([moment for moment, _device in turning], np.int64)])

        def say(due_us: int, place: int) -> Saying:
            extra = place - len(regular)
            device = turning[extra][1] if extra >= 0 else place % len(self.devices)
            records = self._status(StatusEvent.HEALTH, device, due_us)
            return Saying(due_us, device, Kind.STATUS, records)

        return _Agenda(due, say)

    def _status(self, event: StatusEvent, device: int, now_us: int) -> list[Record]:
        return wording.status(event, self.devices[device], device, self._seed, now_us, self._troubles)

    @staticmethod
    def _say_all(agenda: _Agenda, due_us: int) -> list[Saying]:
        return [agenda.say(due_us, place) for place in range(len(agenda.due_us))]
