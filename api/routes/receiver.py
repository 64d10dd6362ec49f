"""Where devices post that speak HTTP: cameras that read plates. Not for people; see docs/device-families.md."""

from typing import Final

from fastapi import APIRouter, Request, Response

from api import rendering
from api.problems import Problem, problem
from api.receiver import Unproven
from api.services import Here

PATH: Final = "/receiver"

router = APIRouter(tags=["receiver"], include_in_schema=False)


@router.post(PATH)
async def receive(request: Request, here: Here) -> Response:
    """Take one event. 200 once it is safe; 401 with digest and basic; 503: send it again.

    Asynchronous, unlike all routes but the live feed: who it is must be known before the body is read.
    """
    receiver = here.receiver
    if receiver is None:
        raise Problem(404, "nothing is received here: no broker is known")
    try:
        await receiver.receive(request)
    except Unproven as unproven:
        refused = problem(401, "say which device you are: digest or basic, by its id and its password")
        for challenge in receiver.credentials.challenges(unproven.stale):
            refused.headers.append("www-authenticate", challenge)
        return refused
    return rendering.json({"status": "received"})
