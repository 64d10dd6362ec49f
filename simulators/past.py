"""A past for a city that has just been switched on: what its devices would have said, as columns, without MQTT.

The same vehicles and the same weather as live, only told less often, so that eight days stay affordable: counts every
quarter of an hour and readings every five minutes, passages and signals for the last day alone. Phuket's 244 devices
make about 3.9 million readings in eight days so; `PastPlan` changes it.

Blocks lie on an absolute grid and come in the order of receipt. Where a run begins decides the numbers of messages
only, never what happened.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from contracts.city import City
from contracts.clock import DAY_US, HOUR_US, SECOND_US
from contracts.columns import READING, SIGNAL, Columns
from contracts.errors import ConfigError
from simulators.chance import Draw, Ints, uniform
from simulators.counts import count, lane_table
from simulators.faults import Faults, Planted
from simulators.health import statuses
from simulators.journeys import BLOCK_US
from simulators.lanes import counted_rows, make_template
from simulators.numbering import Told, number
from simulators.offences import Offence
from simulators.passings import Passings
from simulators.plates import Read
from simulators.roads import Network
from simulators.sensors import Samples, Sensors
from simulators.sightings import Sightings, passage_rows, sight
from simulators.signals import changes
from simulators.stuck import stick
from simulators.traffic import Traffic
from simulators.troubles import Troubles
from simulators.truth import truth_rows
from simulators.world import ORDERLY, World

PAST_BOOT: Final = 1
"""The boot of every device in the past; live boots are milliseconds since 1970 and so later."""
DELAY_US: Final = (60_000, 420_000)
"""From the event to its receipt, microseconds: least, and what may come on top."""
PATIENCE: Final = 3
"""A device may miss this many of its intervals in the past before it counts as silent."""


@dataclass(frozen=True, slots=True)
class PastPlan:
    """How densely the past is told.

    `counts_s`: must divide the block of 900 s. `readings_s`: one interval for all stations (0: the city file's own).
    `health_s`: of statuses.
    `passages_us`: passages and signals are told from this long before the end on.
    """

    counts_s: int = 900
    readings_s: int = 300
    health_s: int = 3_600
    passages_us: int = DAY_US

    def __post_init__(self) -> None:
        if self.counts_s < 1 or BLOCK_US % (self.counts_s * SECOND_US):
            raise ConfigError("counts_s", self.counts_s, f"it must divide the block of {BLOCK_US // SECOND_US} s")
        if self.readings_s < 0 or self.health_s < 1 or self.passages_us < 0:
            raise ConfigError("past", self, "intervals and passages_us are not negative, health_s is 1 at least")


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What was received in one stretch of the past. `place` counts across all kinds from 0.

    `plates` is parallel to `passages`: what the reader read, or None; the caller normalises and seals it.
    `truth`: the planted offences among the passages (`simulators.truth.TRUTH`); `faults`: those that begin in the
    stretch. `now_us`: its end.
    """

    readings: Columns
    passages: Columns
    signals: Columns
    statuses: Columns
    plates: list[Read | None]
    truth: Columns
    now_us: int
    faults: tuple[Planted, ...] = ()

    @property
    def records(self) -> int:
        """How many records the block holds."""
        return len(self.readings) + len(self.passages) + len(self.signals) + len(self.statuses)


def city_of_the_past(city: City, plan: PastPlan | None = None) -> City:
    """The city as the past tells it: longer intervals, and patience to match, so that nobody seems silent."""
    plan = plan or PastPlan()
    devices = []
    for device in city.devices:
        interval_s = float(plan.counts_s if device.type == "camera" else plan.readings_s)
        devices.append(
            msgspec.structs.replace(
                device,
                series=tuple(msgspec.structs.replace(series, interval_s=interval_s) for series in device.series),
                cadence_s=max(interval_s, device.cadence_s),
                silent_after_s=max(PATIENCE * interval_s, device.silent_after_s),
            )
        )
    return msgspec.structs.replace(city, devices=tuple(devices))


def past(
    city: City, seed: int, from_us: int, to_us: int, plan: PastPlan | None = None, world: World = ORDERLY
) -> Iterator[Block]:
    """Blocks of [from_us, to_us) in order of receipt.

    Raises:
        ConfigError: a device has no number yet (`contracts.city.numbered` gives it one).
    """
    unnumbered = [device.id for device in city.devices if device.no < 1]
    if unnumbered:
        raise ConfigError("devices.no", unnumbered[0], "number the city first: a past is told by registry numbers")
    teller = _Teller(city, seed, from_us, to_us, plan or PastPlan(), world)
    for block in range(from_us // BLOCK_US, -(-to_us // BLOCK_US)):
        yield teller.tell(block)


class _Teller:
    """Tells block after block; keeps how far each device has counted."""

    def __init__(self, city: City, seed: int, from_us: int, to_us: int, plan: PastPlan, world: World) -> None:
        self._seed, self._plan, self._from_us, self._to_us, self._world = seed, plan, from_us, to_us, world
        self._traffic = Traffic(city, seed, world)
        self._stations = _Hourly(
            Sensors(city, seed, plan.readings_s, Faults(city, seed, world.faults), world.rain_share)
        )
        self._cameras = self._traffic.network(from_us // BLOCK_US).cameras
        self._lanes = lane_table(self._cameras)
        self._template = make_template(city, self._cameras, self._lanes)
        devices = (*self._cameras, *self._stations.sensors.stations)
        self._troubles = Troubles(city, seed, world, devices)
        self._device_no = np.array([device.no for device in devices], np.int64)
        self._index = np.full(max((device.no for device in city.devices), default=0) + 1, -1, np.int64)
        self._index[self._device_no] = np.arange(len(devices))
        self._is_camera = np.arange(len(devices)) < len(self._cameras)
        self._station_no = np.array([device.no for device in self._stations.sensors.stations], np.int64)
        self._next_seq = np.ones(max((device.no for device in city.devices), default=0) + 1, np.int64)

    def tell(self, block: int) -> Block:
        """One block, numbered and in order of receipt."""
        start_us, end_us = max(block * BLOCK_US, self._from_us), min((block + 1) * BLOCK_US, self._to_us)
        passed, net = self._traffic.crowd(block), self._traffic.network(block)
        seen_from_us = min(max(start_us, self._to_us - self._plan.passages_us), end_us)
        seen = self._seen(net, passed, seen_from_us, end_us)
        turned = changes(self._cameras, self._traffic.plans, seen_from_us, end_us)
        turned["event_us"] += self._troubles.clock_us(self._index[turned["device"]], turned["event_us"])
        health = statuses(
            self._device_no,
            self._is_camera,
            self._seed,
            start_us,
            end_us,
            self._from_us,
            self._plan.health_s,
            self._troubles,
        )
        counted = self._counted(net, passed, start_us, end_us)
        measured = self._measured(start_us, end_us)
        told = [
            self._spoken(counted),
            self._spoken(measured),
            Told.single(passage_rows(seen)),
            self._spoken(Told.single(self._received(_signal_rows(turned), end_us))),
            self._spoken(Told.single(self._received(health, end_us))),
        ]
        orders = number(told, self._next_seq, PAST_BOOT, self._seed)
        readings = np.concatenate([told[0].rows, told[1].rows])
        return Block(
            readings=readings[np.argsort(readings["place"], kind="stable")],
            passages=told[2].rows,
            signals=told[3].rows,
            statuses=told[4].rows,
            plates=[seen.plates[place] for place in orders[2].tolist()],
            truth=_truth(seen, orders[2], told[2].rows),
            now_us=end_us,
            faults=tuple(one for one in self._troubles.faults.between(start_us, end_us) if one.from_us >= start_us),
        )

    def _spoken(self, told: Told) -> Told:
        """What is left of what would be told: a silent device says nothing."""
        moments = told.rows["received_us"] if len(told.rows) else told.rows["event_us"]
        return told.keep(~self._troubles.silent(self._index[told.rows["device"]], moments))

    def _seen(self, net: Network, passed: Passings, from_us: int, end_us: int) -> Sightings:
        """The passages of [from_us, end_us), in the order of their receipt."""
        inside = passed.pick(np.flatnonzero((passed.event_us >= from_us) & (passed.event_us < end_us)))
        inside = inside.pick(~self._troubles.silent(net.camera[inside.row], inside.event_us))
        received_us = self._late(net.device_no[inside.row], inside.event_us, end_us)
        order = np.lexsort((net.device_no[inside.row], received_us))
        return sight(net, inside.pick(order), self._seed, received_us[order], self._world, self._troubles)

    def _counted(self, net: Network, passed: Passings, start_us: int, end_us: int) -> Told:
        """Interval counts, received when the interval is over. An interval that is cut is not told."""
        interval_us = self._plan.counts_s * SECOND_US
        first_us = -(-start_us // interval_us) * interval_us
        intervals = (end_us - first_us) // interval_us
        counts = count(net, self._lanes, passed, first_us, interval_us, max(int(intervals), 0))
        stick(counts, self._lanes, self._troubles, self._seed)
        return counted_rows(self._template, counts)

    def _measured(self, start_us: int, end_us: int) -> Told:
        """The stations' readings; those of one station and moment are one message."""
        samples = self._stations.between(start_us, end_us)
        rows = np.zeros(len(samples), READING)
        rows["device"], rows["event_us"] = self._station_no[samples.station], samples.event_us
        rows["metric"], rows["value"] = self._stations.sensors.codes[samples.series], samples.value
        new = (np.diff(samples.event_us, prepend=-1) != 0) | (np.diff(samples.station, prepend=-1) != 0)
        return Told(self._received(rows, end_us), np.cumsum(new) - 1)

    def _received(self, rows: Columns, end_us: int) -> Columns:
        """Fill the moment of receipt."""
        rows["received_us"] = self._late(rows["device"], rows["event_us"], end_us)
        return rows

    def _late(self, device_no: Ints, event_us: Ints, end_us: int) -> Ints:
        """A little after the event, but within the block: int64 (n,)."""
        delay = uniform(self._seed, Draw.DELAY, device_no, event_us)
        received: Ints = np.minimum(event_us + DELAY_US[0] + (delay * DELAY_US[1]).astype(np.int64), end_us)
        return received


class _Hourly:
    """Readings made an hour at a time: the weather costs the same for one station as for all."""

    def __init__(self, sensors: Sensors) -> None:
        self.sensors = sensors
        self._hour = -1
        self._kept: Samples | None = None

    def between(self, from_us: int, to_us: int) -> Samples:
        """Readings in [from_us, to_us), which lies within one hour of the grid."""
        hour = from_us // HOUR_US
        if self._kept is None or hour != self._hour:
            self._hour, self._kept = hour, self.sensors.between(hour * HOUR_US, (hour + 1) * HOUR_US)
        return self._kept.pick(slice(*np.searchsorted(self._kept.event_us, [from_us, to_us])))


def _signal_rows(turned: Columns) -> Columns:
    rows = np.zeros(len(turned), SIGNAL)
    for name in ("event_us", "device", "group", "phase"):
        rows[name] = turned[name]
    return rows


def _truth(seen: Sightings, order: Ints, passages: Columns) -> Columns:
    """The offences among numbered passages; `order` says which sighting each of them is."""
    places = np.flatnonzero(seen.offence[order] != int(Offence.NONE))
    rows = truth_rows(seen, order[places])
    for name in ("boot", "seq", "part"):
        rows[name] = passages[name][places]
    return rows
