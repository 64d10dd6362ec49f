"""What a city may ask of the engine: each kind of rule takes its own params, and anything else is named."""

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import msgspec
import pytest

import processing.detectors
import processing.rules
from contracts.city import City
from contracts.errors import ConfigError
from contracts.findings import Condition
from processing.compiled import compile_city
from processing.engine import step
from processing.rulebook import FORMS, check_rules
from tests.fixtures.small_city import PM25, small_city
from tests.fixtures.stream import Said, Shelf, batch_of, fold

PARAMS = {"limit": 37.5, "clear_below": 35.0, "min_hours": 18.0}


@pytest.fixture(scope="module")
def city() -> City:
    return small_city()


def changed(city: City, rule_id: str, **values: Any) -> City:
    rules = tuple(msgspec.structs.replace(rule, **values) if rule.id == rule_id else rule for rule in city.rules)
    return msgspec.structs.replace(city, rules=rules)


def kinds(package: ModuleType) -> set[str]:
    """What the files of a folder call their kind."""
    modules = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    return {module.KIND for module in modules if hasattr(module, "KIND")}


def test_every_kind_of_the_engine_is_in_the_rulebook() -> None:
    assert kinds(processing.rules) | kinds(processing.detectors) <= set(FORMS)


@pytest.mark.parametrize(
    ("rule_id", "values", "named"),
    [
        ("pm25-24h", {"params": {}}, r"rules\.pm25-24h\.params\.limit = None: a rule of kind exceedance needs it"),
        (
            "pm25-24h",
            {"params": {**PARAMS, "limti": 1.0}},
            r"limti = 1.0: .* it takes clear_below, limit, min_completeness, min_hours, off_delay_s, on_delay_s",
        ),
        ("pm25-24h", {"params": {**PARAMS, "limit": float("nan")}}, r"params\.limit = nan: not allowed; any number is"),
        ("pm25-24h", {"params": {**PARAMS, "min_hours": 25.0}}, r"params\.min_hours = 25.0: not allowed; 1 to 24 is"),
        ("pm25-24h", {"params": {**PARAMS, "min_hours": 0.0}}, r"params\.min_hours = 0.0: not allowed; 1 to 24 is"),
        ("pm25-24h", {"params": {**PARAMS, "clear_below": 38.0}}, r"clear_below = 38.0: lies above limit = 37.5"),
        ("pm25-24h", {"metric": None}, r"rules\.pm25-24h\.metric = None: .* needs the metric"),
        ("pm25-24h", {"enabled": False, "params": {}}, r"rules\.pm25-24h\.params\.limit"),
        ("silence", {"metric": "level"}, r"rules\.silence\.metric = 'level': .* takes none"),
        ("silence", {"params": {"after_s": 60.0}}, r"rules\.silence\.params\.after_s = 60.0: .* it takes none"),
        ("speeding", {"kind": "sped"}, r"rules\.speeding\.kind = 'sped': .* exceedance, .*silence, .*speeding"),
    ],
)
def test_a_rule_that_the_engine_cannot_work_with_is_named(
    city: City, rule_id: str, values: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        check_rules(changed(city, rule_id, **values))


@pytest.mark.parametrize("kind", ["speeding", "silence"])
def test_one_enabled_rule_of_a_kind_whose_ids_do_not_name_it(city: City, kind: str) -> None:
    (first,) = (rule for rule in city.rules if rule.kind == kind)
    two = msgspec.structs.replace(city, rules=(*city.rules, msgspec.structs.replace(first, id="second")))
    with pytest.raises(ConfigError, match=rf"rules\.{kind}\.enabled = True: 2 rules of kind {kind} are enabled"):
        check_rules(two)
    check_rules(changed(two, "second", enabled=False))


def test_a_city_with_such_a_rule_does_not_come_into_force(city: City) -> None:
    with pytest.raises(ConfigError, match=r"testville: rules\.pm25-24h\.params\.limit"):
        compile_city(changed(city, "pm25-24h", params={}))


def test_two_standards_for_one_metric_are_allowed(city: City) -> None:
    second = msgspec.structs.replace(city.rules[1], id="pm25-health", params={"limit": 75.0})
    check_rules(msgspec.structs.replace(city, rules=(*city.rules, second)))


def test_every_alarm_of_a_rule_that_is_switched_off_ends_as_the_version_comes_into_force(city: City) -> None:
    hours = [Said(at * 300.0 + 0.5, 4, at * 300.0, at + 1, 90.0, PM25, 0) for at in range(20 * 12)]
    state, run, _ = fold(city, hours, 20 * 3600.0)
    standing = {alarm.id for alarm in run.alarms.values() if alarm.condition is Condition.ACTIVE}
    assert {alarm.kind for alarm in run.alarms.values()} == {"pm25-24h", "silence"}
    off = msgspec.structs.replace(city, rules=())
    switched = replace(batch_of(2, 20 * 3600.0, 20 * 3600.0 + 1), config=2)
    _, outputs = step(state, switched, Shelf({1: city, 2: off}, {}))
    assert {alarm.id for alarm in outputs.alarms if alarm.condition is Condition.NORMAL} == standing
