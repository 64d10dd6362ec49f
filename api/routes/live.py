"""The live stream as Server-Sent Events."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from api.auth import EVERYBODY, Principal, allow, still_good
from api.live import KINDS, parse_id
from api.problems import Problem
from api.schemas import LiveFilter
from api.services import Here
from contracts.answers import Role

router = APIRouter(tags=["live"])

Listener = Annotated[Principal, Depends(allow(*EVERYBODY))]
LAST_ID_CHARS_MAX = 2000


@router.get("/live", response_class=Response)
def live(
    who: Listener,
    here: Here,
    filter: Annotated[LiveFilter, Query()],
    last_event_id: Annotated[str | None, Header(max_length=LAST_ID_CHARS_MAX)] = None,
) -> Response:
    """Follow what happens; `Last-Event-ID` takes a stream up where it ended, without a gap."""
    kinds = _kinds(filter.kinds, who.role)
    if here.live.full:
        raise Problem(503, "too many live readers just now; try again in a moment", {"Retry-After": "5"})
    position = parse_id(last_event_id) if last_event_id else None
    if last_event_id and (position is None or not here.live.resumable(position)):
        raise Problem(410, "what came after this Last-Event-ID is gone; fetch the lists again and begin a new stream")
    return here.live.response(position, kinds, partial(still_good, who, here))


def _kinds(asked: str | None, role: Role) -> frozenset[str]:
    """What the role may see of what was asked for."""
    known = frozenset().union(*KINDS.values())
    wanted = frozenset(asked.split(",")) if asked is not None else known
    if not wanted <= known:
        raise Problem(422, f"query.kinds: no such kind; a comma-separated list of {', '.join(sorted(known))}")
    seen = wanted & KINDS[role]
    if not seen:
        raise Problem(403, f"the role {role} sees {', '.join(sorted(KINDS[role]))} on the live stream")
    return seen
