"""One passage at 131 km/h in a 60 zone: in the API, on the live stream and in the hypertable within a second."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from app.services.ports import choose_port
from contracts.answers import Role
from contracts.records import Passage, PlateRead
from contracts.topics import Kind
from storage.desk import DatabaseDesk
from storage.pool import Pool
from tests.figures import Show, in_proportion
from tests.fixtures.path_rig import PASSWORD, PathRig, Process, path_rig
from tests.fixtures.sse import following
from tests.servers import BrokerServer

CAMERA = "cam-402-44"
TRIES = 5
EVERYWHERE_S = 1.0
"""On a machine that does nothing else."""


@pytest.fixture(scope="module")
def rig(
    role_dsn: Callable[[str], str], broker: BrokerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PathRig]:
    with path_rig(role_dsn, broker, tmp_path_factory.mktemp("city")) as made:
        made.pipeline()
        yield made


@pytest.fixture(scope="module")
def police(rig: PathRig) -> Iterator[httpx.Client]:
    pool = Pool(rig.dsn("api"), "test")
    DatabaseDesk(pool).add_user("police", Role.POLICE, PASSWORD)
    pool.close()
    port = choose_port(8300)
    api = Process(["api"], {**rig.environment, "ANDAMAN_DATABASE_URL": rig.dsn("api"), "ANDAMAN_HTTP_PORT": str(port)})
    rig.started.append(api)
    api.await_line("serving")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        answer = client.post("/api/v1/session", json={"username": "police", "password": PASSWORD})
        assert answer.status_code == 200
        yield client


@pytest.mark.timing
def test_a_passage_at_131_is_everywhere_within_a_second(rig: PathRig, police: httpx.Client, figure: Show) -> None:
    seconds = {"live stream": [], "API": [], "hypertable": []}  # type: dict[str, list[float]]
    # A stream of a city that has never said anything gets its first position with the first heartbeat only.
    rig.publish(CAMERA, Kind.PASSAGE, Passage(datetime.now(UTC), 1, "car", direction="backward", speed_kmh=40))
    with psycopg.connect(rig.dsn("owner"), autocommit=True) as log, following(police, kinds="violation") as stream:
        stream.until_ready()
        for attempt in range(1, TRIES + 1):
            plate = PlateRead(f"1กข {attempt}234", 0.97, "TH-83")
            passage = Passage(datetime.now(UTC), 1, "car", direction="backward", speed_kmh=131, plates=[plate])
            started_s = time.monotonic()
            rig.publish(CAMERA, Kind.PASSAGE, passage)
            event = stream.next()
            seconds["live stream"].append(time.monotonic() - started_s)
            assert event is not None and event.data["speed_kmh"] == 131 and "กข" not in str(event.data)
            found = police.get("/api/v1/violations", params={"device": CAMERA}).json()["items"]
            seconds["API"].append(time.monotonic() - started_s)
            assert found[0]["id"] == event.data["id"] and found[0]["plate"].startswith("1กข **")
            rows = log.execute("SELECT count(*) FROM log_passage WHERE speed_kmh = 131").fetchone()
            seconds["hypertable"].append(time.monotonic() - started_s)
            assert rows == (attempt,) and len(found) == attempt
    bound_s = in_proportion(EVERYWHERE_S)
    for where, measured in seconds.items():
        figure(f"worst of {TRIES}, seconds from publishing to the {where}", max(measured), at_most=bound_s)
