"""Keys live apart, are made once and destroyed for good; what they seal opens with them alone."""

import os
import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.clock import HOUR_US, THAI_OFFSET_US
from contracts.columns import PLATE_HASH_BYTES, PLATE_SEALED_BYTES
from contracts.errors import VaultError
from contracts.ports import PlateOpener, PlateSealer
from storage.keyfolder import KeyFolder
from storage.vault import TRUST_S, Vault, thai_day

PLATE, SKELETON = "1กข1234|TH-83", "1NN1234"
NOON_US = 1_800_000_000_000_000 - THAI_OFFSET_US - 8 * HOUR_US + 12 * HOUR_US
"""Noon of 15 January 2027 in Phuket."""
MIDNIGHT_US = NOON_US + 12 * HOUR_US
ZERO = bytes(PLATE_HASH_BYTES)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "keys")


def test_the_vault_is_what_ingest_and_the_reader_need(vault: Vault) -> None:
    def carry(sealer: PlateSealer, opener: PlateOpener) -> str:
        assert sealer.seal(PLATE, SKELETON, NOON_US).day == thai_day(NOON_US)
        return opener.open_case(*vault.case_seal(PLATE, NOON_US))

    assert carry(vault, vault) == PLATE


@given(text=st.text(max_size=47).filter(lambda text: len(text.encode()) <= 47), moment_us=st.integers(0, 4 * 10**15))
@settings(max_examples=50, deadline=None)
def test_a_plate_opens_to_what_was_sealed(tmp_path_factory: pytest.TempPathFactory, text: str, moment_us: int) -> None:
    vault = Vault(tmp_path_factory.getbasetemp() / "any-plate")
    plate = vault.seal(text, SKELETON, moment_us)
    assert vault.open_day(plate.sealed, plate.day) == text
    assert len(plate.sealed) == PLATE_SEALED_BYTES
    assert {len(plate.hash), len(plate.hash_before), len(plate.skeleton)} == {PLATE_HASH_BYTES}
    assert vault.open_case(*vault.case_seal(text, moment_us)) == text


def test_a_plate_longer_than_a_seal_is_refused_without_quoting_it(vault: Vault) -> None:
    with pytest.raises(VaultError) as caught:
        vault.seal("ก" * 16, "", NOON_US)
    assert "ก" not in str(caught.value)


def test_the_same_plate_has_one_hash_a_day_and_another_the_next(vault: Vault) -> None:
    first, again, later = (vault.seal(PLATE, SKELETON, NOON_US + hours * HOUR_US) for hours in (0, 1, 24))
    assert first.hash == again.hash != later.hash
    assert first.sealed != again.sealed
    assert first.hash != first.skeleton
    assert vault.hashes(PLATE, first.day) == first.hash


def test_the_day_changes_at_midnight_in_phuket() -> None:
    assert thai_day(MIDNIGHT_US - 1) + 1 == thai_day(MIDNIGHT_US)


def test_for_two_hours_after_midnight_a_plate_carries_the_hash_of_the_day_before(vault: Vault) -> None:
    evening = vault.seal(PLATE, SKELETON, MIDNIGHT_US - 1)
    for offset_us, expected in ((0, evening.hash), (2 * HOUR_US - 1, evening.hash), (2 * HOUR_US, ZERO)):
        assert vault.seal(PLATE, SKELETON, MIDNIGHT_US + offset_us).hash_before == expected
    assert evening.hash_before == ZERO


def test_a_destroyed_day_is_gone_for_good_and_is_never_made_again(vault: Vault, tmp_path: Path) -> None:
    plate = vault.seal(PLATE, SKELETON, NOON_US)
    day, payload = vault.seal_bytes(b"{}", NOON_US)
    content = (tmp_path / "keys" / f"day-{day}.key").read_bytes()
    assert vault.destroy(day)
    assert not vault.destroy(day)
    for attempt in (
        lambda: vault.open_day(plate.sealed, day),
        lambda: vault.open_bytes(payload, day),
        lambda: vault.seal(PLATE, SKELETON, NOON_US),
        lambda: Vault(tmp_path / "keys").seal(PLATE, SKELETON, NOON_US),
        lambda: vault.hashes(PLATE, day),
    ):
        with pytest.raises(VaultError, match="destroyed"):
            attempt()
    assert all(content not in path.read_bytes() for path in (tmp_path / "keys").iterdir())


def test_another_process_notices_within_a_minute_that_a_day_was_destroyed(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = vault.seal(PLATE, SKELETON, NOON_US).day
    Vault(tmp_path / "keys").destroy(day)
    later_s = time.monotonic() + TRUST_S
    monkeypatch.setattr("storage.vault.time.monotonic", lambda: later_s)
    with pytest.raises(VaultError, match="destroyed"):
        vault.seal(PLATE, SKELETON, NOON_US)


def test_after_midnight_a_destroyed_day_before_leaves_its_hash_empty(vault: Vault) -> None:
    vault.destroy(thai_day(MIDNIGHT_US - 1))
    assert vault.seal(PLATE, SKELETON, MIDNIGHT_US).hash_before == ZERO


def test_opening_never_makes_a_key(vault: Vault) -> None:
    with pytest.raises(VaultError, match="right vault"):
        vault.open_day(bytes(PLATE_SEALED_BYTES), 20_000)
    with pytest.raises(VaultError, match="right vault"):
        vault.open_case(bytes(PLATE_SEALED_BYTES), bytes(64))
    assert list(vault.entries()) == []


def test_a_seal_is_bound_to_its_day_and_its_purpose(vault: Vault) -> None:
    plate = vault.seal(PLATE, SKELETON, NOON_US)
    vault.seal(PLATE, SKELETON, NOON_US + 24 * HOUR_US)
    sealed, wrapped = vault.case_seal(PLATE, NOON_US)
    altered = bytes([*plate.sealed[:-1], plate.sealed[-1] ^ 1])
    for attempt in (
        lambda: vault.open_day(plate.sealed, plate.day + 1),
        lambda: vault.open_day(altered, plate.day),
        lambda: vault.open_bytes(plate.sealed, plate.day),
        lambda: vault.open_case(plate.sealed, wrapped),
        lambda: vault.open_case(sealed, vault.case_seal(PLATE, NOON_US)[1]),
    ):
        with pytest.raises(VaultError, match="does not open"):
            attempt()


def test_folder_and_files_are_the_owners_alone(vault: Vault, tmp_path: Path) -> None:
    vault.seal(PLATE, SKELETON, NOON_US)
    vault.case_seal(PLATE, NOON_US)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert modes == {0o600}


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(VaultError, match="chmod 700"):
        Vault(tmp_path / "open")


def test_a_damaged_key_is_named_and_not_replaced(vault: Vault, tmp_path: Path) -> None:
    day = vault.seal(PLATE, SKELETON, NOON_US).day
    (tmp_path / "keys" / f"day-{day}.key").write_bytes(b"short")
    with pytest.raises(VaultError, match="5 bytes"):
        Vault(tmp_path / "keys").seal(PLATE, SKELETON, NOON_US)


def test_of_many_who_make_a_key_at_once_all_get_the_same(tmp_path: Path) -> None:
    folders = [KeyFolder(tmp_path / "keys") for _ in range(8)]
    start = threading.Barrier(len(folders))
    keys: list[bytes] = []

    def take(folder: KeyFolder) -> None:
        start.wait()
        keys.append(folder.take("day", 1, 64))

    threads = [threading.Thread(target=take, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert os.listdir(tmp_path / "keys") == ["day-1.key"]


def test_the_list_of_keys_tells_them_apart_without_showing_them(vault: Vault, tmp_path: Path) -> None:
    day = vault.seal(PLATE, SKELETON, NOON_US).day
    vault.case_seal(PLATE, NOON_US)
    vault.destroy(day + 1)
    found = {(entry.kind, entry.day - day, entry.destroyed) for entry in vault.entries()}
    assert found == {("day", 0, False), ("day", 1, True), ("case", -14, False)}
    prints = [entry.fingerprint for entry in vault.entries() if not entry.destroyed]
    assert len(set(prints)) == 2
    assert all(p not in path.read_bytes() for p in prints for path in (tmp_path / "keys").iterdir())
