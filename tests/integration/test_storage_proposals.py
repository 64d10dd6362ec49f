"""Proposals in the database: what is said adds up, and no flood of invented names grows or empties the list."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from contracts.clock import SECOND_US
from contracts.onboarding import PROPOSALS_MAX, Proposal, SaidSeries, Stranger
from storage.connection import connect
from storage.proposals import dismiss, proposed, read_proposals
from storage.queries import statements

AT_US = 1_800_000_000_000_000
CITY = "testville"


@pytest.fixture
def connection(role_dsn: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(role_dsn("owner"), autocommit=True) as owner:
        owner.execute("TRUNCATE proposal")
    with connect(role_dsn("pipeline"), "test") as made:
        yield made


def stranger(device: str, at_s: float = 0.0, *series: SaidSeries, count: int = 1, **more: Any) -> Stranger:
    at_us = AT_US + round(at_s * SECOND_US)
    return Stranger(device, more.pop("zone", "wichit"), at_us, at_us, count, ("readings",), series, **more)


def said(metric: str, at_s: float, value: float, lane: int = 0) -> SaidSeries:
    at_us = AT_US + round(at_s * SECOND_US)
    return SaidSeries(metric, lane, "m", value, at_us, at_us)


def write(connection: psycopg.Connection[Any], at_s: float, *strangers: Stranger) -> None:
    sql = statements("write")
    for name, values in proposed(CITY, strangers, AT_US + round(at_s * SECOND_US)):
        connection.execute(sql[name], values)


def read(connection: psycopg.Connection[Any]) -> dict[str, Proposal]:
    return {each.device: each for each in read_proposals(connection, CITY, dismissed=True)}


def test_what_a_device_says_adds_up_over_batches(connection: psycopg.Connection[Any]) -> None:
    for n in range(5):
        write(connection, n * 29.0, stranger("a", n * 29.0, said("level", n * 29.0, float(n)), count=2))
    write(connection, 200, stranger("a", 200.0, said("pm2_5", 200.0, 7.0, lane=3), zone="mueang", lon=98.4, lat=7.9))
    found = read(connection)["a"]
    assert (found.refused, found.zone, found.lon, found.lat) == (11, "mueang", 98.4, 7.9)
    assert (found.last_seen - found.first_seen).total_seconds() == 200
    assert [(s.metric, s.lane, s.value, s.interval_s) for s in found.series] == [
        ("level", 0, 4.0, 30.0), ("pm2_5", 3, 7.0, 60.0),
    ]  # fmt: skip


def test_a_flood_of_names_neither_grows_the_list_nor_pushes_out_who_has_spoken_twice(
    connection: psycopg.Connection[Any],
) -> None:
    for at_s in (0.0, 1.0):
        write(connection, at_s, stranger("honest", at_s))
    for n in range(20):
        write(connection, 2.0 + n, *(stranger(f"invented-{n}-{i}", 2.0 + n) for i in range(64)))
        assert len(read(connection)) <= PROPOSALS_MAX
    found = read(connection)
    assert "honest" in found and len(found) == PROPOSALS_MAX
    write(connection, 60.0, stranger("late", 60.0))
    assert "late" in read(connection), "there is room again as soon as the flood is over"


def test_names_that_are_all_heard_twice_leave_room_for_others_after_a_day(connection: psycopg.Connection[Any]) -> None:
    for n in range(0, PROPOSALS_MAX, 64):
        write(connection, 0.0, *(stranger(f"chatty-{n + i}", count=2) for i in range(64)))
    write(connection, 10.0, stranger("late", 10.0))
    assert "late" not in read(connection) and len(read(connection)) == PROPOSALS_MAX
    write(connection, 90_000.0, stranger("late", 90_000.0))
    assert "late" in read(connection) and len(read(connection)) == PROPOSALS_MAX


@pytest.mark.parametrize(
    ("more", "hidden"),
    [
        (stranger("a", 5.0, said("level", 5.0, 9.0)), True),
        (stranger("a", 5.0), True),
        (stranger("a", 5.0, said("level", 5.0, 9.0, lane=1)), False),
        (stranger("a", 5.0, said("pm2_5", 5.0, 9.0)), False),
        (stranger("a", 5.0, zone="mueang"), False),
        (Stranger("a", "wichit", AT_US, AT_US, 1, ("counts",)), False),
    ],
    ids=["the same", "nothing", "a lane", "a metric", "a zone", "a kind"],
)
def test_a_dismissed_device_stays_hidden_while_it_says_the_same(
    connection: psycopg.Connection[Any], more: Stranger, hidden: bool
) -> None:
    write(connection, 0.0, stranger("a", 0.0, said("level", 0.0, 1.0)))
    assert dismiss(connection, CITY, "a", "admin-1")
    write(connection, 5.0, more)
    assert (read(connection)["a"].dismissed_at is not None) == hidden
    assert read(connection)["a"].refused == 2
