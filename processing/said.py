"""What the stages of one step say, each adding to it in turn: later stages read what earlier ones said."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from contracts.columns import LATE, WINDOW, Batch, Columns
from contracts.findings import Alarm, Violation
from processing.state import Flags, Int64s
from processing.timeline import Arrivals, arrive

if TYPE_CHECKING:
    from processing.alarms.stage import Report
    from processing.cases.case import Case
    from processing.cases.passing import Passing

NOTHING: Final = Batch(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Given:
    """One-minute windows that nothing can amend any more, each once.

    `rows` int64 (w, 6): series place, minute since 1970, tick at which it was given back (us), count, event time of its
    last sample (us), and that sample as the bits of a float64. Its samples are values[first[w]:first[w + 1]].
    """

    rows: Int64s = field(default_factory=lambda: np.empty((0, 6), np.int64))
    first: Int64s = field(default_factory=lambda: np.zeros(1, np.int64))
    values: Columns = field(default_factory=lambda: np.empty(0, np.float64))


@dataclass(slots=True)
class Said:
    """What a step has said so far. `arrivals`: the batch's records, in order and by device.

    `closed` holds the one-minute windows, WINDOW, sorted by series place, tick and start; those of a place begin at
    `closed_first`, int64 (places + 1,). Revision 1 rows of a series come in order of their start unless a minute was
    empty until late samples came.
    """

    arrivals: Arrivals = field(default_factory=lambda: arrive(NOTHING, 0))
    closed: Columns = field(default_factory=lambda: np.empty(0, WINDOW))
    closed_first: Int64s = field(default_factory=lambda: np.zeros(1, np.int64))
    given: Given = field(default_factory=Given)
    windows: list[Columns] = field(default_factory=list)
    passing: "Passing | None" = None
    """The batch's passages as the rules on single ones look at them; None where there are none."""
    cases: "list[Case]" = field(default_factory=list)
    """What the rules suspect; processing/cases/trust.py alone makes violations of them."""
    violations: list[Violation] = field(default_factory=list)
    reports: "list[Report]" = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    late: list[Columns] = field(default_factory=list)

    def minutes_of(self, wanted: Flags) -> Columns:
        """The closed minutes of wanted metrics, WINDOW. `wanted` by metric code; its last is for all codes beyond it.

        Most minutes are of traffic: those are not looked at one by one.
        """
        heard = np.flatnonzero(np.diff(self.closed_first))
        first = self.closed_first[heard]
        mine = wanted[np.minimum(self.closed["metric"][first], wanted.size - 1)]
        first, count = first[mine], np.diff(self.closed_first)[heard[mine]]
        place = np.repeat(first - np.cumsum(count) + count, count)
        # `take` copies each row whole; indexing goes through its columns, ten times as slowly.
        return self.closed.take(place + np.arange(place.size))

    def all_windows(self) -> Columns:
        """All windows said, WINDOW."""
        said = [rows for rows in (self.closed, *self.windows) if rows.size]
        if len(said) < 2:
            return said[0] if said else np.empty(0, WINDOW)
        # As whole numbers: rows of named fields are copied one field after the other, ten times as slowly.
        return np.concatenate([np.ascontiguousarray(rows).view(np.int64) for rows in said]).view(WINDOW)

    def all_late(self) -> Columns:
        """The records that came too late for any window, LATE."""
        return np.concatenate(self.late) if self.late else np.empty(0, LATE)
