"""Plates as they were read before: what the rules on two reads of one plate remember, and rows in their form.

Only hashes are remembered, no plates; a read is forgotten a stated time after it was handed out in order, and of more
than MOST reads the oldest go first.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from contracts.columns import PASSAGE, Columns
from processing.case import PLATE_DOUBTFUL
from processing.kernels import sightings
from processing.kernels.sightings import BUCKETS, NOBODY, STRIDE
from processing.ordering import FIELDS, Queue
from processing.state import Int64s

MOST: Final = 65_536
"""Reads that one rule remembers: half an hour of 130,000 plates an hour, six times a busy hour of Phuket; 9 MB."""

ROW: Final = np.dtype(
    [
        *FIELDS,
        *(
            (name, PASSAGE[name])
            for name in PASSAGE.names or ()
            if name not in ("digest", "speed_kmh", "dwell_s", "track", "helmet", "riders", "evidence")
        ),
    ]
)
"""A passage that waits for its place in the order."""

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
    """The reads that a rule remembers (kernels/sightings.py), and those that wait for their place in the order.

    `nodes` are those numbered from `first` on, `head` the youngest link of each chain.
    """

    pending: Columns = field(default_factory=lambda: np.empty(0, ROW))
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


def values_of(rows: Columns, where: Any, need_us: Any) -> Int64s:
    """Rows as the values of nodes, int64 (n * STRIDE,)."""
    values = np.zeros((rows.size, STRIDE), np.int64)
    for name, side in _SIDES:
        values[:, 2 * side : 2 * side + 2] = np.frombuffer(
            np.ascontiguousarray(rows[name]).tobytes(), np.int64
        ).reshape(-1, 2)
    values[:, sightings.WHERE], values[:, sightings.NEED] = where, need_us
    values[:, sightings.DOUBT] = rows["plate_state"] == PLATE_DOUBTFUL
    for name, at in (
        ("event_us", sightings.EVENT),
        ("out_us", sightings.COUNTED),
        ("boot", sightings.BOOT),
        ("seq", sightings.SEQ),
    ):
        values[:, at] = rows[name]
    for name, bits in _PACKED:
        values[:, sightings.FACTS] = values[:, sightings.FACTS] << bits | (
            rows[name].astype(np.int64) & ((1 << bits) - 1)
        )
    return values.ravel()


def passage_of(node: Columns, device: int, seen: Any) -> Any:
    """The passage of a node, as a row; its plate and receipt are those of `seen`, another read of the same plate."""
    row = np.array([seen], ROW)[0]
    row["device"], row["event_us"] = device, node[sightings.EVENT]
    row["boot"], row["seq"] = node[sightings.BOOT], node[sightings.SEQ]
    packed = int(node[sightings.FACTS])
    for name, bits in reversed(_PACKED):
        row[name], packed = packed & ((1 << bits) - 1), packed >> bits
    return row
