"""Alarms with the response that the city has written down for their kind, and what people do about them."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api import cursors, rendering
from api.auth import Principal, allow
from api.problems import Problem
from api.rendering import ItemsPage
from api.schemas import AlarmFilter, HandlingBody
from api.services import Here, Services
from contracts.answers import AlarmItem, AlarmQuery, AuditEntry, Content, Handling, Role

router = APIRouter(tags=["alarms"])

Operator = Annotated[Principal, Depends(allow(Role.OPERATOR, Role.ADMIN))]

SHELVED_MAX: Final = timedelta(hours=24)
"""A shelved alarm comes back by itself, at the latest when everybody who knew why has had their shift."""
REASON_CHARS_MIN: Final = 5
"""Shelving hides an alarm from others: they must be able to read why."""


@router.get("/alarms", response_model=ItemsPage[AlarmItem])
def alarms(who: Operator, here: Here, filter: Annotated[AlarmFilter, Query()]) -> Response:
    """Alarms whose episode touches the range, the latest onset first."""
    if filter.from_at and filter.to_at and filter.from_at >= filter.to_at:
        raise Problem(422, "query.from, query.to: the range is empty; `to` must lie after `from`")
    after = cursors.read_spot(filter.cursor)
    query = AlarmQuery(filter.limit, filter.condition, filter.zone, filter.kind, filter.from_at, filter.to_at, after)
    page = here.reader.alarms(query)
    last = page.items[-1] if page.more else None
    return rendering.json(ItemsPage(page.items, cursors.write((last.onset_at, last.id)) if last else None))


@router.post("/alarms/{alarm}/handling", response_model=AlarmItem)
def handle(alarm: UUID, body: HandlingBody, who: Operator, here: Here) -> Response:
    """Acknowledge, shelve, unshelve, assign or comment on an alarm; the answer is the alarm as it stands then."""
    found = here.reader.alarm(alarm)
    if found is None:
        raise Problem(404, f"there is no alarm {alarm}; GET /api/v1/alarms lists them")
    handling = _checked(here, body)
    _check_state(here, body, found.handling or {})
    detail: Content = {"kind": found.kind, "subject": found.subject, "revision": found.revision}
    if handling.shelved_until is not None:
        detail["until"] = handling.shelved_until.isoformat()
    if body.action == "assign":
        detail["to"] = handling.assigned_to
    entry = AuditEntry(who.name, who.role, f"alarm_{body.action}", str(alarm), handling.note, "", detail)
    here.desk.handle(alarm, handling, entry)
    return rendering.json(here.reader.alarm(alarm))


def _checked(here: Services, body: HandlingBody) -> Handling:
    """The body as a handling.

    Raises:
        Problem: 422 names what the action needs, or must not have.
    """
    if (body.until is not None) != (body.action == "shelve"):
        raise Problem(422, "body.until: shelving needs it, and no other action has it")
    if (body.to is not None) != (body.action == "assign"):
        raise Problem(422, "body.to: assigning needs it (empty: nobody), and no other action has it")
    if body.action == "shelve" and len(body.note) < REASON_CHARS_MIN:
        raise Problem(422, f"body.note: say in at least {REASON_CHARS_MIN} characters why it is shelved")
    if body.action == "note" and not body.note:
        raise Problem(422, "body.note: there is nothing in it")
    if body.until is not None:
        left = body.until - here.clock()
        if not timedelta(0) < left <= SHELVED_MAX:
            raise Problem(422, f"body.until: within the next {SHELVED_MAX.total_seconds() / 3600:g} hours")
    if body.to and not here.desk.may_handle(body.to):
        raise Problem(422, "body.to: there is no such operator; an account that may sign in and handle alarms")
    return Handling(body.action, body.note, body.until, body.to or "")


def _check_state(here: Services, body: HandlingBody, handled: Content) -> None:
    """Refuse what was done already: the second of two people is told of the first."""
    if body.action == "acknowledge" and handled.get("acknowledged_by"):
        raise Problem(409, f"{handled['acknowledged_by']} has acknowledged it already")
    shelved_until = handled.get("shelved_until")
    if body.action == "unshelve" and (shelved_until is None or shelved_until <= here.clock()):
        raise Problem(409, "it is not shelved")
