"""The rationalised list: what can be raised has its entry, in both languages, with a priority that follows."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from contracts.city import City
from contracts.errors import ConfigError
from processing.alarms.rationalised import MATRIX, check_responses, kinds_raised, priority_of
from tests.fixtures.phuket import phuket
from tests.fixtures.small_city import small_city


def without(city: City, kind: str) -> City:
    return msgspec.structs.replace(city, responses=tuple(entry for entry in city.responses if entry.kind != kind))


def changed(city: City, kind: str, **values: Any) -> City:
    responses = (msgspec.structs.replace(e, **values) if e.kind == kind else e for e in city.responses)
    return msgspec.structs.replace(city, responses=tuple(responses))


@pytest.mark.parametrize(
    ("kind", "source"),
    [("pm25-24h", "rule pm25-24h"), ("silence", "rule silence"), ("outage", "rule outage"),
     ("alarm-flood", "rule alarm-flood"), ("poison", "the pipeline itself")],
)  # fmt: skip
def test_an_alarm_that_can_be_raised_needs_its_entry(kind: str, source: str) -> None:
    check_responses(phuket())
    with pytest.raises(ConfigError, match=rf"responses\.kind = '{kind}': {source} can raise it"):
        check_responses(without(phuket(), kind))


def test_a_rule_that_is_switched_off_raises_nothing() -> None:
    city = small_city()
    off = msgspec.structs.replace(city, rules=tuple(msgspec.structs.replace(r, enabled=False) for r in city.rules))
    assert set(kinds_raised(off)) == {"poison", "disk-low", "clock-fault", "broker-drops"}
    check_responses(without(off, "pm25-24h"))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"action_th": " "}, r"responses\.silence\.action_th"),
        ({"cause_en": ""}, r"responses\.silence\.cause_en"),
        ({"call": ""}, r"responses\.silence\.call"),
        ({"respond_within_s": 0}, r"responses\.silence\.respond_within_s = 0: .* is no alarm"),
        (
            {"severity": "severe"},
            r"responses\.silence\.priority = 'low': with severity severe and 600 s it is critical",
        ),
    ],
)
def test_an_entry_says_all_of_it_and_its_priority_follows(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        check_responses(changed(small_city(), "silence", **values))


@pytest.mark.parametrize(
    ("severity", "within_s", "priority"),
    [("minor", 601, "low"), ("minor", 600, "medium"), ("major", 3601, "low"), ("major", 3600, "medium"),
     ("major", 600, "high"), ("severe", 7200, "medium"), ("severe", 3600, "high"), ("severe", 60, "critical")],
)  # fmt: skip
def test_priority_follows_from_severity_and_time_to_respond(severity: str, within_s: int, priority: str) -> None:
    entry = msgspec.structs.replace(small_city().responses[0], severity=severity, respond_within_s=within_s)
    assert priority_of(entry) == priority


def test_more_severe_or_sooner_is_never_less_urgent() -> None:
    ranks = ("low", "medium", "high", "critical")
    for urgencies in (("later", "soon"), ("soon", "now")):
        for severity in ("minor", "major", "severe"):
            low, high = (ranks.index(MATRIX[severity, urgency]) for urgency in urgencies)
            assert low <= high
    for severities in (("minor", "major"), ("major", "severe")):
        for urgency in ("later", "soon", "now"):
            low, high = (ranks.index(MATRIX[severity, urgency]) for severity in severities)
            assert low <= high


def test_every_alarm_of_phuket_says_how_bad_it_can_get() -> None:
    assert [entry.kind for entry in phuket().responses if entry.severity == "unstated"] == []


def test_high_priorities_are_few_in_phuket() -> None:
    """EEMUA: 80 % low, 15 % medium, 5 % high, of all that can be raised; each device of a kind counts."""
    city = phuket()
    share: Counter[str] = Counter()
    for entry in city.responses:
        share[entry.priority] += len(city.devices) if entry.kind == "silence" else 1
    total = share.total()
    assert share["low"] / total >= 0.8
    assert (share["high"] + share["critical"]) / total <= 0.1
