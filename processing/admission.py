"""What of a run of deliveries is new. A pure question to the state: only `step` remembers.

Identity is (device, boot, number) where the device numbers its messages, else (device, content hash); a record with
neither number nor time has no identity and is always new. What is older than the memory is doubtful: the caller looks
it up in the log, which knows for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contracts.columns import DTYPES, IDENTITY, Batch, Columns
from contracts.delivery import Decoded, Rejection
from contracts.records import TimeQuality
from processing.kernels import identity
from processing.kernels.identity import CONFLICT, DOUBTFUL, DUPLICATE, NEW
from processing.state import Int64s, State

__all__ = ["CONFLICT", "DOUBTFUL", "DUPLICATE", "NEW", "Verdicts", "judge", "recall", "settle", "settled", "unsettled"]

Verdict = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A verdict int8 (n,) for each row of each kind (`reading`, `passage`, `signal`, `status`)."""

    of: dict[str, Verdict]


def judge(state: State, decoded: Decoded) -> Verdicts:
    """The verdict on every decoded record, also against the others of the same run.

    Raises:
        IndexError: a device that the state has no place for: its city version is not in force yet.
    """
    kinds = {name: decoded.kind(name) for name in DTYPES}
    rows = np.concatenate([_identities(kinds[name]) for name in DTYPES])
    verdict = np.zeros(rows.size, np.int8)
    if rows.size and int(rows["device"].max()) >= state.size:
        raise IndexError(f"device number {rows['device'].max()} lies beyond the {state.size} places of the state")
    device, boot, seq, digest, event_us = _columns(rows)
    identity.query(device, boot, seq, digest, event_us, state.clocks.memory, verdict)
    _within(rows, verdict)
    bounds = np.cumsum([kinds[name].size for name in DTYPES])[:-1]
    return Verdicts(dict(zip(DTYPES, np.split(verdict, bounds), strict=True)))


def unsettled(state: State, rejections: Sequence[Rejection]) -> list[Rejection]:
    """Those of a run that are new: neither known already (sent again) nor the same again within the run.

    One that stands for many is always new: nobody looked into them.
    """
    new: dict[tuple[int, ...], Rejection] = {}
    for at, each in enumerate(rejections):
        if each.count > 1 or not settled(state, each):
            named = each.count == 1 and each.device >= 0 and each.boot > 0
            new.setdefault((each.device, each.boot, each.seq, each.part) if named else (at,), each)
    return list(new.values())


def settled(state: State, rejection: Rejection) -> bool:
    """Whether a rejected message of a numbering device is known already (it was sent again)."""
    if rejection.device < 0 or rejection.boot <= 0 or rejection.device >= state.size:
        return False
    verdict = np.zeros(1, np.int8)
    device, boot, seq = (np.array([value], np.int64) for value in (rejection.device, rejection.boot, rejection.seq))
    nothing = np.zeros(1, np.int64)
    identity.query(device, boot, seq, nothing, nothing, state.clocks.memory, verdict)
    return bool(verdict[0] in (DUPLICATE, CONFLICT))


def recall(state: State, batch: Batch) -> Columns:
    """Take the identities of accepted rows into the memory, in order of place.

    Returns:
        the numbers of the devices whose mark moved, int64.
    """
    return _note(state, [_beginning(batch.kind(name)) for name in DTYPES])


def settle(state: State, device: int, boot: Int64s, seq: Int64s) -> Columns:
    """Take the numbers of a device's rejected messages into the memory; the device's number where its mark moved."""
    rows = np.zeros(boot.size, IDENTITY)
    rows["device"], rows["boot"], rows["seq"] = device, boot, seq
    return _note(state, [rows, *(rows[:0] for _ in range(len(DTYPES) - 1))])


def _beginning(rows: Columns) -> Columns:
    """What rows of any kind begin with, IDENTITY.

    Beside each other, for rows that stand apart are another type to a kernel than one row or none.
    """
    apart = np.ndarray(rows.shape, f"V{IDENTITY.itemsize}", rows, strides=rows.strides)
    return np.ascontiguousarray(apart).view(IDENTITY)


def _note(state: State, kinds: list[Columns]) -> Columns:
    moved = np.zeros(state.size, np.int8)
    identity.note(tuple(kinds), state.clocks.memory, moved)
    return np.flatnonzero(moved)


ASKED = np.dtype([(name, "i8") for name in ("place", "device", "boot", "seq", "part", "digest", "event_us")])


def _columns(rows: Columns) -> tuple[Int64s, Int64s, Int64s, Int64s, Int64s]:
    device, boot, seq, digest, event_us = (
        np.ascontiguousarray(rows[name]) for name in ("device", "boot", "seq", "digest", "event_us")
    )
    return device, boot, seq, digest, event_us


def _identities(rows: Columns) -> Columns:
    """The identity columns as int64; a record without number and time gets seq 0: no identity."""
    out = np.empty(rows.size, ASKED)
    for name in ASKED.names or ():
        out[name] = rows[name]
    out["seq"][(rows["boot"] == 0) & (rows["quality"] == TimeQuality.RECEIPT)] = 0
    return out


def _within(rows: Columns, verdict: Verdict) -> None:
    """Find repeats inside the run: the first message by place stands, another content under its number is a conflict.

    A doubtful record's repeat is a repeat whatever the log says of the first.
    """
    if not _any_number_again(rows):
        return
    message, first = _groups(rows, ("seq", "boot", "device"))
    clashes = (rows["boot"][message] > 0) & (rows["digest"][message] != rows["digest"][message[first]])
    _settle(verdict, message[clashes], CONFLICT)
    record, first = _groups(rows, ("digest", "part", "seq", "boot", "device"))
    repeated = (first != np.arange(rows.size)) & (rows["seq"][record] != 0)
    _settle(verdict, record[repeated], DUPLICATE)


def _any_number_again(rows: Columns) -> bool:
    """Whether a number of a device comes in two messages of the run. Rows of one message stand together, its parts in
    ascending order, so one of each is enough to look at: of a message of a hundred readings one row, not a hundred."""
    begins = np.ones(rows.size, np.bool_)
    for name in ("device", "boot", "seq", "digest"):
        begins[1:] &= rows[name][1:] == rows[name][:-1]
    begins[1:] = ~(begins[1:] & (rows["part"][1:] > rows["part"][:-1]))
    device, boot, seq = (rows[name][begins] for name in ("device", "boot", "seq"))
    order = np.lexsort((seq, boot, device))
    again = seq[order][1:] != 0
    for numbers in (device, boot, seq):
        again &= np.diff(numbers[order]) == 0
    return bool(again.any())


def _groups(rows: Columns, names: tuple[str, ...]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The rows in order of these columns (last is most significant) and place, and for each where its group begins."""
    order = np.lexsort([rows[name] for name in ("place", *names)])
    starts = np.ones(rows.size, np.bool_)
    starts[1:] = np.logical_or.reduce([np.diff(rows[name][order]) != 0 for name in names])
    return order, np.maximum.accumulate(np.where(starts, np.arange(rows.size), 0))


def _settle(verdict: Verdict, places: npt.NDArray[np.intp], becomes: int) -> None:
    undecided = np.isin(verdict[places], (NEW, DOUBTFUL))
    verdict[places[undecided]] = becomes
