"""What devices say that the city does not know: enough for a person to decide whether to adopt them.

Their messages are rejected in any case; here they are only looked at. That is bounded by batch and by time, so that a
flood of invented names costs no more than a few names a second, and of what a stranger says only kinds, metrics of the
city and a position are taken: never words of its own, which might be a plate.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from contracts import wire
from contracts.clock import SECOND_US, to_us
from contracts.delivery import Rejection
from contracts.errors import MessageRejected
from contracts.onboarding import SERIES_MAX, SaidSeries, Stranger
from contracts.records import Counts, Reading
from contracts.topics import Kind, Topic, parse

NAMES_BURST: Final = 64
"""Names looked at at once: a building site where everything is switched on."""
NAMES_S: Final = 16.0
"""And for ever: each is a row in the database, 0.2 ms of a commit."""
READ_MAX: Final = 4
"""Messages of a name that are read in a batch; the others are counted. It says much the same again."""
CUTS_MAX: Final = 8
"""Places at which a message that was kept in part is tried to be cut off behind a whole record."""


class _Position(msgspec.Struct, frozen=True):
    lon: float | None = None
    lat: float | None = None


class _Positions(msgspec.Struct, frozen=True):
    records: list[_Position] = []


_positions: Final = msgspec.json.Decoder(_Positions)


@dataclass(slots=True)
class _Said:
    """One name within a batch."""

    topic: Topic
    first_us: int
    last_us: int
    count: int = 0
    kinds: set[str] = field(default_factory=set)
    series: dict[tuple[str, int], SaidSeries] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    place: tuple[float, float] | None = None


class Newcomers:
    """The strangers of a shard. `units`: the city's metrics by key, each with its unit."""

    def __init__(self) -> None:
        self._left, self._since_us = float(NAMES_BURST), 0

    def among(self, rejections: Iterable[Rejection], units: Mapping[str, str]) -> tuple[Stranger, ...]:
        """Who was unknown among the rejections of a batch, in order of appearance."""
        said: dict[str, _Said] = {}
        for rejection in rejections:
            if rejection.reason != "unknown_device":
                continue
            device = rejection.topic.split("/", 5)[4:5]  # parsing is what costs most, and most of a flood is left out
            found = said.get(device[0]) if device else None
            if found is None and not self._allowed(rejection.received_us):
                continue
            try:
                topic = parse(rejection.topic)
            except MessageRejected:
                continue
            if found is None:
                found = said[topic.device] = _Said(topic, rejection.received_us, rejection.received_us)
            _hear(found, topic, rejection, units)
        return tuple(_stranger(device, found) for device, found in said.items())

    def _allowed(self, now_us: int) -> bool:
        """One more name, if there is room for it by now."""
        passed_us = max(now_us - self._since_us, 0)
        self._left = min(NAMES_BURST, self._left + passed_us * NAMES_S / SECOND_US)
        self._since_us = max(now_us, self._since_us)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def _hear(found: _Said, topic: Topic, rejection: Rejection, units: Mapping[str, str]) -> None:
    found.topic = topic  # the zone that it names last is where it speaks
    found.last_us = max(found.last_us, rejection.received_us)
    found.count += rejection.count
    found.kinds.add(topic.kind)
    if found.count > READ_MAX:
        return
    payload = _whole(rejection.payload)
    if topic.kind is Kind.STATUS:
        found.place = _place(payload) or found.place
    for metric, lane, value, t_us, interval_s in _figures(topic.kind, payload, rejection.received_us):
        if metric not in units:
            found.unknown.add(metric)
            continue
        before = found.series.get((metric, lane))
        if before is None and len(found.series) >= SERIES_MAX:
            continue
        since_us, n = (before.first_us, before.n) if before else (t_us, 0)
        found.series[metric, lane] = SaidSeries(
            metric, lane, units[metric], value, t_us, min(since_us, t_us), n + 1, interval_s
        )


def _stranger(device: str, found: _Said) -> Stranger:
    lon, lat = found.place or (None, None)
    kinds, series = tuple(sorted(found.kinds)), tuple(found.series.values())
    unknown = len(found.unknown)
    return Stranger(
        device, found.topic.zone, found.first_us, found.last_us, found.count, kinds, series, unknown, lon, lat
    )


def _figures(kind: Kind, payload: bytes, received_us: int) -> Iterator[tuple[str, int, float, int, float | None]]:
    """metric, lane, value, time (us) and, where it says so, interval of what a message measured."""
    for record in wire.decode_each(kind, payload) if kind in (Kind.READINGS, Kind.COUNTS) else ():
        if isinstance(record, Reading):
            yield record.metric, record.lane, record.value, _moment_us(record, received_us), None
        elif isinstance(record, Counts):
            values = [(f"flow-{word.replace('_', '-')}", float(count)) for word, count in record.counts.items()]
            values += [("speed-mean", record.mean_speed_kmh)] if record.mean_speed_kmh is not None else []
            values += [("occupancy", record.occupancy)] if record.occupancy is not None else []
            for metric, value in values:
                yield metric, record.lane, value, _moment_us(record, received_us), record.interval_s


def _moment_us(record: Any, received_us: int) -> int:
    """When it was measured, by its own clock; one that is far off says nothing, and the database holds no year 1."""
    if record.t is None:
        return received_us
    t_us = to_us(record.t)
    return t_us if abs(t_us - received_us) < 86_400 * SECOND_US else received_us


def _place(payload: bytes) -> tuple[float, float] | None:
    """Where a device says it stands: `lon` and `lat` (degrees) of a status, the last that is on this earth."""
    try:
        records = _positions.decode(payload).records
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for record in reversed(records):
        if record.lon is not None and record.lat is not None and abs(record.lon) <= 180 and abs(record.lat) <= 90:
            return record.lon, record.lat
    return None


def _whole(payload: bytes) -> bytes:
    """A message as it came, or, where it was longer than what is kept, its first whole records as a message."""
    if payload.rstrip().endswith(b"}"):
        return payload
    end = len(payload)
    for _ in range(CUTS_MAX):
        end = payload.rfind(b"}", 0, end)
        if end < 0:
            break
        cut = payload[: end + 1] + b"]}"
        try:
            msgspec.json.decode(cut)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return cut
    return b"{}"
