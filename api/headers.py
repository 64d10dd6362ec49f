"""Two small ASGI layers around the whole app: security headers on every answer, a bound on every request body.

Plain ASGI, because wrapping responses would hold back the live stream.
"""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

BODY_BYTES_MAX: Final = 64 * 1024
"""The largest body anybody sends us is a sign-in; nothing is uploaded here."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self' blob:",  # MapLibre starts its worker from a blob
        "child-src blob:",  # the same for browsers without worker-src
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # markers are placed with style attributes; no style sheet may be injected
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HSTS: Final = "max-age=31536000"
"""Only behind HTTPS: on plain HTTP browsers ignore it."""


class SecurityHeaders:
    """Adds the headers above, and `no-store` where a route says nothing about caching."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self._app = app
        self._extra = {"strict-transport-security": HSTS} if https else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (SECURITY | self._extra).items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Answers 413 to a body above the bound, by its announced length or as it comes.

    `except_for`: paths that bound what they read themselves, and first ask who sends it.
    """

    def __init__(self, app: ASGIApp, except_for: frozenset[str] = frozenset()) -> None:
        self._app, self._except_for = app, except_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._except_for:
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > BODY_BYTES_MAX:
            await _refuse(scope, receive, send)
            return
        body, more = b"", scope["method"] not in ("GET", "HEAD", "OPTIONS")
        while more:
            message = await receive()
            more = message.get("more_body", False)
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > BODY_BYTES_MAX:
                await _refuse(scope, receive, send)
                return
        await self._app(scope, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever else comes (a disconnect)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"a request body has at most {BODY_BYTES_MAX} bytes here"
    await problem(413, detail, {"Connection": "close"})(scope, receive, send)
