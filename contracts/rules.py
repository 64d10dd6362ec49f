"""The rules and detectors that are switched on, with their figures and the law behind them."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from contracts.entry import Entry, Slug, check_known, check_unique
from contracts.errors import ConfigError


class Rule(Entry, frozen=True):
    """A rule or detector that is switched on, with its figures and, for offences, the law.

    `kind` names the file in `processing/rules` or `processing/detectors`. `params` are numbers by name;
    `processing/rulebook.py` says which a kind takes, and refuses a city with others.
    """

    id: Slug
    kind: str
    version: int = 1
    enabled: bool = True
    params: dict[str, float] = msgspec.field(default_factory=dict)
    metric: Slug | None = None
    statistic: Literal["mean", "max", "min", "last"] = "mean"
    """Which figure of a measured metric's minute an exceedance looks at; derived metrics have one figure."""
    offence: str = ""
    law: str = ""
    law_th: str = ""
    fine_source: str = ""
    verified: bool = False


class Threshold(Entry, frozen=True):
    """A rule's limit at one device, where each has its own: a water gauge counts from its own zero."""

    rule: Slug
    device: Slug
    limit: float
    clear_below: float
    source: str
    verified: bool = False


def check_rule_entries(
    rules: Sequence[Rule], thresholds: Sequence[Threshold], metrics: set[str], devices: set[str]
) -> None:
    """Check that they refer to what there is; `processing/rulebook.py` checks what each kind of rule takes.

    Raises:
        ConfigError: names the entry that refers to nothing, stands twice or contradicts itself.
    """
    check_unique("rules", (rule.id for rule in rules))
    check_known("rules.metric", ((rule.id, rule.metric) for rule in rules if rule.metric), metrics)
    check_known("thresholds.rule", ((entry.device, entry.rule) for entry in thresholds), {rule.id for rule in rules})
    check_known("thresholds.device", ((entry.rule, entry.device) for entry in thresholds), devices)
    check_unique("thresholds", ((entry.rule, entry.device) for entry in thresholds))
    for entry in thresholds:
        if entry.clear_below > entry.limit:
            raise ConfigError("thresholds.clear_below", entry.clear_below, f"{entry.device}: lies above the limit")
