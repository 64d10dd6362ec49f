"""The alarm's life: what detectors report becomes alarms, with ids, revisions and conditions after ISA-18.2.

A detector says when a condition begins, when it ends, and when its figures change notably. What an operator sees of
it is decided here and nowhere else: delays, chattering, plans that suppress, floods. This is the last stage of the
fold; it walks through reports and what is due in order of time, so that how the stream is cut changes nothing.
"""

from contracts.columns import Batch
from processing.alarms.book import Book
from processing.alarms.clerk import HOUSE, Clerk
from processing.alarms.reports import Report
from processing.compiled import Compiled
from processing.said import Said
from processing.state import State

__all__ = ["HOUSE", "Report", "fold", "inherit"]


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Make alarms of the batch's reports, and of what is due in its time."""
    clerk = Clerk(state, compiled, said.alarms)
    ranks = {kind: -compiled.priority(kind) for kind in {report.kind for report in said.reports}}
    reports = sorted(said.reports, key=lambda one: (one.at_us, ranks[one.kind], one.kind, one.key))
    if batch.config is not None:
        entered = [report for report in reports if report.at_us <= batch.since_us]
        clerk.go_through(entered, batch.since_us)
        clerk.review(batch.since_us)
        reports = reports[len(entered) :]
    clerk.go_through(reports, batch.now_us)
    clerk.put_down()


def inherit(state: State, donor: State, compiled: Compiled, now_us: int, kinds: frozenset[str], said: Said) -> None:
    """Take over the alarms of a past that another shard folded: those under rules of these kinds go on, for their
    detectors took over what they rest on; the others end."""
    mine, theirs = state.part("alarms", Book), donor.part("alarms", Book)
    known = mine.places()
    taken = {key: theirs.load(row) for key, row in theirs.places().items() if key not in known}
    mine.store(dict(taken), {})
    clerk = Clerk(state, compiled, said.alarms)
    for key in sorted(taken):
        if taken[key].words.rule_kind not in kinds:
            clerk.end(clerk.hold(key), now_us, "nothing: the made past is over")
    clerk.settle_stirred(now_us)
    clerk.put_down()
