"""What a newcomer gets: `andaman up` on an empty folder, live values of everything, and again from where it stopped."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from app.wiring import city_files
from contracts.topics import Kind
from tests.figures import Show, in_proportion
from tests.fixtures.path_rig import PROJECT, Process
from tests.fixtures.sse import following
from tests.fixtures.whole_city import WholeCity, whole_city

pytestmark = [pytest.mark.slow, pytest.mark.timing]
PATIENCE_S = 60.0
WARM_START_S = 10.0
"""On a machine that does nothing else."""


@pytest.fixture(scope="module")
def data(run_folder: Path) -> Path:
    return run_folder / "fresh"


@pytest.fixture(scope="module")
def first_start(data: Path) -> Iterator[WholeCity]:
    with whole_city(data, "--no-history") as made:
        yield made


def lacking(client: httpx.Client, metrics: set[str], kinds: set[str]) -> set[str]:
    """Which metrics and kinds of records have no live value yet."""
    latest = client.get("/api/v1/latest").json()
    heard = {value["metric"] for value in latest["values"]} | {record["kind"] for record in latest["records"]}
    return (metrics | kinds) - heard


def test_within_a_minute_of_the_address_every_metric_and_kind_is_live(first_start: WholeCity, figure: Show) -> None:
    started_s = time.monotonic()
    city = city_files(PROJECT / "cities" / "phuket")
    metrics = {series.metric for device in city.devices for series in device.series}
    kinds = {str(kind) for device in city.devices for kind in device.kinds} - {Kind.READINGS, Kind.COUNTS}
    with first_start.signed_in("operator") as client, following(client, kinds="values") as stream:
        stream.until_ready()
        while missing := lacking(client, metrics, kinds):
            assert time.monotonic() - started_s < PATIENCE_S, sorted(missing)
            assert stream.next() is not None
    figure("metrics and kinds of the city file", len(metrics | kinds), at_least=20)
    figure("seconds until all of them are live", time.monotonic() - started_s, at_most=PATIENCE_S)


def test_a_second_start_goes_on_with_the_data_of_the_first(data: Path, first_start: WholeCity, figure: Show) -> None:
    with psycopg.connect(first_start.dsn()) as log:
        before = log.execute("SELECT max(n) FROM batch WHERE shard = 0").fetchone()
    assert first_start.process.stop() == 0
    bound_s = in_proportion(WARM_START_S)
    started_s = time.monotonic()
    with whole_city(data, "--no-history") as again:
        printed_s = time.monotonic() - started_s
        with again.signed_in("operator") as client, following(client, kinds="values") as stream:
            event = stream.next()
        figure("warm start: seconds to the first live value", time.monotonic() - started_s, at_most=bound_s)
        assert event is not None and json.dumps(event.data)
        with psycopg.connect(again.dsn()) as log:
            gap = log.execute('SELECT count(*) FROM batch WHERE shard = 0 AND gaps @> \'[{"reason": "stopped"}]\'')
            assert gap.fetchone() == (1,)
            after = log.execute("SELECT max(n), count(*) FROM batch WHERE shard = 0").fetchone()
        assert before is not None and after is not None and after[0] == after[1] > before[0]
        figure("warm start: seconds to the printed address", printed_s, at_most=bound_s)


def test_real_devices_are_never_mixed_into_a_simulated_city(data: Path, first_start: WholeCity) -> None:
    first_start.process.stop()
    mixed = Process(["up", "--no-simulators"], {"ANDAMAN_DATA_DIR": str(data)})
    assert mixed.wait() == 1
    assert any("holds a simulated city" in line for line in mixed.said)
