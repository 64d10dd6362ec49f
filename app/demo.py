"""What makes a first start worth looking at: people to sign in as, a past, and a word on what to try."""

from typing import Final

from app import wiring
from app.jobs import enqueue
from app.services.broker import Broker
from app.services.listeners import CA_FILE
from app.services.secret_file import passwords_for
from app.settings import Settings
from contracts.city import City
from storage.desk import DatabaseDesk
from storage.pool import Pool

PEOPLE: Final = ("operator", "police", "developer", "admin")
"""One demo account a role, named like it."""
PAST_SHARD: Final = 1
"""The shard of the made past, beside the live one."""
PASSWORD_CHARS: Final = 16
"""Of the random letters that are made: 96 bits."""


def passwords(settings: Settings) -> dict[str, str]:
    """The demo accounts' passwords: made on the first start, never the same on two machines."""
    made = passwords_for(PEOPLE, settings.data / "demo-accounts.json")
    return {name: password[:PASSWORD_CHARS] for name, password in made.items()}


def make_people(settings: Settings) -> None:
    """Make the demo accounts where they are missing."""
    pool = Pool(wiring.database_dsn(settings, "api"), "demo")
    try:
        desk = DatabaseDesk(pool)
        known = {account.name for account in desk.users()}
        for name, password in passwords(settings).items():
            if name not in known:
                desk.add_user(name, name, password)
    finally:
        pool.close()


def ask_for_past(settings: Settings, city: City) -> None:
    """On the first start, have a past made in the background."""
    args = {"shard": PAST_SHARD, "city": city.id, "seed": settings.simulator.seed}
    enqueue(wiring.database_dsn(settings, "worker"), "past", args, "first start", once=True)


def welcome(settings: Settings, city: City, url: str) -> str:
    """What a person reads once the city runs."""
    people = "\n".join(f"    {name:10} {password}" for name, password in passwords(settings).items())
    camera = next((each for each in city.devices if {"speed", "plate"} <= set(each.functions)), city.devices[0])
    lane, direction = (
        (camera.lanes_forward or camera.lanes_backward or (1,))[0],
        "forward" if camera.lanes_forward else "backward",
    )
    return f"""
Andaman is live at {url}

  Sign in as
{people}

  Try: a car at 131 km/h past camera {camera.call_sign}, as the camera would say it
    .venv/bin/andaman publish {camera.id} passage '{{"lane": {lane}, "direction": "{direction}", "class": "car",
      "speed_kmh": 131, "plates": [{{"text": "1กข 1234", "province": "TH-83", "confidence": 0.97}}]}}'
  and see what became of it
    curl -s -H "Authorization: Bearer $(.venv/bin/andaman token --role police)" "{url}/api/v1/violations?limit=1"

{_field(settings)}  Logs: {settings.data / "logs"}    Stop: Ctrl-C
"""


def _field(settings: Settings) -> str:
    """Where devices connect, and what they verify it with; nothing where the broker is somebody else's."""
    if settings.mqtt_url:
        return ""
    own = settings.broker.has_own_certificate
    ca = "your certificate's CA" if own else settings.data / CA_FILE
    return f"  Devices connect to {Broker(settings.data).field_url} and verify it with {ca} (docs/devices.md)\n"
