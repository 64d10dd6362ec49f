"""The simulated city of any size as batches of ready-made arrays: nothing of its making is in what is measured.

The past of the city itself is made once, every vehicle and every sensor. A larger city is copies of its devices
(`simulators.scale`), and so is its stream: the same records under the copies' numbers, each copy a little later than
the one before and with plates of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from app.past import seal_plates
from contracts.city import City, numbered
from contracts.city_forms import parse_city
from contracts.clock import HOUR_US, SECOND_US
from contracts.columns import DTYPES, PLATE_HASH_BYTES, PLATE_SEALED_BYTES, Batch, Columns
from contracts.ports import SealedPlate
from simulators.past import PastPlan, past
from simulators.scale import CAMERA, name_of, scaled

PHUKET: Final = Path(__file__).resolve().parents[2] / "cities" / "phuket"
FROM_US: Final = 1_795_348_800 * SECOND_US
"""Sunday, 22 November 2026, 19:00 in Phuket."""
PLAN: Final = PastPlan(counts_s=60, readings_s=10, health_s=60)
"""As often as the devices of the city file say something."""
STEP_US: Final = 137_000
"""By so much a copy is later than the one before, up to a second: no two speak in one instant."""
DAY: Final = 20_779


class Hashing:
    """Gives every plate its own hash and seals nothing: what a seal costs is not the subject."""

    def seal(self, text: str, skeleton: str, event_us: int) -> SealedPlate:
        """The plate's hashes, under no key."""
        whole, part = (blake2b(each.encode(), digest_size=PLATE_HASH_BYTES).digest() for each in (text, skeleton))
        return SealedPlate(DAY, whole, bytes(PLATE_HASH_BYTES), part, bytes(PLATE_SEALED_BYTES))

    def digest(self, content: bytes, event_us: int) -> int:
        """Asked for by nobody here."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Shelf:
    """The library of `step`: one city."""

    held: City

    def city(self, version: int) -> City:
        """The city, whatever version is asked for."""
        return self.held


@dataclass(slots=True)
class Original:
    """The city as it is, and its stream by kind, in order of receipt; made longer where more is asked for."""

    city: City = field(default_factory=lambda: numbered(parse_city(_files())))
    rows: dict[str, Columns] = field(default_factory=dict)
    hours: int = 0

    @property
    def series(self) -> int:
        """How many series the devices have."""
        return sum(len(device.series) for device in self.city.devices)

    @property
    def told_by_stations(self) -> int:
        """How many of them are not cameras'."""
        return sum(len(device.series) for device in self.city.devices if device.type != CAMERA)

    def reach(self, hours: int) -> None:
        """Have at least so many hours of it."""
        if hours <= self.hours:
            return
        kept: dict[str, list[Columns]] = {kind: [] for kind in DTYPES}
        for block in past(self.city, 1, FROM_US, FROM_US + hours * HOUR_US, PLAN):
            passages = seal_plates(block.passages, block.plates, Hashing())
            for kind, rows in zip(DTYPES, (block.readings, passages, block.signals, block.statuses), strict=True):
                kept[kind].append(rows)
        self.rows = {kind: _by_receipt(np.concatenate(blocks)) for kind, blocks in kept.items()}
        self.hours = hours


class Stream:
    """The batches of a city of about `series` series, one after the other."""

    def __init__(self, original: Original, series: int, kinds: Sequence[str] = tuple(DTYPES)) -> None:
        self._original, self._kinds = original, kinds
        share = max(0.0, series - original.told_by_stations) / (original.series - original.told_by_stations)
        cameras = sum(device.type == CAMERA for device in original.city.devices)
        others = len(original.city.devices) - cameras
        # A small city keeps all its stations: the rules need what they measure.
        self.city = numbered(scaled(original.city, max(1, round(cameras * share)), max(others, round(others * share))))
        self.series = sum(len(device.series) for device in self.city.devices)
        self._number = _numbers(original.city, self.city)
        self._n, self._now_us = 0, FROM_US

    def batches(self, length_us: int) -> Iterator[Batch]:
        """Batches of this length of the engine's time, without an end; the first names the city's version."""
        while True:
            yield self._batch(self._now_us + length_us)

    def _batch(self, until_us: int) -> Batch:
        self._original.reach(-(-(until_us - FROM_US + SECOND_US) // HOUR_US))
        kinds = {kind: self._between(kind, self._now_us, until_us) for kind in DTYPES}
        received = np.concatenate([rows["received_us"] for rows in kinds.values()])
        place = np.empty(received.size, np.int32)
        place[np.argsort(received, kind="stable")] = np.arange(received.size)
        for rows in kinds.values():
            rows["place"], place = place[: rows.size], place[rows.size :]
        readings, passages, signals, statuses = kinds.values()
        self._n += 1
        since_us, self._now_us = self._now_us, until_us
        config = 1 if self._n == 1 else None
        return Batch(self._n, since_us, until_us, readings, passages, signals, statuses, config=config)

    def _between(self, kind: str, from_us: int, until_us: int) -> Columns:
        """Every copy's rows that are received in [from_us, until_us), in order of receipt."""
        if kind not in self._kinds:
            return np.empty(0, DTYPES[kind])
        source = self._original.rows[kind]
        received, parts = np.ascontiguousarray(source["received_us"]), []
        for copy, numbers in enumerate(self._number):
            later_us = copy * STEP_US % SECOND_US
            first, last = np.searchsorted(received, (from_us - later_us, until_us - later_us))
            rows = source[first:last]
            rows = rows[numbers[rows["device"]] > 0]
            rows["device"] = numbers[rows["device"]]
            for name in ("received_us", "event_us"):
                rows[name] += later_us
            if kind == "passage" and copy:
                _renamed(rows, copy)
            parts.append(rows)
        return _by_receipt(np.concatenate(parts))


def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(PHUKET.glob("*.toml"))}


def _by_receipt(rows: Columns) -> Columns:
    ordered: Columns = rows[np.argsort(rows["received_us"], kind="stable")]
    return ordered


def _numbers(original: City, larger: City) -> list[npt.NDArray[np.int32]]:
    """For each copy the number of each of the original's devices in the larger city, 0 where it has none."""
    number = {device.id: device.no for device in larger.devices}
    copies, size = -(-len(larger.devices) // len(original.devices)) + 1, len(original.devices) + 1
    table = np.zeros((copies + 1, size), np.int32)
    for device in original.devices:
        for copy in range(1, copies + 1):
            table[copy - 1, device.no] = number.get(name_of(device.id, copy), 0)
    return [row for row in table if row.any()]


def _renamed(passages: Columns, copy: int) -> None:
    """Another copy's vehicles are others: their plates' hashes are."""
    for name in ("plate_hash", "plate_skeleton"):
        words = np.ascontiguousarray(passages[name]).view(np.uint64).reshape(-1, 2)
        passages[name] = np.where(words == 0, words, words ^ np.uint64(copy)).view(passages.dtype[name])[:, 0]
