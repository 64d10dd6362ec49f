"""Plates as they were read before: what the rules on two reads of one plate remember.

Only halves of hashes are remembered, no plates; a read is forgotten a stated time after it was handed out in order,
and of more than MOST nodes the oldest go first.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from contracts.clock import SECOND_US
from contracts.columns import PASSAGE, Columns, empty
from processing.kernels import sightings
from processing.kernels.sightings import NOBODY, VALUES
from processing.order.ordering import Queue, Taken
from processing.state import Int64s
from processing.timeline import column

MOST: Final = 65_536
"""Nodes that one rule remembers: half an hour of 130,000 plates an hour, six times a busy hour of Phuket; 3 MB."""
IN_A_CHAIN: Final = 4
"""So many nodes share a chain at the most, and half as many at the least."""
LEAST_BITS: Final = 10

_FACTS: Final = (
    ("part", sightings.PART, 0xFFF),
    ("lane", sightings.LANE, 0x3F),
    ("direction", sightings.DIRECTION, 0x3),
    ("vehicle", sightings.VEHICLE, 0xF),
    ("colour", sightings.COLOUR, 0xF),
    ("plate_state", sightings.STATE, 0x3),
)
"""What a finding says of a read that is remembered: where it stands in FACTS, and the most it can be. A passage holds
small numbers (contracts/records.py); a part is the place in a message of at most MAX_RECORDS."""
_COLUMNS: Final = ("plate_hash", "plate_hash_before", "plate_skeleton", "boot", "seq", *(name for name, _, _ in _FACTS))
_LAYOUT: Final = np.array([PASSAGE.itemsize // 2, *(PASSAGE.fields[name][1] // 2 for name in _COLUMNS)], np.int64)  # type: ignore[index]
"""The kernel's `layout`, in int16."""


@dataclass(slots=True)
class Sightings(Queue):
    """The reads that a rule remembers (kernels/sightings.py), and the passages that wait for their place in the order.

    `head`: the youngest link of each chain.
    """

    passages: Columns = field(default_factory=lambda: empty("passage"))
    nodes: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    head: Columns = field(default_factory=lambda: np.full(1 << LEAST_BITS, NOBODY, np.int32))

    def make_room(self, values: Int64s, width: int, keep_us: int, horizon_us: int, trip_us: int = 0) -> Int64s:
        """Room for the nodes of these reads; the kernels' `bounds`."""
        twins = np.count_nonzero(values[sightings.BEFORE :: VALUES])
        room = np.empty(self.nodes.size + (values.size // VALUES + twins) * width, np.int64)
        room[: self.nodes.size] = self.nodes
        bounds = self.nodes.size // width, keep_us, MOST, horizon_us, max(horizon_us, trip_us)
        self.nodes = room
        return np.array(bounds, np.int64)

    def forget(self, width: int, keep_us: int, tick_us: int) -> None:
        """Let go of what nothing can find any more."""
        count, oldest_s = self.nodes.size // width, -((keep_us - tick_us) // SECOND_US)
        gone = max(int(np.searchsorted(self.nodes[sightings.CHAIN :: width], oldest_s << 32)), count - MOST)
        if gone > 0:
            self.nodes = self.nodes[gone * width :].copy()
        if gone > 0 or count > self.head.size * IN_A_CHAIN:
            buckets = 1 << max(LEAST_BITS, ((count - gone) // IN_A_CHAIN).bit_length())
            self.head = np.full(buckets, NOBODY, np.int32)
            sightings.chain(self.nodes, self.head, width)


def values_of(taken: Taken, tags: Columns) -> Int64s:
    """What is handed out, as the kernels take it, int64 (n * VALUES,); `tags`: what each has in FACTS for its rule."""
    rows = taken.rows
    values = np.empty(rows.size * VALUES, np.int64)
    waited, fresh = (np.ascontiguousarray(part).view(np.int16) for part in taken.sources[0])
    sightings.read(waited, fresh, _LAYOUT, column(rows, "place"), np.ascontiguousarray(tags, np.int64), values)
    values[sightings.EVENT :: VALUES] = rows["time_us"]
    values[sightings.CHAIN :: VALUES] = rows["out_us"] // SECOND_US << 32
    return values


def facts_of(values: Int64s) -> dict[str, Int64s]:
    """What a finding says of reads or of one node, by the names of the columns of passages."""
    return {name: values >> at & most for name, at, most in _FACTS}


def passage_of(node: Columns, device: int, seen: Any) -> Any:
    """The passage of a node, as a row; its plate and receipt are those of `seen`, another read of the same plate."""
    row = np.array([seen])[0]
    row["device"], row["event_us"] = device, node[sightings.EVENT]
    row["boot"], row["seq"] = node[sightings.BOOT], node[sightings.SEQ]
    for name, value in facts_of(node[sightings.FACTS]).items():
        row[name] = value
    return row
