"""The truth beside what the devices said: every planted offence with the message that holds it, and every fault.

A line of JSON for each offence: device, boot, seq and part name the record, so that a finding is right or wrong, not
nearly so. An offence that needs two records has a line for each, with the same `pair`. No plate is in it, only what
the reader made of it: who it was does not matter to what happened. The truth is the simulator's secret: nothing that
judges what devices say may read it; only the score does, afterwards.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec
import numpy as np

from contracts.clock import to_iso
from contracts.columns import Columns
from contracts.records import VehicleClass
from simulators.chance import Ints
from simulators.faults import MISTRUSTED, Planted
from simulators.offences import OFFENCES, Offence
from simulators.plates import ReadState
from simulators.sightings import Sightings

Line = dict[str, object]

TRUTH: Final = np.dtype(
    [
        ("event_us", "i8"),
        ("device", "i4"),
        ("boot", "i8"),
        ("seq", "i8"),
        ("part", "i4"),
        ("lane", "i2"),
        ("vehicle", "i2"),
        ("offence", "i2"),
        ("speed_kmh", "f8"),
        ("limit_kmh", "f8"),
        ("red_s", "f8"),
        ("pair", "i8"),
        ("plate_truth", "i2"),
        ("mistrusted", "i2"),
    ]
)
"""`offence`: flags of `simulators.offences.Offence`. `speed_kmh`: as measured, NaN where the camera does not measure.
`red_s`: how long it had been red when a vehicle passed that did not stop, else 0. `pair`: of two records that only
together are an offence, 0 for none. `plate_truth`: of `simulators.plates.ReadState`. `mistrusted`: of
`simulators.troubles.Troubles.mistrusted`."""


def truth_rows(seen: Sightings, which: Ints) -> Columns:
    """The truth about sightings: `TRUTH` rows of those named by `which`, still without boot, seq and part."""
    rows = np.zeros(len(which), TRUTH)
    for name in (
        "event_us",
        "device",
        "lane",
        "vehicle",
        "offence",
        "speed_kmh",
        "limit_kmh",
        "pair",
        "plate_truth",
        "mistrusted",
    ):
        rows[name] = getattr(seen, name)[which]
    rows["red_s"] = seen.red_us[which] / 1e6
    return rows


class TruthFile:
    """Appends to a file of JSON lines. Whole lines are flushed, so that a reader beside us sees no halves."""

    def __init__(self, path: Path, names: Mapping[int, str]) -> None:
        """`names`: device ids by their number in the registry."""
        self._names = names
        self._file = path.open("ab")

    def __enter__(self) -> "TruthFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, rows: Columns) -> None:
        """Append `TRUTH` rows; one with several offences becomes several lines."""
        self._append(offence_lines(rows, self._names))

    def write_faults(self, faults: Iterable[Planted]) -> None:
        """Append faults, one a line."""
        self._append(fault_line(one) for one in faults)

    def close(self) -> None:
        """Close the file; writing afterwards is an error."""
        self._file.close()

    def _append(self, lines: Iterable[Line]) -> None:
        written = False
        for line in lines:
            self._file.write(msgspec.json.encode(line) + b"\n")
            written = True
        if written:
            self._file.flush()


def offence_lines(rows: Columns, names: Mapping[int, str]) -> Iterator[Line]:
    """The truth about offences as it is written: a line for each row and offence."""
    for row in rows:
        for offence in OFFENCES:
            if row["offence"] & offence:
                yield _offence_line(row, offence, names)


def _offence_line(row: Columns, offence: Offence, names: Mapping[int, str]) -> Line:
    chargeable, why = _chargeable(row)
    line: Line = {
        "offence": str(offence.name).lower(),
        "device": names[int(row["device"])],
        "boot": int(row["boot"]),
        "seq": int(row["seq"]),
        "part": int(row["part"]),
        "t": to_iso(int(row["event_us"])),
        "lane": int(row["lane"]),
        "class": VehicleClass(int(row["vehicle"])).name.lower(),
        "plate": ReadState(int(row["plate_truth"])).name.lower(),
        "chargeable": chargeable,
        "why_not": why,
    }
    if row["pair"]:
        line["pair"] = int(row["pair"])
    if offence == Offence.SPEEDING:
        line |= {"speed_kmh": float(row["speed_kmh"]), "limit_kmh": float(row["limit_kmh"])}
    if offence == Offence.RED_LIGHT:
        line |= {"red_s": float(row["red_s"])}
    return line


def _chargeable(row: Columns) -> tuple[bool | None, list[str]]:
    """Whether it may be held against anybody (None: so near an edge that both answers are right), and why not."""
    distrust = int(row["mistrusted"])
    why = [str(fault) for place, fault in enumerate(MISTRUSTED) if distrust >> place & 1]
    state = ReadState(int(row["plate_truth"]))
    if state in (ReadState.NONE, ReadState.UNREAD):
        why.append("no_plate")
    if state in (ReadState.MISREAD, ReadState.NO_PROVINCE):
        why.append("doubtful_plate")
    unsure = distrust >> len(MISTRUSTED) & 1 or state == ReadState.MISREAD_SURE
    settled = [reason for reason in why if reason.endswith("plate")]
    return (None if unsure and not settled else not why), why


def fault_line(one: Planted) -> Line:
    """The truth about a fault as it is written."""
    return {
        "fault": str(one.kind),
        "devices": list(one.devices),
        "from": to_iso(one.from_us),
        "to": to_iso(one.to_us),
        "metrics": list(one.metrics),
        "lane": one.lane,
        "segment": one.segment,
        "direction": one.direction,
        "size": round(one.size, 3),
    }
