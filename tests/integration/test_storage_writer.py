"""A batch is written whole, once, and only by the pipeline that owns the shard."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import psycopg
import pytest

from contracts.columns import LATE, PASSAGE, READING, Batch, Gap, Notice, Rejects
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Rejection
from contracts.errors import Fenced, StorageError, StorageUnavailable
from contracts.findings import Alarm, Because, Condition, Outputs, Plate, Priority, Violation, finding_id
from storage.connection import connect
from storage.writer import Writer
from tests.fixtures.log_rows import START_US, any_windows, log_batch
from tests.fixtures.shard_of import Bench, bench
from tests.fixtures.small_city import FLOW, PM25
from tests.fixtures.tcp_proxy import commit_cutter

PLATE = "1กข1234|TH-83"
BECAUSE = Because(measured=131, limit=60, threshold=70, margin=61, unit="km/h", needed="speed_kmh <= 70")


@pytest.fixture
def pipeline_dsn(role_dsn: Callable[[str], str]) -> str:
    return role_dsn("pipeline")


@pytest.fixture
def desk(pipeline_dsn: str, tmp_path: Path) -> Iterator[Bench]:
    made = bench(pipeline_dsn, tmp_path)
    made.writer.open()
    yield made
    made.close()


def ask(dsn: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement.encode(), values).fetchall()


def speeding_batch(desk: Bench, n: int = 1) -> tuple[Batch, Outputs]:
    """One passage at 131 km/h with a plate, and the case made of it."""
    passages = np.zeros(1, PASSAGE)
    row = passages[0]
    row["device"], row["boot"], row["seq"], row["lane"], row["vehicle"], row["speed_kmh"] = 1, 1, n, 1, 2, 131.0
    row["received_us"] = row["event_us"] = START_US + n
    sealed = desk.vault.seal(PLATE, "1NN1234", START_US + n)
    row["plate_state"], row["plate_day"] = 1, sealed.day
    row["plate_sealed"], row["plate_hash"] = np.void(sealed.sealed), np.void(sealed.hash)
    violation = Violation(
        id=finding_id("speeding", desk.number, n), revision=1, rule="speeding-town", rule_version=1, device=1,
        zone="wichit", occurred_us=START_US + n, lane=1, direction=1, vehicle=2, because=BECAUSE,
        offence="speeding", plate_state=1, plate=Plate(sealed.day, sealed.hash, sealed.sealed),
    )  # fmt: skip
    batch = Batch(n, START_US + n - 1, START_US + n, passages=passages)
    return batch, Outputs(violations=(violation,))


def alarm_of(desk: Bench, condition: Condition = Condition.ACTIVE, revision: int = 1) -> Alarm:
    return Alarm(
        id=finding_id("silence", desk.number), revision=revision, kind="device-silent", rule="silence", rule_version=1,
        subject="cam-402-01", device=1, zone="wichit", priority=Priority.MEDIUM, condition=condition,
        onset_us=START_US, changed_us=START_US + revision, because=BECAUSE,
    )  # fmt: skip


def test_what_is_written_reads_back_bit_for_bit_and_in_order(desk: Bench) -> None:
    batches = [log_batch(n, size=5, seed=n) for n in range(1, 6)]
    for batch in batches:
        desk.writer.commit(desk.writer.prepare(batch, Outputs(windows=any_windows(3, batch.n))))
    again = list(desk.log.batches_after(desk.number, 0))
    assert [batch.n for batch in again] == [1, 2, 3, 4, 5]
    for said, read in zip(batches, again, strict=True):
        for kind in ("reading", "passage", "signal", "status"):
            assert read.kind(kind).tobytes() == said.kind(kind).tobytes()
        assert (read.since_us, read.now_us) == (said.since_us, said.now_us)


def test_windows_go_to_the_table_of_their_width_and_late_records_to_theirs(desk: Bench, dsn: str) -> None:
    windows, late = any_windows(4, 1), np.zeros(2, LATE)
    windows["width_s"] = (60, 900, 60, 86_400)
    late["device"], late["event_us"] = (5, 6), START_US
    desk.writer.commit(desk.writer.prepare(log_batch(1, size=2, seed=1), Outputs(windows=windows, late=late)))
    with connect(dsn, "test") as connection:
        minutes = connection.execute("SELECT added FROM window_1m WHERE shard = %s", (desk.number,)).fetchall()
        wide = connection.execute("SELECT width_s, added FROM window_wide WHERE shard = %s", (desk.number,)).fetchall()
        said = connection.execute("SELECT n, device FROM late WHERE shard = %s", (desk.number,)).fetchall()
    added = windows["added"].tolist()
    assert minutes == [(added[0],), (added[2],)]
    assert wide == [(900, added[1]), (86_400, added[3])]
    assert said == [(1, 5), (1, 6)]


def test_what_the_engine_knows_beside_the_records_reads_back(desk: Bench) -> None:
    batch = Batch(
        1, START_US, START_US + 7, gaps=(Gap(START_US - 5, START_US, "disconnected"),), config=3, past=(9, 2**40),
        rejects=(Rejects(4, "future", 2, (1, 1), (2**53, 5)),), notices=(Notice("disk-low", True, "4 GB left"),),
    )  # fmt: skip
    desk.writer.commit(desk.writer.prepare(batch, Outputs()))
    (again,) = desk.log.batches_after(desk.number, 0)
    for name in ("n", "since_us", "now_us", "gaps", "config", "past", "rejects", "notices"):
        assert getattr(again, name) == getattr(batch, name)


def test_writing_a_batch_twice_changes_nothing(desk: Bench, dsn: str) -> None:
    prepared = desk.writer.prepare(*speeding_batch(desk))
    for _ in range(3):
        desk.writer.commit(prepared)
    counted = (
        "SELECT (SELECT count(*) FROM log_passage WHERE shard = %s), (SELECT count(*) FROM violation WHERE shard = %s)"
    )
    assert ask(dsn, counted, desk.number, desk.number) == [(1, 1)]


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_connection_lost_during_commit_leaves_the_batch_exactly_once(
    where: str, pipeline_dsn: str, dsn: str, tmp_path: Path
) -> None:
    with commit_cutter(pipeline_dsn) as proxy:
        desk = bench(proxy.dsn, tmp_path)
        desk.writer.open()
        prepared = desk.writer.prepare(log_batch(1), Outputs())
        proxy.cut_next = where
        desk.writer.commit(prepared)
        assert proxy.cuts == 1
        assert ask(dsn, "SELECT count(*) FROM batch WHERE shard = %s", desk.number) == [(1,)]
        assert ask(dsn, "SELECT count(*) FROM log_reading WHERE shard = %s", desk.number) == [(4,)]
        desk.close()


def test_a_backend_killed_between_batches_is_replaced(desk: Bench, role_dsn: Callable[[str], str], dsn: str) -> None:
    for n in (1, 2):
        desk.writer.commit(desk.writer.prepare(log_batch(n), Outputs()))
        killed = ask(
            role_dsn("superuser"),
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s",
            f"andaman writer {desk.number}",
        )
        assert killed == [(True,)]
    assert desk.log.last_batch(desk.number) == 2


def test_an_older_pipeline_is_fenced_and_leaves_nothing(desk: Bench, pipeline_dsn: str) -> None:
    newer = Writer(pipeline_dsn, desk.shard, desk.vault, desk.city)
    assert newer.open() == 2
    with pytest.raises(Fenced, match="epoch 2"):
        desk.writer.commit(desk.writer.prepare(log_batch(1), Outputs()))
    assert desk.log.last_batch(desk.number) == 0
    newer.commit(newer.prepare(log_batch(1, seed=5), Outputs()))
    with pytest.raises(Fenced):
        desk.writer.commit(desk.writer.prepare(log_batch(1), Outputs()))
    newer.close()


def test_taking_a_shard_waits_for_the_commit_that_is_under_way(desk: Bench, pipeline_dsn: str, dsn: str) -> None:
    newer = Writer(pipeline_dsn, desk.shard, desk.vault, desk.city)
    taken = threading.Event()

    def take() -> None:
        newer.open()
        taken.set()

    with connect(dsn, "test") as older:
        older.execute("BEGIN")
        older.execute("SELECT epoch FROM shard WHERE shard = %s FOR SHARE", (desk.number,))
        thread = threading.Thread(target=take)
        thread.start()
        while not ask(dsn, "SELECT 1 FROM pg_locks WHERE NOT granted"):
            assert not taken.is_set()
        older.execute("COMMIT")
    thread.join(10)
    assert taken.is_set()
    newer.close()


def test_a_shard_of_another_city_is_not_taken(desk: Bench, pipeline_dsn: str) -> None:
    other = Writer(pipeline_dsn, replace(desk.shard, city="bangkok"), desk.vault, desk.city)
    with closing(other), pytest.raises(StorageError, match="choose another number"):
        other.open()


def test_a_stop_ends_the_wait_for_a_database_that_is_away(desk: Bench) -> None:
    prepared = desk.writer.prepare(log_batch(1), Outputs())
    away = Writer("host=127.0.0.1 port=1 connect_timeout=1", desk.shard, desk.vault, desk.city)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(StorageUnavailable):
        away.commit(prepared, stop)
    assert stop.is_set()


def test_a_refused_statement_leaves_nothing_and_the_writer_goes_on(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    twice = Outputs(alarms=(alarm_of(desk),) * 2)  # the same revision of the same id two times
    with pytest.raises(StorageError):
        desk.writer.commit(desk.writer.prepare(batch, twice))
    assert ask(dsn, "SELECT count(*) FROM log_passage WHERE shard = %s", desk.number) == [(0,)]
    desk.writer.commit(desk.writer.prepare(batch, outputs))
    assert desk.log.last_batch(desk.number) == 1


def test_a_violation_keeps_its_plate_when_the_day_is_destroyed(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    desk.writer.commit(desk.writer.prepare(batch, outputs))
    desk.vault.destroy(int(batch.passages["plate_day"][0]))
    ((sealed, wrapped),) = ask(dsn, "SELECT sealed, wrapped_key FROM violation_plate WHERE shard = %s", desk.number)
    assert desk.vault.open_case(sealed, wrapped) == PLATE


def test_a_violation_whose_day_is_destroyed_is_kept_without_plate(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    desk.vault.destroy(int(batch.passages["plate_day"][0]))
    desk.writer.commit(desk.writer.prepare(batch, outputs))
    assert ask(dsn, "SELECT count(*) FROM violation WHERE shard = %s", desk.number) == [(1,)]
    assert ask(dsn, "SELECT count(*) FROM violation_plate WHERE shard = %s", desk.number) == [(0,)]


def test_a_case_said_after_its_passages_batch_has_its_plate_too(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    desk.writer.commit(desk.writer.prepare(batch, Outputs()))
    desk.writer.commit(desk.writer.prepare(Batch(2, START_US + 1, START_US + 2), outputs))
    ((sealed, wrapped),) = ask(dsn, "SELECT sealed, wrapped_key FROM violation_plate WHERE shard = %s", desk.number)
    assert desk.vault.open_case(sealed, wrapped) == PLATE


def test_a_new_revision_of_a_case_leaves_its_one_plate_as_it_is(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    desk.writer.commit(desk.writer.prepare(batch, outputs))
    plates = "SELECT sealed, wrapped_key FROM violation_plate WHERE shard = %s"
    before = ask(dsn, plates, desk.number)
    (violation,) = outputs.violations
    again = [msgspec.structs.replace(violation, revision=n, chargeable=False, reason="dirty_lens") for n in (2, 3)]
    later = Batch(2, START_US + 1, START_US + 2)
    desk.writer.commit(desk.writer.prepare(later, Outputs(violations=tuple(again))))
    assert ask(dsn, plates, desk.number) == before and len(before) == 1
    assert ask(dsn, "SELECT count(*) FROM violation WHERE shard = %s", desk.number) == [(3,)]


def test_a_case_that_is_said_again_after_the_log_forgot_it_leaves_the_first(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    (violation,) = outputs.violations
    again = msgspec.structs.replace(violation, reason="said again")
    for n, said in ((1, violation), (2, again)):
        later = replace(batch, n=n, since_us=START_US + n, now_us=START_US + n + 1)
        desk.writer.commit(desk.writer.prepare(later, Outputs(violations=(said,))))
    rows = ask(dsn, "SELECT n, content ->> 'reason' FROM violation WHERE shard = %s", desk.number)
    assert rows == [(1, "")]


def test_a_finding_itself_holds_no_plate_in_any_form(desk: Bench, dsn: str) -> None:
    desk.writer.commit(desk.writer.prepare(*speeding_batch(desk)))
    ((plate, text),) = ask(dsn, "SELECT content -> 'plate', content::text FROM violation WHERE shard = %s", desk.number)
    assert plate is None and "sealed" not in text


def test_no_clear_plate_is_anywhere_in_the_database(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    payload = json.dumps({"records": [{"plates": [{"text": "1กข1234"}]}]}, ensure_ascii=False).encode()
    rejection = Rejection("schema", "$.records[0].t is missing", "andaman/v1/x", payload, START_US)
    desk.writer.commit(desk.writer.prepare(batch, outputs, [rejection]))
    tables = ask(dsn, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    assert len(tables) > 20
    for (table,) in tables:
        for clear in ("1กข1234", "1กข1234".encode().hex(), "1กข"):
            found = f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s'
            assert ask(dsn, found, f"%{clear}%") == [(0,)], table


def test_a_rejected_payload_is_opened_with_the_key_of_its_day_alone(desk: Bench, dsn: str) -> None:
    large = b"{" + bytes(REJECTED_PAYLOAD_BYTES)
    hostile = Rejection("not_json", "NUL \0 and \ud800", "a\0b", large, START_US, 3, 1, 7, 2)
    desk.writer.commit(desk.writer.prepare(Batch(1, START_US, START_US + 1), Outputs(), [hostile]))
    statement = "SELECT payload, payload_day, detail, topic, device, boot, seq, part FROM rejection WHERE shard = %s"
    ((payload, day, detail, topic, *numbers),) = ask(dsn, statement, desk.number)
    assert desk.vault.open_bytes(payload, day) == hostile.payload[:REJECTED_PAYLOAD_BYTES]
    assert (detail, topic, numbers) == ("NUL � and ?", "a�b", [3, 1, 7, 2])


def test_findings_are_revisions_and_the_view_shows_the_newest(desk: Bench, dsn: str) -> None:
    alarms = [alarm_of(desk), alarm_of(desk, Condition.NORMAL, 2)]
    for n, alarm in enumerate(alarms, 1):
        desk.writer.commit(desk.writer.prepare(Batch(n, START_US + n, START_US + n), Outputs(alarms=(alarm,))))
    shown = "SELECT revision, condition, content ->> 'subject' FROM {} WHERE shard = %s ORDER BY revision"
    assert ask(dsn, shown.format("alarm_current"), desk.number) == [(2, "normal", "cam-402-01")]
    assert len(ask(dsn, shown.format("alarm"), desk.number)) == 2


def readings_of(n: int, *rows: tuple[int, int, int, float, float]) -> Batch:
    """Rows of (device, metric, lane, seconds, value)."""
    readings = np.zeros(len(rows), READING)
    for at, (device, metric, lane, event_s, value) in enumerate(rows):
        row = readings[at]
        row["place"], row["device"], row["metric"], row["lane"], row["value"] = at, device, metric, lane, value
        row["event_us"], row["received_us"] = START_US + int(event_s * 1e6), START_US + n
    return Batch(n, START_US + n - 1, START_US + n, readings=readings)


def test_the_latest_value_is_the_one_of_the_latest_event_time(desk: Bench, dsn: str) -> None:
    device = 90_000 + desk.number
    first = readings_of(1, (device, PM25, 0, 5, 1.0), (device, PM25, 0, 9, 2.0), (device, PM25, 0, 7, 3.0))
    desk.writer.commit(desk.writer.prepare(first, Outputs()))
    desk.writer.commit(desk.writer.prepare(readings_of(2, (device, PM25, 0, 8, 4.0)), Outputs()))
    assert ask(dsn, "SELECT value, n FROM latest_value WHERE device = %s", device) == [(2.0, 1)]
    desk.writer.commit(desk.writer.prepare(readings_of(3, (device, PM25, 0, 10, 5.0)), Outputs()))
    assert ask(dsn, "SELECT value, n FROM latest_value WHERE device = %s", device) == [(5.0, 3)]


def test_the_latest_records_name_their_fields_and_never_a_plate(desk: Bench, dsn: str) -> None:
    batch, device = log_batch(1, size=1), 80_000 + desk.number
    for kind in ("passage", "signal", "status"):
        batch.kind(kind)["device"] = device
    desk.writer.commit(desk.writer.prepare(batch, Outputs()))
    desk.writer.commit(desk.writer.prepare(readings_of(2, (device, FLOW, 2, 60, 12.0)), Outputs()))
    rows = ask(dsn, "SELECT kind, key, content FROM latest_record WHERE device = %s", device)
    contents = {kind: content for kind, _, content in rows}
    assert set(contents) == {"passage", "signal", "status", "counts"}
    assert {name for name in contents["passage"] if "plate" in name} == {"plate_state"}
    assert ("counts", "2", {"flow-car": 12.0}) in rows


def test_a_moment_beyond_every_calendar_does_not_stop_the_log(desk: Bench, dsn: str) -> None:
    batch, device = log_batch(1, size=1), 60_000
    batch.statuses["device"], batch.statuses["calibrated_until_us"] = device, 2**62
    desk.writer.commit(desk.writer.prepare(batch, Outputs()))
    shown = "SELECT content -> 'calibrated_until' FROM latest_record WHERE device = %s"
    assert ask(dsn, shown, device) == [(None,)]
    (again,) = desk.log.batches_after(desk.number, 0)
    assert again.statuses["calibrated_until_us"].tolist() == [2**62]


def test_live_events_are_written_in_the_commit_and_announced_with_it(desk: Bench, dsn: str) -> None:
    batch, outputs = speeding_batch(desk)
    batch = Batch(1, batch.since_us, batch.now_us, readings_of(1, (4, PM25, 0, 0, 38.5)).readings, batch.passages)
    with connect(dsn, "test") as listener:
        listener.execute("LISTEN andaman_live")
        desk.writer.commit(desk.writer.prepare(batch, Outputs(violations=outputs.violations, alarms=(alarm_of(desk),))))
        notices = [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)]
        assert notices == [f"{desk.number} 1"]
        events = listener.execute(
            "SELECT i, kind, payload FROM live_event WHERE shard = %s ORDER BY n, i", (desk.number,)
        ).fetchall()
    assert [(i, kind) for i, kind, _ in events] == [(0, "values"), (1, "violation"), (2, "alarm")]
    (value,) = events[0][2]["values"]
    assert value == {"device": "air-01", "metric": "pm2_5", "lane": 0, "t": "2027-01-15T08:00:00Z", "value": 38.5}
    assert [record["kind"] for record in events[0][2]["records"]] == ["passage"]
    assert events[1][2]["plate"] is None
    assert (events[1][2]["device"], events[1][2]["speed_kmh"]) == ("cam-402-01", 131.0)
    assert UUID(events[2][2]["id"]) == alarm_of(desk).id


def test_a_past_that_nobody_watches_announces_nothing(pipeline_dsn: str, dsn: str, tmp_path: Path) -> None:
    desk = bench(pipeline_dsn, tmp_path, announce=False)
    desk.writer.open()
    desk.writer.commit(desk.writer.prepare(log_batch(1), Outputs()))
    assert ask(dsn, "SELECT count(*) FROM live_event WHERE shard = %s", desk.number) == [(0,)]
    desk.close()


def test_a_replay_that_nobody_watches_is_not_what_is_newest(pipeline_dsn: str, dsn: str, tmp_path: Path) -> None:
    made = bench(pipeline_dsn, tmp_path)
    shard = replace(made.shard, space="replay")
    with closing(Writer(pipeline_dsn, shard, made.vault, made.city, announce=False)) as writer:
        writer.open()
        writer.commit(writer.prepare(readings_of(1, (70_000, PM25, 0, 0, 1.0)), Outputs()))
    assert ask(dsn, "SELECT count(*) FROM latest_value WHERE device = 70000") == [(0,)]
    assert ask(dsn, "SELECT count(*) FROM log_reading WHERE device = 70000") == [(1,)]


def test_a_log_whose_records_were_dropped_says_so_and_is_not_read_in_part(desk: Bench, dsn: str) -> None:
    desk.writer.commit(desk.writer.prepare(log_batch(1), Outputs()))
    with psycopg.connect(dsn) as connection:
        connection.execute("DELETE FROM log_reading WHERE shard = %s AND place = 0", (desk.number,))
    with pytest.raises(StorageError, match="15 of its 16 records"):
        list(desk.log.batches_after(desk.number, 0))


def test_an_identity_is_found_in_the_log_with_its_digest(desk: Bench) -> None:
    for n in range(1, 4):
        desk.writer.commit(desk.writer.prepare(log_batch(n), Outputs()))
    rows = log_batch(2).readings.copy()
    rows["boot"][0] = 9
    found = desk.log.seen(desk.number, "reading", rows, START_US)
    assert found.tolist() == [-1, *rows["digest"][1:].tolist()]
    assert desk.log.seen(desk.number + 1_000, "reading", rows, START_US).tolist() == [-1] * 4


def test_the_log_is_read_in_portions_without_a_seam(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.log.RECORDS_AT_ONCE", 40)
    monkeypatch.setattr("storage.log.BATCHES_AT_ONCE", 3)
    said = [log_batch(n, size=n % 4) for n in range(1, 12)]
    for batch in said:
        desk.writer.commit(desk.writer.prepare(batch, Outputs()))
    read = list(desk.log.batches_after(desk.number, 2, until=10))
    assert [batch.n for batch in read] == list(range(3, 11))
    for batch in read:
        assert batch.passages.tobytes() == said[batch.n - 1].passages.tobytes()
    assert list(desk.log.batches_after(desk.number, 11)) == []
