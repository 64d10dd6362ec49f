"""`andaman up`: the whole city as children of one supervisor."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from app import accounts, demo, liveness, logs, wiring
from app.cli import FENCED
from app.services.broker import Broker
from app.services.database import Database
from app.services.ports import choose_port, require_port
from app.services.supervisor import Service, Supervisor
from app.settings import Settings
from app.setup.progress import say
from contracts.city import City
from contracts.errors import ConfigError
from storage.cities import Cities
from storage.credentials import AccountSource
from storage.migrate import migrate
from storage.standing import Standing

HTTP_PORT = 8000
DAY_S = 86_400.0
ANDAMAN = Path(sys.executable).with_name("andaman")


def run(settings: Settings, given: argparse.Namespace) -> int:
    """Servers first, then schema and city, then everything that lives on them."""
    logs.set_up("WARNING")
    http = settings.http
    port = require_port(http.port, "http.port", http.host) if http.port else choose_port(HTTP_PORT, http.host)
    with Supervisor(settings.data / "logs") as house:
        if not settings.database_url:
            house.add("database", Database(settings.data))
        broker = None if settings.mqtt_url else Broker(settings.data, settings=settings.broker)
        if broker is not None:
            house.add("broker", broker)
            house.every(DAY_S, broker.renew)
        space = "live" if given.no_simulators else "simulated"
        city, is_first = _prepare(settings, broker, space)
        if not given.no_history:
            demo.ask_for_past(settings, city)
        simulators = ["simulate"] if space == "simulated" else []
        environment = _environment(settings, port, space)
        running = _start(house, ["pipeline", "api", "worker", *([] if is_first else simulators)], environment)
        if broker is not None:
            house.add("accounts", [ANDAMAN, "broker-accounts", "--follow"], environment=environment)
        url = f"http://{http.host}:{port}"
        liveness.await_live(settings, url, {name: running[name] for name in ("pipeline", "api")})
        if is_first:
            # Before the pipeline has subscribed the broker keeps nothing for it: what devices said then they would say
            # again half a minute later, when they miss their mark.
            _start(house, simulators, environment)
        say(demo.welcome(settings, city, url))
        return house.run()
    return 0


def _prepare(settings: Settings, broker: Broker | None, space: str) -> tuple[City, bool]:
    """Schema, city, accounts; the city, and whether no pipeline has ever written of it.

    Raises:
        ConfigError: the data are of another space than what is to be started.
    """
    owner = wiring.database_dsn(settings, "owner")
    for line in migrate(owner):
        say(f"  {line}")
    with closing(Standing(owner)) as standing:
        held = standing.space_of(settings.pipeline.shard)
    if held not in (None, space):
        problem = f"holds a {held} city; simulated and real devices never share one. Name another: ANDAMAN_DATA_DIR=..."
        raise ConfigError("data_dir", str(settings.data), problem)
    store = Cities(owner)
    city = store.newest(settings.city) or store.add(wiring.city_files(settings.cities / settings.city), "first start")
    if broker is not None:
        with closing(AccountSource(owner, settings.city)) as source:
            accounts.give_accounts(broker, settings.data, city, source.credentials())
    demo.make_people(settings)
    return city, held is None


def _environment(settings: Settings, port: int, space: str) -> dict[str, str]:
    """What our own processes are told; where the servers are they find in the data folder."""
    return {
        "ANDAMAN_DATA_DIR": str(settings.data),
        "ANDAMAN_CITY": settings.city,
        "ANDAMAN_HTTP_HOST": settings.http.host,
        "ANDAMAN_HTTP_PORT": str(port),
        "ANDAMAN_PIPELINE_SPACE": space,
    }


def _start(house: Supervisor, names: Sequence[str], environment: Mapping[str, str]) -> dict[str, Service]:
    """Commands of ours, each a process of its own."""
    return {
        name: house.add(name, [ANDAMAN, name], environment=environment, final=frozenset({FENCED})) for name in names
    }
