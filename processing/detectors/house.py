"""Alarms about our own house: what the pipeline noticed and wrote into the log (disk low, clock fault, poison).

The engine makes nothing of them but an alarm with its rationalised response: the log stays the only source of findings.
"""

from typing import Final

from contracts.columns import Notice
from contracts.findings import Alarm, Because, Condition, finding_id
from processing.compiled import Compiled
from processing.state import NOTICE_KINDS, State

SUBJECT: Final = "pipeline"


def hear(state: State, compiled: Compiled, notices: tuple[Notice, ...], now_us: int) -> list[Alarm]:
    """The alarms that these notices begin, repeat or end. An unknown kind is a bug of the caller.

    One that ends and begins again at the same moment is the same alarm, for its id is made of the moment: it goes on
    with its next revision.
    """
    house = state.house
    alarms = []
    for notice in notices:
        at = NOTICE_KINDS.index(notice.kind)
        if not notice.active and not house.active[at]:
            continue
        if not house.active[at] and house.onset_us[at] != now_us:
            house.onset_us[at] = now_us
            house.revision[at] = 0
        house.active[at] = notice.active
        house.revision[at] += 1
        alarms.append(
            Alarm(
                id=finding_id(compiled.city.id, notice.kind, int(house.onset_us[at])),
                revision=int(house.revision[at]),
                kind=notice.kind,
                rule=notice.kind,
                rule_version=1,
                subject=SUBJECT,
                device=-1,
                zone="",
                priority=compiled.priority(notice.kind),
                condition=Condition.ACTIVE if notice.active else Condition.NORMAL,
                onset_us=int(house.onset_us[at]),
                changed_us=now_us,
                because=Because(
                    measured=float(notice.active),
                    limit=0.0,
                    threshold=0.0,
                    margin=float(notice.active),
                    unit="",
                    needed="",
                    inputs={"detail": notice.detail},
                ),
            )
        )
    return alarms
