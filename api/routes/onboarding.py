"""Unknown devices, and how a device comes into the city and out of it. A password is in one answer and in no other."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Body, Depends, Path, Query, Response

from api import rendering
from api.auth import Principal, allow
from api.problems import Problem
from api.rendering import Items
from api.schemas import AdoptionBody, InvitationBody, ProposalFilter, Slug
from api.services import Here
from contracts.answers import Role
from contracts.errors import ConfigError
from contracts.onboarding import Adoption, AlreadyThere, By, Done, NotThere, Proposal

router = APIRouter(tags=["devices"])

Admin = Annotated[Principal, Depends(allow(Role.ADMIN))]
DeviceId = Annotated[Slug, Path()]
Result = TypeVar("Result")
NO_STORE: Final = {"Cache-Control": "no-store"}
"""A password must not lie in a browser's cache."""


@router.get("/proposals", dependencies=[Depends(allow(Role.DEVELOPER, Role.ADMIN))], response_model=Items[Proposal])
def proposals(here: Here, filter: Annotated[ProposalFilter, Query()]) -> Response:
    """Devices that speak and that the city does not know, the latest first."""
    return rendering.json(Items(here.onboarding.proposals(filter.dismissed)))


@router.post("/proposals/{device}/adopt", status_code=201, response_model=Done)
def adopt(device: DeviceId, body: AdoptionBody, who: Admin, here: Here) -> Response:
    """Put an unknown device into the city as it described itself. It keeps its credential."""
    wanted = Adoption(device, **body.model_dump())
    return _answer(lambda: here.onboarding.adopt(wanted, _by(who)), 201)


@router.post("/proposals/{device}/dismiss", status_code=204)
def dismiss(device: DeviceId, who: Admin, here: Here) -> Response:
    """Hide a proposal until the device says something new."""
    _carried_out(lambda: here.onboarding.dismiss(device, _by(who)))
    return Response(status_code=204)


@router.post("/devices", status_code=201, response_model=Done)
def add(body: Annotated[dict[str, Any], Body()], who: Admin, here: Here) -> Response:
    """Put a device into the city that has not spoken yet, and make its credential. The body is its entry as in the
    city's files; the registry number is given by the city."""
    return _answer(lambda: here.onboarding.add(body, _by(who)), 201)


@router.post("/invitations", status_code=201, response_model=Done)
def invite(body: InvitationBody, who: Admin, here: Here) -> Response:
    """Make the credential of a device that is to describe itself: what it says becomes a proposal."""
    return _answer(lambda: here.onboarding.invite(body.device, body.zone, _by(who)), 201)


@router.post("/devices/{device}/rotate", response_model=Done)
def rotate(device: DeviceId, who: Admin, here: Here) -> Response:
    """Make a device's next credential; the one before is worth nothing any more, and its connection ends."""
    return _answer(lambda: here.onboarding.rotate(device, _by(who)))


@router.post("/devices/{device}/revoke", response_model=Done)
def revoke(device: DeviceId, who: Admin, here: Here) -> Response:
    """Take a device's credential away and end its connection. Its entry and its past stay."""
    return _answer(lambda: here.onboarding.revoke(device, _by(who)))


@router.post("/devices/{device}/remove", response_model=Done)
def remove(device: DeviceId, who: Admin, here: Here) -> Response:
    """Take a device out of the city and its credential away. Its past stays. Refused where other entries of the city
    name it."""
    return _answer(lambda: here.onboarding.remove(device, _by(who)))


def _answer(do: Callable[[], Done], status: int = 200) -> Response:
    answer = rendering.json(_carried_out(do), status)
    answer.headers.update(NO_STORE)
    return answer


def _carried_out(do: Callable[[], Result]) -> Result:
    """What came of it.

    Raises:
        Problem: 404, 409 or 422 with what is wrong.
    """
    try:
        return do()
    except NotThere as problem:
        raise Problem(404, f"{problem}; GET /api/v1/proposals and /api/v1/devices list what there is") from None
    except AlreadyThere as problem:
        raise Problem(409, str(problem)) from None
    except ConfigError as problem:
        raise Problem(422, f"body: {problem}") from None


def _by(who: Principal) -> By:
    return By(who.name, who.role)
