"""Cases that were said and may still be said otherwise, because their devices' statuses may come late.

A case stands in the docket from when it is said until AMEND_US after it was settled; so the memory is bounded by time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US, TICK_US
from contracts.columns import Columns
from contracts.findings import Scalar, Violation
from processing.cases.case import Case
from processing.cases.health import HEALTH
from processing.compiled import FOR_EVER_US
from processing.kernels import trust as kernels
from processing.kernels.windows import REORDER_US
from processing.state import Flags, Int64s

AMEND_US: Final = 600 * SECOND_US
"""For so long a late status can still excuse somebody: as long as late samples amend a window."""
SPARSE: Final = 4
"""One row in so many may be over before the rows are written anew."""
WITNESSES: Final = 2
"""Devices of a case at most."""
NOBODY: Final = (-1, -1)
LONG_AGO_US: Final = np.iinfo(np.int64).min

SEEN: Final = 1 + WITNESSES * HEALTH.itemsize // 8
NOTHING: Final = -2
"""Before the first look: no version of a city."""

_TIMES: Final = ("settled_us", "next_us", "until_us", "end")
_pack: Final = msgspec.msgpack.Encoder().encode
ROW: Final = np.dtype(
    [
        *((name, "i8") for name in _TIMES),
        ("device", "i8", WITNESSES),
        ("event_us", "i8", WITNESSES),
        ("seen", "i8", SEEN),
    ]
)
"""`settled_us`: the tick from which on only what is late can change the case; `next_us`: of the next look, FOR_EVER_US
without one; `end`: where its content ends in `packed`; `device`, `event_us`: of its witnesses, -1 for none; `seen`:
what the last look saw, the version of the city and of each witness its HEALTH, bit for bit."""


class Open(msgspec.Struct, frozen=True, gc=False):
    """A case before the gate, and how the gate last found it: at which revision, with which reasons and figures."""

    kind: str
    bare: Violation
    revision: int = 0
    reasons: list[str] = []
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

    def add(self, cases: Sequence[Case]) -> None:
        """Enter cases; their contents are written by `close`.

        Settled at its tick, or once everything within the reorder window of its receipt counts.
        """
        if not cases:
            return
        new = np.empty(len(cases), ROW)
        tick_us = np.array([case.tick_us for case in cases], np.int64)
        receipt_us = np.array([case.received_us for case in cases], np.int64)
        new["settled_us"] = np.where(tick_us > 0, tick_us, next_tick(receipt_us + REORDER_US))
        new["next_us"] = np.where(tick_us > 0, FOR_EVER_US, new["settled_us"])
        new["until_us"], new["end"], new["seen"] = new["settled_us"] + AMEND_US, 0, NOTHING
        witnesses = np.array([_two(case.witnesses) for case in cases], np.int64)
        new["device"], new["event_us"] = witnesses[..., 0], witnesses[..., 1]
        self.rows = np.concatenate((self.rows, new))

    def unlike(self, at: Int64s, seen: Int64s) -> Flags:
        """Which looks, in order, see otherwise than the one before at the same case: rows `at` (n,), `seen` (n, SEEN).

        What the last one saw stays.
        """
        order = np.argsort(at, kind="stable")
        before = np.empty_like(seen)
        before[order[1:]] = seen[order[:-1]]
        cases, first = np.unique(at, return_index=True)
        before[first] = self.rows["seen"][cases]
        self.rows["seen"][at] = seen
        unlike: Flags = (before != seen).any(axis=1)
        return unlike

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
        rows, held = self.rows, int(np.count_nonzero(self.rows["end"]))
        over = (rows["until_us"] < now_us) & (rows["next_us"] == FOR_EVER_US)
        forgotten = over & (np.count_nonzero(over) * SPARSE > rows.size)
        self._revise({at: case for at, case in written.items() if at < held}, held)
        if rows.size > held:
            new = enumerate(forgotten[held:].tolist(), start=held)
            pieces = [b"" if gone else _pack(written[at]) for at, gone in new]
            rows["end"][held:] = self.packed.size + np.cumsum([len(piece) for piece in pieces])
            self.packed = np.concatenate((self.packed, np.frombuffer(b"".join(pieces), np.uint8)))
        if forgotten.any():
            self._keep(~forgotten)
        self.due_us = int(self.rows["next_us"].min(initial=FOR_EVER_US))

    def _keep(self, keep: Flags) -> None:
        """Forget all but these rows; the contents of neighbours that stay are copied together."""
        ends = self.rows["end"]
        lengths = np.diff(ends, prepend=0)
        runs = np.flatnonzero(np.diff(keep.astype(np.int64), prepend=0, append=0)).reshape(-1, 2).tolist()
        stay = [self.packed[ends[first] - lengths[first] : ends[last - 1]] for first, last in runs]
        self.packed = np.concatenate((self.packed[:0], *stay))
        self.rows = self.rows[keep]
        self.rows["end"] = np.cumsum(lengths[keep])

    def _revise(self, revised: dict[int, Open], held: int) -> None:
        """Write the changed contents among the first `held`."""
        if not revised:
            return
        pieces = np.split(self.packed, self.rows["end"][: held - 1])
        for at, case in revised.items():
            pieces[at] = np.frombuffer(_pack(case), np.uint8)
        self.rows["end"][:held] = np.cumsum([piece.size for piece in pieces])
        self.packed = np.concatenate(pieces)


def next_tick(time_us: Any) -> Any:
    """The first tick strictly after a moment, or after each."""
    return time_us // TICK_US * TICK_US + TICK_US


def _two(witnesses: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The witnesses by device, each at the first of its moments; NOBODY where there is one alone."""
    first = witnesses[0]
    return first, next((other for other in witnesses if other[0] != first[0]), NOBODY)


def _behind(rows: Columns, statuses: Columns) -> list[tuple[int, int, int]]:
    """Device, event time and tick of the statuses that are no newer than a case of their device settled before them.

    Most come in order, and nothing has to be looked at for them.
    """
    order = np.argsort(rows["settled_us"], kind="stable")
    settled, witness, seen_us = (rows[name][order].ravel() for name in ("settled_us", "device", "event_us"))
    device, event_us = statuses["device"].astype(np.int64), np.ascontiguousarray(statuses["event_us"])
    tick_us = next_tick(statuses["received_us"])
    size = 1 + max(int(witness.max(initial=-1)), int(device.max(initial=-1)))
    late = np.empty(device.size, np.bool_)
    kernels.behind(settled, witness, seen_us, device, event_us, tick_us, np.full(size, LONG_AGO_US), late)
    return list(zip(*(column[late].tolist() for column in (device, event_us, tick_us)), strict=True))
