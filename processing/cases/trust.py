"""The trust gate: makes violations of cases. Nothing that a device could not be trusted with is chargeable.

A case of a device that could not be trusted at the moment of the event (processing/cases/device_state.py) is kept, not
chargeable, with the reason and the figures.

What a device says about itself may come after the passage that it speaks for. So a case judged on arrival is said at
once with what is known then, and looked at again when everything that was under way for no longer than the reorder
window has come: only if the state of device and clock at that moment turns out otherwise is there a new revision. For
ten minutes more a status that is later still makes one if it changes what may be charged. Cases of ordered rules come
from behind the watermark: only such late statuses can change them.
"""

import msgspec
import numpy as np

from contracts.columns import Batch, Columns
from contracts.findings import SECOND_LOOK, Violation
from processing.cases.device_state import standing
from processing.cases.docket import Docket, Open
from processing.cases.health import note, of_cameras
from processing.compiled import FOR_EVER_US, Compiled
from processing.said import Said
from processing.state import State

Look = tuple[int, int, bool, int]
"""How many of the batch's statuses are known, when (us), whether the case was said already, and its row."""


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
    looks = [*_arrivals(said, statuses, held), *_again(docket, statuses, batch.now_us)]
    written: dict[int, Open] = {}
    done = 0
    for known, when_us, again, at in sorted(looks):
        note(state, statuses[done:known])
        done = known
        case = written.get(at) or (docket.content(at) if at < held else _bare(said, at - held))
        if again and any(device not in compiled.devices for device, _ in case.witnesses):
            continue  # the device has left the city since: what it was found to be then stands
        found = standing(state, compiled, case.kind, case.witnesses)
        late = when_us > docket.rows["settled_us"][at]
        if again and found.reasons == case.reasons and (late or found.figures == case.figures):
            continue
        revision = case.revision + 1 if again else case.bare.revision
        written[at] = msgspec.structs.replace(case, revision=revision, reasons=found.reasons, figures=found.figures)
        said.violations.append(_gated(written[at]))
    note(state, statuses[done:])
    docket.close(written, batch.now_us)


def _arrivals(said: Said, statuses: Columns, held: int) -> list[Look]:
    """The first look at each new case: at its passage's place among the statuses, or at its tick."""
    places, received, looks = statuses["place"], statuses["received_us"], []
    for at, case in enumerate(said.cases, start=held):
        known = np.searchsorted(received, case.tick_us) if case.tick_us else np.searchsorted(places, case.place)
        looks.append((int(known), case.tick_us or case.received_us, False, at))
    return looks


def _again(docket: Docket, statuses: Columns, now_us: int) -> list[Look]:
    """The further looks that this batch reaches; those beyond it are put down in the docket."""
    rows = docket.rows
    ticks = {(at, int(rows["next_us"][at])) for at in np.flatnonzero(rows["next_us"] <= now_us).tolist()}
    rows["next_us"][rows["next_us"] <= now_us] = FOR_EVER_US
    for at, tick_us in docket.recall(statuses):
        if tick_us <= now_us:
            ticks.add((at, tick_us))
        else:
            rows["next_us"][at] = tick_us
    known = np.searchsorted(statuses["received_us"], [tick_us for _, tick_us in ticks])
    return [(int(count), tick_us, True, at) for (at, tick_us), count in zip(ticks, known, strict=True)]


def _bare(said: Said, at: int) -> Open:
    case = said.cases[at]
    return Open(case.kind, case.witnesses, case.violation)


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
