"""Checking a password takes the same work for everybody, and a kept hash gives nothing away."""

import pytest

from storage import passwords
from storage.passwords import hashed, is_outdated, matches

PASSWORD = "correct horse battery"


def test_a_kept_hash_opens_with_its_password_alone() -> None:
    kept = hashed(PASSWORD)
    assert kept.startswith("$argon2id$") and PASSWORD not in kept
    assert matches(kept, PASSWORD) and not matches(kept, PASSWORD + " ")
    assert hashed(PASSWORD) != kept


def test_a_name_that_nobody_has_costs_the_same_work_and_never_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = passwords._HASHER.verify

    class Counting:
        hash = staticmethod(passwords._HASHER.hash)

        @staticmethod
        def verify(kept: str, password: str) -> bool:
            checked.append(kept.rsplit("$", 2)[0])  # kind, version and cost, without salt and hash
            return verify(kept, password)

    kept = hashed(PASSWORD)
    monkeypatch.setattr(passwords, "_HASHER", Counting)
    assert not matches(None, "nobody's password") and not matches(kept, "wrong")
    assert len(checked) == 2 and checked[0] == checked[1]


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$broken"])
def test_a_broken_hash_opens_for_nobody(kept: str) -> None:
    assert not matches(kept, PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_a_password_of_a_bad_length_is_not_kept(password: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        hashed(password)


def test_a_hash_of_weaker_parameters_is_noticed() -> None:
    assert is_outdated("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43)
    assert not is_outdated(hashed(PASSWORD))
