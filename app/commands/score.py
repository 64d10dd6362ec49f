"""`andaman score`: what was found of what was planted."""

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from app import wiring
from app.score.day import Day, Wanted, live_through
from app.score.findings import Findings, read_findings, write_findings
from app.score.kept import kept_findings
from app.score.matching import score as compare
from app.score.table import Bounds, failing, written
from app.score.truth import Truth, parse_truth, read_truth
from app.settings import Settings
from contracts.city import City, numbered
from contracts.clock import HOUR_US, to_datetime, to_us
from contracts.errors import ConfigError
from contracts.jit import warm_up
from simulators.delivery import NO_ERRORS, REALISTIC
from simulators.scale import with_devices
from simulators.world import CLEAN_DAY, REAL_DAY
from storage.pool import Pool
from storage.reader import DatabaseReader

WORLDS: Final = {"none": (CLEAN_DAY, NO_ERRORS), "realistic": (REAL_DAY, REALISTIC)}
SLACK_US: Final = HOUR_US
"""Findings are read from so long before the first planted thing until so long after the last."""


def score(settings: Settings, given: argparse.Namespace) -> int:
    """Make a day, or take the truth of one; compare; exit status 1 below the bounds."""
    if given.truth:
        truth = read_truth(Path(given.truth))
        found = _found(settings, given, truth)
    else:
        day = _day(settings, given)
        truth, found = parse_truth(day.truth), day.found
        _keep(given.save, day)
    bounds = Bounds(given.precision, given.recall, given.list)
    scores = compare(truth, found)
    sys.stdout.write(written(scores, bounds) + "\n")
    return 1 if failing(scores, bounds) else 0


def _day(settings: Settings, given: argparse.Namespace) -> Day:
    city = numbered(wiring.city_files(settings.cities / settings.city))
    if given.devices:
        city = with_devices(city, given.devices)
    from_us = _begin(city, given.day)
    to_us = from_us + round(given.hours * HOUR_US)
    world, errors = WORLDS[given.errors]
    warm_up()
    wanted = Wanted(given.seed, from_us, to_us, round(given.warm_hours * HOUR_US), world, errors)
    day = live_through(city, wanted, _say)
    sys.stderr.write(f"\n{day.records:,} records of {len(city.devices)} devices; the fold took {day.fold_s:.1f} s\n")
    return day


def _begin(city: City, text: str) -> int:
    """The moment that a day, or a day and a time, names in the city's zone."""
    try:
        return to_us(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(city.time_zone)))
    except ValueError as problem:
        raise ConfigError("--day", text, "write it as 2026-11-18 or 2026-11-18T06:00", "command line") from problem


def _found(settings: Settings, given: argparse.Namespace, truth: Truth) -> Findings:
    if given.findings:
        return read_findings(Path(given.findings))
    if not given.database:
        raise ConfigError("TRUTH", given.truth, "say where its findings are: --findings FILE or --database", "command")
    moments = [event_us for one in truth.offences for _device, event_us in one.records]
    moments += [moment for one in truth.faults for moment in (one.from_us, one.to_us)]
    if not moments:
        raise ConfigError("TRUTH", given.truth, "nothing was planted; there is nothing to score", "command line")
    pool = Pool(wiring.database_dsn(settings, "api"), "score")
    try:
        reader = DatabaseReader(pool, wiring.vault(settings))
        begins, ends = to_datetime(min(moments) - SLACK_US), to_datetime(max(moments) + SLACK_US)
        return kept_findings(reader, wiring.city_in_force(settings), begins, ends)
    finally:
        pool.close()


def _keep(folder: str, day: Day) -> None:
    """Write truth and findings, so that they can be looked at and scored again."""
    if folder:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        lines = b"".join(msgspec.json.encode(line) + b"\n" for line in day.truth)
        (path / "truth.jsonl").write_bytes(lines)
        write_findings(path / "findings.json", day.found)


def _say(share: float) -> None:
    sys.stderr.write(f"\r{share:4.0%} of the day")
    sys.stderr.flush()
