"""Bearer tokens: only what we gave out, unaltered and in time, says anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.settings import ApiSettings
from api.tokens import BadToken, issue, verify
from contracts.answers import Role
from contracts.errors import ConfigError

SECRET = b"0123456789abcdef0123456789abcdef"
NOW_S = 1_800_000_000.0


def test_a_token_says_who_as_what_and_until_when() -> None:
    claims = verify(SECRET, issue(SECRET, "somchai", "police", 60, NOW_S), NOW_S + 59)
    assert (claims.name, claims.role, claims.expires_s) == ("somchai", Role.POLICE, NOW_S + 60)


def test_a_token_ends() -> None:
    with pytest.raises(BadToken, match="ended"):
        verify(SECRET, issue(SECRET, "somchai", "police", 60, NOW_S), NOW_S + 60)


def test_another_secret_signs_nothing_of_ours() -> None:
    with pytest.raises(BadToken, match="signature"):
        verify(SECRET, issue(b"x" * 32, "somchai", "admin", 60, NOW_S), NOW_S)


@given(st.data())
def test_no_altered_character_goes_unnoticed(data: st.DataObject) -> None:
    token = issue(SECRET, "somchai", "operator", 60, NOW_S)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != token[at]))
    with pytest.raises(BadToken):
        verify(SECRET, token[:at] + other + token[at + 1 :], NOW_S)


@given(st.text(max_size=600))
def test_no_text_breaks_the_check(text: str) -> None:
    with pytest.raises(BadToken):
        verify(SECRET, text, NOW_S)


@pytest.mark.parametrize(("name", "role", "lifetime_s"), [("", "admin", 60), ("a", "king", 60), ("a", "admin", 0)])
def test_no_token_is_issued_that_means_nothing(name: str, role: str, lifetime_s: float) -> None:
    with pytest.raises(ValueError):
        issue(SECRET, name, role, lifetime_s, NOW_S)


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="token_secret"):
        ApiSettings(b"short")
