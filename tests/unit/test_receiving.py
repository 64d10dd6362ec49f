"""Who may post: the devices of the city that have a password, also while the database is away."""

import threading
from pathlib import Path

import pytest

from app import receiving
from app.receiving import CityMailroom, Passwords
from contracts.city import City
from contracts.errors import StorageUnavailable, TransportError
from contracts.receiving import RECEIVER_ACCOUNT
from ingest.connection import Broker
from ingest.publisher import Publisher
from tests.fixtures.foreign_city import device, foreign_city

CAMERA, TOPIC = "cam-1", "hikvision/cam-1"
CITY = foreign_city(device("hikvision", {"topics": [TOPIC], "account": RECEIVER_ACCOUNT}, CAMERA))


def no_broker() -> Broker:
    raise TransportError("there is no broker in this test")


def test_a_password_that_is_taken_away_while_others_are_made_stays_away(tmp_path: Path) -> None:
    names = [f"cam-{n}" for n in range(16)]
    for name in names:
        Passwords(tmp_path).renew(name)
    revoked, renewed = names[::2], names[1::2]
    made: dict[str, str] = {}

    def renew(name: str) -> None:
        made[name] = Passwords(tmp_path).renew(name)

    threads = [threading.Thread(target=Passwords(tmp_path).revoke, args=(name,)) for name in revoked]
    threads += [threading.Thread(target=renew, args=(name,)) for name in renewed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: Passwords(tmp_path).get(name) for name in names} == dict.fromkeys(revoked) | made


def test_a_database_that_is_away_is_asked_now_and_then_and_takes_nobodys_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, asked, away = 1_000.0, 0, False

    def city() -> City:
        nonlocal asked
        asked += 1
        if away:
            raise StorageUnavailable
        return CITY

    monkeypatch.setattr("app.receiving.time.monotonic", lambda: now_s)
    passwords = Passwords(tmp_path)
    passwords.renew(CAMERA)
    mailroom = CityMailroom(city, passwords, Publisher(no_broker, RECEIVER_ACCOUNT))
    away = True
    with pytest.raises(StorageUnavailable):
        mailroom.poster(CAMERA)
    away = False
    found = mailroom.poster(CAMERA)
    assert found is not None and found.topic == TOPIC and asked == 2
    away, now_s = True, now_s + receiving.REFRESH_S
    assert [mailroom.poster(CAMERA) for _ in range(5)] == [found] * 5 and asked == 3
