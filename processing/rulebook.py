"""What each kind of rule takes from a city's `rules`: its params and their bounds, a metric, one rule or several.

The engine looks params up while it folds, where a missing one would stop every batch after it; so a city is held to
this before it is kept and again before it comes into force. A new file in `processing/rules` or `processing/detectors`
enters its kind here.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from contracts.city import City
from contracts.errors import ConfigError
from contracts.rules import Rule


@dataclass(frozen=True, slots=True)
class Param:
    """A number that a kind of rule takes, from `least` to `most`, and never above another param of the same rule."""

    required: bool = False
    least: float = -math.inf
    most: float = math.inf
    not_above: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What a kind takes. `alone`: at most one enabled rule of it, for the ids of its findings do not name the rule.

    `alarms`: the alarm kinds that a rule of it can raise, each of which needs its rationalised entry; `RULE_ID` stands
    for the id of the rule itself.
    """

    params: dict[str, Param] = field(default_factory=dict)
    has_metric: bool = False
    alone: bool = False
    alarms: tuple[str, ...] = ()


RULE_ID: Final = "{id}"


EXCEEDANCE, LIMIT = "exceedance", "limit"
"""An exceedance has this param, or the city has thresholds for it by device."""

FORMS: Final = {
    "speeding": Form(alone=True),
    "wrong_way": Form(alone=True, params={"min_speed_kmh": Param(least=0, most=60)}),
    "no_helmet": Form(alone=True),
    "overloaded": Form(alone=True, params={"max_riders": Param(required=True, least=1, most=8)}),
    "illegal_stopping": Form(alone=True, params={"max_dwell_s": Param(required=True, least=10, most=86_400)}),
    "red_light": Form(
        alone=True,
        params={
            "grace_s": Param(required=True, least=0, most=10),
            "sure_s": Param(required=True, least=0, most=60),
            "most_s": Param(required=True, least=30, most=3_600),
            "amber_most_s": Param(required=True, least=1, most=60),
            "clock_uncertainty_s": Param(required=True, least=0, most=10),
        },
    ),
    "section_speed": Form(
        alone=True,
        params={
            "clock_uncertainty_s": Param(required=True, least=0, most=10),
            "keep_s": Param(required=True, least=0, most=7_200),
        },
    ),
    "cloned_plate": Form(
        alone=True,
        params={
            "fastest_kmh": Param(required=True, least=150, most=1_000),
            "least_km": Param(required=True, least=0.5, most=100),
            "position_uncertainty_m": Param(required=True, least=0, most=1_000),
            "clock_uncertainty_s": Param(required=True, least=0, most=60),
            "keep_s": Param(required=True, least=0, most=7_200),
        },
    ),
    "notice": Form(
        alone=True,
        params={
            "notice_days": Param(required=True, least=1, most=3_660, not_above="limitation_days"),
            "limitation_days": Param(required=True, least=1, most=3_660),
        },
    ),
    "trust": Form(
        alone=True,
        params={
            "max_clock_offset_ms": Param(required=True, least=1, most=60_000),
            "min_lens_score": Param(required=True, least=0, most=1),
            "max_status_age_s": Param(least=1, most=86_400),
        },
    ),
    "silence": Form(alone=True, alarms=("silence",)),
    "outage": Form(
        alone=True,
        alarms=("outage",),
        params={
            "hold_s": Param(least=1, most=3_600),
            "within_s": Param(least=0, most=3_600),
            "min_devices": Param(least=2, most=1_000),
            "share": Param(least=0.1, most=1),
            "many": Param(least=2, most=10_000),
        },
    ),
    "bad-messages": Form(
        alone=True,
        alarms=("bad-messages",),
        params={
            "start_above": Param(least=1, most=100_000),
            "end_below": Param(least=1, not_above="start_above"),
            "calm_minutes": Param(least=1, most=60),
        },
    ),
    "congestion": Form(
        alone=True,
        alarms=("congestion",),
        params={
            "minutes": Param(least=1, most=15),
            "begin_share": Param(least=0.05, most=1, not_above="end_share"),
            "end_share": Param(least=0.05, most=1),
            "signal_begin_share": Param(least=0.05, most=1, not_above="signal_end_share"),
            "signal_end_share": Param(least=0.05, most=1),
            "begin_occupancy": Param(least=0, most=1),
            "end_occupancy": Param(least=0, most=1, not_above="begin_occupancy"),
            "min_vehicles": Param(least=1, most=10_000),
        },
    ),
    "incident": Form(
        alone=True,
        alarms=("incident",),
        params={
            "minutes": Param(least=1, most=5),
            "before_minutes": Param(least=2, most=15),
            "confirm_minutes": Param(least=1, most=5),
            "begin_share": Param(least=0.05, most=1, not_above="end_share"),
            "end_share": Param(least=0.05, most=1),
            "signal_begin_share": Param(least=0.05, most=1, not_above="signal_end_share"),
            "signal_end_share": Param(least=0.05, most=1),
            "begin_occupancy": Param(least=0, most=1),
            "fall_share": Param(least=0.1, most=1, not_above="recovered_share"),
            "rise_factor": Param(least=1, most=10),
            "recovered_share": Param(least=0.1, most=1),
            "downstream_speed_share": Param(least=0.1, most=1),
            "downstream_free_share": Param(least=0.05, most=1),
            "downstream_vehicles": Param(least=1, most=10_000),
            "downstream_occupancy_share": Param(least=0.05, most=1),
            "min_vehicles": Param(least=1, most=10_000),
        },
    ),
    "alarm-flood": Form(
        alone=True,
        alarms=("alarm-flood",),
        params={
            "start_above": Param(least=1, most=1_000),
            "end_below": Param(least=1, not_above="start_above"),
            "within_s": Param(least=60, most=3_600),
        },
    ),
    "exceedance": Form(
        has_metric=True,
        alarms=(RULE_ID,),
        params={
            "limit": Param(),
            "clear_below": Param(not_above="limit"),
            "min_hours": Param(least=1, most=24),
            "min_completeness": Param(least=0, most=1),
            "on_delay_s": Param(least=0, most=86_400),
            "off_delay_s": Param(least=0, most=86_400),
        },
    ),
    "anomaly": Form(
        has_metric=True,
        alarms=("anomaly-spike", "anomaly-shift"),
        params={
            "min_deviation": Param(required=True, least=0, not_above="sure_deviation"),
            "sure_deviation": Param(least=0),
            "on_strength": Param(least=1, most=100),
            "calm_minutes": Param(least=1, most=1_440),
            "shift_minutes": Param(least=1, most=1_440),
        },
    ),
    "neighbours": Form(
        has_metric=True,
        alarms=("drift", "sensor-disagrees", "city-event"),
        params={
            "min_deviation": Param(required=True, least=0),
            "within_km": Param(required=True, least=0.1, most=1_000),
            "hold_minutes": Param(least=1, most=1_440),
            "slow_minutes": Param(least=1, most=10_080),
            "min_members": Param(least=3, most=1_000),
        },
    ),
    "frozen": Form(
        has_metric=True,
        alarms=("frozen-value",),
        params={"after_s": Param(required=True, least=120, most=604_800), "except_value": Param()},
    ),
}
"""By kind. Limits and times of speeding and silence stand with the segments and the devices."""


def check_rules(city: City) -> None:
    """Check that the engine can work with the city's rules, the disabled ones too: they are switched on as they are.

    Raises:
        ConfigError: names the rule, the key, and what is allowed there.
    """
    for rule in city.rules:
        form = FORMS.get(rule.kind)
        if form is None:
            raise _wrong(city, rule, "kind", rule.kind, f"there is no such kind; there are {_listed(FORMS)}")
        if form.has_metric and rule.metric is None:
            raise _wrong(city, rule, "metric", None, f"a rule of kind {rule.kind} needs the metric that it judges")
        if not form.has_metric and rule.metric is not None:
            raise _wrong(city, rule, "metric", rule.metric, f"a rule of kind {rule.kind} takes none; leave it out")
        _check_params(city, rule, form)
    enabled = Counter(rule.kind for rule in city.rules if rule.enabled)
    for rule in city.rules:
        count = enabled[rule.kind]
        if rule.enabled and FORMS[rule.kind].alone and count > 1:
            problem = f"{count} rules of kind {rule.kind} are enabled, and one is allowed; disable the others"
            raise _wrong(city, rule, "enabled", True, problem)


def _check_params(city: City, rule: Rule, form: Form) -> None:
    for name, value in rule.params.items():
        param = form.params.get(name)
        if param is None:
            problem = f"a rule of kind {rule.kind} has no such param; it takes {_listed(form.params) or 'none'}"
            raise _wrong(city, rule, f"params.{name}", value, problem)
        if not math.isfinite(value) or not param.least <= value <= param.most:
            allowed = "any number" if param.least == -math.inf else f"{param.least:g} to {param.most:g}"
            raise _wrong(city, rule, f"params.{name}", value, f"not allowed; {allowed} is")
        if param.not_above and value > rule.params.get(param.not_above, math.inf):
            problem = f"lies above {param.not_above} = {rule.params[param.not_above]:g}; at most that is allowed"
            raise _wrong(city, rule, f"params.{name}", value, problem)
    by_device = {threshold.rule for threshold in city.thresholds}
    for name, param in form.params.items():
        required = param.required or (rule.kind == EXCEEDANCE and name == LIMIT and rule.id not in by_device)
        if required and name not in rule.params:
            raise _wrong(city, rule, f"params.{name}", None, f"a rule of kind {rule.kind} needs it")


def _wrong(city: City, rule: Rule, key: str, value: object, problem: str) -> ConfigError:
    return ConfigError(f"rules.{rule.id}.{key}", value, problem, city.id)


def _listed(names: dict[str, Form] | dict[str, Param]) -> str:
    return ", ".join(sorted(names))
