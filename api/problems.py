"""Errors as people and programs get them: RFC 9457 `application/problem+json` with type, title, status and detail.

A detail says what is wrong, where, and what to do. What nobody foresaw becomes a 500 that says nothing about the
inside; the log has the rest.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import StorageError, StorageUnavailable, VaultError

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "about:blank"
"""RFC 9457, section 4.2.1: the problem has no meaning beyond its HTTP status; `detail` has the rest."""
RETRY_AFTER_S: Final = 2
"""A database that restarts is back within a few seconds."""
SHOWN_PROBLEMS_MAX: Final = 5
"""Wrong parameters named in one answer."""


class Problem(Exception):
    """An error on purpose, with the status that says whose it is."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The response of a problem."""
    body = {"type": TYPE, "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Turn every error of an app into a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(StorageUnavailable, _on_unavailable)
    for ours in (StorageError, VaultError):
        app.add_exception_handler(ours, _on_bug)
    app.add_middleware(LastResort)


class LastResort:
    """Makes a problem of what nobody foresaw. A middleware, so that its answer carries the security headers, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            if started or scope["type"] != "http":
                raise  # half an answer is out: the server cuts it off, and the reader sees that it is not whole
            await _on_bug(Request(scope), error)(scope, receive, send)


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem(error.status, error.detail, error.headers)


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {
        404: "there is nothing at this address; the list of addresses is at /api/v1/openapi.json",
        405: "this address does not know the method; the Allow header names those it knows",
    }
    return problem(error.status_code, details.get(error.status_code, str(error.detail)), error.headers)


def _on_invalid(request: Request, error: Exception) -> Response:
    """What was wrong where, without the value: it may be a password."""
    assert isinstance(error, RequestValidationError)
    parts = [f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in error.errors()]
    more = len(parts) - SHOWN_PROBLEMS_MAX
    # A name that a body made up may hold what has no UTF-8.
    parts = [part.encode(errors="replace").decode() for part in parts]
    text = "; ".join(parts[:SHOWN_PROBLEMS_MAX]) + (f"; and {more} more" if more > 0 else "")
    return problem(422, f"{text}. The parameters are described in docs/api.md and /api/v1/openapi.json"[:2000])


def _on_unavailable(request: Request, error: Exception) -> Response:
    log.warning("the database is away: %s", error)
    detail = "the database cannot be reached just now; try again in a moment"
    return problem(503, detail, {"Retry-After": str(RETRY_AFTER_S)})


def _on_bug(request: Request, error: Exception) -> Response:
    log.error("%s %r failed", request.method, request.scope["path"], exc_info=error)
    return problem(500, "something went wrong on our side; the log of the API says what")
