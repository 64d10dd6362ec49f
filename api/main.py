"""`create_app`: the whole API from its settings and ports. Routes are plain functions; only the live feed is async.

Open to everybody: `/api/v1/health`, `/api/v1/ready`, the sign-in itself and the files of the page.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, Depends, FastAPI, Response
from starlette.concurrency import run_in_threadpool

from api import console, problems, rendering
from api.auth import EVERYBODY, allow
from api.basemap import Basemaps
from api.headers import BodyLimit, SecurityHeaders
from api.live import LiveFeed
from api.receiver import Receiver
from api.routes import alarms, cities, devices, health, jobs, live, receiver, rejections, session, violations
from api.routes import onboarding as onboarding_routes
from api.services import Services, wall_clock
from api.settings import ApiSettings
from api.throttle import Throttle
from contracts import asyncapi
from contracts.ports import Clock, Desk, Jobs, LiveSource, Onboarding, Reader
from contracts.receiving import Mailroom

PREFIX: Final = "/api/v1"
ROUTES: Final = (
    health.router,
    session.router,
    cities.router,
    devices.router,
    violations.router,
    alarms.router,
    jobs.router,
    rejections.router,
    onboarding_routes.router,
    live.router,
    receiver.router,
)


def create_app(
    settings: ApiSettings,
    reader: Reader,
    desk: Desk,
    live_source: LiveSource,
    jobs_desk: Jobs,
    onboarding: Onboarding,
    clock: Clock = wall_clock,
    mailroom: Mailroom | None = None,
) -> FastAPI:
    """The API. It starts the live source with itself and stops it at its end; the other ports belong to the caller.
    `mailroom`: for devices that post; without it nothing is received."""
    feed = LiveFeed(live_source, settings.heartbeat_s, settings.stalled_s, settings.subscribers_max)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(feed.start)
        try:
            yield
        finally:
            feed.close()
            await run_in_threadpool(feed.stop)

    app = FastAPI(
        title="Andaman",
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = Services(
        settings,
        reader,
        desk,
        feed,
        jobs_desk,
        onboarding,
        Throttle(),
        Basemaps(settings.cities_dir),
        clock,
        Receiver(mailroom) if mailroom is not None else None,
    )
    problems.install(app)
    for router in ROUTES:
        app.include_router(router, prefix=PREFIX)
    app.include_router(_descriptions(app), prefix=PREFIX)
    app.include_router(health.metrics_router)
    if settings.console_dir is not None:
        app.mount("/", console.page(settings.console_dir))
    app.add_middleware(BodyLimit, except_for=frozenset({f"{PREFIX}{receiver.PATH}"}))
    app.add_middleware(SecurityHeaders, https=settings.cookie_secure)
    return app


def _descriptions(app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/openapi.json", dependencies=[Depends(allow(*EVERYBODY))])
    def openapi() -> Response:
        """This description."""
        return rendering.json(app.openapi())

    @router.get("/asyncapi.json", dependencies=[Depends(allow(*EVERYBODY))])
    def native_format() -> Response:
        """What devices publish over MQTT, as an AsyncAPI 3 document."""
        return rendering.json(asyncapi.document())

    return router
