"""Plates as they were read before: what the rules on two reads of one plate remember.

Only hashes are remembered, no plates; a read is forgotten a stated time after it was handed out in order, and of more
than MOST reads the oldest go first.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from contracts.columns import Columns, empty
from processing.cases.case import PLATE_DOUBTFUL
from processing.kernels import sightings
from processing.kernels.sightings import BUCKETS, NOBODY, STRIDE
from processing.order.ordering import Queue, Taken
from processing.state import Int64s

MOST: Final = 65_536
"""Reads that one rule remembers: half an hour of 130,000 plates an hour, six times a busy hour of Phuket; 9 MB."""

_SIDES: Final = (
    ("plate_hash", sightings.HASH),
    ("plate_hash_before", sightings.BEFORE),
    ("plate_skeleton", sightings.SKELETON),
)
_PACKED: Final = (("part", 20), ("lane", 8), ("direction", 4), ("vehicle", 8), ("colour", 8), ("plate_state", 4))
"""What a finding says of a read that is remembered, and in how many bits: 52 in all. The columns of a passage hold
small numbers; a part is the place in a message of at most MAX_RECORDS."""


@dataclass(slots=True)
class Sightings(Queue):
    """The reads that a rule remembers (kernels/sightings.py), and the passages that wait for their place in the order.

    `nodes` are those numbered from `first` on, `head` the youngest link of each chain.
    """

    passages: Columns = field(default_factory=lambda: empty("passage"))
    nodes: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    head: Int64s = field(default_factory=lambda: np.full(BUCKETS, NOBODY, np.int64))
    first: int = 0

    def bounds(self, keep_us: int, horizon_us: int) -> Int64s:
        """The kernels' `bounds`."""
        count = self.first + self.nodes.size // STRIDE
        return np.array([self.first, count, keep_us, MOST, horizon_us], np.int64)

    def make_room(self, rows: int) -> None:
        """Room for so many more nodes."""
        self.nodes = np.concatenate((self.nodes, np.zeros(rows * STRIDE, np.int64)))

    def read(self, number: int) -> Columns:
        """A node."""
        base = (number - self.first) * STRIDE
        node: Columns = self.nodes[base : base + STRIDE]
        return node

    def forget(self, tick_us: int, keep_us: int) -> None:
        """Let go of what nothing can find any more."""
        counted = self.nodes[sightings.COUNTED :: STRIDE]
        gone = max(int(np.searchsorted(counted, tick_us - keep_us)), counted.size - MOST)
        if gone > 0:
            self.nodes, self.first = self.nodes[gone * STRIDE :].copy(), self.first + gone


def values_of(taken: Taken, where: Any, need_us: Any = 0, sides: int = sightings.SIDES) -> Int64s:
    """What is handed out, as the values of nodes, int64 (n * STRIDE,), known by the first `sides` of their hashes."""
    values = np.zeros((taken.rows.size, STRIDE), np.int64)
    for name, side in _SIDES[:sides]:
        hashes = np.frombuffer(taken.column(name).tobytes(), np.int64)
        values[:, 2 * side : 2 * side + 2] = hashes.reshape(-1, 2)
    values[:, sightings.WHERE], values[:, sightings.NEED] = where, need_us
    values[:, sightings.DOUBT] = taken.column("plate_state") == PLATE_DOUBTFUL
    for name, at in (
        ("time_us", sightings.EVENT),
        ("out_us", sightings.COUNTED),
        ("boot", sightings.BOOT),
        ("seq", sightings.SEQ),
    ):
        values[:, at] = taken.rows[name]
    facts = np.zeros(taken.rows.size, np.int64)
    for name, bits in _PACKED:
        facts = facts << bits | (taken.column(name).astype(np.int64) & ((1 << bits) - 1))
    values[:, sightings.FACTS] = facts
    return values.ravel()


def passage_of(node: Columns, device: int, seen: Any) -> Any:
    """The passage of a node, as a row; its plate and receipt are those of `seen`, another read of the same plate."""
    row = np.array([seen])[0]
    row["device"], row["event_us"] = device, node[sightings.EVENT]
    row["boot"], row["seq"] = node[sightings.BOOT], node[sightings.SEQ]
    packed = int(node[sightings.FACTS])
    for name, bits in reversed(_PACKED):
        row[name], packed = packed & ((1 << bits) - 1), packed >> bits
    return row
