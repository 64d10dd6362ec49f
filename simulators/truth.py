"""The truth beside what the devices said: every planted offence, with the message that holds it.

A line of JSON for each offence: device, boot, seq and part name the record, so that a finding is right or wrong, not
nearly so. No plate is in it: who it was does not matter to what happened.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec
import numpy as np

from contracts.clock import to_iso
from contracts.columns import Columns
from simulators.chance import Ints
from simulators.offences import Offence
from simulators.sightings import Sightings

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
    ]
)
"""`offence`: flags of `simulators.offences.Offence`. `speed_kmh`: as measured, NaN where the camera does not measure.
`red_s`: how long it had been red when a vehicle passed that did not stop, else 0."""


def truth_rows(seen: Sightings, which: Ints) -> Columns:
    """The truth about sightings: `TRUTH` rows of those named by `which`, still without boot, seq and part."""
    rows = np.zeros(len(which), TRUTH)
    for name in ("event_us", "device", "lane", "vehicle", "offence", "speed_kmh", "limit_kmh"):
        rows[name] = getattr(seen, name)[which]
    rows["red_s"] = seen.red_us[which] / 1e6
    return rows


class TruthFile:
    """Appends offences to a file of JSON lines. Whole lines are flushed, so that a reader beside us sees no halves."""

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
        if not len(rows):
            return
        for row in rows:
            for offence in (Offence.SPEEDING, Offence.RED_LIGHT, Offence.NO_HELMET):
                if row["offence"] & offence:
                    self._file.write(msgspec.json.encode(self._line(row, offence)) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; writing afterwards is an error."""
        self._file.close()

    def _line(self, row: Columns, offence: Offence) -> dict[str, object]:
        line: dict[str, object] = {
            "offence": str(offence.name).lower(),
            "device": self._names[int(row["device"])],
            "boot": int(row["boot"]),
            "seq": int(row["seq"]),
            "part": int(row["part"]),
            "t": to_iso(int(row["event_us"])),
            "lane": int(row["lane"]),
        }
        if offence == Offence.SPEEDING:
            line |= {"speed_kmh": float(row["speed_kmh"]), "limit_kmh": float(row["limit_kmh"])}
        if offence == Offence.RED_LIGHT:
            line |= {"red_s": float(row["red_s"])}
        return line
