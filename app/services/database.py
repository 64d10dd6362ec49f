"""The embedded TimescaleDB: a durable cluster of our own, with a password and few rights for every part of the product.

Roles: `owner` migrates, `pipeline`, `api` and `worker` get their rights from the migrations, `superuser` is for set-up
and tests alone. Everybody signs in with SCRAM, over a Unix socket in a private folder or over TCP on the loopback.
"""

import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from app.services.child import (
    ServiceFailed,
    await_ready,
    end_stray,
    processes_in,
    service_account,
    start_child,
    stop_child,
)
from app.services.database_settings import HOST_BASED_ACCESS, ROLES_SQL, server_settings
from app.services.folders import hold, reachable_folder, service_folder, socket_folder, write_for_service
from app.services.ports import LOOPBACK, with_free_port
from app.services.program import program
from app.services.secret_file import passwords_for

DATABASE_NAME = "andaman"
ROLES = {
    "superuser": "postgres",
    "owner": "andaman_owner",
    "pipeline": "andaman_pipeline",
    "api": "andaman_api",
    "worker": "andaman_worker",
}
START_S = 120.0  # recovery after a crash replays up to max_wal_size
STRAY_S = 5.0  # a backend whose postmaster died ends by itself
QUIT_S = 10.0  # an immediate shutdown writes nothing
STOP_S = 60.0  # a fast shutdown writes a checkpoint
TIMESCALE_WORKERS = 4  # for the Community edition's compression; the Apache edition has no jobs that it could run
PREFERRED_PORT = 5433  # beside a PostgreSQL of the machine's own


class Database:
    """One PostgreSQL server with TimescaleDB on its own data folder, and the addresses to reach it by.

    `start` raises ConfigError (a port or folder that cannot be used) or ServiceFailed. A second object on the same
    folder, in another process, gives `dsn` and `pid` of the server that runs.
    """

    name = "database"

    def __init__(self, data_dir: Path, port: int | None = None, *, shared_buffers_mb: int = 512) -> None:
        self._data = Path(data_dir)
        self._fixed_port = port
        self._port: int | None = None
        self._shared_buffers_mb = shared_buffers_mb
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: TextIO | None = None

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the server, making its cluster on the first call; returns when it answers."""
        try:
            self._prepare()
            with_free_port(self._fixed_port or self._port, PREFERRED_PORT, "database port", self._start_on)
            self._make_roles()
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        self._data = reachable_folder(self._data, "data folder")
        if self._lock is None:
            self._lock = hold(self._data / "database.lock", "the database")
        if self._child is not None:
            stop_child(self._child, (signal.SIGINT, STOP_S), (signal.SIGQUIT, QUIT_S))
        self._end_strays()
        if not (self._cluster / "PG_VERSION").exists():
            self._make_cluster()

    def _start_on(self, port: int) -> None:
        self._write_settings(port)
        command: list[str | Path] = [program("postgres"), "-D", self._cluster]
        self._child = start_child(
            command,
            self.log,
            death_signal=signal.SIGINT,  # a fast, clean shutdown
            as_service=True,
            environment=_environment(),
        )
        await_ready(self._answers, self._child, "the database", self.log, START_S)
        self._port = port

    def stop(self) -> None:
        """Stops the server cleanly; sessions that are still open are ended."""
        child, self._child = self._child, None
        if child is not None:
            stop_child(child, (signal.SIGINT, STOP_S), (signal.SIGQUIT, QUIT_S))
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def poll(self) -> int | None:
        """The exit status of a server that has ended, None while it runs."""
        return self._child.poll() if self._child is not None else 0

    @property
    def pid(self) -> int | None:
        """The process id of the server, None when it does not run."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        running = self._running()
        return running[0] if running else None

    # -- addresses ----------------------------------------------------------------------------------------------

    def dsn(self, role: str, database: str = DATABASE_NAME, *, tcp: bool = False) -> str:
        """The address for a role: over the Unix socket, or over TCP. It holds the password: never log it."""
        user = ROLES[role]
        running = self._running()
        port = self._port or (running[1] if running else None)
        if port is None:
            raise ServiceFailed(f"the database in {self._data} does not run: start it with `make run`")
        password = passwords_for(ROLES.values(), self._data / "secrets.json")[user]
        host = LOOPBACK if tcp else str(socket_folder(self._data.resolve()))
        return f"postgresql://{user}:{quote(password)}@/{database}?host={quote(host, safe='')}&port={port}"

    @property
    def log(self) -> Path:
        """What the server says before its own rotated log takes over."""
        return self._data / "logs" / "database.log"

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _cluster(self) -> Path:
        return self._data / "database"

    def _running(self) -> tuple[int, int] | None:
        """Process id and port of the server that runs on this cluster, from its own `postmaster.pid`."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
            if Path(f"/proc/{pid}/cwd").readlink() == self._cluster.resolve():
                return pid, port
        except (OSError, ValueError, IndexError):
            pass
        return None

    def _end_strays(self) -> None:
        """Ends what is left of a server whose starter or postmaster was killed; we hold the lock: nobody uses it.

        A new postmaster refuses to start while a process of the old one is attached to its shared memory. They all
        work in the cluster's folder.
        """
        running = self._running()
        if running is not None:
            end_stray(running[0], signal.SIGINT, STOP_S)
        for pid in processes_in(self._cluster):
            end_stray(pid, signal.SIGQUIT, STRAY_S)
        # Only now: a killed postmaster that nobody has waited for yet still counts as alive for its successor.
        for lock in (self._cluster / "postmaster.pid", *socket_folder(self._data).glob(".s.PGSQL.*")):
            lock.unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        """Makes the cluster beside its final place, so that an interrupted call leaves nothing half made."""
        scratch = self._data / "database.part"
        shutil.rmtree(scratch, ignore_errors=True)
        service_folder(scratch)
        password = passwords_for(ROLES.values(), self._data / "secrets.json")[ROLES["superuser"]]
        secret = self._data / "initdb.secret"
        write_for_service(secret, password + "\n")
        initdb = program("postgres").with_name("initdb")
        command = [str(initdb), "-D", str(scratch), "-U", ROLES["superuser"], f"--pwfile={secret}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"]
        account = service_account()
        try:
            done = subprocess.run(
                [*command, *_locale_options(initdb)],
                capture_output=True,
                text=True,
                env=_environment(),
                cwd="/",
                user=account.user,
                group=account.group,
                extra_groups=account.extra_groups,
            )
        finally:
            secret.unlink(missing_ok=True)
        if done.returncode != 0:
            raise ServiceFailed(f"the database cluster in {self._cluster} could not be made: {done.stderr.strip()}")
        scratch.rename(self._cluster)

    def _write_settings(self, port: int) -> None:
        logs = service_folder(self._data / "database-logs")
        workers = TIMESCALE_WORKERS if has_community_edition() else 0
        settings = server_settings(port, socket_folder(self._data), logs, self._shared_buffers_mb, workers)
        write_for_service(self._cluster / "postgresql.auto.conf", "")  # nothing set by ALTER SYSTEM outlives us
        write_for_service(self._cluster / "postgresql.conf", settings)
        write_for_service(self._cluster / "pg_hba.conf", HOST_BASED_ACCESS)

    def _answers(self) -> bool:
        """Whether the server says that it is ready, the way `pg_ctl` asks (8th line of `postmaster.pid`)."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self._child and self._child.pid)

    def _make_roles(self) -> None:
        """Makes roles and database, once for every set of passwords."""
        passwords = passwords_for(ROLES.values(), self._data / "secrets.json")
        sql = ROLES_SQL.format(**{role: passwords[user] for role, user in ROLES.items()})
        marker = self._cluster / "andaman.roles"
        digest = hashlib.sha256(sql.encode()).hexdigest()
        if marker.exists() and marker.read_text() == digest:
            return
        self._psql("postgres", sql)
        self._psql(DATABASE_NAME, "CREATE EXTENSION IF NOT EXISTS timescaledb;\n")
        write_for_service(marker, digest)

    def _psql(self, database: str, sql: str) -> None:
        command = [str(program("postgres").with_name("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(
            command,
            input=sql,
            capture_output=True,
            text=True,
            env={**_environment(), **self._psql_environment(database)},
        )
        if done.returncode != 0:
            raise ServiceFailed(f"the database refused its set-up: {done.stderr.strip()[:500]}")

    def _psql_environment(self, database: str) -> dict[str, str]:
        """Address and password for `psql`, kept out of its command line, which everybody on the machine can read."""
        user = ROLES["superuser"]
        return {
            "PGHOST": str(socket_folder(self._data)),
            "PGPORT": str(self._port),
            "PGUSER": user,
            "PGPASSWORD": passwords_for([user], self._data / "secrets.json")[user],
            "PGDATABASE": database,
        }


def has_community_edition() -> bool:
    """Whether the server's TimescaleDB brings its Community edition (compression, continuous aggregates)."""
    return any(program("postgres").parent.parent.glob("lib/timescaledb-tsl*.so"))


def _environment() -> dict[str, str]:
    """A plain environment: neither the user's PG* settings nor the machine's locale reach the server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC", "HOME": "/nonexistent"}


def _locale_options(initdb: Path) -> list[str]:
    """UTF-8 with code point order on every machine alike, independent of the locales that it has installed."""
    said = subprocess.run([initdb, "--version"], capture_output=True, text=True).stdout
    major = int(said.split()[2].split(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]
