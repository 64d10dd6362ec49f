"""What a person reads of a finding: complete, in both languages, and as it was read by people before."""

import re

import pytest

from contracts.city import City
from contracts.sentences import ALARMS, OFFENCES, REASONS, of_alarm, of_violation
from processing.rulebook import FORMS
from tests.fixtures.phuket import phuket
from tests.fixtures.sentences import FILE, sentences


@pytest.fixture(scope="module")
def written() -> str:
    return sentences()


def test_every_sentence_is_as_it_was_read(written: str) -> None:
    assert written == FILE.read_text(encoding="utf-8"), "python -m tests.fixtures.sentences, then read what changed"


def test_no_sentence_lacks_a_figure_or_shows_a_placeholder(written: str) -> None:
    said = [line for line in written.splitlines() if line.startswith("- ")]
    assert said and not [line for line in said if "?" in line or "{" in line or "nan" in line.lower()]


def test_every_sentence_has_its_thai(written: str) -> None:
    said = [line for line in written.splitlines() if line.startswith("- ")]
    assert all(re.search(r"[\u0e00-\u0e7f]", line) for line in said[1::2])


def test_every_offence_of_phuket_has_words_of_its_own() -> None:
    city: City = phuket()
    offences = {rule.offence for rule in city.rules if rule.offence}
    assert offences <= set(OFFENCES)


def test_a_finding_of_a_kind_without_words_is_said_plainly() -> None:
    because = {"measured": 5.25, "limit": 4.0, "threshold": 3.5, "margin": 1.75, "unit": "m", "needed": "level < 3.5",
               "inputs": {}}  # fmt: skip
    says = of_alarm("new-kind", "active", because, None)
    assert says.en == "new-kind: 5.25 m, where 4 is the limit. It ends below 3.5."
    assert of_violation("new", "car", because, True, "").en.startswith("car: 5.25 m")


def test_a_row_from_before_there_were_reasons_breaks_nothing() -> None:
    assert of_alarm("silence", "active", {}, None).en
    assert of_violation("speeding", "car", {}, True, "").th


def test_words_are_there_for_kinds_that_exist() -> None:
    kinds = {*FORMS, "silence", "outage", "alarm-flood", "frozen-value", "sensor-disagrees", "city-event", "drift"}
    assert set(ALARMS) <= kinds and set(OFFENCES) <= set(FORMS) and REASONS
