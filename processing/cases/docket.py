"""Cases that were said and may still be said otherwise, because their devices' statuses may come late.

A case stands in the docket from when it is said until AMEND_US after it was settled; so the memory is bounded by time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US, TICK_US
from contracts.columns import Columns
from contracts.findings import Scalar, Violation
from processing.cases.case import Case
from processing.compiled import FOR_EVER_US
from processing.kernels.windows import REORDER_US

AMEND_US: Final = 600 * SECOND_US
"""For so long a late status can still excuse somebody: as long as late samples amend a window."""
SPARSE: Final = 4
"""One row in so many may be over before the rows are written anew."""
WITNESSES: Final = 2
"""Devices of a case at most."""

_TIMES: Final = ("settled_us", "next_us", "until_us", "end")
ROW: Final = np.dtype([*((name, "i8") for name in _TIMES), ("device", "i8", WITNESSES), ("event_us", "i8", WITNESSES)])
"""`settled_us`: the tick from which on only what is late can change the case; `next_us`: of the next look, FOR_EVER_US
without one; `end`: where its content ends in `packed`; `device`, `event_us`: of its witnesses, -1 for none."""


class Open(msgspec.Struct, frozen=True):
    """A case before the gate, and how the gate last found it: at which revision, with which reasons and figures."""

    kind: str
    witnesses: tuple[tuple[int, int], ...]
    bare: Violation
    revision: int = 0
    reasons: tuple[str, ...] = ()
    figures: dict[str, Scalar] = {}


@dataclass(slots=True)
class Docket:
    """`rows` in the order in which the cases were said, `packed` their contents (Open as MessagePack) end to end."""

    rows: Columns = field(default_factory=lambda: np.empty(0, ROW))
    packed: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    due_us: int = FOR_EVER_US

    def content(self, at: int) -> Open:
        """The case of a row."""
        first = int(self.rows["end"][at - 1]) if at else 0
        return msgspec.msgpack.decode(self.packed[first : int(self.rows["end"][at])].tobytes(), type=Open)

    def add(self, cases: Iterable[Case]) -> None:
        """Enter cases; their contents are written by `close`."""
        new = [_row(case) for case in cases]
        if new:
            self.rows = np.concatenate((self.rows, np.array(new, ROW)))

    def recall(self, statuses: Columns) -> list[tuple[int, int]]:
        """Which rows these statuses speak about although they were settled: (row, tick at which the status counts)."""
        rows, found = self.rows, []
        for device, event_us, tick_us in _behind(rows, statuses):
            open_still = (rows["settled_us"] < tick_us) & (rows["until_us"] >= tick_us)
            about = (rows["device"] == device) & (rows["event_us"] >= event_us)
            found += [(int(at), tick_us) for at in np.flatnonzero(open_still & about.any(axis=1))]
        return found

    def close(self, written: dict[int, Open], now_us: int) -> None:
        """Write the contents that are new or changed, and forget what is over once it is many."""
        rows = self.rows
        over = (rows["until_us"] < now_us) & (rows["next_us"] == FOR_EVER_US)
        keep = ~over if np.count_nonzero(over) * SPARSE > rows.size else np.ones(rows.size, np.bool_)
        held = int(np.count_nonzero(rows["end"]))
        if keep.all() and all(at >= held for at in written):
            pieces = [msgspec.msgpack.encode(written[at]) for at in range(held, rows.size)]
            rows["end"][held:] = self.packed.size + np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
            self.packed = np.concatenate((self.packed, np.frombuffer(b"".join(pieces), np.uint8)))
        else:
            ends = rows["end"].tolist()
            pieces = []
            for at in np.flatnonzero(keep).tolist():
                if at in written:
                    pieces.append(msgspec.msgpack.encode(written[at]))
                else:
                    pieces.append(self.packed[ends[at - 1] if at else 0 : ends[at]].tobytes())
            self.rows = rows[keep]
            self.rows["end"] = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
            self.packed = np.frombuffer(b"".join(pieces), np.uint8).copy()
        self.due_us = int(self.rows["next_us"].min(initial=FOR_EVER_US))


def next_tick(time_us: int) -> int:
    """The first tick strictly after a moment."""
    return time_us // TICK_US * TICK_US + TICK_US


def _row(case: Case) -> tuple[int, int, int, int, list[int], list[int]]:
    """Settled at its tick, or once everything within the reorder window of its receipt counts."""
    settled_us = case.tick_us or next_tick(case.received_us + REORDER_US)
    next_us = FOR_EVER_US if case.tick_us else settled_us
    devices: dict[int, int] = {}
    for device, event_us in case.witnesses:
        devices.setdefault(device, event_us)
    blank = [-1] * (WITNESSES - len(devices))
    return settled_us, next_us, settled_us + AMEND_US, 0, [*devices, *blank], [*devices.values(), *blank]


def _behind(rows: Columns, statuses: Columns) -> Iterator[tuple[int, int, int]]:
    """Device, event time and tick of the statuses that are no newer than a case of their device settled before them.

    Most come in order, and nothing has to be looked at for them.
    """
    latest = np.full(int(statuses["device"].max(initial=-1)) + 1, np.iinfo(np.int64).min)
    for witness in range(WITNESSES):
        known = (rows["device"][:, witness] >= 0) & (rows["device"][:, witness] < latest.size)
        np.maximum.at(latest, rows["device"][known, witness], rows["event_us"][known, witness])
    statuses = statuses[statuses["event_us"] <= latest[statuses["device"]]]
    if not statuses.size:
        return
    order = np.argsort(rows["settled_us"], kind="stable")
    settled = list(zip(*(rows[name][order].tolist() for name in ("settled_us", "device", "event_us")), strict=True))
    newest: dict[int, int] = {}
    done = 0
    names = ("device", "event_us", "received_us")
    for device, event_us, received_us in zip(*(statuses[name].tolist() for name in names), strict=True):
        tick_us = next_tick(received_us)
        while done < len(settled) and settled[done][0] < tick_us:
            for witness, seen_us in zip(*settled[done][1:], strict=True):
                newest[witness] = max(seen_us, newest.get(witness, seen_us))
            done += 1
        if event_us <= newest.get(device, event_us - 1):
            yield device, event_us, tick_us
