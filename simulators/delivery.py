"""What a network does to messages on their way: they are lost, come twice, overtake each other or come late.

The fate of a message depends on (seed, device, number) alone, so that the same day is spoilt in the same way however it
is cut. A message is lost, late or doubled as a whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US
from contracts.columns import Columns
from contracts.errors import ConfigError
from simulators.chance import Draw, Ints, uniform
from simulators.past import Block
from simulators.plates import Read

SLOT_US: Final = 600 * SECOND_US
"""In each slot of so long a device loses its network at most once."""
KINDS: Final = ("readings", "passages", "signals", "statuses")


@dataclass(frozen=True, slots=True)
class Errors:
    """Shares of messages, and seconds.

    `jitter_s`: every message is under way for up to this on top, so that messages overtake each other; within the
    reorder window of 2 s. `late`: come up to `late_s` later, beyond it. `offline`: share of a device's slots of ten
    minutes in which it has no network for up to `offline_s`, keeps what it has to say and sends it all afterwards.
    """

    lost: float = 0.0
    doubled: float = 0.0
    jitter_s: float = 0.0
    late: float = 0.0
    late_s: float = 0.0
    offline: float = 0.0
    offline_s: float = 0.0

    def __post_init__(self) -> None:
        if not all(0.0 <= share <= 1.0 for share in (self.lost, self.doubled, self.late, self.offline)):
            raise ConfigError("errors", self, "shares lie between 0 and 1")
        if min(self.jitter_s, self.late_s, self.offline_s) < 0 or self.offline_s * SECOND_US > SLOT_US:
            raise ConfigError("errors", self, "times are not negative, and offline_s is at most 600")


NO_ERRORS: Final = Errors()
REALISTIC: Final = Errors(
    lost=0.002, doubled=0.01, jitter_s=1.4, late=0.003, late_s=240.0, offline=0.02, offline_s=40.0
)
"""A mobile network on an ordinary day, our estimate. Nobody is offline for so long that it is a silence: those are
faults, and planted as such."""


def spoil(blocks: Iterable[Block], errors: Errors, seed: int) -> Iterator[Block]:
    """The blocks as they arrive. What is still under way at the end of the last block comes in one more."""
    if errors == NO_ERRORS:
        yield from blocks
        return
    carried: _Heap | None = None
    latest_us = 0
    for block in blocks:
        heap = _heap(block, errors, seed)
        heap = heap if carried is None else _joined([carried, heap])
        arrived, carried = heap.cut(block.now_us)
        yield arrived.block(block)
        latest_us = block.now_us
        last = block
    if carried is not None and carried.records:
        end_us = max(latest_us, carried.last_us) + SECOND_US
        yield carried.block(replace(last, truth=last.truth[:0], now_us=end_us, faults=()))


class _Heap:
    """Rows of each kind with the moment of their arrival, int64 parallel to them; plates parallel to the passages."""

    def __init__(self, rows: list[Columns], at_us: list[Ints], plates: npt.NDArray[Any]) -> None:
        self.rows, self.at_us, self.plates = rows, at_us, plates

    @property
    def records(self) -> int:
        """How many rows there are."""
        return sum(len(rows) for rows in self.rows)

    @property
    def last_us(self) -> int:
        """When the last one arrives."""
        return max(int(at.max()) for at in self.at_us if len(at))

    def cut(self, until_us: int) -> tuple["_Heap", "_Heap"]:
        """What arrives by a moment, and what does not."""
        return self._those([at <= until_us for at in self.at_us]), self._those([at > until_us for at in self.at_us])

    def _those(self, masks: list[npt.NDArray[np.bool_]]) -> "_Heap":
        rows = [one[mask] for one, mask in zip(self.rows, masks, strict=True)]
        at_us = [one[mask] for one, mask in zip(self.at_us, masks, strict=True)]
        return _Heap(rows, at_us, self.plates[masks[1]])

    def block(self, before: Block) -> Block:
        """The block of these rows in the order of their arrival, with the truth of the block that it was."""
        when = np.concatenate(self.at_us)
        device = np.concatenate([rows["device"] for rows in self.rows]).astype(np.int64)
        seq = np.concatenate([rows["seq"] for rows in self.rows])
        part = np.concatenate([rows["part"] for rows in self.rows])
        place = np.empty(len(when), np.int64)
        place[np.lexsort((part, seq, device, when))] = np.arange(len(when))
        told: dict[str, Any] = {}
        begin = 0
        for name, rows, at_us in zip(KINDS, self.rows, self.at_us, strict=True):
            order = np.argsort(place[begin : begin + len(rows)])
            sorted_rows = rows[order]
            sorted_rows["place"] = place[begin : begin + len(rows)][order]
            sorted_rows["received_us"] = at_us[order]
            told[name] = sorted_rows
            if name == "passages":
                plates: list[Read | None] = self.plates[order].tolist()
            begin += len(rows)
        return Block(**told, plates=plates, truth=before.truth, now_us=before.now_us, faults=before.faults)


def _heap(block: Block, errors: Errors, seed: int) -> _Heap:
    plates = np.empty(len(block.plates), object)
    plates[:] = block.plates
    parts = [_arrivals(getattr(block, name), errors, seed) for name in KINDS]
    rows = [getattr(block, name)[which] for name, (which, _at) in zip(KINDS, parts, strict=True)]
    return _Heap(rows, [at for _which, at in parts], plates[parts[1][0]])


def _arrivals(rows: Columns, errors: Errors, seed: int) -> tuple[Ints, Ints]:
    """Which rows arrive, some of them twice, and when: two int64 arrays of one length."""
    device, seq, sent_us = rows["device"].astype(np.int64), rows["seq"], rows["received_us"]
    fate = uniform(seed, Draw.ERROR, 1, device, seq)
    at_us = sent_us + _seconds(errors.jitter_s * uniform(seed, Draw.ERROR, 2, device, seq))
    late = uniform(seed, Draw.ERROR, 3, device, seq) < errors.late
    at_us = at_us + np.where(late, _seconds(errors.late_s * uniform(seed, Draw.ERROR, 4, device, seq)), 0)
    back_us = _back_online(device, sent_us, errors, seed)
    at_us = np.where(back_us > sent_us, np.maximum(at_us, back_us), at_us)
    kept = np.flatnonzero(fate >= errors.lost)
    again = np.flatnonzero((fate >= errors.lost) & (fate < errors.lost + errors.doubled))
    later = _seconds(0.1 + 9.0 * uniform(seed, Draw.ERROR, 5, device[again], seq[again]))
    return np.concatenate([kept, again]), np.concatenate([at_us[kept], at_us[again] + later])


def _back_online(device: Ints, sent_us: Ints, errors: Errors, seed: int) -> Ints:
    """When a device that is offline at these moments is back; 0 where it is not offline."""
    slot, inside = np.divmod(sent_us, SLOT_US)
    offline = uniform(seed, Draw.ERROR, 6, device, slot) < errors.offline
    lasts = _seconds(errors.offline_s * uniform(seed, Draw.ERROR, 7, device, slot))
    begins = (uniform(seed, Draw.ERROR, 8, device, slot) * (SLOT_US - lasts)).astype(np.int64)
    within = offline & (inside >= begins) & (inside < begins + lasts)
    back: Ints = np.where(within, slot * SLOT_US + begins + lasts, 0)
    return back


def _seconds(seconds: npt.NDArray[np.float64]) -> Ints:
    """Microseconds, whole milliseconds."""
    whole: Ints = (seconds * 1_000).astype(np.int64) * 1_000
    return whole


def _joined(heaps: list[_Heap]) -> _Heap:
    kinds = range(len(KINDS))
    return _Heap(
        [np.concatenate([heap.rows[kind] for heap in heaps]) for kind in kinds],
        [np.concatenate([heap.at_us[kind] for heap in heaps]) for kind in kinds],
        np.concatenate([heap.plates for heap in heaps]),
    )
