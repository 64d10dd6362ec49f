"""Whether a city that was just started is live: the page answers, and the pipeline has written since."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from app import wiring
from app.services.child import ServiceFailed
from app.services.logfile import tail
from app.services.supervisor import Service
from app.settings import Settings
from app.setup.progress import say
from contracts.errors import StorageUnavailable
from storage.standing import Standing

STILL_S: Final = 30.0
"""So often whoever waits is told for what: after an update a log is folded anew, and one of weeks takes minutes."""
PAUSE_S: Final = 0.05
"""Neither of the two tells us when it is ready; asking twenty times a second costs nothing."""
ANSWER_S: Final = 2.0
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Our own address is asked without the proxy that this machine may need for others."""


def await_live(
    settings: Settings, url: str, services: Mapping[str, Service], tell: Callable[[str], None] = say
) -> None:
    """Return when page and pipeline are up. `services`: those two, as `api` and `pipeline`.

    Raises:
        ServiceFailed: one of them has ended; the message names it and shows the end of its log.
    """
    started_us = wiring.clock_us()
    tell_at_s = time.monotonic() + STILL_S
    with closing(Standing(wiring.database_dsn(settings, "pipeline"))) as standing:
        while not (answers := _answers(url)) or not _writes(standing, settings, started_us):
            for name, service in services.items():
                if (status := service.poll()) is not None:
                    log = service.log
                    raise ServiceFailed(f"{name} ended with status {status} (log: {log})\n{tail(log, lines=5)}")
            if time.monotonic() > tell_at_s:
                slow = "pipeline" if answers else "api"
                tell(f"  waiting for the {slow}; what it does stands in {services[slow].log}")
                tell_at_s += STILL_S
            time.sleep(PAUSE_S)


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(f"{url}/api/v1/health", timeout=ANSWER_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _writes(standing: Standing, settings: Settings, since_us: int) -> bool:
    try:
        last_us = standing.last_time_us(settings.pipeline.shard)
    except StorageUnavailable:
        return False
    return last_us is not None and last_us >= since_us
