"""Whether a city that was just started is live: the page answers, and the pipeline has written since."""

import time
import urllib.error
import urllib.request
from contextlib import closing
from typing import Final

from app import wiring
from app.services.child import ServiceFailed
from app.settings import Settings
from contracts.errors import StorageUnavailable
from storage.standing import Standing

WITHIN_S: Final = 60.0
"""A cold machine compiles nothing at this point; what is not up by then has failed."""
PAUSE_S: Final = 0.05
"""Neither of the two tells us when it is ready; asking twenty times a second costs nothing."""
ANSWER_S: Final = 2.0


def await_live(settings: Settings, url: str) -> None:
    """Return when page and pipeline are up.

    Raises:
        ServiceFailed: one of them is not up in time; the message names it and its log.
    """
    started_us = wiring.clock_us()
    deadline_s = time.monotonic() + WITHIN_S
    with closing(Standing(wiring.database_dsn(settings, "pipeline"))) as standing:
        while not (answers := _answers(url)) or not _writes(standing, settings, started_us):
            if time.monotonic() > deadline_s:
                slow = "pipeline" if answers else "api"
                raise ServiceFailed(f"the {slow} is not up after {WITHIN_S:.0f} s; see {settings.data}/logs/{slow}.log")
            time.sleep(PAUSE_S)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/health", timeout=ANSWER_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _writes(standing: Standing, settings: Settings, since_us: int) -> bool:
    try:
        last_us = standing.last_time_us(settings.pipeline.shard)
    except StorageUnavailable:
        return False
    return last_us is not None and last_us >= since_us
