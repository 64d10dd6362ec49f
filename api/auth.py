"""Who asks, and whether they may: a session cookie or a bearer token becomes a principal with one role.

A browser sends a cookie by itself, so a cookie alone proves nothing about who wrote the request: whatever changes
something must also come from our own page. A bearer token is never sent by itself and needs no such proof.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Request

from api.problems import Problem
from api.services import Here, Services
from api.tokens import BadToken, verify
from contracts.answers import Role

COOKIE: Final = "andaman_session"
COOKIE_CHARS_MAX: Final = 128
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
EVERYBODY: Final = tuple(Role)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is signed in. `secret` is the session's, None with a bearer token."""

    name: str
    role: Role
    expires_at: datetime
    secret: str | None = None


def principal(request: Request, here: Here) -> Principal:
    """Whoever sent the request.

    Raises:
        Problem: 401 for nobody, 403 for a write that another site may have sent.
    """
    header = request.headers.get("authorization")
    if header is not None:
        return _bearer(header, here)
    secret = request.cookies.get(COOKIE)
    if not secret or len(secret) > COOKIE_CHARS_MAX or not secret.isascii():
        raise _unknown("sign in at / or send a bearer token (`andaman token --role ROLE` prints one)")
    session = here.desk.session(secret)
    if session is None:
        raise _unknown("the session has ended; sign in again")
    if request.method not in SAFE_METHODS:
        check_same_origin(request, must_prove=True)
    return Principal(session.name, session.role, session.expires_at, secret)


SignedIn = Annotated[Principal, Depends(principal)]


def allow(*roles: Role) -> Callable[[Principal], Principal]:
    """A dependency that lets these roles pass."""

    def check(who: SignedIn) -> Principal:
        if who.role not in roles:
            wanted = ", ".join(roles)
            raise Problem(403, f"this needs the role {wanted}; you are signed in as {who.role}")
        return who

    return check


def still_good(who: Principal, here: Services) -> bool:
    """Whether somebody who opened a stream is still signed in with the same role."""
    if who.secret is None:
        return here.clock() < who.expires_at
    session = here.desk.session(who.secret)
    return session is not None and session.role == who.role


def check_same_origin(request: Request, must_prove: bool) -> None:
    """Refuse a request that a browser sent for another site (`Sec-Fetch-Site`, else `Origin` against `Host`).

    Raises:
        Problem: 403, also where neither header is there and `must_prove` is set.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        good = site == "same-origin"
    elif origin is not None:
        host = request.headers.get("host")
        good = origin in (f"http://{host}", f"https://{host}")
    else:
        good = not must_prove
    if not good:
        raise Problem(403, "this did not come from our own page; other programs use a bearer token instead of a cookie")


def _bearer(header: str, here: Services) -> Principal:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise _unknown("the Authorization header must be `Bearer TOKEN`; `andaman token --role ROLE` prints one")
    try:
        claims = verify(here.settings.token_secret, token.strip(), here.clock().timestamp())
    except BadToken as problem:
        raise _unknown(str(problem)) from problem
    return Principal(claims.name, claims.role, datetime.fromtimestamp(claims.expires_s, UTC))


def _unknown(detail: str) -> Problem:
    return Problem(401, detail, {"WWW-Authenticate": 'Bearer realm="andaman"'})
