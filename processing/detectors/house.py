"""Alarms about our own house: what the pipeline noticed and wrote into the log (disk low, clock fault, poison).

The engine makes nothing of them but an alarm with its rationalised response: the log stays the only source of findings.
"""

from typing import Final

from contracts.columns import Notice
from contracts.findings import Because
from contracts.rules import Rule
from processing.alarms.stage import HOUSE, Report
from processing.state import NOTICE_KINDS, State

SUBJECT: Final = "pipeline"


def hear(state: State, notices: tuple[Notice, ...], now_us: int) -> list[Report]:
    """What these notices begin, repeat or end. An unknown kind is a bug of the caller."""
    house = state.house
    reports = []
    for notice in notices:
        at = NOTICE_KINDS.index(notice.kind)
        if not notice.active and not house.active[at]:
            continue
        if not house.active[at]:
            house.onset_us[at] = now_us
        house.active[at] = notice.active
        because = Because(
            measured=float(notice.active),
            limit=0.0,
            threshold=0.0,
            margin=float(notice.active),
            unit="",
            needed="",
            inputs={"detail": notice.detail},
        )
        reports.append(
            Report(
                kind=notice.kind,
                rule=Rule(id=notice.kind, kind=HOUSE),
                key=(),
                subject=SUBJECT,
                device=-1,
                zone="",
                active=notice.active,
                at_us=now_us,
                since_us=int(house.onset_us[at]),
                because=because,
            )
        )
    return reports
