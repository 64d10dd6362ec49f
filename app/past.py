"""The made past: what the simulated devices would have said, folded through the same engine in its own time.

It is a shard of its own in the space `simulated`. When it is whole, the live pipeline takes its state over by an entry
in its own log. Told again from the beginning after a crash, it goes on behind the last batch that was committed: blocks
are the same every time.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.recovery import Shelf, restore
from contracts.city import City
from contracts.columns import Batch, Columns
from contracts.errors import ConfigError
from contracts.ports import PlateSealer
from contracts.records import PlateRead, VehicleClass
from ingest.plates import consensus
from processing.engine import step
from processing.state import STATE_VERSION, to_fields
from simulators.past import Block, PastPlan, city_of_the_past, past
from simulators.plates import Read
from simulators.truth import TruthFile
from simulators.world import ORDERLY, World
from storage.cities import Cities
from storage.log import Log
from storage.prepared import Shard
from storage.snapshots import Snapshots
from storage.vault import Vault
from storage.writer import Writer

LOG = logging.getLogger(__name__)
PLATE_COLUMNS: Final = (
    "plate_state", "plate_confidence", "plate_day", "plate_hash", "plate_hash_before", "plate_skeleton", "plate_sealed",
)  # fmt: skip
SNAPSHOT_BLOCKS: Final = 96
"""A snapshot a simulated day: a crash folds at most that much again."""


@dataclass(frozen=True, slots=True)
class Past:
    """Which past to make: its shard, seed, and from when to when (us)."""

    shard: int
    city: str
    seed: int
    from_us: int
    to_us: int
    plan: PastPlan
    world: World = ORDERLY


def make_past(dsn: str, vault: Vault, wanted: Past, truth: Path, progress: Callable[[float, str], None]) -> int:
    """Make it, or what is left of it; returns the number of records. `progress` may raise to cancel."""
    log, snapshots, cities = Log(dsn), Snapshots(dsn), Cities(dsn)
    shelf = Shelf(wanted.city, cities, log, snapshots, city_of_the_past)
    state = restore(wanted.shard, log, snapshots, shelf, progress=lambda n: progress(0.0, f"batch {n} read again"))
    version = state.moments.config if state.moments.n else _newest_version(cities, wanted.city)
    city = shelf.city(version)
    writer = Writer(dsn, Shard(wanted.shard, wanted.city, "simulated"), vault, city, announce=False)
    try:
        writer.open()
        records, since_us = 0, wanted.from_us
        names = {device.no: device.id for device in city.devices}
        with TruthFile(truth, names) as file:
            for n, block in enumerate(_told(city, wanted), start=1):
                records += block.records
                if n > state.moments.n:
                    batch = _batch(n, since_us, block, vault, version if n == 1 else None)
                    state, outputs = step(state, batch, shelf)
                    writer.commit(writer.prepare(batch, outputs))
                    file.write(block.truth)
                    file.write_faults(block.faults)
                    if n % SNAPSHOT_BLOCKS == 0:
                        snapshots.save(wanted.shard, n, STATE_VERSION, to_fields(state))
                since_us = block.now_us
                done = (block.now_us - wanted.from_us) / (wanted.to_us - wanted.from_us)
                progress(min(done, 1.0), f"{records:,} records of the past")
        snapshots.save(wanted.shard, state.moments.n, STATE_VERSION, to_fields(state))
        return records
    finally:
        for part in (writer, log, snapshots):
            part.close()


def _told(city: City, wanted: Past) -> Iterator[Block]:
    return past(city, wanted.seed, wanted.from_us, wanted.to_us, wanted.plan, wanted.world)


def _newest_version(cities: Cities, city: str) -> int:
    newest = cities.newest(city)
    if newest is None:
        raise ConfigError("city", city, "was never imported; run `andaman city import`", "database")
    return newest.version


def _batch(n: int, since_us: int, block: Block, sealer: PlateSealer, config: int | None) -> Batch:
    return Batch(
        n=n,
        since_us=since_us,
        now_us=block.now_us,
        readings=block.readings,
        passages=seal_plates(block.passages, block.plates, sealer),
        signals=block.signals,
        statuses=block.statuses,
        config=config,
    )


def seal_plates(passages: Columns, reads: Sequence[Read | None], sealer: PlateSealer) -> Columns:
    """The passages with their plates judged and sealed as `ingest` does it."""
    passages = passages.copy()
    places, values = [], []
    vehicles, events = passages["vehicle"].tolist(), passages["event_us"].tolist()
    for place, read in enumerate(reads):
        if read is None:
            continue
        text, province, confidence = read
        plate = consensus([PlateRead(text, confidence, province)], VehicleClass(vehicles[place]))
        if plate is not None:
            sealed = sealer.seal(plate.sealed_text, plate.skeleton, events[place])
            places.append(place)
            values.append(
                (int(plate.state), plate.confidence, sealed.day, sealed.hash, sealed.hash_before, sealed.skeleton,
                 sealed.sealed)
            )  # fmt: skip
    if places:
        # Column by column: a row at a time costs more than the sealing itself.
        for name, column in zip(PLATE_COLUMNS, zip(*values, strict=True), strict=True):
            passages[name][places] = np.array(column, passages.dtype[name])
    return passages
