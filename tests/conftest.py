"""Fixtures that every kind of test shares: the real database, the real broker, the real browser. Started when first
asked for, on ports and folders of this run alone, so that unit tests need none of them and `make run` is not disturbed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from app.services.database import Database
from app.services.program import program
from app.setup.page import node_program
from tests.servers import (
    BrokerServer,
    DatabaseMaker,
    DatabaseServer,
    RunFolder,
    broker_server,
    database_server,
    describe,
)

# How long an example takes hangs on how busy the machine is and proves nothing: by default a stall of a fifth of a
# second, or of one second while the first examples are drawn, fails a test that is right.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# No network of its own, and a map drawn by the processor: the machines that test have no graphics card.
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
LAUNCH_MS = 120_000
"""Its program lies on a cold disk, and others start beside it."""


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


@pytest.fixture
def own_database(run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A server of this test's own, since it is killed."""
    server = Database(run_folder / request.node.name[:40], shared_buffers_mb=32)
    server.start()
    yield server
    server.stop()


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


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Debian's chromium, unpacked by `make test`; start it with `chromium_environment` and `CHROMIUM_ARGUMENTS`."""
    return program("chromium")


@pytest.fixture(scope="session")
def chromium_environment(run_folder: Path) -> dict[str, str]:
    """The environment that gives chromium fonts with Thai, and a home of this run's own."""
    home = run_folder / "browser-home"
    home.mkdir(exist_ok=True)
    return {**os.environ, "FONTCONFIG_FILE": str(program("fonts")), "HOME": str(home), "XDG_CONFIG_HOME": str(home)}


# A module's and not the session's: while it runs, its event loop keeps tests in this thread from running their own.
@pytest.fixture(scope="module")
def browser(chromium_path: Path, chromium_environment: dict[str, str]) -> Iterator[Browser]:
    """A running browser without a window; `browser.new_page()` or `new_context()` a test."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node_program()))  # its own needs libatomic1, which may be missing
        playwright = stack.enter_context(sync_playwright())
        running = playwright.chromium.launch(
            executable_path=chromium_path,
            args=list(CHROMIUM_ARGUMENTS),
            env=dict(chromium_environment),
            chromium_sandbox=False,
            timeout=LAUNCH_MS,
        )
        yield running
        running.close()
