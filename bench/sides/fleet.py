"""Phuket's own devices, one MQTT client each, for a bench: `python -m bench.sides.fleet URL CA CITY PASSWORD`.

`CITY` is a file of the city as JSON; the devices without a `~` in their name speak, the others are copies for load.
Every few seconds a line of JSON says how many messages they have said and how many they keep until they are settled.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import msgspec

from app.stopping import stop_event
from contracts.city_forms import decode
from simulators.fleet import FleetReport, run_fleet

SEED = 2566


def main(url: str, ca: str, city_file: str, password: str) -> None:
    """Speak until told to stop."""
    city = decode(Path(city_file).read_bytes())
    own = msgspec.structs.replace(city, devices=tuple(device for device in city.devices if "~" not in device.id))
    run_fleet(own, url, lambda _device: password, SEED, stop=stop_event(), report=_tell, ca=Path(ca) if ca else None)


def _tell(report: FleetReport) -> None:
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:5])
