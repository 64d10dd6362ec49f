"""What a batch says that is newest: a value a series and a record a lane, signal group or device. Never a plate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.clock import to_datetime
from contracts.columns import Batch, Columns
from contracts.records import ClockSource, Colour, Direction, Helmet, Phase, StatusEvent, VehicleClass
from storage.items import PlateState
from storage.naming import Naming, word

NOT_SAID_US: Final = -1


@dataclass(frozen=True, slots=True)
class Record:
    """The newest record of its kind and key; `t` is its event time."""

    no: int
    device: str
    kind: str
    key: str
    t: datetime
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """The newest value of a series."""

    device: str
    metric: str
    lane: int
    t: datetime
    value: float


def newest_readings(readings: Columns) -> Columns:
    """Of each series the row of the latest event time; of equals the one that came last."""
    series = (
        (readings["device"].astype(np.int64) << 32)
        | (readings["metric"].astype(np.int64) << 16)
        | readings["lane"].astype(np.int64)
    )
    return _newest(readings, series)


def values(newest: Columns, naming: Naming) -> list[Value]:
    """The newest readings by name."""
    columns = (newest[name].tolist() for name in ("device", "metric", "lane", "event_us", "value"))
    return [
        Value(naming.device_id(device), naming.metric(metric), lane, to_datetime(event_us), value)
        for device, metric, lane, event_us, value in zip(*columns, strict=True)
    ]


def records(batch: Batch, newest: Columns, naming: Naming) -> list[Record]:
    """The newest passages, phases, statuses and counts of a batch; `newest` are its newest readings."""
    return [
        *_passages(batch.passages, naming),
        *_signals(batch.signals, naming),
        *_statuses(batch.statuses, naming),
        *_counts(newest, naming),
    ]


def _passages(rows: Columns, naming: Naming) -> Iterator[Record]:
    for row in _dicts(_newest(rows, _keyed(rows, "lane"))):
        content = {
            "class": word(VehicleClass, row["vehicle"]),
            "lane": row["lane"],
            "direction": word(Direction, row["direction"]),
            "colour": word(Colour, row["colour"]),
            "speed_kmh": row["speed_kmh"],
            "helmet": word(Helmet, row["helmet"]),
            "plate_state": word(PlateState, row["plate_state"]),
        }
        yield _record(row, "passage", str(row["lane"]), content, naming)


def _signals(rows: Columns, naming: Naming) -> Iterator[Record]:
    for row in _dicts(_newest(rows, _keyed(rows, "group"))):
        content = {"group": row["group"], "phase": word(Phase, row["phase"])}
        yield _record(row, "signal", str(row["group"]), content, naming)


def _statuses(rows: Columns, naming: Naming) -> Iterator[Record]:
    for row in _dicts(_newest(rows, rows["device"].astype(np.int64))):
        calibrated_us = row["calibrated_until_us"]
        content = {
            "event": word(StatusEvent, row["event"]),
            "battery": row["battery"],
            "firmware": row["firmware"].decode("ascii").rstrip(" "),
            "clock_offset_ms": row["clock_offset_ms"],
            "clock_source": word(ClockSource, row["clock_source"]),
            "lens_score": row["lens_score"],
            "calibrated_until": _moment(calibrated_us),
        }
        yield _record(row, "status", "", content, naming)


def _counts(newest: Columns, naming: Naming) -> Iterator[Record]:
    """A lane's counts are the newest values of one interval, side by side."""
    counted = newest[np.isin(newest["metric"], sorted(naming.count_codes))]
    lanes: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in _dicts(counted):
        lanes.setdefault((row["device"], row["lane"]), []).append(row)
    for (_, lane), rows in lanes.items():
        last = max(rows, key=lambda row: row["event_us"])
        content = {naming.metric(row["metric"]): row["value"] for row in rows if row["event_us"] == last["event_us"]}
        yield _record(last, "counts", str(lane), content, naming)


def _moment(time_us: int) -> datetime | None:
    """A moment that a device may choose freely; None where it said none, or one that no calendar of ours has."""
    try:
        return None if time_us == NOT_SAID_US else to_datetime(time_us)
    except OverflowError:
        return None


def _record(row: dict[str, Any], kind: str, key: str, content: dict[str, Any], naming: Naming) -> Record:
    return Record(row["device"], naming.device_id(row["device"]), kind, key, to_datetime(row["event_us"]), content)


def _keyed(rows: Columns, name: str) -> npt.NDArray[np.int64]:
    keys: npt.NDArray[np.int64] = (rows["device"].astype(np.int64) << 16) | rows[name].astype(np.int64)
    return keys


def _newest(rows: Columns, keys: npt.NDArray[np.int64]) -> Columns:
    """The row of each key with the latest event time; rows are in order of arrival, and sorting keeps it."""
    order = np.lexsort((rows["event_us"], keys))
    last = np.append(keys[order][1:] != keys[order][:-1], True)[: rows.size]
    chosen: Columns = rows[order[last]]
    return chosen


def _dicts(rows: Columns) -> Iterable[dict[str, Any]]:
    names = rows.dtype.names or ()
    return (dict(zip(names, row, strict=True)) for row in rows.tolist())
