"""deploy/compose.yaml without its containers: its files set up the servers, its words start our processes."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app import accounts
from app.services.child import await_ready, start_child, stop_child
from app.services.database import ROLES, Database
from app.services.folders import give_to_service, reachable_folder, service_folder
from app.services.ports import choose_port
from app.services.program import program
from contracts.errors import TransportError
from simulators.publish import publish_one
from tests.fixtures.compose import DEPLOY, services, variables
from tests.fixtures.path_rig import Process
from tests.fixtures.whole_city import await_rows

SECRETS = {name: secrets.token_hex(12) for name in variables(needed=True)}
CAMERA = "cam-402-44"
PATIENCE_S = 30.0


@dataclass
class Rehearsal:
    """The services of the file on addresses of this test."""

    data: Path
    database: Database
    places: dict[str, str]
    """What stands in the file, and what stands for it here."""

    def environment(self, service: str) -> dict[str, str]:
        """The environment of a service."""
        given = services(SECRETS)[service]["environment"]
        return {"ANDAMAN_DATA_DIR": str(self.data), **{name: self.here(str(value)) for name, value in given.items()}}

    def here(self, text: str) -> str:
        """A text of the file with the places of this test. A port's digits may stand in a password or a path too."""
        there = "|".join(rf"\b{each}\b" if each.isdigit() else re.escape(each) for each in self.places)
        return re.sub(there, lambda found: self.places[found[0]], text)

    def run(self, service: str, *words: str, typed: str = "") -> str:
        """A command in the environment of a service, and what it prints."""
        command = [sys.executable, "-m", "app.cli", *words]
        environment = {**os.environ, **self.environment(service)}
        done = subprocess.run(command, env=environment, input=typed, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def prepare(self) -> None:
        """What the service of that name does."""
        for line in services(SECRETS)["prepare"]["command"][0].splitlines():
            self.run("prepare", *self.here(line).split()[1:])


@pytest.fixture(scope="module")
def stranger(run_folder: Path) -> Iterator[Database]:
    """A server that has never heard of us, but for the superuser's password."""
    server = Database(run_folder / "deploy", shared_buffers_mb=32)
    server.start()
    with psycopg.connect(server.dsn("superuser", "postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE andaman")
        for role in set(ROLES.values()) - {ROLES["superuser"]}:
            connection.execute(f"DROP ROLE {role}".encode())
    yield server
    server.stop()


def make_roles(server: Database) -> None:
    """What the database's image does when it makes its cluster."""
    psql = program("postgres").with_name("psql")
    command = [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(DEPLOY / "database" / "roles.sql")]
    address = server.dsn("superuser", "postgres")
    done = subprocess.run([*command, address], env={**os.environ, **SECRETS}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def rehearsal(stranger: Database, run_folder: Path) -> Iterator[Rehearsal]:
    make_roles(stranger)
    data = reachable_folder(run_folder / "deploy-data", "data")
    folder = service_folder(run_folder / "deploy-broker")
    database_port = psycopg.conninfo.conninfo_to_dict(stranger.dsn("superuser", tcp=True))["port"]
    made = Rehearsal(
        data,
        stranger,
        {
            "@database:5432": f"@127.0.0.1:{database_port}",
            "broker:18830": f"127.0.0.1:{choose_port(18830)}",
            "listener 8883": f"listener {choose_port(28830)} 127.0.0.1",
            "/data/broker-ca.pem": f"{data}/broker-ca.pem",
            "0.0.0.0": "127.0.0.1",
            "8000": str(choose_port(18000)),
            "/accounts": str(folder),
            "/mosquitto/data/": f"{folder}/",
        },
    )
    made.prepare()
    with ExitStack() as stack:
        start_broker(made, folder, stack)
        for name in ("pipeline", "api", "worker"):
            process = Process(services(SECRETS)[name]["command"], made.environment(name))
            stack.callback(process.kill)
            if name == "pipeline":
                process.await_line("connected to the broker")
            if name == "api":
                process.await_line("serving http://")
        yield made


def start_broker(made: Rehearsal, folder: Path, stack: ExitStack) -> None:
    """A Mosquitto on the file of deploy/, over the account files that `prepare` wrote."""
    port = made.places["broker:18830"].rpartition(":")[2]
    text = (DEPLOY / "broker" / "mosquitto.conf").read_text("utf-8")
    text = made.here(text).replace("listener 18830", f"listener {port} 127.0.0.1")
    (folder / "mosquitto.conf").write_text(text)
    certificates = [f"{listener}.{suffix}" for listener in ("house", "field") for suffix in ("pem", "key")]
    for name in ("mosquitto.conf", "passwords", "acl", *certificates):
        with (folder / name).open() as handle:
            give_to_service(handle.fileno())
    log = made.data / "broker.log"
    child = start_child([program("mosquitto"), "-c", folder / "mosquitto.conf"], log, as_service=True)
    stack.callback(stop_child, child)
    running = re.compile(rb"mosquitto version [\d.]+ running")
    await_ready(lambda: running.search(log.read_bytes()) is not None, child, "the broker", log, PATIENCE_S)


def rows(rehearsal: Rehearsal, query: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    owner = rehearsal.environment("prepare")["ANDAMAN_DATABASE_URL"]
    return await_rows(lambda: owner, query, enough, PATIENCE_S)


@pytest.mark.slow
def test_a_passage_becomes_a_case_that_a_person_with_an_account_can_see(rehearsal: Rehearsal) -> None:
    """Every role, account and address of the file is used on the way."""
    rehearsal.run("pipeline", "publish", CAMERA, "passage", '{"lane": 1, "class": "car", "speed_kmh": 131}')
    rows(rehearsal, "SELECT id FROM violation", lambda found: len(found) == 1)
    rehearsal.run("api", "user", "add", "somchai", "--role", "police", typed="a long enough password\n")
    api = rehearsal.environment("api")
    with httpx.Client(base_url=f"http://{api['ANDAMAN_HTTP_HOST']}:{api['ANDAMAN_HTTP_PORT']}/api/v1") as client:
        signed_in = client.post("/session", json={"username": "somchai", "password": "a long enough password"})
        assert signed_in.status_code == 200, signed_in.text
        (case,) = client.get("/violations").json()["items"]
        assert case["because"]["measured"] == 131
        assert client.get("/ready").json()["status"] == "ready"
    assert "well  pipeline" in rehearsal.run("pipeline", "doctor", "pipeline")
    rows(rehearsal, "SELECT 1 FROM job WHERE kind = 'retention' AND state = 'done'", lambda found: len(found) >= 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "password"), [("", ""), (CAMERA, "a guess")])
def test_nobody_connects_without_the_password_that_was_made(rehearsal: Rehearsal, name: str, password: str) -> None:
    url, ca = "mqtts://" + rehearsal.places["broker:18830"], rehearsal.data / "broker-ca.pem"
    with pytest.raises(TransportError, match=r"(?i)not authorized"):
        publish_one(url, name, password, f"andaman/v1/phuket/mai-khao/{CAMERA}/status", b"{}", ca=ca)


@pytest.mark.slow
def test_a_second_start_prepares_nothing_anew(rehearsal: Rehearsal) -> None:
    before = accounts.passwords(rehearsal.data, [CAMERA])
    make_roles(rehearsal.database)
    rehearsal.prepare()
    assert accounts.passwords(rehearsal.data, [CAMERA]) == before
    assert rows(rehearsal, "SELECT count(*) FROM city_version", bool) == [(1,)]
