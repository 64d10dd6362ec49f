"""Fixtures that every kind of test shares: the real database, the real broker, the real browser. Started when first
asked for, on ports and folders of this run alone, so that unit tests need none of them and `make run` is not disturbed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import (
    BrokerServer,
    DatabaseMaker,
    DatabaseServer,
    RunFolder,
    broker_server,
    database_server,
    describe,
)


def pytest_report_header() -> list[str]:
    """The versions of the servers, above the first test."""
    return describe()


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A folder that the servers' account can enter; gone after the run."""
    folder = RunFolder()
    yield folder.path
    folder.remove()


@pytest.fixture(scope="session")
def database(run_folder: Path) -> Iterator[DatabaseServer]:
    """A running TimescaleDB; `database.dsn(role, name)` is the address of a database on it."""
    server, stop = database_server(lambda: run_folder / "services")
    yield server
    stop()


@pytest.fixture(scope="session")
def database_maker(database: DatabaseServer) -> Iterator[DatabaseMaker]:
    """Makes fresh databases on that server: `make(migrated=False)` for an empty one."""
    maker = DatabaseMaker(database)
    yield maker
    maker.drop_template()


@pytest.fixture(scope="module")
def role_dsn(database: DatabaseServer, database_maker: DatabaseMaker) -> Iterator[Callable[[str], str]]:
    """`role_dsn(role)`: the addresses of this module's own database, migrated; role is one of owner, pipeline, api,
    worker, superuser."""
    name = database_maker.make()
    yield lambda role: database.dsn(role, name)
    database_maker.drop(name)


@pytest.fixture(scope="module")
def dsn(role_dsn: Callable[[str], str]) -> str:
    """The owner's address of this module's own database."""
    return role_dsn("owner")


@pytest.fixture(scope="session")
def broker(run_folder: Path) -> Iterator[BrokerServer]:
    """A running Mosquitto; nobody may connect before `broker.set_accounts`."""
    server, stop = broker_server(lambda: run_folder / "services")
    yield server
    stop()
