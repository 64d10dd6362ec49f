"""Numbers for told messages: each device counts its own, in the order in which they were received.

Works on columns: rows of any log kind, grouped by message, get seq, part, place and digest, and are put in order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contracts.columns import Columns
from simulators.chance import Draw, Ints, number63


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Rows of one log kind with `device`, `event_us` and `received_us` filled; rows of a message stand together.

    `message`: int64 (rows,), ascending from 0: which message of this kind a row belongs to.
    """

    rows: Columns
    message: Ints

    @staticmethod
    def single(rows: Columns) -> "Told":
        """Rows of which each is a message of its own."""
        return Told(rows, np.arange(len(rows), dtype=np.int64))

    def keep(self, kept: npt.NDArray[np.bool_]) -> "Told":
        """The rows that a mask names; a message keeps together what is left of it."""
        if kept.all():
            return self
        message = self.message[kept]
        return Told(self.rows[kept], np.cumsum(np.diff(message, prepend=-1) != 0) - 1)


def number(kinds: list[Told], next_seq: Ints, boot: int, seed: int) -> list[Ints]:
    """Fill `boot`, `seq`, `part`, `place` and `digest` of all rows, and put each kind's rows in order of `place`.

    Args:
        next_seq: int64, by registry number: the next number of each device; moved on.

    Returns:
        for each kind, where its rows stood before.
    """
    firsts = [np.flatnonzero(np.diff(told.message, prepend=-1)) for told in kinds]
    device = np.concatenate([told.rows["device"][first] for told, first in zip(kinds, firsts, strict=True)])
    received = np.concatenate([told.rows["received_us"][first] for told, first in zip(kinds, firsts, strict=True)])
    sizes = np.concatenate([np.diff(first, append=len(told.rows)) for told, first in zip(kinds, firsts, strict=True)])
    order = np.lexsort((device, received))
    seq = np.empty(len(order), np.int64)
    seq[order] = _count(device[order], next_seq)
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(sizes[order]) - sizes[order]
    orders, begin = [], 0
    for told, first in zip(kinds, firsts, strict=True):
        chosen = slice(begin, begin + len(first))
        begin += len(first)
        orders.append(_fill(told, first, seq[chosen], place[chosen], boot, seed))
    return orders


def _count(device: Ints, next_seq: Ints) -> Ints:
    """The next numbers of devices in this order; `next_seq` is moved on."""
    by_device = np.argsort(device, kind="stable")
    sorted_device = device[by_device]
    starts = np.flatnonzero(np.diff(sorted_device, prepend=-1))
    lengths = np.diff(starts, append=len(device))
    seq = np.empty(len(device), np.int64)
    rank = np.arange(len(device)) - np.repeat(starts, lengths)
    seq[by_device] = next_seq[sorted_device] + rank
    next_seq[sorted_device[starts]] += lengths
    return seq


def _fill(told: Told, first: Ints, seq: Ints, place: Ints, boot: int, seed: int) -> Ints:
    """Number the rows of one kind and put them in order; rows are wide, so that they move only where they must."""
    rows, message = told.rows, told.message
    part = np.arange(len(rows)) - first[message] if len(rows) else message
    places = place[message] + part
    order = np.argsort(places, kind="stable")
    if len(rows):
        digest = number63(seed, Draw.DIGEST, rows["device"][first], boot, seq)
        if (np.diff(order) < 0).any():
            rows[:] = rows[order]
        rows["digest"] = digest[message[order]]
    rows["boot"], rows["seq"], rows["part"], rows["place"] = boot, seq[message[order]], part[order], places[order]
    return order
