"""What was planted against what was found, by kind. The rules are written down in docs/score.md; this is their code."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from app.score.findings import Case, Findings, Raised
from app.score.kinds import AFTER_S, ANSWERS, MEASURED, MISTRUST, REMEMBERING_S, Answer
from app.score.truth import FaultLine, Offence, Truth
from contracts.clock import SECOND_US, to_iso
from contracts.findings import SECOND_LOOK
from contracts.records import Direction

FORWARD, BACKWARD = int(Direction.FORWARD), int(Direction.BACKWARD)
NEVER_CHARGEABLE: Final = frozenset({"cloned_plate"})
"""One of two vehicles has the plate by right: no case says which."""


@dataclass(slots=True)
class Score:
    """One kind. `charged`: cases that say they may be held against somebody and must not; `excused`: the opposite.

    `misses`, `inventions`: what they were, for a person.
    """

    kind: str
    planted: int = 0
    found: int = 0
    invented: int = 0
    charged: int = 0
    excused: int = 0
    misses: list[str] = field(default_factory=list)
    inventions: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Found of planted; 1 where nothing was planted."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """Found of what was said; 1 where nothing was said."""
        said = self.found + self.invented
        return self.found / said if said else 1.0


def score(truth: Truth, found: Findings) -> list[Score]:
    """A score for each kind that was planted or found: offences first, then faults and alarms, each by name."""
    return [*_offences(truth, found.cases), *_faults(truth, found)]


def _offences(truth: Truth, cases: tuple[Case, ...]) -> list[Score]:
    scores: dict[str, Score] = {}
    waiting: dict[tuple[str, str, int], Case] = {(case.kind, case.device, case.occurred_us): case for case in cases}
    for planted in truth.offences:
        mine = scores.setdefault(planted.kind, Score(planted.kind))
        mine.planted += 1
        case = _taken(planted, waiting)
        if case is None:
            mine.misses.append(_place(planted))
            continue
        mine.found += 1
        _charge(mine, planted, case)
    for case in waiting.values():
        mine = scores.setdefault(case.kind, Score(case.kind))
        mine.invented += 1
        mine.inventions.append(f"{case.device} at {to_iso(case.occurred_us)}")
    return [scores[kind] for kind in sorted(scores)]


def _taken(planted: Offence, waiting: dict[tuple[str, str, int], Case]) -> Case | None:
    """The case of any of its records; it answers no other offence."""
    cases = [waiting.pop((planted.kind, *record), None) for record in planted.records]
    return next((case for case in cases if case is not None), None)


def _charge(mine: Score, planted: Offence, case: Case) -> None:
    if planted.kind in NEVER_CHARGEABLE:
        mine.charged += case.chargeable
    elif planted.chargeable is False and case.chargeable:
        mine.charged += 1
        mine.misses.append(f"{_place(planted)}: charged in spite of {', '.join(planted.why_not)}")
    elif planted.chargeable is True and not case.chargeable:
        mine.excused += 1
        mine.misses.append(f"{_place(planted)}: excused by {case.reason}")


def _place(planted: Offence) -> str:
    return " and ".join(f"{device} at {to_iso(event_us)}" for device, event_us in planted.records)


def _faults(truth: Truth, found: Findings) -> list[Score]:
    scores: dict[str, Score] = {}
    owners = {kind: fault for fault, answer in reversed(list(ANSWERS.items())) for kind in answer.alarms[:1]}
    by_device: dict[str, list[FaultLine]] = defaultdict(list)
    for planted in truth.faults:
        for device in planted.devices:
            by_device[device].append(planted)
        judged = _mistrusted(planted, found.cases) if planted.fault in MISTRUST else _answered(planted, found.alarms)
        if judged is None:
            continue
        mine = scores.setdefault(planted.fault, Score(planted.fault))
        mine.planted += 1
        mine.found += judged
        if not judged:
            mine.misses.append(f"{', '.join(planted.devices[:4])} from {to_iso(planted.from_us)}")
    for alarm in found.alarms:
        if not alarm.suppressed and not _explained(alarm, truth.faults, by_device):
            kind = owners.get(alarm.kind, alarm.kind)
            mine = scores.setdefault(kind, Score(kind))
            mine.invented += 1
            mine.inventions.append(f"{alarm.kind} of {alarm.subject} at {to_iso(alarm.from_us)}")
    return [scores[kind] for kind in sorted(scores)]


def _answered(planted: FaultLine, alarms: Iterable[Raised]) -> bool:
    answer = ANSWERS[planted.fault]
    near = [one for one in alarms if _overlaps(one, planted, answer.late_s) and _about(one, planted, answer)]
    if answer.suppressed:
        # A known test that raised nothing at all is as well suppressed as one whose alarm was.
        return all(alarm.suppressed for alarm in near if alarm.from_us >= planted.from_us)
    near = [alarm for alarm in near if alarm.kind in answer.alarms]
    return bool(near) and len(near) <= answer.at_most and _named(near, planted) >= answer.needs * len(planted.devices)


def _named(alarms: list[Raised], planted: FaultLine) -> int:
    return len(set(planted.devices) & {device for alarm in alarms for device in alarm.devices})


def _about(alarm: Raised, planted: FaultLine, answer: Answer) -> bool:
    """Whether an alarm speaks of a fault: of its devices or its stretch of road; of its metric where that counts."""
    here = bool(set(alarm.devices) & set(planted.devices)) or _on_stretch(alarm, planted)
    return here and not (answer.same_metric and alarm.metric and alarm.metric not in planted.metrics)


def _on_stretch(alarm: Raised, planted: FaultLine) -> bool:
    """Whether the subject is the fault's segment, in its direction where it names one."""
    if not planted.segment:
        return False
    words = alarm.subject.split()
    other = {FORWARD: "backward", BACKWARD: "forward"}.get(planted.direction, "")
    return words[:1] == [planted.segment] and other not in words


def _overlaps(alarm: Raised, planted: FaultLine, late_s: float) -> bool:
    ends = alarm.to_us if alarm.to_us >= 0 else 2**62
    return alarm.from_us < planted.to_us + late_s * SECOND_US and ends > planted.from_us


def _explained(alarm: Raised, faults: tuple[FaultLine, ...], by_device: dict[str, list[FaultLine]]) -> bool:
    """Whether some planted fault shakes what the alarm is about, at that time or shortly before."""
    near = [one for device in alarm.devices for one in by_device.get(device, ())]
    near += [one for one in faults if _on_stretch(alarm, one)]
    after_s = REMEMBERING_S.get(alarm.kind, AFTER_S)
    return any(_overlaps(alarm, one, after_s) and not _elsewhere(alarm, one) for one in near)


def _elsewhere(alarm: Raised, planted: FaultLine) -> bool:
    """Whether the alarm is on a series of the device that the fault leaves alone."""
    return alarm.metric in MEASURED and bool(planted.metrics) and alarm.metric not in planted.metrics


def _mistrusted(planted: FaultLine, cases: Iterable[Case]) -> bool | None:
    """Whether all cases of the device in that time are held against nobody for this reason; None without a case."""
    here = [c for c in cases if c.device in planted.devices and planted.from_us <= c.occurred_us < planted.to_us]
    inner = [case for case in here if _inside(case.occurred_us, planted)]
    if not inner:
        return None
    plain = [case for case in inner if not case.reason or case.reason in SECOND_LOOK]
    return not plain


def _inside(moment_us: int, planted: FaultLine, edge_us: int = 30 * SECOND_US) -> bool:
    return planted.from_us + edge_us <= moment_us < planted.to_us - edge_us
