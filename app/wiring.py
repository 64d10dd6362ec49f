"""Puts the parts together: which address, which role, which folder. The only place that knows all of it."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from app import accounts
from app.account_keeper import AccountKeeper, Apply
from app.disk import disk_state
from app.feeding import Means, feed_in
from app.jobs import Job, Worker
from app.onboarding import DeviceOnboarding
from app.parts import Parts
from app.past import Past, make_past
from app.pipeline import Pipeline
from app.receiving import CityMailroom, Passwords
from app.recovery import Shelf
from app.retention import EVERY_S as RETENTION_EVERY_S
from app.retention import load_periods, retain
from app.services.broker import Broker
from app.services.database import Database
from app.services.listeners import CA_FILE
from app.services.secret_file import secret_bytes
from app.settings import Settings
from app.setup.places import PROJECT
from app.snapshotting import Snapshotter
from contracts.city import City
from contracts.city_forms import parse_city
from contracts.clock import DAY_US, HOUR_US
from contracts.errors import ConfigError, TransportError
from contracts.receiving import RECEIVER_ACCOUNT
from contracts.rejections import FEED_IN
from contracts.topics import subscription
from ingest.adapters.families import check_families
from ingest.connection import Broker as BrokerAddress
from ingest.connection import IntakeState
from ingest.mqtt import Intake
from ingest.publisher import Publisher
from processing.alarms.rationalised import check_responses
from processing.rulebook import check_rules
from simulators.past import PastPlan, city_of_the_past
from simulators.publish import Account
from simulators.world import DEMO_WORLD, ORDERLY, World
from storage.cities import Cities
from storage.credentials import AccountSource
from storage.desk import DatabaseDesk
from storage.device_desk import DeviceDesk
from storage.log import Log
from storage.pool import Pool
from storage.prepared import Shard
from storage.rejection_store import RejectionStore
from storage.snapshots import Snapshots
from storage.standing import Standing
from storage.vault import Vault
from storage.writer import Writer

TOKEN_SECRET_BYTES: Final = 32
"""As long as the HMAC-SHA256 that it keys."""


def clock_us() -> int:
    """The system's clock."""
    return time.time_ns() // 1000


def database_dsn(settings: Settings, role: str) -> str:
    """Where the database is for a role: the one that the settings name, else the embedded one."""
    return settings.database_url or Database(settings.data).dsn(role)


def mqtt_url(settings: Settings, account: str) -> str:
    """Where the broker is, with an account: the one that the settings name, else the embedded one.

    An address without an account gets the one that was made here (`andaman broker-accounts`), if it was.
    """
    if settings.mqtt_url and not accounts.made(settings.data, account):
        return settings.mqtt_url
    url = settings.mqtt_url or Broker(settings.data).url
    return accounts.with_account(url, account, accounts.passwords(settings.data, [account])[account])


def mqtt_ca(settings: Settings) -> Path | None:
    """What the certificate of `mqtt_url` must follow from; None: what the system trusts."""
    if settings.mqtt_url:
        return PROJECT / settings.mqtt_ca if settings.mqtt_ca != Path("") else None
    return settings.data / CA_FILE


def vault(settings: Settings) -> Vault:
    """The keys, in a folder apart from the database's."""
    return Vault(settings.data / "keys")


def token_secret(settings: Settings) -> bytes:
    """What bearer tokens are signed with; made once, also by two processes at the same moment.

    Raises:
        ConfigError: others may read it.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    return secret_bytes(settings.data / "token.secret", TOKEN_SECRET_BYTES)


def console_folder() -> Path | None:
    """The built page, where there is one."""
    folder = PROJECT / "console" / "dist"
    return folder if folder.exists() else None


def mailroom(settings: Settings, city: Callable[[str], City | None]) -> CityMailroom:
    """What the API's receiver needs. `city`: the newest version of a city."""

    def broker() -> BrokerAddress:
        if not settings.mqtt_url and not accounts.made(settings.data, RECEIVER_ACCOUNT):
            raise TransportError(f"the broker has no account {RECEIVER_ACCOUNT} yet")
        return BrokerAddress.of(mqtt_url(settings, RECEIVER_ACCOUNT), mqtt_ca(settings))

    publisher = Publisher(broker, RECEIVER_ACCOUNT)
    return CityMailroom(lambda: city(settings.city), Passwords(settings.data), publisher)


def city_files(folder: Path) -> City:
    """A city from its folder.

    Raises:
        ConfigError: no such folder, or its files are wrong.
    """
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.toml"))}
    if "city.toml" not in files:
        raise ConfigError("city", str(folder), "no city.toml there; ANDAMAN_CITY and ANDAMAN_CITIES_DIR say where")
    city = parse_city(files)
    check_rules(city)
    check_responses(city)
    check_families(city)
    return city


def city_in_force(settings: Settings) -> City:
    """The newest version of the settings' city.

    Raises:
        ConfigError: it was never imported.
    """
    city = Cities(database_dsn(settings, "worker")).newest(settings.city)
    if city is None:
        raise ConfigError("city", settings.city, "was never imported; run `andaman city import`", "database")
    return city


def worker(settings: Settings) -> Worker:
    """The worker with a handler for every kind of job."""
    dsn, keys = database_dsn(settings, "worker"), vault(settings)
    periods = load_periods(settings.cities / settings.city / "retention.toml")

    def make(job: Job) -> None:
        until_us = job.claim.made_us
        from_us = until_us - round(settings.simulator.past_days * DAY_US)
        wanted = Past(**job.args, from_us=from_us, to_us=until_us, plan=past_plan(settings), world=world(settings))
        writing = database_dsn(settings, "pipeline")
        make_past(writing, keys, wanted, settings.data / "truth-past.jsonl", job.report)

    def keep(job: Job) -> None:
        retain(job, dsn, keys, periods, lambda: disk_state(settings.data))

    def feed(job: Job) -> None:
        feed_in(job, job.claim.id, job.claim.made_us, job.args, feeding_means(settings))

    return Worker(dsn, {"past": make, "retention": keep, FEED_IN: feed}, {"retention": RETENTION_EVERY_S})


def feeding_means(settings: Settings) -> Means:
    """What feeding rejections in works with, as the worker."""
    dsn, keys, shard = database_dsn(settings, "worker"), vault(settings), settings.pipeline.shard
    address = BrokerAddress.of(mqtt_url(settings, accounts.REPLAYER), mqtt_ca(settings))

    def speak(messages: Sequence[tuple[str, bytes]]) -> None:
        with closing(Publisher(lambda: address, accounts.REPLAYER)) as publisher:
            publisher.publish_all(messages)

    return Means(
        store=RejectionStore(dsn, shard, keys),
        log=Log(dsn),
        sealer=keys,
        city=city_in_force(settings),
        speak=speak,
        limits=settings.limits,
        shard=shard,
    )


def broker_account(settings: Settings, name: str, password: str = "") -> Account:
    """An account at the broker, apart from the address, for whoever speaks as a device does: with the password that was
    made here, unless another is given."""
    plain = settings.mqtt_url or Broker(settings.data).url if password else ""
    parts = urlsplit(accounts.with_account(plain, name, password) if password else mqtt_url(settings, name))
    bare = parts._replace(netloc=f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)).geturl()
    return Account(bare, unquote(parts.username or ""), unquote(parts.password or ""), mqtt_ca(settings))


def onboarding(settings: Settings, pool: Pool) -> DeviceOnboarding:
    """Decisions about devices; `pool` is of the API's role."""
    return DeviceOnboarding(DeviceDesk(pool, settings.city), settings.data, DatabaseDesk(pool).ask)


def account_keeper(settings: Settings, apply: Apply) -> AccountKeeper:
    """Whoever keeps the broker's accounts as the database says."""
    dsn = database_dsn(settings, "worker")
    cities = Cities(dsn)
    return AccountKeeper(AccountSource(dsn, settings.city), lambda: cities.newest(settings.city), apply)


def past_plan(settings: Settings) -> PastPlan:
    """How densely the made past is told."""
    return PastPlan(passages_us=round(settings.simulator.past_passages_hours * HOUR_US))


def world(settings: Settings) -> World:
    """What is planted in the simulated city."""
    return DEMO_WORLD if settings.simulator.faults else ORDERLY


def pipeline(settings: Settings) -> Pipeline:
    """The pipeline of the settings' shard."""
    return Pipeline(pipeline_parts(settings), settings.pipeline, settings.limits, clock_us)


def pipeline_parts(settings: Settings) -> Parts:
    """What that pipeline is made of."""
    dsn = database_dsn(settings, "pipeline")
    cities, log, keys = Cities(dsn), Log(dsn), vault(settings)
    city = city_in_force(settings)
    shard = Shard(settings.pipeline.shard, settings.city, settings.pipeline.space)
    snapshots = Snapshots(dsn)

    def intake(on_state: Callable[[IntakeState], None], now_us: Callable[[], int]) -> Intake:
        url = mqtt_url(settings, accounts.PIPELINE)
        client = accounts.client_id(f"andaman-{settings.city}-{shard.number}", url)
        filters = [subscription(settings.city)]
        return Intake(url, client, filters, on_state, now_us, settings=settings.intake, ca=mqtt_ca(settings))

    return Parts(
        city=settings.city,
        intake=intake,
        writer=Writer(dsn, shard, keys, city),
        log=log,
        snapshots=snapshots,
        snapshotter=Snapshotter(shard.number, Snapshots(dsn)),
        shelf=Shelf(settings.city, cities, log, snapshots, past_view=city_of_the_past),
        standing=Standing(dsn),
        sealer=keys,
        disk=lambda: disk_state(settings.data),
    )
