"""Findings that the database has, for the score of a city that ran."""

from datetime import datetime
from typing import Any, Final

import msgspec

from app.score.findings import Case, Findings, Raised, named_devices
from contracts.answers import AlarmItem, AlarmQuery, ViolationItem, ViolationQuery
from contracts.city import City
from contracts.clock import to_us
from contracts.ports import Reader

PAGE: Final = 500
STANDS: Final = "active"
SUPPRESSED: Final = "suppressed"


def kept_findings(reader: Reader, city: City, from_at: datetime, to_at: datetime) -> Findings:
    """The cases and alarms that the database has of [from_at, to_at). Plates are not asked for.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    kinds = {rule.id: rule.kind for rule in city.rules}
    known = frozenset(device.id for device in city.devices)
    cases: list[Case] = []
    wanted = ViolationQuery(PAGE, from_at, to_at)
    while True:
        page = reader.violations(wanted, masked=False)
        cases += [_case(item, kinds) for item in page.items]
        if not page.more:
            break
        last = page.items[-1]
        wanted = ViolationQuery(PAGE, from_at, to_at, after=(last.occurred_at, last.id))
    alarms: list[Raised] = []
    asked = AlarmQuery(PAGE, from_at=from_at, to_at=to_at)
    while True:
        found = reader.alarms(asked)
        alarms += [_alarm(item, known) for item in found.items]
        if not found.more:
            return Findings(tuple(cases), tuple(alarms))
        end = found.items[-1]
        asked = AlarmQuery(PAGE, from_at=from_at, to_at=to_at, after=(end.onset_at, end.id))


def _case(item: ViolationItem, kinds: dict[str, str]) -> Case:
    return Case(
        id=str(item.id),
        kind=kinds.get(item.rule, item.rule),
        device=item.device,
        occurred_us=to_us(item.occurred_at),
        lane=item.lane,
        chargeable=item.chargeable,
        reason=item.reason,
    )


def _alarm(item: AlarmItem, known: frozenset[str]) -> Raised:
    because: Any = msgspec.to_builtins(item.because)
    inputs = because.get("inputs", {}) if isinstance(because, dict) else {}
    devices = named_devices(inputs, known) | ({item.device} if item.device else set())
    metric = inputs.get("metric")
    return Raised(
        id=str(item.id),
        kind=item.kind,
        subject=item.subject,
        devices=tuple(sorted(devices)),
        from_us=to_us(item.onset_at),
        to_us=to_us(item.changed_at) if item.condition not in (STANDS, SUPPRESSED) else -1,
        suppressed=item.condition == SUPPRESSED,
        metric=metric if isinstance(metric, str) else "",
    )
