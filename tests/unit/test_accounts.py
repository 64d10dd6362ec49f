"""Who has which account, and where its password is known."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app import accounts
from app.commands.upkeep import send_hangup
from app.services.child import ServiceFailed
from app.services.secret_file import passwords_for, write_password
from contracts.onboarding import KnownCredential
from ingest.connection import Broker as Address
from tests.fixtures.foreign_city import device, foreign_city
from tests.fixtures.small_city import small_city

CITY = small_city()
WATER = "water-01"
WAITS = """
import signal, sys
signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
print('ready', flush=True)
signal.pause()
"""


def said(access: tuple[str, ...], user: str) -> list[str]:
    """The lines of a user."""
    lines = list(access)
    at = lines.index(f"user {user}")
    end = lines.index("", at) if "" in lines[at:] else len(lines)
    return lines[at + 1 : end]


def test_a_device_without_a_credential_of_its_own_has_the_password_of_the_folder(tmp_path: Path) -> None:
    made = accounts.accounts_of(tmp_path, CITY)
    assert WATER in made.passwords and made.hashes == {}
    assert len(made) == len(accounts.HOUSE) + len(CITY.devices)
    assert made.access == accounts.access(CITY)


def test_a_device_with_a_credential_has_that_and_no_other(tmp_path: Path) -> None:
    accounts.passwords(tmp_path, [WATER])
    made = accounts.accounts_of(tmp_path, CITY, {WATER: KnownCredential("wichit", "$7$x")})
    assert WATER not in made.passwords and made.hashes == {WATER: "$7$x"}
    assert said(made.access, WATER) == said(accounts.access(CITY), WATER)


def test_a_revoked_device_has_neither_an_account_nor_a_rule(tmp_path: Path) -> None:
    made = accounts.accounts_of(tmp_path, CITY, {WATER: KnownCredential("wichit", None)})
    assert WATER not in made.passwords and WATER not in made.hashes
    assert f"user {WATER}" not in made.access and not [line for line in made.access if f"/{WATER}/" in line]


def test_an_invited_device_says_what_it_likes_below_its_zone_alone(tmp_path: Path) -> None:
    made = accounts.accounts_of(tmp_path, CITY, {"new-01": KnownCredential("mueang", "$7$x")})
    lines = said(made.access, "new-01")
    assert lines[-1] == "topic read andaman/v1/testville/mueang/new-01/mark"
    assert {line.rpartition("/")[0] for line in lines[:-1]} == {"topic write andaman/v1/testville/mueang/new-01"}


def test_a_device_that_a_gateway_speaks_for_has_no_way_in_of_its_own_whatever_it_was_given(
    tmp_path: Path,
) -> None:
    entry = {"topics": ["gw/up"], "account": "gw", "fields": [{"field": "t", "metric": "temperature"}]}
    given = {"far-01": KnownCredential("wichit", "$7$x"), "gw": KnownCredential("wichit", "$7$y")}
    made = accounts.accounts_of(tmp_path, foreign_city(device("zigbee2mqtt", entry, "far-01")), given)
    assert made.hashes == {"gw": "$7$y"} and said(made.access, "gw") == ["topic write gw/up"]
    assert "user far-01" not in made.access and not [line for line in made.access if "/far-01/" in line]


def test_a_password_of_any_letters_is_found_in_the_brokers_address_again() -> None:
    url = accounts.with_account("mqtts://mqtt.phuket.example:8883", "gw/1", "a/b:c@d e%41#?ก")
    address = Address.of(url)
    assert (address.host, address.port) == ("mqtt.phuket.example", 8883)
    assert (address.username, address.password) == ("gw/1", "a/b:c@d e%41#?ก")


def test_no_credential_takes_an_account_of_the_house_over(tmp_path: Path) -> None:
    made = accounts.accounts_of(tmp_path, CITY, {accounts.PIPELINE: KnownCredential("wichit", "$7$x")})
    assert made.hashes == {} and accounts.PIPELINE in made.passwords
    assert list(made.access).count(f"user {accounts.PIPELINE}") == 1


def test_whoever_connects_next_has_the_password_that_was_changed_meanwhile(tmp_path: Path) -> None:
    book = accounts.PasswordBook(tmp_path, [WATER, "air-01"])
    other, before = book("air-01"), book(WATER)
    accounts.keep_password(tmp_path, WATER, "another")
    os.utime(tmp_path / accounts.ACCOUNTS_FILE, ns=(1, 1))
    assert (book(WATER), book("air-01")) == ("another", other) and before != "another"


def test_passwords_that_many_make_at_once_are_each_kept(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    found: dict[str, str] = {}

    def make(n: int) -> None:
        found.update(passwords_for([f"device-{n}"], file))
        write_password(f"other-{n}", "x", file)

    threads = [threading.Thread(target=make, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passwords_for(found, file) == found and len(found) == 16
    assert passwords_for([f"other-{n}" for n in range(16)], file) == {f"other-{n}": "x" for n in range(16)}


@pytest.mark.parametrize("named", [True, False], ids=["its pid file", "its number"])
def test_a_broker_of_somebody_elses_is_told(tmp_path: Path, named: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        file = tmp_path / "broker.pid"
        file.write_text(f"{child.pid}\n")
        send_hangup(str(file) if named else str(child.pid))
        assert child.wait(10) == 7


def test_a_broker_that_does_not_run_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(ServiceFailed, match="was not told"):
        send_hangup(str(tmp_path / "none.pid"))
