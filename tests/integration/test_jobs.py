"""Jobs outlive their workers, run once, can be stopped, and say how far they are."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from app.jobs import Handler, Job, Worker, enqueue
from storage.jobs import JobStore, LeaseLost

PATIENCE_S = 20.0
"""Far more than anything here takes."""


@pytest.fixture
def worker_dsn(role_dsn: Callable[[str], str]) -> str:
    return role_dsn("worker")


def row_of(dsn: str, job: int | None) -> dict[str, Any]:
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute("SELECT * FROM job WHERE id = %s", (job,)).fetchone()
    assert found is not None
    return found


def await_state(dsn: str, job: int | None, *states: str) -> dict[str, Any]:
    """Listen until the job has one of these states."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("LISTEN andaman_job")
        until_s = time.monotonic() + PATIENCE_S
        while (row := row_of(dsn, job))["state"] not in states:
            assert time.monotonic() < until_s, f"still {row}"
            for _ in connection.notifies(timeout=until_s - time.monotonic(), stop_after=1):
                pass
    return row


@contextmanager
def working(
    dsn: str, handlers: dict[str, Handler], every_s: dict[str, float] | None = None
) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=Worker(dsn, handlers, every_s).run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def let_lease_run_out(dsn: str, job: int) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE job SET lease_until_at = now() - interval '1 second' WHERE id = %s", (job,))


def test_a_job_is_carried_out_and_its_history_kept(worker_dsn: str, dsn: str) -> None:
    def count(job: Job) -> None:
        job.report(0.5, f"half of {job.args['to']}")

    with working(worker_dsn, {"count": count}):
        job = enqueue(worker_dsn, "count", {"to": 7}, "somchai")
        row = await_state(dsn, job, "done")
    assert (row["progress"], row["message"], row["made_by"], row["attempts"]) == (1.0, "half of 7", "somchai", 1)
    with psycopg.connect(dsn) as connection:
        events = connection.execute(
            "SELECT state, progress FROM job_event WHERE job = %s ORDER BY id", (job,)
        ).fetchall()
    assert events == [("queued", 0.0), ("running", 0.0), ("running", 0.5), ("done", 1.0)]


def test_what_nobody_has_a_handler_for_waits(worker_dsn: str, dsn: str) -> None:
    waiting = enqueue(worker_dsn, "unknown")
    with working(worker_dsn, {"other": lambda job: None}):
        await_state(dsn, enqueue(worker_dsn, "other"), "done")
    assert row_of(dsn, waiting)["state"] == "queued"


def test_a_job_asked_for_once_is_made_once(worker_dsn: str, dsn: str) -> None:
    first = enqueue(worker_dsn, "past", {"shard": 1}, once=True)
    assert first is not None
    assert enqueue(worker_dsn, "past", {"shard": 1}, once=True) is None
    assert enqueue(worker_dsn, "past", {"shard": 2}, once=True) is not None
    with closing(JobStore(worker_dsn, "a")) as store:
        while claim := store.claim(["past"]):
            store.finish(claim, "failed")
    assert enqueue(worker_dsn, "past", {"shard": 1}, once=True) is not None


def test_a_job_is_claimed_by_one_worker_alone(worker_dsn: str) -> None:
    jobs = {enqueue(worker_dsn, "alone") for _ in range(20)}
    claimed: list[int] = []

    def claim(name: str) -> None:
        with closing(JobStore(worker_dsn, name)) as store:
            while found := store.claim(["alone"]):
                claimed.append(found.id)

    threads = [threading.Thread(target=claim, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(claimed) == sorted(job for job in jobs if job is not None)


def test_a_job_whose_worker_died_is_given_to_another(worker_dsn: str, dsn: str) -> None:
    job = enqueue(worker_dsn, "orphan")
    with closing(JobStore(worker_dsn, "dead")) as dead, closing(JobStore(worker_dsn, "heir")) as heir:
        lost = dead.claim(["orphan"])
        assert lost is not None and heir.claim(["orphan"]) is None
        let_lease_run_out(dsn, lost.id)
        taken = heir.claim(["orphan"])
        assert taken is not None
        assert (taken.id, taken.attempt) == (job, 2)
        for attempt in (
            lambda: dead.report(lost, 0.9, "late"),
            lambda: dead.finish(lost, "done"),
            lambda: dead.beat(lost),
        ):
            with pytest.raises(LeaseLost):
                attempt()
        heir.finish(taken, "done")
    assert row_of(dsn, job)["message"] == ""


def test_a_job_whose_workers_die_every_time_fails_and_says_so(worker_dsn: str, dsn: str) -> None:
    job = enqueue(worker_dsn, "killer")
    with closing(JobStore(worker_dsn, "dead")) as store:
        for _ in range(3):
            claim = store.claim(["killer"])
            assert claim is not None
            let_lease_run_out(dsn, claim.id)
        assert store.claim(["killer"]) is None
        store.turn()
    row = row_of(dsn, job)
    assert (row["state"], row["error"], row["attempts"]) == ("failed", "the worker that ran it disappeared", 3)


def test_a_failed_attempt_is_tried_again_and_the_last_one_is_final(
    worker_dsn: str, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.jobs.RETRY_S", 0.0)
    tries: list[int] = []

    def fail(job: Job) -> None:
        tries.append(job.claim.attempt)
        raise ValueError("no such shard")

    with working(worker_dsn, {"fail": fail}):
        row = await_state(dsn, enqueue(worker_dsn, "fail"), "failed")
    assert tries == [1, 2, 3]
    assert row["error"] == "ValueError: no such shard"


def test_a_running_job_stops_when_somebody_cancels_it(worker_dsn: str, dsn: str) -> None:
    started = threading.Event()

    def endless(job: Job) -> None:
        started.set()
        while not job.cancelled.wait(PATIENCE_S):
            raise AssertionError("nobody told the job to stop")
        job.report(0.1, "never said")

    with working(worker_dsn, {"endless": endless}):
        job = enqueue(worker_dsn, "endless")
        assert started.wait(PATIENCE_S)
        with psycopg.connect(dsn) as connection:
            connection.execute("UPDATE job SET cancel_requested = true WHERE id = %s", (job,))
        row = await_state(dsn, job, "cancelled")
    assert row["message"] == ""


def test_a_worker_that_is_told_to_stop_gives_its_job_back_uncounted(worker_dsn: str, dsn: str) -> None:
    started = threading.Event()

    def long(job: Job) -> None:
        started.set()
        assert job.leaving.wait(PATIENCE_S)
        job.check()

    with working(worker_dsn, {"long": long}):
        job = enqueue(worker_dsn, "long")
        assert started.wait(PATIENCE_S)
    row = row_of(dsn, job)
    assert (row["state"], row["attempts"], row["worker"]) == ("queued", 0, None)


def test_a_schedule_makes_a_job_again_and_never_two_at_once(worker_dsn: str, dsn: str) -> None:
    runs: list[int] = []
    with working(worker_dsn, {"timer": lambda job: runs.append(job.claim.id)}, {"timer": 0.2}):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("LISTEN andaman_job")
            until_s = time.monotonic() + PATIENCE_S
            while len(runs) < 3:
                assert time.monotonic() < until_s
                for _ in connection.notifies(timeout=1, stop_after=1):
                    pass
    assert len(set(runs)) == len(runs)
    with closing(JobStore(worker_dsn)) as store:
        store.schedule("slow", "slow", 0.001)
        for _ in range(5):
            store.turn()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM job WHERE schedule = 'slow'").fetchone() == (1,)


def test_a_worker_waits_while_its_connections_are_killed_and_goes_on(
    worker_dsn: str, dsn: str, role_dsn: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.AWAY_S", 0.05)
    with working(worker_dsn, {"after": lambda job: None}):
        await_state(dsn, enqueue(worker_dsn, "after"), "done")
        with psycopg.connect(role_dsn("superuser")) as connection:
            killed = connection.execute(
                "SELECT bool_and(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                "WHERE application_name = 'andaman jobs' AND datname = current_database()"
            ).fetchone()
        assert killed == (True,)
        await_state(dsn, enqueue(worker_dsn, "after"), "done")
