"""Signing in, who one is, signing out."""

import logging
import math

from fastapi import APIRouter, Depends, Request, Response

from api import rendering
from api.auth import COOKIE, SignedIn, check_same_origin
from api.problems import Problem
from api.schemas import Credentials
from api.services import Here
from contracts.answers import AuditEntry

log = logging.getLogger(__name__)
router = APIRouter(prefix="/session", tags=["session"])


def same_origin(request: Request) -> None:
    """No other site may sign a browser in (as somebody else)."""
    check_same_origin(request, must_prove=False)


@router.post("", dependencies=[Depends(same_origin)])
def sign_in(body: Credentials, request: Request, here: Here) -> Response:
    """Check name and password; the answer sets the session cookie."""
    address = request.client.host if request.client else "unknown"
    wait_s = here.throttle.begin(body.username, address)
    if wait_s > 0:
        detail = f"too many wrong passwords; try again in {math.ceil(wait_s)} s"
        raise Problem(429, detail, {"Retry-After": str(math.ceil(wait_s))})
    account = here.desk.check_password(body.username, body.password)
    if account is None:
        # Without the name: people type passwords into the wrong field.
        log.warning("a sign-in from %s was refused", address)
        raise Problem(401, "the name or the password is wrong")
    here.throttle.succeeded(body.username, address)
    lifetime_s = here.settings.session_lifetime_s
    secret = here.desk.open_session(account, lifetime_s)
    here.desk.audit(AuditEntry(account.name, account.role, "sign_in", account.name))
    response = rendering.json({"name": account.name, "role": account.role})
    secure = here.settings.cookie_secure
    response.set_cookie(COOKIE, secret, int(lifetime_s), path="/", secure=secure, httponly=True, samesite="strict")
    return response


@router.get("")
def who(principal: SignedIn) -> Response:
    """Who is signed in, until when."""
    return rendering.json({"name": principal.name, "role": principal.role, "expires_at": principal.expires_at})


@router.delete("", status_code=204)
def sign_out(principal: SignedIn, here: Here) -> Response:
    """End the session; a bearer token ends by itself."""
    if principal.secret is not None:
        here.desk.close_session(principal.secret)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", secure=here.settings.cookie_secure, httponly=True, samesite="strict")
    return response
