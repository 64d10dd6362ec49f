"""What the routes work with, handed over once by `app` and found on the request."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from api.basemap import Basemaps
from api.live import LiveFeed
from api.receiver import Receiver
from api.settings import ApiSettings
from api.throttle import Throttle
from contracts.ports import Clock, Desk, Jobs, Onboarding, Reader


def wall_clock() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Ports and settings of one app."""

    settings: ApiSettings
    reader: Reader
    desk: Desk
    live: LiveFeed
    jobs: Jobs
    onboarding: Onboarding
    throttle: Throttle
    basemaps: Basemaps
    clock: Clock = wall_clock
    receiver: Receiver | None = None


def services(request: Request) -> Services:
    """The services of the app that serves this request."""
    found: Services = request.app.state.services
    return found


Here = Annotated[Services, Depends(services)]
