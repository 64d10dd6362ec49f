"""The real servers that tests use: the embedded ones on a data folder and ports of their own, or those that the
environment names (`ANDAMAN_TEST_DSN`, a superuser's address; `ANDAMAN_TEST_MQTT`, `mqtt://user:password@host:port`)."""

import fcntl
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import make_conninfo

from app.services.broker import Broker
from app.services.database import ROLES, Database
from app.services.database_settings import ROLES_SQL
from app.setup.places import state_folder
from app.setup.programs import known_programs

TEST_DSN = "ANDAMAN_TEST_DSN"
TEST_MQTT = "ANDAMAN_TEST_MQTT"
SHARED_BUFFERS_MB = 128


class DatabaseServer(Protocol):
    """A TimescaleDB server on which every role of the product can sign in."""

    def dsn(self, role: str, database: str = ...) -> str:
        """The address for a role in a database."""


class BrokerServer(Protocol):
    """A Mosquitto whose accounts the tests may set."""

    @property
    def url(self) -> str:
        """Where to connect: `mqtt://host:port`."""

    def set_accounts(self, accounts: Mapping[str, str], acl: Sequence[str]) -> None:
        """Replaces who may connect and what they may do."""


class NamedDatabase:
    """The server that `ANDAMAN_TEST_DSN` names; the product's roles are made on it with passwords of this run."""

    def __init__(self, superuser_dsn: str) -> None:
        self._dsn = superuser_dsn
        self._passwords = {role: secrets.token_urlsafe(24) for role in ROLES if role != "superuser"}
        statements = [
            line
            for line in ROLES_SQL.format(superuser="", **self._passwords).splitlines()
            if line.startswith("ALTER ROLE andaman")
        ]
        with psycopg.connect(superuser_dsn, autocommit=True) as connection:
            known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for name in set(ROLES.values()) - known - {"postgres"}:
                connection.execute(psycopg.sql.SQL("CREATE ROLE {}").format(psycopg.sql.Identifier(name)))
            for statement in statements:
                connection.execute(statement.encode())

    def dsn(self, role: str, database: str = "postgres") -> str:
        """The address for a role in a database."""
        if role == "superuser":
            return make_conninfo(self._dsn, dbname=database)
        return make_conninfo(self._dsn, dbname=database, user=ROLES[role], password=self._passwords[role])


class NamedBroker:
    """The broker that `ANDAMAN_TEST_MQTT` names: its accounts are its own affair."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        """Where to connect, with the account that the environment gives."""
        return self._url

    def set_accounts(self, accounts: Mapping[str, str], acl: Sequence[str]) -> None:
        """Nothing: on a broker of somebody else's the account in the address must do."""


class RunFolder:
    """A data folder for one run of the tests. Folders whose run was killed are removed by the next one."""

    def __init__(self) -> None:
        base = state_folder() / "test"
        base.mkdir(parents=True, exist_ok=True)
        for old in base.iterdir():
            self._remove_if_left_behind(old)
        self.path = base / f"run-{os.getpid()}"
        self.path.mkdir(mode=0o755)
        self._lock = (self.path / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Removes the folder at the end of the run."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)

    @staticmethod
    def _remove_if_left_behind(folder: Path) -> None:
        try:
            with (folder / "lock").open("w") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:
            pass
        shutil.rmtree(folder, ignore_errors=True)


class DatabaseMaker:
    """Makes databases: empty with the extension, or copied from a template that all migrations were run on."""

    def __init__(self, server: DatabaseServer) -> None:
        self._server = server
        self._run = f"test_{os.getpid()}_{secrets.token_hex(3)}"
        self._count = 0
        self._template: str | None = None

    def make(self, *, migrated: bool = True) -> str:
        """A new database's name."""
        template = self._migrated_template() if migrated else None
        return self._create(template)

    def drop(self, name: str) -> None:
        """Removes a database, whoever is still connected."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def drop_template(self) -> None:
        """Removes the template at the end of the run."""
        if self._template is not None:
            self.drop(self._template)

    def _migrated_template(self) -> str:
        if self._template is None:
            from storage.migrate import migrate

            name = self._create(None)
            migrate(self._server.dsn("owner", name))
            self._template = name
        return self._template

    def _create(self, template: str | None) -> str:
        self._count += 1
        name = f"{self._run}_{self._count}"
        source = f' TEMPLATE "{template}"' if template else ""
        self._execute(f'CREATE DATABASE "{name}" OWNER andaman_owner{source}')
        if template is None:
            with psycopg.connect(self._server.dsn("superuser", name), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        return name

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server.dsn("superuser", "postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def database_server(folder: Callable[[], Path]) -> tuple[DatabaseServer, Callable[[], None]]:
    """A running server and what stops it."""
    named = os.environ.get(TEST_DSN)
    if named:
        return NamedDatabase(named), lambda: None
    database = Database(folder(), shared_buffers_mb=SHARED_BUFFERS_MB)
    database.start()
    return database, database.stop


def broker_server(folder: Callable[[], Path]) -> tuple[BrokerServer, Callable[[], None]]:
    """A running broker and what stops it."""
    named = os.environ.get(TEST_MQTT)
    if named:
        return NamedBroker(named), lambda: None
    broker = Broker(folder())
    broker.start()
    return broker, broker.stop


def describe() -> list[str]:
    """A line for each server that the tests will use, with its version."""
    programs = known_programs()
    return [
        f"database: {_named(TEST_DSN) or _version(programs.get('postgres'), '--version') + _timescale(programs)}",
        f"broker: {_named(TEST_MQTT) or _version(programs.get('mosquitto'), '-h')}",
    ]


def _named(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        return ""
    parts = urlsplit(value)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _version(program: str | None, option: str) -> str:
    if program is None:
        return "not set up (make setup)"
    done = subprocess.run([program, option], capture_output=True, text=True)
    return (done.stdout or done.stderr).splitlines()[0]


def _timescale(programs: dict[str, str]) -> str:
    server = Path(programs.get("postgres", "/nonexistent"))
    found = sorted(path.name for path in server.parent.parent.glob("lib/timescaledb-[0-9]*.so"))
    return ", TimescaleDB " + re.sub(r"timescaledb-|\.so", "", found[-1]) if found else ""
