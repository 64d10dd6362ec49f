"""The trust gate: makes violations of cases. Nothing that a device could not be trusted with is chargeable.

A case of a device that could not be trusted at the moment of the event (processing/cases/device_state.py) is kept, not
chargeable, with the reason and the figures.

What a device says about itself may come after the passage that it speaks for. So a case judged on arrival is said at
once with what is known then, and looked at again when everything that was under way for no longer than the reorder
window has come: only if the state of device and clock at that moment turns out otherwise is there a new revision. For
ten minutes more a status that is later still makes one if it changes what may be charged. Cases of ordered rules come
from behind the watermark: only such late statuses can change them.
"""

from itertools import islice
from typing import Final

import msgspec
import numpy as np

from contracts.columns import Batch, Columns
from contracts.findings import SECOND_LOOK, Violation
from processing.cases.device_state import standing, terms, witnesses
from processing.cases.docket import Docket, Open
from processing.cases.health import hear, of_cameras
from processing.compiled import FOR_EVER_US, Compiled
from processing.said import Said
from processing.state import State

LOOK: Final = np.dtype([(name, "i8") for name in ("known", "when_us", "again", "row")])
"""How many of the batch's statuses are known, when, whether the case was said already, and its row in the docket."""


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """The stage after all rules: every case becomes a violation, and those that stand open are looked at again.

    A look knows the statuses that came before the passage itself, a later one those that count from its tick on.
    """
    docket = state.part("docket", Docket)
    if not batch.statuses.size and not said.cases and docket.due_us > batch.now_us:
        return
    statuses = of_cameras(state, compiled, batch.statuses)
    held = docket.rows.size
    docket.add(said.cases)
    looks = np.concatenate((_arrivals(said, statuses, held), _again(docket, statuses, batch.now_us)))
    looks = looks[np.lexsort([looks[name] for name in reversed(LOOK.names or ())])]
    device, event_us = (docket.rows[name][looks["row"]] for name in ("device", "event_us"))
    asked = compiled.table(terms)
    health = hear(state, statuses, looks["known"], device, event_us, asked.max_age_us)
    seen = np.column_stack((np.full(looks.size, state.moments.config), health.view(np.int64)))
    news = docket.unlike(looks["row"], seen)
    there = device[news] >= 0
    of = witnesses(device[news][there], event_us[news][there], health[news][there])
    written: dict[int, Open] = {}
    for (_, when_us, again, at), count in zip(looks[news].tolist(), there.sum(axis=1).tolist(), strict=True):
        case = written.get(at) or (docket.content(at) if at < held else _bare(said, at - held))
        its = list(islice(of, count))
        if again and any(witness.device not in compiled.devices for witness in its):
            continue  # the device has left the city since: what it was found to be then stands
        found = standing(asked, case.kind, its)
        late = when_us > docket.rows["settled_us"][at]
        if again and found.reasons == case.reasons and (late or found.figures == case.figures):
            continue
        revision = case.revision + 1 if again else case.bare.revision
        written[at] = msgspec.structs.replace(case, revision=revision, reasons=found.reasons, figures=found.figures)
        said.violations.append(_gated(written[at]))
    docket.close(written, batch.now_us)


def _arrivals(said: Said, statuses: Columns, held: int) -> Columns:
    """The first look at each new case: at its passage's place among the statuses, or at its tick."""
    looks = np.zeros(len(said.cases), LOOK)
    tick_us, received_us, place = (
        np.array([getattr(case, name) for case in said.cases], np.int64) for name in ("tick_us", "received_us", "place")
    )
    before = np.searchsorted(statuses["place"], place), np.searchsorted(statuses["received_us"], tick_us)
    looks["known"] = np.where(tick_us > 0, before[1], before[0])
    looks["when_us"] = np.where(tick_us > 0, tick_us, received_us)
    looks["row"] = np.arange(held, held + looks.size)
    return looks


def _again(docket: Docket, statuses: Columns, now_us: int) -> Columns:
    """The further looks that this batch reaches; those beyond it are put down in the docket."""
    rows = docket.rows
    due = np.flatnonzero(rows["next_us"] <= now_us)
    ticks = [(at, tick_us) for at, tick_us in zip(due.tolist(), rows["next_us"][due].tolist(), strict=True)]
    rows["next_us"][due] = FOR_EVER_US
    for at, tick_us in docket.recall(statuses):
        if tick_us <= now_us:
            ticks.append((at, tick_us))
        else:
            rows["next_us"][at] = tick_us
    looks = np.ones(len(ticks), LOOK)
    looks["row"], looks["when_us"] = np.array(ticks, np.int64).reshape(-1, 2).T
    looks["known"] = np.searchsorted(statuses["received_us"], looks["when_us"])
    return looks


def _bare(said: Said, at: int) -> Open:
    case = said.cases[at]
    return Open(case.kind, case.violation)


def _gated(found: Open) -> Violation:
    """The violation as the gate lets it through. What a second look could settle is beside the point on bad ground."""
    bare = found.bare
    reason = bare.reason
    if found.reasons and (not reason or reason in SECOND_LOOK):
        reason = found.reasons[0]
    inputs = bare.because.inputs | found.figures
    if found.reasons:
        inputs["not_trusted"] = ", ".join(found.reasons)
    because = msgspec.structs.replace(bare.because, inputs=inputs)
    return msgspec.structs.replace(bare, revision=found.revision, because=because, chargeable=not reason, reason=reason)
