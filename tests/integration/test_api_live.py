"""The live stream over the real database: nothing is skipped, whatever breaks; nobody slows anybody down."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

import storage.live_source
from api.live import parse_id
from api.main import create_app
from api.settings import ApiSettings
from storage.desk import DatabaseDesk
from storage.live_source import DatabaseLiveSource
from storage.pool import Pool
from tests.fixtures.api_rig import SECRET, Rig, api_rig, served
from tests.fixtures.city_rows import NOON
from tests.fixtures.sse import LIVE, Event, following

HEARTBEAT_S = 0.2
STALLED_S = 2.0
READERS_MAX = 30


@pytest.fixture(scope="module")
def rig(role_dsn: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("api")
    with api_rig(role_dsn, folder, heartbeat_s=HEARTBEAT_S, stalled_s=STALLED_S, subscribers_max=READERS_MAX) as made:
        made.rows.shard(1)
        made.rows.shard(9, "replay")
        yield made


def say(rig: Rig, number: int, shard: int = 1, fill: str = "") -> int:
    """A batch with one `values` event that carries a number."""
    payload = {"values": [{"device": "air-01", "metric": "pm2_5", "lane": 0, "value": number, "fill": fill}]}
    return rig.rows.batch(shard, events=[("values", payload)])


def number(event: Event | None) -> int:
    assert event is not None and event.kind == "values", event
    return int(event.data["values"][0]["value"])


def nobody_reads(rig: Rig) -> bool:
    """Whether all readers are gone, at the latest some seconds after the longest that one may stall."""
    feed, late = rig.app.state.services.live, threading.Event()
    deadline = threading.Timer(STALLED_S * 10, late.set)
    deadline.start()
    while feed.subscribers and not late.wait(0.05):
        pass
    deadline.cancel()
    return bool(feed.subscribers == 0)


def test_what_a_batch_says_is_on_the_stream_as_it_was_written(rig: Rig) -> None:
    with following(rig.client("operator")) as stream:
        n = say(rig, 41)
        event = stream.next()
        assert number(event) == 41
        assert event is not None and event.id == f"1-{n}-0"


def test_a_reader_that_is_cut_off_again_and_again_gets_every_event_once_and_in_order(rig: Rig) -> None:
    total, chance = 400, random.Random(1)
    seen: list[int] = []
    with following(rig.client("operator"), kinds="values") as stream:
        last_id = stream.id
    writer = threading.Thread(target=lambda: [say(rig, value) for value in range(total)])
    writer.start()
    while len(seen) < total:
        with following(rig.client("operator"), last_id, "values") as stream:
            for _ in range(chance.randint(1, 40)):
                seen.append(number(stream.next()))
                last_id = stream.id
                if len(seen) == total:
                    break
    writer.join()
    assert seen == list(range(total))


def test_a_restarted_api_leads_on_from_the_id_of_the_one_before(rig: Rig, role_dsn: Callable[[str], str]) -> None:
    with following(rig.client("operator"), kinds="values") as stream:
        last_id = stream.id
    for value in range(5):
        say(rig, value)
    source = DatabaseLiveSource(role_dsn("api"), rig.desk._pool)
    source.start()
    try:
        position = parse_id(last_id)
        assert position is not None and source.recent(position) is None
        kept = source.kept(position)
        assert kept is not None and [event.n for event in kept] == sorted(event.n for event in kept)
        assert len(kept) == 5
    finally:
        source.stop()


def test_a_lost_connection_to_the_database_loses_no_event(rig: Rig) -> None:
    with following(rig.client("operator"), kinds="values") as stream:
        say(rig, 1)
        assert number(stream.next()) == 1
        rig.rows.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'andaman live events' AND datname = current_database()"
        )
        for value in range(2, 6):
            say(rig, value)
        assert [number(stream.next()) for _ in range(4)] == [2, 3, 4, 5]


def test_any_number_of_readers_share_one_listening_connection(rig: Rig) -> None:
    with ExitStack() as streams:
        opened = [streams.enter_context(following(rig.client("operator"), kinds="values")) for _ in range(12)]
        say(rig, 7)
        assert [number(stream.next()) for stream in opened] == [7] * 12
        counted = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'andaman live events'"
            " AND datname = current_database()"
        )
        assert rig.rows.execute(counted) == [(1,)]


def test_replays_are_not_on_the_stream(rig: Rig) -> None:
    with following(rig.client("operator"), kinds="values") as stream:
        say(rig, 1, shard=9)
        say(rig, 2)
        assert number(stream.next()) == 2


def test_a_shard_that_is_new_is_followed_from_its_first_event(rig: Rig) -> None:
    with following(rig.client("operator"), kinds="values") as stream:
        rig.rows.shard(2)
        say(rig, 21, shard=2)
        assert number(stream.next()) == 21
        say(rig, 22, shard=2)
        assert number(stream.next()) == 22
        last_id = stream.id
    say(rig, 23, shard=2)
    say(rig, 24)
    with following(rig.client("operator"), last_id, "values") as stream:
        assert {number(stream.next()), number(stream.next())} == {23, 24}


def test_police_hear_of_violations_and_never_a_plate(rig: Rig) -> None:
    id = rig.rows.violation(plate="1กข1234|TH-83")
    alarm = rig.rows.alarm()
    events = [("values", {"values": []}), ("alarm", {"id": str(alarm)}), ("violation", {"id": str(id), "plate": None})]
    with following(rig.client("police")) as police, following(rig.client("admin")) as admin:
        rig.rows.batch(1, events=events)
        event = police.next()
        assert event is not None and (event.kind, event.data["id"]) == ("violation", str(id))
        kinds = [found.kind for found in (admin.next(), admin.next(), admin.next()) if found is not None]
        assert kinds == ["values", "alarm", "violation"]
        assert "1234" not in str(event.data)


def test_an_alarm_on_the_stream_has_the_shape_of_the_list(rig: Rig) -> None:
    id = rig.rows.alarm(onset=NOON)
    rig.rows.execute(
        "INSERT INTO alarm_handling (alarm, made_by, action, note) VALUES (%s, 'operator-1', 'acknowledge', 'seen')", id
    )
    client = rig.client("operator")
    with following(client, kinds="alarm") as stream:
        rig.rows.batch(1, events=[("alarm", {"id": str(id)})])
        event = stream.next()
    listed = [item for item in rig.client("operator").get("/api/v1/alarms").json()["items"] if item["id"] == str(id)]
    assert event is not None and event.data == listed[0]
    assert event.data["handling"]["acknowledged_by"] == "operator-1"
    assert event.data["response"]["kind"] == "pm25-24h"


def test_a_job_that_changes_is_on_the_stream(rig: Rig) -> None:
    with following(rig.client("developer"), kinds="job") as stream:
        job = rig.rows.job("history", "running", 0.25)
        event = stream.next()
        while event is not None and event.data["id"] != job:
            event = stream.next()
        assert event is not None and (event.data["state"], event.data["progress"]) == ("running", 0.25)


def test_signing_out_ends_the_stream(rig: Rig) -> None:
    client = rig.signed_in("operator")
    with following(client) as stream:
        other = rig.client()
        other.cookies.set("andaman_session", client.cookies["andaman_session"])
        assert other.delete("/api/v1/session", headers=rig.origin).status_code == 204
        while (event := stream.next()) is not None:
            last = event
        assert last.kind == "signed-out"


def test_a_slow_reader_is_dropped_and_comes_back_without_a_gap(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.live_source, "MEMORY_CHARS", 300_000)
    # This one lags and does not stall, however long the machine takes to write what it does not read yet.
    monkeypatch.setattr(rig.app.state.services.live, "_stalled_s", 600.0)
    total = 150
    with following(rig.client("operator"), kinds="values") as stream:
        say(rig, 0)
        seen, last_id = [number(stream.next())], stream.id
        for value in range(1, total):
            say(rig, value, fill="x" * 100_000)  # far more than the sockets between us hold
        while (event := stream.next()) is not None and event.kind == "values":
            seen.append(number(event))
            last_id = stream.id
        assert event is not None and event.kind == "lagging"
    assert 0 < len(seen) < total
    with following(rig.client("operator"), last_id, "values") as stream:
        while len(seen) < total:
            seen.append(number(stream.next()))
    assert seen == list(range(total))


def test_a_reader_that_takes_nothing_at_all_is_let_go(rig: Rig) -> None:
    assert nobody_reads(rig), "readers of the tests before are still counted"
    with following(rig.client("operator"), kinds="values") as stream:
        for value in range(150):
            say(rig, value, fill="x" * 100_000)
        assert nobody_reads(rig) and not stream.ended


@pytest.mark.parametrize("last_id", ["nonsense", "1-99999999-0", "77-3-0", "1-1", "-1-5-0", "1-1-0'--"])
def test_an_id_that_leads_nowhere_is_gone(rig: Rig, last_id: str) -> None:
    say(rig, 1)
    with rig.client("operator").stream("GET", LIVE, headers={"Last-Event-ID": last_id}) as answer:
        assert answer.status_code == 410
        answer.read()
    assert "new stream" in answer.json()["detail"]


def test_a_past_that_is_no_longer_kept_is_gone(rig: Rig, role_dsn: Callable[[str], str]) -> None:
    old = say(rig, 1)
    say(rig, 2)
    rig.rows.execute("UPDATE batch SET recorded_at = recorded_at - interval '3 hours' WHERE shard = 1 AND n <= %s", old)
    source = DatabaseLiveSource(role_dsn("api"), rig.desk._pool)
    source.start()
    try:
        assert source.kept({1: (old, 0), 2: source.position().get(2, (0, -1))}) is None
    finally:
        source.stop()


def test_there_are_only_so_many_readers(rig: Rig) -> None:
    assert nobody_reads(rig)
    with ExitStack() as streams:
        for _ in range(READERS_MAX):
            streams.enter_context(following(rig.client("operator"), kinds="job"))
        refused = rig.client("operator").get(LIVE)
        assert refused.status_code == 503 and "retry-after" in refused.headers


def test_a_server_that_stops_ends_its_streams(role_dsn: Callable[[str], str], rig: Rig) -> None:
    pool = Pool(role_dsn("api"), "api")
    source, desk = DatabaseLiveSource(role_dsn("api"), pool), DatabaseDesk(pool)
    app = create_app(ApiSettings(SECRET, heartbeat_s=600.0), rig.reader, desk, source, desk, rig.onboarding)
    with ExitStack() as stack:
        server = ExitStack()
        url = server.enter_context(served(app))
        client = stack.enter_context(httpx.Client(base_url=url, headers=rig.client("operator").headers, timeout=30.0))
        stream = stack.enter_context(following(client, kinds="values"))
        server.close()
        assert stream.next() is None
    pool.close()
