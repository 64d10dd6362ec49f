"""Whoever has the log and no key cannot try plates against it: every number made of a plate is keyed with its day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts import wire
from contracts.city import numbered
from contracts.clock import to_us
from contracts.columns import Columns
from contracts.delivery import Delivery
from contracts.errors import VaultError
from contracts.records import Passage, PlateRead
from contracts.topics import Kind
from ingest.decode import IntakeLimits, decode
from ingest.registry import Registry
from storage.vault import Vault, thai_day
from tests.fixtures.small_city import small_city

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
REGISTRY = Registry(numbered(small_city()))
WITH_PLATE_INSIDE = ("seq", "digest", "track")


def passage(t: datetime = NOON, plate: str = "1กข1234") -> Passage:
    return Passage(t=t, lane=1, vehicle="car", plates=[PlateRead(plate, 0.97, "TH-83")], track=plate)


def decoded(vault: Vault, *records: Passage, boot: int | None, late: timedelta = timedelta()) -> Columns:
    payload = wire.encode(Kind.PASSAGE, records, boot, boot)
    delivery = Delivery("andaman/v1/testville/wichit/cam-402-01/passage", payload, to_us(NOON + late))
    return decode([delivery], REGISTRY, vault, IntakeLimits()).passages


@pytest.mark.parametrize("boot", [None, 7])
def test_nothing_in_a_row_follows_from_its_plate_without_the_keys(tmp_path: Path, boot: int | None) -> None:
    ours, thieves = (decoded(Vault(tmp_path / name), passage(), boot=boot)[0] for name in ("ours", "thieves"))
    for name in WITH_PLATE_INSIDE:
        own_number = name == "seq" and boot
        assert (ours[name] == thieves[name]) == bool(own_number), name


@pytest.mark.parametrize("boot", [None, 7])
def test_the_same_message_is_known_again_and_another_plate_is_not(tmp_path: Path, boot: int | None) -> None:
    vault = Vault(tmp_path / "keys")
    first = decoded(vault, passage(), boot=boot)[0]
    again = decoded(Vault(tmp_path / "keys"), passage(), boot=boot, late=timedelta(days=3))[0]
    other = decoded(vault, passage(plate="1กข1235"), boot=boot)[0]
    assert (first["seq"], first["digest"]) == (again["seq"], again["digest"])
    assert first["digest"] != other["digest"]


def test_a_message_over_two_days_is_keyed_with_the_one_destroyed_first(tmp_path: Path) -> None:
    vault, yesterday = Vault(tmp_path / "keys"), NOON - timedelta(days=1)
    assert len(decoded(vault, passage(), passage(yesterday), boot=7)) == 2
    vault.destroy(thai_day(to_us(yesterday)))
    with pytest.raises(VaultError):
        vault.digest(b"any", to_us(yesterday))
    today, lost = decoded(vault, passage(), passage(yesterday), boot=7)
    assert (today["digest"], lost["digest"], today["plate_state"], lost["plate_state"]) == (0, 0, 1, 0)


def test_without_its_keys_a_passage_is_told_apart_by_what_is_left_of_it(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys")
    vault.digest(b"any", to_us(NOON))
    vault.destroy(thai_day(to_us(NOON)))
    (one,), (same,), (other,) = (
        decoded(vault, record, boot=None)
        for record in (passage(), passage(plate="1กข1235"), passage(NOON + timedelta(seconds=1)))
    )
    assert one["seq"] == same["seq"] != other["seq"] and one["track"] == -1
