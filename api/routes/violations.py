"""Suspected violations: lists, single ones, and a CSV file. Plates are masked until a purpose is stated and audited."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from api import cursors, rendering
from api.auth import Principal, allow
from api.problems import Problem
from api.rendering import ItemsPage
from api.reports import violations_csv
from api.schemas import PAGE_ROWS_MAX, ViolationExport, ViolationFilter, ViolationList, ViolationReveal
from api.services import Here, Services
from contracts.answers import AuditEntry, Page, Role, ViolationItem, ViolationQuery

router = APIRouter(tags=["violations"])

SEE: Final = (Role.OPERATOR, Role.POLICE, Role.ADMIN)
TAKE_AWAY: Final = (Role.POLICE, Role.ADMIN)
REVEAL: Final = (Role.POLICE, Role.ADMIN)
"""Who may have plates revealed; an administrator never sees one without a purpose, not even masked."""

Seer = Annotated[Principal, Depends(allow(*SEE))]
Taker = Annotated[Principal, Depends(allow(*TAKE_AWAY))]


@router.get("/violations", response_model=ItemsPage[ViolationItem])
def violations(who: Seer, here: Here, filter: Annotated[ViolationList, Query()]) -> Response:
    """Suspected violations, the newest first."""
    _check(who, filter.purpose, filter.case, filter)
    query = replace(_query(filter, filter.limit), after=cursors.read_spot(filter.cursor))
    page = _page(here, who, query, filter.purpose, filter.case, "reveal")
    last = page.items[-1] if page.more else None
    return rendering.json(ItemsPage(page.items, cursors.write((last.occurred_at, last.id)) if last else None))


@router.get("/violations.csv", response_class=StreamingResponse)
def export(who: Taker, here: Here, filter: Annotated[ViolationExport, Query()]) -> Response:
    """The same as a CSV file for a spreadsheet, streamed page by page; each page is audited before it is sent."""
    _check(who, filter.purpose, filter.case, filter)
    query = _query(filter, PAGE_ROWS_MAX)
    first = _page(here, who, query, filter.purpose, filter.case, "export")

    def pages() -> violations_csv.Pages:
        page = first
        yield page.items
        while page.more:
            after = (page.items[-1].occurred_at, page.items[-1].id)
            page = _page(here, who, replace(query, after=after), filter.purpose, filter.case, "export")
            yield page.items

    name = f"violations-{here.clock():%Y%m%d-%H%M%S}Z.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(violations_csv.write(pages(), filter.lang), 200, headers, "text/csv; charset=utf-8")


@router.get("/violations/{violation}", response_model=ViolationItem)
def violation(violation: UUID, who: Seer, here: Here, filter: Annotated[ViolationReveal, Query()]) -> Response:
    """One suspected violation with everything that explains it."""
    _check(who, filter.purpose, filter.case)
    found = here.reader.violation(violation, _masked(who, filter.purpose))
    if found is None:
        raise Problem(404, f"there is no violation {violation}; GET /api/v1/violations lists them")
    if filter.purpose:
        found = _reveal(here, who, (found,), filter.purpose, filter.case, "reveal")[0]
    else:
        _audit(here, who, (found,), "", None, "view")  # an operator's look, too: time, place and vehicle are personal
    return rendering.json(found)


def _check(who: Principal, purpose: str | None, case: str | None, filter: ViolationFilter | None = None) -> None:
    if purpose and who.role not in REVEAL:
        raise Problem(403, f"only {' and '.join(REVEAL)} may have plates revealed; leave `purpose` out")
    if case and not purpose:
        raise Problem(422, "query.case: a case needs a purpose; state what the plates are needed for")
    if filter and filter.from_at and filter.to_at and filter.from_at >= filter.to_at:
        raise Problem(422, "query.from, query.to: the range is empty; `to` must lie after `from`")


def _query(filter: ViolationFilter, limit: int) -> ViolationQuery:
    return ViolationQuery(
        limit, filter.from_at, filter.to_at, filter.zone, filter.rule, filter.device, standing=filter.standing
    )


def _masked(who: Principal, purpose: str | None) -> bool:
    return who.role == Role.POLICE and not purpose


def _page(
    here: Services, who: Principal, query: ViolationQuery, purpose: str | None, case: str | None, action: str
) -> Page[ViolationItem]:
    page = here.reader.violations(query, _masked(who, purpose))
    if purpose:
        return Page(_reveal(here, who, page.items, purpose, case, action), page.more)
    if action == "export":
        _audit(here, who, page.items, "", None, action)
    return page


def _reveal(
    here: Services, who: Principal, items: Sequence[ViolationItem], purpose: str, case: str | None, action: str
) -> tuple[ViolationItem, ...]:
    """The items with clear plates: written to the audit log first, opened after."""
    _audit(here, who, items, purpose, case, action)
    plates = here.reader.plates([item.id for item in items if item.plate_state != "none"])
    return tuple(replace(item, plate=plates.get(item.id)) for item in items)


def _audit(
    here: Services, who: Principal, items: Sequence[ViolationItem], purpose: str, case: str | None, action: str
) -> None:
    """One entry a page: it names every violation in it."""
    ids = [str(item.id) for item in items]
    subject = ids[0] if len(ids) == 1 else f"{len(ids)} violations"
    here.desk.audit(AuditEntry(who.name, who.role, action, subject, purpose, case or "", {"violations": ids}))
