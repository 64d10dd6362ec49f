"""Overloaded motorcycle: more people on it than the rule allows."""

from typing import Final

import numpy as np

from contracts.findings import Because
from contracts.rules import Rule
from processing.cases.case import Case, cases
from processing.cases.passing import Passing
from processing.compiled import Compiled

KIND: Final = "overloaded"


def judge(compiled: Compiled, seen: Passing) -> list[Case]:
    """The cases among these passages, on arrival; an uncounted motorcycle (-1) is none."""
    rules = compiled.rules_of(KIND)
    if not rules:
        return []
    over = (seen.riders > rules[0].params["max_riders"]) & seen.motorcycle
    hits = np.flatnonzero(over)
    becauses = (_because(rules[0], riders) for riders in seen.riders[hits].tolist())
    return cases(compiled, rules[0], KIND, seen, hits, becauses)


def _because(rule: Rule, riders: int) -> Because:
    most = rule.params["max_riders"]
    return Because(
        measured=float(riders),
        limit=most,
        threshold=most,
        margin=riders - most,
        unit="riders",
        needed=f"riders <= {most:g}",
        source=rule.law,
        inputs={"riders": riders, "max_riders": int(most)},
    )
