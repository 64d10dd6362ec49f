"""Commands about the city's data: between its files and the versions in the database."""

import argparse
import difflib
import json
import sys
from pathlib import Path

import msgspec

from app import wiring
from app.settings import Settings
from contracts.city import City
from contracts.city_forms import encode
from storage.cities import Cities

SHOWN = 8
"""Names in one line."""


def city(settings: Settings, given: argparse.Namespace) -> int:
    """Import, export or compare."""
    folder = Path(given.folder) if given.folder else settings.cities / settings.city
    if given.action == "import" and given.if_missing and _store(settings).newest(settings.city) is not None:
        sys.stderr.write(f"{settings.city}: in the database already, left as it is\n")
        return 0
    return {"import": _import, "export": _export, "diff": _diff}[given.action](settings, folder)


def _store(settings: Settings) -> Cities:
    return Cities(wiring.database_dsn(settings, "api"))


def _import(settings: Settings, folder: Path) -> int:
    """A new version of the files' content, unless nothing changed."""
    store, files = _store(settings), wiring.city_files(folder)
    before = store.newest(settings.city)
    made = store.add(files, "andaman city import")
    sys.stderr.write(f"{made.id}: version {made.version}, {len(made.devices)} devices\n")
    here = {device.id for device in made.devices}
    gone = [device.id for device in before.devices if device.id not in here] if before else []
    if gone:
        # What was added or adopted while the city ran is in no file until somebody writes it there.
        some = ", ".join(gone[:SHOWN]) + (", ..." if len(gone) > SHOWN else "")
        sys.stderr.write(f"  {len(gone)} devices were in force and are not in these files, so they left: {some}\n")
    return 0


def _export(settings: Settings, folder: Path) -> int:
    """The version in force, as JSON."""
    content = json.loads(encode(wiring.city_in_force(settings)))
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return 0


def _diff(settings: Settings, folder: Path) -> int:
    """What the files would change; exit status 1 where they would."""
    theirs = _lines(wiring.city_files(folder))
    ours = _lines(wiring.city_in_force(settings))
    changed = list(difflib.unified_diff(ours, theirs, "in force", str(folder), n=1, lineterm=""))
    sys.stdout.writelines(f"{line}\n" for line in changed)
    return 1 if changed else 0


def _lines(city: City) -> list[str]:
    """A city in lines, without what the database alone gives: numbers and the version."""
    devices = tuple(msgspec.structs.replace(device, no=0) for device in city.devices)
    plain = msgspec.structs.replace(city, devices=devices, version=0)
    return json.dumps(json.loads(encode(plain)), ensure_ascii=False, indent=1, sort_keys=True).splitlines()
