"""No helmet: rider, passenger or both of a motorcycle bare-headed. With both, the maximum doubles (facts 2.3)."""

from typing import Any, Final

import numpy as np

from contracts.findings import Because
from contracts.records import Helmet
from contracts.rules import Rule
from processing.cases.case import Case, case
from processing.cases.passing import Passing
from processing.compiled import Compiled

KIND: Final = "no_helmet"
WHO: Final = {
    int(Helmet.RIDER_BARE): "rider",
    int(Helmet.PASSENGER_BARE): "passenger",
    int(Helmet.NONE): "rider and passenger",
}


def judge(compiled: Compiled, seen: Passing) -> list[Case]:
    """The cases among these passages, on arrival; where the camera could not see heads, nothing is guessed."""
    rules = compiled.rules_of(KIND)
    if not rules:
        return []
    bare = (seen.helmet > Helmet.ALL) & (seen.helmet <= Helmet.NONE) & seen.motorcycle
    return [_case(compiled, rules[0], seen.rows[at]) for at in np.flatnonzero(bare)]


def _case(compiled: Compiled, rule: Rule, passage: Any) -> Case:
    helmet, riders = int(passage["helmet"]), int(passage["riders"])
    both = helmet == Helmet.NONE and riders != 1
    bare = max(2, riders) if both else 1
    because = Because(
        measured=float(bare),
        limit=0.0,
        threshold=0.0,
        margin=float(bare),
        unit="bare heads",
        needed="bare_heads == 0",
        source=rule.law,
        inputs={
            "bare_heads": bare,
            "who": WHO[helmet] if both or helmet != Helmet.NONE else "rider",
            "riders": riders if riders >= 0 else None,
            "doubles": both,
        },
    )
    return case(compiled, rule, KIND, passage, because)
