"""Commands that run until they are told to stop: pipeline, worker, API, simulators."""

import argparse
import os
import socket
import sys
from typing import Final

from api.main import create_app
from api.serve import BACKLOG, ApiServer
from api.settings import ApiSettings
from app import accounts, logs, wiring
from app.services.broker import Broker
from app.services.ports import choose_port, require_port
from app.settings import Settings
from app.stopping import stop_event
from contracts.errors import ConfigError
from contracts.jit import warm_up
from simulators.fleet import run_fleet
from storage.desk import DatabaseDesk
from storage.live_source import DatabaseLiveSource
from storage.pool import Pool
from storage.reader import DatabaseReader

HTTP_PORT: Final = 8000
NICENESS: Final = 10
"""Jobs give way to what is live."""


def pipeline(settings: Settings, given: argparse.Namespace) -> None:
    """Run the pipeline of one shard."""
    logs.set_up(settings.log_level)
    stop = stop_event()
    made = wiring.pipeline(settings)
    warm_up()
    made.run(stop)


def worker(settings: Settings, given: argparse.Namespace) -> None:
    """Carry out jobs."""
    logs.set_up(settings.log_level)
    os.nice(NICENESS)
    stop = stop_event()
    wiring.worker(settings).run(stop)


def simulate(settings: Settings, given: argparse.Namespace) -> None:
    """Let the simulated devices speak."""
    if settings.pipeline.space != "simulated":
        problem = "simulated devices never speak to a real city: set it to simulated, for the pipeline alike"
        raise ConfigError("pipeline.space", settings.pipeline.space, problem)
    logs.set_up(settings.log_level)
    city = wiring.city_in_force(settings)
    secrets = accounts.PasswordBook(settings.data, (device.id for device in city.devices))
    url = settings.mqtt_url or Broker(settings.data).url
    truth = settings.data / "truth.jsonl"
    world, ca = wiring.world(settings), wiring.mqtt_ca(settings)
    run_fleet(city, url, secrets, settings.simulator.seed, stop=stop_event(), truth=truth, world=world, ca=ca)


def api(settings: Settings, given: argparse.Namespace) -> None:
    """Serve the API and the page."""
    logs.set_up(settings.log_level)
    http = settings.http
    port = require_port(http.port, "http.port", http.host) if http.port else choose_port(HTTP_PORT, http.host)
    dsn = wiring.database_dsn(settings, "api")
    pool = Pool(dsn, "api")
    desk = DatabaseDesk(pool)
    api_settings = ApiSettings(
        wiring.token_secret(settings), settings.cities, wiring.console_folder(), cookie_secure=http.secure
    )
    reader, source = DatabaseReader(pool, wiring.vault(settings)), DatabaseLiveSource(dsn, pool)
    mailroom = wiring.mailroom(settings, reader.city)
    app = create_app(api_settings, reader, desk, source, desk, wiring.onboarding(settings, pool), mailroom=mailroom)
    with socket.create_server((http.host, port), backlog=BACKLOG) as listening:
        sys.stderr.write(f"serving http://{http.host}:{port}\n")
        ApiServer(app, http.host, port, http.proxy).run([listening])
    mailroom.close()
    pool.close()
