"""The embedded TimescaleDB: durable, closed to strangers, and back after a crash."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from app.services.database import ROLES, Database
from app.services.ports import choose_port
from app.setup.places import PROJECT
from contracts.errors import ConfigError
from tests.servers import DatabaseMaker, DatabaseServer


def test_everything_acknowledged_is_on_the_disk(database: DatabaseServer) -> None:
    with psycopg.connect(database.dsn("superuser", "postgres")) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == ("on",)


def test_each_role_signs_in_with_its_own_password_and_is_no_superuser(
    database: DatabaseServer, database_maker: DatabaseMaker
) -> None:
    name = database_maker.make(migrated=False)
    for role in ("owner", "pipeline", "api", "worker"):
        with psycopg.connect(database.dsn(role, name)) as connection:
            row = connection.execute(
                "SELECT rolname, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert row == (ROLES[role], False, False, False)
    database_maker.drop(name)


def test_a_wrong_password_and_no_password_are_refused(database: DatabaseServer) -> None:
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(database.dsn("api", "postgres"), password=password, passfile="/nonexistent")


def test_passwords_and_cluster_are_closed_to_others(run_folder: Path) -> None:
    database = Database(run_folder / "closed", shared_buffers_mb=32)
    database.start()
    try:
        for path in ("secrets.json", "database", "socket", "database-logs"):
            assert (run_folder / "closed" / path).stat().st_mode & 0o077 == 0
    finally:
        database.stop()


# Another process starts the database, says where it is, and waits to be killed.
STARTER = """
import sys, time
from pathlib import Path
from app.services.database import Database
database = Database(Path(sys.argv[1]), shared_buffers_mb=32)
database.start()
sys.stdout.write(f"{database.pid}\\n")
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.mark.parametrize("postmaster_first", [True, False])
def test_a_start_continues_with_the_data_of_the_last_after_everything_was_killed(
    run_folder: Path, postmaster_first: bool
) -> None:
    folder = run_folder / f"killed-{postmaster_first}"
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        with psycopg.connect(Database(folder).dsn("owner")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 131 AS speed_kmh")
        if postmaster_first:
            os.kill(pid, signal.SIGKILL)
        starter.kill()

    second = Database(folder, shared_buffers_mb=32)
    second.start()
    try:
        assert second.pid != pid
        with psycopg.connect(second.dsn("owner")) as connection:
            assert connection.execute("SELECT speed_kmh FROM kept").fetchone() == (131,)
    finally:
        second.stop()


def test_two_starts_on_one_folder_do_not_meet(run_folder: Path) -> None:
    folder = run_folder / "twice"
    first = Database(folder, shared_buffers_mb=32)
    first.start()
    try:
        with pytest.raises(ConfigError, match="runs here already"):
            Database(folder, shared_buffers_mb=32).start()
        assert Database(folder).dsn("api") == first.dsn("api")
        assert Database(folder).pid == first.pid
    finally:
        first.stop()


def test_a_fixed_port_that_is_taken_is_named_and_a_free_choice_avoids_it(run_folder: Path) -> None:
    port = choose_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*stop it or choose another"):
            Database(run_folder / "taken", port).start()
        assert choose_port(port) != port
