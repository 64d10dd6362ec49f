"""Rows of findings turned into what people read: names for numbers, figures out of `because`."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import msgspec

from contracts.answers import AlarmItem, Content, ViolationItem
from contracts.findings import Priority, standing
from contracts.records import Direction, VehicleClass
from contracts.sentences import of_alarm, of_violation
from storage.city_index import CityIndex
from storage.connection import Connection
from storage.items import SPEED_UNIT, PlateState
from storage.naming import word
from storage.queries import statements

SQL: Final = statements("read_findings")

Row = tuple[Any, ...]


def violation_item(row: Row, index: CityIndex) -> ViolationItem:
    """An item of a row of `read_findings.violations`, without its plate."""
    (_, id, revision, rule, rule_version, offence, no, zone, occurred_at, vehicle, chargeable, content, *rest) = row
    recorded_at, space = rest
    place = index.place(no)
    because: Content = content.get("because") or {}
    speed = because if because.get("unit") == SPEED_UNIT else {}
    return ViolationItem(
        id=id,
        revision=revision,
        rule=rule,
        rule_version=rule_version,
        offence=offence,
        occurred_at=occurred_at,
        device=place.id,
        call_sign=place.device.call_sign if place.device else "",
        place_en=place.device.name_en if place.device else "",
        place_th=place.device.name_th if place.device else "",
        zone=zone,
        lane=content.get("lane", 0),
        direction=word(Direction, content.get("direction", 0)),
        vehicle=word(VehicleClass, vehicle),
        speed_kmh=speed.get("measured"),
        limit_kmh=speed.get("limit"),
        threshold_kmh=speed.get("threshold"),
        margin_kmh=speed.get("margin"),
        chargeable=chargeable,
        reason=content.get("reason", ""),
        plate=None,
        plate_state=word(PlateState, content.get("plate_state", 0)),
        because=because,
        says=of_violation(offence, word(VehicleClass, vehicle), because, chargeable, content.get("reason", "")),
        recorded_at=recorded_at,
        space=space,
        standing=standing(chargeable, content.get("reason", "")),
    )


def violations_by_id(connection: Connection, index: CityIndex, ids: Iterable[UUID]) -> dict[UUID, ViolationItem]:
    """The current revisions of these violations."""
    rows = connection.execute(SQL["violations_by_id"], {"ids": list(ids)})
    return {row[1]: violation_item(row, index) for row in rows}


def alarm_items(connection: Connection, index: CityIndex, rows: Iterable[Row]) -> tuple[AlarmItem, ...]:
    """Items of rows of `read_findings.alarms`, with what people have done about them."""
    items = [_alarm_item(row, index) for row in rows]
    if not items:
        return ()
    handled = _handling(connection, [item.id for item in items])
    return tuple(replace(item, handling=handled.get(item.id)) for item in items)


def alarms_by_id(connection: Connection, index: CityIndex, ids: Iterable[UUID]) -> dict[UUID, AlarmItem]:
    """The current revisions of these alarms."""
    rows = connection.execute(SQL["alarms_by_id"], {"ids": list(ids)}).fetchall()
    return {item.id: item for item in alarm_items(connection, index, rows)}


def _alarm_item(row: Row, index: CityIndex) -> AlarmItem:
    (id, revision, kind, subject, no, zone, priority, condition, onset_at, changed_at, content, city, space) = row
    response = index.response(city, kind)
    because: Content = content.get("because") or {}
    return AlarmItem(
        id=id,
        revision=revision,
        kind=kind,
        rule=content.get("rule", ""),
        rule_version=content.get("rule_version", 0),
        subject=subject,
        device=index.place(no).id if no > 0 else None,
        zone=zone,
        priority=word(Priority, priority),
        condition=condition,
        onset_at=onset_at,
        changed_at=changed_at,
        because=because,
        says=of_alarm(kind, condition, because, index.cities.get(city)),
        response=msgspec.structs.asdict(response) if response else None,
        handling=None,
        space=space,
    )


def _handling(connection: Connection, ids: list[UUID]) -> dict[UUID, Content]:
    """The entries of each alarm folded into how it stands: the last word on each point counts. What was acknowledged
    before the alarm began again is to be acknowledged anew."""
    handled: dict[UUID, Content] = {}
    for alarm, at, made_by, action, shelved_until_at, assigned_to, note, again_at in connection.execute(
        SQL["handling"], {"ids": ids}
    ):
        state = handled.setdefault(
            alarm,
            {
                "acknowledged_by": None,
                "acknowledged_at": None,
                "shelved_until": None,
                "assigned_to": None,
                "note": "",
                "changed_by": made_by,
                "changed_at": at,
            },
        )
        state |= {"changed_by": made_by, "changed_at": at, "note": note or state["note"]}
        if action == "acknowledge" and (again_at is None or at >= again_at):
            state |= {"acknowledged_by": made_by, "acknowledged_at": at}
        elif action in ("shelve", "unshelve"):
            state["shelved_until"] = shelved_until_at
        elif action == "assign":
            state["assigned_to"] = assigned_to
    return handled
