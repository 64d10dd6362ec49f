"""The retention job: what has been kept for as long as the city's `retention.toml` says is dropped, keys destroyed.

Below 10 % or 5 GB of free disk it is brought forward: periods are halved until there is room or the least is reached.
Should that not be enough, intake pauses (`app.disk`, asked by the pipeline), with an alarm.
"""

import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import msgspec

from app.disk import Disk
from contracts.clock import to_us
from contracts.errors import ConfigError
from storage.ledger import destroy_days
from storage.retention import TELEMETRY, Retention
from storage.vault import Vault, thai_day

EVERY_S: Final = 3600.0
"""How often the job runs: the finest period is two hours."""
LEAST_DAYS: Final = 7
"""A full disk never takes the last week: recovery, late records and yesterday's work need it."""


class Progress(Protocol):
    """The part of a job that retention needs; `report` raises where it should end."""

    def report(self, progress: float, message: str) -> None: ...

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Periods:
    """How long what is kept, from its receipt on (windows: from their start; late records, as long as readings, from
    their event); a city's `retention.toml` changes it.

    Violations, alarms, what people decided and the audit log are not telemetry: they end with their case.
    """

    passages_days: int = 90
    """Long enough to answer a dispute."""
    readings_days: int = 400
    """A year and a month: this rainy season beside the last."""
    signals_days: int = 90
    """As passages: a red light is judged with both."""
    statuses_days: int = 400
    """As readings: whether a device was calibrated then."""
    windows_days: int = 1826
    """Five years of minutes, a leap day among them."""
    wide_windows_days: int = 3652
    """Ten years of quarters of an hour, hours and days: what a decade changed, in a thirtieth of the rows."""
    rejections_days: int = 30
    """Time to find a fault and to feed its messages in again."""
    live_events_hours: int = 2
    """A page that was away for longer reads everything anew."""
    plate_keys_days: int = 30
    """After that, plates of vehicles that broke no rule are gone for good, from backups too."""
    jobs_days: int = 90
    """History of jobs."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            least = 1 if entry.name.endswith("hours") else LEAST_DAYS
            if getattr(self, entry.name) < least:
                raise ConfigError(entry.name, getattr(self, entry.name), f"must be at least {least}", "retention")

    def of(self, what: str) -> timedelta:
        """How long a kind of telemetry is kept."""
        if what == "live_events":
            return timedelta(hours=self.live_events_hours)
        days: int = self.readings_days if what == "late" else getattr(self, f"{what}_days")
        return timedelta(days=days)


def load_periods(file: Path) -> Periods:
    """Read `retention.toml`; what it leaves out keeps its default.

    Raises:
        ConfigError: not TOML, an unknown key, or a period that is too short.
    """
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError("retention", str(file), "there is no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError("retention", str(file), f"not TOML: {problem}", str(file)) from problem
    known = {entry.name for entry in fields(Periods)}
    for key in content:
        if key not in known:
            raise ConfigError(key, content[key], f"unknown; one of {', '.join(sorted(known))}", str(file))
    try:
        return msgspec.convert(content, Periods)
    except msgspec.ValidationError as problem:
        raise ConfigError("retention", str(file), str(problem), str(file)) from problem


def retain(
    job: Progress, dsn: str, vault: Vault, periods: Periods, disk: Callable[[], Disk], now: datetime | None = None
) -> None:
    """Drop what is due, then, while the disk is low, what would have been due soon; report what was done."""
    now = now or datetime.now(UTC)
    with closing(Retention(dsn)) as store:
        job.report(0.0, "dropping what has been kept for long enough")
        chunks = sum(store.drop(what, now - periods.of(what)) for what in TELEMETRY)
        job.report(0.3, "deleting old entries of the log")
        longest = max(periods.of(what) for what in ("passages", "readings", "signals", "statuses"))
        store.drop_batches(now - longest, job.check)
        store.drop_jobs(now - timedelta(days=periods.jobs_days))
        store.drop_sessions()
        job.report(0.7, "destroying keys")
        keys = destroy_days(dsn, vault, thai_day(to_us(now)) - periods.plate_keys_days)
        early, share = _make_room(job, store, periods, disk, now)
    said = f"{chunks} chunks dropped, keys of {keys} days destroyed"
    if share < 1:
        said += f"; the disk is low: {early} more dropped before their time, down to {share:.0%} of their periods"
    job.report(1.0, said)


def _make_room(
    job: Progress, store: Retention, periods: Periods, disk: Callable[[], Disk], now: datetime
) -> tuple[int, float]:
    """Halve the periods until the disk has room or nothing is longer than the least; chunks dropped and last share."""
    dropped, share = 0, 1.0
    longest = max(periods.of(what) for what in TELEMETRY)
    while disk() != "ok" and share * longest > timedelta(days=LEAST_DAYS):
        share /= 2
        job.report(0.8, f"the disk is low: keeping {share:.0%} of every period")
        for what in TELEMETRY:
            shorter = max(share * periods.of(what), min(timedelta(days=LEAST_DAYS), periods.of(what)))
            dropped += store.drop(what, now - shorter)
    return dropped, share
