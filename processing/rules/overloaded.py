"""Overloaded motorcycle: more people on it than the rule allows."""

from typing import Any, Final

import numpy as np

from contracts.findings import Because
from contracts.rules import Rule
from processing.cases.case import Case, case
from processing.cases.passing import Passing
from processing.compiled import Compiled

KIND: Final = "overloaded"


def judge(compiled: Compiled, seen: Passing) -> list[Case]:
    """The cases among these passages, on arrival; an uncounted motorcycle (-1) is none."""
    rules = compiled.rules_of(KIND)
    if not rules:
        return []
    over = (seen.riders > rules[0].params["max_riders"]) & seen.motorcycle
    return [_case(compiled, rules[0], seen.rows[at]) for at in np.flatnonzero(over)]


def _case(compiled: Compiled, rule: Rule, passage: Any) -> Case:
    riders, most = float(passage["riders"]), rule.params["max_riders"]
    because = Because(
        measured=riders,
        limit=most,
        threshold=most,
        margin=riders - most,
        unit="riders",
        needed=f"riders <= {most:g}",
        source=rule.law,
        inputs={"riders": int(riders), "max_riders": int(most)},
    )
    return case(compiled, rule, KIND, passage, because)
